package feed

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

const (
	// leaseMargin is how long before the end of a lease everything under it
	// ends: a request that was cut off must have reached its receiver, or never.
	leaseMargin = time.Second
	// renewRetry is how long the next renewal waits after one that failed.
	renewRetry = 500 * time.Millisecond
	// releaseWithin bounds the last word of a node that stops.
	releaseWithin = 2 * time.Second
	// claimAfter is how long a node that could not renew in time claims nothing
	// when it can again: the others, who most likely could not either, are to find
	// their leases as they left them.
	claimAfter = 2 * tidings.LeaseRenewal
	// lookEvery is how many renewals pass between two looks at the node's load.
	lookEvery = 5
)

// holding keeps the leases of this node: it renews them, takes what it is
// granted, gives back what is more than its share, and ends everything in time
// when it can't renew.
//
// A renewal that comes too late finds out by the fence what to do. The lease
// has the fence it had: nobody was between, and the lanes go on from where they
// stand in memory. It has another one: they are read anew.
type holding struct {
	d      *Dispatcher
	leases Leases
	wake   chan struct{} // capacity one: renew now

	until atomic.Pointer[span] // how long everything under the leases may go on

	mu       sync.Mutex // held for each step of taking, losing and giving back
	node     tidings.Node
	lapse    *time.Timer
	ended    [tidings.Shards]*shard // what was held last under each number
	released []tidings.Lease        // drained, and not yet given back
	failing  bool                   // the last renewal failed
	leaving  bool                   // nothing is taken any more
	renewals int
	claims   time.Time // nothing is claimed before

	notices notices
	looked  tidings.AccountID // the last one whose head was read without being told of; only follow uses it

	loading  context.Context // ends when the dispatcher stops
	stopping context.CancelFunc
	draining context.Context // ends when the dispatcher has no more time to stop
	cutShort context.CancelFunc
	loops    sync.WaitGroup // keep and follow
	endLoops context.CancelFunc
	work     sync.WaitGroup // loads and drains
}

func newHolding(d *Dispatcher) *holding {
	h := &holding{d: d, leases: d.cfg.Leases, node: d.cfg.Node, wake: make(chan struct{}, 1), notices: newNotices()}
	h.until.Store(&span{})
	h.loading, h.stopping = context.WithCancel(d.ctx)
	h.draining, h.cutShort = context.WithCancel(d.ctx)
	h.endLoops = func() {}
	return h
}

// start takes the first leases and reads their lanes.
func (h *holding) start(ctx context.Context) error {
	wait, err := h.renew(ctx)
	if err != nil {
		return err
	}
	loops, end := context.WithCancel(h.d.ctx)
	h.endLoops = end
	h.loops.Go(func() { h.keep(loops, wait) })
	h.loops.Go(func() { h.follow(loops) })
	known := make(chan struct{})
	go func() { h.work.Wait(); close(known) }() // work ends with Stop at the latest
	select {
	case <-known:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop gives every lease back as soon as nothing of it is under way, and says goodbye.
func (h *holding) stop(ctx context.Context) error {
	h.stopping()
	h.mu.Lock()
	h.leaving = true
	shards := slices.DeleteFunc(h.d.held(), func(s *shard) bool { return s.is(shardDraining) })
	h.mu.Unlock()
	err := drainAll(ctx, shards, h.giveBack)
	cut := context.AfterFunc(ctx, h.cutShort)
	h.work.Wait()
	cut()
	h.endLoops()
	h.loops.Wait()
	if h.lapse != nil {
		h.lapse.Stop()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseWithin)
	defer cancel()
	return errors.Join(err, h.leases.ReleaseLeases(last, h.node.ID))
}

// keep renews until ctx ends.
func (h *holding) keep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-h.wake:
		case <-ctx.Done():
			return
		}
		wait, err := h.renew(ctx)
		if err != nil {
			wait = renewRetry
		}
		timer.Reset(wait)
	}
}

// renewSoon has the leases renewed now. It does not block.
func (h *holding) renewSoon() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// renew asks once and does what the answer says. It gives the time until the next renewal.
func (h *holding) renew(ctx context.Context) (time.Duration, error) {
	sent := time.Now() // before it is sent: the lease can't hold shorter than from here
	node, released := h.tells(sent)
	asking, cancel := context.WithTimeout(ctx, tidings.LeaseRenewal)
	defer cancel()
	grant, err := h.leases.RenewLeases(asking, node, released)
	if err != nil {
		h.failed(ctx, err)
		return 0, err
	}
	h.take(span{sent, grant.ValidFor - leaseMargin}, grant, released, node.Delivers())
	if grant.Again > 0 {
		return min(tidings.LeaseRenewal, grant.Again), nil
	}
	return tidings.LeaseRenewal, nil
}

