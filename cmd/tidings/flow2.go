package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
	"tidings/api"
	"tidings/call"
	"tidings/egress"
	"tidings/message"
	"tidings/store"
	"tidings/workflow"
)

// flowFlags are those of workflows and mail, apart from the rest because they
// are many.
type flowFlags struct {
	SMTP         string `name:"smtp" placeholder:"URL" group:"Mail" help:"SMTP server that takes the mails: smtp://user:password@host:587, smtp://host:25 (?tls=required or ?tls=none), smtps://host:465. Without it mails are kept in the outbox and count as sent. Better given in the environment."`
	MailFrom     string `placeholder:"ADDRESS" group:"Mail" help:"Sender of messages where neither the message nor the account's settings have one, e.g. 'Shop <shop@example.com>'."`
	MailHostname string `placeholder:"NAME" group:"Mail" help:"By what name the SMTP server is greeted. Default: the machine's."`
	PublicURL    string `placeholder:"URL" group:"Mail" help:"Where people and the links of mails (opens, clicks, unsubscribing) reach this server from outside, e.g. https://mail.example.com; with https the cookies of the pages are for https only. Default: the address that it listens on."`

	DKIMKey      string `name:"dkim-key" placeholder:"FILE" type:"existingfile" group:"Mail" help:"PEM file of the private key that signs mails (RSA or Ed25519); with --dkim-domain and --dkim-selector."`
	DKIMDomain   string `name:"dkim-domain" placeholder:"DOMAIN" group:"Mail" help:"Domain that signs."`
	DKIMSelector string `name:"dkim-selector" placeholder:"NAME" group:"Mail" help:"Selector of the key's TXT record."`

	BounceAddr   string `placeholder:"HOST:PORT" group:"Mail" help:"Address and port to listen on for bounces and complaints by SMTP, e.g. :25; with --bounce-domain. Default: mails that come back are not taken."`
	BounceDomain string `placeholder:"DOMAIN" group:"Mail" help:"Domain of the return paths of mails, whose mail exchanger is --bounce-addr. Without it mails come back to their sender."`
	ComplaintsTo string `placeholder:"ADDRESS" group:"Mail" help:"Address at which feedback loops of mailbox providers are registered, of the --bounce-domain. Default: complaints@ that domain."`

	Workers     int           `default:"512" placeholder:"N" group:"Workflows" help:"Runs under way at once; most of them wait for webhooks."`
	RetainRuns  time.Duration `default:"2160h" placeholder:"DURATION" group:"Data" help:"Drop runs that have ended, with their steps, when they are older; 0 = keep all."`
	RetainMails time.Duration `default:"2160h" placeholder:"DURATION" group:"Data" help:"Drop mails when they are older, their web versions and tracking with them; 0 = keep all."`

	ClaimHold time.Duration `hidden:"" help:"How long runs and mails that were under way wait after a crash; 0 = as the parts have it."`
}

// validate refuses what the flags' types can't.
func (f *flowFlags) validate() error {
	if f.SMTP != "" {
		if _, err := message.ParseServer(f.SMTP); err != nil {
			return fmt.Errorf("--smtp: %w", err)
		}
	}
	if _, err := f.from(); err != nil {
		return err
	}
	if signs := f.DKIMKey != ""; signs != (f.DKIMDomain != "") || signs != (f.DKIMSelector != "") {
		return errors.New("--dkim-key, --dkim-domain and --dkim-selector go together")
	}
	switch {
	case f.BounceAddr != "" && f.BounceDomain == "":
		return errors.New("--bounce-addr needs --bounce-domain: return paths are of that domain")
	case f.Workers < 0:
		return errors.New("--workers must not be negative")
	case f.RetainRuns < 0 || f.RetainMails < 0:
		return errors.New("--retain-runs and --retain-mails must not be negative")
	}
	return nil
}

// from gives the sender of --mail-from.
func (f *flowFlags) from() (tidings.Mailbox, error) {
	if f.MailFrom == "" {
		return tidings.Mailbox{}, nil
	}
	address, err := mail.ParseAddress(f.MailFrom)
	if err != nil {
		return tidings.Mailbox{}, errors.New("--mail-from must be an address, as shop@example.com or 'Shop <shop@example.com>'")
	}
	return tidings.Mailbox{Name: address.Name, Address: address.Address}, nil
}

// flow is what runs workflows and sends mails.
type flow struct {
	log         *slog.Logger
	store       mailStore
	links       *message.Links
	verp        message.VERP
	sender      *message.Sender
	broadcaster *message.Broadcaster
	pages       *message.Pages
	inbound     *message.Inbound // nil = nothing that comes back is taken in
	triggers    *workflow.Triggers
	engine      *workflow.Engine
	runner      *workflow.Runner
	follower    *workflow.Follower
}

