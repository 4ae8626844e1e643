package tidings

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// KeyKind says what a search key was made from. It is also the key's place in
// Activity.Keys, which has one place more for a viber number: that is a phone
// like an sms number, and an activity may carry both.
type KeyKind uint8

// The kinds of search keys.
const (
	KeyContact KeyKind = iota // contactId, in decimal
	KeyEmail                  // email, in any case
	KeyPhone                  // sms or viber: digits
	KeyMessage                // messageId, in decimal
)

const placeOfViber = 4 // in Activity.Keys

// SearchKey gives the 64-bit key by which an activity is searched: a hash that
// is the same on every machine and in every release, because stores keep it,
// and never 0. Keys of different kinds differ, and equal emails in different
// case have the same key. Two values may share a key: what is found by a key is
// then compared, see ActivityQuery.Matches.
func SearchKey(kind KeyKind, value string) uint64 {
	return searchKey(kind, []byte(value))
}

// searchKey multiplies the value in, eight bytes at a time, and folds each
// 128-bit product; the length keeps values apart that end in zero bytes.
func searchKey(kind KeyKind, value []byte) uint64 {
	const (
		a = 0x9e3779b97f4a7c15
		b = 0xd6e8feb86659fd93
	)
	email := kind == KeyEmail
	if email && !isASCII(value) {
		value = lower(value)
	}
	h := fold(uint64(kind)+a, uint64(len(value))+b)
	for len(value) >= 8 {
		w := binary.LittleEndian.Uint64(value)
		if email {
			w = lower8(w)
		}
		h = fold(h^w, b)
		value = value[8:]
	}
	w := tail(value)
	if email {
		w = lower8(w)
	}
	h = fold(h^w^a, b)
	h = fold(h^h>>29, a)
	return max(h, 1)
}

// fold multiplies to 128 bits and adds the halves up without carries.
func fold(x, y uint64) uint64 {
	high, low := bits.Mul64(x, y)
	return high ^ low
}

