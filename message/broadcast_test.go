package message

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/store"
	"tidings/store/sqlitetest"
)

// fresh is the data directory of a store at its first start.
var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return store.OpenSQLite(context.Background(), store.Options{Dir: dir})
}}

// shop is a real store with an account, a segment of contacts and a message.
type shop struct {
	*store.Store
	account tidings.AccountID
	segment tidings.SegmentID
	message tidings.MessageID
	links   *Links
	mails   chan struct{} // capacity 1: mails are due
	grown   chan struct{} // capacity 1: there are more activities
}

const everybody = `Hello $FIRSTNAME, <a href="https://shop.example/?a=1&amp;b=2">look</a> <a href="$unsubscribeLink">bye</a>`

func newShop(t testing.TB, contacts int) *shop {
	t.Helper()
	links, err := NewLinks(LinkOptions{BaseURL: "https://m.example.com", Keys: linkKeys()})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{links: links, mails: make(chan struct{}, 1), grown: make(chan struct{}, 1)}
	ctx := context.Background()
	s.Store, err = store.OpenSQLite(ctx, store.Options{
		Dir: fresh.Dir(t), SealEvery: -1, ViewLink: links.View, MailsDue: func() { poke(s.mails) }, Log: quiet(),
		Appended: func(tidings.AccountID, tidings.Seq) { poke(s.grown) },
	})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	account, _, err := s.CreateAccount(ctx, "Shop", tidings.NewKey{Name: "first", Scopes: tidings.AllScopes()}, "test")
	must(t, err)
	s.account = account.ID
	group, err := s.CreateSegment(ctx, tidings.Segment{
		Account: s.account, Name: "all", Condition: &tidings.Condition{Field: "FIRSTNAME", Op: tidings.IsSet},
	}, "test")
	must(t, err)
	s.segment = group.ID
	m, err := s.CreateMessage(ctx, tidings.Message{
		Account: s.account, Name: "Sale", From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"},
		Content: tidings.Content{Subject: "Sale for $FIRSTNAME", HTML: everybody},
	}, "test")
	must(t, err)
	s.message = m.ID
	s.people(t, contacts)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// people imports contacts p1, p2 … over seven domains.
func (s *shop) people(t testing.TB, n int) {
	for from := 0; from < n; from += 500 {
		var batch []tidings.ContactChange
		for i := from; i < min(from+500, n); i++ {
			email, name := fmt.Sprintf("p%d@d%d.example", i, i%7), fmt.Sprintf("P%d", i)
			batch = append(batch, tidings.ContactChange{Email: &email, FirstName: &name})
		}
		_, err := s.ImportContacts(context.Background(), s.account, batch, tidings.MatchAny)
		must(t, err)
	}
}

func (s *shop) broadcast(t testing.TB, perMinute int) tidings.Broadcast {
	t.Helper()
	br, err := s.CreateBroadcast(context.Background(), tidings.Broadcast{Account: s.account, Name: "b", Message: s.message, Segment: s.segment, PerMinute: perMinute}, "test")
	must(t, err)
	return br
}

// until waits until a broadcast is as wanted.
func (s *shop) until(t testing.TB, id tidings.BroadcastID, what string, holds func(*tidings.Broadcast) bool) tidings.Broadcast {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(60 * time.Second); ; <-tick.C {
		br, err := s.Broadcast(context.Background(), s.account, id)
		must(t, err)
		if holds(&br) {
			return br
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s: %+v", what, br)
		}
	}
}

func (s *shop) send(t testing.TB, k *sink) *Sender {
	t.Helper()
	sender, err := NewSender(SenderOptions{Store: s.Store, Links: s.links, VERP: VERP{Domain: "b.example.com", Keys: linkKeys()}, Server: &Server{Addr: k.addr}, Log: quiet()})
	must(t, err)
	sender.Start()
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-s.mails:
				sender.Wake()
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-ended
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sender.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return sender
}

// TestABroadcastReachesEverybodyOnce also when its maker ends again and again,
// and with real parts: store, sender, server, activities.
func TestABroadcastReachesEverybodyOnce(t *testing.T) {
	const n = 1100 // three pages
	s, k := newShop(t, n), newSink(t, nil)
	ctx := context.Background()
	// Two of them are not to get it.
	must(t, discard(s.AddToBlacklist(ctx, s.account, []tidings.Channel{{Type: tidings.Email, Value: "p3@d3.example"}}, "test")))
	nobody, phone := "Nobody", "380671234567"
	must(t, discard(s.CreateContact(ctx, s.account, tidings.ContactChange{FirstName: &nobody, SMS: &phone})))
	s.send(t, k)
	br := s.broadcast(t, 0)
	for made := int64(-1); ; {
		b := NewBroadcaster(BroadcasterOptions{Store: s.Store, Log: quiet(), Hold: time.Millisecond})
		b.Start()
		now := s.until(t, br.ID, "a page", func(br *tidings.Broadcast) bool { return br.Queued > made || br.State == tidings.BroadcastDone })
		b.Stop()
		b.Stop()
		made = now.Queued
		if now.State == tidings.BroadcastDone {
			break
		}
	}
	end := s.until(t, br.ID, "all mails", func(br *tidings.Broadcast) bool { return br.Sent+br.Failed == br.Queued })
	if end.Total != n+1 || end.Queued != n-1 || end.Skipped != 2 || end.Sent != n-1 {
		t.Errorf("the broadcast is %+v", end)
	}
	k.mu.Lock()
	seen := map[string]int{}
	for _, m := range k.mails {
		seen[m.to]++
	}
	k.mu.Unlock()
	if len(seen) != n-1 || len(k.mails) != n-1 {
		t.Errorf("%d mails to %d addresses", len(k.mails), len(seen))
	}
	if name := header(t, k.taken("p8@d1.example")[0].data, "Subject"); name != "Sale for P8" {
		t.Errorf("the subject is %q", name)
	}
	told := s.activities(t)
	for _, wire := range told {
		if !strings.Contains(string(wire), fmt.Sprintf(`"broadcastId":%d`, br.ID)) || !strings.Contains(string(wire), `"activityStatus":"DELIVERED"`) {
			t.Fatalf("the feed has %s", wire)
		}
	}
	if len(told) != n-1 {
		t.Errorf("the feed tells of %d mails", len(told))
	}
}

// activities gives the feed of the shop.
func (s *shop) activities(t testing.TB) (all [][]byte) {
	t.Helper()
	page, err := s.Read(context.Background(), tidings.ReadQuery{Account: s.account, MaxItems: 1 << 20, MaxBytes: 1 << 30})
	must(t, err)
	for _, chunk := range page.Chunks {
		for i := range chunk.Len() {
			all = append(all, chunk.Wire(i))
		}
	}
	return all
}

// untilActivities waits until the feed has so many.
func (s *shop) untilActivities(t testing.TB, n int) {
	t.Helper()
	for {
		if len(s.activities(t)) >= n {
			return
		}
		select {
		case <-s.grown:
		case <-time.After(20 * time.Second):
			t.Fatalf("the feed has %d activities, not %d", len(s.activities(t)), n)
		}
	}
}

func discard[T any](_ T, err error) error { return err }

func TestAPausedBroadcastWaitsAndACanceledOneEnds(t *testing.T) {
	s := newShop(t, 30)
	b := NewBroadcaster(BroadcasterOptions{Store: s.Store, Log: quiet()})
	b.Start()
	defer b.Stop()
	ctx := context.Background()
	br := s.broadcast(t, 60) // pages of ten, one each ten seconds
	b.Wake()
	s.until(t, br.ID, "the first page", func(br *tidings.Broadcast) bool { return br.Queued == 10 })
	must(t, discard(s.PauseBroadcast(ctx, s.account, br.ID, "test")))
	must(t, discard(s.ResumeBroadcast(ctx, s.account, br.ID, "test")))
	b.Wake()
	s.until(t, br.ID, "the second page", func(br *tidings.Broadcast) bool { return br.Queued == 20 })
	must(t, discard(s.CancelBroadcast(ctx, s.account, br.ID, "test")))
	end := s.until(t, br.ID, "the end", func(br *tidings.Broadcast) bool { return br.State == tidings.BroadcastCanceled })
	mails, err := s.Mails(ctx, tidings.MailQuery{Account: s.account, Broadcast: br.ID, State: tidings.MailDropped, Limit: 100})
	must(t, err)
	if len(mails) != 20 || end.Queued != 20 {
		t.Errorf("%d mails are dropped of %d", len(mails), end.Queued)
	}
}

// TestABroadcastOfLargeMailsIsMadeInSmallPages: what is in memory at once is bounded.
func TestABroadcastOfLargeMailsIsMadeInSmallPages(t *testing.T) {
	s := newShop(t, 20)
	ctx := context.Background()
	m, err := s.Message(ctx, s.account, s.message)
	must(t, err)
	m.Content.HTML = "#foreach($i in [1..200])" + strings.Repeat("x", 10_000) + "#end"
	must(t, discard(s.UpdateMessage(ctx, m, "test", "")))
	br := s.broadcast(t, 0)
	b := NewBroadcaster(BroadcasterOptions{Store: &pagesSeen{BroadcasterStore: s.Store, t: t}, Log: quiet()})
	b.Start()
	defer b.Stop()
	if end := s.until(t, br.ID, "the end", func(br *tidings.Broadcast) bool { return br.State == tidings.BroadcastDone }); end.Queued != 20 {
		t.Errorf("the broadcast is %+v", end)
	}
}

// pagesSeen looks at the size of pages.
type pagesSeen struct {
	BroadcasterStore
	t *testing.T
}

func (p *pagesSeen) CommitBroadcast(ctx context.Context, page tidings.BroadcastPage) error {
	if n := len(page.Mails); n > 9 {
		p.t.Errorf("a page has %d mails of 2 MB", n)
	}
	return p.BroadcasterStore.CommitBroadcast(ctx, page)
}

func TestABroadcastThatCanNotGoOnIsCanceled(t *testing.T) {
	s := newShop(t, 3)
	ctx := context.Background()
	br := s.broadcast(t, 0)
	m, err := s.Message(ctx, s.account, s.message)
	must(t, err)
	must(t, s.DeleteMessage(ctx, s.account, m.ID, "test"))
	b := NewBroadcaster(BroadcasterOptions{Store: s.Store, Log: quiet()})
	b.Start()
	defer b.Stop()
	end := s.until(t, br.ID, "the end", func(br *tidings.Broadcast) bool { return br.State == tidings.BroadcastCanceled })
	if end.Queued != 0 {
		t.Errorf("%d mails were made", end.Queued)
	}
}

// BenchmarkBroadcast makes, sends and settles mails with real parts on one
// machine: store, templates, SMTP over loopback, the sink. One turn is one mail.
func BenchmarkBroadcast(b *testing.B) {
	s := newShop(b, b.N)
	k := newSink(b, nil)
	s.send(b, k)
	maker := NewBroadcaster(BroadcasterOptions{Store: s.Store, Log: quiet()})
	defer maker.Stop()
	b.ResetTimer()
	br := s.broadcast(b, 0)
	maker.Start()
	s.until(b, br.ID, "all mails", func(br *tidings.Broadcast) bool {
		return br.State == tidings.BroadcastDone && br.Sent+br.Failed == br.Queued
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// TestASlowMessageMakesShortPages: each mail takes a second here, and a claim
// of a minute would be over before its page of 500 is stored.
func TestASlowMessageMakesShortPages(t *testing.T) {
	s := newShop(t, 40)
	s.broadcast(t, 0)
	now := time.Now().Add(-time.Hour) // so that the next page is due at once by the store's clock
	b := NewBroadcaster(BroadcasterOptions{Store: s.Store, Hold: time.Minute, Log: quiet(), Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	defer b.Stop()
	pages, made := 0, int64(0)
	for ; ; pages++ {
		list, _, err := s.ClaimBroadcasts(t.Context(), 1, time.Minute)
		must(t, err)
		if len(list) == 0 {
			break
		}
		begun := now
		must(t, b.page(&list[0]))
		if took := now.Sub(begun); took > 15*time.Second {
			t.Errorf("page %d took %s", pages, took)
		}
		after, err := s.Broadcast(t.Context(), s.account, list[0].ID)
		must(t, err)
		made = after.Queued
	}
	if made != 40 || pages < 4 {
		t.Errorf("%d mails in %d pages", made, pages)
	}
}
