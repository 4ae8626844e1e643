package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
)

// tested is the answer to a test, as a client reads it.
type tested struct {
	OK      bool
	Outcome string
	Error   string
	Problem *struct {
		Part     string
		Line     int
		Column   int
		Message  string
		Rendered bool
	}
	Inputs struct {
		NeedsContact, NeedsEvent bool
		Contact, Event, Replies  []struct {
			Name     string
			Required bool
			Uses     []struct{ Part, Source string }
		}
	}
	Request *struct {
		Method, URL, Body string
		Headers           []struct{ Name, Value string }
		Size              int
	}
	Reply *struct {
		Status         int
		Headers        []struct{ Name, Value string }
		Format, Body   string
		BodyBase64     string
		Size           int
		Timing         map[string]any
		Cut, Truncated bool
	}
	Tries      []struct{ Status int }
	DurationMs float64
	Warnings   []struct{ Part, Source, Reason string }
	Values     []struct {
		Path, Expression, Dotted string
		Value                    json.RawMessage
	}
	CallID *int64
}

// test sends a test and reads the answer.
func (w *world) test(key, line, body string) tested {
	w.T.Helper()
	a := w.Request(key, line, body).Want(200)
	var out tested
	if err := json.Unmarshal([]byte(a.Body), &out); err != nil {
		w.T.Fatal(err)
	}
	return out
}

// expressions lists the values of a reply and how they are reached, one a line.
func (r *tested) expressions() string {
	var b strings.Builder
	for _, v := range r.Values {
		fmt.Fprintf(&b, "%s = %s %s %s\n", v.Path, v.Value, v.Expression, v.Dotted)
	}
	return b.String()
}

func (w *world) contact(change tidings.ContactChange) tidings.ContactID {
	w.T.Helper()
	c, err := w.Store.CreateContact(w.T.Context(), 1, change)
	if err != nil {
		w.T.Fatal(err)
	}
	return c.ID
}

