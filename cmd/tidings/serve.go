package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings"
	"tidings/call"
	"tidings/feed"
)

// serveCmd runs the server. Zero works for every field that is not required:
// the defaults are those of the tags.
type serveCmd struct {
	Addr string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"Doors" help:"Address and port to listen on."`
	Data string `placeholder:"DIR" group:"Data" help:"Data directory; it is made when it does not exist."`

	DB       string   `name:"db" placeholder:"DSN" group:"Nodes" help:"PostgreSQL database in place of a data directory, as postgres://USER:PASSWORD@HOST:PORT/NAME; several nodes may share it. Better given in the environment."`
	Roles    []string `enum:"api,deliver,workflow" placeholder:"ROLE,…" group:"Nodes" help:"What this node does, of api, deliver and workflow. All by default."`
	NodeName string   `placeholder:"NAME" group:"Nodes" help:"How this node is called in GET /v1/nodes. Default: the host's name."`

	AdminToken string `placeholder:"TOKEN" group:"Doors" help:"Opens the admin's operations (accounts and their keys), 16 characters or more; without it they are closed. Better given in the environment."`

	EgressAllow []addressRange `placeholder:"CIDR" group:"Deliveries" help:"Let deliveries and calls reach addresses that are not public, e.g. 10.1.0.0/16; repeatable. None by default."`
	CAFile      string         `placeholder:"FILE" type:"existingfile" aliases:"egress-ca" group:"Deliveries" help:"PEM file of further certificate authorities that the certificates of receivers, outside systems and the identity provider may come from (also --egress-ca)."`
	AllowHTTP   bool           `group:"Deliveries" help:"Let webhooks of workflows have http URLs, without encryption, to addresses of --egress-allow only: for development."`
	RetryBase   time.Duration  `default:"1m" placeholder:"DURATION" group:"Deliveries" help:"Wait after the first failed attempt; it doubles with each further one."`
	RetryCap    time.Duration  `default:"60m" placeholder:"DURATION" group:"Deliveries" help:"Longest wait between two attempts."`
	MaxInFlight int            `default:"4096" placeholder:"N" group:"Deliveries" help:"First attempts under way at once, over all endpoints."`
	MaxRetrying int            `default:"512" placeholder:"N" group:"Deliveries" help:"Repeated attempts under way at once, over all endpoints, so that dead receivers never keep live ones waiting."`

	SecretKeyFile string        `placeholder:"FILE" group:"Data" help:"File of the keys that seal secrets in the database; it is made when it does not exist, except with --db, where every node has the same one. Default: tidings.key in the data directory. Back it up apart from the database."`
	RetainMonths  int           `default:"0" placeholder:"N" group:"Data" help:"Drop activities that arrived more than N whole months ago, but never what an active endpoint has still to deliver; 0 = keep all."`
	RetainCalls   time.Duration `default:"720h" placeholder:"DURATION" group:"Data" help:"Drop calls of webhooks from the log when they are older; 0 = keep all."`
	RetainEvents  time.Duration `default:"17520h" placeholder:"DURATION" group:"Data" help:"Drop events when they are older; 0 = keep all."`

	Flow   flowFlags   `embed:""`
	SignOn signOnFlags `embed:""`

	MaxHeld       int64         `default:"268435456" placeholder:"BYTES" group:"Doors" help:"Bodies of all requests with activities held in memory at once; more are answered 503 and come again."`
	ShutdownGrace time.Duration `default:"20s" placeholder:"DURATION" group:"Doors" help:"How long what is under way may still take after SIGTERM or Ctrl-C."`
	LogLevel      string        `default:"info" placeholder:"LEVEL" enum:"debug,info,warn,error" group:"Log" help:"Least level of what is logged: debug, info, warn or error."`
	LogFormat     string        `default:"text" placeholder:"FORM" enum:"text,json" group:"Log" help:"Form of the log on standard error: text or json."`
}

// minAdminToken is the fewest characters of an admin token: it is typed into
// configurations by people, and it opens everything.
const minAdminToken = 16

// Validate refuses what the flags' types can't.
func (c *serveCmd) Validate() error {
	switch {
	case c.checkNode() != nil:
		return c.checkNode()
	case c.Flow.validate() != nil:
		return c.Flow.validate()
	case c.SignOn.validate() != nil:
		return c.SignOn.validate()
	case c.AdminToken != "" && len(c.AdminToken) < minAdminToken:
		return fmt.Errorf("--admin-token must have %d characters or more", minAdminToken)
	case c.AllowHTTP && len(c.EgressAllow) == 0:
		return errors.New("--allow-http needs --egress-allow: http reaches the addresses that it allows and no others")
	case c.RetryBase < time.Millisecond:
		return errors.New("--retry-base must be 1ms or more")
	case c.RetryCap < c.RetryBase:
		return errors.New("--retry-cap must not be shorter than --retry-base")
	case c.MaxInFlight < 1 || c.MaxRetrying < 1:
		return errors.New("--max-in-flight and --max-retrying must be 1 or more")
	case c.RetainMonths < 0:
		return errors.New("--retain-months must not be negative")
	case c.RetainCalls < 0 || c.RetainEvents < 0:
		return errors.New("--retain-calls and --retain-events must not be negative")
	case c.MaxHeld < 32<<20:
		return errors.New("--max-held must be 33554432 (32 MiB) or more: the largest request has to fit")
	case c.ShutdownGrace < 0:
		return errors.New("--shutdown-grace must not be negative")
	}
	return nil
}

// Run serves until ctx ends, then stops gracefully.
func (c *serveCmd) Run(ctx context.Context, term terminal) error {
	s, err := newServer(ctx, c, newLogger(term.err, c.LogLevel, c.LogFormat))
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return errors.Join(err, s.Stop(ctx))
	}
	if c.AdminToken == "" {
		s.log.Warn("the admin's operations are closed: start with --admin-token to create accounts")
	}
	tuning, tuned := context.WithCancel(ctx)
	var tuner sync.WaitGroup
	tuner.Go(func() { tuneCollector(tuning, collectorLook) })
	defer tuner.Wait()
	defer tuned()
	fmt.Fprintf(term.out, "Tidings %s is ready on %s (%s)\n", version, s.URL(), c.where())
	if slices.Contains(s.node.Roles, tidings.RoleAPI) {
		if err := s.offerSetup(ctx, term, c.Flow.PublicURL); err != nil {
			s.log.Warn("no link to make the first owner could be made: start again for one", "error", err)
		}
	}
	select {
	case <-ctx.Done():
		return s.Stop(context.WithoutCancel(ctx))
	case err := <-s.failed:
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
}

// keyFile is where the keys that seal secrets are.
func (c *serveCmd) keyFile() string { return cmp.Or(c.SecretKeyFile, keyFileIn(c.Data)) }

// keyFileIn is where the keys are when no flag says otherwise.
func keyFileIn(data string) string { return filepath.Join(data, "tidings.key") }

// allowed gives the ranges of --egress-allow.
func (c *serveCmd) allowed() []netip.Prefix {
	ranges := make([]netip.Prefix, len(c.EgressAllow))
	for i, r := range c.EgressAllow {
		ranges[i] = r.Prefix
	}
	return ranges
}

// checkURL says what is wrong with an endpoint's URL, or "".
func (c *serveCmd) checkURL(raw string) string {
	return feed.CheckURL(raw, c.allowed())
}

// callRules says what webhooks of workflows may call.
func (c *serveCmd) callRules() call.Rules {
	return call.Rules{AllowHTTP: c.AllowHTTP, Allow: c.allowed()}
}

// authorities gives the certificate authorities of receivers: the system's
// and those of --ca-file. nil = the system's.
func (c *serveCmd) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificate authorities: %w", err)
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-file: %s has no certificate in PEM form", c.CAFile)
	}
	return pool, nil
}

// addressRange is a CIDR or a single address on the command line.
type addressRange struct{ netip.Prefix }

// UnmarshalText reads "10.0.0.0/8" or "127.0.0.1".
func (r *addressRange) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if addr, err := netip.ParseAddr(s); err == nil {
		r.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is no address range: write it like 10.1.0.0/16 or 127.0.0.1", s)
	}
	if p != p.Masked() {
		return fmt.Errorf("%q has bits beyond its length: did you mean %s?", s, p.Masked())
	}
	r.Prefix = p
	return nil
}

// newLogger makes the log of the process.
func newLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
