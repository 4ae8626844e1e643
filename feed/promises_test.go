package feed_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

// The promises of the feed that are the dispatcher's to keep, each alone and in
// simulated time. (That an activity is durable before it is acknowledged, and
// that seq is dense, are the store's: store/storetest.)

// desk is one dispatcher over a simulated store, with a scripted receiver.
type desk struct {
	t     *testing.T
	store *simStore
	log   *simLog
	d     *feed.Dispatcher

	mu    sync.Mutex
	posts []post // in the order of their arrival
	// answer decides on a POST; it may sleep and look at ctx.
	answer func(ctx context.Context, p post) (delivered bool, retryAfter time.Duration)
}

type post struct {
	endpoint    tidings.EndpointID
	at          time.Time
	id          tidings.BatchID
	first, last tidings.Seq
	number      int
	body        string
}

func newDesk(t *testing.T, endpoints int) *desk {
	k := &desk{t: t, store: newSimStore()}
	for i := range endpoints {
		id := tidings.EndpointID(i + 1)
		k.store.endpoints[id] = tidings.Endpoint{
			ID: id, Account: 1, State: tidings.StateActive,
			Batch: tidings.BatchLimits{MaxItems: 10, MaxBytes: 1 << 20}, Timeout: 15 * time.Second,
		}
		k.store.positions[id] = tidings.Position{Endpoint: id, Fence: 1}
	}
	k.answer = func(context.Context, post) (bool, time.Duration) { return true, 0 }
	return k
}

func (k *desk) start(cfg feed.Config) {
	k.log = &simLog{store: k.store, rng: rand.New(rand.NewPCG(1, 1))}
	cfg.Log, cfg.Post = k.log, k.post
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	k.d = feed.New(cfg)
	if err := k.d.Start(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

func (k *desk) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := k.d.Stop(ctx); err != nil {
		k.t.Error("stop:", err)
	}
}

// kill is SIGKILL: the store takes nothing more and the dispatcher ends.
func (k *desk) kill() {
	k.log.kill()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = k.d.Stop(ended) // says that it had no time, which is the point
}

func (k *desk) append(n int) {
	kinds := make([]tidings.Kind, n)
	for i := range kinds {
		kinds[i] = tidings.KindOf(tidings.Delivered, tidings.Email)
	}
	k.d.Appended(1, k.store.append(1, kinds...))
}

func (k *desk) post(ctx context.Context, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
	b := out.Batch
	p := post{ep.ID, time.Now(), b.ID, b.First, b.Last, out.Number, string(bytes.Join(b.Body, nil))}
	k.mu.Lock()
	k.posts = append(k.posts, p)
	answer := k.answer
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, ep.Timeout)
	defer cancel()
	a := tidings.Attempt{Endpoint: ep.ID, Number: out.Number, Batch: b.ID, First: b.First, Last: b.Last, Activities: b.Activities, At: p.at}
	var retryAfter time.Duration
	a.Delivered, retryAfter = answer(ctx, p)
	a.Duration = time.Since(p.at)
	if !a.Delivered {
		a.Error = "answered 500"
	}
	return a, retryAfter
}

func (k *desk) seen() []post {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.posts)
}

func (k *desk) answerWith(f func(ctx context.Context, p post) (bool, time.Duration)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = f
}

func TestPromise3OnePostInFlightAndNoneBeforeA200(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		inFlight, accepted := 0, tidings.Seq(0)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			inFlight++
			defer func() { inFlight-- }()
			if inFlight > 1 {
				t.Errorf("%d POSTs in flight", inFlight)
			}
			if p.first != accepted+1 {
				t.Errorf("[%d, %d] came when %d was the last one accepted", p.first, p.last, accepted)
			}
			sleep(ctx, time.Second)
			if p.number < 3 {
				return false, 0
			}
			accepted = p.last
			return true, 0
		}
		k.start(feed.Config{})
		for range 50 {
			k.append(7)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(24 * time.Hour)
		k.stop()
		if accepted != 350 {
			t.Errorf("%d of 350 were delivered", accepted)
		}
	})
}

func TestPromise5TheSameBytesAreTriedAgainOnTheScheduleForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(context.Context, post) (bool, time.Duration) { return false, 0 }
		k.start(feed.Config{})
		k.append(3)
		time.Sleep(21 * 24 * time.Hour)
		k.append(5) // what arrives meanwhile doesn't join a frozen batch
		time.Sleep(24 * time.Hour)
		k.stop()
		posts := k.seen()
		minutes := []int{1, 2, 4, 8, 16, 32}
		for i, p := range posts[1:] {
			want := 60
			if i < len(minutes) {
				want = minutes[i]
			}
			if gap := p.at.Sub(posts[i].at); gap != time.Duration(want)*time.Minute {
				t.Errorf("attempt %d came after %v, not after %d minutes", p.number, gap, want)
			}
			if p.id != posts[0].id || p.body != posts[0].body || p.last != 3 {
				t.Errorf("attempt %d carried another batch: %+v", p.number, p)
			}
			if p.number != i+2 {
				t.Errorf("attempt %d is numbered %d", i+2, p.number)
			}
		}
		if len(posts) < 22*24 {
			t.Errorf("only %d attempts in 22 days", len(posts))
		}
	})
}

