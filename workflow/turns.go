package workflow

import (
	"sync"
	"time"

	"tidings"
)

// turns keeps a webhook that answers slowly from taking all places: so many
// runs wait for one webhook at once. The others are put back, spread over the time that the webhook will
// need for them, as far as that is known.
type turns struct {
	most int // runs at one webhook
	now  func() time.Time

	mu   sync.Mutex
	busy map[turnKey]*queue
}

type turnKey struct {
	account tidings.AccountID
	webhook tidings.WebhookID
}

// queue is the runs at one webhook.
type queue struct {
	inside map[int]time.Time // when they came, by a number of their own
	last   int
	took   time.Duration // one call, a moving average
	next   time.Time     // when the next that is put back may come again
}

// Bounds of how long a run is put back.
const (
	minPutBack = 200 * time.Millisecond
	maxPutBack = 5 * time.Minute
)

func newTurns(most int, now func() time.Time) *turns {
	return &turns{most: most, now: now, busy: map[turnKey]*queue{}}
}

// take gives leave to call: done is to be called once, when the call has
// ended. done nil: there is none now, and due is when to ask again.
func (t *turns) take(key turnKey) (done func(), due time.Time) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.busy[key]
	if q == nil {
		t.forget()
		q = &queue{inside: map[int]time.Time{}}
		t.busy[key] = q
	}
	if len(q.inside) < t.most {
		q.last++
		n := q.last
		q.inside[n] = now
		return func() { t.leave(q, n) }, time.Time{}
	}
	one := q.takes(now)
	if soonest := now.Add(max(one, minPutBack)); q.next.Before(soonest) {
		q.next = soonest
	}
	q.next = q.next.Add(max(one, time.Millisecond) / time.Duration(t.most))
	if latest := now.Add(maxPutBack); q.next.After(latest) {
		q.next = latest
	}
	return nil, q.next
}

// takes says how long a call takes: as those that have ended did, or as long
// as one of those that have not has taken already.
func (q *queue) takes(now time.Time) time.Duration {
	longest := q.took
	for _, since := range q.inside {
		longest = max(longest, now.Sub(since))
	}
	return longest
}

func (t *turns) leave(q *queue, n int) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	took := now.Sub(q.inside[n])
	delete(q.inside, n)
	if q.took == 0 {
		q.took = took
	}
	q.took += (took - q.took) / 8
}

// forget drops a queue that nobody is in when there are many.
func (t *turns) forget() {
	if len(t.busy) < maxShelf {
		return
	}
	for key, q := range t.busy {
		if len(q.inside) == 0 {
			delete(t.busy, key)
			return
		}
	}
}
