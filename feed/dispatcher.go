package feed

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tidings"
)

// Config is what a Dispatcher is made of.
type Config struct {
	Log Log
	// Post makes one attempt; Poster.Post in production. The duration is what
	// the receiver asked for by Retry-After, 0 when it asked for nothing.
	Post func(context.Context, *tidings.Endpoint, Outgoing) (tidings.Attempt, time.Duration)

	// Leases is set where several nodes share the store, and Node is then this
	// one: its Leases, Load and Seen are set by the dispatcher and the store. A
	// node without RoleDeliver holds nothing and passes on what it is asked for.
	// Default: every endpoint is this process's.
	Leases Leases
	Node   tidings.Node
	// Tell tells all other nodes. It must not block. Needed with Leases.
	Tell func(tidings.Notice)

	// Tallied hears of every attempt, when it has ended, but of those that this
	// server called off. It must not block. Default: nobody counts.
	Tallied func(tidings.Count)

	RetryBase   time.Duration // wait after the first failure; DefaultRetryBase
	RetryCap    time.Duration // longest wait; DefaultRetryCap
	MaxInFlight int           // first attempts in flight at once; 4096
	MaxRepeats  int           // repeats in flight at once; 512
	Logger      *slog.Logger  // slog.Default()
}

// Dispatcher delivers the feeds of all accounts to their endpoints: one lane
// an endpoint, for the endpoints of the shards that this process holds.
type Dispatcher struct {
	cfg      Config
	log      Log
	logger   *slog.Logger
	schedule Schedule
	slots    slots
	watchers watchers
	counts   counts

	ctx    context.Context // ends when everything has ended
	cancel context.CancelFunc

	mu       sync.RWMutex
	shards   [tidings.Shards]*shard // nil = not held here
	accounts map[tidings.AccountID]*accountLanes
	stopped  bool // no shard is added any more

	refreshing sync.Mutex // reads of lanes reach them in the order in which they were made

	waker   sync.WaitGroup
	heads   heads
	holding *holding // nil where nobody shares the store
}

// accountLanes are the lanes of one account and what they follow.
type accountLanes struct {
	mu       sync.Mutex
	lanes    []*lane
	head     tidings.Seq
	arriving meter
}

// New makes a dispatcher that does nothing yet.
func New(cfg Config) *Dispatcher {
	if cfg.RetryBase == 0 {
		cfg.RetryBase = DefaultRetryBase
	}
	if cfg.RetryCap == 0 {
		cfg.RetryCap = DefaultRetryCap
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 4096
	}
	if cfg.MaxRepeats == 0 {
		cfg.MaxRepeats = 512
	}
	if cfg.Tallied == nil {
		cfg.Tallied = func(tidings.Count) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dispatcher{
		cfg:      cfg,
		log:      cfg.Log,
		logger:   cfg.Logger,
		schedule: Schedule{Base: cfg.RetryBase, Cap: cfg.RetryCap},
		slots:    newSlots(cfg.MaxInFlight, cfg.MaxRepeats),
		ctx:      ctx,
		cancel:   cancel,
		accounts: map[tidings.AccountID]*accountLanes{},
		heads:    heads{wake: make(chan struct{}, 1)},
	}
	if cfg.Leases != nil {
		d.holding = newHolding(d)
	}
	return d
}

// Start takes what is this process's and sets those lanes going that have
// something to send. It returns when every lane is known. Call it once.
func (d *Dispatcher) Start(ctx context.Context) error {
	d.waker.Go(d.followHeads)
	if d.holding != nil {
		return d.holding.start(ctx)
	}
	var all []*shard
	for n := range tidings.Shards {
		all = append(all, d.hold(tidings.Lease{Shard: n}, nil))
	}
	return d.load(ctx, all)
}

// Stop ends the dispatcher: nothing new is sent, and what is in flight may
// finish until ctx ends, when it is cut off. It returns when no lane runs and
// every position is durable, so that nothing is sent again after a restart;
// its error says that ctx ended too early for one or the other. Leases are
// given back as soon as nothing of theirs is under way.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.mu.Lock()
	already := d.stopped
	d.stopped = true
	d.mu.Unlock()
	if already {
		<-d.ctx.Done()
		return nil
	}
	defer d.cancel()
	d.heads.close()
	var err error
	if d.holding != nil {
		err = d.holding.stop(ctx)
	} else {
		err = drainAll(ctx, d.held(), d.drop)
	}
	d.waker.Wait()
	return err
}

// drainAll drains shards side by side, and says of each when it has ended.
func drainAll(ctx context.Context, shards []*shard, ended func(*shard)) error {
	errs := make([]error, len(shards))
	var drains sync.WaitGroup
	for i, s := range shards {
		drains.Go(func() {
			errs[i] = s.drain(ctx)
			ended(s)
		})
	}
	drains.Wait()
	return errors.Join(errs...)
}

// hold makes a shard this process's; nil when the dispatcher stops. before is
// the one that was held earlier under the same number; nil = none.
func (d *Dispatcher) hold(lease tidings.Lease, before *shard) *shard {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil
	}
	s := d.newShard(lease)
	s.before = before
	d.shards[lease.Shard] = s
	return s
}

