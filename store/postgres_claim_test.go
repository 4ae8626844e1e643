package store

import (
	"sync"
	"testing"
	"time"

	"tidings"
)

// TestNodesClaimEachRunAndMailOnce has two nodes claim at the same time.
func TestNodesClaimEachRunAndMailOnce(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	account, _, err := nodes[0].CreateAccount(t.Context(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	w, err := nodes[0].CreateWorkflow(t.Context(), tidings.Workflow{Account: account.ID, Name: "w", Draft: tidings.Definition{Start: "a"}}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].ActivateWorkflow(t.Context(), account.ID, w.ID, 0, "admin"); err != nil {
		t.Fatal(err)
	}
	const total = 300
	launches := make([]tidings.Launch, total)
	for i := range launches {
		launches[i] = tidings.Launch{Workflow: w.ID, Version: 1, Start: "a"}
	}
	if _, err := nodes[0].AddEvent(t.Context(), tidings.Event{Account: account.ID, TypeKey: "order", KeyValue: "1"}, launches); err != nil {
		t.Fatal(err)
	}
	for range total {
		if _, err := nodes[1].QueueMail(t.Context(), tidings.Mail{Account: account.ID, To: "ann@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	runs, mails := map[tidings.RunID]int{}, map[tidings.MailID]int{}
	var claimers sync.WaitGroup
	for i := range 6 {
		s := nodes[i%2]
		claimers.Go(func() {
			for quiet := 0; quiet < 3; { // another's claim may leave one with nothing, and not be the last
				r, _, err := s.ClaimRuns(t.Context(), 7, time.Hour)
				m, _, err2 := s.ClaimMails(t.Context(), 7, time.Hour)
				if err != nil || err2 != nil {
					t.Error(err, err2)
					return
				}
				mu.Lock()
				for i := range r {
					runs[r[i].ID]++
				}
				for i := range m {
					mails[m[i].ID]++
				}
				mu.Unlock()
				if quiet++; len(r)+len(m) > 0 {
					quiet = 0
				}
			}
		})
	}
	claimers.Wait()
	for id, n := range runs {
		if n != 1 {
			t.Errorf("run %d was claimed %d times", id, n)
		}
	}
	for id, n := range mails {
		if n != 1 {
			t.Errorf("mail %d was claimed %d times", id, n)
		}
	}
	if len(runs) != total || len(mails) != total {
		t.Errorf("claimed %d runs and %d mails of %d", len(runs), len(mails), total)
	}
}
