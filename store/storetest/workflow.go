package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func workflowPromises() []promise {
	return []promise{
		{"WorkflowKeepsEveryPartOfItsDraft", testWorkflowKeepsEveryPartOfItsDraft},
		{"ActivationFreezesTheDraft", testActivationFreezesTheDraft},
		{"UpdateOfAnOldWorkflowIsRefused", testUpdateOfAnOldWorkflowIsRefused},
		{"WorkflowsArePagedByID", testWorkflowsArePagedByID},
		{"DeletedWorkflowIsOffAndRestored", testDeletedWorkflowIsOffAndRestored},
		{"StampGrowsWithWhatIsActive", testStampGrowsWithWhatIsActive},
		{"OtherAccountsWorkflowIsNotFound", testOtherAccountsWorkflowIsNotFound},
		{"CasesBelongToTheirWorkflow", testCasesBelongToTheirWorkflow},
		{"ActsOnWorkflowsLeaveAuditRecords", testActsOnWorkflowsLeaveAuditRecords},
	}
}

// waiting is a definition of one timer.
func waiting(eventType string) tidings.Definition {
	return tidings.Definition{
		Trigger: tidings.Trigger{EventTypeKey: eventType}, Start: "wait",
		Blocks: []tidings.Block{
			{ID: "wait", Kind: tidings.BlockTimer, Exits: map[tidings.Exit]tidings.BlockID{tidings.ExitNext: "end"}, Timer: &tidings.Timer{Seconds: 60}},
			{ID: "end", Kind: tidings.BlockEnd},
		},
	}
}

func (h *harness) newWorkflow(t testing.TB, account tidings.AccountID, d tidings.Definition) tidings.Workflow {
	t.Helper()
	w, err := h.CreateWorkflow(t.Context(), tidings.Workflow{Account: account, Name: "Welcome", Draft: d}, "admin")
	if err != nil {
		t.Fatalf("CreateWorkflow: %v", err)
	}
	return w
}

func (h *harness) activate(t testing.TB, w tidings.Workflow) tidings.Workflow {
	t.Helper()
	w, err := h.ActivateWorkflow(t.Context(), w.Account, w.ID, w.Version, "admin")
	if err != nil {
		t.Fatalf("ActivateWorkflow: %v", err)
	}
	return w
}

// newActive makes a workflow that is on.
func (h *harness) newActive(t testing.TB, account tidings.AccountID, d tidings.Definition) tidings.Workflow {
	t.Helper()
	return h.activate(t, h.newWorkflow(t, account, d))
}

// everyBlock is a definition with every part of every kind of block.
func everyBlock() tidings.Definition {
	next := map[tidings.Exit]tidings.BlockID{tidings.ExitNext: "b"}
	condition := &tidings.Condition{Field: "TOWN", Op: tidings.Equals, Values: []string{"Київ"}}
	whose := tidings.Whose{ContactID: "$contactId", Phone: "$phone", Email: "${email}"}
	return tidings.Definition{
		Trigger: tidings.Trigger{
			EventTypeKey: "order", Activity: &tidings.ActivityTrigger{Status: "CLICKED", MediaType: "email", Message: 7},
			Condition: condition, Once: tidings.Once{Mode: tidings.OncePer, Per: 3600}, Alone: true,
		},
		Start: "a",
		Blocks: []tidings.Block{
			{ID: "a", Kind: tidings.BlockWebhook, Name: "ask", Exits: map[tidings.Exit]tidings.BlockID{tidings.ExitOK: "b", tidings.ExitFailed: "c"}, Webhook: &tidings.WebhookBlock{Webhook: 5, Whose: whose}},
			{ID: "b", Kind: tidings.BlockCondition, Condition: condition},
			{ID: "c", Kind: tidings.BlockTimer, Exits: next, Timer: &tidings.Timer{Seconds: 60, At: "09:00", Weekdays: []int{1, 7}, Zone: "contact"}},
			{ID: "d", Kind: tidings.BlockMessage, Exits: next, Message: &tidings.MessageBlock{Message: 8, Whose: whose}},
			{ID: "e", Kind: tidings.BlockUpdateContact, Exits: next, Fields: []tidings.FieldSetter{{Field: "PERSONAL.BONUS", Value: "$data.WH5.bonus"}}},
			{ID: "f", Kind: tidings.BlockAddTo, Exits: next, Segment: 9},
			{ID: "g", Kind: tidings.BlockSplit, Percent: 30},
		},
	}
}

