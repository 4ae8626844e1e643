package main

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

const (
	// maxTallied is how many subjects of minutes that are not stored yet are
	// counted; what others do meanwhile is not.
	maxTallied = 20_000
	// tallyShards spread the counting over as many locks.
	tallyShards = 16
	// lastTallies is how long the end of a server waits for its last minute.
	lastTallies = 5 * time.Second
)

// tallies counts by the minute what the parts of a server do, in memory, and
// stores each minute when it is over. A crash loses the running minute; a
// graceful stop stores that, too. While nothing happens nothing is written.
type tallies struct {
	log    *slog.Logger
	now    func() time.Time
	most   int64
	writer int64 // tells the rows of this process from those of all others

	subjects atomic.Int64 // in memory
	lost     atomic.Int64 // counts that found no place
	shards   [tallyShards]tallyShard

	flushing sync.Mutex // one flush at a time

	mu    sync.Mutex // held while minutes go from the shards to ended, and out of it
	ended []*tallyMinute
}

// tallyShard has the running minute of some of the subjects.
type tallyShard struct {
	mu      sync.Mutex
	running *tallyMinute
	ended   []*tallyMinute // until the next flush takes them
}

// tallyMinute is what was counted in one minute. Of an ended one no count changes any more.
type tallyMinute struct {
	at time.Time
	of map[tallyKey]*tallyEntry
}

type tallyKey struct {
	account tidings.AccountID
	kind    tidings.TallyKind
	subject tidings.TallySubject
}

// shard is the same for a key whenever it is asked: no subject is in two of them.
func (k tallyKey) shard() int {
	return int((uint64(k.account)*7 + uint64(k.subject.ID)*3 + uint64(len(k.kind))) % tallyShards)
}

type tallyEntry struct {
	done, failed int64
	took         tidings.Took
}

func newTallies(log *slog.Logger, now func() time.Time) *tallies {
	return &tallies{log: log, now: now, most: maxTallied, writer: 1 + rand.Int64N(1<<62)}
}

// count adds to the running minute. It waits for nothing but a lock that is held briefly.
func (t *tallies) count(c tidings.Count) {
	key := tallyKey{c.Account, c.Kind, c.Subject}
	s := &t.shards[key.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(t.now())
	e := s.running.of[key]
	if e == nil {
		if t.subjects.Add(1) > t.most {
			t.subjects.Add(-1)
			t.lost.Add(1)
			return
		}
		e = &tallyEntry{}
		s.running.of[key] = e
	}
	e.done += c.Done
	e.failed += c.Failed
	if c.Kind.Timed() {
		e.took.Add(c.Took)
	}
}

// turn begins a new minute when the running one is over. A clock that was set
// back goes on with the minute that it had. Callers hold s.mu.
func (s *tallyShard) turn(now time.Time) {
	minute := now.UTC().Truncate(time.Minute)
	if s.running != nil && !minute.After(s.running.at) {
		return
	}
	s.end()
	s.running = &tallyMinute{at: minute, of: map[tallyKey]*tallyEntry{}}
}

// end ends the running minute. Callers hold s.mu.
func (s *tallyShard) end() {
	if s.running != nil && len(s.running.of) > 0 {
		s.ended = append(s.ended, s.running)
	}
	s.running = nil
}

// add makes tallies of a minute.
func (m *tallyMinute) add(list []tidings.Tally, wants func(tallyKey) bool) []tidings.Tally {
	for key, e := range m.of {
		if wants(key) {
			list = append(list, tidings.Tally{
				Account: key.account, Kind: key.kind, Subject: key.subject.String(), At: m.at, Done: e.done, Failed: e.failed, Took: e.took.Clone(),
			})
		}
	}
	return list
}

// running gives what of a query is in memory.
func (t *tallies) running(q *tidings.TallyQuery) tidings.RunningTallies {
	out := tidings.RunningTallies{Writer: t.writer, Since: t.now().UTC().Truncate(time.Minute)}
	add := func(m *tallyMinute) {
		if m.at.Before(out.Since) {
			out.Since = m.at
		}
		if m.at.Before(q.From) || !m.at.Before(q.To) {
			return
		}
		out.Tallies = m.add(out.Tallies, func(key tallyKey) bool {
			return key.account == q.Account && key.kind == q.Kind && q.Wants(key.subject.String())
		})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.ended {
		add(m)
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, m := range s.ended {
			add(m)
		}
		if s.running != nil && len(s.running.of) > 0 {
			add(s.running)
		}
		s.mu.Unlock()
	}
	return out
}

// tallyStore keeps tallies; see store.Store.
type tallyStore interface {
	AddTallies(ctx context.Context, writer int64, list []tidings.Tally) error
}

// run stores the minutes as they end, until ctx does.
func (t *tallies) run(ctx context.Context, store tallyStore) {
	timer := time.NewTimer(t.untilNext())
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		t.flush(ctx, store, false)
		timer.Reset(t.untilNext())
	}
}

// untilNext is how long the running minute goes on.
func (t *tallies) untilNext() time.Duration {
	now := t.now()
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}

// flush stores the minutes that are over, oldest first, or all there are when
// nothing is counted any more. What fails is tried again by the next flush.
func (t *tallies) flush(ctx context.Context, store tallyStore, all bool) {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	for _, m := range t.take(all) {
		list := m.add(nil, func(tallyKey) bool { return true })
		if err := store.AddTallies(ctx, t.writer, tidings.AddUp(list)); err != nil {
			t.log.Warn("the figures of a minute could not be stored; it is tried again", "minute", m.at, "error", err)
			break
		}
		t.mu.Lock()
		t.ended = t.ended[1:]
		t.mu.Unlock()
		t.subjects.Add(-int64(len(m.of)))
	}
	if n := t.lost.Swap(0); n > 0 {
		t.log.Warn("figures over time are too low: too many subjects did something within a minute, or minutes could not be stored", "not counted", n, "subjects at most", t.most)
	}
}

// take gives the minutes to be stored, each whole, oldest first.
func (t *tallies) take(all bool) []*tallyMinute {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now() // once: a minute that is over is so in all shards
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		if s.turn(now); all {
			s.end()
		}
		for len(s.ended) > 0 && (all || s.ended[0].at.Before(now.UTC().Truncate(time.Minute))) {
			t.join(s.ended[0])
			s.ended = s.ended[1:]
		}
		s.mu.Unlock()
	}
	return slices.Clone(t.ended)
}

// join puts a shard's part of a minute to the others' parts; no subject is in
// two of them. Callers hold t.mu.
func (t *tallies) join(m *tallyMinute) {
	i, there := slices.BinarySearchFunc(t.ended, m.at, func(e *tallyMinute, at time.Time) int { return e.at.Compare(at) })
	if there {
		maps.Copy(t.ended[i].of, m.of)
		return
	}
	t.ended = slices.Insert(t.ended, i, m)
}
