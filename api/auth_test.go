package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
)

func TestAKeyIsTakenAsBearerOrAsPassword(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	basic := func(user string) string {
		req := basicAuth(user, key)
		return "Authorization: " + req
	}
	for _, header := range []string{"Authorization: Bearer " + key, "Authorization: bearer " + key, basic("any"), basic("")} {
		w.request("", "GET /v1/accounts/me", "", header).want(200).has("name", "shop")
	}
	for _, header := range []string{"Authorization: " + key, "Authorization: Bearer", "Authorization: Basic !!!", "Authorization: Bearer " + key + "x", "Authorization: Bearer " + strings.Repeat("k", 2000), "Authorization: Digest " + key} {
		a := w.request("", "GET /v1/accounts/me", "", header).want(401).has("code", "unauthorized")
		if offers := strings.Join(a.header.Values("Www-Authenticate"), " "); !strings.Contains(offers, "Bearer") || !strings.Contains(offers, "Basic") {
			t.Errorf("%s: offered %q", header, offers)
		}
	}
}

func TestAScopeOpensItsOperationsOnly(t *testing.T) {
	w := newWorld(t)
	all := w.account("shop")
	w.request(all, "POST /v1/endpoints", `{"name":"x","url":"`+w.receiver.URL+`"}`).want(201)
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
			a := w.request(key, c.line, c.body)
			if scope == c.scope {
				a.want(200)
				continue
			}
			if a.want(403).has("code", "forbidden"); !strings.Contains(a.body, c.scope) {
				t.Errorf("%s: the missing scope is not named: %s", c.line, a.body)
			}
		}
	}
	for _, key := range keys {
		w.request(key, "GET /v1/accounts/me", "").want(200)
	}
}

func TestARevokedKeyIsRefusedAtItsNextUse(t *testing.T) {
	w := newWorld(t)
	all := w.account("shop")
	key := w.key(all, `"ingest"`)
	w.request(key, "GET /v1/accounts/me", "").want(200) // it is known now
	id := w.request(key, "GET /v1/accounts/me", "").get("key.id").(float64)
	w.request(all, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").want(204)
	w.request(key, "GET /v1/accounts/me", "").want(401)
	w.request(all, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").want(204) // changes nothing
	if list := w.request(all, "GET /v1/accounts/me/keys", "").want(200); !strings.Contains(list.body, `"revokedAt":"20`) || strings.Contains(list.body, key) {
		t.Errorf("keys %s", list.body)
	}
}

func TestAKeyGivesNoScopeThatItHasNot(t *testing.T) {
	w := newWorld(t)
	manage := w.key(w.account("shop"), `"manage"`)
	w.request(manage, "POST /v1/accounts/me/keys", `{"name":"k","scopes":["ingest"]}`).want(403)
	w.request(manage, "POST /v1/accounts/me/keys", `{"name":"k","scopes":["manage"]}`).want(201)
	w.request(adminToken, "POST /v1/accounts/1/keys", `{"name":"k","scopes":["ingest","read"]}`).want(201)
	for body, field := range map[string]string{`{"name":"k","scopes":["fly"]}`: "scopes", `{"name":"k","scopes":[]}`: "scopes", `{"name":"k"}`: "scopes", `{"scopes":["read"]}`: "name"} {
		if got := firstFault(w.request(adminToken, "POST /v1/accounts/1/keys", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
}

func TestAnotherAccountsThingsAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.account("mine"), w.account("theirs")
	w.request(theirs, "POST /v1/activities", "["+activity("1")+"]").want(200)
	w.request(theirs, "POST /v1/endpoints", `{"name":"x","url":"`+w.receiver.URL+`"}`).want(201)
	for _, line := range []string{
		"GET /v1/endpoints/1", "DELETE /v1/endpoints/1", "PATCH /v1/endpoints/1", "GET /v1/endpoints/1/attempts", "GET /v1/endpoints/1/tail",
		"POST /v1/endpoints/1/probe", "POST /v1/endpoints/1/activate", "POST /v1/endpoints/1/deactivate", "POST /v1/endpoints/1/retry", "POST /v1/endpoints/1/rotate-secret",
		"GET /v1/accounts/2/keys", "DELETE /v1/accounts/2/keys/2", "DELETE /v1/accounts/me/keys/2", "GET /v1/accounts/x/keys",
	} {
		w.request(mine, line, "").want(404).has("code", "not_found")
	}
	w.request(mine, "POST /v1/endpoints/1/seek", `{"to":"now"}`).want(404)
	w.request(mine, "POST /v1/endpoints/1/skip", `{"reason":"r"}`).want(404)
	if a := w.request(mine, "GET /v1/activities", "").want(200); a.body != "[]\n" {
		t.Errorf("read %s", a.body)
	}
	if a := w.request(mine, "GET /v1/endpoints", "").want(200); strings.Contains(a.body, `"id"`) {
		t.Errorf("listed %s", a.body)
	}
}

func TestTheAdminsOperationsNeedTheAdminToken(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for token, status := range map[string]int{"": 401, "wrong": 401, key: 403, adminToken: 200} {
		w.request(token, "GET /v1/accounts", "").want(status)
	}
	a := w.request(adminToken, "GET /v1/endpoints", "").want(403)
	if !strings.Contains(a.body, "use a key of the account") {
		t.Error(a.body)
	}
	w.request(adminToken, "GET /v1/accounts/me/keys", "").want(404)
	w.request(adminToken, "POST /v1/accounts", `{"name":""}`).want(422)
	w.account("second")
	page := w.request(adminToken, "GET /v1/accounts?limit=1", "").want(200).has("next", 1.0)
	if strings.Contains(page.body, "second") {
		t.Error(page.body)
	}
	w.request(adminToken, "GET /v1/accounts?after=1", "").want(200).has("next", nil)
}

func TestWithoutAnAdminTokenTheServerSaysHowToGetOne(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.AdminToken = "" })
	for _, line := range []string{"POST /v1/accounts", "GET /v1/accounts"} {
		a := w.request("anything", line, "").want(403).has("code", "forbidden")
		if !strings.Contains(a.body, "--admin-token") {
			t.Error(a.body)
		}
	}
}

func TestManyWrongKeysFromOneAddressAreHeldBackAndARightKeyInUseIsNot(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.request(key, "GET /v1/accounts/me", "").want(200)
	limited := 0
	for i := range 60 {
		a := w.request(fmt.Sprintf("tk_wrong%d", i), "GET /v1/accounts/me", "")
		switch a.status {
		case 401:
		case 429:
			limited++
			if a.has("code", string(tidings.CodeRateLimited)).header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		default:
			t.Fatalf("answered %d", a.status)
		}
	}
	if limited < 20 {
		t.Errorf("%d of 60 were held back", limited)
	}
	w.request(key, "GET /v1/accounts/me", "").want(200)
}

// All clients behind one proxy share its address: whoever tries wrong keys
// there must not lock out those whose keys are known.
func TestWrongKeysNeverHoldBackAKeyThatWasSeenBefore(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	key := w.account("shop")
	w.request(key, "GET /v1/accounts/me", "").want(200)
	for hour := range 3 {
		for i := range 30 {
			w.request(fmt.Sprintf("tk_wrong%d_%d", hour, i), "GET /v1/accounts/me", "")
		}
		w.request("tk_wrong", "GET /v1/accounts/me", "").want(429)
		now = now.Add(time.Hour) // what was looked up must be looked up again
		for i := range 30 {
			w.request(fmt.Sprintf("tk_again%d_%d", hour, i), "GET /v1/accounts/me", "")
		}
		w.request(key, "GET /v1/accounts/me", "").want(200)
	}
}
