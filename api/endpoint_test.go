package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/api/apitest"
)

// create makes an endpoint at the receiver with further options, and gives the answer.
func (w *world) create(key, options string) *apitest.Answer {
	w.T.Helper()
	if options != "" {
		options = "," + options
	}
	return w.Request(key, "POST /v1/endpoints", `{"name":"shop","url":"`+w.Receiver.URL+`"`+options+`}`).Want(201)
}

func TestAnEndpointIsActiveAfterAPassedProbe(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "").Has("state", "active").Has("probe.ok", true).Has("probe.status", 200.0).Has("probe.error", "")
	w.Receiver.Answer(500)
	failed := w.create(key, "").Has("state", "deactivated").Has("probe.ok", false).Has("probe.status", 500.0)
	if failed.Get("probe.error") == "" {
		t.Errorf("the probe does not say what went wrong: %s", failed.Body)
	}
	w.create(key, `"activate":"anyway"`).Has("state", "active").Has("probe.ok", false)
	w.Receiver.Answer(200)
	w.create(key, `"activate":"never"`).Has("state", "deactivated").Has("probe.ok", true)
	w.Receiver.Answer(204)
	w.create(key, "").Has("state", "deactivated")
	w.create(key, `"any2xx":true`).Has("state", "active")
}

func TestOptionsHaveTheirDefaultsAndAreShownWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	d := w.create(key, "")
	d.Has("auth", nil).Has("batch.maxItems", 500.0).Has("batch.maxBytes", 1048576.0).Has("batch.lingerMs", 0.0).Has("timeoutMs", 15000.0).Has("any2xx", false).Has("signing", true)
	if secret, _ := d.Get("secret").(string); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("secret %q", secret)
	}
	full := `"auth":{"type":"basic","username":"ann","password":"hush-1"},"headers":[{"name":"X-Shop","value":"hush-2"}],"statuses":["CLICKED","READ"],"mediaTypes":["sms"],
		"batch":{"maxItems":7,"maxBytes":4096,"lingerMs":250},"timeoutMs":2000,"any2xx":true,"start":"beginning","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`
	w.create(key, full).Has("secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
	shown := w.Request(key, "GET /v1/endpoints/2", "").Want(200).Has("auth.username", "ann").Has("auth.set", true).Has("batch.maxItems", 7.0).Has("batch.lingerMs", 250.0).Has("timeoutMs", 2000.0)
	listed := w.Request(key, "GET /v1/endpoints", "").Want(200)
	audit := w.Request(key, "GET /v1/audit", "").Want(200)
	for _, a := range []*apitest.Answer{shown, listed, audit} {
		if strings.Contains(a.Body, "hush") || strings.Contains(a.Body, "whsec_") {
			t.Errorf("a secret is shown: %s", a.Body)
		}
	}
	if !strings.Contains(shown.Body, `"statuses":["READ","CLICKED"],"mediaTypes":["sms"]`) || !strings.Contains(shown.Body, `"headers":[{"name":"X-Shop","set":true}]`) {
		t.Error(shown.Body)
	}
	unsigned := w.create(key, `"signing":false`).Has("signing", false)
	if strings.Contains(unsigned.Body, "whsec_") {
		t.Error(unsigned.Body)
	}
}

