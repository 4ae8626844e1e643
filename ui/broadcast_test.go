package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestBroadcastsSayWhatToDoWhileThereAreNone(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleEditor).get("/messages/broadcasts").want(200).says("No broadcasts yet").has("a[href=/messages/broadcasts/new]")
	w.as(tidings.RoleViewer).get("/messages/broadcasts").want(200).says("No broadcasts yet").hasNot("a[href=/messages/broadcasts/new]")
}

func TestABroadcastSaysToHowManyItGoesBeforeItIsMade(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("PATCH /v1/messages/1", `{"categories":["NEWS"]}`)
	w.do("POST /v1/contacts", `{"email":"bob@example.com"}`)
	b := w.as(tidings.RoleEditor)
	b.get("/messages/broadcasts/new?messageId=1").want(200).has("input[name=messageId][value=1]", "select[name=segmentId] option[value=1]").says("Time of")
	typed := []string{"name", "Autumn", "messageId", "1", "segmentId", "1", "at", "2099-12-01T09:00", "perMinute", "600"}
	p := b.post("/messages/broadcasts/review", typed...).want(200).says("2 in Lviv, now", "A present for $firstName", "those of the segment who take NEWS", "Schedule for 2 contacts", "600 mails a minute at most", "01/12/2099")
	if got := w.do("GET /v1/broadcasts", "").Body; !strings.Contains(got, `"broadcasts":[]`) {
		t.Fatalf("it was made before it was confirmed: %s", got)
	}
	p.has("form[action=/messages/broadcasts] input[name=at][value=2099-12-01T09:00]", "a[href^=/messages/broadcasts/new?]")
	b.get(p.attr("a[href^=/messages/broadcasts/new?]", "href")).want(200).has("input[name=perMinute][value=600]", "input[name=name][value=Autumn]", "option[value=1][selected]")
	b.post("/messages/broadcasts", typed...).want(200).says("It begins at 01/12/2099", "scheduled", "Begins in").has("form[action=/messages/broadcasts/1/cancel]")
	b.get("/messages/broadcasts").want(200).says("Autumn", "Promo code", "Lviv", "not begun").has("table caption", "a[href=/messages/broadcasts/1]")
}

func TestTheTimeOfABroadcastIsOfTheAccountsZone(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("PATCH /v1/accounts/me", `{"zone":"Europe/Kyiv"}`)
	w.as(tidings.RoleEditor).post("/messages/broadcasts", "name", "x", "messageId", "1", "segmentId", "1", "at", "2099-12-01T09:00").want(200)
	if got := w.do("GET /v1/broadcasts/1", "").Get("at"); got != "2099-12-01T07:00:00Z" {
		t.Errorf("it begins at %v", got)
	}
}

func TestARefusedBroadcastKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleEditor)
	b.post("/messages/broadcasts/review", "name", "", "perMinute", "x", "at", "soon").want(422).says("must be a whole number", "must be a date and a time").has("input[name=perMinute][value=x][aria-invalid=true]")
	b.post("/messages/broadcasts/review", "name", "Autumn").want(422).says("choose what is sent", "choose to whom").has("input[name=name][value=Autumn]")
	b.post("/messages/broadcasts", "name", "Autumn", "messageId", "1", "segmentId", "1", "perMinute", "0").want(422).says("must be from 1 to").has("input[name=perMinute][aria-invalid=true]")
	b.post("/messages/broadcasts/review", "name", "Autumn", "messageId", "9", "segmentId", "1").want(http.StatusNotFound)
}

func TestABroadcastIsPausedResumedAndCanceled(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("POST /v1/broadcasts", `{"name":"Autumn","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z"}`)
	b := w.as(tidings.RoleEditor)
	b.get("/messages/broadcasts/1/cancel").want(200).says("can't go on").has("form[action=/messages/broadcasts/1/cancel]")
	b.post("/messages/broadcasts/1/pause").want(200).says("paused", "Go on").hasNot("form[action=/messages/broadcasts/1/pause]", "#broadcast-progress[hx-get]")
	b.post("/messages/broadcasts/1/resume").want(200).says("scheduled").has("#broadcast-progress[hx-get]")
	part := b.htmx().get("/messages/broadcasts/1?state=paused").want(200).has("#broadcast-progress").hasNot("h1")
	if part.header.Get("HX-Refresh") != "true" {
		t.Error("a page with acts of another state is not loaded anew")
	}
	b.post("/messages/broadcasts/1/cancel").want(200).says("canceled").hasNot("form[action=/messages/broadcasts/1/cancel]")
	b.post("/messages/broadcasts/1/resume").want(http.StatusConflict)
	b.get("/messages/broadcasts/1/explode").want(http.StatusNotFound)
}

func TestViewersAndOthersDoNothingWithBroadcasts(t *testing.T) {
	w := newWorld(t)
	w.shop()
	w.do("POST /v1/broadcasts", `{"name":"<script>","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z"}`)
	w.Account("Other")
	viewer := w.as(tidings.RoleViewer)
	viewer.get("/messages/broadcasts").want(200).saysNot("<script>\n", "<script></").hasNot("a[href=/messages/broadcasts/new]")
	viewer.get("/messages/broadcasts/1").want(200).says("scheduled").hasNot("form[action^=/messages/broadcasts/1]")
	eve := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	eve.get("/messages/broadcasts/1").want(http.StatusNotFound)
	eve.get("/messages/broadcasts/1/cancel").want(http.StatusNotFound)
	for _, act := range []string{"pause", "resume", "cancel"} {
		viewer.post("/messages/broadcasts/1/" + act).want(http.StatusForbidden)
		eve.post("/messages/broadcasts/1/" + act).want(http.StatusNotFound)
	}
	eve.post("/messages/broadcasts", "name", "x", "messageId", "1", "segmentId", "1").want(422).says("there is no message 1")
	if got := w.do("GET /v1/broadcasts/1", "").Get("state"); got != "scheduled" {
		t.Errorf("it is %v", got)
	}
}