// tells gives what a renewal says of the node. One that does not say that it
// delivers keeps what it has and claims no more.
func (h *holding) tells(now time.Time) (tidings.Node, []tidings.Lease) {
	h.mu.Lock()
	look := h.renewals%lookEvery == 0
	if h.renewals > 0 && h.until.Load().over(now) {
		h.claims = now.Add(claimAfter)
	}
	h.renewals++
	h.mu.Unlock()
	var load tidings.NodeLoad
	if look {
		s := h.d.Stats()
		load = s.Load()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if look {
		h.node.Load = load
	}
	node := h.node
	if h.leaving || now.Before(h.claims) {
		node.Roles = slices.DeleteFunc(slices.Clone(node.Roles), func(r tidings.Role) bool { return r == tidings.RoleDeliver })
	}
	return node, slices.Clone(h.released)
}

func (h *holding) failed(ctx context.Context, err error) {
	h.mu.Lock()
	first := !h.failing
	h.failing = true
	h.mu.Unlock()
	if first && ctx.Err() == nil {
		h.d.logger.Warn("the leases of this node could not be renewed; its deliveries pause when they end", "error", err)
	}
}

// take makes what is held here what was granted; share says whether the node
// asked for its share.
func (h *holding) take(valid span, grant tidings.Grant, released []tidings.Lease, share bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = slices.DeleteFunc(h.released, func(l tidings.Lease) bool { return slices.Contains(released, l) })
	if h.failing {
		h.failing = false
		h.d.logger.Info("the leases of this node are renewed again")
	}
	h.until.Store(&valid)
	left := valid.left(time.Now())
	if left <= 0 {
		h.pauseAll()
		return
	}
	h.setLapse(left)
	lost := h.lose(grant.Held)
	gained := h.gain(grant.Held)
	shed := 0
	if share {
		shed = h.shed(grant.Share)
	}
	if lost+len(gained)+shed > 0 {
		h.d.logger.Info("shards of this node", "held", len(grant.Held), "share", grant.Share, "gained", len(gained), "lost", lost, "giving back", shed)
	}
}

// setLapse has everything paused when the leases end. Callers hold h.mu.
func (h *holding) setLapse(left time.Duration) {
	if h.lapse == nil {
		h.lapse = time.AfterFunc(left, func() { h.valid() })
		return
	}
	h.lapse.Reset(left)
}

// valid says whether the leases hold; when they do not, it pauses everything.
func (h *holding) valid() bool {
	if !h.until.Load().over(time.Now()) {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.until.Load().over(time.Now()) {
		return true // renewed just now
	}
	h.pauseAll()
	return false
}

// pauseAll cuts off what is under way, until the next renewal.
func (h *holding) pauseAll() {
	for _, s := range h.d.held() {
		s.pause()
	}
}

// lose drops the shards that are not held any more, and lets the others go on. Callers hold h.mu.
func (h *holding) lose(held []tidings.Lease) int {
	n := 0
	for _, s := range h.d.held() {
		if slices.Contains(held, s.lease) && !s.is(shardOver) {
			s.resume()
			continue
		}
		h.d.drop(s)
		h.ended[s.lease.Shard] = s
		n++
	}
	return n
}

// gain takes the shards that were granted and are not here yet, and has their
// lanes read. Callers hold h.mu.
func (h *holding) gain(held []tidings.Lease) []*shard {
	var gained []*shard
	for _, lease := range held {
		if h.leaving || h.d.shardAt(lease.Shard) != nil || slices.Contains(h.released, lease) {
			continue
		}
		if s := h.d.hold(lease, h.ended[lease.Shard]); s != nil {
			gained = append(gained, s)
		}
	}
	if len(gained) > 0 {
		h.work.Go(func() { h.load(gained) })
	}
	return gained
}

// shed begins to give back what is more than the share. Callers hold h.mu.
func (h *holding) shed(share int) int {
	if h.leaving {
		return 0
	}
	open := slices.DeleteFunc(h.d.held(), func(s *shard) bool { return s.is(shardDraining) })
	extra := open[min(share, len(open)):]
	for _, s := range extra {
		s.close()
		h.work.Go(func() {
			_ = s.drain(h.draining) // what it could not write comes again from the shard's next node
			h.giveBack(s)
		})
	}
	return len(extra)
}

// giveBack has a drained shard released by the next renewal, which is now.
func (h *holding) giveBack(s *shard) {
	h.mu.Lock()
	if !s.is(shardOver) { // else it was lost meanwhile
		h.released = append(h.released, s.lease)
	}
	h.d.drop(s)
	h.ended[s.lease.Shard] = s
	h.mu.Unlock()
	h.renewSoon()
}

// load reads the lanes of new shards, until it succeeds.
func (h *holding) load(gained []*shard) {
	for {
		begin := time.Now()
		err := h.d.load(h.loading, gained)
		if err == nil {
			h.d.logger.Debug("the lanes of new shards are read", "shards", len(gained), "took", time.Since(begin))
			return
		}
		if !slices.ContainsFunc(gained, func(s *shard) bool { return !s.is(shardOver) }) {
			return
		}
		select {
		case <-h.loading.Done():
			return
		case <-time.After(storeRetry):
		}
		h.d.logger.Warn("the lanes of new shards could not be read; they are read again", "error", err)
	}
}