func testWorkflowKeepsEveryPartOfItsDraft(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	want := tidings.Workflow{Account: account, Name: "any symbols: $ ' \" 😀", Draft: everyBlock()}
	made, err := h.CreateWorkflow(t.Context(), want, "admin")
	want.ID, want.Version, want.CreatedAt, want.UpdatedAt = 1, 1, h.clock.Now(), h.clock.Now()
	if diff := cmp.Diff(want, made); err != nil || diff != "" {
		t.Fatalf("made: %v (-want +got):\n%s", err, diff)
	}
	h.reopen(t)
	got, err := h.Workflow(t.Context(), account, made.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("after reopening: %v (-want +got):\n%s", err, diff)
	}
	h.clock.advance(time.Minute)
	want.Name, want.Draft = "other", waiting("visit")
	got, err = h.UpdateWorkflow(t.Context(), want, "admin", "draft")
	want.Version, want.UpdatedAt = 2, h.clock.Now()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("updated: %v (-want +got):\n%s", err, diff)
	}
	_, err = h.CreateWorkflow(t.Context(), tidings.Workflow{Account: 99}, "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testActivationFreezesTheDraft(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newWorkflow(t, account, everyBlock())
	if w = h.activate(t, w); w.Active != 1 || w.Latest != 1 || w.Version != 2 {
		t.Errorf("activated: %+v", w)
	}
	w.Draft = waiting("visit")
	w, err := h.UpdateWorkflow(t.Context(), w, "admin", "draft")
	if err != nil || w.Active != 1 {
		t.Fatalf("%+v, %v", w, err)
	}
	wantActive := func(version int64, want tidings.Definition) {
		t.Helper()
		list, _, err := h.ActiveWorkflows(t.Context(), account)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if diff := cmp.Diff(tidings.ActiveWorkflow{ID: w.ID, Name: w.Name, Version: version, Definition: want}, list[0]); diff != "" {
			t.Errorf("active (-want +got):\n%s", diff)
		}
	}
	wantActive(1, everyBlock())
	w = h.activate(t, w)
	wantActive(2, waiting("visit"))
	if old, err := h.WorkflowVersion(t.Context(), account, w.ID, 1); err != nil || !cmp.Equal(old, everyBlock()) {
		t.Errorf("version 1: %+v, %v", old, err)
	}
	_, err = h.WorkflowVersion(t.Context(), account, w.ID, 3)
	wantCode(t, err, tidings.CodeNotFound)
	if _, err := h.DeactivateWorkflow(t.Context(), account, w.ID, false, "admin"); err != nil {
		t.Fatal(err)
	}
	if list, _, err := h.ActiveWorkflows(t.Context(), account); err != nil || len(list) != 0 {
		t.Errorf("off: %+v, %v", list, err)
	}
	if w, err = h.Workflow(t.Context(), account, w.ID); err != nil || w.Active != 0 || w.Latest != 2 {
		t.Errorf("off: %+v, %v", w, err)
	}
}

func testUpdateOfAnOldWorkflowIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newWorkflow(t, account, waiting("order"))
	if _, err := h.UpdateWorkflow(t.Context(), w, "admin", "x"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateWorkflow(t.Context(), w, "admin", "x")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.ActivateWorkflow(t.Context(), account, w.ID, w.Version, "admin")
	wantCode(t, err, tidings.CodeConflict)
	if _, err := h.ActivateWorkflow(t.Context(), account, w.ID, 0, "admin"); err != nil {
		t.Errorf("any version: %v", err)
	}
}

