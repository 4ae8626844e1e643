package api_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones must be there on every machine that runs the tests

	"tidings"
	"tidings/api"
	"tidings/password"
)

// user makes a user of an account who is active.
func (w *world) user(account tidings.AccountID, email string, role tidings.UserRole) tidings.User {
	w.t.Helper()
	token := tidings.MakeToken()
	u := tidings.User{Account: account, Email: email, Name: "Ann", Role: role}
	if _, err := w.store.InviteUser(w.t.Context(), u, tidings.TokenDigest(token), time.Now().Add(time.Hour), "admin"); err != nil {
		w.t.Fatal(err)
	}
	hash, err := password.New(1).Hash(w.t.Context(), "the password of "+email)
	if err != nil {
		w.t.Fatal(err)
	}
	if u, err = w.store.RedeemLink(w.t.Context(), tidings.TokenDigest(token), "", hash); err != nil {
		w.t.Fatal(err)
	}
	return u
}

// as makes a request in process, as the browser's door does for a user.
func (w *world) as(u tidings.User, line, body string, headers ...string) *answer {
	w.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req := httptest.NewRequestWithContext(tidings.WithUser(w.t.Context(), u), method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, req)
	return &answer{w.t, rec.Code, rec.Header(), rec.Body.String()}
}

// TestEachRoleReachesItsOperationsOnly walks over all operations with a user of
// each role. What a role may is written down here, apart from the code.
func TestEachRoleReachesItsOperationsOnly(t *testing.T) {
	w := newWorld(t)
	w.account("shop")
	forOwners := func(line string) bool {
		return strings.Contains(line, "/users") || strings.Contains(line, "/keys") || line == "PATCH /v1/accounts/me"
	}
	for _, role := range tidings.UserRoles() {
		u := w.user(1, string(role)+"@example.com", role)
		for path, item := range w.document().Paths {
			for method, op := range item {
				if len(op.Security) == 0 || strings.HasSuffix(path, "/tail") || strings.HasPrefix(path, "/api/") {
					continue
				}
				line := strings.ToUpper(method) + " " + path
				admins, manages, reads := false, false, false
				for _, way := range op.Security {
					_, is := way["admin"]
					admins = admins || is
					manages = manages || slices.Contains(way["bearer"], "manage") || slices.Contains(way["bearer"], "ingest")
					reads = reads || slices.Equal(way["bearer"], []string{"read"}) || way["bearer"] != nil && len(way["bearer"]) == 0
				}
				may := true
				switch {
				case strings.HasSuffix(path, "/password"), admins && !manages:
					may = false
				case forOwners(line):
					may = role == tidings.RoleOwner
				case !reads:
					may = role != tidings.RoleViewer
				}
				at := strings.NewReplacer("{id}", "7", "{account}", "me", "{key}", "99", "{user}", "99", "{session}", "1", "{version}", "1", "{case}", "1").Replace(path)
				a := w.as(u, strings.ToUpper(method)+" "+at, "")
				if refused := a.status == 403; refused == may || a.status >= 500 || a.status == 401 || op.Responses[status(a.status)] == nil {
					t.Errorf("%s answered a user who is %s %d: %s", line, role, a.status, a.body)
				}
				if !may && !admins && !strings.Contains(a.body, "role") && !strings.HasSuffix(path, "/password") {
					t.Errorf("%s does not say which role is needed: %s", line, a.body)
				}
			}
		}
	}
}

