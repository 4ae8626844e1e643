package e2e_test

import "testing"

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
