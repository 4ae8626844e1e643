package java

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Num is what NumberFormat.parse gives: a Long, or a Double where the text has
// a fraction or is out of range.
type Num struct {
	Long     int64
	Double   float64
	IsDouble bool
}

// numberText is a number being read: its digits without leading zeros, and
// where the point stands.
type numberText struct {
	d       []byte
	exp     int
	decimal string
	group   string
}

// Parse reads the number that s begins with, as DecimalFormat.parse does; what
// follows it is not looked at. It reports false when s does not begin with one.
func (nf *NumberFormat) Parse(s string) (Num, bool) {
	if strings.HasPrefix(s, nf.locale.symbols.nan) {
		return Num{Double: math.NaN(), IsDouble: true}, true
	}
	positive := strings.HasPrefix(s, nf.posPrefix)
	negative := strings.HasPrefix(s, nf.negPrefix)
	if positive && negative {
		positive, negative = longer(nf.posPrefix, nf.negPrefix)
	}
	if !positive && !negative {
		return Num{}, false
	}
	rest := s[len(nf.prefix(!positive)):]
	var buf [32]byte
	t := numberText{d: buf[:0]}
	t.decimal, t.group = nf.separators()
	infinite := strings.HasPrefix(rest, nf.locale.symbols.infinity)
	if infinite {
		rest = rest[len(nf.locale.symbols.infinity):]
	} else {
		n := t.read(rest, nf)
		if n == 0 {
			return Num{}, false
		}
		rest = rest[n:]
	}
	positive = positive && strings.HasPrefix(rest, nf.posSuffix)
	negative = negative && strings.HasPrefix(rest, nf.negSuffix)
	if positive && negative {
		positive, negative = longer(nf.posSuffix, nf.negSuffix)
	}
	if positive == negative {
		return Num{}, false
	}
	if infinite {
		sign := 1
		if negative {
			sign = -1
		}
		return Num{Double: math.Inf(sign), IsDouble: true}, true
	}
	return t.number(negative, nf), true
}

// longer tells which of two affixes that both match counts.
func longer(pos, neg string) (positive, negative bool) {
	return len(pos) >= len(neg), len(neg) >= len(pos)
}

// read reads digits, groups, point and exponent. It returns the bytes that it
// took, 0 if there was no digit.
func (t *numberText) read(s string, nf *NumberFormat) int {
	sawDigit, sawPoint := false, false
	count, backup := 0, -1
	pos := 0
scan:
	for pos < len(s) {
		digit, width := digitAt(s[pos:])
		switch {
		case digit >= 0:
			sawDigit, backup = true, -1
			switch {
			case digit > 0 || len(t.d) > 0:
				count++
				t.d = append(t.d, byte('0'+digit))
			case sawPoint:
				t.exp--
			}
			pos += width
		case strings.HasPrefix(s[pos:], t.decimal):
			if nf.integerOnly || sawPoint {
				break scan
			}
			sawPoint = true
			t.exp = count
			pos += len(t.decimal)
		case nf.groupSize > 0 && strings.HasPrefix(s[pos:], t.group):
			if sawPoint {
				break scan
			}
			backup = pos
			pos += len(t.group)
		default:
			pos += t.exponent(s[pos:], nf)
			if !sawPoint {
				t.exp += count
				sawPoint = true
			}
			break scan
		}
	}
	if backup >= 0 {
		pos = backup
	}
	if !sawPoint {
		t.exp = count
	}
	if !sawDigit {
		return 0
	}
	return pos
}

// exponent reads E and a whole number and adds it to where the point stands.
func (t *numberText) exponent(s string, nf *NumberFormat) int {
	mark := nf.locale.symbols.exponent
	if !strings.HasPrefix(s, mark) {
		return 0
	}
	pos := len(mark)
	negative := strings.HasPrefix(s[pos:], nf.locale.symbols.minus)
	if negative {
		pos += len(nf.locale.symbols.minus)
	}
	n, digits := 0, 0
	for pos < len(s) {
		digit, width := digitAt(s[pos:])
		if digit < 0 {
			break
		}
		n = min(n*10+digit, maxExponent)
		pos += width
		digits++
	}
	if digits == 0 {
		return 0
	}
	if negative {
		n = -n
	}
	t.exp += n
	return pos
}

// maxExponent is past every double; a larger one means the same.
const maxExponent = 100_000

// digitAt is the decimal digit that s begins with, -1 if it is none.
func digitAt(s string) (digit, width int) {
	c := s[0]
	if c < utf8.RuneSelf {
		if c >= '0' && c <= '9' {
			return int(c - '0'), 1
		}
		return -1, 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if !unicode.Is(unicode.Nd, r) {
		return -1, n
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
		zero--
	}
	return int(r - zero), n
}

// number makes the value, and takes the percent out of it.
func (t *numberText) number(negative bool, nf *NumberFormat) Num {
	n, isLong := t.long(negative, nf.integerOnly)
	var f float64
	if !isLong {
		f = t.double()
	}
	if m := int64(nf.multiplier); m != 1 {
		switch {
		case !isLong:
			f /= float64(m)
		case n%m == 0:
			n /= m
		default:
			f, isLong = float64(n)/float64(m), false
		}
	}
	if negative {
		n, f = -n, -f
	}
	if isLong {
		return Num{Long: n}
	}
	if whole := DoubleToLong(f); nf.multiplier != 1 && f == float64(whole) && (f != 0 || !math.Signbit(f)) {
		return Num{Long: whole}
	}
	return Num{Double: f, IsDouble: true}
}

// long gives the magnitude if it is whole and fits; -0 is a double.
func (t *numberText) long(negative, ignoreNegativeZero bool) (int64, bool) {
	dd := decimalDigits{t.d, t.exp}
	dd.trim()
	if len(dd.d) == 0 {
		return 0, !negative || ignoreNegativeZero
	}
	if dd.exp < len(dd.d) || dd.exp > 19 {
		return 0, false
	}
	var n uint64
	for i := range dd.exp {
		n *= 10
		if i < len(dd.d) {
			n += uint64(dd.d[i] - '0')
		}
	}
	if n > math.MaxInt64 && (!negative || n > 1<<63) {
		return 0, false
	}
	return int64(n), true
}

func (t *numberText) double() float64 {
	if len(t.d) == 0 {
		return 0
	}
	text := append([]byte("0."), t.d...)
	text = append(text, 'e')
	text = strconv.AppendInt(text, int64(t.exp), 10)
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0
	}
	return f
}
