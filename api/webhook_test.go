package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/api"
)

// quote writes a text as a JSON string.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// webhook makes a webhook of the outside system and gives its id.
func (w *world) webhook(key, name, definition string) string {
	w.t.Helper()
	a := w.request(key, "POST /v1/webhooks", `{"name":`+quote(name)+`,`+definition+`}`).want(201)
	return fmt.Sprintf("%.0f", a.get("id"))
}

// connector makes a connector and gives its id.
func (w *world) connector(key, name, auth string) string {
	w.t.Helper()
	a := w.request(key, "POST /v1/connectors", `{"name":`+quote(name)+`,"auth":`+auth+`}`).want(201)
	return fmt.Sprintf("%.0f", a.get("id"))
}

func TestAConnectorsSecretIsTakenAndNeverShown(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for i, auth := range []string{
		`{"type":"basic","username":"ann","password":"hush-1"}`,
		`{"type":"bearer","token":"hush-2"}`,
		`{"type":"apiKey","key":"hush-3","in":"header","name":"X-Api-Key"}`,
		`{"type":"apiKey","key":"hush-4","in":"query","name":"api_key"}`,
	} {
		made := w.request(key, "POST /v1/connectors", fmt.Sprintf(`{"name":"c%d","auth":%s}`, i, auth)).want(201).has("auth.set", true).has("version", 1.0)
		id := fmt.Sprintf("%.0f", made.get("id"))
		shown := w.request(key, "GET /v1/connectors/"+id, "").want(200)
		changed := w.request(key, "PATCH /v1/connectors/"+id, `{"name":"changed`+id+`"}`).want(200).has("version", 2.0).has("auth.set", true)
		for _, a := range []*answer{made, shown, changed} {
			if strings.Contains(a.body, "hush") {
				t.Errorf("a secret is shown: %s", a.body)
			}
		}
	}
	for _, line := range []string{"GET /v1/connectors", "GET /v1/audit"} {
		if a := w.request(key, line, "").want(200); strings.Contains(a.body, "hush") {
			t.Errorf("%s shows a secret: %s", line, a.body)
		}
	}
	if log := w.logs.String(); strings.Contains(log, "hush") {
		t.Errorf("a secret is logged: %s", log)
	}
}

func TestAConnectorsSecretStaysWithItsTypeOnly(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"basic","username":"ann","password":"hush-1"}`)
	secret := func() string {
		c, err := w.store.Connector(t.Context(), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(c.Auth)
	}
	patch := func(body string, status int) *answer {
		return w.request(key, "PATCH /v1/connectors/1", body).want(status)
	}
	patch(`{}`, 200).has("version", 1.0)
	patch(`{"auth":{"username":"bob"}}`, 200)
	if got := secret(); got != "{basic bob hush-1  }" {
		t.Errorf("stored %s", got)
	}
	if got := firstFault(patch(`{"auth":{"type":"bearer"}}`, 422)); got != "auth.token" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(patch(`{"auth":{"token":"x"}}`, 422)); got != "auth.token" {
		t.Errorf("fault in %q", got)
	}
	patch(`{"auth":{"type":"bearer","token":"hush-2"}}`, 200).has("auth.type", "bearer").has("auth.username", nil)
	if got := secret(); got != "{bearer  hush-2  }" {
		t.Errorf("stored %s", got)
	}
	patch(`{"version":1,"name":"x"}`, 409)
	patch(`{"version":3,"name":"x"}`, 200).has("version", 4.0)
}

func TestWrongConnectorsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for _, c := range []struct{ body, field string }{
		{`{}`, "name"},
		{`{"name":"x"}`, "auth"},
		{`{"name":"x","auth":null}`, "auth"},
		{`{"name":"x","auth":{}}`, "auth.type"},
		{`{"name":"x","auth":{"type":"digest"}}`, "auth.type"},
		{`{"name":"x","auth":{"type":"basic","username":"a:b","password":"hush"}}`, "auth.username"},
		{`{"name":"x","auth":{"type":"basic","token":"hush"}}`, "auth.token"},
		{`{"name":"x","auth":{"type":"bearer","token":"hush\r\nX-A: 1"}}`, "auth.token"},
		{`{"name":"x","auth":{"type":"bearer","token":"hush","username":"ann"}}`, "auth.username"},
		{`{"name":"x","auth":{"type":"apiKey","key":"hush","in":"body","name":"k"}}`, "auth.in"},
		{`{"name":"x","auth":{"type":"apiKey","key":"hush","in":"header","name":"Host"}}`, "auth.name"},
		{`{"name":"x","auth":{"type":"apiKey","key":"hush","in":"query"}}`, "auth.name"},
		{`{"name":"x","version":1,"auth":{"type":"bearer","token":"hush"}}`, "version"},
	} {
		a := w.request(key, "POST /v1/connectors", c.body).want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.body)
		}
		if strings.Contains(a.body, "hush") {
			t.Errorf("a value is repeated: %s", a.body)
		}
	}
	if a := w.request(key, "GET /v1/connectors", "").want(200); strings.Contains(a.body, `"id"`) {
		t.Errorf("something was made: %s", a.body)
	}
}

func TestAConnectorInUseIsNotDeletedAndItsUsersAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "WH5", `"url":"https://example.com/","connectorId":1`)
	a := w.request(key, "DELETE /v1/connectors/1", "").want(409).has("code", "conflict")
	if !strings.Contains(a.body, `webhook 1 \"WH5\"`) {
		t.Errorf("the users are not named: %s", a.body)
	}
	if a := w.request(key, "GET /v1/connectors/1", "").want(200); !strings.Contains(a.body, `"usedIn":[{"kind":"webhook","id":1,"name":"WH5"}]`) {
		t.Error(a.body)
	}
	w.request(key, "PATCH /v1/webhooks/1", `{"connectorId":null}`).want(200).has("connectorId", nil)
	w.request(key, "DELETE /v1/connectors/1", "").want(204)
	w.request(key, "GET /v1/connectors/1", "").want(404)
}

