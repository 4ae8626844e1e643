package ui_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings"
)

// The walk goes to every route that is registered, as everybody who should not
// come there, and holds that they get nothing of the account and change nothing.

// ofAcme is in the name of everything that the account has.
const ofAcme = "OfAcmeOnly"

// endless are routes whose answer goes on as long as somebody listens.
func endless() []string { return []string{"/settings/laboratory/{id}/tail"} }

// walk is a server whose first account has one of everything, and people of every kind.
type walk struct {
	*world
	fill map[string]string // what stands for the last {name} of a beginning of a path
	user map[string]tidings.User
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	w := &walk{world: newWorld(t)}
	w.stock()
	stranger := w.Account("Stranger & Sons")
	w.Request(stranger, "PATCH /v1/accounts/me", `{"zone":"Europe/Oslo"}`)
	w.user = map[string]tidings.User{
		"viewer": w.world.user(1, "viewer@acme.example", tidings.RoleViewer),
		"editor": w.world.user(1, "editor@acme.example", tidings.RoleEditor),
		"owner":  w.world.user(1, "owner@acme.example", tidings.RoleOwner),
		"wrong":  w.world.user(2, "eve@stranger.example", tidings.RoleOwner),
	}
	w.fill["/settings/users/{id}"] = decimal(int(w.world.user(1, "leaver@acme.example", tidings.RoleViewer).ID))
	w.browserOf(w.user["owner"])
	sessions, err := w.Store.Sessions(t.Context(), 1, w.user["owner"].ID)
	if err != nil || len(sessions) == 0 {
		t.Fatal(sessions, err)
	}
	w.fill["/settings/profile/sessions/{id}"] = decimal(int(sessions[0].ID))
	return w
}

// stock makes one of everything in the first account.
func (w *walk) stock() {
	made := func(line, body string) string { return w.do(line, strings.ReplaceAll(body, "NAME", ofAcme)).ID() }
	w.fill = map[string]string{}
	w.do("PATCH /v1/settings/mail", `{"from":{"name":"`+ofAcme+`","address":"shop@example.com"},"categories":[{"key":"NEWS","name":"`+ofAcme+`"}]}`)
	contact := made("POST /v1/contacts", `{"email":"ann@acme.example","firstName":"NAME"}`)
	w.do("POST /v1/fields", `{"key":"PERSONAL.SECRET","type":"text","name":"`+ofAcme+`"}`)
	segment := made("POST /v1/segments", `{"name":"NAME","condition":{"field":"EMAIL","op":"endsWith","value":"@acme.example"}}`)
	message := made("POST /v1/messages", `{"name":"NAME","subject":"NAME","html":"<p>NAME</p>"}`)
	connector := made("POST /v1/connectors", `{"name":"NAME","auth":{"type":"bearer","token":"hush-NAME"}}`)
	w.Outside.Answers("application/json", `{"code":"`+ofAcme+`"}`)
	webhook := made("POST /v1/webhooks", `{"name":"NAME","method":"GET","url":"`+w.Outside.URL+`/x"}`)
	w.do("POST /v1/webhooks/"+webhook+"/test", `{}`)
	source := made("POST /v1/sources", `{"name":"NAME","kind":"postmark","secrets":{"username":"u","password":"hush-`+ofAcme+`"}}`)
	broadcast := made("POST /v1/broadcasts", `{"name":"NAME","messageId":`+message+`,"segmentId":`+segment+`,"at":"2099-01-01T00:00:00Z"}`)
	workflow := made("POST /v1/workflows", `{"name":"NAME","definition":{"trigger":{"eventTypeKey":"NAME"},"start":"letter","blocks":[{"id":"letter","kind":"message","message":{"messageId":`+message+`},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}}`)
	w.do("POST /v1/workflows/"+workflow+"/activate", "")
	w.do("POST /v1/events", `{"eventTypeKey":"`+ofAcme+`","keyValue":"1","params":{"email":"ann@acme.example"}}`)
	w.do("POST /v1/workflows/"+workflow+"/test", `{"contactId":`+contact+`,"saveAs":"`+ofAcme+`"}`)
	w.do("POST /v1/accounts/me/keys", `{"name":"`+ofAcme+`","scopes":["read"]}`) // the second one
	endpoint := w.at(ofAcme, `"auth":{"type":"basic","username":"ann","password":"hush-`+ofAcme+`"}`)
	w.do("POST /v1/activities", activities(1))
	batch := regexp.MustCompile(`"batchId":"([^"]+)"`).FindStringSubmatch(w.listed(endpoint, `"delivered":true`))[1]
	run := w.soon("/v1/runs", "runs")
	w.fill = map[string]string{
		"/activities/{seq}": "1", "/assets/{name}": "tidings.css", "/contacts/{id}": contact, "/contacts/edit/{id}": contact, "/contacts/delete/{id}": contact,
		"/contacts/{id}/{part}": "card", "/contacts/segments/{id}": segment, "/contacts/events/{id}": "1", "/contacts/events/types/{id}": "1", "/messages/{id}": message, "/messages/delete/{id}": message, "/messages/preview/{id}": "p-1",
		"/messages/outbox/{id}": w.soon("/v1/outbox", "mails"), "/messages/broadcasts/{id}": broadcast, "/messages/broadcasts/{id}/{act}": "cancel",
		"/automation/calls/{id}": w.soon("/v1/calls", "calls"), "/automation/connectors/{id}": connector, "/automation/webhooks/{id}": webhook,
		"/automation/runs/{id}": run, "/automation/workflows/{id}": workflow, "/automation/workflows/{id}/versions/{version}": "1",
		"/automation/workflows/{id}/cases/{case}": "1",
		"/settings/laboratory/{id}":               endpoint, "/settings/laboratory/{id}/batches/{batch}": batch, "/settings/fields/{key}": "PERSONAL.SECRET",
		"/settings/keys/{id}": "2", "/settings/sources/{id}": source,
		"/join/{token}": "no-token", "/setup/{token}": "no-token",
	}
}

