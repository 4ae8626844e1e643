package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings/e2e/browser"
)

// studio is where somebody builds workflows: an account with contacts, an
// outside system, and a browser.
type studio struct {
	*server
	account *api
	outside *shop
	office  *postOffice
	*browser.Tab
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	s := &studio{outside: newShop(t), office: newPostOffice(t)}
	s.server = newServer(t, "--egress-ca", s.outside.ca, "--smtp", "smtp://"+s.office.addr)
	s.account = s.newAccount(t, "Acme")
	s.account.subscribers(t, "anna@example.com", "test@gmail.com")
	s.Tab = s.person(t, 1, "editor")
	return s
}

// newWorkflow makes an empty workflow that an event starts, and opens its editor.
func (s *studio) newWorkflow(name, event string) {
	s.Go("/")
	s.Within("navigation", "Main").Click("Workflows")
	s.Click("New workflow")
	s.Fill("Name", name)
	s.Fill("Event that starts it", event)
	s.Click("Make it")
	s.At("/automation/workflows/1*")
}

// action adds a block where the flow is open.
func (s *studio) action(kind string) {
	s.Within("region", "Actions").Click(kind)
	s.Within("region", "Settings").Sees(kind)
}

// TestAGETWebhookIsMadeTestedAndChosen is the manual's part on GET requests.
func TestAGETWebhookIsMadeTestedAndChosen(t *testing.T) {
	s := newStudio(t)
	s.account.make(t, "/v1/segments", map[string]any{"name": "Lviv", "condition": map[string]any{"field": "EMAIL", "op": "equals", "value": "test@gmail.com"}})
	s.newWorkflow("Welcome", "subscribeFromApi")
	s.action("Webhook")
	s.Click("Create webhook")
	w := s.Within("dialog", "New webhook")
	w.Fill("Name", "contacts_get_by_email")
	w.Fill("URL", "http://shop.example/api/v1/contacts?email=${email}&id=$EMAIL")
	w.Click("Done")
	s.Sees("https")
	s.Accessible()
	s.Fill("URL", s.outside.URL+"/api/v1/contacts?email=${email}&address=$EMAIL")
	s.Click("Pass parameters in headers")
	s.Click("Add a header")
	s.Fill("Header 1", "X-Run")
	s.Within("dialog", "New webhook").Fill("Value", "$workflowInstanceId")
	s.Click("Authentication")
	s.Click("New connector")
	s.Fill("Connector name", "Shop")
	s.Choose("Authentication type", "API key")
	s.Fill("Key", "hush-hush")
	s.Choose("Goes into", "Header")
	s.Fill("Name of the header or parameter", "X-Api-Key")
	s.Click("Done")
	s.Sees("Shop")

	s.Click("Send test")
	s.Choose("View contacts from the selected group", "Lviv")
	s.Misses("anna@example.com")
	s.Click("View the card of test@gmail.com")
	s.Sees("Town")
	s.Press(browser.Escape)
	s.ClickThe("radio", "test@gmail.com")
	s.Accessible()
	s.Click("Next")
	s.Sees("GET", "email=test%40gmail.com", "X-Api-Key: ••••")
	s.Click("Send request")
	s.Sees("200", "687266822", "Copy expression")
	s.Accessible()
	if calls := s.outside.called(); len(calls) != 1 || calls[0].header.Get("X-Api-Key") != "hush-hush" {
		t.Fatalf("the shop was called so: %+v", calls)
	}
	s.Click("Back")
	s.Click("Done")

	s.Within("region", "Settings").Choose("Webhook", "contacts_get_by_email")
	s.Fill("Contact Email", "${email}")
	s.Click("Save")
	s.Sees("$data.get('contacts_get_by_email')")
	if got := s.Value("Contact Email"); got != "${email}" {
		t.Errorf("Contact Email is %q", got)
	}
	s.Accessible()
}

