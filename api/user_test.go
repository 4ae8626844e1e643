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
	"tidings/api/apitest"
	"tidings/password"
)

// user makes a user of an account who is active.
func (w *world) user(account tidings.AccountID, email string, role tidings.UserRole) tidings.User {
	w.T.Helper()
	token := tidings.MakeToken()
	u := tidings.User{Account: account, Email: email, Name: "Ann", Role: role}
	if _, err := w.Store.InviteUser(w.T.Context(), u, tidings.TokenDigest(token), time.Now().Add(time.Hour), "admin"); err != nil {
		w.T.Fatal(err)
	}
	hash, err := password.New(1).Hash(w.T.Context(), "the password of "+email)
	if err != nil {
		w.T.Fatal(err)
	}
	if u, err = w.Store.RedeemLink(w.T.Context(), tidings.TokenDigest(token), "", hash); err != nil {
		w.T.Fatal(err)
	}
	return u
}

// as makes a request in process, as the browser's door does for a user.
func (w *world) as(u tidings.User, line, body string, headers ...string) *apitest.Answer {
	w.T.Helper()
	method, path, _ := strings.Cut(line, " ")
	req := httptest.NewRequestWithContext(tidings.WithUser(w.T.Context(), u), method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.API.ServeHTTP(rec, req)
	return &apitest.Answer{T: w.T, Status: rec.Code, Header: rec.Header(), Body: rec.Body.String()}
}

// TestEachRoleReachesItsOperationsOnly walks over all operations with a user of
// each role. What a role may is written down here, apart from the code.
func TestEachRoleReachesItsOperationsOnly(t *testing.T) {
	w := newWorld(t)
	w.Account("shop")
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
				if refused := a.Status == 403; refused == may || a.Status >= 500 || a.Status == 401 || op.Responses[status(a.Status)] == nil {
					t.Errorf("%s answered a user who is %s %d: %s", line, role, a.Status, a.Body)
				}
				if !may && !admins && !strings.Contains(a.Body, "role") && !strings.HasSuffix(path, "/password") {
					t.Errorf("%s does not say which role is needed: %s", line, a.Body)
				}
			}
		}
	}
}

func TestViewersLookAndDoNotTouch(t *testing.T) {
	w := newWorld(t)
	w.Account("shop")
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
			if a := w.as(who.user, c.line, c.body); a.Status != who.want {
				t.Errorf("%s answered a user who is %s %d, want %d: %s", c.line, who.user.Role, a.Status, who.want, a.Body)
			}
		}
		if a := w.as(stranger, c.line, c.body); strings.HasPrefix(c.line, "GET /v1/e") && a.Status != 403 {
			t.Errorf("%s answered a role that is none %d", c.line, a.Status)
		}
	}
	owner.Operator = true
	w.as(owner, "GET /v1/nodes", "").Want(200)
	w.as(tidings.User{}, "GET /v1/endpoints", "").Want(401)
	audit := w.as(owner, "GET /v1/audit", "").Want(200)
	if !strings.Contains(audit.Body, fmt.Sprintf(`"user %d (o@example.com)"`, owner.ID)) {
		t.Errorf("the audit does not name the user: %s", audit.Body)
	}
}

// A user is signed in by the context of the request, which only the process
// itself can make.
func TestNothingThatAClientSendsSignsAUserIn(t *testing.T) {
	w := newWorld(t)
	w.Account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleOwner)
	token := tidings.MakeToken()
	if _, err := w.Store.StartSession(t.Context(), tidings.Session{User: u.ID}, tidings.TokenDigest(token)); err != nil {
		t.Fatal(err)
	}
	for _, headers := range [][]string{
		{"Cookie: tidings_session=" + token + "; session=" + token},
		{"Authorization: Bearer " + token},
		{"Authorization: signed-in " + token},
		{"X-User: 1", "X-Tidings-User: 1", "X-Remote-User: ann@example.com"},
		{"Authorization: " + basicAuth("ann@example.com", "the password of ann@example.com")},
	} {
		w.Request("", "GET /v1/accounts/me", "", headers...).Want(401)
	}
	// And whoever is signed in is themself, whatever key they send.
	viewer := w.user(1, "v@example.com", tidings.RoleViewer)
	w.as(viewer, "GET /v1/accounts", "", "Authorization: Bearer "+apitest.AdminToken).Want(403)
	w.as(viewer, "PATCH /v1/accounts/me", `{"name":"x"}`, "Authorization: Bearer "+w.Account("another")).Want(403)
}