// soon waits until a list of the API has something, and gives the id of the first.
func (w *walk) soon(path, list string) string {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		var page map[string]json.RawMessage
		var rows []struct {
			ID json.RawMessage `json:"id"`
		}
		if err := json.Unmarshal([]byte(w.do("GET "+path, "").Body), &page); err != nil {
			w.T.Fatal(err)
		}
		if _, there := page[list]; !there {
			w.T.Fatalf("%s has no %s", path, list)
		}
		if json.Unmarshal(page[list], &rows) == nil && len(rows) > 0 {
			return strings.Trim(string(rows[0].ID), `"`)
		}
	}
	w.T.Fatalf("%s stays empty", path)
	return ""
}

// path gives the address of a route: of the account's things, or, with
// unknown, of things that nobody has.
func (w *walk) path(route string, unknown bool) string {
	w.T.Helper()
	route = strings.TrimSuffix(route, "{$}")
	for {
		from := strings.IndexByte(route, '{')
		if from < 0 {
			return route
		}
		to := from + strings.IndexByte(route[from:], '}') + 1
		value, known := w.fill[w.pattern(route[:to])]
		if !known {
			w.T.Fatalf("the walk does not know what stands for %s: add it to stock and fill in walk_test.go, so that strangers are tried there", route[:to])
		}
		if unknown && value != "card" && value != "cancel" {
			value = strings.Repeat("9", len("999999999"))
		}
		route = route[:from] + value + route[to:]
	}
}

// pattern finds the key of fill that the beginning of a path, its earlier
// parameters filled, belongs to.
func (w *walk) pattern(begin string) string {
	for key := range w.fill {
		if quoted := regexp.MustCompile(`\{[a-z]+\}/`).ReplaceAllString(key, `[^/]+/`); regexp.MustCompile("^" + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(quoted) + "$").MatchString(begin) {
			return key
		}
	}
	return begin
}

