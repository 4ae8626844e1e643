package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
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
	"tidings/store/sqlitetest"
)

// fresh is the data directory of a store at its first start.
var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return store.OpenSQLite(context.Background(), store.Options{Dir: dir})
}}

const adminToken = "admin-token-of-the-tests"

// world is a whole server on a real store, without the process around it.
type world struct {
	t        *testing.T
	store    *store.Store
	delivery *feed.Dispatcher
	flow     *flow
	api      *api.Server
	url      string
	receiver *receiver
	outside  *outside
	logs     *logs
}

// receiver answers GET and POST with the status it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	posts  [][]byte
	came   chan struct{} // one for each POST
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	status := r.status
	if req.Method == http.MethodPost {
		r.posts = append(r.posts, body)
		select {
		case r.came <- struct{}{}:
		default: // nobody waits for so many
		}
	}
	r.mu.Unlock()
	w.WriteHeader(status)
}

// logs keeps what the server logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T, changes ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, logs: &logs{}, receiver: &receiver{status: 200, came: make(chan struct{}, 1000)}}
	w.receiver.Server = httptest.NewServer(w.receiver)
	t.Cleanup(w.receiver.Close)
	w.outside = newOutside(t)
	var arrivals *api.Arrivals
	keys, err := store.LoadOrCreateKeyring(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	options := store.Options{Dir: fresh.Dir(t), Keys: keys, Appended: func(a tidings.AccountID, head tidings.Seq) {
		w.delivery.Appended(a, head)
		arrivals.Appended(a, head)
	}}
	w.wakes(&options)
	if w.store, err = store.OpenSQLite(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	arrivals = api.NewArrivals(w.store.Head)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	door := egress.New(egress.Options{Allow: loopback, RootCAs: w.outside.authority()})
	poster := &feed.Poster{Client: door, UserAgent: "Tidings/test"}
	logger := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.delivery = feed.New(feed.Config{Log: w.store, Post: poster.Post, Logger: logger})
	if err := w.delivery.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		Store: w.store, Dispatcher: w.delivery, Probe: poster.Probe, Wait: arrivals.Wait,
		Calls: call.New(call.Options{Client: door, UserAgent: "Tidings/test", Rules: call.Rules{Allow: loopback}}), CallRules: call.Rules{Allow: loopback},
		CheckURL: func(raw string) string { return feed.CheckURL(raw, loopback) },
		Ready:    w.store.Err, Public: publicapi.New(w.store), AdminToken: adminToken, Version: "test", Logger: logger,
	}
	front := httptest.NewUnstartedServer(nil)
	w.flow = newFlow(t, w.store, &cfg, "http://"+front.Listener.Addr().String(), logger)
	for _, change := range changes {
		change(&cfg)
	}
	w.api = api.New(cfg)
	front.Config.Handler = w.api
	front.Start()
	w.url = front.URL
	t.Cleanup(func() {
		w.api.EndStreams()
		front.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.flow.stop(ctx); err != nil {
			t.Error("stopping runs and mails:", err)
		}
		if err := w.delivery.Stop(ctx); err != nil {
			t.Error("stopping the dispatcher:", err)
		}
		door.Close()
		if err := w.store.Close(); err != nil {
			t.Error("closing the store:", err)
		}
	})
	return w
}

// soon is the test's context with an end: what reads a stream that should end
// fails by it, and does not wait until all tests are over time.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// request is one line of a test: "POST /v1/activities", headers as "Name: value" after it.
func (w *world) request(token, line, body string, headers ...string) *answer {
	w.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
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
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return &answer{w.t, res.StatusCode, res.Header, string(text)}
}

// want ends the test when the status is another.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// get reads a value of the JSON answer by its path, e.g. "probe.ok".
func (a *answer) get(path string) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("answer is not JSON: %v: %s", err, a.body)
	}
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			a.t.Fatalf("no %s in %s", path, a.body)
		}
		v = m[name]
	}
	return v
}

func (a *answer) has(path string, want any) *answer {
	a.t.Helper()
	if got := a.get(path); got != want {
		a.t.Fatalf("%s is %v, want %v: %s", path, got, want, a.body)
	}
	return a
}

// account makes an account and gives its first key.
func (w *world) account(name string) string {
	w.t.Helper()
	return w.request(adminToken, "POST /v1/accounts", `{"name":"`+name+`"}`).want(201).get("apiKey").(string)
}

// key makes a further key with some scopes.
func (w *world) key(token, scopes string) string {
	w.t.Helper()
	return w.request(token, "POST /v1/accounts/me/keys", `{"name":"k","scopes":[`+scopes+`]}`).want(201).get("apiKey").(string)
}

// activity is a valid activity, with a number to tell it from others.
func activity(n string) string {
	return `{"contactId":` + n + `,"activityStatus":"DELIVERED","mediaType":"email","email":"c` + n + `@example.com","activityDateTime":"2026-01-31T10:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}`
}

// basicAuth gives the Authorization of HTTP Basic.
func basicAuth(user, password string) string {
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.SetBasicAuth(user, password)
	return req.Header.Get("Authorization")
}
