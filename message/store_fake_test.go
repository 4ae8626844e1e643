package message

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tidings"
)

// fakeStore keeps mails in memory as the store's contract says: claims hold for
// a time and are fenced, and a mail that was settled stays as it is.
type fakeStore struct {
	mu       sync.Mutex
	mails    map[tidings.MailID]*tidings.Mail
	held     map[tidings.MailID]time.Time
	outcomes []tidings.MailOutcome
	hits     []tidings.Hit
	contacts map[tidings.ContactID]*tidings.Contact
	settings tidings.MailSettings
	fault    error         // of every call
	changed  chan struct{} // closed and made anew after every change
	now      func() time.Time
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		mails: map[tidings.MailID]*tidings.Mail{}, held: map[tidings.MailID]time.Time{}, contacts: map[tidings.ContactID]*tidings.Contact{},
		changed: make(chan struct{}), now: time.Now,
	}
}

// queue puts a mail to an address into the store, with a contact who has it.
func (f *fakeStore) queue(to string) tidings.MailID {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := tidings.MailID(len(f.mails) + 1)
	f.contacts[tidings.ContactID(id)] = &tidings.Contact{
		ID: tidings.ContactID(id), Account: 1, Channels: []tidings.Channel{{Type: tidings.Email, Value: to}}, Subscriptions: []string{"news"},
	}
	f.mails[id] = &tidings.Mail{
		ID: id, Account: 1, Contact: tidings.ContactID(id), To: to, From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"},
		Subject: "Hello", HTML: `<p>Hi <a href="https://example.com/">there</a></p>`, Categories: []string{"news"},
		State: tidings.MailQueued, CreatedAt: f.now(), Due: f.now(),
	}
	return id
}

func (f *fakeStore) ClaimMails(_ context.Context, limit int, hold time.Duration) (mails []tidings.Mail, next time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		return nil, time.Time{}, f.fault
	}
	now := f.now()
	for id := tidings.MailID(1); int(id) <= len(f.mails); id++ {
		m := f.mails[id]
		if m.State != tidings.MailQueued {
			continue
		}
		due := m.Due
		if f.held[id].After(due) {
			due = f.held[id]
		}
		if due.After(now) || len(mails) == limit {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		m.Tries++
		m.Fence++
		f.held[id] = now.Add(hold)
		mails = append(mails, *m)
	}
	return mails, next, nil
}

func (f *fakeStore) SettleMails(_ context.Context, outcomes []tidings.MailOutcome) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := make([]error, len(outcomes))
	for i, o := range outcomes {
		m := f.mails[o.Mail]
		switch {
		case f.fault != nil:
			errs[i] = f.fault
			continue
		case m.State != tidings.MailQueued || m.Fence != o.Fence:
			errs[i] = tidings.Errorf(tidings.CodeFenced, "mail %d is in other hands", o.Mail)
			continue
		}
		m.State, m.Due, m.LastError = o.State, o.Due, o.Error
		delete(f.held, o.Mail)
		f.outcomes = append(f.outcomes, o)
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return errs
}

func (f *fakeStore) Contact(_ context.Context, _ tidings.AccountID, id tidings.ContactID) (tidings.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contacts[id]
	if c == nil {
		return tidings.Contact{}, tidings.Errorf(tidings.CodeNotFound, "there is no contact %d", id)
	}
	return *c, f.fault
}

func (f *fakeStore) MailByID(_ context.Context, id tidings.MailID) (tidings.Mail, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.mails[id]
	if m == nil {
		return tidings.Mail{}, tidings.Errorf(tidings.CodeNotFound, "there is no mail %d", id)
	}
	return *m, f.fault
}

func (f *fakeStore) MailSettings(context.Context, tidings.AccountID) (tidings.MailSettings, error) {
	return f.settings, f.fault
}

func (f *fakeStore) Track(_ context.Context, h tidings.Hit) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		return f.fault
	}
	f.hits = append(f.hits, h)
	return nil
}

// with runs a function while nobody else has the store.
func (f *fakeStore) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// waitFor waits until something holds of the store, or the test ends.
func (f *fakeStore) waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for {
		f.mu.Lock()
		ok, changed := holds(), f.changed
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatalf("waited in vain for: %s\n%s", what, f)
		}
	}
}

// outcomesOf gives what was settled of a mail, as "queued: words".
func (f *fakeStore) outcomesOf(id tidings.MailID) (all []string) {
	for _, o := range f.outcomes {
		if o.Mail == id {
			all = append(all, string(o.State)+": "+o.Error)
		}
	}
	return all
}

func (f *fakeStore) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b []byte
	for _, o := range f.outcomes {
		b = fmt.Appendf(b, "mail %d: %s %s\n", o.Mail, o.State, o.Error)
	}
	return string(b)
}

// allSettled says that no mail waits.
func (f *fakeStore) allSettled() bool {
	return !slices.ContainsFunc(slices.Collect(f.each()), func(m *tidings.Mail) bool { return m.State == tidings.MailQueued })
}

func (f *fakeStore) each() func(func(*tidings.Mail) bool) {
	return func(yield func(*tidings.Mail) bool) {
		for _, m := range f.mails {
			if !yield(m) {
				return
			}
		}
	}
}
