package message

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"tidings"
)

// PagesStore is what Pages asks of a store.
type PagesStore interface {
	Track(ctx context.Context, h tidings.Hit) error
	MailByID(ctx context.Context, id tidings.MailID) (tidings.Mail, error)
	Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error)
	MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error)
}

// PagesOptions configures Pages. Store and Links are required.
type PagesOptions struct {
	Store PagesStore
	Links *Links
	Log   *slog.Logger     // Default: slog.Default()
	Now   func() time.Time // Default: time.Now
}

// Pages is what the links in mails lead to. It answers below the path of the
// base URL of its Links:
//
//	/o/TOKEN    the pixel: an open
//	/c/TOKEN    a click: on to where the message's link leads, and nowhere else
//	/v/TOKEN    the web version
//	/u/TOKEN    GET: a page with a button; POST, from it or by RFC 8058: unsubscribed
//	/p/TOKEN    GET: the subscription categories; POST: those that were chosen
//
// Nothing is looked up for a token that is not ours. It needs no login and sets no cookie.
type Pages struct {
	o      PagesOptions
	prefix string
	bursts *bursts
}

// NewPages makes the handler.
func NewPages(o PagesOptions) *Pages {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pages{o: o, bursts: newBursts()}
	if u, err := url.Parse(o.Links.base); err == nil {
		p.prefix = u.Path
	}
	return p
}

// hit is a request with a good token.
type hit struct {
	w     http.ResponseWriter
	r     *http.Request
	token token
}

// ServeHTTP answers the requests that Handles is true for, and all others with 404.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, text, ok := p.split(r.URL.Path)
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Robots-Tag", "noindex, nofollow")
	head.Set("Referrer-Policy", "no-referrer") // addresses here are keys
	head.Set("X-Content-Type-Options", "nosniff")
	if !ok {
		p.notFound(w, r)
		return
	}
	answer, methods := p.answers(kind)
	if r.Method != http.MethodGet && r.Method != http.MethodHead && (r.Method != http.MethodPost || !strings.Contains(methods, http.MethodPost)) {
		head.Set("Allow", methods)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	t, err := p.o.Links.open(kind, text)
	switch {
	case errors.Is(err, errExpiredToken):
		p.gone(w, r)
	case err != nil:
		p.notFound(w, r)
	default:
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(pageTime)) // a connection without deadlines, as of tests, has none
		answer(&hit{w, r, t})
		_ = control.SetWriteDeadline(time.Time{})
	}
}

// pageTime is how long an answer may take: a web version is as large as its mail,
// and who takes it drop by drop would keep it in memory.
const pageTime = time.Minute

// Handles says whether a path is one of those above.
func (p *Pages) Handles(path string) bool {
	_, _, ok := p.split(path)
	return ok
}

func (p *Pages) split(path string) (kind tokenKind, text string, ok bool) {
	rest, ok := strings.CutPrefix(path, p.prefix+"/")
	if !ok || len(rest) < 3 || rest[1] != '/' || strings.IndexByte(rest[2:], '/') >= 0 || strings.IndexByte("ocvup", rest[0]) < 0 {
		return 0, "", false
	}
	return tokenKind(rest[0]), rest[2:], true
}

func (p *Pages) answers(kind tokenKind) (answer func(*hit), methods string) {
	switch kind {
	case tokenOpen:
		return p.opened, "GET, HEAD"
	case tokenClick:
		return p.clicked, "GET, HEAD"
	case tokenView:
		return p.view, "GET, HEAD"
	case tokenUnsubscribe:
		return p.unsubscribe, "GET, HEAD, POST"
	}
	return p.preferences, "GET, HEAD, POST"
}

// pixel is a GIF of one transparent pixel.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

func (p *Pages) opened(h *hit) {
	p.note(h, tidings.Hit{Kind: tidings.HitOpen, Machine: isMachine(h.r)})
	h.w.Header().Set("Content-Type", "image/gif")
	h.w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // it stands in pages of mail programs
	if _, err := h.w.Write([]byte(pixel)); err != nil {
		return // who asked has gone
	}
}

func (p *Pages) clicked(h *hit) {
	burst := p.bursts.click(h.token.mail, h.token.url, h.token.at, p.o.Now())
	p.note(h, tidings.Hit{Kind: tidings.HitClick, URL: h.token.url, Machine: burst || isMachine(h.r)})
	h.w.Header().Set("Location", locationOf(h.token.url))
	h.w.WriteHeader(http.StatusFound)
}

// note stores a hit whose sender is not to be kept from going on by trouble of ours.
func (p *Pages) note(h *hit, what tidings.Hit) {
	what.Mail, what.At = h.token.mail, p.o.Now()
	if err := p.o.Store.Track(h.r.Context(), what); err != nil && tidings.CodeOf(err) != tidings.CodeNotFound {
		p.o.Log.Error("a hit on a mail can't be stored", "mail", what.Mail, "kind", string(what.Kind), "error", err)
	}
}

// locationOf gives a URL in ASCII, as headers are.
func locationOf(link string) string {
	if u, err := url.Parse(link); err == nil && !isASCII(u.Host) {
		if host, err := idna.Lookup.ToASCII(u.Hostname()); err == nil {
			if port := u.Port(); port != "" {
				host += ":" + port
			}
			u.Host = host
			link = u.String()
		}
	}
	b := make([]byte, 0, len(link))
	for i := range len(link) {
		if c := link[i]; c <= ' ' || c >= 0x7f {
			const hex = "0123456789ABCDEF"
			b = append(b, '%', hex[c>>4], hex[c&15])
			continue
		}
		b = append(b, link[i])
	}
	return string(b)
}