// TestWrongOptionsAreNamedAndNothingIsMade: each line is what is changed in a
// good body, the status, and the field that is named.
func TestWrongOptionsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	base := func(options string) string { return `{"name":"x","url":"` + w.Receiver.URL + `",` + options + `}` }
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{}`, 422, "name"},
		{`{"name":"x"}`, 422, "url"},
		{`{"name":"  ","url":"` + w.Receiver.URL + `"}`, 422, "name"},
		{`{"name":"` + strings.Repeat("x", 201) + `","url":"` + w.Receiver.URL + `"}`, 422, "name"},
		{`{"name":7,"url":"` + w.Receiver.URL + `"}`, 422, "name"},
		{`{"name":"x","url":"http:///path"}`, 422, "url"},
		{`{"name":"x","url":"http://user:hush@example.com/"}`, 422, "url"},
		{`{"name":"x","url":"http://10.0.0.1/"}`, 422, "url"},
		{`{"name":"x","url":"http://0177.0.0.1/"}`, 422, "url"},
		{`{"name":"x","url":"ftp://example.com/"}`, 422, "url"},
		{`{"name":"x","url":"/path"}`, 422, "url"},
		{base(`"colour":"red"`), 422, "colour"},
		{base(`"Statuses":["READ"]`), 422, "Statuses"},
		{base(`"name":"y"`), 422, "name"},
		{base(`"batch":{"maxItems":0}`), 422, "batch.maxItems"},
		{base(`"batch":{"maxItems":10001}`), 422, "batch.maxItems"},
		{base(`"batch":{"maxItems":1.5}`), 422, "batch.maxItems"},
		{base(`"batch":{"maxItems":99999999999999999999}`), 422, "batch.maxItems"},
		{base(`"batch":{"maxBytes":1023}`), 422, "batch.maxBytes"},
		{base(`"batch":{"maxBytes":16777217}`), 422, "batch.maxBytes"},
		{base(`"batch":{"lingerMs":3600001}`), 422, "batch.lingerMs"},
		{base(`"batch":{"lingerMs":-1}`), 422, "batch.lingerMs"},
		{base(`"batch":{"items":1}`), 422, "batch.items"},
		{base(`"batch":[1]`), 422, "batch"},
		{base(`"timeoutMs":999`), 422, "timeoutMs"},
		{base(`"timeoutMs":60001`), 422, "timeoutMs"},
		{base(`"timeoutMs":9223372036854775807`), 422, "timeoutMs"},
		{base(`"any2xx":"yes"`), 422, "any2xx"},
		{base(`"statuses":["READ","EATEN"]`), 422, "statuses[1]"},
		{base(`"statuses":"READ"`), 422, "statuses"},
		{base(`"mediaTypes":["fax"]`), 422, "mediaTypes[0]"},
		{base(`"auth":{"type":"bearer","username":"u","password":"hush"}`), 422, "auth.type"},
		{base(`"auth":{"username":"u"}`), 422, "auth.password"},
		{base(`"auth":{"username":"u:v","password":"hush"}`), 422, "auth.username"},
		{base(`"auth":{}`), 422, "auth"},
		{base(`"headers":[{"name":"X-A"}]`), 422, "headers[0].value"},
		{base(`"headers":[{"name":"Host","value":"hush"}]`), 422, "headers[0].name"},
		{base(`"headers":[{"name":"X-A","value":"hush\r\nX-B: 1"}]`), 422, "headers[0].value"},
		{base(`"headers":[{"name":"a","value":"1"},{"name":"b","value":"1"},{"name":"c","value":"1"},{"name":"d","value":"1"},{"name":"e","value":"1"},{"name":"f","value":"1"}]`), 422, "headers"},
		{base(`"secret":"hush"`), 422, "secret"},
		{base(`"signing":false,"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`), 422, "secret"},
		{base(`"start":"yesterday"`), 422, "start"},
		{base(`"start":{"seq":0}`), 422, "start.seq"},
		{base(`"start":{"time":"soon"}`), 422, "start.time"},
		{base(`"start":{}`), 422, "start"},
		{base(`"start":{"seq":1,"time":"2026-01-31"}`), 422, "start"},
		{base(`"activate":"perhaps"`), 422, "activate"},
		{`{"name":"x",}`, 400, "-"},
		{`[]`, 422, ""},
		{`{"name":"x"} {}`, 400, "-"},
		{"{\"name\":\"\xff\"}", 400, "-"},
		{strings.Repeat(`{"batch":`, 40) + "1" + strings.Repeat("}", 40), 400, "-"},
		{`{"name":"` + strings.Repeat("x", 300<<10) + `"}`, 413, "-"},
	} {
		a := w.Request(key, "POST /v1/endpoints", c.body)
		if a.Status != c.status || firstFault(a) != c.field {
			t.Errorf("%.90s: answered %d, fault in %q; want %d, %q: %s", c.body, a.Status, firstFault(a), c.status, c.field, a.Body)
		}
		if strings.Contains(a.Body, "hush") {
			t.Errorf("a value is repeated: %s", a.Body)
		}
	}
	w.Request(key, "POST /v1/endpoints", "name=x", "Content-Type: application/x-www-form-urlencoded").Want(415)
	if a := w.Request(key, "GET /v1/endpoints", "").Want(200); strings.Contains(a.Body, `"id"`) {
		t.Errorf("something was made: %s", a.Body)
	}
}

func TestStartSaysWhereAnEndpointBegins(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+","+activity("3")+"]").Want(200)
	for start, cursor := range map[string]float64{`"now"`: 3, `"beginning"`: 0, `{"seq":2}`: 1, `{"time":"2020-01-01T00:00:00Z"}`: 0, `{"time":"2099-01-01"}`: 3, `null`: 3} {
		w.create(key, `"activate":"never","start":`+start).Has("cursor", cursor)
	}
}

