package ui_test

import (
	"net/http"
	"testing"
	"time"

	"tidings"
)

// invited makes a user by an invitation and gives the path of their link.
func (w *world) invited(email string, role tidings.UserRole) (tidings.User, string) {
	w.T.Helper()
	token := tidings.MakeToken()
	u, err := w.Store.InviteUser(w.T.Context(), tidings.User{Account: w.account, Email: email, Name: "invited", Role: role}, tidings.TokenDigest(token), time.Now().Add(time.Hour), "test")
	if err != nil {
		w.T.Fatal(err)
	}
	return u, "/join/" + token
}

func TestAnInvitedUserChoosesAPasswordAndIsSignedIn(t *testing.T) {
	w := newWorld(t)
	_, link := w.invited("bob@acme.example", tidings.RoleEditor)
	b := w.browser()
	b.get(link).want(http.StatusOK).says("Join Acme", "editor").has("input[name=email][value=bob@acme.example][readonly]")
	b.post(link, "name", "Bob", "password", "short").want(http.StatusUnprocessableEntity).says("must have 10 characters or more").has("input[name=name][value=Bob]")
	b.post(link, "name", "Bob", "password", "a long enough secret").want(http.StatusOK).says("Welcome to Acme.")
	b.get("/settings/profile").says("bob@acme.example", "editor").has("input[name=name][value=Bob]")
	w.browser().get(link).want(http.StatusNotFound).says("This link works no more")
}

func TestANewLinkForAForgottenPasswordSignsOutElsewhere(t *testing.T) {
	w := newWorld(t)
	u := w.member("ann@acme.example", "a long enough secret")
	elsewhere := w.browserOf(u)
	token := tidings.MakeToken()
	if err := w.Store.MakeLink(t.Context(), 1, u.ID, tidings.TokenDigest(token), time.Now().Add(time.Hour), "test"); err != nil {
		t.Fatal(err)
	}
	elsewhere.get("/").says("Dashboard")
	b := w.browser()
	b.get("/join/" + token).says("Choose a new password").hasNot("input[name=name]")
	b.post("/join/"+token, "name", "Mallory", "password", "another long secret").says("Your new password is set")
	b.get("/settings/profile").has("input[name=name][value=Ann]")
	elsewhere.get("/").has("form[action=/sign-in]")
	w.browser().post("/sign-in", "email", u.Email, "password", "a long enough secret").want(http.StatusUnprocessableEntity)
	w.browser().post("/sign-in", "email", u.Email, "password", "another long secret").want(http.StatusOK)
}

func TestALinkOfADeletedUserOpensNothing(t *testing.T) {
	w := newWorld(t)
	u, link := w.invited("bob@acme.example", tidings.RoleEditor)
	if err := w.Store.DeleteUser(t.Context(), 1, u.ID, "test"); err != nil {
		t.Fatal(err)
	}
	w.browser().get(link).want(http.StatusNotFound)
	w.browser().post(link, "name", "Bob", "password", "a long enough secret").want(http.StatusNotFound)
}
