package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings"
)

func erasePromises() []promise {
	return []promise{
		{"DeletedContactLeavesHistoryWithoutItsData", testDeletedContactLeavesHistory},
		{"RunsOfADeletedContactAreStopped", testRunsOfADeletedContactAreStopped},
		{"MailsOfADeletedContactAreNotSent", testMailsOfADeletedContactAreNotSent},
		{"NothingIsStoredOfADeletedContact", testNothingIsStoredOfADeletedContact},
		{"NotesOfStartsArePurged", testNotesOfStartsArePurged},
	}
}

// wantNothingOf fails the test when what is kept of something has ann's data in it.
func wantNothingOf(t *testing.T, ann tidings.ContactID, what string, kept any) {
	t.Helper()
	text, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(text)), "ann") || strings.Contains(string(text), fmt.Sprintf(`"Contact":%d,`, ann)) {
		t.Errorf("%s is %s", what, text)
	}
}

func (h *harness) deleteContact(t *testing.T, c tidings.Contact) {
	t.Helper()
	if err := h.DeleteContact(t.Context(), c.Account, c.ID); err != nil {
		t.Fatalf("DeleteContact: %v", err)
	}
}

// testDeletedContactLeavesHistory has more of each thing than one transaction erases.
func testDeletedContactLeavesHistory(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	bo := h.newContact(t, account, "email bo@example.com")
	ann := h.newContact(t, account, "email ann@example.com", "first Ann")
	const things = 120
	for i := range things {
		run := h.startRun(t, w, fmt.Sprintf("ann@example.com %d", i))
		m := plainMail(ann)
		m.External, m.EventKey, m.ReplyTo, m.From.Name = "ann", "ann@example.com", "ann@example.com", "for Ann"
		sent := h.sentMail(t, m)
		a := end(h.claimRun(t))
		a.State, a.Error, a.Marked = tidings.RunFailed, "ann@example.com is none", true
		a.Steps[0].Decided, a.Steps[0].Error = json.RawMessage(`{"to":"ann@example.com"}`), "ann@example.com is none"
		h.commitStep(t, a)
		if run.ID != tidings.RunID(i+1) || sent != tidings.MailID(i+1) {
			t.Fatal(run.ID, sent)
		}
	}
	others := h.sentMail(t, plainMail(bo))
	h.clock.advance(time.Hour)
	h.deleteContact(t, ann)
	for i := range things {
		run, err := h.Run(t.Context(), account, tidings.RunID(i+1))
		wantNothingOf(t, ann.ID, "a run", run)
		if err != nil || run.State != tidings.RunFailed || run.Error == "" || run.EndedAt.IsZero() || run.EndedAt.Equal(h.clock.Now()) {
			t.Fatalf("%+v, %v", run, err)
		}
		steps, err := h.Steps(t.Context(), account, run.ID)
		wantNothingOf(t, ann.ID, "its steps", steps)
		if err != nil || len(steps) != 1 || steps[0].Kind != tidings.BlockEnd || steps[0].Error == "" {
			t.Fatalf("%+v, %v", steps, err)
		}
		e, err := h.Event(t.Context(), account, run.Event)
		wantNothingOf(t, ann.ID, "its event", e)
		if err != nil || e.TypeKey != "order" || e.At.IsZero() {
			t.Fatalf("%+v, %v", e, err)
		}
		m, err := h.Mail(t.Context(), account, tidings.MailID(i+1))
		wantNothingOf(t, ann.ID, "a mail", m)
		if err != nil || m.State != tidings.MailSent || m.SentAt.IsZero() || m.Message != 5 {
			t.Fatalf("%+v, %v", m, err)
		}
	}
	_, err := h.MailByID(t.Context(), 1)
	wantCode(t, err, tidings.CodeNotFound)
	if m, err := h.Mail(t.Context(), account, others); err != nil || m.To != "bo@example.com" || m.Text == "" {
		t.Errorf("another's mail: %+v, %v", m, err)
	}
	_, err = h.Timeline(t.Context(), account, ann.ID, tidings.TimelineCursor{}, 1)
	wantCode(t, err, tidings.CodeNotFound)
}

func testRunsOfADeletedContactAreStopped(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	w := h.newActive(t, account, waiting("order"))
	ann := h.newContact(t, account, "email ann@example.com")
	held, waits := h.startRun(t, w, "1"), h.startRun(t, w, "2")
	runs, _ := h.claimRuns(t, 2)
	a := wait(runs[0], h.clock.Now())
	a.Hold, a.Reply = h.clock.Now().Add(hold), &tidings.RunReply{Name: "crm", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(`{"mail":"ann@example.com"}`)}}
	h.commitStep(t, a)
	h.commitStep(t, wait(runs[1], h.clock.Now().Add(time.Hour)))
	h.clock.advance(time.Second)
	h.deleteContact(t, ann)
	for _, id := range []tidings.RunID{held.ID, waits.ID} {
		run, err := h.Run(t.Context(), account, id)
		if err != nil || run.State != tidings.RunStopped || run.Error != "its contact was deleted" || len(run.Replies) > 0 || !run.EndedAt.Equal(h.clock.Now()) {
			t.Errorf("%+v, %v", run, err)
		}
	}
	_, err := h.CommitStep(t.Context(), end(runs[0]))
	wantCode(t, err, tidings.CodeFenced)
	h.clock.advance(2 * time.Hour)
	if runs, next := h.claimRuns(t, 10); len(runs) != 0 || !next.IsZero() {
		t.Errorf("claimed %+v, next %v", runs, next)
	}
}

