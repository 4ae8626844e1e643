package feed

import (
	"testing"
	"time"
)

func TestALeaseIsOverWhenEitherClockSaysSo(t *testing.T) {
	from := time.Now()
	wall := from.Round(0) // without the monotonic reading
	for _, c := range []struct {
		name string
		span span
		now  time.Time
		over bool
	}{
		{"none was ever granted", span{}, from, true},
		{"both clocks say that it holds", span{from, 9 * time.Second}, from.Add(8 * time.Second), false},
		{"both clocks say that it is over", span{from, 9 * time.Second}, from.Add(9 * time.Second), true},
		{"the machine slept: only the wall clock went on", span{from, 9 * time.Second}, wall.Add(time.Hour), true},
	} {
		if got := c.span.over(c.now); got != c.over {
			t.Errorf("%s: over is %v", c.name, got)
		}
	}
	if left := (span{from, 9 * time.Second}).left(from.Add(2 * time.Second)); left != 7*time.Second {
		t.Errorf("%v is left after 2 of 9 seconds", left)
	}
}
