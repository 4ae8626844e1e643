package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func endpointPromises() []promise {
	return []promise{
		{"EndpointKeepsEveryOption", testEndpointKeepsEveryOption},
		{"EndpointStartsWhereAsked", testEndpointStartsWhereAsked},
		{"StartOutsideOfTheFeedIsRefused", testStartOutsideOfTheFeedIsRefused},
		{"EndpointsArePagedByID", testEndpointsArePagedByID},
		{"BlockedEndpointsComeInTheOrderInWhichTheyWereBlocked", testBlockedEndpointsComeInOrder},
		{"UpdateOfAnOldVersionIsRefused", testUpdateOfAnOldVersionIsRefused},
		{"UpdateLeavesThePosition", testUpdateLeavesThePosition},
		{"OtherAccountsEndpointIsNotFound", testOtherAccountsEndpointIsNotFound},
		{"DeletedEndpointIsGoneAndItsIDNeverComesAgain", testDeletedEndpointIsGone},
		{"PurgeRemovesOnlyWhatWasDeletedBefore", testPurgeRemovesOnlyWhatWasDeletedBefore},
	}
}

// plainEndpoint is an endpoint without secrets and with the options at their defaults.
func plainEndpoint(account tidings.AccountID) tidings.Endpoint {
	return tidings.Endpoint{Account: account, Name: "crm", URL: "https://crm.example/in", State: tidings.StateActive}
}

// newEndpoint makes a plain endpoint that starts at the head of the feed.
func (h *harness) newEndpoint(t testing.TB, account tidings.AccountID) tidings.Endpoint {
	t.Helper()
	e, err := h.CreateEndpoint(t.Context(), plainEndpoint(account), tidings.Start{Now: true}, "admin")
	if err != nil {
		t.Fatalf("CreateEndpoint: %v", err)
	}
	return e
}

