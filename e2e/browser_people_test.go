package e2e_test

import "testing"

// TestWhoIsNotSignedInSeesTheSignInPageOnly asks for pages without a session.
func TestWhoIsNotSignedInSeesTheSignInPageOnly(t *testing.T) {
	s := newServer(t)
	s.newAccount(t, "Acme")
	p := browsers.Open(t, "http://"+s.addr)
	p.Go("/settings/laboratory")
	p.At("/sign-in?next=%2Fsettings%2Flaboratory")
	p.Misses("Acme")
	p.Accessible()
	p.Fill("Email", "owner@acme.example")
	p.Fill("Password", "a guess of a password")
	p.Click("Sign in")
	p.Sees("The email or the password is wrong")
	if got := p.Value("Email"); got != "owner@acme.example" {
		t.Errorf("what was typed is lost: %q", got)
	}
}