func TestPromise5TheScheduleGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(context.Context, post) (bool, time.Duration) { return false, 0 }
		k.start(feed.Config{})
		k.append(3)
		time.Sleep(8 * time.Minute) // attempts 1 to 4; the next is due at minute 15
		k.kill()
		time.Sleep(time.Minute)
		k.start(feed.Config{})
		time.Sleep(5 * time.Minute)
		if n := len(k.seen()); n != 4 {
			t.Fatalf("%d attempts before the fifth was due", n)
		}
		time.Sleep(2 * time.Minute)
		k.stop()
		posts := k.seen()
		if len(posts) != 5 || posts[4].number != 5 || posts[4].id != posts[0].id {
			t.Errorf("after the restart: %+v", posts[4:])
		}
	})
}

// A clock that was a day ahead when the batch failed, and was set right since,
// must not make it wait for a day.
func TestPromise5AClockThatWasSetBackLengthensNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.store.append(1, tidings.KindOf(tidings.Delivered, tidings.Email))
		began := time.Now()
		failed := func(_ *tidings.Endpoint, p *tidings.Position) {
			p.Attempts, p.BlockedSince, p.NextTry = 1, began.Add(24*time.Hour), began.Add(24*time.Hour+time.Minute)
		}
		k.store.act(1, failed)
		k.start(feed.Config{})
		time.Sleep(feed.DefaultRetryCap + time.Second)
		if n := len(k.seen()); n != 1 {
			t.Errorf("%d attempts within the longest wait of a start", n)
		}
		k.stop()
	})
}

func TestPromise5RetryAfterLengthensAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(_ context.Context, p post) (bool, time.Duration) { return p.number > 2, 5 * time.Minute }
		k.start(feed.Config{})
		k.append(1)
		time.Sleep(time.Hour)
		k.stop()
		posts := k.seen()
		if len(posts) != 3 || posts[1].at.Sub(posts[0].at) != 5*time.Minute || posts[2].at.Sub(posts[1].at) != 5*time.Minute {
			t.Errorf("attempts: %+v", posts)
		}
	})
}

func TestPromise5WaitingForASlotNeverLengthensTheBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const endpoints = 40
		k := newDesk(t, endpoints)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			sleep(ctx, time.Hour) // a black hole: the slot is held for the whole timeout
			return false, 0
		}
		k.start(feed.Config{MaxInFlight: 40, MaxRepeats: 2})
		k.append(1)
		time.Sleep(6 * time.Hour)
		k.kill()
		for id := range tidings.EndpointID(endpoints) {
			number := 0
			for _, p := range k.seen() {
				if p.endpoint != id+1 {
					continue
				}
				if number++; p.number != number {
					t.Fatalf("endpoint %d: attempt %d is numbered %d", id+1, number, p.number)
				}
			}
			pos := k.store.positions[id+1]
			if wait := pos.NextTry.Sub(pos.BlockedSince); pos.Attempts != number && pos.Attempts != number-1 || wait > 6*time.Hour+time.Hour {
				t.Errorf("endpoint %d: %d attempts seen, %d noted, next try %v after the first", id+1, number, pos.Attempts, wait)
			}
		}
	})
}

// All receivers come back to life and hang: as many bodies are in memory as
// there are slots, not as there are endpoints.
func TestPromise6WhoWaitsForASlotHoldsNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 40)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			if p.number > 1 {
				sleep(ctx, time.Hour)
			}
			return false, 0
		}
		k.start(feed.Config{MaxInFlight: 40, MaxRepeats: 2})
		k.append(1)
		time.Sleep(feed.DefaultRetryBase - time.Second)
		before := k.log.count()
		time.Sleep(2 * time.Second) // all are due, two are tried
		if reads := k.log.count() - before; reads != 2 {
			t.Errorf("%d endpoints read their batch, and 2 may send", reads)
		}
		k.kill()
	})
}

