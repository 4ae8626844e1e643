package message

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is the SMTP server that mails are handed to.
type Server struct {
	Addr     string // host:port
	User     string // "" = no login
	Password string
	TLS      TLSMode
	// Config is of the TLS connections. Default: certificates are verified for Addr's host.
	Config *tls.Config
}

// TLSMode says how the connection is protected.
type TLSMode string

// The modes.
const (
	TLSAuto     TLSMode = ""         // STARTTLS when the server offers it, and always with a login
	TLSRequired TLSMode = "required" // STARTTLS or nothing
	TLSNone     TLSMode = "none"     // plain, on networks that one trusts
	TLSDirect   TLSMode = "direct"   // from the first byte on: smtps
)

// ParseServer reads the address of an SMTP server:
//
//	smtp://host:25                    STARTTLS when it is offered
//	smtp://user:password@host:587     with a login, and only under TLS
//	smtp://host:587?tls=required      only under TLS; ?tls=none: never
//	smtps://user:password@host:465    TLS from the first byte on
func ParseServer(address string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the SMTP server must be given as smtp://user:password@host:587; special characters of the password are percent-encoded")
	}
	s := &Server{TLS: TLSMode(u.Query().Get("tls"))}
	port := "25"
	switch {
	case u.Scheme == "smtps" && s.TLS == "":
		s.TLS, port = TLSDirect, "465"
	case u.Scheme != "smtp" || !slices.Contains([]TLSMode{TLSAuto, TLSRequired, TLSNone}, s.TLS):
		return nil, errors.New("the SMTP server must be given as smtp://host:port, with ?tls=required or ?tls=none, or as smtps://host:port")
	}
	if u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("the SMTP server must be given as smtp://host:port, without a path")
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
		if u.Port() == "" && s.TLS != TLSDirect {
			port = "587"
		}
	}
	if u.Port() != "" {
		port = u.Port()
	}
	s.Addr = net.JoinHostPort(u.Hostname(), port)
	return s, nil
}

// String gives the address without the password, for logs.
func (s *Server) String() string {
	scheme := "smtp://"
	if s.TLS == TLSDirect {
		scheme = "smtps://"
	}
	if s.User != "" {
		return scheme + url.User(s.User).String() + "@" + s.Addr
	}
	return scheme + s.Addr
}

// Bounds of a conversation.
const (
	dialTime    = 30 * time.Second
	commandTime = time.Minute // for a reply before the mail
	maxReply    = 64 << 10    // bytes of all replies to one mail
)

// session is a conversation with the server. It belongs to one goroutine.
type session struct {
	client    *smtp.Client
	conn      *meteredConn
	pipelined bool // RFC 2920
	sized     bool // RFC 1870
	utf8      bool // RFC 6531
	mails     int  // that were tried in it

	mu      sync.Mutex
	until   time.Time // bounds the mail at hand
	content bool      // it is being sent, and nothing else bounds it
}

// within bounds the mail at hand. Unlike all else of a session it may be called
// by another goroutine meanwhile.
func (s *session) within(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
	if s.content {
		s.conn.SetDeadline(until)
	}
}

// inContent says whether the mail itself is being sent.
func (s *session) inContent(content bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content = content
	if !content {
		return nil
	}
	return s.conn.SetDeadline(s.until)
}

// meteredConn bounds what is read, as a server may talk without end.
type meteredConn struct {
	net.Conn
	left int
}

func (c *meteredConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the server says more than is listened to")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// dial opens a conversation: connection, greeting, TLS, login.
func (s *Server) dial(ctx context.Context, hello string) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dialer := net.Dialer{}
	raw, err := dialer.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		raw.Close()
		return nil, err
	}
	c := &meteredConn{raw, 1 << 20} // certificates are large
	session, err := s.greet(c, hello)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return session, nil
}

