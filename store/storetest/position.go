package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
	"tidings/store"
)

func positionPromises() []promise {
	return []promise{
		{"DeliveredPositionIsReadBack", testDeliveredPositionIsReadBack},
		{"LazyDeliveryComesByItself", testLazyDeliveryComesByItself},
		{"LazyDeliverySurvivesAClose", testLazyDeliverySurvivesAClose},
		{"DeliveriesOfOneEndpointApplyInOrder", testDeliveriesOfOneEndpointApplyInOrder},
		{"FencedWriteIsRefused", testFencedWriteIsRefused},
		{"FencesAreJudgedOneByOneInAGroup", testFencesAreJudgedOneByOneInAGroup},
		{"EveryDeliveryIsAnsweredOnce", testEveryDeliveryIsAnsweredOnce},
		{"ActSeesWhatWasDeliveredBefore", testActSeesWhatWasDeliveredBefore},
		{"ActRaisesTheFenceAndAMoveTheEpoch", testActRaisesTheFence},
		{"RefusedActChangesNothing", testRefusedActChangesNothing},
		{"ActOnTheStateCountsAsAChange", testActOnTheStateCountsAsAChange},
		{"LanesGivesAllAndStopsAtAnError", testLanesGivesAllAndStopsAtAnError},
		{"AttemptIsReadBack", testAttemptIsReadBack},
		{"AttemptsAreKeptInARing", testAttemptsAreKeptInARing},
	}
}

// fullPosition is a position with no field at its zero value, under the first fence.
func (h *harness) fullPosition(id tidings.EndpointID) tidings.Position {
	return tidings.Position{
		Endpoint: id, Fence: 1, Epoch: 1, Cursor: 10, Scanned: 12, Previous: "b_0123456789abcdef0123456789abcdef",
		Plan: tidings.Plan{End: 20, Cut: tidings.Cut{
			Filter:   tidings.Filter{Statuses: tidings.StatusSet(0).With(tidings.Delivered).With(tidings.Sent), MediaTypes: tidings.MediaSet(0).With(tidings.TelegramBot)},
			MaxItems: 500, MaxBytes: 1 << 20,
		}},
		Attempts: 3, BlockedSince: h.clock.Now().Add(-time.Minute), NextTry: h.clock.Now().Add(time.Hour), LastError: "503 Service Unavailable",
	}
}

// deliver stores an urgent delivery and waits for what becomes of it.
func (h *harness) deliver(d tidings.Delivery) error {
	done := make(chan error, 1)
	h.Deliver(d, true, func(err error) { done <- err })
	return <-done
}

func testDeliveredPositionIsReadBack(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e, other := h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID)
	want := h.fullPosition(e.ID)
	if err := h.deliver(tidings.Delivery{Position: want}); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after reopening"} {
		_, got, err := h.Lane(t.Context(), e.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", when, err, diff)
		}
		_, got, err = h.Endpoint(t.Context(), account.ID, e.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s, by account: %v (-want +got):\n%s", when, err, diff)
		}
		_, got, err = h.Lane(t.Context(), other.ID)
		if diff := cmp.Diff(tidings.Position{Endpoint: other.ID, Fence: 1, Epoch: 1}, got); err != nil || diff != "" {
			t.Errorf("%s, another endpoint: %v (-want +got):\n%s", when, err, diff)
		}
		h.reopen(t)
	}
	back := tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1, Cursor: 20, Scanned: 20}
	if err := h.deliver(tidings.Delivery{Position: back}); err != nil {
		t.Fatal(err)
	}
	_, got, err := h.Lane(t.Context(), e.ID)
	if diff := cmp.Diff(back, got); err != nil || diff != "" {
		t.Errorf("back to zero: %v (-want +got):\n%s", err, diff)
	}
}

func testLazyDeliveryComesByItself(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	for cursor := range tidings.Seq(3) {
		done := make(chan error, 1)
		h.Deliver(tidings.Delivery{Position: tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1, Cursor: cursor}}, false, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if _, p, err := h.Lane(t.Context(), e.ID); err != nil || p.Cursor != cursor {
			t.Fatalf("cursor %d, %v; want %d", p.Cursor, err, cursor)
		}
	}
}

