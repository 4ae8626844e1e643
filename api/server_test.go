package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
	"tidings/feed"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// document is the part of an OpenAPI document that the tests look at.
type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Security    []map[string][]string `json:"security"`
		Responses   map[string]any        `json:"responses"`
		Samples     []map[string]string   `json:"x-codeSamples"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Required   []string       `json:"required"`
			Properties map[string]any `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

func (w *world) document() document {
	w.T.Helper()
	a := w.Request("", "GET /openapi.json", "").Want(200)
	var doc document
	if err := json.Unmarshal([]byte(a.Body), &doc); err != nil {
		w.T.Fatal(err)
	}
	return doc
}

// lines gives each operation as "METHOD path id: who may".
func (d *document) lines() []string {
	var lines []string
	for path, item := range d.Paths {
		for method, op := range item {
			who := []string{}
			for _, s := range op.Security {
				for scheme, scopes := range s {
					who = append(who, strings.Join(append([]string{scheme}, scopes...), " "))
				}
			}
			lines = append(lines, strings.ToUpper(method)+" "+path+" "+op.OperationID+": "+strings.Join(who, ", "))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestTheDocumentListsTheseOperations(t *testing.T) {
	doc := newWorld(t).document()
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("the document is OpenAPI %s", doc.OpenAPI)
	}
	got := strings.Join(doc.lines(), "\n") + "\n"
	const golden = "testdata/operations.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("operations are\n%s\nwant\n%s\n(-update rewrites the list)", got, want)
	}
}

// TestEveryRouteIsInTheDocument holds what is served against what is described.
func TestEveryRouteIsInTheDocument(t *testing.T) {
	w := newWorld(t)
	doc := w.document()
	described := 0
	for _, item := range doc.Paths {
		described += len(item)
	}
	routes := w.API.Routes()
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if _, ok := doc.Paths[path][strings.ToLower(method)]; !ok && path != "/docs.css" {
			t.Errorf("%s is served and not described", route)
		}
	}
	if described != len(routes)-1 { // all but the style sheet
		t.Errorf("%d operations are described, %d served", described, len(routes)-1)
	}
}

// TestEveryOperationAnswersAndIsGuarded asks each operation twice: as nobody, and
// with a key. Nobody reaches one that is not open, and none fails in the server.
func TestEveryOperationAnswersAndIsGuarded(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for path, item := range w.document().Paths {
		for method, op := range item {
			line := strings.ToUpper(method) + " " + strings.NewReplacer("{id}", "7", "{account}", "me", "{key}", "99", "{user}", "99", "{session}", "1", "{version}", "1", "{case}", "1").Replace(path)
			if strings.HasSuffix(path, "/tail") {
				line = strings.Replace(line, "7", "12345", 1)
			}
			nobody := w.Request("", line, "")
			if open := len(op.Security) == 0; open != (nobody.Status != 401) {
				t.Errorf("%s answered %d to nobody", line, nobody.Status)
			}
			if op.Responses[status(nobody.Status)] == nil {
				t.Errorf("%s answered %d, which is not described", line, nobody.Status)
			}
			known := w.Request(key, line, "")
			if known.Status >= 500 || op.Responses[status(known.Status)] == nil {
				t.Errorf("%s answered %d: %s", line, known.Status, known.Body)
			}
			if op.Summary == "" || len(op.Samples) == 0 {
				t.Errorf("%s has no summary or no example", line)
			}
		}
	}
}

// TestEveryOperationRefusesKeysWithoutItsScope asks each operation with keys of
// one scope each.
func TestEveryOperationRefusesKeysWithoutItsScope(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for _, scope := range []string{"ingest", "read", "manage"} {
		only := w.key(key, `"`+scope+`"`)
		for path, item := range w.document().Paths {
			for method, op := range item {
				line := strings.ToUpper(method) + " " + strings.NewReplacer("{id}", "7", "{account}", "me", "{key}", "99", "{user}", "99", "{session}", "1", "{version}", "1", "{case}", "1").Replace(path)
				allowed := len(op.Security) == 0
				for _, way := range op.Security {
					if scopes, ok := way["bearer"]; ok && (len(scopes) == 0 || slices.Contains(scopes, scope)) {
						allowed = true
					}
				}
				if allowed || strings.HasSuffix(path, "/tail") {
					continue
				}
				if a := w.Request(only, line, ""); a.Status != 403 {
					t.Errorf("%s with the scope %s answered %d: %s", line, scope, a.Status, a.Body)
				}
			}
		}
	}
}

