package call

import (
	"time"
)

// Bounds of the waits between tries.
const (
	firstWait = 500 * time.Millisecond // after the first try; four times as long after the second
	maxWait   = 30 * time.Second       // a longer Retry-After ends the call
	maxRest   = time.Hour              // how long one Retry-After can keep a host at rest
)

// waitAfter says how long a call waits after its failed try with this number,
// from 1, before the next one. A Retry-After lengthens the wait; when it asks for more
// than maxWait, the call ends: to come back earlier would be against the host's word, and a run is not
// held for so long.
func waitAfter(try int, retryAfter time.Duration) (time.Duration, bool) {
	wait := firstWait
	for range try - 1 {
		wait *= 4
	}
	wait = max(wait, retryAfter)
	return wait, wait <= maxWait
}

// inWords says how far a time is off; a Retry-After may be beyond all use.
func inWords(d time.Duration) string {
	if d > 24*time.Hour {
		return "in more than a day"
	}
	return "only in " + d.Round(time.Second).String()
}
