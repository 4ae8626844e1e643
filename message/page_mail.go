package message

import (
	"fmt"
	"net/http"
	"slices"

	"tidings"
)

// viewPolicy lets the web version look as the message does, from anywhere, and
// do nothing: the sandbox makes it a stranger here, without scripts and forms.
const viewPolicy = "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline' https:; font-src https: data:; media-src https:; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"

// mail reads the mail of a hit; false = there is none, and that was said.
func (p *Pages) mail(h *hit) (tidings.Mail, bool) {
	m, err := p.o.Store.MailByID(h.r.Context(), h.token.mail)
	switch {
	case err == nil:
		return m, true
	case tidings.CodeOf(err) == tidings.CodeNotFound:
		p.gone(h.w, h.r)
	default:
		p.o.Log.Error("a mail can't be read", "mail", h.token.mail, "error", err)
		p.trouble(h.w, h.r)
	}
	return tidings.Mail{}, false
}

// view shows the web version. It counts as no open: the link stands in activities, too.
func (p *Pages) view(h *hit) {
	m, ok := p.mail(h)
	if !ok {
		return
	}
	if m.HTML == "" {
		p.show(h.w, h.r, http.StatusOK, page{Lang: m.Language, Title: m.Subject, Text: p.o.Links.marks(m.ID, m.Text)})
		return
	}
	body := p.o.Links.html(m.ID, m.HTML, false)
	h.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	h.w.Header().Set("Content-Security-Policy", viewPolicy)
	h.w.WriteHeader(http.StatusOK)
	if h.r.Method == http.MethodHead {
		return
	}
	if _, err := h.w.Write([]byte(body)); err != nil {
		return // who asked has gone
	}
}

// unsubscribe asks, and unsubscribes by POST only: scanners follow links, but
// they press no buttons. A POST of RFC 8058 needs no look at its body: the token says all.
func (p *Pages) unsubscribe(h *hit) {
	say := phrasesFor(h.r)
	if h.r.Method == http.MethodPost {
		p.post(h, tidings.Hit{Kind: tidings.HitUnsubscribe}, page{
			Title: say.leftTitle, Lines: []string{say.left}, Link: p.o.Links.Preferences(h.token.mail), Linked: say.choose,
		})
		return
	}
	m, ok := p.mail(h)
	if !ok {
		return
	}
	p.show(h.w, h.r, http.StatusOK, page{
		Title: say.askTitle, Lines: []string{fmt.Sprintf(say.ask, senderOf(&m), masked(m.To))},
		Action: h.r.URL.EscapedPath(), Button: say.askButton, Link: p.o.Links.Preferences(m.ID), Linked: say.choose,
	})
}

// preferences shows the subscription categories, and takes the choice.
func (p *Pages) preferences(h *hit) {
	m, ok := p.mail(h)
	if !ok {
		return
	}
	contact, offered, ok := p.choice(h, &m)
	if !ok {
		return
	}
	if h.r.Method == http.MethodPost {
		p.choose(h, &contact, offered)
		return
	}
	say := phrasesFor(h.r)
	what := page{
		Title: say.choiceTitle, Lines: []string{fmt.Sprintf(say.choice, senderOf(&m), masked(m.To))},
		Link: p.o.Links.Unsubscribe(m.ID), Linked: say.orLeave,
	}
	if len(offered) == 0 {
		what.Lines = []string{say.nothingToChoose}
	}
	for _, c := range offered {
		name := c.Name
		if name == "" {
			name = c.Key
		}
		what.Boxes = append(what.Boxes, checkbox{c.Key, name, contact.Subscribed(c.Key)})
	}
	if len(what.Boxes) > 0 {
		what.Action, what.Button = h.r.URL.EscapedPath(), say.save
	}
	p.show(h.w, h.r, http.StatusOK, what)
}

// choice reads who chooses and what is offered; false = that can't be read, and that was said.
func (p *Pages) choice(h *hit, m *tidings.Mail) (tidings.Contact, []tidings.Category, bool) {
	contact, err := p.o.Store.Contact(h.r.Context(), m.Account, m.Contact)
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		p.gone(h.w, h.r)
		return contact, nil, false
	}
	var settings tidings.MailSettings
	if err == nil {
		settings, err = p.o.Store.MailSettings(h.r.Context(), m.Account)
	}
	if err != nil {
		p.o.Log.Error("the preferences of a contact can't be read", "mail", m.ID, "error", err)
		p.trouble(h.w, h.r)
		return contact, nil, false
	}
	return contact, settings.Categories, true
}

// maxChoice bounds the body of a choice: MaxSubscriptions keys, percent-encoded.
const maxChoice = 512 << 10

// choose saves a choice. Categories that were not offered stay as they are.
func (p *Pages) choose(h *hit, contact *tidings.Contact, offered []tidings.Category) {
	say := phrasesFor(h.r)
	h.r.Body = http.MaxBytesReader(h.w, h.r.Body, maxChoice)
	if err := h.r.ParseForm(); err != nil {
		p.show(h.w, h.r, http.StatusBadRequest, page{Title: say.troubleTitle, Lines: []string{say.unreadable}})
		return
	}
	chosen := h.r.PostForm["category"]
	var kept []string
	for _, key := range contact.Subscriptions {
		if !slices.ContainsFunc(offered, func(c tidings.Category) bool { return c.Key == key }) {
			kept = append(kept, key)
		}
	}
	for _, c := range offered {
		if slices.Contains(chosen, c.Key) {
			kept = append(kept, c.Key)
		}
	}
	slices.Sort(kept)
	p.post(h, tidings.Hit{Kind: tidings.HitPreferences, Categories: slices.Compact(kept)}, page{
		Title: say.savedTitle, Lines: []string{say.saved}, Link: h.r.URL.EscapedPath(), Linked: say.backLink,
	})
}

// post stores what somebody asked for, and says so only when it is stored.
func (p *Pages) post(h *hit, what tidings.Hit, done page) {
	what.Mail, what.At = h.token.mail, p.o.Now()
	err := p.o.Store.Track(h.r.Context(), what)
	switch {
	case err == nil:
		p.show(h.w, h.r, http.StatusOK, done)
	case tidings.CodeOf(err) == tidings.CodeNotFound:
		p.gone(h.w, h.r)
	default:
		p.o.Log.Error("a wish of a contact can't be stored", "mail", what.Mail, "kind", string(what.Kind), "error", err)
		p.trouble(h.w, h.r)
	}
}

func senderOf(m *tidings.Mail) string {
	if m.From.Name != "" {
		return m.From.Name
	}
	return m.From.Address
}
