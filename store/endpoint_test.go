package store

import (
	"testing"
	"time"

	"tidings"
)

func TestNoEndpointStartsInWhatIsNoLongerKept(t *testing.T) {
	s, err := OpenSQLite(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	account, _, err := s.CreateAccount(t.Context(), "a", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	err = s.commit(t.Context(), func(tx *writeTx) error {
		_, err := tx.exec("UPDATE head SET dropped_seq = 5, next_seq = 11 WHERE account = $1", account.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		start tidings.Start
		want  tidings.Seq
		code  tidings.Code
	}{
		{"beginning", tidings.Start{Beginning: true}, 5, ""},
		{"now", tidings.Start{Now: true}, 10, ""},
		{"before all that arrived", tidings.Start{Time: time.Unix(0, 0)}, 5, ""},
		{"first kept", tidings.Start{Seq: 6}, 5, ""},
		{"last dropped", tidings.Start{Seq: 5}, 0, tidings.CodeInvalid},
		{"next", tidings.Start{Seq: 11}, 10, ""},
		{"beyond", tidings.Start{Seq: 12}, 0, tidings.CodeInvalid},
	} {
		e, err := s.CreateEndpoint(t.Context(), tidings.Endpoint{Account: account.ID, State: tidings.StateActive}, c.start, "admin")
		if got := tidings.CodeOf(err); got != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if _, p, err := s.Lane(t.Context(), e.ID); err != nil || p.Cursor != c.want || p.Scanned != c.want {
			t.Errorf("%s: cursor %d, scanned %d, %v; want %d", c.name, p.Cursor, p.Scanned, err, c.want)
		}
	}
}
