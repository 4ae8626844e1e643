package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func mailPromises() []promise {
	return []promise{
		{"MailComesBackAsItWasQueued", testMailComesBackAsItWasQueued},
		{"MailIsClaimedWhenItIsDue", testMailIsClaimedWhenItIsDue},
		{"SettledMailTellsItsActivity", testSettledMailTellsItsActivity},
		{"MailIsSettledByItsClaimantOnce", testMailIsSettledByItsClaimantOnce},
		{"BounceIsHeardOnce", testBounceIsHeardOnce},
		{"OutcomesOfManyMailsAreOneCommit", testOutcomesOfManyMailsAreOneCommit},
		{"MailsAreChosenAndPagedNewestFirst", testMailsAreChosenAndPaged},
		{"PurgeOfMailsLeavesThoseThatWait", testPurgeOfMailsLeavesThoseThatWait},
		{"MailOfAnotherAccountIsNotThere", testMailOfAnotherAccountIsNotThere},
	}
}

// fullMail is a mail with every field set that its maker sets.
func (h *harness) fullMail(account tidings.AccountID) tidings.Mail {
	return tidings.Mail{
		Account: account, IID: "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", Message: 5, Name: "Welcome", Tag: "a,b", Language: "uk", Contact: h.member(account, 1), External: "c-1",
		To: "Ann@Example.com", Workflow: 3, Block: "m", Instance: "92227cb7-4eef-4168-9ea5-43f3ed3559f8", Event: 9, EventKey: "42", EventType: "order",
		From: tidings.Mailbox{Name: "Крамниця", Address: "shop@example.com"}, ReplyTo: "help@example.com", Categories: []string{"NEWS", "TABLETS"},
		Subject: "Hello", HTML: "<p>" + strings.Repeat("ж", 2000) + "</p>", Text: "text\r\n", Due: h.clock.Now().Add(-time.Millisecond),
	}
}

func (h *harness) queueMail(t testing.TB, m tidings.Mail) tidings.MailID {
	t.Helper()
	id, err := h.QueueMail(t.Context(), m)
	if err != nil {
		t.Fatalf("QueueMail: %v", err)
	}
	return id
}

// plainMail is a mail to a contact.
func plainMail(c tidings.Contact) tidings.Mail {
	return tidings.Mail{Account: c.Account, Contact: c.ID, To: c.Channel(tidings.Email), Message: 5, Name: "Welcome", Subject: "Hello", Text: "text"}
}

func (h *harness) claimMails(t testing.TB, limit int) ([]tidings.Mail, time.Time) {
	t.Helper()
	mails, next, err := h.ClaimMails(t.Context(), limit, hold)
	if err != nil {
		t.Fatalf("ClaimMails: %v", err)
	}
	return mails, next
}

func (h *harness) claimMail(t testing.TB) tidings.Mail {
	t.Helper()
	mails, _ := h.claimMails(t, 1)
	if len(mails) != 1 {
		t.Fatalf("claimed %d mails", len(mails))
	}
	return mails[0]
}

// outcome is one of a claimed mail.
func (h *harness) outcome(m tidings.Mail, state tidings.MailState) tidings.MailOutcome {
	return tidings.MailOutcome{Mail: m.ID, Fence: m.Fence, At: h.clock.Now(), State: state}
}

// sentMail is a mail to a contact that was sent.
func (h *harness) sentMail(t testing.TB, m tidings.Mail) tidings.MailID {
	t.Helper()
	id := h.queueMail(t, m)
	if err := h.SettleMail(t.Context(), h.outcome(h.claimMail(t), tidings.MailSent)); err != nil {
		t.Fatalf("SettleMail: %v", err)
	}
	return id
}

