package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
	"tidings/password"
)

// member makes a user who has a password.
func (w *world) member(email, secret string) tidings.User {
	w.T.Helper()
	hash, err := password.New(0).Hash(w.T.Context(), secret)
	if err != nil {
		w.T.Fatal(err)
	}
	u := w.user(w.account, email, tidings.RoleOwner)
	if err := w.Store.SetPassword(w.T.Context(), u.Account, u.ID, hash, 0, "test"); err != nil {
		w.T.Fatal(err)
	}
	return u
}

func TestAPersonSignsInAndGoesOnToWhereTheyWanted(t *testing.T) {
	w := newWorld(t)
	w.member("ann@acme.example", "a long enough secret")
	b := w.browser()
	p := b.get("/?days=7").want(http.StatusOK).has("form[action=/sign-in] input[name=password]")
	if got := p.attr("input[name=next]", "value"); got != "/?days=7" {
		t.Errorf("goes on to %q", got)
	}
	res := b.once(http.MethodPost, "/sign-in", map[string][]string{"email": {"Ann@acme.example"}, "password": {"a long enough secret"}, "next": {"/?days=7"}})
	if res.status != http.StatusSeeOther || res.header.Get("Location") != "/?days=7" {
		t.Fatalf("answered %d to %s", res.status, res.header.Get("Location"))
	}
	for _, c := range res.header.Values("Set-Cookie") {
		if strings.HasPrefix(c, "tidings=") && (!strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax")) {
			t.Errorf("the cookie is open: %s", c)
		}
	}
	b.get("/").want(http.StatusOK).says("Acme", "Dashboard")
	b.post("/sign-out").says("You are signed out.")
	b.get("/").has("form[action=/sign-in]")
}

func TestAWrongPasswordSaysTheSameAsAnUnknownEmail(t *testing.T) {
	w := newWorld(t)
	w.member("ann@acme.example", "a long enough secret")
	known := w.browser().post("/sign-in", "email", "ann@acme.example", "password", "a wrong secret").want(http.StatusUnprocessableEntity)
	unknown := w.browser().post("/sign-in", "email", "bob@acme.example", "password", "a wrong secret").want(http.StatusUnprocessableEntity)
	if a, b := strings.ReplaceAll(known.text("body"), "ann@", ""), strings.ReplaceAll(unknown.text("body"), "bob@", ""); a != b {
		t.Errorf("one can tell them apart:\n%s\n%s", a, b)
	}
	known.has("input[name=email][value=ann@acme.example]").saysNot("a wrong secret")
}

func TestTriesAreHeldBackAndThoseOfOthersAreNot(t *testing.T) {
	w := newWorld(t)
	w.member("ann@acme.example", "a long enough secret")
	for range 10 {
		w.browser().post("/sign-in", "email", "ann@acme.example", "password", "wrong wrong wrong").want(http.StatusUnprocessableEntity)
	}
	w.browser().post("/sign-in", "email", "ann@acme.example", "password", "a long enough secret").says("Too many wrong tries")
}

func TestNobodyIsSentToAnotherSite(t *testing.T) {
	w := newWorld(t)
	w.member("ann@acme.example", "a long enough secret")
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", ""} {
		res := w.browser().once(http.MethodPost, "/sign-in", map[string][]string{"email": {"ann@acme.example"}, "password": {"a long enough secret"}, "next": {next}})
		if got := res.header.Get("Location"); got != "/" {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
}