// fill appends n activities to an account's feed in one request.
func (h *harness) fill(t testing.TB, account tidings.AccountID, n int) {
	t.Helper()
	activities := make([]tidings.Activity, n)
	for i := range activities {
		activities[i] = tidings.Activity{
			Wire: fmt.Appendf(nil, `{"contactId":%d}`, i+1), At: h.clock.Now().Unix(),
			Kind: tidings.KindOf(tidings.Delivered, tidings.Email),
		}
	}
	if _, err := h.Append(t.Context(), tidings.AppendRequest{Account: account, Activities: activities}); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func testEndpointKeepsEveryOption(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	for _, c := range []struct {
		name   string
		change func(*tidings.Endpoint)
	}{
		{"defaults", func(*tidings.Endpoint) {}},
		{"deactivated", func(e *tidings.Endpoint) { e.State = tidings.StateDeactivated }},
		{"any2xx", func(e *tidings.Endpoint) { e.Any2xx = true }},
		{"timeout", func(e *tidings.Endpoint) { e.Timeout = 1500 * time.Millisecond }},
		{"statuses", func(e *tidings.Endpoint) { e.Filter.Statuses = e.Filter.Statuses.With(tidings.Sent) }},
		{"media types", func(e *tidings.Endpoint) { e.Filter.MediaTypes = e.Filter.MediaTypes.With(tidings.TelegramBot) }},
		{"batch", func(e *tidings.Endpoint) {
			e.Batch = tidings.BatchLimits{MaxItems: tidings.MaxBatchItems, MaxBytes: tidings.MaxBatchBytes, Linger: tidings.MaxLinger}
		}},
		{"auth", func(e *tidings.Endpoint) { e.Auth = &tidings.BasicAuth{Username: "u", Password: "pä\x00ss"} }},
		{"headers", func(e *tidings.Endpoint) {
			e.Headers = []tidings.Header{{Name: "X-B", Value: "2"}, {Name: "X-A", Value: ""}}
		}},
		{"secrets", func(e *tidings.Endpoint) {
			e.Secrets = []tidings.Secret{{Value: "whsec_new"}, {Value: "whsec_old", ExpiresAt: h.clock.Now().Add(time.Hour)}}
		}},
	} {
		e := plainEndpoint(account.ID)
		e.Name = c.name
		c.change(&e)
		made, err := h.CreateEndpoint(t.Context(), e, tidings.Start{Now: true}, "admin")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		want := e
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = made.ID, 1, h.clock.Now(), h.clock.Now()
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("%s: made (-want +got):\n%s", c.name, diff)
		}
		h.reopen(t)
		got, _, err := h.Endpoint(t.Context(), account.ID, made.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: after reopening: %v (-want +got):\n%s", c.name, err, diff)
		}

		// Every option can also be taken back, and set by an update.
		reset := plainEndpoint(account.ID)
		reset.ID, reset.Version = made.ID, 1
		if _, err := h.UpdateEndpoint(t.Context(), reset, "admin", "reset"); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		want.Version = 2
		h.clock.advance(time.Second)
		updated, err := h.UpdateEndpoint(t.Context(), want, "admin", "set again")
		want.Version, want.UpdatedAt = 3, h.clock.Now()
		if diff := cmp.Diff(want, updated); err != nil || diff != "" {
			t.Errorf("%s: updated: %v (-want +got):\n%s", c.name, err, diff)
		}
		got, _, err = h.Lane(t.Context(), made.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: after the update: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

func testEndpointStartsWhereAsked(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	began := h.clock.Now()
	h.fill(t, account.ID, 3) // 1 to 3
	h.clock.advance(time.Hour)
	h.fill(t, account.ID, 2) // 4 and 5
	h.clock.advance(time.Hour)
	for _, c := range []struct {
		name  string
		start tidings.Start
		want  tidings.Seq
	}{
		{"now", tidings.Start{Now: true}, 5},
		{"beginning", tidings.Start{Beginning: true}, 0},
		{"first seq", tidings.Start{Seq: 1}, 0},
		{"seq", tidings.Start{Seq: 4}, 3},
		{"the seq to come", tidings.Start{Seq: 6}, 5},
		{"before all", tidings.Start{Time: began}, 0},
		{"between", tidings.Start{Time: began.Add(time.Millisecond)}, 3},
		{"at the second arrival", tidings.Start{Time: began.Add(time.Hour)}, 3},
		{"after all", tidings.Start{Time: began.Add(2 * time.Hour)}, 5},
		{"in the future", tidings.Start{Time: began.Add(9000 * time.Hour)}, 5},
	} {
		e, err := h.CreateEndpoint(t.Context(), plainEndpoint(account.ID), c.start, "admin")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, got, err := h.Lane(t.Context(), e.ID)
		want := tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1, Cursor: c.want, Scanned: c.want}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

func testStartOutsideOfTheFeedIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	h.fill(t, account.ID, 3)
	for _, start := range []tidings.Start{{}, {Seq: -1}, {Seq: 5}} {
		_, err := h.CreateEndpoint(t.Context(), plainEndpoint(account.ID), start, "admin")
		wantCode(t, err, tidings.CodeInvalid)
	}
	_, err := h.CreateEndpoint(t.Context(), plainEndpoint(99), tidings.Start{Now: true}, "admin")
	wantCode(t, err, tidings.CodeNotFound)
	if list, _, err := h.Endpoints(t.Context(), account.ID, 0, 10); err != nil || len(list) > 0 {
		t.Errorf("refused ones are stored: %v, %v", list, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create" {
		t.Errorf("refused ones are in the audit: %s", got)
	}
}

func testEndpointsArePagedByID(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	var want []tidings.EndpointID
	for range 5 {
		want = append(want, h.newEndpoint(t, mine.ID).ID)
		h.newEndpoint(t, other.ID)
	}
	var got []tidings.EndpointID
	var after tidings.EndpointID
	for {
		page, positions, err := h.Endpoints(t.Context(), mine.ID, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for i, e := range page {
			if positions[i].Endpoint != e.ID {
				t.Errorf("the position beside endpoint %d is that of %d", e.ID, positions[i].Endpoint)
			}
			got = append(got, e.ID)
		}
		after = page[len(page)-1].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages gave %v, want %v", got, want)
	}
}

func testBlockedEndpointsComeInOrder(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "a").ID, h.newAccount(t, "b").ID
	block := func(e tidings.Endpoint, since time.Duration) tidings.EndpointID {
		t.Helper()
		p := tidings.Position{Endpoint: e.ID, Fence: 1, Epoch: 1, Attempts: 1, BlockedSince: h.clock.Now().Add(since)}
		if since < 0 {
			p.Attempts, p.BlockedSince = 0, time.Time{}
		}
		if err := h.deliver(tidings.Delivery{Position: p}); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		return e.ID
	}
	var made []tidings.Endpoint
	for range 4 {
		made = append(made, h.newEndpoint(t, account))
	}
	third, first, second := block(made[0], 3*time.Minute), block(made[1], time.Minute), block(made[2], 2*time.Minute)
	block(h.newEndpoint(t, other), time.Second)
	gone := block(h.newEndpoint(t, account), time.Second)
	if err := h.DeleteEndpoint(t.Context(), account, gone, "admin"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after tidings.EndpointID
		limit int
		want  []tidings.EndpointID
	}{
		{0, 10, []tidings.EndpointID{first, second, third}},
		{0, 2, []tidings.EndpointID{first, second}},
		{second, 2, []tidings.EndpointID{third}},
		{made[3].ID, 1, []tidings.EndpointID{first}}, // it is not blocked
	} {
		list, positions, err := h.BlockedEndpoints(t.Context(), account, c.after, c.limit)
		if err != nil || len(positions) != len(list) {
			t.Fatalf("%d positions of %d endpoints, %v", len(positions), len(list), err)
		}
		var got []tidings.EndpointID
		for i := range list {
			got = append(got, positions[i].Endpoint)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("after %d: %v, want %v", c.after, got, c.want)
		}
	}
	block(made[1], -1)
	if list, _, err := h.BlockedEndpoints(t.Context(), account, 0, 10); err != nil || len(list) != 2 {
		t.Errorf("after a delivery %d are blocked, %v", len(list), err)
	}
}

func testUpdateOfAnOldVersionIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	mine, theirs := e, e
	mine.Name, theirs.Name = "mine", "theirs"
	if _, err := h.UpdateEndpoint(t.Context(), mine, "admin", "name"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateEndpoint(t.Context(), theirs, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
	got, _, err := h.Lane(t.Context(), e.ID)
	if err != nil || got.Name != "mine" || got.Version != 2 {
		t.Errorf("stored %+v, %v", got, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create endpoint.create endpoint.update" {
		t.Errorf("audit: %s", got)
	}
}

func testUpdateLeavesThePosition(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	e := h.newEndpoint(t, account.ID)
	want := h.fullPosition(e.ID)
	if err := h.deliver(tidings.Delivery{Position: want}); err != nil {
		t.Fatal(err)
	}
	e.Filter.Statuses = e.Filter.Statuses.With(tidings.Spam)
	e.Batch.MaxItems = 7
	if _, err := h.UpdateEndpoint(t.Context(), e, "admin", "filter and batch"); err != nil {
		t.Fatal(err)
	}
	_, got, err := h.Lane(t.Context(), e.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func testOtherAccountsEndpointIsNotFound(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	e := h.newEndpoint(t, mine.ID)
	stolen := e
	stolen.Account = other.ID
	missing := e
	missing.ID = 99
	for name, try := range map[string]func() error{
		"get":            func() error { _, _, err := h.Endpoint(t.Context(), other.ID, e.ID); return err },
		"update":         func() error { _, err := h.UpdateEndpoint(t.Context(), stolen, "x", "x"); return err },
		"update missing": func() error { _, err := h.UpdateEndpoint(t.Context(), missing, "x", "x"); return err },
		"delete":         func() error { return h.DeleteEndpoint(t.Context(), other.ID, e.ID, "x") },
		"act": func() error {
			_, err := h.Act(t.Context(), tidings.Act{Account: other.ID, Endpoint: e.ID, Action: "endpoint.seek"})
			return err
		},
		"attempts": func() error { _, _, err := h.Attempts(t.Context(), other.ID, e.ID, 0, 1); return err },
		"lane":     func() error { _, _, err := h.Lane(t.Context(), 99); return err },
	} {
		if err := try(); tidings.CodeOf(err) != tidings.CodeNotFound || !strings.Contains(err.Error(), "there is no endpoint") {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, p, err := h.Endpoint(t.Context(), mine.ID, e.ID)
	if diff := cmp.Diff(e, got); err != nil || diff != "" || p.Fence != 1 {
		t.Errorf("changed through another account: fence %d, %v (-want +got):\n%s", p.Fence, err, diff)
	}
	if got := h.auditActions(t, other.ID); got != "account.create" {
		t.Errorf("the other's audit: %s", got)
	}
}

func testDeletedEndpointIsGone(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	first, last := h.newEndpoint(t, account.ID), h.newEndpoint(t, account.ID)
	if err := h.deliver(tidings.Delivery{Position: h.fullPosition(last.ID), Attempts: []tidings.Attempt{h.fullAttempt(last.ID)}}); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteEndpoint(t.Context(), account.ID, last.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	_, _, err := h.Endpoint(t.Context(), account.ID, last.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, _, err = h.Lane(t.Context(), last.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.UpdateEndpoint(t.Context(), last, "admin", "x")
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Act(t.Context(), tidings.Act{Account: account.ID, Endpoint: last.ID, Action: "endpoint.seek"})
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteEndpoint(t.Context(), account.ID, last.ID, "admin"), tidings.CodeNotFound)
	if list, _, err := h.Endpoints(t.Context(), account.ID, 0, 10); err != nil || len(list) != 1 || list[0].ID != first.ID {
		t.Errorf("Endpoints = %+v, %v", list, err)
	}
	if ids := h.laneIDs(t); !slices.Equal(ids, []tidings.EndpointID{first.ID}) {
		t.Errorf("Lanes gave %v", ids)
	}
	// The attempt that was under way when it was deleted is kept, its position refused.
	late := h.fullAttempt(last.ID)
	late.Number = 2
	wantCode(t, h.deliver(tidings.Delivery{Position: h.fullPosition(last.ID), Attempts: []tidings.Attempt{late}}), tidings.CodeNotFound)
	attempts, _, err := h.Attempts(t.Context(), account.ID, last.ID, 0, 10)
	if err != nil || len(attempts) != 2 || attempts[0].Number != 2 {
		t.Errorf("Attempts = %+v, %v", attempts, err)
	}
	if fresh := h.newEndpoint(t, account.ID); fresh.ID <= last.ID {
		t.Errorf("id %d comes again as %d", last.ID, fresh.ID)
	}
	want := "account.create endpoint.create endpoint.create endpoint.delete endpoint.create"
	if got := h.auditActions(t, account.ID); got != want {
		t.Errorf("audit: %s", got)
	}
}

func testPurgeRemovesOnlyWhatWasDeletedBefore(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	var endpoints []tidings.Endpoint
	for range 25 {
		e := h.newEndpoint(t, account.ID)
		endpoints = append(endpoints, e)
		if err := h.deliver(tidings.Delivery{Position: h.fullPosition(e.ID), Attempts: []tidings.Attempt{h.fullAttempt(e.ID)}}); err != nil {
			t.Fatal(err)
		}
	}
	kept, recent, old := endpoints[0], endpoints[1], endpoints[2:]
	for _, e := range old {
		if err := h.DeleteEndpoint(t.Context(), account.ID, e.ID, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	h.clock.advance(time.Hour)
	before := h.clock.Now()
	if err := h.DeleteEndpoint(t.Context(), account.ID, recent.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.PurgeDeleted(t.Context(), before); err != nil || n != len(old) {
		t.Errorf("purged %d, %v; want %d", n, err, len(old))
	}
	for _, e := range old {
		_, _, err := h.Attempts(t.Context(), account.ID, e.ID, 0, 1)
		wantCode(t, err, tidings.CodeNotFound)
		wantCode(t, h.deliver(tidings.Delivery{Position: h.fullPosition(e.ID), Attempts: []tidings.Attempt{h.fullAttempt(e.ID)}}), tidings.CodeNotFound)
	}
	for _, e := range []tidings.Endpoint{kept, recent} {
		if attempts, _, err := h.Attempts(t.Context(), account.ID, e.ID, 0, 10); err != nil || len(attempts) != 1 {
			t.Errorf("endpoint %d: %d attempts, %v", e.ID, len(attempts), err)
		}
	}
	if ids := h.laneIDs(t); !slices.Equal(ids, []tidings.EndpointID{kept.ID}) {
		t.Errorf("Lanes gave %v", ids)
	}
	if fresh := h.newEndpoint(t, account.ID); fresh.ID != endpoints[len(endpoints)-1].ID+1 {
		t.Errorf("the next endpoint got id %d", fresh.ID)
	}
}

// laneIDs gives the ids that Lanes gives, sorted.
func (h *harness) laneIDs(t testing.TB) []tidings.EndpointID {
	t.Helper()
	var ids []tidings.EndpointID
	err := h.Lanes(t.Context(), func(e tidings.Endpoint, p tidings.Position) error {
		ids = append(ids, e.ID)
		if p.Endpoint != e.ID {
			return errors.New("a position of another endpoint")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Lanes: %v", err)
	}
	slices.Sort(ids)
	return ids
}
