package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func runPromises() []promise {
	return []promise{
		{"EventAndItsRunsAreOneCommit", testEventAndItsRunsAreOneCommit},
		{"TakesSeesTheEventsContact", testTakesSeesTheEventsContact},
		{"OnceAndAloneHoldRunsBack", testOnceAndAloneHoldRunsBack},
		{"RunIsClaimedWhenItIsDue", testRunIsClaimedWhenItIsDue},
		{"TriesAreOfTheStepThatIsNotDone", testTriesAreOfTheStep},
		{"RunIsClaimedByOneOfMany", testRunIsClaimedByOneOfMany},
		{"ClaimTakesTheLongestDueFirst", testClaimTakesTheLongestDueFirst},
		{"StepIsStoredWithAllThatComesOfIt", testStepIsStoredWithAllThatComesOfIt},
		{"StepOfAnEarlierClaimantIsRefused", testStepOfAnEarlierClaimantIsRefused},
		{"RefusedStepLeavesNothing", testRefusedStepLeavesNothing},
		{"RunGoesOnWithItsReplies", testRunGoesOnWithItsReplies},
		{"StepPutsOnListsAndTakesOff", testStepPutsOnListsAndTakesOff},
		{"StoppedRunsStayStopped", testStoppedRunsStayStopped},
		{"RunsAreChosenAndPagedNewestFirst", testRunsAreChosenAndPaged},
		{"PurgeOfRunsRemovesOnlyEndedOnes", testPurgeOfRunsRemovesOnlyEndedOnes},
		{"ActivitiesStartRunsOnce", testActivitiesStartRunsOnce},
		{"RunStartsAgainForItsEvent", testRunStartsAgainForItsEvent},
	}
}

// hold is longer than any test moves the clock, unless it means to.
const hold = time.Minute

func launchOf(w tidings.Workflow) tidings.Launch {
	return tidings.Launch{Workflow: w.ID, Version: max(w.Active, 1), Start: w.Draft.Start}
}

