package feed

import (
	"bytes"
	"context"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tidings"
	"tidings/egress"
	"tidings/feed/faulttest"
)

// want is what an attempt against a fault must come to.
type want struct {
	outcome tidings.Outcome
	words   string        // part of Attempt.Error
	status  int           // 0 = none is read
	after   time.Duration // asked for by Retry-After
}

// wants has one line for each fault of faulttest.
func wants() map[string]want {
	const (
		ok       = tidings.OutcomeDelivered
		status   = tidings.OutcomeStatus
		redirect = tidings.OutcomeRedirect
		dns      = tidings.OutcomeDNS
		timeout  = tidings.OutcomeTimeout
		tls      = tidings.OutcomeTLS
		reset    = tidings.OutcomeReset
		protocol = tidings.OutcomeProtocol
		blocked  = tidings.OutcomeBlocked
	)
	return map[string]want{
		"unknown host":                 {dns, "the name receiver.test does not exist", 0, 0},
		"name servers fail":            {dns, "could not answer for receiver.test", 0, 0},
		"name servers time out":        {dns, "did not answer for receiver.test in time", 0, 0},
		"lookup hangs":                 {timeout, "timed out after 10s, looking up the name", 0, 0},
		"private address":              {blocked, "receiver.test is not called: address 10.0.0.1 is refused: a private network", 0, 0},
		"public and private address":   {blocked, "address 10.0.0.1 is refused", 0, 0},
		"IPv6 broken and IPv4 good":    {ok, "", 200, 0},
		"refused":                      {tidings.OutcomeRefused, "connection refused: nothing listens at receiver.test:", 0, 0},
		"black hole":                   {timeout, "timed out after 10s, connecting", 0, 0},
		"never reads":                  {timeout, "timed out after 15s, sending the request; the receiver does not read", 0, 0},
		"reads one byte a second":      {timeout, "timed out after 15s, sending the request", 0, 0},
		"reset before the request":     {reset, "the connection ", 0, 0},
		"reset during the request":     {reset, "the connection ", 0, 0},
		"reset after the request":      {reset, "the connection was reset, waiting for the answer", 0, 0},
		"closed before the request":    {reset, "the connection ", 0, 0},
		"closed after the request":     {reset, "the connection was closed, waiting for the answer", 0, 0},
		"never answers":                {timeout, "timed out after 15s, waiting for the answer; answer 200 first", 0, 0},
		"answers too late":             {timeout, "timed out after 15s, waiting for the answer", 0, 0},
		"stale keep-alive":             {ok, "", 200, 0},
		"certificate expired":          {tls, "the certificate of receiver.test expired on ", 0, 0},
		"certificate not yet valid":    {tls, "the certificate of receiver.test is not valid before ", 0, 0},
		"certificate self-signed":      {tls, "is signed by itself", 0, 0},
		"client certificate wanted":    {tls, "broke off TLS", 0, 0},
		"only TLS 1.1":                 {tls, "TLS", 0, 0},
		"handshake stalls":             {timeout, "timed out after 10s, in the TLS handshake", 0, 0},
		"handshake reset":              {reset, "in the TLS handshake", 0, 0},
		"TLS on a plain HTTP port":     {protocol, "the port speaks TLS; begin the URL with https://", 0, 0},
		"plain HTTP on a TLS port":     {tls, "plain HTTP answer on a TLS port: what listens at receiver.test:", 0, 0},
		"garbage instead of an answer": {protocol, "what answers does not speak HTTP", 0, 0},

		"certificate for another host":                 {tls, "is not for that name but for a.test, b.test, c.test and 1 more", 0, 0},
		"certificate of an unknown authority":          {tls, "is not signed by a known authority", 0, 0},
		"handshake answered by an alert":               {tls, "broke off TLS, in the TLS handshake", 0, 0},
		"another protocol on a TLS port":               {tls, "no TLS: what listens at receiver.test:", 0, 0},
		"TLS on a plain HTTP port, told by the server": {status, "answered 400: the port speaks TLS", 400, 0},

		"binary garbage instead of an answer": {protocol, "does not speak HTTP", 0, 0},
		"status line cut":                     {protocol, "does not speak HTTP", 0, 0},
		"status not a number":                 {protocol, "does not speak HTTP", 0, 0},
		"status of four digits":               {protocol, "does not speak HTTP", 0, 0},
		"status 000":                          {protocol, "answered 000: that is not a status of HTTP", 0, 0},
		"status line without end":             {protocol, "larger than 64 KiB", 0, 0},
		"1xx without end":                     {protocol, "larger than 64 KiB", 0, 0},
		"status 101":                          {status, "answered 101: the receiver wants another protocol", 101, 0},
		"200 after a 1xx":                     {ok, "", 200, 0},
		"header over 1 MB":                    {protocol, "larger than 64 KiB", 0, 0},
		"100,000 headers":                     {protocol, "larger than 64 KiB", 0, 0},
		"headers without end":                 {protocol, "larger than 64 KiB", 0, 0},
		"headers stall":                       {timeout, "timed out after 15s, reading the answer's headers", 0, 0},
		"headers cut":                         {reset, "the connection was closed, reading the answer's headers", 0, 0},
		"reset in the headers":                {reset, "the connection was ", 0, 0},
		"header malformed":                    {protocol, "a header of the answer is malformed", 0, 0},
		"Content-Length not a number":         {protocol, "the Content-Length of the answer is not valid", 0, 0},
		"Content-Length negative":             {protocol, "the Content-Length of the answer is not valid", 0, 0},
		"Content-Length twice":                {protocol, "the Content-Length of the answer is not valid", 0, 0},
		"Transfer-Encoding unknown":           {protocol, "the Transfer-Encoding of the answer is not valid", 0, 0},
		"redirect loop":                       {redirect, "answered 302 to http://receiver.test:", 302, 0},
		"echo":                                {status, "answered 500", 500, 0},

		"status 201": {status, "answered 201: only 200 counts", 201, 0},
		"status 202": {status, "answered 202: only 200 counts", 202, 0},
		"status 204": {status, "answered 204: only 200 counts", 204, 0},
		"status 206": {status, "answered 206: only 200 counts", 206, 0},
		"status 299": {status, "answered 299: only 200 counts", 299, 0},
		"status 300": {redirect, "answered 300: neither a success nor an address", 300, 0},
		"status 304": {redirect, "answered 304: neither a success nor an address", 304, 0},
		"status 305": {redirect, "answered 305: neither", 305, 0},
		"status 307": {redirect, "answered 307: neither", 307, 0},
		"status 400": {status, "answered 400: the receiver refuses the request", 400, 0},
		"status 401": {status, "answered 401: the receiver does not take the credentials", 401, 0},
		"status 402": {status, "answered 402: the receiver refuses", 402, 0},
		"status 403": {status, "answered 403: the receiver, or a firewall before it, blocks", 403, 0},
		"status 404": {status, "answered 404: nothing is served under this path", 404, 0},
		"status 405": {status, "answered 405: the receiver does not take this method", 405, 0},
		"status 407": {status, "answered 407: a proxy", 407, 0},
		"status 408": {status, "answered 408: the receiver refuses", 408, 0},
		"status 410": {status, "answered 410: nothing is served", 410, 0},
		"status 413": {status, "answered 413: the batch is too large", 413, 0},
		"status 415": {status, "answered 415: the receiver does not take JSON", 415, 0},
		"status 418": {status, "answered 418: the receiver refuses", 418, 0},
		"status 421": {status, "answered 421: the receiver refuses", 421, 0},
		"status 429": {status, "answered 429: the receiver asks for fewer requests", 429, 0},
		"status 500": {status, "answered 500: the receiver failed; look into the receiver's log", 500, 0},
		"status 501": {status, "answered 501: the receiver failed", 501, 0},
		"status 502": {status, "answered 502: the receiver is down or overloaded", 502, 0},
		"status 503": {status, "answered 503: the receiver is down or overloaded", 503, 0},
		"status 504": {status, "answered 504: the receiver is down or overloaded", 504, 0},
		"status 599": {status, "answered 599: the receiver failed", 599, 0},
		"status 600": {status, "answered 600: the status is not one of HTTP's", 600, 0},
		"status 999": {status, "answered 999: the status is not one of HTTP's", 999, 0},

		"status 301 Location: https://user:pass@elsewhere.test/new?token=secret#x": elsewhere(301),
		"status 302 Location: https://user:pass@elsewhere.test/new?token=secret#x": elsewhere(302),
		"status 303 Location: https://user:pass@elsewhere.test/new?token=secret#x": elsewhere(303),
		"status 307 Location: https://user:pass@elsewhere.test/new?token=secret#x": elsewhere(307),
		"status 308 Location: https://user:pass@elsewhere.test/new?token=secret#x": elsewhere(308),
		"status 301 Location: http://169.254.169.254/latest/meta-data":             {redirect, "answered 301 to http://169.254.169.254/latest/meta-data: redirects are not followed", 301, 0},
		"status 302 Location: ://": {redirect, "answered 302: neither", 302, 0},

		"status 503 Retry-After: 120":                           {status, "answered 503", 503, 2 * time.Minute},
		"status 429 Retry-After: Mon, 01 Jan 2035 00:00:00 GMT": {status, "answered 429", 429, untilYear2035},
		"status 503 Retry-After: -5":                            {status, "answered 503", 503, 0},
		"status 503 Retry-After: 99999999999999999999":          {status, "answered 503", 503, math.MaxInt64},
		"status 503 Retry-After: Mon, 01 Jan 1990 00:00:00 GMT": {status, "answered 503", 503, 0},
		"status 503 Retry-After: soon":                          {status, "answered 503", 503, 0},

		"Content-Length larger than the body":  {ok, "", 200, 0},
		"Content-Length smaller than the body": {ok, "", 200, 0},
		"chunks without end":                   {ok, "", 200, 0},
		"chunk size bad":                       {ok, "", 200, 0},
		"chunk size without end":               {ok, "", 200, 0},
		"trailers without end":                 {ok, "", 200, 0},
		"body without end":                     {ok, "", 200, 0},
		"body of one byte per 10 s":            {ok, "", 200, 0},
		"body never comes":                     {ok, "", 200, 0},
		"refused with a body that never comes": {status, "answered 500", 500, 0},
		"compressed bomb":                      {ok, "", 200, 0},
		"200 and reset in the body":            {ok, "", 200, 0},
		"200 of HTTP/1.0":                      {ok, "", 200, 0},

		"HTTP/2 GOAWAY before our stream, always":       {reset, "ends every connection", 0, 0},
		"HTTP/2 answered by HTTP/1":                     {protocol, "breaks the rules of HTTP/2", 0, 0},
		"HTTP/2 garbage frames":                         {protocol, "breaks the rules of HTTP/2", 0, 0},
		"HTTP/2 closed at once":                         {reset, "the connection was ", 0, 0},
		"HTTP/2 zero window for ever":                   {timeout, "timed out after 15s, sending the request", 0, 0},
		"HTTP/2 never answers":                          {timeout, "timed out after 15s, waiting for the answer", 0, 0},
		"HTTP/2 never answers, nor pings":               {reset, "the HTTP/2 connection no longer responds", 0, 0},
		"HTTP/2 stream refused, always":                 {timeout, "timed out after 15s", 0, 0},
		"HTTP/2 200 and a body that never comes":        {ok, "", 200, 0},
		"HTTP/2 GOAWAY before our stream":               {ok, "", 200, 0},
		"HTTP/2 GOAWAY after our stream, and an answer": {ok, "", 200, 0},
		"HTTP/2 GOAWAY after our stream, and no answer": {reset, "ended the HTTP/2 connection before it answered", 0, 0},
		"HTTP/2 GOAWAY with an error":                   {reset, "ended the HTTP/2 connection before it answered", 0, 0},
		"HTTP/2 RST_STREAM":                             {reset, "reset the HTTP/2 stream with code 2", 0, 0},
		"HTTP/2 200 and RST_STREAM in the body":         {ok, "", 200, 0},
		"HTTP/2 closed after the request":               {reset, "the connection was closed, waiting for the answer", 0, 0},
		"HTTP/2 status 503":                             {status, "answered 503", 503, 2 * time.Minute},
		"HTTP/2 no status":                              {protocol, "HTTP/2", 0, 0},
		"HTTP/2 status not a number":                    {protocol, "HTTP/2", 0, 0},
		"HTTP/2 1xx flood":                              {protocol, "breaks the rules of HTTP/2", 0, 0},
		"HTTP/2 headers without end":                    {protocol, "breaks the rules of HTTP/2", 0, 0},
		"HTTP/2 header over 1 MB":                       {protocol, "breaks the rules of HTTP/2", 0, 0},
	}
}

