package main

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidings"
)

// printed runs a command that must succeed and gives what it prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := run(t.Context(), args, terminal{out: &out, err: &errs}); code != exitOK {
		t.Fatalf("%v ended with %d: %s", args, code, errs.String())
	}
	return out.String()
}

// served starts a server of the flags with one account.
func served(t *testing.T, flags *serveCmd) *server {
	t.Helper()
	s, err := newServer(t.Context(), flags, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.store.CreateAccount(t.Context(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin"); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestALostPasswordIsReplacedByALinkFromTheCommandLine(t *testing.T) {
	flags := testFlags(t)
	s := served(t, flags)
	at := []string{"--server", s.URL(), "--admin-token", flags.AdminToken}
	link := regexp.MustCompile(regexp.QuoteMeta(s.URL()) + `/join/(\S{43})\n`)
	of := func(printed string) [32]byte {
		t.Helper()
		m := link.FindStringSubmatch(printed)
		if m == nil {
			t.Fatalf("there is no link in %s", printed)
		}
		return tidings.TokenDigest(m[1])
	}
	invited := of(printed(t, append([]string{"user", "invite", "1", "Ann@example.com"}, at...)...))
	if u, err := s.store.RedeemLink(t.Context(), invited, "", "hash"); err != nil || u.Role != tidings.RoleOwner || u.Name != "ann" {
		t.Errorf("the link made %+v, %v", u, err)
	}
	printed(t, append([]string{"user", "invite", "1", "bob@example.com", "--role", "viewer", "--name", "Bob"}, at...)...)
	list := printed(t, append([]string{"user", "list", "1"}, at...)...)
	for _, row := range []string{`1 +ann@example\.com +ann +owner +never`, `2 +bob@example\.com +Bob +viewer +invited`} {
		if !regexp.MustCompile(row).MatchString(list) {
			t.Errorf("%q is not in\n%s", row, list)
		}
	}
	again := of(printed(t, append([]string{"user", "link", "1", " ANN@example.com"}, at...)...))
	if u, _, err := s.store.LinkUser(t.Context(), again); err != nil || u.Email != "ann@example.com" {
		t.Errorf("the new link is of %+v, %v", u, err)
	}
	for _, args := range [][]string{{"user", "link", "1", "eve@example.com"}, {"user", "link", "9", "ann@example.com"}, {"user", "invite", "1", "ann@example.com"}, {"user", "list", "9"}} {
		var errs strings.Builder
		if code := run(t.Context(), append(args, at...), terminal{out: &errs, err: &errs}); code != exitFailed {
			t.Errorf("%v ended with %d: %s", args, code, errs.String())
		}
	}
}

func TestSetupIsOfferedAsLongAsThereIsNoUser(t *testing.T) {
	flags := testFlags(t)
	s := served(t, flags)
	offer := func(publicURL string) string {
		t.Helper()
		var out strings.Builder
		if err := s.offerSetup(t.Context(), terminal{out: &out}, publicURL); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	line := regexp.MustCompile(`^Open (\S+)/setup/(\S{43}) to make the first owner \(valid until 20\S+ \S+\)\n$`)
	first, second := line.FindStringSubmatch(offer("")), line.FindStringSubmatch(offer("https://tidings.example.com/"))
	if first == nil || second == nil || first[1] != s.URL() || second[1] != "https://tidings.example.com" {
		t.Fatalf("printed %q and %q", first, second)
	}
	ann := tidings.User{Email: "ann@example.com", Name: "Ann"}
	if _, _, err := s.store.SetUp(t.Context(), tidings.TokenDigest(first[2]), "", 1, ann, "hash"); tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("the link of an earlier start: %v", err)
	}
	if _, _, err := s.store.SetUp(t.Context(), tidings.TokenDigest(second[2]), "", 1, ann, "hash"); err != nil {
		t.Error(err)
	}
	if got := offer(""); got != "" {
		t.Errorf("with a user it printed %q", got)
	}
}

func TestHousekeepingRemovesLinksPastTheirTime(t *testing.T) {
	flags := testFlags(t)
	s := served(t, flags)
	digest := tidings.TokenDigest("token")
	if err := s.store.MakeSetupLink(t.Context(), digest, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	s.tidy(t.Context(), time.Now())
	if n, err := s.store.PurgeSessions(t.Context()); err != nil || n != 0 {
		t.Errorf("housekeeping has left %d, %v", n, err)
	}
}