// startRun has an event of a keyValue and of ann@example.com start a run.
func (h *harness) startRun(t testing.TB, w tidings.Workflow, keyValue string) tidings.Run {
	t.Helper()
	out, err := h.AddEvent(t.Context(), event(w.Account, "order", keyValue, `email="ann@example.com"`), []tidings.Launch{launchOf(w)})
	if err != nil || len(out.Runs) != 1 {
		t.Fatalf("AddEvent: %+v, %v", out, err)
	}
	run, err := h.Run(t.Context(), w.Account, out.Runs[0])
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func (h *harness) claimRuns(t testing.TB, limit int) ([]tidings.Run, time.Time) {
	t.Helper()
	runs, next, err := h.ClaimRuns(t.Context(), limit, hold)
	if err != nil {
		t.Fatalf("ClaimRuns: %v", err)
	}
	return runs, next
}

func (h *harness) claimRun(t testing.TB) tidings.Run {
	t.Helper()
	runs, _ := h.claimRuns(t, 1)
	if len(runs) != 1 {
		t.Fatalf("claimed %d runs", len(runs))
	}
	return runs[0]
}

func (h *harness) commitStep(t testing.TB, a tidings.Advance) tidings.Advanced {
	t.Helper()
	done, err := h.CommitStep(t.Context(), a)
	if err != nil {
		t.Fatalf("CommitStep: %v", err)
	}
	return done
}

// wait is an advance of a claimed run to a block that is due at a time.
func wait(run tidings.Run, until time.Time) tidings.Advance {
	return tidings.Advance{
		Run: run.ID, Fence: run.Fence, State: tidings.RunGoing, Block: "wait", Due: until,
		Steps: []tidings.Step{{Block: run.Block, Kind: tidings.BlockTimer, Exit: tidings.ExitNext}},
	}
}

// end is the advance of a claimed run to its end.
func end(run tidings.Run) tidings.Advance {
	return tidings.Advance{Run: run.ID, Fence: run.Fence, State: tidings.RunEnded, Steps: []tidings.Step{{Block: run.Block, Kind: tidings.BlockEnd}}}
}

func testEventAndItsRunsAreOneCommit(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w, v := h.newActive(t, account, waiting("order")), h.newActive(t, account, waiting("order"))
	off := h.newWorkflow(t, account, waiting("order"))
	var told atomic.Int64
	h.opts.RunsDue = func() { told.Add(1) }
	h.reopen(t)
	out, err := h.AddEvent(t.Context(), event(account, "order", "1", `email="ann@example.com"`), []tidings.Launch{launchOf(w), launchOf(off), launchOf(v)})
	if err != nil || fmt.Sprint(out.Runs) != "[1 2]" {
		t.Fatalf("%+v, %v", out, err)
	}
	if told.Load() != 1 {
		t.Errorf("told %d times that runs are due", told.Load())
	}
	want := tidings.Run{
		ID: 1, Account: account, Workflow: w.ID, Version: 1, Contact: out.Event.Contact, Event: out.Event.ID, State: tidings.RunGoing,
		Block: "wait", Due: h.clock.Now(), Entered: h.clock.Now(), StartedAt: h.clock.Now(),
	}
	run, err := h.Run(t.Context(), account, 1)
	want.Instance = run.Instance
	if diff := cmp.Diff(want, run); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if other, err := h.Run(t.Context(), account, 2); err != nil || other.Workflow != v.ID || other.Instance == run.Instance || len(run.Instance) != 36 {
		t.Errorf("%+v, %v", other, err)
	}
	if found, err := h.RunByInstance(t.Context(), account, run.Instance); err != nil || found.ID != 1 {
		t.Errorf("by %s: %+v, %v", run.Instance, found, err)
	}
	_, err = h.RunByInstance(t.Context(), account, "92227cb7-4eef-4168-9ea5-43f3ed3559f8")
	wantCode(t, err, tidings.CodeNotFound)
}

func testTakesSeesTheEventsContact(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	h.newField(t, account, "SHOP.NOTE", tidings.FieldText)
	ann := change("email ann@example.com", "town Lviv")
	ann.Fields = []tidings.ContactField{{Key: "SHOP.NOTE", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "x"}}}
	if _, err := h.CreateContact(t.Context(), account, ann); err != nil {
		t.Fatal(err)
	}
	l := launchOf(w)
	for _, c := range []struct {
		params string
		sees   string
	}{
		{`email="ann@example.com"`, "Lviv x"},
		{`email="new@example.com"`, " "},
		{`total=1`, "nobody"},
	} {
		saw := ""
		for _, takes := range []bool{true, false} {
			l.Takes = func(c *tidings.Contact) bool {
				saw = "nobody"
				if c != nil {
					note, _ := c.Value("SHOP.NOTE")
					saw = c.Town + " " + note.Text
				}
				return takes
			}
			out, err := h.AddEvent(t.Context(), event(account, "order", "1", c.params), []tidings.Launch{l})
			if err != nil || (len(out.Runs) == 1) != takes || saw != c.sees {
				t.Errorf("%s: saw %q, want %q; takes %t: runs %v, %v", c.params, saw, c.sees, takes, out.Runs, err)
			}
		}
	}
}