// untilYear2035 marks a wait that depends on the clock: until that New Year.
const untilYear2035 = -1

func elsewhere(status int) want {
	return want{tidings.OutcomeRedirect, "to https://elsewhere.test/new: redirects are not followed; set the endpoint's URL", status, 0}
}

const password = "correct horse battery"

// faultRig is a poster and an endpoint before a fault server.
type faultRig struct {
	server *faulttest.Server
	client *egress.Client
	poster *Poster
	ep     *tidings.Endpoint
	out    Outgoing
}

func newRig(s *faulttest.Server, o egress.Options) *faultRig {
	o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	o.RootCAs, o.Lookup = s.Roots, s.Lookup
	o.StaleAfter = 1 // however short a connection was idle
	client := egress.New(o)
	body := [][]byte{[]byte("["), []byte(`"` + strings.Repeat("x", 200<<10) + `"`), []byte("]")}
	return &faultRig{
		server: s,
		client: client,
		poster: &Poster{Client: client, UserAgent: "Tidings/test"},
		ep: &tidings.Endpoint{
			ID: 7, URL: s.URL, Auth: &tidings.BasicAuth{Username: "u", Password: password}, Secrets: []tidings.Secret{{Value: NewSecret()}},
		},
		out: Outgoing{
			Batch:  &Batch{ID: "b_1", First: 1, Last: 1, Activities: 1, Bytes: len(bytes.Join(body, nil)), Body: body},
			Number: 1,
		},
	}
}

