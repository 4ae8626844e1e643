package api_test

import (
	"strings"
	"testing"
)

func TestAnAttemptIsShownAsTheRequestThatItWas(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, `"auth":{"type":"basic","username":"ann","password":"hush-hush"},"headers":[{"name":"x-shop","value":"hush-too"}],"mediaTypes":["sms"]`)
	sms := func(n string) string { return strings.Replace(activity(n), `"email","email"`, `"sms","email"`, 1) }
	w.request(key, "POST /v1/activities", "["+sms("1")+","+activity("2")+","+sms("3")+"]").want(200)
	<-w.receiver.came
	w.receiver.mu.Lock()
	sent := w.receiver.posts[0]
	w.receiver.mu.Unlock()
	list := w.listed(key, `"delivered":true`)
	_, id, _ := strings.Cut(list.body, `"batchId":"`)
	id, _, _ = strings.Cut(id, `"`)
	at := "/v1/endpoints/1/batches/" + id
	a := w.request(key, "GET "+at, "").want(200).has("kept", "exact").has("shown", 2.0).has("method", "POST").has("body", string(sent))
	for _, want := range []string{`{"name":"webhook-id","value":"` + id + `"}`, `"Tidings-Sequence","value":"1-3"`, `"Basic ••••"`, `"X-Shop","value":"••••"`, `"v1,••••"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	if strings.Contains(a.body, "hush") {
		t.Errorf("a secret is shown: %s", a.body)
	}
	if first := w.request(key, "GET "+at+"?limit=1", "").want(200).has("shown", 1.0).has("activities", 2.0).get("body").(string); !strings.HasPrefix(string(sent), strings.TrimSuffix(first, "]")) {
		t.Errorf("the beginning is %s of %s", first, sent)
	}
	whole := w.request(key, "GET "+at+"/body", "").want(200)
	if whole.body != string(sent) || !strings.HasPrefix(whole.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the body is %s, sent was %s", whole.body, sent)
	}
	// A filter of now that is not that of then: what it took is not guessed.
	w.request(key, "PATCH /v1/endpoints/1", `{"mediaTypes":["email"]}`).want(200)
	w.request(key, "GET "+at, "").want(200).has("kept", "not").has("body", "")
	w.request(key, "GET "+at+"/body", "").want(404)
	w.request(w.account("other"), "GET "+at, "").want(404)
	w.request(key, "GET /v1/endpoints/1/batches/b_0", "").want(404)
}

// listed asks for the attempts of the endpoint until a text is in the list:
// an attempt is stored a moment after it is known.
func (w *world) listed(key, text string) *answer {
	w.t.Helper()
	ctx := soon(w.t)
	for {
		a := w.request(key, "GET /v1/endpoints/1/attempts", "").want(200)
		if strings.Contains(a.body, text) {
			return a
		}
		if err := ctx.Err(); err != nil {
			w.t.Fatalf("no %s: %s", text, a.body)
		}
	}
}

func TestFailedAttemptsAreListedAlone(t *testing.T) {
	w, key := blocked(t)
	w.listed(key, `"status":500`)
	w.receiver.answer(200)
	w.request(key, "POST /v1/endpoints/1/retry", "").want(200)
	w.listed(key, `"status":200`)
	failed := w.request(key, "GET /v1/endpoints/1/attempts?failed=true", "").want(200).has("next", nil)
	if strings.Contains(failed.body, `"status":200`) || !strings.Contains(failed.body, `"status":500`) {
		t.Error(failed.body)
	}
}
