package apitest

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"tidings"
	"tidings/api"
	"tidings/call"
	"tidings/message"
	"tidings/store"
	"tidings/workflow"
)

// flow is what runs workflows and sends mails; without an SMTP server, mails
// count as sent at once.
type flow struct {
	links       *message.Links
	sender      *message.Sender
	broadcaster *message.Broadcaster
	runner      *workflow.Runner
}

// newFlow starts the parts and gives the API what it needs of them.
func newFlow(t *testing.T, s *store.Store, cfg *api.Config, base string, log *slog.Logger) *flow {
	t.Helper()
	keys := []message.VERPKey{{ID: 'a', Secret: []byte("a secret of thirty-two bytes ...")}}
	links, err := message.NewLinks(message.LinkOptions{BaseURL: base, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{links: links}
	if f.sender, err = message.NewSender(message.SenderOptions{Store: s, Links: links, VERP: message.VERP{Keys: keys}, Log: log}); err != nil {
		t.Fatal(err)
	}
	f.broadcaster = message.NewBroadcaster(message.BroadcasterOptions{Store: s, Log: log})
	caller := cfg.Calls.(*call.Caller)
	engine := workflow.NewEngine(workflow.EngineOptions{Store: s, Call: caller.Do, Preview: caller.Preview})
	f.runner = workflow.NewRunner(workflow.RunnerOptions{Engine: engine, Store: s, Workers: 16, Log: log})
	cfg.Launches, cfg.Dry = workflow.NewTriggers(s).Launches, engine
	cfg.ViewLink, cfg.RawMail, cfg.Pages = links.View, f.sender.Raw, message.NewPages(message.PagesOptions{Store: s, Links: links, Log: log})
	cfg.MailServer = func() *api.MailServer {
		status := f.sender.Status()
		return &api.MailServer{Address: status.Server, Error: status.Error}
	}
	cfg.BroadcastDue = f.broadcaster.Wake
	f.sender.Start()
	f.broadcaster.Start()
	f.runner.Start()
	return f
}

func (f *flow) stop(ctx context.Context) error {
	f.broadcaster.Stop()
	return errors.Join(f.runner.Stop(ctx), f.sender.Stop(ctx))
}

// wakes has the store tell the parts of a world what is due.
func (s *Server) wakes(o *store.Options) {
	o.RunsDue = func() {
		if s.flow != nil {
			s.flow.runner.Wake()
		}
	}
	o.MailsDue = func() {
		if s.flow != nil {
			s.flow.sender.Wake()
		}
	}
	o.ViewLink = func(id tidings.MailID) string { return s.flow.links.View(id) }
}
