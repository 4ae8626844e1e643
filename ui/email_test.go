package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestSettingsOfEmailAreSavedAndRefused(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.get("/settings/email").want(200).says("Sender", "Subscription categories", "SMTP server not connected", "count as sent").has("input[name=categories.key]", "input[role=switch]", "input[name=version][value=0]")
	rows := []string{"categories.key", "", "categories.name", "", "categories.key", "NEWS", "categories.name", "<b>News</b>", "categories.key", "SALE", "categories.name", ""}
	b.post("/settings/email", append(rows, "version", "0", "from.name", "Shop", "from.address", "shop@example.com", "countMachineOpens", "on")...).want(200).says("Saved.").
		has("input[name=from.address][value=shop@example.com]", "input[role=switch][checked]", "input[name=categories.key][value=SALE]").saysNot("<b>News")
	if a := w.do("GET /v1/settings/mail", ""); !strings.Contains(a.Body, `"categories":[{"key":"NEWS","name":"<b>News</b>"},{"key":"SALE"}]`) {
		t.Errorf("stored %s", a.Body)
	}
	p := b.post("/settings/email", append(rows, "version", "1", "from.name", "Shop", "from.address", "nobody", "categories.key", "NEWS", "categories.name", "Again")...).want(422)
	p.says("nothing was changed", "is given twice").has("input[name=from.address][value=nobody][aria-invalid=true]", "#category-key-2[aria-invalid=true]")
	b.post("/settings/email", "version", "0", "from.name", "Mine", "from.address", "mine@example.com").want(422).says("changed", "What you typed is still here.").has("input[name=from.name][value=Mine]")
}

func TestViewersReadTheSettingsOfEmail(t *testing.T) {
	w := newWorld(t)
	w.shop()
	b := w.as(tidings.RoleViewer)
	b.get("/settings/email").want(200).has("fieldset[disabled] input[name=from.address][value=shop@example.com]").hasNot("main button[type=submit]")
	b.post("/settings/email", "from.name", "x").want(http.StatusForbidden)
}
