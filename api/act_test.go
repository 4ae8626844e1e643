package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidings/api"
)

// blocked is a world with an endpoint whose receiver refuses its three activities.
func blocked(t *testing.T, changes ...func(*api.Config)) (*world, string) {
	t.Helper()
	w := newWorld(t, changes...)
	key := w.account("shop")
	w.create(key, `"start":"beginning","batch":{"maxItems":2}`)
	w.receiver.answer(500)
	w.request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+","+activity("3")+"]").want(200)
	<-w.receiver.came
	w.until(key, "attempt", 1.0)
	return w, key
}

// until asks for the endpoint until a value is as wanted.
func (w *world) until(key, path string, want any) {
	w.t.Helper()
	var last *answer
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if last = w.request(key, "GET /v1/endpoints/1", "").want(200); last.get(path) == want {
			return
		}
	}
	w.t.Fatalf("%s is never %v: %s", path, want, last.body)
}

func (w *world) audited(key, action string) string {
	w.t.Helper()
	a := w.request(key, "GET /v1/audit?limit=1", "").want(200)
	if !strings.Contains(a.body, `"actor":"key 1 (first)","action":"`+action+`"`) {
		w.t.Errorf("the newest record is not of %s: %s", action, a.body)
	}
	return a.body
}

func TestABlockedEndpointShowsItsStateAndItsAttempts(t *testing.T) {
	w, key := blocked(t)
	a := w.request(key, "GET /v1/endpoints/1", "").want(200).has("cursor", 0.0).has("head", 3.0).has("backlog", 3.0).has("drainForecast.text", "blocked: waits for the next try")
	for _, path := range []string{"blockedSince", "nextTryAt"} {
		if at, _ := a.get(path).(string); !strings.HasPrefix(at, "20") {
			t.Errorf("%s is %v", path, a.get(path))
		}
	}
	if words, _ := a.get("lastError").(string); !strings.Contains(words, "500") {
		t.Errorf("lastError %q", words)
	}
	var list *answer
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); { // the attempt is stored a moment after it is known
		if list = w.request(key, "GET /v1/endpoints/1/attempts", "").want(200); strings.Contains(list.body, "batchId") {
			break
		}
	}
	for _, want := range []string{`"attempt":1,`, `"firstSeq":1,"lastSeq":2,"activities":2,`, `"digest":"xxh64:`, `"status":500,"delivered":false,"outcome":"status"`, `"next":null`} {
		if !strings.Contains(list.body, want) {
			t.Errorf("no %s in %s", want, list.body)
		}
	}
}

func TestRetryTriesAtOnce(t *testing.T) {
	w, key := blocked(t)
	w.receiver.answer(200)
	w.request(key, "POST /v1/endpoints/1/retry", "").want(200)
	w.until(key, "cursor", 3.0)
	w.audited(key, "endpoint.retry")
	w.request(key, "POST /v1/endpoints/1/retry", "").want(409).has("code", "conflict")
}

func TestDeactivateKeepsTheBacklogAndActivateGoesOn(t *testing.T) {
	w, key := blocked(t)
	w.request(key, "POST /v1/endpoints/1/deactivate", "").want(200).has("state", "deactivated").has("backlog", 3.0)
	w.audited(key, "endpoint.deactivate")
	w.request(key, "POST /v1/endpoints/1/retry", "").want(409)
	a := w.request(key, "POST /v1/endpoints/1/activate", "").want(409).has("code", "conflict")
	if !strings.Contains(a.body, "the probe failed") || !strings.Contains(a.body, "500") {
		t.Error(a.body)
	}
	w.request(key, "GET /v1/endpoints/1", "").want(200).has("state", "deactivated")
	w.receiver.answer(200)
	w.request(key, "POST /v1/endpoints/1/activate", "").want(200).has("state", "active").has("probe.ok", true)
	w.audited(key, "endpoint.activate")
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		// The schedule is a minute: an operator who does not want to wait asks again.
		if a := w.request(key, "POST /v1/endpoints/1/retry", ""); a.status == http.StatusConflict {
			break
		}
	}
	w.until(key, "cursor", 3.0)
}

func TestActivateByForceAndFromNow(t *testing.T) {
	w, key := blocked(t)
	w.request(key, "POST /v1/endpoints/1/deactivate", "").want(200)
	w.request(key, "POST /v1/endpoints/1/activate", `{"force":true,"from":"now"}`).want(200).has("state", "active").has("probe.ok", false).has("cursor", 3.0).has("backlog", 0.0)
	if record := w.audited(key, "endpoint.activate"); !strings.Contains(record, "although the probe failed, from seq 4 on") {
		t.Error(record)
	}
	w.request(key, "POST /v1/endpoints/1/activate", `{"from":"soon"}`).want(422)
	w.request(key, "POST /v1/endpoints/1/deactivate", `{"now":true}`).want(422)
}

