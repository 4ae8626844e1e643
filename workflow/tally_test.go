package workflow

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

// tallied runs the circle once, before a webhook that answers so, and gives what was counted of it.
func tallied(t *testing.T, a answer) []string {
	var mu sync.Mutex
	var counts []string
	store := shop()
	store.activate(1, definition(t, circle, store.known()))
	r := newRig(t, store, func(o *RunnerOptions) {
		o.Tallied = func(c tidings.Count) {
			mu.Lock()
			defer mu.Unlock()
			counts = append(counts, fmt.Sprintf("%s %s %d/%d", c.Kind, c.Subject, c.Done, c.Failed))
		}
	})
	r.answers["WH5"] = a
	r.event("promo", 7)
	wait(15 * 24 * time.Hour)
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(counts)
}

func TestStepsCallsAndRunsAreTallied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := tallied(t, answer{body: `{"promocode":"SPRING"}`})
		want := []string{
			"step 1/ask 1/0", "step 1/has 1/0", "step 1/wait 1/0", "call 5 1/0",
			"step 1/send 1/0", "step 1/keep 1/0", "step 1/end 1/0", "run 1 1/0",
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("counted %q, want %q", got, want)
		}
	})
}

func TestWhatFailsIsTalliedAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := tallied(t, answer{words: "answered 500"})
		for _, want := range []string{"step 1/ask 0/1", "call 5 0/1"} {
			if !slices.Contains(got, want) {
				t.Errorf("counted %q, not %q", got, want)
			}
		}
		failed := tallied(t, answer{panic: "a defect"})
		if !slices.Equal(failed, []string{"run 1 0/1"}) {
			t.Errorf("of a run that nothing comes of %q is counted", failed)
		}
	})
}
