package api_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings/api/apitest"
)

// memberIDs gives the ids of a page of contacts.
func memberIDs(a *apitest.Answer) string {
	a.T.Helper()
	var ids []string
	contacts, _ := a.Get("contacts").([]any)
	for _, c := range contacts {
		ids = append(ids, fmt.Sprint(c.(map[string]any)["id"]))
	}
	return strings.Join(ids, " ")
}

func TestAListHasTheContactsThatWerePutOnIt(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.madeContact(key, `{"externalCustomerId":"a"}`)
	w.madeContact(key, `{"externalCustomerId":"b"}`)
	w.Request(key, "POST /v1/segments", `{"name":"friends"}`).Want(201).Has("kind", "list").Has("condition", nil)
	add := func(body string) *apitest.Answer { return w.Request(key, "POST /v1/segments/1/contacts/add", body) }
	a := add(`{"contactIds":[1,99],"externalCustomerIds":["b","z"]}`).Want(200).Has("added", 2.0)
	if !strings.Contains(a.Body, `"missing":[99],"unknown":["z"]`) {
		t.Error(a.Body)
	}
	if got := memberIDs(w.Request(key, "GET /v1/segments/1/contacts", "").Want(200).Has("next", nil)); got != "1 2" {
		t.Error(got)
	}
	if got := memberIDs(w.Request(key, "GET /v1/segments/1/contacts?limit=1", "").Want(200).Has("next", 1.0)); got != "1" {
		t.Error(got)
	}
	w.Request(key, "POST /v1/segments/1/contacts/remove", `{"contactIds":[1]}`).Want(200).Has("removed", 1.0)
	w.Request(key, "GET /v1/segments/1/count", "").Want(200).Has("count", 1.0)
	add(`{}`).Want(422)
	add(`{"contactIds":[` + strings.Repeat("1,", 500) + `1]}`).Want(422)
	w.Request(key, "PATCH /v1/segments/1", `{"condition":{"field":"TOWN","op":"isSet"}}`).Want(422)
	w.Request(key, "PATCH /v1/segments/1", `{"name":"old friends"}`).Want(200).Has("name", "old friends").Has("version", 2.0)
	w.Request(key, "PATCH /v1/segments/1", `{"name":"x","version":1}`).Want(409)
}

func TestASegmentByConditionHasThoseOfWhomItHolds(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.field(key, "PERSONAL.BONUS", "number")
	w.madeContact(key, `{"email":"a@example.com","address":{"town":"Lviv"},"fields":{"PERSONAL.BONUS":150}}`)
	w.madeContact(key, `{"email":"b@example.com","address":{"town":"Kyiv"},"fields":{"PERSONAL.BONUS":50}}`)
	w.madeContact(key, `{"sms":"380671234567"}`)
	const condition = `{"any":[{"all":[{"field":"town","op":"equals","value":"LVIV"},{"field":"PERSONAL.BONUS","op":"greater","value":100}]},{"field":"EMAIL","op":"isEmpty"}]}`
	w.Request(key, "POST /v1/segments/preview", `{"condition":`+condition+`}`).Want(200).Has("count", 2.0)
	if got := memberIDs(w.Request(key, "POST /v1/segments/preview", `{"condition":`+condition+`}`)); got != "1 3" {
		t.Errorf("the preview shows %s", got)
	}
	a := w.Request(key, "POST /v1/segments", `{"name":"x","condition":`+condition+`}`).Want(201).Has("kind", "condition")
	if shown := strings.Replace(condition, "100", `"100"`, 1); !strings.Contains(a.Body, shown) {
		t.Errorf("%s\nwant %s", a.Body, shown)
	}
	if got := memberIDs(w.Request(key, "GET /v1/segments/1/contacts", "").Want(200)); got != "1 3" {
		t.Error(got)
	}
	w.Request(key, "POST /v1/segments/1/contacts/add", `{"contactIds":[2]}`).Want(409)
	w.Request(key, "PATCH /v1/segments/1", `{"condition":{"field":"TOWN","op":"oneOf","value":["kyiv","odesa"]}}`).Want(200)
	if got := memberIDs(w.Request(key, "GET /v1/segments/1/contacts", "").Want(200)); got != "2" {
		t.Error(got)
	}
	w.Request(key, "PATCH /v1/segments/1", `{"condition":null}`).Want(422)
	w.Request(w.Account("other"), "GET /v1/segments/1/contacts", "").Want(404)
}

func TestWrongConditionsAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/segments", `{"name":"x","condition":`+c.condition+`}`)
		if a.Status != 422 || firstFault(a) != c.field {
			t.Errorf("%.80s: answered %d, fault in %q, want %q", c.condition, a.Status, firstFault(a), c.field)
		}
	}
}

func TestAContactShowsItsSegmentsAndASegmentIsSearched(t *testing.T) {
	w := newWorld(t)
	key, other := w.Account("shop"), w.Account("other")
	w.madeContact(key, `{"email":"ann@example.com"}`)
	w.madeContact(key, `{"email":"anna@example.com"}`)
	w.Request(key, "POST /v1/segments", `{"name":"friends"}`).Want(201)
	w.Request(key, "POST /v1/segments", `{"name":"all","condition":{"field":"EMAIL","op":"isSet"}}`).Want(201)
	w.Request(key, "POST /v1/segments/1/contacts/add", `{"contactIds":[2]}`).Want(200)
	if a := w.Request(key, "GET /v1/contacts/1/segments", "").Want(200); strings.Contains(a.Body, "friends") || !strings.Contains(a.Body, `"name":"all"`) {
		t.Error(a.Body)
	}
	w.Request(other, "GET /v1/contacts/1/segments", "").Want(404)
	for query, want := range map[string]string{"q=ann": "1 2", "q=ann&segmentId=1": "2", "segmentId=1": "2", "segmentId=2&limit=1": "1", "q=ann&segmentId=2&limit=1": "1", "q=zoe&segmentId=2": ""} {
		if got := memberIDs(w.Request(key, "GET /v1/contacts?"+query, "").Want(200)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	w.Request(other, "GET /v1/contacts?segmentId=1", "").Want(404)
	w.Request(other, "GET /v1/contacts?segmentId=1&q=ann", "").Want(404)
}
