package storetest

import (
	"fmt"
	"testing"
	"time"

	"tidings"
)

func testRunsAreChosenAndPaged(t *testing.T, h *harness) {
	account, foreign := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	w, v := h.newActive(t, account, waiting("order")), h.newActive(t, account, waiting("order"))
	h.startRun(t, h.newActive(t, foreign, waiting("order")), "1")
	begin := h.clock.Now()
	for i := range 8 {
		h.clock.advance(time.Minute)
		h.startRun(t, []tidings.Workflow{w, v}[i%2], fmt.Sprint(i)) // runs 2 to 9
	}
	runs, _ := h.claimRuns(t, 100)
	for _, run := range runs {
		a := end(run)
		switch run.ID {
		case 2, 3, 4:
			a.Marked = run.ID != 2
		case 5:
			a.State = tidings.RunFailed
		default:
			continue
		}
		h.commitStep(t, a)
	}
	contact := runs[1].Contact
	for _, c := range []struct {
		q    tidings.RunQuery
		want string
	}{
		{tidings.RunQuery{Limit: 100}, "[9 8 7 6 5 4 3 2]"},
		{tidings.RunQuery{Limit: 3}, "[9 8 7]"},
		{tidings.RunQuery{Limit: 3, Before: 7}, "[6 5 4]"},
		{tidings.RunQuery{Limit: 100, Workflow: w.ID}, "[8 6 4 2]"},
		{tidings.RunQuery{Limit: 100, Workflow: w.ID, State: tidings.RunGoing}, "[8 6]"},
		{tidings.RunQuery{Limit: 100, Workflow: v.ID, State: tidings.RunFailed}, "[5]"},
		{tidings.RunQuery{Limit: 100, State: tidings.RunEnded}, "[4 3 2]"},
		{tidings.RunQuery{Limit: 100, Marked: true}, "[4 3]"},
		{tidings.RunQuery{Limit: 100, Marked: true, Workflow: w.ID, State: tidings.RunEnded}, "[4]"},
		{tidings.RunQuery{Limit: 100, Contact: contact}, "[9 8 7 6 5 4 3 2]"},
		{tidings.RunQuery{Limit: 100, Contact: contact, Workflow: v.ID, State: tidings.RunGoing, Before: 9}, "[7]"},
		{tidings.RunQuery{Limit: 100, Contact: contact + 1}, "[]"},
		{tidings.RunQuery{Limit: 100, Event: runs[1].Event}, fmt.Sprint([]tidings.RunID{runs[1].ID})},
		{tidings.RunQuery{Limit: 100, Event: runs[1].Event, Contact: contact + 1}, "[]"},
		{tidings.RunQuery{Limit: 100, From: begin.Add(3 * time.Minute), To: begin.Add(5 * time.Minute)}, "[5 4]"},
	} {
		c.q.Account = account
		found, err := h.Runs(t.Context(), c.q)
		ids := []tidings.RunID{}
		for _, run := range found {
			ids = append(ids, run.ID)
		}
		if err != nil || fmt.Sprint(ids) != c.want {
			t.Errorf("%+v: %v, %v; want %s", c.q, ids, err, c.want)
		}
	}
	going, ended, failed, marked, err := h.CountRuns(t.Context(), account, v.ID)
	if err != nil || going != 2 || ended != 1 || failed != 1 || marked != 1 {
		t.Errorf("counts %d, %d, %d, %d, %v", going, ended, failed, marked, err)
	}
	under, err := h.GoingRuns(t.Context(), account)
	if err != nil || under[v.ID] != 2 {
		t.Errorf("under way are %v, %v", under, err)
	}
	if foreign, err := h.GoingRuns(t.Context(), account+99); err != nil || len(foreign) != 0 {
		t.Errorf("of another account %v, %v", foreign, err)
	}
}

