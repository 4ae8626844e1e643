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

// pullPage cuts what is read already, or what one read gives, but no more than
// one read is for: 1 to readAhead batches, of which only the last may be void.
func (c *cutter) pullPage(ctx context.Context) []pulled {
	list := make([]pulled, 0, readAhead)
	for {
		p := c.pull(ctx)
		list = append(list, p)
		if p.batch == nil || len(list) == readAhead || len(c.pending) == 0 {
			return list
		}
	}
}

// ahead cuts the rest of a plan while its batches are under way, so that a lane
// with a backlog does not wait for the log between two POSTs. It hands over
// what one read gave: one such page is in use and one is being cut, no more,
// and the two goroutines wake each other once a page, not once a batch.
type ahead struct {
	out    chan []pulled
	ready  []pulled // handed over and not yet taken
	cancel context.CancelFunc
}

// ahead hands the cutter over to a goroutine of its own, which end ends.
func (c *cutter) ahead(ctx context.Context) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{out: make(chan []pulled), cancel: cancel}
	go func() { // end waits for it
		defer close(a.out)
		for c.pos.Cursor < c.pos.Plan.End {
			page := c.pullPage(ctx)
			over := page[len(page)-1].batch == nil // asked before the page is the lane's
			select {
			case a.out <- page:
			case <-ctx.Done():
				return
			}
			if over {
				return
			}
		}
	}()
	return a
}

// next gives the next batch of the plan.
func (a *ahead) next(ctx context.Context) pulled {
	if len(a.ready) == 0 {
		select {
		case a.ready = <-a.out:
		case <-ctx.Done():
			return pulled{err: ctx.Err()}
		}
		if len(a.ready) == 0 {
			return pulled{err: context.Canceled} // it was ended
		}
	}
	p := a.ready[0]
	a.ready[0] = pulled{} // its bodies are the lane's now
	a.ready = a.ready[1:]
	return p
}

// end ends the goroutine and waits for it.
func (a *ahead) end() {
	a.cancel()
	for range a.out {
	}
}