func TestAWebhookIsKeptAsItIsGiven(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "contacts_get_by_email", `"url":"https://example.com/api/v1/contacts?email=${email}"`)
	d := w.request(key, "GET /v1/webhooks/1", "").want(200)
	d.has("method", "GET").has("description", "").has("connectorId", nil).has("body", nil).has("timeoutMs", 10000.0).has("deletedAt", nil).has("version", 1.0)
	w.webhook(key, `any "symbols": $ ' 😀`, `"description":"two\nlines","method":"POST","url":"https://example.com/x/$TOWN","connectorId":1,"timeoutMs":1500,
		"headers":[{"name":"X-A","value":"$email"},{"name":"X-Api-Key","value":"hush"},{"name":"X-Token","value":"$token"}],
		"body":{"format":"xml","template":"<a>$TOWN</a>"}`)
	a := w.request(key, "GET /v1/webhooks/2", "").want(200).has("name", `any "symbols": $ ' 😀`).has("connectorId", 1.0).has("timeoutMs", 1500.0).has("body.format", "xml").has("body.template", "<a>$TOWN</a>")
	if want := `"headers":[{"name":"X-A","value":"$email"},{"name":"X-Api-Key","value":null},{"name":"X-Token","value":"$token"}]`; !strings.Contains(a.body, want) {
		t.Errorf("a typed secret is shown, or a template is not: %s", a.body)
	}

	// What was shown can be sent back: a secret that was not shown stays.
	w.request(key, "PATCH /v1/webhooks/2", `{"headers":[{"name":"x-api-key"},{"name":"X-B","value":"1"}],"body":{"format":"text"},"timeoutMs":null,"description":null}`).
		want(200).has("body.template", "<a>$TOWN</a>").has("timeoutMs", 10000.0).has("version", 2.0)
	stored, err := w.store.Webhook(t.Context(), 1, 2)
	if err != nil || fmt.Sprint(stored.Headers) != "[{x-api-key hush} {X-B 1}]" {
		t.Errorf("stored %v, %v", stored.Headers, err)
	}
	w.request(key, "PATCH /v1/webhooks/2", `{}`).want(200).has("version", 2.0)
	w.request(key, "PATCH /v1/webhooks/2", `{"version":1,"name":"x"}`).want(409)
	audit := w.request(key, "GET /v1/audit", "").want(200)
	if !strings.Contains(audit.body, "changed description, headers, body, timeoutMs") || strings.Contains(audit.body, "hush") {
		t.Errorf("audit %s", audit.body)
	}
}

