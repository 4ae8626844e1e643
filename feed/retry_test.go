package feed_test

import (
	"testing"
	"time"

	"tidings/feed"
)

func TestWaitsAreOneTwoFourMinutesUpToOneRequestAnHour(t *testing.T) {
	schedule := feed.Schedule{Base: feed.DefaultRetryBase, Cap: feed.DefaultRetryCap}
	minutes := []int{1, 2, 4, 8, 16, 32, 60, 60, 60}
	for i, want := range minutes {
		if got := schedule.Wait(i+1, 0); got != time.Duration(want)*time.Minute {
			t.Errorf("after attempt %d: %v, want %d minutes", i+1, got, want)
		}
	}
	if got := schedule.Wait(1_000_000, 0); got != time.Hour {
		t.Errorf("after a million attempts: %v", got)
	}
}

func TestRetryAfterLengthensAWaitAndNeverBeyondTheCap(t *testing.T) {
	schedule := feed.Schedule{Base: feed.DefaultRetryBase, Cap: feed.DefaultRetryCap}
	for _, c := range []struct {
		attempt   int
		asked     time.Duration
		wantsWait time.Duration
	}{
		{1, 0, time.Minute},
		{1, 30 * time.Second, time.Minute},
		{1, 10 * time.Minute, 10 * time.Minute},
		{6, 10 * time.Minute, 32 * time.Minute},
		{1, 48 * time.Hour, time.Hour},
		{1, -time.Hour, time.Minute},
	} {
		if got := schedule.Wait(c.attempt, c.asked); got != c.wantsWait {
			t.Errorf("attempt %d, asked for %v: %v, want %v", c.attempt, c.asked, got, c.wantsWait)
		}
	}
}
