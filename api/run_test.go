package api_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings/api/apitest"
)

// ended waits until a run has come to its end and gives it.
func (w *world) ended(key, run string) *apitest.Answer {
	w.T.Helper()
	var a *apitest.Answer
	w.eventually("run "+run+" ends", func() bool {
		a = w.Request(key, "GET /v1/runs/"+run, "").Want(200)
		return a.Get("state") != "going"
	})
	return a
}

func TestAnEventStartsARunWhoseRepliesFillTheMail(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.active(key, workflowOfSeed)
	run := w.ended(key, w.event(key, "subscribed", "s-1")).Has("state", "ended").Has("marked", false).Has("stepsDone", 4.0)
	for _, part := range []string{`"exit":"ok"`, `/api/v1/contacts?email=ann%40example.com`, `"name":"Authorization","value":"Bearer ***"`, "LVIV-10", `"mailId":1`} {
		if !strings.Contains(run.Body, part) {
			t.Errorf("the run does not show %s: %s", part, run.Body)
		}
	}
	if strings.Contains(run.Body, "hush") {
		t.Errorf("a secret is shown: %s", run.Body)
	}
	w.eventually("the mail is sent", func() bool { return w.Request(key, "GET /v1/outbox/1", "").Want(200).Get("state") == "sent" })
	mail := w.Request(key, "GET /v1/outbox/1", "").Want(200).Has("to", "ann@example.com").Has("subject", "Ann, a code").Has("workflowId", 1.0).Has("workflowBlockId", "letter")
	if !strings.Contains(mail.Body, "Code LVIV-10 for 687266822") {
		t.Errorf("the mail says %s", mail.Body)
	}
	raw := w.Request(key, "GET /v1/outbox/1/raw", "").Want(200)
	if raw.Header.Get("Content-Type") != "message/rfc822" || !strings.Contains(raw.Body, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") {
		t.Errorf("raw: %v %s", raw.Header, raw.Body)
	}
	var feed *apitest.Answer
	w.eventually("the feed has DELIVERED", func() bool {
		feed = w.Request(key, "GET /v1/activities?after=0", "").Want(200)
		return strings.Contains(feed.Body, "DELIVERED")
	})
	for _, part := range []string{
		`"workflowBlockId":"letter"`, `"workflowId":1`, `"sourceEventKey":"s-1"`, `"sourceEventTypeKey":"subscribed"`, `"messageTag":"welcome"`,
		`"messageName":"Promo code"`, fmt.Sprintf(`"workflowInstanceId":%q`, run.Get("workflowInstanceId")), `"viewMessageLink":"`,
	} {
		if !strings.Contains(feed.Body, part) {
			t.Errorf("the activity has no %s: %s", part, feed.Body)
		}
	}
	timeline := w.Request(key, "GET /v1/contacts/1/timeline", "").Want(200)
	for _, kind := range []string{"event", "call", "run", "mail", "activity"} {
		if !strings.Contains(timeline.Body, `"kind":"`+kind+`"`) {
			t.Errorf("the timeline has no %s: %s", kind, timeline.Body)
		}
	}
}

func TestRunsAreListedByWhatOneLooksFor(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.active(key, workflowOfSeed)
	w.active(key, workflowThatWaits)
	w.ended(key, w.event(key, "subscribed", "s-1"))
	w.Outside.AnswersBy(nil) // everything is 404 from now on
	w.ended(key, w.event(key, "subscribed", "s-2")).Has("marked", false)
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
		for _, r := range w.Request(key, "GET "+c.query, "").Want(200).Get("runs").([]any) {
			ids = append(ids, fmt.Sprintf("%.0f", r.(map[string]any)["id"]))
		}
		if got := strings.Join(ids, " "); got != c.ids {
			t.Errorf("%s gives %s, want %s", c.query, got, c.ids)
		}
	}
	w.Request(key, "GET /v1/runs?from=yesterday", "").Want(400)
	w.Request(key, "GET /v1/workflows/1", "").Want(200).Has("runs.ended", 2.0)
}

