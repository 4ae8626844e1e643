package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidings/cmd/tidings/receiver"
)

func TestActivitiesArriveInOrderThroughRefusals(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	sink.answer(planned(receiver.Plan{Fail: 3, FailEvery: 4, FailWith: http.StatusInternalServerError}))
	account.newEndpoint(t, map[string]any{"url": sink.URL, "batch": map[string]any{"maxItems": 7}})
	var want []activity
	for i := range int64(40) {
		list := activities(1, i*5, 5)
		if got := account.send(t, list); got.First != i*5+1 || got.Last != i*5+5 || got.Accepted != 5 {
			t.Fatalf("accepted %+v", got)
		}
		want = append(want, list...)
	}
	sink.wants(t, len(want))
	same(t, sink.got(), want)
	same(t, account.feed(t), want)
	if sink.count(receiver.Retry) == 0 {
		t.Error("nothing was tried again: the refusals did not happen")
	}
	if n := sink.count(receiver.Repeat); n > 0 {
		t.Errorf("%d accepted batches came again", n)
	}
}

// A second endpoint must not feel the trouble of the first.
func TestDeadReceiverDelaysNobodyElse(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	dead, alive := newSink(t, ""), newSink(t, "")
	dead.answer(func(int64, receiver.Delivery) receiver.Answer { return receiver.Answer{Delay: time.Hour} })
	id := account.newEndpoint(t, map[string]any{"url": dead.URL, "timeoutMs": 1000}).ID
	account.newEndpoint(t, map[string]any{"url": alive.URL})
	want := activities(1, 0, 500)
	account.send(t, want)
	alive.wants(t, len(want))
	same(t, alive.got(), want)
	if e := account.endpoint(t, id); e.Backlog != 500 {
		t.Errorf("the dead endpoint's backlog is %d", e.Backlog)
	}
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	endpoint := account.newEndpoint(t, map[string]any{"url": sink.URL})
	want := activities(1, 0, 30)
	account.send(t, want[:10])
	sink.wants(t, 10)
	sink.answer(always(http.StatusServiceUnavailable))
	account.send(t, want[10:20])
	eventually(t, "the endpoint is blocked", func() bool { return account.endpoint(t, endpoint.ID).Attempt > 1 })
	s.terminate()
	s.start()
	if e := account.endpoint(t, endpoint.ID); e.BlockedSince == "" || e.Cursor != 10 || e.Head != 20 {
		t.Errorf("after the restart the endpoint stands at %+v", e)
	}
	account.send(t, want[20:])
	sink.answer(nil)
	sink.wants(t, len(want))
	same(t, sink.got(), want)
}

// SIGTERM lets deliveries under way finish, so nothing is sent twice.
func TestGracefulStopRepeatsNothing(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	sink.answer(func(int64, receiver.Delivery) receiver.Answer { return receiver.Answer{Delay: 30 * time.Millisecond} })
	account.newEndpoint(t, map[string]any{"url": sink.URL, "batch": map[string]any{"maxItems": 3}})
	want := activities(1, 0, 60)
	account.send(t, want)
	for _, seen := range []int{6, 24, 42} {
		sink.wants(t, seen)
		s.terminate()
		s.start()
	}
	sink.wants(t, len(want))
	same(t, sink.got(), want)
	for _, p := range sink.posts() {
		if p.Order == receiver.Repeat || p.Order == receiver.Retry {
			t.Errorf("batch %d-%d is a %s after a graceful stop", p.First, p.Last, p.Order)
		}
	}
}

// What is still under way after the grace is cut off, and comes again.
func TestStopDoesNotWaitBeyondItsGrace(t *testing.T) {
	s := newServer(t, "--shutdown-grace", "100ms")
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	sink.answer(func(int64, receiver.Delivery) receiver.Answer { return receiver.Answer{Delay: time.Hour} })
	e := account.newEndpoint(t, map[string]any{"url": sink.URL, "timeoutMs": 60_000})
	want := activities(1, 0, 5)
	account.send(t, want)
	eventually(t, "the delivery is under way", func() bool { return account.endpoint(t, e.ID).InFlight })
	s.terminate()
	if !strings.Contains(s.err.String(), "cut off") {
		t.Errorf("the log does not say that a delivery was cut off: %s", s.err.String())
	}
	sink.answer(nil)
	s.start()
	sink.wants(t, len(want))
	same(t, sink.got(), want)
	if e := account.endpoint(t, e.ID); e.LastError != "" {
		t.Errorf("the stop counts as the receiver's failure: %s", e.LastError)
	}
}

// A tail, which has no end of its own, must not hold up a stop.
func TestStopEndsTails(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	e := account.newEndpoint(t, map[string]any{"url": newSink(t, "").URL})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, account.base+at(e.ID, "tail"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+account.token)
	tail, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Body.Close()
	s.terminate()
	if _, err := io.Copy(io.Discard, tail.Body); err != nil {
		t.Errorf("the tail ends with %v", err)
	}
	if strings.Contains(s.err.String(), "cut off") {
		t.Errorf("the stop waited for its whole grace: %s", s.err.String())
	}
}