// TestTheSeedsGetByEmail is the first example of the seed: the email is an
// event's parameter, and the reply is an array.
func TestTheSeedsGetByEmail(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.Answers("application/json", `[{"id":687266822,"firstName":"Олена"}]`)
	w.webhook(key, "contacts_get_by_email", `"url":"`+w.Outside.URL+`/api/v1/contacts?email=${email}"`)
	event, err := w.Store.AddEvent(t.Context(), tidings.Event{Account: 1, TypeKey: "subscribed", KeyValue: "k", Params: []tidings.EventParam{{Name: "email", Value: json.RawMessage(`"ann+1@example.com"`)}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"received": fmt.Sprintf(`{"eventId":%d}`, event.Event.ID),
		"typed in": `{"event":{"eventTypeKey":"subscribed","params":{"email":"ann+1@example.com"}}}`,
		"as rows":  `{"event":{"params":[{"name":"email","value":"ann+1@example.com"}]}}`,
	} {
		r := w.test(key, "POST /v1/webhooks/1/test", body)
		if !r.OK || r.Outcome != "ok" || r.Reply == nil || r.Reply.Status != 200 || r.Reply.Size != len(r.Reply.Body) || len(r.Reply.Timing) != 7 || len(r.Warnings) > 0 {
			t.Fatalf("%s: %+v", name, r)
		}
		if seen, _ := w.Outside.Last(); seen.Target != "/api/v1/contacts?email=ann%2B1%40example.com" || seen.Method != "GET" {
			t.Errorf("%s: sent %+v", name, seen)
		}
		if want := "[0].id = 687266822 $data.get('contacts_get_by_email').get(0).get('id') $data.contacts_get_by_email.get(0).id\n" +
			"[0].firstName = \"Олена\" $data.get('contacts_get_by_email').get(0).get('firstName') $data.contacts_get_by_email.get(0).firstName\n"; r.expressions() != want {
			t.Errorf("%s: %s", name, r.expressions())
		}
	}
}

// TestTheSeedsPostWithTown is the second example of the seed: the town is a
// contact's field, and the reply is an object.
func TestTheSeedsPostWithTown(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.Answers("application/json", `{"promocode":"LVIV-10","rest":null}`)
	w.connector(key, "shop", `{"type":"basic","username":"ann","password":"hush-hush"}`)
	w.webhook(key, "WH5", `"method":"POST","url":"`+w.Outside.URL+`/promocodes?town=$TOWN","connectorId":1,"headers":[{"name":"X-Name","value":"$firstname"}],"body":{"format":"json","template":"{\"town\": \"$TOWN\", \"bonus\": $BONUS}"}`)
	town, first, email := `Львів "на горі"`, "Олена", "ann@example.com"
	id := w.contact(tidings.ContactChange{Town: &town, FirstName: &first, Email: &email})
	missing := w.test(key, "POST /v1/webhooks/1/test", fmt.Sprintf(`{"contactId":%d}`, id))
	if missing.OK || missing.Outcome != "template" || missing.Problem == nil || missing.Problem.Part != "body.template" || missing.Problem.Line != 1 || missing.Request != nil || missing.Reply != nil {
		t.Fatalf("%+v", missing)
	}
	if _, n := w.Outside.Last(); n != 0 {
		t.Error("a request without a value was sent")
	}
	for name, body := range map[string]string{
		"from the base": fmt.Sprintf(`{"contactId":%d,"event":{"params":{"BONUS":12.5}}}`, id),
		"invented":      `{"contact":{"town":` + quote(town) + `,"firstName":"Олена","BONUS":12.5}}`,
		"as shown":      `{"contact":{"id":5,"firstName":"Олена","address":{"town":` + quote(town) + `},"channels":[{"type":"email","value":"ann@example.com"}],"fields":{"BONUS":12.5},"lastName":null}}`,
	} {
		r := w.test(key, "POST /v1/webhooks/1/test", body)
		if !r.OK {
			t.Fatalf("%s: %s", name, r.Error)
		}
		seen, _ := w.Outside.Last()
		if want := `{"town": "Львів \"на горі\"", "bonus": 12.5}`; seen.Body != want || r.Request.Body != want {
			t.Errorf("%s: sent %s, shown %s", name, seen.Body, r.Request.Body)
		}
		if seen.Header.Get("Authorization") != basicAuth("ann", "hush-hush") || seen.Header.Get("Tidings-Call-Id") == "" {
			t.Errorf("%s: headers %v", name, seen.Header)
		}
		shown := fmt.Sprint(r.Request.Headers)
		if !strings.Contains(shown, "{Authorization Basic ***}") || !strings.Contains(shown, "{X-Name Олена}") {
			t.Errorf("%s: shown %s", name, shown)
		}
		if want := "promocode = \"LVIV-10\" $data.get('WH5').get('promocode') $data.WH5.promocode\nrest = null $data.get('WH5').get('rest') $data.WH5.rest\n"; r.expressions() != want {
			t.Errorf("%s: %s", name, r.expressions())
		}
		if !r.Inputs.NeedsContact || r.Inputs.Contact[0].Name != "TOWN" || len(r.Inputs.Contact[0].Uses) != 2 {
			t.Errorf("%s: inputs %+v", name, r.Inputs)
		}
	}
}

func TestSecretsOfACallAreMaskedEverywhere(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.By(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Set-Cookie", "sid=hush-cookie")
		fmt.Fprintf(rw, `{"echo":%q,"key":%q}`, r.Header.Get("Authorization"), r.URL.Query().Get("api_key"))
	})
	w.connector(key, "token", `{"type":"bearer","token":"hush-token"}`)
	w.connector(key, "query", `{"type":"apiKey","key":"hush query","in":"query","name":"api_key"}`)
	for _, connector := range []string{"1", "2"} {
		id := w.webhook(key, "WH"+connector, `"url":"`+w.Outside.URL+`/?a=1","connectorId":`+connector+`,"headers":[{"name":"X-Api-Key","value":"hush-typed"}]`)
		a := w.Request(key, "POST /v1/webhooks/"+id+"/test", `{}`).Want(200).Has("ok", true)
		if seen, _ := w.Outside.Last(); !strings.Contains(fmt.Sprint(seen), "hush") {
			t.Errorf("nothing secret was sent: %v", seen)
		}
		call := w.Request(key, fmt.Sprintf("GET /v1/calls/%.0f", a.Get("callId")), "").Want(200)
		list := w.Request(key, "GET /v1/calls", "").Want(200)
		for _, shown := range []*apitest.Answer{a, call, list} {
			if strings.Contains(shown.Body, "hush") || !strings.Contains(shown.Body, "***") {
				t.Errorf("a secret is shown: %s", shown.Body)
			}
		}
	}
	if log := w.Logs.String(); strings.Contains(log, "hush") {
		t.Errorf("a secret is logged: %s", log)
	}
}

func TestADefinitionIsTriedBeforeItIsSaved(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.Answers("application/xml; charset=utf-8", `<order id="7"><sum>12</sum></order>`)
	r := w.test(key, "POST /v1/webhooks/test", `{"webhook":{"url":"`+w.Outside.URL+`/?i=$workflowInstanceId&c=$data.get('WH5').get('code')"},"replies":{"WH5":{"code":"A&B"}},"workflowInstanceId":"run 7"}`)
	if seen, _ := w.Outside.Last(); !r.OK || seen.Target != "/?i=run%207&c=A%26B" {
		t.Errorf("%s: sent %s", r.Error, seen.Target)
	}
	if r.Reply.Format != "xml" || len(r.Values) == 0 || !strings.Contains(r.expressions(), "$data.get('webhook')") {
		t.Errorf("%+v", r)
	}
	call := w.Request(key, fmt.Sprintf("GET /v1/calls/%d", *r.CallID), "").Want(200).Has("webhookId", nil).Has("test", true)
	if call.Get("key") == "" {
		t.Error(call.Body)
	}

	// What is changed and not saved is tried with the rest as it is saved.
	id := w.webhook(key, "WH5", `"url":"`+w.Outside.URL+`/saved","headers":[{"name":"X-Api-Key","value":"hush"}]`)
	w.test(key, "POST /v1/webhooks/"+id+"/test", `{}`)
	changed := w.test(key, "POST /v1/webhooks/"+id+"/test", `{"webhook":{"url":"`+w.Outside.URL+`/changed","headers":[{"name":"X-Api-Key"}]}}`)
	if seen, _ := w.Outside.Last(); seen.Target != "/changed" || seen.Header.Get("X-Api-Key") != "hush" {
		t.Errorf("sent %+v", seen)
	}
	w.Request(key, fmt.Sprintf("GET /v1/calls/%d", *changed.CallID), "").Want(200).Has("webhookId", 1.0).Has("name", "WH5")
	if saved := w.Request(key, "GET /v1/webhooks/"+id, "").Want(200); !strings.HasSuffix(saved.Get("url").(string), "/saved") {
		t.Error(saved.Body)
	}
}

func TestACallThatFailsIsAnAnswerAndIsNoted(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.By(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(404)
		fmt.Fprint(rw, "no such thing")
	})
	id := w.webhook(key, "WH5", `"url":"`+w.Outside.URL+`/"`)
	r := w.test(key, "POST /v1/webhooks/"+id+"/test", "")
	if r.OK || r.Outcome != "status" || r.Error == "" || r.Reply.Status != 404 || r.Reply.Body != "no such thing" || len(r.Values) > 0 || len(r.Tries) != 1 {
		t.Errorf("%+v", r)
	}
	w.Outside.Answers("application/json", `{"broken`)
	if r := w.test(key, "POST /v1/webhooks/"+id+"/test", ""); r.OK || r.Outcome != "reply" || r.Reply.Body != `{"broken` {
		t.Errorf("%+v", r)
	}
	w.Outside.Answers("image/png", "\x89PNG\xff")
	if r := w.test(key, "POST /v1/webhooks/"+id+"/test", ""); r.Reply.Body != "" || r.Reply.BodyBase64 != "iVBORz8=" && r.Reply.BodyBase64 == "" {
		t.Errorf("%+v", r.Reply)
	}
	for status, want := range map[string]int{"failed": 2, "ok": 1, "404": 1, "2xx": 2, "503": 0} {
		a := w.Request(key, "GET /v1/calls?webhookId="+id+"&status="+status, "").Want(200)
		if got := len(a.Get("calls").([]any)); got != want {
			t.Errorf("status %s lists %d calls, want %d: %s", status, got, want, a.Body)
		}
	}
}