func testPurgeOfRunsRemovesOnlyEndedOnes(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	var launches []tidings.Launch
	for range 450 { // more than are purged at a time
		launches = append(launches, launchOf(w))
	}
	if _, err := h.AddEvent(t.Context(), event(account, "order", "1"), launches); err != nil {
		t.Fatal(err)
	}
	runs, _ := h.claimRuns(t, 1000)
	for i, run := range runs {
		switch {
		case i == 0: // goes on
			h.commitStep(t, wait(run, h.clock.Now().Add(time.Hour)))
			continue
		case i == len(runs)-1:
			h.clock.advance(time.Minute)
		}
		h.commitStep(t, end(run))
	}
	if n, err := h.PurgeRuns(t.Context(), h.clock.Now()); err != nil || n != int64(len(runs)-2) {
		t.Errorf("purged %d of %d, %v", n, len(runs), err)
	}
	left, err := h.Runs(t.Context(), tidings.RunQuery{Account: account, Limit: 10})
	if err != nil || len(left) != 2 || left[0].ID != runs[len(runs)-1].ID || left[1].ID != runs[0].ID {
		t.Errorf("left %+v, %v", left, err)
	}
	for _, run := range left {
		if steps, err := h.Steps(t.Context(), account, run.ID); err != nil || len(steps) != 1 {
			t.Errorf("steps of run %d: %v, %v", run.ID, steps, err)
		}
	}
}

func testActivitiesStartRunsOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	h.append(t, account, activities(t, 0, 3))
	follow := waiting("")
	follow.Trigger.Activity = &tidings.ActivityTrigger{Status: "CLICKED"}
	plain := h.newActive(t, account, waiting("order"))
	if accounts, err := h.ActivityTriggerAccounts(t.Context()); err != nil || len(accounts) != 0 {
		t.Errorf("accounts %v, %v", accounts, err)
	}
	w := h.newActive(t, account, follow)
	wantCursor := func(want tidings.Seq) {
		t.Helper()
		if seq, err := h.ActivityCursor(t.Context(), account); err != nil || seq != want {
			t.Errorf("cursor %d, %v; want %d", seq, err, want)
		}
	}
	wantCursor(3) // what was there before is history
	if accounts, err := h.ActivityTriggerAccounts(t.Context()); err != nil || fmt.Sprint(accounts) != fmt.Sprintf("[%d]", account) {
		t.Errorf("accounts %v, %v", accounts, err)
	}
	h.append(t, account, activities(t, 3, 3))
	h.activate(t, plain)
	h.activate(t, w)
	wantCursor(3) // another activation forgets nothing

	clicked := event(account, "activity.CLICKED", "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", fmt.Sprintf(`contactId=%d`, ann.ID))
	batch := []tidings.EventWithLaunches{{Event: clicked, Launches: []tidings.Launch{launchOf(w)}}, {Event: clicked}}
	if err := h.LaunchFromActivities(t.Context(), account, 3, 5, batch); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.LaunchFromActivities(t.Context(), account, 3, 5, batch), tidings.CodeFenced)
	wantCode(t, h.LaunchFromActivities(t.Context(), account, 3, 6, batch), tidings.CodeFenced) // from where the cursor is not
	wantCursor(5)
	run := h.claimRun(t)
	if e, err := h.Event(t.Context(), account, run.Event); err != nil || e.TypeKey != clicked.TypeKey || e.KeyValue != clicked.KeyValue || run.Contact != ann.ID {
		t.Errorf("run %+v of event %+v, %v", run, e, err)
	}
	if events, err := h.Events(t.Context(), tidings.EventQuery{Account: account, Limit: 10}); err != nil || len(events) != 2 {
		t.Errorf("events %+v, %v", events, err)
	}

	// While nothing follows, the feed goes on; then it is followed from its end again.
	if _, err := h.DeactivateWorkflow(t.Context(), account, w.ID, false, "admin"); err != nil {
		t.Fatal(err)
	}
	h.append(t, account, activities(t, 6, 4))
	if _, err := h.ActivateWorkflow(t.Context(), account, w.ID, 0, "admin"); err != nil {
		t.Fatal(err)
	}
	wantCursor(10)
}

func testRunStartsAgainForItsEvent(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	first := h.startRun(t, w, "1")
	l := launchOf(w)
	l.Once, l.Alone = tidings.Once{Mode: tidings.OnceNever}, true
	again, err := h.StartRun(t.Context(), account, first.Event, l, "admin")
	if err != nil || again.ID != first.ID+1 || again.Event != first.Event || again.Contact != first.Contact || again.Instance == first.Instance {
		t.Errorf("%+v, %v", again, err)
	}
	if runs, _ := h.claimRuns(t, 10); len(runs) != 2 {
		t.Errorf("due: %v", runs)
	}
	_, err = h.StartRun(t.Context(), account, 99, l, "admin")
	wantCode(t, err, tidings.CodeNotFound)
}
