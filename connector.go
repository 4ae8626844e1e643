package tidings

import "time"

// ConnectorID identifies a connector. It is given by the store, from 1.
type ConnectorID int64

// MaxSecret is the most bytes of a connector's password, token or key, and of its user name.
const MaxSecret = 8 << 10

// Connector is named credentials that webhooks use.
type Connector struct {
	ID        ConnectorID
	Account   AccountID
	Name      string // 1 to MaxNameLength characters, unique in the account
	Auth      Auth
	Version   int64 // counts the changes; given by the store
	CreatedAt time.Time
	UpdatedAt time.Time
}

// AuthKind is how a connector proves who calls.
type AuthKind string

// The kinds (the seed: "Basic, Bearer token, API key").
const (
	AuthBasic  AuthKind = "basic"  // Authorization: Basic …, from Username and Secret
	AuthBearer AuthKind = "bearer" // Authorization: Bearer Secret
	AuthAPIKey AuthKind = "apiKey" // the header or query parameter Name, with Secret as its value
)

// KeyPlace is where an API key goes.
type KeyPlace string

// The places of an API key.
const (
	KeyInHeader KeyPlace = "header"
	KeyInQuery  KeyPlace = "query"
)

// Auth is a connector's credentials. Fields that its Kind does not use are empty.
type Auth struct {
	Kind     AuthKind
	Username string // basic; not secret
	// Secret is the password, the token or the key. It is written, never read back:
	// encrypted at rest and masked wherever a request is shown.
	Secret string
	In     KeyPlace // apiKey
	Name   string   // apiKey: of the header or parameter
}
