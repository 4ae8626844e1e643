package message

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-smtp"
)

// What senders are told. The texts name nothing of the inside.
func errNotHere() *smtp.SMTPError {
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
}

func errComeAgain(text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: text}
}

func errNoRoom() *smtp.SMTPError {
	return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "Too much mail at once, try again later"}
}

// inboundSession is one connection's talk.
type inboundSession struct {
	in      *Inbound
	conn    *smtp.Conn
	base    *inboundConn       // conn's own, beneath TLS
	to      []inboundRecipient // of the mail at hand
	refused int                // recipients, of the whole connection
}

// inboundRecipient is an address of ours.
type inboundRecipient struct {
	mail      int64
	complaint bool
}

// Mail takes any return path: bounces have none, some servers' have one.
func (s *inboundSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes addresses of ours only.
func (s *inboundSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if mail, ok := s.in.o.VERP.Parse(to); ok {
		s.to = append(s.to, inboundRecipient{mail: mail})
		return nil
	}
	if s.in.o.Complaints != "" && sameAddress(to, s.in.o.Complaints) {
		s.to = append(s.to, inboundRecipient{complaint: true})
		return nil
	}
	s.in.o.Log.Debug("inbound: refused a recipient", "to", to, "from", s.base.RemoteAddr())
	if s.refused++; s.refused >= maxRefusals {
		s.conn.Reject()
	}
	return errNotHere()
}

func sameAddress(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i >= 0 && j >= 0 && strings.EqualFold(a[:i], b[:j]) && sameDomain(a[i+1:], b[j+1:])
}

// Data takes a mail in. Its answer is 250 only when all that the mail says is durable.
func (s *inboundSession) Data(r io.Reader) error {
	if !s.in.beginTaking() {
		return errComeAgain("Going down, try again later")
	}
	var buffered int64
	defer func() { s.in.endTaking(buffered) }()
	s.base.setBusy(true)
	defer s.base.setBusy(false)
	data, err := s.receive(r, &buffered)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		for _, report := range s.in.finder.Read(Arrival{Data: data, Mail: to.mail, Complaint: to.complaint}) {
			if err := s.take(report); err != nil {
				s.in.o.Log.Error("inbound: a report could not be kept; its sender will send it again", "mail", report.Mail, "kind", report.Kind, "error", err)
				return errComeAgain("Can't keep it now, try again later")
			}
		}
	}
	return nil
}

func (s *inboundSession) take(r Report) error {
	ctx, cancel := context.WithTimeout(s.in.takeCtx, s.in.o.TakeTimeout)
	defer cancel()
	return s.in.o.Take(ctx, r)
}

// receive reads a mail as far as there is room; buffered says how much it claimed.
func (s *inboundSession) receive(r io.Reader, buffered *int64) ([]byte, error) {
	const step = 32 << 10
	var data []byte
	for {
		if cap(data)-len(data) < step {
			grow := max(step, int64(len(data)))
			if !s.in.reserve(grow) {
				return nil, errNoRoom()
			}
			*buffered += grow
			data = append(make([]byte, 0, int64(len(data))+grow), data...)
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			if refusal, ok := errors.AsType[*smtp.SMTPError](err); ok { // too large
				return nil, refusal
			}
			return nil, errComeAgain("The mail did not arrive whole")
		}
	}
}

// Reset begins a new mail.
func (s *inboundSession) Reset() { s.to = nil }

// Logout ends the talk.
func (s *inboundSession) Logout() error { return nil }
