package feed

import (
	"time"

	"tidings"
)

// The schedule of retries (the seed: 1, 2, 4, 8 minutes and up to one request
// per hour).
const (
	DefaultRetryBase = time.Minute
	DefaultRetryCap  = time.Hour
)

// Schedule says how long a failed batch waits for its next attempt. It is a
// pure function of the attempt: no jitter and no state, so that what an
// operator reads in the docs is what happens.
type Schedule struct {
	Base time.Duration // after the first failure; DefaultRetryBase
	Cap  time.Duration // the longest wait; DefaultRetryCap
}

// Wait gives the time between the end of the failed attempt with this number
// (from 1) and the next one: Base doubled with every failure, at most Cap.
// retryAfter is what the receiver asked for, 0 when it asked for nothing: it
// may lengthen the wait, never beyond Cap, and never shortens it.
func (s Schedule) Wait(attempt int, retryAfter time.Duration) time.Duration {
	wait := s.Base
	for i := 1; i < attempt && wait < s.Cap; i++ {
		wait *= 2
	}
	return min(max(wait, retryAfter), s.Cap)
}

// now gives a position that was read from the store, with a next try that no
// change of the clock moves any more: never further away than the longest
// wait, though it was written by a clock that was ahead.
func (s Schedule) now(p tidings.Position) tidings.Position {
	if !p.NextTry.IsZero() {
		now := time.Now()
		p.NextTry = now.Add(min(p.NextTry.Sub(now), s.Cap))
	}
	return p
}
