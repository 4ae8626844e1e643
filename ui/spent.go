package ui

import (
	"fmt"
	"sync/atomic"
	"time"
)

// spent is what one visit has taken so far. Browsers show it beside the
// request (Server Timing, W3C), and what a page costs is measured by it.
type spent struct {
	begun time.Time
	calls atomic.Int64 // of the API
	api   atomic.Int64 // nanoseconds in them, all added up
}

func startSpending() *spent { return &spent{begun: time.Now()} }

// call counts a call of the API that began then and is over now.
func (s *spent) call(begun time.Time) {
	if s == nil {
		return
	}
	s.calls.Add(1)
	s.api.Add(int64(time.Since(begun)))
}

// String is the value of Server-Timing: the page until now, and of that the API.
func (s *spent) String() string {
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf(`page;dur=%.3f, api;dur=%.3f;desc="%d calls"`, millis(time.Since(s.begun)), millis(time.Duration(s.api.Load())), s.calls.Load())
}
