package java

import (
	"strconv"
	"strings"
)

// DateFormat is a SimpleDateFormat: a pattern and a locale. It is a plain value
// that is never changed.
type DateFormat struct {
	pattern string
	locale  *Locale
	solo    bool // the month stands alone: it takes its own form
	zoneID  bool // a blank and the name of the zone follow
}

// maxDatePattern is the most bytes of a pattern.
const maxDatePattern = 512

const dateLetters = "GyMwWDdFEaHkKhmsSzZXYuL"

// ParseDateFormat checks a pattern of SimpleDateFormat. The error is a
// *PatternError.
func ParseDateFormat(pattern string, locale *Locale) (DateFormat, error) {
	if len(pattern) > maxDatePattern {
		return DateFormat{}, &PatternError{"a date pattern of more than " + strconv.Itoa(maxDatePattern) + " bytes"}
	}
	f := DateFormat{pattern: pattern, locale: locale}
	tokens := 0
	months := false
	r := patternReader{src: pattern}
	for t, ok := r.next(); ok; t, ok = r.next() {
		tokens++
		switch {
		case t.letter == 0:
		case strings.IndexByte(dateLetters, t.letter) < 0:
			return f, &PatternError{"Illegal pattern character '" + string(rune(t.letter)) + "'"}
		case t.letter == 'X' && t.count > 3:
			return f, &PatternError{"invalid ISO 8601 format: length=" + strconv.Itoa(t.count)}
		}
		months = months || t.letter == 'M'
	}
	if r.quoted {
		return f, &PatternError{"Unterminated quote"}
	}
	f.solo = tokens == 1 && months
	return f, nil
}

// token is one field of a pattern (letter, count) or literal text.
type token struct {
	letter byte // 0 for text
	count  int
	text   string
}

// patternReader cuts a pattern into tokens.
type patternReader struct {
	src    string
	pos    int
	quoted bool
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (r *patternReader) next() (token, bool) {
	for r.pos < len(r.src) {
		rest := r.src[r.pos:]
		switch {
		case strings.HasPrefix(rest, "''"):
			r.pos += 2
			return token{text: "'"}, true
		case rest[0] == '\'':
			r.quoted = !r.quoted
			r.pos++
			continue
		case r.quoted:
			return r.text(strings.IndexByte(rest, '\'')), true
		case letter(rest[0]):
			n := 1
			for n < len(rest) && rest[n] == rest[0] {
				n++
			}
			r.pos += n
			return token{letter: rest[0], count: n}, true
		}
		return r.text(strings.IndexFunc(rest, func(c rune) bool {
			return c == '\'' || c < 0x80 && letter(byte(c))
		})), true
	}
	return token{}, false
}

func (r *patternReader) text(n int) token {
	if n < 0 {
		n = len(r.src) - r.pos
	}
	t := token{text: r.src[r.pos : r.pos+n]}
	r.pos += n
	return t
}

// Style is a predefined style of dates and times.
type Style int

// The styles, with Java's numbers; Default is Medium. NoStyle leaves the date
// or the time away.
const (
	Full Style = iota
	Long
	Medium
	Short
	NoStyle Style = -1
)

// DateStyle is DateFormat.getDateTimeInstance, or the instance of date or time
// alone where the other is NoStyle. At least one must be given.
func (l *Locale) DateStyle(date, clock Style) DateFormat {
	switch {
	case clock == NoStyle:
		return DateFormat{pattern: l.dates[date], locale: l}
	case date == NoStyle:
		return DateFormat{pattern: l.times[clock], locale: l}
	}
	return DateFormat{pattern: l.dates[date] + l.glue[max(date, clock)] + l.times[clock], locale: l}
}

// WithZoneID makes the format write a blank and the name of the zone at its
// end, which no pattern letter does.
func (f DateFormat) WithZoneID() DateFormat {
	f.zoneID = true
	return f
}
