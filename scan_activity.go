package tidings

import (
	"bytes"
	"fmt"
	"strconv"
)

// draft is what is known of the activity being read.
type draft struct {
	start     int    // in src
	seen      uint32 // the fields met so far
	at        int64
	status    Status    // 0 = none, or a wrong one
	mediaType MediaType // 0 = none, or a wrong one
	keys      [5]uint64
}

func (d *draft) has(f field) bool { return d.seen&f.bit() != 0 }

// element reads the activity at pos: false when the JSON breaks in it.
func (s *scanner) element() bool {
	if c := s.token(); c != '{' {
		if !s.skip(0) {
			return false
		}
		s.fault("", "must be an object, not "+typeName(c))
		return true
	}
	for more := !s.empty('}'); more; {
		if !s.member() {
			return false
		}
		var ok bool
		if more, ok = s.more('}'); !ok {
			return false
		}
	}
	s.finish()
	return true
}

// member reads one field and its value.
func (s *scanner) member() bool {
	s.field = fieldNone
	key, ok := s.key()
	if !ok {
		return false
	}
	if s.escaped {
		key = s.plain(key)
	}
	f := fieldOf(key)
	if f == fieldNone {
		s.unknownField("", key)
		return s.colon() && s.skip(1)
	}
	s.field = f
	if !s.colon() {
		return false
	}
	if s.act.has(f) {
		s.fault(f.String(), "stands twice")
		return s.skip(1)
	}
	s.act.seen |= f.bit()
	return s.value(f)
}

// plain gives the characters of a string that has escapes. They stay good
// until the next call.
func (s *scanner) plain(raw []byte) []byte {
	s.scratch = unescape(s.scratch[:0], raw)
	return s.scratch
}

// value reads the value of a field.
func (s *scanner) value(f field) bool {
	c := s.token()
	switch f {
	case fieldBroadcastID, fieldContactID, fieldMessageID, fieldMessageInstanceID, fieldSourceEventID, fieldWorkflowID:
		return s.integer(f, c)
	case fieldHardBounce:
		return s.boolean(f, c)
	case fieldStatusData:
		return s.statusData(c)
	}
	if c != '"' {
		return s.wrongType(f.String(), "a string", c)
	}
	quote := s.pos
	raw, ok := s.str()
	if !ok {
		return false
	}
	if s.flawed {
		s.flawIn(f.String())
		return true
	}
	switch f {
	case fieldActivityStatus, fieldMediaType, fieldActivityDateTime, fieldIID, fieldEmail, fieldSMS, fieldViber:
		if s.escaped {
			raw = s.plain(raw)
		}
		s.ruledText(f, raw, quote)
	}
	return true
}

// ruledText takes the characters of a string that is not free text. Its
// opening quote is at quote, and pos is behind the closing one.
func (s *scanner) ruledText(f field, text []byte, quote int) {
	a := &s.act
	why := ""
	switch f {
	case fieldActivityStatus:
		if a.status = statusOf(text); a.status == 0 {
			why = unknownName(text, Statuses())
		}
	case fieldMediaType:
		if a.mediaType = mediaTypeOf(text); a.mediaType == 0 {
			why = unknownName(text, MediaTypes())
		}
	case fieldActivityDateTime:
		if a.at, why = parseDateTime(text); why == "" && s.pos-quote != len(`""`)+len(DateTimeLayout) {
			s.rewriteDateTime(quote)
		}
	case fieldIID:
		if !isUUID(text) {
			why = "must be a UUID: 32 hex digits as 8-4-4-4-12"
		}
	case fieldEmail:
		why = emailFault(text)
		a.keys[KeyEmail] = searchKey(KeyEmail, text)
	case fieldSMS:
		why = phoneFault(text)
		a.keys[KeyPhone] = searchKey(KeyPhone, text)
	case fieldViber:
		why = phoneFault(text)
		a.keys[placeOfViber] = searchKey(KeyPhone, text)
	}
	if why != "" {
		s.fault(f.String(), why)
	}
}

// rewriteDateTime puts the wire form in the place of what was read between
// quote and pos. It is never longer.
func (s *scanner) rewriteDateTime(quote int) {
	s.squeeze(quote + 1)
	s.out += copy(s.src[s.out:], formatSeconds(s.act.at))
	s.run = s.pos - 1
}

// wrongType reads a value and notes that it should have been of another type.
func (s *scanner) wrongType(path, want string, c byte) bool {
	if !s.skip(1) {
		return false
	}
	switch {
	case s.full():
		s.fault("", "")
	case c == 'n':
		s.fault(path, "must be "+want+", not null: leave out what has no value")
	default:
		s.fault(path, "must be "+want+", not "+typeName(c))
	}
	return true
}

// flawIn notes that the string read last is not Unicode text.
func (s *scanner) flawIn(path string) {
	if s.full() {
		s.fault("", "")
		return
	}
	s.fault(path, fmt.Sprintf("%s at byte %d", s.flaw, s.flawAt))
}