func testWorkflowsArePagedByID(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	for i := range 6 {
		w := h.newWorkflow(t, mine, waiting("order"))
		h.newWorkflow(t, other, waiting("order"))
		if i%3 == 0 {
			if err := h.DeleteWorkflow(t.Context(), mine, w.ID, "admin"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for deleted, want := range map[bool]string{false: "[3 5 9 11]", true: "[1 7]"} {
		var ids []tidings.WorkflowID
		for after := tidings.WorkflowID(0); ; {
			page, err := h.Workflows(t.Context(), mine, after, 2, deleted)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, w := range page {
				ids = append(ids, w.ID)
				after = w.ID
			}
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("deleted %t: %v, want %s", deleted, ids, want)
		}
	}
}

func testDeletedWorkflowIsOffAndRestored(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	h.startRun(t, w, "1")
	if err := h.DeleteWorkflow(t.Context(), account, w.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.DeleteWorkflow(t.Context(), account, w.ID, "admin"), tidings.CodeNotFound)
	if run, err := h.Run(t.Context(), account, 1); err != nil || run.State != tidings.RunStopped {
		t.Errorf("its run: %+v, %v", run, err)
	}
	if out, err := h.AddEvent(t.Context(), event(account, "order", "2"), []tidings.Launch{launchOf(w)}); err != nil || len(out.Runs) != 0 {
		t.Errorf("a run of a deleted workflow began: %+v, %v", out, err)
	}
	w, err := h.Workflow(t.Context(), account, w.ID)
	if err != nil || w.DeletedAt.IsZero() || w.Active != 0 {
		t.Errorf("deleted: %+v, %v", w, err)
	}
	_, err = h.UpdateWorkflow(t.Context(), w, "admin", "x")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.ActivateWorkflow(t.Context(), account, w.ID, w.Version, "admin")
	wantCode(t, err, tidings.CodeConflict)
	w, err = h.RestoreWorkflow(t.Context(), account, w.ID, "admin")
	if err != nil || !w.DeletedAt.IsZero() || w.Active != 0 || w.Latest != 1 {
		t.Errorf("restored: %+v, %v", w, err)
	}
	h.activate(t, w)
}

func testStampGrowsWithWhatIsActive(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newWorkflow(t, account, waiting("order"))
	last := int64(-1)
	for _, act := range []struct {
		name string
		grow bool
		do   func() error
	}{
		{"nothing yet", true, func() error { return nil }},
		{"activate", true, func() error { _, err := h.ActivateWorkflow(t.Context(), account, w.ID, 0, "admin"); return err }},
		{"update", false, func() error {
			now, err := h.Workflow(t.Context(), account, w.ID)
			if err == nil {
				_, err = h.UpdateWorkflow(t.Context(), now, "admin", "x")
			}
			return err
		}},
		{"deactivate", true, func() error { _, err := h.DeactivateWorkflow(t.Context(), account, w.ID, false, "admin"); return err }},
		{"deactivate again", false, func() error { _, err := h.DeactivateWorkflow(t.Context(), account, w.ID, false, "admin"); return err }},
		{"activate again", true, func() error { _, err := h.ActivateWorkflow(t.Context(), account, w.ID, 0, "admin"); return err }},
		{"delete", true, func() error { return h.DeleteWorkflow(t.Context(), account, w.ID, "admin") }},
	} {
		if err := act.do(); err != nil {
			t.Fatalf("%s: %v", act.name, err)
		}
		stamp, err := h.WorkflowStamp(t.Context(), account)
		_, with, err2 := h.ActiveWorkflows(t.Context(), account)
		if err != nil || err2 != nil || with != stamp || (stamp > last) != act.grow {
			t.Errorf("%s: stamp %d after %d, with the list %d, %v, %v", act.name, stamp, last, with, err, err2)
		}
		last = stamp
	}
}

func testOtherAccountsWorkflowIsNotFound(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	w := h.newActive(t, mine, waiting("order"))
	run := h.startRun(t, w, "1")
	kept, err := h.CreateCase(t.Context(), tidings.WorkflowCase{Account: mine, Workflow: w.ID, Name: "a", Input: []byte("{}"), Expected: []byte("{}")}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	foreign := w
	foreign.Account = other
	for name, do := range map[string]func() error{
		"Workflow":           func() error { _, err := h.Workflow(t.Context(), other, w.ID); return err },
		"UpdateWorkflow":     func() error { _, err := h.UpdateWorkflow(t.Context(), foreign, "admin", ""); return err },
		"ActivateWorkflow":   func() error { _, err := h.ActivateWorkflow(t.Context(), other, w.ID, 0, "admin"); return err },
		"DeactivateWorkflow": func() error { _, err := h.DeactivateWorkflow(t.Context(), other, w.ID, true, "admin"); return err },
		"DeleteWorkflow":     func() error { return h.DeleteWorkflow(t.Context(), other, w.ID, "admin") },
		"RestoreWorkflow":    func() error { _, err := h.RestoreWorkflow(t.Context(), other, w.ID, "admin"); return err },
		"WorkflowVersion":    func() error { _, err := h.WorkflowVersion(t.Context(), other, w.ID, 1); return err },
		"Run":                func() error { _, err := h.Run(t.Context(), other, run.ID); return err },
		"RunByInstance":      func() error { _, err := h.RunByInstance(t.Context(), other, run.Instance); return err },
		"Steps":              func() error { _, err := h.Steps(t.Context(), other, run.ID); return err },
		"StopRun":            func() error { return h.StopRun(t.Context(), other, run.ID, "admin") },
		"StopRuns":           func() error { _, err := h.StopRuns(t.Context(), other, w.ID, "admin"); return err },
		"StartRun":           func() error { _, err := h.StartRun(t.Context(), other, run.Event, launchOf(w), "admin"); return err },
		"CountRuns":          func() error { _, _, _, _, err := h.CountRuns(t.Context(), other, w.ID); return err },
		"Case":               func() error { _, err := h.Case(t.Context(), other, kept.ID); return err },
		"UpdateCase": func() error {
			c := kept
			c.Account = other
			_, err := h.UpdateCase(t.Context(), c, "admin")
			return err
		},
		"DeleteCase": func() error { return h.DeleteCase(t.Context(), other, kept.ID, "admin") },
	} {
		if err := do(); tidings.CodeOf(err) != tidings.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if out, err := h.AddEvent(t.Context(), event(other, "order", "1"), []tidings.Launch{launchOf(w)}); err != nil || len(out.Runs) != 0 {
		t.Errorf("another account's event started %+v, %v", out.Runs, err)
	}
	if runs, err := h.Runs(t.Context(), tidings.RunQuery{Account: other, Workflow: w.ID, Limit: 10}); err != nil || len(runs) != 0 {
		t.Errorf("another account sees %+v, %v", runs, err)
	}
	if list, err := h.Cases(t.Context(), other, w.ID); err != nil || len(list) != 0 {
		t.Errorf("another account sees %+v, %v", list, err)
	}
}

func testCasesBelongToTheirWorkflow(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	one, two := h.newWorkflow(t, account, waiting("order")), h.newWorkflow(t, account, waiting("visit"))
	want := tidings.WorkflowCase{Account: account, Workflow: one.ID, Name: "known contact", Input: json.RawMessage(`{"contact":{"email":"а@b.c"}}`), Expected: json.RawMessage(`{"steps":[]}`)}
	made, err := h.CreateCase(t.Context(), want, "admin")
	want.ID, want.CreatedAt = 1, h.clock.Now()
	if diff := cmp.Diff(want, made); err != nil || diff != "" {
		t.Fatalf("made: %v (-want +got):\n%s", err, diff)
	}
	again := want
	_, err = h.CreateCase(t.Context(), again, "admin")
	wantCode(t, err, tidings.CodeConflict)
	again.Workflow = two.ID
	if again, err = h.CreateCase(t.Context(), again, "admin"); err != nil {
		t.Errorf("another workflow's case: %v", err)
	}
	again.Workflow, again.Name = 99, "x"
	_, err = h.CreateCase(t.Context(), again, "admin")
	wantCode(t, err, tidings.CodeNotFound)

	want.Name, want.Input, want.Expected = "other", json.RawMessage(`{}`), json.RawMessage(`[1]`)
	if now, err := h.UpdateCase(t.Context(), want, "admin"); err != nil || !cmp.Equal(want, now) {
		t.Errorf("updated: %+v, %v", now, err)
	}
	if list, err := h.Cases(t.Context(), account, one.ID); err != nil || !cmp.Equal([]tidings.WorkflowCase{want}, list) {
		t.Errorf("cases: %+v, %v", list, err)
	}
	if err := h.DeleteCase(t.Context(), account, want.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Case(t.Context(), account, want.ID)
	wantCode(t, err, tidings.CodeNotFound)

	// All of a workflow's are run together.
	for n := range tidings.MaxCases {
		want.Name = fmt.Sprint("case ", n)
		if _, err := h.CreateCase(t.Context(), want, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	want.Name = "one too many"
	_, err = h.CreateCase(t.Context(), want, "admin")
	wantCode(t, err, tidings.CodeConflict)
}

func testActsOnWorkflowsLeaveAuditRecords(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	h.startRun(t, w, "1")
	h.startRun(t, w, "2")
	if err := h.StopRun(t.Context(), account, 1, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.DeactivateWorkflow(t.Context(), account, w.ID, true, "ann"); err != nil {
		t.Fatal(err)
	}
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, r := range slices.Backward(records) {
		acts = append(acts, fmt.Sprintf("%s %s: %s", r.Actor, r.Action, r.Detail))
	}
	want := []string{
		`admin workflow.create: workflow 1 "Welcome"`,
		`admin workflow.activate: workflow 1 "Welcome": version 1`,
		`ann run.stop: run 1 of workflow 1`,
		`ann workflow.deactivate: workflow 1 "Welcome"`,
		`ann workflow.stop-runs: workflow 1 "Welcome": 1 stopped`,
	}
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
