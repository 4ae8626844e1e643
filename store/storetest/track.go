package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tidings"
)

func trackPromises() []promise {
	return []promise{
		{"FirstOpenIsRead", testFirstOpenIsRead},
		{"OpensOfMachinesCountWhenTheAccountSaysSo", testOpensOfMachinesCount},
		{"UnsubscribingTakesTheMailsCategoriesOff", testUnsubscribingTakesCategoriesOff},
		{"UnsubscribingFromAMailWithoutCategoriesIsFromAll", testUnsubscribingFromAll},
		{"PreferencesBecomeTheContacts", testPreferencesBecomeTheContacts},
		{"ComplaintIsSpamOnce", testComplaintIsSpamOnce},
		{"DeliveredComesBeforeWhatProvesIt", testDeliveredComesBeforeWhatProvesIt},
		{"HitsThatComeTogetherAreAllTold", testHitsThatComeTogetherAreAllTold},
		{"HitOnNoMailIsNotFound", testHitOnNoMailIsNotFound},
	}
}

func (h *harness) track(t testing.TB, hit tidings.Hit) {
	t.Helper()
	if hit.At.IsZero() {
		hit.At = h.clock.Now()
	}
	if err := h.Track(t.Context(), hit); err != nil {
		t.Fatalf("Track %s: %v", hit.Kind, err)
	}
}

// subscriber is a contact with categories.
func (h *harness) subscriber(t testing.TB, account tidings.AccountID, email, categories string) tidings.Contact {
	t.Helper()
	return h.newContact(t, account, "email "+email, "subscriptions "+categories)
}

func testFirstOpenIsRead(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	id := h.sentMail(t, plainMail(ann))
	h.clock.advance(time.Minute)
	first := h.clock.Now()
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitOpen})
	h.clock.advance(time.Minute)
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitOpen})
	for range 2 {
		h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitClick, URL: "https://shop.example/?a=1"})
	}
	h.wantTold(t, account, "DELIVERED", "READ", `CLICKED clickEventLink="https://shop.example/?a=1"`, `CLICKED clickEventLink="https://shop.example/?a=1"`)
	if m, err := h.MailByID(t.Context(), id); err != nil || !m.OpenedAt.Equal(first) {
		t.Errorf("%+v, %v", m, err)
	}
}

func testOpensOfMachinesCount(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	id := h.sentMail(t, plainMail(ann))
	open := tidings.Hit{Mail: id, Kind: tidings.HitOpen, Machine: true}
	click := tidings.Hit{Mail: id, Kind: tidings.HitClick, Machine: true, URL: "https://shop.example/"}
	h.track(t, open)
	h.track(t, click)
	h.wantTold(t, account, "DELIVERED")
	if _, err := h.UpdateMailSettings(t.Context(), account, tidings.MailSettings{CountMachineOpens: true}, "admin"); err != nil {
		t.Fatal(err)
	}
	h.track(t, open)
	h.track(t, click)
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitOpen})
	h.wantTold(t, account, "DELIVERED", "READ", `CLICKED clickEventLink="https://shop.example/"`)
}

func testUnsubscribingTakesCategoriesOff(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.subscriber(t, account, "ann@example.com", "NEWS PHONES TABLETS")
	m := plainMail(ann)
	m.Categories = []string{"PHONES", "NEWS"}
	id := h.sentMail(t, m)
	unsubscribe := tidings.Hit{Mail: id, Kind: tidings.HitUnsubscribe}
	h.track(t, unsubscribe)
	h.track(t, unsubscribe) // one click, twice
	if c, err := h.Contact(t.Context(), account, ann.ID); err != nil || !slices.Equal(c.Subscriptions, []string{"TABLETS"}) || c.Channels[0].Blacklisted {
		t.Errorf("%+v, %v", c, err)
	}
	h.wantTold(t, account, "DELIVERED", `UNSUBSCRIBED subscriptions=["TABLETS"]`)
	// Who takes a category again, and is reminded by the same mail, unsubscribes again.
	if _, err := h.ChangeContact(t.Context(), account, ann.ID, change("subscriptions NEWS"), 0); err != nil {
		t.Fatal(err)
	}
	h.track(t, unsubscribe)
	h.wantTold(t, account, "DELIVERED", `UNSUBSCRIBED subscriptions=["TABLETS"]`, `SUBSCRIPTION_CHANGED subscriptions=["NEWS"]`, `UNSUBSCRIBED subscriptions=[]`)

	if err := h.DeleteContact(t.Context(), account, ann.ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.Track(t.Context(), unsubscribe), tidings.CodeNotFound)
	if told := h.told(t, account, 4); len(told) > 0 {
		t.Errorf("of a contact that is gone: %v", told)
	}
}

