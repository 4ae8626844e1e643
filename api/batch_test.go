package api_test

import (
	"strings"
	"testing"

	"tidings/api/apitest"
)

func TestAnAttemptIsShownAsTheRequestThatItWas(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, `"auth":{"type":"basic","username":"ann","password":"hush-hush"},"headers":[{"name":"x-shop","value":"hush-too"}],"mediaTypes":["sms"]`)
	sms := func(n string) string { return strings.Replace(activity(n), `"email","email"`, `"sms","email"`, 1) }
	w.Request(key, "POST /v1/activities", "["+sms("1")+","+activity("2")+","+sms("3")+"]").Want(200)
	<-w.Receiver.Came
	sent := w.Receiver.Posts()[0]
	list := w.listed(key, `"delivered":true`)
	_, id, _ := strings.Cut(list.Body, `"batchId":"`)
	id, _, _ = strings.Cut(id, `"`)
	at := "/v1/endpoints/1/batches/" + id
	a := w.Request(key, "GET "+at, "").Want(200).Has("kept", "exact").Has("shown", 2.0).Has("method", "POST").Has("body", string(sent))
	for _, want := range []string{`{"name":"webhook-id","value":"` + id + `"}`, `"Tidings-Sequence","value":"1-3"`, `"Basic ••••"`, `"X-Shop","value":"••••"`, `"v1,••••"`} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("no %s in %s", want, a.Body)
		}
	}
	if strings.Contains(a.Body, "hush") {
		t.Errorf("a secret is shown: %s", a.Body)
	}
	if first := w.Request(key, "GET "+at+"?limit=1", "").Want(200).Has("shown", 1.0).Has("activities", 2.0).Get("body").(string); !strings.HasPrefix(string(sent), strings.TrimSuffix(first, "]")) {
		t.Errorf("the beginning is %s of %s", first, sent)
	}
	whole := w.Request(key, "GET "+at+"/body", "").Want(200)
	if whole.Body != string(sent) || !strings.HasPrefix(whole.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the body is %s, sent was %s", whole.Body, sent)
	}
	// A filter of now that is not that of then: what it took is not guessed.
	w.Request(key, "PATCH /v1/endpoints/1", `{"mediaTypes":["email"]}`).Want(200)
	w.Request(key, "GET "+at, "").Want(200).Has("kept", "not").Has("body", "")
	w.Request(key, "GET "+at+"/body", "").Want(404)
	w.Request(w.Account("other"), "GET "+at, "").Want(404)
	w.Request(key, "GET /v1/endpoints/1/batches/b_0", "").Want(404)
}

// listed asks for the attempts of the endpoint until a text is in the list:
// an attempt is stored a moment after it is known.
func (w *world) listed(key, text string) *apitest.Answer {
	w.T.Helper()
	ctx := soon(w.T)
	for {
		a := w.Request(key, "GET /v1/endpoints/1/attempts", "").Want(200)
		if strings.Contains(a.Body, text) {
			return a
		}
		if err := ctx.Err(); err != nil {
			w.T.Fatalf("no %s: %s", text, a.Body)
		}
	}
}

func TestFailedAttemptsAreListedAlone(t *testing.T) {
	w, key := blocked(t)
	w.listed(key, `"status":500`)
	w.Receiver.Answer(200)
	w.Request(key, "POST /v1/endpoints/1/retry", "").Want(200)
	w.listed(key, `"status":200`)
	failed := w.Request(key, "GET /v1/endpoints/1/attempts?failed=true", "").Want(200).Has("next", nil)
	if strings.Contains(failed.Body, `"status":200`) || !strings.Contains(failed.Body, `"status":500`) {
		t.Error(failed.Body)
	}
}
