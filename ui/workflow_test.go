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

func TestTwoPeopleWhoEditOneWorkflowAreToldOfEachOther(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	w.do("PATCH /v1/workflows/1", `{"name":"Promo code 2"}`) // somebody else, meanwhile: version 3
	p := b.post("/automation/workflows/1/set", "version", "2", "block", "letter", "message.messageId", "1", "name", "Mine").want(http.StatusUnprocessableEntity)
	p.says("changed meanwhile by", "save again to put it in place of theirs", "load the newer one").has("input[value=Mine]")
	if got := p.attr("form[action=/automation/workflows/1/set] input[name=version]", "value"); got != "3" {
		t.Errorf("saving again names version %s", got)
	}
	b.post("/automation/workflows/1/set", "version", "3", "block", "letter", "message.messageId", "1", "name", "Mine").want(http.StatusOK).says("Saved.")
	w.do("PATCH /v1/workflows/1", `{"name":"Promo code 3"}`)
	b.post("/automation/workflows/1/insert", "version", "4", "at", "start", "kind", "timer").want(http.StatusUnprocessableEntity).says("The newer draft is shown")
}

func TestSettingsThatAreRefusedStayWithTheirReasons(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	b.post("/automation/workflows/1/insert", "version", "2", "at", "start", "kind", "timer").want(http.StatusOK)
	p := b.post("/automation/workflows/1/set", "version", "3", "block", "timer_1", "timer.seconds", "1", "timer.unit", "hour", "timer.at", "late", "timer.zone", "contact").want(http.StatusUnprocessableEntity)
	p.has("input[name=timer.at][value=late]", "#block-timer-at-error").says("must be a time of day as 09:30")
	p = b.post("/automation/workflows/1/trigger", "version", "3", "by", "event", "eventTypeKey", "subscribed", "once.mode", "per", "once.perSeconds", "1", "once.unit", "second").want(http.StatusUnprocessableEntity)
	p.has("#block-once-perSeconds-error")
}

func TestABlockIsMovedAndTakenOutAfterAQuestion(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	b.get("/automation/workflows/1/remove?block=known").want(http.StatusOK).says("are taken out of the draft", "Runs that are under way stay")
	b.get("/automation/workflows/1?block=letter&move=1").want(http.StatusOK).has("button[name=at][value=start]")
	b.post("/automation/workflows/1/move", "version", "2", "block", "letter", "at", "start").want(http.StatusOK).says("Moved.")
	if got := w.do("GET /v1/workflows/1", ""); !strings.Contains(string(got.Body), `"start":"letter"`) {
		t.Errorf("moved to %s", got.Body)
	}
	b.post("/automation/workflows/1/remove", "version", "3", "block", "letter").want(http.StatusOK).says("Taken out")
	b.get("/automation/workflows/1/remove?block=nothing").want(http.StatusNotFound)
}

func TestThePartsOfTheEditorComeAlone(t *testing.T) {
	w := newWorld(t)
	w.promo()
	p := w.as(tidings.RoleEditor).htmx().get("/automation/workflows/1?block=lookup").want(http.StatusOK)
	p.has("#editor", "select[name=webhook.webhookId]").hasNot("nav#nav")
	if got := p.header.Get("HX-Replace-Url"); got != "/automation/workflows/1?block=lookup" {
		t.Errorf("the address is %s", got)
	}
}

func TestAnActivationSaysWhatItChanges(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	b.post("/automation/workflows/1/insert", "version", "2", "at", "after:known:yes", "kind", "message").want(http.StatusOK)
	b.get("/automation/workflows/1/activate").want(http.StatusOK).says("It can't be activated yet", "is new", "goes by yes to").hasNot("form[action=/automation/workflows/1/activate]")
	b.post("/automation/workflows/1/activate", "version", "3").want(http.StatusUnprocessableEntity).says("can't be activated yet")
	b.post("/automation/workflows/1/set", "version", "3", "block", "message_1", "message.messageId", "1").want(http.StatusOK)
	b.get("/automation/workflows/1/activate").want(http.StatusOK).has("form[action=/automation/workflows/1/activate]")
	b.post("/automation/workflows/1/activate", "version", "4").want(http.StatusOK).says("Version 2 is active")
	b.get("/automation/workflows/1/versions").want(http.StatusOK).says("Version 2", "new runs take it")
	b.get("/automation/workflows/1/versions/1").want(http.StatusOK).says("is new", "Make it the draft")
	b.post("/automation/workflows/1/versions/1/take", "version", "5").want(http.StatusOK).says("The draft is what version 1 was")
	b.post("/automation/workflows/1/deactivate").want(http.StatusOK).says("starts no more runs")
}