// routes lists the routes once, whatever else is at their paths.
func (w *walk) routes() []route {
	var list []route
	for _, r := range w.door.Routes() {
		list = append(list, route{r.Method, r.Path, r.Role, strings.Contains(strings.TrimSuffix(r.Path, "{$}"), "{")})
	}
	if len(list) < 50 {
		w.T.Fatalf("there are %d routes only: the walk looks in the wrong place", len(list))
	}
	return list
}

type route struct {
	method, path string
	role         tidings.UserRole
	filled       bool // it has parameters
}

// walked is what came back.
type walked struct {
	status   int
	location string
	body     string
}

// visit goes somewhere as somebody ("" = nobody), and checks what is true of every answer.
func (w *walk) visit(who, method, path string, headers ...string) walked {
	w.T.Helper()
	b := w.browser()
	if who != "" {
		b = w.browserOf(w.user[who])
	}
	ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.URL+path, strings.NewReader(""))
	if err != nil {
		w.T.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", w.URL)
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.T.Fatalf("%s %s as %q: %v", method, path, who, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.T.Fatalf("%s %s as %q: %v", method, path, who, err)
	}
	if fault := headersFault(res.Header); fault != "" {
		w.T.Errorf("%s %s as %q: %s", method, path, who, fault)
	}
	if !strings.HasPrefix(path, "/assets/") && !strings.Contains(res.Header.Get("Cache-Control"), "no-store") {
		w.T.Errorf("%s %s as %q may be kept: %q", method, path, who, res.Header.Get("Cache-Control"))
	}
	return walked{res.StatusCode, res.Header.Get("Location") + res.Header.Get("HX-Redirect"), string(text)}
}

// headersFault says what a browser is not told that it should be, or "". A
// mail that is shown within a page may have styles of its own: it is sandboxed,
// so that nothing of it runs.
func headersFault(h http.Header) string {
	policy, frame, referrer := h.Get("Content-Security-Policy"), "DENY", "same-origin"
	if strings.HasPrefix(policy, "sandbox;") {
		policy, frame, referrer = strings.Replace(policy, "style-src 'unsafe-inline'", "", 1), "SAMEORIGIN", "no-referrer"
	}
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		return "the policy is " + policy
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": frame, "Referrer-Policy": referrer, "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if h.Get(name) != want {
			return name + " is " + h.Get(name) + ", want " + want
		}
	}
	return ""
}

// state is all that says whether something of the account has changed.
func (w *walk) state() string {
	w.T.Helper()
	audit, err := w.Store.Audit(w.T.Context(), tidings.AuditQuery{Account: 1, Limit: 1000})
	if err != nil {
		w.T.Fatal(err)
	}
	acts := []string{}
	for _, a := range audit {
		if a.Action != "user.sign-in" { // those of the walkers
			acts = append(acts, a.Action+" "+a.Detail)
		}
	}
	head, err := w.Store.Head(w.T.Context(), 1)
	if err != nil {
		w.T.Fatal(err)
	}
	return strings.Join(acts, "\n") + "\nhead " + decimal(int(head))
}

// unchanged fails the test when the account is not as it was.
func (w *walk) unchanged(was, by string) {
	w.T.Helper()
	if is := w.state(); is != was {
		w.T.Errorf("%s changed the account: it is\n%s\nand was\n%s", by, is, was)
	}
}

func TestNobodyWhoIsNotSignedInGetsAnything(t *testing.T) {
	w := newWalk(t)
	was := w.state()
	for _, r := range w.routes() {
		for _, headers := range [][]string{nil, {"HX-Request: true"}} {
			a := w.visit("", r.method, w.path(r.path, false), headers...)
			if r.role != "" && !strings.HasPrefix(a.location, "/sign-in") {
				t.Errorf("%s %s answers %d (to %q) to nobody", r.method, r.path, a.status, a.location)
			}
			if a.status >= 500 || strings.Contains(a.body, ofAcme) {
				t.Errorf("%s %s answers %d to nobody: %.300s", r.method, r.path, a.status, a.body)
			}
		}
	}
	w.unchanged(was, "somebody who is not signed in")
}

