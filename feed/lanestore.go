package feed

import (
	"context"
	"errors"
	"time"

	"tidings"
)

// flushRetry is how long a stopping dispatcher waits before it gives the store
// a position again.
const flushRetry = 100 * time.Millisecond

// save gives the position to the store, to be written with its next commit.
func (l *lane) save(attempts []tidings.Attempt) {
	l.mu.Lock()
	l.unsaved = false
	l.mu.Unlock()
	l.deliver(attempts, false, l.saved)
}

func (l *lane) deliver(attempts []tidings.Attempt, urgent bool, done func(error)) {
	l.mu.Lock()
	pos := l.pos
	l.saving++
	l.mu.Unlock()
	l.d.log.Deliver(tidings.Delivery{Position: pos, Attempts: attempts, Lease: l.shard.lease.Fence}, urgent, func(err error) {
		l.mu.Lock()
		l.saving--
		l.unsaved = l.unsaved && err != nil // a position covers those before it
		l.mu.Unlock()
		done(err)
	})
}

// flush sees that the position of a lane that no longer runs is durable, under
// the fence that the store knows.
func (l *lane) flush(ctx context.Context) error {
	for {
		l.mu.Lock()
		fenced, fresh, gone, settled := l.fenced, l.fresh, l.gone, l.saving == 0 && !l.unsaved
		l.mu.Unlock()
		var err error
		switch {
		case gone, l.shard.is(shardOver):
			return nil
		case fresh != nil:
			l.adopt()
			continue
		case fenced:
			err = l.d.refresh(ctx, l.id)
		case settled:
			return nil
		default:
			durable := make(chan error, 1)
			l.deliver(nil, true, func(err error) { l.saved(err); durable <- err })
			err = <-durable
		}
		if err == nil {
			continue
		}
		select {
		case <-time.After(flushRetry):
		case <-ctx.Done():
			return err
		}
	}
}

// saved hears what became of a position. What the store refused for want of
// room or because it is down is given again; the batches already sent past it
// would be repeated after a crash with the ids and bytes they had.
func (l *lane) saved(err error) {
	if err == nil || l.notHeld(err) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken(err) {
		l.fenced = true
		l.wakeLocked()
		return
	}
	l.unsaved = true
	if l.shard.open() {
		l.wakeAfter(storeRetry)
	}
}

// notHeld says whether an error means that the shard is not this node's any
// more. Then all its lanes end.
func (l *lane) notHeld(err error) bool {
	if !errors.Is(err, tidings.ErrNotHeld) {
		return false
	}
	l.shard.lose()
	l.d.renewSoon()
	return true
}

// taken says whether an error means that the position is not this lane's to write.
func (l *lane) taken(err error) bool {
	code := tidings.CodeOf(err)
	return code == tidings.CodeFenced || code == tidings.CodeNotFound
}

// storeFailed waits out a failure of the store, or learns what it knows better.
func (l *lane) storeFailed(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil || l.notHeld(err) {
		return
	}
	if l.taken(err) {
		l.mu.Lock()
		l.fenced = true
		l.mu.Unlock()
		return
	}
	l.d.logger.Error("the store failed a delivery; the lane waits", "endpoint", l.id, "wait", storeRetry, "error", err)
	l.drop()
	select {
	case <-time.After(storeRetry):
	case <-ctx.Done():
	}
}

// load reads the lane anew, after a fence said that somebody else has moved it.
func (l *lane) load() {
	ctx := l.shard.context()
	if err := l.d.refresh(ctx, l.id); err != nil {
		l.storeFailed(ctx, err)
	}
}

// adopt takes what the store has in place of what the lane knew.
//
// When the epoch is the same, nobody has moved the cursor: the lane's own
// position is the further one (the store's may lack the last flush) and stays,
// under the new fence. Otherwise the store's is the truth.
func (l *lane) adopt() {
	l.mu.Lock()
	fresh := l.fresh
	l.fresh = nil
	if fresh.ep == nil {
		l.gone = true
		l.mu.Unlock()
		l.d.forget(l)
		return
	}
	old := l.ep
	l.ep = fresh.ep
	moved := fresh.pos.Epoch != l.pos.Epoch
	if moved {
		l.pos = l.d.schedule.now(fresh.pos)
		l.own, l.tried = false, 0
		l.waiting = time.Time{}
	} else {
		l.pos.Fence = fresh.pos.Fence
	}
	clipped := !moved && cutOf(old) != cutOf(l.ep) && l.clip()
	l.mu.Unlock()
	if moved || clipped {
		l.drop()
	}
	if !moved {
		l.save(nil)
	}
}

func cutOf(ep *tidings.Endpoint) tidings.Cut {
	return tidings.Cut{Filter: ep.Filter, MaxItems: ep.Batch.MaxItems, MaxBytes: ep.Batch.MaxBytes}
}

// clip ends the plan after what was attempted of it, so that new options take
// hold with the next batch. What an earlier process may have attempted is not
// known, so its plan stays as it is.
func (l *lane) clip() bool {
	if !l.own || l.pos.Plan.End == 0 {
		return false
	}
	end := max(l.pos.Cursor, l.tried)
	if end >= l.pos.Plan.End {
		return false
	}
	l.pos.Plan.End = end
	if end <= l.pos.Cursor {
		l.pos.Plan = tidings.Plan{}
	}
	return true
}
