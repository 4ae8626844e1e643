package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidings/api/apitest"
)

// eventually waits until something holds that the server does by itself.
func (w *world) eventually(what string, holds func() bool) {
	w.T.Helper()
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			w.T.Fatalf("waited in vain: %s\n%s", what, w.Logs)
		}
	}
}

// made creates a thing and gives its id.
func (w *world) made(key, path, body string) string {
	w.T.Helper()
	return fmt.Sprintf("%.0f", w.Request(key, "POST "+path, body).Want(201).Get("id"))
}

// active makes a workflow and activates it.
func (w *world) active(key, definition string) string {
	w.T.Helper()
	id := w.made(key, "/v1/workflows", `{"name":"Welcome","definition":`+definition+`}`)
	w.Request(key, "POST /v1/workflows/"+id+"/activate", "").Want(200).Has("active", true)
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
	w.T.Helper()
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush-hush"}`)
	w.webhook(key, "contacts_get_by_email", `"url":"`+w.Outside.URL+`/api/v1/contacts?email=${email}","connectorId":1`)
	w.webhook(key, "WH5", `"method":"POST","url":"`+w.Outside.URL+`/promocodes?town=$TOWN","body":{"format":"json","template":"{\"town\":\"$TOWN\"}"}`)
	w.made(key, "/v1/messages", letterOfSeed)
	w.made(key, "/v1/contacts", `{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"}}`)
	w.Outside.AnswersBy(map[string]string{"/api/v1/contacts": `[{"id":687266822.0}]`, "/promocodes": `{"promocode":"LVIV-10"}`})
	return key
}

func TestAWorkflowIsKeptAsItIsGiven(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	given := `{"trigger":{"eventTypeKey":"order","condition":{"all":[{"field":"total","op":"greater","value":"100"},{"any":[{"field":"TOWN","op":"oneOf","value":["Lviv","Kyiv"]},{"field":"email","op":"isSet"}]}]},"once":{"mode":"per","perSeconds":3600},"alone":true},
		"start":"t","blocks":[
		{"id":"t","kind":"timer","name":"Until morning","timer":{"seconds":60,"at":"09:30","weekdays":[1,5],"zone":"Europe/Kyiv"},"exits":{"next":"s"}},
		{"id":"s","kind":"split","percent":30,"exits":{"a":"u","b":"end"}},
		{"id":"u","kind":"updateContact","fields":[{"field":"TOWN","value":"$town"}],"exits":{"next":"end"}},
		{"id":"end","kind":"end"}]}`
	a := w.Request(key, "POST /v1/workflows", `{"name":"W","definition":`+given+`}`).Want(201).Has("version", 1.0).Has("active", false).Has("trigger", "order")
	var want any
	if err := json.Unmarshal([]byte(given), &want); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*apitest.Answer{a, w.Request(key, "GET /v1/workflows/1", "").Want(200)} {
		if got := a.Get("definition"); !reflect.DeepEqual(got, want) {
			t.Errorf("kept\n%v\nwant\n%v", got, want)
		}
	}
	w.Request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).Want(200).Has("version", 2.0).Has("name", "X")
	w.Request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).Want(200).Has("version", 2.0)
	w.Request(key, "PATCH /v1/workflows/1", `{"name":"Y","version":1}`).Want(409)
}

func TestADraftMayBeUnfinishedAndWhatIsActiveMayNot(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	a := w.Request(key, "POST /v1/workflows", `{"name":"W","definition":{"trigger":{"eventTypeKey":"order"},"start":"w","blocks":[
		{"id":"w","kind":"webhook","webhook":{"webhookId":7},"exits":{"ok":"end"}},{"id":"lonely","kind":"end"},{"id":"end","kind":"end"}]}}`).Want(201)
	for _, part := range []string{`"block":"w"`, "there is no such webhook", `"block":"lonely"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("problems do not say %s: %s", part, a.Body)
		}
	}
	if a := w.Request(key, "POST /v1/workflows/1/activate", "").Want(422); !strings.Contains(a.Body, "definition.blocks[0].webhook.webhookId") {
		t.Errorf("the field is not named: %s", a.Body)
	}
	w.Request(key, "GET /v1/workflows/1/versions/1", "").Want(404)
	w.Request(key, "PATCH /v1/workflows/1", `{"definition":`+smallestWorkflow+`}`).Want(200).Has("problems", nil)
	w.Request(key, "POST /v1/workflows/1/activate", `{"version":1}`).Want(409)
	w.Request(key, "POST /v1/workflows/1/activate", `{"version":2}`).Want(200).Has("activeVersion", 1.0).Has("changed", false)
	w.Request(key, "POST /v1/workflows/1/activate", "").Want(200).Has("latestVersion", 1.0)
	w.Request(key, "PATCH /v1/workflows/1", `{"definition":`+workflowThatWaits+`}`).Want(200).Has("changed", true).Has("activeVersion", 1.0)
	w.Request(key, "POST /v1/workflows/1/activate", "").Want(200).Has("activeVersion", 2.0)
	if got := w.Request(key, "GET /v1/workflows/1/versions/1", "").Want(200).Get("definition.start"); got != "end" {
		t.Errorf("version 1 starts at %v", got)
	}
}

func TestWrongDefinitionsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/workflows", c.body).Want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.Body)
		}
	}
	if a := w.Request(key, "GET /v1/workflows", "").Want(200); strings.Contains(a.Body, `"id"`) {
		t.Errorf("something was made: %s", a.Body)
	}
	if got := firstFault(w.Request(key, "POST /v1/workflows/check", `{}`).Want(422)); got != "definition" {
		t.Errorf("fault in %q", got)
	}
	w.Request(key, "POST /v1/workflows/check", `{"definition":`+smallestWorkflow+`}`).Want(200)
}

func TestDeletedWorkflowsStartNothingAndComeBackInactive(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.active(key, workflowThatWaits)
	run := w.event(key, "order", "1")
	w.Request(key, "DELETE /v1/workflows/1", "").Want(204)
	w.Request(key, "GET /v1/runs/"+run, "").Want(200).Has("state", "stopped")
	if a := w.Request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"2"}`).Want(200); !strings.Contains(a.Body, `"runIds":[]`) {
		t.Errorf("a deleted workflow starts runs: %s", a.Body)
	}
	w.Request(key, "PATCH /v1/workflows/1", `{"name":"X"}`).Want(409)
	w.Request(key, "POST /v1/workflows/1/activate", "").Want(409)
	w.Request(key, "GET /v1/workflows?deleted=true", "").Want(200)
	w.Request(key, "POST /v1/workflows/1/restore", "").Want(200).Has("active", false).Has("deletedAt", nil)
	w.Request(key, "POST /v1/workflows/1/activate", "").Want(200)
	if id := w.event(key, "order", "3"); id == "" {
		t.Error("a restored workflow starts nothing")
	}
}

