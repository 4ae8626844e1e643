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
	"tidings/api/apitest"
)

// blocked is a world with an endpoint whose receiver refuses its three activities.
func blocked(t *testing.T, changes ...func(*api.Config)) (*world, string) {
	t.Helper()
	w := newWorld(t, changes...)
	key := w.Account("shop")
	w.create(key, `"start":"beginning","batch":{"maxItems":2}`)
	w.Receiver.Answer(500)
	w.Request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+","+activity("3")+"]").Want(200)
	<-w.Receiver.Came
	w.until(key, "attempt", 1.0)
	return w, key
}

// until asks for the endpoint until a value is as wanted.
func (w *world) until(key, path string, want any) {
	w.T.Helper()
	var last *apitest.Answer
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if last = w.Request(key, "GET /v1/endpoints/1", "").Want(200); last.Get(path) == want {
			return
		}
	}
	w.T.Fatalf("%s is never %v: %s", path, want, last.Body)
}

func (w *world) audited(key, action string) string {
	w.T.Helper()
	a := w.Request(key, "GET /v1/audit?limit=1", "").Want(200)
	if !strings.Contains(a.Body, `"actor":"key 1 (first)","action":"`+action+`"`) {
		w.T.Errorf("the newest record is not of %s: %s", action, a.Body)
	}
	return a.Body
}

func TestABlockedEndpointShowsItsStateAndItsAttempts(t *testing.T) {
	w, key := blocked(t)
	a := w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("cursor", 0.0).Has("head", 3.0).Has("backlog", 3.0).Has("drainForecast.text", "blocked: waits for the next try")
	for _, path := range []string{"blockedSince", "nextTryAt"} {
		if at, _ := a.Get(path).(string); !strings.HasPrefix(at, "20") {
			t.Errorf("%s is %v", path, a.Get(path))
		}
	}
	if words, _ := a.Get("lastError").(string); !strings.Contains(words, "500") {
		t.Errorf("lastError %q", words)
	}
	var list *apitest.Answer
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); { // the attempt is stored a moment after it is known
		if list = w.Request(key, "GET /v1/endpoints/1/attempts", "").Want(200); strings.Contains(list.Body, "batchId") {
			break
		}
	}
	for _, want := range []string{`"attempt":1,`, `"firstSeq":1,"lastSeq":2,"activities":2,`, `"digest":"xxh64:`, `"status":500,"delivered":false,"outcome":"status"`, `"next":null`} {
		if !strings.Contains(list.Body, want) {
			t.Errorf("no %s in %s", want, list.Body)
		}
	}
}

func TestRetryTriesAtOnce(t *testing.T) {
	w, key := blocked(t)
	w.Receiver.Answer(200)
	w.Request(key, "POST /v1/endpoints/1/retry", "").Want(200)
	w.until(key, "cursor", 3.0)
	w.audited(key, "endpoint.retry")
	w.Request(key, "POST /v1/endpoints/1/retry", "").Want(409).Has("code", "conflict")
}

func TestDeactivateKeepsTheBacklogAndActivateGoesOn(t *testing.T) {
	w, key := blocked(t)
	w.Request(key, "POST /v1/endpoints/1/deactivate", "").Want(200).Has("state", "deactivated").Has("backlog", 3.0)
	w.audited(key, "endpoint.deactivate")
	w.Request(key, "POST /v1/endpoints/1/retry", "").Want(409)
	a := w.Request(key, "POST /v1/endpoints/1/activate", "").Want(409).Has("code", "conflict")
	if !strings.Contains(a.Body, "the probe failed") || !strings.Contains(a.Body, "500") {
		t.Error(a.Body)
	}
	w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("state", "deactivated")
	w.Receiver.Answer(200)
	w.Request(key, "POST /v1/endpoints/1/activate", "").Want(200).Has("state", "active").Has("probe.ok", true)
	w.audited(key, "endpoint.activate")
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		// The schedule is a minute: an operator who does not want to wait asks again.
		if a := w.Request(key, "POST /v1/endpoints/1/retry", ""); a.Status == http.StatusConflict {
			break
		}
	}
	w.until(key, "cursor", 3.0)
}

func TestActivateByForceAndFromNow(t *testing.T) {
	w, key := blocked(t)
	w.Request(key, "POST /v1/endpoints/1/deactivate", "").Want(200)
	w.Request(key, "POST /v1/endpoints/1/activate", `{"force":true,"from":"now"}`).Want(200).Has("state", "active").Has("probe.ok", false).Has("cursor", 3.0).Has("backlog", 0.0)
	if record := w.audited(key, "endpoint.activate"); !strings.Contains(record, "although the probe failed, from seq 4 on") {
		t.Error(record)
	}
	w.Request(key, "POST /v1/endpoints/1/activate", `{"from":"soon"}`).Want(422)
	w.Request(key, "POST /v1/endpoints/1/deactivate", `{"now":true}`).Want(422)
}

