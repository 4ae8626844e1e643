package message

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// sink is a real SMTP server that does as the recipient's name says:
//
//	refuse@   550 5.1.1 to RCPT          spam@     554 5.7.1 after the mail
//	grey@     451 to the first RCPT      dies@     takes the first mail, and closes before it answers
//	closes@   421 to the first RCPT      full@     452 after the mail
//	thinks@   answers to the mail when it may
type sink struct {
	addr   string
	server *smtp.Server

	mu    sync.Mutex
	seen  map[string]int // addresses by how often they were named
	mails []sunkMail
	stuck map[string]chan struct{} // domains that are not answered until it is closed
	named chan struct{}            // closed and made anew when an address is named

	may    chan struct{} // closed when thinks@ may be answered
	locked atomic.Bool   // 530 to MAIL: it wants a login
}

// waitFor waits until somebody names an address.
func (k *sink) waitFor(t testing.TB, address string) {
	t.Helper()
	for {
		k.mu.Lock()
		seen, named := k.seen[address] > 0, k.named
		k.mu.Unlock()
		if seen {
			return
		}
		select {
		case <-named:
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody names %s", address)
		}
	}
}

// hang has the sink answer nothing for a domain.
func (k *sink) hang(domain string, until chan struct{}) {
	k.stuck = map[string]chan struct{}{domain: until}
}

// sunkMail is a mail that was taken, or that could not be answered.
type sunkMail struct {
	from, to, data string
}

func newSink(t testing.TB, change func(*smtp.Server)) *sink {
	t.Helper()
	return newSinkAt(t, "127.0.0.1:0", change)
}

func newSinkAt(t testing.TB, addr string, change func(*smtp.Server)) *sink {
	t.Helper()
	k := &sink{seen: map[string]int{}, named: make(chan struct{}), may: make(chan struct{})}
	k.server = smtp.NewServer(k)
	k.server.Domain = "sink.example"
	k.server.EnableSMTPUTF8 = true
	k.server.AllowInsecureAuth = true
	k.server.ErrorLog = silent{}
	if change != nil {
		change(k.server)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	k.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- k.server.Serve(l) }()
	t.Cleanup(func() {
		k.server.Close()
		l.Close() // when it had not begun to serve
		<-done
	})
	return k
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// NewSession makes a conversation.
func (k *sink) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &sinkSession{sink: k, conn: c}, nil
}

// taken gives the mails to an address.
func (k *sink) taken(to string) (mails []sunkMail) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.mails {
		if m.to == to {
			mails = append(mails, m)
		}
	}
	return mails
}

func (k *sink) times(address string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[address]++
	close(k.named)
	k.named = make(chan struct{})
	return k.seen[address]
}

type sinkSession struct {
	sink     *sink
	conn     *smtp.Conn
	from, to string
}

func (s *sinkSession) Reset()        { s.from, s.to = "", "" }
func (s *sinkSession) Logout() error { return nil }

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.locked.Load() {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.from = from
	return nil
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	name, domain, _ := strings.Cut(to, "@")
	times := s.sink.times(to)
	if until := s.sink.stuck[domain]; until != nil {
		<-until
	}
	switch {
	case name == "refuse":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	case name == "grey" && times == 1:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again"}
	case name == "closes" && times == 1:
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Closing"}
	}
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(s.to, "@")
	switch name {
	case "spam":
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Spam message rejected; If this is not spam contact abuse"}
	case "full":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
	}
	s.sink.mu.Lock()
	s.sink.mails = append(s.sink.mails, sunkMail{s.from, s.to, string(data)})
	s.sink.mu.Unlock()
	if name == "thinks" {
		<-s.sink.may
	}
	if name == "dies" && s.sink.times("DATA "+s.to) == 1 {
		s.conn.Close()
		return errors.New("died")
	}
	return nil
}
