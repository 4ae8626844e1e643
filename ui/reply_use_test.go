package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestAValueOfAReplyIsBranchedOnInANewBlock(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	const use = "/automation/webhooks/1/use"
	p := b.get(use+"?as=branch&expression=$data.WH5.promocode").want(http.StatusOK).has("form[action="+use+"] select[name=workflow] option[value=1]", "input[name=expression][value=$data.WH5.promocode]")
	p.hasNot("select[name=field]")
	p = b.post(use, "as", "branch", "expression", "$data.WH5.promocode", "workflow", "1").want(http.StatusOK).says("The block is added to the draft", "Condition")
	p.has("[data-card=condition_1]")
	draft := w.do("GET /v1/workflows/1", "").Body
	for _, part := range []string{`"id":"condition_1"`, `"field":"$data.WH5.promocode"`, `"op":"isSet"`, `"ok":"condition_1"`} {
		if !containsJSON(draft, part) {
			t.Errorf("the draft has no %s: %s", part, draft)
		}
	}
}

func TestAValueOfAReplyIsSavedToAFieldOfTheContact(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	const use = "/automation/webhooks/1/use"
	b.post(use, "as", "field", "expression", "$data.WH5.promocode", "workflow", "1").want(http.StatusUnprocessableEntity).
		says("choose a field").has("input[name=expression][value=$data.WH5.promocode]")
	b.post(use, "as", "field", "expression", "$data.WH5.promocode", "workflow", "99", "field", "TOWN").want(http.StatusNotFound)
	b.post(use, "as", "field", "expression", "$data.WH5.promocode", "workflow", "1", "field", "TOWN").want(http.StatusOK).has("[data-card=updateContact_1]")
	if draft := w.do("GET /v1/workflows/1", "").Body; !containsJSON(draft, `{"field":"TOWN","value":"$data.WH5.promocode"}`) {
		t.Errorf("the draft: %s", draft)
	}
	w.as(tidings.RoleViewer).get(use + "?as=field&expression=x").want(http.StatusForbidden)
}

// containsJSON says whether a JSON text has a part in it, its blanks aside.
func containsJSON(text, part string) bool {
	return strings.Contains(strings.NewReplacer(" ", "", "\n", "").Replace(text), part)
}
