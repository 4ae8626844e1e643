package feed

import (
	"context"
	"sync"
	"time"

	"tidings"
)

// planBatches is how many full batches a plan may hold: enough that a lane
// with a backlog waits for one commit in many batches, few enough that a
// change of the endpoint's filter or limits takes hold soon.
const planBatches = 256

// aheadWithin is how soon a receiver must answer for the next batches to be cut
// meanwhile. A slower one would gain nothing by it, and thousands of them hold
// one body each instead of what two reads give.
const aheadWithin = 250 * time.Millisecond

// storeRetry is how long a lane waits after its store failed it. The
// endpoint's own schedule has nothing to do with it.
const storeRetry = time.Second

// lane is one endpoint's way through its account's feed. It costs a goroutine
// only while there is something to do: whoever finds work under the lock sets
// running and starts run, which alone moves the position until it gives
// running back. That is how one endpoint has at most one POST in flight.
type lane struct {
	d       *Dispatcher
	shard   *shard
	id      tidings.EndpointID
	account tidings.AccountID

	mu      sync.Mutex
	ep      *tidings.Endpoint // a snapshot, never changed in place
	pos     tidings.Position  // as the lane knows it; the store's may be a flush behind
	head    tidings.Seq       // of the account's feed
	waiting time.Time         // when the first undelivered activity was seen, for the linger
	running bool
	tryNow  bool               // the operator wants the next attempt before its time
	saving  int                // deliveries that the store has not answered
	unsaved bool               // the store refused pos; it must be given again
	fenced  bool               // the store knows another fence: read the lane anew
	fresh   *loaded            // what Reload has read, for the goroutine to adopt
	gone    bool               // deleted: never run again
	cancel  context.CancelFunc // of the attempt in flight or the wait for a slot
	posting bool
	timer   *time.Timer
	rate    meter

	// Only the running goroutine touches these.
	ready *Batch      // cut and not yet settled
	ahead *ahead      // cuts the rest of the plan; nil when nobody does
	quick bool        // the last POST was delivered within aheadWithin
	tried tidings.Seq // the end of the last batch this process attempted
	own   bool        // this process froze the plan, so tried tells all that was attempted of it
}

// loaded is a lane as the store has it.
type loaded struct {
	ep  *tidings.Endpoint
	pos tidings.Position
}

// step is what a lane does next.
type step int

const (
	stepRest  step = iota // nothing to do, or not yet: the goroutine ends
	stepAdopt             // take what Reload has read
	stepLoad              // read the lane anew
	stepSave              // give the position to the store again
	stepSend              // send a batch
)

// run is the lane's goroutine.
func (l *lane) run() {
	defer l.shard.running.Done()
	for {
		switch l.decide() {
		case stepRest:
			return
		case stepAdopt:
			l.adopt()
		case stepLoad:
			l.load()
		case stepSave:
			l.save(nil)
		case stepSend:
			l.send()
		}
	}
}

// decide says what comes next. When it says stepRest, running has been given
// back under the same lock under which there was nothing to do, and whatever
// changes that will wake the lane.
func (l *lane) decide() step {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone || !l.shard.open():
		return l.rest(0)
	case l.fresh != nil:
		return stepAdopt
	case l.fenced:
		return stepLoad
	case l.unsaved:
		return stepSave
	case l.ep.State != tidings.StateActive:
		return l.rest(0)
	case !l.hasWork():
		return l.rest(0)
	case !l.tryNow:
		if wait := l.wait(time.Now()); wait > 0 {
			return l.rest(wait)
		}
	}
	return stepSend
}

// rest ends the goroutine and, when wait is not 0, has the lane woken then.
func (l *lane) rest(wait time.Duration) step {
	l.running, l.quick = false, false
	l.drop() // memory must not grow with endpoints that wait
	if wait > 0 {
		l.wakeAfter(wait)
	}
	return stepRest
}

func (l *lane) wakeAfter(wait time.Duration) {
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.wake)
		return
	}
	l.timer.Reset(wait)
}

// hasWork says whether anything is frozen or waits to be.
func (l *lane) hasWork() bool {
	return l.pos.Plan.End > l.pos.Cursor || l.head > l.pos.Scanned
}

