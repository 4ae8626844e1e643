package ui

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"tidings"
)

// Users is what the pages ask of a store to know who somebody is; see
// session.go, signin.go and sso.go. All else goes through the API.
type Users interface {
	UserByEmail(ctx context.Context, email string) (tidings.User, string, error)
	UserBySubject(ctx context.Context, subject string) (tidings.User, error)
	SetSubject(ctx context.Context, id tidings.UserID, subject string) (tidings.User, error)
	StartSession(ctx context.Context, s tidings.Session, digest [32]byte) (tidings.Session, error)
	SessionUser(ctx context.Context, digest [32]byte) (tidings.Session, tidings.User, tidings.Account, error)
	SessionSeen(ctx context.Context, id int64, at time.Time) error
	EndSessionByDigest(ctx context.Context, digest [32]byte) error
	LinkUser(ctx context.Context, digest [32]byte) (tidings.User, tidings.Account, error)
	RedeemLink(ctx context.Context, digest [32]byte, name, hash string) (tidings.User, error)
	SetUp(ctx context.Context, digest [32]byte, accountName string, into tidings.AccountID, u tidings.User, hash string) (tidings.User, tidings.Account, error)
	Accounts(ctx context.Context, after tidings.AccountID, limit int) ([]tidings.Account, error)
}

// Passwords hashes and compares passwords (password.Hasher).
type Passwords interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Config is what a Server is made of.
type Config struct {
	API       http.Handler // the JSON door (api.Server)
	Users     Users
	Passwords Passwords
	SignOn    SingleSignOn     // none by default
	PublicURL string           // how the server is called from outside. Default: what each request says
	Now       func() time.Time // time.Now
	Logger    *slog.Logger     // slog.Default()
}

// Server is the HTML door. It is an http.Handler.
type Server struct {
	cfg      Config
	log      *slog.Logger
	mux      *http.ServeMux
	handler  http.Handler
	assets   *assets
	origins  *http.CrossOriginProtection
	attempts *attempts // of signing in
	exports  *exports  // under way
	undos    *undos    // of workflows' drafts
	sso      *signOn   // nil = there is none
	secure   bool      // reached by https, as PublicURL says
	routes   []Route
}

// New makes the door. Errors: a PublicURL that is none.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, mux: http.NewServeMux(), assets: readAssets(),
		origins: http.NewCrossOriginProtection(), attempts: &attempts{}, exports: newExports(), undos: newUndos(),
		secure: strings.HasPrefix(cfg.PublicURL, "https:"),
	}
	var err error
	if s.sso, err = newSignOn(cfg.SignOn, cfg.Now); err != nil {
		return nil, err
	}
	if cfg.PublicURL != "" {
		public, err := url.Parse(cfg.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("the public URL: %w", err)
		}
		if err := s.origins.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			return nil, fmt.Errorf("the public URL: %w", err)
		}
	}
	s.register()
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes([]string{"text/html"}))
	if err != nil {
		return nil, fmt.Errorf("compressing answers: %w", err)
	}
	s.handler = wrap(s.mux)
	return s, nil
}

// contentPolicy lets pages use what this server serves and nothing else:
// neither scripts nor styles in the markup.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a browser.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	head.Set("Content-Security-Policy", contentPolicy)
	head.Set("Cache-Control", "no-store") // pages are of one person; assets say otherwise
	if s.secure || r.TLS != nil {
		head.Set("Strict-Transport-Security", "max-age=31536000")
	}
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler { //nolint:errorlint // the value itself is thrown
				panic(cause)
			}
			s.log.LogAttrs(r.Context(), slog.LevelError, "a page panicked", slog.String("path", r.URL.Path),
				slog.String("panic", fmt.Sprint(cause)), slog.String("stack", string(debug.Stack())))
			http.Error(w, "The server has made a mistake: its log has the cause.", http.StatusInternalServerError)
		}
	}()
	if err := s.origins.Check(r); err != nil {
		s.failure(&visit{s: s, w: w, r: r}, &refusal{
			Status: http.StatusForbidden, Title: "This came from another site",
			Detail: "A page of another site sent this request, so it was not done. Open the page here and do it again.",
		})
		return
	}
	s.handler.ServeHTTP(w, r)
}

// API is the JSON door: it knows which paths are its.
type API interface {
	http.Handler
	Handles(path string) bool
}

// Beside gives the one handler of both doors: what is no path of the API is a page.
func Beside(api API, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if api.Handles(r.URL.Path) {
			api.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
