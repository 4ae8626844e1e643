package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// circle is what the demo shows of workflows: an event calls the shop twice, a
// message carries what came back, and what its reader does with it becomes
// activities, which the feed delivers.
type circle struct {
	api      *client
	shop     *demoShop
	screen   *demoScreen
	reader   *http.Client
	workflow int64
	turns    int // of the demo so far
	events   int // sent in
	seen     int64
	opened   []demoMail // to be clicked in, when it is time
	waiting  []demoMail // to be opened
}

// demoMail is a mail in somebody's mailbox, and when they get to it.
type demoMail struct {
	id   int64
	to   string
	code string
	turn int
}

// When things happen, in turns of the demo. A click within a second or two of
// the delivery would count as a machine's.
const (
	circleEvery = 4
	openAfter   = 3
	clickAfter  = 5
)

// newCircle makes the contacts, webhooks, message and workflow that the demo shows.
func newCircle(ctx context.Context, api *client, shop *demoShop, screen *demoScreen) (*circle, error) {
	c := &circle{api: api, shop: shop, screen: screen, reader: &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the shop's pages are invented
	}}
	if err := introduceContacts(ctx, api); err != nil {
		return nil, err
	}
	lookup, err := c.make(ctx, "/v1/webhooks", map[string]any{
		"name": "contacts_get_by_email", "method": "GET", "url": shop.url + "/api/v1/contacts?email=${email}",
	})
	if err != nil {
		return nil, err
	}
	promo, err := c.make(ctx, "/v1/webhooks", map[string]any{
		"name": "WH5", "method": "POST", "url": shop.url + "/promocodes?town=$TOWN",
		"body": map[string]any{"format": "json", "template": `{"town": "$TOWN"}`},
	})
	if err != nil {
		return nil, err
	}
	message, err := c.make(ctx, "/v1/messages", map[string]any{
		"name": "Promo code", "tag": "welcome", "from": map[string]any{"name": "Demo shop", "address": "shop@shop.example"},
		"subject": "$!firstName, your code is $data.get('WH5').get('promocode')",
		"html": `<p>Hello $!firstName,</p>
<p>your promo code is <b>$data.get('WH5').get('promocode')</b>. Your number with us: $!mathTool.toInteger($data.contacts_get_by_email.get(0).id).</p>
<p><a href="https://shop.example/sale?code=$data.get('WH5').get('promocode')">To the sale</a> · <a href="$unsubscribeLink">Unsubscribe</a></p>`,
	})
	if err != nil {
		return nil, err
	}
	c.workflow, err = c.make(ctx, "/v1/workflows", map[string]any{"name": "Welcome", "definition": circleDefinition(lookup, promo, message)})
	if err != nil {
		return nil, err
	}
	return c, api.call(ctx, http.MethodPost, fmt.Sprintf("/v1/workflows/%d/activate", c.workflow), nil, nil)
}

// circleDefinition is the workflow of the two examples of the marketers' guide in one.
func circleDefinition(lookup, promo, message int64) map[string]any {
	whose := map[string]any{"contactEmail": "${email}"}
	return map[string]any{
		"trigger": map[string]any{"eventTypeKey": "subscribed"}, "start": "lookup",
		"blocks": []map[string]any{
			{"id": "lookup", "kind": "webhook", "webhook": map[string]any{"webhookId": lookup, "whose": whose}, "exits": map[string]any{"ok": "promo", "failed": "end"}},
			{"id": "promo", "kind": "webhook", "webhook": map[string]any{"webhookId": promo, "whose": whose}, "exits": map[string]any{"ok": "letter", "failed": "end"}},
			{"id": "letter", "kind": "message", "message": map[string]any{"messageId": message}, "exits": map[string]any{"next": "end"}},
			{"id": "end", "kind": "end"},
		},
	}
}

// make creates a thing and gives its id.
func (c *circle) make(ctx context.Context, path string, what map[string]any) (int64, error) {
	var made struct {
		ID int64 `json:"id"`
	}
	err := c.api.call(ctx, http.MethodPost, path, what, &made)
	return made.ID, err
}