// wait is how long the next batch must wait: for its next try, or for company.
func (l *lane) wait(now time.Time) time.Duration {
	if l.pos.Blocked() {
		return l.pos.NextTry.Sub(now)
	}
	linger := l.ep.Batch.Linger
	if linger == 0 || l.pos.Plan.End > l.pos.Cursor || int(l.head-l.pos.Scanned) >= l.ep.Batch.MaxItems {
		return 0
	}
	if l.waiting.IsZero() {
		l.waiting = now
	}
	return l.waiting.Add(linger).Sub(now)
}

// wake starts the goroutine unless it runs.
func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakeLocked()
}

func (l *lane) wakeLocked() {
	if l.running || l.gone || !l.shard.admit() {
		return
	}
	l.running = true
	go l.run()
}

// appended tells the lane of the feed's new head. A lane that waits for its
// next try is left alone.
func (l *lane) appended(head tidings.Seq, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if head <= l.head {
		return
	}
	if l.head <= l.pos.Scanned && l.ep.Batch.Linger > 0 {
		l.waiting = now
	}
	l.head = head
	if l.ep.State != tidings.StateActive || l.pos.Blocked() && now.Before(l.pos.NextTry) {
		return
	}
	l.wakeLocked()
}

// send delivers the head batch once: wait for a slot, cut the batch, see that
// its plan is durable, POST, and settle what came of it. A lane that waits for
// a slot holds no bodies, so that memory is bounded by the slots, however many
// endpoints are due.
func (l *lane) send() {
	ctx, done := l.begin()
	defer done()
	release, err := l.d.slots.acquire(ctx, l.pos.Blocked(), l.drop)
	if err != nil {
		return // stopped or reloaded while waiting; decide sees which
	}
	batch, err := l.headBatch(ctx)
	if err != nil {
		release()
		l.storeFailed(ctx, err)
		return
	}
	if batch == nil {
		release()
		return
	}
	if !l.mayPost(ctx) {
		release()
		return // decide sees why
	}
	l.tried = max(l.tried, batch.Last)
	attempt, retryAfter := l.post(ctx, batch)
	release()
	l.settle(ctx, batch, attempt, retryAfter)
	l.ready = nil
	l.quick = attempt.Delivered && attempt.Duration < aheadWithin
	if !l.quick {
		l.drop() // a lane that waits, for its next try or for a slow answer, holds no bodies to come
	}
}

// begin makes the context of one turn, which Reload and the end of the lease may cancel.
func (l *lane) begin() (context.Context, func()) {
	ctx, cancel := context.WithCancel(l.shard.context())
	l.mu.Lock()
	l.cancel = cancel
	l.mu.Unlock()
	return ctx, func() {
		l.mu.Lock()
		l.cancel = nil
		l.mu.Unlock()
		cancel()
	}
}

// headBatch gives the batch to send, with its plan durable; nil when there was
// nothing in the plan to send.
func (l *lane) headBatch(ctx context.Context) (*Batch, error) {
	if l.ready != nil {
		return l.ready, nil
	}
	frozen := l.pos.Plan.End > l.pos.Cursor
	if l.ahead != nil && frozen {
		return l.take(l.ahead.next(ctx))
	}
	l.drop()
	pos := l.pos
	if !frozen {
		pos.Plan = l.nextPlan()
	}
	c := newCutter(l.d.log, l.account, pos)
	batch, err := l.take(c.pull(ctx))
	if batch == nil || err != nil {
		return nil, err
	}
	if !frozen {
		if err := l.freeze(pos.Plan); err != nil {
			l.ready = nil
			return nil, err
		}
	}
	if l.quick && batch.Last < pos.Plan.End {
		l.ahead = c.ahead(l.d.ctx)
	}
	return batch, nil
}

// take makes a batch that was cut the ready one. Where the plan had no more,
// it passes over the rest of it.
func (l *lane) take(p pulled) (*Batch, error) {
	switch {
	case p.err != nil:
		return nil, p.err
	case p.missing > 0:
		l.lost(p.missing)
	case p.batch == nil:
		l.passOver(p.end)
	}
	l.ready = p.batch
	return p.batch, nil
}

// drop lets go of what was cut and of who cuts.
func (l *lane) drop() {
	l.ready = nil
	if l.ahead != nil {
		l.ahead.end()
		l.ahead = nil
	}
}

// nextPlan is what the endpoint's options make of what waits now.
func (l *lane) nextPlan() tidings.Plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return planFor(l.ep, l.pos, l.head)
}

