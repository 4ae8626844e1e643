package ui_test

import (
	"net/http"
	"testing"

	"tidings"
)

const oneActivity = `[{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email","email":"ann@example.com","activityDateTime":"2026-01-31T10:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}]`

func TestAFreshAccountsDashboardSaysWhatToDoFirst(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleOwner).get("/").want(http.StatusOK).
		says("First steps", "Say where activities go", w.URL+"/v1/activities").
		has("a[href=/settings/laboratory]", "a[href=/automation/workflows/new]", "h1")
}

func TestTheDashboardShowsWhatIsBlockedFirst(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/endpoints", `{"name":"<b>orders</b>","url":"`+w.Receiver.URL+`/hook"}`)
	b := w.as(tidings.RoleOwner)
	b.get("/").says("Nothing is blocked").hasNot("b").saysNot("First steps")
	w.Receiver.Answer(http.StatusServiceUnavailable)
	w.do("POST /v1/activities", oneActivity)
	<-w.Receiver.Came
	p := w.blocked(b, "/").says("1 blocked address", "<b>orders</b>", "503")
	p.has("a[href=/settings/laboratory/1]").hasNot("td b", "th b")
	part := b.htmx().get("/dashboard/now").want(http.StatusOK).says("1 blocked address")
	part.hasNot("h1")
}

// blocked asks for a page until it knows of the failed attempt, which becomes
// known a moment after the receiver has answered it.
func (w *world) blocked(b *browser, path string) *page {
	w.T.Helper()
	for {
		if a := w.do("GET /v1/endpoints?blocked=true", ""); len(a.Get("endpoints").([]any)) > 0 {
			return b.get(path)
		}
		if w.T.Context().Err() != nil {
			w.T.Fatal("the endpoint is not blocked")
		}
	}
}

func TestViewersSeeTheDashboardWithoutTheAudit(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleViewer).get("/").want(http.StatusOK).saysNot("Changed lately")
	w.as(tidings.RoleEditor).get("/").want(http.StatusOK).says("Changed lately")
}
