package call

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tidings"
)

// Pace says how fast one account calls one host.
type Pace struct {
	// Concurrent is how many tries may be under way at once; others wait their turn. Default: 32.
	Concurrent int
	// PerSecond is how many tries may begin in a second. Default: no limit.
	PerSecond float64
}

// HostState is how calls of an account to a host are going.
type HostState struct {
	Host      string // host:port
	Breaker   BreakerState
	Failures  int       // in a row
	LastError string    // of the latest failure
	Until     time.Time // end of the pause of an open breaker
	RestUntil time.Time // the host has asked, by Retry-After, for no calls before
	InFlight  int
	Waiting   int
}

// maxHosts is how many hosts are remembered before those that are at rest are forgotten.
const maxHosts = 10_000

// hosts paces the calls to each host and breaks off those to a host that fails.
// Accounts do not share a host's state: one with a wrong path must not stop another.
type hosts struct {
	pace   Pace
	limits BreakerLimits
	now    func() time.Time

	mu    sync.Mutex
	byKey map[hostKey]*host
}

type hostKey struct {
	account tidings.AccountID
	name    string // host:port
}

type host struct {
	breaker   breaker
	inFlight  int
	waiters   []chan struct{} // in the order they came; closed when the slot is theirs
	restUntil time.Time
	nextStart time.Time // the next try may begin, by Pace.PerSecond
}

func newHosts(pace Pace, limits BreakerLimits, now func() time.Time) *hosts {
	pace.Concurrent = cmp.Or(pace.Concurrent, 32)
	limits.Failures = cmp.Or(limits.Failures, 10)
	limits.Pause = cmp.Or(limits.Pause, 30*time.Second)
	limits.MaxPause = max(limits.Pause, cmp.Or(limits.MaxPause, 10*time.Minute))
	return &hosts{pace: pace, limits: limits, now: now, byKey: map[hostKey]*host{}}
}

// pausedError says that a host is left alone for now.
type pausedError struct {
	host  string
	until time.Time
	why   string
}

func (e *pausedError) Error() string {
	return fmt.Sprintf("calls to %s are held back until %s: %s", e.host, e.until.UTC().Format("15:04:05 UTC"), e.why)
}

// turn is the leave to make one try.
type turn struct {
	key   hostKey
	trial bool // of a host that was left alone
}

// acquire waits for the turn of a try: for a slot, for the end of a rest that
// the host has asked for, and for the pace. Each nil error must be followed by one
// release. An open breaker is a *pausedError at once, except with force; so is a rest
// longer than maxWait. Other errors are the context's.
func (hs *hosts) acquire(ctx context.Context, key hostKey, force bool) (turn, error) {
	t, start, err := hs.slot(ctx, key, force)
	if err != nil {
		return t, err
	}
	if wait := start.Sub(hs.now()); wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			hs.release(t, verdict{})
			return t, err
		}
	}
	return t, nil
}

// slot takes a slot and says when the try may begin.
func (hs *hosts) slot(ctx context.Context, key hostKey, force bool) (t turn, start time.Time, err error) {
	hs.mu.Lock()
	h := hs.host(key)
	now := hs.now()
	t, err = hs.admit(h, key, now, force)
	if err != nil {
		hs.forget(key, h, now)
		hs.mu.Unlock()
		return t, start, err
	}
	if h.inFlight < hs.pace.Concurrent && len(h.waiters) == 0 {
		h.inFlight++
		start = hs.start(h, now)
		hs.mu.Unlock()
		return t, start, nil
	}
	free := make(chan struct{})
	h.waiters = append(h.waiters, free)
	hs.mu.Unlock()
	select {
	case <-free:
		hs.mu.Lock()
		start = hs.start(h, hs.now())
		hs.mu.Unlock()
		return t, start, nil
	case <-ctx.Done():
	}
	hs.mu.Lock()
	i := slices.Index(h.waiters, free)
	if i >= 0 {
		h.waiters = slices.Delete(h.waiters, i, i+1)
		h.breaker.record(now, verdict{}, t.trial, hs.limits)
	}
	hs.mu.Unlock()
	if i < 0 { // the slot came at the same moment
		hs.release(t, verdict{})
	}
	return t, start, context.Cause(ctx)
}

