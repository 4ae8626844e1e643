package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// mails puts n tests of the shop's message into the outbox.
func (w *world) mails(n int) {
	w.T.Helper()
	w.shop()
	for range n {
		w.do("POST /v1/messages/1/send-test", `{"contactId":1}`)
	}
}

func TestTheOutboxSaysWhatToDoWhileItIsEmpty(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleViewer).get("/messages/outbox").want(200).says("No mails yet").has("a[href=/messages]")
}

func TestTheOutboxIsFilteredAndPaged(t *testing.T) {
	w := newWorld(t)
	w.mails(51)
	b := w.as(tidings.RoleViewer)
	p := b.get("/messages/outbox").want(200).says("ann@example.com", "A present for Ann", "a test", "50 shown").has("table caption", "a[href=/messages/outbox/51]", "a[rel=next]").hasNot("a[href=/messages/outbox/1]")
	b.get(p.attr("a[rel=next]", "href")).want(200).has("a[href=/messages/outbox/1]", "a[rel=prev]").hasNot("a[href=/messages/outbox/2]")
	p = b.get("/messages/outbox?messageId=1&contactId=1").want(200).says("message: Promo code", "contact: ann@example.com").has("a[href=/messages/outbox/51]")
	p.has("nav.chips a[aria-current]", "a[href^=/messages/outbox?contactId=1&messageId=1&state=failed]")
	b.get("/messages/outbox?state=failed").want(200).says("No mail fits")
	b.get("/messages/outbox?from=2000-01-01&to=2000-12-31").want(200).says("No mail fits", "from: 2000-01-01", "until: 2000-12-31")
	b.get("/messages/outbox?from=2000-01-01").want(200).has("a[href=/messages/outbox/51]", "input[name=from][value=2000-01-01]")
	b.get("/messages/outbox?from=soon").want(http.StatusBadRequest)
	b.get("/messages/outbox?state=nonsense").want(http.StatusBadRequest)
}

func TestAMailShowsWhatBecameOfItAndHowItLooks(t *testing.T) {
	w := newWorld(t)
	w.mails(1)
	b := w.as(tidings.RoleViewer)
	p := b.get("/messages/outbox/1").want(200).says("A present for Ann", "Shop <shop@example.com>", "Subject: A present for Ann", "test")
	p.has("iframe[sandbox][src=/messages/outbox/1/mail.html]", "a[href=/contacts/1]", "a[href=/messages/1]", "a[href=/messages/outbox/1/mail.eml]", "a[target=_blank][rel=noopener]")
	html := b.get("/messages/outbox/1/mail.html").want(200)
	if !strings.Contains(html.body, "<p>Hello, Ann </p>") || !strings.HasPrefix(html.header.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
		t.Errorf("the html is %s under %q", html.body, html.header.Get("Content-Security-Policy"))
	}
	b.get("/messages/outbox/1?images=1").want(200).has("iframe[src=/messages/outbox/1/mail.html?images=1]")
	raw := b.get("/messages/outbox/1/mail.eml").want(200)
	if raw.header.Get("Content-Type") != "message/rfc822" || raw.header.Get("Content-Disposition") != `attachment; filename="mail-1.eml"` || !strings.Contains(raw.body, "MIME-Version: 1.0") {
		t.Errorf("downloaded %v: %s", raw.header, raw.body)
	}
}

func TestMailsOfAnotherAccountAreNotThere(t *testing.T) {
	w := newWorld(t)
	w.mails(1)
	w.Account("Other")
	eve := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	for _, path := range []string{"", "/mail.html", "/mail.eml"} {
		eve.get("/messages/outbox/1"+path).want(http.StatusNotFound).saysNot("Ann", "rfc822")
	}
	eve.get("/messages/outbox?messageId=1").want(200).saysNot("Promo", "ann@example.com")
}