func TestUsersOfAnotherAccountFindNothing(t *testing.T) {
	w := newWalk(t)
	was := w.state()
	for _, r := range w.routes() {
		for _, headers := range [][]string{nil, {"HX-Request: true"}} {
			a := w.visit("wrong", r.method, w.path(r.path, false), headers...)
			if r.role != "" && r.filled && a.status != http.StatusNotFound {
				t.Errorf("%s %s answers %d (to %q) to another account: %.300s", r.method, r.path, a.status, a.location, a.body)
			}
			if a.status >= 500 || strings.Contains(a.body, ofAcme) {
				t.Errorf("%s %s answers %d to another account: %.300s", r.method, r.path, a.status, a.body)
			}
		}
	}
	w.unchanged(was, "another account's user")
}

func TestUnknownThingsAreNotFound(t *testing.T) {
	w := newWalk(t)
	was := w.state()
	for _, r := range w.routes() {
		if r.role == "" || !r.filled {
			continue
		}
		if a := w.visit("owner", r.method, w.path(r.path, true)); a.status != http.StatusNotFound {
			t.Errorf("%s %s answers %d (to %q) for what there is not: %.300s", r.method, r.path, a.status, a.location, a.body)
		}
	}
	w.unchanged(was, "what is done to nothing")
}

func TestAnotherSitesFormsDoNothing(t *testing.T) {
	w := newWalk(t)
	was := w.state()
	for _, r := range w.routes() {
		if r.method != http.MethodPost {
			continue
		}
		for _, headers := range [][]string{
			{"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"},
		} {
			if a := w.visit("owner", r.method, w.path(r.path, false), headers...); a.status != http.StatusForbidden || strings.Contains(a.body, ofAcme) {
				t.Errorf("%s %s answers %d to a form with %v", r.method, r.path, a.status, headers)
			}
		}
	}
	w.unchanged(was, "another site")
}

// What the walk fills in is there for those who may: else it would try nothing.
func TestTheWalkKnowsThingsThatThereAre(t *testing.T) {
	w := newWalk(t)
	// A hash, secrets, what is kept for a minute, and what needs a block to be named.
	gone := []string{"/assets/{name}", "/join/{token}", "/setup/{token}", "/messages/preview/{id}", "/automation/workflows/{id}/remove"}
	for _, r := range w.routes() {
		if r.method != http.MethodGet || !r.filled || slices.Contains(gone, r.path) || slices.Contains(endless(), r.path) {
			continue
		}
		if a := w.visit("owner", r.method, w.path(r.path, false)); a.status != http.StatusOK && a.status != http.StatusSeeOther {
			t.Errorf("%s answers %d to the account's owner: what the walk fills in is not there", r.path, a.status)
		}
	}
}

// Each role reaches the routes that are its and no others. The one that may
// least goes first: those after it delete things.
func TestRolesReachTheirRoutesOnly(t *testing.T) {
	w := newWalk(t)
	roles := tidings.UserRoles()
	for _, role := range slices.Backward(roles) {
		was := w.state()
		for _, r := range w.routes() {
			if r.role == "" || slices.Index(roles, role) <= slices.Index(roles, r.role) {
				continue
			}
			if a := w.visit(string(role), r.method, w.path(r.path, false)); a.status != http.StatusForbidden || strings.Contains(a.body, ofAcme) {
				t.Errorf("%s %s answers %d to a %s: %.300s", r.method, r.path, a.status, role, a.body)
			}
		}
		w.unchanged(was, "a "+string(role)+" who may not")
	}
	for _, role := range slices.Backward(roles) {
		for _, r := range w.routes() {
			if slices.Index(roles, role) > slices.Index(roles, r.role) || slices.Contains(endless(), r.path) || r.path == "/settings/nodes" { // which is for operators
				continue
			}
			a := w.visit(string(role), r.method, w.path(r.path, false))
			if a.status >= 500 || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || strings.HasPrefix(a.location, "/sign-in") && r.path != "/sign-out" {
				t.Errorf("%s %s answers %d (to %q) to a %s: %.300s", r.method, r.path, a.status, a.location, role, a.body)
			}
		}
	}
}
