package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
)

const ndjson = "Content-Type: application/x-ndjson"

func TestTheSeedGoesInAndComesOutTheSame(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	seed, err := os.ReadFile("testdata/activities-seed.json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []any
	if err := json.Unmarshal(seed, &want); err != nil {
		t.Fatal(err)
	}
	n := len(want)
	w.Request(key, "POST /v1/activities", string(seed)).Want(200).Has("accepted", float64(n)).Has("firstSeq", 1.0).Has("lastSeq", float64(n))
	a := w.Request(key, "GET /v1/activities", "").Want(200)
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		m := g.(map[string]any)
		if m["seq"] != float64(i+1) || !reflect.DeepEqual(m["activity"], want[i]) {
			t.Errorf("activity %d came out as %v, went in as %v", i, m, want[i])
		}
	}
	if len(got) != n {
		t.Errorf("%d came out, %d went in", len(got), n)
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

func TestActivitiesAreTakenInEveryForm(t *testing.T) {
	lines := activity("1") + "\n\n" + activity("2") + "\n"
	for _, c := range []struct {
		name, body string
		headers    []string
	}{
		{"an array", "[" + activity("1") + "," + activity("2") + "]", nil},
		{"an array with its charset", "[" + activity("1") + "," + activity("2") + "]", []string{"Content-Type: application/json; Charset=UTF-8"}},
		{"lines", lines, []string{ndjson}},
		{"lines under their other name", lines, []string{"Content-Type: application/ndjson"}},
		{"a zipped array", zipped("[" + activity("1") + "," + activity("2") + "]"), []string{"Content-Encoding: gzip"}},
		{"zipped lines", zipped(lines), []string{"Content-Encoding: gzip", ndjson}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.Request(w.Account("shop"), "POST /v1/activities", c.body, c.headers...).Want(200).Has("accepted", 2.0).Has("lastSeq", 2.0)
		})
	}
}

// TestBadActivitiesAreNamedAndNothingIsStored: each line is a body, and the
// status, code and first fault that it gets.
func TestBadActivitiesAreNamedAndNothingIsStored(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxBody = 1 << 20 })
	key := w.Account("shop")
	good := activity("1")
	with := func(field string) string {
		return `[` + good + `,{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email",` + field + `}]`
	}
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
		at         string // index or line of the first fault, and its field
	}{
		{"unknown status", `[{"contactId":1,"activityStatus":"EATEN","mediaType":"email"}]`, nil, 422, "invalid", "index 0 activityStatus"},
		{"unknown media type", `[{"contactId":1,"activityStatus":"READ","mediaType":"fax"}]`, nil, 422, "invalid", "index 0 mediaType"},
		{"missing field", `[` + good + `,{"activityStatus":"READ","mediaType":"email"}]`, nil, 422, "invalid", "index 1 contactId"},
		{"wrong type", with(`"messageId":"7"`), nil, 422, "invalid", "index 1 messageId"},
		{"null", with(`"email":null`), nil, 422, "invalid", "index 1 email"},
		{"unknown key", with(`"colour":"red"`), nil, 422, "invalid", "index 1 colour"},
		{"key given twice", with(`"email":"a@b.c","email":"a@b.c"`), nil, 422, "invalid", "index 1 email"},
		{"field of another status", with(`"clickEventLink":"https://x.example"`), nil, 422, "invalid", "index 1 clickEventLink"},
		{"a number of 400 digits", with(`"messageId":` + strings.Repeat("9", 400)), nil, 422, "invalid", "index 1 messageId"},
		{"deep nesting", with(`"statusData":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)), nil, 422, "invalid", "index 1 statusData.a"},
		{"bad JSON", `[{"contactId":1,}]`, nil, 422, "invalid", "index 0"},
		{"not JSON at all", `hello`, nil, 422, "invalid", "?"},
		{"an object, no array", good, nil, 422, "invalid", "?"},
		{"cut short", `[` + good, nil, 422, "invalid", "?"},
		{"not UTF-8", with("\"email\":\"\xff@b.c\""), nil, 422, "invalid", "index 1 email"},
		{"a byte order mark", "\ufeff[" + good + "]", nil, 422, "invalid", "-"},
		{"an empty array", `[]`, nil, 422, "invalid", "-"},
		{"an empty body", ``, nil, 422, "invalid", "?"},
		{"a bad line in the middle", good + "\n{\"contactId\":}\n" + good, []string{ndjson}, 422, "invalid", "line 2 contactId"},
		{"a wrong line in the middle", good + "\n{\"contactId\":1}\n" + good, []string{ndjson}, 422, "invalid", "line 2 activityStatus"},
		{"an activity over 64 KiB", with(`"messageName":"` + strings.Repeat("x", 64<<10) + `"`), nil, 422, "invalid", "index 1"},
		{"a body over the limit", `[` + good + strings.Repeat(" ", 1<<20) + `]`, nil, 413, "too_large", "-"},
		{"a small body that inflates over the limit", zipped(strings.Repeat(" ", 50<<20)), []string{"Content-Encoding: gzip"}, 413, "too_large", "-"},
		{"no gzip under that name", good, []string{"Content-Encoding: gzip"}, 400, "invalid", "-"},
		{"gzip cut short", zipped("[" + good + "]")[:40], []string{"Content-Encoding: gzip"}, 400, "invalid", "-"},
		{"another encoding", good, []string{"Content-Encoding: br"}, 415, "unsupported", "-"},
		{"another type", good, []string{"Content-Type: text/plain"}, 415, "unsupported", "-"},
		{"another charset", good, []string{"Content-Type: application/json; charset=latin1"}, 415, "unsupported", "-"},
		{"an empty idempotency key", `[` + good + `]`, []string{"Idempotency-Key: "}, 400, "invalid", "Idempotency-Key"},
		{"a long idempotency key", `[` + good + `]`, []string{"Idempotency-Key: " + strings.Repeat("k", 256)}, 400, "invalid", "Idempotency-Key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.Request(key, "POST /v1/activities", c.body, c.headers...)
			a.T = t
			a.Want(c.status).Has("code", c.code)
			if got := firstFault(a); c.at != "?" && got != c.at {
				t.Errorf("first fault %q, want %q: %s", got, c.at, a.Body)
			}
		})
	}
	w.Request(key, "GET /v1/accounts/me", "").Want(200).Has("head", 0.0)
}

// firstFault gives "index 1 email", "line 2", "field" or "-" for the first of a problem's errors.
func firstFault(a *apitest.Answer) string {
	a.T.Helper()
	var p struct {
		Detail string `json:"detail"`
		Errors []struct {
			Index, Line   *int
			Field, Reason string
		} `json:"errors"`
	}
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil || p.Detail == "" {
		a.T.Fatalf("no problem: %s", a.Body)
	}
	if len(p.Errors) == 0 {
		return "-"
	}
	e, at := p.Errors[0], ""
	switch {
	case e.Reason == "":
		a.T.Errorf("a fault without a reason: %s", a.Body)
	case e.Index != nil:
		at = fmt.Sprintf("index %d ", *e.Index)
	case e.Line != nil:
		at = fmt.Sprintf("line %d ", *e.Line)
	}
	return strings.TrimSpace(at + e.Field)
}

func TestAnIdempotencyKeyAnswersTheSameAndStoresNothing(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	body := "[" + activity("1") + `,{"contactId":2,"activityStatus":"READ","mediaType":"email"}]` // the second gets a new iid each time it is read
	first := w.Request(key, "POST /v1/activities", body, "Idempotency-Key: k1").Want(200)
	again := w.Request(key, "POST /v1/activities", body, "Idempotency-Key: k1").Want(200)
	if first.Body != again.Body || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first %s, again %s %v", first.Body, again.Body, again.Header)
	}
	w.Request(key, "POST /v1/activities", "["+activity("3")+"]", "Idempotency-Key: k1").Want(409).Has("code", "conflict")
	w.Request(key, "POST /v1/activities", body, "Idempotency-Key: k2").Want(200).Has("firstSeq", 3.0)
	w.Request(w.Account("other"), "POST /v1/activities", body, "Idempotency-Key: k1").Want(200).Has("firstSeq", 1.0)
}

// full is a store whose disk is full.
type full struct{ api.Store }

func (full) Append(context.Context, tidings.AppendRequest) (tidings.AppendResult, error) {
	return tidings.AppendResult{}, tidings.Errorf(tidings.CodeUnavailable, "the disk is full: nothing was stored; free space and send again")
}

func TestAFullDiskIsA503WithTheReason(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Store = full{c.Store} })
	a := w.Request(w.Account("shop"), "POST /v1/activities", "["+activity("1")+"]").Want(503).Has("code", "unavailable")
	a.Has("detail", "the disk is full: nothing was stored; free space and send again")
	if a.Header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
}

func TestBodiesHeldAtOnceAreBounded(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxHeld = 1000 })
	key := w.Account("shop")
	large := "[" + activity("1") + strings.Repeat(" ", 1000) + "]"
	w.Request(key, "POST /v1/activities", large).Want(503).Has("code", "unavailable")
	for range 5 { // what was held is given back, also by what was refused
		w.Request(key, "POST /v1/activities", "["+activity("1")+"]").Want(200)
		w.Request(key, "POST /v1/activities", "[1,"+activity("1")+"]").Want(422)
	}
}

func TestABodyWithoutItsLengthIsTakenWithinTheLimit(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxBody = 200_000 })
	key := w.Account("shop")
	send := func(body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/activities", struct{ *strings.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := send("[" + activity("1") + strings.Repeat(" ", 100_000) + "]"); got != 200 {
		t.Errorf("answered %d", got)
	}
	if got := send("[" + activity("1") + strings.Repeat(" ", 200_000) + "]"); got != 413 {
		t.Errorf("answered %d to what is over the limit", got)
	}
}

// TestABodyThatBreaksOffStoresNothing: what came is a whole array, and its
// sender still had more to say.
func TestABodyThatBreaksOffStoresNothing(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	whole := "[" + activity("1") + "]"
	for name, head := range map[string]string{
		"a known length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(whole)+1, whole),
		"chunks":         fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(whole), whole),
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/activities HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", key, head)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("%s: answered %q (%v)", name, answer, err)
		}
		_ = conn.Close()
	}
	w.Request(key, "GET /v1/accounts/me", "").Want(200).Has("head", 0.0)
}

// late is a body whose sender is slower than the deadline of its connection.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestASlowSenderIsLetGo(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, line := range []string{"POST /v1/activities", "POST /v1/endpoints"} {
		method, path, _ := strings.Cut(line, " ")
		req := httptest.NewRequestWithContext(t.Context(), method, path, late{})
		req.SetBasicAuth("", key)
		rec := httptest.NewRecorder()
		w.API.ServeHTTP(rec, req)
		if rec.Code != 408 || rec.Header().Get("Connection") != "close" || !strings.Contains(rec.Body.String(), "too slowly") {
			t.Errorf("%s: answered %d %v %s", line, rec.Code, rec.Header(), rec.Body)
		}
	}
}

// deadlined notes the deadline for reading that its connection is left with.
type deadlined struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.until = t
	return nil
}

// Before net/http answers, it reads what the handler left of a body. Whoever
// sends none of it, without a key even, must not hold a connection for ever.
func TestWhatIsNotReadOfABodyIsNotWaitedForWithoutEnd(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, c := range []struct {
		line, key, contentType string
		body                   io.Reader
	}{
		{"POST /v1/activities", "", "application/json", late{}},
		{"POST /v1/activities", key, "text/plain", late{}},
		{"POST /v1/activities", key, "application/json", late{}},
		{"POST /v1/endpoints", "", "application/json", late{}},
		{"POST /v1/endpoints", key, "text/plain", late{}},
		{"GET /v1/endpoints", key, "application/json", late{}},
		{"POST /nowhere", "", "application/json", late{}},
		{"POST /api/v2/contacts/activity", "", "application/json", late{}},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		req := httptest.NewRequestWithContext(t.Context(), method, path, c.body)
		req.Header.Set("Content-Type", c.contentType)
		req.SetBasicAuth("", c.key)
		rec := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		w.API.ServeHTTP(rec, req)
		if rec.until.IsZero() {
			t.Errorf("%s (%s, key %t): answered %d, and the rest of its body has no deadline", c.line, c.contentType, c.key != "", rec.Code)
		}
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/activities", strings.NewReader(`[{"contactId":1,"activityStatus":"READ","mediaType":"sms"}]`))
	req.SetBasicAuth("", key)
	rec := &deadlined{ResponseRecorder: httptest.NewRecorder(), until: time.Unix(1, 0)}
	w.API.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK || !rec.until.IsZero() {
		t.Errorf("answered %d, and a body that was read still has the deadline %v", rec.Code, rec.until)
	}
}
