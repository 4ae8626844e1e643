package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tidings"
	"tidings/feed"
	"tidings/password"
)

// demoCmd shows the server at work: an account, a receiver that fails now and
// then, a stream of activities, a workflow that calls a shop and sends mails,
// and what becomes of it all.
type demoCmd struct {
	For  time.Duration `default:"0s" placeholder:"DURATION" help:"End by itself after this long; 0 = on Ctrl-C."`
	Addr string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address and port of the server; another port is taken when it is in use."`
	Rate int           `default:"10" placeholder:"N" help:"Activities a second, about."`
	Seed uint64        `default:"1" placeholder:"N" help:"The same number tells the same story."`
}

// The demo's schedule: one sees in seconds what takes minutes by default.
const (
	demoRetryBase = time.Second
	demoRetryCap  = 10 * time.Second
	demoTimeout   = 2 * time.Second
)

// Validate refuses what can't be shown.
func (c *demoCmd) Validate() error {
	switch {
	case c.Rate < 1 || c.Rate > 10_000:
		return errors.New("--rate must be 1 to 10000")
	case c.For < 0:
		return errors.New("--for must not be negative")
	}
	return nil
}

// demo is one run of the demo.
type demo struct {
	cmd      *demoCmd
	term     terminal
	screen   *demoScreen
	server   *server
	receiver *demoReceiver
	shop     *demoShop
	circle   *circle
	api      *client // with the account's key
	key      string
	endpoint int64
	accepted int64 // activities that the server acknowledged
}

// Run shows, until ctx or the time ends; then it checks that what was
// acknowledged is what was received, and removes its data.
func (c *demoCmd) Run(ctx context.Context, term terminal) (err error) {
	dir, err := os.MkdirTemp("", "tidings-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{cmd: c, term: term, screen: newDemoScreen(term)}
	if err := d.start(ctx, dir); err != nil {
		return errors.Join(err, d.stop())
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	err = d.show(ctx)
	if err == nil {
		err = d.finish(context.WithoutCancel(ctx))
	}
	return errors.Join(err, d.stop())
}

// start brings up the server and the receiver, and introduces them to each other.
func (d *demo) start(ctx context.Context, dir string) error {
	authority := filepath.Join(dir, "shop.pem")
	shop, err := newDemoShop(authority)
	if err != nil {
		return err
	}
	d.shop = shop
	flags := &serveCmd{
		Addr: freeAddress(d.cmd.Addr), Data: filepath.Join(dir, "data"), AdminToken: rand.Text(), CAFile: authority,
		EgressAllow: []addressRange{{netip.MustParsePrefix("127.0.0.0/8")}}, RetryBase: demoRetryBase, RetryCap: demoRetryCap,
		MaxInFlight: 16, MaxRetrying: 16, MaxHeld: 64 << 20, ShutdownGrace: 5 * time.Second,
	}
	s, err := newServer(ctx, flags, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	d.server = s
	if err := s.Start(ctx); err != nil {
		return err
	}
	secret := feed.NewSecret()
	if d.receiver, err = newDemoReceiver(secret); err != nil {
		return err
	}
	var created account
	if err := newClient(s.URL(), flags.AdminToken).call(ctx, http.MethodPost, "/v1/accounts", map[string]string{"name": "Demo shop"}, &created); err != nil {
		return err
	}
	d.key = created.APIKey
	d.api = newClient(s.URL(), d.key)
	var endpoint struct {
		ID    int64  `json:"id"`
		State string `json:"state"`
	}
	err = d.api.call(ctx, http.MethodPost, "/v1/endpoints", map[string]any{
		"name": "Order system", "url": d.receiver.url(), "secret": secret, "start": "now",
		"timeoutMs": demoTimeout.Milliseconds(), "batch": map[string]any{"maxItems": 100},
	}, &endpoint)
	if err != nil {
		return err
	}
	d.endpoint = endpoint.ID
	if d.circle, err = newCircle(ctx, d.api, d.shop, d.screen); err != nil {
		return err
	}
	id, err := created.ID.Int64()
	if err != nil {
		return err
	}
	secret, err = d.person(ctx, tidings.AccountID(id))
	if err != nil {
		return err
	}
	d.screen.introduce(s.URL(), d.receiver.url(), d.key, d.endpoint)
	d.screen.person(s.URL(), demoEmail, secret)
	return nil
}

// demoEmail is whom one signs in to the demo's pages as.
const demoEmail = "demo@example.com"

// person makes an owner of the account who can sign in, and gives their password.
func (d *demo) person(ctx context.Context, account tidings.AccountID) (secret string, err error) {
	secret = strings.ToLower(rand.Text()[:12])
	hash, err := password.New(1).Hash(ctx, secret)
	if err != nil {
		return "", err
	}
	link := tidings.TokenDigest(tidings.MakeToken())
	owner := tidings.User{Account: account, Email: demoEmail, Name: "Demo", Role: tidings.RoleOwner, Operator: true}
	if _, err := d.server.store.InviteUser(ctx, owner, link, time.Now().Add(time.Hour), "demo"); err != nil {
		return "", err
	}
	_, err = d.server.store.RedeemLink(ctx, link, "", hash)
	return secret, err
}

// show lets activities flow and prints what becomes of them, until ctx ends.
func (d *demo) show(ctx context.Context) error {
	attempts, unwatch := d.server.delivery.Watch(tidings.EndpointID(d.endpoint))
	defer unwatch()
	produced := time.NewTicker(demoTurn)
	defer produced.Stop()
	moods := time.NewTimer(d.receiver.mood().length)
	defer moods.Stop()
	tale := newStory(d.cmd.Seed)
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-produced.C:
			// Not ctx: a request that was begun is carried to its answer, so that it can be counted.
			carried := context.WithoutCancel(ctx)
			if err := d.produce(carried, tale.turn(max(1, d.cmd.Rate*int(demoTurn/time.Millisecond)/1000), now)); err != nil {
				return err
			}
			if err := d.circle.turn(carried); err != nil {
				return err
			}
		case a := <-attempts:
			d.screen.attempt(a)
			d.caughtUp()
		case <-moods.C:
			mood, err := d.receiver.next()
			if err != nil {
				return err
			}
			d.screen.mood(mood)
			moods.Reset(mood.length)
		}
	}
}

// demoTurn is how often the story goes on.
const demoTurn = 500 * time.Millisecond

// produce sends activities in, as a producer would.
func (d *demo) produce(ctx context.Context, activities []storyActivity) error {
	if len(activities) == 0 {
		return nil
	}
	var answer struct {
		Accepted int64 `json:"accepted"`
		First    int64 `json:"firstSeq"`
		Last     int64 `json:"lastSeq"`
	}
	if err := d.api.call(ctx, http.MethodPost, "/v1/activities", activities, &answer); err != nil {
		return err
	}
	d.accepted += answer.Accepted
	d.screen.accepted(answer.First, answer.Last, activities)
	return nil
}

// caughtUp tells when a blocked endpoint has nothing left to deliver.
func (d *demo) caughtUp() {
	lane, ok := d.server.delivery.Lane(tidings.EndpointID(d.endpoint))
	if ok && lane.Position.Scanned >= lane.Head {
		d.screen.caughtUp()
	}
}

// finish has the receiver take everything, and compares what was stored with what came.
func (d *demo) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	d.screen.finishing()
	if err := d.receiver.beGood(); err != nil {
		return err
	}
	if err := d.circle.finish(ctx); err != nil {
		return err
	}
	id := tidings.EndpointID(d.endpoint)
	attempts, unwatch := d.server.delivery.Watch(id)
	defer unwatch()
	ep, _, err := d.server.store.Lane(ctx, id)
	if err != nil {
		return err
	}
	for {
		head, err := d.server.store.Head(ctx, ep.Account) // a lane hears of an append a moment later
		if err != nil {
			return err
		}
		lane, ok := d.server.delivery.Lane(id)
		if !ok || lane.Position.Scanned >= head {
			d.screen.caughtUp()
			break
		}
		if lane.Position.Blocked() && !lane.InFlight {
			// It may have begun meanwhile: then there is nothing to hurry.
			_ = d.server.delivery.TryNow(id)
		}
		select {
		case a := <-attempts:
			d.screen.attempt(a)
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("not everything was delivered in time")
		}
	}
	return d.verify(ctx)
}

