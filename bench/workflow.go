package bench

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tidings"
	"tidings/store"
)

// runsContacts is how many contacts the events of the measure are about.
const runsContacts = 10_000

// runs: an event starts a run; its webhook calls a shop over HTTPS; the reply
// decides and fills a message; the mail goes to an SMTP server; what became of
// it is an activity in the feed. Counted is the last.
func (r *run) runs(ctx context.Context) ([]Row, error) {
	shop, err := newShop()
	if err != nil {
		return nil, err
	}
	defer shop.close()
	sink, err := newMailSink(false)
	if err != nil {
		return nil, err
	}
	defer sink.close()
	authority := filepath.Join(r.dir, "shop.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shop.cert}), 0o600); err != nil {
		return nil, err
	}
	dir, err := r.fresh()
	if err != nil {
		return nil, err
	}
	server, err := r.startServer(ctx, dir, "--smtp", sink.url, "--egress-ca", authority)
	if err != nil {
		return nil, err
	}
	key, err := server.account(ctx, "bench")
	if err != nil {
		return nil, err
	}
	if err := server.subscribers(ctx, key, runsContacts); err != nil {
		return nil, err
	}
	if err := server.promoWorkflow(ctx, key, shop.url); err != nil {
		return nil, err
	}
	var rates, cpus []float64
	var stored int64
	for range r.cfg.Rounds {
		before, err := server.cpu()
		if err != nil {
			return nil, err
		}
		n, took, err := server.runsRound(ctx, key, stored, r.cfg.Time)
		if err != nil {
			return nil, err
		}
		after, err := server.cpu()
		if err != nil {
			return nil, err
		}
		stored += n
		rates = append(rates, float64(n)/took.Seconds())
		cpus = append(cpus, float64((after-before).Microseconds())/float64(n))
	}
	row := Row{
		Name: "runs", What: "event, call over HTTPS, condition, mail rendered and sent, activity stored",
		Value: median(rates), Unit: "runs/s", Reach: ">= 1,000 runs/s",
		Parts: []Part{{"processor time of the server", median(cpus), "µs a run"}, {"mails taken by the SMTP server", float64(sink.taken.Load()), ""}},
	}
	return []Row{row.atLeast(1000)}, server.stop()
}

// runsRound sends events for a time, and waits until the activity of the last is stored.
func (p *process) runsRound(ctx context.Context, key string, stored int64, length time.Duration) (int64, time.Duration, error) {
	bodies := make([][]byte, runsContacts)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, `{"eventTypeKey":"orderPaid","keyValue":"A-%d","params":{"email":"%s","order_id":"A-%d","total":129.5}}`, i, subscriberEmail(i), i)
	}
	begun := time.Now()
	n, _, err := producers{url: p.url + "/v1/events", keys: []string{key}, bodies: bodies, size: 1, conns: 32, time: length}.run(ctx)
	if err != nil {
		return 0, 0, err
	}
	return n, time.Since(begun), errors.Join(p.awaitFeed(ctx, key, stored+n), ctx.Err())
}

// awaitFeed waits until an account's feed has so many activities.
func (p *process) awaitFeed(ctx context.Context, key string, n int64) error {
	return poll(ctx, func() (bool, error) {
		var page []any
		err := p.ask(ctx, http.MethodGet, fmt.Sprintf("/v1/activities?after=%d&limit=1", n-1), key, nil, &page)
		return len(page) > 0, err
	})
}

func subscriberEmail(i int) string { return fmt.Sprintf("subscriber%d@mail.example", i) }

// subscribers imports contacts with a name, an address and a town.
func (p *process) subscribers(ctx context.Context, key string, n int) error {
	for from := 0; from < n; from += rowsAtOnce {
		var body bytes.Buffer
		for i := from; i < min(n, from+rowsAtOnce); i++ {
			fmt.Fprintf(&body, `{"email":"%s","firstName":"Anna","address":{"town":"Kyiv"}}`+"\n", subscriberEmail(i))
		}
		c := &contactClient{base: p.url, key: key, transport: connection()}
		_, err := c.do(ctx, http.MethodPost, "/v1/contacts/import", body.Bytes())
		c.transport.CloseIdleConnections()
		if err != nil {
			return err
		}
	}
	return nil
}

// promoMessage is a mail as shops send them, about 3 kB of html.
func promoMessage(code string) map[string]any {
	var html bytes.Buffer
	html.WriteString(`<!doctype html><html><body style="font-family:sans-serif"><h1>Hello $!firstName</h1><p>Your code: <b>` + code + `</b></p><table>`)
	for i := range 12 {
		fmt.Fprintf(&html, `<tr><td style="padding:8px;border-bottom:1px solid #ddd"><a href="https://shop.example/goods/%d?from=mail">Goods no. %d for $!TOWN</a></td><td style="text-align:right">%d.50</td></tr>`, i, i, 10+i)
	}
	html.WriteString(`</table><p><a href="$unsubscribeLink">Unsubscribe</a></p></body></html>`)
	return map[string]any{
		"name": "Promo code", "tag": "promo", "from": map[string]any{"name": "Shop", "address": "shop@shop.example"},
		"subject": "$!firstName, a present for you", "html": html.String(),
	}
}