// mailStore is the store, with the server's own settings of mail under the accounts'.
type mailStore struct {
	*store.Store
	from tidings.Mailbox
}

// MailSettings gives an account's settings; a sender that it has not is the server's.
func (s mailStore) MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error) {
	m, err := s.Store.MailSettings(ctx, account)
	return s.withDefaults(m), err
}

func (s mailStore) withDefaults(m tidings.MailSettings) tidings.MailSettings {
	if m.From.Address == "" {
		m.From = s.from
	}
	return m
}

// signingKeys makes the keys of links and return paths of those that seal
// secrets: the newest signs, all of them verify.
func signingKeys(s *store.Store, purpose string) []message.VERPKey {
	const names = "abcdefghijklmnopqrstuvwxyz234567"
	var keys []message.VERPKey
	taken := map[byte]bool{}
	for _, k := range s.Derive(purpose) {
		name := names[k.ID[0]&31]
		if taken[name] {
			continue // two of one name can't be told apart: the older one gives way
		}
		taken[name] = true
		keys = append(keys, message.VERPKey{ID: name, Secret: k.Secret[:]})
	}
	return keys
}

// newFlow wires the parts. Nothing runs yet.
func (s *server) newFlow(f *flowFlags, caller *call.Caller) (*flow, error) {
	from, err := f.from()
	if err != nil {
		return nil, err
	}
	w := &flow{log: s.log, store: mailStore{s.store, from}}
	if w.links, err = message.NewLinks(message.LinkOptions{BaseURL: cmp.Or(f.PublicURL, s.URL()), Keys: signingKeys(s.store, "links of mails")}); err != nil {
		return nil, fmt.Errorf("--public-url: %w", err)
	}
	w.verp = message.VERP{Domain: f.BounceDomain, Keys: signingKeys(s.store, "return paths of mails")}
	sending, err := f.sending(w)
	if err != nil {
		return nil, err
	}
	if w.sender, err = message.NewSender(sending); err != nil {
		return nil, err
	}
	w.broadcaster = message.NewBroadcaster(message.BroadcasterOptions{Store: w.store, Hold: f.ClaimHold, Log: s.log})
	w.pages = message.NewPages(message.PagesOptions{Store: s.store, Links: w.links, Log: s.log})
	if f.BounceAddr != "" {
		if w.inbound, err = f.newInbound(w); err != nil {
			return nil, err
		}
	}
	w.triggers = workflow.NewTriggers(s.store)
	w.engine = workflow.NewEngine(workflow.EngineOptions{Store: w.store, Call: caller.Do, Preview: caller.Preview})
	running := workflow.RunnerOptions{Engine: w.engine, Store: s.store, Tallied: s.tallies.count, Workers: f.Workers, Hold: f.ClaimHold, Log: s.log}
	if s.store.Alone() {
		running.Rescan = time.Hour // it hears of all that becomes due
	}
	w.runner = workflow.NewRunner(running)
	w.follower = workflow.NewFollower(workflow.FollowerOptions{Store: s.store, Triggers: w.triggers, Log: s.log})
	return w, nil
}

// sending reads how mails are sent.
func (f *flowFlags) sending(w *flow) (message.SenderOptions, error) {
	o := message.SenderOptions{Store: w.store, Links: w.links, VERP: w.verp, Hello: f.MailHostname, Hold: f.ClaimHold, Log: w.log}
	if f.SMTP != "" {
		server, err := message.ParseServer(f.SMTP)
		if err != nil {
			return o, fmt.Errorf("--smtp: %w", err)
		}
		o.Server = server
	}
	if f.DKIMKey != "" {
		text, err := os.ReadFile(f.DKIMKey)
		if err != nil {
			return o, fmt.Errorf("--dkim-key: %w", err)
		}
		if o.DKIM, err = message.ParseDKIM(text, f.DKIMSelector, f.DKIMDomain); err != nil {
			return o, fmt.Errorf("--dkim-key: %w", err)
		}
	}
	return o, nil
}

// newInbound makes the listener to which mails come back.
func (f *flowFlags) newInbound(w *flow) (*message.Inbound, error) {
	complaints := f.ComplaintsTo
	if complaints == "" {
		complaints = "complaints@" + f.BounceDomain
	}
	in, err := message.NewInbound(message.InboundOptions{
		Addr: f.BounceAddr, VERP: w.verp, Complaints: complaints, Link: w.links.Mail, Take: w.take, Log: w.log,
	})
	if err != nil {
		return nil, fmt.Errorf("--bounce-addr: %w", err)
	}
	return in, nil
}

