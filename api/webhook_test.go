package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/api"
	"tidings/api/apitest"
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
	w.T.Helper()
	a := w.Request(key, "POST /v1/webhooks", `{"name":`+quote(name)+`,`+definition+`}`).Want(201)
	return fmt.Sprintf("%.0f", a.Get("id"))
}

// connector makes a connector and gives its id.
func (w *world) connector(key, name, auth string) string {
	w.T.Helper()
	a := w.Request(key, "POST /v1/connectors", `{"name":`+quote(name)+`,"auth":`+auth+`}`).Want(201)
	return fmt.Sprintf("%.0f", a.Get("id"))
}

func TestAConnectorsSecretIsTakenAndNeverShown(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for i, auth := range []string{
		`{"type":"basic","username":"ann","password":"hush-1"}`,
		`{"type":"bearer","token":"hush-2"}`,
		`{"type":"apiKey","key":"hush-3","in":"header","name":"X-Api-Key"}`,
		`{"type":"apiKey","key":"hush-4","in":"query","name":"api_key"}`,
	} {
		made := w.Request(key, "POST /v1/connectors", fmt.Sprintf(`{"name":"c%d","auth":%s}`, i, auth)).Want(201).Has("auth.set", true).Has("version", 1.0)
		id := fmt.Sprintf("%.0f", made.Get("id"))
		shown := w.Request(key, "GET /v1/connectors/"+id, "").Want(200)
		changed := w.Request(key, "PATCH /v1/connectors/"+id, `{"name":"changed`+id+`"}`).Want(200).Has("version", 2.0).Has("auth.set", true)
		for _, a := range []*apitest.Answer{made, shown, changed} {
			if strings.Contains(a.Body, "hush") {
				t.Errorf("a secret is shown: %s", a.Body)
			}
		}
	}
	for _, line := range []string{"GET /v1/connectors", "GET /v1/audit"} {
		if a := w.Request(key, line, "").Want(200); strings.Contains(a.Body, "hush") {
			t.Errorf("%s shows a secret: %s", line, a.Body)
		}
	}
	if log := w.Logs.String(); strings.Contains(log, "hush") {
		t.Errorf("a secret is logged: %s", log)
	}
}

func TestAConnectorsSecretStaysWithItsTypeOnly(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"basic","username":"ann","password":"hush-1"}`)
	secret := func() string {
		c, err := w.Store.Connector(t.Context(), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(c.Auth)
	}
	patch := func(body string, status int) *apitest.Answer {
		return w.Request(key, "PATCH /v1/connectors/1", body).Want(status)
	}
	patch(`{}`, 200).Has("version", 1.0)
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
	patch(`{"auth":{"type":"bearer","token":"hush-2"}}`, 200).Has("auth.type", "bearer").Has("auth.username", nil)
	if got := secret(); got != "{bearer  hush-2  }" {
		t.Errorf("stored %s", got)
	}
	patch(`{"version":1,"name":"x"}`, 409)
	patch(`{"version":3,"name":"x"}`, 200).Has("version", 4.0)
}

func TestWrongConnectorsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/connectors", c.body).Want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.Body)
		}
		if strings.Contains(a.Body, "hush") {
			t.Errorf("a value is repeated: %s", a.Body)
		}
	}
	if a := w.Request(key, "GET /v1/connectors", "").Want(200); strings.Contains(a.Body, `"id"`) {
		t.Errorf("something was made: %s", a.Body)
	}
}

func TestAConnectorInUseIsNotDeletedAndItsUsersAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "WH5", `"url":"https://example.com/","connectorId":1`)
	a := w.Request(key, "DELETE /v1/connectors/1", "").Want(409).Has("code", "conflict")
	if !strings.Contains(a.Body, `webhook 1 \"WH5\"`) {
		t.Errorf("the users are not named: %s", a.Body)
	}
	if a := w.Request(key, "GET /v1/connectors/1", "").Want(200); !strings.Contains(a.Body, `"usedIn":[{"kind":"webhook","id":1,"name":"WH5"}]`) {
		t.Error(a.Body)
	}
	w.Request(key, "PATCH /v1/webhooks/1", `{"connectorId":null}`).Want(200).Has("connectorId", nil)
	w.Request(key, "DELETE /v1/connectors/1", "").Want(204)
	w.Request(key, "GET /v1/connectors/1", "").Want(404)
}

