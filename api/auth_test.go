package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
)

func TestAKeyIsTakenAsBearerOrAsPassword(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	basic := func(user string) string {
		req := basicAuth(user, key)
		return "Authorization: " + req
	}
	for _, header := range []string{"Authorization: Bearer " + key, "Authorization: bearer " + key, basic("any"), basic("")} {
		w.Request("", "GET /v1/accounts/me", "", header).Want(200).Has("name", "shop")
	}
	for _, header := range []string{"Authorization: " + key, "Authorization: Bearer", "Authorization: Basic !!!", "Authorization: Bearer " + key + "x", "Authorization: Bearer " + strings.Repeat("k", 2000), "Authorization: Digest " + key} {
		a := w.Request("", "GET /v1/accounts/me", "", header).Want(401).Has("code", "unauthorized")
		if offers := strings.Join(a.Header.Values("Www-Authenticate"), " "); !strings.Contains(offers, "Bearer") || !strings.Contains(offers, "Basic") {
			t.Errorf("%s: offered %q", header, offers)
		}
	}
}

func TestAScopeOpensItsOperationsOnly(t *testing.T) {
	w := newWorld(t)
	all := w.Account("shop")
	w.Request(all, "POST /v1/endpoints", `{"name":"x","url":"`+w.Receiver.URL+`"}`).Want(201)
	keys := map[string]string{"ingest": w.key(all, `"ingest"`), "read": w.key(all, `"read"`), "manage": w.key(all, `"manage"`)}
	for _, c := range []struct{ line, body, scope string }{
		{"POST /v1/activities", "[" + activity("1") + "]", "ingest"},
		{"GET /v1/activities", "", "read"},
		{"GET /v1/activities/search?from=2026-01-01&to=2026-01-02", "", "read"},
		{"GET /v1/endpoints/1", "", "read"},
		{"GET /v1/endpoints/1/attempts", "", "read"},
		{"POST /v1/endpoints/1/deactivate", "", "manage"},
		{"PATCH /v1/endpoints/1", `{"name":"y"}`, "manage"},
		{"GET /v1/audit", "", "manage"},
		{"GET /v1/accounts/me/keys", "", "manage"},
	} {
		for scope, key := range keys {
			a := w.Request(key, c.line, c.body)
			if scope == c.scope {
				a.Want(200)
				continue
			}
			if a.Want(403).Has("code", "forbidden"); !strings.Contains(a.Body, c.scope) {
				t.Errorf("%s: the missing scope is not named: %s", c.line, a.Body)
			}
		}
	}
	for _, key := range keys {
		w.Request(key, "GET /v1/accounts/me", "").Want(200)
	}
}

