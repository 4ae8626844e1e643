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
	key := w.Account("shop")
	w.made(key, "/v1/contacts", `{"email":"ann@example.com"}`)
	w.made(key, "/v1/sources", `{"name":"Mailgun","kind":"mailgun","secrets":{"signingKey":"hush-key"}}`)
	w.Request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e1", "delivered", "ann@example.com")).Want(200).Has("accepted", 1.0).Has("repeated", 0.0)
	w.Request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e1", "delivered", "ann@example.com")).Want(200).Has("accepted", 0.0).Has("repeated", 1.0)
	w.Request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e2", "clicked", "new@example.com")).Want(200).Has("accepted", 1.0)
	w.Request("", "POST /v1/sources/1", mailgunEvent("hush-key", "e3", "accepted", "ann@example.com")).Want(200).Has("accepted", 0.0)
	w.Request("", "POST /v1/sources/1", mailgunEvent("another key", "e4", "delivered", "ann@example.com")).Want(401)
	w.Request("", "POST /v1/sources/1", `{}`).Want(401)
	w.Request("", "POST /v1/sources/9", `{}`).Want(404)
	lately := w.Request(key, "GET /v1/sources/1/requests", "").Want(200)
	if got := strings.Count(lately.Body, `"at":`); got != 6 || !strings.Contains(lately.Body, `"why":[{"event":"accepted","reason":`) || strings.Contains(lately.Body, "example.com") {
		t.Errorf("%d requests came lately: %s", got, lately.Body)
	}
	if newest := lately.Get("requests").([]any)[0].(map[string]any); newest["error"] == "" || newest["accepted"] != 0.0 {
		t.Errorf("the newest is %v", newest)
	}
	feed := w.Request(key, "GET /v1/activities?after=0", "").Want(200)
	for _, part := range []string{`"seq":2`, `"contactId":1`, `"activityStatus":"DELIVERED"`, `"contactId":2`, `"activityStatus":"CLICKED"`, `"clickEventLink":"https://shop.example/sale"`, `"messageId":77`} {
		if !strings.Contains(feed.Body, part) {
			t.Errorf("the feed has no %s: %s", part, feed.Body)
		}
	}
	if strings.Contains(feed.Body, `"seq":3`) {
		t.Errorf("the feed has too much: %s", feed.Body)
	}
	for range 30 {
		w.Request("", "POST /v1/sources/1", `{}`).Want(401)
	}
	if got := w.Request(key, "GET /v1/sources/1/requests", "").Want(200).Body; strings.Count(got, `"at":`) != 20 {
		t.Errorf("more is kept than is shown: %s", got)
	}
	w.Request(w.Account("other"), "GET /v1/sources/1/requests", "").Want(404)
	if shown := w.Request(key, "GET /v1/sources/1", "").Want(200).Has("set", true); shown.Get("lastAt") == nil || strings.Contains(shown.Body, "hush") {
		t.Errorf("shown: %s", shown.Body)
	}
}

func TestSourcesAreKeptWithTheirSecretsHidden(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.made(key, "/v1/sources", `{"name":"Postmark","kind":"postmark","secrets":{"username":"u","password":"hush-1"}}`)
	w.Request(key, "PATCH /v1/sources/1", `{"name":"Post"}`).Want(200).Has("name", "Post").Has("version", 2.0)
	w.Request(key, "PATCH /v1/sources/1", `{"secrets":{"headerName":"X-Mine","headerValue":"hush-2"},"version":2}`).Want(200).Has("version", 3.0)
	w.Request(key, "PATCH /v1/sources/1", `{"name":"x","version":2}`).Want(409)
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
		a := w.Request(key, "POST /v1/sources", c.body).Want(422)
		if got := firstFault(a); !strings.HasPrefix(got, c.field) || strings.Contains(a.Body, "hush") {
			t.Errorf("%s: fault in %q, want %q: %s", c.body, got, c.field, a.Body)
		}
	}
	for _, line := range []string{"GET /v1/sources", "GET /v1/audit"} {
		if a := w.Request(key, line, "").Want(200); strings.Contains(a.Body, "hush") {
			t.Errorf("%s shows a secret: %s", line, a.Body)
		}
	}
	w.Request(key, "DELETE /v1/sources/1", "").Want(204)
	w.Request("", "POST /v1/sources/1", "{}").Want(404)
}
