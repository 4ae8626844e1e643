package feed

import (
	"maps"
	"sync"

	"tidings"
)

// Stats are the dispatcher's figures, for the metrics. Of the endpoints of all
// nodes it counts those that are delivered to here.
type Stats struct {
	Shards     int   // of tidings.Shards, those that are delivered to here
	Lanes      int   // endpoints known
	Active     int   // endpoints that are delivered to
	Blocked    int   // active endpoints whose head batch has failed
	InFlight   int   // POSTs under way
	Backlog    int64 // activities ahead of all active endpoints, summed
	MaxBacklog int64 // of one of them

	Batches    int64                     // delivered since the start
	Activities int64                     // in them
	Failures   map[tidings.Outcome]int64 // attempts that did not deliver, since the start
}

// counts are the counters behind Stats.
type counts struct {
	mu         sync.Mutex
	batches    int64
	activities int64
	failures   map[tidings.Outcome]int64
}

// observe counts an attempt and shows it to who watches.
func (d *Dispatcher) observe(account tidings.AccountID, a tidings.Attempt) {
	d.counts.add(a)
	d.tally(account, &a)
	d.watchers.tell(a)
}

// tally counts an attempt for the figures over time. One that was called off
// says nothing of the receiver.
func (d *Dispatcher) tally(account tidings.AccountID, a *tidings.Attempt) {
	if a.Outcome == tidings.OutcomeCanceled {
		return
	}
	c := tidings.Count{Account: account, Kind: tidings.TallyAnswered, Subject: tidings.TallySubject{ID: int64(a.Endpoint)}, Took: a.Duration}
	delivered := c
	delivered.Kind = tidings.TallyDelivered
	if a.Delivered {
		c.Done, delivered.Done = 1, int64(a.Activities)
	} else {
		c.Failed, delivered.Failed = 1, 1
	}
	d.cfg.Tallied(c)
	d.cfg.Tallied(delivered)
	delivered.Kind, delivered.Subject = tidings.TallyPosted, tidings.TallySubject{}
	d.cfg.Tallied(delivered)
}

func (c *counts) add(a tidings.Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Delivered {
		c.batches++
		c.activities += int64(a.Activities)
		return
	}
	if c.failures == nil {
		c.failures = map[tidings.Outcome]int64{}
	}
	c.failures[a.Outcome]++
}

// Stats looks at every lane once.
func (d *Dispatcher) Stats() Stats {
	d.counts.mu.Lock()
	s := Stats{Batches: d.counts.batches, Activities: d.counts.activities, Failures: maps.Clone(d.counts.failures)}
	d.counts.mu.Unlock()
	for _, shard := range d.held() {
		if shard.open() {
			s.Shards++
		}
		s.look(shard.all())
	}
	return s
}

func (s *Stats) look(lanes []*lane) {
	s.Lanes += len(lanes)
	for _, l := range lanes {
		l.mu.Lock()
		if l.posting {
			s.InFlight++
		}
		if l.ep.State == tidings.StateActive {
			backlog := int64(max(0, l.head-l.pos.Scanned))
			s.Active++
			s.Backlog += backlog
			s.MaxBacklog = max(s.MaxBacklog, backlog)
			if l.pos.Blocked() {
				s.Blocked++
			}
		}
		l.mu.Unlock()
	}
}

// Load is what the node tells the others of itself.
func (s *Stats) Load() tidings.NodeLoad {
	return tidings.NodeLoad{Endpoints: s.Lanes, Blocked: s.Blocked, InFlight: s.InFlight, Backlog: s.Backlog, MaxBacklog: s.MaxBacklog}
}