func TestProbeChangesNothing(t *testing.T) {
	w, key := blocked(t)
	before := w.Request(key, "GET /v1/endpoints/1", "").Want(200)
	w.Request(key, "POST /v1/endpoints/1/probe", "{}").Want(200).Has("probe.ok", false).Has("probe.status", 500.0).Has("version", before.Get("version")).Has("state", "active")
}

func TestSeekMovesTheCursorOrOnlySaysWhatItWouldDo(t *testing.T) {
	w, key := blocked(t)
	w.Request(key, "POST /v1/endpoints/1/deactivate", "").Want(200)
	seek := func(body string) *apitest.Answer { return w.Request(key, "POST /v1/endpoints/1/seek", body).Want(200) }
	seek(`{"to":"now","dryRun":true}`).Has("dryRun", true).Has("cursorBefore", 0.0).Has("cursor", 3.0).Has("leftOut", 3.0).Has("again", 0.0).Has("endpoint", nil)
	w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("cursor", 0.0).Has("attempt", 1.0)
	seek(`{"to":"now"}`).Has("cursor", 3.0).Has("leftOut", 3.0).Has("endpoint.cursor", 3.0).Has("endpoint.attempt", 0.0).Has("endpoint.blockedSince", nil)
	if record := w.audited(key, "endpoint.seek"); !strings.Contains(record, "cursor from 0 to 3") {
		t.Error(record)
	}
	seek(`{"seq":2}`).Has("cursor", 1.0).Has("again", 2.0).Has("leftOut", 0.0)
	seek(`{"to":"beginning"}`).Has("cursor", 0.0).Has("again", 1.0)
	seek(`{"time":"2099-01-01T00:00:00Z"}`).Has("cursor", 3.0)
	seek(`{"time":"2020-01-01"}`).Has("cursor", 0.0)
	seek(`{"seq":4}`).Has("cursor", 3.0)
	for body, field := range map[string]string{`{}`: "", `{"seq":1,"to":"now"}`: "", `{"seq":0}`: "seq", `{"seq":5}`: "seq", `{"to":"x"}`: "to", `{"time":"x"}`: "time", `{"dryRun":1,"seq":1}`: "dryRun"} {
		if got := firstFault(w.Request(key, "POST /v1/endpoints/1/seek", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
}

func TestWhatIsSoughtIsSentAgainInOrder(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "")
	w.Request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+"]").Want(200)
	<-w.Receiver.Came
	w.until(key, "cursor", 2.0)
	w.Request(key, "POST /v1/endpoints/1/seek", `{"seq":2}`).Want(200)
	<-w.Receiver.Came
	if got := string(w.Receiver.Posts()[1]); got != "["+activity("2")+"]" {
		t.Errorf("sent again: %s", got)
	}
}

func TestSkipLeavesTheWaitingBatchOut(t *testing.T) {
	w, key := blocked(t)
	w.Request(key, "POST /v1/endpoints/1/skip", "").Want(422)
	w.Request(key, "POST /v1/endpoints/1/skip", `{"reason":"r","batchId":"b_other"}`).Want(409)
	w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("cursor", 0.0)
	w.Receiver.Answer(200)
	w.Request(key, "POST /v1/endpoints/1/skip", `{"reason":"the receiver chokes on it"}`).Want(200)
	if record := w.audited(key, "endpoint.skip"); !strings.Contains(record, "seq 1 to 2, 2 activities: the receiver chokes on it") {
		t.Error(record)
	}
	<-w.Receiver.Came
	w.until(key, "cursor", 3.0)
	posts := w.Receiver.Posts()
	if got := string(posts[len(posts)-1]); got != "["+activity("3")+"]" {
		t.Errorf("after the skip came %s", got)
	}
	w.Request(key, "POST /v1/endpoints/1/skip", `{"reason":"r"}`).Want(409)
}

func TestRotatingTheSecretKeepsTheOldOneForAWhile(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	old := w.create(key, "").Get("secret")
	a := w.Request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":3600}`).Want(200)
	if fresh, _ := a.Get("secret").(string); !strings.HasPrefix(fresh, "whsec_") || fresh == old {
		t.Errorf("secret %v", fresh)
	}
	ep, _, err := w.Store.Endpoint(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(ep.Secrets) != 2 || ep.Secrets[0].Value != a.Get("secret") || ep.Secrets[1].Value != old || time.Until(ep.Secrets[1].ExpiresAt) > time.Hour {
		t.Errorf("secrets %d", len(ep.Secrets))
	}
	own := `"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`
	w.Request(key, "POST /v1/endpoints/1/rotate-secret", `{"expireAfterS":0,"secret":`+own+`}`).Want(200).Has("oldSecretUntil", nil)
	if ep, _, err = w.Store.Endpoint(t.Context(), 1, 1); err != nil || len(ep.Secrets) != 1 {
		t.Errorf("secrets %d (%v)", len(ep.Secrets), err)
	}
	for body, field := range map[string]string{`{"expireAfterS":2592001}`: "expireAfterS", `{"secret":"short"}`: "secret"} {
		if got := firstFault(w.Request(key, "POST /v1/endpoints/1/rotate-secret", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	if record := w.audited(key, "endpoint.update"); strings.Contains(record, "whsec") {
		t.Error(record)
	}
}

func TestATailShowsAttemptsAsTheyAreMadeAndEndsWithTheServer(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Heartbeat = time.Millisecond })
	key := w.Account("shop")
	w.create(key, "")
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.URL+"/v1/endpoints/1/tail", http.NoBody)
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
	w.Request(key, "POST /v1/activities", "["+activity("1")+"]").Want(200)
	next("event: attempt")
	data := next("data: ")
	if !strings.Contains(data, `"delivered":true`) || !strings.Contains(data, `"firstSeq":1,"lastSeq":1`) {
		t.Error(data)
	}
	if regexp.MustCompile(`\.\d{4,}Z"`).MatchString(data) {
		t.Errorf("its times are finer than the list's: %s", data)
	}
	w.API.EndStreams()
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
			id := w.Request(key, "GET /v1/accounts/me", "").Get("key.id").(float64)
			w.Request(admin, fmt.Sprintf("DELETE /v1/accounts/me/keys/%.0f", id), "").Want(204)
		}, "the key is not known here, or was revoked"},
		{"deleted", func(w *world, admin, _ string) {
			w.Request(admin, "DELETE /v1/endpoints/1", "").Want(204)
		}, "there is no endpoint 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(c *api.Config) { c.Heartbeat = time.Millisecond })
			admin := w.Account("shop")
			key := w.key(admin, `"read"`)
			w.create(admin, "")
			req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.URL+"/v1/endpoints/1/tail", http.NoBody)
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
	key := w.Account("shop")
	w.create(key, "")
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.URL+"/v1/endpoints/1/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("", key)
	res, err := http.DefaultClient.Do(req) // the place is taken when the header is here
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	w.Request(key, "GET /v1/endpoints/1/tail", "").Want(429)
	w.Request(key, "GET /v1/activities?wait=1", "").Want(429)
	w.Request(key, "GET /v1/activities", "").Want(200)
}