// told gives what an account's feed says after a seq: a line for each
// activity, its status and then those of some fields that it has.
func (h *harness) told(t testing.TB, account tidings.AccountID, after tidings.Seq) []string {
	t.Helper()
	page, err := h.Read(t.Context(), tidings.ReadQuery{Account: account, After: after, MaxItems: 1000, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	told := []string{}
	for _, c := range page.Chunks {
		for i := range c.Len() {
			line := c.Kinds[i].Status().String()
			fields := map[string]json.RawMessage{}
			if err := json.Unmarshal(c.Wire(i), &fields); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"hardBounce", "statusDescription", "clickEventLink", "statusData"} {
				if value, has := fields[name]; has {
					line += " " + strings.NewReplacer(`statusData={"subscription":{"`, "", `":[`, "=[", "}}", "").Replace(name+"="+string(value))
				}
			}
			told = append(told, line)
		}
	}
	return told
}

func (h *harness) wantTold(t testing.TB, account tidings.AccountID, want ...string) {
	t.Helper()
	if got := h.told(t, account, 0); !slices.Equal(got, want) {
		t.Errorf("the feed says\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func testMailComesBackAsItWasQueued(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	test := h.fullMail(account)
	test.Test, test.IID, test.Due, test.Categories, test.HTML, test.Broadcast = true, "", time.Time{}, nil, "", 0
	var told atomic.Int64
	h.opts.MailsDue = func() { told.Add(1) }
	h.reopen(t)
	for i, want := range []tidings.Mail{h.fullMail(account), test} {
		id := h.queueMail(t, want)
		h.reopen(t)
		got, err := h.Mail(t.Context(), account, id)
		if want.IID == "" {
			if want.IID = got.IID; len(got.IID) != 36 {
				t.Errorf("%d: iid %q", i, got.IID)
			}
			want.Due = h.clock.Now()
		}
		want.ID, want.State, want.CreatedAt = id, tidings.MailQueued, h.clock.Now()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%d: %v (-want +got):\n%s", i, err, diff)
		}
		if byID, err := h.MailByID(t.Context(), id); err != nil || !cmp.Equal(want, byID) {
			t.Errorf("%d: by its id %+v, %v", i, byID, err)
		}
	}
	if told.Load() != 2 {
		t.Errorf("told %d times that mails are due", told.Load())
	}
	later := h.fullMail(account)
	later.Due = h.clock.Now().Add(time.Hour)
	h.queueMail(t, later)
	if told.Load() != 2 {
		t.Error("told of a mail that is not due")
	}
	_, err := h.QueueMail(t.Context(), h.fullMail(99))
	wantCode(t, err, tidings.CodeNotFound)
}

func testMailIsClaimedWhenItIsDue(t *testing.T, h *harness) {
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.IsZero() {
		t.Errorf("of an empty store: %v, next %v", mails, next)
	}
	account := h.newAccount(t, "shop").ID
	begin := h.clock.Now()
	for _, minutes := range []int{3, 1, 2} {
		m := h.fullMail(account)
		m.Due = begin.Add(time.Duration(minutes) * time.Minute)
		h.queueMail(t, m)
	}
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.Equal(begin.Add(time.Minute)) {
		t.Errorf("before they are due: %v, next %v", mails, next)
	}
	h.clock.advance(2 * time.Minute)
	mails, next := h.claimMails(t, 10)
	if len(mails) != 2 || mails[0].ID != 2 || mails[1].ID != 3 || !next.Equal(begin.Add(3*time.Minute)) {
		t.Fatalf("%v, next %v", mails, next)
	}
	want, err := h.Mail(t.Context(), account, 2)
	if diff := cmp.Diff(want, mails[0]); err != nil || diff != "" || want.Tries != 1 || want.Fence != 1 {
		t.Errorf("%v (-read +claimed):\n%s", err, diff)
	}
	o := h.outcome(mails[0], tidings.MailQueued)
	o.Due, o.Error = h.clock.Now().Add(30*time.Second), "smtp;451 4.7.1 later"
	if err := h.SettleMail(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(30 * time.Second)
	if again := h.claimMail(t); again.ID != 2 || again.Tries != 2 || again.Fence != 2 || again.LastError != o.Error {
		t.Errorf("again: %+v", again)
	}
	h.clock.advance(30 * time.Second)
	if mails, _ := h.claimMails(t, 10); len(mails) != 2 || mails[0].ID != 3 || mails[1].ID != 1 {
		t.Errorf("after the hold: %v", mails)
	}
	h.wantTold(t, account) // what goes on has no activity
}

func testSettledMailTellsItsActivity(t *testing.T, h *harness) {
	h.opts.ViewLink = func(id tidings.MailID) string { return fmt.Sprintf("https://t.example/v/%d", id) }
	h.reopen(t)
	account := h.newAccount(t, "shop").ID
	m := h.fullMail(account)
	h.queueMail(t, m)
	h.clock.advance(time.Second)
	if err := h.SettleMail(t.Context(), h.outcome(h.claimMail(t), tidings.MailSent)); err != nil {
		t.Fatal(err)
	}
	got, err := h.Mail(t.Context(), account, 1)
	if err != nil || got.State != tidings.MailSent || !got.SentAt.Equal(h.clock.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
	m.ID = 1
	want, err := tidings.MailActivity(&m, tidings.Delivered, h.clock.Now(), tidings.MailFacts{ViewLink: "https://t.example/v/1"})
	if err != nil {
		t.Fatal(err)
	}
	h.wantFeed(t, account, []tidings.Activity{want})

	listed, nobody := h.fullMail(account), h.fullMail(account)
	nobody.Contact = 0
	for _, c := range []struct {
		mail    tidings.Mail
		outcome tidings.MailOutcome
	}{
		{m, tidings.MailOutcome{State: tidings.MailFailed, Error: "smtp;554 5.7.1 Spam"}},
		{m, tidings.MailOutcome{State: tidings.MailFailed, Error: "smtp;550 5.1.1 unknown", Permanent: true}},
		{listed, tidings.MailOutcome{State: tidings.MailFailed, Error: strings.Repeat("ж", 3000)}},
		{nobody, tidings.MailOutcome{State: tidings.MailSent}},
	} {
		h.queueMail(t, c.mail)
		claimed := h.claimMail(t)
		c.outcome.Mail, c.outcome.Fence, c.outcome.At = claimed.ID, claimed.Fence, h.clock.Now()
		if err := h.SettleMail(t.Context(), c.outcome); err != nil {
			t.Fatal(err)
		}
	}
	h.wantTold(t, account, "DELIVERED", `UNDELIVERED hardBounce=false statusDescription="smtp;554 5.7.1 Spam"`,
		`UNDELIVERED hardBounce=true statusDescription="smtp;550 5.1.1 unknown"`, `UNDELIVERED hardBounce=true statusDescription="`+strings.Repeat("ж", 1000)+`"`)
	list, err := h.Blacklist(t.Context(), account, 0, 10)
	if err != nil || len(list) != 1 || list[0].Channel.Value != "ann@example.com" || list[0].Reason != "mail 3 bounced: smtp;550 5.1.1 unknown" {
		t.Errorf("black list %+v, %v", list, err)
	}
}

func testMailIsSettledByItsClaimantOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	h.queueMail(t, h.fullMail(account))
	earlier := h.claimMail(t)
	h.clock.advance(hold)
	claimed := h.claimMail(t)
	wantCode(t, h.SettleMail(t.Context(), h.outcome(earlier, tidings.MailSent)), tidings.CodeFenced)
	if err := h.SettleMail(t.Context(), h.outcome(claimed, tidings.MailSent)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.SettleMail(t.Context(), h.outcome(claimed, tidings.MailSent)), tidings.CodeFenced)
	wantCode(t, h.SettleMail(t.Context(), tidings.MailOutcome{Mail: 99, Fence: 1, State: tidings.MailSent}), tidings.CodeNotFound)
	wantCode(t, h.SettleMail(t.Context(), tidings.MailOutcome{Mail: 99, State: tidings.MailFailed}), tidings.CodeNotFound)
	h.wantTold(t, account, "DELIVERED")
}

func testBounceIsHeardOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	sent := h.sentMail(t, plainMail(ann))
	bounce := tidings.MailOutcome{Mail: sent, At: h.clock.Now(), State: tidings.MailFailed, Error: "smtp;550 5.2.2 full"}
	for range 2 {
		if err := h.SettleMail(t.Context(), bounce); err != nil {
			t.Fatal(err)
		}
	}
	// While its sender has it in hand, and waits for an answer that says less.
	h.queueMail(t, plainMail(ann))
	claimed := h.claimMail(t)
	bounce.Mail, bounce.Permanent = claimed.ID, true
	if err := h.SettleMail(t.Context(), bounce); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.SettleMail(t.Context(), h.outcome(claimed, tidings.MailSent)), tidings.CodeFenced)
	h.clock.advance(hold)
	if mails, next := h.claimMails(t, 10); len(mails) != 0 || !next.IsZero() {
		t.Errorf("a mail that bounced is claimed: %v, next %v", mails, next)
	}
	h.wantTold(t, account, "DELIVERED", `UNDELIVERED hardBounce=false statusDescription="smtp;550 5.2.2 full"`, `UNDELIVERED hardBounce=true statusDescription="smtp;550 5.2.2 full"`)
	if c, err := h.Contact(t.Context(), account, ann.ID); err != nil || !c.Channels[0].Blacklisted {
		t.Errorf("%+v, %v", c, err)
	}
}

func testOutcomesOfManyMailsAreOneCommit(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	var outcomes []tidings.MailOutcome
	for i := range 10 {
		h.queueMail(t, h.fullMail([]tidings.AccountID{one, two}[i%2]))
	}
	mails, _ := h.claimMails(t, 10)
	for i, m := range mails {
		o := h.outcome(m, tidings.MailSent)
		switch i {
		case 3:
			o.Fence++
		case 4:
			o.Mail = 99
		}
		outcomes = append(outcomes, o)
	}
	for i, err := range h.SettleMails(t.Context(), outcomes) {
		want := map[int]tidings.Code{3: tidings.CodeFenced, 4: tidings.CodeNotFound}[i]
		if tidings.CodeOf(err) != want {
			t.Errorf("%d: %v, want %q", i, err, want)
		}
	}
	if n, m := len(h.told(t, one, 0)), len(h.told(t, two, 0)); n != 4 || m != 4 {
		t.Errorf("%d and %d activities", n, m)
	}
}

func testMailsAreChosenAndPaged(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "shop").ID, h.newAccount(t, "other").ID
	h.member(account, 1)
	h.member(account, 2)
	h.queueMail(t, h.fullMail(other))
	for i := range 6 { // mails 2 to 7
		m := h.fullMail(account)
		m.Contact, m.Message, m.Workflow = tidings.ContactID(1+i%2), tidings.MessageID(1+i%3), tidings.WorkflowID(i/3)
		h.queueMail(t, m)
	}
	mails, _ := h.claimMails(t, 10)
	for _, m := range mails {
		if m.ID%3 == 0 {
			if err := h.SettleMail(t.Context(), h.outcome(m, tidings.MailFailed)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		q    tidings.MailQuery
		want string
	}{
		{tidings.MailQuery{Limit: 10}, "[7 6 5 4 3 2]"},
		{tidings.MailQuery{Limit: 2, Before: 5}, "[4 3]"},
		{tidings.MailQuery{Limit: 10, Contact: 1}, "[6 4 2]"},
		{tidings.MailQuery{Limit: 10, Message: 2}, "[6 3]"},
		{tidings.MailQuery{Limit: 10, Workflow: 1}, "[7 6 5]"},
		{tidings.MailQuery{Limit: 10, Workflow: 1, Message: 3, Contact: 2}, "[7]"},
		{tidings.MailQuery{Limit: 10, State: tidings.MailFailed}, "[6 3]"},
		{tidings.MailQuery{Limit: 10, State: tidings.MailQueued, Contact: 2}, "[7 5]"},
		{tidings.MailQuery{Limit: 10, Broadcast: 1}, "[]"},
	} {
		c.q.Account = account
		found, err := h.Mails(t.Context(), c.q)
		ids := []tidings.MailID{}
		for _, m := range found {
			ids = append(ids, m.ID)
			if m.HTML != "" || m.Subject == "" {
				t.Errorf("%+v: mail %d has a body, or no subject", c.q, m.ID)
			}
		}
		if err != nil || fmt.Sprint(ids) != c.want {
			t.Errorf("%+v: %v, %v; want %s", c.q, ids, err, c.want)
		}
	}
}

func testPurgeOfMailsLeavesThoseThatWait(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	waits := plainMail(ann)
	waits.Due = h.clock.Now().Add(24 * time.Hour)
	first := h.queueMail(t, waits)
	const total = 350 // more than are looked at in one step
	for range total {
		h.queueMail(t, plainMail(ann))
	}
	mails, _ := h.claimMails(t, total)
	var outcomes []tidings.MailOutcome
	for _, m := range mails {
		outcomes = append(outcomes, h.outcome(m, tidings.MailSent))
	}
	for _, err := range h.SettleMails(t.Context(), outcomes) {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.clock.advance(time.Hour)
	kept := h.sentMail(t, plainMail(ann))
	if n, err := h.PurgeMails(t.Context(), h.clock.Now()); err != nil || n != total {
		t.Errorf("purged %d, %v", n, err)
	}
	left, err := h.Mails(t.Context(), tidings.MailQuery{Account: account, Limit: 10})
	if err != nil || len(left) != 2 || left[0].ID != kept || left[1].ID != first {
		t.Errorf("left %+v, %v", left, err)
	}
	for _, m := range left {
		if m, err := h.MailByID(t.Context(), m.ID); err != nil || m.Text != "text" {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if told := h.told(t, account, 0); len(told) != total+1 {
		t.Errorf("%d activities are left", len(told))
	}
}

func testMailOfAnotherAccountIsNotThere(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	m := h.fullMail(one)
	id := h.queueMail(t, m)
	_, err := h.Mail(t.Context(), two, id)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.MailByID(t.Context(), 99)
	wantCode(t, err, tidings.CodeNotFound)
	for _, q := range []tidings.MailQuery{{}, {Contact: m.Contact}, {Message: m.Message}, {Workflow: m.Workflow}} {
		q.Account, q.Limit = two, 10
		if mails, err := h.Mails(t.Context(), q); err != nil || len(mails) != 0 {
			t.Errorf("%+v finds %v, %v", q, mails, err)
		}
	}
}
