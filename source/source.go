// Package source reads the event webhooks of other senders: SendGrid, Amazon
// SES (by SNS), Mailgun, Postmark and Twilio. It verifies that a request comes
// from the sender, and turns its events into activities, so that one ordered
// stream leaves for the account whoever sent the message. It stores nothing,
// and calls nobody itself.
//
//	source.go     Parse: a request in, Activities out; freshness, secrets compared
//	activity.go   Activity: the wire fields, the contact perhaps still to be found
//	object.go     JSON of others, read leniently
//	sendgrid.go ses.go sns.go mailgun.go postmark.go twilio.go    one sender each
//	certificate.go    the certificates of SNS, kept
//
// Which event becomes what: docs/sources.md.
package source

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"tidings"
)

// Kind is a sender whose events are understood.
type Kind string

// The kinds.
const (
	SendGrid Kind = "sendgrid"
	SES      Kind = "ses"
	Mailgun  Kind = "mailgun"
	Postmark Kind = "postmark"
	Twilio   Kind = "twilio"
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{SendGrid, SES, Mailgun, Postmark, Twilio} }

// MaxBody is the most that a request may have, in bytes. The senders' own
// limits are lower: SendGrid's batches have up to 768 KiB.
const MaxBody = 4 << 20

// MaxAge is how long after its signing a request is taken: senders try again
// for up to 24 hours (SendGrid), some with the signature of the first try. Within
// it a request can be replayed: whoever keeps Activity.ID for at least as long
// and takes each once is safe. Postmark and Twilio sign no time: theirs must be
// kept for as long as a replay would hurt.
const MaxAge = 25 * time.Hour

// maxSkew is how far ahead a sender's clock may be.
const maxSkew = 5 * time.Minute

// Secrets are what the requests of a source are verified by. Each kind has its own.
type Secrets struct {
	// SendGrid: the verification key of the Signed Event Webhook, as the
	// settings show it: base64 of an ECDSA P-256 public key (DER).
	PublicKey string `json:"publicKey,omitempty"`
	// Mailgun: the HTTP webhook signing key.
	SigningKey string `json:"signingKey,omitempty"`
	// Twilio: the account's auth token.
	AuthToken string `json:"authToken,omitempty"`
	// Postmark: Basic authentication in the webhook's URL, or a header of one's
	// own; when both are set, both must be right.
	Username    string `json:"username,omitempty"`
	Password    string `json:"password,omitempty"`
	HeaderName  string `json:"headerName,omitempty"`
	HeaderValue string `json:"headerValue,omitempty"`
	// SES: the ARNs of the topics whose notifications are taken. The signature
	// says only that SNS sent a notification, and anybody may have a topic there.
	TopicARNs []string `json:"topicArns,omitempty"`
}

// Request is a request of a sender, as it came.
type Request struct {
	Header http.Header
	// URL is the URL that the sender called, scheme, host and query as it knows
	// them (Twilio signs it), and not what a proxy made of it.
	URL  string
	Body []byte // raw: signatures are of the bytes
	Now  time.Time
	// Certificate fetches a certificate of SNS (PEM), through a client that
	// guards where it goes; see Certificates. The URL has been checked to be one of SNS.
	Certificate func(ctx context.Context, url string) ([]byte, error)
}

// Result is what a request says.
type Result struct {
	Activities []Activity
	Ignored    []Ignored     // events that become no activity, and why
	Confirm    *Confirmation // SES: the topic asks whether it may send; nil = it does not
}

