package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"tidings"
	"tidings/call"
	"tidings/feed"
	"tidings/password"
	"tidings/source"
)

// Store is what the API asks of a store, noun by noun; see the files of the nouns.
type Store interface {
	Accounts
	Users
	Keys
	Endpoints
	Attempts
	Stats
	Feed
	Audit
	Connectors
	Webhooks
	Calls
	TestData
	Contacts
	Blacklist
	Fields
	Segments
	Events
	Workflows
	Runs
	Cases
	Messages
	Mails
	Broadcasts
	Settings
	Sources
}

// Dispatcher is what the API asks of the one that delivers (feed.Dispatcher).
type Dispatcher interface {
	Reload(ctx context.Context, id tidings.EndpointID) error
	TryNow(id tidings.EndpointID) error
	Lane(id tidings.EndpointID) (feed.LaneStatus, bool)
	HeadBatch(ctx context.Context, id tidings.EndpointID) (*feed.Batch, tidings.Position, error)
	Watch(id tidings.EndpointID) (<-chan tidings.Attempt, func())
	Stats() feed.Stats
}

// Authenticate says whose key a request carries, and that it has the scope.
// Errors: CodeUnauthorized, CodeForbidden (the scope is missing), CodeRateLimited.
type Authenticate = func(r *http.Request, scope tidings.Scope) (tidings.Key, error)

// Config is what a Server is made of.
type Config struct {
	Store      Store
	Dispatcher Dispatcher
	// Shared says that other nodes deliver, too: what they do is read from the store.
	Shared bool
	// Nodes gives the nodes that are alive. Default: none are shown.
	Nodes func(context.Context) ([]tidings.Node, error)
	// Probe tests an endpoint's URL by a GET through the door of the deliveries.
	Probe func(context.Context, *tidings.Endpoint) feed.ProbeResult
	// Calls sends webhooks, and CallRules is what they are checked by when they are saved.
	Calls     Caller
	CallRules call.Rules
	// CheckURL says what is wrong with an endpoint's URL, or "".
	CheckURL func(raw string) string
	// Launches gives the runs that an event may start. Default: events start none.
	Launches func(ctx context.Context, account tidings.AccountID, e *tidings.Event) ([]tidings.Launch, error)
	// Dry tries workflows with nothing stored.
	Dry DryRunner
	// MailDefaults completes an account's settings by those of the server. Default: it does not.
	MailDefaults func(tidings.MailSettings) tidings.MailSettings
	// MailServer says how the SMTP server stands. Default: nothing is said of it.
	MailServer func() *MailServer
	// ViewLink gives the link to a mail's web version, and RawMail a mail as it
	// goes to the SMTP server.
	ViewLink func(tidings.MailID) string
	RawMail  func(*tidings.Mail) ([]byte, error)
	// Pages answers what the links of mails lead to. Default: they lead nowhere.
	Pages Pages
	// BroadcastDue says that a broadcast was made or resumed. Default: nobody is told.
	BroadcastDue func()
	// PublicURL is how this server is called from outside, for sources whose
	// signatures are of the URL and for one-time links. Default: what each request says.
	PublicURL string
	// Fetch gets a small document of the outside, for sources whose signatures
	// need one. Default: they are refused.
	Fetch func(ctx context.Context, url string) ([]byte, error)
	// Passwords hashes those of users. Default: one of its own.
	Passwords *password.Hasher
	// Wait returns when the account's feed reaches past after, or with ctx's
	// error. (*Arrivals).Wait in production.
	Wait func(ctx context.Context, account tidings.AccountID, after tidings.Seq) error
	// Running gives of what a query asks for what this process counts and may not
	// have stored yet. Default: nothing.
	Running func(*tidings.TallyQuery) tidings.RunningTallies
	// Ready says why the server can't do its work now; nil when it can.
	Ready func() error
	// Public makes what answers the paths under /api/ (publicapi.New), given how
	// a request's key is found. Default: they are not served.
	Public func(Authenticate) http.Handler
	// Collectors are further metrics, e.g. of the store.
	Collectors []prometheus.Collector

	AdminToken string           // opens the admin's operations. Default: they are closed
	Version    string           // of the server, shown. Default: "dev"
	MaxBody    int              // bytes of one request's activities, inflated; tidings.MaxRequestBytes
	MaxHeld    int64            // bytes of all requests' activities held at once; 256 MiB
	MaxStreams int              // tails and waiting reads at once; 1,000
	MaxTests   int              // tests of webhooks under way at once; 64
	Heartbeat  time.Duration    // between the signs of life of a quiet tail; 15 s
	Now        func() time.Time // time.Now
	Logger     *slog.Logger     // slog.Default()
}

