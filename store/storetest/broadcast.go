package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func broadcastPromises() []promise {
	return []promise{
		{"BroadcastKeepsEveryField", testBroadcastKeepsEveryField},
		{"BroadcastIsClaimedWhenItsTimeHasCome", testBroadcastIsClaimedWhenItsTimeHasCome},
		{"PageOfABroadcastIsOneCommit", testPageOfABroadcastIsOneCommit},
		{"PausedBroadcastWaitsAndGoesOn", testPausedBroadcastWaitsAndGoesOn},
		{"CanceledBroadcastDropsItsMails", testCanceledBroadcastDropsItsMails},
		{"MailsInHandOfACanceledBroadcastAreNotSent", testMailsInHandOfACanceledBroadcast},
		{"MailsOfNoBroadcastAreNotHeldUp", testMailsOfNoBroadcastAreNotHeldUp},
		{"BroadcastCountsWhatBecomesOfItsMails", testBroadcastCountsItsMails},
		{"BroadcastOfAnotherAccountIsNotThere", testBroadcastOfAnotherAccountIsNotThere},
	}
}

func (h *harness) newBroadcast(t testing.TB, account tidings.AccountID, at time.Time) tidings.Broadcast {
	t.Helper()
	b, err := h.CreateBroadcast(t.Context(), tidings.Broadcast{Account: account, Name: "Spring", Message: 5, Segment: 6, At: at}, "ann")
	if err != nil {
		t.Fatalf("CreateBroadcast: %v", err)
	}
	return b
}

func (h *harness) claimBroadcast(t testing.TB) tidings.Broadcast {
	t.Helper()
	list, _, err := h.ClaimBroadcasts(t.Context(), 1, hold)
	if err != nil || len(list) != 1 {
		t.Fatalf("ClaimBroadcasts: %+v, %v", list, err)
	}
	return list[0]
}

// member gives the how manieth contact of an account that has no others, which
// is made when it is first asked for.
func (h *harness) member(account tidings.AccountID, n int) tidings.ContactID {
	external := fmt.Sprint("member ", n)
	_, out, err := h.UpsertContact(context.Background(), account, tidings.ContactChange{ExternalCustomerID: &external}, tidings.MatchAny)
	if err != nil {
		return 99
	}
	return out.ID
}

// page is one of n mails.
func (h *harness) page(b tidings.Broadcast, n int) tidings.BroadcastPage {
	p := tidings.BroadcastPage{ID: b.ID, Fence: b.Fence, After: b.After + tidings.ContactID(n), Due: h.clock.Now()}
	for i := range n {
		m := h.fullMail(0)
		m.IID, m.Contact, m.To = "", h.member(b.Account, int(b.After)+i+1), fmt.Sprintf("p%d@example.com", i)
		p.Mails = append(p.Mails, m)
	}
	return p
}

func (h *harness) commitPage(t testing.TB, p tidings.BroadcastPage) {
	t.Helper()
	if err := h.CommitBroadcast(t.Context(), p); err != nil {
		t.Fatalf("CommitBroadcast: %v", err)
	}
}

// running is a broadcast all of whose n mails are queued.
func (h *harness) running(t testing.TB, account tidings.AccountID, n int) tidings.Broadcast {
	t.Helper()
	b := h.newBroadcast(t, account, time.Time{})
	p := h.page(h.claimBroadcast(t), n)
	p.Done = true
	h.commitPage(t, p)
	return b
}

