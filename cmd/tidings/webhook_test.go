package main

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/egress"
)

// webhookServer is a server with an account, before an outside system with an
// authority of its own.
func webhookServer(t *testing.T, change func(*serveCmd)) (s *server, key *client, outside *httptest.Server) {
	t.Helper()
	outside = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"promocode":"LVIV-10"}`))
	}))
	t.Cleanup(outside.Close)
	flags := testFlags(t)
	flags.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: outside.Certificate().Raw})
	if err := os.WriteFile(flags.CAFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	change(flags)
	s = startServer(t, flags)
	var created account
	if err := newClient(s.URL(), flags.AdminToken).call(t.Context(), http.MethodPost, "/v1/accounts", map[string]string{"name": "x"}, &created); err != nil {
		t.Fatal(err)
	}
	return s, newClient(s.URL(), created.APIKey), outside
}

func TestAWebhookIsTriedAndItsCallForgottenInTime(t *testing.T) {
	s, key, outside := webhookServer(t, func(c *serveCmd) { c.RetainCalls = time.Hour })
	body := map[string]any{"webhook": map[string]any{"name": "WH5", "url": outside.URL + "/?town=$TOWN"}, "contact": map[string]any{"TOWN": "Львів"}}
	var tested struct {
		OK     bool
		Error  string
		Values []struct{ Expression string }
	}
	if err := key.call(t.Context(), http.MethodPost, "/v1/webhooks/test", body, &tested); err != nil || !tested.OK || tested.Values[0].Expression != "$data.get('WH5').get('promocode')" {
		t.Fatalf("%+v, %v", tested, err)
	}
	calls := func() int {
		var log struct{ Calls []any }
		if err := key.call(t.Context(), http.MethodGet, "/v1/calls", nil, &log); err != nil {
			t.Fatal(err)
		}
		return len(log.Calls)
	}
	s.tidy(t.Context(), time.Now().Add(59*time.Minute))
	if n := calls(); n != 1 {
		t.Errorf("%d calls are in the log within their time", n)
	}
	s.tidy(t.Context(), time.Now().Add(61*time.Minute))
	if n := calls(); n != 0 {
		t.Errorf("%d calls are in the log past their time", n)
	}
}

func TestWebhooksNeedHTTPSUnlessAllowed(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		_, key, _ := webhookServer(t, func(c *serveCmd) { c.AllowHTTP = allowed })
		err := key.call(t.Context(), http.MethodPost, "/v1/webhooks", map[string]any{"name": "x", "url": "http://127.0.0.1:1/"}, nil)
		switch {
		case allowed && err != nil:
			t.Errorf("with --allow-http: %v", err)
		case !allowed && (err == nil || !strings.Contains(err.Error(), "must begin with https://")):
			t.Errorf("without --allow-http: %v", err)
		}
	}
}

func TestCallsByHTTPReachAllowedAddressesOnly(t *testing.T) {
	s, key, _ := webhookServer(t, func(c *serveCmd) { c.AllowHTTP = true })
	err := key.call(t.Context(), http.MethodPost, "/v1/webhooks", map[string]any{"name": "x", "url": "http://93.184.216.34/"}, nil)
	if err == nil || !strings.Contains(err.Error(), "not one that the operator has allowed") {
		t.Errorf("a public address by http is saved: %v", err)
	}
	// Names are judged by what they point to, at the door.
	_, err = s.calls.Do(t.Context(), egress.Request{Method: http.MethodGet, URL: "http://93.184.216.34/"})
	if refused, ok := errors.AsType[*egress.AddressError](err); !ok || !refused.Plain {
		t.Errorf("the door of calls: %v", err)
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("here")) }))
	defer plain.Close()
	var tested struct{ OK bool }
	body := map[string]any{"webhook": map[string]any{"name": "x", "url": plain.URL}}
	if err := key.call(t.Context(), http.MethodPost, "/v1/webhooks/test", body, &tested); err != nil || !tested.OK {
		t.Errorf("an allowed address by http: %+v, %v", tested, err)
	}
}

func TestAllowHTTPAloneIsRefused(t *testing.T) {
	flags := testFlags(t)
	flags.AllowHTTP, flags.EgressAllow = true, nil
	if err := flags.Validate(); err == nil || !strings.Contains(err.Error(), "--egress-allow") {
		t.Errorf("Validate gives %v", err)
	}
}

func TestEgressCAIsAnotherNameOfCAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var c commands
	parser, err := newParser(&c, terminal{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--data", t.TempDir(), "--egress-ca", file}); err != nil || c.Serve.CAFile != file {
		t.Errorf("%q, %v", c.Serve.CAFile, err)
	}
}
