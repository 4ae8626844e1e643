package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/call"
	"tidings/store"
	"tidings/store/sqlitetest"
	"tidings/workflow"
)

// fresh is the data directory of a store at its first start.
var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return store.OpenSQLite(context.Background(), store.Options{Dir: dir})
}}

// These tests run over the real store, within a bubble of synctest: its time
// goes on only while nothing is being read or written.

// world is an account with a workflow in a store.
type world struct {
	*store.Store
	account  tidings.AccountID
	workflow tidings.Workflow
	triggers *workflow.Triggers
	due      atomic.Value // func()
	answer   func(o call.Order) (body string, takes time.Duration)

	mu    sync.Mutex
	asked map[string]int // by the call's key
}

// openWorld makes a store, and in it an account with a webhook WH5, a message
// and an active workflow: definition has %d for the webhook's id and %d for the message's.
func openWorld(t testing.TB, definition string) *world {
	w := &world{asked: map[string]int{}}
	w.due.Store(func() {})
	keys, err := store.LoadOrCreateKeyring(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(t.Context(), store.Options{
		Dir: fresh.Dir(t), Keys: keys, SealEvery: -1, RunsDue: func() { w.due.Load().(func())() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.Store = s
	account, _, err := s.CreateAccount(t.Context(), "shop", tidings.NewKey{Name: "key", Prefix: "tk_1"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	w.account = account.ID
	hook, err := s.CreateWebhook(t.Context(), tidings.Webhook{Account: w.account, Name: "WH5", Method: tidings.MethodGet, URL: "https://shop.example.com/"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.CreateMessage(t.Context(), tidings.Message{
		Account: w.account, Name: "Promo", From: tidings.Mailbox{Address: "shop@example.com"},
		Content: tidings.Content{Subject: "Hello", HTML: "<p>$data.WH5.promocode</p>"},
	}, "test")
	if err != nil {
		t.Fatal(err)
	}
	var d tidings.Definition
	if err := json.Unmarshal(fmt.Appendf(nil, definition, hook.ID, m.ID), &d); err != nil {
		t.Fatal(err)
	}
	known, err := workflow.LoadKnown(t.Context(), s, w.account)
	if err != nil {
		t.Fatal(err)
	}
	if faults := workflow.Faults(workflow.Check(&d, known)); len(faults) > 0 {
		t.Fatal(faults)
	}
	flow, err := s.CreateWorkflow(t.Context(), tidings.Workflow{Account: w.account, Name: "circle", Draft: d}, "test")
	if err == nil {
		flow, err = s.ActivateWorkflow(t.Context(), w.account, flow.ID, flow.Version, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.workflow, w.triggers = flow, workflow.NewTriggers(s)
	return w
}

func (w *world) event(t testing.TB, n int) []tidings.RunID {
	e := tidings.Event{Account: w.account, TypeKey: "promo", KeyValue: fmt.Sprint(n), Params: []tidings.EventParam{
		{Name: "email", Value: fmt.Appendf(nil, `"c%d@example.com"`, n)},
	}}
	launches, err := w.triggers.Launches(t.Context(), w.account, &e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.AddEvent(t.Context(), e, launches)
	if err != nil {
		t.Fatal(err)
	}
	return out.Runs
}

// call is the outside world.
func (w *world) call(ctx context.Context, o call.Order) call.Result {
	w.mu.Lock()
	w.asked[o.Key]++
	w.mu.Unlock()
	body, takes := w.answer(o)
	res := call.Result{Call: tidings.Call{Account: w.account, Webhook: o.Webhook.ID, Name: o.Webhook.Name, Key: o.Key, At: time.Now()}}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		res.Call.Outcome = tidings.OutcomeCanceled
		return res
	}
	reply := tidings.Reply{Status: 200, Format: tidings.ReplyJSON, Body: []byte(body)}
	value, err := call.ReplyValue(&reply)
	if err != nil {
		res.Call.Outcome, res.Call.Error = tidings.OutcomeReply, err.Error()
		return res
	}
	res.Call.Outcome, res.Call.Reply, res.Reply, res.Value = tidings.OutcomeOK, &reply, &reply, value
	return res
}

// mortal is the store as a process sees it that may die: after that, nothing reaches the store any more.
type mortal struct {
	*store.Store
	dead atomic.Bool
}

var errDead = tidings.Errorf(tidings.CodeUnavailable, "this process is dead")

func (m *mortal) ClaimRuns(ctx context.Context, limit int, hold time.Duration) ([]tidings.Run, time.Time, error) {
	if m.dead.Load() {
		return nil, time.Time{}, errDead
	}
	return m.Store.ClaimRuns(ctx, limit, hold)
}

func (m *mortal) CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error) {
	if m.dead.Load() {
		return tidings.Advanced{}, errDead
	}
	done, err := m.Store.CommitStep(ctx, a)
	if m.dead.Load() { // it is stored, and the process never hears of it
		return tidings.Advanced{}, errDead
	}
	return done, err
}

// process starts a runner as a process has it, and gives what kills it.
func (w *world) process() (kill func()) {
	m := &mortal{Store: w.Store}
	engine := workflow.NewEngine(workflow.EngineOptions{Store: w.Store, Call: w.call})
	runner := workflow.NewRunner(workflow.RunnerOptions{Engine: engine, Store: m, Log: slog.New(slog.DiscardHandler)})
	w.due.Store(runner.Wake)
	runner.Start()
	return func() {
		m.dead.Store(true)
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("killed"))
		runner.Stop(ctx)
	}
}

func sleep(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

func TestKilledAtRandomEachRunEndsOnceAndQueuesOneMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, `{"trigger":{"eventTypeKey":"promo"},"start":"ask","blocks":[
			{"id":"ask","kind":"webhook","webhook":{"webhookId":%d},"exits":{"ok":"has"}},
			{"id":"has","kind":"condition","condition":{"field":"data.WH5.promocode","op":"isSet"},"exits":{"yes":"wait","no":"end"}},
			{"id":"wait","kind":"timer","timer":{"seconds":86400},"exits":{"next":"send"}},
			{"id":"send","kind":"message","message":{"messageId":%d},"exits":{"next":"keep"}},
			{"id":"keep","kind":"updateContact","fields":[{"field":"TOWN","value":"$data.WH5.promocode"}],"exits":{"next":"end"}},
			{"id":"end","kind":"end"}]}`)
		random := rand.New(rand.NewPCG(1, 2))
		w.answer = func(o call.Order) (string, time.Duration) {
			return `{"promocode":"SPRING"}`, time.Duration(o.Event.ID%8+1) * 500 * time.Millisecond
		}
		const n = 60
		var runs []tidings.RunID
		kill := w.process()
		for i := range n {
			runs = append(runs, w.event(t, i)...)
			if random.IntN(15) == 0 {
				sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
				kill()
				kill = w.process()
			}
		}
		for range 5 { // and while the timers end
			sleep(24*time.Hour + time.Duration(random.IntN(2000))*time.Millisecond - time.Hour*24*4/5)
			kill()
			kill = w.process()
		}
		sleep(48 * time.Hour)
		kill()
		if len(runs) != n {
			t.Fatalf("%d runs of %d events", len(runs), n)
		}
		w.holds(t, runs)
	})
}

// holds checks what is true of runs that have ended, however often they were taken up.
func (w *world) holds(t *testing.T, runs []tidings.RunID) {
	mails, err := w.Mails(t.Context(), tidings.MailQuery{Account: w.account, Limit: 10 * len(runs)})
	if err != nil {
		t.Fatal(err)
	}
	queued := map[string]int{}
	for _, m := range mails {
		queued[m.Instance]++
	}
	again := 0
	for _, id := range runs {
		run, err := w.Run(t.Context(), w.account, id)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := w.Steps(t.Context(), w.account, id)
		if err != nil {
			t.Fatal(err)
		}
		var blocks []tidings.BlockID
		for _, s := range steps {
			blocks = append(blocks, s.Block)
		}
		if want := []tidings.BlockID{"ask", "has", "wait", "send", "keep", "end"}; run.State != tidings.RunEnded || run.Marked || !slices.Equal(blocks, want) {
			t.Errorf("run %d is %s, marked %t, error %q: %v", id, run.State, run.Marked, run.Error, blocks)
		}
		if queued[run.Instance] != 1 {
			t.Errorf("run %d has queued %d mails", id, queued[run.Instance])
		}
		again += w.asked[workflow.CallKey(run.Instance, "ask")] - 1
		contact, err := w.Contact(t.Context(), w.account, run.Contact)
		if err != nil || contact.Town != "SPRING" {
			t.Errorf("run %d: contact %+v, %v", id, contact, err)
		}
	}
	if len(w.asked) != len(runs) || again == 0 {
		t.Errorf("%d calls for %d runs, %d of them made again: the kills have not come in the way", len(w.asked), len(runs), again)
	}
}

func TestActivitiesOfTheFeedStartRunsOnceOnAnyNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, `{"trigger":{"activity":{"activityStatus":"CLICKED"},"condition":{"field":"clickEventLink","op":"endsWith","value":"promo"}},"start":"ask","blocks":[
			{"id":"ask","kind":"webhook","webhook":{"webhookId":%d},"exits":{"ok":"send"}},
			{"id":"send","kind":"message","message":{"messageId":%d},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`)
		w.answer = func(call.Order) (string, time.Duration) { return `{"promocode":"SPRING"}`, time.Second }
		ann := "ann@example.com"
		contact, err := w.CreateContact(t.Context(), w.account, tidings.ContactChange{Email: &ann})
		if err != nil {
			t.Fatal(err)
		}
		kill := w.process()
		defer kill()
		for range 2 { // two nodes
			f := workflow.NewFollower(workflow.FollowerOptions{Store: w.Store, Triggers: w.triggers, Log: slog.New(slog.DiscardHandler)})
			f.Start()
			defer f.Stop()
		}
		const clicks = 500
		wire := []byte{'['}
		for n := range 2 * clicks {
			if n > 0 {
				wire = append(wire, ',')
			}
			wire = fmt.Appendf(wire, `{"iid":"0bb5e1dc-0d1b-4deb-948f-%012d","contactId":%d,"activityStatus":"CLICKED","mediaType":"email","activityDateTime":"2026-02-01T10:00:00","messageId":9,"clickEventLink":"https://shop.example.com/%s"}`,
				n, contact.ID, []string{"promo", "other"}[n%2])
		}
		list, err := tidings.ParseActivities(append(wire, ']'), tidings.Intake{Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(t.Context(), tidings.AppendRequest{Account: w.account, Activities: list}); err != nil {
			t.Fatal(err)
		}
		sleep(5 * time.Minute)
		runs, err := w.Runs(t.Context(), tidings.RunQuery{Account: w.account, Limit: 10 * clicks})
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		for _, run := range runs {
			if run.State == tidings.RunEnded && !run.Marked && run.Contact == contact.ID {
				ended++
			}
		}
		if len(runs) != clicks || ended != clicks {
			t.Errorf("%d clicks have started %d runs, of which %d ended", clicks, len(runs), ended)
		}
	})
}

// TestAWorkflowThatChangesSubscriptionsDoesNotFollowItself: what it does is
// again what starts it, each time another change.
func TestAWorkflowThatChangesSubscriptionsDoesNotFollowItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, `{"trigger":{"activity":{"activityStatus":"SUBSCRIPTION_CHANGED"}},"start":"turn","blocks":[
			{"id":"turn","kind":"updateContact","name":"%d %d","fields":[{"field":"SUBSCRIPTIONS","value":"#if($subscriptions.contains('a'))b#{else}a#end"}],"exits":{"next":"end"}},
			{"id":"end","kind":"end"}]}`)
		other := w.workflow
		other.Name, other.ID = "its twin", 0
		twin, err := w.CreateWorkflow(t.Context(), other, "test")
		if err == nil {
			_, err = w.ActivateWorkflow(t.Context(), w.account, twin.ID, twin.Version, "test")
		}
		if err != nil {
			t.Fatal(err)
		}
		ann := "ann@example.com"
		if _, err := w.CreateContact(t.Context(), w.account, tidings.ContactChange{Email: &ann}); err != nil {
			t.Fatal(err)
		}
		kill := w.process()
		defer kill()
		f := workflow.NewFollower(workflow.FollowerOptions{Store: w.Store, Triggers: w.triggers, Log: slog.New(slog.DiscardHandler)})
		f.Start()
		defer f.Stop()
		news := []string{"news"}
		if _, _, err := w.UpsertContact(t.Context(), w.account, tidings.ContactChange{Email: &ann, Subscriptions: &news}, tidings.MatchEmail); err != nil {
			t.Fatal(err)
		}
		sleep(5 * time.Minute)
		runs, err := w.Runs(t.Context(), tidings.RunQuery{Account: w.account, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		// The change starts both; what each of them does, starts none.
		if len(runs) != 2 {
			t.Errorf("one change has started %d runs", len(runs))
		}
	})
}

// forgetful is a store that has stored a step and says that it can't tell, as one
// whose database is lost in the midst of a commit.
type forgetful struct {
	*store.Store
	forgets func(a *tidings.Advance) bool
}

func (f *forgetful) CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error) {
	done, err := f.Store.CommitStep(ctx, a)
	if err == nil && f.forgets(&a) {
		return tidings.Advanced{}, tidings.Errorf(tidings.CodeUnavailable, "the database is away: it may be stored")
	}
	return done, err
}

