package faulttest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"time"
)

// says answers with text and closes.
func says(text string) func(*conn) bool {
	return func(c *conn) bool { c.say(text); return false }
}

// keeps answers with text and keeps the connection.
func keeps(text string) func(*conn) bool {
	return func(c *conn) bool { return c.say(text) }
}

// stalls answers with text and then says nothing more.
func stalls(text string) func(*conn) bool {
	return func(c *conn) bool { c.say(text); c.hang(); return false }
}

// floods answers with text and then with more, without end.
func floods(text, more string) func(*conn) bool {
	return func(c *conn) bool { c.say(text); c.flood(more); return false }
}

// status is an answer of this status without a body, with more headers.
func status(code int, headers ...string) Fault {
	name := strings.TrimSpace(fmt.Sprintf("status %d %s", code, strings.Join(headers, ", ")))
	text := fmt.Sprintf("HTTP/1.1 %d Fault\r\n", code)
	for _, h := range headers {
		text += h + "\r\n"
	}
	if code != 204 && code != 304 {
		text += "Content-Length: 0\r\n"
	}
	return Fault{Name: name, Answer: keeps(text + "\r\n")}
}

// answers are the faults of status lines and headers.
func answers() []Fault {
	list := []Fault{
		{Name: "garbage instead of an answer", Answer: says("SSH-2.0-OpenSSH_9.6\r\n")},
		{Name: "binary garbage instead of an answer", Answer: says("\x00\xff\xfe\r\n\r\n")},
		{Name: "status line cut", Answer: says("HTTP/1.1 2")},
		{Name: "status not a number", Answer: says("HTTP/1.1 OK 200\r\n\r\n")},
		{Name: "status of four digits", Answer: says("HTTP/1.1 2000 OK\r\n\r\n")},
		{Name: "status 000", Answer: says("HTTP/1.1 000 No\r\n\r\n")},
		{Name: "status line without end", Answer: floods("HTTP/1.1 200 ", strings.Repeat("O", 4096))},
		{Name: "1xx without end", Answer: floods("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")},
		{Name: "status 101", Answer: stalls("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")},
		{Name: "200 after a 1xx", Answer: keeps("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
		{Name: "header over 1 MB", Answer: floods("HTTP/1.1 200 OK\r\nA: "+strings.Repeat("a", 1<<20), "a")},
		{Name: "100,000 headers", Answer: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("Ab: cd\r\n", 100_000) + "\r\n")},
		{Name: "headers without end", Answer: floods("HTTP/1.1 200 OK\r\n", strings.Repeat("A: b\r\n", 100))},
		{Name: "headers stall", Hangs: true, Answer: stalls("HTTP/1.1 200 OK\r\nA: b\r\n")},
		{Name: "headers cut", Answer: says("HTTP/1.1 200 OK\r\nA: b\r\n")},
		{Name: "reset in the headers", Answer: func(c *conn) bool { c.say("HTTP/1.1 200 OK\r\nA:"); c.reset(); return false }},
		{Name: "header malformed", Answer: says("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")},
		{Name: "Content-Length not a number", Answer: says("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")},
		{Name: "Content-Length negative", Answer: says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")},
		{Name: "Content-Length twice", Answer: says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
		{Name: "Transfer-Encoding unknown", Answer: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: morse\r\n\r\n")},
		{Name: "redirect loop", Answer: keeps("HTTP/1.1 302 Found\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n")},
		{Name: "echo", Answer: func(c *conn) bool {
			requests := c.server.Requests()
			var b bytes.Buffer
			_ = requests[len(requests)-1].Header.Write(&b)
			return c.say(fmt.Sprintf("HTTP/1.1 500 Fault\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String()))
		}},
	}
	for _, code := range []int{
		201, 202, 204, 206, 299, 300, 304, 305, 400, 401, 402, 403, 404, 405, 407, 408, 410, 413, 415, 418, 421, 429,
		500, 501, 502, 503, 504, 599, 600, 999,
	} {
		list = append(list, status(code))
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		list = append(list, status(code, "Location: https://user:pass@elsewhere.test/new?token=secret#x"))
	}
	return append(
		list,
		status(301, "Location: http://169.254.169.254/latest/meta-data"),
		status(302, "Location: ://"),
		status(307),
		status(503, "Retry-After: 120"),
		status(429, "Retry-After: Mon, 01 Jan 2035 00:00:00 GMT"),
		status(503, "Retry-After: -5"),
		status(503, "Retry-After: 99999999999999999999"),
		status(503, "Retry-After: Mon, 01 Jan 1990 00:00:00 GMT"),
		status(503, "Retry-After: soon"),
	)
}

// bodies are the faults after a status and headers were read.
func bodies() []Fault {
	const ok = "HTTP/1.1 200 OK\r\n"
	return []Fault{
		{Name: "Content-Length larger than the body", Answer: says(ok + "Content-Length: 100\r\n\r\nshort")},
		{Name: "Content-Length smaller than the body", Answer: says(ok + "Content-Length: 2\r\n\r\nlonger")},
		{Name: "chunks without end", Answer: floods(ok+"Transfer-Encoding: chunked\r\n\r\n", "1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n")},
		{Name: "chunk size bad", Answer: says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")},
		{Name: "chunk size without end", Answer: floods(ok+"Transfer-Encoding: chunked\r\n\r\n", "0")},
		{Name: "trailers without end", Answer: floods(ok+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n")},
		{Name: "body without end", Answer: floods(ok+"\r\n", strings.Repeat("x", 4096))},
		{Name: "body of one byte per 10 s", Hangs: true, Answer: func(c *conn) bool {
			c.say(ok + "\r\n")
			for c.say("x") && c.pause(10*time.Second) {
			}
			return false
		}},
		{Name: "body never comes", Hangs: true, Answer: stalls(ok + "Content-Length: 10\r\n\r\n")},
		{Name: "refused with a body that never comes", Hangs: true, Answer: stalls("HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n")},
		{Name: "compressed bomb", Answer: func(c *conn) bool { return says(ok + "Content-Encoding: gzip\r\n\r\n" + bomb())(c) }},
		{Name: "200 and reset in the body", Answer: func(c *conn) bool {
			c.say(ok + "Content-Length: 100\r\n\r\nhalf")
			c.reset()
			return false
		}},
		{Name: "200 of HTTP/1.0", Answer: says("HTTP/1.0 200 OK\r\n\r\nfine")},
	}
}

// bomb is 8 MiB of zeros in 8 KiB.
func bomb() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	return b.String()
}
