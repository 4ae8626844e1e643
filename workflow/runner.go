package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"tidings"
)

// RunStore is what a Runner asks of a store.
type RunStore interface {
	// ClaimRuns takes at most limit runs in hand whose step is due. next is when
	// the earliest of the others can be claimed; zero = there is none.
	ClaimRuns(ctx context.Context, limit int, hold time.Duration) (runs []tidings.Run, next time.Time, err error)
	// CommitStep stores what steps of a run have led to, all of it or nothing.
	// CodeFenced: the run is another's, or was stopped meanwhile. CodeNotFound,
	// CodeInvalid, CodeConflict: the change of the contact, or of a list, can't be made.
	CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error)
}

// MaxTries is how often a stride is begun that nothing comes of: then its run fails.
const MaxTries = 5

// RunnerOptions configures a Runner. Engine and Store are required.
type RunnerOptions struct {
	Engine *Engine
	Store  RunStore
	// Workers is how many runs are in hand at once; most of them wait for
	// webhooks. Default: 512.
	Workers int
	// AtOneWebhook is how many of them may wait for one webhook. Default: a quarter of Workers.
	AtOneWebhook int
	// Hold is how long a claim lasts; that of a call which takes longer is
	// renewed. After a crash, the runs that were in hand wait as long. Default: 30 s.
	Hold time.Duration
	// Rescan is how often runs are looked for that nobody has woken it for:
	// those that another node has started. Default: 5 s.
	Rescan time.Duration
	// Tallied hears of the steps and calls that were stored, and of the runs that
	// ended or failed. It must not block. Default: nobody counts.
	Tallied func(tidings.Count)
	Now     func() time.Time // the clock. Default: time.Now
	Log     *slog.Logger     // default: slog.Default()
}

// Runner executes the runs that are due. Several nodes may have one over the same store.
type Runner struct {
	o     RunnerOptions
	log   *slog.Logger
	turns *turns
	wake  chan struct{} // of capacity one
	free  chan struct{} // one token for each run that may be taken in hand

	counts counts

	taking   context.Context // ends when no more runs are taken in hand
	stop     context.CancelFunc
	ctx      context.Context // ends when those in hand are to be given back
	cancel   context.CancelFunc
	claiming sync.WaitGroup
	working  sync.WaitGroup
}

