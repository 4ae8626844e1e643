package feed

import (
	"math"
	"testing"
	"time"

	"tidings"
)

func TestASteadyStreamIsMeasuredAtItsRate(t *testing.T) {
	var m meter
	now := time.Unix(0, 0)
	for range 1000 {
		now = now.Add(100 * time.Millisecond)
		m.add(now, 5)
	}
	if got := m.perSecond(now); math.Abs(got-50) > 2 {
		t.Errorf("50 a second measured as %.1f", got)
	}
	if got := m.perSecond(now.Add(meterHalfLife)); math.Abs(got-25) > 1 {
		t.Errorf("half a life later: %.1f", got)
	}
}

func TestForecast(t *testing.T) {
	lane := func(backlog int, out, in float64, attempts int) LaneStatus {
		return LaneStatus{
			Position: tidings.Position{Attempts: attempts}, Head: tidings.Seq(backlog),
			PerSecond: out, ArrivingPerSecond: in,
		}
	}
	for _, c := range []struct {
		name   string
		status LaneStatus
		want   time.Duration
		ok     bool
	}{
		{"nothing waits", lane(0, 0, 0, 0), 0, true},
		{"drains", lane(1000, 150, 50, 0), 10 * time.Second, true},
		{"blocked", lane(1000, 150, 50, 2), 0, false},
		{"more arrives than leaves", lane(1000, 50, 60, 0), 0, false},
		{"nothing leaves", lane(1000, 0, 0, 0), 0, false},
	} {
		if got, ok := c.status.Forecast(); got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
	}
}
