package store

import (
	"testing"
	"time"

	"tidings"
)

// TestErasureGoesOn: what deleting a contact did not come to is done by
// EraseDeleted, for as long as something may come.
func TestErasureGoesOn(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	s := openTest(t, Options{Now: func() time.Time { return now }})
	account, _, err := s.CreateAccount(t.Context(), "shop", tidings.NewKey{Name: "first"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	external := "c-1"
	c, err := s.CreateContact(t.Context(), account.ID, tidings.ContactChange{ExternalCustomerID: &external})
	if err != nil {
		t.Fatal(err)
	}
	mail, err := s.QueueMail(t.Context(), tidings.Mail{Account: account.ID, To: "ann@example.com", Text: "text"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteContact(t.Context(), account.ID, c.ID); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{time.Minute, 1}, {erasureKept, 1}, {0, 0}} { // the second turn is the last
		now = now.Add(step.after)
		// As if it had been left.
		err := s.commit(t.Context(), func(tx *writeTx) error {
			_, err := tx.exec(`UPDATE mail SET contact = $1, state = 'queued' WHERE id = $2`, c.ID, mail)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.EraseDeleted(t.Context()); err != nil || n != step.want {
			t.Errorf("after %v: erased %d, %v; want %d", step.after, n, err, step.want)
		}
	}
	if m, err := s.Mail(t.Context(), account.ID, mail); err != nil || m.To != "" || m.Text != "" {
		t.Errorf("%+v, %v", m, err)
	}
}
