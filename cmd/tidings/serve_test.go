package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tidings"
)

func TestAddressRangesAreReadStrictly(t *testing.T) {
	cases := []struct{ text, want, problem string }{
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"127.0.0.1", "127.0.0.1/32", ""},
		{" ::1 ", "::1/128", ""},
		{"fd00::/8", "fd00::/8", ""},
		{"10.0.0.1/8", "", "did you mean 10.0.0.0/8"},
		{"10.0.0.0/33", "", "no address range"},
		{"localhost", "", "no address range"},
		{"", "", "no address range"},
	}
	for _, c := range cases {
		var r addressRange
		err := r.UnmarshalText([]byte(c.text))
		switch {
		case c.problem == "" && (err != nil || r.Prefix != netip.MustParsePrefix(c.want)):
			t.Errorf("%q: %v, %v", c.text, r, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%q: %v, want %q", c.text, err, c.problem)
		}
	}
}

func TestFirstKeptMonthCountsWholeMonths(t *testing.T) {
	cases := []struct {
		now    string
		retain int
		want   string
	}{
		{"2026-11-24T12:00:00Z", 1, "2026-10-01"},
		{"2026-01-31T23:59:59Z", 1, "2025-12-01"},
		{"2026-03-31T00:00:00Z", 1, "2026-02-01"},
		{"2026-01-01T00:30:00+02:00", 1, "2025-11-01"}, // still December in UTC
		{"2026-11-24T12:00:00Z", 24, "2024-11-01"},
	}
	for _, c := range cases {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := firstKept(now, c.retain).Format(time.DateOnly); got != c.want {
			t.Errorf("%s, %d months: %s, want %s", c.now, c.retain, got, c.want)
		}
	}
}

