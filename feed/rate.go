package feed

import (
	"math"
	"time"

	"tidings"
)

// meter measures a rate of late: an average whose past fades, by half every
// meterHalfLife. The zero value is ready.
type meter struct {
	last time.Time
	sum  float64 // events, faded to last
}

const meterHalfLife = 10 * time.Second

func (m *meter) add(now time.Time, n int) {
	m.sum = m.faded(now) + float64(n)
	m.last = now
}

func (m *meter) faded(now time.Time) float64 {
	if m.sum == 0 {
		return 0
	}
	return m.sum * math.Exp2(-now.Sub(m.last).Seconds()/meterHalfLife.Seconds())
}

// perSecond is the rate at now: a steady stream of r events a second makes
// sum settle at r × halfLife / ln 2.
func (m *meter) perSecond(now time.Time) float64 {
	return m.faded(now) * math.Ln2 / meterHalfLife.Seconds()
}

// LaneStatus is what a lane knows of itself.
type LaneStatus struct {
	Position          tidings.Position
	Head              tidings.Seq // of the account's feed
	InFlight          bool        // a POST is under way
	PerSecond         float64     // activities delivered a second, of late
	ArrivingPerSecond float64     // activities appended to the account's feed a second, of late
}

// Backlog is how many activities of the feed lie ahead of the lane, those
// included that its filter will leave out.
func (s LaneStatus) Backlog() int64 { return int64(s.Head - s.Position.Scanned) }

// Forecast says when the backlog will be drained at the rates of late; 0 when
// there is none, false when no end is in sight: blocked, nothing delivered of
// late, or more arrives than leaves.
func (s LaneStatus) Forecast() (time.Duration, bool) {
	backlog := s.Backlog()
	if backlog == 0 {
		return 0, true
	}
	gain := s.PerSecond - s.ArrivingPerSecond
	if s.Position.Blocked() || gain <= 0 {
		return 0, false
	}
	const longest = 365 * 24 * time.Hour
	seconds := float64(backlog) / gain
	if seconds > longest.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