func TestInvitedUserGetsALinkOnce(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	a := w.Request(key, "POST /v1/accounts/me/users", `{"email":" Ann@Example.com ","role":"editor"}`).Want(201)
	a.Has("user.email", "ann@example.com").Has("user.name", "ann").Has("user.role", "editor").Has("user.active", false).Has("user.seenAt", nil)
	link, _ := a.Get("link").(string)
	token, ok := strings.CutPrefix(link, w.URL+"/join/")
	if !ok || len(token) != 43 {
		t.Fatalf("the link is %q", link)
	}
	u, account, err := w.Store.LinkUser(t.Context(), tidings.TokenDigest(token))
	if err != nil || u.Email != "ann@example.com" || account.Name != "shop" {
		t.Errorf("the link is of %+v, %+v, %v", u, account, err)
	}
	again := w.Request(key, "POST /v1/accounts/me/users/1/link", "").Want(201)
	if again.Get("link") == link {
		t.Error("the new link is the old one")
	}
	_, _, err = w.Store.LinkUser(t.Context(), tidings.TokenDigest(token))
	if tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("the old link: %v", err)
	}
	for _, line := range []string{"GET /v1/accounts/me/users", "GET /v1/accounts/me/users/1", "GET /v1/audit"} {
		if a := w.Request(key, line, "").Want(200); strings.Contains(a.Body, "/join/") || strings.Contains(a.Body, token) {
			t.Errorf("%s shows the link", line)
		}
	}
	other := w.Account("another")
	taken := w.Request(other, "POST /v1/accounts/me/users", `{"email":"ann@example.com","role":"owner"}`).Want(409)
	if got := firstFault(taken); got != "email" || strings.Contains(taken.Body, "shop") {
		t.Errorf("refused by %s", taken.Body)
	}
	for body, field := range map[string]string{
		`{"role":"owner"}`: "email", `{"email":"ann","role":"owner"}`: "email", `{"email":"Ann <a@example.com>","role":"owner"}`: "email",
		`{"email":"b@example.com"}`: "role", `{"email":"b@example.com","role":"admin"}`: "role", `{"email":"b@example.com","role":"owner","name":""}`: "name",
	} {
		if got := firstFault(w.Request(key, "POST /v1/accounts/me/users", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.Request(key, "POST /v1/accounts/me/users", `{"email":"b@example.com","role":"owner","operator":true}`).Want(422)
}

func TestLinksBeginWithThePublicURL(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.PublicURL = "https://tidings.example.com/" })
	w.Account("shop")
	a := w.Request(apitest.AdminToken, "POST /v1/accounts/1/users", `{"email":"ann@example.com","role":"owner","name":"Ann"}`).Want(201)
	if link, _ := a.Get("link").(string); !strings.HasPrefix(link, "https://tidings.example.com/join/") {
		t.Errorf("the link is %q", link)
	}
}

func TestUsersChangeWhatIsTheirs(t *testing.T) {
	w := newWorld(t)
	w.Account("shop")
	owner, viewer := w.user(1, "o@example.com", tidings.RoleOwner), w.user(1, "v@example.com", tidings.RoleViewer)
	w.as(viewer, "PATCH /v1/accounts/me/users/me", `{"name":"Vera","theme":"dark"}`).Want(200).Has("name", "Vera").Has("theme", "dark")
	own := fmt.Sprintf("/v1/accounts/me/users/%d", viewer.ID)
	w.as(viewer, "PATCH "+own, `{"theme":null}`).Want(200).Has("theme", "system")
	if a := w.as(viewer, "PATCH "+own, `{"role":"owner"}`).Want(403); !strings.Contains(a.Body, `\"owner\"`) {
		t.Error(a.Body)
	}
	editor := w.user(1, "e@example.com", tidings.RoleEditor) // whose role has all scopes, too
	w.as(editor, "PATCH /v1/accounts/me/users/me", `{"role":"owner"}`).Want(403)
	w.as(editor, "PATCH /v1/accounts/me/users/me", `{"role":"viewer"}`).Want(403)
	w.as(viewer, "PATCH "+own, `{"email":"x@example.com"}`).Want(422)
	w.as(viewer, "PATCH "+own, `{"name":"x","version":1}`).Want(409)
	for _, line := range []string{"DELETE " + own, "POST " + own + "/link", fmt.Sprintf("PATCH /v1/accounts/me/users/%d", owner.ID), fmt.Sprintf("GET /v1/accounts/me/users/%d/sessions", owner.ID)} {
		w.as(viewer, line, "").Want(403)
	}
	w.as(owner, "PATCH "+own, `{"role":"editor"}`).Want(200).Has("role", "editor")
	w.as(owner, "PATCH /v1/accounts/me/users/me", `{"role":"viewer"}`).Want(409)
	w.as(owner, "DELETE /v1/accounts/me/users/me", "").Want(409)
	w.as(owner, "DELETE "+own, "").Want(204)
	w.as(owner, "GET "+own, "").Want(404)
	key := w.key(w.Account("another"), `"manage"`)
	w.Request(key, "GET /v1/accounts/me/users/me", "").Want(404)
}

