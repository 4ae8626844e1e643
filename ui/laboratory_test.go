package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// at makes an endpoint of the account at the receiver, with further options as JSON members.
func (w *world) at(name, options string) string {
	w.T.Helper()
	if options != "" {
		options = "," + options
	}
	return w.do("POST /v1/endpoints", `{"name":"`+name+`","url":"`+w.Receiver.URL+`"`+options+`}`).ID()
}

func TestAnAccountWithoutAnAddressSwitchesWebhooksOnAndEntersOne(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	p := b.get("/settings/laboratory").want(200).says("no address yet").has("form[action=/settings/laboratory/switch] input[role=switch]", "details#webhooks input[name=url]")
	p.hasNot("details#webhooks[open]", "input[role=switch][checked]", "table")
	b.post("/settings/laboratory/switch", "enabled", "on").want(200).has("details#webhooks[open]", "input[role=switch][checked]")
	p = b.post("/settings/laboratory", "url", w.Receiver.URL+"/hook").want(200)
	p.says("Answered 200 in", ": active.", "The setting-up is complete", "it is shown this once", "whsec_").has("details#webhooks[open] table", "input[name=id][value=1]")
	b.get("/settings/laboratory").want(200).saysNot("whsec_").says("127.0.0.1", "active").has("input[name=url][value=" + w.Receiver.URL + "/hook]")
}

func TestAFailedCheckSaysTheCodeTheCauseAndWhatToDo(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	w.Receiver.Answer(http.StatusForbidden)
	p := b.post("/settings/laboratory", "url", w.Receiver.URL).want(200)
	p.says("Answered 403 Forbidden: the receiver, or a firewall before it, blocks our request.", "Let our User-Agent and address pass there.", "what arrives is kept", "deactivated")
	p.has("form[action=/settings/laboratory/1/check] button", "form[action=/settings/laboratory/1/activate] input[name=force]")
	b.post("/settings/laboratory/1/check").want(200).says("Answered 403 Forbidden", "Let our User-Agent")
	b.post("/settings/laboratory/1/activate", "force", "1").want(200).says("127.0.0.1 is active.").hasNot("form[action=/settings/laboratory/1/activate]")
	w.do("POST /v1/endpoints/1/deactivate", "")
	w.Receiver.Answer(http.StatusOK)
	b.post("/settings/laboratory/1/check").want(200).says("Answered 200 in", ": active.")
	w.do("GET /v1/endpoints/1", "").Get("state")
}

func TestTheAddressIsChangedInItsField(t *testing.T) {
	w := newWorld(t)
	w.at("shop", "")
	b := w.as(tidings.RoleEditor)
	field := []string{"id", "1", "version", "1", "original", w.Receiver.URL}
	b.post("/settings/laboratory", append(field, "url", w.Receiver.URL+"/new")...).want(200).says(": active.").saysNot("whsec_")
	if got := w.do("GET /v1/endpoints/1", "").Get("url"); got != w.Receiver.URL+"/new" {
		t.Errorf("the address is %v", got)
	}
	// Somebody else's change meanwhile: nothing is stored, what was typed stays.
	b.post("/settings/laboratory", append(field, "url", w.Receiver.URL+"/late")...).want(422).says("was changed since it was read").has("input[name=url][value=" + w.Receiver.URL + "/late]")
	b.post("/settings/laboratory", "id", "1", "version", "2", "original", w.Receiver.URL+"/new", "url", w.Receiver.URL+"/new").want(200).says("Answered 200 in")
}

func TestARefusedAddressStaysInItsFieldWithTheReason(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	for _, url := range []string{"ftp://shop.example/hook", "https://user:secret@shop.example/", `"><script>alert(1)</script>`, ""} {
		p := b.post("/settings/laboratory", "url", url).want(422).has("input[name=url][aria-invalid=true]", "#f-url-error")
		if got := p.attr("input[name=url]", "value"); got != url {
			t.Errorf("typed %q, and the field has %q", url, got)
		}
		p.saysNot("<script>alert")
	}
}

func TestTheSlideButtonStopsAndStartsAllAddresses(t *testing.T) {
	w := newWorld(t)
	w.at("shop", "")
	w.at("billing", "")
	b := w.as(tidings.RoleEditor)
	states := func() string {
		return w.do("GET /v1/endpoints/1", "").Get("state").(string) + " " + w.do("GET /v1/endpoints/2", "").Get("state").(string)
	}
	b.post("/settings/laboratory/switch").want(200).says("2 active addresses", "goes on where it stopped").has("form[action=/settings/laboratory/off]")
	if got := states(); got != "active active" {
		t.Errorf("before it was confirmed: %s", got)
	}
	b.post("/settings/laboratory/off").want(200).says("Webhooks are off").hasNot("input[role=switch][checked]")
	if got := states(); got != "deactivated deactivated" {
		t.Errorf("switched off: %s", got)
	}
	w.Receiver.Answer(http.StatusBadGateway)
	b.post("/settings/laboratory/switch", "enabled", "on").want(200).says("2 addresses stay deactivated", "shop: The probe failed: answered 502")
	w.Receiver.Answer(http.StatusOK)
	b.post("/settings/laboratory/switch", "enabled", "on").want(200).says("Webhooks are on: 2 addresses are delivered to.")
	if got := states(); got != "active active" {
		t.Errorf("switched on: %s", got)
	}
}

func TestSeveralAddressesAreListedWithTheirState(t *testing.T) {
	w := newWorld(t)
	w.at("<script>alert(1)</script>", "")
	w.at("billing", `"activate":"never"`)
	p := w.as(tidings.RoleEditor).get("/settings/laboratory").want(200).says("2 addresses", "active", "deactivated").saysNot("<script>alert")
	p.has("table caption", "a[href=/settings/laboratory/2]", "a[href=/settings/laboratory/new]").hasNot("form[action=/settings/laboratory] input[name=url]")
}

func TestViewersSeeWebhooksWithoutTheActs(t *testing.T) {
	w := newWorld(t)
	v := w.as(tidings.RoleViewer)
	v.get("/settings/laboratory").want(200).says("Webhooks are off", "No address yet").hasNot("main form")
	id := w.at("shop", "")
	v.get("/settings/laboratory").want(200).says("Webhooks are on", "shop").hasNot("main form", "a[href=/settings/laboratory/new]")
	for _, path := range []string{"", "/live", "/settings"} {
		v.get("/settings/laboratory/"+id+path).want(200).says("shop").hasNot("main form", ".page-actions")
	}
	for _, path := range []string{"/switch", "/off", "/new", "", "/1/try", "/1/check", "/1/deactivate", "/1/activate", "/1/seek", "/1/skip", "/1/rotate", "/1/delete", "/1/settings"} {
		v.post("/settings/laboratory"+path, "url", w.Receiver.URL).want(403)
	}
	if w.do("GET /v1/endpoints", ""); !strings.Contains(w.do("GET /v1/endpoints/1", "").Body, `"version":1`) {
		t.Error("a viewer has changed something")
	}
}
