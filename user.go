package tidings

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// UserID identifies a user within the installation. It is given by the store, from 1.
type UserID int64

// UserRole says what a user may do in their account. Each one includes those after it.
type UserRole string

// The roles.
const (
	RoleOwner  UserRole = "owner"  // everything, users and keys included
	RoleEditor UserRole = "editor" // changes what is sent, to whom and where; not users and keys
	RoleViewer UserRole = "viewer" // looks
)

// UserRoles lists the roles, the one that may most first.
func UserRoles() []UserRole { return []UserRole{RoleOwner, RoleEditor, RoleViewer} }

// Allows says whether a user of the role may do what a key with the scope may.
// What only owners may is asked for apart: see [User.Owns].
func (r UserRole) Allows(s Scope) bool {
	switch r {
	case RoleOwner, RoleEditor:
		return true
	case RoleViewer:
		return s == ScopeRead
	}
	return false
}

// CheckUserRole says what is wrong with a role, or "".
func CheckUserRole(r UserRole) string {
	switch r {
	case RoleOwner, RoleEditor, RoleViewer:
		return ""
	}
	return fmt.Sprintf("unknown role %q: use owner, editor, viewer", string(r))
}

// User is a person who signs in to the browser's pages of one account.
type User struct {
	ID      UserID
	Account AccountID
	Email   string // unique within the installation, in lower case
	Name    string // 1 to MaxNameLength characters
	Role    UserRole
	// Operator says that the user runs the installation: they see its nodes.
	// The user that the first start's link makes is one.
	Operator  bool
	Theme     Theme
	Subject   string // of single sign-on: "ISSUER SUBJECT"; "" = never signed in by it
	Active    bool   // has a password or signed in by single sign-on; else the link is still to be opened
	Version   int64  // counts the changes, from 1
	CreatedAt time.Time
	UpdatedAt time.Time
	SeenAt    time.Time // when a session of theirs was last used, to the minute; zero = never
}

// Owns says whether the user may do what only owners may.
func (u User) Owns() bool { return u.Role == RoleOwner }

// Actor is how the audit names the user.
func (u User) Actor() string { return fmt.Sprintf("user %d (%s)", u.ID, u.Email) }

// Theme is the colours that a user's pages have.
type Theme string

// The themes.
const (
	ThemeSystem Theme = "system" // as the user's machine has it; the default
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

// CheckTheme says what is wrong with a theme, or "".
func CheckTheme(t Theme) string {
	switch t {
	case ThemeSystem, ThemeLight, ThemeDark:
		return ""
	}
	return fmt.Sprintf("unknown theme %q: use system, light, dark", string(t))
}

// Limits of what a user is made of.
const (
	MaxEmailLength    = 254 // bytes (RFC 5321, section 4.5.3.1.3)
	MinPasswordLength = 10  // characters
	MaxPasswordLength = 200 // bytes: what is hashed is bounded
)

// NormalizeUserEmail gives an address as users are found by it, or says what is wrong with it.
func NormalizeUserEmail(raw string) (email, fault string) {
	raw = strings.TrimSpace(raw)
	address, err := mail.ParseAddress(raw)
	switch {
	case raw == "":
		return "", "is required"
	case len(raw) > MaxEmailLength:
		return "", fmt.Sprintf("is longer than %d bytes", MaxEmailLength)
	case err != nil || address.Name != "" || address.Address != raw:
		return "", "must be an email address, as name@example.com"
	}
	return strings.ToLower(raw), ""
}

// CheckPassword says what is wrong with a new password, or "". Length is what
// counts (NIST SP 800-63B, section 3.1.1): no rules of composition.
func CheckPassword(password string) string {
	switch {
	case !utf8.ValidString(password):
		return "is not UTF-8"
	case utf8.RuneCountInString(password) < MinPasswordLength:
		return fmt.Sprintf("must have %d characters or more", MinPasswordLength)
	case len(password) > MaxPasswordLength:
		return fmt.Sprintf("is longer than %d bytes", MaxPasswordLength)
	case strings.Count(password, password[:1]) == len(password):
		return "must not be one character again and again"
	}
	return ""
}

// How long what opens an account lasts.
const (
	SessionIdle = 14 * 24 * time.Hour // without use
	SessionMax  = 90 * 24 * time.Hour // in all
	LinkLife    = 7 * 24 * time.Hour  // of a one-time link
)

// Session is one browser in which a user is signed in.
type Session struct {
	ID        int64
	User      UserID
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ExpiresAt time.Time
	Agent     string // what the browser said that it is, cut to 200 characters
	Address   string // where it came from when it signed in
}

// MakeToken draws the secret of a session or of a one-time link: 43 characters
// that carry 256 random bits. The store keeps its digest only ([TokenDigest]).
func MakeToken() string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// TokenDigest is what is stored and looked up instead of a token.
func TokenDigest(token string) [32]byte { return sha256.Sum256([]byte(token)) }

type userKey struct{}

// WithUser gives a context in which a user acts who has signed in. Only the
// browser's door makes one; the API believes it.
func WithUser(ctx context.Context, u User) context.Context {
	return context.WithValue(ctx, userKey{}, u)
}

// UserIn gives the user who acts in a context; false when it is none.
func UserIn(ctx context.Context) (User, bool) {
	u, ok := ctx.Value(userKey{}).(User)
	return u, ok
}