func TestAStepWhoseStoringIsInDoubtIsStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, `{"trigger":{"eventTypeKey":"promo"},"start":"ask","blocks":[
			{"id":"ask","kind":"webhook","webhook":{"webhookId":%d},"exits":{"ok":"send"}},
			{"id":"send","kind":"message","message":{"messageId":%d},"exits":{"next":"keep"}},
			{"id":"keep","kind":"updateContact","fields":[{"field":"TOWN","value":"$data.WH5.promocode"}],"exits":{"next":"end"}},
			{"id":"end","kind":"end"}]}`)
		w.answer = func(call.Order) (string, time.Duration) { return `{"promocode":"SPRING"}`, time.Second }
		doubts := map[tidings.BlockID]bool{}
		unsure := &forgetful{Store: w.Store, forgets: func(a *tidings.Advance) bool {
			if len(a.Steps) == 0 || doubts[a.Steps[0].Block] {
				return false
			}
			doubts[a.Steps[0].Block] = true
			return true
		}}
		runner := workflow.NewRunner(workflow.RunnerOptions{
			Engine: workflow.NewEngine(workflow.EngineOptions{Store: w.Store, Call: w.call}), Store: unsure, Log: slog.New(slog.DiscardHandler),
		})
		w.due.Store(runner.Wake)
		runner.Start()
		runs := w.event(t, 1)
		sleep(10 * time.Minute)
		if err := runner.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(doubts) < 2 {
			t.Fatalf("only %d strides were stored", len(doubts))
		}
		steps, err := w.Steps(t.Context(), w.account, runs[0])
		if err != nil {
			t.Fatal(err)
		}
		var blocks []tidings.BlockID
		for _, s := range steps {
			blocks = append(blocks, s.Block)
		}
		if want := []tidings.BlockID{"ask", "send", "keep", "end"}; !slices.Equal(blocks, want) {
			t.Errorf("the history is %v", blocks)
		}
		if mails, err := w.Mails(t.Context(), tidings.MailQuery{Account: w.account, Limit: 10}); len(mails) != 1 || err != nil {
			t.Errorf("%d mails are queued, %v", len(mails), err)
		}
	})
}