func testOnceAndAloneHoldRunsBack(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	off := h.newWorkflow(t, account, waiting("order"))
	never, per := tidings.Once{Mode: tidings.OnceNever}, tidings.Once{Mode: tidings.OncePer, Per: 60}
	none := func(*tidings.Contact) bool { return false }
	for i, c := range []struct {
		launch tidings.Launch // of w
		key    string
		email  string
		after  time.Duration
		starts bool
	}{
		{tidings.Launch{Once: never, Takes: none}, "1", "a", 0, false}, // what did not start is not the first
		{tidings.Launch{Once: never}, "1", "a", 0, true},
		{tidings.Launch{Once: never}, "1", "b", time.Hour, false},
		{tidings.Launch{Once: never}, "2", "a", 0, true},
		{tidings.Launch{}, "1", "a", 0, true},
		{tidings.Launch{Once: per}, "3", "a", 0, true},
		{tidings.Launch{Once: per}, "3", "a", 59 * time.Second, false},
		{tidings.Launch{Once: per}, "3", "a", time.Second, true},
		{tidings.Launch{Once: per}, "3", "a", 59 * time.Second, false},
		{tidings.Launch{Alone: true}, "4", "a", 0, false},
		{tidings.Launch{Alone: true}, "4", "c", 0, true},
		{tidings.Launch{Alone: true}, "4", "c", 0, false},
		{tidings.Launch{Alone: true}, "4", "", 0, true}, // nobody is in no run
		{tidings.Launch{Alone: true}, "4", "", 0, true},
	} {
		h.clock.advance(c.after)
		l := c.launch
		l.Workflow, l.Version, l.Start = w.ID, 1, "wait"
		e := event(account, "order", c.key)
		if c.email != "" {
			e = event(account, "order", c.key, fmt.Sprintf(`email="%s@example.com"`, c.email))
		}
		out, err := h.AddEvent(t.Context(), e, []tidings.Launch{l})
		if err != nil || (len(out.Runs) == 1) != c.starts {
			t.Errorf("%d: runs %v, %v; want one: %t", i, out.Runs, err, c.starts)
		}
	}
	// What was off when the event came has not started anything.
	for _, want := range []int{0, 1, 0} {
		l := launchOf(off)
		l.Once = never
		out, err := h.AddEvent(t.Context(), event(account, "order", "6"), []tidings.Launch{l})
		if err != nil || len(out.Runs) != want {
			t.Errorf("of a workflow that was off: %v, %v; want %d", out.Runs, err, want)
		}
		if off.Active == 0 {
			off = h.activate(t, off)
		}
	}
	// Once the run has ended, the next may start; another workflow's runs do not count.
	v := h.newActive(t, account, waiting("order"))
	runs, _ := h.claimRuns(t, 100)
	for _, run := range runs {
		h.commitStep(t, end(run))
	}
	for _, of := range []tidings.Workflow{w, v} {
		l := launchOf(of)
		l.Alone = true
		if out, err := h.AddEvent(t.Context(), event(account, "order", "5", `email="c@example.com"`), []tidings.Launch{l}); err != nil || len(out.Runs) != 1 {
			t.Errorf("workflow %d: %v, %v", of.ID, out.Runs, err)
		}
	}
}

func testRunIsClaimedWhenItIsDue(t *testing.T, h *harness) {
	if runs, next := h.claimRuns(t, 10); len(runs) != 0 || !next.IsZero() {
		t.Errorf("of an empty store: %v, next %v", runs, next)
	}
	account := h.newAccount(t, "shop").ID
	h.startRun(t, h.newActive(t, account, waiting("order")), "1")
	run := h.claimRun(t)
	if run.Tries != 1 || run.Fence != 1 || run.State != tidings.RunGoing || run.Block != "wait" {
		t.Errorf("claimed %+v", run)
	}
	if runs, next := h.claimRuns(t, 10); len(runs) != 0 || !next.Equal(h.clock.Now().Add(hold)) {
		t.Errorf("a held run: %v, next %v", runs, next)
	}
	h.clock.advance(hold)
	if run = h.claimRun(t); run.Tries != 2 || run.Fence != 2 {
		t.Errorf("after the hold: %+v", run)
	}
	due := h.clock.Now().Add(24 * time.Hour)
	done := h.commitStep(t, wait(run, due))
	if done.Run.Tries != 0 || !done.Run.Due.Equal(due) || done.Run.Steps != 1 {
		t.Errorf("after a step: %+v", done.Run)
	}
	if runs, next := h.claimRuns(t, 10); len(runs) != 0 || !next.Equal(due) {
		t.Errorf("a waiting run: %v, next %v", runs, next)
	}
	h.reopen(t)
	h.clock.advance(24 * time.Hour)
	if run = h.claimRun(t); run.Tries != 1 || run.Fence != 3 {
		t.Errorf("when it is due: %+v", run)
	}
	h.commitStep(t, end(run))
	if runs, next := h.claimRuns(t, 10); len(runs) != 0 || !next.IsZero() {
		t.Errorf("an ended run: %v, next %v", runs, next)
	}
}

func testTriesAreOfTheStep(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.startRun(t, h.newActive(t, account, waiting("order")), "1")
	for i, c := range []struct {
		change func(*tidings.Advance)
		before int // of the claim
		after  int // of the commit
	}{
		{func(a *tidings.Advance) { a.Steps = nil }, 1, 1},
		{func(a *tidings.Advance) { a.Steps = nil }, 2, 2},
		{func(a *tidings.Advance) { a.Steps, a.NotTried = nil, true }, 3, 0},
		{func(*tidings.Advance) {}, 1, 0},
		{func(*tidings.Advance) {}, 1, 0},
	} {
		run := h.claimRun(t)
		a := wait(run, h.clock.Now())
		c.change(&a)
		if done := h.commitStep(t, a); run.Tries != c.before || done.Run.Tries != c.after {
			t.Errorf("%d: %d tries when claimed, %d when committed; want %d, %d", i, run.Tries, done.Run.Tries, c.before, c.after)
		}
	}
}

