package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// shop makes a contact, a segment that it is in, a message, and a sender for
// all mails; ids are 1.
func (w *world) shop() {
	w.T.Helper()
	w.do("PATCH /v1/settings/mail", `{"from":{"name":"Shop","address":"shop@example.com"},"categories":[{"key":"NEWS","name":"News, once a week"}]}`)
	w.do("POST /v1/contacts", `{"email":"ann@example.com","firstName":"Ann","lastName":"Weaver"}`)
	w.do("POST /v1/segments", `{"name":"Lviv","condition":{"field":"EMAIL","op":"endsWith","value":"@example.com"}}`)
	w.do("POST /v1/messages", `{"name":"Promo code","subject":"A present for $firstName","html":"<p>Hello, $firstName $!promo</p>"}`)
}

// replies makes a webhook that was called once and answered with a body of JSON.
func (w *world) replies(name, body string) {
	w.T.Helper()
	w.Outside.Answers("application/json", body)
	id := w.do("POST /v1/webhooks", `{"name":"`+name+`","method":"GET","url":"`+w.Outside.URL+`/x"}`).ID()
	w.do("POST /v1/webhooks/"+id+"/test", `{}`)
}

func TestMessagesSayWhatToDoWhileThereAreNone(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleEditor).get("/messages").want(200).says("No messages yet").has("a[href=/messages/new]")
	w.as(tidings.RoleViewer).get("/messages").want(200).says("No messages yet").hasNot("a[href=/messages/new]")
}

func TestMessagesAreListedWithTheirUsersSearchedAndPaged(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("POST /v1/broadcasts", `{"name":"Autumn","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z"}`)
	for range 55 {
		w.do("POST /v1/messages", `{"name":"Another","subject":"x","text":"x"}`)
	}
	b := w.as(tidings.RoleEditor)
	p := b.get("/messages").want(200).says("Promo code", "A present for $firstName", "Autumn", "50 shown").has("table caption", "a[href=/messages/broadcasts/1]", "a[href=/messages/1]", "a[rel=next]")
	b.get(p.attr("a[rel=next]", "href")).want(200).says("6 shown").saysNot("Promo code").has("a[rel=prev]")
	b.get("/messages?q=present").want(200).says("Promo code").saysNot("Another")
	b.get("/messages?q=nothing").want(200).says("No message is called so")
	b.htmx().get("/messages/pick?q=promo").want(200).has("[role=option][data-value=1]").says("Promo code")
}

func TestAMessageIsWrittenSavedAndChanged(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor)
	b.get("/messages/new").want(200).says("Nothing to see yet", "Ann Weaver").has("form[action=/messages] textarea[name=html]", "input[name=name]").hasNot("#preview iframe")
	p := b.post("/messages", "name", "Welcome", "subject", "Hi $firstName", "html", "<p>Hi</p>", "text", "", "categories", "NEWS", "replyTo", "help@example.com").want(200)
	p.says("Saved: Welcome.", "Hi Ann", "Shop <shop@example.com>").has("iframe[sandbox]", "input[name=categories][checked]", "input[name=replyTo][value=help@example.com]")
	b.post("/messages/2", "version", "1", "name", "Welcome!", "subject", "Hi $firstName", "html", "", "text", "Hi").want(200).says("Saved: Welcome!.")
	if a := w.do("GET /v1/messages/2", ""); a.Get("html") != nil || a.Get("text") != "Hi" || a.Get("replyTo") != "" {
		t.Errorf("stored %s", a.Body)
	}
}

func TestARefusedMessageKeepsWhatWasTypedAndMarksTheLine(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor)
	p := b.post("/messages", "name", "", "subject", "Hi", "html", "<p>\n#if($x)", "text", "t").want(422)
	p.says("is required", "line 2, column ").has("[data-error-line=2]", "textarea[name=html][aria-invalid=true]", "input[name=name][aria-invalid=true]", "textarea[name=text]")
	if got := p.text("textarea[name=html]"); got != "<p> #if($x)" {
		t.Errorf("what was typed became %q", got)
	}
}

func TestTwoPeopleWhoEditAMessageDontOverwriteEachOther(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("PATCH /v1/messages/1", `{"subject":"Somebody else's"}`)
	p := w.as(tidings.RoleEditor).post("/messages/1", "version", "1", "name", "Promo code", "subject", "Mine", "html", "mine", "text", "").want(422)
	p.says("changed", "What you typed is still here.").has("a[href^=/messages/1]")
	if got := p.text("textarea[name=subject]"); got != "Mine" {
		t.Errorf("the subject is %q", got)
	}
	if got := w.do("GET /v1/messages/1", "").Get("subject"); got != "Somebody else's" {
		t.Errorf("stored %v", got)
	}
}

