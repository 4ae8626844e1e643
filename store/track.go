package store

import (
	"context"
	"sync"

	"tidings"
)

// Track stores an act on a mail with the activities that tell of it (see
// tidings.HitKind), and returns when they are durable. CodeNotFound when there
// is no such mail or its contact was deleted, CodeInvalid when the categories
// break a rule of contacts.
//
// UNSUBSCRIBED says what the contact still takes; the change of its
// subscriptions has no activity besides. Who unsubscribes from a mail that has
// no category is black-listed, until she chooses categories again.
func (s *Store) Track(ctx context.Context, h tidings.Hit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.hits.add(s, h)
}

// hitsAtOnce bounds the hits of one commit, which hold other writes up meanwhile.
const hitsAtOnce = 1000

// hitQueue gathers hits that come at the same time into one operation, so that
// their activities are one piece of the feed and not one each. There is no
// goroutine for it: the first who comes stores what waits, and hands over.
type hitQueue struct {
	mu      sync.Mutex
	waiting []*pendingHit
	busy    bool // somebody stores hits now
}

// pendingHit is one hit and who waits for it.
type pendingHit struct {
	hit     tidings.Hit
	err     error
	settled bool
	turn    chan struct{} // capacity 1: it is settled, or its caller is to store what waits
}

func (q *hitQueue) add(s *Store, h tidings.Hit) error {
	p := &pendingHit{hit: h, turn: make(chan struct{}, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, p)
	first := !q.busy
	q.busy = true
	q.mu.Unlock()
	if !first {
		<-p.turn
	}
	if !p.settled {
		q.store(s)
	}
	return p.err
}

// store stores the hits that wait, the caller's among them, and has the first
// of those that came meanwhile go on.
func (q *hitQueue) store(s *Store) {
	q.mu.Lock()
	n := min(len(q.waiting), hitsAtOnce)
	hits := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.mu.Unlock()

	// The others' hits are not to fail because this caller has gone.
	err := s.commit(context.Background(), func(tx *writeTx) error { return s.trackAll(tx, hits) })

	q.mu.Lock()
	var next *pendingHit
	if len(q.waiting) > 0 {
		next = q.waiting[0]
	} else {
		q.busy = false
	}
	q.mu.Unlock()
	if next != nil {
		next.turn <- struct{}{}
	}
	for _, p := range hits {
		if err != nil {
			p.err = err
		}
		p.settled = true
		p.turn <- struct{}{}
	}
}