func testLazyDeliverySurvivesAClose(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	want := h.fullPosition(e.ID)
	var outcome atomic.Pointer[error]
	h.Deliver(tidings.Delivery{Position: want}, false, func(err error) { outcome.Store(&err) })
	h.reopen(t)
	if got := outcome.Load(); got == nil || *got != nil {
		t.Fatalf("Close returned before the delivery was durable: %v", got)
	}
	_, got, err := h.Lane(t.Context(), e.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func testDeliveriesOfOneEndpointApplyInOrder(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	endpoints := []tidings.Endpoint{h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID)}
	const rounds = 200
	var answers sync.WaitGroup
	var mu sync.Mutex
	order := make(map[tidings.EndpointID][]tidings.Seq)
	for cursor := tidings.Seq(1); cursor <= rounds; cursor++ {
		for _, e := range endpoints {
			answers.Add(1)
			p := tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1, Cursor: cursor}
			a := h.fullAttempt(e.ID)
			a.Number = int(cursor)
			h.Deliver(tidings.Delivery{Position: p, Attempts: []tidings.Attempt{a}}, cursor%7 == 0, func(err error) {
				defer answers.Done()
				if err != nil {
					t.Errorf("endpoint %d, cursor %d: %v", e.ID, cursor, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order[e.ID] = append(order[e.ID], cursor)
			})
		}
	}
	answers.Wait()
	for _, e := range endpoints {
		if !slices.IsSorted(order[e.ID]) || len(order[e.ID]) != rounds {
			t.Errorf("endpoint %d was answered in the order %v", e.ID, order[e.ID])
		}
		if _, p, err := h.Lane(t.Context(), e.ID); err != nil || p.Cursor != rounds {
			t.Errorf("endpoint %d: cursor %d, %v", e.ID, p.Cursor, err)
		}
		attempts, _, err := h.Attempts(t.Context(), account.ID, e.ID, 0, store.AttemptsKept)
		if err != nil || len(attempts) != min(rounds, store.AttemptsKept) {
			t.Fatalf("endpoint %d: %d attempts, %v", e.ID, len(attempts), err)
		}
		for i, a := range attempts {
			if a.Number != rounds-i {
				t.Fatalf("endpoint %d: attempt %d from the newest is number %d", e.ID, i, a.Number)
			}
		}
	}
}

func testFencedWriteIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	old := h.fullPosition(e.ID)
	want, err := h.Act(t.Context(), tidings.Act{Account: account.ID, Endpoint: e.ID, Actor: "admin", Action: "endpoint.retry"})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.deliver(tidings.Delivery{Position: old, Attempts: []tidings.Attempt{h.fullAttempt(e.ID)}}), tidings.CodeFenced)
	_, got, err := h.Lane(t.Context(), e.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("the refused write came through: %v (-want +got):\n%s", err, diff)
	}
	ahead := old
	ahead.Fence = 3
	wantCode(t, h.deliver(tidings.Delivery{Position: ahead}), tidings.CodeFenced)
	if attempts, _, err := h.Attempts(t.Context(), account.ID, e.ID, 0, 10); err != nil || len(attempts) != 1 {
		t.Errorf("%d attempts, %v; the refused write's attempt was made all the same", len(attempts), err)
	}
	old.Fence = 2
	if err := h.deliver(tidings.Delivery{Position: old}); err != nil {
		t.Errorf("under the stored fence: %v", err)
	}
	wantCode(t, h.deliver(tidings.Delivery{Position: h.fullPosition(99), Attempts: []tidings.Attempt{h.fullAttempt(99)}}), tidings.CodeNotFound)
}

