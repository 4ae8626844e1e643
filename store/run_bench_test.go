package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings"
)

// withWorkflow makes an account with an active workflow and gives a store.
func withWorkflow(b *testing.B) (*Store, tidings.Launch) {
	s := openBench(b, Options{})
	return s, addWorkflow(b, s)
}

func addWorkflow(b testing.TB, s *Store) tidings.Launch {
	account, _, err := s.CreateAccount(context.Background(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		b.Fatal(err)
	}
	w, err := s.CreateWorkflow(context.Background(), tidings.Workflow{Account: account.ID, Name: "w", Draft: tidings.Definition{Start: "call"}}, "admin")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.ActivateWorkflow(context.Background(), account.ID, w.ID, 0, "admin"); err != nil {
		b.Fatal(err)
	}
	return tidings.Launch{Workflow: w.ID, Version: 1, Start: "call"}
}

// inParallel does b.N things by some workers.
func inParallel(b *testing.B, workers int, do func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// startRuns starts b.N runs of contacts of their own.
func startRuns(b *testing.B, s *Store, l tidings.Launch) {
	b.Helper()
	inParallel(b, 64, func(i int) error {
		_, err := s.AddEvent(context.Background(), tidings.Event{
			Account: 1, TypeKey: "order", KeyValue: fmt.Sprint(i),
			Params: []tidings.EventParam{{Name: "email", Value: fmt.Appendf(nil, `"p%d@example.com"`, i)}, {Name: "total", Value: []byte("12.50")}},
		}, []tidings.Launch{l})
		return err
	})
}

func perSecond(b *testing.B, what string) {
	b.Helper()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")
}

// BenchmarkAddEvent stores events that make their contact and start a run.
func BenchmarkAddEvent(b *testing.B) {
	for engine, open := range map[string]func(b *testing.B) *Store{
		"sqlite":   func(b *testing.B) *Store { return openBench(b, Options{}) },
		"postgres": func(b *testing.B) *Store { return openPostgresBench(b, PostgresDatabase(b)) },
	} {
		b.Run(engine, func(b *testing.B) {
			s := open(b)
			l := addWorkflow(b, s)
			b.ResetTimer()
			startRuns(b, s, l)
			perSecond(b, "events")
		})
	}
}

// claimAll claims b.N runs, at most n at a time.
func claimAll(b *testing.B, s *Store, n int) []tidings.Run {
	b.Helper()
	var all []tidings.Run
	for {
		runs, _, err := s.ClaimRuns(context.Background(), n, time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		if len(runs) == 0 {
			return all
		}
		all = append(all, runs...)
	}
}

// BenchmarkClaimRuns claims 64 runs at a time, beside a million that wait.
func BenchmarkClaimRuns(b *testing.B) {
	for _, waiting := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			s, l := withWorkflow(b)
			makeWaiting(b, s, waiting)
			startRuns(b, s, l)
			b.ResetTimer()
			if runs := claimAll(b, s, 64); len(runs) != b.N {
				b.Fatalf("claimed %d of %d", len(runs), b.N)
			}
			perSecond(b, "runs")
		})
	}
}

