package call

import (
	"time"
)

// BreakerState says whether a host is called.
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed BreakerState = "closed" // calls go through
	BreakerOpen   BreakerState = "open"   // calls fail at once, until HostState.Until
	BreakerTrial  BreakerState = "trial"  // one call is under way to see whether the host has recovered
)

// BreakerLimits says when a host is left alone. A failure is a try without an
// answer, or one that was answered 408 or 5xx.
type BreakerLimits struct {
	// Failures in a row open the breaker. Default: 10.
	Failures int
	// Pause is how long it stays open the first time; each trial that fails doubles it. Default: 30 s.
	Pause time.Duration
	// MaxPause is the longest pause. Default: 10 min.
	MaxPause time.Duration
}

// breaker is that of one host. It is guarded by hosts.mu.
type breaker struct {
	failures  int // in a row
	lastError string
	pause     time.Duration // the current one; 0 while closed
	until     time.Time     // end of the pause
	trial     bool          // a trial is under way
}

// admits says whether a call may go at this time, and whether it is the trial
// of a host that was left alone. force lets it go in any case.
func (b *breaker) admits(now time.Time, force bool) (ok, trial bool) {
	if b.pause == 0 {
		return true, false
	}
	if !force && (b.trial || now.Before(b.until)) {
		return false, false
	}
	trial = !b.trial
	b.trial = true
	return true, trial
}

// record notes how a try ended. A try that says nothing of the host (it was
// called off) changes nothing.
func (b *breaker) record(now time.Time, v verdict, trial bool, limits BreakerLimits) {
	if trial {
		b.trial = false
	}
	if !v.failure {
		if v.answered {
			*b = breaker{}
		}
		return
	}
	b.failures++
	b.lastError = v.what
	switch {
	case trial:
		b.pause = min(2*b.pause, limits.MaxPause)
	case b.pause == 0 && b.failures >= limits.Failures:
		b.pause = limits.Pause
	default:
		return
	}
	b.until = now.Add(b.pause)
}

func (b *breaker) state() BreakerState {
	switch {
	case b.pause == 0:
		return BreakerClosed
	case b.trial:
		return BreakerTrial
	}
	return BreakerOpen
}
