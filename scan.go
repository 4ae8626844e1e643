package tidings

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"
)

// Intake says how ParseActivities reads a request's body.
type Intake struct {
	NDJSON bool          // one activity a line, blank lines allowed; false = one JSON array
	Now    time.Time     // time of arrival: the activityDateTime of activities without one
	NewID  func() string // makes the iid of activities without one, a UUID; nil = random (version 4)
}

// ParseActivities reads the activities of a request and holds them against the
// wire specification: strict JSON (RFC 8259) in UTF-8, known fields only, each
// once and of its type, the required ones there, and values that fit each
// other. Either all activities are right and come back in order, or none do.
//
// The body is handed over: white space is squeezed out in place, the
// activities' wire bytes are parts of it, and the caller neither reads nor
// writes it again until it is done with the activities. (A digest of the body
// is taken before.) Otherwise the wire bytes are the bytes that came, keys in
// their order and strings as they were written, with two exceptions: an
// activityDateTime with a fraction, a zone or escapes becomes UTC in the wire
// form, and a missing activityDateTime or iid is added at the end.
//
// Errors are *Error. CodeTooLarge: over MaxRequestBytes or MaxActivities.
// CodeInvalid: all else. Its Fields name every wrong activity, up to
// MaxReported of them and a few faults of each; the message counts the rest.
// Where the JSON itself breaks, the reason gives the byte of the body, counted
// from 0: an array is not read further, NDJSON goes on at the next line.
// FieldError.Index counts lines of NDJSON from 0, blank ones too; the reason
// says the line as editors do, from 1. An Intake that is wrong itself gives an
// error that is none of these, and so CodeInternal.
func ParseActivities(body []byte, in Intake) ([]Activity, error) {
	if len(body) > MaxRequestBytes {
		return nil, Errorf(CodeTooLarge, "the body has %d bytes: at most %d in one request", len(body), MaxRequestBytes)
	}
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		return nil, Errorf(CodeInvalid, "the body begins with a byte order mark: send UTF-8 without one")
	}
	if now := in.Now.Unix(); now < minDateTime || now > maxDateTime {
		return nil, fmt.Errorf("parse activities: Intake.Now is %v", in.Now)
	}
	s := scanner{lexer: lexer{src: body}, body: body, in: in}
	if in.NDJSON {
		s.lines()
	} else {
		s.array()
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.done, nil
}

// scanner reads one body.
type scanner struct {
	lexer
	body []byte
	in   Intake

	done    []Activity
	extra   []byte // room for wire bytes that grew
	scratch []byte // the string unescaped last

	count    int // activities begun
	tooMany  bool
	internal error // a fault of ours, not of the body

	field field // being read; fieldNone between known ones
	act   draft
	faultList
}

// array reads the body as a JSON array.
func (s *scanner) array() {
	s.index = -1
	if s.space() != '[' {
		s.expected("a JSON array of activities")
		s.broken()
		return
	}
	s.pos++
	if s.space() == ']' {
		s.pos++
	} else if !s.elements() {
		return
	}
	if s.space(); s.pos < len(s.src) {
		s.index, s.field = -1, fieldNone
		s.expected("nothing after the array")
		s.broken()
	}
}

// elements reads the array from its first element to its closing bracket.
func (s *scanner) elements() bool {
	for {
		if !s.next(s.count) {
			return false
		}
		if !s.element() {
			s.broken()
			return false
		}
		s.field = fieldNone
		switch s.space() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return true
		default:
			s.expected("',' or ']' after the activity")
			s.broken()
			return false
		}
	}
}

// lines reads the body as NDJSON.
func (s *scanner) lines() {
	for line, start := 0, 0; start < len(s.body); line++ {
		end := len(s.body)
		if n := bytes.IndexByte(s.body[start:], '\n'); n >= 0 {
			end = start + n
		}
		s.src, s.pos = s.body[:end], start
		if s.space(); s.pos < end {
			if !s.next(line) {
				return
			}
			if !s.element() || !s.lineEnd() {
				s.broken()
			}
		}
		start = end + 1
	}
}

// lineEnd checks that an activity has its line for itself.
func (s *scanner) lineEnd() bool {
	s.space()
	return s.pos == len(s.src) || s.expected("the end of the line after the activity")
}

// next begins one more activity: at pos, and to be named by index.
func (s *scanner) next(index int) bool {
	if s.count == MaxActivities {
		s.tooMany = true
		return false
	}
	s.count++
	s.act = draft{start: s.pos}
	s.out, s.run = s.pos, s.pos
	s.index, s.faults, s.field = index, 0, fieldNone
	return s.internal == nil
}

// keep adds a right activity to those that are done.
func (s *scanner) keep(wire []byte) {
	if s.done == nil {
		// Activities of one request are of a size: one allocation does, mostly.
		s.done = make([]Activity, 0, min(s.remaining()+1, MaxActivities))
	}
	a := &s.act
	s.done = append(s.done, Activity{Wire: wire, At: a.at, Kind: KindOf(a.status, a.mediaType), Keys: a.keys})
}

// remaining estimates how many activities follow the current one.
func (s *scanner) remaining() int {
	return (len(s.body) - s.pos) / max(s.pos-s.act.start, 1)
}

// complete gives the wire bytes of an activity with what it lacks.
func (s *scanner) complete(wire []byte) []byte {
	const most = len(`,"activityDateTime":"2026-01-31T23:59:59","iid":"01234567-0123-0123-0123-0123456789ab"`)
	need := len(wire) + most
	if cap(s.extra)-len(s.extra) < need {
		const block = 1 << 20
		s.extra = make([]byte, 0, max(need, min(need*(s.remaining()+1), block)))
	}
	start := len(s.extra)
	s.extra = append(s.extra, wire[:len(wire)-1]...)
	if !s.act.has(fieldActivityDateTime) {
		s.act.at = s.in.Now.Unix()
		s.extra = append(s.extra, `,"activityDateTime":"`...)
		s.extra = s.in.Now.UTC().AppendFormat(s.extra, DateTimeLayout)
		s.extra = append(s.extra, '"')
	}
	if !s.act.has(fieldIID) {
		s.extra = append(s.extra, `,"iid":"`...)
		s.extra = s.appendID(s.extra)
		s.extra = append(s.extra, '"')
	}
	s.extra = append(s.extra, '}')
	return s.extra[start:len(s.extra):len(s.extra)]
}

// appendID appends a new UUID.
func (s *scanner) appendID(b []byte) []byte {
	if s.in.NewID == nil {
		var id [16]byte
		rand.Read(id[:]) // never fails: see its documentation
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		return fmt.Appendf(b, "%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	id := s.in.NewID()
	if !isUUID([]byte(id)) {
		s.internal = fmt.Errorf("parse activities: Intake.NewID gave %q, not a UUID", id)
		return b
	}
	return append(b, id...)
}
