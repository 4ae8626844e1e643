package faulttest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// conn is one connection of a server, seen from the server.
type conn struct {
	net.Conn               // what is read from and written to: raw or TLS
	raw      net.Conn      // TCP or pipe
	r        *bufio.Reader // of Conn
	server   *Server
	requests int // read from it so far
}

// Write counts what was sent, after which the client can't deny having taken it (or the buffers between).
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.server.sent.Add(int64(n))
	return n, err
}

// say writes text; false when the client is gone.
func (c *conn) say(text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

// flood writes text again and again until the client is gone.
func (c *conn) flood(text string) {
	for c.say(text) {
	}
}

// hang reads on and says nothing until the client is gone.
func (c *conn) hang() { _, _ = io.Copy(io.Discard, c.r) }

// freeze neither reads nor writes until the server is closed.
func (c *conn) freeze() { <-c.server.done }

// pause waits; false when the server was closed meanwhile.
func (c *conn) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-c.server.done:
		return false
	}
}

// reset ends the connection by RST.
func (c *conn) reset() {
	switch raw := c.raw.(type) {
	case *net.TCPConn:
		_ = raw.SetLinger(0)
		_ = raw.Close()
	case pipeConn:
		raw.reset()
	}
}

// serveHTTP1 reads requests and answers them: 200 when healthy, else by the fault.
func (c *conn) serveHTTP1() {
	for {
		req, err := http.ReadRequest(c.r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		c.requests++
		c.server.record(req.Header, body)
		if answer := c.server.fault.Answer; answer != nil && !c.server.healthy.Load() {
			if !answer(c) {
				return
			}
		} else if !c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
			return
		}
		if req.Close {
			return
		}
	}
}