func TestAttemptsAreReadPageByPage(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.create(key, "")
	for i := range 5 {
		w.Request(key, "POST /v1/activities", "["+activity(fmt.Sprint(i+1))+"]").Want(200)
		w.until(key, "cursor", float64(i+1))
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); { // the last one is stored a moment later
		if a := w.Request(key, "GET /v1/endpoints/1/attempts", "").Want(200); strings.Count(a.Body, "batchId") == 5 {
			break
		}
	}
	first := w.Request(key, "GET /v1/endpoints/1/attempts?limit=3", "").Want(200)
	if !strings.HasPrefix(first.Body, `{"attempts":[{"at":`) || strings.Count(first.Body, `"batchId"`) != 3 || !strings.Contains(first.Body, `"lastSeq":5`) {
		t.Error(first.Body)
	}
	next, _ := first.Get("next").(float64)
	second := w.Request(key, fmt.Sprintf("GET /v1/endpoints/1/attempts?limit=3&before=%.0f", next), "").Want(200).Has("next", nil)
	if strings.Count(second.Body, `"batchId"`) != 2 || !strings.Contains(second.Body, `"lastSeq":1,`) {
		t.Error(second.Body)
	}
}

func TestParametersThatAreNoNumbersOfTheirRangeAreExplained(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, c := range []struct{ line, field, reason string }{
		{"GET /v1/endpoints/abc", "id", "must be a whole number"},
		{"GET /v1/endpoints/0", "id", "must be 1 or more"},
		{"GET /v1/endpoints/1/attempts?limit=201", "limit", "must be 200 or less"},
		{"POST /v1/endpoints/1.5/retry", "id", "must be a whole number"},
	} {
		if a := w.Request(key, c.line, "").Want(400); !strings.Contains(a.Body, `{"field":"`+c.field+`","reason":"`+c.reason+`"}`) {
			t.Errorf("%s: %s", c.line, a.Body)
		}
	}
}
