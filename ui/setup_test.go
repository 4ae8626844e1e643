package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tidings"
)

// setupLink makes the link that makes the first owner, and gives its path.
func (w *world) setupLink() string {
	w.T.Helper()
	token := tidings.MakeToken()
	if err := w.Store.MakeSetupLink(w.T.Context(), tidings.TokenDigest(token), time.Now().Add(time.Hour)); err != nil {
		w.T.Fatal(err)
	}
	return "/setup/" + token
}

func TestTheFirstOwnerSetsUpANewAccountAndIsSignedIn(t *testing.T) {
	w := newWorld(t)
	link := w.setupLink()
	b := w.browser()
	b.get(link).want(http.StatusOK).says("Set up Tidings", "Acme", "A new account").has("select[name=into]", "input[name=password][type=password]", "button[data-show=f-password]")
	b.post(link, "into", "", "account", "Bluebird", "name", "Ann Weaver", "email", "Ann@Bluebird.example", "password", "a long enough secret", "zone", "Europe/Oslo").
		want(http.StatusOK).says("Bluebird is set up", "Dashboard")
	b.get("/settings/dates").says("Bluebird").has("input[name=zone][value=Europe/Oslo]")
	b.get("/settings/users").says("Ann Weaver", "ann@bluebird.example", "operator")
	b.post("/sign-out")
	b.post("/sign-in", "email", "ann@bluebird.example", "password", "a long enough secret").says("Bluebird")
	w.browser().get(link).want(http.StatusNotFound).says("This link works no more").has("a[href=/sign-in]")
	w.browser().post(link, "account", "Second", "name", "Eve", "email", "eve@evil.example", "password", "a long enough secret").want(http.StatusNotFound)
	if _, _, err := w.Store.UserByEmail(t.Context(), "eve@evil.example"); tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("a used link made a user: %v", err)
	}
}

func TestTheFirstOwnerMayTakeAnAccountThatThereIs(t *testing.T) {
	w := newWorld(t)
	link := w.setupLink()
	w.browser().post(link, "into", "1", "name", "Ann", "email", "ann@acme.example", "password", "a long enough secret").says("Acme is set up")
	u, _, err := w.Store.UserByEmail(t.Context(), "ann@acme.example")
	if err != nil || u.Account != 1 || !u.Owns() || !u.Operator {
		t.Errorf("made %+v, %v", u, err)
	}
}

func TestASetupFormThatIsWrongSaysWhereAndKeepsWhatIsTyped(t *testing.T) {
	w := newWorld(t)
	link := w.setupLink()
	for _, c := range []struct{ into, account, name, email, password, at, says string }{
		{"", "", "Ann", "ann@acme.example", "a long enough secret", "f-account-error", "is required"},
		{"", "New", "", "ann@acme.example", "a long enough secret", "f-name-error", "is required"},
		{"", "New", "Ann", "ann", "a long enough secret", "f-email-error", "must be an email address"},
		{"", "New", "Ann", "ann@acme.example", "short", "f-password-error", "must have 10 characters or more"},
		{"x", "", "Ann", "ann@acme.example", "a long enough secret", "f-into-error", "is no account"},
	} {
		p := w.browser().post(link, "into", c.into, "account", c.account, "name", c.name, "email", c.email, "password", c.password).want(http.StatusUnprocessableEntity)
		if got := p.text("#" + c.at); !strings.Contains(got, c.says) {
			t.Errorf("%s says %q, want %q", c.at, got, c.says)
		}
		if got := p.attr("input[name=email]", "value"); got != c.email {
			t.Errorf("the email that was typed is gone: %q", got)
		}
		p.saysNot(c.password + `"`)
	}
	w.browser().get(link).want(http.StatusOK) // it is not used up
}

func TestAnUnknownSetupLinkSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	u := w.user(1, "ann@acme.example", tidings.RoleOwner)
	token := tidings.MakeToken()
	if err := w.Store.MakeLink(t.Context(), 1, u.ID, tidings.TokenDigest(token), time.Now().Add(time.Hour), "test"); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"/setup/" + tidings.MakeToken(), "/setup/" + token, "/join/" + tidings.MakeToken()} {
		w.browser().get(link).want(http.StatusNotFound).says("This link works no more", "sign")
	}
	w.browser().get(w.setupLink()).want(http.StatusOK)
}
