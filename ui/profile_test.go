package ui_test

import (
	"net/http"
	"testing"

	"tidings"
)

func TestEverybodyHasAProfile(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleViewer)
	p := b.get("/settings/profile").want(200).says("viewer@acme.example", "looks, and changes nothing", "this one").has("table caption", "a[href=/settings/profile]")
	version := p.attr("input[name=version]", "value")
	b.post("/settings/profile", "name", "Vera", "theme", "dark", "version", version).want(200).says("Saved.").has("html[data-theme=dark]", "input[name=name][value=Vera]")
	b.post("/settings/profile", "name", "", "version", "2").want(http.StatusUnprocessableEntity).has("#f-name-error")
	b.post("/settings/profile", "name", "Old", "version", version).want(http.StatusUnprocessableEntity).has("input[name=name][value=Old]").says("Load what is stored now")
}

func TestANewPasswordSignsOutElsewhereAndNeedsTheOldOne(t *testing.T) {
	w := newWorld(t)
	u := w.member("ann@acme.example", "a long enough secret")
	b, other := w.browserOf(u), w.browserOf(u)
	b.post("/settings/profile/password", "current", "a wrong one indeed", "password", "another long secret").want(http.StatusUnprocessableEntity).
		has("#f-current-error").saysNot("a wrong one indeed", "another long secret")
	b.post("/settings/profile/password", "current", "a long enough secret", "password", "short").want(http.StatusUnprocessableEntity).has("#f-password-error")
	other.get("/settings/profile").want(200).says("Where you are signed in")
	b.post("/settings/profile/password", "current", "a long enough secret", "password", "another long secret").want(200).says("All other browsers are signed out.")
	other.get("/settings/profile").has("form[action=/sign-in]")
	w.browser().post("/sign-in", "email", u.Email, "password", "another long secret").says("Dashboard")
}

func TestSessionsAreEndedOneByOneAndAllButThisOne(t *testing.T) {
	w := newWorld(t)
	u := w.member("ann@acme.example", "a long enough secret")
	b, one, two := w.browserOf(u), w.browserOf(u), w.browserOf(u)
	sessions, err := w.Store.Sessions(t.Context(), 1, u.ID)
	if err != nil || len(sessions) != 3 {
		t.Fatal(sessions, err)
	}
	b.post("/settings/profile/sessions/" + decimal(int(sessions[1].ID)) + "/end").says("That browser is signed out.")
	one.get("/").has("form[action=/sign-in]")
	b.post("/settings/profile/sign-out").says("You are signed out everywhere but here.")
	two.get("/").has("form[action=/sign-in]")
	b.get("/").says("Dashboard")
	strange := w.browserOf(w.user(1, "bob@acme.example", tidings.RoleOwner))
	strange.post("/settings/profile/sessions/" + decimal(int(sessions[2].ID)) + "/end").want(http.StatusNotFound)
	b.post("/settings/profile/sessions/" + decimal(int(sessions[2].ID)) + "/end").says("You are signed out.")
}

func TestTheThemeIsKept(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleViewer)
	if p := b.htmx().post("/theme", "theme", "dark"); p.status != http.StatusNoContent {
		t.Errorf("answered %d", p.status)
	}
	b.get("/").has("html[data-theme=dark]")
	b.headers = []string{"Referer: " + w.URL + "/settings/profile"}
	if p := b.once(http.MethodPost, "/theme", map[string][]string{"theme": {"light"}}); p.header.Get("Location") != "/settings/profile" {
		t.Errorf("goes to %q", p.header.Get("Location"))
	}
	b.get("/").has("html[data-theme=light]")
	b.post("/theme", "theme", "pink").want(http.StatusUnprocessableEntity)
}