func testRunIsClaimedByOneOfMany(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	const total = 60
	for i := range total {
		h.startRun(t, w, fmt.Sprint(i))
	}
	var mu sync.Mutex
	claims := map[tidings.RunID]int{}
	var claimers sync.WaitGroup
	for range 6 {
		claimers.Go(func() {
			for {
				runs, _, err := h.ClaimRuns(t.Context(), 7, hold)
				if err != nil {
					t.Error(err)
				}
				if len(runs) == 0 || err != nil {
					return
				}
				mu.Lock()
				for _, run := range runs {
					claims[run.ID]++
				}
				mu.Unlock()
			}
		})
	}
	claimers.Wait()
	for id, n := range claims {
		if n != 1 {
			t.Errorf("run %d was claimed %d times", id, n)
		}
	}
	if len(claims) != total {
		t.Errorf("%d runs were claimed, want %d", len(claims), total)
	}
}

func testClaimTakesTheLongestDueFirst(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	for i := range 5 {
		h.startRun(t, w, fmt.Sprint(i))
	}
	runs, _ := h.claimRuns(t, 10)
	now := h.clock.Now()
	for i, minutes := range []int{3, 1, 5, 2, 4} {
		h.commitStep(t, wait(runs[i], now.Add(time.Duration(minutes)*time.Minute)))
	}
	h.clock.advance(4 * time.Minute)
	runs, next := h.claimRuns(t, 2)
	if len(runs) != 2 || runs[0].ID != 2 || runs[1].ID != 4 || !next.Equal(now.Add(3*time.Minute)) {
		t.Errorf("%v, next %v", runs, next)
	}
	if runs, next = h.claimRuns(t, 10); len(runs) != 2 || runs[0].ID != 1 || runs[1].ID != 5 || !next.Equal(now.Add(5*time.Minute)) {
		t.Errorf("%v, next %v", runs, next)
	}
}

func testStepIsStoredWithAllThatComesOfIt(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	run := h.startRun(t, h.newActive(t, account, everyBlock()), "1")
	run = h.claimRun(t)
	subscriptions := change("subscriptions NEWS", "town Lviv")
	call := h.fullCall(account)
	var steps []tidings.Step
	for i, kind := range []tidings.BlockKind{tidings.BlockWebhook, tidings.BlockCondition, tidings.BlockSplit, tidings.BlockTimer, tidings.BlockUpdateContact, tidings.BlockMessage, tidings.BlockEnd} {
		steps = append(steps, tidings.Step{
			Block: tidings.BlockID(fmt.Sprint("b", i)), Kind: kind, At: h.clock.Now(), Duration: 1500 * time.Microsecond, Exit: tidings.ExitOK,
			Decided: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)), Error: strings.Repeat("e", i%2),
		})
	}
	var mails atomic.Int64
	h.opts.MailsDue = func() { mails.Add(1) }
	h.reopen(t)
	mail := h.fullMail(account)
	done := h.commitStep(t, tidings.Advance{
		Run: run.ID, Fence: run.Fence, State: tidings.RunFailed, Marked: true, Error: "no way", Steps: steps,
		Call: &call, Mail: &mail, Contact: run.Contact, Change: &subscriptions,
	})
	want := run
	want.State, want.Block, want.Due, want.Marked, want.Error, want.Tries, want.Steps = tidings.RunFailed, "", time.Time{}, true, "no way", 0, len(steps)
	want.EndedAt = h.clock.Now()
	if diff := cmp.Diff(want, done.Run, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Entered" }, cmp.Ignore())); diff != "" {
		t.Errorf("the run (-want +got):\n%s", diff)
	}
	if got, err := h.Run(t.Context(), account, run.ID); err != nil || !cmp.Equal(done.Run, got) {
		t.Errorf("stored %+v, %v", got, err)
	}
	for i := range steps {
		steps[i].Run, steps[i].Number = run.ID, i+1
	}
	steps[0].Call, steps[5].Mail = done.Call, done.Mail
	got, err := h.Steps(t.Context(), account, run.ID)
	if diff := cmp.Diff(steps, got); err != nil || diff != "" {
		t.Errorf("steps: %v (-want +got):\n%s", err, diff)
	}
	if c, err := h.Call(t.Context(), account, done.Call); err != nil || c.Key != call.Key {
		t.Errorf("call %+v, %v", c, err)
	}
	m, err := h.Mail(t.Context(), account, done.Mail)
	if err != nil || m.HTML != mail.HTML || m.Workflow != run.Workflow || m.Instance != run.Instance || m.Event != run.Event || mails.Load() != 1 {
		t.Errorf("mail %+v, %v, told %d times", m, err, mails.Load())
	}
	if c := done.Contact; c == nil || c.Town != "Lviv" || !slices.Equal(c.Subscriptions, []string{"NEWS"}) {
		t.Errorf("contact %+v", c)
	}
	if head, err := h.Head(t.Context(), account); err != nil || head != 1 {
		t.Errorf("the change of subscriptions is %d activities, %v", head, err)
	}
}

func testStepOfAnEarlierClaimantIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.startRun(t, h.newActive(t, account, waiting("order")), "1")
	earlier := h.claimRun(t)
	h.clock.advance(hold)
	run := h.claimRun(t)
	_, err := h.CommitStep(t.Context(), end(earlier))
	wantCode(t, err, tidings.CodeFenced)
	a := wait(run, h.clock.Now())
	a.Hold = h.clock.Now().Add(hold)
	h.commitStep(t, a)
	h.clock.advance(hold - time.Millisecond)
	if runs, _ := h.claimRuns(t, 1); len(runs) != 0 {
		t.Error("a run was claimed that its claimant holds on to")
	}
	h.commitStep(t, end(run)) // its fence is good as long as it holds
	_, err = h.CommitStep(t.Context(), end(run))
	wantCode(t, err, tidings.CodeFenced)
	if steps, err := h.Steps(t.Context(), account, run.ID); err != nil || len(steps) != 2 {
		t.Errorf("steps %+v, %v", steps, err)
	}
}

func testRefusedStepLeavesNothing(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.startRun(t, h.newActive(t, account, waiting("order")), "1")
	h.newContact(t, account, "email taken@example.com")
	before := h.claimRun(t)
	taken, broken := change("email taken@example.com"), change("town "+strings.Repeat("x", tidings.MaxContactText+1))
	mail := h.fullMail(account)
	call := h.fullCall(account)
	for _, c := range []struct {
		name   string
		change func(*tidings.Advance)
		code   tidings.Code
	}{
		{"an address of another", func(a *tidings.Advance) { a.Change = &taken }, tidings.CodeConflict},
		{"a contact that breaks a rule", func(a *tidings.Advance) { a.Change = &broken }, tidings.CodeInvalid},
		{"a contact that is not there", func(a *tidings.Advance) { a.Change, a.Contact = &broken, 99 }, tidings.CodeNotFound},
		{"a list that is not there", func(a *tidings.Advance) { a.AddTo = 99 }, tidings.CodeNotFound},
	} {
		a := end(before)
		a.Contact, a.Mail, a.Call = before.Contact, &mail, &call
		c.change(&a)
		if _, err := h.CommitStep(t.Context(), a); tidings.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if run, err := h.Run(t.Context(), account, before.ID); err != nil || !cmp.Equal(before, run) {
		t.Errorf("%v (-before +after):\n%s", err, cmp.Diff(before, run))
	}
	steps, err := h.Steps(t.Context(), account, before.ID)
	mails, err2 := h.Mails(t.Context(), tidings.MailQuery{Account: account, Limit: 1})
	calls, _, err3 := h.Calls(t.Context(), tidings.CallQuery{Account: account, Limit: 1})
	if err != nil || err2 != nil || err3 != nil || len(steps)+len(mails)+len(calls) != 0 {
		t.Errorf("steps %v, mails %v, calls %v; %v, %v, %v", steps, mails, calls, err, err2, err3)
	}
}

func testRunGoesOnWithItsReplies(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	h.startRun(t, w, "1")
	h.startRun(t, w, "2")
	runs, _ := h.claimRuns(t, 2)
	large := tidings.RunReply{Name: "WH5", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(`["` + strings.Repeat("ж", 3000) + `"]`)}}
	failed := tidings.RunReply{Name: "b", Failed: true, Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(`{"status":500}`)}}
	empty := tidings.RunReply{Name: "a", Reply: tidings.Reply{Format: tidings.ReplyEmpty}}
	again := large
	again.Reply.Body = []byte(`[2]`)
	a := wait(runs[0], h.clock.Now())
	a.Hold = h.clock.Now().Add(hold)
	for i, c := range []struct {
		reply tidings.RunReply
		want  []tidings.RunReply
	}{
		{large, []tidings.RunReply{large}},
		{failed, []tidings.RunReply{large, failed}},
		{empty, []tidings.RunReply{large, failed, empty}},
		{again, []tidings.RunReply{failed, empty, again}},
	} {
		a.Reply = &c.reply
		if done := h.commitStep(t, a); !cmp.Equal(c.want, done.Run.Replies) {
			t.Errorf("%d: replies (-want +got):\n%s", i, cmp.Diff(c.want, done.Run.Replies))
		}
	}
	a.Hold, a.Reply = time.Time{}, nil
	h.commitStep(t, a)
	h.commitStep(t, wait(runs[1], h.clock.Now()))
	h.reopen(t)
	runs, _ = h.claimRuns(t, 2)
	want := []tidings.RunReply{failed, empty, again}
	if diff := cmp.Diff(want, runs[0].Replies); diff != "" || runs[1].Replies != nil {
		t.Errorf("claimed: %v (-want +got):\n%s", runs[1].Replies, diff)
	}
	if run, err := h.Run(t.Context(), account, runs[0].ID); err != nil || !cmp.Equal(want, run.Replies) {
		t.Errorf("read: %+v, %v", run.Replies, err)
	}
	h.commitStep(t, end(runs[0]))
	if run, err := h.Run(t.Context(), account, runs[0].ID); err != nil || run.Replies != nil {
		t.Errorf("ended: %+v, %v", run.Replies, err)
	}
}

