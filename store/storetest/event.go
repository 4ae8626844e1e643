package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func eventPromises() []promise {
	return []promise{
		{"EventComesBackAsItCame", testEventComesBackAsItCame},
		{"EventFindsItsContact", testEventFindsItsContact},
		{"EventTypeShowsTheParametersOfItsEvents", testEventTypeShowsTheParametersOfItsEvents},
		{"UniqueTypeKeepsOneEventForEachKeyValue", testUniqueTypeKeepsOneEvent},
		{"EventsAreListedNewestFirst", testEventsAreListedNewestFirst},
		{"EventOfAnotherAccountIsNotThere", testEventOfAnotherAccountIsNotThere},
		{"PurgeRemovesOldEvents", testPurgeRemovesOldEvents},
		{"TimelineIsOneStory", testTimelineIsOneStory},
		{"TimelineIsPaged", testTimelineIsPaged},
	}
}

// event makes an event of "name=JSON" parameters.
func event(account tidings.AccountID, typeKey, keyValue string, params ...string) tidings.Event {
	e := tidings.Event{Account: account, TypeKey: typeKey, KeyValue: keyValue}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		e.Params = append(e.Params, tidings.EventParam{Name: name, Value: json.RawMessage(value)})
	}
	return e
}

func (h *harness) addEvent(t testing.TB, e tidings.Event) tidings.EventOutcome {
	t.Helper()
	if faults := tidings.CheckEvent(&e); len(faults) > 0 {
		t.Fatalf("CheckEvent: %v", faults)
	}
	out, err := h.AddEvent(t.Context(), e, nil)
	if err != nil {
		t.Fatalf("AddEvent: %v", err)
	}
	return out
}

