package feed_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

// What an operator does to an endpoint while it is delivered to.

func TestAMovedPositionCutsOffTheAttemptInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			return sleep(ctx, 10*time.Second), 0
		}
		k.start(feed.Config{})
		k.append(10)
		time.Sleep(time.Second)
		moved := time.Now()
		k.store.act(1, func(_ *tidings.Endpoint, p *tidings.Position) {
			*p = tidings.Position{Endpoint: 1, Fence: p.Fence, Epoch: p.Epoch + 1, Cursor: 5, Scanned: 5}
		})
		if err := k.d.Reload(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		posts := k.seen()
		if len(posts) != 2 || posts[1].first != 6 || posts[1].at.Sub(moved) > 50*time.Millisecond {
			t.Errorf("after the move: %+v", posts)
		}
		time.Sleep(time.Minute)
		k.stop()
	})
}

func TestADeactivatedEndpointFinishesWhatIsInFlightAndKeepsItsBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) { return sleep(ctx, time.Second), 0 }
		k.start(feed.Config{})
		k.append(30)
		time.Sleep(500 * time.Millisecond)
		set := func(state tidings.State) {
			k.store.act(1, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.State = state })
			if err := k.d.Reload(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		set(tidings.StateDeactivated)
		time.Sleep(time.Hour)
		if posts := k.seen(); len(posts) != 1 {
			t.Errorf("%d POSTs, though it was deactivated during the first", len(posts))
		}
		set(tidings.StateActive)
		time.Sleep(time.Hour)
		k.stop()
		posts := k.seen()
		if len(posts) != 3 || posts[1].first != 11 || posts[2].last != 30 {
			t.Errorf("after reactivation: %+v", posts)
		}
	})
}

func TestLingerWaitsForCompanyAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		ep := k.store.endpoints[1]
		ep.Batch.Linger = 10 * time.Second
		k.store.endpoints[1] = ep
		k.start(feed.Config{})
		begun := time.Now()
		k.append(1)
		time.Sleep(6 * time.Second)
		k.append(1)
		time.Sleep(6 * time.Second)
		k.append(25) // full batches do not linger
		time.Sleep(time.Minute)
		k.stop()
		posts := k.seen()
		if len(posts) < 2 || posts[0].at.Sub(begun).Round(time.Second) != 10*time.Second || posts[0].last != 2 {
			t.Errorf("the first batch lingers: %+v", posts)
		}
		if at := posts[1].at.Sub(begun).Round(time.Second); at != 12*time.Second || posts[1].last != 12 {
			t.Errorf("the full batch goes at once: came at %v: %+v", at, posts[1])
		}
	})
}

func TestNewOptionsTakeHoldAfterTheBatchThatWasAttempted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(_ context.Context, p post) (bool, time.Duration) { return p.number > 1, 0 }
		k.start(feed.Config{})
		k.append(100)
		time.Sleep(30 * time.Second) // [1, 10] has failed once
		k.store.act(1, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.Batch.MaxItems = 3 })
		if err := k.d.Reload(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		k.stop()
		posts := k.seen()
		if posts[1].id != posts[0].id || posts[2].first != 11 || posts[2].last != 13 {
			t.Errorf("after the change: %+v", posts[:3])
		}
	})
}

func TestTryNowDoesNotChangeTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(context.Context, post) (bool, time.Duration) { return false, 0 }
		k.start(feed.Config{})
		k.append(1)
		time.Sleep(10 * time.Second)
		if err := k.d.TryNow(1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		k.stop()
		posts := k.seen()
		if got := posts[1].at.Sub(posts[0].at).Round(time.Second); got != 10*time.Second {
			t.Errorf("tried after %v", got)
		}
		if got := posts[2].at.Sub(posts[1].at); got != 2*time.Minute {
			t.Errorf("the third attempt came after %v, not after 2 minutes", got)
		}
	})
}

func TestTryNowDuringAnAttemptAddsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(t, 1)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			sleep(ctx, 5*time.Second)
			return false, 0
		}
		k.start(feed.Config{})
		k.append(1)
		time.Sleep(time.Second)
		if err := k.d.TryNow(1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		k.kill()
		if n := len(k.seen()); n != 1 {
			t.Errorf("%d attempts; the second is due a minute after the first", n)
		}
	})
}
