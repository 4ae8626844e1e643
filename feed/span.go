package feed

import (
	"time"
)

// span is a time that is over when either clock says so: the monotonic one
// stands still while a machine sleeps, and the wall clock may be set back.
type span struct {
	from time.Time // with both readings
	long time.Duration
}

// over says whether the span has ended at now. The zero span has.
func (s span) over(now time.Time) bool {
	return s.left(now) <= 0
}

// left is how much of the span remains at now, by the clock that went further.
func (s span) left(now time.Time) time.Duration {
	passed := max(now.Sub(s.from), now.Round(0).Sub(s.from.Round(0)))
	return s.long - passed
}