func TestViewersLookAndDoNotTouch(t *testing.T) {
	w := newWorld(t)
	w.account("shop")
	owner, editor, viewer := w.user(1, "o@example.com", tidings.RoleOwner), w.user(1, "e@example.com", tidings.RoleEditor), w.user(1, "v@example.com", tidings.RoleViewer)
	stranger := tidings.User{ID: 9, Account: 1, Role: "captain"}
	for _, c := range []struct {
		line, body             string
		owner, editor, visitor int
	}{
		{"GET /v1/accounts/me", "", 200, 200, 200},
		{"GET /v1/endpoints", "", 200, 200, 200},
		{"GET /v1/activities", "", 200, 200, 200},
		{"POST /v1/activities", "[" + activity("1") + "]", 200, 200, 403},
		{"POST /v1/fields", `{"key":"shoesize","type":"text"}`, 201, 409, 403},
		{"GET /v1/audit", "", 200, 200, 403},
		{"GET /v1/accounts/me/keys", "", 200, 403, 403},
		{"POST /v1/accounts/me/keys", `{"name":"k","scopes":["ingest","read","manage"]}`, 201, 403, 403},
		{"GET /v1/accounts/me/users", "", 200, 403, 403},
		{"PATCH /v1/accounts/me", `{"zone":"Europe/Oslo"}`, 200, 403, 403},
		{"GET /v1/accounts/me/users/me", "", 200, 200, 200},
		{"GET /v1/accounts/me/users/1", "", 200, 403, 403},
		{"GET /v1/nodes", "", 403, 403, 403},
		{"GET /v1/accounts", "", 403, 403, 403},
		{"GET /api/v2/contacts/activity?dateFrom=2026-01-01&dateTo=2026-01-02", "", 200, 200, 200},
	} {
		for _, who := range []struct {
			user tidings.User
			want int
		}{{owner, c.owner}, {editor, c.editor}, {viewer, c.visitor}} {
			if a := w.as(who.user, c.line, c.body); a.status != who.want {
				t.Errorf("%s answered a user who is %s %d, want %d: %s", c.line, who.user.Role, a.status, who.want, a.body)
			}
		}
		if a := w.as(stranger, c.line, c.body); strings.HasPrefix(c.line, "GET /v1/e") && a.status != 403 {
			t.Errorf("%s answered a role that is none %d", c.line, a.status)
		}
	}
	owner.Operator = true
	w.as(owner, "GET /v1/nodes", "").want(200)
	w.as(tidings.User{}, "GET /v1/endpoints", "").want(401)
	audit := w.as(owner, "GET /v1/audit", "").want(200)
	if !strings.Contains(audit.body, fmt.Sprintf(`"user %d (o@example.com)"`, owner.ID)) {
		t.Errorf("the audit does not name the user: %s", audit.body)
	}
}

// A user is signed in by the context of the request, which only the process
// itself can make.
func TestNothingThatAClientSendsSignsAUserIn(t *testing.T) {
	w := newWorld(t)
	w.account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleOwner)
	token := tidings.MakeToken()
	if _, err := w.store.StartSession(t.Context(), tidings.Session{User: u.ID}, tidings.TokenDigest(token)); err != nil {
		t.Fatal(err)
	}
	for _, headers := range [][]string{
		{"Cookie: tidings_session=" + token + "; session=" + token},
		{"Authorization: Bearer " + token},
		{"Authorization: signed-in " + token},
		{"X-User: 1", "X-Tidings-User: 1", "X-Remote-User: ann@example.com"},
		{"Authorization: " + basicAuth("ann@example.com", "the password of ann@example.com")},
	} {
		w.request("", "GET /v1/accounts/me", "", headers...).want(401)
	}
	// And whoever is signed in is themself, whatever key they send.
	viewer := w.user(1, "v@example.com", tidings.RoleViewer)
	w.as(viewer, "GET /v1/accounts", "", "Authorization: Bearer "+adminToken).want(403)
	w.as(viewer, "PATCH /v1/accounts/me", `{"name":"x"}`, "Authorization: Bearer "+w.account("another")).want(403)
}

