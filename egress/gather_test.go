package egress

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// wire gives a connection that gathers, and what the other side has received
// of it once it is closed.
func wire(t *testing.T) (c *gatherConn, received func() string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return gather(near).(*gatherConn), func() string {
		near.Close()
		all, err := io.ReadAll(far)
		if err != nil {
			t.Error(err)
		}
		return string(all)
	}
}

func limited(r io.Reader, n int64) io.Reader { return &io.LimitedReader{R: r, N: n} }

func pieces(list ...string) *pieceReader {
	r := &pieceReader{}
	for _, p := range list {
		r.rest = append(r.rest, []byte(p))
	}
	return r
}

func TestHeldHeadersGoOutInOrderWhateverFollows(t *testing.T) {
	for name, follow := range map[string]func(c *gatherConn) (int64, error){
		"pieces":                  func(c *gatherConn) (int64, error) { return c.ReadFrom(limited(pieces("bo", "", "dy"), 4)) },
		"pieces cut by the limit": func(c *gatherConn) (int64, error) { return c.ReadFrom(limited(pieces("bo", "dying"), 4)) },
		"another reader":          func(c *gatherConn) (int64, error) { return c.ReadFrom(strings.NewReader("body")) },
		"another limited reader":  func(c *gatherConn) (int64, error) { return c.ReadFrom(limited(strings.NewReader("body"), 4)) },
		"a write": func(c *gatherConn) (int64, error) {
			n, err := c.Write([]byte("body"))
			return int64(n), err
		},
	} {
		c, received := wire(t)
		for range 2 { // a kept connection
			c.holdHeaders()
			if n, err := c.Write([]byte("head,")); n != 5 || err != nil {
				t.Errorf("%s: headers: %d, %v", name, n, err)
			}
			if n, err := follow(c); n != 4 || err != nil {
				t.Errorf("%s: %d bytes of the body, %v", name, n, err)
			}
			if n, err := c.Write([]byte(";")); n != 1 || err != nil {
				t.Errorf("%s: after it: %d, %v", name, n, err)
			}
		}
		if got := received(); got != "head,body;head,body;" {
			t.Errorf("%s: %q arrived", name, got)
		}
	}
}

func TestHeadersAreHeldForPiecesAlone(t *testing.T) {
	c, received := wire(t)
	c.holdHeaders() // the headers were out already: nothing is left to be held
	if n, err := c.ReadFrom(limited(pieces("body"), 4)); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := c.Write([]byte("next")); err != nil || len(c.held) > 0 {
		t.Errorf("%q is held, %v", c.held, err)
	}
	if got := received(); got != "bodynext" {
		t.Errorf("%q arrived", got)
	}
}

// A large body comes in one packet with its headers: the other side is woken once.
func TestABodyInPiecesComesWithItsHeaders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reads := make(chan string, 2)
	go func() { // ends with the connection; reads is waited for
		defer close(reads)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 1<<20)
		for _, size := range []int{5, 2 * joinBelow} {
			n, _ := conn.Read(buf)
			reads <- string(buf[:n])
			_, body, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
			_, _ = io.CopyN(io.Discard, conn, int64(size-len(body)))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	c := newClient(t, Options{})
	large := bytes.Repeat([]byte("x"), joinBelow)
	for _, body := range [][][]byte{{[]byte("small")}, {large, large}} { // the second meets a reader that waits
		if _, err := c.Do(context.Background(), Request{Method: "POST", URL: "http://" + l.Addr().String(), Body: body, Keep: 1}); err != nil {
			t.Error(err)
		}
	}
	for read := range reads {
		if head, body, _ := strings.Cut(read, "\r\n\r\n"); body == "" {
			t.Errorf("%q came alone", head)
		}
	}
}