func testEventComesBackAsItCame(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	in := event(account, "order", "42", `total=1.50`, `items=[{"b":1,"a":null},"х<>&"]`, `"quoted" \ name="\u2028"`)
	out := h.addEvent(t, in)
	want := in
	want.ID, want.Type, want.At = 1, 1, h.clock.Now()
	if diff := cmp.Diff(tidings.EventOutcome{Event: want}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err := h.Event(t.Context(), account, 1)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = h.AddEvent(t.Context(), event(99, "order", "1"), nil)
	wantCode(t, err, tidings.CodeNotFound)
}

func testEventFindsItsContact(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	h.newContact(t, account, "external c-1", "email one@example.com")
	h.newContact(t, account, "email two@example.com", "sms 380671234567")
	foreign := h.newContact(t, other, "email foreign@example.com").ID
	for _, c := range []struct {
		params  string
		contact tidings.ContactID // 0 = nobody
		created bool
	}{
		{`ContactId=2`, 2, false},
		{`contact_id="2";email="one@example.com"`, 2, false},
		{`EMAIL="ONE@example.com"`, 1, false},
		{`email="two@example.com";externalCustomerId="c-1"`, 1, false},
		{`PhoneNumber="+38 (067) 123-45-67"`, 2, false},
		{`phone=380671234567;userEmail="one@example.com"`, 1, false},
		{`externalCustomerId="null";email="two@example.com"`, 2, false},
		{`contactId=99;email="two@example.com"`, 2, false},
		{fmt.Sprintf(`contactId=%d`, foreign), 0, false},
		{`email="not an address";order=7`, 0, false},
		{`email="new@example.com";phone="380501112233"`, 4, true},
		{`sms="380501112233"`, 4, false},
		{`email="foreign@example.com"`, 5, true},
		{`order="7"`, 0, false},
	} {
		out := h.addEvent(t, event(account, "order", "key", strings.Split(c.params, ";")...))
		if out.Event.Contact != c.contact || out.ContactCreated != c.created {
			t.Errorf("%s: contact %d, created %t; want %d, %t", c.params, out.Event.Contact, out.ContactCreated, c.contact, c.created)
		}
		stored, err := h.Event(t.Context(), account, out.Event.ID)
		if err != nil || stored.Contact != c.contact {
			t.Errorf("%s: stored %+v, %v", c.params, stored, err)
		}
		id, named := stored.Param("contactId")
		if c.contact != 0 && !strings.Contains(strings.ToLower(c.params), "contact") && (!named || string(id) != fmt.Sprint(c.contact)) {
			t.Errorf("%s: contactId is %s", c.params, id)
		}
	}
}

func testEventTypeShowsTheParametersOfItsEvents(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.addEvent(t, event(account, "order", "1", `total=1`, `old="x"`))
	h.clock.advance(time.Minute)
	h.addEvent(t, event(account, "order", "2", `total=2`, `new=true`))
	h.addEvent(t, event(account, "visit", "3"))
	types, err := h.EventTypes(t.Context(), account, "", 10)
	if err != nil || len(types) != 2 || types[0].Key != "order" || !types[0].LastAt.Equal(h.clock.Now()) || types[1].Key != "visit" {
		t.Errorf("%+v, %v", types, err)
	}
	if rest, err := h.EventTypes(t.Context(), account, "order", 10); err != nil || len(rest) != 1 || rest[0].Key != "visit" {
		t.Errorf("%+v, %v", rest, err)
	}
	order, err := h.EventTypeByKey(t.Context(), account, "order")
	want := event(0, "", "", `total=2`, `new=true`, `old="x"`).Params
	if diff := cmp.Diff(want, order.Params); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = h.EventTypeByKey(t.Context(), account, "none")
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.EventType(t.Context(), h.newAccount(t, "other").ID, order.ID)
	wantCode(t, err, tidings.CodeNotFound)
}

func testUniqueTypeKeepsOneEvent(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	first := h.addEvent(t, event(account, "order", "1", `n=1`))
	if again := h.addEvent(t, event(account, "order", "1", `n=2`)); again.Repeated || again.Event.ID == first.Event.ID {
		t.Errorf("a type that is not unique answered %+v", again)
	}
	order, err := h.EventType(t.Context(), account, first.Event.Type)
	if err != nil {
		t.Fatal(err)
	}
	order.Name, order.UniqueKeys = "Orders", true
	if err := h.UpdateEventType(t.Context(), order, "key 1 (first)"); err != nil {
		t.Fatal(err)
	}
	repeat := h.addEvent(t, event(account, "order", "1", `email="new@example.com"`))
	if !repeat.Repeated || repeat.Event.ID != first.Event.ID || string(repeat.Event.Params[0].Value) != "1" {
		t.Errorf("%+v", repeat)
	}
	_, err = h.FindContact(t.Context(), account, tidings.MatchEmail, "new@example.com")
	wantCode(t, err, tidings.CodeNotFound)
	if other := h.addEvent(t, event(account, "visit", "1")); other.Repeated {
		t.Error("another type knows the keyValue")
	}
	order.Account = h.newAccount(t, "other").ID
	wantCode(t, h.UpdateEventType(t.Context(), order, "key 2 (x)"), tidings.CodeNotFound)
}

func testEventsAreListedNewestFirst(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newContact(t, account, "email a@example.com")
	for i := range 6 {
		kind, params := "order", []string{`email="a@example.com"`}
		if i%2 == 1 {
			kind, params = "visit", nil
		}
		h.addEvent(t, event(account, kind, fmt.Sprint(i/2), params...))
	}
	for _, c := range []struct {
		q    tidings.EventQuery
		want string
	}{
		{tidings.EventQuery{Limit: 10}, "[6 5 4 3 2 1]"},
		{tidings.EventQuery{Limit: 2}, "[6 5]"},
		{tidings.EventQuery{Limit: 10, Before: 3}, "[2 1]"},
		{tidings.EventQuery{Limit: 10, Type: 1}, "[5 3 1]"},
		{tidings.EventQuery{Limit: 10, Type: 2, Before: 6}, "[4 2]"},
		{tidings.EventQuery{Limit: 10, Contact: 1}, "[5 3 1]"},
		{tidings.EventQuery{Limit: 10, Contact: 1, Type: 2}, "[]"},
		{tidings.EventQuery{Limit: 10, Type: 1, KeyValue: "1"}, "[3]"},
	} {
		c.q.Account = account
		events, err := h.Events(t.Context(), c.q)
		ids := []tidings.EventID{}
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		if err != nil || fmt.Sprint(ids) != c.want {
			t.Errorf("%+v: %v, %v; want %s", c.q, ids, err, c.want)
		}
	}
}

func testEventOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	out := h.addEvent(t, event(one, "order", "1", `email="a@example.com"`))
	_, err := h.Event(t.Context(), two, out.Event.ID)
	wantCode(t, err, tidings.CodeNotFound)
	for _, q := range []tidings.EventQuery{{}, {Type: out.Event.Type}, {Contact: out.Event.Contact}, {Type: out.Event.Type, KeyValue: "1"}} {
		q.Account, q.Limit = two, 10
		if events, err := h.Events(t.Context(), q); err != nil || len(events) != 0 {
			t.Errorf("%+v finds %v, %v", q, events, err)
		}
	}
}

