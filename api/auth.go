package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tidings"
)

// access says who may use an operation.
type access struct {
	scope tidings.Scope // a key with this scope; "" = any key
	or    tidings.Scope // or with this one; "" = none
	admin bool          // the admin token
	open  bool          // everybody

	// Of users who are signed in, those whose role allows what the scope does, and:
	owner    bool // owners only
	self     bool // besides, the user that {user} of the path is
	operator bool // operators only
	users    bool // nobody else than users: no key, and not the admin
}

// caller is who makes a request: an account's key, a user who is signed in, or the admin.
type caller struct {
	key   tidings.Key  // zero for the admin; of a user, one with the scopes that their role allows
	user  tidings.User // zero unless one is signed in
	admin bool
}

func (c caller) account() tidings.AccountID { return c.key.Account }

// actor is how the audit names the caller.
func (c caller) actor() string {
	switch {
	case c.admin:
		return "admin"
	case c.signedIn():
		return c.user.Actor()
	}
	return fmt.Sprintf("key %d (%s)", c.key.ID, c.key.Name)
}

// Limits of what an unknown client can cost (DESIGN.md, section 7).
const (
	maxToken       = 512              // bytes of a presented key
	keyCacheTTL    = 10 * time.Second // how long a key is believed; no other process revokes any
	sharedKeyTTL   = time.Second      // the same where others may, in case that their word is lost
	keyCacheSize   = 10_000
	failuresBurst  = 20 // wrong keys from one address at once …
	failuresPerSec = 1  // … and then a second
	failuresSize   = 10_000
)

// authenticator knows who holds which key.
type authenticator struct {
	keys  Keys
	now   func() time.Time
	ttl   time.Duration     // how long a key is believed
	admin [sha256.Size]byte // digest of the admin token; zero when there is none

	mu       sync.RWMutex
	known    map[[32]byte]knownKey
	dropped  uint64 // counts revocations: a look-up that began before one is not kept
	failures map[netip.Prefix]*rate.Limiter
}

type knownKey struct {
	key     tidings.Key
	expires time.Time
}

func newAuthenticator(cfg Config) *authenticator {
	a := &authenticator{
		keys: cfg.Store, now: cfg.Now, ttl: keyCacheTTL,
		known: map[[32]byte]knownKey{}, failures: map[netip.Prefix]*rate.Limiter{},
	}
	if cfg.Shared {
		a.ttl = sharedKeyTTL
	}
	if cfg.AdminToken != "" {
		a.admin = sha256.Sum256([]byte(cfg.AdminToken))
	}
	return a
}

func (a *authenticator) hasAdmin() bool { return a.admin != [sha256.Size]byte{} }

// identify says who makes a request, and that they may. A user is whom the
// request's context has, which only this process can make: nothing of what a
// client sends says that somebody is signed in.
func (a *authenticator) identify(r *http.Request, need access) (caller, error) {
	if u, ok := tidings.UserIn(r.Context()); ok {
		return identifyUser(r, u, need)
	}
	token := presented(r)
	if token == "" {
		return caller{}, tidings.Errorf(tidings.CodeUnauthorized, "a key is needed: send Authorization: Bearer KEY, or HTTP Basic with the key as password")
	}
	if len(token) > maxToken {
		return caller{}, tidings.Errorf(tidings.CodeUnauthorized, "the key is longer than any key here (%d bytes)", maxToken)
	}
	digest := sha256.Sum256([]byte(token))
	isAdmin := a.hasAdmin() && subtle.ConstantTimeCompare(digest[:], a.admin[:]) == 1
	switch {
	case isAdmin && need.admin:
		return caller{admin: true}, nil
	case isAdmin:
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "the admin token opens the admin's operations only: use a key of the account")
	case need.admin && need.scope == "":
		return caller{}, a.notAdmin(r, digest)
	}
	key, err := a.key(r, digest)
	if err != nil {
		return caller{}, err
	}
	switch {
	case need.users:
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "only the user themself may, signed in to the browser's pages: make them a one-time link instead")
	case need.scope == "" || key.Allows(need.scope) || need.or != "" && key.Allows(need.or):
		return caller{key: key}, nil
	case need.or != "":
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "the key has neither the scope %q nor %q, one of which this needs", need.scope, need.or)
	}
	return caller{}, tidings.Errorf(tidings.CodeForbidden, "the key has not the scope %q that this needs", need.scope)
}

