package tidings

import (
	"time"
)

// Seq is an activity's place in its account's feed: dense, from 1, given at
// commit. 0 stands before the first.
type Seq int64

// Chunk is a run of consecutive activities of one feed as the log keeps them:
// their wire bytes joined by commas, so that a POST's body is made of chunks
// and never of decoded activities. A chunk is immutable and may be shared.
type Chunk struct {
	First Seq      // of the first activity
	Body  []byte   // wire objects joined by ','
	Ends  []uint32 // where each object ends in Body; the next starts after the comma
	Kinds []Kind   // status and media type of each
}

// Len is the number of activities.
func (c Chunk) Len() int { return len(c.Ends) }

// Last is the seq of the last activity; First-1 when the chunk is empty.
func (c Chunk) Last() Seq { return c.First + Seq(len(c.Ends)) - 1 }

// Wire gives the i-th activity's bytes, i from 0.
func (c Chunk) Wire(i int) []byte { return c.Body[c.start(i):c.Ends[i]] }

func (c Chunk) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return c.Ends[i-1] + 1
}

// Span gives the bytes of the activities i (included) to j (excluded) with
// the commas between them, i < j.
func (c Chunk) Span(i, j int) []byte { return c.Body[c.start(i):c.Ends[j-1]] }

// From gives the part of the chunk after a seq: the whole when after stands
// before it, an empty chunk when after is its last or later.
func (c Chunk) From(after Seq) Chunk {
	if after < c.First {
		return c
	}
	i := int(after - c.First + 1)
	if i >= c.Len() {
		return Chunk{First: after + 1}
	}
	start := c.start(i)
	ends := make([]uint32, c.Len()-i)
	for k := range ends {
		ends[k] = c.Ends[i+k] - start
	}
	return Chunk{First: after + 1, Body: c.Body[start:], Ends: ends, Kinds: c.Kinds[i:]}
}

// ReadQuery asks for a run of a feed.
type ReadQuery struct {
	Account AccountID
	After   Seq    // the seq before the first wanted one
	To      Seq    // the last wanted one; 0 = the head
	Filter  Filter // stretches without a match may be left out; what comes back is not filtered further
	// MaxItems and MaxBytes say when to stop adding chunks; a chunk is never
	// cut, and the first one always comes. 0 = one chunk.
	MaxItems int
	MaxBytes int
}

// Page is the answer to a ReadQuery: chunks in order, none beyond To or at or
// before After, perhaps with left out stretches between them.
type Page struct {
	Chunks []Chunk
	// Through is the seq up to which the query is answered: everything of
	// (After, Through] is in Chunks or can't match the filter. It is After
	// when the feed has nothing more.
	Through Seq
	// Missing is the last seq that retention has dropped, when that is past
	// After; 0 otherwise. The chunks begin after it.
	Missing Seq
}

// AppendRequest is one request's activities: all of them or none are stored.
type AppendRequest struct {
	Account    AccountID
	Activities []Activity // 1 or more
	// IdempotencyKey makes a repeat of the request answer the same and store
	// nothing; "" = none. It is kept for IdempotencyTTL.
	IdempotencyKey string
	// BodyDigest tells a repeat from another request under the same key.
	BodyDigest [32]byte
}

// IdempotencyTTL is how long a key is remembered.
const IdempotencyTTL = 24 * time.Hour

// MaxIdempotencyKey is the most bytes of an Idempotency-Key.
const MaxIdempotencyKey = 255

// AppendResult says where a request's activities stand in the feed.
type AppendResult struct {
	Accepted int
	First    Seq
	Last     Seq
	Repeated bool // answered from the idempotency record; nothing was stored
}

// ActivityQuery is a search in an account's feed.
type ActivityQuery struct {
	Account    AccountID
	From       time.Time // activityDateTime, included
	To         time.Time // excluded; at most MaxSearchInterval after From
	Filter     Filter
	Email      string // exact, without regard to case
	SMS        string // digits; matches sms and viber
	ContactID  int64  // 0 = any
	MessageID  int64  // 0 = any
	MessageTag string // one of the activity's tags; "" = any
	MobilePush string // subscriber token; "" = any
	WebPush    string // subscriber token; "" = any
	After      Seq    // resume after this seq (before it, when Descending); 0 = from the start
	Limit      int    // 1 or more
	Descending bool   // newest first
}

// MaxSearchInterval is the longest time that one search covers: 3 months, at their longest.
const MaxSearchInterval = 92 * 24 * time.Hour

// Found is one activity of a search or a read, with its place.
type Found struct {
	Seq  Seq
	Wire []byte
}

// SearchPage is the answer to an ActivityQuery.
type SearchPage struct {
	Found []Found
	Next  Seq // give it as After for the next page; 0 = there is none
}
