package feed

import (
	"sync"
	"time"

	"tidings"
)

// heads passes the news of appends from the store's committer, which must not
// wait, to the lanes, of which an account may have many.
type heads struct {
	mu      sync.Mutex
	pending map[tidings.AccountID]tidings.Seq
	closed  bool
	wake    chan struct{} // capacity one
}

// Appended says that an account's feed now ends at head. It never blocks and
// may be called before Start and after Stop.
func (d *Dispatcher) Appended(account tidings.AccountID, head tidings.Seq) {
	h := &d.heads
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	if h.pending == nil {
		h.pending = map[tidings.AccountID]tidings.Seq{}
	}
	h.pending[account] = max(h.pending[account], head)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *heads) take() map[tidings.AccountID]tidings.Seq {
	h.mu.Lock()
	defer h.mu.Unlock()
	pending := h.pending
	h.pending = nil
	return pending
}

func (h *heads) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.wake)
	}
}

// followHeads is the goroutine between Appended and the lanes.
func (d *Dispatcher) followHeads() {
	for range d.heads.wake {
		for account, head := range d.heads.take() {
			d.reached(account, head, true)
		}
	}
}

// reached tells an account's lanes of its head; arriving says whether what is
// new counts as having arrived just now.
func (d *Dispatcher) reached(account tidings.AccountID, head tidings.Seq, arriving bool) {
	d.mu.RLock()
	a := d.accounts[account]
	d.mu.RUnlock()
	if a == nil {
		return
	}
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if head <= a.head {
		return
	}
	if arriving {
		a.arriving.add(now, int(head-a.head))
	}
	a.head = head
	for _, l := range a.lanes {
		l.appended(head, now)
	}
}