func (cfg Config) withDefaults() Config {
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = tidings.MaxRequestBytes
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = 256 << 20
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 1000
	}
	if cfg.MaxTests == 0 {
		cfg.MaxTests = 64
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	if cfg.Launches == nil {
		cfg.Launches = func(context.Context, tidings.AccountID, *tidings.Event) ([]tidings.Launch, error) { return nil, nil }
	}
	if cfg.BroadcastDue == nil {
		cfg.BroadcastDue = func() {}
	}
	if cfg.Fetch == nil {
		cfg.Fetch = func(context.Context, string) ([]byte, error) {
			return nil, tidings.Errorf(tidings.CodeUnavailable, "this server fetches nothing from outside")
		}
	}
	if cfg.MailDefaults == nil {
		cfg.MailDefaults = func(m tidings.MailSettings) tidings.MailSettings { return m }
	}
	if cfg.MailServer == nil {
		cfg.MailServer = func() *MailServer { return nil }
	}
	if cfg.Passwords == nil {
		cfg.Passwords = password.New(0)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Nodes == nil {
		cfg.Nodes = func(context.Context) ([]tidings.Node, error) { return nil, nil }
	}
	if cfg.Running == nil {
		cfg.Running = func(*tidings.TallyQuery) tidings.RunningTallies { return tidings.RunningTallies{} }
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	return cfg
}

// Server is the JSON door. It is an http.Handler.
type Server struct {
	cfg     Config
	store   Store
	log     *slog.Logger
	mux     *http.ServeMux
	api     huma.API
	auth    *authenticator
	tries   tries // of current passwords
	meter   *meter
	bodies  bodies
	public  http.Handler  // nil = nothing is under /api/
	streams chan struct{} // a place for each tail and waiting read
	tests   chan struct{} // a place for each test of a webhook, message or workflow
	header  http.Header   // on every answer; its values are never changed
	routes  []string      // the patterns of all operations
	spec    []byte        // /openapi.json
	docs    []byte        // /docs

	intakes      intakes              // what came to sources lately
	certificates *source.Certificates // of senders whose signatures need one

	ending     context.Context // ends when long answers must end
	endStreams context.CancelFunc
}

// New makes a server. What it serves is all known when it returns.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, store: cfg.Store, log: cfg.Logger,
		mux:     http.NewServeMux(),
		auth:    newAuthenticator(cfg),
		meter:   newMeter(cfg),
		bodies:  bodies{free: cfg.MaxHeld},
		streams: make(chan struct{}, cfg.MaxStreams),
		tests:   make(chan struct{}, cfg.MaxTests),
		header:  securityHeaders(),
		tries:   tries{of: map[tidings.UserID]*rate.Limiter{}},
	}
	s.certificates = source.NewCertificates(cfg.Fetch)
	s.ending, s.endStreams = context.WithCancel(context.Background())
	s.api = huma.NewAPI(specConfig(cfg.Version), adapter{s})
	s.registerActivities()
	s.registerSearch()
	s.registerEndpoints()
	s.registerActs()
	s.registerAttempts()
	s.registerBatches()
	s.registerStats()
	s.registerAccounts()
	s.registerKeys()
	s.registerUsers()
	s.registerSessions()
	s.registerContacts()
	s.registerBlacklist()
	s.registerFields()
	s.registerSegments()
	s.registerEvents()
	s.registerConnectors()
	s.registerWebhooks()
	s.registerTests()
	s.registerWebhookPreviews()
	s.registerCurl()
	s.registerCalls()
	s.registerWorkflows()
	s.registerDryRuns()
	s.registerCases()
	s.registerRuns()
	s.registerMessages()
	s.registerBroadcasts()
	s.registerMails()
	s.registerSettings()
	s.registerSources()
	s.registerAudit()
	s.registerNodes()
	s.registerOperation()
	s.registerPublic()
	s.registerDocs()
	s.mux.HandleFunc("/", s.notServed)
	return s
}

// EndStreams ends the answers that would go on for long (tails, waiting reads),
// so that a graceful stop of the HTTP server does not wait for them. It may be
// called twice.
func (s *Server) EndStreams() { s.endStreams() }

// Routes lists all operations that are served, as "METHOD /path".
func (s *Server) Routes() []string { return slices.Clone(s.routes) }

// stream takes a place among the long answers, for as long as it lasts; false
// when all are taken.
func (s *Server) stream() (leave func(), ok bool) {
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams }, true
	default:
		return nil, false
	}
}

// tooManyStreams is what a client is told when all places are taken.
func (s *Server) tooManyStreams() error {
	return &tidings.Error{
		Code: tidings.CodeRateLimited, RetryAfter: 5 * time.Second,
		Message: "too many tails and waiting reads are open: close some, or ask without wait",
	}
}