// promoWorkflow makes and activates the workflow of the measure.
func (p *process) promoWorkflow(ctx context.Context, key, shop string) error {
	webhook, err := p.create(ctx, key, "/v1/webhooks", map[string]any{
		"name": "WH5", "method": "POST", "url": shop + "/promo?town=$TOWN&order=$order_id",
		"body": map[string]any{"format": "json", "template": `{"email":"$email","town":"$TOWN","order":{"id":"$order_id","total":$total}}`},
	})
	if err != nil {
		return err
	}
	message, err := p.create(ctx, key, "/v1/messages", promoMessage("$data.get('WH5').get('promocode')"))
	if err != nil {
		return err
	}
	workflow, err := p.create(ctx, key, "/v1/workflows", map[string]any{"name": "Promo code", "definition": map[string]any{
		"trigger": map[string]any{"eventTypeKey": "orderPaid"}, "start": "promo",
		"blocks": []map[string]any{
			{"id": "promo", "kind": "webhook", "webhook": map[string]any{"webhookId": webhook, "whose": map[string]any{"contactEmail": "${email}"}}, "exits": map[string]any{"ok": "valid", "failed": "end"}},
			{"id": "valid", "kind": "condition", "condition": map[string]any{"field": "$data.get('WH5').get('valid')", "op": "equals", "value": "true"}, "exits": map[string]any{"yes": "letter", "no": "end"}},
			{"id": "letter", "kind": "message", "message": map[string]any{"messageId": message}, "exits": map[string]any{"next": "end"}},
			{"id": "end", "kind": "end"},
		},
	}})
	if err != nil {
		return err
	}
	return p.ask(ctx, http.MethodPost, fmt.Sprintf("/v1/workflows/%d/activate", workflow), key, map[string]any{}, nil)
}

// create makes a thing over the API and gives its id.
func (p *process) create(ctx context.Context, key, path string, what any) (int64, error) {
	var made struct{ ID int64 }
	err := p.ask(ctx, http.MethodPost, path, key, what, &made)
	return made.ID, err
}

// waiting: what a server costs in which very many runs wait for their timers.
func (r *run) waiting(ctx context.Context) ([]Row, error) {
	empty, err := r.fresh()
	if err != nil {
		return nil, err
	}
	alone, _, _, err := r.weigh(ctx, empty)
	if err != nil {
		return nil, err
	}
	full, err := r.fresh()
	if err != nil {
		return nil, err
	}
	if err := seedRuns(ctx, full, r.cfg.Waiting); err != nil {
		return nil, err
	}
	heavy, busy, start, err := r.weigh(ctx, full)
	if err != nil {
		return nil, err
	}
	memory := Row{
		Name: "waiting", What: fmt.Sprintf("memory more with %s runs that wait for their timers", thousands(fmt.Sprint(r.cfg.Waiting))),
		Value: (heavy - alone) / (1 << 20), Unit: "MiB", Reach: "none (<= 16 MiB)", Parts: []Part{{"start", start.Seconds(), "s"}},
	}
	cpu := Row{Name: "waiting-cpu", What: "processor time of a second with them", Value: busy, Unit: "ms", Reach: "none (<= 1 ms)"}
	return []Row{memory.atMost(16), cpu.atMost(1)}, nil
}

// seedRuns stores runs that stand before a timer of a month, as the server would.
func seedRuns(ctx context.Context, dir string, n int) (err error) {
	s, err := store.OpenSQLite(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	account, _, err := s.CreateAccount(ctx, "bench", tidings.MakeKey("first", tidings.AllScopes()), "bench")
	if err != nil {
		return err
	}
	def := tidings.Definition{
		Trigger: tidings.Trigger{EventTypeKey: "orderPaid"}, Start: "wait",
		Blocks: []tidings.Block{
			{ID: "wait", Kind: tidings.BlockTimer, Timer: &tidings.Timer{Seconds: 30 * 24 * 3600}, Exits: map[tidings.Exit]tidings.BlockID{tidings.ExitNext: "end"}},
			{ID: "end", Kind: tidings.BlockEnd},
		},
	}
	w, err := s.CreateWorkflow(ctx, tidings.Workflow{Account: account.ID, Name: "Waits", Draft: def}, "bench")
	if err != nil {
		return err
	}
	if w, err = s.ActivateWorkflow(ctx, account.ID, w.ID, w.Version, "bench"); err != nil {
		return err
	}
	const page = 5000
	for from := 0; from < n; from += page {
		events := make([]tidings.EventWithLaunches, min(page, n-from))
		for i := range events {
			events[i] = tidings.EventWithLaunches{
				Event:    tidings.Event{Account: account.ID, TypeKey: "orderPaid", KeyValue: fmt.Sprint(from + i)},
				Launches: []tidings.Launch{{Workflow: w.ID, Version: w.Active, Start: "wait"}},
			}
		}
		if err := s.LaunchFromActivities(ctx, account.ID, 0, 0, events); err != nil {
			return err
		}
	}
	return waitAll(ctx, s)
}

// waitAll takes every run to its timer, as the runner would.
func waitAll(ctx context.Context, s *store.Store) error {
	const atOnce = 1000
	for {
		claimed, _, err := s.ClaimRuns(ctx, atOnce, time.Minute)
		if err != nil || len(claimed) == 0 {
			return err
		}
		due := time.Now().Add(30 * 24 * time.Hour)
		errs := make([]error, len(claimed))
		var group sync.WaitGroup // so that they share commits
		for i := range claimed {
			group.Go(func() {
				r := &claimed[i]
				_, errs[i] = s.CommitStep(ctx, tidings.Advance{Run: r.ID, Fence: r.Fence, State: tidings.RunGoing, Block: r.Block, Due: due})
			})
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
}
