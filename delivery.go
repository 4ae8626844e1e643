package tidings

import (
	"time"
)

// BatchID names a batch: "b_" and 32 hex digits, a function of the endpoint, its
// epoch and the batch's range and cut, so that it is the same over attempts,
// restarts and nodes.
type BatchID string

// Cut says how a stretch of the feed is cut into batches: greedily, by the
// filter and both limits. Cutting the same stretch by the same Cut gives the
// same batches, always.
type Cut struct {
	Filter   Filter
	MaxItems int
	MaxBytes int
}

// Plan freezes the batches of (cursor, End]: they are cut by Cut, and the last
// of them ends at End. It is durable before the first of them is attempted,
// whatever happens to the endpoint's options meanwhile.
type Plan struct {
	End Seq // 0 = nothing is frozen
	Cut Cut
}

// Position is how far an endpoint has come in its account's feed, and what its
// head batch has met. One row of the store.
type Position struct {
	Endpoint EndpointID
	// Fence is the right to write: the store refuses a write whose fence is not
	// the stored one (CodeFenced). An operator's act or a takeover raises it.
	Fence int64
	// Epoch is part of every BatchID; an operator's act that moves the cursor
	// raises it, so that what is sent again after a seek is new to the receiver.
	Epoch int64
	// Cursor is the last seq of the batch delivered last; the next batch's range starts after it.
	Cursor Seq
	// Scanned is Cursor or later: nothing in (Cursor, Scanned] passes the filter.
	Scanned  Seq
	Previous BatchID // the batch delivered last; "" before the first and after a move
	Plan     Plan

	Attempts     int       // failed attempts of the head batch
	BlockedSince time.Time // time of the first of them; zero = not blocked
	NextTry      time.Time // earliest time of the next attempt; zero = now
	LastError    string    // of the last failed attempt, in plain words; kept until a delivery
}

// Blocked says whether the head batch has failed.
func (p Position) Blocked() bool { return p.Attempts > 0 }

// Attempt is one try to deliver a batch.
type Attempt struct {
	Endpoint   EndpointID
	Number     int // of this batch, from 1
	Batch      BatchID
	First      Seq // the batch's range
	Last       Seq
	Activities int    // in the body
	Bytes      int    // of the body
	Digest     string // "xxh64:" and 16 hex digits, of the body: tells whether attempts carried the same bytes
	At         time.Time
	Duration   time.Duration
	Status     int // of the answer; 0 = none was read
	Delivered  bool
	Outcome    Outcome   // what kind of end it was, for programs
	Error      string    // in plain words; "" when delivered
	Answer     string    // the first bytes of the answer's body, at most MaxAnswer, made valid UTF-8
	NextTry    time.Time // zero when delivered
}

// MaxAnswer is how many bytes of a receiver's answer are kept.
const MaxAnswer = 1 << 10

// Outcome is the closed list of how a request to the outside can end.
type Outcome string

// The outcomes.
const (
	OutcomeDelivered Outcome = "delivered"
	OutcomeStatus    Outcome = "status"   // answered, with a status that is not success
	OutcomeRedirect  Outcome = "redirect" // answered 3xx; redirects are not followed
	OutcomeRefused   Outcome = "refused"  // nothing listens
	OutcomeDNS       Outcome = "dns"      // the name can't be resolved
	OutcomeTimeout   Outcome = "timeout"  // the deadline passed; the message says in which phase
	OutcomeTLS       Outcome = "tls"      // handshake or certificate
	OutcomeReset     Outcome = "reset"    // the connection broke before a status was read
	OutcomeProtocol  Outcome = "protocol" // what came back is not HTTP, or over a limit
	OutcomeBlocked   Outcome = "address"  // the address guard refused the address
	OutcomeCanceled  Outcome = "canceled" // we stopped it: shutdown, or an operator's act
	OutcomeOther     Outcome = "other"
)

// Delivery is what a lane gives its store after an attempt or for a new plan:
// the position to keep, and the attempts made since the last one.
type Delivery struct {
	Position Position
	Attempts []Attempt
	// Lease is the fence of the lease of ShardOf(Position.Endpoint) under which
	// this was done. A store that nodes share writes the position only while the
	// lease has that fence, whoever holds it and until when; the transaction locks
	// the lease against being claimed meanwhile. 0 = there are no leases.
	Lease int64
}

// Act is an operator's act on an endpoint's position. It is one transaction of
// the store: the position moves (with a raised fence, and epoch where the
// cursor moved), and the audit record is written.
type Act struct {
	Account  AccountID
	Endpoint EndpointID
	Actor    string
	Action   string // "endpoint.seek", …: AuditRecord.Action
	Detail   string
	// Move gives the new position from the stored one, or an error that leaves
	// all as it was. It must not block and may run more than once. nil = the
	// position stays, but the fence is raised all the same.
	Move func(Position) (Position, error)
	// State, when not "", becomes the endpoint's state.
	State State
}