// integer reads the value of a field that holds a 64-bit integer.
func (s *scanner) integer(f field, c byte) bool {
	if c != '-' && c-'0' >= 10 {
		return s.wrongType(f.String(), "an integer", c)
	}
	raw, whole, ok := s.number()
	switch {
	case !ok:
		return false
	case !whole:
		s.fault(f.String(), "must be an integer, without fraction and exponent")
		return true
	case len(raw) > len("999999999999999999") && !fitsInt64(raw):
		s.fault(f.String(), fmt.Sprintf("must fit in 64 bits: it has %d digits", len(bytes.TrimPrefix(raw, []byte("-")))))
		return true
	}
	switch f {
	case fieldContactID:
		s.act.keys[KeyContact] = searchKey(KeyContact, positiveZero(raw))
	case fieldMessageID:
		s.act.keys[KeyMessage] = searchKey(KeyMessage, positiveZero(raw))
	}
	return true
}

// positiveZero makes -0 the same as 0; no other integer has two spellings in JSON.
func positiveZero(raw []byte) []byte {
	if string(raw) == "-0" {
		return raw[1:]
	}
	return raw
}

func fitsInt64(raw []byte) bool {
	_, err := strconv.ParseInt(string(raw[:min(len(raw), 20)]), 10, 64)
	return err == nil && len(raw) <= 20
}

// boolean reads the value of a field that holds true or false.
func (s *scanner) boolean(f field, c byte) bool {
	switch c {
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	}
	return s.wrongType(f.String(), "true or false", c)
}

// The parts of statusData, as errors name them.
const (
	subscriptionPath  = "statusData.subscription"
	subscriptionsPath = "statusData.subscription.subscriptions"
)

// statusData reads {} or {"subscription":{"subscriptions":["KEY",…]}}.
func (s *scanner) statusData(c byte) bool {
	_, ok := s.only("statusData", "subscription", c, func(s *scanner) bool {
		seen, ok := s.only(subscriptionPath, "subscriptions", s.token(), (*scanner).subscriptions)
		if ok && !seen {
			s.fault(subscriptionsPath, "is required within subscription")
		}
		return ok
	})
	return ok
}

// only reads an object that may have one field, whose value is read by inner;
// seen says that it was there, or that the fault is another one.
func (s *scanner) only(path, name string, c byte, inner func(*scanner) bool) (seen, ok bool) {
	if c != '{' {
		return true, s.wrongType(path, "an object", c)
	}
	for more := !s.empty('}'); more; {
		key, ok := s.key()
		if !ok {
			return seen, false
		}
		if s.escaped {
			key = s.plain(key)
		}
		known := string(key) == name
		if !known {
			s.unknownField(path, key, name)
		} else if seen {
			s.fault(path+"."+name, "stands twice")
		}
		if !s.colon() {
			return seen, false
		}
		if known && !seen {
			ok = inner(s)
		} else {
			ok = s.skip(2)
		}
		seen = seen || known
		if !ok {
			return seen, false
		}
		if more, ok = s.more('}'); !ok {
			return seen, false
		}
	}
	return seen, true
}

// subscriptions reads an array of strings.
func (s *scanner) subscriptions() bool {
	if c := s.token(); c != '[' {
		return s.wrongType(subscriptionsPath, "an array of strings", c)
	}
	for more := !s.empty(']'); more; {
		if c := s.token(); c != '"' {
			if !s.wrongType(subscriptionsPath, "an array of strings", c) {
				return false
			}
		} else if _, ok := s.str(); !ok {
			return false
		} else if s.flawed {
			s.flawIn(subscriptionsPath)
		}
		var ok bool
		if more, ok = s.more(']'); !ok {
			return false
		}
	}
	return true
}

// finish judges the activity as a whole and keeps it if it is right.
func (s *scanner) finish() {
	s.field = fieldNone
	a := &s.act
	if missing := requiredFields &^ a.seen; missing != 0 {
		s.missing(missing)
	}
	if a.status != 0 {
		s.together()
	}
	s.squeeze(s.pos)
	wire := s.src[a.start:s.out:s.out]
	if s.faults == 0 && (!a.has(fieldActivityDateTime) || !a.has(fieldIID)) {
		wire = s.complete(wire)
	}
	if len(wire) > MaxActivityBytes {
		s.fault("", fmt.Sprintf("is %d bytes of compact JSON: at most %d", len(wire), MaxActivityBytes))
	}
	if s.wrong == 0 {
		s.keep(wire)
	}
}

// missing notes required fields that are not there.
func (s *scanner) missing(set uint32) {
	for f := range fieldCount {
		if set&f.bit() != 0 {
			s.fault(f.String(), "is required")
		}
	}
}

// together checks the fields that go with some statuses only.
func (s *scanner) together() {
	a := &s.act
	if a.status != Clicked && a.has(fieldClickEventLink) {
		s.fault("clickEventLink", "goes only with activityStatus CLICKED, not "+a.status.String())
	}
	if a.status != Undelivered && a.seen&undeliveredFields != 0 {
		for _, f := range []field{fieldHardBounce, fieldStatusDescription} {
			if a.has(f) {
				s.fault(f.String(), "goes only with activityStatus UNDELIVERED, not "+a.status.String())
			}
		}
	}
	if a.status == Sent && a.mediaType != MobilePush && a.mediaType != 0 {
		s.fault("activityStatus", "SENT goes only with mediaType mobilepush, not "+a.mediaType.String())
	}
}
