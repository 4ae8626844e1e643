package store

import (
	"context"
	"testing"
	"time"

	"tidings"
)

func TestWhatWasInHandOfAKilledProcessIsTakenUpAtOnce(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	open := func() *Store {
		s, err := OpenSQLite(ctx, Options{Dir: dir, SealEvery: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open()
	l := addWorkflow(t, s)
	for range 2 {
		if _, err := s.AddEvent(ctx, tidings.Event{Account: 1, TypeKey: "order", KeyValue: "1", Params: []tidings.EventParam{{Name: "email", Value: []byte(`"ann@example.com"`)}}}, []tidings.Launch{l}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.QueueMail(ctx, tidings.Mail{Account: 1, IID: "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", Contact: 1, To: "ann@example.com", Subject: "Hello", Text: "Hello", State: tidings.MailQueued, Due: time.Now()}); err != nil {
		t.Fatal(err)
	}
	claim := func(s *Store) ([]tidings.Run, []tidings.Mail) {
		runs, _, err := s.ClaimRuns(ctx, 10, 10*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		mails, _, err := s.ClaimMails(ctx, 10, 10*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return runs, mails
	}
	runs, mails := claim(s)
	if len(runs) != 2 || len(mails) != 1 {
		t.Fatalf("%d runs and %d mails were due", len(runs), len(mails))
	}
	// One goes on: it waits for a timer, which nothing may cut short.
	if _, err := s.CommitStep(ctx, tidings.Advance{Run: runs[0].ID, Fence: runs[0].Fence, State: tidings.RunGoing, Block: "timer", Due: time.Now().Add(5 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if runs, mails := claim(s); len(runs)+len(mails) > 0 {
		t.Fatalf("%d runs and %d mails were given to a second one", len(runs), len(mails))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, mailsAgain := claim(open())
	if len(again) != 1 || again[0].ID != runs[1].ID || again[0].Fence <= runs[1].Fence || len(mailsAgain) != 1 || mailsAgain[0].Fence <= mails[0].Fence {
		t.Errorf("after the start: runs %+v, mails %+v", again, mailsAgain)
	}
}
