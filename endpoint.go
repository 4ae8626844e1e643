package tidings

import (
	"time"
)

// EndpointID identifies an endpoint. It is given by the store, from 1.
type EndpointID int64

// State says whether an endpoint is delivered to.
type State string

// The states of an endpoint.
const (
	StateActive      State = "active"
	StateDeactivated State = "deactivated" // suspended: nothing is sent, the backlog is kept
)

// Limits and defaults of an endpoint's options (DESIGN.md, section 3).
const (
	DefaultBatchItems = 500
	MaxBatchItems     = 10_000
	DefaultBatchBytes = 1 << 20
	MinBatchBytes     = 1 << 10
	MaxBatchBytes     = 16 << 20
	MaxLinger         = time.Hour
	DefaultTimeout    = 15 * time.Second
	MinTimeout        = time.Second
	MaxTimeout        = 60 * time.Second
	MaxHeaders        = 5
	MaxHeaderValue    = 4 << 10
	MaxURLLength      = 2 << 10
)

// Endpoint is a URL of an account that follows the account's feed.
// The zero value of an option is its default.
type Endpoint struct {
	ID      EndpointID
	Account AccountID
	Name    string
	URL     string
	State   State
	Auth    *BasicAuth // nil = none
	Headers []Header   // at most MaxHeaders
	Filter  Filter
	Batch   BatchLimits
	Timeout time.Duration // of one attempt, body of the answer included
	Any2xx  bool          // every 2xx counts as delivered, not only 200
	Secrets []Secret      // newest first; at most two, the second only during a rotation
	// Version counts the changes of the options above; it is given by the store.
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// BasicAuth is the user name and password sent with every request.
type BasicAuth struct {
	Username string
	Password string
}

// Header is one header row, sent with every request.
type Header struct {
	Name  string
	Value string
}

// BatchLimits bounds one POST.
type BatchLimits struct {
	MaxItems int           // activities; 1 to MaxBatchItems
	MaxBytes int           // of the body; one larger activity still goes, alone
	Linger   time.Duration // how long the first activity may wait for company; 0 = not at all
}

// Secret signs deliveries (Standard Webhooks). Value is "whsec_" and the base64 of 24 to 64 bytes.
type Secret struct {
	Value     string
	ExpiresAt time.Time // zero = does not; set on the older one by a rotation
}

// Filter chooses activities by status and media type. The zero value takes all.
type Filter struct {
	Statuses   StatusSet
	MediaTypes MediaSet
}

// Takes says whether the filter lets an activity of this kind through.
func (f Filter) Takes(k Kind) bool {
	return (f.Statuses == 0 || f.Statuses.Has(k.Status())) &&
		(f.MediaTypes == 0 || f.MediaTypes.Has(k.MediaType()))
}

// All says whether the filter takes everything.
func (f Filter) All() bool { return f == Filter{} }

// Start says where in the feed a cursor is put: exactly one of its fields is set.
type Start struct {
	Now       bool      // only what arrives from now on
	Beginning bool      // everything that is kept
	Seq       Seq       // the first activity to deliver
	Time      time.Time // the first activity that arrived at this time or later
}
