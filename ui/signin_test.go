package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
	"tidings/password"
	"tidings/ui"
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

func TestAFormOfASessionThatHasEndedIsKeptAndSentAgain(t *testing.T) {
	w := newWorld(t)
	u := w.member("ann@acme.example", "a long enough secret")
	b := w.browserOf(u)
	if err := w.Store.EndSessions(t.Context(), 1, u.ID, 0, "test"); err != nil {
		t.Fatal(err)
	}
	p := b.post("/settings/users", "email", "bob@acme.example", "name", `Bob "B" <b>`, "role", "viewer").want(http.StatusUnauthorized).says("It is kept on this page")
	kept := []string{"again", p.attr("input[name=again]", "value"), "unsent", p.attr("input[name=unsent]", "value"), "email", u.Email, "password"}
	b.post("/sign-in", append(kept, "a wrong secret")...).want(http.StatusUnprocessableEntity).has("input[name=unsent]", "input[name=again][value=/settings/users]")
	p = b.post("/sign-in", append(kept, "a long enough secret")...).want(http.StatusOK).says("You are signed in again").has("form[action=/settings/users] input[name=role][value=viewer]")
	if got := p.attr("input[name=name]", "value"); got != `Bob "B" <b>` {
		t.Errorf("the name became %q", got)
	}
	if _, _, err := w.Store.UserByEmail(t.Context(), "bob@acme.example"); tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("it was done without being sent again: %v", err)
	}
	// What is secret is in no page, and a form of another site goes nowhere.
	gone := w.browserOf(u)
	gone.post("/sign-out")
	gone.post("/settings/profile/password", "current", "a long enough secret", "password", "hush hush hush").saysNot("hush hush").has("form[action=/sign-in]").hasNot("input[name=unsent]")
	b.post("/sign-in", "email", u.Email, "password", "a long enough secret", "again", "https://evil.example/", "unsent", "a=b").says("Dashboard").saysNot("evil.example")
}

func TestSigningInMakesANewTokenAndEndsTheOldSession(t *testing.T) {
	w := newWorld(t)
	u := w.member("ann@acme.example", "a long enough secret")
	b := w.browserOf(u)
	before := b.cookies["tidings"]
	b.post("/sign-in", "email", u.Email, "password", "a long enough secret").want(http.StatusOK)
	if b.cookies["tidings"] == before || b.cookies["tidings"] == "" {
		t.Error("the token stays the same")
	}
	old := w.browser()
	old.cookies["tidings"] = before
	old.get("/").has("form[action=/sign-in]")
	planted := w.browser()
	planted.cookies["tidings"] = "planted-by-somebody"
	planted.post("/sign-in", "email", u.Email, "password", "a long enough secret").want(http.StatusOK)
	if planted.cookies["tidings"] == "planted-by-somebody" {
		t.Error("a token that was planted signs in")
	}
}

func TestWithHTTPSCookiesAreForThisHostAndHTTPSOnly(t *testing.T) {
	w := newWorld(t, func(c *ui.Config) { c.PublicURL = "https://tidings.example.com" })
	w.member("ann@acme.example", "a long enough secret")
	res := w.browser().once(http.MethodPost, "/sign-in", map[string][]string{"email": {"ann@acme.example"}, "password": {"a long enough secret"}})
	cookie := strings.Join(res.header.Values("Set-Cookie"), "\n")
	for _, want := range []string{"__Host-tidings=", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie has no %q: %s", want, cookie)
		}
	}
	if strings.Contains(cookie, "Domain=") || res.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("the cookie is %s, HSTS %q", cookie, res.header.Get("Strict-Transport-Security"))
	}
}