func TestARevokedKeyIsRefusedAtItsNextUse(t *testing.T) {
	w := newWorld(t)
	all := w.Account("shop")
	key := w.key(all, `"ingest"`)
	w.Request(key, "GET /v1/accounts/me", "").Want(200) // it is known now
	id := w.Request(key, "GET /v1/accounts/me", "").Get("key.id").(float64)
	w.Request(all, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").Want(204)
	w.Request(key, "GET /v1/accounts/me", "").Want(401)
	w.Request(all, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").Want(204) // changes nothing
	if list := w.Request(all, "GET /v1/accounts/me/keys", "").Want(200); !strings.Contains(list.Body, `"revokedAt":"20`) || strings.Contains(list.Body, key) {
		t.Errorf("keys %s", list.Body)
	}
}

func TestAKeyGivesNoScopeThatItHasNot(t *testing.T) {
	w := newWorld(t)
	manage := w.key(w.Account("shop"), `"manage"`)
	w.Request(manage, "POST /v1/accounts/me/keys", `{"name":"k","scopes":["ingest"]}`).Want(403)
	w.Request(manage, "POST /v1/accounts/me/keys", `{"name":"k","scopes":["manage"]}`).Want(201)
	w.Request(apitest.AdminToken, "POST /v1/accounts/1/keys", `{"name":"k","scopes":["ingest","read"]}`).Want(201)
	for body, field := range map[string]string{`{"name":"k","scopes":["fly"]}`: "scopes", `{"name":"k","scopes":[]}`: "scopes", `{"name":"k"}`: "scopes", `{"scopes":["read"]}`: "name"} {
		if got := firstFault(w.Request(apitest.AdminToken, "POST /v1/accounts/1/keys", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
}

func TestAnotherAccountsThingsAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.Account("mine"), w.Account("theirs")
	w.Request(theirs, "POST /v1/activities", "["+activity("1")+"]").Want(200)
	w.Request(theirs, "POST /v1/endpoints", `{"name":"x","url":"`+w.Receiver.URL+`"}`).Want(201)
	for _, line := range []string{
		"GET /v1/endpoints/1", "DELETE /v1/endpoints/1", "PATCH /v1/endpoints/1", "GET /v1/endpoints/1/attempts", "GET /v1/endpoints/1/tail",
		"POST /v1/endpoints/1/probe", "POST /v1/endpoints/1/activate", "POST /v1/endpoints/1/deactivate", "POST /v1/endpoints/1/retry", "POST /v1/endpoints/1/rotate-secret",
		"GET /v1/accounts/2/keys", "DELETE /v1/accounts/2/keys/2", "DELETE /v1/accounts/me/keys/2", "GET /v1/accounts/x/keys",
	} {
		w.Request(mine, line, "").Want(404).Has("code", "not_found")
	}
	w.Request(mine, "POST /v1/endpoints/1/seek", `{"to":"now"}`).Want(404)
	w.Request(mine, "POST /v1/endpoints/1/skip", `{"reason":"r"}`).Want(404)
	if a := w.Request(mine, "GET /v1/activities", "").Want(200); a.Body != "[]\n" {
		t.Errorf("read %s", a.Body)
	}
	if a := w.Request(mine, "GET /v1/endpoints", "").Want(200); strings.Contains(a.Body, `"id"`) {
		t.Errorf("listed %s", a.Body)
	}
}

func TestTheAdminsOperationsNeedTheAdminToken(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for token, status := range map[string]int{"": 401, "wrong": 401, key: 403, apitest.AdminToken: 200} {
		w.Request(token, "GET /v1/accounts", "").Want(status)
	}
	a := w.Request(apitest.AdminToken, "GET /v1/endpoints", "").Want(403)
	if !strings.Contains(a.Body, "use a key of the account") {
		t.Error(a.Body)
	}
	w.Request(apitest.AdminToken, "GET /v1/accounts/me/keys", "").Want(404)
	w.Request(apitest.AdminToken, "POST /v1/accounts", `{"name":""}`).Want(422)
	w.Account("second")
	page := w.Request(apitest.AdminToken, "GET /v1/accounts?limit=1", "").Want(200).Has("next", 1.0)
	if strings.Contains(page.Body, "second") {
		t.Error(page.Body)
	}
	w.Request(apitest.AdminToken, "GET /v1/accounts?after=1", "").Want(200).Has("next", nil)
}

func TestWithoutAnAdminTokenTheServerSaysHowToGetOne(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.AdminToken = "" })
	for _, line := range []string{"POST /v1/accounts", "GET /v1/accounts"} {
		a := w.Request("anything", line, "").Want(403).Has("code", "forbidden")
		if !strings.Contains(a.Body, "--admin-token") {
			t.Error(a.Body)
		}
	}
}

func TestManyWrongKeysFromOneAddressAreHeldBackAndARightKeyInUseIsNot(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "GET /v1/accounts/me", "").Want(200)
	limited := 0
	for i := range 60 {
		a := w.Request(fmt.Sprintf("tk_wrong%d", i), "GET /v1/accounts/me", "")
		switch a.Status {
		case 401:
		case 429:
			limited++
			if a.Has("code", string(tidings.CodeRateLimited)).Header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		default:
			t.Fatalf("answered %d", a.Status)
		}
	}
	if limited < 20 {
		t.Errorf("%d of 60 were held back", limited)
	}
	w.Request(key, "GET /v1/accounts/me", "").Want(200)
}

// All clients behind one proxy share its address: whoever tries wrong keys
// there must not lock out those whose keys are known.
func TestWrongKeysNeverHoldBackAKeyThatWasSeenBefore(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	key := w.Account("shop")
	w.Request(key, "GET /v1/accounts/me", "").Want(200)
	for hour := range 3 {
		for i := range 30 {
			w.Request(fmt.Sprintf("tk_wrong%d_%d", hour, i), "GET /v1/accounts/me", "")
		}
		w.Request("tk_wrong", "GET /v1/accounts/me", "").Want(429)
		now = now.Add(time.Hour) // what was looked up must be looked up again
		for i := range 30 {
			w.Request(fmt.Sprintf("tk_again%d_%d", hour, i), "GET /v1/accounts/me", "")
		}
		w.Request(key, "GET /v1/accounts/me", "").Want(200)
	}
}
