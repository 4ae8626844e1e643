package ui_test

import (
	"testing"

	"tidings"
)

// people makes three contacts, two of them on a list.
func (w *world) people() {
	w.T.Helper()
	w.do("POST /v1/fields", `{"key":"PERSONAL.BONUS","type":"number","name":"Bonus"}`)
	w.do("POST /v1/contacts", `{"email":"ann@example.com","firstName":"Ann","lastName":"Weaver","sms":"380671234567","address":{"town":"Lviv"},"fields":{"PERSONAL.BONUS":120},"subscriptions":["NEWS"]}`)
	w.do("POST /v1/contacts", `{"email":"anton@example.com","firstName":"<script>alert(1)</script>"}`)
	w.do("POST /v1/contacts", `{"sms":"380509999999"}`)
	w.do("POST /v1/segments", `{"name":"Friends"}`)
	w.do("POST /v1/segments/1/contacts/add", `{"contactIds":[2,3]}`)
}

func TestAContactIsFoundByTypingAndWithinASegment(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleViewer).htmx()
	b.get("/contacts/pick").want(200).says("There are no contacts yet.")
	w.people()
	for path, want := range map[string]string{
		"/contacts/pick":                 "ann@example.com Ann Weaver anton@example.com <script>alert(1)</script> 380509999999",
		"/contacts/pick?q=weav":          "ann@example.com Ann Weaver",
		"/contacts/pick?segment=1":       "anton@example.com <script>alert(1)</script> 380509999999",
		"/contacts/pick?segment=1&q=an":  "anton@example.com <script>alert(1)</script>",
		"/contacts/pick?segment=1&q=zoe": "No contact of this segment matches.",
		"/contacts/pick?q=zoe":           "No contact matches.",
	} {
		p := b.get(path).want(200).saysNot("<script>")
		if got := p.text("body"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	b.get("/contacts/pick?q=weav").has(`[data-value="1"]`)
	b.get("/contacts/pick?segment=99").want(404)
}

func TestTheEyeShowsAContactsCard(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleViewer)
	card := b.htmx().get("/contacts/1/card").want(200)
	card.has("dialog[data-auto]").says("Ann Weaver", "ann@example.com", "380671234567", "Lviv", "Bonus", "120", "NEWS")
	b.htmx().get("/contacts/2/card").want(200).says("Friends").saysNot("<script>")
	b.htmx().get("/contacts/card?of=contact&contact=1").want(200).says("Ann Weaver")
	b.htmx().get("/contacts/card?of=contact&contact=").want(200).says("Choose a contact first")
	if p := b.once("GET", "/contacts/1/card", nil); p.header.Get("Location") != "/contacts/1" {
		t.Errorf("without script the card goes to %q", p.header.Get("Location"))
	}
	w.Account("Other")
	other := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	other.htmx().get("/contacts/1/card").want(404)
	other.htmx().get("/contacts/card?of=contact&contact=1").want(404)
	if got := other.htmx().get("/contacts/pick").want(200).text("body"); got != "There are no contacts yet." {
		t.Error(got)
	}
}
