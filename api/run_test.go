package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// ended waits until a run has come to its end and gives it.
func (w *world) ended(key, run string) *answer {
	w.t.Helper()
	var a *answer
	w.eventually("run "+run+" ends", func() bool {
		a = w.request(key, "GET /v1/runs/"+run, "").want(200)
		return a.get("state") != "going"
	})
	return a
}

func TestAnEventStartsARunWhoseRepliesFillTheMail(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.active(key, workflowOfSeed)
	run := w.ended(key, w.event(key, "subscribed", "s-1")).has("state", "ended").has("marked", false).has("stepsDone", 4.0)
	for _, part := range []string{`"exit":"ok"`, `/api/v1/contacts?email=ann%40example.com`, `"name":"Authorization","value":"Bearer ***"`, "LVIV-10", `"mailId":1`} {
		if !strings.Contains(run.body, part) {
			t.Errorf("the run does not show %s: %s", part, run.body)
		}
	}
	if strings.Contains(run.body, "hush") {
		t.Errorf("a secret is shown: %s", run.body)
	}
	w.eventually("the mail is sent", func() bool { return w.request(key, "GET /v1/outbox/1", "").want(200).get("state") == "sent" })
	mail := w.request(key, "GET /v1/outbox/1", "").want(200).has("to", "ann@example.com").has("subject", "Ann, a code").has("workflowId", 1.0).has("workflowBlockId", "letter")
	if !strings.Contains(mail.body, "Code LVIV-10 for 687266822") {
		t.Errorf("the mail says %s", mail.body)
	}
	raw := w.request(key, "GET /v1/outbox/1/raw", "").want(200)
	if raw.header.Get("Content-Type") != "message/rfc822" || !strings.Contains(raw.body, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") {
		t.Errorf("raw: %v %s", raw.header, raw.body)
	}
	var feed *answer
	w.eventually("the feed has DELIVERED", func() bool {
		feed = w.request(key, "GET /v1/activities?after=0", "").want(200)
		return strings.Contains(feed.body, "DELIVERED")
	})
	for _, part := range []string{
		`"workflowBlockId":"letter"`, `"workflowId":1`, `"sourceEventKey":"s-1"`, `"sourceEventTypeKey":"subscribed"`, `"messageTag":"welcome"`,
		`"messageName":"Promo code"`, fmt.Sprintf(`"workflowInstanceId":%q`, run.get("workflowInstanceId")), `"viewMessageLink":"`,
	} {
		if !strings.Contains(feed.body, part) {
			t.Errorf("the activity has no %s: %s", part, feed.body)
		}
	}
	timeline := w.request(key, "GET /v1/contacts/1/timeline", "").want(200)
	for _, kind := range []string{"event", "call", "run", "mail", "activity"} {
		if !strings.Contains(timeline.body, `"kind":"`+kind+`"`) {
			t.Errorf("the timeline has no %s: %s", kind, timeline.body)
		}
	}
}

func TestRunsAreListedByWhatOneLooksFor(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.active(key, workflowOfSeed)
	w.active(key, workflowThatWaits)
	w.ended(key, w.event(key, "subscribed", "s-1"))
	w.outside.answersBy(nil) // everything is 404 from now on
	w.ended(key, w.event(key, "subscribed", "s-2")).has("marked", false)
	w.event(key, "order", "o-1")
	for _, c := range []struct {
		query string
		ids   string
	}{
		{"/v1/runs", "3 2 1"},
		{"/v1/runs?workflowId=1", "2 1"},
		{"/v1/workflows/2/runs", "3"},
		{"/v1/runs?state=going", "3"},
		{"/v1/runs?state=ended", "2 1"},
		{"/v1/runs?contactId=1&before=3", "2 1"},
		{"/v1/runs?contactId=99", ""},
		{"/v1/runs?limit=1", "3"},
		{"/v1/runs?to=2020-01-01T00:00:00Z", ""},
	} {
		var ids []string
		for _, r := range w.request(key, "GET "+c.query, "").want(200).get("runs").([]any) {
			ids = append(ids, fmt.Sprintf("%.0f", r.(map[string]any)["id"]))
		}
		if got := strings.Join(ids, " "); got != c.ids {
			t.Errorf("%s gives %s, want %s", c.query, got, c.ids)
		}
	}
	w.request(key, "GET /v1/runs?from=yesterday", "").want(400)
	w.request(key, "GET /v1/workflows/1", "").want(200).has("runs.ended", 2.0)
}

