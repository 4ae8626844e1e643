package tidings

import "time"

// CallID identifies a call. It is given by the store, from 1.
type CallID int64

// MaxReply is the most bytes of a reply's body. A longer reply is a failure.
const MaxReply = 1 << 20

// MaxTries is how often one call is sent.
const MaxTries = 3

// Call is one sending of a webhook: the rendered request, the tries, the
// reply. Secrets are masked in all of it.
type Call struct {
	ID      CallID
	Account AccountID
	Webhook WebhookID // 0 = a definition that was tested before it was saved
	Name    string    // of the webhook, when it was called
	Contact ContactID // 0 = none
	Event   EventID   // 0 = none, or one that was typed in for a test
	Test    bool      // from "Send test", not from a run
	// Key is sent as Tidings-Call-Id, the same over all tries, so that the other
	// side can tell a repeat.
	Key      string
	At       time.Time
	Duration time.Duration // of all tries and the waits between them
	Request  SentRequest
	Tries    []Try  // in order; empty when nothing was sent
	Shared   string // the Key of the call whose reply this one has, when both sent the same; "" = its own
	Reply    *Reply
	// Outcome is OutcomeOK for a 2xx with a reply that can be read.
	Outcome Outcome
	Error   string // what went wrong and what to do, in plain words; "" when OK
}

// OK says whether the call takes the block's exit "ok".
func (c *Call) OK() bool { return c.Outcome == OutcomeOK }

// How a call can end besides the outcomes of a request.
const (
	OutcomeOK       Outcome = "ok"       // answered 2xx with a reply that can be read
	OutcomeTemplate Outcome = "template" // nothing was sent: the request could not be made of its templates and data
	OutcomePaused   Outcome = "paused"   // nothing was sent: the host has failed so often of late that calls to it are held back
	OutcomeReply    Outcome = "reply"    // answered 2xx with a reply that is too large, cut off, or not what it says it is
)

// SentRequest is a request as it was sent, secrets masked.
type SentRequest struct {
	Method  Method
	URL     string
	Headers []Header // in the order of their names
	Body    string   // valid UTF-8
	Whole   int      // bytes of the whole body where the log keeps its beginning only; 0 = Body is all
}

// Try is one sending of the request of a call.
type Try struct {
	At       time.Time
	Duration time.Duration
	Status   int // of the answer; 0 = none was read
	Outcome  Outcome
	Error    string // "" when OK
	Timing   Timing
	Wait     time.Duration // before the next try; 0 after the last one
}

// Timing is where the time of a try went.
type Timing struct {
	Lookup    time.Duration // of the name
	Connect   time.Duration
	Handshake time.Duration // TLS
	Send      time.Duration // of the request
	Wait      time.Duration // for the first byte of the answer, and for a free connection
	Receive   time.Duration // headers and body of the answer
	Reused    bool          // over a kept connection: no lookup, connect, handshake
}

// Reply is the answer to the last try of a call.
type Reply struct {
	Status  int
	Headers []Header // in the order of their names
	Format  ReplyFormat
	Body    []byte // as it came, secrets masked; at most MaxReply bytes
	// Truncated is set when Body is not all of it: the reply is larger than MaxReply, or was cut off.
	Truncated bool
	Whole     int // bytes of the whole body where the log keeps its beginning only; 0 = Body is all that came
}

// ReplyFormat is what templates see of a reply.
type ReplyFormat string

// The formats of replies.
const (
	ReplyEmpty  ReplyFormat = "empty"
	ReplyJSON   ReplyFormat = "json"   // maps, lists, numbers, texts
	ReplyXML    ReplyFormat = "xml"    // children, attributes, text
	ReplyText   ReplyFormat = "text"   // a string
	ReplyBinary ReplyFormat = "binary" // not reachable
)
