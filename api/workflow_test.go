package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// eventually waits until something holds that the server does by itself.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			w.t.Fatalf("waited in vain: %s\n%s", what, w.logs)
		}
	}
}

// made creates a thing and gives its id.
func (w *world) made(key, path, body string) string {
	w.t.Helper()
	return fmt.Sprintf("%.0f", w.request(key, "POST "+path, body).want(201).get("id"))
}

// active makes a workflow and activates it.
func (w *world) active(key, definition string) string {
	w.t.Helper()
	id := w.made(key, "/v1/workflows", `{"name":"Welcome","definition":`+definition+`}`)
	w.request(key, "POST /v1/workflows/"+id+"/activate", "").want(200).has("active", true)
	return id
}

const (
	letterOfSeed = `{"name":"Promo code","tag":"welcome","from":{"name":"Shop","address":"shop@example.com"},"subject":"$!firstName, a code",` +
		`"html":"<p>Code $data.get('WH5').get('promocode') for $!mathTool.toInteger($data.contacts_get_by_email.get(0).id)</p><a href=\"https://shop.example/sale\">Sale</a>"}`
	workflowOfSeed = `{"trigger":{"eventTypeKey":"subscribed"},"start":"lookup","blocks":[` +
		`{"id":"lookup","kind":"webhook","webhook":{"webhookId":1,"whose":{"contactEmail":"${email}"}},"exits":{"ok":"promo","failed":"end"}},` +
		`{"id":"promo","kind":"webhook","webhook":{"webhookId":2,"whose":{"contactEmail":"${email}"}},"exits":{"ok":"letter","failed":"end"}},` +
		`{"id":"letter","kind":"message","message":{"messageId":1},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`
	workflowThatWaits = `{"trigger":{"eventTypeKey":"order"},"start":"wait","blocks":[` +
		`{"id":"wait","kind":"timer","timer":{"seconds":86400},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`
	smallestWorkflow = `{"trigger":{"eventTypeKey":"order"},"start":"end","blocks":[{"id":"end","kind":"end"}]}`
)

// seed makes the seed's two webhooks, a message that uses their replies, and a
// contact; it gives the account's key.
func (w *world) seed() string {
	w.t.Helper()
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush-hush"}`)
	w.webhook(key, "contacts_get_by_email", `"url":"`+w.outside.URL+`/api/v1/contacts?email=${email}","connectorId":1`)
	w.webhook(key, "WH5", `"method":"POST","url":"`+w.outside.URL+`/promocodes?town=$TOWN","body":{"format":"json","template":"{\"town\":\"$TOWN\"}"}`)
	w.made(key, "/v1/messages", letterOfSeed)
	w.made(key, "/v1/contacts", `{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"}}`)
	w.outside.answersBy(map[string]string{"/api/v1/contacts": `[{"id":687266822.0}]`, "/promocodes": `{"promocode":"LVIV-10"}`})
	return key
}

func TestAWorkflowIsKeptAsItIsGiven(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	given := `{"trigger":{"eventTypeKey":"order","condition":{"all":[{"field":"total","op":"greater","value":"100"},{"any":[{"field":"TOWN","op":"oneOf","value":["Lviv","Kyiv"]},{"field":"email","op":"isSet"}]}]},"once":{"mode":"per","perSeconds":3600},"alone":true},
		"start":"t","blocks":[
		{"id":"t","kind":"timer","name":"Until morning","timer":{"seconds":60,"at":"09:30","weekdays":[1,5],"zone":"Europe/Kyiv"},"exits":{"next":"s"}},
		{"id":"s","kind":"split","percent":30,"exits":{"a":"u","b":"end"}},
		{"id":"u","kind":"updateContact","fields":[{"field":"TOWN","value":"$town"}],"exits":{"next":"end"}},
		{"id":"end","kind":"end"}]}`
	a := w.request(key, "POST /v1/workflows", `{"name":"W","definition":`+given+`}`).want(201).has("version", 1.0).has("active", false).has("trigger", "order")
	var want any
	if err := json.Unmarshal([]byte(given), &want); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*answer{a, w.request(key, "GET /v1/workflows/1", "").want(200)} {
		if got := a.get("definition"); !reflect.DeepEqual(got, want) {
			t.Errorf("kept\n%v\nwant\n%v", got, want)
		}
	}
	w.request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).want(200).has("version", 2.0).has("name", "X")
	w.request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).want(200).has("version", 2.0)
	w.request(key, "PATCH /v1/workflows/1", `{"name":"Y","version":1}`).want(409)
}