// TestWrongWebhooksAreNamedAndNothingIsMade: each line is what is changed in a good body, and the field that is named.
func TestWrongWebhooksAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	good := func(more string) string { return `{"name":"x","url":"https://example.com/",` + more + `}` }
	for _, c := range []struct{ body, field string }{
		{`{}`, "name"},
		{`{"name":"x"}`, "url"},
		{`{"name":"x","url":"http://example.com/"}`, "url"},
		{`{"name":"x","url":"https://10.0.0.1/"}`, "url"},
		{`{"name":"x","url":"https://user:hush@example.com/"}`, "url"},
		{`{"name":"x","url":"https://$host/"}`, "url"},
		{`{"name":"x","url":"https://example.com/?a=#if($x)b"}`, "url"},
		{`{"name":" ","url":"https://example.com/"}`, "name"},
		{good(`"method":"PUT"`), "method"},
		{good(`"headers":[{"name":"Host","value":"x"}]`), "headers[0].name"},
		{good(`"headers":[{"name":"Content-Length","value":"1"}]`), "headers[0].name"},
		{good(`"headers":[{"name":"Connection","value":"close"}]`), "headers[0].name"},
		{good(`"headers":[{"name":"X-A"}]`), "headers[0].value"},
		{good(`"headers":[{"name":"X-A","value":"a\r\nb"}]`), "headers[0].value"},
		{good(`"connectorId":1,"headers":[{"name":"Authorization","value":"x"}]`), "headers[0].name"},
		{good(`"connectorId":2`), "connectorId"},
		{good(`"connectorId":0`), "connectorId"},
		{good(`"body":{"format":"json","template":"{}"}`), "body"},
		{good(`"method":"POST","body":{"format":"yaml","template":"{}"}`), "body.format"},
		{good(`"method":"POST","body":{"format":"json","template":"#if("}`), "body.template"},
		{good(`"timeoutMs":999`), "timeoutMs"},
		{good(`"timeoutMs":60001`), "timeoutMs"},
		{good(`"timeoutMs":-9223372036854775808`), "timeoutMs"},
		{good(`"version":1`), "version"},
		{good(`"colour":"red"`), "colour"},
	} {
		a := w.request(key, "POST /v1/webhooks", c.body).want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.body)
		}
		if strings.Contains(a.body, "hush") {
			t.Errorf("a value is repeated: %s", a.body)
		}
	}
	w.request(key, "POST /v1/webhooks", good(`"description":"`+strings.Repeat("x", 800<<10)+`"`)).want(413)
	if a := w.request(key, "GET /v1/webhooks", "").want(200); strings.Contains(a.body, `"id"`) {
		t.Errorf("something was made: %s", a.body)
	}
}

func TestALargeTemplateFits(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	template := strings.Repeat(`"`, 256<<10-2) // each is two bytes in the request
	w.webhook(key, "large", `"method":"POST","url":"https://example.com/","body":{"format":"text","template":`+quote(template)+`}`)
	w.request(key, "GET /v1/webhooks/1", "").want(200).has("body.template", template)
}

func TestHTTPIsAllowedByTheServerOnly(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.CallRules.AllowHTTP = true })
	key := w.account("shop")
	w.webhook(key, "dev", `"url":"`+w.receiver.URL+`/x"`)
}

func TestANameIsUniqueAmongTheLiveWebhooks(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	a := w.request(key, "POST /v1/webhooks", `{"name":"WH5","url":"https://example.com/"}`).want(409)
	if firstFault(a) != "name" {
		t.Error(a.body)
	}
	w.request(key, "DELETE /v1/webhooks/1", "").want(200).has("name", "WH5")
	w.webhook(key, "WH5", `"url":"https://example.com/2"`)
	deleted := w.request(key, "GET /v1/webhooks?deleted=true", "").want(200)
	live := w.request(key, "GET /v1/webhooks", "").want(200)
	if !strings.Contains(deleted.body, `"id":1,`) || strings.Contains(deleted.body, `"id":2,`) || strings.Contains(live.body, `"id":1,`) || !strings.Contains(live.body, `"id":2,`) {
		t.Errorf("deleted %s\nlive %s", deleted.body, live.body)
	}
	w.request(key, "PATCH /v1/webhooks/1", `{"name":"x"}`).want(409)
	w.request(key, "POST /v1/webhooks/1/test", `{}`).want(409)
	w.request(key, "POST /v1/webhooks/1/restore", "").want(409)
	w.request(key, "POST /v1/webhooks/1/restore", `{"name":""}`).want(422)
	w.request(key, "POST /v1/webhooks/1/restore", `{"name":"WH5 old"}`).want(200).has("name", "WH5 old").has("deletedAt", nil)
	w.request(key, "POST /v1/webhooks/1/restore", "").want(200).has("name", "WH5 old")
}

