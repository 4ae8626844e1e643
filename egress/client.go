package egress

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Options configures a Client. Zero values work.
type Options struct {
	// Allow lists ranges that may be dialled although they are not of the
	// public internet. Default: none.
	Allow []netip.Prefix
	// HTTPToAllowed lets http, which anybody on the way can read, reach the
	// addresses of Allow only. Default: wherever https may go.
	HTTPToAllowed bool
	// RootCAs are the authorities that servers' certificates are verified
	// against. Default: the system's.
	RootCAs *x509.CertPool
	// DialTimeout bounds looking up a name and connecting, together. The
	// request's own deadline counts as well. Default: 10 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds a TLS handshake. Default: 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection is kept without use. It stays under
	// the 5 s after which common servers (Apache, Node.js, uvicorn) close theirs, so that a request
	// seldom meets a connection that is being closed. Default: 4 s.
	IdleTimeout time.Duration
	// StaleAfter is how long a kept connection must have been idle for its
	// breaking to count as stale; see Request.RetryStale. Default: 1 s.
	StaleAfter time.Duration
	// MaxIdle and MaxIdlePerHost bound the connections kept without use. Many
	// endpoints may share a host, so the second is far above net/http's 2. Default: 2048 and 512.
	MaxIdle, MaxIdlePerHost int

	// Transport replaces the network for tests; the guard is then not used.
	Transport http.RoundTripper
	// Lookup replaces the resolver for tests.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial replaces the sockets for tests; addresses are still judged before they are dialled.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// maxHeaderBytes bounds the status line and headers of an answer, and all 1xx
// answers before it.
const maxHeaderBytes = 64 << 10

// Client sends requests to the outside. It is safe for concurrent use.
type Client struct {
	pooled     http.RoundTripper // keeps connections
	fresh      http.RoundTripper // dials for each request
	staleAfter time.Duration
}

// New makes a Client.
func New(o Options) *Client {
	c := &Client{staleAfter: cmp.Or(o.StaleAfter, time.Second)}
	if o.Transport != nil {
		c.pooled, c.fresh = o.Transport, o.Transport
		return c
	}
	d := newDialer(o)
	pooled := &http.Transport{
		Proxy:                  nil,
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true, // an answer is shown and cut as it came; nothing is ever inflated
		MaxIdleConns:           cmp.Or(o.MaxIdle, 2048),
		MaxIdleConnsPerHost:    cmp.Or(o.MaxIdlePerHost, 512),
		IdleConnTimeout:        cmp.Or(o.IdleTimeout, 4*time.Second),
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true, // dialers of one's own switch it off otherwise
		// A request that times out leaves its HTTP/2 connection in use; a ping
		// without a reply is what finds a dead one.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
	}
	fresh := pooled.Clone()
	fresh.DisableKeepAlives = true
	c.pooled, c.fresh = pooled, fresh
	return c
}

// Close closes the connections that are not in use. Requests under way go on.
func (c *Client) Close() {
	for _, rt := range []http.RoundTripper{c.pooled, c.fresh} {
		if t, ok := rt.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// Request is one request to the outside. Its deadline is that of the context.
type Request struct {
	Method string
	URL    string      // absolute, http or https
	Header http.Header // handed over; not changed
	// Body is sent as it is, piece after piece, with its length. The pieces must
	// not change, even after Do has returned: the connection may still be writing. nil = no body.
	Body [][]byte
	// Keep is how many bytes of the answer's body come back.
	Keep int
	// Drain is how many bytes more are read and thrown away so that the
	// connection can be used again.
	Drain int
	// BodyWait bounds the reading of the answer's body, counted from its
	// headers. 0 = only the context's deadline does.
	BodyWait time.Duration
	// Fresh asks for a new connection that is not kept. A kept HTTP/2 connection
	// can be in order by its pings and still take no more requests.
	Fresh bool
	// RetryStale lets Do send the request once more, at once and over a fresh
	// connection, when a kept connection that had been idle for
	// Options.StaleAfter breaks before the first byte of an answer. The server
	// closes such connections on its own account, so it has most likely not
	// seen the request; but it may have, so this is for requests that bear a repeat.
	RetryStale bool
}

// Response is what came of a request, as far as it came: it is filled in also
// beside an error.
type Response struct {
	Status int // 0 = no complete status line and headers were read
	Header http.Header
	Proto  string // "HTTP/1.1", "HTTP/2.0"
	Body   []byte // the first bytes, at most Request.Keep
	Whole  bool   // Body is all of it, read to its end
	// BodyErr is what ended the reading of the body early; it does not touch the status.
	BodyErr error

	Phase   Phase         // how far it came
	Timing  Timing        // where the time went
	Remote  string        // the address and port connected to; "" = none was
	Reused  bool          // over a kept connection
	Idle    time.Duration // how long that one had not been used
	Retried bool          // sent once more; see Request.RetryStale

	firstByte bool
}

// Do sends a request and reads the answer within the deadline of ctx. The
// error is nil as soon as a status and headers were read, whatever the status and whatever
// becomes of the body. Otherwise it is the cause: an *AddressError, a
// *net.DNSError, a TLS or x509 error, a net.Error, ErrTurnedAway, the context's error, or
// one of net/http's own; Response.Phase says where it struck.
func (c *Client) Do(ctx context.Context, req Request) (Response, error) {
	if req.Fresh {
		return send(ctx, c.fresh, &req)
	}
	resp, err := send(ctx, c.pooled, &req)
	if err != nil && req.RetryStale && c.stale(ctx, &resp, err) {
		resp, err = send(ctx, c.fresh, &req)
		resp.Retried = true
	}
	return resp, err
}

// stale says whether a request failed because the server had closed the kept connection.
func (c *Client) stale(ctx context.Context, r *Response, err error) bool {
	if !r.Reused || r.Idle < c.staleAfter || r.firstByte || ctx.Err() != nil {
		return false
	}
	// The reset of one stream is not the connection's end.
	_, stream := errors.AsType[StreamError](err)
	return !stream
}

func send(ctx context.Context, rt http.RoundTripper, req *Request) (r Response, err error) {
	tr := newTrace(ctx)
	defer func() { tr.finish(&r); tr.cancel(nil) }()
	hr, err := http.NewRequestWithContext(tr.attach(), req.Method, req.URL, nil)
	if err != nil {
		return r, err
	}
	if req.Header != nil {
		hr.Header = req.Header
	}
	tr.pieces = setBody(hr, req.Body)
	answer, err := rt.RoundTrip(hr)
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	tr.update(func() { tr.enter(PhaseBody) })
	if req.BodyWait > 0 {
		defer time.AfterFunc(req.BodyWait, func() { tr.cancel(nil) }).Stop()
	}
	r.Status, r.Header, r.Proto = answer.StatusCode, answer.Header, answer.Proto
	if r.Status == http.StatusSwitchingProtocols {
		// What follows is another protocol, and its reader would not heed the context.
		return r, nil
	}
	r.readBody(answer.Body, answer.ContentLength, req.Keep, req.Drain)
	return r, nil
}

// StreamError is the reset of one HTTP/2 stream: by the server, or on our side
// because the server broke a rule. net/http's own type is not exported; it
// fills in, by errors.As, any struct of these fields.
type StreamError struct {
	StreamID uint32
	Code     uint32 // RFC 9113, section 7
	Cause    error  // may be nil
}

// FromServer says whether the server reset the stream. net/http marks it by the
// text of the cause.
func (e StreamError) FromServer() bool {
	return e.Cause != nil && e.Cause.Error() == "received from peer"
}

func (e StreamError) Error() string {
	return fmt.Sprintf("HTTP/2 stream reset with code %d", e.Code)
}