// notAdmin says why a request to an admin's operation is refused.
func (a *authenticator) notAdmin(r *http.Request, digest [32]byte) error {
	if !a.hasAdmin() {
		return tidings.Errorf(tidings.CodeForbidden, "this server runs without an admin token: start it with --admin-token (or TIDINGS_ADMIN_TOKEN) to open the admin's operations")
	}
	if _, err := a.key(r, digest); err != nil {
		return err
	}
	return tidings.Errorf(tidings.CodeForbidden, "this needs the admin token: an account's key does not reach it")
}

// presented gives the key that a request carries, "" when it carries none.
func presented(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(rest)
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	return ""
}

// key finds the key with a digest. Keys that are known cost a map read, and now
// and then a look-up; unknown ones are counted per address, so that nobody can
// try many. A key that was known is never held back: behind a proxy it may
// share its address with somebody who tries.
func (a *authenticator) key(r *http.Request, digest [32]byte) (tidings.Key, error) {
	now := a.now()
	a.mu.RLock()
	k, ok := a.known[digest]
	dropped := a.dropped
	a.mu.RUnlock()
	if ok && now.Before(k.expires) {
		return k.key, nil
	}
	limiter := a.failuresOf(r.RemoteAddr)
	if !ok && limiter.TokensAt(now) < 1 {
		return tidings.Key{}, &tidings.Error{
			Code: tidings.CodeRateLimited, Message: "too many wrong keys came from this address: wait, then send the right one",
			RetryAfter: time.Second / failuresPerSec,
		}
	}
	key, err := a.keys.KeyByDigest(r.Context(), digest)
	switch code := tidings.CodeOf(err); {
	case code == tidings.CodeNotFound, code == tidings.CodeUnauthorized, err == nil && !key.RevokedAt.IsZero():
		limiter.AllowN(now, 1)
		return tidings.Key{}, tidings.Errorf(tidings.CodeUnauthorized, "the key is not known here, or was revoked")
	case err != nil:
		return tidings.Key{}, fmt.Errorf("looking up a key: %w", err)
	}
	a.remember(digest, knownKey{key, now.Add(a.ttl)}, dropped)
	return key, nil
}

func (a *authenticator) remember(digest [32]byte, k knownKey, dropped uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dropped != dropped {
		return
	}
	_, again := a.known[digest]
	for old := range a.known { // any one: it comes back with its next use
		if again || len(a.known) < keyCacheSize {
			break
		}
		delete(a.known, old)
	}
	a.known[digest] = k
}

// forget drops a key that was revoked; its very next use is refused.
func (a *authenticator) forget(id tidings.KeyID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropped++
	for digest, k := range a.known {
		if k.key.ID == id {
			delete(a.known, digest)
		}
	}
}

// failuresOf gives the counter of an address: of a /64 for IPv6, which is what
// one client has.
func (a *authenticator) failuresOf(remote string) *rate.Limiter {
	var from netip.Prefix
	host, _, err := net.SplitHostPort(remote)
	if err == nil {
		if addr, err := netip.ParseAddr(host); err == nil {
			bits := 32
			if addr = addr.Unmap().WithZone(""); addr.Is6() {
				bits = 64
			}
			from, _ = addr.Prefix(bits) // bits fit the address
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.failures[from]
	if !ok {
		for old := range a.failures {
			if len(a.failures) < failuresSize {
				break
			}
			delete(a.failures, old)
		}
		l = rate.NewLimiter(failuresPerSec, failuresBurst)
		a.failures[from] = l
	}
	return l
}

// callerKey is the key of the caller in a request's context.
type callerKey struct{}

// callerOf gives who makes the request; operations that are not open have one.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// authenticate is identify for the doors beside this one; see [Authenticate].
func (s *Server) authenticate(r *http.Request, scope tidings.Scope) (tidings.Key, error) {
	c, err := s.auth.identify(r, access{scope: scope})
	return c.key, err
}
