package feed

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tidings"
)

const (
	// lookAgain is how often heads of feeds are read although nobody told of news.
	lookAgain = 5 * time.Second
	// looksAtOnce bounds one such read; many accounts take turns.
	looksAtOnce = 5000
)

// notices are what other nodes told and what this one has not acted on. Who
// hears them must not wait, so they are only noted.
type notices struct {
	mu     sync.Mutex
	reload map[tidings.EndpointID]struct{}
	try    map[tidings.EndpointID]struct{}
	missed bool
	wake   chan struct{} // capacity one
}

// Noticed takes what another node told. It never blocks and may be called
// before Start and after Stop.
func (d *Dispatcher) Noticed(n tidings.Notice) {
	if d.holding == nil {
		return
	}
	switch n.Kind {
	case tidings.NoticeAppended:
		d.Appended(n.Account, n.Head)
	case tidings.NoticeLeases:
		d.renewSoon()
	case tidings.NoticeEndpoint, tidings.NoticeTryNow, tidings.NoticeMissed:
		d.holding.notices.note(n)
	case tidings.NoticeKeys, tidings.NoticeFields: // the store's own
	case tidings.NoticeRuns, tidings.NoticeMails, tidings.NoticeBroadcasts: // of workflows
	}
}

func (ns *notices) note(n tidings.Notice) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	switch n.Kind {
	case tidings.NoticeEndpoint:
		ns.reload[n.Endpoint] = struct{}{}
	case tidings.NoticeTryNow:
		ns.try[n.Endpoint] = struct{}{}
	default:
		ns.missed = true
	}
	select {
	case ns.wake <- struct{}{}:
	default:
	}
}

func newNotices() notices {
	return notices{
		reload: map[tidings.EndpointID]struct{}{},
		try:    map[tidings.EndpointID]struct{}{},
		wake:   make(chan struct{}, 1),
	}
}

// take gives what was noted, and forgets it.
func (ns *notices) take() (reload, try []tidings.EndpointID, missed bool) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	reload, try = slices.Collect(maps.Keys(ns.reload)), slices.Collect(maps.Keys(ns.try))
	clear(ns.reload)
	clear(ns.try)
	missed, ns.missed = ns.missed, false
	return reload, try, missed
}

// follow acts on notices, and looks now and then for what nobody told of.
func (h *holding) follow(ctx context.Context) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-h.notices.wake:
			h.act(ctx)
		case <-ticker.C:
			h.act(ctx) // what failed the last time
			if err := h.d.readHeads(ctx, h.turn()); err != nil && ctx.Err() == nil {
				h.d.logger.Debug("the heads of feeds could not be read", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// act does what was noted. What fails is noted again, for the next look.
func (h *holding) act(ctx context.Context) {
	reload, try, missed := h.notices.take()
	var err error
	if missed {
		err = h.d.rescan(ctx)
		h.renewSoon()
	} else {
		for _, id := range reload {
			if err = h.d.refresh(ctx, id); err != nil {
				break
			}
		}
	}
	if err != nil {
		h.notices.again()
		return
	}
	for _, id := range try {
		if h.d.lane(id) != nil {
			_ = h.d.TryNow(id) // refused when nothing waits any more
		}
	}
}

// again has everything looked at anew with the next look.
func (ns *notices) again() {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.missed = true
}

// turn gives the accounts whose heads are read next.
func (h *holding) turn() []tidings.AccountID {
	h.d.mu.RLock()
	followed := slices.Collect(maps.Keys(h.d.accounts))
	h.d.mu.RUnlock()
	slices.Sort(followed)
	from, found := slices.BinarySearch(followed, h.looked)
	if found {
		from++
	}
	if from == len(followed) {
		from = 0
	}
	turn := followed[from:min(len(followed), from+looksAtOnce)]
	if len(turn) > 0 {
		h.looked = turn[len(turn)-1]
	}
	return turn
}
