package workflow

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

// circle is the seed's workflow: a webhook, a condition on its reply, a timer, and the message with the code in it.
const circle = `{
	"trigger": {"eventTypeKey": "promo"}, "start": "ask",
	"blocks": [
		{"id": "ask", "kind": "webhook", "webhook": {"webhookId": 5}, "exits": {"ok": "has", "failed": "sorry"}},
		{"id": "has", "kind": "condition", "condition": {"field": "$data.WH5.promocode", "op": "isSet"}, "exits": {"yes": "wait", "no": "sorry"}},
		{"id": "wait", "kind": "timer", "timer": {"seconds": 1209600}, "exits": {"next": "send"}},
		{"id": "send", "kind": "message", "message": {"messageId": 3}, "exits": {"next": "keep"}},
		{"id": "keep", "kind": "updateContact", "fields": [{"field": "SHOP.PROMO", "value": "$data.WH5.promocode"}], "exits": {"next": "end"}},
		{"id": "sorry", "kind": "addToSegment", "segmentId": 4, "exits": {"next": "end"}},
		{"id": "end", "kind": "end"}
	]
}`

func TestAnEventGoesTheWholeCircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: 2 * time.Second}
		runs := r.event("promo", 7)
		wait(3 * time.Second)
		if run := store.run(runs[0]); run.State != tidings.RunGoing || run.Block != "send" || run.Steps != 3 || len(store.outbox()) != 0 {
			t.Fatalf("after the call: %+v", run)
		}
		wait(14 * 24 * time.Hour)
		run := store.run(runs[0])
		if run.State != tidings.RunEnded || run.Marked || run.Steps != 6 || run.Error != "" {
			t.Errorf("in the end: %+v, %v", run, store.history(runs[0]))
		}
		mails := store.outbox()
		if len(mails) != 1 || mails[0].To != "olena@example.com" || mails[0].HTML != "<p>SPRING</p>" || mails[0].Subject != "Your code, Олена" || mails[0].Block != "send" || mails[0].Workflow != 1 {
			t.Errorf("mails: %+v", mails)
		}
		if v, _ := store.contacts[7].Fields[0].Value, 0; v.Text != "SPRING" {
			t.Errorf("the contact has %v", store.contacts[7].Fields)
		}
		if n := r.calls(CallKey(run.Instance, "ask")); n != 1 {
			t.Errorf("the webhook was called %d times", n)
		}
	})
}

// errKilled is what a process sees of the store once it is dead.
var errKilled = tidings.Errorf(tidings.CodeUnavailable, "this process is dead")

// process is the store as one process sees it: after kill, nothing reaches it any more.
type process struct {
	*fakeStore
	dead atomic.Bool
	left atomic.Int64 // commits until it dies; negative = it does not
	late bool         // it dies after the commit is stored, before it hears of it
}

func (p *process) ClaimRuns(ctx context.Context, limit int, hold time.Duration) ([]tidings.Run, time.Time, error) {
	if p.dead.Load() {
		return nil, time.Time{}, errKilled
	}
	return p.fakeStore.ClaimRuns(ctx, limit, hold)
}

func (p *process) CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error) {
	if p.dead.Load() {
		return tidings.Advanced{}, errKilled
	}
	if p.left.Add(-1) == 0 {
		p.dead.Store(true)
		if p.late {
			p.fakeStore.CommitStep(ctx, a)
		}
		return tidings.Advanced{}, errKilled
	}
	return p.fakeStore.CommitStep(ctx, a)
}

func TestACrashAtAnyPointLosesAndRepeatsNothing(t *testing.T) {
	for commit := int64(1); commit <= 4; commit++ {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("commit %d, late %t", commit, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { crashAt(t, commit, late) })
			})
		}
	}
}

// crashAt ends the first process at its n-th commit, and lets another one over the same store go on.
func crashAt(t *testing.T, commit int64, late bool) {
	store := shop()
	store.activate(1, definition(t, circle, store.known()))
	first := &process{fakeStore: store, late: late}
	first.left.Store(commit)
	r := newRig(t, store, func(o *RunnerOptions) { o.Store = first })
	r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: time.Second}
	var runs []tidings.RunID
	for range 3 {
		runs = append(runs, r.event("promo", 7)...)
	}
	for hour := 0; hour < 15*24 && !first.dead.Load(); hour++ {
		wait(time.Hour)
	}
	first.dead.Store(true)
	r.stop(0)
	r.start()
	wait(15 * 24 * time.Hour)
	for _, id := range runs {
		run := store.run(id)
		if run.State != tidings.RunEnded || run.Steps != 6 || run.Marked {
			t.Errorf("run %d: %+v", id, run)
		}
		var blocks []tidings.BlockID
		for _, s := range store.history(id) {
			blocks = append(blocks, s.Block)
		}
		if want := []tidings.BlockID{"ask", "has", "wait", "send", "keep", "end"}; !slices.Equal(blocks, want) {
			t.Errorf("run %d went %v", id, blocks)
		}
		// A call that was made and not stored is made again, under the same key.
		if n := r.calls(CallKey(run.Instance, "ask")); n < 1 || n > 2 {
			t.Errorf("run %d: its call was made %d times", id, n)
		}
	}
	if n := len(store.outbox()); n != len(runs) {
		t.Errorf("%d runs have queued %d mails", len(runs), n)
	}
	if len(store.calls) != len(runs) {
		t.Errorf("%d runs have %d calls in the log", len(runs), len(store.calls))
	}
}

