package publicapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/publicapi"
	"tidings/store"
)

// door is the Public API on a real store with one account.
type door struct {
	t     *testing.T
	store *store.Store
	url   string
	key   string
}

func newDoor(t *testing.T, wrap ...func(publicapi.Search) publicapi.Search) *door {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	if _, _, err := s.CreateAccount(t.Context(), "shop", fresh, "test"); err != nil {
		t.Fatal(err)
	}
	var search publicapi.Search = s
	for _, w := range wrap {
		search = w(search)
	}
	authenticate := func(r *http.Request, scope tidings.Scope) (tidings.Key, error) {
		_, password, _ := r.BasicAuth()
		switch password {
		case "read-not":
			return tidings.Key{}, tidings.Errorf(tidings.CodeForbidden, "the key has not the scope %q that this needs", scope)
		case "too-often":
			return tidings.Key{}, &tidings.Error{Code: tidings.CodeRateLimited, Message: "wait", RetryAfter: time.Second}
		}
		return s.KeyByDigest(r.Context(), tidings.KeyDigest(password))
	}
	front := httptest.NewServer(publicapi.New(search)(authenticate))
	t.Cleanup(func() {
		front.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &door{t: t, store: s, url: front.URL, key: fresh.Token}
}

func (d *door) add(activities string) {
	d.t.Helper()
	parsed, err := tidings.ParseActivities([]byte(activities), tidings.Intake{Now: time.Now()})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.store.Append(d.t.Context(), tidings.AppendRequest{Account: 1, Activities: parsed}); err != nil {
		d.t.Fatal(err)
	}
}

// get asks as a client does, with any user name and a body on GET.
func (d *door) get(path string) (int, http.Header, string) {
	d.t.Helper()
	return d.ask(http.MethodGet, path, d.key)
}

func (d *door) ask(method, path, key string) (int, http.Header, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader("{}"))
	if err != nil {
		d.t.Fatal(err)
	}
	if key != "" {
		req.SetBasicAuth("api-user", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// rows gives the offsets of an answer's rows.
func (d *door) rows(path string) string {
	d.t.Helper()
	status, header, body := d.get(path)
	if status != 200 || header.Get("Content-Type") != "application/json; charset=UTF-8" {
		d.t.Fatalf("%s answered %d %s %s", path, status, header.Get("Content-Type"), body)
	}
	var rows []struct{ Offset string }
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		d.t.Fatalf("%s: %v: %s", path, err, body)
	}
	offsets := make([]string, len(rows))
	for i, r := range rows {
		offsets[i] = r.Offset
	}
	return strings.Join(offsets, " ")
}

const (
	path    = "/api/v2/contacts/activity"
	january = path + "?dateFrom=2026-01-01&dateTo=2026-01-31"
)

const some = `[
	{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email","email":"ann@example.com","messageTag":"a,b","activityDateTime":"2026-01-10T23:59:59"},
	{"contactId":2,"activityStatus":"READ","mediaType":"sms","sms":"380671234567","activityDateTime":"2026-01-11T00:00:00"},
	{"contactId":3,"activityStatus":"CLICKED","mediaType":"webpush","webpush":"w","activityDateTime":"2026-01-12T12:00:00"},
	{"contactId":4,"activityStatus":"SENT","mediaType":"mobilepush","mobilepush":"m","activityDateTime":"2026-01-31T23:59:59"}]`

func TestRowsAreFoundByTheParametersOfThePublishedForm(t *testing.T) {
	d := newDoor(t)
	d.add(some)
	for query, want := range map[string]string{
		january:                                                           "1 2 3 4",
		january + "&email=ann@example.com":                                "1",
		january + "&sms=380671234567":                                     "2",
		january + "&webPushToken=w":                                       "3",
		january + "&mobPushToken=m":                                       "4",
		january + "&messageTag=b":                                         "1",
		january + "&activityStatus=CLICKED":                               "3",
		january + "&maxrows=2":                                            "1 2",
		january + "&offset=2":                                             "3 4",
		january + "&offset=4":                                             "",
		january + "&offset=&maxrows=":                                     "1 2 3 4",
		january + "&somethingElse=1":                                      "1 2 3 4",
		path + "/?dateFrom=2026-01-01&dateTo=2026-01-31":                  "1 2 3 4",
		path + "?dateFrom=2026-01-10&dateTo=2026-01-10":                   "1",
		path + "?dateFrom=2026-01-10T23:59:59&dateTo=2026-01-11T00:00:00": "1 2",
		path + "?dateFrom=2026-01-11T00:00&dateTo=2026-01-12T12:00":       "2 3",
		path + "?dateFrom=2026-01-01&dateTo=2026-04-03":                   "1 2 3 4", // 92 days
		"/api/v1/contacts/activity?dateFrom=2026-01-01&dateTo=2026-01-31": "1 2 3 4",
		"/api/v1/contactActivity/?dateFrom=2026-01-01&dateTo=2026-01-31&startindex=3&maxrows=1": "3",
	} {
		if got := d.rows(query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
}

func TestARowHasThePublishedNamesAndItsOffset(t *testing.T) {
	d := newDoor(t)
	d.add(`[{"contactId":3,"webpush":"webpush","activityStatus":"CLICKED","mediaType":"webpush","messageName":"a \"mobilepush\": {,","mobilep\u0075sh":"m","statusData":{"subscription":{"subscriptions":["webpush"]}},"activityDateTime":"2026-01-12T12:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}]`)
	_, _, body := d.get(january)
	want := `[{"contactId":3,"webPushToken":"webpush","activityStatus":"CLICKED","mediaType":"webpush","messageName":"a \"mobilepush\": {,","mobPushToken":"m","statusData":{"subscription":{"subscriptions":["webpush"]}},"activityDateTime":"2026-01-12T12:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7","offset":"1"}]`
	if body != want {
		t.Errorf("row\n%s\nwant\n%s", body, want)
	}
}

// TestPagingByOffsetReadsEverythingOnce does what clients do: repeat with the
// last row's offset until an empty array comes.
func TestPagingByOffsetReadsEverythingOnce(t *testing.T) {
	d := newDoor(t)
	const n = 2500
	for i := 0; i < n; i += 500 {
		batch := make([]string, 500)
		for k := range batch {
			batch[k] = fmt.Sprintf(`{"contactId":%d,"activityStatus":"READ","mediaType":"email","activityDateTime":"2026-01-12T12:00:00"}`, i+k+1)
		}
		d.add("[" + strings.Join(batch, ",") + "]")
	}
	seen := 0
	for offset := "0"; ; {
		offsets := strings.Fields(d.rows(january + "&maxrows=700&offset=" + offset))
		if len(offsets) == 0 {
			break
		}
		for _, o := range offsets {
			if seen++; o != fmt.Sprint(seen) {
				t.Fatalf("row %d has offset %s", seen, o)
			}
		}
		offset = offsets[len(offsets)-1]
	}
	if seen != n {
		t.Errorf("read %d of %d", seen, n)
	}
	if all := strings.Fields(d.rows(january)); len(all) != n {
		t.Errorf("in one answer: %d of %d", len(all), n)
	}
}

func TestWhatIsWrongIsSaidInPlainText(t *testing.T) {
	d := newDoor(t)
	for _, c := range []struct {
		method, path, key string
		status            int
		says              string
	}{
		{"GET", path, d.key, 400, "dateFrom is required"},
		{"GET", path + "?", d.key, 400, "dateFrom is required"},
		{"GET", path + "?dateFrom=2026-01-01", d.key, 400, "dateTo is required"},
		{"GET", path + "?dateFrom=01.01.2026&dateTo=2026-01-02", d.key, 400, "dateFrom must be YYYY-MM-DD"},
		{"GET", path + "?dateFrom=2026-02-30&dateTo=2026-03-02", d.key, 400, "dateFrom must be YYYY-MM-DD"},
		{"GET", path + "?dateFrom=2026-01-02&dateTo=2026-01-01", d.key, 400, "dateTo must not be before dateFrom"},
		{"GET", path + "?dateFrom=2026-01-01&dateTo=2026-04-04", d.key, 400, "longer than 3 months"},
		{"GET", january + "&activityStatus=EATEN", d.key, 400, `unknown activityStatus "EATEN"`},
		{"GET", january + "&offset=abc", d.key, 400, "offset must be a whole number"},
		{"GET", january + "&maxrows=0", d.key, 400, "maxrows must be a whole number"},
		{"GET", path + "?dateFrom=%zz", d.key, 400, "can't be read"},
		{"GET", january, "", 401, ""},
		{"GET", january, "wrong", 401, ""},
		{"GET", january, "read-not", 403, `the scope "read"`},
		{"GET", january, "too-often", 429, "wait"},
		{"GET", "/api/v2/contacts", d.key, 404, "nothing"},
		{"POST", january, d.key, 405, "GET"},
	} {
		status, header, body := d.ask(c.method, c.path, c.key)
		if status != c.status || !strings.Contains(body, c.says) || header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s %s answered %d %s %q", c.method, c.path, status, header.Get("Content-Type"), body)
		}
		if status == 401 && !strings.HasPrefix(header.Get("Www-Authenticate"), "Basic ") {
			t.Errorf("offered %q", header.Get("Www-Authenticate"))
		}
	}
}

// failing is a store whose second page of a search fails.
type failing struct{ asked int }

func (f *failing) Search(context.Context, tidings.ActivityQuery) (tidings.SearchPage, error) {
	if f.asked++; f.asked > 1 {
		return tidings.SearchPage{}, errors.New("a secret of the inside")
	}
	return tidings.SearchPage{Found: []tidings.Found{{Seq: 1, Wire: []byte(`{"contactId":1}`)}}, Next: 1}, nil
}

func TestAnAnswerThatCanNotBeFinishedIsBrokenOffNotCutShort(t *testing.T) {
	d := newDoor(t, func(publicapi.Search) publicapi.Search { return &failing{} })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+january, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("", d.key)
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("the answer looks whole")
	}
}

func TestAFailureAtTheBeginningHidesTheInside(t *testing.T) {
	d := newDoor(t, func(publicapi.Search) publicapi.Search { return &failing{asked: 1} })
	status, _, body := d.get(january)
	if status != 500 || strings.Contains(body, "inside") {
		t.Errorf("answered %d %s", status, body)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"dateFrom=2026-01-01&dateTo=2026-01-31", "dateFrom=2026-01-01T00:00:00&dateTo=9999-12-31", "offset=1&maxrows=99999999", "startindex=-1", "%zz", "?"} {
		f.Add(seed)
	}
	var asked tidings.ActivityQuery
	search := searchFunc(func(q tidings.ActivityQuery) { asked = q })
	h := publicapi.New(search)(func(*http.Request, tidings.Scope) (tidings.Key, error) { return tidings.Key{Account: 1}, nil })
	f.Fuzz(func(t *testing.T, raw string) {
		req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		req.URL.RawQuery = raw
		asked = tidings.ActivityQuery{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		switch {
		case w.Code == 200 && (asked.Account != 1 || asked.Limit < 1 || asked.After < 0 || !asked.To.After(asked.From) || asked.To.Sub(asked.From) > tidings.MaxSearchInterval+24*time.Hour):
			t.Fatalf("%q asked for %+v", raw, asked)
		case w.Code != 200 && w.Code != 400:
			t.Fatalf("%q answered %d", raw, w.Code)
		}
	})
}

type searchFunc func(tidings.ActivityQuery)

func (f searchFunc) Search(_ context.Context, q tidings.ActivityQuery) (tidings.SearchPage, error) {
	f(q)
	return tidings.SearchPage{}, nil
}

// FuzzRow: a row is JSON whatever was stored, with every value of the activity.
func FuzzRow(f *testing.F) {
	f.Add(`{"contactId":1,"activityStatus":"READ","mediaType":"email","webpush":"x\\\"","messageName":"{[\"mobilepush\"]}"}`)
	f.Add(`{"contactId":1,"activityStatus":"READ","mediaType":"email","statusData":{"subscription":{"subscriptions":["webpush",":"]}}}`)
	f.Fuzz(func(t *testing.T, activity string) {
		parsed, err := tidings.ParseActivities([]byte("["+activity+"]"), tidings.Intake{Now: time.Unix(0, 0)})
		if err != nil || len(parsed) != 1 {
			return
		}
		wire := parsed[0].Wire
		var in, out map[string]any
		if err := json.Unmarshal(wire, &in); err != nil {
			t.Fatal(err)
		}
		row := publicapi.AppendRow(nil, tidings.Found{Seq: 7, Wire: wire})
		if err := json.Unmarshal(row, &out); err != nil {
			t.Fatalf("%s became %s: %v", wire, row, err)
		}
		for published, name := range map[string]string{"webPushToken": "webpush", "mobPushToken": "mobilepush"} {
			if out[published] != in[name] || out[name] != nil {
				t.Fatalf("%s became %s", wire, row)
			}
		}
		if out["offset"] != "7" || len(out) != len(in)+1 {
			t.Fatalf("%s became %s", wire, row)
		}
	})
}