func testPurgeRemovesOldEvents(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	for range 3 {
		h.addEvent(t, event(account, "order", "1"))
	}
	h.clock.advance(time.Hour)
	kept := h.addEvent(t, event(account, "order", "1")).Event.ID
	if n, err := h.PurgeEvents(t.Context(), h.clock.Now()); err != nil || n != 3 {
		t.Errorf("purged %d, %v", n, err)
	}
	events, err := h.Events(t.Context(), tidings.EventQuery{Account: account, Limit: 10})
	if err != nil || len(events) != 1 || events[0].ID != kept {
		t.Errorf("%v, %v", events, err)
	}
}

// story gives the timeline of a contact in short, read page by page.
func (h *harness) story(t *testing.T, account tidings.AccountID, id tidings.ContactID, limit int) []string {
	t.Helper()
	var story []string
	var at tidings.TimelineCursor
	for {
		page, err := h.Timeline(t.Context(), account, id, at, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			switch {
			case e.Event != nil:
				story = append(story, fmt.Sprintf("event %d", e.Event.ID))
			case e.Activity != nil:
				story = append(story, fmt.Sprintf("activity %d", e.Activity.Seq))
			case e.Call != nil:
				story = append(story, fmt.Sprintf("call %d", e.Call.ID))
			case e.Run != nil:
				story = append(story, fmt.Sprintf("run %d", e.Run.ID))
			case e.Mail != nil:
				story = append(story, fmt.Sprintf("mail %d", e.Mail.ID))
			}
		}
		if page.Next == nil {
			return story
		}
		at = *page.Next
	}
}

// live has a contact live through some hours: an event, an activity, a call, a
// run and a mail each, in turn, with others' between them.
func (h *harness) live(t *testing.T, account tidings.AccountID, hours int) (tidings.Contact, []string) {
	t.Helper()
	c := h.newContact(t, account, "email ann@example.com")
	h.newContact(t, account, "email other@example.com")
	w := h.newActive(t, account, waiting("order"))
	var story []string
	for i := range hours {
		h.clock.advance(20 * time.Minute)
		id := h.addEvent(t, event(account, "order", "1", `email="ann@example.com"`)).Event.ID
		story = append(story, fmt.Sprintf("event %d", id))
		h.addEvent(t, event(account, "order", "1", `email="other@example.com"`))
		h.clock.advance(20 * time.Minute)
		subscriptions := fmt.Sprintf("subscriptions S%d", i)
		for _, id := range []tidings.ContactID{2, c.ID} {
			if _, err := h.ChangeContact(t.Context(), account, id, change(subscriptions), 0); err != nil {
				t.Fatal(err)
			}
		}
		head, err := h.Head(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		story = append(story, fmt.Sprintf("activity %d", head))
		h.clock.advance(20 * time.Minute)
		call, err := h.AppendCall(t.Context(), &tidings.Call{Account: account, Contact: c.ID, At: h.clock.Now(), Outcome: tidings.OutcomeOK})
		if err != nil {
			t.Fatal(err)
		}
		story = append(story, fmt.Sprintf("call %d", call))
		h.clock.advance(time.Second)
		run, err := h.StartRun(t.Context(), account, id, launchOf(w), "admin")
		if err != nil {
			t.Fatal(err)
		}
		story = append(story, fmt.Sprintf("run %d", run.ID))
		h.clock.advance(time.Second)
		story = append(story, fmt.Sprintf("mail %d", h.queueMail(t, plainMail(c))))
	}
	slices.Reverse(story)
	return c, story
}

func testTimelineIsOneStory(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c, want := h.live(t, account, 4)
	if got := h.story(t, account, c.ID, 100); !slices.Equal(got, want) {
		t.Errorf("story %v\nwant  %v", got, want)
	}
	_, err := h.Timeline(t.Context(), h.newAccount(t, "other").ID, c.ID, tidings.TimelineCursor{}, 10)
	wantCode(t, err, tidings.CodeNotFound)
}

func testTimelineIsPaged(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	c, want := h.live(t, account, 7)
	for limit := 1; limit <= len(want)+1; limit++ {
		if got := h.story(t, account, c.ID, limit); !slices.Equal(got, want) {
			t.Errorf("by %d: %v\nwant %v", limit, got, want)
		}
	}
}