func TestWrongTestsAreNamedAndNothingIsSent(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.webhook(key, "WH5", `"url":"`+w.Outside.URL+`/"`)
	other := w.Account("other")
	w.Request(other, "POST /v1/webhooks/1/test", `{}`).Want(404)
	for _, c := range []struct{ line, body, field string }{
		{"POST /v1/webhooks/1/test", `{"contactId":99}`, "contactId"},
		{"POST /v1/webhooks/1/test", `{"eventId":99}`, "eventId"},
		{"POST /v1/webhooks/1/test", `{"contactId":1,"contact":{}}`, "contact"},
		{"POST /v1/webhooks/1/test", `{"eventId":1,"event":{}}`, "event"},
		{"POST /v1/webhooks/1/test", `{"contact":[]}`, "contact"},
		{"POST /v1/webhooks/1/test", `{"contact":{"TOWN":{}}}`, "contact.TOWN"},
		{"POST /v1/webhooks/1/test", `{"contact":{"a b":1}}`, "contact.a b"},
		{"POST /v1/webhooks/1/test", `{"contact":{"BONUS":{}}}`, "contact.BONUS"},
		{"POST /v1/webhooks/1/test", `{"event":{"params":7}}`, "event.params"},
		{"POST /v1/webhooks/1/test", `{"event":{"params":[{"name":"a"}]}}`, "event.params[0].value"},
		{"POST /v1/webhooks/1/test", `{"event":{"params":[{"name":"a","value":1},{"name":"a","value":2}]}}`, "event.params[1].name"},
		{"POST /v1/webhooks/1/test", `{"replies":[]}`, "replies"},
		{"POST /v1/webhooks/1/test", `{"webhook":{"url":"http://example.com"}}`, "webhook.url"},
		{"POST /v1/webhooks/1/test", `{"webhook":{"version":1}}`, "webhook.version"},
		{"POST /v1/webhooks/test", `{}`, "webhook"},
		{"POST /v1/webhooks/test", `{"webhook":{}}`, "webhook.url"},
	} {
		if got := firstFault(w.Request(key, c.line, c.body).Want(422)); got != c.field {
			t.Errorf("%s: fault in %q, want %q", c.body, got, c.field)
		}
	}
	if _, n := w.Outside.Last(); n > 0 {
		t.Error("something was sent")
	}
	for query, field := range map[string]string{"status=done": "status", "from=soon": "from", "before=x": "before", "limit=0": "limit", "webhookId=0": "webhookId"} {
		if got := firstFault(w.Request(key, "GET /v1/calls?"+query, "").Want(400)); got != field {
			t.Errorf("%s: fault in %q", query, got)
		}
	}
}

