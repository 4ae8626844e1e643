package api_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings/api/apitest"
)

func TestAnEventIsTakenWithItsContact(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.madeContact(key, `{"email":"ann@example.com"}`)
	w.Request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ANN@example.com","total":129.50,"items":[{"b":1,"a":null}],"note":"<&> \" б"}}`).
		Want(200).Has("id", 1.0).Has("contactId", 1.0).Has("contactCreated", false).Has("repeated", false)
	const params = `"params":[{"name":"email","value":"ANN@example.com"},{"name":"total","value":129.50},{"name":"items","value":[{"b":1,"a":null}]},{"name":"note","value":"<&> \" б"},{"name":"contactId","value":1}]`
	if a := w.Request(key, "GET /v1/events/1", "").Want(200).Has("eventTypeKey", "order").Has("keyValue", "1042").Has("contactId", 1.0); !strings.Contains(a.Body, params) {
		t.Errorf("%s\nwant %s", a.Body, params)
	}
	w.Request(key, "POST /v1/events", `{"eventTypeKey":"order","params":[{"name":"phone","value":"+380 67 123 45 67"},{"name":"n","value":null}]}`).
		Want(200).Has("contactId", 2.0).Has("contactCreated", true)
	if a := w.Request(key, "GET /v1/events/2", ""); !strings.Contains(a.Body, `"keyValue":"+380 67 123 45 67"`) {
		t.Error(a.Body)
	}
	w.Request(key, "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"7"}`).Want(200).Has("contactId", nil)
	w.Request(w.key(key, `"manage"`), "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"8"}`).Want(200)
	w.Request(w.key(key, `"read"`), "POST /v1/events", `{"eventTypeKey":"visit","keyValue":"8"}`).Want(403)
	w.Request(w.Account("other"), "GET /v1/events/1", "").Want(404)
}

func TestWrongEventsAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/events", c.body)
		if a.Status != c.status || firstFault(a) != c.field {
			t.Errorf("%.70s: answered %d, fault in %q, want %q: %.200s", c.body, a.Status, firstFault(a), c.field, a.Body)
		}
	}
	if a := w.Request(key, "GET /v1/event-types", "").Want(200); !strings.Contains(a.Body, `"types":[]`) {
		t.Errorf("a wrong event left a type: %s", a.Body)
	}
}

func TestEventsAreListedByTypeForPickers(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for i := range 3 {
		w.Request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"%d","params":{"email":"ann@example.com","total":%d}}`, i, i)).Want(200)
		w.Request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"visit","keyValue":"%d"}`, i)).Want(200)
	}
	ids := func(a *apitest.Answer) string {
		var list []string
		events, _ := a.Get("events").([]any)
		for _, e := range events {
			list = append(list, fmt.Sprint(e.(map[string]any)["id"]))
		}
		return strings.Join(list, " ")
	}
	for query, want := range map[string]string{
		"": "6 5 4 3 2 1", "?eventTypeKey=order": "5 3 1", "?eventTypeKey=visit&before=6": "4 2", "?contactId=1": "5 3 1",
		"?eventTypeKey=order&keyValue=1": "3", "?limit=2": "6 5", "?contactId=9": "",
	} {
		if got := ids(w.Request(key, "GET /v1/events"+query, "").Want(200)); got != want {
			t.Errorf("%s lists %s, want %s", query, got, want)
		}
	}
	w.Request(key, "GET /v1/events?eventTypeKey=none", "").Want(404)
	w.Request(key, "GET /v1/events?keyValue=1", "").Want(400)
	w.Request(key, "GET /v1/event-types?limit=1", "").Want(200).Has("next", "order")
	a := w.Request(key, "GET /v1/event-types/1", "").Want(200).Has("type.key", "order").Has("type.uniqueKeys", false)
	if !strings.Contains(a.Body, `{"name":"total","value":2}`) {
		t.Error(a.Body)
	}
	w.Request(key, "PATCH /v1/event-types/1", `{"uniqueKeys":true,"name":"Orders"}`).Want(200).Has("uniqueKeys", true).Has("name", "Orders")
	w.Request(key, "POST /v1/events", `{"eventTypeKey":"order","keyValue":"1","params":{"email":"new@example.com"}}`).Want(200).Has("repeated", true).Has("id", 3.0).Has("contactId", 1.0)
	w.Request(w.Account("other"), "PATCH /v1/event-types/1", `{"uniqueKeys":true}`).Want(404)
	if audit := w.Request(key, "GET /v1/audit", ""); !strings.Contains(audit.Body, "event-type.update") {
		t.Error(audit.Body)
	}
}

func TestATimelineIsReadPageByPage(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.madeContact(key, `{"email":"ann@example.com","subscriptions":["A"]}`)
	for i := range 3 {
		w.Request(key, "POST /v1/events", fmt.Sprintf(`{"eventTypeKey":"order","keyValue":"%d","params":{"email":"ann@example.com"}}`, i)).Want(200)
		w.Request(key, "PATCH /v1/contacts/1", fmt.Sprintf(`{"subscriptions":["B%d"]}`, i)).Want(200)
	}
	seen := map[string]int{}
	before := ""
	for pages := 1; ; pages++ {
		a := w.Request(key, "GET /v1/contacts/1/timeline?limit=2"+before, "").Want(200)
		entries, _ := a.Get("entries").([]any)
		for _, e := range entries {
			seen[e.(map[string]any)["kind"].(string)]++
		}
		next, more := a.Get("next").(string)
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
		w.Request(key, "GET /v1/contacts/1/timeline?before="+bad, "").Want(400)
	}
	w.Request(key, "GET /v1/contacts/2/timeline", "").Want(404)
}
