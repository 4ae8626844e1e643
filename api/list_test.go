package api_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tidings"
	"tidings/api/apitest"
)

// names gives what a list shows of one field, and its next.
func names(a *apitest.Answer, list, field string) string {
	a.T.Helper()
	var page map[string]any
	if err := json.Unmarshal([]byte(a.Want(200).Body), &page); err != nil {
		a.T.Fatal(err)
	}
	out := []any{}
	for _, one := range page[list].([]any) {
		out = append(out, one.(map[string]any)[field])
	}
	return fmt.Sprintln(out, page["next"])
}

func TestListsGiveWhatHasTheWordsAsked(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, name := range []string{"Осінь 1", "winter", "ОСІНЬ 2"} {
		w.Request(key, "POST /v1/segments", `{"name":"`+name+`"}`).Want(201)
		w.Request(key, "POST /v1/workflows", `{"name":"`+name+`","definition":{"trigger":{"eventTypeKey":"x"},"start":"end","blocks":[{"id":"end","kind":"end"}]}}`).Want(201)
		w.Request(key, "POST /v1/messages", `{"name":"`+name+`","subject":"s","html":"h"}`).Want(201)
		w.Request(key, "POST /v1/webhooks", `{"name":"`+name+`","method":"GET","url":"https://a.example/"}`).Want(201)
		w.Request(key, "POST /v1/sources", `{"name":"`+name+`","kind":"postmark","secrets":{"username":"u","password":"hush-1"}}`).Want(201)
		w.Request(key, "POST /v1/events", `{"eventTypeKey":"`+name+`","keyValue":"1","params":{"email":"ann@example.com"}}`).Want(200)
	}
	for _, c := range []struct{ path, list, field, want string }{
		{"/v1/workflows?q=осінь", "workflows", "name", "[Осінь 1 ОСІНЬ 2] <nil>\n"},
		{"/v1/workflows?q=осінь&limit=1", "workflows", "name", "[Осінь 1] 1\n"},
		{"/v1/workflows?q=осінь&limit=1&after=1", "workflows", "name", "[ОСІНЬ 2] 3\n"},
		{"/v1/workflows?q=осінь&after=3", "workflows", "name", "[] <nil>\n"},
		{"/v1/webhooks?q=INT", "webhooks", "name", "[winter] <nil>\n"},
		{"/v1/segments?q=осінь", "segments", "name", "[Осінь 1 ОСІНЬ 2] <nil>\n"},
		{"/v1/messages?q=осінь", "messages", "name", "[Осінь 1 ОСІНЬ 2] <nil>\n"},
		{"/v1/sources?q=осінь", "sources", "name", "[Осінь 1 ОСІНЬ 2] <nil>\n"},
		{"/v1/event-types?q=осінь", "types", "key", "[ОСІНЬ 2 Осінь 1] <nil>\n"},
		{"/v1/event-types?q=осінь&limit=1", "types", "key", "[ОСІНЬ 2] ОСІНЬ 2\n"},
	} {
		if got := names(w.Request(key, "GET "+c.path, ""), c.list, c.field); got != c.want {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
}

func TestEndpointsAreChosenByStateAndByBeingBlocked(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for range 3 {
		w.create(key, "")
	}
	w.create(key, `"activate":"never"`)
	for id, since := range map[tidings.EndpointID]time.Duration{3: time.Minute, 1: time.Hour, 4: time.Second} {
		act := tidings.Act{Account: 1, Endpoint: id, Actor: "test", Action: "test", Move: func(p tidings.Position) (tidings.Position, error) {
			p.Attempts, p.BlockedSince, p.NextTry = 1, time.Now().Add(-since), time.Now().Add(time.Hour)
			return p, nil
		}}
		if _, err := w.Store.Act(t.Context(), act); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ query, want string }{
		{"", "[1 2 3 4] <nil>\n"},
		{"?state=deactivated", "[4] <nil>\n"},
		{"?state=active&q=SHOP&limit=2", "[1 2] 2\n"},
		{"?q=elsewhere", "[] <nil>\n"},
		{"?blocked=true", "[1 3 4] <nil>\n"},
		{"?blocked=true&limit=1&after=1", "[3] 3\n"},
		{"?blocked=true&state=active", "[1 3] <nil>\n"},
	} {
		if got := names(w.Request(key, "GET /v1/endpoints"+c.query, ""), "endpoints", "id"); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	w.Request(key, "GET /v1/endpoints?state=gone", "").Want(400)
}