func testMailsOfADeletedContactAreNotSent(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com") // the first contact: that of the broadcast's mail
	h.newContact(t, account, "email bo@example.com", "external member 2")
	b := h.newBroadcast(t, account, time.Time{})
	p := h.page(h.claimBroadcast(t), 0)
	ofBroadcast := plainMail(ann)
	p.Mails, p.Done = []tidings.Mail{ofBroadcast}, true
	h.commitPage(t, p)
	sent := h.sentMail(t, plainMail(ann))
	inHand, _ := h.claimMails(t, 10)
	waits := h.queueMail(t, plainMail(ann))
	h.deleteContact(t, ann)

	states, err := h.Mails(t.Context(), tidings.MailQuery{Account: account, Limit: 10})
	wantNothingOf(t, ann.ID, "what is left of the mails", states)
	if got := fmt.Sprintf("%s %s %s", states[0].State, states[1].State, states[2].State); err != nil || waits != 3 || got != "dropped sent dropped" {
		t.Errorf("mails %s, %v", got, err)
	}
	if len(inHand) != 1 || inHand[0].Broadcast != b.ID {
		t.Fatalf("in hand: %+v", inHand)
	}
	wantCode(t, h.SettleMail(t.Context(), h.outcome(inHand[0], tidings.MailSent)), tidings.CodeFenced)
	h.clock.advance(2 * hold)
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.IsZero() {
		t.Errorf("claimed %+v, next %v", mails, next)
	}
	_, err = h.PauseBroadcast(t.Context(), account, b.ID, "ann")
	wantCode(t, err, tidings.CodeConflict) // none of its mails is open any more

	// What is heard of a mail that was sent has nobody whom it is about.
	told := len(h.told(t, account, 0))
	for _, kind := range []tidings.HitKind{tidings.HitOpen, tidings.HitUnsubscribe, tidings.HitComplaint} {
		wantCode(t, h.Track(t.Context(), tidings.Hit{Mail: sent, Kind: kind}), tidings.CodeNotFound)
	}
	bounce := tidings.MailOutcome{Mail: sent, State: tidings.MailFailed, Error: "smtp;550 ann@example.com", Permanent: true}
	wantCode(t, h.SettleMail(t.Context(), bounce), tidings.CodeNotFound)
	if list, err := h.Blacklist(t.Context(), account, 0, 10); err != nil || len(list) != 0 || len(h.told(t, account, 0)) != told {
		t.Errorf("black-listed %+v, %v; told %v", list, err, h.told(t, account, 0))
	}
}

func testNothingIsStoredOfADeletedContact(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	ann, bo := h.newContact(t, account, "email ann@example.com"), h.newContact(t, account, "email bo@example.com")
	b := h.newBroadcast(t, account, time.Time{})
	p := h.page(h.claimBroadcast(t), 0)
	p.Mails, p.Total, p.Done = []tidings.Mail{plainMail(ann), plainMail(bo)}, 2, true
	h.deleteContact(t, ann)

	_, err := h.QueueMail(t.Context(), plainMail(ann))
	wantCode(t, err, tidings.CodeNotFound)
	h.commitPage(t, p)
	if b = h.broadcast(t, b); b.Queued != 1 || b.Skipped != 1 {
		t.Errorf("%+v", b)
	}
	if mails, err := h.Mails(t.Context(), tidings.MailQuery{Account: account, Limit: 10}); err != nil || len(mails) != 1 || mails[0].Contact != bo.ID {
		t.Errorf("%+v, %v", mails, err)
	}
	c := h.fullCall(account)
	c.Contact, c.Request.Body, c.Error, c.Reply.Body = ann.ID, "ann@example.com", "ann@example.com", []byte("ann@example.com")
	kept, err := h.Call(t.Context(), account, h.appendCall(t, c).ID)
	wantNothingOf(t, ann.ID, "a call", kept)
	if err != nil || kept.Outcome != c.Outcome || kept.Contact != 0 || len(kept.Tries) != 2 {
		t.Errorf("%+v, %v", kept, err)
	}
	strange := plainMail(bo)
	strange.Account = other
	_, err = h.QueueMail(t.Context(), strange)
	wantCode(t, err, tidings.CodeNotFound)
}

func testNotesOfStartsArePurged(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	per, ever, gone := h.newActive(t, account, waiting("order")), h.newActive(t, account, waiting("order")), h.newActive(t, account, waiting("order"))
	start := func(w tidings.Workflow, key string, once tidings.Once) int {
		l := launchOf(w)
		l.Once = once
		out, err := h.AddEvent(t.Context(), event(account, "order", key, ""), []tidings.Launch{l})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Runs)
	}
	hourly, always := tidings.Once{Mode: tidings.OncePer, Per: 3600}, tidings.Once{Mode: tidings.OnceNever}
	for i := range 3 {
		start(per, fmt.Sprint(i), hourly)
		start(ever, fmt.Sprint(i), always)
		start(gone, fmt.Sprint(i), always)
	}
	purge := func(before time.Time, want int64) {
		t.Helper()
		if n, err := h.PurgeOnce(t.Context(), before); err != nil || n != want {
			t.Errorf("purged %d, %v; want %d", n, err, want)
		}
	}
	purge(h.clock.Now(), 0)
	h.clock.advance(30 * time.Minute)
	start(per, "late", hourly)
	if err := h.DeleteWorkflow(t.Context(), account, gone.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	deleted := h.clock.Now()
	h.clock.advance(30 * time.Minute)
	purge(time.Time{}, 3)
	purge(deleted, 0)
	purge(deleted.Add(time.Millisecond), 3)
	if n, m, o := start(per, "late", hourly), start(per, "0", hourly), start(ever, "0", always); n != 0 || m != 1 || o != 0 {
		t.Errorf("started %d of a key that waits, %d of one that does not, %d of one that never may", n, m, o)
	}
}
