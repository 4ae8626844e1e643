package faulttest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// Host is the name under which every server is found, by its Lookup.
const Host = "receiver.test"

// Fault is one way to misbehave. The zero value is a good HTTP/1 receiver.
type Fault struct {
	Name string
	// Hangs is set when the fault has no end of its own: the client's deadline
	// ends it. Such a fault belongs on a clock that a test can move.
	Hangs bool

	TLS   bool                                            // the URL is https
	Plain bool                                            // what listens speaks no TLS, whatever the URL says
	HTTP2 bool                                            // TLS with HTTP/2
	Cert  func(*authority) tls.Certificate                // nil = a good one
	Setup func(*tls.Config)                               // changes the server's TLS settings
	Look  func(context.Context) ([]netip.Addr, error)     // answers instead of the name servers
	Dial  func(ctx context.Context, address string) error // fails instead of the network; over pipes only

	Conn   func(*conn)      // takes a connection before anything is read or said
	Answer func(*conn) bool // answers a request that was read; false = close
	Open   func(*h2conn) bool
	Stream func(h *h2conn, id uint32) bool // answers a stream whose request was read; false = close
}

// Request is what a server was sent.
type Request struct {
	Header http.Header
	Body   []byte
}

// Server shows a fault. Its Lookup and Dial are hooks for the client.
type Server struct {
	URL   string
	Roots *x509.CertPool // what a client has to trust

	fault   Fault
	ca      *authority
	ln      net.Listener // nil over pipes
	healthy atomic.Bool
	sent    atomic.Int64
	done    chan struct{}
	work    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    map[net.Conn]bool
	requests []Request
}

// StartTCP starts a server on loopback. It is closed at the end of the test.
func StartTCP(tb testing.TB, f Fault) *Server {
	tb.Helper()
	// Not 127.0.0.1: a fault may send clients to a place where nothing listens.
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		tb.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	s := newServer(f, port)
	s.ln = ln
	s.work.Go(s.accept)
	tb.Cleanup(s.Close)
	return s
}

// StartPipe starts a server that is reached by its Dial only. Close it inside the synctest bubble.
func StartPipe(f Fault) *Server { return newServer(f, "443") }

func newServer(f Fault, port string) *Server {
	s := &Server{fault: f, ca: newAuthority(), done: make(chan struct{}), conns: map[net.Conn]bool{}}
	s.Roots = s.ca.pool()
	s.URL = "http://" + net.JoinHostPort(Host, port) + "/hook"
	if f.TLS || f.HTTP2 {
		s.URL = "https" + s.URL[len("http"):]
	}
	return s
}

// Heal makes a good receiver of the server.
func (s *Server) Heal() { s.healthy.Store(true) }

// Sent is how many bytes the server has written, TLS not counted.
func (s *Server) Sent() int64 { return s.sent.Load() }

// Requests gives what was sent and read to its end, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

func (s *Server) record(h http.Header, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{h, body})
}

// Lookup stands for the name servers.
func (s *Server) Lookup(ctx context.Context, _ string) ([]netip.Addr, error) {
	if s.fault.Look != nil && !s.healthy.Load() {
		return s.fault.Look(ctx)
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2})}, nil
}

// Dial connects by a pipe.
func (s *Server) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	if s.fault.Dial != nil && !s.healthy.Load() {
		if err := s.fault.Dial(ctx, address); err != nil {
			return nil, err
		}
	}
	near, far := newPipe()
	s.start(far)
	return near, nil
}

func (s *Server) accept() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.start(c)
	}
}

func (s *Server) start(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return
	}
	s.conns[c] = true
	s.work.Go(func() {
		s.serve(c)
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

// Close ends all connections and returns when nothing of the server runs.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	if s.ln != nil {
		s.ln.Close()
	}
	s.work.Wait()
}

func (s *Server) serve(raw net.Conn) {
	healthy := s.healthy.Load()
	c := &conn{Conn: raw, raw: raw, r: bufio.NewReader(raw), server: s}
	if s.fault.Conn != nil && !healthy {
		s.fault.Conn(c)
		return
	}
	if (s.fault.TLS || s.fault.HTTP2) && (!s.fault.Plain || healthy) {
		secure := tls.Server(raw, s.tlsConfig(healthy))
		if secure.Handshake() != nil {
			c.hang() // a close with bytes unread would be a reset and overtake the alert
			return
		}
		c.Conn, c.r = secure, bufio.NewReader(secure)
	}
	if s.fault.HTTP2 {
		c.serveHTTP2()
		return
	}
	c.serveHTTP1()
}

func (s *Server) tlsConfig(healthy bool) *tls.Config {
	config := &tls.Config{NextProtos: []string{"http/1.1"}}
	if s.fault.HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	cert := (*authority).good
	if s.fault.Cert != nil && !healthy {
		cert = s.fault.Cert
	}
	config.Certificates = []tls.Certificate{cert(s.ca)}
	if s.fault.Setup != nil && !healthy {
		s.fault.Setup(config)
	}
	return config
}