func TestThePreviewFollowsWhatIsTypedForTheContactAndTheEvent(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("POST /v1/contacts", `{"email":"bob@example.com","firstName":"<b>Bob</b>"}`)
	w.do("POST /v1/events", `{"eventTypeKey":"cart","params":{"email":"bob@example.com","promo":"LVIV-10"}}`)
	w.replies("WH5", `{"code":"SPRING","list":[1,{"a b":2}]}`)
	b := w.as(tidings.RoleEditor)
	b.get("/messages/1?contact=2").want(200).says("A present for <b>Bob</b>", "cart").has("form#preview-data[hx-post=/messages/1/preview]", "select[name=event] option[selected][value=1]", "iframe[src^=/messages/preview/1]")
	frame := b.get("/messages/preview/1?contact=2").want(200)
	if !strings.Contains(frame.body, "<p>Hello, &lt;b&gt;Bob&lt;/b&gt; LVIV-10</p>") {
		t.Errorf("the html is %s", frame.body)
	}
	typed := []string{"name", "Promo code", "subject", "Typed for $firstName", "html", "<p>$data.WH5.code</p>", "text", ""}
	p := b.htmx().post("/messages/1/preview", append(typed, "contact", "2", "event", "none", "eventOf", "2")...).want(200)
	p.says("Typed for <b>Bob</b>", "With the reply of WH5").has("form[action=/messages/preview.html] input[name=html][value=<p>SPRING</p>]", "#event-field[hx-swap-oob] select")
	if got := p.header.Get("HX-Replace-Url"); got != "/messages/1?contact=2&event=none" {
		t.Errorf("the address becomes %q", got)
	}
	b.htmx().post("/messages/1/preview", append(typed, "contact", "1", "event", "1", "eventOf", "2")...).want(200).has("option[value=none][selected]")
	b.htmx().post("/messages/1/preview", append(typed, "contact", "1", "replies", `{"WH5":{"code":"OTHER"}}`)...).want(200).has("input[name=html][value=<p>OTHER</p>]")
	b.post("/messages/1/preview", append(typed, "contact", "1")...).want(200).says("Typed for Ann").has("textarea[name=html]", "h1")
}

func TestProblemsOfAPreviewNameTheirLine(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor).htmx()
	p := b.post("/messages/1/preview", "name", "x", "subject", "Hi", "html", "<p>\n$missing</p>", "text", "").want(200)
	p.says("nothing would be sent", "html, line 2", "$missing").has("li[data-bad-line=2][data-bad-in=f-html]")
	p = b.post("/messages/preview", "subject", "Hi", "html", "\n\n#foreach(", "text", "").want(200)
	p.says("html, line 3").has("li[data-bad-line=3]").hasNot("iframe")
	b.post("/messages/1/preview", "name", "x", "subject", "Hi", "html", "$data.WH5.x", "text", "", "replies", "{").want(200).says("nothing would be sent")
}

func TestHTMLOfMailsHasNoPowerOverThePages(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("PATCH /v1/messages/1", `{"name":"<script>alert(1)</script>","subject":"<img src=x>","html":"<script>alert(2)</script><img src=\"https://example.com/x.png\">"}`)
	b := w.as(tidings.RoleEditor)
	for _, path := range []string{"/messages", "/messages/1"} {
		b.get(path).want(200).saysNot("<script>alert", "<img src=x>")
	}
	for _, p := range []*page{b.get("/messages/preview/1"), b.post("/messages/preview.html", "html", "<script>alert(2)</script>")} {
		policy := p.want(200).header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "sandbox; default-src 'none'") || strings.Contains(policy, "allow-") || strings.Contains(policy, "img-src data: http") {
			t.Errorf("%s has the policy %q", p.path, policy)
		}
		if got := p.header.Get("X-Frame-Options"); got != "SAMEORIGIN" {
			t.Errorf("%s: X-Frame-Options is %q", p.path, got)
		}
	}
	if policy := b.get("/messages/preview/1?images=1").header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src data: http: https:") {
		t.Errorf("images are not shown: %q", policy)
	}
	other := w.browser()
	other.cookies, other.headers = b.cookies, []string{"Sec-Fetch-Site: cross-site"}
	other.post("/messages/preview.html", "html", "x").want(http.StatusForbidden)
}

