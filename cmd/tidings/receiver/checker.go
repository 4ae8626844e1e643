package receiver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Order says how a delivery stands to the ones accepted before it.
type Order string

// What a delivery can be. Gap, Back, Overtaken and Altered break a promise of
// the server; the others do not.
const (
	First     Order = "first"     // nothing was accepted before it
	Next      Order = "next"      // follows the one accepted last
	Retry     Order = "retry"     // was refused before and comes again
	Repeat    Order = "repeat"    // was accepted before: answer 200 and do nothing
	Moved     Order = "moved"     // names none before it: an operator moved the cursor
	Gap       Order = "gap"       // does not follow the one accepted last
	Back      Order = "back"      // its range begins before the end of the one accepted last
	Overtaken Order = "overtaken" // came while another one was refused and not yet accepted
	Altered   Order = "altered"   // has the id of an earlier one and other bytes
	Unnamed   Order = "unnamed"   // has no id or no range: not a delivery of Tidings
)

// Broken says whether the order breaks what the server promises.
func (o Order) Broken() bool {
	switch o {
	case Gap, Back, Overtaken, Altered, Unnamed:
		return true
	}
	return false
}

// Delivery is one POST and what the checker makes of it.
type Delivery struct {
	At       time.Time
	Path     string // of the URL: each path is a feed of its own
	Batch    string // webhook-id
	Previous string // Tidings-Previous
	First    int64  // Tidings-Sequence
	Last     int64
	Attempt  int    // Tidings-Attempt
	Digest   string // "xxh64:" and 16 hex digits, of the body, as the server lists its attempts
	Body     []byte
	Order    Order
	Why      string // of a broken order, in words
	Verified error  // nil = the signature is right, or no secret was given
}

// Fresh says whether the delivery brings activities that were not accepted before.
func (d Delivery) Fresh() bool { return d.Order != Repeat && d.Order != Unnamed }

// Checker judges the deliveries of any number of endpoints, told apart by the
// path of the URL. It is safe for use by several goroutines. Its memory does not
// grow with the number of deliveries.
type Checker struct {
	secret string
	now    func() time.Time

	mu    sync.Mutex
	feeds map[string]*feed
}

// remembered is how many accepted ids a checker tells apart from new ones: a
// server that was killed repeats what it had not yet written down.
const remembered = 1024

// feed is what is known of one path.
type feed struct {
	last    string // id accepted last; "" = none yet
	lastSeq int64
	pending string             // id refused last and not yet accepted
	digests map[string]string  // of the ids in ring, and of pending
	ring    [remembered]string // accepted ids
	turn    int
}

// NewChecker makes a checker. secret is what deliveries are signed with, "" to
// verify none; now is the clock, nil for time.Now.
func NewChecker(secret string, now func() time.Time) *Checker {
	if now == nil {
		now = time.Now
	}
	return &Checker{secret: secret, now: now, feeds: map[string]*feed{}}
}

// Judge looks at a POST that has not been answered yet.
func (c *Checker) Judge(path string, h http.Header, body []byte) Delivery {
	now := c.now()
	d := Delivery{
		At: now, Path: path, Body: body, Digest: fmt.Sprintf("xxh64:%016x", xxhash.Sum64(body)),
		Batch: h.Get("webhook-id"), Previous: h.Get("Tidings-Previous"),
	}
	d.Attempt, _ = strconv.Atoi(h.Get("Tidings-Attempt"))
	var ok bool
	if d.First, d.Last, ok = parseRange(h.Get("Tidings-Sequence")); !ok || d.Batch == "" {
		d.Order, d.Why = Unnamed, "webhook-id or Tidings-Sequence is missing or not readable"
	}
	if c.secret != "" {
		d.Verified = Verify(c.secret, h, body, now)
	}
	if d.Order == "" {
		c.mu.Lock()
		d.Order, d.Why = c.feed(path).order(d)
		c.mu.Unlock()
	}
	return d
}

// Answered tells the checker how a delivery was answered: accepted is what the
// server takes for success. It is called before the answer leaves, so that the
// next delivery can't be judged first.
func (c *Checker) Answered(d Delivery, accepted bool) {
	if d.Order == Unnamed {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.feed(d.Path)
	switch {
	case d.Order == Repeat:
	case accepted:
		f.accept(d)
	case f.pending != d.Batch:
		f.forget(f.pending)
		f.pending = d.Batch
		f.digests[d.Batch] = d.Digest
	}
}

func (c *Checker) feed(path string) *feed {
	f := c.feeds[path]
	if f == nil {
		f = &feed{digests: map[string]string{}}
		c.feeds[path] = f
	}
	return f
}

func (f *feed) order(d Delivery) (Order, string) {
	seen, known := f.digests[d.Batch]
	switch {
	case known && seen != d.Digest:
		return Altered, "the same webhook-id came before with other bytes"
	case known && d.Batch == f.pending:
		return Retry, ""
	case known:
		return Repeat, ""
	case d.Previous == "" && f.last == "" && f.pending == "":
		return First, ""
	case d.Previous == "":
		return Moved, ""
	case f.pending != "":
		return Overtaken, fmt.Sprintf("batch %s was refused and has not come again", f.pending)
	case f.last == "":
		return First, ""
	case d.First <= f.lastSeq:
		return Back, fmt.Sprintf("it begins at %d, and %d was accepted already", d.First, f.lastSeq)
	case d.Previous != f.last:
		return Gap, fmt.Sprintf("it follows batch %s, and the one accepted last is %s", d.Previous, f.last)
	case d.First > f.lastSeq+1:
		return Gap, fmt.Sprintf("it begins at %d, and the one accepted last ended at %d", d.First, f.lastSeq)
	}
	return Next, ""
}

func (f *feed) accept(d Delivery) {
	if f.pending != d.Batch {
		f.forget(f.pending)
	}
	f.pending = ""
	f.last, f.lastSeq = d.Batch, d.Last
	delete(f.digests, f.ring[f.turn])
	f.ring[f.turn] = d.Batch
	f.digests[d.Batch] = d.Digest
	f.turn = (f.turn + 1) % remembered
}

func (f *feed) forget(batch string) { delete(f.digests, batch) }

// parseRange reads "FIRST-LAST", both from 1.
func parseRange(s string) (first, last int64, ok bool) {
	a, b, found := strings.Cut(s, "-")
	first, errFirst := strconv.ParseInt(a, 10, 64)
	last, errLast := strconv.ParseInt(b, 10, 64)
	return first, last, found && errFirst == nil && errLast == nil && first >= 1 && last >= first
}
