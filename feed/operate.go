package feed

import (
	"context"
	"time"

	"tidings"
)

// What operators ask of a lane. On a node that does not hold its shard the
// answers are made of what is stored, and what is wanted is passed on.

// TryNow has a waiting batch attempted before its time. It does not change the
// schedule: another failure waits as long as it would have. Where another node
// has the endpoint, that one is asked, and what it answers is not waited for.
func (d *Dispatcher) TryNow(id tidings.EndpointID) error {
	l := d.lane(id)
	switch {
	case l == nil && d.holding != nil:
		d.tell(tidings.Notice{Kind: tidings.NoticeTryNow, Endpoint: id})
		return nil
	case l == nil:
		return tidings.Errorf(tidings.CodeNotFound, "no endpoint %d is delivered here", id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ep, waits := l.ep, l.hasWork()
	if l.fresh != nil && l.fresh.ep != nil {
		ep, waits = l.fresh.ep, waits || l.head > l.fresh.pos.Scanned
	}
	switch {
	case ep.State != tidings.StateActive:
		return tidings.Errorf(tidings.CodeConflict, "endpoint %d is deactivated: activate it first", id)
	case !waits:
		return tidings.Errorf(tidings.CodeConflict, "endpoint %d has nothing to send", id)
	}
	l.tryNow = !l.posting // an attempt that is under way is the one wanted
	l.wakeLocked()
	return nil
}

// Lane says how an endpoint stands; false when it is not delivered to here, and
// what is stored is all that is known.
func (d *Dispatcher) Lane(id tidings.EndpointID) (LaneStatus, bool) {
	l := d.lane(id)
	if l == nil || !l.shard.open() {
		return LaneStatus{}, false
	}
	now := time.Now()
	d.mu.RLock()
	a := d.accounts[l.account]
	d.mu.RUnlock()
	var arriving float64
	if a != nil {
		a.mu.Lock()
		arriving = a.arriving.perSecond(now)
		a.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return LaneStatus{
		Position:          l.pos,
		Head:              max(l.head, l.pos.Scanned),
		InFlight:          l.posting,
		PerSecond:         l.rate.perSecond(now),
		ArrivingPerSecond: arriving,
	}, true
}

// HeadBatch gives the batch that an endpoint's next attempt sends: the frozen
// one, or what its options make of what waits now. CodeConflict when nothing waits.
func (d *Dispatcher) HeadBatch(ctx context.Context, id tidings.EndpointID) (*Batch, tidings.Position, error) {
	ep, pos, head, err := d.standing(ctx, id)
	if err != nil {
		return nil, tidings.Position{}, err
	}
	if pos.Plan.End <= pos.Cursor {
		pos.Plan = planFor(ep, pos, head)
	}
	batch, err := newCutter(d.log, ep.Account, pos).next(ctx)
	if err != nil {
		return nil, pos, err
	}
	if batch == nil {
		return nil, pos, tidings.Errorf(tidings.CodeConflict, "endpoint %d has nothing to send", id)
	}
	return batch, pos, nil
}

// standing gives an endpoint with its position and the head of its feed: the
// lane's own where it is delivered to here, else what is stored.
func (d *Dispatcher) standing(ctx context.Context, id tidings.EndpointID) (*tidings.Endpoint, tidings.Position, tidings.Seq, error) {
	if l := d.lane(id); l != nil && l.shard.open() {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.ep, l.pos, l.head, nil
	}
	ep, pos, err := d.log.Lane(ctx, id)
	if err != nil {
		return nil, pos, 0, err
	}
	head, err := d.log.Head(ctx, ep.Account)
	return &ep, pos, head, err
}