func TestLanguagesAreAddedChangedAndRemoved(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor)
	b.get("/messages/1?language=uk").want(200).says("New: contacts whose language is uk").has("nav.tabs a[aria-current=page]").hasNot("input[name=name]")
	b.post("/messages/1", "language", "u_", "version", "1", "subject", "x", "html", "x", "text", "").want(422).says("language tag")
	b.post("/messages/1", "language", "uk", "version", "1", "subject", "", "html", "x", "text", "").want(422).has("textarea[name=subject][aria-invalid=true]")
	b.post("/messages/1", "language", "uk", "version", "1", "subject", "Подарунок", "html", "<p>Привіт</p>", "text", "").want(200).has("a[href^=/messages/1]").says("uk")
	b.get("/messages/1?language=uk").want(200).says("Remove uk").saysNot("New: contacts")
	if a := w.do("GET /v1/messages/1", ""); a.Get("variants.uk.subject") != "Подарунок" || a.Get("subject") != "A present for $firstName" {
		t.Errorf("stored %s", a.Body)
	}
	b.post("/messages/1/variant", "language", "uk", "version", "2").want(200).says("Removed: uk.")
	if a := w.do("GET /v1/messages/1", ""); strings.Contains(a.Body, "Подарунок") {
		t.Errorf("stored %s", a.Body)
	}
}

func TestATestMailGoesToWhoeverWritesTheMessage(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor)
	p := b.get("/messages/1").want(200)
	b.post("/messages/1/test", "to", p.attr("dialog#send-test input[name=to]", "value"), "contact", "1").want(200).says("On its way to editor@acme.example.")
	if got := w.do("GET /v1/outbox/1", ""); got.Get("to") != "editor@acme.example" || got.Get("test") != true {
		t.Errorf("queued %s", got.Body)
	}
	b.post("/messages/1/test", "to", "nobody", "contact", "1").want(200).says("to")
	if got := w.do("GET /v1/outbox", "").Body; strings.Count(got, `"iid"`) != 1 {
		t.Errorf("the outbox has %s", got)
	}
}

func TestDeletingAMessageAsksSaysWhoUsesItAndCanBeUndone(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("POST /v1/broadcasts", `{"name":"Autumn","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z"}`)
	b := w.as(tidings.RoleEditor)
	b.get("/messages/delete/1").want(200).says("Autumn", "can be restored").has("form[action=/messages/1/delete]")
	b.post("/messages/1/delete").want(http.StatusConflict).says("used by broadcast 1")
	w.do("POST /v1/broadcasts/1/cancel", "")
	b.post("/messages/1/delete").want(200).says("Deleted: Promo code.")
	b.get("/messages").want(200).hasNot("a[href=/messages/1]")
	b.get("/messages?deleted=true").want(200).says("Promo code").has("form[action=/messages/1/restore]")
	b.get("/messages/1").want(200).says("This message was deleted").has("fieldset[disabled]").hasNot("#preview iframe")
	b.post("/messages/1/restore").want(200).says("Restored: Promo code.")
}

func TestCompletionAndThePickerHaveThisContactsValues(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.replies("WH5", `{"code":"SPRING"}`)
	b := w.as(tidings.RoleEditor)
	for _, part := range []string{`SPRING`, `ann@example.com`, `$unsubscribeLink`} {
		if got := b.get("/messages/complete?contact=1").want(200).body; !strings.Contains(got, part) {
			t.Errorf("completions have no %q: %s", part, got)
		}
	}
	b.htmx().get("/messages/variables?contact=1").want(200).says("SPRING", "ann@example.com", "Values of Ann Weaver", "unsubscribeLink").has("dialog#vars button[data-insert]")
}

func TestViewersReadMessagesAndChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleViewer)
	b.get("/messages").want(200).says("Promo code").hasNot("a[href=/messages/new]", "a[href^=/messages/delete]")
	b.get("/messages/1").want(200).says("A present for Ann").has("#message-form fieldset[disabled]").hasNot("dialog#send-test", "form[action=/messages/1/variant]", "a[href^=/messages/delete]")
	b.htmx().post("/messages/1/preview", "contact", "1").want(200).says("A present for Ann")
	for _, path := range []string{"/messages", "/messages/1", "/messages/1/delete", "/messages/1/restore", "/messages/1/test", "/messages/1/variant"} {
		b.post(path, "name", "x", "subject", "x", "text", "x").want(http.StatusForbidden)
	}
	b.get("/messages/new").want(http.StatusForbidden)
}

func TestMessagesOfAnotherAccountAreNotThere(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.Account("Other")
	b := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	for _, path := range []string{"/messages/1", "/messages/preview/1", "/messages/delete/1"} {
		b.get(path).want(http.StatusNotFound).saysNot("Promo")
	}
	for _, path := range []string{"/messages/1", "/messages/1/preview", "/messages/1/delete", "/messages/1/restore", "/messages/1/test", "/messages/1/variant"} {
		b.post(path, "subject", "x", "contact", "1", "to", "eve@other.example").saysNot("Promo code", "present")
	}
	if got := w.do("GET /v1/messages/1", ""); got.Get("version") != 1.0 || got.Get("deletedAt") != nil {
		t.Errorf("changed: %s", got.Body)
	}
}