// check makes an attempt against the fault, and one against the healed server.
// Then comes a repeat, and, after later, the first attempt of a next batch.
func (rig *faultRig) check(t *testing.T, name string, w want, later func()) {
	t.Helper()
	at := time.Now()
	a, after := rig.poster.Post(context.Background(), rig.ep, rig.out)
	if a.Outcome != w.outcome || a.Status != w.status || a.Delivered != (w.outcome == tidings.OutcomeDelivered) {
		t.Errorf("%s: outcome %q, status %d, delivered %v; want %q, %d (%s)", name, a.Outcome, a.Status, a.Delivered, w.outcome, w.status, a.Error)
	}
	if !strings.Contains(a.Error, w.words) || (a.Error == "") != a.Delivered {
		t.Errorf("%s: says %q, want %q", name, a.Error, w.words)
	}
	if w.after == untilYear2035 {
		w.after = time.Until(time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC))
		after = after.Round(time.Hour)
		w.after = w.after.Round(time.Hour)
	}
	if after != w.after {
		t.Errorf("%s: Retry-After %v, want %v", name, after, w.after)
	}
	for _, secret := range []string{password, basicToken(rig.ep.Auth), "token=", "user:pass"} {
		if strings.Contains(a.Error, secret) || strings.Contains(a.Answer, secret) {
			t.Errorf("%s: %q gives away %q", name, a.Error+a.Answer, secret)
		}
	}
	if len(a.Answer) > tidings.MaxAnswer {
		t.Errorf("%s: %d bytes of the answer are kept", name, len(a.Answer))
	}
	if a.Delivered && a.At.Before(at) || a.Number != 1 || a.Endpoint != 7 || a.Batch != "b_1" || a.Bytes != rig.out.Batch.Bytes {
		t.Errorf("%s: the attempt is not described: %+v", name, a)
	}
	rig.server.Heal()
	repeat := rig.out
	repeat.Number = 2
	if a, _ := rig.poster.Post(context.Background(), rig.ep, repeat); !a.Delivered {
		t.Errorf("%s: the healed receiver gets nothing: %s", name, a.Error)
	}
	later()
	if a, _ := rig.poster.Post(context.Background(), rig.ep, rig.out); !a.Delivered {
		t.Errorf("%s: the healed receiver gets no first attempt: %s", name, a.Error)
	}
	for _, r := range rig.server.Requests() {
		if r.Header.Get("Webhook-Id") != "b_1" || !bytes.Equal(r.Body, bytes.Join(rig.out.Batch.Body, nil)) {
			t.Errorf("%s: a request with id %q and %d bytes", name, r.Header.Get("Webhook-Id"), len(r.Body))
		}
	}
}

