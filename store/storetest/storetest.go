// Package storetest holds the promises that every engine of package store
// keeps, as one suite. An engine's test calls [Run].
package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"tidings"
	"tidings/store"
)

// Engine makes an empty place for data and gives a function that opens a store
// there: again and again, one at a time, and each time all that was stored is there.
type Engine func(t *testing.T) (open func(store.Options) (*store.Store, error))

// Run tests every promise against fresh stores of an engine.
func Run(t *testing.T, engine Engine) {
	for _, p := range slices.Concat(logPromises(), historyPromises(), accountPromises(), endpointPromises(), positionPromises(), auditPromises(), secretPromises(), connectorPromises(), webhookPromises(), callPromises(), contactPromises(), segmentPromises(), eventPromises(), workflowPromises(), runPromises(), mailPromises(), trackPromises(), messagePromises(), broadcastPromises(), sourcePromises(), erasePromises(), userPromises(), sessionPromises(), tallyPromises()) {
		t.Run(p.name, func(t *testing.T) { p.test(t, newHarness(t, engine)) })
	}
}

// promise is one thing that every engine keeps; its name says it.
type promise struct {
	name string
	test func(*testing.T, *harness)
}

// harness is one open store with a clock that stands until it is moved.
type harness struct {
	*store.Store
	clock *clock
	opts  store.Options
	open  func(store.Options) (*store.Store, error)
}

func newHarness(t *testing.T, engine Engine) *harness {
	h := &harness{open: engine(t), clock: &clock{now: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)}}
	h.opts = store.Options{Now: h.clock.Now, SealEvery: -1}
	h.reopen(t)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return h
}

// reopen closes the store when it is open, and opens it again with h.opts.
func (h *harness) reopen(t *testing.T) {
	t.Helper()
	if h.Store != nil {
		if err := h.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	s, err := h.open(h.opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	h.Store = s
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the time it was last moved to.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// advance moves the clock on.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// wantCode fails the test unless err carries the code.
func wantCode(t *testing.T, err error, code tidings.Code) {
	t.Helper()
	if got := tidings.CodeOf(err); got != code {
		t.Fatalf("error %v has code %q, want %q", err, got, code)
	}
}
