package api_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAnEventIsTakenWithItsContact(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.madeContact(key, `{"email":"ann@example.com"}`)
	w.request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ANN@example.com","total":129.50,"items":[{"b":1,"a":null}],"note":"<&> \" б"}}`).
		want(200).has("id", 1.0).has("contactId", 1.0).has("contactCreated", false).has("repeated", false)
	const params = `"params":[{"name":"email","value":"ANN@example.com"},{"name":"total","value":129.50},{"name":"items","value":[{"b":1,"a":null}]},{"name":"note","value":"<&> \" б"},{"name":"contactId","value":1}]`
	if a := w.request(key, "GET /v1/events/1", "").want(200).has("eventTypeKey", "order").has("keyValue", "1042").has("contactId", 1.0); !strings.Contains(a.body, params) {
		t.Errorf("%s\nwant %s", a.body, params)
	}
	w.request(key, "POST /v1/events", `{"eventTypeKey":"order","params":[{"name":"phone","value":"+380 67 123 45 67"},{"name":"n","value":null}]}`).
		want(200).has("contactId", 2.0).has("contactCreated", true)
	if a := w.request(key, "GET /v1/events/2", ""); !strings.Contains(a.body, `"keyValue":"+380 67 123 45 67"`) {
		t.Error(a.body)
	}
	w.request(key, "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"7"}`).want(200).has("contactId", nil)
	w.request(w.key(key, `"manage"`), "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"8"}`).want(200)
	w.request(w.key(key, `"read"`), "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"8"}`).want(403)
	w.request(w.account("other"), "GET /v1/events/1", "").want(404)
}

func TestWrongEventsAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	long := strings.Repeat("x", 101)
	for _, c := range []struct {
		body, field string
		status      int
	}{
		{`{}`, "eventTypeKey", 422},
		{`{"eventTypeKey":"a"}`, "keyValue", 422},
		{`{"eventTypeKey":"a","params":{"order":1}}`, "keyValue", 422},
		{`{"eventTypeKey":"a","params":{"externalCustomerId":"null"}}`, "keyValue", 422},
		{`{"eventTypeKey":"` + long + `","keyValue":"1"}`, "eventTypeKey", 422},
		{`{"eventTypeKey":"a<b","keyValue":"1"}`, "eventTypeKey", 422},
		{`{"eventTypeKey":"a","keyValue":"1,2"}`, "keyValue", 422},
		{`{"eventTypeKey":"a","keyValue":"` + strings.Repeat("x", 301) + `"}`, "keyValue", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":{"` + long + `":1}}`, "params[0].name", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":[{"name":"x","value":1},{"name":"x","value":2}]}`, "params[1].name", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":{"x":1,"x":2}}`, "params.x", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":[{"name":"x"}]}`, "params[0].value", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":"x"}`, "params", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":{"x":"` + strings.Repeat("y", 20<<10) + `"}}`, "params", 422},
		{`{"eventTypeKey":"a","keyValue":"1","params":` + strings.Repeat(`{"x":`, 40) + `1` + strings.Repeat("}", 40) + `}`, "-", 400},
		{`{"eventTypeKey":"a","keyValue":"1","what":1}`, "what", 422},
	} {
		a := w.request(key, "POST /v1/events", c.body)
		if a.status != c.status || firstFault(a) != c.field {
			t.Errorf("%.70s: answered %d, fault in %q, want %q: %.200s", c.body, a.status, firstFault(a), c.field, a.body)
		}
	}
	if a := w.request(key, "GET /v1/event-types", "").want(200); !strings.Contains(a.body, `"types":[]`) {
		t.Errorf("a wrong event left a type: %s", a.body)
	}
}

func TestEventsAreListedByTypeForPickers(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for i := range 3 {
		w.request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"%d","params":{"email":"ann@example.com","total":%d}}`, i, i)).want(200)
		w.request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"visit","keyValue":"%d"}`, i)).want(200)
	}
	ids := func(a *answer) string {
		var list []string
		events, _ := a.get("events").([]any)
		for _, e := range events {
			list = append(list, fmt.Sprint(e.(map[string]any)["id"]))
		}
		return strings.Join(list, " ")
	}
	for query, want := range map[string]string{
		"": "6 5 4 3 2 1", "?eventTypeKey=order": "5 3 1", "?eventTypeKey=visit&before=6": "4 2", "?contactId=1": "5 3 1",
		"?eventTypeKey=order&keyValue=1": "3", "?limit=2": "6 5", "?contactId=9": "",
	} {
		if got := ids(w.request(key, "GET /v1/events"+query, "").want(200)); got != want {
			t.Errorf("%s lists %s, want %s", query, got, want)
		}
	}
	w.request(key, "GET /v1/events?eventTypeKey=none", "").want(404)
	w.request(key, "GET /v1/events?keyValue=1", "").want(400)
	w.request(key, "GET /v1/event-types?limit=1", "").want(200).has("next", "order")
	a := w.request(key, "GET /v1/event-types/1", "").want(200).has("type.key", "order").has("type.uniqueKeys", false)
	if !strings.Contains(a.body, `{"name":"total","value":2}`) {
		t.Error(a.body)
	}
	w.request(key, "PATCH /v1/event-types/1", `{"uniqueKeys":true,"name":"Orders"}`).want(200).has("uniqueKeys", true).has("name", "Orders")
	w.request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"1","params":{"email":"new@example.com"}}`).want(200).has("repeated", true).has("id", 3.0).has("contactId", 1.0)
	w.request(w.account("other"), "PATCH /v1/event-types/1", `{"uniqueKeys":true}`).want(404)
	if audit := w.request(key, "GET /v1/audit", ""); !strings.Contains(audit.body, "event-type.update") {
		t.Error(audit.body)
	}
}

func TestATimelineIsReadPageByPage(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.madeContact(key, `{"email":"ann@example.com","subscriptions":["A"]}`)
	for i := range 3 {
		w.request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"%d","params":{"email":"ann@example.com"}}`, i)).want(200)
		w.request(key, "PATCH /v1/contacts/1", fmt.Sprintf(`{"subscriptions":["B%d"]}`, i)).want(200)
	}
	seen := map[string]int{}
	before := ""
	for pages := 1; ; pages++ {
		a := w.request(key, "GET /v1/contacts/1/timeline?limit=2"+before, "").want(200)
		entries, _ := a.get("entries").([]any)
		for _, e := range entries {
			seen[e.(map[string]any)["kind"].(string)]++
		}
		next, more := a.get("next").(string)
		if !more {
			break
		}
		if before = "&before=" + next; pages > 10 {
			t.Fatal("there is no end")
		}
	}
	if seen["event"] != 3 || seen["activity"] != 3 {
		t.Errorf("seen %v", seen)
	}
	for _, bad := range []string{"x", "1-2-3", "1-2-3-4-5", "-1-2-3-4", "1-2-3--4", "01-2-3-4", "1-2-3-4x"} {
		w.request(key, "GET /v1/contacts/1/timeline?before="+bad, "").want(400)
	}
	w.request(key, "GET /v1/contacts/2/timeline", "").want(404)
}
