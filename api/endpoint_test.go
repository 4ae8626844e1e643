package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// create makes an endpoint at the receiver with further options, and gives the answer.
func (w *world) create(key, options string) *answer {
	w.t.Helper()
	if options != "" {
		options = "," + options
	}
	return w.request(key, "POST /v1/endpoints", `{"name":"shop","url":"`+w.receiver.URL+`"`+options+`}`).want(201)
}

func TestAnEndpointIsActiveAfterAPassedProbe(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "").has("state", "active").has("probe.ok", true).has("probe.status", 200.0).has("probe.error", "")
	w.receiver.answer(500)
	failed := w.create(key, "").has("state", "deactivated").has("probe.ok", false).has("probe.status", 500.0)
	if failed.get("probe.error") == "" {
		t.Errorf("the probe does not say what went wrong: %s", failed.body)
	}
	w.create(key, `"activate":"anyway"`).has("state", "active").has("probe.ok", false)
	w.receiver.answer(200)
	w.create(key, `"activate":"never"`).has("state", "deactivated").has("probe.ok", true)
	w.receiver.answer(204)
	w.create(key, "").has("state", "deactivated")
	w.create(key, `"any2xx":true`).has("state", "active")
}

func TestOptionsHaveTheirDefaultsAndAreShownWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	d := w.create(key, "")
	d.has("auth", nil).has("batch.maxItems", 500.0).has("batch.maxBytes", 1048576.0).has("batch.lingerMs", 0.0).has("timeoutMs", 15000.0).has("any2xx", false).has("signing", true)
	if secret, _ := d.get("secret").(string); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("secret %q", secret)
	}
	full := `"auth":{"type":"basic","username":"ann","password":"hush-1"},"headers":[{"name":"X-Shop","value":"hush-2"}],"statuses":["CLICKED","READ"],"mediaTypes":["sms"],
		"batch":{"maxItems":7,"maxBytes":4096,"lingerMs":250},"timeoutMs":2000,"any2xx":true,"start":"beginning","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`
	w.create(key, full).has("secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
	shown := w.request(key, "GET /v1/endpoints/2", "").want(200).has("auth.username", "ann").has("auth.set", true).has("batch.maxItems", 7.0).has("batch.lingerMs", 250.0).has("timeoutMs", 2000.0)
	listed := w.request(key, "GET /v1/endpoints", "").want(200)
	audit := w.request(key, "GET /v1/audit", "").want(200)
	for _, a := range []*answer{shown, listed, audit} {
		if strings.Contains(a.body, "hush") || strings.Contains(a.body, "whsec_") {
			t.Errorf("a secret is shown: %s", a.body)
		}
	}
	if !strings.Contains(shown.body, `"statuses":["READ","CLICKED"],"mediaTypes":["sms"]`) || !strings.Contains(shown.body, `"headers":[{"name":"X-Shop","set":true}]`) {
		t.Error(shown.body)
	}
	unsigned := w.create(key, `"signing":false`).has("signing", false)
	if strings.Contains(unsigned.body, "whsec_") {
		t.Error(unsigned.body)
	}
}