// testFlags is what `tidings serve` would have parsed, on a free port.
func testFlags(t *testing.T) *serveCmd {
	return &serveCmd{
		Addr: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data"), AdminToken: "an admin token for tests",
		EgressAllow: []addressRange{{netip.MustParsePrefix("127.0.0.0/8")}}, RetryBase: 10 * time.Millisecond, RetryCap: time.Second,
		MaxInFlight: 8, MaxRetrying: 8, MaxHeld: 64 << 20, ShutdownGrace: 5 * time.Second,
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// startServer starts a server of the flags, which stops at the end of the test.
func startServer(t *testing.T, flags *serveCmd) *server {
	t.Helper()
	s, err := newServer(t.Context(), flags, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStoppedServerLeavesNoGoroutineAndCanBeStoppedTwice(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	flags := testFlags(t)
	for range 2 { // the second one takes over the lock and the data of the first
		s, err := newServer(t.Context(), flags, quiet())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Stop(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestServerThatFailedToOpenGivesBackItsPortAndData(t *testing.T) {
	flags := testFlags(t)
	first, err := newServer(t.Context(), flags, quiet())
	if err != nil {
		t.Fatal(err)
	}
	other := *flags
	if _, err := newServer(t.Context(), &other, quiet()); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a second server on the same data: %v", err)
	}
	taken := testFlags(t)
	taken.Addr = first.socket.Addr().String()
	if _, err := newServer(t.Context(), taken, quiet()); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("a second server on the same port: %v", err)
	}
	if err := first.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := testFlags(t)
	again.Addr = taken.Addr
	startServer(t, again)
}

func TestServerIsNotReadyBeforeItHasStarted(t *testing.T) {
	s, err := newServer(t.Context(), testFlags(t), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.isReady(); tidings.CodeOf(err) != tidings.CodeUnavailable {
		t.Errorf("before the start: %v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.isReady(); err != nil {
		t.Errorf("after the start: %v", err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestDoorsOfTheServerAreOpen(t *testing.T) {
	s := startServer(t, testFlags(t))
	for path, want := range map[string]string{
		"/healthz":                     `"ok"`,
		"/readyz":                      `"ready"`,
		"/metrics":                     "tidings_store_commits_total",
		"/openapi.json":                `"3.1`,
		"/docs":                        "<html",
		"/api/v2/contacts/activity":    "",
		"/v1/accounts":                 `"code":"unauthorized"`,
		"/v1/nothing/is/here":          `"code":"not_found"`,
		"/":                            `action="/sign-in"`,
		"/nothing/of/the/kind/is/here": "There is no page at this address.",
	} {
		if status, text := get(t, s.URL()+path); status >= 500 || !strings.Contains(text, want) {
			t.Errorf("%s answers %d: %.200s", path, status, text)
		}
	}
}

// A receiver whose certificate comes from an authority of one's own is
// trusted with --ca-file, and not without.
func TestCAFileLetsAPrivateAuthorityBeTrusted(t *testing.T) {
	target := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: target.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, state string }{{"", "deactivated"}, {file, "active"}} {
		flags := testFlags(t)
		flags.CAFile = c.file
		s := startServer(t, flags)
		var created account
		if err := newClient(s.URL(), flags.AdminToken).call(t.Context(), http.MethodPost, "/v1/accounts", map[string]string{"name": "x"}, &created); err != nil {
			t.Fatal(err)
		}
		var endpoint struct {
			State string `json:"state"`
			Probe any    `json:"probe"`
		}
		err := newClient(s.URL(), created.APIKey).call(t.Context(), http.MethodPost, "/v1/endpoints", map[string]string{"name": "x", "url": target.URL}, &endpoint)
		if err != nil || endpoint.State != c.state {
			t.Errorf("--ca-file %q: %+v, %v", c.file, endpoint, err)
		}
	}
}

func TestCAFileWithoutACertificateIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := testFlags(t)
	flags.CAFile = file
	if _, err := newServer(t.Context(), flags, quiet()); err == nil || !strings.Contains(err.Error(), "has no certificate") {
		t.Error(err)
	}
}

func TestLogIsWrittenInTheFormAskedFor(t *testing.T) {
	var out strings.Builder
	log := newLogger(&out, "warn", "json")
	log.Info("not this")
	log.Warn("this")
	var entry struct{ Msg, Level string }
	if err := json.Unmarshal([]byte(out.String()), &entry); err != nil || entry.Msg != "this" || entry.Level != "WARN" {
		t.Errorf("%s: %v", out.String(), err)
	}
}

func TestHousekeepingOfAnEmptyStoreIsQuiet(t *testing.T) {
	s, err := newServer(t.Context(), testFlags(t), quiet()) // not started, so that nobody else tidies
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s.log = newLogger(&out, "debug", "text")
	s.keep.months = 1
	s.tidy(t.Context(), time.Now())
	if out.Len() > 0 {
		t.Errorf("it says %s", out.String())
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestDataOfANewerVersionIsRefused(t *testing.T) {
	flags := testFlags(t)
	s, err := newServer(t.Context(), flags, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	err = withDatabase(filepath.Join(flags.Data, databaseFile), func(db *sql.DB) error {
		_, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newServer(t.Context(), flags, quiet()); err == nil || !strings.Contains(err.Error(), "newer version of the program") {
		t.Error(err)
	}
}

func TestRotatedKeySealsAllSecretsAtTheNextStart(t *testing.T) {
	flags := testFlags(t)
	var out strings.Builder
	term := terminal{out: &out, err: &out}
	if code := run(t.Context(), []string{"keys", "rotate", "--data", flags.Data}, term); code != exitFailed || !strings.Contains(out.String(), "no key file") {
		t.Errorf("without a key file it ended with %d: %s", code, out.String())
	}
	s := startServer(t, flags)
	var created account
	if err := newClient(s.URL(), flags.AdminToken).call(t.Context(), http.MethodPost, "/v1/accounts", map[string]string{"name": "x"}, &created); err != nil {
		t.Fatal(err)
	}
	api := newClient(s.URL(), created.APIKey)
	if err := api.call(t.Context(), http.MethodPost, "/v1/endpoints", map[string]string{"name": "x", "url": "http://127.0.0.1:1/", "activate": "never"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"keys", "rotate", "--data", flags.Data}, term); code != exitOK {
		t.Fatalf("ended with %d: %s", code, out.String())
	}
	key, err := os.ReadFile(flags.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, flags).Stop(context.Background())
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	if err := os.WriteFile(flags.keyFile(), []byte(lines[len(lines)-1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startServer(t, flags) // opens the secrets with the new key alone
}