func TestARestoredWebhookSaysThatItsConnectorIsGone(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "WH5", `"url":"https://example.com/","connectorId":1`)
	w.request(key, "DELETE /v1/webhooks/1", "").want(200)
	w.request(key, "DELETE /v1/connectors/1", "").want(204)
	a := w.request(key, "POST /v1/webhooks/1/restore", "").want(200).has("connectorId", nil)
	if !strings.Contains(a.body, "no authentication until") {
		t.Error(a.body)
	}
}

func TestRenamesAndDeletesSayWhoUsesTheReply(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	w.webhook(key, "second", `"url":"https://example.com/?code=$data.get('WH5').get('promocode')"`)
	w.webhook(key, "third", `"url":"https://example.com/?code=$data.WH5.promocode"`)
	w.webhook(key, "unrelated", `"url":"https://example.com/?code=$data.get('WH55')"`)
	users := `"usedIn":[{"kind":"webhook","id":2,"name":"second"},{"kind":"webhook","id":3,"name":"third"}]`
	if a := w.request(key, "GET /v1/webhooks/1", "").want(200); !strings.Contains(a.body, users) || strings.Contains(a.body, "warnings") {
		t.Error(a.body)
	}
	if a := w.request(key, "GET /v1/webhooks?usedIn=true&q=wh5", "").want(200); !strings.Contains(a.body, users) {
		t.Error(a.body)
	}
	if a := w.request(key, "PATCH /v1/webhooks/1", `{"name":"new"}`).want(200); !strings.Contains(a.body, users) || !strings.Contains(a.body, "$data.get('WH5')") {
		t.Error(a.body)
	}
	w.request(key, "PATCH /v1/webhooks/1", `{"name":"WH5"}`).want(200)
	if a := w.request(key, "DELETE /v1/webhooks/1", "").want(200); !strings.Contains(a.body, users) || !strings.Contains(a.body, "warnings") {
		t.Error(a.body)
	}
}

func TestWebhooksArePagedAndOtherAccountsAreNotThere(t *testing.T) {
	w := newWorld(t)
	key, other := w.account("shop"), w.account("other")
	for i := range 5 {
		w.webhook(key, fmt.Sprint(i), `"url":"https://example.com/"`)
		w.connector(key, fmt.Sprint(i), `{"type":"bearer","token":"hush"}`)
	}
	for _, list := range []string{"webhooks", "connectors"} {
		seen := 0
		for after := 0.0; ; {
			a := w.request(key, fmt.Sprintf("GET /v1/%s?limit=2&after=%.0f", list, after), "").want(200)
			seen += len(a.get(list).([]any))
			next, more := a.get("next").(float64)
			if !more {
				break
			}
			after = next
		}
		if seen != 5 {
			t.Errorf("%d %s are listed", seen, list)
		}
	}
	for _, line := range []string{
		"GET /v1/webhooks/1", "PATCH /v1/webhooks/1", "DELETE /v1/webhooks/1", "POST /v1/webhooks/1/restore", "POST /v1/webhooks/1/test",
		"GET /v1/webhooks/1/inputs", "GET /v1/webhooks/1/curl", "GET /v1/connectors/1", "PATCH /v1/connectors/1", "DELETE /v1/connectors/1", "GET /v1/calls/1",
	} {
		w.request(other, line, "").want(404)
	}
}

func TestReadersSeeAndManagersChange(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	reader, producer := w.key(key, `"read"`), w.key(key, `"ingest"`)
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	for _, line := range []string{"GET /v1/webhooks", "GET /v1/webhooks/1", "GET /v1/webhooks/1/inputs", "GET /v1/webhooks/1/curl", "GET /v1/connectors", "GET /v1/connectors/1", "GET /v1/calls", "GET /v1/calls/hosts"} {
		w.request(reader, line, "").want(200)
		w.request(producer, line, "").want(403)
	}
	for _, line := range []string{
		"POST /v1/webhooks", "PATCH /v1/webhooks/1", "DELETE /v1/webhooks/1", "POST /v1/webhooks/1/restore", "POST /v1/webhooks/1/test",
		"POST /v1/webhooks/test", "POST /v1/webhooks/from-curl", "POST /v1/connectors", "PATCH /v1/connectors/1", "DELETE /v1/connectors/1",
	} {
		w.request(reader, line, "").want(403)
	}
}
