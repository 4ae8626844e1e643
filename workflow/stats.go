package workflow

import (
	"sync/atomic"
	"time"

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

// tally counts what was stored of a run for the figures over time.
func (r *Runner) tally(run *tidings.Run, a *tidings.Advance) {
	count := func(kind tidings.TallyKind, subject tidings.TallySubject, ok bool, took time.Duration) {
		c := tidings.Count{Account: run.Account, Kind: kind, Subject: subject, Took: took}
		if ok {
			c.Done = 1
		} else {
			c.Failed = 1
		}
		r.o.Tallied(c)
	}
	of := tidings.TallySubject{ID: int64(run.Workflow)}
	for i := range a.Steps {
		step := &a.Steps[i]
		count(tidings.TallyStep, tidings.TallySubject{ID: of.ID, Block: step.Block}, step.Error == "", 0)
	}
	if a.Call != nil {
		count(tidings.TallyCall, tidings.TallySubject{ID: int64(a.Call.Webhook)}, a.Call.OK(), a.Call.Duration)
	}
	if a.State == tidings.RunEnded || a.State == tidings.RunFailed {
		count(tidings.TallyRun, of, a.State == tidings.RunEnded, 0)
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