func TestInvitedUserGetsALinkOnce(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	a := w.request(key, "POST /v1/accounts/me/users", `{"email":" Ann@Example.com ","role":"editor"}`).want(201)
	a.has("user.email", "ann@example.com").has("user.name", "ann").has("user.role", "editor").has("user.active", false).has("user.seenAt", nil)
	link, _ := a.get("link").(string)
	token, ok := strings.CutPrefix(link, w.url+"/join/")
	if !ok || len(token) != 43 {
		t.Fatalf("the link is %q", link)
	}
	u, account, err := w.store.LinkUser(t.Context(), tidings.TokenDigest(token))
	if err != nil || u.Email != "ann@example.com" || account.Name != "shop" {
		t.Errorf("the link is of %+v, %+v, %v", u, account, err)
	}
	again := w.request(key, "POST /v1/accounts/me/users/1/link", "").want(201)
	if again.get("link") == link {
		t.Error("the new link is the old one")
	}
	_, _, err = w.store.LinkUser(t.Context(), tidings.TokenDigest(token))
	if tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("the old link: %v", err)
	}
	for _, line := range []string{"GET /v1/accounts/me/users", "GET /v1/accounts/me/users/1", "GET /v1/audit"} {
		if a := w.request(key, line, "").want(200); strings.Contains(a.body, "/join/") || strings.Contains(a.body, token) {
			t.Errorf("%s shows the link", line)
		}
	}
	other := w.account("another")
	taken := w.request(other, "POST /v1/accounts/me/users", `{"email":"ann@example.com","role":"owner"}`).want(409)
	if got := firstFault(taken); got != "email" || strings.Contains(taken.body, "shop") {
		t.Errorf("refused by %s", taken.body)
	}
	for body, field := range map[string]string{
		`{"role":"owner"}`: "email", `{"email":"ann","role":"owner"}`: "email", `{"email":"Ann <a@example.com>","role":"owner"}`: "email",
		`{"email":"b@example.com"}`: "role", `{"email":"b@example.com","role":"admin"}`: "role", `{"email":"b@example.com","role":"owner","name":""}`: "name",
	} {
		if got := firstFault(w.request(key, "POST /v1/accounts/me/users", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.request(key, "POST /v1/accounts/me/users", `{"email":"b@example.com","role":"owner","operator":true}`).want(422)
}

func TestLinksBeginWithThePublicURL(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.PublicURL = "https://tidings.example.com/" })
	w.account("shop")
	a := w.request(adminToken, "POST /v1/accounts/1/users", `{"email":"ann@example.com","role":"owner","name":"Ann"}`).want(201)
	if link, _ := a.get("link").(string); !strings.HasPrefix(link, "https://tidings.example.com/join/") {
		t.Errorf("the link is %q", link)
	}
}

func TestUsersChangeWhatIsTheirs(t *testing.T) {
	w := newWorld(t)
	w.account("shop")
	owner, viewer := w.user(1, "o@example.com", tidings.RoleOwner), w.user(1, "v@example.com", tidings.RoleViewer)
	w.as(viewer, "PATCH /v1/accounts/me/users/me", `{"name":"Vera","theme":"dark"}`).want(200).has("name", "Vera").has("theme", "dark")
	own := fmt.Sprintf("/v1/accounts/me/users/%d", viewer.ID)
	w.as(viewer, "PATCH "+own, `{"theme":null}`).want(200).has("theme", "system")
	if a := w.as(viewer, "PATCH "+own, `{"role":"owner"}`).want(403); !strings.Contains(a.body, `\"owner\"`) {
		t.Error(a.body)
	}
	editor := w.user(1, "e@example.com", tidings.RoleEditor) // whose role has all scopes, too
	w.as(editor, "PATCH /v1/accounts/me/users/me", `{"role":"owner"}`).want(403)
	w.as(editor, "PATCH /v1/accounts/me/users/me", `{"role":"viewer"}`).want(403)
	w.as(viewer, "PATCH "+own, `{"email":"x@example.com"}`).want(422)
	w.as(viewer, "PATCH "+own, `{"name":"x","version":1}`).want(409)
	for _, line := range []string{"DELETE " + own, "POST " + own + "/link", fmt.Sprintf("PATCH /v1/accounts/me/users/%d", owner.ID), fmt.Sprintf("GET /v1/accounts/me/users/%d/sessions", owner.ID)} {
		w.as(viewer, line, "").want(403)
	}
	w.as(owner, "PATCH "+own, `{"role":"editor"}`).want(200).has("role", "editor")
	w.as(owner, "PATCH /v1/accounts/me/users/me", `{"role":"viewer"}`).want(409)
	w.as(owner, "DELETE /v1/accounts/me/users/me", "").want(409)
	w.as(owner, "DELETE "+own, "").want(204)
	w.as(owner, "GET "+own, "").want(404)
	key := w.key(w.account("another"), `"manage"`)
	w.request(key, "GET /v1/accounts/me/users/me", "").want(404)
}

func TestAnotherAccountsUsersAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine := w.account("mine")
	w.account("theirs")
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	theirs := w.user(2, "t@example.com", tidings.RoleOwner)
	for _, line := range []string{
		"GET /v1/accounts/me/users/%d", "PATCH /v1/accounts/me/users/%d", "DELETE /v1/accounts/me/users/%d", "POST /v1/accounts/me/users/%d/link",
		"GET /v1/accounts/me/users/%d/sessions", "DELETE /v1/accounts/me/users/%d/sessions", "DELETE /v1/accounts/me/users/%d/sessions/1",
		"GET /v1/accounts/2/users/%d", "DELETE /v1/accounts/2/users/%d",
	} {
		line = fmt.Sprintf(line, theirs.ID)
		w.as(owner, line, "").want(404)
		w.request(mine, line, "").want(404)
	}
	w.as(owner, "GET /v1/accounts/2/users", "").want(404)
	w.as(owner, "GET /v1/accounts/2/users/me", "").want(404)
	w.request(adminToken, "GET /v1/accounts/3/users", "").want(404)
	w.request(adminToken, "GET /v1/accounts/2/users", "").want(200)
	w.as(theirs, "GET /v1/accounts/me/users/me", "").want(200)
}

func TestAKeyMakesNoUserWhoMayMoreThanItself(t *testing.T) {
	w := newWorld(t)
	all := w.account("shop")
	manage := w.key(all, `"manage"`)
	both := w.key(all, `"manage","read"`)
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	invite := func(role string) string { return `{"email":"` + role + `@example.com","role":"` + role + `"}` }
	w.request(manage, "POST /v1/accounts/me/users", invite("viewer")).want(403)
	w.request(both, "POST /v1/accounts/me/users", invite("viewer")).want(201)
	w.request(both, "POST /v1/accounts/me/users", invite("editor")).want(403)
	w.request(both, "PATCH /v1/accounts/me/users/2", `{"role":"owner"}`).want(403)
	w.request(both, fmt.Sprintf("POST /v1/accounts/me/users/%d/link", owner.ID), "").want(403)
	w.request(both, "PATCH /v1/accounts/me/users/2", `{"name":"x"}`).want(200)
	w.request(all, "POST /v1/accounts/me/users", invite("owner")).want(201)
	w.request(all, fmt.Sprintf("POST /v1/accounts/me/users/%d/link", owner.ID), "").want(201)
}