// turn goes on: now and then an event, and readers read what came.
func (c *circle) turn(ctx context.Context) error {
	c.turns++
	if c.turns%circleEvery == 1 {
		if err := c.subscribe(ctx); err != nil {
			return err
		}
	}
	return c.read(ctx)
}

// subscribe tells the server that somebody has subscribed.
func (c *circle) subscribe(ctx context.Context) error {
	p := demoPeople()[c.events%len(demoPeople())]
	c.events++
	event := map[string]any{"eventTypeKey": "subscribed", "keyValue": fmt.Sprintf("subscription-%d", c.events), "params": map[string]any{"email": p.email}}
	if err := c.api.call(ctx, http.MethodPost, "/v1/events", event, nil); err != nil {
		return err
	}
	c.screen.subscribed(p.email)
	return nil
}

// read looks for new mails, and has their readers open them and follow the link when it is time.
func (c *circle) read(ctx context.Context) error {
	mails, err := c.newMails(ctx)
	if err != nil {
		return err
	}
	c.waiting = append(c.waiting, mails...)
	for len(c.waiting) > 0 && c.turns >= c.waiting[0].turn+openAfter {
		if err := c.follow(ctx, c.waiting[0], "open"); err != nil {
			return err
		}
		c.opened, c.waiting = append(c.opened, c.waiting[0]), c.waiting[1:]
	}
	for len(c.opened) > 0 && c.turns >= c.opened[0].turn+clickAfter {
		if err := c.follow(ctx, c.opened[0], "click"); err != nil {
			return err
		}
		c.screen.read(c.opened[0])
		c.opened = c.opened[1:]
	}
	return nil
}

// newMails gives the mails in the outbox that were not seen yet, oldest first.
func (c *circle) newMails(ctx context.Context) ([]demoMail, error) {
	var page struct {
		Mails []struct {
			ID      int64  `json:"id"`
			To      string `json:"to"`
			State   string `json:"state"`
			Subject string `json:"subject"`
		} `json:"mails"`
	}
	if err := c.api.call(ctx, http.MethodGet, "/v1/outbox?limit=50", nil, &page); err != nil {
		return nil, err
	}
	var mails []demoMail
	for i := len(page.Mails) - 1; i >= 0; i-- {
		m := page.Mails[i]
		if m.ID <= c.seen || m.State != "sent" {
			continue
		}
		c.seen = m.ID
		_, code, _ := strings.Cut(m.Subject, "your code is ")
		mails = append(mails, demoMail{id: m.ID, to: m.To, code: code, turn: c.turns})
		c.screen.mailed(m.To, m.Subject)
	}
	return mails, nil
}

// follow does what a mail program does for its reader: it loads the picture, or
// follows the link to the shop.
func (c *circle) follow(ctx context.Context, m demoMail, what string) error {
	letter, err := c.api.text(ctx, fmt.Sprintf("/v1/outbox/%d/raw", m.id))
	if err != nil {
		return err
	}
	open, click, err := mailLinks(letter)
	if err != nil {
		return fmt.Errorf("mail %d: %w", m.id, err)
	}
	link := open
	if what == "click" {
		link = click
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	res, err := c.reader.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// quiet says whether no run and no mail is under way.
func (c *circle) quiet(ctx context.Context) (bool, error) {
	var shown struct {
		Runs struct {
			Going int64 `json:"going"`
		} `json:"runs"`
	}
	if err := c.api.call(ctx, http.MethodGet, fmt.Sprintf("/v1/workflows/%d", c.workflow), nil, &shown); err != nil || shown.Runs.Going > 0 {
		return false, err
	}
	var page struct {
		Mails []any `json:"mails"`
	}
	err := c.api.call(ctx, http.MethodGet, "/v1/outbox?state=queued&limit=1", nil, &page)
	return err == nil && len(page.Mails) == 0, err
}

// finish lets what was begun come to its end: runs, mails, and their readers.
func (c *circle) finish(ctx context.Context) error {
	again := time.NewTicker(demoTurn)
	defer again.Stop()
	for {
		quiet, err := c.quiet(ctx)
		if err != nil {
			return err
		}
		c.turns++
		if err := c.read(ctx); err != nil {
			return err
		}
		if quiet && len(c.waiting)+len(c.opened) == 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.New("not every run and mail came to its end in time")
		}
	}
}
