package message

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tidings"
)

// LinkOptions configures Links. BaseURL and Keys are required.
type LinkOptions struct {
	// BaseURL is where Pages is reached from outside, as https://mail.shop.example.
	BaseURL string
	// Keys sign the tokens: the first signs, all of them verify.
	Keys []VERPKey
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Links makes the links of mails and reads them back. It is safe for concurrent use.
type Links struct {
	base string // without a slash at its end
	keys []VERPKey
	now  func() time.Time
}

// NewLinks makes Links; the error says which option is wrong.
func NewLinks(o LinkOptions) (*Links, error) {
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("the base URL of links must be like https://mail.shop.example, not %q", o.BaseURL)
	}
	if len(o.Keys) == 0 {
		return nil, errors.New("links need a key")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Links{base: strings.TrimRight(o.BaseURL, "/"), keys: o.Keys, now: o.Now}, nil
}

// View gives the link to a mail's web version: viewMessageLink. It stays the
// same for a month at least, so that the activities of a mail agree on it.
func (l *Links) View(mail tidings.MailID) string { return l.steady(tokenView, mail) }

// Unsubscribe gives the link to a mail's unsubscribe page; a POST of RFC 8058 unsubscribes.
func (l *Links) Unsubscribe(mail tidings.MailID) string { return l.steady(tokenUnsubscribe, mail) }

// Preferences gives the link to a mail's preference page.
func (l *Links) Preferences(mail tidings.MailID) string { return l.steady(tokenPreferences, mail) }

// steadyFor is the time in which tokens whose time does not matter are the same.
const steadyFor = 30 * 24 * time.Hour

func (l *Links) steady(kind tokenKind, mail tidings.MailID) string {
	return l.make(token{kind: kind, mail: mail, at: l.now().Truncate(steadyFor)})
}

func (l *Links) make(t token) string {
	return l.base + "/" + string(rune(t.kind)) + "/" + sealToken(l.keys[0], t)
}

// HTML gives the html of a mail as it arrives: links tracked, pixel and all. "" = it has none.
func (l *Links) HTML(m *tidings.Mail) string {
	if m.HTML == "" {
		return ""
	}
	return l.html(m.ID, m.HTML, true)
}

// Text gives the text of a mail as it arrives.
func (l *Links) Text(m *tidings.Mail) string {
	text := m.Text
	if text == "" {
		text = TextOf(m.HTML)
	}
	return l.marks(m.ID, text)
}

func (l *Links) open(kind tokenKind, text string) (token, error) {
	return openToken(l.keys, kind, text, l.now())
}

// maxTrackedURL is the longest link that is tracked: what comes of it stays
// below the 2,083 bytes that some programs take.
const maxTrackedURL = 1400

// maxTrackedLinks is how many links of a mail are tracked: tokens are long, and
// a mail of nothing but links would become many times as large.
const maxTrackedLinks = 1000

// marks replaces what templates wrote for links by these.
func (l *Links) marks(mail tidings.MailID, text string) string {
	if !strings.Contains(text, markPrefix) {
		return text
	}
	return strings.NewReplacer(
		markUnsubscribe, l.Unsubscribe(mail), markView, l.View(mail), markPreferences, l.Preferences(mail),
	).Replace(text)
}

// html gives a mail's html with its links tracked, as it is sent and shown. The pixel tells of opens.
func (l *Links) html(mail tidings.MailID, markup string, pixel bool) string {
	at := l.now()
	made := map[string]string{}
	left := maxTrackedLinks
	out, bodyEnd := rewriteLinks(make([]byte, 0, len(markup)+len(markup)/4+512), markup, func(link string) string {
		if left == 0 || !tracked(link) {
			return ""
		}
		left--
		if _, ok := made[link]; !ok {
			made[link] = l.make(token{kind: tokenClick, mail: mail, at: at, url: link})
		}
		return made[link]
	})
	text := string(out)
	if pixel {
		img := `<img src="` + l.make(token{kind: tokenOpen, mail: mail, at: at}) + `" width="1" height="1" alt="" style="display:block;border:0">`
		text = text[:bodyEnd] + img + text[bodyEnd:]
	}
	return l.marks(mail, text)
}

// tracked says whether a click on a link is counted: on those to the web, but
// for our own.
func tracked(link string) bool {
	if len(link) > maxTrackedURL || strings.Contains(link, markPrefix) {
		return false
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https")
}
