package ui_test

import (
	"net/http"
	"regexp"
	"testing"

	"tidings"
)

func TestAKeyIsShownOnceAndRevokedAfterAsking(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	made := b.post("/settings/keys", "name", "<i>shop</i>", "scopes", "ingest", "scopes", "read").want(http.StatusOK).says("It is shown this once", "<i>shop</i>")
	token := regexp.MustCompile(`tk_[\w-]{43}`).FindString(made.body)
	w.Request(token, "GET /v1/accounts/me", "").Want(http.StatusOK)
	b.get("/settings/keys").saysNot(token).says("ingest, read").has("a[href=/settings/keys/2/revoke]")
	b.get("/settings/keys/2/revoke").want(http.StatusOK).says("refused from their next request on").has("form[action=/settings/keys/2/revoke]")
	b.post("/settings/keys/2/revoke").says("revoked").hasNot("a[href=/settings/keys/2/revoke]")
	w.Request(token, "GET /v1/accounts/me", "").Want(http.StatusUnauthorized)
	b.get("/settings/keys/99/revoke").want(http.StatusNotFound)
}

func TestAKeyThatIsRefusedKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleOwner).post("/settings/keys", "name", "collector").want(http.StatusUnprocessableEntity).
		has("input[name=name][value=collector]").says("is required: one or more of ingest, read, manage")
}

func TestKeysAreForOwners(t *testing.T) {
	w := newWorld(t)
	for _, role := range []tidings.UserRole{tidings.RoleEditor, tidings.RoleViewer} {
		b := w.as(role)
		b.get("/settings/keys").want(http.StatusForbidden).says("This is for owners")
		b.post("/settings/keys", "name", "x", "scopes", "read").want(http.StatusForbidden)
	}
}
