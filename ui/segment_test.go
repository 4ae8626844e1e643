package ui_test

import (
	"fmt"
	"testing"

	"tidings"
)

func TestSegmentsAreListedWithWhoIsInThem(t *testing.T) {
	w := newWorld(t)
	editor, viewer := w.as(tidings.RoleEditor), w.as(tidings.RoleViewer)
	editor.get("/contacts/segments").want(200).says("No segments yet").has("a[href=/contacts/segments/new]")
	viewer.get("/contacts/segments").want(200).says("No segments yet").hasNot("a[href=/contacts/segments/new]")
	w.people()
	w.do("POST /v1/segments", `{"name":"<script>alert(1)</script>","condition":{"any":[{"field":"TOWN","op":"equals","value":"Lviv"},{"field":"SMS","op":"isSet"}]}}`)
	viewer.get("/contacts/segments").says("Friends", "a list", "TOWN is Lviv or SMS has a value", "2 segments shown").saysNot("<script>alert")
	viewer.get("/contacts/segments?q=frie").says("Friends", "1 segment shown")
	viewer.get("/contacts/segments?kind=condition").says("TOWN is Lviv").saysNot("Friends")
	viewer.get("/contacts/segments?q=zzz").says("No segment fits")
	if got := viewer.htmx().get("/contacts/segments/2/count").want(200).text("body"); got != "2" {
		t.Errorf("the count is %q", got)
	}
	viewer.get("/contacts/segments/2/count").want(200).says("2 contacts are in the segment now.")
	viewer.get("/contacts/segments/2").want(200).says("ann@example.com", "380509999999").hasNot("a[href=/contacts/segments/2/edit]").saysNot("anton@", "<script>alert")
	for i := range 110 {
		w.do("POST /v1/segments", fmt.Sprintf(`{"name":"s%d"}`, i))
	}
	first := viewer.get("/contacts/segments").says("100 segments shown")
	viewer.get(first.attr("a[rel=next]", "href")).says("12 segments shown").hasNot("a[rel=next]")
}

func TestASegmentByConditionIsMadeStepByStep(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleEditor)
	b.get("/contacts/segments/new").want(200).has("select[name=condition.0.field]", "option[value=PERSONAL.BONUS]")
	row := []string{"name", "Lviv", "kind", "condition", "condition.join", "all", "condition.0.field", "TOWN", "condition.0.op", "equals", "condition.0.value", "lviv"}
	b.post("/contacts/segments/new", append(row, "condition.do", "group condition")...).want(200).has("select[name=condition.1.0.field]").saysNot("Created")
	b.htmx().post("/contacts/segments/condition", append(row, "condition.do", "add condition")...).want(200).has("select[name=condition.1.field]").hasNot("h1")
	b.htmx().post("/contacts/segments/preview", row...).want(200).says("1 contact now.", "ann@example.com")
	b.htmx().post("/contacts/segments/preview", "condition.join", "all").want(200).says("Choose a field")
	refused := b.post("/contacts/segments/new", append(row, "condition.1.field", "", "condition.1.op", "greater", "condition.1.value", "x", "condition.2.field", "EMAIL", "condition.2.op", "greater", "condition.2.value", "x", "name", "second")...).want(422)
	refused.says("choose what is compared", "must be a number or a date")
	if got := refused.attr("input[name=condition.0.value]", "value"); got != "lviv" {
		t.Errorf("what was typed is %q", got)
	}
	b.post("/contacts/segments/new", row...).want(200).says("Created: Lviv.", "TOWN is lviv", "ann@example.com")
	edit := b.get("/contacts/segments/2/edit").want(200)
	change := append(row, "version", edit.attr("input[name=version]", "value"), "condition.1.field", "EMAIL", "condition.1.op", "isSet")
	b.post("/contacts/segments/2/edit", change...).want(200).says("Saved: Lviv.", "TOWN is lviv and EMAIL has a value")
	b.post("/contacts/segments/2/edit", change...).want(422).says("begin again with the newer one")
}

func TestContactsArePutOnAListAndTakenOff(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleEditor)
	b.post("/contacts/segments/new", "name", "VIP", "kind", "list", "condition.join", "all").want(200).says("Created: VIP.", "Nobody is on the list yet")
	b.post("/contacts/segments/2/add", "contact", "").want(200).says("Choose a contact")
	b.post("/contacts/segments/2/add", "contact", "1", "segment", "").want(200).says("Ann Weaver is on the list now.").has("form[action=/contacts/segments/2/remove]")
	b.post("/contacts/segments/2/add", "contact", "99").want(404)
	b.post("/contacts/segments/2/remove", "contact", "1").want(200).says("no longer on the list", "Nobody is on the list yet")
}

func TestASegmentInUseIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.people()
	w.do("POST /v1/workflows", `{"name":"Hello","definition":{"trigger":{"eventTypeKey":"order"},"start":"b1","blocks":[{"id":"b1","kind":"addToSegment","segmentId":1}]}}`)
	b := w.as(tidings.RoleEditor)
	b.get("/contacts/segments/1").want(200).says("workflow Hello")
	b.get("/contacts/segments/1/delete").want(200).says("Who is on it is lost", "Hello")
	b.post("/contacts/segments/1/delete").want(422).says("Hello")
	w.do("DELETE /v1/workflows/1", "")
	b.post("/contacts/segments/1/delete").want(200).says("Deleted: Friends. Its contacts stay.")
}

func TestSegmentsAreOfTheirAccountAndActsOfEditors(t *testing.T) {
	w := newWorld(t)
	w.people()
	w.Account("Other")
	eve, viewer := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner)), w.as(tidings.RoleViewer)
	for _, path := range []string{"", "/count", "/edit", "/delete"} {
		eve.get("/contacts/segments/1" + path).want(404)
	}
	for _, path := range []string{"/edit", "/delete", "/add", "/remove"} {
		eve.post("/contacts/segments/1"+path, "contact", "1", "name", "x").want(404)
		viewer.post("/contacts/segments/1"+path, "contact", "1").want(403)
	}
	viewer.get("/contacts/segments/new").want(403)
}