func TestPromise6ADeadEndpointDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const dead = 30
		k := newDesk(t, dead+1)
		healthy := tidings.EndpointID(dead + 1)
		var mu sync.Mutex
		var slowest time.Duration
		appended := time.Now()
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			if p.endpoint != healthy {
				sleep(ctx, time.Hour)
				return false, 0
			}
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, time.Since(appended))
			return true, 0
		}
		k.start(feed.Config{MaxInFlight: dead + 1, MaxRepeats: 5})
		for range 1000 {
			mu.Lock()
			appended = time.Now()
			mu.Unlock()
			k.append(1)
			time.Sleep(17 * time.Second)
		}
		k.stop()
		if slowest > 10*time.Millisecond {
			t.Errorf("the healthy endpoint waited %v with %d dead ones beside it", slowest, dead)
		}
		if pos := k.store.positions[healthy]; pos.Cursor != 1000 {
			t.Errorf("the healthy endpoint is at %d of 1000", pos.Cursor)
		}
	})
}

func TestPromise7AfterACrashABatchComesTwiceWithTheSameIDAndBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		crashed := make(chan struct{})
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			if p.first > 40 {
				select {
				case <-crashed:
				default:
					close(crashed)
				}
				<-ctx.Done() // the 200 to this one is never read
				return false, 0
			}
			return true, 0
		}
		k.start(feed.Config{})
		k.append(100)
		<-crashed
		k.kill()
		k.append(100) // another batch would be cut now, were it not frozen
		k.answerWith(func(context.Context, post) (bool, time.Duration) { return true, 0 })
		k.start(feed.Config{})
		time.Sleep(time.Minute)
		k.stop()
		bodies, next := map[tidings.BatchID]string{}, tidings.Seq(1)
		for _, p := range k.seen() {
			if body, again := bodies[p.id]; again {
				if body != p.body {
					t.Errorf("batch %s came with other bytes", p.id)
				}
				continue
			}
			if p.first != next {
				t.Errorf("gap: [%d, %d] came when %d was due", p.first, p.last, next)
			}
			bodies[p.id], next = p.body, p.last+1
		}
		if next != 201 {
			t.Errorf("%d of 200 came", next-1)
		}
		if n := len(k.seen()); n != 21 && n > 21+6 {
			t.Errorf("%d POSTs for 20 batches: more than the crash explains", n)
		}
	})
}

func TestPromise7AGracefulStopRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 3)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			return sleep(ctx, 300*time.Millisecond), 0
		}
		for range 20 {
			k.start(feed.Config{})
			k.append(25)
			time.Sleep(500 * time.Millisecond)
			k.stop()
		}
		k.start(feed.Config{})
		time.Sleep(time.Hour)
		k.stop()
		seen := map[tidings.EndpointID]tidings.Seq{}
		for _, p := range k.seen() {
			if p.first != seen[p.endpoint]+1 {
				t.Errorf("endpoint %d: [%d, %d] came after %d", p.endpoint, p.first, p.last, seen[p.endpoint])
			}
			seen[p.endpoint] = p.last
		}
		for id, last := range seen {
			if last != 500 {
				t.Errorf("endpoint %d got %d of 500", id, last)
			}
		}
	})
}

func TestPromise8APositionThatWasTakenIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) { return sleep(ctx, time.Second), 0 }
		k.start(feed.Config{})
		k.append(30)
		time.Sleep(500 * time.Millisecond) // [1, 10] is under way
		k.store.act(1, func(_ *tidings.Endpoint, p *tidings.Position) {
			*p = tidings.Position{Endpoint: 1, Fence: p.Fence, Epoch: p.Epoch + 1, Cursor: 20, Scanned: 20}
		})
		time.Sleep(time.Minute)
		k.stop()
		pos := k.store.positions[1]
		if pos.Cursor != 30 || pos.Epoch != 1 {
			t.Errorf("position after the move: %+v", pos)
		}
		last := k.seen()[len(k.seen())-1]
		if last.first != 21 || last.last != 30 {
			t.Errorf("the last batch was [%d, %d]: the lane did not take the new position", last.first, last.last)
		}
	})
}

// What lies ready for a receiver is bounded by its answers: one batch, until it
// has answered soon.
func TestPromise6NothingIsCutAheadForASlowReceiver(t *testing.T) {
	reads := func(takes time.Duration) int {
		k := newDesk(t, 1)
		ep := k.store.endpoints[1]
		ep.Batch.MaxItems = 1
		k.store.endpoints[1] = ep
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			if p.first == 5 {
				sleep(ctx, time.Hour)
				return false, 0
			}
			return sleep(ctx, takes), 0
		}
		k.start(feed.Config{})
		k.append(100)
		time.Sleep(10*takes + 5*time.Second)
		n := k.log.count()
		k.kill()
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		// A read gives a few batches of one. Without cutting ahead, each of the five has its own.
		slow, soon := reads(2*time.Second), reads(10*time.Millisecond)
		if slow != 5 {
			t.Errorf("a slow receiver: %d reads for 5 batches", slow)
		}
		if soon >= slow {
			t.Errorf("a quick receiver: %d reads; a slow one: %d", soon, slow)
		}
	})
}