func planFor(ep *tidings.Endpoint, pos tidings.Position, head tidings.Seq) tidings.Plan {
	cut := tidings.Cut{Filter: ep.Filter, MaxItems: ep.Batch.MaxItems, MaxBytes: ep.Batch.MaxBytes}
	return tidings.Plan{Cut: cut, End: min(head, pos.Scanned+tidings.Seq(planBatches*cut.MaxItems))}
}

// freeze makes a plan durable. It does not look at the context: whether the
// plan holds must be known before anything else is done.
func (l *lane) freeze(plan tidings.Plan) error {
	l.mu.Lock()
	l.pos.Plan = plan
	l.mu.Unlock()
	durable := make(chan error, 1)
	l.deliver(nil, true, func(err error) { durable <- err })
	if err := <-durable; err != nil {
		l.mu.Lock()
		l.pos.Plan = tidings.Plan{} // nothing of it was attempted
		l.mu.Unlock()
		return err
	}
	l.own, l.tried = true, l.pos.Cursor
	return nil
}

// passOver notes that nothing up to a seq passes the filter.
func (l *lane) passOver(through tidings.Seq) {
	l.mu.Lock()
	l.pos.Scanned = through
	l.pos.Plan = tidings.Plan{}
	l.waiting = time.Time{}
	l.mu.Unlock()
	l.drop()
	l.save(nil)
}

// lost moves the cursor past what retention has dropped. Retention keeps what
// an active endpoint needs; what is missing was dropped while it was
// deactivated. What follows is a new sequence to the receiver.
func (l *lane) lost(through tidings.Seq) {
	l.d.logger.Warn("activities were dropped by retention before they were delivered",
		"endpoint", l.id, "after", l.pos.Cursor, "through", through)
	l.mu.Lock()
	l.pos.Epoch++
	l.pos.Cursor, l.pos.Scanned, l.pos.Previous = through, through, ""
	l.pos.Plan = tidings.Plan{}
	l.pos.Attempts, l.pos.BlockedSince, l.pos.NextTry, l.pos.LastError = 0, time.Time{}, time.Time{}, ""
	l.mu.Unlock()
	l.drop()
	l.save(nil)
}

// mayPost says whether the attempt may begin: nobody has called it off while
// it waited, and the lease holds. From here on it is in flight.
func (l *lane) mayPost(ctx context.Context) bool {
	if !l.d.mayPost() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	l.posting, l.tryNow = true, false
	return true
}

// post makes one attempt.
func (l *lane) post(ctx context.Context, b *Batch) (tidings.Attempt, time.Duration) {
	l.mu.Lock()
	ep, pos := l.ep, l.pos
	l.mu.Unlock()
	attempt, retryAfter := l.d.cfg.Post(ctx, ep, Outgoing{
		Batch:    b,
		Previous: pos.Previous,
		Number:   pos.Attempts + 1,
	})
	l.mu.Lock()
	l.posting = false
	l.mu.Unlock()
	return attempt, retryAfter
}

// settle moves the position by what came of an attempt and tells the store.
func (l *lane) settle(ctx context.Context, b *Batch, a tidings.Attempt, retryAfter time.Duration) {
	now := time.Now()
	l.mu.Lock()
	switch {
	case a.Delivered:
		l.pos = delivered(l.pos, b)
		l.waiting = time.Time{}
		l.rate.add(now, b.Activities)
	case ctx.Err() != nil:
		a.Outcome = tidings.OutcomeCanceled // by us: the receiver is not to blame
	default:
		l.pos = failed(l.pos, a, now, l.d.schedule.Wait(a.Number, retryAfter))
		a.NextTry = l.pos.NextTry
	}
	l.mu.Unlock()
	l.d.observe(l.account, a)
	l.save([]tidings.Attempt{a})
}

// delivered is the position after a batch's 200.
func delivered(p tidings.Position, b *Batch) tidings.Position {
	p.Cursor, p.Scanned, p.Previous = b.Last, b.Last, b.ID
	if p.Plan.End <= b.Last {
		p.Plan = tidings.Plan{}
	}
	p.Attempts, p.BlockedSince, p.NextTry, p.LastError = 0, time.Time{}, time.Time{}, ""
	return p
}

// failed is the position after an attempt that was not answered 200.
func failed(p tidings.Position, a tidings.Attempt, now time.Time, wait time.Duration) tidings.Position {
	if p.Attempts == 0 {
		p.BlockedSince = a.At
	}
	p.Attempts = a.Number
	p.NextTry = now.Add(wait)
	p.LastError = a.Error
	return p
}
