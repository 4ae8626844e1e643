package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// broadcast: one message to a whole segment, until the SMTP server has taken
// the last mail and all that became of them is in the feed.
func (r *run) broadcast(ctx context.Context) ([]Row, error) {
	sink, err := newMailSink(false)
	if err != nil {
		return nil, err
	}
	defer sink.close()
	server, key, err := r.serverWithSubscribers(ctx, sink, r.cfg.Mails)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	cpu, err := server.spent(func() error {
		begun := time.Now()
		err := server.send(ctx, key, r.cfg.Mails)
		took = time.Since(begun)
		return err
	})
	if err != nil {
		return nil, err
	}
	if n := sink.taken.Load(); n != int64(r.cfg.Mails) {
		return nil, fmt.Errorf("the SMTP server has taken %d mails of %d", n, r.cfg.Mails)
	}
	row := Row{
		Name: "broadcast", What: fmt.Sprintf("a message to %s contacts: rendered, sent, and its activities stored", thousands(fmt.Sprint(r.cfg.Mails))),
		Value: float64(r.cfg.Mails) / took.Seconds(), Unit: "mails/s", Reach: ">= 3,000 mails/s",
		Parts: []Part{{"processor time of the server", float64(cpu.Microseconds()) / float64(r.cfg.Mails), "µs a mail"}},
	}
	return []Row{row.atLeast(3000)}, server.stop()
}

// serverWithSubscribers starts a server that sends to a sink, with an account that has contacts.
func (r *run) serverWithSubscribers(ctx context.Context, sink *mailSink, n int) (*process, string, error) {
	dir, err := r.fresh()
	if err != nil {
		return nil, "", err
	}
	server, err := r.startServer(ctx, dir, "--smtp", sink.url)
	if err != nil {
		return nil, "", err
	}
	key, err := server.account(ctx, "bench")
	if err != nil {
		return nil, "", err
	}
	return server, key, server.subscribers(ctx, key, n)
}

// send sends a message to all contacts and waits until every mail is sent.
func (p *process) send(ctx context.Context, key string, n int) error {
	segment, err := p.create(ctx, key, "/v1/segments", map[string]any{"name": "All", "condition": map[string]any{"field": "EMAIL", "op": "isSet"}})
	if err != nil {
		return err
	}
	message, err := p.create(ctx, key, "/v1/messages", promoMessage("AUTUMN-10"))
	if err != nil {
		return err
	}
	broadcast, err := p.create(ctx, key, "/v1/broadcasts", map[string]any{"name": "Autumn", "messageId": message, "segmentId": segment})
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		var shown struct {
			State    string
			Progress struct{ Sent, Failed, Skipped int64 }
		}
		if err := p.ask(ctx, http.MethodGet, fmt.Sprintf("/v1/broadcasts/%d", broadcast), key, nil, &shown); err != nil {
			return false, err
		}
		if shown.Progress.Failed+shown.Progress.Skipped > 0 {
			return false, errors.New("mails failed, or contacts were skipped")
		}
		return shown.State == "done" && shown.Progress.Sent >= int64(n), nil
	})
}
