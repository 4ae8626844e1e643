package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings"
	"tidings/api"
	"tidings/call"
	"tidings/egress"
	"tidings/feed"
	"tidings/password"
	"tidings/publicapi"
	"tidings/store"
	"tidings/ui"
)

// server is all parts wired together. Tests and the demo build the same one.
type server struct {
	grace    time.Duration
	keep     retention
	log      *slog.Logger
	socket   net.Listener
	store    *store.Store
	door     *egress.Client // of deliveries and probes
	calls    *egress.Client // of webhooks, which may have rules of their own
	delivery *feed.Dispatcher
	flow     *flow
	tallies  *tallies
	api      *api.Server
	http     *http.Server
	node     tidings.Node
	shared   bool // other nodes may be on the same database

	failed  chan error // why serving ended by itself; at most one
	loops   sync.WaitGroup
	stop    context.CancelFunc // ends the loops
	ready   chan struct{}      // closed by Start
	stopped sync.Once
}

// newServer makes a server of the flags: it listens, so that a taken address
// is found out first, and opens the data directory or the database. Stop gives both back.
func newServer(ctx context.Context, c *serveCmd, log *slog.Logger) (_ *server, err error) {
	authorities, err := c.authorities()
	if err != nil {
		return nil, err
	}
	s := &server{grace: c.ShutdownGrace, keep: c.retention(), log: log, failed: make(chan error, 1), ready: make(chan struct{}), stop: func() {}}
	if s.socket, err = net.Listen("tcp", c.Addr); err != nil {
		return nil, listenError(c.Addr, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.socket.Close())
		}
	}()
	news, hearing := &news{}, &hearing{}
	s.tallies = newTallies(log, time.Now)
	options := store.Options{Appended: news.appended, Noticed: news.noticed, Tallied: s.tallies.count, Log: log}
	hearing.listen(&options)
	if s.store, err = openStore(ctx, c, options); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	s.node, s.shared = c.node(s.socket.Addr().String()), c.DB != ""
	s.door = egress.New(egress.Options{Allow: c.allowed(), RootCAs: authorities})
	s.calls = egress.New(egress.Options{Allow: c.allowed(), HTTPToAllowed: true, RootCAs: authorities})
	caller := call.New(call.Options{Client: s.calls, UserAgent: userAgent, Rules: c.callRules()})
	poster := &feed.Poster{Client: s.door, UserAgent: userAgent}
	lanes := feed.Config{
		Log: s.store, Post: poster.Post, Tallied: s.tallies.count, Logger: log,
		RetryBase: c.RetryBase, RetryCap: c.RetryCap, MaxInFlight: c.MaxInFlight, MaxRepeats: c.MaxRetrying,
	}
	s.share(&lanes, c)
	s.delivery = feed.New(lanes)
	arrivals := api.NewArrivals(s.store.Head)
	if s.flow, err = s.newFlow(&c.Flow, caller); err != nil {
		return nil, err
	}
	hearing.flow.Store(s.flow)
	passwords := password.New(0) // one for both doors: together they take the memory of a few hashes
	doors := api.Config{
		Store: s.store, Dispatcher: s.delivery, Probe: poster.Probe, CheckURL: c.checkURL, Wait: arrivals.Wait, Shared: s.shared, Nodes: s.nodes,
		Calls: caller, CallRules: c.callRules(),
		Ready: s.isReady, Public: publicapi.New(s.store), Collectors: []prometheus.Collector{newStoreCollector(s.store.Stats), newMailCollector(s.flow.sender.Status)},
		AdminToken: c.AdminToken, Version: version, MaxHeld: c.MaxHeld, Logger: log,
		PublicURL: c.Flow.PublicURL, Fetch: s.fetch, Running: s.tallies.running, Passwords: passwords,
	}
	s.flow.serve(&doors)
	s.api = api.New(doors)
	news.ears.Store(&ears{s.delivery, arrivals, s.api})
	pages, err := ui.New(ui.Config{API: s.api, Users: s.store, Passwords: passwords, PublicURL: c.Flow.PublicURL, SignOn: c.SignOn.config(authorities), Logger: log})
	if err != nil {
		return nil, err
	}
	s.http = httpServer(s.doors(ui.Beside(s.api, pages)), log)
	return s, nil
}

// userAgent is the User-Agent of deliveries, probes and calls.
const userAgent = "Tidings/" + version

// httpServer bounds what a client can hold: slow senders of headers here, of
// bodies in the API, which knows which requests may be long.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// URL is where the server is reached from this machine.
func (s *server) URL() string {
	host, port, err := net.SplitHostPort(s.socket.Addr().String())
	if err != nil {
		return "http://" + s.socket.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Start seals secrets by the newest key, begins to deliver and then to serve.
// It returns when all that is done.
func (s *server) Start(ctx context.Context) error {
	if n, err := s.store.Reseal(ctx); err != nil {
		return fmt.Errorf("sealing secrets by the newest key: %w", err)
	} else if n > 0 {
		s.log.Info("secrets are sealed by the newest key; older ones may leave the key file", "secrets", n)
	}
	if err := s.delivery.Start(ctx); err != nil {
		return fmt.Errorf("reading where the endpoints stand: %w", err)
	}
	if slices.Contains(s.node.Roles, tidings.RoleWorkflow) {
		if err := s.flow.start(); err != nil {
			return err
		}
	}
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.loops.Go(func() { s.housekeeping(loops) })
	s.loops.Go(func() { s.tallies.run(loops, s.store) })
	s.loops.Go(func() {
		if err := s.http.Serve(s.socket); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving on %s ended: %w", s.socket.Addr(), err)
		}
	})
	close(s.ready)
	return nil
}

// isReady says why the server can't take activities now.
func (s *server) isReady() error {
	select {
	case <-s.ready:
		return s.store.Err()
	default:
		return tidings.Errorf(tidings.CodeUnavailable, "still starting")
	}
}

// Stop ends gracefully: no new requests and batches, what is under way may
// finish within the grace, then everything is written and given back. It may
// be called twice.
func (s *server) Stop(ctx context.Context) error {
	var err error
	s.stopped.Do(func() { err = s.shutDown(ctx) })
	return err
}

func (s *server) shutDown(ctx context.Context) error {
	s.log.Info("stopping", "grace", s.grace)
	grace, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	s.stop()
	s.api.EndStreams()
	var parts sync.WaitGroup
	parts.Go(func() { s.flow.stop(grace) })
	parts.Go(func() {
		if err := s.http.Shutdown(grace); err != nil {
			s.log.Warn("requests were cut off: they were still under way after the grace")
			_ = s.http.Close()
		}
	})
	parts.Go(func() {
		if err := s.delivery.Stop(grace); err != nil {
			s.log.Warn("deliveries were cut off: they were still under way after the grace and will come again with the same id")
		}
	})
	parts.Wait()
	s.loops.Wait()
	last, done := context.WithTimeout(context.WithoutCancel(ctx), lastTallies)
	s.tallies.flush(last, s.store, true)
	done()
	_ = s.socket.Close() // closed already when it was served on
	s.door.Close()
	s.calls.Close()
	if err := s.store.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	s.log.Info("stopped")
	return nil
}

// inUse says whether an address could not be listened on because somebody else does.
func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
