package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"
)

// headStart is how long an address has before the next one is tried beside it
// (RFC 8305, section 5), and maxAddresses how many of a name are tried.
const (
	headStart    = 250 * time.Millisecond
	maxAddresses = 16
)

// dialer makes the connections of a Client. They end with the request that
// asked for them: a transport left alone goes on dialling for whoever may
// want a connection later, and black holes would collect such dials.
type dialer struct {
	guard     *guard
	plain     func(netip.Addr) error // judges the addresses of connections without encryption
	tls       *tls.Config
	timeout   time.Duration // of lookup and connect together
	handshake time.Duration // of the TLS handshake
	lookup    func(ctx context.Context, host string) ([]netip.Addr, error)
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
}

// newDialer fills in the real lookup and the real dial, which has the guard in its sockets.
func newDialer(o Options) *dialer {
	d := &dialer{
		guard: newGuard(o.Allow),
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            o.RootCAs,
			NextProtos:         []string{"h2", "http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(1024),
		},
		timeout:   cmp.Or(o.DialTimeout, 10*time.Second),
		handshake: cmp.Or(o.HandshakeTimeout, 10*time.Second),
		lookup:    o.Lookup,
		dial:      o.Dial,
	}
	d.plain = d.guard.check
	if o.HTTPToAllowed {
		d.plain = d.guard.checkHTTP
	}
	if d.lookup == nil {
		d.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if d.dial == nil {
		d.dial = (&net.Dialer{Control: d.guard.control}).DialContext
	}
	return d
}

// dialPlain is the DialContext of a transport.
func (d *dialer) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, release := traceOf(ctx).bind(ctx)
	defer release()
	conn, err := d.connect(ctx, network, address, d.plain)
	if err != nil {
		return nil, err
	}
	return gather(conn), nil
}

// dialTLS is the DialTLSContext of a transport.
func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	tr := traceOf(ctx)
	ctx, release := tr.bind(ctx)
	defer release()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, network, address, d.guard.check)
	if err != nil {
		return nil, err
	}
	tr.dialling(PhaseHandshake)
	ctx, cancel := context.WithTimeout(ctx, d.handshake)
	defer cancel()
	config := d.tls.Clone()
	config.ServerName = host
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// connect looks the name up, judges its addresses and dials them.
//
// The name is looked up once. When one of its addresses is refused, the name
// is: an honest name has no private address beside a public one, and a name that
// changes its answers gains nothing, since what was judged is what is dialled.
func (d *dialer) connect(ctx context.Context, network, address string, judge func(netip.Addr) error) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	tr := traceOf(ctx)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	tr.dialling(PhaseLookup)
	addrs, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := judge(a); err != nil {
			return nil, err
		}
	}
	tr.dialling(PhaseConnect)
	return d.race(ctx, network, targets(addrs, port))
}

func (d *dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if literal, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{literal}, nil
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	for i, a := range addrs {
		// A resolver may give IPv4 in its 16-byte form; as text of a URL that form is refused.
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

// targets puts the addresses in the order of RFC 8305, section 4: as the
// resolver sorted them, the families by turns.
func targets(addrs []netip.Addr, port string) []string {
	var first, second []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	list := make([]string, 0, len(addrs))
	for len(first)+len(second) > 0 && len(list) < maxAddresses {
		if len(first) > 0 {
			list = append(list, net.JoinHostPort(first[0].String(), port))
			first = first[1:]
		}
		if len(second) > 0 {
			list = append(list, net.JoinHostPort(second[0].String(), port))
			second = second[1:]
		}
	}
	return list
}

// race dials the targets one after the other, each with a head start over the
// next, and gives the first connection. It returns when every dial has ended.
func (d *dialer) race(ctx context.Context, network string, targets []string) (net.Conn, error) {
	if len(targets) == 1 {
		return d.dial(ctx, network, targets[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	running := 0
	start := func() {
		target := targets[0]
		targets = targets[1:]
		running++
		go func() {
			conn, err := d.dial(ctx, network, target)
			results <- result{conn, err}
		}()
	}
	start()
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	var won net.Conn
	var errs []error
	for running > 0 {
		next := false
		select {
		case r := <-results:
			running--
			switch {
			case r.err != nil:
				errs = append(errs, r.err)
				next = true
			case won == nil:
				won = r.conn
				cancel()
			default:
				r.conn.Close()
			}
		case <-timer.C:
			next = true
		}
		if next && won == nil && len(targets) > 0 && ctx.Err() == nil {
			start()
			timer.Reset(headStart)
		}
	}
	if won != nil {
		return won, nil
	}
	return nil, errors.Join(errs...)
}