func TestADraftMayBeUnfinishedAndWhatIsActiveMayNot(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	a := w.request(key, "POST /v1/workflows", `{"name":"W","definition":{"trigger":{"eventTypeKey":"order"},"start":"w","blocks":[
		{"id":"w","kind":"webhook","webhook":{"webhookId":7},"exits":{"ok":"end"}},{"id":"lonely","kind":"end"},{"id":"end","kind":"end"}]}}`).want(201)
	for _, part := range []string{`"block":"w"`, "there is no such webhook", `"block":"lonely"`} {
		if !strings.Contains(a.body, part) {
			t.Errorf("problems do not say %s: %s", part, a.body)
		}
	}
	if a := w.request(key, "POST /v1/workflows/1/activate", "").want(422); !strings.Contains(a.body, "definition.blocks[0].webhook.webhookId") {
		t.Errorf("the field is not named: %s", a.body)
	}
	w.request(key, "GET /v1/workflows/1/versions/1", "").want(404)
	w.request(key, "PATCH /v1/workflows/1", `{"definition":`+smallestWorkflow+`}`).want(200).has("problems", nil)
	w.request(key, "POST /v1/workflows/1/activate", `{"version":1}`).want(409)
	w.request(key, "POST /v1/workflows/1/activate", `{"version":2}`).want(200).has("activeVersion", 1.0).has("changed", false)
	w.request(key, "POST /v1/workflows/1/activate", "").want(200).has("latestVersion", 1.0)
	w.request(key, "PATCH /v1/workflows/1", `{"definition":`+workflowThatWaits+`}`).want(200).has("changed", true).has("activeVersion", 1.0)
	w.request(key, "POST /v1/workflows/1/activate", "").want(200).has("activeVersion", 2.0)
	if got := w.request(key, "GET /v1/workflows/1/versions/1", "").want(200).get("definition.start"); got != "end" {
		t.Errorf("version 1 starts at %v", got)
	}
}

func TestWrongDefinitionsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	of := func(blocks string) string {
		return `{"name":"W","definition":{"trigger":{"eventTypeKey":"order"},"start":"end","blocks":[` + blocks + `{"id":"end","kind":"end"}]}}`
	}
	for _, c := range []struct{ body, field string }{
		{`{}`, "name"},
		{`{"name":"W"}`, "definition"},
		{`{"name":"W","definition":null}`, "definition"},
		{`{"name":"W","definition":{"Trigger":{}}}`, "definition.Trigger"},
		{`{"name":"W","definition":{"start":"a","blocks":[]}}`, "definition.start"},
		{`{"name":"W","version":1,"definition":` + smallestWorkflow + `}`, "version"},
		{of(`{"id":"a b","kind":"end"},`), "definition.blocks[0].id"},
		{of(`{"id":"end","kind":"end"},`), "definition.blocks[1].id"},
		{of(`{"id":"a","kind":"shout"},`), "definition.blocks[0].kind"},
		{of(`{"id":"a","kind":"timer","timer":{"at":"9:30"},"exits":{"next":"end"}},`), "definition.blocks[0].timer.at"},
		{of(`{"id":"a","kind":"timer","timer":{"seconds":"60"},"exits":{"next":"end"}},`), "definition.blocks[0].timer.seconds"},
		{of(`{"id":"a","kind":"timer","exits":{"done":"end"}},`), "definition.blocks[0].exits.done"},
		{of(`{"id":"a","kind":"timer","exits":{"next":7}},`), "definition.blocks[0].exits.next"},
		{of(`{"id":"a","kind":"split","percent":100},`), "definition.blocks[0].percent"},
		{of(`{"id":"a","kind":"condition","condition":{"field":"x","op":"like","value":"y"}},`), "definition.blocks[0].condition.op"},
		{of(`{"id":"a","kind":"end","webhook":{"webhookId":1}},`), "definition.blocks[0].webhook"},
	} {
		a := w.request(key, "POST /v1/workflows", c.body).want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.body)
		}
	}
	if a := w.request(key, "GET /v1/workflows", "").want(200); strings.Contains(a.body, `"id"`) {
		t.Errorf("something was made: %s", a.body)
	}
	if got := firstFault(w.request(key, "POST /v1/workflows/check", `{}`).want(422)); got != "definition" {
		t.Errorf("fault in %q", got)
	}
	w.request(key, "POST /v1/workflows/check", `{"definition":`+smallestWorkflow+`}`).want(200)
}

