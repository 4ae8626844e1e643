package workflow

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

// oneBlock is a workflow that ends at once, with this trigger.
func oneBlock(t *testing.T, trigger string) tidings.Definition {
	return definition(t, `{"trigger":`+trigger+`,"start":"end","blocks":[{"id":"end","kind":"end"}]}`, shop().known())
}

func TestAnEventStartsTheActiveWorkflowsOfItsType(t *testing.T) {
	store := shop()
	triggers := NewTriggers(store)
	started := func(e *tidings.Event, c *tidings.Contact) string {
		launches, err := triggers.Launches(t.Context(), 1, e)
		if err != nil {
			t.Fatal(err)
		}
		var ids []tidings.WorkflowID
		for _, l := range launches {
			if l.Takes == nil || l.Takes(c) {
				ids = append(ids, l.Workflow)
			}
		}
		return fmt.Sprint(ids)
	}
	olena := store.contacts[7]
	order := &tidings.Event{TypeKey: "order", Params: []tidings.EventParam{param("sum", "150"), param("TOWN", `"Одеса"`)}}
	if got := started(order, &olena); got != "[]" {
		t.Errorf("before any activation: %s", got)
	}
	store.activate(2, oneBlock(t, `{"eventTypeKey":"order"}`))
	store.activate(1, oneBlock(t, `{"eventTypeKey":"order","condition":{"all":[{"field":"sum","op":"greater","value":"100"},{"field":"contact.TOWN","op":"equals","value":"Львів"}]}}`))
	store.activate(3, oneBlock(t, `{"eventTypeKey":"order","condition":{"field":"TOWN","op":"equals","value":"Одеса"}}`))
	store.activate(4, oneBlock(t, `{"eventTypeKey":"visit"}`))
	store.activate(5, oneBlock(t, `{"activity":{"activityStatus":"CLICKED"}}`))
	for _, c := range []struct {
		what    string
		event   *tidings.Event
		contact *tidings.Contact
		ids     string
	}{
		{"all that want it, in the order of their ids", order, &olena, "[1 2 3]"},
		{"a parameter hides a field, contact. does not", &tidings.Event{TypeKey: "order", Params: []tidings.EventParam{param("sum", "50")}}, &olena, "[2]"},
		{"without a contact", order, nil, "[2 3]"},
		{"another type", &tidings.Event{TypeKey: "visit"}, nil, "[4]"},
		{"the type of an activity that somebody sends as an event", &tidings.Event{TypeKey: "activity.CLICKED"}, nil, "[]"},
	} {
		if got := started(c.event, c.contact); got != c.ids {
			t.Errorf("%s: %s, want %s", c.what, got, c.ids)
		}
	}
	launches, err := triggers.Launches(t.Context(), 1, order)
	if err != nil || launches[0].Version != 1 || launches[0].Start != "end" {
		t.Errorf("%+v, %v", launches, err)
	}
	store.set(func() { store.active, store.stamp = nil, 9 })
	if got := started(order, &olena); got != "[]" {
		t.Errorf("after a deactivation: %s", got)
	}
}

// activityOf makes an activity of the wire.
func activityOf(t *testing.T, wire string) tidings.Activity {
	t.Helper()
	list, err := tidings.ParseActivities([]byte("["+wire+"]"), tidings.Intake{Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// newFollower starts one over a fake store.
func newFollower(t *testing.T, store *fakeStore) *Follower {
	f := NewFollower(FollowerOptions{Store: store, Triggers: NewTriggers(store), Log: slog.New(slog.DiscardHandler)})
	f.Start()
	t.Cleanup(f.Stop)
	return f
}

func TestActivitiesStartWorkflowsEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, oneBlock(t, `{"activity":{"activityStatus":"CLICKED","mediaType":"email","messageId":3},"condition":{"field":"clickEventLink","op":"contains","value":"promo"}}`))
		store.activate(2, oneBlock(t, `{"activity":{"activityStatus":"READ"}}`))
		const base = `"iid":"0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738","contactId":7,"email":"olena@example.com","activityDateTime":"2026-02-01T10:00:00"`
		for _, wire := range []string{
			`{` + base + `,"activityStatus":"DELIVERED","mediaType":"email","messageId":3}`,
			`{` + base + `,"activityStatus":"READ","mediaType":"email","messageId":3}`,
			`{` + base + `,"activityStatus":"CLICKED","mediaType":"email","messageId":3,"clickEventLink":"https://test.ua/promo/"}`,
			`{` + base + `,"activityStatus":"CLICKED","mediaType":"email","messageId":3,"clickEventLink":"https://test.ua/"}`,
			`{` + base + `,"activityStatus":"CLICKED","mediaType":"email","messageId":4,"clickEventLink":"https://test.ua/promo/"}`,
			`{` + base + `,"activityStatus":"CLICKED","mediaType":"sms","messageId":3,"clickEventLink":"https://test.ua/promo/"}`,
			`{` + base + `,"activityStatus":"READ","mediaType":"viber","messageId":9}`,
		} {
			store.feed = append(store.feed, activityOf(t, wire))
		}
		newFollower(t, store)
		newFollower(t, store) // another node
		wait(20 * time.Second)
		var got []string
		for id := tidings.RunID(1); int(id) <= len(store.runs); id++ {
			run := store.run(id)
			e := store.events[run.Event]
			media, _ := e.Param("mediaType")
			got = append(got, fmt.Sprintf("%d by %s %s of %.3s for %d", run.Workflow, e.TypeKey, media, e.KeyValue, run.Contact))
		}
		want := `["2 by activity.READ \"email\" of 0bb for 7" "1 by activity.CLICKED \"email\" of 0bb for 7" "2 by activity.READ \"viber\" of 0bb for 7"]`
		if fmt.Sprintf("%q", got) != want || store.cursor != 7 {
			t.Errorf("got %q, cursor %d", got, store.cursor)
		}
	})
}