// TestWrongOptionsAreNamedAndNothingIsMade: each line is what is changed in a
// good body, the status, and the field that is named.
func TestWrongOptionsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	base := func(options string) string { return `{"name":"x","url":"` + w.receiver.URL + `",` + options + `}` }
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{}`, 422, "name"},
		{`{"name":"x"}`, 422, "url"},
		{`{"name":"  ","url":"` + w.receiver.URL + `"}`, 422, "name"},
		{`{"name":"` + strings.Repeat("x", 201) + `","url":"` + w.receiver.URL + `"}`, 422, "name"},
		{`{"name":7,"url":"` + w.receiver.URL + `"}`, 422, "name"},
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
		a := w.request(key, "POST /v1/endpoints", c.body)
		if a.status != c.status || firstFault(a) != c.field {
			t.Errorf("%.90s: answered %d, fault in %q; want %d, %q: %s", c.body, a.status, firstFault(a), c.status, c.field, a.body)
		}
		if strings.Contains(a.body, "hush") {
			t.Errorf("a value is repeated: %s", a.body)
		}
	}
	w.request(key, "POST /v1/endpoints", "name=x", "Content-Type: application/x-www-form-urlencoded").want(415)
	if a := w.request(key, "GET /v1/endpoints", "").want(200); strings.Contains(a.body, `"id"`) {
		t.Errorf("something was made: %s", a.body)
	}
}

func TestStartSaysWhereAnEndpointBegins(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+","+activity("3")+"]").want(200)
	for start, cursor := range map[string]float64{`"now"`: 3, `"beginning"`: 0, `{"seq":2}`: 1, `{"time":"2020-01-01T00:00:00Z"}`: 0, `{"time":"2099-01-01"}`: 3, `null`: 3} {
		w.create(key, `"activate":"never","start":`+start).has("cursor", cursor)
	}
}

func TestAPatchChangesWhatItNamesAndNothingElse(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, `"auth":{"username":"ann","password":"p1"},"headers":[{"name":"X-A","value":"1"},{"name":"X-B","value":"2"}],"statuses":["READ"],"batch":{"maxItems":7,"lingerMs":5}`)
	patch := func(body string) *answer { return w.request(key, "PATCH /v1/endpoints/1", body).want(200) }
	stored := func() string {
		ep, _, err := w.store.Endpoint(t.Context(), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s auth %v headers %v batch %v statuses %v", ep.Name, *ep.Auth, ep.Headers, ep.Batch, ep.Filter.Statuses.Names())
	}
	before := stored()
	patch(`{}`).has("version", 1.0)
	patch(`{"name":"shop"}`).has("version", 1.0) // as it was
	if stored() != before {
		t.Errorf("an empty patch changed %s to %s", before, stored())
	}
	patch(`{"batch":{"maxItems":9}}`).has("batch.maxItems", 9.0).has("batch.lingerMs", 5.0).has("version", 2.0)
	patch(`{"auth":{"username":"bob"},"headers":[{"name":"x-b"},{"name":"X-C","value":"3"}]}`)
	if got, want := stored(), "shop auth {bob p1} headers [{x-b 2} {X-C 3}] batch {9 1048576 5ms} statuses [READ]"; got != want {
		t.Errorf("stored %s\nwant   %s", got, want)
	}
	patch(`{"auth":null,"batch":null,"statuses":null,"headers":null}`).has("auth", nil).has("batch.maxItems", 500.0).has("batch.lingerMs", 0.0)
	if a := w.request(key, "GET /v1/endpoints/1", ""); !strings.Contains(a.body, `"headers":[],"statuses":[]`) {
		t.Error(a.body)
	}
	for body, field := range map[string]string{`{"name":null}`: "name", `{"url":null}`: "url", `{"start":"now"}`: "start", `{"secret":"x"}`: "secret", `{"activate":"anyway"}`: "activate", `{"id":5}`: "id", `{"state":"active"}`: "state"} {
		if got := firstFault(w.request(key, "PATCH /v1/endpoints/1", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	audit := w.request(key, "GET /v1/audit", "").want(200)
	for _, want := range []string{"changed batch", "changed auth, headers", "changed auth, headers, statuses, batch"} {
		if !strings.Contains(audit.body, want) {
			t.Errorf("the audit does not say %q: %s", want, audit.body)
		}
	}
}

func TestAPatchOfAnOldVersionChangesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "")
	w.request(key, "PATCH /v1/endpoints/1", `{"name":"store","version":1}`).want(200).has("name", "store").has("version", 2.0)
	w.request(key, "PATCH /v1/endpoints/1", `{"name":"late","version":1}`).want(409)
	w.request(key, "GET /v1/endpoints/1", "").want(200).has("name", "store")
	w.request(key, "POST /v1/endpoints", `{"name":"shop","url":"`+w.receiver.URL+`","version":1}`).want(422)
}

func TestANewURLIsProbedAndDecidesTheState(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "").has("state", "active")
	w.receiver.answer(404)
	move := func(path, more string) *answer {
		return w.request(key, "PATCH /v1/endpoints/1", `{"url":"`+w.receiver.URL+path+`"`+more+`}`).want(200)
	}
	move("/a", "").has("state", "deactivated").has("probe.status", 404.0)
	move("/b", `,"activate":"anyway"`).has("state", "active").has("probe.ok", false)
	w.receiver.answer(200)
	move("/c", `,"activate":"never"`).has("state", "deactivated").has("probe.ok", true)
	a := move("/d", "").has("state", "active").has("url", w.receiver.URL+"/d")
	if move("/d", ""); a.get("version") != w.request(key, "GET /v1/endpoints/1", "").get("version") {
		t.Error("the same URL changed something")
	}
}

func TestSigningIsSwitchedOffAndOn(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "")
	w.request(key, "PATCH /v1/endpoints/1", `{"signing":false}`).want(200).has("signing", false).has("secret", nil)
	w.request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":-1}`).want(422)
	again := w.request(key, "PATCH /v1/endpoints/1", `{"signing":true}`).want(200).has("signing", true)
	if secret, _ := again.get("secret").(string); !strings.HasPrefix(secret, "whsec_") {
		t.Error(again.body)
	}
}

func TestEndpointsAreListedPageByPageAndDeleted(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for range 5 {
		w.create(key, `"activate":"never"`)
	}
	var seen []float64
	after := 0.0
	for {
		a := w.request(key, fmt.Sprintf("GET /v1/endpoints?limit=2&after=%.0f", after), "").want(200)
		var page struct {
			Endpoints []struct{ ID float64 }
			Next      *float64
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
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
	w.request(key, "DELETE /v1/endpoints/3", "").want(204)
	w.request(key, "DELETE /v1/endpoints/3", "").want(404)
	w.request(key, "GET /v1/endpoints/3", "").want(404)
	if _, ok := w.delivery.Lane(3); ok {
		t.Error("the deleted endpoint is still delivered to")
	}
}
