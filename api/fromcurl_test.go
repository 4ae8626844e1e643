package api_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings"
	"tidings/curl"
)

// fromCurl imports a command and gives the stored webhook in short, with its
// connector and the notes.
func (w *world) fromCurl(key, command string) string {
	w.T.Helper()
	a := w.Request(key, "POST /v1/webhooks/from-curl", `{"command":`+quote(command)+`}`).Want(201)
	if strings.Contains(a.Body, "hush") {
		w.T.Errorf("a secret is shown: %s", a.Body)
	}
	stored, err := w.Store.Webhook(w.T.Context(), 1, tidings.WebhookID(a.Get("webhook.id").(float64)))
	if err != nil {
		w.T.Fatal(err)
	}
	parts := []string{stored.Name, string(stored.Method) + " " + stored.URL}
	for _, h := range stored.Headers {
		parts = append(parts, h.Name+": "+h.Value)
	}
	if stored.Body.Format != "" {
		parts = append(parts, string(stored.Body.Format)+" <"+stored.Body.Template+">")
	}
	if stored.Timeout != 0 {
		parts = append(parts, stored.Timeout.String())
	}
	if stored.Connector != 0 {
		c, err := w.Store.Connector(w.T.Context(), 1, stored.Connector)
		if err != nil {
			w.T.Fatal(err)
		}
		parts = append(parts, fmt.Sprintf("%s %v", c.Name, c.Auth))
	}
	for _, note := range a.Get("notes").([]any) {
		parts = append(parts, "note "+note.(string))
	}
	return strings.Join(parts, " | ")
}

func TestAWebhookIsMadeOfACommand(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{`curl 'https://a.example.com/api/v1/contacts?email=${email}'`, `a.example.com/api/v1/contacts | GET https://a.example.com/api/v1/contacts?email=${email}`},
		{`curl a.example.com/x`, `a.example.com/x | GET https://a.example.com/x | note the URL has no scheme: https:// was put before it`},
		{`curl https://a.example.com --json '{"town":"$TOWN"}' -m 5`, `a.example.com | POST https://a.example.com | Accept: application/json | json <{"town":"$TOWN"}> | 5s`},
		{`curl https://a.example.com -d '{"a":1}'`, `a.example.com | POST https://a.example.com | json <{"a":1}> | note the command sends JSON and calls it a form, as curl does without a Content-Type: it is sent as JSON`},
		{`curl https://a.example.com -d 'a=1&b=$email'`, `a.example.com | POST https://a.example.com | Content-Type: application/x-www-form-urlencoded | text <a=1&b=$email>`},
		{`curl https://a.example.com -H 'Content-Type: text/xml' -d '<a/>'`, `a.example.com | POST https://a.example.com | Content-Type: text/xml | xml <<a/>>`},
		{`curl https://a.example.com -u ann:hush`, `a.example.com | GET https://a.example.com | a.example.com {basic ann hush  } | note the command's credentials became a connector`},
		{`curl https://a.example.com -H 'Authorization: Bearer hush'`, `a.example.com | GET https://a.example.com | a.example.com {bearer  hush  } | note the command's credentials became a connector`},
		{`curl https://a.example.com -H 'Authorization: Basic YW5uOmh1c2g='`, `a.example.com | GET https://a.example.com | a.example.com {basic ann hush  } | note the command's credentials became a connector`},
		{`curl https://a.example.com -H 'X-Api-Key: hush'`, `a.example.com | GET https://a.example.com | a.example.com {apiKey  hush header X-Api-Key} | note the command's credentials became a connector`},
		{`curl https://a.example.com -H 'Authorization: Bearer $token'`, `a.example.com | GET https://a.example.com | Authorization: Bearer $token`},
		{
			`curl https://a.example.com -H 'Host: b' -H 'Accept-Encoding: gzip' -H 'X-A: 1' -L`,
			`a.example.com | GET https://a.example.com | X-A: 1 | note --location: redirects are not followed | note the header "Host": is set by the server or by HTTP itself and can't be chosen | note the header Accept-Encoding: replies are asked for uncompressed`,
		},
	} {
		w := newWorld(t)
		if got := w.fromCurl(w.Account("shop"), c.command); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.command, got, c.want)
		}
	}
}