// Ignored is an event that becomes no activity.
type Ignored struct {
	Event  string `json:"event"` // as the sender calls it
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// Confirmation is a topic's question whether it may send here. Who gets the URL
// (with GET, by an operator's decision) says yes. It leads to SNS, for certain.
type Confirmation struct {
	TopicARN string
	URL      string
}

// Check says what a source of a kind lacks to verify anything. The errors are
// *tidings.Error with CodeInvalid.
func Check(kind Kind, s Secrets) error {
	missing := func(field, what string) error {
		return &tidings.Error{Code: tidings.CodeInvalid, Message: "a source of " + string(kind) + " needs " + what, Fields: []tidings.FieldError{{Index: -1, Field: field, Reason: "is required"}}}
	}
	switch kind {
	case SendGrid:
		if s.PublicKey == "" {
			return missing("publicKey", "the verification key of the Signed Event Webhook")
		}
		_, err := sendgridKey(s.PublicKey)
		return err
	case SES:
		if len(s.TopicARNs) == 0 {
			return missing("topicArns", "the ARNs of its topics")
		}
	case Mailgun:
		if s.SigningKey == "" {
			return missing("signingKey", "the HTTP webhook signing key")
		}
	case Postmark:
		if (s.Username == "" || s.Password == "") && (s.HeaderName == "" || s.HeaderValue == "") {
			return missing("password", "Basic authentication or a header of its own")
		}
	case Twilio:
		if s.AuthToken == "" {
			return missing("authToken", "the account's auth token")
		}
	default:
		return tidings.Errorf(tidings.CodeInvalid, "unknown kind of source %q: use one of sendgrid, ses, mailgun, postmark, twilio", kind)
	}
	return nil
}

// Parse verifies a request and reads its events, in their order. Events that
// mean nothing here, or miss what an activity must have, are ignored one by one:
// a refusal would make the sender repeat the whole request for a day.
//
// Errors are *tidings.Error. CodeUnauthorized: the request can't be shown to be
// the sender's, or is too old. CodeInvalid: it is not what this sender sends, or
// the source lacks its secrets. CodeTooLarge: over MaxBody. CodeUnavailable: the
// certificate of SNS can't be had now.
func Parse(ctx context.Context, kind Kind, s Secrets, r Request) (Result, error) {
	if err := Check(kind, s); err != nil {
		return Result{}, err
	}
	if len(r.Body) > MaxBody {
		return Result{}, tidings.Errorf(tidings.CodeTooLarge, "the body has %d bytes: at most %d", len(r.Body), MaxBody)
	}
	var b batch
	var err error
	switch kind {
	case SendGrid:
		err = b.sendgrid(s, r)
	case SES:
		err = b.ses(ctx, s, r)
	case Mailgun:
		err = b.mailgun(s, r)
	case Postmark:
		err = b.postmark(s, r)
	case Twilio:
		err = b.twilio(s, r)
	}
	if err != nil {
		return Result{}, err
	}
	return b.Result, nil
}

// batch collects what a request says.
type batch struct{ Result }

func (b *batch) ignore(event, id, reason string) {
	b.Ignored = append(b.Ignored, Ignored{clip(event, 100), clip(id, maxID), reason})
}

// add completes an activity and keeps it, or says what it lacks.
func (b *batch) add(a Activity, r Request) {
	if lack := a.complete(r.Now); lack != "" {
		b.ignore(a.Event, a.ID, lack)
		return
	}
	b.Activities = append(b.Activities, a)
}

// untrusted is the refusal of a request that may be anybody's. The reason is
// for whoever sets the source up; it tells a forger nothing.
func untrusted(reason string) error {
	return tidings.Errorf(tidings.CodeUnauthorized, "the request is refused: %s", reason)
}

func malformed(kind Kind, reason string) error {
	return tidings.Errorf(tidings.CodeInvalid, "this is no event webhook of %s: %s", kind, reason)
}

// fresh refuses what was signed too long ago, or in the future.
func fresh(signed, now time.Time) error {
	switch age := now.Sub(signed); {
	case age > MaxAge:
		return untrusted("it was signed more than 25 hours ago")
	case age < -maxSkew:
		return untrusted("it was signed in the future: one of the clocks is wrong")
	}
	return nil
}

// same compares secrets in a time that says nothing of them, their length neither.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