func testUnsubscribingFromAll(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.subscriber(t, account, "ann@example.com", "NEWS")
	id := h.sentMail(t, plainMail(ann))
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitUnsubscribe})
	c, err := h.Contact(t.Context(), account, ann.ID)
	if err != nil || len(c.Subscriptions) != 0 || !c.Channels[0].Blacklisted {
		t.Errorf("%+v, %v", c, err)
	}
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitPreferences, Categories: []string{"TABLETS"}})
	c, err = h.Contact(t.Context(), account, ann.ID)
	if err != nil || !slices.Equal(c.Subscriptions, []string{"TABLETS"}) || c.Channels[0].Blacklisted {
		t.Errorf("%+v, %v", c, err)
	}
	h.wantTold(t, account, "DELIVERED", `UNSUBSCRIBED subscriptions=[]`, `SUBSCRIPTION_CHANGED subscriptions=["TABLETS"]`)
}

func testPreferencesBecomeTheContacts(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.subscriber(t, account, "ann@example.com", "NEWS")
	id := h.sentMail(t, plainMail(ann))
	if _, err := h.AddToBlacklist(t.Context(), account, ann.Channels, "bounced"); err != nil {
		t.Fatal(err)
	}
	for _, chosen := range [][]string{{"TABLETS", "PHONES", "TABLETS"}, {"PHONES", "TABLETS"}, nil} {
		h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitPreferences, Categories: chosen})
	}
	h.wantTold(t, account, "DELIVERED", `SUBSCRIPTION_CHANGED subscriptions=["PHONES","TABLETS"]`, `SUBSCRIPTION_CHANGED subscriptions=[]`)
	if c, err := h.Contact(t.Context(), account, ann.ID); err != nil || len(c.Subscriptions) != 0 || !c.Channels[0].Blacklisted {
		t.Errorf("an address that bounced is off the list, or the categories stay: %+v, %v", c, err)
	}
	err := h.Track(t.Context(), tidings.Hit{Mail: id, Kind: tidings.HitPreferences, Categories: []string{""}})
	wantCode(t, err, tidings.CodeInvalid)
}

func testComplaintIsSpamOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	id := h.sentMail(t, plainMail(ann))
	for range 2 {
		h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitComplaint})
	}
	h.wantTold(t, account, "DELIVERED", "SPAM")
	if c, err := h.Contact(t.Context(), account, ann.ID); err != nil || !c.Channels[0].Blacklisted {
		t.Errorf("%+v, %v", c, err)
	}
}

func testDeliveredComesBeforeWhatProvesIt(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	ann := h.newContact(t, account, "email ann@example.com")
	id := h.queueMail(t, plainMail(ann))
	claimed := h.claimMail(t)
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitOpen})
	h.track(t, tidings.Hit{Mail: id, Kind: tidings.HitClick, URL: "https://shop.example/"})
	if err := h.SettleMail(t.Context(), h.outcome(claimed, tidings.MailSent)); err != nil {
		t.Fatal(err)
	}
	h.wantTold(t, account, "DELIVERED", "READ", `CLICKED clickEventLink="https://shop.example/"`)
}

func testHitsThatComeTogetherAreAllTold(t *testing.T, h *harness) {
	one, two := h.newAccount(t, "one").ID, h.newAccount(t, "two").ID
	var ids []tidings.MailID
	for i := range 8 {
		c := h.newContact(t, []tidings.AccountID{one, two}[i%2], fmt.Sprintf("email p%d@example.com", i))
		ids = append(ids, h.sentMail(t, plainMail(c)))
	}
	var people sync.WaitGroup
	for i := range 200 {
		people.Go(func() {
			hit := tidings.Hit{Mail: ids[i%8], Kind: tidings.HitOpen, At: h.clock.Now()}
			if i%10 == 9 {
				hit.Mail = 999
			}
			err := h.Track(t.Context(), hit)
			if code := tidings.CodeOf(err); i%10 == 9 && code != tidings.CodeNotFound || i%10 != 9 && err != nil {
				t.Errorf("hit %d: %v", i, err)
			}
		})
	}
	people.Wait()
	for _, account := range []tidings.AccountID{one, two} {
		told := h.told(t, account, 4)
		if fmt.Sprint(told) != "[READ READ READ READ]" {
			t.Errorf("account %d: %v", account, told)
		}
	}
}

func testHitOnNoMailIsNotFound(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	id := h.sentMail(t, plainMail(h.newContact(t, account, "email ann@example.com")))
	wantCode(t, h.Track(t.Context(), tidings.Hit{Mail: 99, Kind: tidings.HitOpen}), tidings.CodeNotFound)
	wantCode(t, h.Track(t.Context(), tidings.Hit{Mail: id, Kind: "look"}), tidings.CodeInvalid)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.Track(t.Context(), tidings.Hit{Mail: id, Kind: tidings.HitOpen}), tidings.CodeUnavailable)
}
