package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestTryNowDeliversTheWaitingBatch(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleEditor)
	w.Receiver.Answer(http.StatusOK)
	b.post("/settings/laboratory/" + id + "/try").want(200).says("The waiting batch is tried now.")
	w.listed(id, `"lastSeq":3`)
	b.post("/settings/laboratory/" + id + "/try").want(200).says("Endpoint 1 has nothing to send.").has("h1")
}

func TestSkippingAsksForAReasonAndLeavesTheBatchOut(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleEditor)
	p := b.get("/settings/laboratory/" + id + "/skip").want(200).says("Skip 2 activities (seq 1-2)? They will not be delivered.").has("form input[name=reason]")
	b.htmx().get("/settings/laboratory/" + id + "/skip").want(200).has("dialog[data-auto] form[hx-post]").hasNot("h1")
	batch := p.attr("input[name=batchId]", "value")
	fields := []string{"batchId", batch, "activities", "2", "span", "1-2"}
	b.post("/settings/laboratory/"+id+"/skip", fields...).want(422).has("input[name=reason][aria-invalid=true]").says("is required")
	b.post("/settings/laboratory/"+id+"/skip", "batchId", "b_other", "reason", "moved").want(422).says("not the one that is meant: nothing was skipped").has("input[name=reason][value=moved]")
	b.post("/settings/laboratory/"+id+"/skip", append(fields, "reason", "its contact is gone")...).want(200).says("Skipped 2 activities (seq 1-2).")
	if audit := w.do("GET /v1/audit?limit=1", "").Body; !strings.Contains(audit, "its contact is gone") {
		t.Error(audit)
	}
	b.post("/settings/laboratory/"+id+"/skip", append(fields, "reason", "again")...).want(422).says("nothing was skipped")
}

func TestNothingIsSkippedWhereNothingIsBlocked(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", "")
	w.as(tidings.RoleEditor).get("/settings/laboratory/" + id + "/skip").want(200).says("No batch has failed").hasNot("main form")
}

func TestSeekingShowsTheCountBeforeAnythingMoves(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", "")
	w.do("POST /v1/activities", activities(3))
	w.listed(id, `"lastSeq":3`)
	b := w.as(tidings.RoleEditor)
	path := "/settings/laboratory/" + id + "/seek"
	b.get(path).want(200).has("input[name=to][value=time][checked]", "input[name=time]", "input[name=seq]")
	p := b.post(path, "to", "seq", "seq", "2").want(200).says("Up to 2 activities (seq 2 to 3) are sent a second time").has("form input[name=sure]", "form input[name=seq][value=2]")
	if posts := len(w.Receiver.Posts()); posts != 1 {
		t.Errorf("%d POSTs before it was confirmed", posts)
	}
	p.hasNot("input[name=to][type=radio]")
	b.post(path, "to", "seq", "seq", "2", "sure", "1").want(200).says("Moved: the next activity is seq 2.")
	w.listed(id, `"firstSeq":2`)
	b.post(path, "to", "seq", "seq", "99").want(422).says("must be at most 4: the feed ends at 3").has("input[name=seq][value=99]")
	b.post(path, "to", "seq", "seq", "two").want(422).says("must be a whole number").has("input[name=seq][value=two]")
	b.post(path, "to", "time", "time", "yesterday").want(422).says("must be a date and a time")
	b.post(path, "to", "time", "time", "2026-01-01T00:00").want(200).says("Up to 3 activities (seq 1 to 3)", "01/01/2026 00:00:00")
	b.htmx().post(path, "to", "beginning").want(200).has("dialog[data-auto] form[hx-post]").says("Up to 3 activities")
}

func TestSeekingToNowSaysWhatIsLost(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleEditor)
	b.post("/settings/laboratory/"+id+"/seek", "to", "now").want(200).says("3 activities (seq 1 to 3) are never delivered to this address.").has("button.danger")
	b.post("/settings/laboratory/"+id+"/seek", "to", "seq", "seq", "4", "sure", "1").want(200).says("nothing waiting")
}

func TestADeactivatedEndpointGoesOnWhereItStoppedOrFromNow(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleEditor)
	path := "/settings/laboratory/" + id
	b.post(path+"/deactivate").want(200).says("Deactivated: nothing is sent to orders-hook", "deactivated").has("a[href=/settings/laboratory/1/activate]").hasNot("form[action=/settings/laboratory/1/try]")
	b.get(path+"/activate").want(200).says("What waits: 3 activities", "seq 1 to 3 will not be delivered").has("input[name=from][value=cursor][checked]")
	b.post(path+"/activate", "from", "now").want(422).says("the probe failed: answered 503").has("button[name=force]", "input[name=from][value=now][checked]")
	w.Receiver.Answer(http.StatusOK)
	b.post(path+"/activate", "from", "now").want(200).says("orders-hook is active.", "nothing waiting")
	w.do("POST /v1/endpoints/1/deactivate", "")
	w.do("POST /v1/activities", activities(1))
	b.post(path+"/activate", "from", "cursor").want(200).says("Answered 200 in")
	w.listed(id, `"firstSeq":4`)
}

func TestARotatedSecretIsShownOnce(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", "")
	b := w.as(tidings.RoleEditor)
	path := "/settings/laboratory/" + id
	b.get(path+"/rotate").want(200).has("select[name=expireAfterS]", "input[name=secret][type=password]")
	b.post(path+"/rotate", "expireAfterS", "3600").want(200).says("whsec_", "The secret before signs too until", "How to verify a POST")
	b.get(path).want(200).saysNot("whsec_")
	b.get(path + "/settings").want(200).saysNot("whsec_")
	p := b.post(path+"/rotate", "expireAfterS", "0", "secret", "whsec_short").want(422).has("input[name=secret][aria-invalid=true]")
	p.saysNot("whsec_short")
	b.post(path+"/rotate", "expireAfterS", "0").want(200).says("The secret before does not sign any more")
}

func TestDeletingSaysWhatIsLost(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleEditor)
	b.get("/settings/laboratory/"+id+"/delete").want(200).says("3 activities that wait will not be delivered to it.", "stay in the account's feed").has("form[action=/settings/laboratory/1/delete] button.danger")
	b.post("/settings/laboratory/"+id+"/delete").want(200).says("Deleted: orders-hook gets nothing any more.", "no address yet")
	b.get("/settings/laboratory/" + id).want(404)
}
