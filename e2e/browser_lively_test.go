package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// lively is an account in which something of everything has happened.
type lively struct {
	*server
	account *api
	office  *postOffice
	outside *shop
	orders  *sink // takes what it is sent
	crm     *site // answers 503
}

// newLively makes it. Its server tries a failed batch again after minutes, so
// that the endpoint that fails stays blocked for as long as a test looks at it.
func newLively(t *testing.T) *lively {
	t.Helper()
	l := &lively{office: newPostOffice(t), outside: newShop(t), orders: newSink(t, ""), crm: newSite(t)}
	l.server = newServer(t, "--smtp", "smtp://"+l.office.addr, "--egress-ca", l.outside.ca, "--admin-token", adminToken, "--retry-base", "5m", "--retry-cap", "1h")
	l.account = l.newAccount(t, "Acme")
	l.settings(t)
	l.people(t)
	l.account.seedWorkflow(t, l.outside.URL)
	l.flows(t)
	l.follow(t)
	l.happen(t)
	return l
}

// settings makes what the account is set up with.
func (l *lively) settings(t *testing.T) {
	t.Helper()
	for _, f := range []map[string]any{
		{"key": "PERSONAL.BONUS", "type": "number", "name": "Bonus points"},
		{"key": "PERSONAL.BIRTHDAY", "type": "date", "name": "Birthday"},
		{"key": "SHOP.CATEGORIES", "type": "list", "name": "Favourite categories"},
		{"key": "SHOP.VIP", "type": "bool", "name": "VIP"},
	} {
		l.account.must(t, http.MethodPost, "/v1/fields", f, nil)
	}
	l.account.make(t, "/v1/sources", map[string]any{"name": "Mail by SES", "kind": "ses", "secrets": map[string]any{"topicArns": []string{"arn:aws:sns:eu-central-1:123456789012:mail"}}})
	l.account.make(t, "/v1/sources", map[string]any{"name": "SMS by Twilio", "kind": "twilio", "secrets": map[string]any{"authToken": "0123456789abcdef0123456789abcdef"}})
	l.account.must(t, http.MethodPost, "/v1/accounts/me/keys", map[string]any{"name": "Shop backend", "scopes": []string{"ingest"}}, nil)
	l.account.must(t, http.MethodPost, "/v1/accounts/me/keys", map[string]any{"name": "Reports", "scopes": []string{"read"}}, nil)
}

// shoppers are the contacts, by first name, last name and town.
func shoppers() [][3]string {
	return [][3]string{
		{"Olena", "Bondar", "Lviv"},
		{"Marko", "Koval", "Kyiv"},
		{"Iryna", "Melnyk", "Odesa"},
		{"Taras", "Tkach", "Poltava"},
		{"Sofia", "Moroz", "Lutsk"},
		{"Danylo", "Savchuk", "Kharkiv"},
		{"Anna", "Lysenko", "Lviv"},
		{"Pavlo", "Hnatiuk", "Ternopil"},
	}
}

// addressOf is the email of a shopper.
func addressOf(s [3]string) string { return strings.ToLower(s[0]+"."+s[1]) + "@mail.example" }

func (l *lively) people(t *testing.T) {
	t.Helper()
	ids := make([]int64, 0, len(shoppers()))
	for i, s := range shoppers() {
		ids = append(ids, l.account.make(t, "/v1/contacts", map[string]any{
			"firstName": s[0], "lastName": s[1], "email": addressOf(s), "sms": fmt.Sprintf("38067%07d", 1234567+i*7919), "address": map[string]any{"town": s[2]},
			"fields": map[string]any{"PERSONAL.BONUS": 100 + 37*i, "SHOP.VIP": i%3 == 0, "SHOP.CATEGORIES": []string{"phones", "tablets"}[:1+i%2]},
		}))
	}
	vip := l.account.make(t, "/v1/segments", map[string]any{"name": "Newsletter"})
	l.account.must(t, http.MethodPost, fmt.Sprintf("/v1/segments/%d/contacts/add", vip), map[string]any{"contactIds": ids}, nil)
	l.account.make(t, "/v1/segments", map[string]any{"name": "From Lviv", "condition": map[string]any{"field": "TOWN", "op": "equals", "value": "Lviv"}})
	l.account.must(t, http.MethodPost, "/v1/blacklist", map[string]any{"channels": []map[string]any{{"type": "email", "value": "gone@mail.example"}}, "reason": "asked by phone"}, nil)
}

