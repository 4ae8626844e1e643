package bench

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tidings"
	"tidings/store"
)

// How much an account has of what people make by hand.
const (
	fullEndpoints = 100
	deadEndpoints = 10 // of them
	fullWebhooks  = 60
	fullMessages  = 60
	fullWorkflows = 40
	fullSegments  = 30
	fullOthers    = 12 // of connectors, sources, keys, users, additional fields
)

// fullAccount is a server with an account that has been used for long, and its
// owner, who is signed in.
type fullAccount struct {
	server       *process
	key, session string

	receiver *sink
	shop     *shop
	mails    *mailSink
}

func (f *fullAccount) close() {
	f.receiver.close()
	f.shop.close()
	f.mails.close()
}

// fullAccount fills an account: what people make, then what comes in by itself.
func (r *run) fullAccount(ctx context.Context) (_ *fullAccount, err error) {
	f := &fullAccount{}
	if f.receiver, err = newSink(); err != nil {
		return nil, err
	}
	if f.shop, err = newShop(); err != nil {
		return nil, err
	}
	if f.mails, err = newMailSink(false); err != nil {
		return nil, err
	}
	dir, err := r.fresh()
	if err != nil {
		return nil, err
	}
	if f.key, f.session, err = r.seedOwner(ctx, dir); err != nil {
		return nil, err
	}
	authority := filepath.Join(r.dir, "shop.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.shop.cert}), 0o600); err != nil {
		return nil, err
	}
	if f.server, err = r.startServer(ctx, dir, "--smtp", f.mails.url, "--egress-ca", authority); err != nil {
		return nil, err
	}
	for _, fill := range []func(context.Context, Config) error{f.fillThings, f.fillFlows, f.fillContacts, f.fillFeed} {
		if err := fill(ctx, r.cfg); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// seedOwner makes the account, its owner, their session, and a day of figures,
// as the server would have in a day.
func (r *run) seedOwner(ctx context.Context, dir string) (key, session string, err error) {
	s, err := store.OpenSQLite(ctx, store.Options{Dir: dir})
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	secret := tidings.MakeKey("first", tidings.AllScopes())
	account, _, err := s.CreateAccount(ctx, "bench", secret, "bench")
	if err != nil {
		return "", "", err
	}
	link, now := tidings.TokenDigest(tidings.MakeToken()), time.Now()
	if err := s.MakeSetupLink(ctx, link, now.Add(time.Hour)); err != nil {
		return "", "", err
	}
	owner, _, err := s.SetUp(ctx, link, "", account.ID, tidings.User{Email: "owner@bench.example", Name: "Owner"}, "no hash: no password fits")
	if err != nil {
		return "", "", err
	}
	session = tidings.MakeToken()
	if _, err := s.StartSession(ctx, tidings.Session{User: owner.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(tidings.SessionMax)}, tidings.TokenDigest(session)); err != nil {
		return "", "", err
	}
	return secret.Token, session, seedTallies(ctx, s, account.ID, min(24*60, max(5, r.cfg.Shown/500)))
}

// seedTallies stores what all of an account's things did in each of so many minutes.
func seedTallies(ctx context.Context, s *store.Store, account tidings.AccountID, minutes int) error {
	now := time.Now().UTC().Truncate(time.Minute)
	for i := range minutes {
		var list []tidings.Tally
		add := func(kind tidings.TallyKind, subject string) {
			t := tidings.Tally{Account: account, Kind: kind, Subject: subject, At: now.Add(-time.Duration(i+1) * time.Minute), Done: 10, Failed: int64(i % 10 / 9)}
			if kind.Timed() {
				t.Took.Add(time.Duration(5+i%50) * time.Millisecond)
			}
			list = append(list, t)
		}
		add(tidings.TallyArrived, "")
		add(tidings.TallyPosted, "")
		for id := range fullEndpoints {
			add(tidings.TallyDelivered, fmt.Sprint(1+id))
			add(tidings.TallyAnswered, fmt.Sprint(1+id))
		}
		for id := range fullWebhooks {
			add(tidings.TallyCall, fmt.Sprint(1+id))
		}
		for id := range fullWorkflows {
			add(tidings.TallyRun, fmt.Sprint(1+id))
			for _, block := range []string{"promo", "valid", "letter", "end"} {
				add(tidings.TallyStep, fmt.Sprintf("%d/%s", 1+id, block))
			}
		}
		add(tidings.TallyEvent, "1")
		if err := s.AddTallies(ctx, 1, list); err != nil {
			return err
		}
	}
	return nil
}

// fillThings makes what stands in lists: connectors, keys, users, sources, fields, segments, endpoints.
func (f *fullAccount) fillThings(ctx context.Context, _ Config) error {
	for i := range fullOthers {
		for _, thing := range []struct {
			path string
			what map[string]any
		}{
			{"/v1/connectors", map[string]any{"name": fmt.Sprintf("CRM %d", i), "auth": map[string]any{"type": "bearer", "token": "t0123456789"}}},
			{"/v1/accounts/me/keys", map[string]any{"name": fmt.Sprintf("Key %d", i), "scopes": []string{"read"}}},
			{"/v1/accounts/me/users", map[string]any{"email": fmt.Sprintf("user%d@bench.example", i), "role": "viewer"}},
			{"/v1/sources", map[string]any{"name": fmt.Sprintf("Postmark %d", i), "kind": "postmark", "secrets": map[string]any{"username": "u", "password": "p0123456789"}}},
			{"/v1/fields", map[string]any{"key": fmt.Sprintf("PERSONAL.NOTE%d", i), "type": "text"}},
		} {
			if err := f.server.ask(ctx, http.MethodPost, thing.path, f.key, thing.what, nil); err != nil {
				return err
			}
		}
	}
	if err := f.server.ask(ctx, http.MethodPost, "/v1/fields", f.key, map[string]string{"key": "PERSONAL.BONUS", "type": "number"}, nil); err != nil {
		return err
	}
	for i := range fullSegments {
		segment := map[string]any{"name": fmt.Sprintf("List %d", i)}
		if i%2 == 1 {
			segment = map[string]any{"name": fmt.Sprintf("Bonus over %d", i), "condition": map[string]any{"field": "PERSONAL.BONUS", "op": "greater", "value": fmt.Sprint(30 * i)}}
		}
		if _, err := f.server.create(ctx, f.key, "/v1/segments", segment); err != nil {
			return err
		}
	}
	for i := range fullEndpoints {
		path, options := fmt.Sprintf("/receiver%d", i), map[string]any{"start": "now"}
		if i >= fullEndpoints-deadEndpoints {
			path = fmt.Sprintf("/dead%d", i)
		}
		if _, err := f.server.endpoint(ctx, f.key, f.receiver.url+path, options); err != nil {
			return err
		}
	}
	return nil
}

// fillFlows makes webhooks, messages and workflows, of which one is at work.
func (f *fullAccount) fillFlows(ctx context.Context, _ Config) error {
	if err := f.server.promoWorkflow(ctx, f.key, f.shop.url); err != nil {
		return err
	}
	for i := range fullWebhooks {
		if _, err := f.server.create(ctx, f.key, "/v1/webhooks", map[string]any{
			"name": fmt.Sprintf("Shop %d", i), "method": "POST", "url": fmt.Sprintf("https://shop%d.example/orders?town=$TOWN", i%7),
			"body": map[string]any{"format": "json", "template": `{"email":"$email","order":{"id":"$order_id"}}`},
		}); err != nil {
			return err
		}
	}
	for i := range fullMessages {
		message := promoMessage("AUTUMN-10")
		message["name"], message["tag"] = fmt.Sprintf("Letter %d", i), fmt.Sprintf("letter-%d", i%5)
		if _, err := f.server.create(ctx, f.key, "/v1/messages", message); err != nil {
			return err
		}
	}
	for i := range fullWorkflows {
		if _, err := f.server.create(ctx, f.key, "/v1/workflows", map[string]any{"name": fmt.Sprintf("Flow %d", i), "definition": manyBlocks(i)}); err != nil {
			return err
		}
	}
	return nil
}

// manyBlocks is a workflow of a dozen blocks, one after another.
func manyBlocks(i int) map[string]any {
	const blocks = 12
	var list []map[string]any
	for k := range blocks {
		next := fmt.Sprintf("b%d", k+1)
		if k == blocks-1 {
			list = append(list, map[string]any{"id": fmt.Sprintf("b%d", k), "kind": "end"})
			continue
		}
		block := map[string]any{"id": fmt.Sprintf("b%d", k), "kind": "timer", "timer": map[string]any{"seconds": 3600}, "exits": map[string]any{"next": next}}
		if k%2 == 1 {
			block = map[string]any{
				"id": fmt.Sprintf("b%d", k), "kind": "webhook", "webhook": map[string]any{"webhookId": 1 + (i+k)%fullWebhooks, "whose": map[string]any{"contactEmail": "${email}"}},
				"exits": map[string]any{"ok": next, "failed": fmt.Sprintf("b%d", blocks-1)},
			}
		}
		list = append(list, block)
	}
	return map[string]any{"trigger": map[string]any{"eventTypeKey": "orderLate"}, "start": "b0", "blocks": list}
}

// fillContacts imports the contacts and puts some on lists.
func (f *fullAccount) fillContacts(ctx context.Context, cfg Config) error {
	client := &contactClient{base: f.server.url, key: f.key, transport: connection()}
	defer client.transport.CloseIdleConnections()
	if _, err := client.imports(ctx, cfg.Contacts); err != nil {
		return err
	}
	if err := f.server.subscribers(ctx, f.key, runsContacts); err != nil {
		return err
	}
	var some []int
	for id := range min(500, cfg.Contacts) {
		some = append(some, 1+id)
	}
	return f.server.ask(ctx, http.MethodPost, "/v1/segments/1/contacts/add", f.key, map[string]any{"contactIds": some}, nil)
}

// fillFeed brings the activities, a tenth as many events of which nothing
// comes, runs with their calls and mails for a hundredth, and a broadcast.
func (f *fullAccount) fillFeed(ctx context.Context, cfg Config) error {
	const atOnce = 500
	arrive := producers{url: f.server.url + "/v1/activities", keys: []string{f.key}, bodies: arrays(400, atOnce), size: atOnce, conns: 4, total: int64(cfg.Shown)}
	stored, _, err := arrive.run(ctx)
	if err != nil {
		return err
	}
	for kind, n := range map[string]int{"goodsViewed": cfg.Shown / 10, "orderPaid": cfg.Shown / 100} {
		bodies := make([][]byte, min(runsContacts, max(1, n)))
		for i := range bodies {
			bodies[i] = fmt.Appendf(nil, `{"eventTypeKey":"%s","keyValue":"A-%d","params":{"email":"%s","order_id":"A-%d","total":129.5}}`, kind, i, subscriberEmail(i), i)
		}
		if _, _, err := (producers{url: f.server.url + "/v1/events", keys: []string{f.key}, bodies: bodies, size: 1, conns: 32, total: int64(n)}).run(ctx); err != nil {
			return err
		}
	}
	if err := f.server.awaitFeed(ctx, f.key, stored+int64(cfg.Shown/100)); err != nil {
		return err
	}
	_, err = f.server.create(ctx, f.key, "/v1/broadcasts", map[string]any{"name": "Autumn", "messageId": 1, "segmentId": 1})
	if err != nil {
		return err
	}
	return settle(ctx, cfg.Time)
}
