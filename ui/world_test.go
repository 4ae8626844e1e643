package ui_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api/apitest"
	"tidings/password"
	"tidings/store"
	"tidings/store/sqlitetest"
	"tidings/ui"
)

// fresh is the data directory of a store at its first start.
var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return store.OpenSQLite(context.Background(), store.Options{Dir: dir})
}}

// world is a whole server with its pages, and an account with a user of each role.
type world struct {
	*apitest.Server
	door    *ui.Server
	key     string // of the account, with all scopes
	account tidings.AccountID
}

func newWorld(t *testing.T, changes ...func(*ui.Config)) *world {
	t.Helper()
	w := &world{}
	w.Server = apitest.New(t, apitest.Options{Dir: fresh.Dir, Front: func(s *apitest.Server) http.Handler {
		cfg := ui.Config{API: s.API, Users: s.Store, Passwords: password.New(0)}
		for _, change := range changes {
			change(&cfg)
		}
		door, err := ui.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.door = door
		return ui.Beside(s.API, door)
	}})
	w.key = w.Account("Acme")
	w.account = 1
	return w
}

// do has the account's key do something over the API: line is "POST /v1/webhooks".
func (w *world) do(line, body string) *apitest.Answer {
	w.T.Helper()
	a := w.Request(w.key, line, body)
	if a.Status >= 300 {
		w.T.Fatalf("%s answered %d: %s", line, a.Status, a.Body)
	}
	return a
}

// user makes a user of an account, who has never signed in by a password.
func (w *world) user(account tidings.AccountID, email string, role tidings.UserRole) tidings.User {
	w.T.Helper()
	digest := tidings.TokenDigest(tidings.MakeToken())
	_, err := w.Store.InviteUser(w.T.Context(), tidings.User{Account: account, Email: email, Name: strings.ToUpper(email[:1]) + email[1:strings.IndexByte(email, '@')], Role: role}, digest, time.Now().Add(time.Hour), "test")
	if err != nil {
		w.T.Fatal(err)
	}
	u, err := w.Store.RedeemLink(w.T.Context(), digest, "", "no hash: no password fits")
	if err != nil {
		w.T.Fatal(err)
	}
	return u
}

// as gives a browser in which a user of the role is signed in.
func (w *world) as(role tidings.UserRole) *browser {
	w.T.Helper()
	return w.browserOf(w.user(w.account, string(role)+"@acme.example", role))
}

// browserOf gives a browser in which the user is signed in.
func (w *world) browserOf(u tidings.User) *browser {
	w.T.Helper()
	token := tidings.MakeToken()
	now := time.Now()
	if _, err := w.Store.StartSession(w.T.Context(), tidings.Session{User: u.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(time.Hour)}, tidings.TokenDigest(token)); err != nil {
		w.T.Fatal(err)
	}
	b := w.browser()
	b.cookies["tidings"] = token
	return b
}

// browser gives one in which nobody is signed in.
func (w *world) browser() *browser {
	return &browser{t: w.T, base: w.URL, cookies: map[string]string{}}
}

// browser asks for pages and sends forms, as one without script does. It goes
// on where it is redirected to.
type browser struct {
	t       *testing.T
	base    string
	cookies map[string]string
	headers []string // "Name: value" of each request
}

// htmx gives the same browser as htmx asks: for parts of pages.
func (b *browser) htmx() *browser {
	part := *b
	part.headers = append([]string{"HX-Request: true"}, b.headers...)
	return &part
}

// get asks for a page; path may have a query.
func (b *browser) get(path string) *page {
	b.t.Helper()
	return b.request(http.MethodGet, path, nil)
}

// post sends a form: fields are name, value, name, value, …
func (b *browser) post(path string, fields ...string) *page {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return b.request(http.MethodPost, path, values)
}

func (b *browser) request(method, path string, form url.Values) *page {
	b.t.Helper()
	for range 5 {
		p := b.once(method, path, form)
		if p.status < 300 || p.status >= 400 {
			return p
		}
		to, err := url.Parse(p.header.Get("Location"))
		if err != nil {
			b.t.Fatal(err)
		}
		method, path, form = http.MethodGet, to.RequestURI(), nil
	}
	b.t.Fatalf("%s goes round in circles", path)
	return nil
}

// once makes one request and follows nothing.
func (b *browser) once(method, path string, form url.Values) *page {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.base)
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, h := range b.headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return newPage(b.t, path, res, string(text))
}
