package feed_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

func TestAttemptsAreTalliedButThoseThatWereCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var counts []string
		k := newDesk(t, 1)
		k.answer = func(ctx context.Context, p post) (bool, time.Duration) {
			return sleep(ctx, 2*time.Second) && p.number > 1, 0
		}
		k.start(feed.Config{Tallied: func(c tidings.Count) {
			mu.Lock()
			defer mu.Unlock()
			counts = append(counts, fmt.Sprintf("%d %s %s %d/%d %v", c.Account, c.Kind, c.Subject, c.Done, c.Failed, c.Took))
		}})
		k.append(3)
		await(time.Hour)
		k.append(1)
		await(time.Second)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_ = k.d.Stop(ended) // which calls off what is under way
		want := []string{"1 answered 1 0/1 2s", "1 delivered 1 0/1 2s", "1 posted  0/1 2s", "1 answered 1 1/0 2s", "1 delivered 1 3/0 2s", "1 posted  3/0 2s"}
		if fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("counted %q, want %q", counts, want)
		}
	})
}

// await lets time pass, and everybody come to rest.
func await(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