func TestAWebhookIsKeptAsItIsGiven(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "contacts_get_by_email", `"url":"https://example.com/api/v1/contacts?email=${email}"`)
	d := w.Request(key, "GET /v1/webhooks/1", "").Want(200)
	d.Has("method", "GET").Has("description", "").Has("connectorId", nil).Has("body", nil).Has("timeoutMs", 10000.0).Has("deletedAt", nil).Has("version", 1.0)
	w.webhook(key, `any "symbols": $ ' 😀`, `"description":"two\nlines","method":"POST","url":"https://example.com/x/$TOWN","connectorId":1,"timeoutMs":1500,
		"headers":[{"name":"X-A","value":"$email"},{"name":"X-Api-Key","value":"hush"},{"name":"X-Token","value":"$token"}],
		"body":{"format":"xml","template":"<a>$TOWN</a>"}`)
	a := w.Request(key, "GET /v1/webhooks/2", "").Want(200).Has("name", `any "symbols": $ ' 😀`).Has("connectorId", 1.0).Has("timeoutMs", 1500.0).Has("body.format", "xml").Has("body.template", "<a>$TOWN</a>")
	if want := `"headers":[{"name":"X-A","value":"$email"},{"name":"X-Api-Key","value":null},{"name":"X-Token","value":"$token"}]`; !strings.Contains(a.Body, want) {
		t.Errorf("a typed secret is shown, or a template is not: %s", a.Body)
	}

	// What was shown can be sent back: a secret that was not shown stays.
	w.Request(key, "PATCH /v1/webhooks/2", `{"headers":[{"name":"x-api-key"},{"name":"X-B","value":"1"}],"body":{"format":"text"},"timeoutMs":null,"description":null}`).
		Want(200).Has("body.template", "<a>$TOWN</a>").Has("timeoutMs", 10000.0).Has("version", 2.0)
	stored, err := w.Store.Webhook(t.Context(), 1, 2)
	if err != nil || fmt.Sprint(stored.Headers) != "[{x-api-key hush} {X-B 1}]" {
		t.Errorf("stored %v, %v", stored.Headers, err)
	}
	w.Request(key, "PATCH /v1/webhooks/2", `{}`).Want(200).Has("version", 2.0)
	w.Request(key, "PATCH /v1/webhooks/2", `{"version":1,"name":"x"}`).Want(409)
	audit := w.Request(key, "GET /v1/audit", "").Want(200)
	if !strings.Contains(audit.Body, "changed description, headers, body, timeoutMs") || strings.Contains(audit.Body, "hush") {
		t.Errorf("audit %s", audit.Body)
	}
}

// TestWrongWebhooksAreNamedAndNothingIsMade: each line is what is changed in a good body, and the field that is named.
func TestWrongWebhooksAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/webhooks", c.body).Want(422)
		if got := firstFault(a); got != c.field {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.Body)
		}
		if strings.Contains(a.Body, "hush") {
			t.Errorf("a value is repeated: %s", a.Body)
		}
	}
	w.Request(key, "POST /v1/webhooks", good(`"description":"`+strings.Repeat("x", 800<<10)+`"`)).Want(413)
	if a := w.Request(key, "GET /v1/webhooks", "").Want(200); strings.Contains(a.Body, `"id"`) {
		t.Errorf("something was made: %s", a.Body)
	}
}

func TestALargeTemplateFits(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	template := strings.Repeat(`"`, 256<<10-2) // each is two bytes in the request
	w.webhook(key, "large", `"method":"POST","url":"https://example.com/","body":{"format":"text","template":`+quote(template)+`}`)
	w.Request(key, "GET /v1/webhooks/1", "").Want(200).Has("body.template", template)
}

func TestHTTPIsAllowedByTheServerOnly(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.CallRules.AllowHTTP = true })
	key := w.Account("shop")
	w.webhook(key, "dev", `"url":"`+w.Receiver.URL+`/x"`)
}

func TestANameIsUniqueAmongTheLiveWebhooks(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	a := w.Request(key, "POST /v1/webhooks", `{"name":"WH5","url":"https://example.com/"}`).Want(409)
	if firstFault(a) != "name" {
		t.Error(a.Body)
	}
	w.Request(key, "DELETE /v1/webhooks/1", "").Want(200).Has("name", "WH5")
	w.webhook(key, "WH5", `"url":"https://example.com/2"`)
	deleted := w.Request(key, "GET /v1/webhooks?deleted=true", "").Want(200)
	live := w.Request(key, "GET /v1/webhooks", "").Want(200)
	if !strings.Contains(deleted.Body, `"id":1,`) || strings.Contains(deleted.Body, `"id":2,`) || strings.Contains(live.Body, `"id":1,`) || !strings.Contains(live.Body, `"id":2,`) {
		t.Errorf("deleted %s\nlive %s", deleted.Body, live.Body)
	}
	w.Request(key, "PATCH /v1/webhooks/1", `{"name":"x"}`).Want(409)
	w.Request(key, "POST /v1/webhooks/1/test", `{}`).Want(409)
	w.Request(key, "POST /v1/webhooks/1/restore", "").Want(409)
	w.Request(key, "POST /v1/webhooks/1/restore", `{"name":""}`).Want(422)
	w.Request(key, "POST /v1/webhooks/1/restore", `{"name":"WH5 old"}`).Want(200).Has("name", "WH5 old").Has("deletedAt", nil)
	w.Request(key, "POST /v1/webhooks/1/restore", "").Want(200).Has("name", "WH5 old")
}