func (h *harness) broadcast(t testing.TB, b tidings.Broadcast) tidings.Broadcast {
	t.Helper()
	b, err := h.Broadcast(t.Context(), b.Account, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testBroadcastKeepsEveryField(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	want := tidings.Broadcast{Account: account, Name: "Spring 😀", Message: 5, Segment: 6, At: h.clock.Now().Add(time.Hour), PerMinute: 600}
	made, err := h.CreateBroadcast(t.Context(), want, "ann")
	want.ID, want.State, want.Version, want.CreatedAt, want.UpdatedAt = 1, tidings.BroadcastScheduled, 1, h.clock.Now(), h.clock.Now()
	if diff := cmp.Diff(want, made); err != nil || diff != "" {
		t.Fatalf("made: %v (-want +got):\n%s", err, diff)
	}
	h.reopen(t)
	if got := h.broadcast(t, made); !cmp.Equal(want, got) {
		t.Errorf("%+v", got)
	}
	if now := h.newBroadcast(t, account, time.Time{}); !now.At.Equal(h.clock.Now()) {
		t.Errorf("one without a time begins %v", now.At)
	}
	if list, err := h.Broadcasts(t.Context(), account, 2, 10); err != nil || !cmp.Equal([]tidings.Broadcast{want}, list) {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = h.CreateBroadcast(t.Context(), tidings.Broadcast{Account: 99}, "ann")
	wantCode(t, err, tidings.CodeNotFound)
}

func testBroadcastIsClaimedWhenItsTimeHasCome(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	at := h.clock.Now().Add(time.Hour)
	h.newBroadcast(t, account, at)
	if list, next, err := h.ClaimBroadcasts(t.Context(), 10, hold); err != nil || len(list) != 0 || !next.Equal(at) {
		t.Errorf("%+v, next %v, %v", list, next, err)
	}
	h.clock.advance(time.Hour)
	b := h.claimBroadcast(t)
	if b.State != tidings.BroadcastRunning || b.Fence != 1 || !cmp.Equal(b, h.broadcast(t, b)) {
		t.Errorf("claimed %+v", b)
	}
	if list, next, err := h.ClaimBroadcasts(t.Context(), 10, hold); err != nil || len(list) != 0 || !next.Equal(h.clock.Now().Add(hold)) {
		t.Errorf("a held one: %+v, next %v, %v", list, next, err)
	}
	p := h.page(b, 1)
	p.Due = h.clock.Now().Add(time.Second)
	h.commitPage(t, p)
	if _, next, err := h.ClaimBroadcasts(t.Context(), 10, hold); err != nil || !next.Equal(p.Due) {
		t.Errorf("next %v, %v; want %v", next, err, p.Due)
	}
	h.clock.advance(time.Second)
	p = h.page(h.claimBroadcast(t), 0)
	p.Done = true
	h.commitPage(t, p)
	if list, next, err := h.ClaimBroadcasts(t.Context(), 10, hold); err != nil || len(list) != 0 || !next.IsZero() {
		t.Errorf("one that is done: %+v, next %v, %v", list, next, err)
	}
}

func testPageOfABroadcastIsOneCommit(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.newBroadcast(t, account, time.Time{})
	earlier := h.page(h.claimBroadcast(t), 2)
	h.clock.advance(hold)
	b := h.claimBroadcast(t)
	p := h.page(b, 3)
	p.Total, p.Skipped = 9, 2
	h.commitPage(t, p)
	wantCode(t, h.CommitBroadcast(t.Context(), earlier), tidings.CodeFenced)
	h.clock.advance(time.Minute)
	b = h.claimBroadcast(t)
	if b.After != 3 || b.Total != 9 || b.Queued != 3 || b.Skipped != 2 || b.State != tidings.BroadcastRunning {
		t.Errorf("after a page: %+v", b)
	}
	p = h.page(b, 1)
	p.Skipped, p.Done = 3, true
	h.commitPage(t, p)
	if b = h.broadcast(t, b); b.After != 4 || b.Total != 9 || b.Queued != 4 || b.Skipped != 5 || b.State != tidings.BroadcastDone || !b.EndedAt.Equal(h.clock.Now()) {
		t.Errorf("done: %+v", b)
	}
	wantCode(t, h.CommitBroadcast(t.Context(), p), tidings.CodeFenced)
	mails, err := h.Mails(t.Context(), tidings.MailQuery{Account: account, Broadcast: b.ID, Limit: 10})
	if err != nil || len(mails) != 4 || mails[0].Contact != 4 || mails[3].Contact != 1 {
		t.Errorf("mails %+v, %v", mails, err)
	}
}

func testPausedBroadcastWaitsAndGoesOn(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	b := h.newBroadcast(t, account, h.clock.Now().Add(time.Hour))
	do := func(name string, act func() (tidings.Broadcast, error), want tidings.BroadcastState) {
		t.Helper()
		got, err := act()
		if err != nil || got.State != want || !cmp.Equal(got, h.broadcast(t, b)) {
			t.Fatalf("%s: %+v, %v; want it %s", name, got, err, want)
		}
	}
	pause := func() (tidings.Broadcast, error) { return h.PauseBroadcast(t.Context(), account, b.ID, "ann") }
	resume := func() (tidings.Broadcast, error) { return h.ResumeBroadcast(t.Context(), account, b.ID, "ann") }
	do("before its time", pause, tidings.BroadcastPaused)
	_, err := pause()
	wantCode(t, err, tidings.CodeConflict)
	do("before its time", resume, tidings.BroadcastScheduled)
	_, err = resume()
	wantCode(t, err, tidings.CodeConflict)
	do("before its time, again", pause, tidings.BroadcastPaused)
	h.clock.advance(time.Hour)
	if list, next, err := h.ClaimBroadcasts(t.Context(), 10, hold); err != nil || len(list) != 0 || !next.IsZero() {
		t.Errorf("a paused one: %+v, next %v, %v", list, next, err)
	}
	do("after its time", resume, tidings.BroadcastRunning)

	claimed := h.claimBroadcast(t)
	do("while it is claimed", pause, tidings.BroadcastPaused)
	wantCode(t, h.CommitBroadcast(t.Context(), h.page(claimed, 2)), tidings.CodeFenced)
	do("it goes on", resume, tidings.BroadcastRunning)
	wantCode(t, h.CommitBroadcast(t.Context(), h.page(claimed, 2)), tidings.CodeFenced)
	p := h.page(h.claimBroadcast(t), 2)
	p.Done = true
	h.commitPage(t, p)
	do("while it is sent", pause, tidings.BroadcastPaused)
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.IsZero() {
		t.Errorf("mails of a paused one: %v, next %v", mails, next)
	}
	do("it is sent", resume, tidings.BroadcastDone)
	mails, _ := h.claimMails(t, 10)
	if len(mails) != 2 {
		t.Fatalf("mails %v", mails)
	}
	for _, m := range mails {
		if err := h.SettleMail(t.Context(), h.outcome(m, tidings.MailSent)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = pause()
	wantCode(t, err, tidings.CodeConflict)
}

func testCanceledBroadcastDropsItsMails(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	b := h.running(t, account, 1100) // more than are dropped at a time
	other := h.running(t, account, 1)
	inHand, _ := h.claimMails(t, 8) // a quarter is for broadcasts
	if len(inHand) < 2 {
		t.Fatalf("claimed %d", len(inHand))
	}
	canceled, err := h.CancelBroadcast(t.Context(), account, b.ID, "ann")
	if err != nil || canceled.State != tidings.BroadcastCanceled || canceled.EndedAt.IsZero() {
		t.Fatalf("%+v, %v", canceled, err)
	}
	_, err = h.CancelBroadcast(t.Context(), account, b.ID, "ann")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.ResumeBroadcast(t.Context(), account, b.ID, "ann")
	wantCode(t, err, tidings.CodeConflict)

	// Those that are being sent become what their claimant says; one that is to be tried again is not.
	sent := 0
	for i, m := range inHand {
		o := h.outcome(m, tidings.MailSent)
		if m.Broadcast == b.ID && sent > 0 {
			o.State, o.Due = tidings.MailQueued, h.clock.Now()
		} else if m.Broadcast == b.ID {
			sent++
		}
		if err := h.SettleMail(t.Context(), o); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	mails, err := h.Mails(t.Context(), tidings.MailQuery{Account: account, Broadcast: b.ID, Limit: 2000})
	states := map[tidings.MailState]int{}
	for _, m := range mails {
		states[m.State]++
	}
	if err != nil || states[tidings.MailSent] != 1 || states[tidings.MailDropped] != 1099 {
		t.Errorf("%v, %v", states, err)
	}
	h.clock.advance(hold)
	if mails, _ := h.claimMails(t, 10); len(mails) > 1 || len(mails) == 1 && mails[0].Broadcast != other.ID {
		t.Errorf("claimed %v", mails)
	}
	if b = h.broadcast(t, b); b.Sent != 1 || b.Queued != 1100 {
		t.Errorf("%+v", b)
	}
}

func testMailsInHandOfACanceledBroadcast(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	b := h.running(t, account, 3)
	h.claimMails(t, 10) // and whoever did is never heard of again
	if _, err := h.CancelBroadcast(t.Context(), account, b.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(hold)
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.IsZero() {
		t.Errorf("claimed %v, next %v", mails, next)
	}
	if n, err := h.PurgeMails(t.Context(), h.clock.Now()); err != nil || n != 3 {
		t.Errorf("purged %d, %v", n, err)
	}
}

func testMailsOfNoBroadcastAreNotHeldUp(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	one, two := h.running(t, account, 50), h.running(t, account, 50)
	h.clock.advance(time.Minute)
	for range 50 {
		h.queueMail(t, h.fullMail(account))
	}
	mails, _ := h.claimMails(t, 20)
	of := map[tidings.BroadcastID]int{}
	for _, m := range mails {
		of[m.Broadcast]++
	}
	if len(mails) != 20 || of[0] != 15 || of[one.ID] == 0 || of[two.ID] == 0 {
		t.Errorf("claimed of each broadcast: %v", of)
	}
	for len(mails) > 0 {
		if mails, _ = h.claimMails(t, 20); len(mails) > 20 {
			t.Errorf("%d were claimed", len(mails))
		}
		for _, m := range mails {
			of[m.Broadcast]++
		}
	}
	if of[0] != 50 || of[one.ID] != 50 || of[two.ID] != 50 {
		t.Errorf("claimed of each broadcast in the end: %v", of)
	}
}

func testBroadcastCountsItsMails(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	b := h.running(t, account, 5)
	mails, _ := h.claimMails(t, 10)
	var outcomes []tidings.MailOutcome
	for i, state := range []tidings.MailState{tidings.MailSent, tidings.MailSent, tidings.MailFailed, tidings.MailQueued} {
		outcomes = append(outcomes, h.outcome(mails[i], state))
	}
	for _, err := range h.SettleMails(t.Context(), outcomes) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.SettleMail(t.Context(), tidings.MailOutcome{Mail: mails[0].ID, At: h.clock.Now(), State: tidings.MailFailed}); err != nil {
		t.Fatal(err)
	}
	if b = h.broadcast(t, b); b.Queued != 5 || b.Sent != 2 || b.Failed != 2 {
		t.Errorf("%+v", b)
	}
}

func testBroadcastOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	b := h.newBroadcast(t, mine, time.Time{})
	_, err := h.Broadcast(t.Context(), other, b.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.PauseBroadcast(t.Context(), other, b.ID, "ann")
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.ResumeBroadcast(t.Context(), other, b.ID, "ann")
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.CancelBroadcast(t.Context(), other, b.ID, "ann")
	wantCode(t, err, tidings.CodeNotFound)
	if list, err := h.Broadcasts(t.Context(), other, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
