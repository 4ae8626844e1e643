package ui

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tidings"
)

// SingleSignOn is where people sign in who have an account with the operator's
// own identity provider (OpenID Connect Core 1.0, the authorization code flow
// with PKCE). Only users whom an owner has invited come in by it: at their first
// time by their verified email, from then on by the subject that the issuer gave them.
type SingleSignOn struct {
	Issuer       string         // URL; "" = there is no single sign-on
	ClientID     string         // by which the issuer knows this server
	ClientSecret string         // "" = a public client
	Name         string         // what its button says after "Sign in with". Default: the issuer's host
	RootCAs      *x509.CertPool // that the issuer's certificate may come from; nil = the system's
}

// Check says what is wrong with the configuration, or "".
func (c *SingleSignOn) Check() string {
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "":
		return "the issuer must be a URL, as https://login.example.com"
	case issuer.Scheme == "http" && !isLoopback(issuer.Hostname()), issuer.Scheme != "http" && issuer.Scheme != "https":
		return "the issuer must be an https URL: who could change its answers could sign in as anybody"
	case c.ClientID == "":
		return "the client's id is needed, by which the issuer knows this server"
	}
	return ""
}

// isLoopback says whether a host is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Limits of what is asked of an issuer. It is chosen by the operator, so its
// address is not judged; what it sends is bounded all the same.
const (
	issuerTimeout = 10 * time.Second // of one request, its answer included
	issuerAnswer  = 1 << 20          // bytes of an answer
	signOnLife    = 10 * time.Minute // from the button to the way back
)

// signOn is single sign-on at work. What the issuer says of itself is asked
// when it is first needed: a server starts, and passwords work, without it.
type signOn struct {
	SingleSignOn
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // nil until the issuer has answered
}

// newSignOn gives nil when there is no single sign-on.
func newSignOn(cfg SingleSignOn, now func() time.Time) (*signOn, error) {
	if cfg.Issuer == "" {
		return nil, nil
	}
	if fault := cfg.Check(); fault != "" {
		return nil, fmt.Errorf("single sign-on: %s", fault)
	}
	if cfg.Name == "" {
		issuer, _ := url.Parse(cfg.Issuer) // checked
		cfg.Name = issuer.Host
	}
	return &signOn{SingleSignOn: cfg, client: issuerClient(cfg.RootCAs), now: now}, nil
}

// issuerClient makes a client that waits, reads and follows no more than is due.
func issuerClient(roots *x509.CertPool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxy of the environment
	transport.DialContext = (&net.Dialer{Timeout: issuerTimeout}).DialContext
	if roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &http.Client{
		Timeout: issuerTimeout, Transport: boundedTransport{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// boundedTransport reads the first issuerAnswer bytes of answers only.
type boundedTransport struct{ http.RoundTripper }

// RoundTrip makes a request; see [http.RoundTripper].
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, issuerAnswer), res.Body}
	}
	return res, err
}

// context has requests go by the bounded client.
func (s *signOn) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, s.client)
}

// discovered gives what the issuer says of itself, asked once.
func (s *signOn) discovered(ctx context.Context) (*oidc.Provider, error) {
	s.mu.Lock()
	known := s.provider
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := oidc.NewProvider(s.context(ctx), s.Issuer)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.provider = found
	return found, nil
}