func TestUsersChangeTheirPasswordByTheCurrentOne(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleViewer)
	signIn := func(token string) int64 {
		s, err := w.store.StartSession(t.Context(), tidings.Session{User: u.ID, Agent: "Firefox", Address: "192.0.2.7"}, tidings.TokenDigest(token))
		if err != nil {
			t.Fatal(err)
		}
		return s.ID
	}
	here := signIn("here")
	signIn("there")
	const current, fresh = "the password of ann@example.com", "something new to remember"
	own := "POST /v1/accounts/me/users/me/password"
	for body, field := range map[string]string{
		`{"current":"wrong","password":"` + fresh + `"}`:            "current",
		`{"password":"` + fresh + `"}`:                              "current",
		`{"current":"` + current + `","password":"short"}`:          "password",
		`{"current":"` + current + `"}`:                             "password",
		`{"current":"` + current + `","password":"aaaaaaaaaaaaaa"}`: "password",
	} {
		if got := firstFault(w.as(u, own, body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.as(u, own, fmt.Sprintf(`{"current":%q,"password":%q,"session":%d}`, current, fresh, here)).want(204)
	hash, err := w.store.PasswordOf(t.Context(), 1, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := password.New(1).Verify(t.Context(), hash, fresh); !ok || err != nil {
		t.Errorf("the new password is not the password: %v", err)
	}
	if list := w.as(u, "GET /v1/accounts/me/users/me/sessions", "").want(200); strings.Count(list.body, `"id"`) != 1 || !strings.Contains(list.body, `"agent":"Firefox"`) {
		t.Errorf("sessions %s", list.body)
	}
	for _, token := range []string{key, adminToken} {
		w.request(token, fmt.Sprintf("POST /v1/accounts/1/users/%d/password", u.ID), `{"current":"`+fresh+`","password":"another one entirely"}`).want(403)
	}
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	w.as(owner, fmt.Sprintf("POST /v1/accounts/me/users/%d/password", u.ID), `{"current":"`+fresh+`","password":"another one entirely"}`).want(403)
	if log := w.logs.String(); strings.Contains(log, fresh) || strings.Contains(log, current) {
		t.Error("the log has a password")
	}
}

func TestGuessesOfTheCurrentPasswordAreHeldBack(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	w.account("shop")
	u, other := w.user(1, "ann@example.com", tidings.RoleViewer), w.user(1, "bob@example.com", tidings.RoleViewer)
	own := "POST /v1/accounts/me/users/me/password"
	guess := `{"current":"a wrong password","password":"something new to remember"}`
	for range 10 {
		w.as(u, own, guess).want(422)
	}
	right := `{"current":"the password of %s","password":"something new to remember"}`
	if a := w.as(u, own, fmt.Sprintf(right, u.Email)).want(429); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.as(other, own, fmt.Sprintf(right, other.Email)).want(204)
	now = now.Add(30 * time.Second)
	w.as(u, own, fmt.Sprintf(right, u.Email)).want(204)
}

func TestSessionsAreShownAndEnded(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleViewer)
	var ids []int64
	for _, token := range []string{"a", "b", "c"} {
		s, err := w.store.StartSession(t.Context(), tidings.Session{User: u.ID}, tidings.TokenDigest(token))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	path := fmt.Sprintf("/v1/accounts/me/users/%d/sessions", u.ID)
	w.request(key, fmt.Sprintf("DELETE %s/%d", path, ids[0]), "").want(204)
	w.as(u, fmt.Sprintf("DELETE %s/%d", path, ids[0]), "").want(404)
	w.as(u, fmt.Sprintf("DELETE %s?keep=%d", path, ids[1]), "").want(204)
	if a := w.request(key, "GET "+path, "").want(200); strings.Count(a.body, `"id"`) != 1 || !strings.Contains(a.body, fmt.Sprintf(`"id":%d,`, ids[1])) {
		t.Errorf("left %s", a.body)
	}
	w.request(adminToken, fmt.Sprintf("DELETE /v1/accounts/1/users/%d/sessions", u.ID), "").want(204)
	if a := w.as(u, "GET /v1/accounts/me/users/me/sessions", "").want(200); a.body != `{"sessions":[]}`+"\n" {
		t.Errorf("left %s", a.body)
	}
}

func TestTheOwnAccountIsShownAndChanged(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleOwner)
	w.request(key, "GET /v1/accounts/me", "").want(200).has("zone", "").has("language", "").has("version", 1.0).has("key.name", "first").has("user", nil)
	w.request(key, "PATCH /v1/accounts/me", `{"name":"Fjord Café","zone":"Europe/Oslo","language":"de"}`).want(200).has("zone", "Europe/Oslo").has("version", 2.0)
	w.as(u, "GET /v1/accounts/me", "").want(200).has("name", "Fjord Café").has("user.email", "ann@example.com").has("user.role", "owner").has("key", nil)
	w.as(u, "PATCH /v1/accounts/me", `{"zone":null,"version":1}`).want(409)
	w.as(u, "PATCH /v1/accounts/me", `{"zone":null,"version":2}`).want(200).has("zone", "").has("language", "de")
	w.as(u, "PATCH /v1/accounts/me", `{"zone":""}`).want(200).has("version", 3.0) // nothing changed
	for body, field := range map[string]string{`{"name":" "}`: "name", `{"zone":"Mars/Olympus"}`: "zone", `{"zone":"Local"}`: "zone", `{"language":"tlh"}`: "language"} {
		if got := firstFault(w.request(key, "PATCH /v1/accounts/me", body).want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.request(w.key(key, `"read"`), "PATCH /v1/accounts/me", `{"name":"x"}`).want(403)
}

func TestUsersAreChosenByWordsAndByRole(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.user(1, "ann@shop.example", tidings.RoleOwner)
	w.user(1, "bob@shop.example", tidings.RoleViewer)
	w.user(1, "annette@shop.example", tidings.RoleViewer)
	for _, c := range []struct{ query, want string }{
		{"", "[1 2 3] <nil>\n"},
		{"?q=BOB@", "[2] <nil>\n"},
		{"?q=ann&limit=1", "[1] 1\n"},
		{"?role=viewer", "[2 3] <nil>\n"},
		{"?role=viewer&q=annette", "[3] <nil>\n"},
		{"?q=nobody", "[] <nil>\n"},
	} {
		if got := w.request(key, "GET /v1/accounts/me/users"+c.query, "").names("users", "id"); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	w.request(key, "GET /v1/accounts/me/users?role=king", "").want(400)
}