// flows makes messages, webhooks and workflows besides those of the manual, deleted ones too.
func (l *lively) flows(t *testing.T) {
	t.Helper()
	bearer := l.account.make(t, "/v1/connectors", map[string]any{"name": "CRM", "auth": map[string]any{"type": "bearer", "token": "crm-token-1234"}})
	stock := l.account.make(t, "/v1/webhooks", map[string]any{"name": "stock", "description": "How many are left", "method": "GET", "url": l.outside.URL + "/nowhere?sku=${sku}", "connectorId": bearer})
	gone := l.account.make(t, "/v1/webhooks", map[string]any{"name": "old shop", "method": "GET", "url": l.outside.URL + "/old"})
	l.account.must(t, http.MethodDelete, fmt.Sprintf("/v1/webhooks/%d", gone), nil, nil)
	sale := l.account.make(t, "/v1/messages", map[string]any{
		"name": "Autumn sale", "from": map[string]any{"name": "Shop", "address": "shop@example.com"}, "subject": "Autumn sale, $!firstName",
		"html": `<h1>Autumn sale</h1><p>Hello $!firstName, everything is cheaper.</p><p><a href="$unsubscribeLink">Unsubscribe</a></p>`,
	})
	l.account.make(t, "/v1/workflows", map[string]any{"name": "Abandoned cart", "definition": map[string]any{
		"trigger": map[string]any{"eventTypeKey": "abandonedCart"}, "start": "wait",
		"blocks": []map[string]any{
			{"id": "wait", "kind": "timer", "timer": map[string]any{"seconds": 3600}, "exits": map[string]any{"next": "stock"}},
			{"id": "stock", "kind": "webhook", "webhook": map[string]any{"webhookId": stock, "whose": map[string]any{"contactEmail": "${email}"}}, "exits": map[string]any{"ok": "mail", "failed": "mail"}},
			{"id": "mail", "kind": "message", "message": map[string]any{"messageId": sale}, "exits": map[string]any{"next": "end"}},
			{"id": "end", "kind": "end"},
		},
	}})
	l.account.make(t, "/v1/broadcasts", map[string]any{"name": "Autumn sale", "messageId": sale, "segmentId": 1})
	l.account.make(t, "/v1/broadcasts", map[string]any{"name": "Winter sale", "messageId": sale, "segmentId": 2, "at": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)})
}

// follow makes the addresses that activities go to.
func (l *lively) follow(t *testing.T) {
	t.Helper()
	l.account.newEndpoint(t, map[string]any{"name": "orders-hook", "url": l.orders.URL, "batch": map[string]any{"maxItems": 50}})
	l.account.newEndpoint(t, map[string]any{"name": "crm", "url": l.crm.URL, "auth": map[string]any{"type": "basic", "username": "tidings", "password": "hush"}, "statuses": []string{"DELIVERED", "READ", "CLICKED"}})
	off := l.account.newEndpoint(t, map[string]any{"name": "warehouse", "url": l.orders.URL + "/off"})
	l.account.must(t, http.MethodPost, fmt.Sprintf("/v1/endpoints/%d/deactivate", off.ID), nil, nil)
	l.crm.says(http.StatusServiceUnavailable, "maintenance until 12:00")
}

// happen has events, mails and activities come in.
func (l *lively) happen(t *testing.T) {
	t.Helper()
	for i, s := range shoppers() {
		l.account.subscribe(t, fmt.Sprintf("%d", 1258810400+i), addressOf(s))
	}
	for i, s := range shoppers() {
		l.office.to(t, addressOf(s))
		l.account.must(t, http.MethodPost, "/v1/events", map[string]any{"eventTypeKey": "orderPlaced", "keyValue": fmt.Sprintf("order-%d", 7000+i), "params": map[string]any{"email": addressOf(s), "total": 49.9 + float64(i), "items": []map[string]any{{"sku": "P-100", "count": 1}}}}, nil)
	}
	l.account.must(t, http.MethodPost, "/v1/activities", l.day(), nil)
	l.orders.wants(t, 20)
	eventually(t, "crm is blocked", func() bool { return l.account.endpoint(t, 2).BlockedSince != "" })
}

// day is what contacts did with messages of another sender.
func (l *lively) day() []map[string]any {
	statuses := []string{"DELIVERED", "READ", "CLICKED", "UNDELIVERED", "DELIVERED", "READ", "SPAM", "UNSUBSCRIBED"}
	var list []map[string]any
	for n := range 48 {
		s := shoppers()[n%8]
		a := map[string]any{
			"iid": fmt.Sprintf("%08x-5a1e-4000-8000-%012x", n, n), "contactId": 1 + n%8, "activityStatus": statuses[(n/8+n)%8], "mediaType": "email", "email": addressOf(s),
			"messageId": 1 + n%2, "messageInstanceId": 1344540 + n, "messageName": []string{"Autumn sale", "Your order is on its way", "You left something in the cart"}[n%3], "messageTag": "autumn",
			"activityDateTime": time.Now().UTC().Add(time.Duration(n-48) * time.Minute).Format("2006-01-02T15:04:05"),
		}
		switch a["activityStatus"] {
		case "CLICKED":
			a["clickEventLink"] = "https://shop.example/sale?contact=" + fmt.Sprint(n%8)
		case "UNDELIVERED":
			a["statusDescription"], a["hardBounce"] = "smtp;554 5.7.1 Spam message rejected; If this is not spam contact abuse", false
		}
		list = append(list, a)
	}
	return list
}
