package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidings"
)

// client calls the API in process, as one user.
type client struct {
	api  http.Handler
	from *http.Request // the browser's: where it came from
	user tidings.User

	spent *spent // what calls take is added here; nil = nobody asks
}

// get reads from the API: path is of the API ("/v1/contacts/5"), query may be
// nil, out is what the JSON answer is read into. A failure is a *refusal.
func (c *client) get(path string, query url.Values, out any) error {
	return c.call(http.MethodGet, path, query, nil, out)
}

// send calls an operation that changes something. in becomes the JSON body; nil = none.
func (c *client) send(method, path string, in, out any) error {
	return c.call(method, path, nil, in, out)
}

func (c *client) call(method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("a request of the API: %w", err)
		}
	}
	answer := &memory{header: http.Header{}}
	c.serve(answer, c.request(method, path, query, body))
	if answer.code() >= 400 {
		return readRefusal(answer)
	}
	if out == nil || answer.body.Len() == 0 {
		return nil
	}
	if err := json.Unmarshal(answer.body.Bytes(), out); err != nil {
		return fmt.Errorf("the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// pass hands the API's answer on as it is: a download, a picture of a mail.
// Failures are a *refusal and nothing is written.
func (c *client) pass(w http.ResponseWriter, path string, query url.Values) error {
	through := &through{w: w, header: http.Header{}}
	c.serve(through, c.request(http.MethodGet, path, query, nil))
	if through.refused != nil {
		return readRefusal(through.refused)
	}
	return nil
}

// read gives a document of the API as it is.
func (c *client) read(path string, query url.Values) ([]byte, error) {
	answer := &memory{header: http.Header{}}
	c.serve(answer, c.request(http.MethodGet, path, query, nil))
	if answer.code() >= 400 {
		return nil, readRefusal(answer)
	}
	return answer.body.Bytes(), nil
}

// events follows a stream of the API (server-sent events) until it ends or the
// browser goes: take gets each event's name and data.
func (c *client) events(path string, query url.Values, take func(name string, data []byte) error) error {
	s := &sse{take: take, header: http.Header{}}
	c.serve(s, c.request(http.MethodGet, path, query, nil))
	if s.refused != nil {
		return readRefusal(s.refused)
	}
	return s.err
}

func (c *client) serve(w http.ResponseWriter, r *http.Request) {
	defer c.spent.call(time.Now())
	c.api.ServeHTTP(w, r)
}

// request makes a request of the API. It has the user in its context, which
// nothing from outside can bring along, and none of the browser's headers.
func (c *client) request(method, path string, query url.Values, body []byte) *http.Request {
	ctx := tidings.WithUser(c.from.Context(), c.user)
	at := &url.URL{Scheme: "http", Host: c.from.Host, Path: path, RawQuery: query.Encode()}
	if unescaped, err := url.PathUnescape(path); err == nil && unescaped != path {
		at.Path, at.RawPath = unescaped, path
	}
	r := (&http.Request{
		Method: method, URL: at, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Host: c.from.Host,
		RemoteAddr: c.from.RemoteAddr, TLS: c.from.TLS, Body: http.NoBody,
	}).WithContext(ctx)
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// memory is an answer that is kept.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header { return m.header }

func (m *memory) WriteHeader(status int) {
	if m.status == 0 {
		m.status = status
	}
}

func (m *memory) Write(p []byte) (int, error) {
	m.WriteHeader(http.StatusOK)
	return m.body.Write(p)
}

func (m *memory) code() int {
	if m.status == 0 {
		return http.StatusOK
	}
	return m.status
}

// through hands an answer on, unless it is a failure.
type through struct {
	w       http.ResponseWriter
	header  http.Header
	sent    bool
	refused *memory
}

func (t *through) Header() http.Header { return t.header }

func (t *through) WriteHeader(status int) {
	if t.sent || t.refused != nil {
		return
	}
	if status >= 400 {
		t.refused = &memory{header: t.header, status: status}
		return
	}
	t.sent = true
	for name, values := range t.header {
		if strings.HasPrefix(name, "Content-") && name != "Content-Security-Policy" {
			t.w.Header()[name] = values
		}
	}
	t.w.WriteHeader(status)
}

func (t *through) Write(p []byte) (int, error) {
	t.WriteHeader(http.StatusOK)
	if t.refused != nil {
		return t.refused.Write(p)
	}
	return t.w.Write(p)
}

// Unwrap lets http.ResponseController reach the browser's connection.
func (t *through) Unwrap() http.ResponseWriter { return t.w }

// maxEventLine is the longest line of a stream that is read.
const maxEventLine = 1 << 20

// sse reads a stream of events while it is written.
type sse struct {
	take    func(name string, data []byte) error
	header  http.Header
	refused *memory
	line    []byte
	name    string
	data    []byte
	err     error
}

func (s *sse) Header() http.Header { return s.header }

func (s *sse) WriteHeader(status int) {
	if status >= 400 && s.refused == nil {
		s.refused = &memory{header: s.header, status: status}
	}
}

// Flush lets the API flush what it wrote: all of it was read already.
func (s *sse) Flush() {}

func (s *sse) Write(p []byte) (int, error) {
	if s.refused != nil {
		return s.refused.Write(p)
	}
	if s.err != nil {
		return 0, s.err
	}
	for _, b := range p {
		if b != '\n' {
			if s.line = append(s.line, b); len(s.line) > maxEventLine {
				s.err = fmt.Errorf("a line of a stream is longer than %d bytes", maxEventLine)
				return 0, s.err
			}
			continue
		}
		if s.err = s.end(bytes.TrimSuffix(s.line, []byte("\r"))); s.err != nil {
			return 0, s.err
		}
		s.line = s.line[:0]
	}
	return len(p), nil
}

// end takes a whole line (HTML standard, section 9.2.6). A comment is handed
// on as an event without a name: the sign of life goes on to the browser.
func (s *sse) end(line []byte) error {
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch {
	case len(line) == 0 && len(s.data) > 0:
		name, data := s.name, s.data
		s.name, s.data = "", nil
		return s.take(name, bytes.TrimSuffix(data, []byte("\n")))
	case len(line) == 0:
		s.name = ""
	case len(field) == 0:
		return s.take("", nil)
	case string(field) == "event":
		s.name = string(value)
	case string(field) == "data":
		s.data = append(append(s.data, value...), '\n')
	}
	return nil
}

// Verify at compile time that a stream can be flushed.
var _ http.Flusher = (*sse)(nil)
