package ui_test

import (
	"fmt"
	"testing"

	"tidings"
)

func TestContactsAreListedSearchedAndPaged(t *testing.T) {
	w := newWorld(t)
	editor, viewer := w.as(tidings.RoleEditor), w.as(tidings.RoleViewer)
	editor.get("/contacts").want(200).says("No contacts yet", "Import").has("a[href=/contacts/import]")
	viewer.get("/contacts").want(200).says("No contacts yet").hasNot("a[href=/contacts/import]", "a[href=/contacts/new]")
	w.people()
	p := viewer.get("/contacts").want(200).has("table caption", "a[href=/contacts/1]").says("ann@example.com", "Ann Weaver", "Lviv", "3 contacts shown")
	p.saysNot("<script>alert")
	viewer.get("/contacts?q=weaver").says("1 contact shown", "search: weaver").hasNot("a[href=/contacts/2]")
	viewer.get("/contacts?segment=1").says("2 contacts shown", "segment: Friends").hasNot("a[href=/contacts/1]")
	viewer.get("/contacts?q=zoe").says("Nobody fits")
	for i := range 60 {
		w.do("POST /v1/contacts", fmt.Sprintf(`{"externalCustomerId":"c-%d"}`, i))
	}
	first := viewer.get("/contacts").says("50 contacts shown")
	second := viewer.get(first.attr("a[rel=next]", "href")).want(200).says("13 contacts shown")
	second.hasNot("a[rel=next]").has("a[rel=prev]")
}

func TestAContactsPageShowsWhatItHasAndWhatHappened(t *testing.T) {
	w := newWorld(t)
	w.people()
	w.do("POST /v1/events", `{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ann@example.com"}}`)
	w.do("POST /v1/activities", `[{"contactId":1,"email":"ann@example.com","activityStatus":"READ","mediaType":"email","activityDateTime":"2026-11-20T10:00:00","messageId":5,"messageName":"Hello"}]`)
	b := w.as(tidings.RoleViewer)
	p := b.get("/contacts/1").want(200).says("Ann Weaver", "380671234567", "Bonus", "120", "NEWS", "It is in none.", "order · 1042", "read", "Hello")
	p.hasNot("form[action=/contacts/1/join]", "a[href=/contacts/edit/1]", "form[action=/contacts/1/block]")
	b.get("/contacts/1?kind=event").want(200).says("order · 1042", "1 entry shown").saysNot("Hello")
	b.get("/contacts/1?kind=activity").want(200).says("Hello").saysNot("1042")
	for _, kind := range []string{"run", "call", "mail"} {
		b.get("/contacts/1?kind=" + kind).want(200).says("Nothing of this kind has happened yet.")
	}
	b.get("/contacts/1?kind=nonsense").want(404)
	b.htmx().get("/contacts/1/timeline?kind=event").want(200).says("order · 1042").hasNot("h1")
	b.get("/contacts/2").want(200).saysNot("<script>alert")
	b.get("/contacts/1/nonsense").want(404)
	b.get("/contacts/99").want(404)
	b.get("/contacts/x").want(404)
}

func TestATimelineIsPaged(t *testing.T) {
	w := newWorld(t)
	w.people()
	for i := range 40 {
		w.do("POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"k%d","params":{"email":"ann@example.com"}}`, i))
	}
	b := w.as(tidings.RoleViewer)
	for _, kind := range []string{"", "?kind=event"} {
		first := b.get("/contacts/1"+kind).says("30 entries shown", "k39")
		second := b.get(first.attr("a[rel=next]", "href")).says("10 entries shown", "k0").saysNot("k39")
		second.has("a[rel=prev]").hasNot("#timeline[data-refresh]")
	}
}

func TestAContactIsMadeChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleEditor)
	b.get("/contacts/new").want(200).has("input[name=firstName]")
	made := b.post("/contacts/new", "channelType", "email", "channelValue", "zoe@example.com", "channelType", "sms", "channelValue", "", "firstName", "Zoe", "fields.PERSONAL.BONUS", "12.50", "subscriptions", "NEWS\r\nSALE")
	made.want(200).says("Created: Zoe.", "12.50", "NEWS", "SALE")
	form := b.get("/contacts/edit/4").want(200)
	if got := form.attr("input[name=fields.PERSONAL.BONUS]", "value"); got != "12.50" {
		t.Errorf("the field has %q", got)
	}
	version := form.attr("input[name=version]", "value")
	fields := []string{"version", version, "channelType", "email", "channelValue", "zoe@example.com", "firstName", "Zoë", "address.town", "Kyiv", "fields.PERSONAL.BONUS", "", "subscriptions", "NEWS"}
	b.post("/contacts/4/edit", fields...).want(200).says("Saved: Zoë.", "Kyiv").saysNot("12.50", "SALE")
	late := b.post("/contacts/4/edit", fields...).want(422)
	late.says("changed since it was read", "begin again with the newer one")
	if got := late.attr("input[name=address.town]", "value"); got != "Kyiv" {
		t.Errorf("what was typed is %q", got)
	}
	wrong := b.post("/contacts/new", "channelType", "email", "channelValue", "no address", "fields.PERSONAL.BONUS", "many", "timeZone", "Mars").want(422)
	wrong.says("is a field of type number: must be a number, is a string").has("#channel-value-1[aria-invalid]", "input[name=timeZone][aria-invalid]")
	if got := wrong.attr("input[name=fields.PERSONAL.BONUS]", "value"); got != "many" {
		t.Errorf("what was typed is %q", got)
	}
	b.get("/contacts/delete/4").want(200).says("Delete Zoë?", "It can't be undone.")
	b.post("/contacts/4/delete").want(200).says("Deleted: Zoë.")
	b.get("/contacts/4").want(404)
}

func TestAContactIsPutIntoSegmentsAndOnTheBlackList(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleEditor)
	b.post("/contacts/1/join", "segment", "").want(200).says("Choose a segment")
	b.post("/contacts/1/join", "segment", "1").want(200).says("Ann Weaver is in Friends now.").has("form[action=/contacts/1/leave]")
	b.post("/contacts/1/leave", "segment", "1").want(200).says("no longer in Friends", "It is in none.")
	b.post("/contacts/1/block", "type", "email", "value", "ann@example.com").want(200).says("Nothing is sent to ann@example.com any more", "on the black list")
	b.post("/contacts/1/unblock", "type", "email", "value", "ann@example.com").want(200).says("Messages may be sent to ann@example.com again.")
	b.post("/contacts/1/join", "segment", "99").want(404)
}

func TestContactsAreOfTheirAccountAndActsOfEditors(t *testing.T) {
	w := newWorld(t)
	w.people()
	w.Account("Other")
	eve, viewer := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner)), w.as(tidings.RoleViewer)
	for _, path := range []string{"/contacts/1", "/contacts/1/timeline", "/contacts/edit/1", "/contacts/delete/1"} {
		eve.get(path).want(404)
	}
	for _, path := range []string{"/contacts/1/join", "/contacts/1/leave", "/contacts/1/block", "/contacts/1/unblock", "/contacts/1/edit", "/contacts/1/delete"} {
		eve.post(path, "segment", "1", "type", "email", "value", "ann@example.com").want(404)
		viewer.post(path, "segment", "1").want(403)
	}
	viewer.get("/contacts/edit/1").want(403)
	viewer.get("/contacts/1").want(200).says("Ann Weaver")
}
