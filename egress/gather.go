package egress

import (
	"io"
	"net"
	"slices"
)

// gatherConn is a TCP connection that writes the pieces of a body from where
// they lie, in one system call (writev) where the transport would copy them
// through a buffer of 32 KiB, a call for each.
type gatherConn struct{ *net.TCPConn }

// ReadFrom is what the transport calls with the body: a pieceReader limited to
// the body's length. Anything else is left to the connection.
func (c gatherConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	body, ok := limited.R.(*pieceReader)
	if !ok || body.left() > limited.N {
		return c.TCPConn.ReadFrom(r)
	}
	buffers := body.takeRest()
	n, err := buffers.WriteTo(c.TCPConn)
	limited.N -= n
	return n, err
}

// gather makes plain connections write pieces at once.
func gather(c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		return gatherConn{tcp}
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
func (r *pieceReader) takeRest() net.Buffers {
	rest := net.Buffers(slices.Clone(r.rest)) // writing changes the list; the pieces are shared
	if len(rest) > 0 {
		rest[0] = rest[0][r.at:]
	}
	r.rest, r.at = nil, 0
	return rest
}
