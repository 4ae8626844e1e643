package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tidings/e2e/browser"
)

// TestAFailingCheckSaysWhyAndCanBeOverruled has a server that refuses the GET.
func TestAFailingCheckSaysWhyAndCanBeOverruled(t *testing.T) {
	s := newServer(t)
	s.newAccount(t, "Acme")
	shop := newSite(t)
	shop.says(http.StatusForbidden, "go away")
	p := s.person(t, 1, "owner")
	p.Go("/settings/laboratory")
	p.ClickThe("switch", "Webhooks")
	p.Fill("Webhook address", shop.URL)
	p.Click("Save")
	p.Sees("403 Forbidden", "Check again")
	p.Accessible()
	p.Click("Activate anyway")
	p.At("/settings/laboratory/1")
	p.Sees("active")
}

// TestABlockedAddressDrainsWhenItIsMended shows what the receiver says, and
// delivers all when it is asked to try again.
func TestABlockedAddressDrainsWhenItIsMended(t *testing.T) {
	s := newServer(t, "--retry-base", "1h", "--retry-cap", "1h")
	account := s.newAccount(t, "Acme")
	crm := newSite(t)
	account.newEndpoint(t, map[string]any{"name": "crm", "url": crm.URL})
	crm.says(http.StatusServiceUnavailable, "maintenance until 12:00")
	account.send(t, activities(1, 1, 3))
	eventually(t, "it is blocked", func() bool { return account.endpoint(t, 1).BlockedSince != "" })
	p := s.person(t, 1, "editor")
	p.Go("/settings/laboratory/1")
	p.Sees("blocked", "503", "maintenance until 12:00", "Next try in")
	crm.says(http.StatusOK, "")
	p.Click("Try now")
	crm.wants(t, `"messageInstanceId":3`)
	p.Reload()
	p.Misses("blocked")

	crm.says(http.StatusServiceUnavailable, "again")
	account.send(t, activities(1, 4, 2))
	eventually(t, "it is blocked", func() bool { return account.endpoint(t, 1).BlockedSince != "" })
	p.Reload()
	p.Click("More acts on crm")
	p.Click("Skip head")
	p.Sees("will not be delivered")
	p.Fill("Reason", "two test activities")
	p.Click("Skip 2 activities")
	p.Misses("blocked")
	crm.says(http.StatusOK, "")
	p.Click("Seek")
	p.Click("The oldest that is kept")
	p.Click("Count")
	p.Sees("5 activities")
	p.Click("Move it")
	crm.wants(t, `"messageInstanceId":5`)
}

// TestAnExpiredSessionLosesNoWords ends a session in the middle of a form.
func TestAnExpiredSessionLosesNoWords(t *testing.T) {
	s := newServer(t)
	s.newAccount(t, "Acme")
	p := s.person(t, 1, "owner")
	p.Go("/contacts/segments/new")
	p.Fill("Name", "Newsletter")
	p.Click("A list")
	p.Forget()
	p.Click("Create the segment")
	p.Sees("Your session has ended", "It is kept on this page")
	p.Accessible()
	p.Fill("Email", "owner.1@acme.example")
	p.Fill("Password", aPassword)
	p.Click("Sign in")
	p.Click("Send it again")
	p.At("/contacts/segments/1")
	p.Sees("Newsletter")
}

// TestAViewerLooksAndActsNowhere compares what a viewer is offered.
func TestAViewerLooksAndActsNowhere(t *testing.T) {
	s := newStudio(t)
	s.account.seedWorkflow(t, s.outside.URL)
	s.account.newEndpoint(t, map[string]any{"name": "crm", "url": newSite(t).URL})
	p := s.person(t, 1, "viewer")
	for path, act := range map[string]string{
		"/settings/laboratory/1": "Try now", "/automation/webhooks": "New webhook", "/automation/workflows": "New workflow",
		"/messages": "Create email", "/contacts": "New contact", "/contacts/1": "Edit",
	} {
		s.Go(path)
		if !s.Offers(act) {
			t.Errorf("%s does not offer an editor to %s", path, act)
		}
		p.Go(path)
		if p.Offers(act) {
			t.Errorf("%s offers a viewer to %s", path, act)
		}
	}
	p.Go("/automation/webhooks/new")
	p.Sees("editors and owners")
	p.Go("/settings/users")
	p.Sees("owner")
}

// TestAPageOfAnotherOriginChangesNothing posts to the server from a page of
// another one, in a browser that is signed in.
func TestAPageOfAnotherOriginChangesNothing(t *testing.T) {
	s := newStudio(t)
	s.account.seedWorkflow(t, s.outside.URL)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><form method="post" action="` + s.origin() + `/automation/webhooks/1/delete"><button>Win a prize</button></form>`))
	}))
	t.Cleanup(evil.Close)
	s.Also(evil.URL)
	s.Tab.Go(evil.URL)
	s.Click("Win a prize")
	s.Tab.Go(s.origin() + "/automation/webhooks")
	s.Sees("contacts_get_by_email")
}

// TestTwoPeopleWhoEditOneThingHearOfEachOther saves a form that is out of date.
func TestTwoPeopleWhoEditOneThingHearOfEachOther(t *testing.T) {
	s := newStudio(t)
	s.account.seedWorkflow(t, s.outside.URL)
	other := s.person(t, 1, "owner")
	for _, p := range []*browser.Tab{s.Tab, other} {
		p.Go("/automation/webhooks/2")
	}
	other.Fill("Description", "theirs")
	other.Click("Done")
	other.At("/automation/webhooks*")
	s.Fill("Description", "mine")
	s.Click("Done")
	s.Sees("Load the newer one")
	if got := s.Value("Description"); got != "mine" {
		t.Errorf("what was typed is lost: %q", got)
	}
	s.Click("Load the newer one")
	if got := s.Value("Description"); got != "theirs" {
		t.Errorf("the newer one says %q", got)
	}
}

// TestTheFirstLoadIsLight holds the budget of style sheets and scripts.
func TestTheFirstLoadIsLight(t *testing.T) {
	s := newServer(t)
	s.newAccount(t, "Acme")
	p := s.person(t, 1, "viewer")
	p.Go("/")
	bytes, files := p.Weight()
	if len(files) < 3 || bytes == 0 || bytes > 100<<10 {
		t.Errorf("%d bytes in %v", bytes, files)
	}
}
