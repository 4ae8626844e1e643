package api

import (
	"context"
	"sync"
	"sync/atomic"

	"tidings"
)

// Arrivals wakes those who wait for an account's feed to grow. The zero value
// is not ready: see NewArrivals.
type Arrivals struct {
	head    func(context.Context, tidings.AccountID) (tidings.Seq, error)
	waiting atomic.Int64 // all waiters, so that Appended costs nothing when there are none

	mu     sync.Mutex
	byFeed map[tidings.AccountID]*arrival
}

// arrival is the next append to one feed. Its channel is closed by it.
type arrival struct {
	grown   chan struct{}
	waiters int
}

// NewArrivals takes the function that gives the head of a feed (a store's Head).
func NewArrivals(head func(context.Context, tidings.AccountID) (tidings.Seq, error)) *Arrivals {
	return &Arrivals{head: head, byFeed: map[tidings.AccountID]*arrival{}}
}

// Appended says that an account's feed has grown. It never blocks for long and
// is meant for the store's committer.
func (a *Arrivals) Appended(account tidings.AccountID, _ tidings.Seq) {
	if a.waiting.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := a.byFeed[account]; at != nil {
		close(at.grown)
		delete(a.byFeed, account)
	}
}

// Wait returns nil when the account's feed reaches past after, at once when it
// already does, and ctx's error when that ends first.
func (a *Arrivals) Wait(ctx context.Context, account tidings.AccountID, after tidings.Seq) error {
	a.waiting.Add(1)
	defer a.waiting.Add(-1)
	for {
		at := a.join(account)
		// The head is read after joining: what is appended in between wakes us.
		head, err := a.head(ctx, account)
		if err != nil || head > after {
			a.leave(account, at)
			return err
		}
		select {
		case <-at.grown:
		case <-ctx.Done():
			a.leave(account, at)
			return ctx.Err()
		}
	}
}

func (a *Arrivals) join(account tidings.AccountID) *arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.byFeed[account]
	if at == nil {
		at = &arrival{grown: make(chan struct{})}
		a.byFeed[account] = at
	}
	at.waiters++
	return at
}

// leave forgets the arrival that nobody waits for any more.
func (a *Arrivals) leave(account tidings.AccountID, at *arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at.waiters--
	if at.waiters == 0 && a.byFeed[account] == at {
		delete(a.byFeed, account)
	}
}
