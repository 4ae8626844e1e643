package ui_test

import (
	"fmt"
	"testing"

	"tidings"
)

func TestEventsAreListedByTypeKeyAndContact(t *testing.T) {
	w := newWorld(t)
	editor, viewer := w.as(tidings.RoleEditor), w.as(tidings.RoleViewer)
	editor.get("/contacts/events").want(200).says("No events yet").has("a[href=/contacts/events/new]")
	viewer.get("/contacts/events").want(200).says("No events yet").hasNot("a[href=/contacts/events/new]")
	w.people()
	w.do("POST /v1/events", `{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ann@example.com","note":"<script>alert(1)</script>"}}`)
	w.do("POST /v1/events", `{"eventTypeKey":"cart","keyValue":"cart-seven","params":{"total":5}}`)
	viewer.get("/contacts/events").want(200).has("table caption").says("order", "1042", "contact 1", "nobody", "2 events shown").saysNot("<script>alert")
	viewer.get("/contacts/events?eventTypeKey=order&keyValue=1042").says("1 event shown", "type: order", "key: 1042").saysNot("cart-seven")
	viewer.get("/contacts/events?contactId=1").says("1042", "1 event shown")
	viewer.get("/contacts/events?eventTypeKey=none").want(200).says("No event fits")
	viewer.get("/contacts/events?keyValue=1042").want(422).says("goes with eventTypeKey")
	viewer.get("/contacts/events?contactId=x").want(422)
	for i := range 60 {
		w.do("POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"k%d"}`, i))
	}
	first := viewer.get("/contacts/events").says("50 events shown")
	viewer.get(first.attr("a[rel=next]", "href")).says("12 events shown").has("a[rel=prev]").hasNot("a[rel=next]")
}

func TestAnEventShowsItsParametersAndWhatItStarted(t *testing.T) {
	w := newWorld(t)
	w.people()
	w.do("POST /v1/workflows", `{"name":"Hello","definition":{"trigger":{"eventTypeKey":"order"},"start":"end","blocks":[{"id":"end","kind":"end"}]}}`)
	w.do("POST /v1/workflows/1/activate", `{}`)
	b := w.as(tidings.RoleEditor)
	sent := b.post("/contacts/events/new", "eventTypeKey", "order", "keyValue", "1042", "params", "{\"email\":\"ann@example.com\",\r\n\"total\":5.50,\"note\":\"<script>alert(1)</script>\"}")
	sent.want(200).says("Sent: it started 1 run.", "5.50", "Ann Weaver").has("a[href=/automation/runs/1]").saysNot("<script>alert")
	b.get("/contacts/events/new?like=1").want(200).says("5.50").saysNot("<script>alert")
	b.get("/contacts/events/new?contact=3").want(200).says(`"ContactId": 3`)
	w.Account("Other")
	eve, viewer := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner)), w.as(tidings.RoleViewer)
	for _, path := range []string{"/contacts/events/1", "/contacts/events/new?like=1", "/contacts/events/new?contact=1", "/contacts/events/types/1"} {
		eve.get(path).want(404)
	}
	eve.post("/contacts/events/types/1", "name", "x").want(404)
	viewer.get("/contacts/events/1").want(200).says("1042").hasNot("a[href^=/contacts/events/new]")
	viewer.get("/contacts/events/new").want(403)
	viewer.post("/contacts/events/new", "eventTypeKey", "order").want(403)
	viewer.post("/contacts/events/types/1", "name", "x").want(403)
}

func TestAnEventThatCantBeTakenStaysInTheForm(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	broken := b.post("/contacts/events/new", "eventTypeKey", "order", "params", "{\r\n\"a\": ,\r\n}").want(422)
	broken.says("is no JSON: line 2", "order")
	refused := b.post("/contacts/events/new", "eventTypeKey", "order", "params", `{"total":5}`).want(422)
	refused.says("the event breaks the rules: nothing was stored")
	if got := refused.attr("input[name=eventTypeKey]", "value"); got != "order" {
		t.Errorf("what was typed is %q", got)
	}
	b.post("/contacts/events/new", "eventTypeKey", "order", "params", `{"email":"new@example.com"}`).want(200).says("Nobody was found, so a contact was made.")
}

func TestEventTypesAreCountedAndNamed(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.get("/contacts/events/types").want(200).says("No event types yet")
	w.do("POST /v1/events", `{"eventTypeKey":"order","keyValue":"1","params":{"total":5}}`)
	b.get("/contacts/events/types").want(200).says("order", "all are kept", "1 type shown")
	b.get("/contacts/events/types/1").want(200).says("total", "In 7 days").has("input[name=name]")
	b.post("/contacts/events/types/1", "name", "An <b>order</b>", "uniqueKeys", "on").want(200).says("Saved: An <b>order</b>.").saysNot("An <b>order")
	b.get("/contacts/events/types").says("one event a key")
	b.get("/contacts/events/types?q=zzz").says("No type fits")
	b.post("/contacts/events/new", "eventTypeKey", "order", "keyValue", "1").want(200).says("It was there already")
	w.as(tidings.RoleViewer).get("/contacts/events/types/1").want(200).hasNot("input[name=uniqueKeys]")
}