// tail gives the last bytes of a value, fewer than eight, as a little-endian number.
func tail(b []byte) uint64 {
	var w uint64
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

// lower8 makes the ASCII capitals among eight bytes small ones. Bytes beyond
// ASCII must not be capitals in their lower seven bits' reading, or stay apart:
// they are masked out.
func lower8(w uint64) uint64 {
	return w | between(w&^highs, 'A', 'Z')&^w>>2
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lower gives b in small letters, rune by rune.
func lower(b []byte) []byte {
	return bytes.Map(unicode.ToLower, b)
}

// Facts are the fields of an activity that searches compare. Absent texts are
// nil, absent numbers 0.
type Facts struct {
	At         int64 // activityDateTime, in seconds since 1970 UTC
	Kind       Kind
	ContactID  int64
	MessageID  int64
	Email      []byte
	SMS        []byte
	Viber      []byte
	MessageTag []byte // tags joined by commas
	MobilePush []byte
	WebPush    []byte
}

// ReadFacts reads the facts of an activity's wire bytes, as ParseActivities
// gave them. Texts are parts of wire, except those written with escapes. The
// error says that these are no such bytes: the store that kept them is broken.
func ReadFacts(wire []byte) (Facts, error) {
	r := factReader{lexer: lexer{src: wire, frozen: true}}
	if !r.object() {
		return Facts{}, fmt.Errorf("read facts of an activity: byte %d: %s", r.badAt, r.why)
	}
	r.facts.Kind = KindOf(r.status, r.mediaType)
	return r.facts, nil
}

type factReader struct {
	lexer
	facts     Facts
	status    Status
	mediaType MediaType
	timed     bool
}

func (r *factReader) object() bool {
	if r.token() != '{' {
		return r.expected("an object")
	}
	for more := !r.empty('}'); more; {
		key, ok := r.key()
		if !ok {
			return false
		}
		if r.escaped {
			key = unescape(nil, key)
		}
		f := fieldOf(key)
		if !r.colon() || !r.member(f) {
			return false
		}
		if more, ok = r.more('}'); !ok {
			return false
		}
	}
	if r.token() != 0 || r.pos < len(r.src) {
		return r.expected("nothing after the activity")
	}
	if r.status == 0 || r.mediaType == 0 || !r.timed {
		return r.fail(r.pos, "activityStatus, mediaType or activityDateTime is missing or wrong")
	}
	return true
}

func (r *factReader) member(f field) bool {
	switch f {
	case fieldActivityDateTime, fieldActivityStatus, fieldMediaType, fieldEmail, fieldSMS, fieldViber,
		fieldMessageTag, fieldMobilePush, fieldWebPush:
		return r.text(f)
	case fieldContactID:
		return r.integer(&r.facts.ContactID)
	case fieldMessageID:
		return r.integer(&r.facts.MessageID)
	}
	return r.skip(1)
}

func (r *factReader) text(f field) bool {
	if r.token() != '"' {
		return r.expected("a string")
	}
	text, ok := r.str()
	if !ok {
		return false
	}
	if r.escaped {
		text = unescape(nil, text)
	}
	switch f {
	case fieldActivityDateTime:
		seconds, why := parseDateTime(text)
		r.facts.At, r.timed = seconds, why == ""
	case fieldActivityStatus:
		r.status = statusOf(text)
	case fieldMediaType:
		r.mediaType = mediaTypeOf(text)
	case fieldEmail:
		r.facts.Email = text
	case fieldSMS:
		r.facts.SMS = text
	case fieldViber:
		r.facts.Viber = text
	case fieldMessageTag:
		r.facts.MessageTag = text
	case fieldMobilePush:
		r.facts.MobilePush = text
	case fieldWebPush:
		r.facts.WebPush = text
	}
	return true
}

func (r *factReader) integer(to *int64) bool {
	start := r.pos
	if c := r.token(); c != '-' && c-'0' >= 10 {
		return r.expected("an integer")
	}
	raw, _, ok := r.number()
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return r.fail(start, "not a 64-bit integer")
	}
	*to = n
	return true
}

// Matches says whether an activity with these facts is one that the query asks
// for by time, filter and values; its place in the feed is not looked at. A
// zero From or To does not bound the time. Email is compared without regard to
// case; SMS with the activity's sms and viber; MessageTag with each of the
// activity's tags, without the spaces around it; all else exactly.
func (q *ActivityQuery) Matches(f *Facts) bool {
	switch at := time.Unix(f.At, 0); {
	case !q.Filter.Takes(f.Kind),
		!q.From.IsZero() && at.Before(q.From),
		!q.To.IsZero() && !at.Before(q.To),
		q.ContactID != 0 && q.ContactID != f.ContactID,
		q.MessageID != 0 && q.MessageID != f.MessageID,
		q.Email != "" && !sameEmail(f.Email, q.Email),
		q.SMS != "" && string(f.SMS) != q.SMS && string(f.Viber) != q.SMS,
		q.MobilePush != "" && string(f.MobilePush) != q.MobilePush,
		q.WebPush != "" && string(f.WebPush) != q.WebPush,
		q.MessageTag != "" && !hasTag(f.MessageTag, q.MessageTag):
		return false
	}
	return true
}

// sameEmail compares as SearchKey does.
func sameEmail(a []byte, b string) bool {
	for len(a) > 0 && len(b) > 0 {
		ra, na := utf8.DecodeRune(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb && unicode.ToLower(ra) != unicode.ToLower(rb) {
			return false
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) == len(b)
}

// hasTag says whether one of the comma-joined tags is the wanted one.
func hasTag(tags []byte, want string) bool {
	for len(tags) > 0 {
		tag, rest, _ := bytes.Cut(tags, []byte{','})
		if string(bytes.TrimSpace(tag)) == want {
			return true
		}
		tags = rest
	}
	return false
}
