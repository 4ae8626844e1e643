package java

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// calField is a field that a text can set, in the order of java.util.Calendar.
type calField int

const (
	calEra calField = iota
	calYear
	calMonth
	calWeekOfYear
	calWeekOfMonth
	calDay
	calYearDay
	calWeekday
	calWeekdayInMonth
	calAmPm
	calHour
	calHourOfDay
	calMinute
	calSecond
	calMillisecond
	calZone
	calWeekYear
	calFields
)

// dateReader reads one text by a pattern.
type dateReader struct {
	f         *DateFormat
	text      string
	pos       int
	zone      *time.Location
	century   int // of the first year that two digits can mean
	firstYear int // its last two digits
	maybeLow  bool
	set       setFields
}

// Parse reads the date that text begins with, as SimpleDateFormat.parse does:
// leniently, and without regard to what follows. Two digits of a year mean the
// one from 80 years before now on. It reports false when the text does not fit.
func (f *DateFormat) Parse(text string, zone *time.Location, now int64) (ms int64, ok bool) {
	start := FieldsOf(now, zone)
	start.Year -= 80
	r := dateReader{f: f, text: text, zone: zone, century: start.Year / 100 * 100, firstYear: start.Year % 100}
	r.set.locale = f.locale
	p := patternReader{src: f.pattern}
	for t, more := p.next(); more; t, more = p.next() {
		if t.letter == 0 {
			if !strings.HasPrefix(text[r.pos:], t.text) {
				return 0, false
			}
			r.pos += len(t.text)
			continue
		}
		ahead := p
		following, _ := ahead.next()
		if !r.field(t, abuts(following)) {
			return 0, false
		}
	}
	ms = r.set.millis(zone)
	if r.maybeLow && ms < start.Millis(zone) {
		if r.set.stamp[calYear] > r.set.stamp[calWeekYear] {
			r.set.value[calYear] += 100
		} else {
			r.set.value[calWeekYear] += 100
		}
		ms = r.set.millis(zone)
	}
	return ms, true
}

// abuts reports whether a number before t must keep to its width, because t is
// a number too.
func abuts(t token) bool {
	if t.letter == 'M' || t.letter == 'L' {
		return t.count <= 2
	}
	return t.letter != 0 && strings.IndexByte("ydkHmsSDFwWKhYu", t.letter) >= 0
}

// field reads one field of the pattern at pos.
func (r *dateReader) field(t token, obeyCount bool) bool {
	start := r.pos
	for r.pos < len(r.text) && (r.text[r.pos] == ' ' || r.text[r.pos] == '\t') {
		r.pos++
	}
	if r.pos == len(r.text) {
		return false
	}
	switch t.letter {
	case 'G':
		return r.name(calEra, 0, r.f.locale.eras[:], r.f.locale.longEras[:])
	case 'a':
		return r.name(calAmPm, 0, r.f.locale.ampm[:])
	case 'E':
		return r.name(calWeekday, 1, r.f.locale.days[:], r.f.locale.shortDays[:])
	case 'z', 'Z':
		return r.zoneText()
	case 'X':
		return r.isoZone(t.count)
	case 'M':
		if l := r.f.locale; t.count > 2 {
			return r.name(calMonth, 0, l.months[:], l.shortMonths[:])
		}
	case 'L':
		if l := r.f.locale; t.count > 2 {
			return r.name(calMonth, 0, l.months[:], l.shortMonths[:], l.soloMonths[:], l.soloShortMonths[:])
		}
	}
	limit := len(r.text)
	if obeyCount {
		if limit = start + t.count; limit > len(r.text) {
			return false
		}
	}
	digitsFrom := r.pos
	n, ok := r.number(limit)
	if !ok {
		return false
	}
	r.store(t, n, r.text[digitsFrom:r.pos])
	return true
}

// number reads a whole number that ends before limit.
func (r *dateReader) number(limit int) (int, bool) {
	pos := r.pos
	negative := strings.HasPrefix(r.text[pos:], r.f.locale.symbols.minus)
	if negative {
		pos += len(r.f.locale.symbols.minus)
	}
	n, digits := int64(0), 0
	for pos < limit {
		d, width := digitAt(r.text[pos:])
		if d < 0 {
			break
		}
		n = n*10 + int64(d)
		if n > math.MaxInt32 {
			n = int64(int32(n)) // intValue wraps round
		}
		pos += width
		digits++
	}
	if digits == 0 {
		return 0, false
	}
	r.pos = pos
	if negative {
		n = -n
	}
	return int(n), true
}

