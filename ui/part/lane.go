package part

import "math"

// LaneView is how far an endpoint is in its account's feed.
type LaneView struct {
	Delivered int64  // seq of the last delivered activity
	Head      int64  // seq of the last arrived one
	Oldest    string // age of the oldest waiting one: "14 min"
	Blocked   bool
	Clock     Clock // how numbers are written
}

func (v LaneView) waiting() int64 { return max(v.Head-v.Delivered, 0) }

// split is where in the picture (0 to 600) the delivered part ends. The waiting
// part grows with the logarithm of its count, so that both 3 and 3,000,000 are seen.
func (v LaneView) split() float64 {
	if v.waiting() == 0 {
		return 600
	}
	share := 0.06 + 0.74*math.Log10(1+float64(v.waiting()))/8
	return math.Round(600 * (1 - min(share, 0.85)))
}

// meaning is that of the waiting part.
func (v LaneView) meaning() Meaning {
	switch {
	case v.waiting() == 0:
		return Good
	case v.Blocked:
		return Bad
	}
	return Waiting
}

// backlog says in words what waits.
func (v LaneView) backlog() string {
	if v.waiting() == 0 {
		return "nothing waiting"
	}
	text := v.Clock.Number(v.waiting()) + " waiting"
	if v.Oldest != "" {
		text += ", oldest " + v.Oldest
	}
	return text
}
