package e2e_test

import (
	"testing"

	"tidings/e2e/browser"
)

// TestFromTheFirstStartToTheFirstPOST is the manual's first half, click by
// click: the link of the first start, Settings, Laboratory, the slide button,
// the address, Save with its check, and the first activity that arrives.
func TestFromTheFirstStartToTheFirstPOST(t *testing.T) {
	s := newServer(t)
	shop := newSite(t)
	p := browsers.Open(t, s.origin())
	p.Go(s.setupLink(t))
	p.Accessible()
	p.Fill("Name of the account", "Acme")
	p.Fill("Your name", "Olena Bondar")
	p.Fill("Email", "olena@acme.example")
	p.Fill("Password", aPassword)
	p.Click("Set up")
	p.At("/")
	p.Accessible()

	p.ClickThe("button", "Acme")
	p.ClickThe("link", "Settings")
	p.Within("navigation", "Main").Click("Laboratory")
	p.At("/settings/laboratory")
	p.ClickThe("switch", "Webhooks")
	p.Fill("Webhook address", shop.URL+"/activities")
	p.Click("Save")
	p.Sees("Answered 200", "active", "The setting-up is complete")
	if !p.On("Webhooks") {
		t.Error("the slide button is off")
	}
	p.Accessible()

	p.Within("navigation", "Main").Click("API keys")
	p.Fill("Name", "Platform")
	p.Tick("ingest")
	p.Click("Make the key")
	account := s.as(p.Within("region", "The key").Text())
	account.send(t, activities(7, 1, 3))
	shop.wants(t, `"messageInstanceId":3`)
	p.Go("/settings/laboratory")
	p.Within("row", "127.0.0.1").Click("127.0.0.1")
	p.Sees("3 activities", "200")
}

// tabTo moves the focus on by the tabulator until it is on a thing of a role and name.
func tabTo(t *testing.T, p *browser.Tab, role, name string) {
	t.Helper()
	var passed []string
	for range 80 {
		r, at := p.Focused()
		if r == role && at == name {
			return
		}
		passed = append(passed, at)
		p.Press(browser.Tabulator)
	}
	t.Fatalf("the tabulator does not reach %s %q: %q", role, name, passed)
}

// TestTheAccountsWebhookIsSetUpWithoutAMouse does the same by keys alone.
func TestTheAccountsWebhookIsSetUpWithoutAMouse(t *testing.T) {
	s := newServer(t)
	shop := newSite(t)
	p := browsers.Open(t, s.origin())
	p.Go(s.setupLink(t))
	for _, field := range [][2]string{{"Name of the account", "Acme"}, {"Your name", "Olena Bondar"}, {"Email", "olena@acme.example"}, {"Password", aPassword}} {
		tabTo(t, p, "textbox", field[0])
		p.Type(field[1])
	}
	p.Press(browser.Enter)
	p.At("/")
	tabTo(t, p, "link", "Skip to the content")
	tabTo(t, p, "button", "Acme")
	p.Press(browser.Enter)
	tabTo(t, p, "link", "Settings")
	p.Press(browser.Enter)
	p.At("/settings/laboratory")
	tabTo(t, p, "switch", "Webhooks")
	p.Press(browser.Space)
	p.Sees("Webhook address")
	tabTo(t, p, "textbox", "Webhook address")
	p.Type(shop.URL)
	p.Press(browser.Enter)
	p.Sees("Answered 200", "The setting-up is complete")
}
