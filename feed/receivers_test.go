package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tidings"
	"tidings/feed"
)

// receiver plays one endpoint's receiver and checks, at every POST, what a
// receiver can check: order, repeats, gaps and waits.
type receiver struct {
	t      *testing.T
	id     tidings.EndpointID
	filter tidings.Filter

	mu     sync.Mutex
	rng    *rand.Rand
	health int // what it does; see answer

	flying   map[*flight]struct{} // POSTs under way
	latest   *flight
	seen     map[tidings.BatchID]seenBatch
	order    []tidings.BatchID // batches in the order of their first arrival, since the last move
	at       int               // index in order of the batch last received
	accepted bool              // it was answered 200, and the sender may know
	got      []tidings.Seq     // since the last move: what came, each batch once
	base     tidings.Seq       // the cursor at the last move
	moves    []tidings.Seq     // ordered, and the sender may not have heard of them yet

	lastEnd    time.Time // when the last attempt ended
	lastNumber int       // and which attempt it was
	retryAfter time.Duration
	mayRepeat  bool // the sender crashed: it may send again what was accepted
	early      bool // the sender may come before the schedule: operator, restart, move
}

type seenBatch struct {
	first, last tidings.Seq
	body        string
}

// post is the receiver's end of one attempt; life ends when the sender's process is killed.
func (r *receiver) post(ctx, life context.Context, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
	a := tidings.Attempt{
		Endpoint: ep.ID, Number: out.Number, Batch: out.Batch.ID, First: out.Batch.First, Last: out.Batch.Last,
		Activities: out.Batch.Activities, At: time.Now(),
	}
	sender := ctx
	ctx, cancel := context.WithTimeout(ctx, ep.Timeout)
	defer cancel()
	r.mu.Lock()
	plan := r.answer()
	r.mu.Unlock()
	if !sleep(ctx, plan.before) {
		a.Outcome, a.Error = tidings.OutcomeTimeout, "timeout before it arrived"
		return a, 0
	}
	var f *flight
	if plan.arrives {
		f = r.arrived(out, life)
		defer func() { r.left(f, plan, sender.Err() != nil) }()
		if !sleep(ctx, plan.takes) {
			a.Outcome, a.Error = tidings.OutcomeTimeout, "timeout"
			return a, 0
		}
	}
	if plan.delivered && life.Err() == nil {
		a.Delivered, a.Duration = true, time.Since(a.At)
		r.mu.Lock()
		r.accepted = r.accepted || f == r.latest // else somebody has taken over meanwhile
		r.mu.Unlock()
		return a, 0
	}
	a.Outcome, a.Error = tidings.OutcomeStatus, "500"
	return a, plan.retryAfter
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// fate is what becomes of one attempt.
type fate struct {
	before     time.Duration // until it arrives
	arrives    bool
	takes      time.Duration // until it is answered
	delivered  bool
	retryAfter time.Duration
}

func (r *receiver) answer() fate {
	f := fate{arrives: true, takes: time.Duration(r.rng.IntN(200)) * time.Millisecond, delivered: true}
	switch r.health {
	case 1: // now and then an error
		f.delivered = r.rng.IntN(5) > 0
	case 2: // mostly broken
		f.delivered = r.rng.IntN(5) == 0
	case 3: // slow: some answers come after the deadline
		f.takes = time.Duration(r.rng.IntN(20)) * time.Second
	case 4: // dead
		f.arrives = r.rng.IntN(2) == 0
		f.delivered = false
		f.takes = time.Hour
		if !f.arrives {
			f.takes, f.before = 0, time.Duration(r.rng.IntN(20))*time.Second
		}
	case 5: // overloaded, and says so
		f.delivered = false
		f.retryAfter = time.Duration(r.rng.IntN(7200)) * time.Second
	}
	return f
}

// flight is a POST under way. One of a process that was stopped meanwhile
// (SIGSTOP) is excused: it may be beside one of the process that took over.
type flight struct {
	life    context.Context
	excused bool
}

func (r *receiver) arrived(out feed.Outgoing, life context.Context) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &flight{life: life}
	if life.Err() != nil {
		return f
	}
	for other := range r.flying {
		if !other.excused && other.life.Err() == nil {
			r.t.Errorf("endpoint %d has two POSTs in flight", r.id)
		}
	}
	if r.flying == nil {
		r.flying = map[*flight]struct{}{}
	}
	r.flying[f], r.latest = struct{}{}, f
	b := seenBatch{first: out.Batch.First, last: out.Batch.Last, body: string(bytes.Join(out.Batch.Body, nil))}
	r.seeMove(out)
	r.checkWait(out)
	r.checkPlace(out, b)
	r.mayRepeat, r.early = false, false
	r.accepted = false
	r.lastNumber = out.Number
	return f
}

// left: the attempt has ended; a sender that called it off itself owes no wait.
func (r *receiver) left(f *flight, plan fate, calledOff bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flying, f)
	if f.excused {
		return
	}
	r.lastEnd, r.early = time.Now(), r.early || calledOff
	r.retryAfter = plan.retryAfter
}

// stopped: the process whose life this is was stopped.
func (r *receiver) stopped(life context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for f := range r.flying {
		f.excused = f.excused || f.life == life
	}
}