func TestARunIsStoppedAndRunAgain(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.active(key, workflowThatWaits)
	run := w.event(key, "order", "1")
	w.request(key, "POST /v1/runs/"+run+"/stop", "").want(200).has("state", "stopped")
	w.request(key, "POST /v1/runs/"+run+"/stop", "").want(409)
	again := w.request(key, "POST /v1/runs/"+run+"/rerun", "").want(201).has("state", "going").has("eventId", 1.0)
	if again.get("id") == 1.0 {
		t.Error("the run is the same one")
	}
	w.event(key, "order", "2")
	w.request(key, "POST /v1/workflows/1/runs/stop", "").want(200).has("stopped", 2.0)
	w.event(key, "order", "3")
	w.request(key, "POST /v1/workflows/1/deactivate", `{"stopRuns":true}`).want(200).has("stopped", 1.0).has("workflow.active", false)
	w.request(key, "POST /v1/runs/1/rerun", "").want(409)
	for _, act := range []string{"run.stop", "run.start", "workflow.stop-runs", "workflow.deactivate"} {
		if a := w.request(key, "GET /v1/audit", "").want(200); !strings.Contains(a.body, act) {
			t.Errorf("%s is not in the audit: %s", act, a.body)
		}
	}
}

func TestADryRunSendsAndStoresNothingAndIsKeptAsACase(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.made(key, "/v1/workflows", `{"name":"Welcome","definition":`+workflowOfSeed+`}`)
	const data = `"contact":{"email":"bob@example.com","firstName":"Bob","TOWN":"Kyiv"},"event":{"eventTypeKey":"subscribed","params":{"email":"bob@example.com"}},"at":"2026-03-01T10:00:00Z"`
	a := w.request(key, "POST /v1/workflows/1/test", `{`+data+`,"replies":{"contacts_get_by_email":[{"id":7}],"WH5":{"promocode":"KYIV-1"}},"saveAs":"Kyiv"}`).want(200)
	a.has("starts", true).has("state", "ended").has("marked", false).has("case.name", "Kyiv")
	if !strings.Contains(a.body, "Code KYIV-1 for 7") || !strings.Contains(a.body, "town=Kyiv") {
		t.Errorf("the test shows %s", a.body)
	}
	if _, n := w.outside.last(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	for _, c := range []struct{ line, list string }{{"GET /v1/outbox", "mails"}, {"GET /v1/runs", "runs"}, {"GET /v1/events", "events"}} {
		if list := w.request(key, c.line, "").want(200).get(c.list).([]any); len(list) != 0 {
			t.Errorf("%s: %v", c.line, list)
		}
	}
	w.request(key, "POST /v1/workflows/1/test", `{`+data+`,"live":true}`).want(200).has("state", "ended")
	if _, n := w.outside.last(); n != 2 {
		t.Errorf("a live test made %d calls", n)
	}
	w.request(key, "POST /v1/workflows/1/test", `{`+data+`,"failures":{"contacts_get_by_email":"answered 500"}}`).want(200).has("state", "ended")

	w.request(key, "POST /v1/workflows/1/test", `{`+data+`,"replies":{"contacts_get_by_email":[]},"saveAs":"Kyiv"}`).want(409)
	w.request(key, "POST /v1/workflows/1/cases/run", "").want(200).has("ok", true)
	w.request(key, "PATCH /v1/messages/1", `{"subject":"Another subject"}`).want(200)
	w.eventually("the change of the message is seen", func() bool {
		a = w.request(key, "POST /v1/workflows/1/cases/run", "").want(200)
		return a.get("ok") == false
	})
	if !strings.Contains(a.body, `"path":"steps[2].mail.subject","expected":"Bob, a code","got":"Another subject"`) {
		t.Errorf("the difference is not named: %s", a.body)
	}
	w.request(key, "PATCH /v1/workflows/1/cases/1", `{"accept":true,"name":"Kyiv, autumn"}`).want(200).has("name", "Kyiv, autumn")
	w.request(key, "POST /v1/workflows/1/cases/run", "").want(200).has("ok", true)
	w.request(key, "GET /v1/workflows/2/cases/1", "").want(404)
	w.request(key, "DELETE /v1/workflows/1/cases/1", "").want(204)
	if list := w.request(key, "GET /v1/workflows/1/cases", "").want(200).get("cases").([]any); len(list) != 0 {
		t.Errorf("cases left: %v", list)
	}
}