// store sets the field of a numeric letter; digits is its text.
func (r *dateReader) store(t token, n int, digits string) {
	switch t.letter {
	case 'y', 'Y':
		if t.count <= 2 && len(digits) == 2 && digits[0] != '-' {
			r.maybeLow = n == r.firstYear
			if n < r.firstYear {
				n += 100
			}
			n += r.century
		}
		if t.letter == 'Y' {
			r.set.put(calWeekYear, n)
		} else {
			r.set.put(calYear, n)
		}
	case 'M', 'L':
		r.set.put(calMonth, n-1)
	case 'k':
		r.set.put(calHourOfDay, unless(n, 24))
	case 'h':
		r.set.put(calHour, unless(n, 12))
	case 'u':
		if n >= 1 && n <= 7 {
			n = n%7 + 1
		}
		r.set.put(calWeekday, n)
	default:
		r.set.put(numberField(t.letter), n)
	}
}

func unless(n, zero int) int {
	if n == zero {
		return 0
	}
	return n
}

func numberField(letter byte) calField {
	switch letter {
	case 'w':
		return calWeekOfYear
	case 'W':
		return calWeekOfMonth
	case 'D':
		return calYearDay
	case 'd':
		return calDay
	case 'F':
		return calWeekdayInMonth
	case 'H':
		return calHourOfDay
	case 'K':
		return calHour
	case 'm':
		return calMinute
	case 's':
		return calSecond
	}
	return calMillisecond
}

// name reads the longest of the names, without regard to case.
func (r *dateReader) name(field calField, first int, lists ...[]string) bool {
	best, length := -1, 0
	for _, names := range lists {
		for i, name := range names {
			if n := prefixFold(r.text[r.pos:], name); n > length {
				best, length = i, n
			}
		}
	}
	if best < 0 {
		return false
	}
	r.pos += length
	r.set.put(field, best+first)
	return true
}

// prefixFold is how many bytes of s are name, without regard to case; 0 if s
// does not begin with it.
func prefixFold(s, name string) int {
	n := 0
	for _, want := range name {
		got, width := utf8.DecodeRuneInString(s[n:])
		if width == 0 || got != want && foldUnit(got) != foldUnit(want) {
			return 0
		}
		n += width
	}
	return n
}

// zoneText reads +hhmm, GMT+hh:mm, or the name of a zone.
func (r *dateReader) zoneText() bool {
	switch c := r.text[r.pos]; c {
	case '+', '-':
		r.pos++
		return r.offset(c == '-', 0, false)
	}
	if prefixFold(r.text[r.pos:], "GMT") > 0 {
		r.pos += len("GMT")
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
			return r.offset(r.text[r.pos-1] == '-', 0, true)
		}
		r.set.put(calZone, 0)
		return true
	}
	for _, i := range zoneOrder {
		for _, kind := range [...]int{longStandard, shortStandard, longSummer, shortSummer} {
			name := r.f.locale.familyName(i, kind)
			length := prefixFold(r.text[r.pos:], name)
			if length == 0 {
				continue
			}
			offset := zoneFamilies[i].standard
			if kind&1 == longSummer && name != r.f.locale.familyName(i, kind-1) {
				offset += 60
			}
			r.pos += length
			r.set.put(calZone, offset*msPerMinute)
			return true
		}
	}
	return false
}

// zoneOrder is the order in which names that several families share are
// looked for: the American ones first, as in Java.
var zoneOrder = [len(zoneFamilies)]int{19, 18, 17, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21}

func (r *dateReader) isoZone(count int) bool {
	switch c := r.text[r.pos]; c {
	case 'Z':
		r.pos++
		r.set.put(calZone, 0)
		return true
	case '+', '-':
		r.pos++
		return r.offset(c == '-', count, count == 3)
	}
	return false
}

// offset reads hours and minutes. count is that of the letter X, 0 for others.
func (r *dateReader) offset(negative bool, count int, colon bool) bool {
	hours, ok := r.digits(2, count == 0 && colon)
	if !ok || hours > 23 {
		return false
	}
	minutes := 0
	if count != 1 {
		if colon {
			if !strings.HasPrefix(r.text[r.pos:], ":") {
				return false
			}
			r.pos++
		}
		if minutes, ok = r.digits(2, false); !ok || minutes > 59 {
			return false
		}
	}
	minutes += hours * 60
	if negative {
		minutes = -minutes
	}
	r.set.put(calZone, minutes*msPerMinute)
	return true
}

// digits reads n digits, or one less if fewer is set.
func (r *dateReader) digits(n int, fewer bool) (value int, ok bool) {
	for i := range n {
		if r.pos == len(r.text) || r.text[r.pos] < '0' || r.text[r.pos] > '9' {
			return value, fewer && i > 0
		}
		value = value*10 + int(r.text[r.pos]-'0')
		r.pos++
	}
	return value, true
}
