package ui_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings"
	"tidings/ui"
)

// issuer is an identity provider that has signed somebody in already: what it
// says of them, a test decides.
type issuer struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey

	mu      sync.Mutex
	claims  map[string]any // of the next token, over those that are right
	info    map[string]any // of the user info
	asked   url.Values     // the last request for a code
	spent   map[string]bool
	codes   int
	broken  bool // it answers 500 to all
	another *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, spent: map[string]bool{}}
	i.Server = httptest.NewTLSServer(i)
	t.Cleanup(i.Close)
	return i
}

// says has the next token say something else of the person.
func (i *issuer) says(claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.claims = claims
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	answer := map[string]any{}
	switch {
	case i.broken:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case r.URL.Path == "/.well-known/openid-configuration":
		answer = map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"userinfo_endpoint": i.URL + "/info", "id_token_signing_alg_values_supported": []string{"RS256"},
		}
	case r.URL.Path == "/keys":
		answer["keys"] = []map[string]string{{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": base64.RawURLEncoding.EncodeToString(i.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(i.key.E)).Bytes()),
		}}
	case r.URL.Path == "/info":
		answer = i.info
	case r.URL.Path == "/token":
		if fault := i.redeem(r); fault != "" {
			w.WriteHeader(http.StatusBadRequest)
			answer["error"] = fault
			break
		}
		answer = map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": i.token()}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// redeem checks a code as an issuer does: it is of this client, of the browser
// that asked for it (PKCE), and used once.
func (i *issuer) redeem(r *http.Request) (fault string) {
	id, escaped, _ := r.BasicAuth()
	secret, err := url.QueryUnescape(escaped) // RFC 6749, section 2.3.1
	if err != nil {
		return "invalid_client"
	}
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch code := r.FormValue("code"); {
	case id != "tidings" || secret != "of the client":
		return "invalid_client"
	case i.spent[code], code == "", base64.RawURLEncoding.EncodeToString(sum[:]) != i.asked.Get("code_challenge"),
		r.FormValue("redirect_uri") != i.asked.Get("redirect_uri"):
		return "invalid_grant"
	default:
		i.spent[code] = true
		return ""
	}
}

// token makes a JWT that is signed by RS256 (RFC 7515, RFC 7518).
func (i *issuer) token() string {
	claims := map[string]any{
		"iss": i.URL, "aud": "tidings", "sub": "p-17", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
		"nonce": i.asked.Get("nonce"), "email": "ann@acme.example", "email_verified": true,
	}
	for name, value := range i.claims {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	body, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"one","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	key, sum := i.key, sha256.Sum256([]byte(signed))
	if i.another != nil {
		key = i.another
	}
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// signOnWorld is a server whose users may sign in by an issuer.
func signOnWorld(t *testing.T) (*world, *issuer) {
	t.Helper()
	i := newIssuer(t)
	roots := x509.NewCertPool()
	roots.AddCert(i.Certificate())
	w := newWorld(t, func(c *ui.Config) {
		c.SignOn = ui.SingleSignOn{Issuer: i.URL, ClientID: "tidings", ClientSecret: "of the client", Name: "Company login", RootCAs: roots}
	})
	return w, i
}

// to goes from the button to the issuer, and gives the address of the way back.
func (i *issuer) to(b *browser, next string) string {
	i.t.Helper()
	p := b.once(http.MethodGet, "/sign-in/sso?next="+url.QueryEscape(next), nil)
	at, err := url.Parse(p.header.Get("Location"))
	if err != nil || p.status != http.StatusSeeOther || !strings.HasPrefix(at.String(), i.URL+"/authorize?") {
		i.t.Fatalf("the button leads to %q (%d)", at, p.status)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = at.Query()
	i.codes++
	return "/sign-in/sso/callback?" + url.Values{"state": {i.asked.Get("state")}, "code": {"code-" + string(rune('a'+i.codes))}}.Encode()
}

func TestAnInvitedUserComesInBySingleSignOn(t *testing.T) {
	w, i := signOnWorld(t)
	invited, _ := w.invited("ann@acme.example", tidings.RoleEditor)
	b := w.browser()
	b.get("/sign-in?next=/settings/profile").has("a[href^=/sign-in/sso?next=]").says("Sign in with Company login")
	back := i.to(b, "/settings/profile")
	for name, want := range map[string]string{"client_id": "tidings", "response_type": "code", "code_challenge_method": "S256", "redirect_uri": w.URL + "/sign-in/sso/callback"} {
		if got := i.asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	b.get(back).want(http.StatusOK).says("ann@acme.example", "Where you are signed in")
	u, err := w.Store.User(t.Context(), 1, invited.ID)
	if err != nil || u.Subject != i.URL+" p-17" || !u.Active {
		t.Errorf("the user is %+v, %v", u, err)
	}
	// From then on the subject counts, whatever the email is by now.
	i.says(map[string]any{"email": "ann@married.example", "email_verified": false})
	again := w.browser()
	again.get(i.to(again, "/")).want(http.StatusOK).says("Dashboard")
}

func TestWhatTheIssuerDoesNotVouchForSignsNobodyIn(t *testing.T) {
	w, i := signOnWorld(t)
	w.invited("ann@acme.example", tidings.RoleOwner)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		claims     map[string]any
	}{
		{"wrong nonce", "another try", map[string]any{"nonce": "replayed"}},
		{"no nonce", "another try", map[string]any{"nonce": nil}},
		{"wrong audience", "does not hold", map[string]any{"aud": "another client"}},
		{"wrong issuer", "does not hold", map[string]any{"iss": "https://evil.example"}},
		{"expired", "does not hold", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}},
		{"unverified email", "does not say that your email is verified", map[string]any{"email_verified": false}},
		{"nothing said of the email", "does not say that your email is verified", map[string]any{"email_verified": nil}},
		{"unverified in words", "does not say that your email is verified", map[string]any{"email_verified": "false"}},
		{"unknown email", "Nobody has invited eve@evil.example yet", map[string]any{"email": "eve@evil.example"}},
		{"another's signature", "does not hold", nil},
	} {
		i.says(c.claims)
		if c.name == "another's signature" {
			i.another = other
		}
		b := w.browser()
		p := b.get(i.to(b, "/")).want(http.StatusUnprocessableEntity).says(c.says).has("form[action=/sign-in] input[name=password]")
		if b.cookies["tidings"] != "" {
			t.Errorf("%s: somebody is signed in: %s", c.name, p.body)
		}
	}
	if u, _, err := w.Store.UserByEmail(t.Context(), "ann@acme.example"); err != nil || u.Subject != "" {
		t.Errorf("the user is linked: %+v, %v", u, err)
	}
}

func TestAWayBackFromTheIssuerIsOfOneBrowserAndUsedOnce(t *testing.T) {
	w, i := signOnWorld(t)
	w.invited("ann@acme.example", tidings.RoleOwner)
	b := w.browser()
	back := i.to(b, "/")
	w.browser().get(back).want(http.StatusUnprocessableEntity).says("began in another browser")
	kept := b.cookies["tidings-sso"]
	b.get(back + "&state=another").want(http.StatusOK) // the first one counts
	if b.cookies["tidings-sso"] != "" {
		t.Error("the journey is kept after its end")
	}
	b.get(back).want(http.StatusUnprocessableEntity).says("was used already")
	thief := w.browser()
	thief.cookies["tidings-sso"] = kept
	thief.get(back).want(http.StatusUnprocessableEntity).says("does not answer as it should") // the code is used up there
	forged := w.browser()
	i.to(forged, "/")
	forged.get("/sign-in/sso/callback?state=guessed&code=x").want(http.StatusUnprocessableEntity)
	refused := w.browser()
	i.to(refused, "/")
	refused.get("/sign-in/sso/callback?error=access_denied&error_description=%3Cscript%3E&state=" + url.QueryEscape(i.asked.Get("state"))).
		want(http.StatusUnprocessableEntity).says("has not signed you in (access_denied: <script>)").saysNot("<script>)")
}

func TestAnotherIdentityDoesNotTakeAUserOver(t *testing.T) {
	w, i := signOnWorld(t)
	u, _ := w.invited("ann@acme.example", tidings.RoleOwner)
	if _, err := w.Store.SetSubject(t.Context(), u.ID, i.URL+" p-1"); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.get(i.to(b, "/")).want(http.StatusUnprocessableEntity).says("signs in with another identity")
}

func TestTheEmailMayBeInTheUserInfo(t *testing.T) {
	w, i := signOnWorld(t)
	w.invited("ann@acme.example", tidings.RoleOwner)
	i.says(map[string]any{"email": nil, "email_verified": nil})
	i.info = map[string]any{"sub": "p-18", "email": "ann@acme.example", "email_verified": true}
	b := w.browser()
	b.get(i.to(b, "/")).want(http.StatusUnprocessableEntity).says("does not answer as it should") // it is somebody else's
	i.info = map[string]any{"sub": "p-17", "email": "Ann@acme.example", "email_verified": "true"}
	b.get(i.to(b, "/")).want(http.StatusOK).says("Dashboard")
}

func TestWithoutTheIssuerPasswordsStillWork(t *testing.T) {
	w, i := signOnWorld(t)
	w.member("ann@acme.example", "a long enough secret")
	i.broken = true
	b := w.browser()
	b.get("/sign-in/sso?next=/settings/profile").want(http.StatusUnprocessableEntity).says("Company login can't be reached").has("input[name=next][value=/settings/profile]")
	i.mu.Lock()
	i.broken = false
	i.mu.Unlock()
	i.to(b, "/") // it is asked again
	i.Close()
	b.post("/sign-in", "email", "ann@acme.example", "password", "a long enough secret").want(http.StatusOK).says("Dashboard")
}

func TestThereIsNoSingleSignOnUnlessItIsConfigured(t *testing.T) {
	w := newWorld(t)
	w.browser().get("/sign-in").saysNot("/sign-in/sso")
	w.browser().get("/sign-in/sso").want(http.StatusNotFound)
	w.browser().get("/sign-in/sso/callback?state=&code=x").want(http.StatusNotFound)
	for _, c := range []struct{ issuer, client, want string }{
		{"https://login.example.com", "tidings", ""},
		{"http://127.0.0.1:9000", "tidings", ""},
		{"http://login.example.com", "tidings", "https"},
		{"login.example.com", "tidings", "must be a URL"},
		{"https://login.example.com?x=1", "tidings", "must be a URL"},
		{"https://login.example.com", "", "client's id"},
	} {
		asked := ui.SingleSignOn{Issuer: c.issuer, ClientID: c.client}
		if got := asked.Check(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s, %q: %q", c.issuer, c.client, got)
		}
	}
}
