package workflow

import (
	"sync/atomic"

	"tidings"
)

// Stats is what a Runner has done since it was made, for metrics.
type Stats struct {
	InHand  int   // runs that are in hand now
	Strides int64 // that were stored
	Steps   int64 // that were stored
	Ended   int64 // runs that came to their end
	Failed  int64 // runs that can't go on
	Marked  int64 // strides on whose way something failed
	PutBack int64 // runs that found too many others at their webhook
	Lost    int64 // strides that could not be stored: the run was stopped, or taken by others
}

// counts is the same while it grows.
type counts struct {
	strides, steps, ended, failed, marked, putBack, lost atomic.Int64
}

// note counts a stride that was to be stored.
func (c *counts) note(a *tidings.Advance, err error) {
	if err != nil {
		c.lost.Add(1)
		return
	}
	c.strides.Add(1)
	c.steps.Add(int64(len(a.Steps)))
	switch {
	case a.State == tidings.RunEnded:
		c.ended.Add(1)
	case a.State == tidings.RunFailed:
		c.failed.Add(1)
	case a.NotTried:
		c.putBack.Add(1)
	}
	if a.Marked {
		c.marked.Add(1)
	}
}

// Stats says how the runner is doing.
func (r *Runner) Stats() Stats {
	c := &r.counts
	return Stats{
		InHand: cap(r.free) - len(r.free), Strides: c.strides.Load(), Steps: c.steps.Load(), Ended: c.ended.Load(),
		Failed: c.failed.Load(), Marked: c.marked.Load(), PutBack: c.putBack.Load(), Lost: c.lost.Load(),
	}
}
