package message

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"tidings"
)

// letter is a mail as the SMTP server gets it.
type letter struct {
	from string // return path: where bounces go
	to   string
	utf8 bool   // an address needs SMTPUTF8 (RFC 6531)
	data []byte // lines end with CRLF
}

// writer makes letters of mails.
type writer struct {
	links *Links
	verp  VERP
	dkim  *DKIM // nil = mails are not signed
}

// letter builds the MIME message of a mail. It is the same whenever it is
// built again, but for its date, its boundary and the age of its tokens; the Message-ID tells receivers so.
func (w *writer) letter(m *tidings.Mail, now time.Time) (*letter, error) {
	from, fromUTF8, err := mailAddress(m.From.Name, m.From.Address)
	if err != nil {
		return nil, fmt.Errorf("the sender's address %q can't be used: %w", m.From.Address, err)
	}
	to, toUTF8, err := mailAddress("", m.To)
	if err != nil {
		return nil, fmt.Errorf("the address %q can't be used: %w", m.To, err)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to)
	if m.ReplyTo != "" {
		replyTo, _, err := mailAddress("", m.ReplyTo)
		if err != nil {
			return nil, fmt.Errorf("the address for answers %q can't be used: %w", m.ReplyTo, err)
		}
		msg.ReplyToMailAddress(replyTo)
	}
	msg.Subject(oneHeader(m.Subject))
	msg.SetDateWithValue(now)
	msg.SetMessageIDWithValue(w.messageID(m, from.Address))
	msg.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+w.links.Unsubscribe(m.ID)+">")
	msg.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	msg.SetGenHeader("Feedback-ID", feedbackID(m))
	w.body(msg, m)

	var data bytes.Buffer
	data.Grow(2*(len(m.HTML)+len(m.Text)) + 2048)
	if _, err := msg.WriteTo(&data); err != nil {
		return nil, fmt.Errorf("building the mail: %w", err)
	}
	l := &letter{from: from.Address, to: to.Address, utf8: fromUTF8 || toUTF8, data: data.Bytes()}
	if w.verp.Domain != "" {
		l.from = w.verp.Address(int64(m.ID))
	}
	if w.dkim != nil {
		if l.data, err = w.dkim.sign(l.data); err != nil {
			return nil, fmt.Errorf("signing the mail: %w", err)
		}
	}
	return l, nil
}

// body sets text and html.
func (w *writer) body(msg *gomail.Msg, m *tidings.Mail) {
	msg.SetBodyString(gomail.TypeTextPlain, w.links.Text(m))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, w.links.HTML(m))
	}
}

// messageID is the same for each sending of a mail.
func (w *writer) messageID(m *tidings.Mail, from string) string {
	v := w.verp
	if v.Domain == "" {
		v.Domain = from[strings.LastIndexByte(from, '@')+1:]
	}
	return v.MessageID(int64(m.ID))
}

// feedbackID tells mailbox providers which mails belong together: campaign, account, kind, sender.
func feedbackID(m *tidings.Mail) string {
	campaign, kind := "m"+strconv.FormatInt(int64(m.Message), 10), "single"
	switch {
	case m.Broadcast != 0:
		campaign, kind = "b"+strconv.FormatInt(int64(m.Broadcast), 10), "broadcast"
	case m.Workflow != 0:
		campaign, kind = "w"+strconv.FormatInt(int64(m.Workflow), 10), "workflow"
	}
	return campaign + ":" + strconv.FormatInt(int64(m.Account), 10) + ":" + kind + ":tidings"
}

// mailAddress checks an address and gives its domain the form of the DNS. An
// address that is not ASCII even so needs SMTPUTF8.
func mailAddress(name, address string) (*netmail.Address, bool, error) {
	if _, reason := tidings.CheckChannel(tidings.Email, address); reason != "" {
		return nil, false, fmt.Errorf("it %s", reason)
	}
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return nil, false, err
		}
		domain = ascii
	}
	return &netmail.Address{Name: oneHeader(name), Address: local + "@" + domain}, !isASCII(local), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// domainOf gives what the pace is kept by: the domain of an address, in small letters.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
