package api_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// bulk stores n activities with a text of so many bytes.
func (w *world) bulk(key string, n, size int) {
	w.T.Helper()
	for done := 0; done < n; {
		lines := make([]string, min(n-done, 5000))
		for i := range lines {
			lines[i] = fmt.Sprintf(`{"contactId":%d,"activityStatus":"READ","mediaType":"email","activityDateTime":"2026-03-14T09:26:53","messageName":"%s"}`,
				done+i+1, strings.Repeat("x", size))
		}
		w.Request(key, "POST /v1/activities", "["+strings.Join(lines, ",")+"]").Want(200)
		done += len(lines)
	}
}

func TestExportGivesAllThatIsFoundAndSaysHowFarItGoes(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/activities", `[{"contactId":1,"activityStatus":"READ","mediaType":"email","activityDateTime":"2026-03-01T00:00:00"}]`).Want(200)
	w.bulk(key, 1234, 10)
	for _, c := range []struct {
		query       string
		first, last string
		lines       int
		begins      string
	}{
		{"from=2026-03-14&to=2026-03-14", "2", "1235", 1234, `{"seq":2,"activity":{"contactId":`},
		{"from=2026-03-14&to=2026-03-14&contactId=1234", "2", "1235", 1, `{"seq":1235,"activity":{"contactId":`},
		{"from=2026-03-14&to=2026-03-14&format=csv", "2", "1235", 1235, "seq,activityDateTime,activityStatus,"},
		{"from=2026-03-20&to=2026-03-21", "0", "0", 0, ""},
		{"from=2026-03-20&to=2026-03-21&format=csv", "0", "0", 1, "seq,"},
	} {
		got := w.Request(key, "GET /v1/activities/export?"+c.query, "").Want(200)
		if n := strings.Count(got.Body, "\n"); n != c.lines {
			t.Errorf("%s: %d lines, want %d", c.query, n, c.lines)
		}
		if got.Header.Get("Tidings-First") != c.first || got.Header.Get("Tidings-Last") != c.last {
			t.Errorf("%s: from %s to %s", c.query, got.Header.Get("Tidings-First"), got.Header.Get("Tidings-Last"))
		}
		if !strings.HasPrefix(got.Header.Get("Content-Disposition"), `attachment; filename="activities_20260`) {
			t.Errorf("%s: %s", c.query, got.Header.Get("Content-Disposition"))
		}
		if begins := got.Body[:min(len(got.Body), len(c.begins))]; begins != c.begins {
			t.Errorf("%s begins with %q", c.query, begins)
		}
	}
	w.Request(key, "GET /v1/activities/export?from=2026-03-20&format=xml", "").Want(400)
	w.Request(key, "GET /v1/activities/export", "").Want(400)
	if got := w.Request(w.Account("other"), "GET /v1/activities/export?from=2026-03-14&to=2026-03-15", "").Want(200).Body; got != "" {
		t.Errorf("another account gets %s", got)
	}
}

func TestExportedRowsAreTheActivitiesAndNoFormulas(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/activities", `[{"contactId":7,"activityStatus":"UNDELIVERED","mediaType":"email","hardBounce":true,"activityDateTime":"2026-03-14T09:26:53",
		"messageName":"=cmd|' /C calc'!A0","from":"Ann \"A\", shop","email":"@a.example","statusData":{"subscription":{"subscriptions":["A"]}}}]`).Want(200)
	body := w.Request(key, "GET /v1/activities/export?from=2026-03-14&to=2026-03-14&format=csv", "").Want(200).Body
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"seq": "1", "contactId": "7", "activityStatus": "UNDELIVERED", "hardBounce": "true", "messageName": "'=cmd|' /C calc'!A0",
		"from": `Ann "A", shop`, "email": "'@a.example", "statusData": `{"subscription":{"subscriptions":["A"]}}`, "sms": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestAnExportThatIsBrokenOffDoesNotLookWhole(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.bulk(key, 20_000, 1000) // more than is on its way between server and client
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.URL+"/v1/activities/export?from=2026-03-14&to=2026-03-14", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	w.API.EndStreams()
	if n, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Errorf("%d bytes look like a whole export", n)
	}
}