// exchange is what this server sends people to the issuer with, and takes codes back by.
func (s *signOn) exchange(provider *oidc.Provider, back string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: back,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// journey is what a browser keeps between its way to the issuer and back. It is
// in a cookie that no script and no other site reads, and is used once.
type journey struct {
	State    string `json:"s"` // ties the way back to this browser
	Nonce    string `json:"n"` // ties the token to this journey
	Verifier string `json:"v"` // PKCE (RFC 7636): ties the code to this journey
	Next     string `json:"t"` // where the person wanted to go
}

// identity is whom the issuer says that somebody is.
type identity struct {
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
	Verified verified `json:"email_verified"`
}

// verified is a boolean that some issuers send as a string.
type verified bool

// UnmarshalJSON reads true and "true"; anything else is false.
func (v *verified) UnmarshalJSON(text []byte) error {
	*v = string(text) == "true" || string(text) == `"true"`
	return nil
}

// signOnError is a way back from the issuer on which nobody is signed in: said
// to the person as it is. Cause is for the log.
type signOnError struct {
	words string
	cause error
}

func (e *signOnError) Error() string { return e.words }

// identify exchanges the code that came back for a token, and gives whom it is of.
func (s *signOn) identify(ctx context.Context, j *journey, code, back string) (*identity, error) {
	unreached := func(err error) error {
		return &signOnError{s.Name + " can't be reached, or does not answer as it should. Sign in by your password, or try again.", err}
	}
	provider, err := s.discovered(ctx)
	if err != nil {
		return nil, unreached(err)
	}
	ctx = s.context(ctx)
	token, err := s.exchange(provider, back).Exchange(ctx, code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return nil, unreached(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.ClientID, Now: s.now}).Verify(ctx, raw)
	if err != nil {
		return nil, &signOnError{"What " + s.Name + " answered does not hold. Try again; if it stays so, the operator finds the cause in the server's log.", err}
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 {
		return nil, &signOnError{"What " + s.Name + " answered is of another try to sign in. Try again.", errors.New("the token has another nonce")}
	}
	who := &identity{}
	if err := id.Claims(who); err != nil {
		return nil, unreached(err)
	}
	if who.Email == "" && provider.UserInfoEndpoint() != "" {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, unreached(err)
		}
		if info.Subject != id.Subject { // OpenID Connect Core 1.0, section 5.3.2
			return nil, unreached(errors.New("the user info is of another subject"))
		}
		if err := info.Claims(who); err != nil {
			return nil, unreached(err)
		}
	}
	who.Subject = id.Issuer + " " + id.Subject
	return who, nil
}

func (s *Server) registerSignOn() {
	s.open(http.MethodGet, "/sign-in/sso", (*visit).toIssuer)
	s.open(http.MethodGet, "/sign-in/sso/callback", (*visit).fromIssuer)
}

// journeyCookie names the cookie of a journey; see [visit.sessionCookie].
func (v *visit) journeyCookie() string { return v.sessionCookie() + "-sso" }

func (v *visit) setJourney(value string, life time.Duration) {
	http.SetCookie(v.w, &http.Cookie{
		Name: v.journeyCookie(), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// callback is where the issuer sends people back to: what it has registered.
func (v *visit) callback() string {
	base := strings.TrimRight(v.s.cfg.PublicURL, "/")
	if base == "" {
		base = "http://" + v.r.Host
		if v.r.TLS != nil {
			base = "https://" + v.r.Host
		}
	}
	return base + "/sign-in/sso/callback"
}

// toIssuer sends a browser to the issuer.
func (v *visit) toIssuer() error {
	sso := v.s.sso
	if sso == nil {
		return v.nothingHere()
	}
	next := onwards(v.query("next"))
	provider, err := sso.discovered(v.r.Context())
	if err != nil {
		return v.signOnFailed(next, &signOnError{sso.Name + " can't be reached. Sign in by your password, or try again.", err})
	}
	j := journey{State: tidings.MakeToken(), Nonce: tidings.MakeToken(), Verifier: oauth2.GenerateVerifier(), Next: next}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	v.setJourney(base64.RawURLEncoding.EncodeToString(text), signOnLife)
	to := sso.exchange(provider, v.callback()).AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier))
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// fromIssuer takes back whom the issuer has signed in.
func (v *visit) fromIssuer() error {
	if v.s.sso == nil {
		return v.nothingHere()
	}
	j, err := v.takeJourney()
	if err == nil {
		var user tidings.User
		if user, err = v.userFromIssuer(j); err == nil {
			if err := v.signIn(user); err != nil {
				return err
			}
			return v.redirect(onwards(j.Next))
		}
	}
	if failed, ok := errors.AsType[*signOnError](err); ok {
		return v.signOnFailed(j.Next, failed)
	}
	return err
}

// signOnFailed shows the page of signing in, with why single sign-on did not do it.
func (v *visit) signOnFailed(next string, failed *signOnError) error {
	if failed.cause != nil {
		v.s.log.LogAttrs(v.r.Context(), slog.LevelWarn, "single sign-on failed", slog.String("error", tidings.CutText(failed.cause.Error(), 500)))
	}
	v.wrongForm()
	return v.showSignIn(signInForm{Next: next, Wrong: failed.words})
}

// takeJourney gives the journey that this browser is on, once, if the way back is its.
func (v *visit) takeJourney() (journey, error) {
	j := journey{}
	cookie, err := v.r.Cookie(v.journeyCookie())
	v.setJourney("", -time.Second)
	if err == nil {
		var text []byte
		if text, err = base64.RawURLEncoding.DecodeString(cookie.Value); err == nil {
			err = json.Unmarshal(text, &j)
		}
	}
	if err != nil || j.State == "" || subtle.ConstantTimeCompare([]byte(j.State), []byte(v.query("state"))) != 1 {
		return journey{Next: j.Next}, &signOnError{"This way back was used already, took longer than 10 minutes, or began in another browser. Sign in again.", err}
	}
	return j, nil
}

// userFromIssuer gives the user whom the issuer has signed in.
func (v *visit) userFromIssuer(j journey) (tidings.User, error) {
	sso := v.s.sso
	if fault := v.query("error"); fault != "" {
		words := tidings.CutText(fault, 100)
		if more := v.query("error_description"); more != "" {
			words += ": " + tidings.CutText(more, 300)
		}
		return tidings.User{}, &signOnError{sso.Name + " has not signed you in (" + words + ").", nil}
	}
	who, err := sso.identify(v.r.Context(), &j, v.query("code"), v.callback())
	if err != nil {
		return tidings.User{}, err
	}
	user, err := v.s.cfg.Users.UserBySubject(v.r.Context(), who.Subject)
	if tidings.CodeOf(err) != tidings.CodeNotFound {
		return user, err
	}
	return v.linkIdentity(who)
}

// linkIdentity finds the user who comes by single sign-on for the first time,
// by their email, and notes whom the issuer says that they are.
func (v *visit) linkIdentity(who *identity) (tidings.User, error) {
	sso := v.s.sso
	email, fault := tidings.NormalizeUserEmail(who.Email)
	if fault != "" || !bool(who.Verified) {
		return tidings.User{}, &signOnError{sso.Name + " does not say that your email is verified, and users are found by it the first time. Verify it there, or sign in by your password.", nil}
	}
	user, _, err := v.s.cfg.Users.UserByEmail(v.r.Context(), email)
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound:
		return tidings.User{}, &signOnError{"Nobody has invited " + email + " yet. Ask an owner of your account: they do it under Settings, Users. Then sign in again.", nil}
	case err != nil:
		return tidings.User{}, err
	case user.Subject != "":
		return tidings.User{}, &signOnError{"The user " + email + " signs in with another identity of single sign-on. Ask an owner of your account to delete the user and to invite you again.", nil}
	}
	user, err = v.s.cfg.Users.SetSubject(v.r.Context(), user.ID, who.Subject)
	if tidings.CodeOf(err) == tidings.CodeConflict { // two at once
		return tidings.User{}, &signOnError{"That was done twice at once. Sign in again.", err}
	}
	return user, err
}
