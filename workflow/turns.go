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
	inside int
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
		q = &queue{}
		t.busy[key] = q
	}
	if q.inside < t.most {
		q.inside++
		return func() { t.leave(key, q, now) }, time.Time{}
	}
	if soonest := now.Add(max(q.took, minPutBack)); q.next.Before(soonest) {
		q.next = soonest
	}
	q.next = q.next.Add(max(q.took, time.Millisecond) / time.Duration(t.most))
	if latest := now.Add(maxPutBack); q.next.After(latest) {
		q.next = latest
	}
	return nil, q.next
}

func (t *turns) leave(key turnKey, q *queue, since time.Time) {
	took := t.now().Sub(since)
	t.mu.Lock()
	defer t.mu.Unlock()
	q.inside--
	if q.took == 0 {
		q.took = took
	}
	q.took += (took - q.took) / 8
	if q.inside == 0 {
		delete(t.busy, key)
	}
}
