package bench

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// mailSink is the SMTP server that takes every mail.
type mailSink struct {
	url   string // for --smtp
	taken atomic.Int64
	smtp  *smtp.Server
	ended chan struct{}

	keep  bool // the tracked links of the mails
	mu    sync.Mutex
	links []string
}

func newMailSink(keep bool) (*mailSink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &mailSink{url: "smtp://" + l.Addr().String(), ended: make(chan struct{}), keep: keep}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{sink: s}, nil }))
	s.smtp.Domain = "sink.example"
	go func() {
		defer close(s.ended)
		_ = s.smtp.Serve(l) // ends with ErrServerClosed
	}()
	return s, nil
}

func (s *mailSink) close() {
	_ = s.smtp.Close() // nothing is in flight that anybody waits for
	<-s.ended
}

// mailSession is one connection.
type mailSession struct{ sink *mailSink }

func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (*mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*mailSession) Reset()                               {}
func (*mailSession) Logout() error                        { return nil }

func (m *mailSession) Data(r io.Reader) error {
	defer m.sink.taken.Add(1)
	if !m.sink.keep {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	html, err := htmlOf(r)
	if err != nil {
		return err
	}
	m.sink.mu.Lock()
	defer m.sink.mu.Unlock()
	for _, found := range trackedLink.FindAllStringSubmatch(html, -1) {
		m.sink.links = append(m.sink.links, found[1])
	}
	return nil
}

// trackedLink finds the links that count: of a picture or of an anchor.
var trackedLink = regexp.MustCompile(`(?:src|href)="([^"]+/[oc]/[^"]+)"`)

// htmlOf gives the html part of a mail.
func htmlOf(r io.Reader) (string, error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return "", err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			continue
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		return string(text), err
	}
}

// pollEvery is how often something is asked that does not tell by itself.
const pollEvery = 10 * time.Millisecond

// poll asks until the answer is yes.
func poll(ctx context.Context, done func() (bool, error)) error {
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.New("it did not come to its end in time")
		}
	}
}

// pollLimit is how long a measure waits for what it has begun.
const pollLimit = 10 * time.Minute
