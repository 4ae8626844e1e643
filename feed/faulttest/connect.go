package faulttest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Faults lists all faults.
func Faults() []Fault {
	var all []Fault
	for _, layer := range [][]Fault{names(), connections(), handshakes(), answers(), bodies(), http2Faults()} {
		all = append(all, layer...)
	}
	return all
}

// ByName gives one fault; a name that does not exist is a defect of the test and panics.
func ByName(name string) Fault {
	for _, f := range Faults() {
		if f.Name == name {
			return f
		}
	}
	panic("no fault is named " + name)
}

func names() []Fault {
	fails := func(e net.DNSError) func(context.Context) ([]netip.Addr, error) {
		e.Name = Host
		return func(context.Context) ([]netip.Addr, error) { return nil, &e }
	}
	return []Fault{
		{Name: "unknown host", Look: fails(net.DNSError{Err: "no such host", IsNotFound: true})},
		{Name: "name servers fail", Look: fails(net.DNSError{Err: "server misbehaving", IsTemporary: true})},
		{Name: "name servers time out", Look: fails(net.DNSError{Err: "i/o timeout", IsTimeout: true})},
		{Name: "lookup hangs", Hangs: true, Look: func(ctx context.Context) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		{Name: "private address", Look: addresses("10.0.0.1")},
		{Name: "public and private address", Look: addresses("8.8.8.8", "10.0.0.1")},
		{Name: "IPv6 broken and IPv4 good", Look: addresses("::1", "127.0.0.2"), Dial: func(_ context.Context, address string) error {
			if address[0] == '[' {
				return refused()
			}
			return nil
		}},
	}
}

func addresses(list ...string) func(context.Context) ([]netip.Addr, error) {
	return func(context.Context) ([]netip.Addr, error) {
		var addrs []netip.Addr
		for _, a := range list {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		return addrs, nil
	}
}

func refused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func connections() []Fault {
	return []Fault{
		{Name: "refused", Look: addresses("127.0.0.1"), Dial: func(context.Context, string) error { return refused() }},
		{Name: "black hole", Hangs: true, Dial: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		{Name: "never reads", Hangs: true, Conn: (*conn).freeze},
		{Name: "reads one byte a second", Hangs: true, Conn: func(c *conn) {
			for c.pause(time.Second) {
				if _, err := c.raw.Read(make([]byte, 1)); err != nil {
					return
				}
			}
		}},
		{Name: "reset before the request", Conn: (*conn).reset},
		{Name: "reset during the request", Conn: func(c *conn) {
			_, _ = io.CopyN(io.Discard, c.raw, 1000)
			c.reset()
		}},
		{Name: "reset after the request", Answer: func(c *conn) bool { c.reset(); return false }},
		{Name: "closed before the request", Conn: func(*conn) {}},
		{Name: "closed after the request", Answer: func(*conn) bool { return false }},
		{Name: "never answers", Hangs: true, Answer: func(c *conn) bool { c.hang(); return false }},
		{Name: "answers too late", Hangs: true, Answer: func(c *conn) bool {
			return c.pause(time.Hour) && c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}},
		// Good for one request a connection; heals never.
		{Name: "stale keep-alive", Answer: func(c *conn) bool {
			return c.requests == 1 && c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}},
	}
}

func handshakes() []Fault {
	// RFC 8446, section 6: a fatal alert "unexpected message" in a record of its own.
	const alert = "\x15\x03\x01\x00\x02\x02\x0a"
	return []Fault{
		{Name: "certificate expired", TLS: true, Cert: (*authority).expired},
		{Name: "certificate not yet valid", TLS: true, Cert: (*authority).notYetValid},
		{Name: "certificate for another host", TLS: true, Cert: (*authority).wrongHost},
		{Name: "certificate self-signed", TLS: true, Cert: (*authority).selfSigned},
		{Name: "certificate of an unknown authority", TLS: true, Cert: (*authority).unknown},
		// By TLS 1.2, where the alert comes within the handshake; in TLS 1.3 it races with the request.
		{Name: "client certificate wanted", TLS: true, Setup: func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}},
		{Name: "only TLS 1.1", TLS: true, Setup: func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}},
		{Name: "handshake stalls", Hangs: true, TLS: true, Conn: (*conn).hang},
		{Name: "handshake reset", TLS: true, Conn: func(c *conn) {
			_, _ = io.CopyN(io.Discard, c.raw, 10)
			c.reset()
		}},
		{Name: "handshake answered by an alert", TLS: true, Conn: func(c *conn) {
			_, _ = c.r.Peek(5)
			c.say(alert)
			c.hang()
		}},
		{Name: "plain HTTP on a TLS port", TLS: true, Conn: func(c *conn) {
			_, _ = c.r.Peek(5)
			c.say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
			c.hang()
		}},
		{Name: "another protocol on a TLS port", TLS: true, Conn: func(c *conn) {
			c.say("220 mail.test ESMTP ready\r\n")
			c.hang()
		}},
		{Name: "TLS on a plain HTTP port", Answer: func(c *conn) bool { c.say(alert); return false }},
		{Name: "TLS on a plain HTTP port, told by the server", Answer: func(c *conn) bool {
			c.say("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
			return false
		}},
	}
}
