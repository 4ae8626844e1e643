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

	RetryBase   time.Duration // wait after the first failure; DefaultRetryBase
	RetryCap    time.Duration // longest wait; DefaultRetryCap
	MaxInFlight int           // first attempts in flight at once; 4096
	MaxRepeats  int           // repeats in flight at once; 512
	Logger      *slog.Logger  // slog.Default()
}

// Dispatcher delivers the feeds of all accounts to their endpoints: one lane
// an endpoint.
type Dispatcher struct {
	cfg      Config
	log      Log
	logger   *slog.Logger
	schedule Schedule
	slots    slots
	watchers watchers
	counts   counts

	ctx    context.Context // ends when what is in flight must end
	cancel context.CancelFunc

	mu       sync.RWMutex
	byID     map[tidings.EndpointID]*lane
	accounts map[tidings.AccountID]*accountLanes

	refreshing sync.Mutex // reads of lanes reach them in the order in which they were made

	waker sync.WaitGroup
	heads heads

	stop    sync.RWMutex // guards stopped against a lane that starts meanwhile
	stopped bool
	lanes   sync.WaitGroup // running lanes
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
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Dispatcher{
		cfg:      cfg,
		log:      cfg.Log,
		logger:   cfg.Logger,
		schedule: Schedule{Base: cfg.RetryBase, Cap: cfg.RetryCap},
		slots:    newSlots(cfg.MaxInFlight, cfg.MaxRepeats),
		ctx:      ctx,
		cancel:   cancel,
		byID:     map[tidings.EndpointID]*lane{},
		accounts: map[tidings.AccountID]*accountLanes{},
		heads:    heads{wake: make(chan struct{}, 1)},
	}
}

// Start reads all lanes and sets those going that have something to send. It
// returns when every lane is known. Call it once.
func (d *Dispatcher) Start(ctx context.Context) error {
	d.waker.Go(d.followHeads)
	err := d.log.Lanes(ctx, func(ep tidings.Endpoint, pos tidings.Position) error {
		d.add(&loaded{ep: &ep, pos: pos})
		return nil
	})
	if err != nil {
		return err
	}
	d.mu.RLock()
	accounts := make([]tidings.AccountID, 0, len(d.accounts))
	for id := range d.accounts {
		accounts = append(accounts, id)
	}
	d.mu.RUnlock()
	for _, id := range accounts {
		head, err := d.log.Head(ctx, id)
		if err != nil {
			return err
		}
		d.reached(id, head, false)
	}
	for _, l := range d.all() {
		l.wake() // frozen batches and retries whose time has come need no new head
	}
	return nil
}

// Stop ends the dispatcher: nothing new is sent, and what is in flight may
// finish until ctx ends, when it is cut off. It returns when no lane runs and
// every position is durable, so that nothing is sent again after a restart;
// its error says that ctx ended too early for one or the other.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.stop.Lock()
	already := d.stopped
	d.stopped = true
	d.stop.Unlock()
	if already {
		d.lanes.Wait()
		return nil
	}
	d.heads.close()
	d.releaseWaiting()
	ended := make(chan struct{})
	go func() { d.lanes.Wait(); close(ended) }()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	d.cancel()
	<-ended
	d.waker.Wait()
	for _, l := range d.all() {
		err = errors.Join(err, l.flush(ctx))
	}
	return err
}

func (d *Dispatcher) all() []*lane {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Collect(maps.Values(d.byID))
}

// releaseWaiting stops the timers, and the lanes that wait for a slot or a store.
func (d *Dispatcher) releaseWaiting() {
	for _, l := range d.all() {
		l.mu.Lock()
		if l.timer != nil {
			l.timer.Stop()
		}
		if l.cancel != nil && !l.posting {
			l.cancel()
		}
		l.mu.Unlock()
	}
}

func (d *Dispatcher) stopping() bool {
	d.stop.RLock()
	defer d.stop.RUnlock()
	return d.stopped
}

// admit counts a lane in that is about to run, unless the dispatcher stops.
func (d *Dispatcher) admit() bool {
	d.stop.RLock()
	defer d.stop.RUnlock()
	if d.stopped {
		return false
	}
	d.lanes.Add(1)
	return true
}

// add registers a lane that was read from the store.
func (d *Dispatcher) add(fresh *loaded) (l *lane, newAccount bool) {
	l = &lane{d: d, id: fresh.ep.ID, account: fresh.ep.Account, ep: fresh.ep, pos: d.schedule.now(fresh.pos)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[l.id] = l
	a := d.accounts[l.account]
	if a == nil {
		a = &accountLanes{}
		d.accounts[l.account] = a
		newAccount = true
	}
	a.mu.Lock()
	a.lanes = append(a.lanes, l)
	l.head = a.head
	a.mu.Unlock()
	return l, newAccount
}

// forget takes a lane out that is gone.
func (d *Dispatcher) forget(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byID, l.id)
	a := d.accounts[l.account]
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, other := range a.lanes {
		if other == l {
			a.lanes = append(a.lanes[:i], a.lanes[i+1:]...)
			break
		}
	}
}

func (d *Dispatcher) lane(id tidings.EndpointID) *lane {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[id]
}

// Reload has an endpoint's lane read the store anew: after it was created,
// changed, deleted, or its position moved by an Act. An attempt in flight is
// cut off when the position was moved or the endpoint is gone; otherwise it
// finishes as it began.
func (d *Dispatcher) Reload(ctx context.Context, id tidings.EndpointID) error {
	return d.refresh(ctx, id)
}

func (d *Dispatcher) refresh(ctx context.Context, id tidings.EndpointID) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	fresh := &loaded{}
	ep, pos, err := d.log.Lane(ctx, id)
	switch {
	case err == nil:
		fresh = &loaded{ep: &ep, pos: pos}
	case tidings.CodeOf(err) != tidings.CodeNotFound:
		return err
	}
	if l := d.lane(id); l != nil {
		l.offer(fresh)
		return nil
	}
	if fresh.ep == nil {
		return nil
	}
	l, newAccount := d.add(fresh)
	if newAccount {
		head, err := d.log.Head(ctx, ep.Account)
		if err != nil {
			return err
		}
		d.reached(ep.Account, head, false)
	}
	l.wake()
	return nil
}

// offer leaves what was read for the lane's goroutine to adopt.
func (l *lane) offer(fresh *loaded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh, l.fenced = fresh, false
	moved := fresh.ep == nil || fresh.pos.Epoch != l.pos.Epoch
	if l.cancel != nil && (moved || !l.posting) {
		l.cancel()
	}
	l.wakeLocked()
}

// TryNow has a waiting batch attempted before its time. It does not change the
// schedule: another failure waits as long as it would have.
func (d *Dispatcher) TryNow(id tidings.EndpointID) error {
	l := d.lane(id)
	if l == nil {
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

// Lane says how an endpoint stands; false when no such lane is here.
func (d *Dispatcher) Lane(id tidings.EndpointID) (LaneStatus, bool) {
	l := d.lane(id)
	if l == nil {
		return LaneStatus{}, false
	}
	now := time.Now()
	d.mu.RLock()
	a := d.accounts[l.account]
	d.mu.RUnlock()
	a.mu.Lock()
	arriving := a.arriving.perSecond(now)
	a.mu.Unlock()
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
	l := d.lane(id)
	if l == nil {
		return nil, tidings.Position{}, tidings.Errorf(tidings.CodeNotFound, "no endpoint %d is delivered here", id)
	}
	l.mu.Lock()
	ep, pos, head := l.ep, l.pos, l.head
	l.mu.Unlock()
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