// TestThingsOfAnotherAccountAreNotThere asks for the things of one account with
// the key of another, by every operation that names a thing.
func TestThingsOfAnotherAccountAreNotThere(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.Request(key, "POST /v1/endpoints", `{"name":"e","url":"`+w.Receiver.URL+`"}`).Want(201)
	w.made(key, "/v1/segments", `{"name":"All"}`)
	w.made(key, "/v1/broadcasts", `{"name":"Later","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z"}`)
	w.made(key, "/v1/sources", `{"name":"Mailgun","kind":"mailgun","secrets":{"signingKey":"hush"}}`)
	w.active(key, workflowThatWaits)
	w.event(key, "order", "1")
	w.Request(key, "POST /v1/workflows/1/test", `{"event":{"eventTypeKey":"order"},"saveAs":"case"}`).Want(200)
	w.Request(key, "POST /v1/messages/1/send-test", `{"contactId":1,"replies":{"WH5":{"promocode":"x"},"contacts_get_by_email":[{"id":1}]}}`).Want(201)
	w.Request(key, "POST /v1/webhooks/2/test", `{"contactId":1}`).Want(200)
	other := w.Account("other")
	for path, item := range w.document().Paths {
		for method, op := range item {
			if !strings.Contains(path, "{id}") || len(op.Security) == 0 {
				continue
			}
			line := strings.ToUpper(method) + " " + strings.NewReplacer("{id}", "1", "{version}", "1", "{case}", "1").Replace(path)
			a := w.Request(other, line, "")
			if a.Status != 404 && a.Status != 422 { // 422: the body is looked at first
				t.Errorf("%s answered another account %d: %s", line, a.Status, a.Body)
			}
		}
	}
}

func status(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestTheDocumentDescribesBodiesAsTheyAreRead(t *testing.T) {
	doc := newWorld(t).document()
	for name, want := range map[string][]string{"NewEndpoint": {"name", "url"}, "NewAccount": {"name"}, "NewKey": {"name", "scopes"}, "Skip": {"reason"}, "Options": nil} {
		schema, ok := doc.Components.Schemas[name]
		if !ok || !slices.Equal(schema.Required, want) || len(schema.Properties) == 0 {
			t.Errorf("schema %s: %+v", name, schema)
		}
	}
	for name := range doc.Components.Schemas {
		if strings.HasPrefix(name, "Error") {
			t.Errorf("the library's shape %s is described and never sent", name)
		}
	}
}

func TestTheDocsPageShowsEveryOperationWithoutScripts(t *testing.T) {
	w := newWorld(t)
	page := w.Request("", "GET /docs", "").Want(200)
	for path, item := range w.document().Paths {
		for _, op := range item {
			if !strings.Contains(page.Body, `id="`+op.OperationID+`"`) {
				t.Errorf("%s (%s) is not on the page", op.OperationID, path)
			}
		}
	}
	for _, bad := range []string{"<script", "http://cdn", "https://cdn", "style="} {
		if strings.Contains(page.Body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'") {
		t.Errorf("policy %q", csp)
	}
	w.Request("", "GET /docs.css", "").Want(200)
	for _, code := range []tidings.Code{tidings.CodeInvalid, tidings.CodeNotFound, tidings.CodeUnavailable} {
		if !strings.Contains(page.Body, `id="`+string(code)+`"`) {
			t.Errorf("problems point to /docs#%s, which is not there", code)
		}
	}
}

func TestUnknownPathsAndMethodsAnswerAProblem(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		line   string
		status int
		code   string
		allow  string
	}{
		{"GET /", 404, "not_found", ""},
		{"GET /v1", 404, "not_found", ""},
		{"GET /v1/endpoints/", 404, "not_found", ""},
		{"POST /api/v3/x", 404, "", ""}, // the Public API's own, in plain text
		{"PUT /v1/endpoints", 405, "unsupported", "GET, POST, HEAD"},
		{"DELETE /v1/activities", 405, "unsupported", "GET, POST, HEAD"},
		{"OPTIONS /v1/activities", 405, "unsupported", "GET, POST, HEAD"},
		{"GET /v1/endpoints/1/seek", 405, "unsupported", "POST"},
		{"POST /healthz", 405, "unsupported", "GET, HEAD"},
	} {
		a := w.Request("", c.line, "").Want(c.status)
		if a.Header.Get("Allow") != c.allow {
			t.Errorf("%s: Allow %q, want %q", c.line, a.Header.Get("Allow"), c.allow)
		}
		if c.code == "" {
			continue
		}
		a.Has("code", c.code)
		if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", c.line, ct)
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"GET /healthz", "GET /docs", "GET /nothing", "POST /v1/activities", "GET /api/v2/contacts/activity"} {
		a := w.Request("", line, "")
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", line, name, got)
			}
		}
		if a.Header.Get("Content-Security-Policy") == "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", line, a.Header)
		}
	}
}

