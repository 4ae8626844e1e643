package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// A workflow of the seed: a webhook, a question, then a letter.
const promoWorkflow = `{"name":"Promo code","definition":{"trigger":{"eventTypeKey":"subscribed"},"start":"lookup","blocks":[` +
	`{"id":"lookup","kind":"webhook","webhook":{"webhookId":1,"whose":{"contactEmail":"${email}"}},"exits":{"ok":"known","failed":"end"}},` +
	`{"id":"known","kind":"condition","condition":{"field":"$data.contacts_get_by_email","op":"isSet"},"exits":{"yes":"letter","no":"end"}},` +
	`{"id":"letter","kind":"message","message":{"messageId":1},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}}`

// promo makes the seed's workflow with what it uses, and activates it.
func (w *world) promo() {
	w.T.Helper()
	w.do("POST /v1/webhooks", `{"name":"contacts_get_by_email","url":"https://crm.example/contacts?email=${email}"}`)
	w.do("POST /v1/messages", `{"name":"Letter","from":{"name":"Shop","address":"shop@example.com"},"subject":"Your code","html":"<p>Hello</p>"}`)
	w.do("POST /v1/workflows", promoWorkflow)
	w.do("POST /v1/workflows/1/activate", "")
}

func TestTheListOfWorkflowsSaysWhatToDoFirst(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleEditor).get("/automation/workflows").want(http.StatusOK).says("No workflows yet").has("a[href=/automation/workflows/new]")
	w.as(tidings.RoleViewer).get("/automation/workflows").want(http.StatusOK).hasNot("a[href=/automation/workflows/new]")
}

func TestTheListOfWorkflowsShowsHowEachStands(t *testing.T) {
	w := newWorld(t)
	w.promo()
	w.do("POST /v1/workflows", `{"name":"<script>alert(1)</script>","definition":{"trigger":{"eventTypeKey":"order"}}}`)
	p := w.as(tidings.RoleViewer).get("/automation/workflows").want(http.StatusOK)
	p.has("table caption", "a[href=/automation/workflows/1]").says("Promo code", "active, version 1", "subscribed", "<script>alert(1)</script>", "draft")
	p.saysNot("<script>alert").hasNot(".act-cell a")
}

func TestAnEditorMakesAWorkflowByClicks(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	b.get("/automation/workflows/new").want(http.StatusOK).has("input[name=name]")
	b.post("/automation/workflows/new", "name", "", "definition.trigger.eventTypeKey", "order").want(http.StatusUnprocessableEntity).
		has("input[value=order]", "#f-name-error")
	p := b.post("/automation/workflows/new", "name", "Orders", "definition.trigger.eventTypeKey", "order").want(http.StatusOK).says("Orders is made", "Event order")
	if !strings.HasSuffix(p.path, "/automation/workflows/2") {
		t.Fatalf("goes on to %s", p.path)
	}
	// The seed: Actions, Webhook, then the Settings.
	p = b.post("/automation/workflows/2/insert", "version", "1", "at", p.attr("input[name=at]", "value"), "kind", "webhook").want(http.StatusOK)
	p.has("select[name=webhook.webhookId]", "input[name=webhook.whose.contactId]", "input[name=webhook.whose.phone]", "input[name=webhook.whose.contactEmail]").
		says("Create webhook", "Manage Webhook", "no webhook chosen")
	p = b.post("/automation/workflows/2/set", "version", "2", "block", "webhook_1", "webhook.webhookId", "1", "webhook.whose.contactEmail", "${email}").want(http.StatusOK)
	p.says("GET crm.example", "$data.get('contacts_get_by_email')").has("input[value=${email}]")
	def := w.do("GET /v1/workflows/2", "")
	if got := string(def.Body); !strings.Contains(got, `{"webhookId":1,"whose":{"contactEmail":"${email}"}}`) {
		t.Errorf("the draft is %s", got)
	}
	b.post("/automation/workflows/2/undo", "version", "3", "way", "undo").want(http.StatusOK)
	b.get("/automation/workflows/2").says("no webhook chosen")
	b.post("/automation/workflows/2/undo", "version", "4", "way", "redo").want(http.StatusOK)
	b.get("/automation/workflows/2").says("GET crm.example")
}