// crowd is a store in which a hundred accounts have such workflows.
type crowd struct {
	*fakeStore
	asked map[tidings.AccountID]int
}

func (c *crowd) ActivityTriggerAccounts(context.Context) (accounts []tidings.AccountID, err error) {
	for id := range tidings.AccountID(100) {
		accounts = append(accounts, id+1)
	}
	return accounts, nil
}

func (c *crowd) ActivityCursor(ctx context.Context, account tidings.AccountID) (tidings.Seq, error) {
	c.mu.Lock()
	c.asked[account]++
	c.mu.Unlock()
	return c.fakeStore.ActivityCursor(ctx, account)
}

// lookedAt gives which accounts were looked at since it was last asked.
func (c *crowd) lookedAt() map[tidings.AccountID]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = map[tidings.AccountID]int{}
	return asked
}

func TestWhatHappensToOneAccountIsNoWorkForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crowd{fakeStore: shop(), asked: map[tidings.AccountID]int{}}
		store.activate(1, oneBlock(t, `{"activity":{"activityStatus":"READ"}}`))
		f := NewFollower(FollowerOptions{Store: store, Triggers: NewTriggers(store), Log: slog.New(slog.DiscardHandler)})
		f.Start()
		defer f.Stop()
		synctest.Wait()
		store.lookedAt()
		f.Wake(7)
		synctest.Wait()
		if got := fmt.Sprint(store.lookedAt()); got != "map[7:1]" {
			t.Errorf("account 7 has grown, and looked at were %s", got)
		}
		wait(6 * time.Second)
		synctest.Wait() // without being woken all are looked at, in a while
		if got := store.lookedAt(); len(got) != 100 {
			t.Errorf("looked at were %v", got)
		}
	})
}

func TestActivitiesOfWorkflowsDontGoInCircles(t *testing.T) {
	for _, c := range []struct {
		what, wire string
		ids        string
	}{
		{"of a broadcast", `"broadcastId":1`, "[1 2]"},
		{"of a workflow that an event of the account started", `"workflowId":9,"sourceEventTypeKey":"order"`, "[1 2]"},
		{"what a workflow has sent does not start it again", `"workflowId":1,"sourceEventTypeKey":"order"`, "[2]"},
		{"nor does it start others, when an activity started it", `"workflowId":9,"sourceEventTypeKey":"activity.CLICKED"`, "[]"},
	} {
		set := newTriggerSet([]tidings.ActiveWorkflow{
			{ID: 1, Version: 1, Definition: oneBlock(t, `{"activity":{"activityStatus":"DELIVERED"}}`)},
			{ID: 2, Version: 1, Definition: oneBlock(t, `{"activity":{"activityStatus":"DELIVERED"}}`)},
		}, 1)
		a := activityOf(t, `{"iid":"0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738","contactId":7,"activityStatus":"DELIVERED","mediaType":"email","activityDateTime":"2026-02-01T10:00:00",`+c.wire+`}`)
		ids := []tidings.WorkflowID{}
		for _, e := range set.launches(1, a.Kind, a.Wire) {
			for _, l := range e.Launches {
				ids = append(ids, l.Workflow)
			}
		}
		if fmt.Sprint(ids) != c.ids {
			t.Errorf("%s: %v, want %s", c.what, ids, c.ids)
		}
	}
	for _, c := range []struct {
		what, status, wire string
		launches           int
	}{
		{"what people decide to do may lead on: a click in a mail that a click led to", "CLICKED", `"messageId":4`, 1},
		{"and a choice on the preference page of that mail", "SUBSCRIPTION_CHANGED", `"messageId":4`, 1},
		{"what a run has chosen for them does not", "SUBSCRIPTION_CHANGED", `"workflowBlockId":"keep"`, 0},
	} {
		set := newTriggerSet([]tidings.ActiveWorkflow{{ID: 2, Version: 1, Definition: oneBlock(t, `{"activity":{"activityStatus":"`+c.status+`"}}`)}}, 1)
		a := activityOf(t, `{"iid":"0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738","contactId":7,"activityStatus":"`+c.status+`","mediaType":"email","activityDateTime":"2026-02-01T10:00:00","workflowId":9,"sourceEventTypeKey":"activity.CLICKED",`+c.wire+`}`)
		if n := len(set.launches(1, a.Kind, a.Wire)); n != c.launches {
			t.Errorf("%s: %d launches, want %d", c.what, n, c.launches)
		}
	}
}

func TestAnActivityTooLargeForAnEventLeavesOutWhatHasNoRoom(t *testing.T) {
	long := make([]byte, tidings.MaxEventBytes)
	for i := range long {
		long[i] = 'x'
	}
	params := paramsOf(fmt.Appendf(nil, `{"a":1,"clickEventLink":"%s","contactId":7}`, long))
	if got := fmt.Sprintf("%s", params); got != "[{a 1} {contactId 7}]" {
		t.Errorf("%.100s", got)
	}
}
