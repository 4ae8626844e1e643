package message

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// inboundDoor is a listener that lets in so many connections at once, in all
// and from one address, each for a limited time, and that can send them away.
type inboundDoor struct {
	net.Listener
	maxConns, maxPerHost int
	lifetime             time.Duration

	mu       sync.Mutex
	conns    map[*inboundConn]struct{}
	hosts    map[netip.Addr]int
	stopping bool
}

func newInboundDoor(l net.Listener, o InboundOptions) *inboundDoor {
	return &inboundDoor{
		Listener: l, maxConns: o.MaxConns, maxPerHost: o.MaxConnsPerHost, lifetime: o.SessionTimeout,
		conns: map[*inboundConn]struct{}{}, hosts: map[netip.Addr]int{},
	}
}

// Accept gives the next connection there is room for. The others are told to
// come again.
func (d *inboundDoor) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn := d.enter(c); conn != nil {
			return conn, nil
		}
		c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // a new socket has room for a line
		c.Write([]byte("421 4.3.2 Too many connections, try again later\r\n"))
		c.Close()
	}
}

func (d *inboundDoor) enter(c net.Conn) *inboundConn {
	host := hostOf(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping || len(d.conns) >= d.maxConns || d.hosts[host] >= d.maxPerHost {
		return nil
	}
	conn := &inboundConn{Conn: c, door: d, host: host, end: time.Now().Add(d.lifetime)}
	d.conns[conn] = struct{}{}
	d.hosts[host]++
	return conn
}

func (d *inboundDoor) leave(c *inboundConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.conns[c]; !in {
		return
	}
	delete(d.conns, c)
	if d.hosts[c.host]--; d.hosts[c.host] <= 0 {
		delete(d.hosts, c.host)
	}
}

// stop closes the door; who is not in the middle of a mail is sent away.
func (d *inboundDoor) stop() {
	d.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopping = true
	for c := range d.conns {
		if !c.busy {
			c.Conn.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// cut closes all connections.
func (d *inboundDoor) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.Conn.Close()
	}
}

// hostOf gives the address of a connection's other end; a network of IPv6 is
// one host, as one machine has all of it.
func hostOf(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	host := a.Addr().Unmap().WithZone("")
	if host.Is6() {
		if p, err := host.Prefix(64); err == nil {
			host = p.Addr()
		}
	}
	return host
}

// inboundConn is a connection whose deadlines do not go beyond its lifetime.
type inboundConn struct {
	net.Conn
	door *inboundDoor
	host netip.Addr
	end  time.Time
	busy bool // in the middle of a mail; guarded by door.mu
}

// inboundConnOf finds the connection beneath TLS, if there is one.
func inboundConnOf(c net.Conn) *inboundConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	conn, _ := c.(*inboundConn)
	return conn
}

// SetReadDeadline is how go-smtp begins to wait for a command: once the door
// is closed, none is waited for.
func (c *inboundConn) SetReadDeadline(t time.Time) error {
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	if c.door.stopping && !c.busy {
		t = time.Unix(1, 0)
	}
	return c.Conn.SetReadDeadline(c.within(t))
}

// SetWriteDeadline sets the deadline of writes.
func (c *inboundConn) SetWriteDeadline(t time.Time) error {
	return c.Conn.SetWriteDeadline(c.within(t))
}

// SetDeadline sets both deadlines.
func (c *inboundConn) SetDeadline(t time.Time) error { return c.Conn.SetDeadline(c.within(t)) }

func (c *inboundConn) within(t time.Time) time.Time {
	if t.IsZero() || t.After(c.end) {
		return c.end
	}
	return t
}

func (c *inboundConn) setBusy(busy bool) {
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	c.busy = busy
}

// Close closes the connection and makes room for another.
func (c *inboundConn) Close() error {
	c.door.leave(c)
	return c.Conn.Close()
}
