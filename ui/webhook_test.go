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

// carried gives the hidden fields of the form that sends to an address, as
// somebody without script sends them on.
func (p *page) carried(action string) []string {
	p.t.Helper()
	var fields []string
	for _, n := range p.find("form[action=" + action + "] input[type=hidden]") {
		name, _ := attribute(n, "name")
		value, _ := attribute(n, "value")
		fields = append(fields, name, value)
	}
	if len(fields) == 0 {
		p.t.Fatalf("%s has no form of %s that carries anything: %s", p.path, action, p.body)
	}
	return fields
}

// TestTheSeedsGetWithSendTest is the first example of the manual, step by step,
// as somebody without script clicks it.
func TestTheSeedsGetWithSendTest(t *testing.T) {
	w := newWorld(t)
	w.ann()
	b := w.as(tidings.RoleEditor)
	typed := []string{"name", "contacts_get_by_email", "method", "GET", "url", w.Outside.URL + "/contacts?email=${EMAIL}", "authenticate", "on"}
	const connector, test = "/automation/webhooks/connector", "/automation/webhooks/test"

	p := b.post(connector, append(typed, "step", "connector")...).want(200).says("Create connector", "Connector name", "Authentication type", "Basic", "Bearer token", "API key", "Login", "Password", "Token")
	p = b.post(connector, append(p.carried(connector), "connector.name", "", "connector.auth.type", "bearer", "connector.auth.token", "")...).want(422).says("is required")
	p = b.post(connector, append(p.carried(connector), "connector.name", "shop", "connector.auth.type", "bearer", "connector.auth.token", "s3cret-token")...).want(200)
	p.says("The connector shop is made and chosen.").has("select[name=connectorId] option[value=1][selected]", "input[name=authenticate][checked]").saysNot("s3cret-token")

	p = b.post(test, append(typed, "connectorId", "1", "step", "inputs")...).want(200)
	p.says("Select contact", "View contacts from the selected group", "ann@example.com", "EMAIL").saysNot("Choose an event")
	p.has("input[name=contact][value=1]", "a[hx-get=/contacts/1/card]")
	p = b.post(test, append(p.carried(test), "trial.q", "nobody", "step", "inputs")...).want(200).says("No contact matches.")
	b.post(test, append(p.carried(test), "step", "review")...).want(422).says("select a contact, or invent values")

	p = b.post(test, append(p.carried(test), "contact", "1", "step", "review")...).want(200)
	p.says("/contacts?email=ann%40example.com", "Authorization: Bearer ••••", "Send request").saysNot("s3cret-token")
	if _, n := w.Outside.Last(); n != 0 {
		t.Fatal("Next sent something")
	}
	w.Outside.Answers("application/json", `[{"id":687266822,"first name":"Ann"}]`)
	b.post(test, append(p.carried(test), "step", "send")...).want(200)
	p.says("The request went well", "200 OK", "687266822", "Copy expression", "Insert into a message")
	p.has("[data-copy=$data.get('contacts_get_by_email').get(0).get('id')]", "a[href=/messages/new?insert=%24data.get%28%27contacts_get_by_email%27%29.get%280%29.get%28%27id%27%29]", "form[action=/automation/webhooks]")
	if seen, n := w.Outside.Last(); n != 1 || seen.Header.Get("Authorization") != "Bearer s3cret-token" {
		t.Errorf("sent %d requests, the last with %v", n, seen.Header)
	}
	b.post("/automation/webhooks/form", p.carried("/automation/webhooks/form")...).want(200).has("input[name=url][value=" + w.Outside.URL + "/contacts?email=${EMAIL}]")
	b.post("/automation/webhooks", p.carried("/automation/webhooks")...).want(200).says("Saved: contacts_get_by_email.")
	if got := w.do("GET /v1/webhooks/1", "").Get("connectorId"); got != 1.0 {
		t.Errorf("the connector is %v", got)
	}
}

// TestTheSeedsPostWithTown is the second example: a contact's field, a body,
// and a promo code in the reply.
func TestTheSeedsPostWithTown(t *testing.T) {
	w := newWorld(t)
	w.ann()
	b := w.as(tidings.RoleEditor)
	const test = "/automation/webhooks/test"
	typed := []string{"name", "WH5", "method", "POST", "url", w.Outside.URL + "/promo", "hasBody", "on", "body.format", "json", "body.template", "{\n  \"town\": \"$TOWN\", \"total\": $total\n}"}
	p := b.post(test, append(typed, "step", "inputs")...).want(200).says("Select contact", "Choose an event", "1042", "Type the event's body")
	carried := p.carried(test)
	b.post(test, append(carried, "contact", "1", "event", "typed", "trial.params", "{\n  \"total\": }", "step", "review")...).want(422).says("is no JSON: line 2, column 12")
	p = b.post(test, append(carried, "contact", "1", "event", "typed", "trial.params", "{}", "step", "review")...).want(200)
	p.says("line 2, column 29", "the event has no parameter total").has("mark", "button[disabled]")
	if got := p.text("mark"); got != "$total" {
		t.Errorf("%q is underlined", got)
	}
	p = b.post(test, append(carried, "contact", "invented", "trial.name", "TOWN", "trial.value", "Kyiv", "event", "1", "step", "review")...).want(200).says(`"town": "Kyiv", "total": 129.5`)
	w.Outside.Answers("application/json", `{"promocode":"KYIV-10"}`)
	p = b.post(test, append(p.carried(test), "step", "send")...).want(200).says("KYIV-10").has("[data-copy=$data.get('WH5').get('promocode')]")
	b.get("/automation/webhooks").want(200).says("No webhooks yet")
}
