package feed

import (
	"context"
	"maps"
	"slices"

	"tidings"
)

// Reload has an endpoint's lane read the store anew, here or on the node that
// has it: after it was created, changed, deleted, or its position moved by an
// Act. An attempt in flight is cut off when the position was moved or the
// endpoint is gone; otherwise it finishes as it began.
func (d *Dispatcher) Reload(ctx context.Context, id tidings.EndpointID) error {
	// Told in any case: this node may have lost the shard without knowing it yet.
	d.tell(tidings.Notice{Kind: tidings.NoticeEndpoint, Endpoint: id})
	return d.refresh(ctx, id)
}

// refresh reads one lane, if its shard is held here.
func (d *Dispatcher) refresh(ctx context.Context, id tidings.EndpointID) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	s := d.shardOf(id)
	if s == nil {
		return nil
	}
	fresh := &loaded{}
	ep, pos, err := d.log.Lane(ctx, id)
	switch {
	case err == nil:
		fresh = &loaded{ep: &ep, pos: pos}
	case tidings.CodeOf(err) != tidings.CodeNotFound:
		return err
	}
	if l := s.lane(id); l != nil {
		l.offer(fresh)
		return nil
	}
	if fresh.ep == nil {
		s.forgo(id)
		return nil
	}
	if !d.add(s, fresh) {
		return nil
	}
	if err := d.readHeads(ctx, []tidings.AccountID{ep.Account}); err != nil {
		return err
	}
	if l := s.lane(id); l != nil {
		l.wake()
	}
	return nil
}

// forgo notes that an endpoint was deleted, for those who read lanes now.
func (s *shard) forgo(id tidings.EndpointID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deleted != nil {
		s.deleted[id] = struct{}{}
	}
}

// offer leaves what was read for the lane's goroutine to adopt.
func (l *lane) offer(fresh *loaded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offerLocked(fresh)
}

func (l *lane) offerLocked(fresh *loaded) {
	l.fresh, l.fenced = fresh, false
	moved := fresh.ep == nil || fresh.pos.Epoch != l.pos.Epoch
	if l.cancel != nil && (moved || !l.posting) {
		l.cancel()
	}
	l.wakeLocked()
}

// offerNews is offer for what the lane does not know yet.
func (l *lane) offerNews(fresh *loaded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ep, pos := l.ep, &l.pos
	if l.fresh != nil && l.fresh.ep != nil {
		ep, pos = l.fresh.ep, &l.fresh.pos
	}
	if ep.Version != fresh.ep.Version || pos.Fence != fresh.pos.Fence || pos.Epoch != fresh.pos.Epoch {
		l.offerLocked(fresh)
	}
}

// rescan reads all lanes held here and offers what is new: after a time in
// which notices may have been missed.
func (d *Dispatcher) rescan(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	shards := slices.DeleteFunc(d.held(), func(s *shard) bool { return !s.known() })
	there := map[tidings.EndpointID]bool{}
	accounts := map[tidings.AccountID]bool{}
	err := d.eachLane(ctx, shards, func(ep tidings.Endpoint, pos tidings.Position) error {
		there[ep.ID], accounts[ep.Account] = true, true
		fresh := &loaded{ep: &ep, pos: pos}
		s := d.shardOf(ep.ID)
		switch {
		case s == nil:
		case s.lane(ep.ID) != nil:
			s.lane(ep.ID).offerNews(fresh)
		default:
			d.add(s, fresh)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range shards {
		for _, l := range s.all() {
			if !there[l.id] {
				l.offer(&loaded{})
			}
		}
	}
	if err := d.readHeads(ctx, slices.Collect(maps.Keys(accounts))); err != nil {
		return err
	}
	for _, s := range shards {
		s.wake()
	}
	return nil
}

// known says whether all lanes of the shard have been read.
func (s *shard) known() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.deleted == nil
}
