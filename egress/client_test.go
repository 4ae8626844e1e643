package egress

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func newClient(t *testing.T, o Options) *Client {
	o.Allow = loopback()
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

func TestABodyInPiecesArrivesWhole(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ContentLength != int64(len(body)) || len(r.TransferEncoding) > 0 {
			t.Errorf("length %d announced, %d sent, encoding %v", r.ContentLength, len(body), r.TransferEncoding)
		}
		w.Write(body)
	})
	c := newClient(t, Options{})
	small, large := []byte(`{"a":1}`), bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	many := slices.Repeat([][]byte{large[:100]}, 3000) // more than one system call takes
	for _, pieces := range [][][]byte{nil, {{}}, {small}, {small, nil, small}, {large}, many, {[]byte("["), large, []byte(","), large, []byte("]")}} {
		want := bytes.Join(pieces, nil)
		r, err := c.Do(context.Background(), Request{Method: "POST", URL: url, Body: pieces, Keep: 2 << 20})
		if err != nil || !bytes.Equal(r.Body, want) || !r.Whole {
			t.Errorf("%d pieces, %d bytes: %v, %d bytes came back", len(pieces), len(want), err, len(r.Body))
		}
	}
}

func TestPieceReaderReadsAlikeInEveryChunkSize(t *testing.T) {
	pieces := [][]byte{[]byte("ab"), nil, []byte("c"), []byte("defg"), {}}
	for size := 1; size < 9; size++ {
		got, err := io.ReadAll(bufio.NewReaderSize(iotestReader{&pieceReader{rest: pieces}, size}, 16))
		if string(got) != "abcdefg" || err != nil {
			t.Errorf("in chunks of %d: %q, %v", size, got, err)
		}
	}
}

type iotestReader struct {
	r    io.Reader
	size int
}

func (r iotestReader) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), r.size)]) }

// TestAnAnswerIsReadWithinItsLimits: what is kept, whether it was all, and
// whether the connection can be used again.
func TestAnAnswerIsReadWithinItsLimits(t *testing.T) {
	tests := []struct {
		name                  string
		length, keep, drain   int
		kept                  int
		whole, connectionKept bool
	}{
		{"empty", 0, 10, 0, 0, true, true},
		{"shorter than kept", 9, 10, 0, 9, true, true},
		{"as long as kept", 10, 10, 0, 10, true, true},
		{"longer, nothing drained", 20_000, 10, 0, 10, false, false},
		{"as long as drained", 30, 10, 20, 10, false, true},
		{"longer than drained", 120_000, 10, 100_020, 10, false, false},
		{"nothing kept", 5, 0, 10, 0, false, true},
	}
	for _, tt := range tests {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush() // in chunks: the length is not known beforehand
			io.WriteString(w, strings.Repeat("x", tt.length))
		})
		c := newClient(t, Options{})
		req := Request{Method: "GET", URL: url, Keep: tt.keep, Drain: tt.drain}
		r, err := c.Do(context.Background(), req)
		if err != nil || r.Status != 200 || r.BodyErr != nil || len(r.Body) != tt.kept || r.Whole != tt.whole {
			t.Errorf("%s: status %d, %d bytes, whole %v, %v, %v", tt.name, r.Status, len(r.Body), r.Whole, r.BodyErr, err)
		}
		if r, _ := c.Do(context.Background(), req); r.Reused != tt.connectionKept {
			t.Errorf("%s: connection used again: %v", tt.name, r.Reused)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		requests := 0
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		r, err := newClient(t, Options{}).Do(context.Background(), Request{Method: "POST", URL: url, Body: [][]byte{[]byte("x")}})
		if err != nil || r.Status != status || requests != 1 {
			t.Errorf("%d: status %d, %v, %d requests", status, r.Status, err, requests)
		}
	}
}

func TestTLSIsVerifiedAndSpeaksHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := get(newClient(t, Options{}), srv.URL)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("an unknown authority gives %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	trusting := newClient(t, Options{RootCAs: pool})
	for i := range 2 {
		r, err := get(trusting, srv.URL)
		if err != nil || r.Proto != "HTTP/2.0" || string(r.Body) != "HTTP/2.0" || r.Reused != (i == 1) {
			t.Errorf("request %d: %s, reused %v, %v", i, r.Proto, r.Reused, err)
		}
	}
}

// staleServer answers the first request on a connection with 200 and keeps the
// connection; it breaks at the second, in the given way.
func staleServer(t *testing.T, broken func(net.Conn, *http.Request)) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			for i := range 2 {
				req, err := http.ReadRequest(r)
				if err != nil {
					break
				}
				io.Copy(io.Discard, req.Body)
				if i == 0 {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				} else {
					broken(conn, req)
				}
				if req.Close {
					break
				}
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String() + "/"
}

