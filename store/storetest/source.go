package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func sourcePromises() []promise {
	return []promise{
		{"SourceKeepsEveryFieldAndItsSecret", testSourceKeepsEveryField},
		{"SourcesEventIsTakenOnce", testSourcesEventIsTakenOnce},
		{"SourcesEventFindsItsContactOrMakesOne", testSourcesEventFindsItsContact},
		{"RefusedEventOfASourceLeavesNothing", testRefusedEventOfASourceLeavesNothing},
		{"SourceOfAnotherAccountIsNotThere", testSourceOfAnotherAccountIsNotThere},
	}
}

func (h *harness) newSource(t testing.TB, account tidings.AccountID) tidings.Source {
	t.Helper()
	c, err := h.CreateSource(t.Context(), tidings.Source{Account: account, Name: "SendGrid", Kind: "sendgrid"}, "ann")
	if err != nil {
		t.Fatalf("CreateSource: %v", err)
	}
	return c
}

// sourceEvent is an event that becomes a DELIVERED.
func sourceEvent(id string) tidings.SourceEvent {
	return tidings.SourceEvent{ID: id, Email: "ann@example.com", Activity: func(c tidings.ContactID) (tidings.Activity, error) {
		m := tidings.Mail{ID: 1, IID: "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", Contact: c, To: "ann@example.com"}
		return tidings.MailActivity(&m, tidings.Delivered, time.Unix(1_773_446_400, 0), tidings.MailFacts{})
	}}
}

func testSourceKeepsEveryField(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "shop").ID
	want := tidings.Source{Account: account, Name: "any symbols: $ ' \" 😀", Kind: "ses", Secret: `{"topicArns":["x"]}`}
	made, err := h.CreateSource(t.Context(), want, "ann")
	want.ID, want.Version, want.CreatedAt, want.UpdatedAt = 1, 1, h.clock.Now(), h.clock.Now()
	if diff := cmp.Diff(want, made); err != nil || diff != "" {
		t.Fatalf("made: %v (-want +got):\n%s", err, diff)
	}
	h.reopen(t)
	got, err := h.Source(t.Context(), account, made.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("after reopening: %v (-want +got):\n%s", err, diff)
	}
	if got, err := h.SourceByID(t.Context(), made.ID); err != nil || !cmp.Equal(want, got) {
		t.Errorf("by its id: %+v, %v", got, err)
	}
	begin := h.clock.Now()
	h.clock.advance(time.Minute)
	if _, _, err := h.AppendFromSource(t.Context(), made.ID, nil); err != nil {
		t.Fatal(err)
	}
	want.Name, want.Secret = "other", ""
	updated, err := h.UpdateSource(t.Context(), want, "ann", "name, secret")
	want.Version, want.CreatedAt, want.UpdatedAt, want.LastAt = 2, begin, h.clock.Now(), h.clock.Now()
	if diff := cmp.Diff(want, updated); err != nil || diff != "" {
		t.Errorf("updated: %v (-want +got):\n%s", err, diff)
	}
	if list, err := h.Sources(t.Context(), account, 0, 10); err != nil || !cmp.Equal([]tidings.Source{want}, list) {
		t.Errorf("%+v, %v", list, err)
	}
	want.Version = 1
	_, err = h.UpdateSource(t.Context(), want, "ann", "x")
	wantCode(t, err, tidings.CodeConflict)
	if err := h.DeleteSource(t.Context(), account, made.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	_, err = h.SourceByID(t.Context(), made.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.CreateSource(t.Context(), tidings.Source{Account: 99}, "ann")
	wantCode(t, err, tidings.CodeNotFound)
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account, Limit: 3})
	if err != nil || fmt.Sprint(records[0].Action, records[1].Action, records[2].Action) != "source.deletesource.updatesource.create" {
		t.Errorf("audit %+v, %v", records, err)
	}
}

func testSourcesEventIsTakenOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	one, two := h.newSource(t, account), h.newSource(t, account)
	const week = 7 * 24 * time.Hour
	for i, c := range []struct {
		source             tidings.SourceID
		events             []string
		after              time.Duration
		accepted, repeated int
	}{
		{one.ID, []string{"a", "b", "a"}, 0, 2, 1},
		{one.ID, []string{"b", "c"}, week - time.Second, 1, 1},
		{two.ID, []string{"a"}, 0, 1, 0},
		{one.ID, []string{"a", "b", "c"}, time.Second, 2, 1},
		{one.ID, nil, 0, 0, 0},
	} {
		h.clock.advance(c.after)
		var events []tidings.SourceEvent
		for _, id := range c.events {
			events = append(events, sourceEvent(id))
		}
		accepted, repeated, err := h.AppendFromSource(t.Context(), c.source, events)
		if err != nil || accepted != c.accepted || repeated != c.repeated {
			t.Errorf("%d: accepted %d, repeated %d, %v; want %d, %d", i, accepted, repeated, err, c.accepted, c.repeated)
		}
	}
	if head, err := h.Head(t.Context(), account); err != nil || head != 6 {
		t.Errorf("head %d, %v", head, err)
	}
	_, _, err := h.AppendFromSource(t.Context(), 99, nil)
	wantCode(t, err, tidings.CodeNotFound)
}

func testSourcesEventFindsItsContact(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	source := h.newSource(t, account)
	h.newContact(t, account, "external c-1", "email one@example.com")
	h.newContact(t, account, "email two@example.com", "sms 380671234567")
	for i, c := range []struct {
		event tidings.SourceEvent
		owner tidings.ContactID // 0 = nobody
	}{
		{tidings.SourceEvent{Contact: 2, Email: "one@example.com"}, 2},
		{tidings.SourceEvent{Contact: 99, Email: "ONE@example.com"}, 1},
		{tidings.SourceEvent{ExternalCustomerID: "c-1", Email: "two@example.com"}, 1},
		{tidings.SourceEvent{SMS: "380671234567"}, 2},
		{tidings.SourceEvent{Email: "new@example.com"}, 3},
		{tidings.SourceEvent{Email: "new@example.com"}, 3},
		{tidings.SourceEvent{Email: "no address"}, 0},
	} {
		owner := tidings.ContactID(0)
		make := sourceEvent("").Activity
		c.event.ID = fmt.Sprint(i)
		c.event.Activity = func(id tidings.ContactID) (tidings.Activity, error) {
			owner = id
			return make(id)
		}
		accepted, repeated, err := h.AppendFromSource(t.Context(), source.ID, []tidings.SourceEvent{c.event})
		if err != nil || owner != c.owner || (accepted == 1) != (c.owner != 0) || repeated != 0 {
			t.Errorf("%d: of contact %d, accepted %d, repeated %d, %v", i, owner, accepted, repeated, err)
		}
	}
}

func testRefusedEventOfASourceLeavesNothing(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	source := h.newSource(t, account)
	broken := sourceEvent("b")
	broken.Activity = func(tidings.ContactID) (tidings.Activity, error) { return tidings.Activity{}, errors.New("no way") }
	if _, _, err := h.AppendFromSource(t.Context(), source.ID, []tidings.SourceEvent{sourceEvent("a"), broken}); err == nil {
		t.Error("it was taken")
	}
	if accepted, _, err := h.AppendFromSource(t.Context(), source.ID, []tidings.SourceEvent{sourceEvent("a")}); err != nil || accepted != 1 {
		t.Errorf("its neighbour is taken for known: accepted %d, %v", accepted, err)
	}
	if head, err := h.Head(t.Context(), account); err != nil || head != 1 {
		t.Errorf("head %d, %v", head, err)
	}
}

func testSourceOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	c := h.newSource(t, mine)
	_, err := h.Source(t.Context(), other, c.ID)
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteSource(t.Context(), other, c.ID, "ann"), tidings.CodeNotFound)
	c.Account = other
	_, err = h.UpdateSource(t.Context(), c, "ann", "x")
	wantCode(t, err, tidings.CodeNotFound)
	if list, err := h.Sources(t.Context(), other, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