func TestProbeChangesNothing(t *testing.T) {
	w, key := blocked(t)
	before := w.request(key, "GET /v1/endpoints/1", "").want(200)
	w.request(key, "POST /v1/endpoints/1/probe", "{}").want(200).has("probe.ok", false).has("probe.status", 500.0).has("version", before.get("version")).has("state", "active")
}

func TestSeekMovesTheCursorOrOnlySaysWhatItWouldDo(t *testing.T) {
	w, key := blocked(t)
	w.request(key, "POST /v1/endpoints/1/deactivate", "").want(200)
	seek := func(body string) *answer { return w.request(key, "POST /v1/endpoints/1/seek", body).want(200) }
	seek(`{"to":"now","dryRun":true}`).has("dryRun", true).has("cursorBefore", 0.0).has("cursor", 3.0).has("leftOut", 3.0).has("again", 0.0).has("endpoint", nil)
	w.request(key, "GET /v1/endpoints/1", "").want(200).has("cursor", 0.0).has("attempt", 1.0)
	seek(`{"to":"now"}`).has("cursor", 3.0).has("leftOut", 3.0).has("endpoint.cursor", 3.0).has("endpoint.attempt", 0.0).has("endpoint.blockedSince", nil)
	if record := w.audited(key, "endpoint.seek"); !strings.Contains(record, "cursor from 0 to 3") {
		t.Error(record)
	}
	seek(`{"seq":2}`).has("cursor", 1.0).has("again", 2.0).has("leftOut", 0.0)
	seek(`{"to":"beginning"}`).has("cursor", 0.0).has("again", 1.0)
	seek(`{"time":"2099-01-01T00:00:00Z"}`).has("cursor", 3.0)
	seek(`{"time":"2020-01-01"}`).has("cursor", 0.0)
	seek(`{"seq":4}`).has("cursor", 3.0)
	for body, field := range map[string]string{`{}`: "", `{"seq":1,"to":"now"}`: "", `{"seq":0}`: "seq", `{"seq":5}`: "seq", `{"to":"x"}`: "to", `{"time":"x"}`: "time", `{"dryRun":1,"seq":1}`: "dryRun"} {
		if got := firstFault(w.request(key, "POST /v1/endpoints/1/seek", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
}

func TestWhatIsSoughtIsSentAgainInOrder(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "")
	w.request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+"]").want(200)
	<-w.receiver.came
	w.until(key, "cursor", 2.0)
	w.request(key, "POST /v1/endpoints/1/seek", `{"seq":2}`).want(200)
	<-w.receiver.came
	w.receiver.mu.Lock()
	defer w.receiver.mu.Unlock()
	if got := string(w.receiver.posts[1]); got != "["+activity("2")+"]" {
		t.Errorf("sent again: %s", got)
	}
}

func TestSkipLeavesTheWaitingBatchOut(t *testing.T) {
	w, key := blocked(t)
	w.request(key, "POST /v1/endpoints/1/skip", "").want(422)
	w.request(key, "POST /v1/endpoints/1/skip", `{"reason":"r","batchId":"b_other"}`).want(409)
	w.request(key, "GET /v1/endpoints/1", "").want(200).has("cursor", 0.0)
	w.receiver.answer(200)
	w.request(key, "POST /v1/endpoints/1/skip", `{"reason":"the receiver chokes on it"}`).want(200)
	if record := w.audited(key, "endpoint.skip"); !strings.Contains(record, "seq 1 to 2, 2 activities: the receiver chokes on it") {
		t.Error(record)
	}
	<-w.receiver.came
	w.until(key, "cursor", 3.0)
	w.receiver.mu.Lock()
	got := string(w.receiver.posts[len(w.receiver.posts)-1])
	w.receiver.mu.Unlock()
	if got != "["+activity("3")+"]" {
		t.Errorf("after the skip came %s", got)
	}
	w.request(key, "POST /v1/endpoints/1/skip", `{"reason":"r"}`).want(409)
}

func TestRotatingTheSecretKeepsTheOldOneForAWhile(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	old := w.create(key, "").get("secret")
	a := w.request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":3600}`).want(200)
	if fresh, _ := a.get("secret").(string); !strings.HasPrefix(fresh, "whsec_") || fresh == old {
		t.Errorf("secret %v", fresh)
	}
	ep, _, err := w.store.Endpoint(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(ep.Secrets) != 2 || ep.Secrets[0].Value != a.get("secret") || ep.Secrets[1].Value != old || time.Until(ep.Secrets[1].ExpiresAt) > time.Hour {
		t.Errorf("secrets %d", len(ep.Secrets))
	}
	own := `"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`
	w.request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":0,"secret":`+own+`}`).want(200).has("oldSecretUntil", nil)
	if ep, _, err = w.store.Endpoint(t.Context(), 1, 1); err != nil || len(ep.Secrets) != 1 {
		t.Errorf("secrets %d (%v)", len(ep.Secrets), err)
	}
	for body, field := range map[string]string{`{"expireAfterS":2592001}`: "expireAfterS", `{"secret":"short"}`: "secret"} {
		if got := firstFault(w.request(key, "POST /v1/endpoints/1/rotate-secret", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	if record := w.audited(key, "endpoint.update"); strings.Contains(record, "whsec") {
		t.Error(record)
	}
}

func TestATailShowsAttemptsAsTheyAreMadeAndEndsWithTheServer(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Heartbeat = time.Millisecond })
	key := w.account("shop")
	w.create(key, "")
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.url+"/v1/endpoints/1/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	next := func(prefix string) string {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return lines.Text()
			}
		}
		t.Fatalf("the tail ended before %q: %v", prefix, lines.Err())
		return ""
	}
	next(": watching")
	next(": alive")
	w.request(key, "POST /v1/activities", "["+activity("1")+"]").want(200)
	next("event: attempt")
	data := next("data: ")
	if !strings.Contains(data, `"delivered":true`) || !strings.Contains(data, `"firstSeq":1,"lastSeq":1`) {
		t.Error(data)
	}
	if regexp.MustCompile(`\.\d{4,}Z"`).MatchString(data) {
		t.Errorf("its times are finer than the list's: %s", data)
	}
	w.api.EndStreams()
	next("event: end")
	for lines.Scan() { // it ends
	}
}

