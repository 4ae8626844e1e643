package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
	"tidings/store"
)

// fullAttempt is an attempt with no field at its zero value.
func (h *harness) fullAttempt(id tidings.EndpointID) tidings.Attempt {
	return tidings.Attempt{
		Endpoint: id, Number: 1, Batch: "b_0123456789abcdef0123456789abcdef", First: 11, Last: 20, Activities: 9, Bytes: 1234,
		Digest: "sha256:00ff", At: h.clock.Now(), Duration: 1234 * time.Microsecond, Status: 503, Delivered: true,
		Outcome: tidings.OutcomeStatus, Error: "503 Service Unavailable", Answer: "busy\x00 ☂", NextTry: h.clock.Now().Add(time.Minute),
	}
}

func testAttemptIsReadBack(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	full := h.fullAttempt(e.ID)
	bare := tidings.Attempt{Endpoint: e.ID, Number: 2, At: h.clock.Now(), Outcome: tidings.OutcomeDelivered}
	long := full
	long.Number, long.Answer = 3, strings.Repeat("☂", tidings.MaxAnswer/len("☂"))
	err := h.deliver(tidings.Delivery{Position: h.fullPosition(e.ID), Attempts: []tidings.Attempt{full, bare, long}})
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after reopening"} {
		got, next, err := h.Attempts(t.Context(), account.ID, e.ID, 0, 10)
		if diff := cmp.Diff([]tidings.Attempt{long, bare, full}, got); err != nil || next != 0 || diff != "" {
			t.Errorf("%s: next %d, %v (-want +got):\n%s", when, next, err, diff)
		}
		h.reopen(t)
	}
}

func testAttemptsAreKeptInARing(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e, other := h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID)
	made := 0
	for _, n := range []int{1, 150, 0, 100, 3 * store.AttemptsKept, 7} {
		attempts := make([]tidings.Attempt, n)
		for i := range attempts {
			made++
			attempts[i] = h.fullAttempt(e.ID)
			attempts[i].Number = made
		}
		if err := h.deliver(tidings.Delivery{Position: h.fullPosition(e.ID), Attempts: attempts}); err != nil {
			t.Fatal(err)
		}
		want := made
		var before int64
		for pages := 0; ; pages++ {
			page, next, err := h.Attempts(t.Context(), account.ID, e.ID, before, 30)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				if a.Number != want {
					t.Fatalf("after %d: page %d shows number %d, want %d", made, pages, a.Number, want)
				}
				want--
			}
			if before = next; next == 0 {
				break
			}
		}
		if kept := made - want; kept != min(made, store.AttemptsKept) {
			t.Errorf("%d attempts are kept of %d", kept, made)
		}
	}
	if attempts, _, err := h.Attempts(t.Context(), account.ID, other.ID, 0, 10); err != nil || len(attempts) > 0 {
		t.Errorf("another endpoint shows %d attempts, %v", len(attempts), err)
	}
}