// The deliveries are given while the committer is kept busy by an act, so
// that they fall into one group.
func testFencesAreJudgedOneByOneInAGroup(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e, busy := h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID)
	begun, end := make(chan struct{}), make(chan struct{})
	var acts sync.WaitGroup
	acts.Go(func() {
		_, err := h.Act(t.Context(), tidings.Act{Account: account.ID, Endpoint: busy.ID, Move: func(p tidings.Position) (tidings.Position, error) {
			close(begun)
			<-end
			return p, nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	fences := []int64{1, 2, 1, 1, 3}
	answers := make([]chan error, len(fences))
	for i, fence := range fences {
		answers[i] = make(chan error, 1)
		a := h.fullAttempt(e.ID)
		a.Number = i
		p := tidings.Position{Endpoint: e.ID, Fence: fence, Epoch: 1, Cursor: tidings.Seq(i)}
		h.Deliver(tidings.Delivery{Position: p, Attempts: []tidings.Attempt{a}}, true, func(err error) { answers[i] <- err })
	}
	close(end)
	acts.Wait()
	for i, fence := range fences {
		want := tidings.Code("")
		if fence != 1 {
			want = tidings.CodeFenced
		}
		if got := tidings.CodeOf(<-answers[i]); got != want {
			t.Errorf("delivery %d under fence %d: %q", i, fence, got)
		}
	}
	if _, p, err := h.Lane(t.Context(), e.ID); err != nil || p.Cursor != 3 {
		t.Errorf("cursor %d, %v; want that of the last delivery that was allowed", p.Cursor, err)
	}
	attempts, _, err := h.Attempts(t.Context(), account.ID, e.ID, 0, 10)
	if err != nil || len(attempts) != len(fences) {
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
	for i, a := range attempts {
		if a.Number != len(fences)-1-i {
			t.Errorf("attempt %d from the newest is number %d", i, a.Number)
		}
	}
}

// Deliveries come from many goroutines while the store closes: each is stored
// or refused, and answered once.
func testEveryDeliveryIsAnsweredOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	const lanes, each = 8, 100
	var answered [lanes][each]atomic.Int32
	var stored [lanes]atomic.Int64
	var givers, answers sync.WaitGroup
	var ids [lanes]tidings.EndpointID
	for lane := range lanes {
		ids[lane] = h.newEndpoint(t, account.ID).ID
	}
	half := make(chan struct{})
	var halfWay sync.Once
	for lane := range lanes {
		givers.Go(func() {
			for i := range each {
				if i == each/2 {
					halfWay.Do(func() { close(half) })
				}
				answers.Add(1)
				p := tidings.Position{Endpoint: ids[lane], Fence: 1, Epoch: 1, Cursor: tidings.Seq(i + 1)}
				h.Deliver(tidings.Delivery{Position: p}, i%3 == 0, func(err error) {
					answered[lane][i].Add(1)
					switch tidings.CodeOf(err) {
					case "":
						stored[lane].Store(int64(i + 1))
					case tidings.CodeUnavailable: // the store was closed
					default:
						t.Errorf("lane %d, %d: %v", lane, i, err)
					}
					answers.Done()
				})
			}
		})
	}
	<-half
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	givers.Wait()
	answers.Wait()
	h.reopen(t)
	for lane := range lanes {
		for i := range each {
			if n := answered[lane][i].Load(); n != 1 {
				t.Errorf("lane %d, delivery %d was answered %d times", lane, i, n)
			}
		}
		if _, p, err := h.Lane(t.Context(), ids[lane]); err != nil || int64(p.Cursor) != stored[lane].Load() {
			t.Errorf("lane %d: cursor %d, %v; the last one acknowledged was %d", lane, p.Cursor, err, stored[lane].Load())
		}
	}
}

func testActSeesWhatWasDeliveredBefore(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	p := tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1}
	for range 20 {
		p.Cursor++
		answer := make(chan error, 1)
		h.Deliver(tidings.Delivery{Position: p}, false, func(err error) { answer <- err })
		var seen tidings.Seq
		moved, err := h.Act(t.Context(), tidings.Act{Account: account.ID, Endpoint: e.ID, Move: func(p tidings.Position) (tidings.Position, error) {
			seen = p.Cursor
			return p, nil
		}})
		if err != nil || seen != p.Cursor {
			t.Fatalf("the act saw cursor %d, %v; %d was delivered before it", seen, err, p.Cursor)
		}
		if err := <-answer; err != nil {
			t.Fatalf("what was delivered before the act: %v", err)
		}
		p = moved
	}
}

func testActRaisesTheFence(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	full := h.fullPosition(e.ID)
	for _, c := range []struct {
		name       string
		move       func(tidings.Position) tidings.Position
		fence, epo int64
		cursor     tidings.Seq
	}{
		{"stays", nil, 2, 1, 0},
		{"moves", func(p tidings.Position) tidings.Position { p.Cursor = 7; return p }, 3, 2, 7},
		{"moves and raises the epoch itself", func(p tidings.Position) tidings.Position { p.Cursor, p.Epoch = 8, p.Epoch+1; return p }, 4, 3, 8},
		{"raises the epoch only", func(p tidings.Position) tidings.Position { p.Epoch++; return p }, 5, 4, 8},
		{"changes all", func(p tidings.Position) tidings.Position { return full }, 6, 5, 10},
		{"lowers the fence and takes another's place", func(p tidings.Position) tidings.Position { p.Fence, p.Endpoint = 0, 99; return p }, 7, 5, 10},
	} {
		act := tidings.Act{Account: account.ID, Endpoint: e.ID, Actor: "key 1 (first)", Action: "endpoint.seek", Detail: c.name}
		if c.move != nil {
			act.Move = func(p tidings.Position) (tidings.Position, error) { return c.move(p), nil }
		}
		moved, err := h.Act(t.Context(), act)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if moved.Endpoint != e.ID || moved.Fence != c.fence || moved.Epoch != c.epo || moved.Cursor != c.cursor {
			t.Errorf("%s: %+v", c.name, moved)
		}
		_, stored, err := h.Lane(t.Context(), e.ID)
		if diff := cmp.Diff(moved, stored); err != nil || diff != "" {
			t.Errorf("%s: %v (-given +stored):\n%s", c.name, err, diff)
		}
		records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account.ID, Limit: 1})
		want := tidings.AuditRecord{
			Account: account.ID, At: h.clock.Now(), Actor: "key 1 (first)", Action: "endpoint.seek", Endpoint: e.ID, Detail: c.name,
		}
		if err != nil || len(records) != 1 {
			t.Fatalf("%s: Audit = %+v, %v", c.name, records, err)
		}
		records[0].ID = 0
		if diff := cmp.Diff(want, records[0]); diff != "" {
			t.Errorf("%s: audit (-want +got):\n%s", c.name, diff)
		}
	}
}

func testRefusedActChangesNothing(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	refusal := tidings.Errorf(tidings.CodeConflict, "nothing to skip")
	_, err := h.Act(t.Context(), tidings.Act{
		Account: account.ID, Endpoint: e.ID, Action: "endpoint.skip", State: tidings.StateDeactivated,
		Move: func(p tidings.Position) (tidings.Position, error) { p.Cursor = 7; return p, refusal },
	})
	if !errors.Is(err, refusal) {
		t.Errorf("error %v, want that of the move", err)
	}
	got, p, err := h.Lane(t.Context(), e.ID)
	if diff := cmp.Diff(e, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1}, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := h.auditActions(t, account.ID); got != "account.create endpoint.create" {
		t.Errorf("audit: %s", got)
	}
}

func testActOnTheStateCountsAsAChange(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	read := h.newEndpoint(t, account.ID)
	h.clock.advance(time.Second)
	deactivate := tidings.Act{Account: account.ID, Endpoint: read.ID, Action: "endpoint.deactivate", State: tidings.StateDeactivated}
	for range 2 { // the second one finds it done
		if _, err := h.Act(t.Context(), deactivate); err != nil {
			t.Fatal(err)
		}
	}
	got, p, err := h.Lane(t.Context(), read.ID)
	want := read
	want.State, want.Version, want.UpdatedAt = tidings.StateDeactivated, 2, h.clock.Now()
	if diff := cmp.Diff(want, got); err != nil || diff != "" || p.Fence != 3 {
		t.Errorf("fence %d, %v (-want +got):\n%s", p.Fence, err, diff)
	}
	// An update made from what was read before would have activated it again.
	_, err = h.UpdateEndpoint(t.Context(), read, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
}

func testLanesGivesAllAndStopsAtAnError(t *testing.T, h *harness) {
	var want []tidings.EndpointID
	for i := range 3 {
		account := h.newAccount(t, fmt.Sprint(i))
		want = append(want, h.newEndpoint(t, account.ID).ID, h.newEndpoint(t, account.ID).ID)
	}
	if got := h.laneIDs(t); !slices.Equal(got, want) {
		t.Errorf("Lanes gave %v, want %v", got, want)
	}
	enough, calls := errors.New("enough"), 0
	err := h.Lanes(t.Context(), func(tidings.Endpoint, tidings.Position) error {
		if calls++; calls == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || calls != 2 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}