func TestADeletedWorkflowSaysWhatEndsAndIsRestored(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/workflows", `{"name":"Waits","definition":{"trigger":{"eventTypeKey":"order"},"start":"wait","blocks":[{"id":"wait","kind":"timer","timer":{"seconds":86400},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}}`)
	w.do("POST /v1/workflows/1/activate", "")
	w.do("POST /v1/events", `{"eventTypeKey":"order","params":{"email":"ann@mail.example"}}`)
	b := w.as(tidings.RoleEditor)
	b.get("/automation/workflows/1/delete").want(http.StatusOK).says("1 run that is in progress will be stopped")
	b.post("/automation/workflows/1/delete").want(http.StatusOK).says("Waits is deleted. 1 run was stopped.")
	b.get("/automation/workflows?deleted=true").want(http.StatusOK).has("form[action=/automation/workflows/1/restore]")
	b.post("/automation/workflows/1/restore").want(http.StatusOK).says("Waits is restored")
	b.get("/automation/runs").want(http.StatusOK).says("stopped").has("table caption", "a[href=/automation/runs/1]")
	b.get("/automation/runs?state=going").want(http.StatusOK).says("No run matches")
	b.get("/automation/runs/1").want(http.StatusOK).says("Waits", "stopped")
}

func TestATestRunShowsEachStepAndIsKeptAsACase(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleEditor)
	b.get("/automation/workflows/1/test").want(http.StatusOK).has("input[name=contactId]", "select[name=eventId]", "textarea[name=reply]").says("contacts_get_by_email")
	bad := b.post("/automation/workflows/1/test", "params", "{", "call", "contacts_get_by_email", "mode", "reply", "reply", "[}").want(http.StatusUnprocessableEntity)
	bad.has("#f-params-error", "#f-reply-0-error").says("[}")
	p := b.post("/automation/workflows/1/test", "params", `{"email":"ann@mail.example"}`, "call", "contacts_get_by_email", "mode", "reply", "reply", `[{"id":7}]`, "saveAs", "Ann").want(http.StatusOK)
	p.says("It comes to its end in 4 steps", "GET https://crm.example/contacts?email=ann%40mail.example", "goes by yes", "Your code", "step 3", "It is kept as the case “Ann”")
	b.get("/automation/workflows/1/cases").want(http.StatusOK).says("Ann", "not run now")
	b.post("/automation/workflows/1/cases").want(http.StatusOK).says("Every case gives what it gave")
	b.post("/automation/workflows/1/remove", "version", "2", "block", "letter").want(http.StatusOK)
	b.post("/automation/workflows/1/cases").want(http.StatusOK).says("Not all cases give what they gave", "difference").has("form[action=/automation/workflows/1/cases/1/accept]")
	b.post("/automation/workflows/1/cases/1/accept").want(http.StatusOK)
	b.post("/automation/workflows/1/cases").want(http.StatusOK).says("as it was")
	b.get("/automation/workflows/1/cases/1").want(http.StatusOK).has("#case-input", "#case-expected")
	b.post("/automation/workflows/1/cases/1", "name", "").want(http.StatusUnprocessableEntity).has("#f-name-error")
	b.post("/automation/workflows/1/cases/1/delete").want(http.StatusOK).says("No cases yet")
}

func TestViewersOfWorkflowsHaveNoActs(t *testing.T) {
	w := newWorld(t)
	w.promo()
	b := w.as(tidings.RoleViewer)
	b.get("/automation/workflows/1?block=lookup").want(http.StatusOK).has("fieldset[disabled]").hasNot(".editor-actions", ".flow-plus", "[data-undo]", "form[action=/automation/workflows/1/set] button.primary")
	for _, act := range []string{"insert", "remove", "move", "set", "trigger", "undo", "name", "activate", "deactivate", "delete", "restore", "test", "cases", "runs/stop"} {
		b.post("/automation/workflows/1/" + act).want(http.StatusForbidden)
	}
	for _, page := range []string{"runs", "cases", "versions", "versions/1"} {
		b.get("/automation/workflows/1/" + page).want(http.StatusOK)
	}
}

func TestAnotherAccountsWorkflowsAreNotThere(t *testing.T) {
	w := newWorld(t)
	w.promo()
	w.Account("Other")
	b := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	for _, page := range []string{"", "/test", "/runs", "/cases", "/versions", "/versions/1", "/activate", "/deactivate", "/delete", "/name", "/remove?block=letter"} {
		b.get("/automation/workflows/1" + page).want(http.StatusNotFound)
	}
	for _, act := range []string{"insert", "remove", "move", "set", "trigger", "undo", "name", "activate", "deactivate", "delete", "restore", "test", "cases", "runs/stop"} {
		b.post("/automation/workflows/1/"+act, "version", "2", "block", "letter").want(http.StatusNotFound)
	}
	b.get("/automation/workflows").says("No workflows yet")
}

func TestWorkflowsAreShownPageByPageAndFoundByName(t *testing.T) {
	w := newWorld(t)
	for range 51 {
		w.do("POST /v1/workflows", `{"name":"One of many","definition":{"trigger":{"eventTypeKey":"order"}}}`)
	}
	w.do("POST /v1/workflows", `{"name":"The needle","definition":{}}`)
	b := w.as(tidings.RoleViewer)
	p := b.get("/automation/workflows").want(http.StatusOK).has("a[rel=next]")
	b.get(p.attr("a[rel=next]", "href")).want(http.StatusOK).says("The needle")
	b.get("/automation/workflows?q=NEEDLE").want(http.StatusOK).says("The needle").saysNot("One of many")
}