func TestTheLogOfCallsIsPagedAndChosen(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Outside.Answers("text/plain", "ok")
	w.webhook(key, "a", `"url":"`+w.Outside.URL+`/a"`)
	w.webhook(key, "b", `"url":"`+w.Outside.URL+`/b"`)
	email := "ann@example.com"
	contact := w.contact(tidings.ContactChange{Email: &email})
	for range 3 {
		w.test(key, "POST /v1/webhooks/1/test", `{}`)
		w.test(key, "POST /v1/webhooks/2/test", fmt.Sprintf(`{"contactId":%d}`, contact))
	}
	list := func(query string) string {
		var ids []string
		for before := ""; ; {
			a := w.Request(key, "GET /v1/calls?limit=2"+query+before, "").Want(200)
			for _, c := range a.Get("calls").([]any) {
				ids = append(ids, fmt.Sprint(c.(map[string]any)["id"]))
			}
			next, more := a.Get("next").(string)
			if !more {
				return strings.Join(ids, " ")
			}
			before = "&before=" + next
		}
	}
	for query, want := range map[string]string{
		"": "6 5 4 3 2 1", "&webhookId=1": "5 3 1", fmt.Sprintf("&contactId=%d", contact): "6 4 2", "&from=2020-01-01&to=2099-01-01": "6 5 4 3 2 1",
		"&to=2020-01-01": "", "&from=2099-01-01": "", "&status=failed": "",
	} {
		if got := list(query); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	hosts := w.Request(key, "GET /v1/calls/hosts", "").Want(200)
	if strings.Contains(hosts.Body, `"breaker":"open"`) {
		t.Error(hosts.Body)
	}
}

func TestOnlySoManyTestsAreUnderWayAtOnce(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxTests = 1 })
	key := w.Account("shop")
	came, leave := make(chan struct{}), make(chan struct{})
	w.Outside.By(func(http.ResponseWriter, *http.Request) {
		close(came)
		<-leave
	})
	w.webhook(key, "WH5", `"url":"`+w.Outside.URL+`/"`)
	first := make(chan *apitest.Answer)
	go func() { first <- w.Request(key, "POST /v1/webhooks/1/test", `{}`) }()
	<-came
	w.Request(key, "POST /v1/webhooks/1/test", `{}`).Want(429).Has("code", "rate_limited")
	close(leave)
	(<-first).Want(200).Has("ok", true)
}

func TestInputsAreFoundWithoutACall(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.webhook(key, "WH5", `"url":"https://example.com/"`)
	w.webhook(key, "second", `"url":"https://example.com/?a=$!email&b=$data.get('WH5').get('x')&c=$data.get('param')&d=$workflowInstanceId"`)
	a := w.Request(key, "GET /v1/webhooks/2/inputs", "").Want(200).Has("needsContact", true).Has("needsEvent", true).Has("workflowInstanceId", true)
	var in struct {
		Contact, Event, Replies []struct {
			Name             string
			Required, Either bool
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &in); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(in), "{[{EMAIL false true}] [{param true false}] [{WH5 true false}]}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