func TestALongCallIsMadeOnceAndKeepsItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		other := NewRunner(RunnerOptions{Engine: r.engine, Store: store}) // another node
		other.Start()
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: 10 * time.Minute}
		runs := r.event("promo", 7)
		wait(11 * time.Minute)
		other.Stop(t.Context())
		run := store.run(runs[0])
		if run.Fence != 1 || run.Block != "send" || r.calls(CallKey(run.Instance, "ask")) != 1 {
			t.Errorf("%+v, called %d times", run, r.calls(CallKey(run.Instance, "ask")))
		}
	})
}

func TestOfARunThatIsStoppedNothingIsStoredAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: time.Hour}
		runs := r.event("promo", 7)
		wait(time.Minute)
		store.stopRun(runs[0])
		wait(20 * time.Second) // the call is broken off when the claim is to be renewed
		if n := len(r.runner.free); n != cap(r.runner.free) {
			t.Errorf("%d places are taken", cap(r.runner.free)-n)
		}
		wait(2 * time.Hour)
		if run := store.run(runs[0]); run.State != tidings.RunStopped || run.Steps != 0 || len(store.calls) != 0 {
			t.Errorf("%+v, calls %v", run, store.calls)
		}
	})
}

func TestStopGivesBackWhatIsUnderWayAndItGoesOnElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: 20 * time.Second}
		runs := r.event("promo", 7)
		for range 2 * MaxTries { // however often that happens
			wait(5 * time.Second)
			r.stop(time.Second)
			if run := store.run(runs[0]); run.State != tidings.RunGoing || run.Tries != 0 {
				t.Fatalf("given back: %+v", run)
			}
			r.start()
		}
		wait(21 * time.Second)
		if run := store.run(runs[0]); run.Block != "send" || run.Marked {
			t.Errorf("%+v", run)
		}
		// A stop with time enough lets the stride come to its end.
		runs = r.event("promo", 7)
		wait(time.Second)
		r.stop(time.Minute)
		if run := store.run(runs[0]); run.Block != "send" {
			t.Errorf("after a stop in peace: %+v", run)
		}
		r.stop(time.Minute) // safe twice
	})
}

func TestASlowWebhookDelaysItsOwnRunsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		quick := definition(t, `{"trigger":{"eventTypeKey":"quick"},"start":"ask","blocks":[
			{"id":"ask","kind":"webhook","webhook":{"webhookId":6},"exits":{"ok":"end"}},{"id":"end","kind":"end"}]}`, store.known())
		store.activate(2, quick)
		r := newRig(t, store, func(o *RunnerOptions) { o.Workers, o.AtOneWebhook = 8, 2 })
		r.answers["WH5"] = answer{body: `{"promocode":"X"}`, takes: time.Minute}
		r.answers["crm"] = answer{body: `{}`, takes: time.Second}
		var slow []tidings.RunID
		for range 100 {
			slow = append(slow, r.event("promo", 7)...)
		}
		wait(time.Second)
		for range 50 { // one after the other, each must be through within some seconds
			run := r.event("quick", 7)
			wait(3 * time.Second)
			if got := store.run(run[0]); got.State != tidings.RunEnded {
				t.Fatalf("a quick run waits: %+v", got)
			}
		}
		wait(2 * time.Hour)
		for _, id := range slow {
			if got := store.run(id); got.Block != "send" || got.Tries != 0 {
				t.Fatalf("a slow run: %+v", got)
			}
		}
		// Those that were put back came again about as fast as the webhook took them.
		if store.claimed() > 5000 {
			t.Errorf("%d claims for 150 runs in two hours", store.claimed())
		}
		got := r.runner.Stats()
		if got.InHand != 0 || got.Ended != 50 || got.Failed+got.Marked+got.Lost != 0 || got.PutBack < 98 || got.Strides < 150 || got.Steps != 50*2+100*3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAStoreThatIsAwayIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`, takes: time.Second}
		away := tidings.Errorf(tidings.CodeUnavailable, "the disk is full")
		runs := r.event("promo", 7)
		wait(time.Second / 2) // the call is under way
		store.set(func() { store.claimError, store.commitError = away, away })
		r.runner.Wake()
		wait(time.Minute)
		if store.claimed() > 9 {
			t.Errorf("%d claims in a minute of which none could be", store.claimed())
		}
		store.set(func() { store.claimError, store.commitError = nil, nil })
		wait(time.Minute)
		run := store.run(runs[0])
		if run.Block != "send" || r.calls(CallKey(run.Instance, "ask")) != 1 {
			t.Errorf("%+v, called %d times", run, r.calls(CallKey(run.Instance, "ask")))
		}

		// What can't be read is tried again, later and later, and then the run fails.
		store.set(func() { store.readError = away })
		runs = r.event("promo", 7)
		wait(5 * time.Second)
		store.set(func() { store.readError = nil })
		wait(time.Minute)
		if run := store.run(runs[0]); run.Block != "send" || run.Marked {
			t.Errorf("after a while: %+v", run)
		}
	})
}

func TestARunThatNothingComesOfFailsWithWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{panic: "a defect"}
		runs := r.event("promo", 7)
		wait(time.Hour)
		run := store.run(runs[0])
		want := `block "ask" was begun 5 times and never came to its end: the server was ended in it, or could not read what it needs; the server's log says more`
		if run.State != tidings.RunFailed || !run.Marked || run.Error != want {
			t.Errorf("%+v", run)
		}
		if n := r.calls(CallKey(run.Instance, "ask")); n != MaxTries {
			t.Errorf("begun %d times", n)
		}
	})
}

func TestRunsThatWaitCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store, func(o *RunnerOptions) { o.Rescan = time.Minute })
		r.answers["WH5"] = answer{body: `{"promocode":"SPRING"}`}
		for range 60 {
			r.event("promo", 7)
		}
		wait(time.Second)
		before := store.claimed()
		wait(24 * time.Hour)
		if n := store.claimed() - before; n > 24*60+1 {
			t.Errorf("%d claims in a day in which nothing was due", n)
		}
		wait(14 * 24 * time.Hour)
		if n := len(store.outbox()); n != 60 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestAChangeThatTheStoreRefusesMarksTheRunAndItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, circle, store.known()))
		r := newRig(t, store)
		r.answers["WH5"] = answer{words: "answered 500"}
		store.set(func() { delete(store.segments, 4) })
		runs := r.event("promo", 7)
		wait(time.Second)
		run, steps := store.run(runs[0]), store.history(runs[0])
		if run.State != tidings.RunEnded || !run.Marked || len(steps) != 3 || steps[1].Error != "not done: there is no segment 4" {
			t.Errorf("%+v %+v", run, steps)
		}
	})
}

func TestACallSeesWhatTheRunKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.connectors[2] = tidings.Connector{ID: 2, Auth: tidings.Auth{Kind: tidings.AuthBearer, Secret: "s"}}
		w := store.webhooks[6]
		w.Connector = 2
		store.webhooks[6] = w
		store.activate(1, definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"a","blocks":[
			{"id":"a","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"b","failed":"b"}},
			{"id":"b","kind":"webhook","webhook":{"webhookId":6,"whose":{"contactEmail":"${friend}"}},"exits":{"ok":"end"}},
			{"id":"end","kind":"end"}]}`, store.known()))
		store.contacts[8] = tidings.Contact{ID: 8, Account: 1, Channels: []tidings.Channel{{Type: tidings.Email, Value: "ann@example.com"}}}
		r := newRig(t, store)
		r.answers["WH5"] = answer{words: "answered 500: the outside system failed"}
		r.answers["crm"] = answer{body: `[]`}
		runs := r.event("promo", 7, param("friend", `"ann@example.com"`))
		wait(time.Second)
		second := r.made[1]
		if second.Contact == nil || second.Contact.ID != 8 || second.Auth == nil || second.Auth.Secret != "s" || second.Event == nil || second.Instance != store.run(runs[0]).Instance {
			t.Errorf("the order: %+v", second)
		}
		if len(second.Replies) != 1 || second.Replies[0].Name != "WH5" {
			t.Fatalf("the replies: %+v", second.Replies)
		}
		text := jsonText(nil, second.Replies[0].Value)
		if want := `{"error":"answered 500: the outside system failed","outcome":"status","status":500}`; text != want {
			t.Errorf("$data.WH5 is %s", text)
		}
		if run := store.run(runs[0]); run.State != tidings.RunEnded || run.Marked {
			t.Errorf("a failure that has its exit marks nothing: %+v", run)
		}
	})
}

func TestWhatIsDoneIsStoredBeforeACallIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"send","blocks":[
			{"id":"send","kind":"message","message":{"messageId":3},"exits":{"next":"a"}},
			{"id":"a","kind":"webhook","webhook":{"webhookId":6},"exits":{"ok":"b"}},{"id":"b","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"end"}},
			{"id":"end","kind":"end"}]}`, store.known()))
		r := newRig(t, store)
		other := NewRunner(RunnerOptions{Engine: r.engine, Store: store, Rescan: time.Second}) // a node that takes what it can get
		other.Start()
		r.answers["crm"], r.answers["WH5"] = answer{body: `{}`, takes: time.Minute}, answer{body: `{}`, takes: time.Minute}
		runs := r.event("promo", 7)
		wait(30 * time.Second)
		if len(store.outbox()) != 1 || len(store.history(runs[0])) != 1 {
			t.Errorf("during the first call: mails %v, steps %v", store.outbox(), store.history(runs[0]))
		}
		wait(time.Minute)
		if steps := store.history(runs[0]); len(steps) != 2 {
			t.Errorf("during the second call: %v", steps)
		}
		wait(time.Minute)
		other.Stop(t.Context())
		// From the first step to the last it was in one hand.
		if run := store.run(runs[0]); run.State != tidings.RunEnded || run.Fence != 1 {
			t.Errorf("%+v", run)
		}
	})
}