func TestATailEndsWhenItsKeyIsRevokedOrItsEndpointDeleted(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(w *world, admin, key string)
		reason string
	}{
		{"revoked", func(w *world, admin, key string) {
			id := w.request(key, "GET /v1/accounts/me", "").get("key.id").(float64)
			w.request(admin, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").want(204)
		}, "the key is not known here, or was revoked"},
		{"deleted", func(w *world, admin, _ string) {
			w.request(admin, "DELETE /v1/endpoints/1", "").want(204)
		}, "there is no endpoint 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(c *api.Config) { c.Heartbeat = time.Millisecond })
			admin := w.account("shop")
			key := w.key(admin, `"read"`)
			w.create(admin, "")
			req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.url+"/v1/endpoints/1/tail", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("", key)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			c.end(w, admin, key)
			all, err := io.ReadAll(res.Body)
			if want := `event: end` + "\n" + `data: {"reason":"` + c.reason + `"}`; err != nil || !strings.Contains(string(all), want) {
				t.Errorf("ended with %q (%v)", all, err)
			}
		})
	}
}

func TestLongAnswersAreBoundedInNumber(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxStreams = 1 })
	key := w.account("shop")
	w.create(key, "")
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.url+"/v1/endpoints/1/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("", key)
	res, err := http.DefaultClient.Do(req) // the place is taken when the header is here
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	w.request(key, "GET /v1/endpoints/1/tail", "").want(429)
	w.request(key, "GET /v1/activities?wait=1", "").want(429)
	w.request(key, "GET /v1/activities", "").want(200)
}

func TestAttemptsAreReadPageByPage(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.create(key, "")
	for i := range 5 {
		w.request(key, "POST /v1/activities", "["+activity(fmt.Sprint(i+1))+"]").want(200)
		w.until(key, "cursor", float64(i+1))
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); { // the last one is stored a moment later
		if a := w.request(key, "GET /v1/endpoints/1/attempts", "").want(200); strings.Count(a.body, "batchId") == 5 {
			break
		}
	}
	first := w.request(key, "GET /v1/endpoints/1/attempts?limit=3", "").want(200)
	if !strings.HasPrefix(first.body, `{"attempts":[{"at":`) || strings.Count(first.body, `"batchId"`) != 3 || !strings.Contains(first.body, `"lastSeq":5`) {
		t.Error(first.body)
	}
	next, _ := first.get("next").(float64)
	second := w.request(key, fmt.Sprintf("GET /v1/endpoints/1/attempts?limit=3&before=%.0f", next), "").want(200).has("next", nil)
	if strings.Count(second.body, `"batchId"`) != 2 || !strings.Contains(second.body, `"lastSeq":1,`) {
		t.Error(second.body)
	}
}

func TestParametersThatAreNoNumbersOfTheirRangeAreExplained(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for _, c := range []struct{ line, field, reason string }{
		{"GET /v1/endpoints/abc", "id", "must be a whole number"},
		{"GET /v1/endpoints/0", "id", "must be 1 or more"},
		{"GET /v1/endpoints/1/attempts?limit=201", "limit", "must be 200 or less"},
		{"POST /v1/endpoints/1.5/retry", "id", "must be a whole number"},
	} {
		if a := w.request(key, c.line, "").want(400); !strings.Contains(a.body, `{"field":"`+c.field+`","reason":"`+c.reason+`"}`) {
			t.Errorf("%s: %s", c.line, a.body)
		}
	}
}
