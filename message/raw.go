package message

import (
	"strings"

	"tidings"
)

// Raw gives a mail as the SMTP server would get it now: links tracked, parts
// encoded, signed where the Sender signs.
func (s *Sender) Raw(m *tidings.Mail) ([]byte, error) {
	l, err := s.writer.letter(m, s.o.Now())
	if err != nil {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the mail can't be written: " + err.Error()}
	}
	return l.data, nil
}

// Mail gives the mail that a link of ours is of, false for all other links and
// forged ones; it is an InboundOptions.Link.
func (l *Links) Mail(link string) (mail int64, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(link), l.base+"/")
	if !ok || len(rest) < 3 || rest[1] != '/' {
		return 0, false
	}
	t, err := l.open(tokenKind(rest[0]), rest[2:])
	return int64(t.mail), err == nil
}