func TestAPatchChangesWhatItNamesAndNothingElse(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, `"auth":{"username":"ann","password":"p1"},"headers":[{"name":"X-A","value":"1"},{"name":"X-B","value":"2"}],"statuses":["READ"],"batch":{"maxItems":7,"lingerMs":5}`)
	patch := func(body string) *apitest.Answer { return w.Request(key, "PATCH /v1/endpoints/1", body).Want(200) }
	stored := func() string {
		ep, _, err := w.Store.Endpoint(t.Context(), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s auth %v headers %v batch %v statuses %v", ep.Name, *ep.Auth, ep.Headers, ep.Batch, ep.Filter.Statuses.Names())
	}
	before := stored()
	patch(`{}`).Has("version", 1.0)
	patch(`{"name":"shop"}`).Has("version", 1.0) // as it was
	if stored() != before {
		t.Errorf("an empty patch changed %s to %s", before, stored())
	}
	patch(`{"batch":{"maxItems":9}}`).Has("batch.maxItems", 9.0).Has("batch.lingerMs", 5.0).Has("version", 2.0)
	patch(`{"auth":{"username":"bob"},"headers":[{"name":"x-b"},{"name":"X-C","value":"3"}]}`)
	if got, want := stored(), "shop auth {bob p1} headers [{x-b 2} {X-C 3}] batch {9 1048576 5ms} statuses [READ]"; got != want {
		t.Errorf("stored %s\nwant   %s", got, want)
	}
	patch(`{"auth":null,"batch":null,"statuses":null,"headers":null}`).Has("auth", nil).Has("batch.maxItems", 500.0).Has("batch.lingerMs", 0.0)
	if a := w.Request(key, "GET /v1/endpoints/1", ""); !strings.Contains(a.Body, `"headers":[],"statuses":[]`) {
		t.Error(a.Body)
	}
	for body, field := range map[string]string{`{"name":null}`: "name", `{"url":null}`: "url", `{"start":"now"}`: "start", `{"secret":"x"}`: "secret", `{"activate":"anyway"}`: "activate", `{"id":5}`: "id", `{"state":"active"}`: "state"} {
		if got := firstFault(w.Request(key, "PATCH /v1/endpoints/1", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	audit := w.Request(key, "GET /v1/audit", "").Want(200)
	for _, want := range []string{"changed batch", "changed auth, headers", "changed auth, headers, statuses, batch"} {
		if !strings.Contains(audit.Body, want) {
			t.Errorf("the audit does not say %q: %s", want, audit.Body)
		}
	}
}

func TestAPatchOfAnOldVersionChangesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "")
	w.Request(key, "PATCH /v1/endpoints/1", `{"name":"store","version":1}`).Want(200).Has("name", "store").Has("version", 2.0)
	w.Request(key, "PATCH /v1/endpoints/1", `{"name":"late","version":1}`).Want(409)
	w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("name", "store")
	w.Request(key, "POST /v1/endpoints", `{"name":"shop","url":"`+w.Receiver.URL+`","version":1}`).Want(422)
}

func TestANewURLIsProbedAndDecidesTheState(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "").Has("state", "active")
	w.Receiver.Answer(404)
	move := func(path, more string) *apitest.Answer {
		return w.Request(key, "PATCH /v1/endpoints/1", `{"url":"`+w.Receiver.URL+path+`"`+more+`}`).Want(200)
	}
	move("/a", "").Has("state", "deactivated").Has("probe.status", 404.0)
	move("/b", `,"activate":"anyway"`).Has("state", "active").Has("probe.ok", false)
	w.Receiver.Answer(200)
	move("/c", `,"activate":"never"`).Has("state", "deactivated").Has("probe.ok", true)
	a := move("/d", "").Has("state", "active").Has("url", w.Receiver.URL+"/d")
	if move("/d", ""); a.Get("version") != w.Request(key, "GET /v1/endpoints/1", "").Get("version") {
		t.Error("the same URL changed something")
	}
}

func TestSigningIsSwitchedOffAndOn(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "")
	w.Request(key, "PATCH /v1/endpoints/1", `{"signing":false}`).Want(200).Has("signing", false).Has("secret", nil)
	w.Request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":-1}`).Want(422)
	again := w.Request(key, "PATCH /v1/endpoints/1", `{"signing":true}`).Want(200).Has("signing", true)
	if secret, _ := again.Get("secret").(string); !strings.HasPrefix(secret, "whsec_") {
		t.Error(again.Body)
	}
}

func TestEndpointsAreListedPageByPageAndDeleted(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for range 5 {
		w.create(key, `"activate":"never"`)
	}
	var seen []float64
	after := 0.0
	for {
		a := w.Request(key, fmt.Sprintf("GET /v1/endpoints?limit=2&after=%.0f", after), "").Want(200)
		var page struct {
			Endpoints []struct{ ID float64 }
			Next      *float64
		}
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Endpoints {
			seen = append(seen, e.ID)
		}
		if page.Next == nil {
			break
		}
		after = *page.Next
	}
	if fmt.Sprint(seen) != "[1 2 3 4 5]" {
		t.Errorf("listed %v", seen)
	}
	w.Request(key, "DELETE /v1/endpoints/3", "").Want(204)
	w.Request(key, "DELETE /v1/endpoints/3", "").Want(404)
	w.Request(key, "GET /v1/endpoints/3", "").Want(404)
	if _, ok := w.Delivery.Lane(3); ok {
		t.Error("the deleted endpoint is still delivered to")
	}
}
