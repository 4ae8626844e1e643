// Package apitest builds a whole server on a real store, without the process
// around it, for tests: the API, deliveries, workflows and mails, a receiver
// of activities and an outside system that webhooks call.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/call"
	"tidings/egress"
	"tidings/feed"
	"tidings/publicapi"
	"tidings/store"
)

// AdminToken opens the admin's operations.
const AdminToken = "admin-token-of-the-tests"

// Server is the server under test. It listens on URL until the test ends.
type Server struct {
	T        *testing.T
	Store    *store.Store
	Delivery *feed.Dispatcher
	API      *api.Server
	URL      string
	Receiver *Receiver
	Outside  *Outside
	Logs     *Logs

	flow *flow
}

// Options change what is built.
type Options struct {
	API func(*api.Config) // the API's configuration, before it is made
	// Dir makes the data directory. Default: an empty one. One whose database
	// has its schema already (store/sqlitetest) makes tests faster.
	Dir func(t testing.TB) string
	// Front makes what is served, given the API. Default: the API.
	Front func(s *Server) http.Handler
}

// New starts a server.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{T: t, Logs: &Logs{}, Receiver: newReceiver(t), Outside: newOutside(t)}
	var arrivals *api.Arrivals
	keys, err := store.LoadOrCreateKeyring(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == nil {
		o.Dir = func(t testing.TB) string { return t.TempDir() }
	}
	options := store.Options{Dir: o.Dir(t), Keys: keys, Appended: func(a tidings.AccountID, head tidings.Seq) {
		s.Delivery.Appended(a, head)
		arrivals.Appended(a, head)
	}}
	s.wakes(&options)
	if s.Store, err = store.OpenSQLite(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	arrivals = api.NewArrivals(s.Store.Head)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	door := egress.New(egress.Options{Allow: loopback, RootCAs: s.Outside.Authority()})
	poster := &feed.Poster{Client: door, UserAgent: "Tidings/test"}
	logger := slog.New(slog.NewTextHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Delivery = feed.New(feed.Config{Log: s.Store, Post: poster.Post, Logger: logger})
	if err := s.Delivery.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		Store: s.Store, Dispatcher: s.Delivery, Probe: poster.Probe, Wait: arrivals.Wait,
		Calls: call.New(call.Options{Client: door, UserAgent: "Tidings/test", Rules: call.Rules{Allow: loopback}}), CallRules: call.Rules{Allow: loopback},
		CheckURL: func(raw string) string { return feed.CheckURL(raw, loopback) },
		Ready:    s.Store.Err, Public: publicapi.New(s.Store), AdminToken: AdminToken, Version: "test", Logger: logger,
	}
	front := httptest.NewUnstartedServer(nil)
	s.flow = newFlow(t, s.Store, &cfg, "http://"+front.Listener.Addr().String(), logger)
	if o.API != nil {
		o.API(&cfg)
	}
	s.API = api.New(cfg)
	front.Config.Handler = s.API
	if o.Front != nil {
		front.Config.Handler = o.Front(s)
	}
	front.Start()
	s.URL = front.URL
	t.Cleanup(func() {
		s.API.EndStreams()
		front.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.flow.stop(ctx); err != nil {
			t.Error("stopping runs and mails:", err)
		}
		if err := s.Delivery.Stop(ctx); err != nil {
			t.Error("stopping the dispatcher:", err)
		}
		door.Close()
		if err := s.Store.Close(); err != nil {
			t.Error("closing the store:", err)
		}
	})
	return s
}

// Answer is what a request got.
type Answer struct {
	T      *testing.T
	Status int
	Header http.Header
	Body   string
}

// Request makes a request of the API: line is "POST /v1/activities", headers are "Name: value".
func (s *Server) Request(token, line, body string, headers ...string) *Answer {
	s.T.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return &Answer{s.T, res.StatusCode, res.Header, string(text)}
}

// Want ends the test when the status is another.
func (a *Answer) Want(status int) *Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Fatalf("answered %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

// Get reads a value of the JSON answer by its path, e.g. "probe.ok".
func (a *Answer) Get(path string) any {
	a.T.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		a.T.Fatalf("answer is not JSON: %v: %s", err, a.Body)
	}
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			a.T.Fatalf("no %s in %s", path, a.Body)
		}
		v = m[name]
	}
	return v
}

// Has ends the test when the value at a path is another.
func (a *Answer) Has(path string, want any) *Answer {
	a.T.Helper()
	if got := a.Get(path); got != want {
		a.T.Fatalf("%s is %v, want %v: %s", path, got, want, a.Body)
	}
	return a
}

// ID is the answer's id, in decimal.
func (a *Answer) ID() string {
	a.T.Helper()
	n, ok := a.Get("id").(float64)
	if !ok {
		a.T.Fatalf("no id in %s", a.Body)
	}
	return strconv.FormatInt(int64(n), 10)
}

// Account makes an account and gives its first key.
func (s *Server) Account(name string) string {
	s.T.Helper()
	return s.Request(AdminToken, "POST /v1/accounts", `{"name":"`+name+`"}`).Want(201).Get("apiKey").(string)
}

// Logs keeps what the server logged.
type Logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
