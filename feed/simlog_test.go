package feed_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tidings"
)

// simStore is the durable part of the simulated store: what a crash leaves.
type simStore struct {
	mu        sync.Mutex
	feeds     map[tidings.AccountID][]tidings.Kind // kinds of the activities, seq 1 first
	endpoints map[tidings.EndpointID]tidings.Endpoint
	positions map[tidings.EndpointID]tidings.Position
	shared    simShared
}

func newSimStore() *simStore {
	return &simStore{
		feeds:     map[tidings.AccountID][]tidings.Kind{},
		endpoints: map[tidings.EndpointID]tidings.Endpoint{},
		positions: map[tidings.EndpointID]tidings.Position{},
		shared:    newSimShared(),
	}
}

func (s *simStore) append(account tidings.AccountID, kinds ...tidings.Kind) tidings.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds[account] = append(s.feeds[account], kinds...)
	return tidings.Seq(len(s.feeds[account]))
}

// wireOf is the simulated activity with a seq: some are long, so that byte
// limits are met.
func wireOf(seq tidings.Seq) string {
	pad := ""
	if seq%17 == 0 {
		pad = `,"pad":"` + string(slices.Repeat([]byte("x"), 900)) + `"`
	}
	return fmt.Sprintf(`{"n":%d%s}`, seq, pad)
}

// simLog is one process's view of the store: a feed.Log whose commits take a
// while, may be refused, and stop for good when the process is killed.
type simLog struct {
	store *simStore
	rng   *rand.Rand
	fail  float64 // the share of commits and reads that are refused
	lose  float64 // the share of notices that nobody hears
	node  tidings.NodeID

	mu      sync.Mutex
	killed  bool
	pending []simDelivery
	flusher *time.Timer
	commits int
	reads   int
	asked   int           // what was asked of the store in all, but for commits
	cut     bool          // the store can't be reached
	stopped chan struct{} // SIGSTOP: closed when the process runs again; nil = it runs
}

type simDelivery struct {
	d    tidings.Delivery
	done func(error)
}

func (l *simLog) refuses() bool { return l.rng.Float64() < l.fail }

func (l *simLog) dead() error {
	return tidings.Errorf(tidings.CodeUnavailable, "killed")
}

func (l *simLog) Head(_ context.Context, account tidings.AccountID) (tidings.Seq, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	return tidings.Seq(len(l.store.feeds[account])), nil
}

func (l *simLog) Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	if err := l.reach(ctx); err != nil {
		return tidings.Page{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		return tidings.Page{}, l.dead()
	}
	l.reads++
	if l.refuses() {
		return tidings.Page{}, tidings.Errorf(tidings.CodeUnavailable, "simulated read error")
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	kinds := l.store.feeds[q.Account]
	to := tidings.Seq(len(kinds))
	if q.To != 0 {
		to = min(to, q.To)
	}
	page := tidings.Page{Through: q.After}
	items := 0
	for page.Through < to && (items == 0 || items < q.MaxItems) {
		last := min(to, page.Through+1+tidings.Seq(l.rng.IntN(7)))
		chunk := simChunk(kinds, page.Through+1, last)
		page.Chunks = append(page.Chunks, chunk)
		page.Through = last
		items += chunk.Len()
	}
	return page, nil
}

// count gives the number of reads so far.
func (l *simLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads
}

func simChunk(kinds []tidings.Kind, first, last tidings.Seq) tidings.Chunk {
	c := tidings.Chunk{First: first}
	for seq := first; seq <= last; seq++ {
		if seq > first {
			c.Body = append(c.Body, ',')
		}
		c.Body = append(c.Body, wireOf(seq)...)
		c.Ends = append(c.Ends, uint32(len(c.Body)))
		c.Kinds = append(c.Kinds, kinds[seq-1])
	}
	return c
}

func (l *simLog) Lanes(_ context.Context, each func(tidings.Endpoint, tidings.Position) error) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	for id, ep := range l.store.endpoints {
		if err := each(ep, l.store.positions[id]); err != nil {
			return err
		}
	}
	return nil
}

func (l *simLog) Lane(ctx context.Context, id tidings.EndpointID) (tidings.Endpoint, tidings.Position, error) {
	if err := l.reach(ctx); err != nil {
		return tidings.Endpoint{}, tidings.Position{}, err
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	ep, ok := l.store.endpoints[id]
	if !ok {
		return ep, tidings.Position{}, tidings.Errorf(tidings.CodeNotFound, "no endpoint %d", id)
	}
	return ep, l.store.positions[id], nil
}

func (l *simLog) Deliver(d tidings.Delivery, urgent bool, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		go done(l.dead())
		return
	}
	l.pending = append(l.pending, simDelivery{d, done})
	wait := 5 * time.Millisecond
	if urgent {
		wait = time.Duration(l.rng.IntN(1000)) * time.Microsecond
	}
	if l.flusher == nil {
		l.flusher = time.AfterFunc(wait, l.flush)
	} else {
		l.flusher.Reset(wait)
	}
}

func (l *simLog) flush() {
	l.resumed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		return
	}
	pending := l.pending
	l.pending = nil
	refused := l.refuses() || l.cut
	l.commits++
	for _, p := range pending {
		if refused {
			p.done(tidings.Errorf(tidings.CodeUnavailable, "simulated full disk"))
			continue
		}
		p.done(l.store.apply(p.d))
	}
}

func (s *simStore) apply(d tidings.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := d.Position
	if !s.shared.holds(d) {
		return tidings.ErrNotHeld
	}
	have, ok := s.positions[p.Endpoint]
	switch {
	case !ok:
		return tidings.Errorf(tidings.CodeNotFound, "no endpoint %d", p.Endpoint)
	case have.Fence != p.Fence:
		return tidings.Errorf(tidings.CodeFenced, "fence is %d", have.Fence)
	}
	s.positions[p.Endpoint] = p
	return nil
}

// kill is SIGKILL: what was not committed is gone, and so is the process.
func (l *simLog) kill() {
	l.mu.Lock()
	l.killed = true
	pending := l.pending
	l.pending = nil
	l.mu.Unlock()
	for _, p := range pending {
		p.done(l.dead())
	}
}

// act moves a position as an operator's act does: under a raised fence.
func (s *simStore) act(id tidings.EndpointID, move func(*tidings.Endpoint, *tidings.Position)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ep, pos := s.endpoints[id], s.positions[id]
	move(&ep, &pos)
	pos.Fence++
	ep.Version++
	s.endpoints[id], s.positions[id] = ep, pos
}
