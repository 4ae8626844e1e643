package feed

import (
	"context"

	"tidings"
)

// pulled is what a cutter gave.
type pulled struct {
	batch   *Batch      // nil when the plan has no more
	missing tidings.Seq // what retention took out of the plan; the batch is void then
	end     tidings.Seq // of the plan
	err     error
}

// pull cuts the next batch of the plan.
func (c *cutter) pull(ctx context.Context) pulled {
	p := pulled{end: c.pos.Plan.End}
	p.batch, p.err = c.next(ctx)
	if p.err == nil && c.missing > 0 {
		p.batch, p.missing = nil, c.missing
	}
	return p
}

// ahead cuts the rest of a plan while its batches are under way, so that a lane
// with a backlog does not wait for the log between two POSTs. One batch lies
// ready and one more is being cut, no more.
type ahead struct {
	out    chan pulled
	cancel context.CancelFunc
}

// ahead hands the cutter over to a goroutine of its own, which end ends.
func (c *cutter) ahead(ctx context.Context) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{out: make(chan pulled, 1), cancel: cancel}
	go func() { // end waits for it
		defer close(a.out)
		for c.pos.Cursor < c.pos.Plan.End {
			p := c.pull(ctx)
			select {
			case a.out <- p:
			case <-ctx.Done():
				return
			}
			if p.batch == nil {
				return
			}
		}
	}()
	return a
}

// next gives the next batch of the plan.
func (a *ahead) next(ctx context.Context) pulled {
	select {
	case p, ok := <-a.out:
		if !ok {
			return pulled{err: context.Canceled} // it was ended
		}
		return p
	case <-ctx.Done():
		return pulled{err: ctx.Err()}
	}
}

// end ends the goroutine and waits for it.
func (a *ahead) end() {
	a.cancel()
	for range a.out {
	}
}
