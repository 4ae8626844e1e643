package message

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidings"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// startSender starts a sender of a store to a sink; it stops with the test.
func startSender(t testing.TB, f *fakeStore, k *sink, change func(*SenderOptions)) *Sender {
	t.Helper()
	links, err := NewLinks(LinkOptions{BaseURL: "https://m.example.com", Keys: linkKeys()})
	if err != nil {
		t.Fatal(err)
	}
	o := SenderOptions{Store: f, Links: links, VERP: VERP{Domain: "bounces.example.com", Keys: linkKeys()}, Log: quiet(), Now: func() time.Time { return f.now() }}
	if k != nil {
		o.Server = &Server{Addr: k.addr}
	}
	if change != nil {
		change(&o)
	}
	s, err := NewSender(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s
}

func TestWhatTheServerSaysDecidesOfAMail(t *testing.T) {
	for to, want := range map[string]struct {
		outcome string
		dead    bool
		retry   time.Duration
	}{
		"accept@example.com": {"sent: ", false, 0},
		"refuse@example.com": {"failed: smtp;550 5.1.1 No such user here", true, 0},
		"spam@example.com":   {"failed: smtp;554 5.7.1 Spam message rejected; If this is not spam contact abuse", false, 0},
		"grey@example.com":   {"queued: smtp;451 4.7.1 Greylisted, try again", false, time.Minute},
		"full@example.com":   {"queued: smtp;452 4.2.2 Mailbox full", false, time.Minute},
		"closes@example.com": {"queued: smtp;421 4.3.2 Closing", false, time.Minute},
		"no address":         {`failed: the address "no address" can't be used: it must be an email address such as ann@example.com`, false, 0},
	} {
		f, k := newFakeStore(), newSink(t, nil)
		first := f.queue("accept@other.example") // so that the conversation is not a new one
		id := f.queue(to)
		after := f.queue("accept@third.example")
		startSender(t, f, k, func(o *SenderOptions) { o.Connections = 1 })
		f.waitFor(t, to, func() bool {
			return len(f.outcomesOf(id)) > 0 && len(f.outcomesOf(first)) > 0 && len(f.outcomesOf(after)) > 0
		})
		f.with(func() {
			if got := f.outcomesOf(id); got[0] != want.outcome {
				t.Errorf("%s: %q, want %q", to, got[0], want.outcome)
			}
			for _, o := range f.outcomes {
				if o.Mail == id && (o.Permanent != want.dead || want.retry > 0 && o.Due.Sub(o.At).Round(time.Second) != want.retry) {
					t.Errorf("%s: dead %v, again in %v", to, o.Permanent, o.Due.Sub(o.At))
				}
				if o.Mail != id && o.State != tidings.MailSent {
					t.Errorf("%s: another mail was %s: %s", to, o.State, o.Error)
				}
			}
		})
	}
}

// TestAServerThatThinksLongIsWaitedFor: its answer comes when the claim would have
// ended twice over. The mail is kept in hand, and not sent again.
func TestAServerThatThinksLongIsWaitedFor(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	id := f.queue("thinks@example.com")
	links, err := NewLinks(LinkOptions{BaseURL: "https://m.example.com", Keys: linkKeys()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSender(SenderOptions{Store: f, Links: links, VERP: VERP{Domain: "bounces.example.com", Keys: linkKeys()}, Log: quiet(), Server: &Server{Addr: k.addr}})
	if err != nil {
		t.Fatal(err)
	}
	s.o.Hold = 2 * time.Second // shorter than an operator may have it
	s.Start()
	f.waitFor(t, "the claim to be renewed", func() bool { return len(f.outcomesOf(id)) == 3 })
	close(k.may)
	f.waitFor(t, "the mail", f.allSettled)
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	f.with(func() {
		if f.mails[id].State != tidings.MailSent || f.mails[id].Tries != 1 {
			t.Errorf("it is %s after %d tries", f.mails[id].State, f.mails[id].Tries)
		}
	})
	if n := len(k.taken("thinks@example.com")); n != 1 {
		t.Errorf("it came %d times", n)
	}
}

// TestAServerThatWantsALoginIsAskedNowAndThen: it greets everybody and refuses
// every mail. No mail fails for that, and the server is not run into without end.
func TestAServerThatWantsALoginIsAskedNowAndThen(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	var later atomic.Int64
	start := time.Now()
	f.now = func() time.Time { return start.Add(time.Duration(later.Load())) }
	k.locked.Store(true)
	ids := []tidings.MailID{f.queue("a@example.com"), f.queue("b@example.com"), f.queue("c@other.example")}
	s := startSender(t, f, k, nil)
	f.waitFor(t, "the refusals", func() bool {
		return !slices.ContainsFunc(ids, func(id tidings.MailID) bool { return len(f.outcomesOf(id)) == 0 })
	})
	f.with(func() {
		for _, o := range f.outcomes {
			if o.State != tidings.MailQueued || o.Error != "smtp;530 5.7.0 Authentication required" && !strings.HasPrefix(o.Error, "the mail server can't be reached: smtp;530") {
				t.Errorf("mail %d is %s: %s", o.Mail, o.State, o.Error)
			}
			if !o.Due.After(start) {
				t.Errorf("mail %d is tried again at once", o.Mail)
			}
		}
		if words := s.Status().Error; words != "smtp;530 5.7.0 Authentication required" {
			t.Errorf("the status says %q", words)
		}
		k.locked.Store(false)
		later.Store(int64(2 * time.Minute))
	})
	s.Wake()
	f.waitFor(t, "the mails", f.allSettled)
	if words := s.Status().Error; words != "" {
		t.Errorf("the status still says %q", words)
	}
}

func TestAGreylistedMailArrivesLaterAndOnce(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	clock := time.Now()
	f.now = func() time.Time { return clock }
	id := f.queue("grey@example.com")
	s := startSender(t, f, k, nil)
	f.waitFor(t, "the refusal", func() bool { return len(f.outcomesOf(id)) == 1 })
	f.with(func() { f.mails[id].Due = clock })
	s.Wake()
	f.waitFor(t, "the mail", f.allSettled)
	if n := len(k.taken("grey@example.com")); n != 1 {
		t.Errorf("it came %d times", n)
	}
}

// TestAMailIsSentTwiceOnlyWhenTheAnswerWasLost: the server takes the mail and
// dies before it answers. It is sent again, under the same Message-ID.
func TestAMailIsSentTwiceOnlyWhenTheAnswerWasLost(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	id := f.queue("dies@example.com")
	s := startSender(t, f, k, nil)
	f.waitFor(t, "the loss", func() bool { return len(f.outcomesOf(id)) == 1 })
	f.with(func() {
		if got := f.outcomesOf(id)[0]; got != "queued: the connection broke after the mail was sent and before the server's answer: it closed the connection" {
			t.Errorf("the outcome is %q", got)
		}
		f.mails[id].Due = f.now()
	})
	s.Wake()
	f.waitFor(t, "the mail", f.allSettled)
	mails := k.taken("dies@example.com")
	if len(mails) != 2 {
		t.Fatalf("it came %d times", len(mails))
	}
	if a, b := header(t, mails[0].data, "Message-Id"), header(t, mails[1].data, "Message-Id"); a != b || a == "" {
		t.Errorf("the Message-IDs are %q and %q", a, b)
	}
	if s.Status().Lost != 1 {
		t.Errorf("the status is %+v", s.Status())
	}
}

func header(t testing.TB, data, name string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryMailComesOnce(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	const n = 1500
	for i := range n {
		f.queue(fmt.Sprintf("a%d@d%d.example", i, i%7))
	}
	startSender(t, f, k, nil)
	f.waitFor(t, "all mails", f.allSettled)
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := map[string]int{}
	for _, m := range k.mails {
		seen[m.to]++
	}
	if len(seen) != n || len(k.mails) != n {
		t.Errorf("%d mails to %d addresses, want %d", len(k.mails), len(seen), n)
	}
}

func TestAServerThatIsDownCostsNoMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	f := newFakeStore()
	for i := range 20 {
		f.queue(fmt.Sprintf("a%d@example.com", i))
	}
	s := startSender(t, f, nil, func(o *SenderOptions) { o.Server = &Server{Addr: addr} })
	f.waitFor(t, "a try", func() bool { return len(f.outcomes) > 0 })
	f.with(func() {
		if o := f.outcomes[0]; o.State != tidings.MailQueued || !strings.HasPrefix(o.Error, "the mail server can't be reached: ") {
			t.Errorf("the outcome is %s: %s", o.State, o.Error)
		}
	})
	if s.Status().Error == "" {
		t.Error("the status does not say that the server is down")
	}
	again := newSinkAt(t, addr, nil)
	f.waitFor(t, "all mails", f.allSettled)
	again.mu.Lock()
	defer again.mu.Unlock()
	if len(again.mails) != 20 {
		t.Errorf("%d mails came", len(again.mails))
	}
}

func TestAServerThatRefusesTheLoginCostsNoMail(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	f.queue("a@example.com")
	s := startSender(t, f, k, func(o *SenderOptions) {
		o.Server.User, o.Server.Password, o.Server.TLS = "shop", "wrong", TLSNone
	})
	f.waitFor(t, "a try", func() bool { return len(f.outcomes) > 0 })
	f.with(func() {
		if o := f.outcomes[0]; o.State != tidings.MailQueued || !strings.Contains(o.Error, "login") {
			t.Errorf("the outcome is %s: %s", o.State, o.Error)
		}
	})
	if strings.Contains(s.Status().Error, "wrong") {
		t.Errorf("the status tells the password: %s", s.Status().Error)
	}
}

// TestWhoWentMeanwhileGetsNothing: between the making of a mail and its sending
// the contact may unsubscribe, be black-listed or deleted, or get another address.
func TestWhoWentMeanwhileGetsNothing(t *testing.T) {
	for want, change := range map[string]func(*fakeStore, tidings.MailID){
		"failed: the contact has unsubscribed: nothing was sent": func(f *fakeStore, id tidings.MailID) {
			f.contacts[tidings.ContactID(id)].Subscriptions = []string{"sale"}
		},
		"failed: the address is in the black list: nothing was sent": func(f *fakeStore, id tidings.MailID) {
			f.contacts[tidings.ContactID(id)].Channels[0].Blacklisted = true
		},
		"failed: the contact was deleted before the mail was sent": func(f *fakeStore, id tidings.MailID) { delete(f.contacts, tidings.ContactID(id)) },
		"failed: the contact does not have this address any more: nothing was sent": func(f *fakeStore, id tidings.MailID) {
			f.contacts[tidings.ContactID(id)].Channels[0].Value = "b@example.com"
		},
		"sent: ": func(f *fakeStore, id tidings.MailID) {
			f.contacts[tidings.ContactID(id)].Channels[0].Value = "A@Example.com"
		},
	} {
		for _, k := range []*sink{newSink(t, nil), nil} { // nil: the outbox
			f := newFakeStore()
			id := f.queue("a@example.com")
			change(f, id)
			startSender(t, f, k, nil)
			f.waitFor(t, want, func() bool { return len(f.outcomesOf(id)) > 0 })
			f.with(func() {
				if got := f.outcomesOf(id)[0]; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
			if k != nil && (len(k.taken("a@example.com")) > 0) != (want == "sent: ") {
				t.Errorf("%s: %d mails came", want, len(k.taken("a@example.com")))
			}
		}
	}
}

func TestAMailIsGivenUpAfterThreeDaysWithTheLastWords(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	id := f.queue("full@example.com")
	f.mails[id].CreatedAt = f.now().Add(-giveUpAfter)
	f.mails[id].Tries = giveUpTries - 1
	young := f.queue("full@young.example")
	f.mails[young].Tries = 100
	startSender(t, f, k, nil)
	f.waitFor(t, "the end", func() bool { return len(f.outcomesOf(id)) > 0 && len(f.outcomesOf(young)) > 0 })
	f.with(func() {
		if got := f.outcomesOf(id)[0]; got != "failed: smtp;452 4.2.2 Mailbox full" {
			t.Errorf("the old one: %q", got)
		}
		if got := f.outcomesOf(young)[0]; got != "queued: smtp;452 4.2.2 Mailbox full" {
			t.Errorf("the young one: %q", got)
		}
	})
}

func TestRetriesComeByTheSchedule(t *testing.T) {
	var minutes []int
	for tries := range 10 {
		minutes = append(minutes, int(retryIn(tries)/time.Minute))
	}
	if want := []int{1, 1, 2, 4, 8, 16, 32, 60, 60, 60}; !slices.Equal(minutes, want) {
		t.Errorf("%v, want %v", minutes, want)
	}
}

// TestWhatCannotBeStoredIsStoredLater: the mail went out; the store is away
// when it is to hear of it.
func TestWhatCannotBeStoredIsStoredLater(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	id := f.queue("a@example.com")
	s := startSender(t, f, k, func(o *SenderOptions) { o.Store = &awayStore{fakeStore: f, times: 2} })
	f.waitFor(t, "the mail", func() bool { return len(f.outcomesOf(id)) == 1 })
	if n := len(k.taken("a@example.com")); n != 1 {
		t.Errorf("it came %d times", n)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// awayStore can't settle a few times.
type awayStore struct {
	*fakeStore
	times int
}

func (a *awayStore) SettleMails(ctx context.Context, outcomes []tidings.MailOutcome) []error {
	if a.times > 0 {
		a.times--
		return slices.Repeat([]error{tidings.Errorf(tidings.CodeUnavailable, "the store is away")}, len(outcomes))
	}
	return a.fakeStore.SettleMails(ctx, outcomes)
}

func TestStopGivesBackWhatWaits(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	for i := range 300 {
		f.queue(fmt.Sprintf("a%d@example.com", i))
	}
	s := startSender(t, f, k, func(o *SenderOptions) { o.Connections, o.Pace.PerDomain = 1, 1 })
	f.waitFor(t, "the first", func() bool { return len(f.outcomes) > 0 })
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := s.Status().InHand; n != 0 {
		t.Errorf("%d mails are in hand", n)
	}
	f.with(func() {
		sent := 0
		for m := range f.each() {
			if m.State == tidings.MailSent {
				sent++
			} else if !f.held[m.ID].IsZero() {
				t.Errorf("mail %d is still held", m.ID)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.mails) != sent {
			t.Errorf("%d mails came, %d are marked as sent", len(k.mails), sent)
		}
	})
}

// TestAnImpatientStopCutsOffAndStoresThat: the server does not answer; Stop
// does not wait for it, and nothing is left in hand.
func TestAnImpatientStopCutsOffAndStoresThat(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	release := make(chan struct{})
	k.hang("dead.example", release)
	defer close(release)
	id := f.queue("a@dead.example")
	s := startSender(t, f, k, nil)
	k.waitFor(t, "a@dead.example")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Stop(ctx); err == nil {
		t.Error("Stop does not say that it cut mails off")
	}
	f.with(func() {
		if got := f.outcomesOf(id); len(got) != 1 || !strings.HasPrefix(got[0], "queued: the connection to the mail server broke") {
			t.Errorf("the outcomes are %q", got)
		}
	})
}

// TestLargeMailsAreNotAllClaimedAtOnce: what is in memory at once is bounded.
func TestLargeMailsAreNotAllClaimedAtOnce(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	large := strings.Repeat("x", 4<<20)
	for i := range 200 {
		f.mails[f.queue(fmt.Sprintf("a%d@dead.example", i))].Text = large
	}
	release := make(chan struct{})
	k.hang("dead.example", release)
	s := startSender(t, f, k, func(o *SenderOptions) { o.Connections = 2 })
	k.waitFor(t, "a0@dead.example")
	k.waitFor(t, "a1@dead.example")
	if n := s.Status().InHand; n > claimAtOnce {
		t.Errorf("%d mails are in hand", n)
	}
	close(release)
}

func TestALetterSaysAllThatReceiversAskFor(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	id := f.queue("a@example.com")
	m := f.mails[id]
	m.Subject, m.From.Name, m.ReplyTo, m.Broadcast, m.Message = "Знижка 20 % – тільки сьогодні, і ще трохи тексту, щоб рядок був довгим", "Крамниця", "help@example.com", 4, 9
	m.HTML = "<p>.\r\n.dot</p><a href='" + markUnsubscribe + "'>bye</a>"
	startSender(t, f, k, nil)
	f.waitFor(t, "the mail", f.allSettled)
	got := k.taken("a@example.com")[0]
	if v := (VERP{Domain: "bounces.example.com", Keys: linkKeys()}); got.from != v.Address(int64(id)) || header(t, got.data, "Message-Id") != "<"+v.MessageID(int64(id))+">" {
		t.Errorf("return path %s, Message-ID %s", got.from, header(t, got.data, "Message-Id"))
	}
	for name, want := range map[string]string{
		"Subject": m.Subject, "From": "Крамниця <shop@example.com>", "To": "<a@example.com>", "Reply-To": "<help@example.com>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Feedback-Id": "b4:1:broadcast:tidings", "Mime-Version": "1.0",
	} {
		if h := header(t, got.data, name); h != want {
			t.Errorf("%s is %q, want %q", name, h, want)
		}
	}
	unsubscribe := strings.Trim(header(t, got.data, "List-Unsubscribe"), "<>")
	if !strings.HasPrefix(unsubscribe, "https://m.example.com/u/") {
		t.Errorf("List-Unsubscribe is %q", unsubscribe)
	}
	if text := partOf(t, got.data, "text/plain"); text != ". .dot\n\nbye ("+unsubscribe+")\n" {
		t.Errorf("the text is %q", text)
	}
	if html := partOf(t, got.data, "text/html"); !strings.HasPrefix(html, "<p>.\n.dot</p><a href='"+unsubscribe+"'>bye</a><img ") {
		t.Errorf("the html is %q", html)
	}
	if strings.Contains(got.data, "go-mail") || bytes.Contains([]byte(strings.ReplaceAll(got.data, "\r\n", "")), []byte("\n")) {
		t.Errorf("the data is\n%s", got.data)
	}
}