func TestAnotherAccountsUsersAreNotThere(t *testing.T) {
	w := newWorld(t)
	mine := w.Account("mine")
	w.Account("theirs")
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	theirs := w.user(2, "t@example.com", tidings.RoleOwner)
	for _, line := range []string{
		"GET /v1/accounts/me/users/%d", "PATCH /v1/accounts/me/users/%d", "DELETE /v1/accounts/me/users/%d", "POST /v1/accounts/me/users/%d/link",
		"GET /v1/accounts/me/users/%d/sessions", "DELETE /v1/accounts/me/users/%d/sessions", "DELETE /v1/accounts/me/users/%d/sessions/1",
		"GET /v1/accounts/2/users/%d", "DELETE /v1/accounts/2/users/%d",
	} {
		line = fmt.Sprintf(line, theirs.ID)
		w.as(owner, line, "").Want(404)
		w.Request(mine, line, "").Want(404)
	}
	w.as(owner, "GET /v1/accounts/2/users", "").Want(404)
	w.as(owner, "GET /v1/accounts/2/users/me", "").Want(404)
	w.Request(apitest.AdminToken, "GET /v1/accounts/3/users", "").Want(404)
	w.Request(apitest.AdminToken, "GET /v1/accounts/2/users", "").Want(200)
	w.as(theirs, "GET /v1/accounts/me/users/me", "").Want(200)
}

func TestAKeyMakesNoUserWhoMayMoreThanItself(t *testing.T) {
	w := newWorld(t)
	all := w.Account("shop")
	manage := w.key(all, `"manage"`)
	both := w.key(all, `"manage","read"`)
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	invite := func(role string) string { return `{"email":"` + role + `@example.com","role":"` + role + `"}` }
	w.Request(manage, "POST /v1/accounts/me/users", invite("viewer")).Want(403)
	w.Request(both, "POST /v1/accounts/me/users", invite("viewer")).Want(201)
	w.Request(both, "POST /v1/accounts/me/users", invite("editor")).Want(403)
	w.Request(both, "PATCH /v1/accounts/me/users/2", `{"role":"owner"}`).Want(403)
	w.Request(both, fmt.Sprintf("POST /v1/accounts/me/users/%d/link", owner.ID), "").Want(403)
	w.Request(both, "PATCH /v1/accounts/me/users/2", `{"name":"x"}`).Want(200)
	w.Request(all, "POST /v1/accounts/me/users", invite("owner")).Want(201)
	w.Request(all, fmt.Sprintf("POST /v1/accounts/me/users/%d/link", owner.ID), "").Want(201)
}