// event sends an event of a type and gives the id of the one run that it started.
func (w *world) event(key, typeKey, keyValue string) string {
	w.T.Helper()
	a := w.Request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":%q,"keyValue":%q,"params":{"email":"ann@example.com"}}`, typeKey, keyValue)).Want(200)
	runs, _ := a.Get("runIds").([]any)
	if len(runs) != 1 {
		w.T.Fatalf("started %v: %s", runs, a.Body)
	}
	return fmt.Sprintf("%.0f", runs[0])
}

func TestWhoUsesAThingIsSaidAndKeepsItFromBeingDeleted(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.Request(key, "POST /v1/fields", `{"key":"SHOP.CODE","type":"text"}`).Want(201)
	w.made(key, "/v1/segments", `{"name":"Coded"}`)
	w.active(key, strings.Replace(workflowOfSeed, `"exits":{"next":"end"}`, `"exits":{"next":"keep"}},`+
		`{"id":"keep","kind":"updateContact","fields":[{"field":"SHOP.CODE","value":"$data.get('WH5').get('promocode')"}],"exits":{"next":"put"}},`+
		`{"id":"put","kind":"addToSegment","segmentId":1,"exits":{"next":"end"}`, 1))
	const users = `"usedIn":[{"kind":"message","id":1,"name":"Promo code"},{"kind":"workflow","id":1,"name":"Welcome"}]`
	for _, line := range []string{"GET /v1/webhooks/2", "GET /v1/webhooks?usedIn=true"} {
		if a := w.Request(key, line, "").Want(200); !strings.Contains(a.Body, users) {
			t.Errorf("%s: %s", line, a.Body)
		}
	}
	if a := w.Request(key, "GET /v1/connectors/1", "").Want(200); !strings.Contains(a.Body, `"usedIn":[{"kind":"webhook","id":1,"name":"contacts_get_by_email"},{"kind":"workflow","id":1,"name":"Welcome"}]`) {
		t.Errorf("users of the connector: %s", a.Body)
	}
	const user = `"usedIn":[{"kind":"workflow","id":1,"name":"Welcome"}]`
	for _, line := range []string{"GET /v1/messages/1", "GET /v1/messages?usedIn=true", "GET /v1/segments/1"} {
		if a := w.Request(key, line, "").Want(200); !strings.Contains(a.Body, user) {
			t.Errorf("%s: %s", line, a.Body)
		}
	}
	for _, line := range []string{"DELETE /v1/messages/1", "DELETE /v1/segments/1", "DELETE /v1/fields/SHOP.CODE"} {
		if a := w.Request(key, line, "").Want(409); !strings.Contains(a.Body, `used by workflow 1 \"Welcome\"`) {
			t.Errorf("%s: %s", line, a.Body)
		}
	}
	w.Request(key, "DELETE /v1/workflows/1", "").Want(204)
	for _, line := range []string{"DELETE /v1/messages/1", "DELETE /v1/segments/1", "DELETE /v1/fields/SHOP.CODE"} {
		w.Request(key, line, "").Want(204)
	}
}

func TestAWorkflowIsShownWithoutCountingAllItsRuns(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/workflows", `{"name":"w","definition":{"trigger":{"eventTypeKey":"x"},"start":"end","blocks":[{"id":"end","kind":"end"}]}}`).Want(201)
	w.Request(key, "GET /v1/workflows/1", "").Want(200).Has("runsGoing", 0.0).Has("runs.ended", 0.0)
	if short := w.Request(key, "GET /v1/workflows/1?counts=false", "").Want(200).Has("runsGoing", 0.0); short.Get("runs") != nil {
		t.Errorf("counted: %s", short.Body)
	}
}
