package ui_test

import (
	"strings"
	"testing"

	"tidings"
)

func TestAnAddressIsAddedWithAllItsOptions(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.get("/settings/laboratory/new").want(200).has("input[name=name]", "input[name=signing][checked]", "input[name=start][value=now][checked]", "form[data-guard]")
	p := b.post("/settings/laboratory/new", "name", "billing", "url", w.Receiver.URL, "auth", "on", "auth.username", "ann", "auth.password", "hush-hush",
		"headers[0].name", "", "headers[1].name", "X-Shop", "headers[1].value", "hush-too", "statuses", "READ", "statuses", "CLICKED", "mediaTypes", "sms",
		"batch.maxItems", "7", "batch.maxBytes", "4096", "batch.lingerMs", "250", "timeoutMs", "2000", "any2xx", "on", "signing", "on", "start", "beginning")
	p.want(200).says("billing is added", "Answered 200 in", ": active.", "whsec_", "it is shown this once").has("a[href=/settings/laboratory/1]").saysNot("hush")
	stored := w.do("GET /v1/endpoints/1", "").Body
	for _, want := range []string{`"username":"ann","set":true`, `"headers":[{"name":"X-Shop","set":true}]`, `"statuses":["READ","CLICKED"]`, `"mediaTypes":["sms"]`, `"maxItems":7,"maxBytes":4096,"lingerMs":250`, `"timeoutMs":2000,"any2xx":true,"signing":true`} {
		if !strings.Contains(stored, want) {
			t.Errorf("no %s in %s", want, stored)
		}
	}
	b.post("/settings/laboratory/new", "name", "later", "url", w.Receiver.URL, "start", "time", "start.time", "2026-01-31T15:04", "inactive", "on").want(200).says("it stays deactivated, as you chose").saysNot("whsec_")
}

func TestARefusedFormShowsTheReasonsAtTheFieldsAndKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	p := b.post("/settings/laboratory/new", "name", strings.Repeat("n", 201), "url", "gopher://x", "auth", "on", "auth.username", "a:b", "auth.password", "hush-hush",
		"headers[3].name", "Host", "headers[3].value", "hush-too", "batch.maxItems", "0", "timeoutMs", "9", "start", "now", "statuses", "READ")
	p.want(422).has("input[name=name][aria-invalid=true]", "input[name=url][aria-invalid=true][value=gopher://x]", "input[name=auth.username][aria-invalid=true]",
		"input[name=batch.maxItems][aria-invalid=true][value=0]", "input[name=timeoutMs][aria-invalid=true]", "input[name=statuses][value=READ][checked]")
	p.says("must be from 1 to 10000", "must not have a colon").saysNot("hush")
	b.post("/settings/laboratory/new", "name", "x", "url", w.Receiver.URL, "headers[3].name", "Host", "headers[3].value", "x", "start", "now").want(422).has("#f-headers-0--name[aria-invalid=true][value=Host]")
	b.post("/settings/laboratory/new", "name", "x", "url", w.Receiver.URL, "start", "seq", "start.seq", "0").want(422).has("#f-start-seq[aria-invalid=true][value=0]")
	b.post("/settings/laboratory/new", "name", "x", "url", w.Receiver.URL, "batch.maxItems", "many", "start", "now").want(422).says("must be a whole number").has("input[name=batch.maxItems][value=many]")
	b.get("/settings/laboratory").says("no address yet")
}

func TestSecretsStayWhenNothingIsTypedAndNeverComeBack(t *testing.T) {
	w := newWorld(t)
	id := w.at("billing", `"auth":{"type":"basic","username":"ann","password":"hush-hush"},"headers":[{"name":"X-Shop","value":"hush-too"}]`)
	b := w.as(tidings.RoleEditor)
	path := "/settings/laboratory/" + id + "/settings"
	p := b.get(path).want(200).has("input[name=auth][checked]", "input[name=auth.password]", "#f-headers-0--name[value=X-Shop]", "input[name=version][value=1]").saysNot("hush")
	if got := p.attr("input[name=auth.password]", "placeholder"); got != "set; type to replace" {
		t.Errorf("the password's field says %q", got)
	}
	fields := []string{"version", "1", "name", "invoices", "url", w.Receiver.URL, "auth", "on", "auth.username", "ann", "headers[0].name", "X-Shop", "signing", "on"}
	b.post(path, fields...).want(200).says("Saved: invoices is active.")
	w.do("POST /v1/activities", activities(1))
	<-w.Receiver.Came
	stored := w.do("GET /v1/endpoints/1", "").Body
	if !strings.Contains(stored, `"auth":{"type":"basic","username":"ann","set":true}`) || !strings.Contains(stored, `"name":"X-Shop"`) {
		t.Error(stored)
	}
	b.post(path, fields...).want(422).says("Somebody else saved it meanwhile", "was changed since it was read").has("input[name=name][value=invoices]")
	b.post(path, "version", "2", "name", "invoices", "url", w.Receiver.URL+"/new", "signing", "on").want(200).says("Answered 200 in", ": active.")
	if stored := w.do("GET /v1/endpoints/1", "").Body; !strings.Contains(stored, `"auth":null,"headers":[]`) {
		t.Error(stored)
	}
	b.post(path, "version", "3", "name", "invoices", "url", w.Receiver.URL+"/new").want(200)
	b.post(path, "version", "4", "name", "invoices", "url", w.Receiver.URL+"/new", "signing", "on").want(200).says("whsec_")
}

func TestViewersReadTheOptions(t *testing.T) {
	w := newWorld(t)
	id := w.at("billing", `"auth":{"type":"basic","username":"ann","password":"hush-hush"},"statuses":["READ"]`)
	w.as(tidings.RoleViewer).get("/settings/laboratory/"+id+"/settings").want(200).says("HTTP Basic, as ann", "READ", "at most 500 activities", "by 200 alone").saysNot("hush").hasNot("main form")
}