func (s *Server) greet(c *meteredConn, hello string) (*session, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host}
	if s.Config != nil {
		config = s.Config
	}
	var conn net.Conn = c
	if s.TLS == TLSDirect {
		conn = tls.Client(c, config)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	if err := client.Hello(hello); err != nil {
		return nil, err
	}
	if err := s.secure(client, config); err != nil {
		return nil, err
	}
	if s.User != "" {
		if err := client.Auth(s.login(client, host)); err != nil {
			return nil, fmt.Errorf("the login is refused: %w", err)
		}
	}
	session := &session{client: client, conn: c}
	session.pipelined, _ = client.Extension("PIPELINING")
	session.sized, _ = client.Extension("SIZE")
	session.utf8, _ = client.Extension("SMTPUTF8")
	return session, nil
}

// secure starts TLS where the mode wants it.
func (s *Server) secure(client *smtp.Client, config *tls.Config) error {
	offered, _ := client.Extension("STARTTLS")
	switch s.TLS {
	case TLSNone, TLSDirect:
		return nil
	case TLSAuto:
		if !offered && s.User == "" {
			return nil
		}
	}
	if !offered {
		return errors.New("the server offers no STARTTLS; ?tls=none sends without protection")
	}
	return client.StartTLS(config)
}

// login chooses how to log in: PLAIN, or LOGIN where the server has only that.
func (s *Server) login(client *smtp.Client, host string) smtp.Auth {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	if !slices.Contains(mechanisms, "PLAIN") && slices.Contains(mechanisms, "LOGIN") {
		return &loginAuth{s.User, s.Password, s.TLS == TLSNone}
	}
	if s.TLS == TLSNone {
		return plainAuth{s.User, s.Password}
	}
	return smtp.PlainAuth("", s.User, s.Password, host)
}

// plainAuth is PLAIN (RFC 4616) without TLS, as the operator wants it.
type plainAuth struct{ user, password string }

func (a plainAuth) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
}

func (a plainAuth) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the server asks for more than PLAIN has")
	}
	return nil, nil
}

// loginAuth is LOGIN, which no RFC has and some servers want.
type loginAuth struct {
	user, password string
	plain          bool // also without TLS
}

func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !a.plain {
		return "", nil, errors.New("the connection is not protected")
	}
	return "LOGIN", nil, nil
}

func (a *loginAuth) Next(asks []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if strings.HasPrefix(strings.ToLower(string(asks)), "user") {
		return []byte(a.user), nil
	}
	return []byte(a.password), nil
}

// close ends the conversation politely, and soon.
func (s *session) close() {
	s.conn.left = maxReply
	s.conn.SetDeadline(time.Now().Add(time.Second))
	if s.client.Quit() != nil {
		s.client.Close()
	}
}

// send hands a letter over. until bounds it all, unless within says otherwise meanwhile.
func (s *session) send(l *letter, until time.Time) answer {
	if l.utf8 && !s.utf8 {
		return answer{verb: verbRefused, words: "the address has letters that the mail server can't send to (it offers no SMTPUTF8)", reusable: true}
	}
	s.mails++
	s.conn.left = maxReply
	s.within(until)
	if err := s.conn.SetDeadline(earlier(until, time.Now().Add(commandTime))); err != nil {
		return broken(err)
	}
	if a, ready := s.envelope(l); !ready {
		if a.reusable {
			a.reusable = s.reset()
		}
		return a
	}
	if err := s.inContent(true); err != nil {
		return broken(err)
	}
	a := s.deliver(l)
	_ = s.inContent(false) // which sets nothing that could fail
	return a
}