func TestWhoDoesNotWantAMessageGetsNoneAndNothingIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		m := store.messages[3]
		m.Categories = []string{"NEWS"}
		store.messages[3] = m
		store.activate(1, definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"a","blocks":[
			{"id":"a","kind":"webhook","webhook":{"webhookId":6,"whose":{"contactEmail":"${friend}"}},"exits":{"ok":"send"}},
			{"id":"send","kind":"message","message":{"messageId":3},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`, store.known()))
		r := newRig(t, store)
		r.answers["crm"] = answer{body: `{}`}
		runs := r.event("promo", 7, param("friend", `"nobody@example.com"`))
		wait(time.Second)
		steps := store.history(runs[0])
		if run := store.run(runs[0]); run.State != tidings.RunEnded || run.Marked || len(store.outbox()) != 0 || len(steps) != 3 {
			t.Fatalf("%+v, %v", run, steps)
		}
		if want := `{"messageId":3,"name":"Promo","contactId":7,"notSent":"the contact is subscribed to none of the message's categories"}`; string(steps[1].Decided) != want {
			t.Errorf("%s", steps[1].Decided)
		}
		// A webhook makes no contact of an address that nobody has; it is called without one.
		if len(store.contacts) != 1 || r.made[0].Contact != nil {
			t.Errorf("contacts %v, called with %+v", store.contacts, r.made[0].Contact)
		}
	})
}

func TestWhatCameBeforeATroubleOfTheStoreIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"half","blocks":[
			{"id":"half","kind":"split","percent":50,"exits":{"a":"send","b":"send"}},
			{"id":"send","kind":"message","message":{"messageId":3,"whose":{"contactId":"${id}"}},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`, store.known()))
		store.readError = tidings.Errorf(tidings.CodeUnavailable, "the disk is away")
		newRig(t, store)
		e := tidings.Event{TypeKey: "promo", KeyValue: "1", Params: []tidings.EventParam{param("id", "7")}} // of nobody
		launches, err := NewTriggers(store).Launches(t.Context(), 1, &e)
		if err != nil {
			t.Fatal(err)
		}
		runs := store.addEvent(e, launches)
		wait(500 * time.Millisecond)
		if run := store.run(runs[0]); run.Block != "send" || run.Steps != 1 || run.State != tidings.RunGoing {
			t.Errorf("while the store is away: %+v", run)
		}
		store.set(func() { store.readError = nil })
		wait(time.Minute)
		if run := store.run(runs[0]); run.State != tidings.RunEnded || run.Steps != 3 || run.Marked || len(store.outbox()) != 1 {
			t.Errorf("in the end: %+v, %v", run, store.history(runs[0]))
		}
	})
}

func TestAChangedMessageIsSentAtMostASecondLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop()
		store.activate(1, definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"send","blocks":[
			{"id":"send","kind":"message","message":{"messageId":3},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`, store.known()))
		r := newRig(t, store)
		r.event("promo", 7)
		wait(time.Second)
		m := store.messages[3]
		m.Content.Subject = "New words"
		store.set(func() { store.messages[3] = m })
		r.event("promo", 7)
		wait(time.Second)
		m.DeletedAt = time.Now()
		store.set(func() { store.messages[3] = m })
		wait(time.Second)
		runs := r.event("promo", 7)
		wait(time.Second)
		if mails := store.outbox(); len(mails) != 2 || mails[1].Subject != "New words" {
			t.Errorf("%+v", mails)
		}
		if steps := store.history(runs[0]); steps[0].Error != `not sent: message 3 "Promo" was deleted: restore it, or choose another` || !store.run(runs[0]).Marked {
			t.Errorf("of a deleted message: %+v", steps)
		}
	})
}
