package ui_test

import (
	"net/http"
	"testing"

	"tidings"
)

func TestTheAuditSaysWhoDidWhat(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	w.do("POST /v1/accounts/me/keys", `{"name":"k","scopes":["read"]}`)
	b.get("/settings/audit").want(http.StatusOK).says("key.create", "key 1 (first)", "account.create").has("table caption")
	b.get("/settings/audit?action=key.").says("key.create").saysNot("account.create")
	b.get("/settings/audit?actor=key+1").says("key.create").saysNot("account.create")
	b.get("/settings/audit?actor=nobody").says("Nothing was done that fits").has("a[href=/settings/audit]")
	w.as(tidings.RoleViewer).get("/settings/audit").want(http.StatusForbidden)
}

func TestNodesAreForOperators(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleOwner).get("/settings/nodes").want(http.StatusForbidden).says("belong to the installation")
}