// verify compares the server's feed with what the receiver accepted: the same
// activities in the same order.
func (d *demo) verify(ctx context.Context) error {
	stored, total, err := d.feedDigest(ctx)
	if err != nil {
		return err
	}
	t := d.receiver.tally()
	circles, err := d.receiver.circles()
	if err != nil {
		return err
	}
	d.screen.closed(circles)
	switch {
	case t.Broken+t.Unverified+t.Unreadable > 0:
		return fmt.Errorf("the receiver found %d breaches of order and %d wrong signatures", t.Broken, t.Unverified)
	case t.Moved > 0:
		d.screen.summary(total, t, "the cursor was moved by hand, so the receiver's copy was not compared with the feed")
		return nil
	case d.receiver.digest() != stored:
		return fmt.Errorf("the feed has %d activities, the receiver got %d, and they are not the same", total, t.Activities)
	case int64(total) < d.accepted:
		return fmt.Errorf("%d activities were acknowledged and the feed has %d", d.accepted, total)
	}
	d.screen.summary(total, t, "every acknowledged activity was received, once each, in the order of the feed")
	return nil
}

// feedDigest reads the feed back as any receiver may, and digests its activities in order.
func (d *demo) feedDigest(ctx context.Context) (digest string, total int, err error) {
	chain := newChain()
	for after := int64(0); ; {
		var page []struct {
			Seq      int64    `json:"seq"`
			Activity activity `json:"activity"`
		}
		if err := d.api.call(ctx, http.MethodGet, fmt.Sprintf("/v1/activities?after=%d&limit=1000", after), nil, &page); err != nil {
			return "", 0, err
		}
		for _, a := range page {
			chain.add(a.Activity.IID + " " + a.Activity.Status)
			after = a.Seq
			total++
		}
		if len(page) == 0 {
			return chain.sum(), total, nil
		}
	}
}

func (d *demo) stop() error {
	var err error
	if d.server != nil {
		err = d.server.Stop(context.Background())
	}
	if d.receiver != nil {
		err = errors.Join(err, d.receiver.down())
	}
	if d.shop != nil {
		err = errors.Join(err, d.shop.stop())
	}
	return err
}

// freeAddress gives the address when it is free, and else a free port of its host.
func freeAddress(addr string) string {
	socket, err := net.Listen("tcp", addr)
	if err == nil {
		socket.Close()
		return addr
	}
	host, _, found := strings.Cut(addr, ":")
	if !found || !inUse(err) {
		return addr
	}
	return net.JoinHostPort(host, "0")
}