func (hs *hosts) host(key hostKey) *host {
	h := hs.byKey[key]
	if h == nil {
		if len(hs.byKey) >= maxHosts {
			hs.sweep()
		}
		h = &host{}
		hs.byKey[key] = h
	}
	return h
}

// admit refuses a call that should not even wait.
func (hs *hosts) admit(h *host, key hostKey, now time.Time, force bool) (turn, error) {
	if rest := h.restUntil.Sub(now); rest > maxWait && !force {
		return turn{}, &pausedError{key.name, h.restUntil, "it has asked for a rest (Retry-After)"}
	}
	ok, trial := h.breaker.admits(now, force)
	if !ok {
		why := fmt.Sprintf("%d tries in a row have failed, the latest with: %s", h.breaker.failures, h.breaker.lastError)
		return turn{}, &pausedError{key.name, h.breaker.until, why}
	}
	return turn{key, trial}, nil
}

// start gives the time at which a try that has its slot may begin.
func (hs *hosts) start(h *host, now time.Time) time.Time {
	start := now
	if h.restUntil.After(start) && h.restUntil.Sub(now) <= maxWait {
		start = h.restUntil
	}
	if hs.pace.PerSecond > 0 {
		if h.nextStart.After(start) {
			start = h.nextStart
		}
		h.nextStart = start.Add(time.Duration(float64(time.Second) / hs.pace.PerSecond))
	}
	return start
}

// release gives a slot back and notes how the try ended; the zero verdict notes nothing.
func (hs *hosts) release(t turn, v verdict) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h, now := hs.byKey[t.key], hs.now()
	h.breaker.record(now, v, t.trial, hs.limits)
	if v.rest > 0 {
		if until := now.Add(min(v.rest, maxRest)); until.After(h.restUntil) {
			h.restUntil = until
		}
	}
	if len(h.waiters) > 0 {
		close(h.waiters[0])
		h.waiters = h.waiters[1:]
		return
	}
	h.inFlight--
	hs.forget(t.key, h, now)
}

// forget drops what there is nothing to know of.
func (hs *hosts) forget(key hostKey, h *host, now time.Time) {
	if h.inFlight == 0 && len(h.waiters) == 0 && h.breaker.failures == 0 && !h.restUntil.After(now) && !h.nextStart.After(now) {
		delete(hs.byKey, key)
	}
}

// sweep drops a quarter of the hosts, of those without calls: any that are not
// left alone just now, then any.
func (hs *hosts) sweep() {
	now := hs.now()
	for _, all := range []bool{false, true} {
		for key, h := range hs.byKey {
			if len(hs.byKey) <= maxHosts*3/4 {
				return
			}
			if h.inFlight == 0 && len(h.waiters) == 0 && (all || !now.Before(h.breaker.until) && !now.Before(h.restUntil)) {
				delete(hs.byKey, key)
			}
		}
	}
}

// states lists the hosts of an account that there is something to know of, by name.
func (hs *hosts) states(account tidings.AccountID) []HostState {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	var list []HostState
	for key, h := range hs.byKey {
		if key.account != account {
			continue
		}
		list = append(list, HostState{
			Host: key.name, Breaker: h.breaker.state(), Failures: h.breaker.failures, LastError: h.breaker.lastError,
			Until: h.breaker.until, RestUntil: h.restUntil, InFlight: h.inFlight, Waiting: len(h.waiters),
		})
	}
	slices.SortFunc(list, func(a, b HostState) int { return cmp.Compare(a.Host, b.Host) })
	return list
}

// sleep waits under a context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