func TestAStaleConnectionIsReplacedOnceAndOnlyWhenAsked(t *testing.T) {
	closes := func(net.Conn, *http.Request) {}
	resets := func(c net.Conn, _ *http.Request) { c.(*net.TCPConn).SetLinger(0) }
	speaks := func(c net.Conn, _ *http.Request) { io.WriteString(c, "HTTP/1.1 2") }
	tests := []struct {
		name   string
		broken func(net.Conn, *http.Request)
		retry  bool
		o      Options
		ok     bool
	}{
		{"closed", closes, true, Options{StaleAfter: 1}, true},
		{"reset", resets, true, Options{StaleAfter: 1}, true},
		{"not asked for", closes, false, Options{StaleAfter: 1}, false},
		{"not idle long enough", closes, true, Options{}, false},
		{"after the first byte of an answer", speaks, true, Options{StaleAfter: 1}, false},
	}
	for _, tt := range tests {
		c := newClient(t, tt.o)
		req := Request{Method: "POST", URL: staleServer(t, tt.broken), Body: [][]byte{[]byte("x")}, RetryStale: tt.retry}
		if r, err := c.Do(context.Background(), req); err != nil || r.Status != 200 {
			t.Fatalf("%s: first request: %v", tt.name, err)
		}
		r, err := c.Do(context.Background(), req)
		if (err == nil) != tt.ok || r.Retried != tt.ok {
			t.Errorf("%s: retried %v, %v", tt.name, r.Retried, err)
		}
		if tt.ok && r.Reused {
			t.Errorf("%s: the retry used a kept connection again", tt.name)
		}
		c.Close()
	}
}

func TestAFreshRequestLeavesThePoolAlone(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := newClient(t, Options{})
	for i, want := range []struct{ fresh, reused bool }{{false, false}, {true, false}, {true, false}, {false, true}} {
		r, err := c.Do(context.Background(), Request{Method: "GET", URL: url, Fresh: want.fresh})
		if err != nil || r.Reused != want.reused {
			t.Errorf("request %d: fresh %v, reused %v, %v", i, want.fresh, r.Reused, err)
		}
	}
}

// TestTheResponseSaysHowFarItCame: a server that stops at each point, over a
// pipe, until the deadline of 5 s.
func TestTheResponseSaysHowFarItCame(t *testing.T) {
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			req, _ := http.ReadRequest(bufio.NewReader(c))
			io.Copy(io.Discard, req.Body)
			io.WriteString(c, text)
		}
	}
	tests := []struct {
		server func(net.Conn)
		phase  Phase
		status int
	}{
		{func(net.Conn) {}, PhaseSend, 0},
		{says(""), PhaseWait, 0},
		{says("HTTP/1.1 2"), PhaseHead, 0},
		{says("HTTP/1.1 200 OK\r\nA: b\r\n"), PhaseHead, 0},
		{says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), PhaseBody, 200},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			c := New(Options{
				Allow: loopback(),
				Dial:  func(context.Context, string, string) (net.Conn, error) { return near, nil },
			})
			defer c.Close()
			go tt.server(far)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			r, err := c.Do(ctx, Request{Method: "POST", URL: "http://127.0.0.1/", Body: [][]byte{make([]byte, 100_000)}, Keep: 100})
			if r.Phase != tt.phase || r.Status != tt.status || r.Timing[tt.phase] != 5*time.Second {
				t.Errorf("%v with status %d, timing %v; want %v with %d", r.Phase, r.Status, r.Timing, tt.phase, tt.status)
			}
			if ended := cmp.Or(err, r.BodyErr); !errors.Is(ended, context.DeadlineExceeded) {
				t.Errorf("%v: %v", tt.phase, ended)
			}
		})
	}
}

func TestASlowBodyEndsAfterBodyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := New(Options{
			Allow: loopback(),
			Dial:  func(context.Context, string, string) (net.Conn, error) { return near, nil },
		})
		defer c.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			http.ReadRequest(bufio.NewReader(far))
			_, err := io.WriteString(far, "HTTP/1.1 200 OK\r\n\r\n")
			for ; err == nil; <-time.After(300 * time.Millisecond) {
				_, err = far.Write([]byte("x"))
			}
		}()
		start := time.Now()
		r, err := c.Do(context.Background(), Request{Method: "GET", URL: "http://127.0.0.1/", Keep: 100, BodyWait: time.Second})
		if err != nil || r.Status != 200 || string(r.Body) != "xxxx" || r.Whole || r.BodyErr == nil || time.Since(start) != time.Second {
			t.Errorf("status %d, body %q, whole %v, %v, %v, after %v", r.Status, r.Body, r.Whole, r.BodyErr, err, time.Since(start))
		}
		<-done
	})
}

func TestAnInvalidRequestIsAnErrorAndNoPanic(t *testing.T) {
	c := newClient(t, Options{})
	for _, req := range []Request{
		{Method: "GET", URL: "http://exa mple/"},
		{Method: "GET", URL: ""},
		{Method: "GET", URL: "ftp://example.com/"},
		{Method: "G T", URL: "http://example.com/"},
		{Method: "GET", URL: "http://example.com/", Header: http.Header{"A b": {"x"}}},
		{Method: "GET", URL: "http://example.com/", Header: http.Header{"A": {"x\r\ny"}}},
	} {
		if r, err := c.Do(context.Background(), req); err == nil {
			t.Errorf("%+v: status %d", req, r.Status)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestATransportOfATestStandsInForTheNetwork(t *testing.T) {
	c := New(Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 418, Body: io.NopCloser(strings.NewReader(r.URL.Host))}, nil
	})})
	defer c.Close()
	r, err := get(c, "http://10.0.0.1/")
	if err != nil || r.Status != 418 || string(r.Body) != "10.0.0.1" {
		t.Errorf("%d %q %v", r.Status, r.Body, err)
	}
}
