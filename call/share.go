package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"tidings"
)

// flights lets calls that send the very same request at the same time share one reply.
type flights struct {
	mu    sync.Mutex
	byKey map[string]*flight
}

type flight struct {
	done   chan struct{}
	result Result // of the call that is sent; written before done is closed
}

// flightKey is the same for requests that only their own names tell apart.
func flightKey(account tidings.AccountID, r *rendered) string {
	lines := make([]string, 0, len(r.header))
	for name, values := range r.header {
		if name != IDHeader {
			lines = append(lines, fmt.Sprintf("%q: %q", name, values))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d %q %s", account, r.url, strings.Join(lines, "\n"))
}

// do makes the call by send, or waits for the same one that is under way and takes its end.
func (f *flights) do(ctx context.Context, key string, res *Result, send func()) {
	f.mu.Lock()
	if f.byKey == nil {
		f.byKey = map[string]*flight{}
	}
	leader := f.byKey[key]
	if leader == nil {
		own := &flight{done: make(chan struct{})}
		f.byKey[key] = own
		f.mu.Unlock()
		defer func() {
			own.result = *res
			f.mu.Lock()
			delete(f.byKey, key)
			f.mu.Unlock()
			close(own.done)
		}()
		send()
		return
	}
	f.mu.Unlock()
	select {
	case <-leader.done:
	case <-ctx.Done():
		res.Call.Outcome, res.Call.Error = tidings.OutcomeCanceled, "stopped by this server before the reply was there"
		return
	}
	got := &leader.result
	if got.Call.Outcome == tidings.OutcomeCanceled {
		send() // that one was called off; this one was not
		return
	}
	res.Value, res.Reply = got.Value, got.Reply
	res.Call.Reply, res.Call.Outcome, res.Call.Error = got.Call.Reply, got.Call.Outcome, got.Call.Error
	res.Call.Shared = got.Call.Key
}