// NewRunner makes a runner that does nothing yet.
func NewRunner(o RunnerOptions) *Runner {
	o.Workers = cmp.Or(o.Workers, 512)
	o.AtOneWebhook = cmp.Or(o.AtOneWebhook, max(o.Workers/4, 1))
	o.Hold = cmp.Or(o.Hold, 30*time.Second)
	o.Rescan = cmp.Or(o.Rescan, 5*time.Second)
	if o.Tallied == nil {
		o.Tallied = func(tidings.Count) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Runner{o: o, log: o.Log, turns: newTurns(o.AtOneWebhook, o.Now), wake: make(chan struct{}, 1), free: make(chan struct{}, o.Workers)}
	for range o.Workers {
		r.free <- struct{}{}
	}
	r.taking, r.stop = context.WithCancel(context.Background())
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Start sets it going. Call it once.
func (r *Runner) Start() { r.claiming.Go(r.claim) }

// Stop takes no more runs and waits for the strides that are under way. When
// ctx ends, their calls are broken off: those runs are given back, and their
// calls made again by whoever takes them. It is safe to call twice.
func (r *Runner) Stop(ctx context.Context) error {
	r.stop()
	r.claiming.Wait()
	done := make(chan struct{})
	go func() { // ends with the runs in hand, which Stop waits for
		r.working.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	r.cancel()
	<-done
	return err
}

// Wake says that a run is due now. It does not block.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// maxClaim is how many runs one claim takes.
const maxClaim = 128

// claim takes runs in hand as they become due, while there are places.
func (r *Runner) claim() {
	for failures := 0; ; {
		places := r.places()
		if places == 0 {
			return
		}
		runs, next, err := r.o.Store.ClaimRuns(r.taking, places, r.o.Hold)
		for range places - len(runs) {
			r.free <- struct{}{}
		}
		for i := range runs {
			r.working.Go(func() {
				defer func() { r.free <- struct{}{} }()
				r.work(runs[i])
			})
		}
		switch {
		case r.taking.Err() != nil:
			return
		case err != nil:
			failures++
			r.log.Warn("runs could not be taken in hand; it is tried again", "in", backOff(failures), "err", err)
			next = r.o.Now().Add(backOff(failures))
		case len(runs) == places:
			failures = 0
			continue // there may be more
		default:
			failures = 0
		}
		if !r.rest(next, err != nil) {
			return
		}
	}
}

// places waits for a place and takes as many as there are, at most maxClaim; 0
// when no more runs are to be taken.
func (r *Runner) places() int {
	select {
	case <-r.free:
	case <-r.taking.Done():
		return 0
	}
	for n := 1; ; n++ {
		if n == maxClaim {
			return n
		}
		select {
		case <-r.free:
		default:
			return n
		}
	}
}

// rest waits until a time (zero = no time), at most Rescan, or until somebody
// wakes it; in any case, it waits until that time. False: it is time to stop.
func (r *Runner) rest(until time.Time, inAnyCase bool) bool {
	wait, wake := r.o.Rescan, r.wake
	if left := max(until.Sub(r.o.Now()), time.Millisecond); inAnyCase {
		wait, wake = left, nil
	} else if !until.IsZero() {
		wait = min(wait, left)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-r.taking.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// backOff is how long to wait after the n-th failure in a row, n from 1.
func backOff(n int) time.Duration {
	return min(time.Second<<min(n-1, 6), time.Minute)
}

// work takes a run as far as it goes.
func (r *Runner) work(run tidings.Run) {
	defer func() {
		if v := recover(); v != nil { // a defect, which must not end the other runs
			r.log.Error("executing a run broke off", "run", run.ID, "account", run.Account, "block", run.Block, "panic", v, "stack", string(debug.Stack()))
			r.giveBack(&run, fmt.Errorf("executing block %q broke off", run.Block))
		}
	}()
	if run.Tries > MaxTries {
		r.fail(&run)
		return
	}
	j, err := r.o.Engine.take(r.ctx, run)
	if err != nil {
		r.giveBack(&run, err)
		return
	}
	j.turn = func(id tidings.WebhookID) (func(), time.Time) { return r.turns.take(turnKey{run.Account, id}) }
	for {
		a, err := r.stride(j)
		run = j.run
		if err != nil {
			r.giveBack(&run, err)
			return
		}
		more := a.State == tidings.RunGoing && !a.Due.After(r.o.Now()) && r.taking.Err() == nil
		if more {
			a.Hold = r.o.Now().Add(r.o.Hold)
		}
		done, err := r.commit(&a)
		r.counts.note(&a, err)
		if err != nil {
			if tidings.CodeOf(err) != tidings.CodeFenced {
				r.log.Warn("what a run has come to could not be stored; it is made again", "run", run.ID, "account", run.Account, "block", run.Block, "err", err)
			}
			return
		}
		r.tally(&run, &a)
		if !more {
			return
		}
		j.went(&a, done.Contact)
	}
}

// errTakenAway ends a stride whose run is not this claimant's any more.
var errTakenAway = errors.New("the run was stopped, or is in other hands")

// stride makes a stride, and keeps its run in hand meanwhile.
func (r *Runner) stride(j *journey) (tidings.Advance, error) {
	ctx, takeAway := context.WithCancelCause(r.ctx)
	defer takeAway(nil)
	var keeping sync.WaitGroup
	ended := make(chan struct{})
	keeping.Go(func() { r.keep(ctx, takeAway, ended, &j.run) })
	// The run must not be kept any more when the stride is stored: that would undo it.
	defer keeping.Wait()
	defer close(ended)
	return j.stride(ctx)
}

// keep renews the claim of a run until its stride has ended.
func (r *Runner) keep(ctx context.Context, takeAway context.CancelCauseFunc, ended <-chan struct{}, run *tidings.Run) {
	every := time.NewTicker(r.o.Hold / 3)
	defer every.Stop()
	for {
		select {
		case <-ended:
			return
		case <-every.C:
		}
		same := tidings.Advance{Run: run.ID, Fence: run.Fence, State: tidings.RunGoing, Block: run.Block, Due: run.Due, Hold: r.o.Now().Add(r.o.Hold)}
		_, err := r.o.Store.CommitStep(ctx, same)
		if tidings.CodeOf(err) == tidings.CodeFenced {
			takeAway(errTakenAway)
			return
		}
	}
}

// commit stores what a stride has led to. While the store is away it tries
// again, until this process is stopped: the fence keeps it from undoing what
// others did meanwhile. A change that the store refuses is left out, and the step says why.
func (r *Runner) commit(a *tidings.Advance) (tidings.Advanced, error) {
	for n := 1; ; n++ {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.o.Hold)
		done, err := r.o.Store.CommitStep(ctx, *a)
		cancel()
		switch tidings.CodeOf(err) {
		case tidings.CodeNotFound, tidings.CodeInvalid, tidings.CodeConflict:
			if !leaveOut(a, err) {
				return done, err
			}
			continue
		case tidings.CodeUnavailable:
		default:
			return done, err
		}
		timer := time.NewTimer(backOff(n) / 10)
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return done, err
		}
	}
}

// leaveOut takes out of an advance the change that the store has refused;
// false when there is none.
func leaveOut(a *tidings.Advance, why error) bool {
	if a.Change == nil && a.AddTo == 0 && a.TakeOff == 0 {
		return false
	}
	a.Change, a.AddTo, a.TakeOff, a.Marked = nil, 0, 0, true
	for i := range a.Steps {
		switch a.Steps[i].Kind {
		case tidings.BlockUpdateContact, tidings.BlockAddTo, tidings.BlockRemoveFrom:
			a.Steps[i].Error = "not done: " + why.Error()
		}
	}
	return true
}

// giveBack gives a run free that could not go on, to be tried again later; at once
// when this process is being stopped.
func (r *Runner) giveBack(run *tidings.Run, why error) {
	if errors.Is(why, errTakenAway) {
		return
	}
	a := tidings.Advance{Run: run.ID, Fence: run.Fence, State: tidings.RunGoing, Block: run.Block, Due: r.o.Now(), NotTried: r.ctx.Err() != nil}
	if !a.NotTried {
		wait := backOff(max(run.Tries, 1))
		a.Due = a.Due.Add(wait)
		r.log.Warn("a run could not go on; it is tried again", "run", run.ID, "account", run.Account, "block", run.Block, "tries", run.Tries, "in", wait, "err", why)
	}
	if _, err := r.commit(&a); err != nil && tidings.CodeOf(err) != tidings.CodeFenced {
		r.log.Warn("a run could not be given back; it is taken up when its claim is over", "run", run.ID, "account", run.Account, "err", err)
	}
}

// fail ends a run that nothing has come of, however often it was taken up.
func (r *Runner) fail(run *tidings.Run) {
	a := tidings.Advance{
		Run: run.ID, Fence: run.Fence, State: tidings.RunFailed, Marked: true, Due: r.o.Now(),
		Error: fmt.Sprintf("block %q was begun %d times and never came to its end: the server was ended in it, or could not read what it needs; the server's log says more", run.Block, run.Tries-1),
	}
	r.counts.failed.Add(1)
	r.log.Error("a run fails", "run", run.ID, "account", run.Account, "block", run.Block, "tries", run.Tries-1)
	_, err := r.commit(&a)
	switch {
	case err == nil:
		r.tally(run, &a)
	case tidings.CodeOf(err) != tidings.CodeFenced:
		r.log.Warn("the end of a run could not be stored", "run", run.ID, "account", run.Account, "err", err)
	}
}