// held gives the shards that are this process's.
func (d *Dispatcher) held() []*shard {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var list []*shard
	for _, s := range d.shards {
		if s != nil {
			list = append(list, s)
		}
	}
	return list
}

// load reads the lanes of shards that were just taken and sets them going.
func (d *Dispatcher) load(ctx context.Context, shards []*shard) error {
	for _, s := range shards {
		s.begin()
	}
	accounts := map[tidings.AccountID]bool{}
	each := func(ep tidings.Endpoint, pos tidings.Position) error {
		if s := d.shardOf(ep.ID); s != nil && d.add(s, &loaded{ep: &ep, pos: pos}) {
			accounts[ep.Account] = true
		}
		return nil
	}
	if err := d.eachLane(ctx, shards, each); err != nil {
		return err
	}
	if err := d.readHeads(ctx, slices.Collect(maps.Keys(accounts))); err != nil {
		return err
	}
	for _, s := range shards {
		s.loaded()
		s.wake() // frozen batches and retries whose time has come need no new head
	}
	return nil
}

// eachLane reads the lanes of shards.
func (d *Dispatcher) eachLane(ctx context.Context, shards []*shard, each func(tidings.Endpoint, tidings.Position) error) error {
	if d.cfg.Leases == nil {
		return d.log.Lanes(ctx, each)
	}
	numbers := make([]int, len(shards))
	for i, s := range shards {
		numbers[i] = s.lease.Shard
	}
	return d.cfg.Leases.LanesOf(ctx, numbers, each)
}

// add registers a lane that was read from the store, unless it is known or was
// deleted meanwhile. What is known was read later, or is on its way.
func (d *Dispatcher) add(s *shard, fresh *loaded) bool {
	l := &lane{d: d, shard: s, id: fresh.ep.ID, account: fresh.ep.Account, ep: fresh.ep, pos: d.schedule.now(fresh.pos)}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	_, deleted := s.deleted[l.id]
	if s.state == shardDraining || s.state == shardOver || s.lanes[l.id] != nil || deleted {
		return false
	}
	s.lanes[l.id] = l
	a := d.accounts[l.account]
	if a == nil {
		a = &accountLanes{}
		d.accounts[l.account] = a
	}
	a.mu.Lock()
	a.lanes = append(a.lanes, l)
	l.head = a.head
	a.mu.Unlock()
	return true
}

// forget takes a lane out that is gone.
func (d *Dispatcher) forget(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.shard.mu.Lock()
	delete(l.shard.lanes, l.id)
	l.shard.mu.Unlock()
	d.unfollow(l.account, func(other *lane) bool { return other == l })
}

// drop takes a shard out with its lanes.
func (d *Dispatcher) drop(s *shard) {
	s.lose()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shards[s.lease.Shard] == s {
		d.shards[s.lease.Shard] = nil
	}
	accounts := map[tidings.AccountID]bool{}
	for _, l := range s.all() {
		l.releaseWaiting()
		accounts[l.account] = true
	}
	for account := range accounts {
		d.unfollow(account, func(l *lane) bool { return l.shard == s })
	}
	s.mu.Lock()
	s.lanes = nil
	s.mu.Unlock()
}

// unfollow takes lanes out of an account's, and the account with its last
// one. Callers hold d.mu.
func (d *Dispatcher) unfollow(account tidings.AccountID, which func(*lane) bool) {
	a := d.accounts[account]
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lanes = slices.DeleteFunc(a.lanes, which)
	if len(a.lanes) == 0 {
		delete(d.accounts, account)
	}
}

func (d *Dispatcher) shardOf(id tidings.EndpointID) *shard { return d.shardAt(tidings.ShardOf(id)) }

func (d *Dispatcher) shardAt(number int) *shard {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.shards[number]
}

func (d *Dispatcher) lane(id tidings.EndpointID) *lane {
	if s := d.shardOf(id); s != nil {
		return s.lane(id)
	}
	return nil
}

// readHeads brings accounts to where their feeds end now.
func (d *Dispatcher) readHeads(ctx context.Context, accounts []tidings.AccountID) error {
	if len(accounts) == 0 {
		return nil
	}
	if d.cfg.Leases != nil {
		heads, err := d.cfg.Leases.Heads(ctx, accounts)
		for account, head := range heads {
			d.reached(account, head, false)
		}
		return err
	}
	for _, account := range accounts {
		head, err := d.log.Head(ctx, account)
		if err != nil {
			return err
		}
		d.reached(account, head, false)
	}
	return nil
}

// mayPost says whether a POST may begin now. By the clocks, not by a timer: the
// process may just have been stopped for a while.
func (d *Dispatcher) mayPost() bool { return d.holding == nil || d.holding.valid() }

// tell tells the other nodes, where there are any.
func (d *Dispatcher) tell(n tidings.Notice) {
	if d.holding != nil {
		d.cfg.Tell(n)
	}
}

// renewSoon has the leases looked at now.
func (d *Dispatcher) renewSoon() {
	if d.holding != nil {
		d.holding.renewSoon()
	}
}
