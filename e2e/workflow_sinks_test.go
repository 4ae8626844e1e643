package e2e_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// letter is a mail as the SMTP server took it.
type letter struct {
	from, to   string // of the envelope
	header     mail.Header
	html, text string
}

// id is its Message-ID.
func (l *letter) id() string { return l.header.Get("Message-Id") }

// postOffice is an SMTP server in the test's own process, which survives the
// server under test. What it does with a mail is in the address:
//
//	unknown…  550 at RCPT: there is no such user
//	spam…     554 after DATA, in the seed's words
//	grey…     451 at RCPT the first time, then taken
//	lost…     taken, and the connection breaks before the answer the first time
type postOffice struct {
	t    *testing.T
	addr string
	smtp *smtp.Server

	mu    sync.Mutex
	taken []letter
	tries map[string]int // by recipient: how often it was asked for
	lost  map[string]bool
	hold  chan struct{} // nil = no waiting; else mails wait until it is closed
}

// The words of its refusals.
const (
	wordsUnknown = "No such user here"
	wordsSpam    = "Spam message rejected; If this is not spam contact abuse"
)

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	p := &postOffice{t: t, tries: map[string]int{}, lost: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	p.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &postSession{office: p, conn: c}, nil }))
	p.smtp.Domain = "mx.example.com"
	p.smtp.ErrorLog = quiet{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.smtp.Serve(l) // ends with ErrServerClosed
	}()
	t.Cleanup(func() {
		p.smtp.Close()
		<-ended
	})
	return p
}

// quiet drops what the library says of connections that break: they are broken on purpose.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// postSession is one connection.
type postSession struct {
	office   *postOffice
	conn     *smtp.Conn
	from, to string
}

func (s *postSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	o := s.office
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries[to]++
	switch {
	case strings.HasPrefix(to, "unknown"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: wordsUnknown}
	case strings.HasPrefix(to, "grey") && o.tries[to] == 1:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, please come again"}
	}
	s.to = to
	return nil
}

func (s *postSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if strings.HasPrefix(s.to, "spam") {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: wordsSpam}
	}
	l, err := readLetter(string(text))
	if err != nil {
		s.office.t.Errorf("a mail to %s that can't be read: %v\n%s", s.to, err, text)
		return err
	}
	l.from, l.to = s.from, s.to
	return s.office.take(s.conn, l)
}

func (s *postSession) Reset()        { s.from, s.to = "", "" }
func (s *postSession) Logout() error { return nil }

func (o *postOffice) take(conn *smtp.Conn, l letter) error {
	o.mu.Lock()
	hold := o.hold
	o.mu.Unlock()
	if hold != nil {
		<-hold
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = append(o.taken, l)
	if strings.HasPrefix(l.to, "lost") && !o.lost[l.to] {
		o.lost[l.to] = true
		_ = conn.Conn().Close() // the answer is lost
		return errors.New("gone")
	}
	return nil
}

// letters is what was taken so far, in order.
func (o *postOffice) letters() []letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.taken)
}

// count says how many mails were taken.
func (o *postOffice) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.taken)
}

// to waits for the first mail to an address.
func (o *postOffice) to(t *testing.T, address string) letter {
	t.Helper()
	var found letter
	eventually(t, "a mail to "+address, func() bool {
		letters := o.letters()
		i := slices.IndexFunc(letters, func(l letter) bool { return l.to == address })
		if i >= 0 {
			found = letters[i]
		}
		return i >= 0
	})
	return found
}

// readLetter reads a mail with its parts, encodings undone.
func readLetter(text string) (letter, error) {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return letter{}, err
	}
	l := letter{header: m.Header}
	return l, l.part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func (l *letter) part(contentType, encoding string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", contentType, err)
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := l.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	switch media {
	case "text/html":
		l.html = string(text)
	case "text/plain":
		l.text = string(text)
	}
	return err
}

// link gives the target of the link whose text is given.
func (l *letter) link(t *testing.T, text string) string {
	t.Helper()
	m := regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>` + regexp.QuoteMeta(text) + `</a>`).FindStringSubmatch(l.html)
	if m == nil {
		t.Fatalf("no link %q in %s", text, l.html)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

// shop is the outside system of the seed's examples, over HTTPS with an authority of its own.
type shop struct {
	*httptest.Server
	ca string // file of the authority

	mu    sync.Mutex
	calls map[string]int // by Tidings-Call-Id: how often it came
	seen  []shopCall
}

type shopCall struct {
	method, target, body, id string
	header                   http.Header
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{calls: map[string]int{}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a server that is killed hangs up in the middle of handshakes
	s.StartTLS()
	t.Cleanup(s.Close)
	s.ca = filepath.Join(t.TempDir(), "shop.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(s.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// ServeHTTP answers as the seed's outside systems do: contacts by email, and a
// promo code for a town.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("Tidings-Call-Id")
	s.mu.Lock()
	s.calls[id]++
	s.seen = append(s.seen, shopCall{r.Method, r.RequestURI, string(body), id, r.Header.Clone()})
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api/v1/contacts":
		_ = json.NewEncoder(w).Encode([]map[string]any{{"id": 687266822.0, "email": r.URL.Query().Get("email"), "firstName": "Anna"}})
	case "/promocodes":
		_ = json.NewEncoder(w).Encode(map[string]any{"promocode": "LVIV-" + r.URL.Query().Get("town"), "valid": true})
	default:
		http.NotFound(w, r)
	}
}

// called is what it was asked so far.
func (s *shop) called() []shopCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}