func TestUsersChangeTheirPasswordByTheCurrentOne(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleViewer)
	signIn := func(token string) int64 {
		s, err := w.Store.StartSession(t.Context(), tidings.Session{User: u.ID, Agent: "Firefox", Address: "192.0.2.7"}, tidings.TokenDigest(token))
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
		if got := firstFault(w.as(u, own, body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.as(u, own, fmt.Sprintf(`{"current":%q,"password":%q,"session":%d}`, current, fresh, here)).Want(204)
	hash, err := w.Store.PasswordOf(t.Context(), 1, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := password.New(1).Verify(t.Context(), hash, fresh); !ok || err != nil {
		t.Errorf("the new password is not the password: %v", err)
	}
	if list := w.as(u, "GET /v1/accounts/me/users/me/sessions", "").Want(200); strings.Count(list.Body, `"id"`) != 1 || !strings.Contains(list.Body, `"agent":"Firefox"`) {
		t.Errorf("sessions %s", list.Body)
	}
	for _, token := range []string{key, apitest.AdminToken} {
		w.Request(token, fmt.Sprintf("POST /v1/accounts/1/users/%d/password", u.ID), `{"current":"`+fresh+`","password":"another one entirely"}`).Want(403)
	}
	owner := w.user(1, "o@example.com", tidings.RoleOwner)
	w.as(owner, fmt.Sprintf("POST /v1/accounts/me/users/%d/password", u.ID), `{"current":"`+fresh+`","password":"another one entirely"}`).Want(403)
	if log := w.Logs.String(); strings.Contains(log, fresh) || strings.Contains(log, current) {
		t.Error("the log has a password")
	}
}

func TestGuessesOfTheCurrentPasswordAreHeldBack(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	w.Account("shop")
	u, other := w.user(1, "ann@example.com", tidings.RoleViewer), w.user(1, "bob@example.com", tidings.RoleViewer)
	own := "POST /v1/accounts/me/users/me/password"
	guess := `{"current":"a wrong password","password":"something new to remember"}`
	for range 10 {
		w.as(u, own, guess).Want(422)
	}
	right := `{"current":"the password of %s","password":"something new to remember"}`
	if a := w.as(u, own, fmt.Sprintf(right, u.Email)).Want(429); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.as(other, own, fmt.Sprintf(right, other.Email)).Want(204)
	now = now.Add(30 * time.Second)
	w.as(u, own, fmt.Sprintf(right, u.Email)).Want(204)
}

func TestSessionsAreShownAndEnded(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleViewer)
	var ids []int64
	for _, token := range []string{"a", "b", "c"} {
		s, err := w.Store.StartSession(t.Context(), tidings.Session{User: u.ID}, tidings.TokenDigest(token))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	path := fmt.Sprintf("/v1/accounts/me/users/%d/sessions", u.ID)
	w.Request(key, fmt.Sprintf("DELETE %s/%d", path, ids[0]), "").Want(204)
	w.as(u, fmt.Sprintf("DELETE %s/%d", path, ids[0]), "").Want(404)
	w.as(u, fmt.Sprintf("DELETE %s?keep=%d", path, ids[1]), "").Want(204)
	if a := w.Request(key, "GET "+path, "").Want(200); strings.Count(a.Body, `"id"`) != 1 || !strings.Contains(a.Body, fmt.Sprintf(`"id":%d,`, ids[1])) {
		t.Errorf("left %s", a.Body)
	}
	w.Request(apitest.AdminToken, fmt.Sprintf("DELETE /v1/accounts/1/users/%d/sessions", u.ID), "").Want(204)
	if a := w.as(u, "GET /v1/accounts/me/users/me/sessions", "").Want(200); a.Body != `{"sessions":[]}`+"\n" {
		t.Errorf("left %s", a.Body)
	}
}

func TestTheOwnAccountIsShownAndChanged(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	u := w.user(1, "ann@example.com", tidings.RoleOwner)
	w.Request(key, "GET /v1/accounts/me", "").Want(200).Has("zone", "").Has("language", "").Has("version", 1.0).Has("key.name", "first").Has("user", nil)
	w.Request(key, "PATCH /v1/accounts/me", `{"name":"Fjord Café","zone":"Europe/Oslo","language":"de"}`).Want(200).Has("zone", "Europe/Oslo").Has("version", 2.0)
	w.as(u, "GET /v1/accounts/me", "").Want(200).Has("name", "Fjord Café").Has("user.email", "ann@example.com").Has("user.role", "owner").Has("key", nil)
	w.as(u, "PATCH /v1/accounts/me", `{"zone":null,"version":1}`).Want(409)
	w.as(u, "PATCH /v1/accounts/me", `{"zone":null,"version":2}`).Want(200).Has("zone", "").Has("language", "de")
	w.as(u, "PATCH /v1/accounts/me", `{"zone":""}`).Want(200).Has("version", 3.0) // nothing changed
	for body, field := range map[string]string{`{"name":" "}`: "name", `{"zone":"Mars/Olympus"}`: "zone", `{"zone":"Local"}`: "zone", `{"language":"tlh"}`: "language"} {
		if got := firstFault(w.Request(key, "PATCH /v1/accounts/me", body).Want(422)); got != field {
			t.Errorf("%s: fault in %q", body, got)
		}
	}
	w.Request(w.key(key, `"read"`), "PATCH /v1/accounts/me", `{"name":"x"}`).Want(403)
}

func TestUsersAreChosenByWordsAndByRole(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		if got := names(w.Request(key, "GET /v1/accounts/me/users"+c.query, ""), "users", "id"); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	w.Request(key, "GET /v1/accounts/me/users?role=king", "").Want(400)
}