func TestReceiverFaultsAreAllInTheTable(t *testing.T) {
	table, seen := wants(), map[string]bool{}
	for _, f := range faulttest.Faults() {
		if _, ok := table[f.Name]; !ok || seen[f.Name] {
			t.Errorf("fault %q: in the table %v, twice %v", f.Name, ok, seen[f.Name])
		}
		seen[f.Name] = true
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("no fault is named %q", name)
		}
	}
}

// TestReceiverFaults runs every fault over pipes on a clock of its own. A
// goroutine that outlives its rig, or waits for ever, fails the bubble.
func TestReceiverFaults(t *testing.T) {
	for _, f := range faulttest.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulttest.StartPipe(f)
				defer s.Close()
				rig := newRig(s, egress.Options{Dial: s.Dial})
				defer rig.client.Close()
				start := time.Now()
				rig.check(t, f.Name, wants()[f.Name], func() {
					if took := time.Since(start); took > tidings.DefaultTimeout+time.Second {
						t.Errorf("%s: held the lane for %v", f.Name, took)
					}
					<-time.After(time.Minute) // kept connections are given up meanwhile
				})
				// What a client takes in is bounded: headers, kept and drained body, the buffers between.
				if sent := s.Sent(); sent > 512<<10 {
					t.Errorf("%s: %d bytes were taken", f.Name, sent)
				}
			})
		})
	}
}

// TestReceiverFaultsOverTCP runs every fault that ends by itself over real sockets.
func TestReceiverFaultsOverTCP(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, f := range faulttest.Faults() {
		if f.Hangs {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			s := faulttest.StartTCP(t, f)
			rig := newRig(s, egress.Options{})
			defer rig.client.Close()
			rig.ep.Timeout = time.Minute // never reached
			rig.check(t, f.Name, wants()[f.Name], func() {})
		})
	}
}
