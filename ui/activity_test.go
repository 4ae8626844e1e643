package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// recent makes activities that happened just now: the list shows the last day.
func (w *world) recent(n int) {
	w.T.Helper()
	one := `{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email","email":"ann@example.com","messageName":"<script>x</script>"}`
	w.do("POST /v1/activities", "["+strings.TrimSuffix(strings.Repeat(one+",", n), ",")+"]")
}

func TestActivitiesAreFoundAndPaged(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleViewer)
	b.get("/activities").want(http.StatusOK).says("No activities in this time")
	w.recent(60)
	p := b.get("/activities").want(http.StatusOK).says("60", "ann@example.com", "delivered", "<script>x</script>").has("table caption", "a[href=/activities/60]", "a[href=/contacts/1]")
	p.hasNot("td script")
	older := b.get(p.attr("a[rel=next]", "href")).want(http.StatusOK).has("a[href=/activities/10]")
	older.hasNot("a[href=/activities/11]")
	b.get("/activities?email=nobody@example.com").says("Nothing fits").has("a[href=/activities]")
	b.get("/activities?status=CLICKED&last=week").says("Nothing fits")
}

func TestAConditionThatIsNoneIsSaidAtItsField(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleViewer).get("/activities?messageId=abc").want(http.StatusUnprocessableEntity).
		has("input[name=messageId][aria-invalid=true][value=abc]")
}

func TestAnActivityIsShownAsItIsSent(t *testing.T) {
	w := newWorld(t)
	w.recent(2)
	b := w.as(tidings.RoleViewer)
	b.get("/activities/2").want(http.StatusOK).says("Activity 2", "ann@example.com", "messageName").hasNot("main script")
	b.get("/activities/3").want(http.StatusNotFound)
	b.get("/activities/x").want(http.StatusNotFound)
}

func TestAnExportIsTheAPIsAndTellsHowFarItIs(t *testing.T) {
	w := newWorld(t)
	w.recent(3)
	b := w.as(tidings.RoleViewer)
	list := b.get("/activities")
	progress := list.attr("[hx-trigger=export]", "hx-get")
	b.htmx().get(progress).says("begins")
	var link string
	for _, a := range list.find("a[download]") {
		if textOf(a) == "CSV" {
			link, _ = attribute(a, "href")
		}
	}
	file := b.get(link).want(http.StatusOK)
	if !strings.HasPrefix(file.body, "seq,") || strings.Count(file.body, "\n") != 4 || !strings.Contains(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file: %v %q", file.header, file.body)
	}
	b.htmx().get(progress).says("activities taken").hasNot("[hx-get]")
	w.as(tidings.RoleOwner).htmx().get(progress).says("begins") // another's is not known
	b.get("/activities/export?format=xls").want(http.StatusBadRequest)
}
