package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

// mailgunEvent is an event webhook as Mailgun sends it, signed.
func mailgunEvent(key, id, event, recipient string) string {
	stamp, token := fmt.Sprint(time.Now().Unix()), strings.Repeat("t", 50)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + token))
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":{"id":%q,"event":%q,"timestamp":%s.5,"recipient":%q,`+
		`"message":{"headers":{"message-id":"m1@example.com"}},"url":"https://shop.example/sale","client-info":{"client-type":"browser"},"user-variables":{"messageId":"77"}}}`,
		stamp, token, hex.EncodeToString(mac.Sum(nil)), id, event, stamp, recipient)
}

func TestEventsOfAnotherSenderBecomeActivitiesOnce(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.made(key, "/v1/contacts", `{"email":"ann@example.com"}`)
	w.made(key, "/v1/sources", `{"name":"Mailgun","kind":"mailgun","secrets":{"signingKey":"hush-key"}}`)
	w.request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e1", "delivered", "ann@example.com")).want(200).has("accepted", 1.0).has("repeated", 0.0)
	w.request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e1", "delivered", "ann@example.com")).want(200).has("accepted", 0.0).has("repeated", 1.0)
	w.request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e2", "clicked", "new@example.com")).want(200).has("accepted", 1.0)
	w.request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e3", "accepted", "ann@example.com")).want(200).has("accepted", 0.0)
	w.request("", "POST /v1/sources/1", mailgunEvent("another key", "e4", "delivered", "ann@example.com")).want(401)
	w.request("", "POST /v1/sources/1", `{}`).want(401)
	w.request("", "POST /v1/sources/9", `{}`).want(404)
	lately := w.request(key, "GET /v1/sources/1/requests", "").want(200)
	if got := strings.Count(lately.body, `"at":`); got != 6 || !strings.Contains(lately.body, `"why":[{"event":"accepted","reason":`) || strings.Contains(lately.body, "example.com") {
		t.Errorf("%d requests came lately: %s", got, lately.body)
	}
	if newest := lately.get("requests").([]any)[0].(map[string]any); newest["error"] == "" || newest["accepted"] != 0.0 {
		t.Errorf("the newest is %v", newest)
	}
	feed := w.request(key, "GET /v1/activities?after=0", "").want(200)
	for _, part := range []string{`"seq":2`, `"contactId":1`, `"activityStatus":"DELIVERED"`, `"contactId":2`, `"activityStatus":"CLICKED"`, `"clickEventLink":"https://shop.example/sale"`, `"messageId":77`} {
		if !strings.Contains(feed.body, part) {
			t.Errorf("the feed has no %s: %s", part, feed.body)
		}
	}
	if strings.Contains(feed.body, `"seq":3`) {
		t.Errorf("the feed has too much: %s", feed.body)
	}
	for range 30 {
		w.request("", "POST /v1/sources/1", `{}`).want(401)
	}
	if got := w.request(key, "GET /v1/sources/1/requests", "").want(200).body; strings.Count(got, `"at":`) != 20 {
		t.Errorf("more is kept than is shown: %s", got)
	}
	w.request(w.account("other"), "GET /v1/sources/1/requests", "").want(404)
	if shown := w.request(key, "GET /v1/sources/1", "").want(200).has("set", true); shown.get("lastAt") == nil || strings.Contains(shown.body, "hush") {
		t.Errorf("shown: %s", shown.body)
	}
}

func TestSourcesAreKeptWithTheirSecretsHidden(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.made(key, "/v1/sources", `{"name":"Postmark","kind":"postmark","secrets":{"username":"u","password":"hush-1"}}`)
	w.request(key, "PATCH /v1/sources/1", `{"name":"Post"}`).want(200).has("name", "Post").has("version", 2.0)
	w.request(key, "PATCH /v1/sources/1", `{"secrets":{"headerName":"X-Mine","headerValue":"hush-2"},"version":2}`).want(200).has("version", 3.0)
	w.request(key, "PATCH /v1/sources/1", `{"name":"x","version":2}`).want(409)
	for _, c := range []struct{ body, field string }{
		{`{}`, "name"},
		{`{"name":"x"}`, "kind"},
		{`{"name":"x","kind":"pigeon"}`, "kind"},
		{`{"name":"x","kind":"mailgun"}`, "secrets.signingKey"},
		{`{"name":"x","kind":"sendgrid","secrets":{"publicKey":"hush"}}`, "secrets"},
		{`{"name":"x","kind":"mailgun","secrets":{"key":"hush"}}`, "secrets.key"},
		{`{"name":"x","kind":"ses","secrets":{"topicArns":[]}}`, "secrets.topicArns"},
		{`{"name":"x","version":1,"kind":"twilio","secrets":{"authToken":"hush"}}`, "version"},
	} {
		a := w.request(key, "POST /v1/sources", c.body).want(422)
		if got := firstFault(a); !strings.HasPrefix(got, c.field) || strings.Contains(a.body, "hush") {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.body)
		}
	}
	for _, line := range []string{"GET /v1/sources", "GET /v1/audit"} {
		if a := w.request(key, line, "").want(200); strings.Contains(a.body, "hush") {
			t.Errorf("%s shows a secret: %s", line, a.body)
		}
	}
	w.request(key, "DELETE /v1/sources/1", "").want(204)
	w.request("", "POST /v1/sources/1", "{}").want(404)
}