// envelope gives sender, recipient and the wish to send; ready = the server waits for the mail.
func (s *session) envelope(l *letter) (a answer, ready bool) {
	mail := "MAIL FROM:<" + l.from + ">"
	if s.sized {
		mail += " SIZE=" + strconv.Itoa(len(l.data))
	}
	if l.utf8 {
		mail += " SMTPUTF8"
	}
	commands := []string{mail, "RCPT TO:<" + l.to + ">", "DATA"}
	if s.pipelined {
		if err := s.write([]byte(strings.Join(commands, "\r\n") + "\r\n")); err != nil {
			return s.brokenAt(stageMail, err), false
		}
	}
	for i, want := range []int{25, 25, 354} {
		at := stage(i)
		if !s.pipelined {
			if err := s.write([]byte(commands[i] + "\r\n")); err != nil {
				return s.brokenAt(at, err), false
			}
		}
		_, _, err := s.client.Text.ReadResponse(want)
		if err == nil {
			continue
		}
		a := s.judgeError(at, err)
		if s.pipelined && a.reusable {
			a.reusable = s.skip(stage(i+1), stageData)
		}
		return a, false
	}
	return answer{}, true
}

// skip reads what the server says to commands that were sent before one of
// them failed. A server may wait for the mail all the same (RFC 2920, section
// 3.1): rather a new conversation then than a mail of nothing.
func (s *session) skip(from, to stage) bool {
	for at := from; at <= to; at++ {
		code, _, err := s.client.Text.ReadResponse(0)
		var reply *textproto.Error
		if err != nil && !errors.As(err, &reply) {
			return false
		}
		if at == stageData && code == 354 {
			return false
		}
	}
	return true
}

// deliver sends the mail itself. An error leaves open how much of it the server
// has, so that it counts as lost: it is sent again in any case, under its Message-ID.
func (s *session) deliver(l *letter) answer {
	if err := s.write(dotted(l.data)); err != nil {
		return answer{verb: verbLost, words: lostWords(err)}
	}
	_, _, err := s.client.Text.ReadResponse(25)
	if err == nil {
		return answer{verb: verbSent, reusable: true}
	}
	return s.judgeError(stageEnd, err)
}

func lostWords(err error) string {
	return "the connection broke after the mail was sent and before the server's answer: " + netWords(err)
}

// dotted doubles the dots at the beginnings of lines (RFC 5321, 4.5.2), and ends the mail.
func dotted(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/64+8)
	if bytes.HasPrefix(data, []byte(".")) {
		out = append(out, '.')
	}
	for {
		i := bytes.Index(data, []byte("\r\n."))
		if i < 0 {
			break
		}
		out = append(append(out, data[:i+3]...), '.')
		data = data[i+3:]
	}
	out = append(out, data...)
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, "\r\n"...)
	}
	return append(out, ".\r\n"...)
}

func (s *session) write(data []byte) error {
	if _, err := s.client.Text.W.Write(data); err != nil {
		return err
	}
	return s.client.Text.W.Flush()
}

// reset makes the conversation ready for the next mail.
func (s *session) reset() bool {
	if err := s.write([]byte("RSET\r\n")); err != nil {
		return false
	}
	_, _, err := s.client.Text.ReadResponse(250)
	return err == nil
}

// judgeError decides by what ReadResponse says.
func (s *session) judgeError(at stage, err error) answer {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return judgeReply(at, reply.Code, reply.Msg)
	}
	if at == stageEnd {
		return answer{verb: verbLost, words: lostWords(err)}
	}
	return s.brokenAt(at, err)
}

// brokenAt is a connection that broke before the mail. When it is not a new
// one, the server has closed it while it was idle.
func (s *session) brokenAt(at stage, err error) answer {
	a := broken(err)
	a.untouched = at == stageMail && s.mails > 1
	return a
}

func broken(err error) answer {
	return answer{verb: verbLater, words: "the connection to the mail server broke: " + netWords(err)}
}

// netWords says in plain words what went wrong on the network.
func netWords(err error) string {
	var timeout net.Error
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply):
		return strings.Replace(err.Error(), reply.Error(), strings.TrimPrefix(smtpWords(reply.Code, reply.Msg), "smtp;"), 1)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case strings.Contains(err.Error(), "EOF"):
		return "it closed the connection"
	}
	return err.Error()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
