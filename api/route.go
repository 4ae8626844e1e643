package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tidings"
)

// Every operation is registered by one of two functions, and both go through
// the same door (handle): [operate] for JSON in and out, read and written by
// huma; raw for those that write their answer themselves.

// rawHandler answers a request of a caller who may make it.
type rawHandler func(w http.ResponseWriter, r *http.Request, c caller)

// raw registers an operation that answers by itself, described by hand.
func (s *Server) raw(op huma.Operation, need access, h rawHandler) {
	s.describe(&op, need)
	if !op.Hidden {
		s.api.OpenAPI().AddOperation(&op)
	}
	s.handle(&op, need, h)
}

// operate registers an operation whose input I has huma's parameter tags and,
// as JSON, a body; its output O has a Body.
func operate[I, O any](s *Server, op huma.Operation, need access, h func(context.Context, caller, *I) (*O, error)) {
	s.describe(&op, need)
	op.RejectUnknownQueryParameters = true
	op.Metadata = map[string]any{"access": need}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		if b := bodyOf(in); b != nil && b.failure() != nil {
			return nil, s.problem(ctx, b.failure(), false)
		}
		out, err := h(ctx, callerOf(ctx), in)
		if err != nil {
			return nil, s.problem(ctx, err, false)
		}
		return out, nil
	})
	if b := bodyOf(new(I)); b != nil {
		s.describeBody(op, b.schemaType())
	}
}

// withBody is a *body[B], whatever its B.
type withBody interface {
	failure() error
	schemaType() reflect.Type
}

// bodyOf gives the body of an input, nil when it has none.
func bodyOf(in any) withBody {
	f := reflect.ValueOf(in).Elem().FieldByName("JSON")
	if !f.IsValid() {
		return nil
	}
	b, _ := f.Addr().Interface().(withBody)
	return b
}

// handle puts an operation behind the door: who may, then the operation, then its figures.
func (s *Server) handle(op *huma.Operation, need access, h rawHandler) {
	pattern := op.Method + " " + op.Path
	s.routes = append(s.routes, pattern)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if rec, ok := w.(*recorder); ok {
			rec.route = pattern
		}
		var c caller
		if !need.open {
			var err error
			if c, err = s.auth.identify(r, need); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		h(w, r, c)
	})
}

// adapter lets huma register its operations behind the same door. It is a huma.Adapter.
type adapter struct{ s *Server }

func (a adapter) Handle(op *huma.Operation, h func(huma.Context)) {
	need, ok := op.Metadata["access"].(access)
	if !ok {
		panic("api: operation " + op.OperationID + " says nothing of who may use it")
	}
	a.s.handle(op, need, func(w http.ResponseWriter, r *http.Request, c caller) {
		defer takenWithin(w, longestOperation)()
		ctx := context.WithValue(r.Context(), callerKey{}, c)
		h(&opContext{humaContext: humago.NewContext(op, r, w), ctx: ctx})
	})
}

func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.s.ServeHTTP(w, r) }

// longestOperation is how long a JSON operation may take, from its beginning to
// its answer's last byte: a probe has at most a minute of it.
const longestOperation = 3 * time.Minute

// takenWithin bounds how long a client may take for an answer, until the
// returned function is called. net/http keeps the deadline otherwise.
func takenWithin(w http.ResponseWriter, d time.Duration) (done func()) {
	control := http.NewResponseController(w)
	// A connection without deadlines (a test's) is written to without one.
	_ = control.SetWriteDeadline(time.Now().Add(d))
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

// opContext is a huma context that knows the caller, and whose status the
// shaping of problems may correct.
type opContext struct {
	humaContext
	ctx    context.Context
	status int // 0 = as huma says
}

// humaContext is huma.Context under a name that leaves its method Context free to be overridden.
type humaContext huma.Context

func (c *opContext) Context() context.Context { return c.ctx }

func (c *opContext) SetStatus(code int) {
	if c.status != 0 {
		code = c.status
	}
	c.humaContext.SetStatus(code)
}

// recorder notes what became of a request.
type recorder struct {
	http.ResponseWriter
	route  string
	status int
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// ServeHTTP is the door that every request passes, known or not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w}
	header := w.Header()
	for name, values := range s.header {
		header[name] = values
	}
	if r.ContentLength != 0 {
		// Whatever becomes of the request: before net/http answers, it reads
		// what the handler left of the body. A connection without deadlines
		// (a test's) is read without one.
		_ = http.NewResponseController(w).SetReadDeadline(start.Add(activitiesTimeout))
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.recovered(rec, r, cause)
		}
		s.meter.observe(rec.route, rec.status, time.Since(start))
		if s.log.Enabled(r.Context(), slog.LevelDebug) {
			s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.Int("status", rec.status), slog.Duration("took", time.Since(start)), slog.String("from", r.RemoteAddr))
		}
	}()
	if s.public != nil && strings.HasPrefix(r.URL.Path, "/api/") {
		rec.route = publicRoute
		s.public.ServeHTTP(rec, r)
		return
	}
	if s.cfg.Pages != nil && s.cfg.Pages.Handles(r.URL.Path) {
		rec.route = pagesRoute
		s.cfg.Pages.ServeHTTP(rec, r)
		return
	}
	s.mux.ServeHTTP(rec, r)
}

// Handles says whether a path is one of the API's: of an operation, of the
// Public API, of the documentation, or what the links of mails lead to. All
// under /v1/ is, so that a wrong path there is answered in JSON.
func (s *Server) Handles(path string) bool {
	switch first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); first {
	case "v1", "api", "docs", "docs.css", "openapi.json", "healthz", "readyz", "metrics":
		return true
	}
	return s.cfg.Pages != nil && s.cfg.Pages.Handles(path)
}

// pagesRoute is the one name, in the figures, of all that the links of mails lead to.
const pagesRoute = "links of mails"

// Pages is what the links of mails lead to (message.Pages).
type Pages interface {
	http.Handler
	// Handles says whether a path is one of its.
	Handles(path string) bool
}

// securityHeaders are on every answer. The documentation page has its own policy.
func securityHeaders() http.Header {
	return http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Referrer-Policy":              {"no-referrer"},
		"Cache-Control":                {"no-store"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
	}
}

// recovered answers for a handler that panicked; net/http's own abort goes on.
func (s *Server) recovered(rec *recorder, r *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	err := fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
	if rec.status != 0 { // half an answer is out: only breaking the connection tells the client
		s.internal(r.Context(), err, &problemJSON{})
		panic(http.ErrAbortHandler)
	}
	s.fail(rec, r, err)
}

// notServed answers what no operation matches: 405 when another method would, else 404.
func (s *Server) notServed(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		try := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(try); pattern != "/" && pattern != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		s.fail(w, r, tidings.Errorf(tidings.CodeNotFound, "there is nothing at this path: see /docs"))
		return
	}
	if slices.Contains(allow, http.MethodGet) {
		allow = append(allow, http.MethodHead)
	}
	s.fail(w, r, &answered{
		status: http.StatusMethodNotAllowed, allow: strings.Join(allow, ", "),
		err: tidings.Errorf(tidings.CodeUnsupported, "this path takes %s", strings.Join(allow, ", ")),
	})
}

// writeJSON sends bytes that are JSON already.
func writeJSON(w http.ResponseWriter, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	// A client that does not take the answer has gone; nothing is left to tell it.
	_, _ = w.Write(body)
}

// cutLocation splits huma's location of a fault, e.g. "query.limit".
func cutLocation(location string) (where, name string, ok bool) {
	return strings.Cut(location, ".")
}
