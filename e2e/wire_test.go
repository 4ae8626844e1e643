package e2e_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// wire is a TCP proxy between a node and its database, which can be cut: then
// nothing passes in either direction and nobody is told, as when a cable is
// pulled or a firewall drops packets.
type wire struct {
	socket net.Listener

	mu     sync.Mutex
	whole  *sync.Cond // woken when cut changes
	cut    bool
	closed bool
	target string
	conns  map[net.Conn]struct{}
	copies sync.WaitGroup
}

// newWire gives a wire to the server of a DSN, and the DSN that goes through it.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	target, with := hostOf(t, dsn)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{socket: socket, target: target, conns: map[net.Conn]struct{}{}}
	w.whole = sync.NewCond(&w.mu)
	w.copies.Go(w.accept)
	t.Cleanup(w.close)
	return w, with(socket.Addr().String())
}

func (w *wire) accept() {
	for {
		conn, err := w.socket.Accept()
		if err != nil {
			return
		}
		w.copies.Go(func() { w.join(conn) })
	}
}

// join carries one connection.
func (w *wire) join(near net.Conn) {
	defer near.Close()
	if !w.pass(near) {
		return
	}
	w.mu.Lock()
	target := w.target
	w.mu.Unlock()
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.pass(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { w.copy(far, near) })
	both.Go(func() { w.copy(near, far) })
	both.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, near)
	delete(w.conns, far)
}

// pass registers a connection, once the wire is whole; false when it is closed.
func (w *wire) pass(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.cut && !w.closed {
		w.whole.Wait()
	}
	if w.closed {
		return false
	}
	w.conns[conn] = struct{}{}
	return true
}

// copy carries bytes one way; while the wire is cut they stay where they are.
func (w *wire) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		for w.cut && !w.closed {
			w.whole.Wait()
		}
		closed := w.closed
		w.mu.Unlock()
		if n > 0 && !closed {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil || closed {
			break
		}
	}
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, from) // until the other side has seen the end
}

// setCut cuts the wire or mends it.
func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	w.whole.Broadcast()
}

// lead has new connections go elsewhere, and breaks those that there are.
func (w *wire) lead(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
	for conn := range w.conns {
		_ = conn.Close()
	}
}

func (w *wire) close() {
	_ = w.socket.Close()
	w.mu.Lock()
	w.closed = true
	w.whole.Broadcast()
	for conn := range w.conns {
		_ = conn.Close()
	}
	w.mu.Unlock()
	w.copies.Wait()
}