func testStepPutsOnListsAndTakesOff(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	run := h.startRun(t, h.newActive(t, account, waiting("order")), "1")
	one, two := h.newSegment(t, account, "one", nil), h.newSegment(t, account, "two", nil)
	if _, _, err := h.AddMembers(t.Context(), account, two.ID, []tidings.ContactID{run.Contact}); err != nil {
		t.Fatal(err)
	}
	a := end(h.claimRun(t))
	a.Contact, a.AddTo, a.TakeOff = run.Contact, one.ID, two.ID
	h.commitStep(t, a)
	if on, off := h.members(t, one, 10), h.members(t, two, 10); fmt.Sprint(on, off) != fmt.Sprintf("[%d] []", run.Contact) {
		t.Errorf("on the one list %v, on the other %v", on, off)
	}
}

func testStoppedRunsStayStopped(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w, other := h.newActive(t, account, waiting("order")), h.newActive(t, account, waiting("order"))
	const total = 1100 // more than are stopped at a time
	var launches []tidings.Launch
	for range total {
		launches = append(launches, launchOf(w))
	}
	if _, err := h.AddEvent(t.Context(), event(account, "order", "1"), append(launches, launchOf(other))); err != nil {
		t.Fatal(err)
	}
	run := h.claimRun(t)
	if err := h.StopRun(t.Context(), account, run.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.StopRun(t.Context(), account, run.ID, "admin"), tidings.CodeConflict)
	_, err := h.CommitStep(t.Context(), end(run))
	wantCode(t, err, tidings.CodeFenced)
	if n, err := h.DeactivateWorkflow(t.Context(), account, w.ID, true, "admin"); err != nil || n != total-1 {
		t.Errorf("stopped %d, %v", n, err)
	}
	h.clock.advance(hold)
	if runs, next := h.claimRuns(t, 10); len(runs) != 1 || runs[0].Workflow != other.ID || !next.Equal(h.clock.Now().Add(hold)) {
		t.Errorf("going: %v, next %v", runs, next)
	}
	run, err = h.Run(t.Context(), account, run.ID)
	if err != nil || run.State != tidings.RunStopped || run.Block != "" || run.EndedAt.IsZero() {
		t.Errorf("%+v, %v", run, err)
	}
	if n, err := h.StopRuns(t.Context(), account, w.ID, "admin"); err != nil || n != 0 {
		t.Errorf("stopped again: %d, %v", n, err)
	}
}