// checkWait: a repeat never comes before its time, and its number goes up by one.
func (r *receiver) checkWait(out feed.Outgoing) {
	if len(r.order) == 0 || out.Batch.ID != r.order[r.at] || r.mayRepeat || r.early {
		return
	}
	schedule := feed.Schedule{Base: feed.DefaultRetryBase, Cap: feed.DefaultRetryCap}
	if want := schedule.Wait(r.lastNumber, r.retryAfter); time.Since(r.lastEnd) < want {
		r.t.Errorf("endpoint %d: attempt %d came %v after attempt %d, not after %v",
			r.id, out.Number, time.Since(r.lastEnd), r.lastNumber, want)
	}
	if out.Number <= r.lastNumber {
		r.t.Errorf("endpoint %d: attempt %d follows attempt %d of the same batch", r.id, out.Number, r.lastNumber)
	}
}

// checkPlace: a batch is the one that was not accepted, or the next after an
// accepted one, or, after a crash, one of those that came before.
func (r *receiver) checkPlace(out feed.Outgoing, b seenBatch) {
	if old, ok := r.seen[out.Batch.ID]; ok {
		if old != b {
			r.t.Errorf("endpoint %d: batch %s came with other bytes or another range: [%d, %d] and [%d, %d]",
				r.id, out.Batch.ID, old.first, old.last, b.first, b.last)
		}
		r.checkRepeat(out.Batch.ID)
		return
	}
	next := r.base + 1
	if n := len(r.order); n > 0 {
		last := r.seen[r.order[n-1]]
		if r.at != n-1 || !r.accepted && !r.mayRepeat {
			r.t.Errorf("endpoint %d: batch [%d, %d] came before a 200 to [%d, %d]", r.id, b.first, b.last, last.first, last.last)
		}
		next = last.last + 1
		if out.Previous != r.order[n-1] {
			r.t.Errorf("endpoint %d: batch [%d, %d] names %q as the one before, which was %q", r.id, b.first, b.last, out.Previous, r.order[n-1])
		}
	} else if out.Previous != "" {
		r.t.Errorf("endpoint %d: the first batch names %q as the one before", r.id, out.Previous)
	}
	if b.first != next {
		r.t.Errorf("endpoint %d: gap or step back: batch begins at %d, not at %d", r.id, b.first, next)
	}
	r.checkBody(b)
	if r.seen == nil {
		r.seen = map[tidings.BatchID]seenBatch{}
	}
	r.seen[out.Batch.ID] = b
	r.order = append(r.order, out.Batch.ID)
	r.at = len(r.order) - 1
}

func (r *receiver) checkRepeat(id tidings.BatchID) {
	for i, known := range r.order {
		if known != id {
			continue
		}
		switch {
		case i == r.at && (!r.accepted || r.mayRepeat):
		case i == r.at+1 && r.accepted:
		case i < r.at && r.mayRepeat:
		default:
			r.t.Errorf("endpoint %d: batch %d of %d came again, and %d was the last one", r.id, i, len(r.order), r.at)
		}
		r.at = i
		return
	}
	r.t.Errorf("endpoint %d: batch %s was of another epoch", r.id, id)
}

func (r *receiver) checkBody(b seenBatch) {
	var list []struct{ N tidings.Seq }
	if err := json.Unmarshal([]byte(b.body), &list); err != nil {
		r.t.Fatalf("endpoint %d: body is not a JSON array: %v", r.id, err)
	}
	if len(list) == 0 {
		r.t.Errorf("endpoint %d: an empty batch was sent", r.id)
	}
	for _, a := range list {
		if a.N < b.first || a.N > b.last {
			r.t.Errorf("endpoint %d: activity %d is outside of its batch [%d, %d]", r.id, a.N, b.first, b.last)
		}
		r.got = append(r.got, a.N)
	}
}

// checkComplete: since the last move, exactly what passes the filter has come, once, in order.
func (r *receiver) checkComplete(kinds []tidings.Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.moves); n > 0 && r.moves[n-1] != r.base {
		r.begin(r.moves[n-1]) // nothing was to be sent after it
	}
	i := 0
	for n := int(r.base); n < len(kinds); n++ {
		if !r.filter.Takes(kinds[n]) {
			continue
		}
		seq := tidings.Seq(n + 1)
		if i >= len(r.got) {
			r.t.Errorf("endpoint %d: %d of the feed's %d never came", r.id, seq, len(kinds))
			return
		}
		if r.got[i] != seq {
			r.t.Errorf("endpoint %d: %d came where %d was due", r.id, r.got[i], seq)
			return
		}
		i++
	}
	if i != len(r.got) {
		r.t.Errorf("endpoint %d: %d activities came that were not due", r.id, len(r.got)-i)
	}
}

func (r *receiver) setHealth(h int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = h
}

func (r *receiver) triedNow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.early = true
}

// crashed: the sender was killed; what it had sent and not yet noted may come again.
func (r *receiver) crashed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mayRepeat, r.early = true, true
}

// restarted: the sender was stopped in order; nothing may come again that it had read a 200 for.
func (r *receiver) restarted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.early = r.early || !r.accepted
}

// willMove: the operator put the cursor elsewhere, on a node that does not send.
func (r *receiver) willMove(to tidings.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves = append(r.moves, to)
	r.early = true
}

// seeMove recognises the first batch after a move: it names none before it.
func (r *receiver) seeMove(out feed.Outgoing) {
	if _, repeat := r.seen[out.Batch.ID]; repeat || out.Previous != "" {
		return
	}
	for i, to := range r.moves {
		if out.Batch.First == to+1 {
			r.begin(to)
			r.moves = r.moves[i+1:]
			return
		}
	}
}

// moved: the operator put the cursor elsewhere, and a new sequence begins.
func (r *receiver) moved(to tidings.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin(to)
}

func (r *receiver) begin(to tidings.Seq) {
	r.base, r.order, r.at, r.got = to, nil, 0, nil
	r.accepted, r.early = false, true
	r.seen = nil
}