func TestARunIsStoppedAndRunAgain(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.active(key, workflowThatWaits)
	run := w.event(key, "order", "1")
	w.Request(key, "POST /v1/runs/"+run+"/stop", "").Want(200).Has("state", "stopped")
	w.Request(key, "POST /v1/runs/"+run+"/stop", "").Want(409)
	again := w.Request(key, "POST /v1/runs/"+run+"/rerun", "").Want(201).Has("state", "going").Has("eventId", 1.0)
	if again.Get("id") == 1.0 {
		t.Error("the run is the same one")
	}
	w.event(key, "order", "2")
	w.Request(key, "POST /v1/workflows/1/runs/stop", "").Want(200).Has("stopped", 2.0)
	w.event(key, "order", "3")
	w.Request(key, "POST /v1/workflows/1/deactivate", `{"stopRuns":true}`).Want(200).Has("stopped", 1.0).Has("workflow.active", false)
	w.Request(key, "POST /v1/runs/1/rerun", "").Want(409)
	for _, act := range []string{"run.stop", "run.start", "workflow.stop-runs", "workflow.deactivate"} {
		if a := w.Request(key, "GET /v1/audit", "").Want(200); !strings.Contains(a.Body, act) {
			t.Errorf("%s is not in the audit: %s", act, a.Body)
		}
	}
}

func TestADryRunSendsAndStoresNothingAndIsKeptAsACase(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.made(key, "/v1/workflows", `{"name":"Welcome","definition":`+workflowOfSeed+`}`)
	const data = `"contact":{"email":"bob@example.com","firstName":"Bob","TOWN":"Kyiv"},"event":{"eventTypeKey":"subscribed","params":{"email":"bob@example.com"}},"at":"2026-03-01T10:00:00Z"`
	a := w.Request(key, "POST /v1/workflows/1/test", `{`+data+`,"replies":{"contacts_get_by_email":[{"id":7}],"WH5":{"promocode":"KYIV-1"}},"saveAs":"Kyiv"}`).Want(200)
	a.Has("starts", true).Has("state", "ended").Has("marked", false).Has("case.name", "Kyiv")
	if !strings.Contains(a.Body, "Code KYIV-1 for 7") || !strings.Contains(a.Body, "town=Kyiv") {
		t.Errorf("the test shows %s", a.Body)
	}
	if _, n := w.Outside.Last(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	for _, c := range []struct{ line, list string }{{"GET /v1/outbox", "mails"}, {"GET /v1/runs", "runs"}, {"GET /v1/events", "events"}} {
		if list := w.Request(key, c.line, "").Want(200).Get(c.list).([]any); len(list) != 0 {
			t.Errorf("%s: %v", c.line, list)
		}
	}
	w.Request(key, "POST /v1/workflows/1/test", `{`+data+`,"live":true}`).Want(200).Has("state", "ended")
	if _, n := w.Outside.Last(); n != 2 {
		t.Errorf("a live test made %d calls", n)
	}
	w.Request(key, "POST /v1/workflows/1/test", `{`+data+`,"failures":{"contacts_get_by_email":"answered 500"}}`).Want(200).Has("state", "ended")

	w.Request(key, "POST /v1/workflows/1/test", `{`+data+`,"replies":{"contacts_get_by_email":[]},"saveAs":"Kyiv"}`).Want(409)
	w.Request(key, "POST /v1/workflows/1/cases/run", "").Want(200).Has("ok", true)
	w.Request(key, "PATCH /v1/messages/1", `{"subject":"Another subject"}`).Want(200)
	w.eventually("the change of the message is seen", func() bool {
		a = w.Request(key, "POST /v1/workflows/1/cases/run", "").Want(200)
		return a.Get("ok") == false
	})
	if !strings.Contains(a.Body, `"path":"steps[2].mail.subject","expected":"Bob, a code","got":"Another subject"`) {
		t.Errorf("the difference is not named: %s", a.Body)
	}
	w.Request(key, "PATCH /v1/workflows/1/cases/1", `{"accept":true,"name":"Kyiv, autumn"}`).Want(200).Has("name", "Kyiv, autumn")
	w.Request(key, "POST /v1/workflows/1/cases/run", "").Want(200).Has("ok", true)
	w.Request(key, "GET /v1/workflows/2/cases/1", "").Want(404)
	w.Request(key, "DELETE /v1/workflows/1/cases/1", "").Want(204)
	if list := w.Request(key, "GET /v1/workflows/1/cases", "").Want(200).Get("cases").([]any); len(list) != 0 {
		t.Errorf("cases left: %v", list)
	}
}