func TestARestoredWebhookSaysThatItsConnectorIsGone(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	w.webhook(key, "WH5", `"url":"https://example.com/","connectorId":1`)
	w.Request(key, "DELETE /v1/webhooks/1", "").Want(200)
	w.Request(key, "DELETE /v1/connectors/1", "").Want(204)
	a := w.Request(key, "POST /v1/webhooks/1/restore", "").Want(200).Has("connectorId", nil)
	if !strings.Contains(a.Body, "no authentication until") {
		t.Error(a.Body)
	}
}

func TestRenamesAndDeletesSayWhoUsesTheReply(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	w.webhook(key, "second", `"url":"https://example.com/?code=$data.get('WH5').get('promocode')"`)
	w.webhook(key, "third", `"url":"https://example.com/?code=$data.WH5.promocode"`)
	w.webhook(key, "unrelated", `"url":"https://example.com/?code=$data.get('WH55')"`)
	users := `"usedIn":[{"kind":"webhook","id":2,"name":"second"},{"kind":"webhook","id":3,"name":"third"}]`
	if a := w.Request(key, "GET /v1/webhooks/1", "").Want(200); !strings.Contains(a.Body, users) || strings.Contains(a.Body, "warnings") {
		t.Error(a.Body)
	}
	if a := w.Request(key, "GET /v1/webhooks?usedIn=true&q=wh5", "").Want(200); !strings.Contains(a.Body, users) {
		t.Error(a.Body)
	}
	if a := w.Request(key, "PATCH /v1/webhooks/1", `{"name":"new"}`).Want(200); !strings.Contains(a.Body, users) || !strings.Contains(a.Body, "$data.get('WH5')") {
		t.Error(a.Body)
	}
	w.Request(key, "PATCH /v1/webhooks/1", `{"name":"WH5"}`).Want(200)
	if a := w.Request(key, "DELETE /v1/webhooks/1", "").Want(200); !strings.Contains(a.Body, users) || !strings.Contains(a.Body, "warnings") {
		t.Error(a.Body)
	}
}

func TestWebhooksArePagedAndOtherAccountsAreNotThere(t *testing.T) {
	w := newWorld(t)
	key, other := w.Account("shop"), w.Account("other")
	for i := range 5 {
		w.webhook(key, fmt.Sprint(i), `"url":"https://example.com/"`)
		w.connector(key, fmt.Sprint(i), `{"type":"bearer","token":"hush"}`)
	}
	for _, list := range []string{"webhooks", "connectors"} {
		seen := 0
		for after := 0.0; ; {
			a := w.Request(key, fmt.Sprintf("GET /v1/%s?limit=2&after=%.0f", list, after), "").Want(200)
			seen += len(a.Get(list).([]any))
			next, more := a.Get("next").(float64)
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
		w.Request(other, line, "").Want(404)
	}
}

func TestReadersSeeAndManagersChange(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	reader, producer := w.key(key, `"read"`), w.key(key, `"ingest"`)
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	for _, line := range []string{"GET /v1/webhooks", "GET /v1/webhooks/1", "GET /v1/webhooks/1/inputs", "GET /v1/webhooks/1/curl", "GET /v1/connectors", "GET /v1/connectors/1", "GET /v1/calls", "GET /v1/calls/hosts"} {
		w.Request(reader, line, "").Want(200)
		w.Request(producer, line, "").Want(403)
	}
	for _, line := range []string{
		"POST /v1/webhooks", "PATCH /v1/webhooks/1", "DELETE /v1/webhooks/1", "POST /v1/webhooks/1/restore", "POST /v1/webhooks/1/test",
		"POST /v1/webhooks/test", "POST /v1/webhooks/from-curl", "POST /v1/connectors", "PATCH /v1/connectors/1", "DELETE /v1/connectors/1",
	} {
		w.Request(reader, line, "").Want(403)
	}
}