func TestDeletedWorkflowsStartNothingAndComeBackInactive(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.active(key, workflowThatWaits)
	run := w.event(key, "order", "1")
	w.request(key, "DELETE /v1/workflows/1", "").want(204)
	w.request(key, "GET /v1/runs/"+run, "").want(200).has("state", "stopped")
	if a := w.request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"2"}`).want(200); !strings.Contains(a.body, `"runIds":[]`) {
		t.Errorf("a deleted workflow starts runs: %s", a.body)
	}
	w.request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).want(409)
	w.request(key, "POST /v1/workflows/1/activate", "").want(409)
	w.request(key, "GET /v1/workflows?deleted=true", "").want(200)
	w.request(key, "POST /v1/workflows/1/restore", "").want(200).has("active", false).has("deletedAt", nil)
	w.request(key, "POST /v1/workflows/1/activate", "").want(200)
	if id := w.event(key, "order", "3"); id == "" {
		t.Error("a restored workflow starts nothing")
	}
}

// event sends an event of a type and gives the id of the one run that it started.
func (w *world) event(key, typeKey, keyValue string) string {
	w.t.Helper()
	a := w.request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":%q,"keyValue":%q,"params":{"email":"ann@example.com"}}`, typeKey, keyValue)).want(200)
	runs, _ := a.get("runIds").([]any)
	if len(runs) != 1 {
		w.t.Fatalf("started %v: %s", runs, a.body)
	}
	return fmt.Sprintf("%.0f", runs[0])
}

func TestWhoUsesAThingIsSaidAndKeepsItFromBeingDeleted(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.request(key, "POST /v1/fields", `{"key":"SHOP.CODE","type":"text"}`).want(201)
	w.made(key, "/v1/segments", `{"name":"Coded"}`)
	w.active(key, strings.Replace(workflowOfSeed, `"exits":{"next":"end"}`, `"exits":{"next":"keep"}},`+
		`{"id":"keep","kind":"updateContact","fields":[{"field":"SHOP.CODE","value":"$data.get('WH5').get('promocode')"}],"exits":{"next":"put"}},`+
		`{"id":"put","kind":"addToSegment","segmentId":1,"exits":{"next":"end"}`, 1))
	const users = `"usedIn":[{"kind":"message","id":1,"name":"Promo code"},{"kind":"workflow","id":1,"name":"Welcome"}]`
	for _, line := range []string{"GET /v1/webhooks/2", "GET /v1/webhooks?usedIn=true"} {
		if a := w.request(key, line, "").want(200); !strings.Contains(a.body, users) {
			t.Errorf("%s: %s", line, a.body)
		}
	}
	if a := w.request(key, "GET /v1/connectors/1", "").want(200); !strings.Contains(a.body, `"usedIn":[{"kind":"webhook","id":1,"name":"contacts_get_by_email"},{"kind":"workflow","id":1,"name":"Welcome"}]`) {
		t.Errorf("users of the connector: %s", a.body)
	}
	const user = `"usedIn":[{"kind":"workflow","id":1,"name":"Welcome"}]`
	for _, line := range []string{"GET /v1/messages/1", "GET /v1/messages?usedIn=true", "GET /v1/segments/1"} {
		if a := w.request(key, line, "").want(200); !strings.Contains(a.body, user) {
			t.Errorf("%s: %s", line, a.body)
		}
	}
	for _, line := range []string{"DELETE /v1/messages/1", "DELETE /v1/segments/1", "DELETE /v1/fields/SHOP.CODE"} {
		if a := w.request(key, line, "").want(409); !strings.Contains(a.body, `used by workflow 1 \"Welcome\"`) {
			t.Errorf("%s: %s", line, a.body)
		}
	}
	w.request(key, "DELETE /v1/workflows/1", "").want(204)
	for _, line := range []string{"DELETE /v1/messages/1", "DELETE /v1/segments/1", "DELETE /v1/fields/SHOP.CODE"} {
		w.request(key, line, "").want(204)
	}
}
