package ui_test

import (
	"testing"

	"tidings"
)

func TestFieldsAreListedMadeRenamedAndDeleted(t *testing.T) {
	w := newWorld(t)
	b, viewer := w.as(tidings.RoleEditor), w.as(tidings.RoleViewer)
	b.get("/settings/fields").want(200).says("No additional fields yet", "EXTERNAL_CUSTOMER_ID")
	refused := b.post("/settings/fields", "key", "no key!", "type", "number", "name", "Bonus").want(422)
	refused.says("must be letters").has("input[name=key][aria-invalid]")
	if got := refused.attr("input[name=name]", "value"); got != "Bonus" {
		t.Errorf("what was typed is %q", got)
	}
	b.post("/settings/fields", "key", "personal.bonus", "type", "number", "name", "<script>alert(1)</script>").want(200).says("Created: the field PERSONAL.BONUS.").saysNot("<script>alert")
	b.get("/settings/fields/PERSONAL.BONUS").want(200).says("It can't be undone.").saysNot("<script>alert")
	b.post("/settings/fields/PERSONAL.BONUS", "name", "Points").want(200).says("Saved: PERSONAL.BONUS.", "Points")
	b.get("/settings/fields?q=point").says("PERSONAL.BONUS")
	b.get("/settings/fields?q=zzz").says("No field fits")
	viewer.get("/settings/fields").want(200).says("Points").hasNot("form[method=post][action=/settings/fields]", "a[href=/settings/fields/PERSONAL.BONUS]")
	viewer.get("/settings/fields/PERSONAL.BONUS").want(403)
	viewer.post("/settings/fields/PERSONAL.BONUS/delete").want(403)
	w.do("POST /v1/segments", `{"name":"rich","condition":{"field":"PERSONAL.BONUS","op":"isSet"}}`)
	b.post("/settings/fields/PERSONAL.BONUS/delete").want(422).says("rich")
	w.do("DELETE /v1/segments/1", "")
	b.post("/settings/fields/PERSONAL.BONUS/delete").want(200).says("Deleted: the field PERSONAL.BONUS with its values.", "No additional fields yet")
	b.get("/settings/fields/PERSONAL.BONUS").want(404)
	w.do("POST /v1/fields", `{"key":"SIZE","type":"text"}`)
	w.Account("Other")
	eve := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	eve.get("/settings/fields/SIZE").want(404)
	eve.post("/settings/fields/SIZE/delete").want(404)
	eve.post("/settings/fields/SIZE", "name", "x").want(404)
}
