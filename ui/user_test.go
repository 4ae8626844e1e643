package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestAnOwnerInvitesAndTheLinkIsShownOnce(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	b.get("/settings/users").want(200).says("owner@acme.example", "(you)", "active").has("table caption", "a[href=/settings/users/new]")
	b.get("/settings/users/new").want(200).has("input[name=email]", "input[name=role][value=editor][checked]")
	p := b.post("/settings/users", "email", "Bob@acme.example", "name", "<script>alert(1)</script>", "role", "viewer").want(200).says("is invited", "shown here and never again")
	p.saysNot("<script>alert")
	_, token, ok := strings.Cut(p.attr("button[data-copy]", "data-copy"), "/join/")
	if !ok {
		t.Fatalf("there is no link to copy: %s", p.body)
	}
	b.get("/settings/users").says("bob@acme.example", "invited: has not opened the link yet").saysNot(token, "<script>alert")
	w.browser().post("/join/"+token, "name", "Bob", "password", "a long enough secret").says("Welcome to Acme.")
	b.get("/settings/users?q=bob&role=viewer").says("Bob", "1 user shown").saysNot("owner@acme.example")
	b.get("/settings/users?q=nobody").says("No user is like that").has("a[href=/settings/users]")
}

func TestARefusedInvitationSaysWhereAndKeepsWhatIsTyped(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	for _, c := range []struct{ email, role, at, says string }{
		{"", "viewer", "f-email-error", "is required"},
		{"bob", "viewer", "f-email-error", "must be an email address"},
		{"owner@acme.example", "viewer", "f-email-error", "already"},
		{"bob@acme.example", "king", "f-role-error", "unknown role"},
	} {
		p := b.post("/settings/users", "email", c.email, "name", "Bob", "role", c.role).want(http.StatusUnprocessableEntity)
		if got := p.text("#" + c.at); !strings.Contains(got, c.says) {
			t.Errorf("%q as %q: %s says %q, want %q", c.email, c.role, c.at, got, c.says)
		}
		p.has("input[name=name][value=Bob]", "input[name=email][value='"+c.email+"']")
	}
}

func TestUsersAreChangedLinkedSignedOutAndDeleted(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	bob := w.user(1, "bob@acme.example", tidings.RoleViewer)
	his, at := w.browserOf(bob), "/settings/users/2"
	p := b.get(at).want(200).says("bob@acme.example", "Signed in").has("input[name=version]", "a[href=/settings/users/2/delete]")
	version := p.attr("input[name=version]", "value")
	b.post(at, "name", "Robert", "role", "editor", "version", version).want(200).says("Saved: Robert is an editor.")
	b.post(at, "name", "Bobby", "role", "viewer", "version", version).want(http.StatusUnprocessableEntity).has("input[name=name][value=Bobby]").says("Load what is stored now")
	his.get("/settings/users").says("Only owners see and invite users.", "You are an editor.").hasNot("table")
	b.post(at + "/sign-out").says("Robert is signed out everywhere.")
	his.get("/").has("form[action=/sign-in]")
	b.post(at + "/link").says("A new link for Robert").has("button[data-copy]")
	b.get(at+"/delete").want(200).says("is signed out everywhere and can't sign in any more", "Delete Robert")
	b.post(at+"/delete").want(200).says("is deleted", "Users")
	b.get(at).want(http.StatusNotFound)
}

func TestTheLastOwnerStaysAndIsToldWhy(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	version := b.get("/settings/users/1").attr("input[name=version]", "value")
	for _, p := range []*page{
		b.post("/settings/users/1", "name", "Ann", "role", "viewer", "version", version),
		b.post("/settings/users/1/delete"),
	} {
		p.want(http.StatusUnprocessableEntity).says("the account's only owner who has signed in: make another user an owner first")
	}
	b.get("/settings/users").says("owner@acme.example")
}

func TestUsersArePaged(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleOwner)
	for i := range 51 {
		w.invited("u"+decimal(i)+"@acme.example", tidings.RoleViewer)
	}
	p := b.get("/settings/users").want(200).says("50 users shown")
	b.get(p.attr("a[rel=next]", "href")).says("2 users shown", "u50@acme.example").has("a[rel=prev]")
}
