package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// memberIDs gives the ids of a page of contacts.
func memberIDs(a *answer) string {
	a.t.Helper()
	var ids []string
	contacts, _ := a.get("contacts").([]any)
	for _, c := range contacts {
		ids = append(ids, fmt.Sprint(c.(map[string]any)["id"]))
	}
	return strings.Join(ids, " ")
}

func TestAListHasTheContactsThatWerePutOnIt(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.madeContact(key, `{"externalCustomerId":"a"}`)
	w.madeContact(key, `{"externalCustomerId":"b"}`)
	w.request(key, "POST /v1/segments", `{"name":"friends"}`).want(201).has("kind", "list").has("condition", nil)
	add := func(body string) *answer { return w.request(key, "POST /v1/segments/1/contacts/add", body) }
	a := add(`{"contactIds":[1,99],"externalCustomerIds":["b","z"]}`).want(200).has("added", 2.0)
	if !strings.Contains(a.body, `"missing":[99],"unknown":["z"]`) {
		t.Error(a.body)
	}
	if got := memberIDs(w.request(key, "GET /v1/segments/1/contacts", "").want(200).has("next", nil)); got != "1 2" {
		t.Error(got)
	}
	if got := memberIDs(w.request(key, "GET /v1/segments/1/contacts?limit=1", "").want(200).has("next", 1.0)); got != "1" {
		t.Error(got)
	}
	w.request(key, "POST /v1/segments/1/contacts/remove", `{"contactIds":[1]}`).want(200).has("removed", 1.0)
	w.request(key, "GET /v1/segments/1/count", "").want(200).has("count", 1.0)
	add(`{}`).want(422)
	add(`{"contactIds":[` + strings.Repeat("1,", 500) + `1]}`).want(422)
	w.request(key, "PATCH /v1/segments/1", `{"condition":{"field":"TOWN","op":"isSet"}}`).want(422)
	w.request(key, "PATCH /v1/segments/1", `{"name":"old friends"}`).want(200).has("name", "old friends").has("version", 2.0)
	w.request(key, "PATCH /v1/segments/1", `{"name":"x","version":1}`).want(409)
}

func TestASegmentByConditionHasThoseOfWhomItHolds(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.field(key, "PERSONAL.BONUS", "number")
	w.madeContact(key, `{"email":"a@example.com","address":{"town":"Lviv"},"fields":{"PERSONAL.BONUS":150}}`)
	w.madeContact(key, `{"email":"b@example.com","address":{"town":"Kyiv"},"fields":{"PERSONAL.BONUS":50}}`)
	w.madeContact(key, `{"sms":"380671234567"}`)
	const condition = `{"any":[{"all":[{"field":"town","op":"equals","value":"LVIV"},{"field":"PERSONAL.BONUS","op":"greater","value":100}]},{"field":"EMAIL","op":"isEmpty"}]}`
	w.request(key, "POST /v1/segments/preview", `{"condition":`+condition+`}`).want(200).has("count", 2.0)
	if got := memberIDs(w.request(key, "POST /v1/segments/preview", `{"condition":`+condition+`}`)); got != "1 3" {
		t.Errorf("the preview shows %s", got)
	}
	a := w.request(key, "POST /v1/segments", `{"name":"x","condition":`+condition+`}`).want(201).has("kind", "condition")
	if shown := strings.Replace(condition, "100", `"100"`, 1); !strings.Contains(a.body, shown) {
		t.Errorf("%s\nwant %s", a.body, shown)
	}
	if got := memberIDs(w.request(key, "GET /v1/segments/1/contacts", "").want(200)); got != "1 3" {
		t.Error(got)
	}
	w.request(key, "POST /v1/segments/1/contacts/add", `{"contactIds":[2]}`).want(409)
	w.request(key, "PATCH /v1/segments/1", `{"condition":{"field":"TOWN","op":"oneOf","value":["kyiv","odesa"]}}`).want(200)
	if got := memberIDs(w.request(key, "GET /v1/segments/1/contacts", "").want(200)); got != "2" {
		t.Error(got)
	}
	w.request(key, "PATCH /v1/segments/1", `{"condition":null}`).want(422)
	w.request(w.account("other"), "GET /v1/segments/1/contacts", "").want(404)
}

func TestWrongConditionsAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for _, c := range []struct{ condition, field string }{
		{`{}`, "condition"},
		{`[]`, "condition"},
		{`{"all":[]}`, "condition"},
		{`{"all":[],"field":"TOWN"}`, "condition"},
		{`{"field":"TOWN"}`, "condition.op"},
		{`{"field":"TOWN","op":"like","value":"x"}`, "condition.op"},
		{`{"field":"TOWN","op":"equals"}`, "condition.value"},
		{`{"field":"TOWN","op":"equals","value":["a","b"]}`, "condition.value"},
		{`{"field":"TOWN","op":"equals","value":null}`, "condition.value"},
		{`{"field":"TOWN","op":"isSet","value":"x"}`, "condition.value"},
		{`{"field":"TOWN","op":"greater","value":"x"}`, "condition.value"},
		{`{"field":"TOWN","op":"oneOf","value":[]}`, "condition.value"},
		{`{"all":[{"field":"TOWN","op":"isSet"},{"any":[{"field":"X","op":"?"}]}]}`, "condition.all[1].any[0].op"},
		{`{"where":"1=1"}`, "condition.where"},
		{strings.Repeat(`{"all":[`, 5) + `{"field":"TOWN","op":"isSet"}` + strings.Repeat("]}", 5), "condition.all[0].all[0].all[0].all[0].all[0]"},
		{`{"any":[` + strings.Repeat(`{"field":"TOWN","op":"isSet"},`, 100) + `{"field":"TOWN","op":"isSet"}]}`, "condition"},
	} {
		a := w.request(key, "POST /v1/segments", `{"name":"x","condition":`+c.condition+`}`)
		if a.status != 422 || firstFault(a) != c.field {
			t.Errorf("%.80s: answered %d, fault in %q, want %q", c.condition, a.status, firstFault(a), c.field)
		}
	}
}

func TestAContactShowsItsSegmentsAndASegmentIsSearched(t *testing.T) {
	w := newWorld(t)
	key, other := w.account("shop"), w.account("other")
	w.madeContact(key, `{"email":"ann@example.com"}`)
	w.madeContact(key, `{"email":"anna@example.com"}`)
	w.request(key, "POST /v1/segments", `{"name":"friends"}`).want(201)
	w.request(key, "POST /v1/segments", `{"name":"all","condition":{"field":"EMAIL","op":"isSet"}}`).want(201)
	w.request(key, "POST /v1/segments/1/contacts/add", `{"contactIds":[2]}`).want(200)
	if a := w.request(key, "GET /v1/contacts/1/segments", "").want(200); strings.Contains(a.body, "friends") || !strings.Contains(a.body, `"name":"all"`) {
		t.Error(a.body)
	}
	w.request(other, "GET /v1/contacts/1/segments", "").want(404)
	for query, want := range map[string]string{"q=ann": "1 2", "q=ann&segmentId=1": "2", "segmentId=1": "2", "segmentId=2&limit=1": "1", "q=ann&segmentId=2&limit=1": "1", "q=zoe&segmentId=2": ""} {
		if got := memberIDs(w.request(key, "GET /v1/contacts?"+query, "").want(200)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	w.request(other, "GET /v1/contacts?segmentId=1", "").want(404)
	w.request(other, "GET /v1/contacts?segmentId=1&q=ann", "").want(404)
}
