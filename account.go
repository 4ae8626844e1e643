package tidings

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// AccountID identifies an account. It is given by the store, from 1.
type AccountID int64

// Account is a customer of the platform. It owns its feed, endpoints and keys.
type Account struct {
	ID        AccountID
	Name      string // 1 to MaxNameLength characters
	Zone      string // in which the browser shows times, e.g. "Europe/Oslo"; "" = UTC
	Language  string // in which the browser writes dates: one of Languages; "" = the first
	Version   int64  // counts the changes, from 1
	CreatedAt time.Time
}

// Languages lists those in which dates are written, as BCP 47 tags.
func Languages() []string { return []string{"en-GB", "en-US", "de", "es", "fr", "it", "pl", "uk"} }

// CheckZone says what is wrong with the name of a time zone, or "". The names
// are those of the IANA's database, which the binary carries.
func CheckZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return "is not the name of a time zone, as Europe/Oslo"
	}
	return ""
}

// MaxNameLength is the most characters a name has, of an account, a key or an endpoint.
const MaxNameLength = 200

// CheckName says what is wrong with a name, or "".
func CheckName(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "is required"
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case utf8.RuneCountInString(name) > MaxNameLength:
		return fmt.Sprintf("is longer than %d characters", MaxNameLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has control characters"
	}
	return ""
}

// Scope is one thing that a key is allowed to do.
type Scope string

// The scopes. A key has one or more of them; none includes another.
const (
	ScopeIngest Scope = "ingest" // add activities
	ScopeRead   Scope = "read"   // read activities, endpoints, attempts
	ScopeManage Scope = "manage" // change endpoints and keys, read the audit
)

// AllScopes is what the first key of an account has.
func AllScopes() []Scope { return []Scope{ScopeIngest, ScopeRead, ScopeManage} }

// KeyID identifies an API key within the installation.
type KeyID int64

// Key is an API key as it may be shown: the token itself is shown once, when
// it is made, and only its SHA-256 is stored.
type Key struct {
	ID        KeyID
	Account   AccountID
	Name      string
	Prefix    string // the first characters of the token, to tell keys apart
	Scopes    []Scope
	CreatedAt time.Time
	RevokedAt time.Time // zero while it is valid
}

// Allows says whether the key has a scope.
func (k Key) Allows(s Scope) bool {
	for _, have := range k.Scopes {
		if have == s {
			return true
		}
	}
	return false
}

// CheckScopes says what is wrong with the scopes of a new key, or "".
func CheckScopes(scopes []Scope) string {
	if len(scopes) == 0 {
		return "is required: one or more of ingest, read, manage"
	}
	for _, s := range scopes {
		switch s {
		case ScopeIngest, ScopeRead, ScopeManage:
		default:
			return fmt.Sprintf("unknown scope %q: use ingest, read, manage", s)
		}
	}
	return ""
}

// AuditRecord is one act that changed settings or moved a cursor.
type AuditRecord struct {
	ID       int64
	Account  AccountID
	At       time.Time
	Actor    string     // "key 12 (billing)", "admin"
	Action   string     // e.g. "endpoint.skip"
	Endpoint EndpointID // 0 when the act was not about an endpoint
	Detail   string     // what changed, in words; never a secret
}

// AuditQuery chooses audit records, newest first.
type AuditQuery struct {
	Account  AccountID
	Before   int64     // only ids below; 0 = from the newest
	Limit    int       // at most so many; 1 or more
	Action   string    // only actions that begin so: "endpoint.", "endpoint.skip"; "" = all
	Actor    string    // only actors that begin so: "user 3 ", "key 12 "; "" = all
	From, To time.Time // only at From or later, and before To; zero = without end
}

// NewKey is a key to be stored. Token is for its user, once; the store keeps Digest.
type NewKey struct {
	Name   string
	Scopes []Scope
	Token  string
	Prefix string
	Digest [32]byte
}

// MakeKey draws a new token: "tk_" and 43 characters that carry 256 random bits.
func MakeKey(name string, scopes []Scope) NewKey {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	token := "tk_" + base64.RawURLEncoding.EncodeToString(secret[:])
	return NewKey{Name: name, Scopes: scopes, Token: token, Prefix: token[:9], Digest: KeyDigest(token)}
}

// KeyDigest is what is stored and looked up instead of a token. A plain
// SHA-256 is enough because a token is random, not chosen.
func KeyDigest(token string) [32]byte { return sha256.Sum256([]byte(token)) }
