package faulttest

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is what a pipe holds in each direction, as a kernel would.
const pipeBuffer = 64 << 10

// half is one direction of a pipe.
type half struct {
	mu     sync.Mutex
	change *sync.Cond
	buf    []byte
	end    error // what the reader gets after buf; nil while it is open
	gone   bool  // nobody reads any more
}

func newHalf() *half {
	h := &half{}
	h.change = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && h.end == nil && !h.gone {
		h.change.Wait()
	}
	switch {
	case h.gone:
		return 0, net.ErrClosed
	case len(h.buf) == 0:
		return 0, h.end
	}
	n := copy(p, h.buf)
	h.buf = h.buf[n:]
	h.change.Broadcast()
	return n, nil
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := 0
	for done < len(p) {
		for len(h.buf) >= pipeBuffer && h.end == nil && !h.gone {
			h.change.Wait()
		}
		if h.end != nil {
			return done, net.ErrClosed
		}
		if h.gone {
			return done, syscall.EPIPE
		}
		n := min(len(p)-done, pipeBuffer-len(h.buf))
		h.buf = append(h.buf, p[done:done+n]...)
		done += n
		h.change.Broadcast()
	}
	return done, nil
}

// finish ends the direction: the reader gets what is under way and then end.
func (h *half) finish(end error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil {
		h.end = end
	}
	h.change.Broadcast()
}

func (h *half) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	h.change.Broadcast()
}

// pipeConn is one end of a buffered connection in memory. Deadlines are not
// kept: who closes it ends what waits in it.
type pipeConn struct{ in, out *half }

func newPipe() (near, far pipeConn) {
	a, b := newHalf(), newHalf()
	return pipeConn{a, b}, pipeConn{b, a}
}

func (c pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

func (c pipeConn) Close() error {
	c.out.finish(io.EOF)
	c.in.abandon()
	return nil
}

func (c pipeConn) reset() {
	c.out.finish(syscall.ECONNRESET)
	c.in.abandon()
}

func (c pipeConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (c pipeConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c pipeConn) SetDeadline(time.Time) error      { return nil }
func (c pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (c pipeConn) SetWriteDeadline(time.Time) error { return nil }