func TestAPanicIsA500WhoseCauseIsInTheLogOnly(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Ready = func() error { panic("a secret of the inside") } })
	a := w.Request("", "GET /readyz", "").Want(500).Has("code", "internal")
	id, _ := a.Get("instance").(string)
	id = strings.TrimPrefix(id, "urn:tidings:failure:")
	if strings.Contains(a.Body, "inside") || id == "" {
		t.Errorf("answer %s", a.Body)
	}
	if log := w.Logs.String(); !strings.Contains(log, "a secret of the inside") || !strings.Contains(log, id) {
		t.Errorf("log %s", log)
	}
	w.Request("", "GET /healthz", "").Want(200)
}

func TestReadinessSaysWhyNot(t *testing.T) {
	why := tidings.Errorf(tidings.CodeUnavailable, "the disk is full")
	w := newWorld(t, func(c *api.Config) { c.Ready = func() error { return why } })
	a := w.Request("", "GET /readyz", "").Want(503).Has("detail", "the disk is full")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.Request("", "GET /healthz", "").Want(200)
}

func TestMetricsCountWithoutALabelForEachEndpoint(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/activities", "["+activity("1")+","+activity("2")+"]").Want(200)
	w.Request(key, "POST /v1/endpoints", `{"name":"secretly named","url":"`+w.Receiver.URL+`","activate":"never"}`).Want(201)
	a := w.Request("", "GET /metrics", "").Want(200)
	for _, line := range []string{
		`tidings_activities_accepted_total 2`, `tidings_endpoints{state="deactivated"} 1`, `tidings_endpoints_blocked 0`,
		`tidings_http_requests_total{operation="POST /v1/activities",status="200"} 1`, `tidings_build_info{version="test"} 1`, `tidings_backlog_max_activities 0`,
	} {
		if !strings.Contains(a.Body, line+"\n") {
			t.Errorf("%q is not among the figures", line)
		}
	}
	if strings.Contains(a.Body, "secretly named") {
		t.Error("an endpoint's name is a label")
	}
}

// lane is a dispatcher that shows one lane as the test wants it.
type lane struct {
	api.Dispatcher
	status feed.LaneStatus
}

func (l lane) Lane(tidings.EndpointID) (feed.LaneStatus, bool) { return l.status, true }

func TestAnEndpointShowsWhatBlocksItAndWhenItIsDrained(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		status feed.LaneStatus
		text   string
	}{
		{"blocked", feed.LaneStatus{Head: 9, Position: tidings.Position{Fence: 99, Attempts: 3, BlockedSince: at, NextTry: at.Add(time.Hour), LastError: "answered 500"}}, "blocked: waits for the next try"},
		{"draining", feed.LaneStatus{Head: 1000, PerSecond: 110, ArrivingPerSecond: 10, Position: tidings.Position{Fence: 99}}, "in about 10 seconds, at 110 activities a second"},
		{"falling behind", feed.LaneStatus{Head: 1000, PerSecond: 10, ArrivingPerSecond: 20, Position: tidings.Position{Fence: 99}}, "no end in sight: 20 activities a second arrive, 10 are delivered"},
		{"caught up", feed.LaneStatus{Head: 9, Position: tidings.Position{Fence: 99, Cursor: 9, Scanned: 9}}, "caught up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(cfg *api.Config) { cfg.Dispatcher = lane{cfg.Dispatcher, c.status} })
			key := w.Account("shop")
			w.Request(key, "POST /v1/endpoints", `{"name":"x","url":"`+w.Receiver.URL+`"}`).Want(201)
			a := w.Request(key, "GET /v1/endpoints/1", "").Want(200).Has("drainForecast.text", c.text)
			a.Has("head", float64(c.status.Head)).Has("backlog", float64(c.status.Backlog())).Has("attempt", float64(c.status.Position.Attempts))
			if c.name == "blocked" {
				a.Has("blockedSince", "2026-01-31T10:00:00Z").Has("nextTryAt", "2026-01-31T11:00:00Z").Has("lastError", "answered 500").Has("drainForecast.seconds", nil)
			}
		})
	}
}

func TestADebugLogOfRequestsHasNoSecrets(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/endpoints", `{"name":"x","url":"`+w.Receiver.URL+`","auth":{"username":"u","password":"hush-hush"},"headers":[{"name":"X-Own","value":"hush-too"}]}`).Want(201)
	log := w.Logs.String()
	if !strings.Contains(log, "path=/v1/endpoints") {
		t.Fatal("requests are not logged at debug level")
	}
	for _, secret := range []string{key, apitest.AdminToken, "hush"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