// take makes durable what a mail that came back says.
func (w *flow) take(ctx context.Context, r message.Report) error {
	id := tidings.MailID(r.Mail)
	var err error
	switch {
	case r.Kind == message.ReportIgnored, r.Kind == message.ReportDelayed, id == 0:
		w.log.Info("a mail that came back changes nothing", "kind", r.Kind, "mail", r.Mail, "form", r.Format, "reason", r.Reason)
		return nil
	case r.Kind == message.ReportBounced:
		err = w.store.SettleMail(ctx, tidings.MailOutcome{Mail: id, At: time.Now(), State: tidings.MailFailed, Error: r.Description, Permanent: r.Permanent})
	case r.Kind == message.ReportComplained:
		err = w.store.Track(ctx, tidings.Hit{Mail: id, Kind: tidings.HitComplaint, At: time.Now()})
	}
	switch tidings.CodeOf(err) {
	case tidings.CodeNotFound, tidings.CodeConflict: // it is past its time, or is settled already
		w.log.Info("a mail that came back changes nothing", "kind", r.Kind, "mail", r.Mail, "reason", err)
		return nil
	}
	return err
}

// start sets everything going.
func (w *flow) start() error {
	if w.inbound != nil {
		if err := w.inbound.Start(); err != nil {
			return err
		}
	}
	w.sender.Start()
	w.broadcaster.Start()
	w.runner.Start()
	w.follower.Start()
	return nil
}

// stop takes nothing new in hand and lets what is under way come to its end,
// until ctx ends; what was cut off is taken up again by the next start.
func (w *flow) stop(ctx context.Context) {
	w.follower.Stop()
	w.broadcaster.Stop()
	var all sync.WaitGroup
	for what, stop := range map[string]func(context.Context) error{"runs": w.runner.Stop, "mails": w.sender.Stop} {
		all.Go(func() {
			if err := stop(ctx); err != nil {
				w.log.Warn(what + " were cut off: they were still under way after the grace, and are taken up again")
			}
		})
	}
	if w.inbound != nil {
		all.Go(func() {
			if err := w.inbound.Stop(ctx); err != nil {
				w.log.Warn("mails that came back were cut off: their senders will come again")
			}
		})
	}
	all.Wait()
}

// serve gives the API what it needs of all this.
func (w *flow) serve(cfg *api.Config) {
	cfg.Launches, cfg.Dry = w.triggers.Launches, w.engine
	cfg.MailServer = func() *api.MailServer {
		status := w.sender.Status()
		return &api.MailServer{Address: status.Server, Error: status.Error}
	}
	cfg.MailDefaults, cfg.ViewLink, cfg.RawMail, cfg.Pages = w.store.withDefaults, w.links.View, w.sender.Raw, w.pages
	cfg.BroadcastDue = w.broadcaster.Wake
}

// hearing tells the parts of what is due. The store is opened before they
// exist; they look for themselves when they start.
type hearing struct{ flow atomic.Pointer[flow] }

// listen has the store tell.
func (h *hearing) listen(o *store.Options) {
	wake := func(of func(*flow) func()) func() {
		return func() {
			if f := h.flow.Load(); f != nil {
				of(f)()
			}
		}
	}
	o.RunsDue = wake(func(f *flow) func() { return f.runner.Wake })
	o.MailsDue = wake(func(f *flow) func() { return f.sender.Wake })
	o.ViewLink = func(id tidings.MailID) string {
		if f := h.flow.Load(); f != nil {
			return f.links.View(id)
		}
		return "" // nothing is sent before they exist
	}
	appended := o.Appended
	o.Appended = func(account tidings.AccountID, head tidings.Seq) {
		appended(account, head)
		if f := h.flow.Load(); f != nil {
			f.follower.Wake(account)
		}
	}
	noticed := o.Noticed
	o.Noticed = func(n tidings.Notice) {
		noticed(n)
		if f := h.flow.Load(); f != nil {
			f.noticed(n)
		}
	}
}

// noticed takes up what another node has made due. What was missed is looked
// for in any case, some seconds later.
func (w *flow) noticed(n tidings.Notice) {
	switch n.Kind {
	case tidings.NoticeRuns:
		w.runner.Wake()
	case tidings.NoticeMails:
		w.sender.Wake()
	case tidings.NoticeBroadcasts:
		w.broadcaster.Wake()
	case tidings.NoticeAppended:
		w.follower.Wake(n.Account)
	case tidings.NoticeMissed:
		w.runner.Wake()
		w.sender.Wake()
		w.broadcaster.Wake()
	}
}

// maxFetched bounds what sources need of the outside: certificates.
const maxFetched = 64 << 10

// fetch gets a small document through the door of deliveries.
func (s *server) fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := s.door.Do(ctx, egress.Request{Method: http.MethodGet, URL: url, Header: http.Header{"User-Agent": {userAgent}}, Keep: maxFetched})
	switch {
	case err != nil:
		return nil, err
	case res.Status != http.StatusOK || !res.Whole:
		return nil, fmt.Errorf("GET %s answered %d", url, res.Status)
	}
	return res.Body, nil
}