func TestACommandThatCantBecomeAWebhookMakesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, c := range []struct {
		body, reason string
	}{
		{`{}`, "is required: a curl command"},
		{`{"command":"wget x"}`, "line 1, column 1: this is not a curl command"},
		{`{"command":"curl http://a.example.com -u ann:hush"}`, "url: must begin with https://"},
		{`{"command":"curl -X DELETE https://a.example.com -u ann:hush"}`, "method: must be GET or POST"},
		{`{"command":"curl -X GET -d x https://a.example.com"}`, "body: is not sent with GET"},
		{`{"command":"curl https://a.example.com","connectorId":9}`, "there is no connector 9"},
		{`{"command":"curl https://a.example.com","name":" "}`, "is required"},
	} {
		a := w.Request(key, "POST /v1/webhooks/from-curl", c.body).Want(422)
		if !strings.Contains(a.Body, c.reason) || strings.Contains(a.Body, "hush") {
			t.Errorf("%s: %s, want %q", c.body, a.Body, c.reason)
		}
	}
	w.Request(key, "POST /v1/webhooks/from-curl", `{"command":"curl https://a.example.com -u ann:hush","dryRun":true}`).Want(200).Has("webhook.url", "https://a.example.com").Has("connector.auth.username", "ann")
	// The name is taken, so the connector that was made first goes again.
	w.webhook(key, "taken", `"url":"https://a.example.com"`)
	w.Request(key, "POST /v1/webhooks/from-curl", `{"command":"curl https://a.example.com -u ann:hush","name":"taken"}`).Want(409)
	for line, made := range map[string]int{"connectors": 0, "webhooks": 1} {
		if a := w.Request(key, "GET /v1/"+line, "").Want(200); len(a.Get(line).([]any)) != made {
			t.Errorf("%d were to be there: %s", made, a.Body)
		}
	}
}

func TestAConnectorOfTheAccountReplacesACommandsCredentials(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.connector(key, "CRM", `{"type":"bearer","token":"hush"}`)
	a := w.Request(key, "POST /v1/webhooks/from-curl", `{"command":"curl https://a.example.com -u ann:hush","connectorId":1}`).Want(201).Has("webhook.connectorId", 1.0).Has("connector", nil)
	if !strings.Contains(a.Body, "those of the connector are sent") || strings.Contains(a.Body, "hush") {
		t.Error(a.Body)
	}
}

// TestAWebhookIsCopiedAsACommandWithoutItsSecrets also reads the command back.
func TestAWebhookIsCopiedAsACommandWithoutItsSecrets(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for i, auth := range []string{
		`{"type":"basic","username":"ann","password":"hush"}`, `{"type":"bearer","token":"hush"}`,
		`{"type":"apiKey","key":"hush","in":"header","name":"X-Key"}`, `{"type":"apiKey","key":"hush","in":"query","name":"api key"}`,
	} {
		w.connector(key, fmt.Sprint("c", i), auth)
		id := w.webhook(key, fmt.Sprint("w", i), fmt.Sprintf(`"method":"POST","url":"https://a.example.com/$TOWN?a=it's&token=hush","connectorId":%d,"timeoutMs":2500,
			"headers":[{"name":"X-A","value":"$email"},{"name":"X-Api-Key","value":"hush"}],"body":{"format":"json","template":"{\"town\": \"$TOWN\"}"}`, i+1))
		command := w.Request(key, "GET /v1/webhooks/"+id+"/curl", "").Want(200).Get("command").(string)
		read, err := curl.Parse(command)
		if err != nil || strings.Contains(command, "hush") {
			t.Errorf("%s: %v", command, err)
		}
		got := fmt.Sprint(read.Method, " ", read.URL, " ", read.Headers, " ", read.Body, " ", read.Timeout)
		want := `POST https://a.example.com/$TOWN?a=it's&token=*** [{X-A $email} {X-Api-Key ***} {Content-Type application/json}] {"town": "$TOWN"} 2.5`
		switch i {
		case 0:
			if read.Basic == nil || *read.Basic != (curl.Basic{Username: "ann", Password: "***"}) {
				t.Errorf("basic %v", read.Basic)
			}
		case 1:
			want = strings.Replace(want, "application/json}", "application/json} {Authorization Bearer ***}", 1)
		case 2:
			want = strings.Replace(want, "application/json}", "application/json} {X-Key ***}", 1)
		case 3:
			want = strings.Replace(want, "token=***", "token=***&api+key=***", 1)
		}
		if got != want {
			t.Errorf(" got %s\nwant %s", got, want)
		}
	}
}
