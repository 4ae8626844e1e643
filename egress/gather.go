package egress

import (
	"io"
	"net"
	"slices"
)

// gatherConn is a TCP connection that writes the pieces of a body from where
// they lie, in one system call (writev) together with the headers, where the
// transport would write the headers first and then copy the pieces through a
// buffer of 32 KiB, a call for each. Its fields are its writer's: the transport
// writes to a connection from one goroutine.
type gatherConn struct {
	*net.TCPConn
	hold bool   // the next Write is the end of headers that pieces follow
	held []byte // what such a Write has left
}

// holdHeaders has the next Write wait for the pieces.
func (c *gatherConn) holdHeaders() { c.hold = true }

// Write writes at once but for what holdHeaders has announced.
func (c *gatherConn) Write(p []byte) (int, error) {
	if c.hold {
		c.hold, c.held = false, append(c.held, p...)
		return len(p), nil
	}
	if err := c.release(); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

// release writes what is held and will not go with pieces.
func (c *gatherConn) release() error {
	c.hold = false
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.TCPConn.Write(c.held)
	c.held = c.held[:0]
	return err
}

// ReadFrom is what the transport calls with the body: a pieceReader limited to
// the body's length. Anything else is left to the connection.
func (c *gatherConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return c.readFrom(r)
	}
	body, ok := limited.R.(*pieceReader)
	if !ok || body.left() > limited.N {
		return c.readFrom(r)
	}
	headers := int64(len(c.held))
	buffers := append(net.Buffers{c.held}, body.takeRest()...)
	n, err := buffers.WriteTo(c.TCPConn)
	c.hold, c.held = false, c.held[:0]
	n = max(0, n-headers)
	limited.N -= n
	return n, err
}

func (c *gatherConn) readFrom(r io.Reader) (int64, error) {
	if err := c.release(); err != nil {
		return 0, err
	}
	return c.TCPConn.ReadFrom(r)
}

// gather makes plain connections write pieces at once.
func gather(c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		return &gatherConn{TCPConn: tcp}
	}
	return c
}

// left is how many bytes have not been read.
func (r *pieceReader) left() int64 {
	n := -r.at
	for _, p := range r.rest {
		n += len(p)
	}
	return int64(n)
}

// takeRest gives what has not been read, and leaves nothing.
func (r *pieceReader) takeRest() [][]byte {
	rest := slices.Clone(r.rest) // the pieces are shared, the list is not
	if len(rest) > 0 {
		rest[0] = rest[0][r.at:]
	}
	r.rest, r.at = nil, 0
	return rest
}
