package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tidings/e2e/browser"
)

// aPassword is what everybody here chooses.
const aPassword = "a long password that nobody guesses"

// origin is the server's address as a browser has it.
func (s *server) origin() string { return "http://" + s.addr }

// person gives a browser in which a new user of an account is signed in.
func (s *server) person(t *testing.T, account int, role string) *browser.Tab {
	t.Helper()
	var invited struct {
		Link string `json:"link"`
	}
	email := fmt.Sprintf("%s.%d@acme.example", role, account)
	s.as(adminToken).must(t, http.MethodPost, fmt.Sprintf("/v1/accounts/%d/users", account), map[string]any{"email": email, "role": role, "name": strings.ToTitle(role[:1]) + role[1:]}, &invited)
	return s.arrive(t, invited.Link, url.Values{"name": {"Olena Bondar"}, "password": {aPassword}})
}

// operator gives a browser in which the first owner of all is signed in, who
// looks after the server too: an owner of the first account.
func (s *server) operator(t *testing.T) *browser.Tab {
	t.Helper()
	return s.arrive(t, s.setupLink(t), url.Values{"into": {"1"}, "name": {"Olena Bondar"}, "email": {"olena@acme.example"}, "password": {aPassword}})
}

// setupLink is the link that the server printed for its first owner.
func (s *server) setupLink(t *testing.T) string {
	t.Helper()
	s.says(t, "/setup/")
	return regexp.MustCompile(`http://\S+/setup/\S+`).FindString(s.out.String())
}

// arrive opens a one-time link by its form, and a browser with the session that it gives.
func (s *server) arrive(t *testing.T, link string, form url.Values) *browser.Tab {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", s.origin())
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range res.Cookies() {
		if c.Name == "tidings" {
			p := browsers.Open(t, s.origin())
			p.Carry(c)
			return p
		}
	}
	t.Fatalf("%s was answered %s, without a session", link, res.Status)
	return nil
}