// BenchmarkCommitStep commits the two strides of a run that calls, decides and
// sends: the call with its reply, then a condition, a mail of 20 KB and the end.
func BenchmarkCommitStep(b *testing.B) {
	s, l := withWorkflow(b)
	startRuns(b, s, l)
	runs := claimAll(b, s, 1000)
	html := "<html><body>" + strings.Repeat("<p>Dear customer, your promo code is <b>SPRING</b>: see what is new.</p>\n", 280) + "</body></html>"
	body := []byte(`{"promo":"SPRING-25","discount":25,"name":"Ann","until":"2026-04-01"}`)
	b.ResetTimer()
	inParallel(b, 64, func(i int) error {
		run := runs[i-1]
		at := time.Now()
		call := tidings.Call{
			Webhook: 5, Name: "WH5", Contact: run.Contact, Event: run.Event, Key: "wf_" + run.Instance + "_call", At: at, Duration: time.Millisecond, Outcome: tidings.OutcomeOK,
			Request: tidings.SentRequest{Method: tidings.MethodPost, URL: "https://crm.example/promo", Body: `{"email":"p@example.com"}`},
			Tries:   []tidings.Try{{At: at, Status: 200, Outcome: tidings.OutcomeOK}},
			Reply:   &tidings.Reply{Status: 200, Format: tidings.ReplyJSON, Body: body},
		}
		_, err := s.CommitStep(context.Background(), tidings.Advance{
			Run: run.ID, Fence: run.Fence, State: tidings.RunGoing, Block: "decide", Hold: at.Add(time.Hour), Call: &call,
			Reply: &tidings.RunReply{Name: "WH5", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: body}},
			Steps: []tidings.Step{{Block: "call", Kind: tidings.BlockWebhook, At: at, Exit: tidings.ExitOK, Decided: []byte(`{"status":200}`)}},
		})
		if err != nil {
			return err
		}
		mail := tidings.Mail{
			Message: 3, Name: "Promo", Contact: run.Contact, To: fmt.Sprintf("p%d@example.com", i), Block: "mail", EventKey: fmt.Sprint(i), EventType: "order",
			From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"}, Subject: "Your promo code", HTML: html, Text: "SPRING",
		}
		_, err = s.CommitStep(context.Background(), tidings.Advance{
			Run: run.ID, Fence: run.Fence, State: tidings.RunEnded, Mail: &mail,
			Steps: []tidings.Step{
				{Block: "decide", Kind: tidings.BlockCondition, At: at, Exit: tidings.ExitYes, Decided: []byte(`{"$data.WH5.discount":"25"}`)},
				{Block: "mail", Kind: tidings.BlockMessage, At: at, Exit: tidings.ExitNext},
				{Block: "end", Kind: tidings.BlockEnd, At: at},
			},
		})
		return err
	})
	perSecond(b, "runs")
}

// mails queues b.N mails of 20 KB.
func mails(b *testing.B, s *Store) {
	b.Helper()
	html := strings.Repeat("<p>Dear customer, your promo code is <b>SPRING</b>: see what is new.</p>\n", 280)
	inParallel(b, 64, func(i int) error {
		_, err := s.QueueMail(context.Background(), tidings.Mail{
			Account: 1, Message: 3, Name: "Promo", Contact: tidings.ContactID(i), To: fmt.Sprintf("p%d@example.com", i), Workflow: 1, Block: "mail", EventKey: fmt.Sprint(i), EventType: "order",
			From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"}, Subject: "Your promo code", HTML: html, Text: "SPRING",
		})
		return err
	})
}

// BenchmarkSendMails claims 200 mails at a time and settles them.
func BenchmarkSendMails(b *testing.B) {
	s, _ := withWorkflow(b)
	mails(b, s)
	b.ResetTimer()
	for {
		claimed, _, err := s.ClaimMails(context.Background(), 200, time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		if len(claimed) == 0 {
			break
		}
		outcomes := make([]tidings.MailOutcome, len(claimed))
		for i, m := range claimed {
			outcomes[i] = tidings.MailOutcome{Mail: m.ID, Fence: m.Fence, At: time.Now(), State: tidings.MailSent}
		}
		for _, err := range s.SettleMails(context.Background(), outcomes) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	perSecond(b, "mails")
}

// BenchmarkTrack has 256 people open mails and click, one hit a person at a time.
func BenchmarkTrack(b *testing.B) {
	for _, kind := range []tidings.HitKind{tidings.HitOpen, tidings.HitClick} {
		b.Run(string(kind), func(b *testing.B) {
			s, _ := withWorkflow(b)
			mails(b, s)
			b.ResetTimer()
			inParallel(b, 256, func(i int) error {
				return s.Track(context.Background(), tidings.Hit{Mail: tidings.MailID(i), Kind: kind, At: time.Now(), URL: "https://shop.example/sale?id=1"})
			})
			perSecond(b, "hits")
		})
	}
}
