package bench

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
)

// tap is a proxy to a PostgreSQL server that counts the statements which pass.
type tap struct {
	dsn    string
	to     string
	socket net.Listener
	count  atomic.Int64
	conns  sync.Map // net.Conn
	copies sync.WaitGroup
}

// newTap listens in front of the server of a DSN, which must not speak TLS.
func newTap(dsn string) (*tap, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	t := &tap{to: u.Host}
	if t.socket, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	u.Host = t.socket.Addr().String()
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	t.dsn = u.String()
	t.copies.Go(t.accept)
	return t, nil
}

// queries is how many statements have been executed so far.
func (t *tap) queries() int64 { return t.count.Load() }

func (t *tap) close() {
	_ = t.socket.Close()
	t.conns.Range(func(conn, _ any) bool { _ = conn.(net.Conn).Close(); return true })
	t.copies.Wait()
}

func (t *tap) accept() {
	for {
		near, err := t.socket.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", t.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		t.conns.Store(near, nil)
		t.conns.Store(far, nil)
		t.copies.Go(func() { defer near.Close(); _, _ = io.Copy(near, far) })
		t.copies.Go(func() { defer far.Close(); _ = t.carry(far, near) })
	}
}

// carry copies what the client sends, message by message, and counts. The
// first message has no type.
func (t *tap) carry(to io.Writer, from io.Reader) error {
	in := bufio.NewReader(from)
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return err
		}
		if !first && (head[0] == 'Q' || head[0] == 'E') { // Query, Execute
			t.count.Add(1)
		}
		if _, err := to.Write(head); err != nil {
			return err
		}
		length := int64(binary.BigEndian.Uint32(head[len(head)-4:]))
		if _, err := io.CopyN(to, in, length-4); err != nil {
			return err
		}
	}
}