// TestAPromoCodeComesByPOSTAndGoesOutInALetter is the manual's part on POST
// requests: webhook, email, test run, activation, event, letter.
func TestAPromoCodeComesByPOSTAndGoesOutInALetter(t *testing.T) {
	s := newStudio(t)
	s.newWorkflow("Promo code", "subscribeFromApi")
	s.action("Webhook")
	s.Click("Create webhook")
	s.Fill("Name", "WH5")
	s.ClickThe("radio", "POST")
	s.Fill("URL", s.outside.URL+"/promocodes?town=$TOWN")
	s.Click("Body")
	s.Choose("Format", "JSON")
	s.Fill("Data", `{"town": "$TOWN",`)
	s.Sees("line 1")
	s.Fill("Data", `{"town": "$TOWN"}`)
	s.Click("Send test")
	s.ClickThe("radio", "anna@example.com")
	s.Click("Next")
	s.Sees("town=Lviv")
	s.Click("Send request")
	s.Sees("LVIV-Lviv", "promocode")
	s.Click("Done")
	s.Within("region", "Settings").Choose("Webhook", "WH5")
	s.Fill("Contact Email", "${email}")
	s.Click("Save")
	s.Sees("$data.get('WH5')")

	s.Within("navigation", "Main").Click("Messages")
	s.Click("Create email")
	s.Fill("Name", "Promo code")
	s.Fill("Sender's address", "shop@example.com")
	s.Fill("Subject", "A code for $!firstName")
	s.Fill("HTML", `<p>Your code: $data.get('WH5').get('promocode')</p><p><a href="$unsubscribeLink">Unsubscribe</a></p>`)
	s.Sees("A code for Anna")
	s.Click("Create email")
	s.At("/messages/1*")

	s.Within("navigation", "Main").Click("Workflows")
	s.Click("Promo code")
	s.Click("Add a block after")
	s.action("Message")
	s.Choose("Message", "Promo code")
	s.Click("Save")
	s.Click("Test run")
	s.Fill("Parameters of the event", `{"email": "anna@example.com"}`)
	s.Choose("What comes of the call", "make the real call")
	s.ClickThe("button", "Test run")
	s.Sees("It comes to its end in 3 steps", "to anna@example.com")
	s.Click("1. WH5")
	s.Sees("LVIV-Lviv")
	s.Accessible()
	s.Within("navigation", "Main").Click("Workflows")
	s.Click("Promo code")
	s.Click("Activate…")
	s.Click("Activate")
	s.Sees("active")

	s.account.must(t, http.MethodPost, "/v1/events", map[string]any{"eventTypeKey": "subscribeFromApi", "params": map[string]any{"email": "anna@example.com"}}, nil)
	if l := s.office.to(t, "anna@example.com"); !strings.Contains(l.html, "Your code: LVIV-Lviv") {
		t.Errorf("the letter says %s", l.html)
	}
	s.Within("navigation", "Main").Click("Runs")
	s.Sees("Promo code", "ended")
}

// TestWebhooksAreManaged is the manual's last part: edit, test, delete with
// where it is used, the deleted ones, restore.
func TestWebhooksAreManaged(t *testing.T) {
	s := newStudio(t)
	s.account.seedWorkflow(t, s.outside.URL)
	s.Go("/automation/workflows/1")
	s.Within("region", "Flow").Click("Webhook WH5")
	s.Click("Manage Webhook")
	m := s.Within("dialog", "Manage webhooks")
	m.Within("row", "WH5").Sees("1 workflow and 1 message")
	m.Within("row", "WH5").Click("Acts on WH5")
	m.Within("row", "WH5").Click("Delete")
	s.Sees("Welcome", "Promo code")
	s.Accessible()
	s.Click("Delete WH5")
	s.Go("/automation/webhooks")
	s.Misses("WH5")
	s.Click("Deleted")
	s.Within("row", "WH5").Click("Restore")
	s.Click("Restore")
	s.Go("/automation/webhooks")
	s.Click("WH5")
	s.Fill("Description", "A promo code for a town")
	s.Click("Done")
	s.Go("/automation/webhooks/2")
	if got := s.Value("Description"); got != "A promo code for a town" {
		t.Errorf("the description is %q", got)
	}
}
