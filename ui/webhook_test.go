package ui_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings"
)

// ann makes a contact and an event about her.
func (w *world) ann() {
	w.T.Helper()
	w.do("POST /v1/contacts", `{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"},"fields":{}}`)
	w.do("POST /v1/events", `{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ann@example.com","total":129.5,"items":[{"sku":"A1"}]}}`)
}

// webhook makes a webhook of the outside system; more are further JSON members.
func (w *world) webhook(name, path, more string) string {
	w.T.Helper()
	return w.do("POST /v1/webhooks", fmt.Sprintf(`{"name":%q,"url":%q%s}`, name, w.Outside.URL+path, more)).ID()
}

func TestTheWebhookWindowHasWhatTheManualNames(t *testing.T) {
	w := newWorld(t)
	w.ann()
	p := w.as(tidings.RoleEditor).get("/automation/webhooks/new").want(200)
	p.says("Name", "Description", "Pass parameters in headers", "Authentication", "New connector", "Send test", "Done", "Show it for the contact")
	p.has("input[name=name]", "input[name=method][value=GET]", "input[name=method][value=POST]", "input[name=url]", "input[name=passHeaders][role=switch]",
		"input[name=authenticate][role=switch]", "select[name=connectorId]", "textarea[name=body.template]", "input[name=contact][value=1]", "select[name=event] option[value=1]")
	p.has("#webhook-variables button[data-insert=${EMAIL}]", "#webhook-variables button[data-insert=${total}]", "#webhook-variables button[data-insert=${items.get(0).sku}]", "#webhook-variables button[data-insert=${workflowInstanceId}]")
	if got := p.text("#webhook-variables button[data-insert=${TOWN}]"); !strings.Contains(got, "Lviv") {
		t.Errorf("the picker shows %q for TOWN", got)
	}
}

func TestAWebhookIsSavedByDoneAndShownAgain(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.post("/automation/webhooks", "name", "WH5", "method", "POST", "url", w.Outside.URL+"/promo?town=$TOWN", "query.name", "lang", "query.value", "${LANGUAGE|'a b&c'} x",
		"passHeaders", "on", "headers.name", "X-Customer", "headers.value", "$CONTACT_ID", "headers.kept", "", "hasBody", "on", "body.format", "json", "body.template", `{"town": "$TOWN"}`).
		want(200).says("Saved: WH5.")
	got := w.do("GET /v1/webhooks/1", "")
	if want := w.Outside.URL + "/promo?town=$TOWN&lang=${LANGUAGE|'a b&c'}%20x"; got.Get("url") != want {
		t.Errorf("the URL is %v, want %s", got.Get("url"), want)
	}
	p := b.get("/automation/webhooks/1").want(200)
	p.has("input[name=url][value="+w.Outside.URL+"/promo]", "input[name=query.name][value=town]", "input[name=query.value][value=$TOWN]", "input[name=headers.name][value=X-Customer]", "input[name=passHeaders][checked]", "input[name=hasBody][checked]", "input[name=version][value=1]")
	p.says("$data.get('WH5')")
}
