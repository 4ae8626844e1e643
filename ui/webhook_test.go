package ui_test

import (
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
	p = b.post(test, append(p.carried(test), "step", "send")...).want(200)
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
	b.post(test, append(p.carried(test), "step", "send")...).want(200).says("KYIV-10").has("[data-copy=$data.get('WH5').get('promocode')]")
	b.get("/automation/webhooks").want(200).says("No webhooks yet")
}

func TestManagementListsEditsDeletesAndRestores(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"WH5", "<script>alert(1)</script>"} {
		w.do("POST /v1/webhooks", `{"name":"`+name+`","url":"`+w.Outside.URL+`/promo"}`)
	}
	w.do("POST /v1/messages", `{"name":"Letter","from":{"address":"shop@example.com"},"subject":"Hi","text":"$data.get('WH5').get('code')"}`)
	b := w.as(tidings.RoleEditor)
	p := b.get("/automation/webhooks").want(200).has("table caption", "a[href=/automation/webhooks/1/test]", "a[href=/automation/webhooks/1/delete]").says("WH5", "1 message", "GET", "nowhere")
	p.saysNot("<script>alert")
	b.get("/automation/webhooks?q=wh").want(200).says("WH5", "1 webhook").saysNot("alert(1)")
	b.get("/automation/webhooks?q=zzz").want(200).says("No webhook has such a name")

	b.get("/automation/webhooks/1").want(200).says("1 message")
	p = b.post("/automation/webhooks/1", "id", "1", "version", "1", "was", "WH5", "name", "WH6", "method", "GET", "url", "http://plain.example/").want(422)
	p.says("https").has("input[name=url][aria-invalid=true]", "input[name=name][value=WH6]")
	b.post("/automation/webhooks/1", "id", "1", "version", "1", "was", "WH5", "name", "WH6", "method", "GET", "url", w.Outside.URL+"/new").want(200).says("Saved: WH6.", "1 message", "$data.get('WH5')")
	b.post("/automation/webhooks/1", "id", "1", "version", "1", "name", "WH7", "method", "GET", "url", w.Outside.URL+"/late").want(422).says("Load the newer one").has("input[name=name][value=WH7]")

	b.get("/automation/webhooks/1/delete").want(200).says("WH6 is used nowhere", "can be restored")
	b.post("/automation/webhooks/1/delete").want(200).says("Deleted: WH6.")
	b.get("/automation/webhooks?deleted=true").want(200).says("WH6", "Restore…")
	b.get("/automation/webhooks/1").want(200).says("It is deleted").hasNot("input[name=url]")
	w.do("POST /v1/webhooks", `{"name":"WH6","url":"https://shop.example.com/"}`)
	b.post("/automation/webhooks/1/restore", "name", "WH6").want(422).has("input[name=name][value=WH6]")
	b.post("/automation/webhooks/1/restore", "name", "WH8").want(200).says("Restored: WH8.")
}

func TestViewersSeeWebhooksConnectorsAndCallsWithoutTheActs(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/connectors", `{"name":"shop","auth":{"type":"basic","username":"ann","password":"hush-hush"}}`)
	w.do("POST /v1/webhooks", `{"name":"WH5","url":"`+w.Outside.URL+`/","connectorId":1,"headers":[{"name":"X-Api-Key","value":"hush-key"}]}`)
	w.do("POST /v1/webhooks/1/test", "{}")
	b := w.as(tidings.RoleViewer)
	b.get("/automation/webhooks").want(200).says("WH5").hasNot("a[href=/automation/webhooks/new]", "a[href=/automation/webhooks/1/delete]")
	b.get("/automation/webhooks/1").want(200).says("WH5").hasNot("#webhook-window").saysNot("hush")
	b.get("/automation/connectors").want(200).says("shop", "user ann").hasNot("a[href=/automation/connectors/new]").saysNot("hush")
	b.get("/automation/connectors/1").want(200).says("WH5").hasNot("input[type=password]")
	b.get("/automation/calls").want(200).says("WH5", "test", "200 OK")
	b.get("/automation/calls/1").want(200).says("What was sent", "As cURL", "••••").saysNot("hush").hasNot("a[href^=/messages/new]")
	for _, path := range []string{"/automation/webhooks/new", "/automation/webhooks/1/test", "/automation/connectors/new", "/automation/webhooks/1/delete"} {
		b.get(path).want(403)
	}
	e := w.as(tidings.RoleEditor)
	e.get("/automation/webhooks/1").want(200).has("input[name=headers.kept][value=X-Api-Key]").says("Header 1").saysNot("hush")
	e.get("/automation/connectors/1/delete").want(200).says("1 webhook")
	e.post("/automation/connectors/1/delete").want(409).says("WH5")
	w.Account("Other")
	other := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	for _, path := range []string{"/automation/webhooks/1", "/automation/webhooks/1/test", "/automation/webhooks/1/use", "/automation/connectors/1", "/automation/calls/1"} {
		other.get(path).want(404)
	}
	for _, path := range []string{"/automation/webhooks/1", "/automation/webhooks/1/delete", "/automation/webhooks/1/restore", "/automation/connectors/1", "/automation/connectors/1/delete"} {
		other.post(path, "name", "x", "url", "https://x.example/").want(404)
	}
}

func TestAPastedCommandFillsTheForm(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	// A field of one line has joined the lines: the backslashes at their ends are left.
	command := `curl -X POST \  '` + w.Outside.URL + `/orders?town=$TOWN' \  -H 'X-Customer: 17' -u shop:hush-hush -H 'Content-Type: application/json' -d '{"a": 1}'`
	p := b.htmx().post("/automation/webhooks/preview", "url", command).want(200)
	if p.header.Get("HX-Retarget") != "#webhook-window" {
		t.Errorf("the window is not replaced: %v", p.header)
	}
	p.says("The form is filled from the command.").has("input[name=url][value="+w.Outside.URL+"/orders]", "input[name=query.value][value=$TOWN]", "input[name=headers.value][value=17]", "input[name=method][value=POST][checked]", "input[name=hasBody][checked]", "select[name=connectorId] option[value=1][selected]").saysNot("hush-hush")
	b.post("/automation/webhooks/from-curl", "command", "wget x").want(422).says("curl").has("textarea[name=command]")
	p = b.htmx().post("/automation/webhooks/preview", "name", "WH5", "url", w.Outside.URL+"/?a=$nobody").want(200).says("nobody", "$data.get('WH5')").has("mark")
	p.hasNot("#webhook-window")
}

func TestTheWindowOverAnotherPageClosesByDone(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.htmx().get("/automation/webhooks/new?in=window").want(200).has("dialog[data-auto] #webhook-window input[name=in][value=window]")
	p := b.htmx().post("/automation/webhooks", "name", "WH5", "method", "GET", "url", w.Outside.URL+"/", "in", "window").want(200)
	if got := p.header.Get("HX-Trigger"); got != `{"tidings:webhook":{"id":1},"tidings:close":{}}` {
		t.Errorf("Done triggers %s", got)
	}
	p = b.once("POST", "/automation/webhooks", map[string][]string{"name": {"WH6"}, "url": {w.Outside.URL + "/"}, "next": {"/automation/workflows/5?block=b"}})
	if got := p.header.Get("Location"); got != "/automation/workflows/5?block=b&webhook=2" {
		t.Errorf("Done goes on to %s", got)
	}
}
