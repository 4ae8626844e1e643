package java

import (
	"math"
	"math/big"
	"strconv"
)

// maxDigits bounds the digits that a precision can ask for.
const maxDigits = 1 << 16

func (p Printer) integer(out []byte, s spec, arg any) ([]byte, error) {
	n := new(big.Int)
	unsigned := 0 // bits that a negative number wraps round in, in octal and hexadecimal
	switch v := arg.(type) {
	case int32:
		n.SetInt64(int64(v))
		unsigned = 32
	case int64:
		n.SetInt64(v)
		unsigned = 64
	case *big.Int:
		n.Set(v)
	default:
		return nil, s.mismatch(arg)
	}
	base := map[byte]int{'d': 10, 'o': 8, 'x': 16}[s.conv]
	if unsigned > 0 && base != 10 {
		for _, flag := range []byte("( +") {
			if s.has(flag) {
				return nil, s.flagMismatch(flag)
			}
		}
		if n.Sign() < 0 {
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(unsigned)))
		}
	}
	negative := n.Sign() < 0
	digits := n.Abs(n).Text(base)
	prefix := ""
	if s.has('#') && base == 16 {
		prefix = "0x"
	} else if s.has('#') && base == 8 {
		prefix = "0"
	}
	return p.number(out, s, negative, numberParts{prefix: prefix, digits: digits})
}

// numberParts are the texts that make a number.
type numberParts struct {
	prefix, digits string // digits may hold a '.'
	exponent       string // with its e
}

// number puts sign, groups, zeros and width around the digits.
func (p Printer) number(out []byte, s spec, negative bool, n numberParts) ([]byte, error) {
	width := s.width
	if width > p.Max-len(out) || len(n.digits) > p.Max-len(out) {
		return nil, ErrTooLong
	}
	b := s.sign(negative) + n.prefix
	if s.has(',') {
		b += p.grouped(n.digits)
	} else {
		b += p.localPoint(n.digits)
	}
	b += n.exponent
	end := ""
	if negative && s.has('(') {
		end = ")"
	}
	if s.has('0') {
		lead := len(s.sign(negative)) + len(n.prefix)
		if fill := width - Len(b) - len(end); fill > 0 {
			zeros := make([]byte, fill)
			for i := range zeros {
				zeros[i] = '0'
			}
			b = b[:lead] + string(zeros) + b[lead:]
		}
	}
	return p.justify(out, s, b+end)
}

func (s *spec) sign(negative bool) string {
	switch {
	case negative && s.has('('):
		return "("
	case negative:
		return "-"
	case s.has('+'):
		return "+"
	case s.has(' '):
		return " "
	}
	return ""
}

// localPoint writes the decimal point as the locale does.
func (p Printer) localPoint(digits string) string {
	for i := range len(digits) {
		if digits[i] == '.' {
			return digits[:i] + p.Locale.symbols.decimal + digits[i+1:]
		}
	}
	return digits
}

// grouped writes the separators of thousands and the decimal point.
func (p Printer) grouped(digits string) string {
	point := len(digits)
	for i := range len(digits) {
		if digits[i] == '.' {
			point = i
			break
		}
	}
	b := make([]byte, 0, len(digits)*2)
	for i := range point {
		if i > 0 && (point-i)%3 == 0 {
			b = append(b, p.Locale.symbols.group...)
		}
		b = append(b, digits[i])
	}
	return string(b) + p.localPoint(digits[point:])
}

func (p Printer) float(out []byte, s spec, arg any) ([]byte, error) {
	switch v := arg.(type) {
	case float64:
		return p.double(out, s, v, decimalDigits{})
	case float32:
		return p.double(out, s, float64(v), floatDigits(v))
	case Decimal:
		d := new(big.Int).Abs(v.Unscaled).Append(nil, 10)
		dd := decimalDigits{d, len(d) - int(v.Scale)}
		dd.trim()
		return p.decimal(out, s, dd, v.Unscaled.Sign() < 0)
	}
	return nil, s.mismatch(arg)
}

func floatDigits(f float32) decimalDigits {
	if f == 0 || math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return decimalDigits{}
	}
	var dg digits
	dg.setFloat(float32(math.Abs(float64(f))))
	dd := decimalDigits{dg.d[:dg.n], dg.exp}
	dd.trim()
	return dd
}

func (p Printer) double(out []byte, s spec, f float64, dd decimalDigits) ([]byte, error) {
	negative := math.Signbit(f) && !math.IsNaN(f)
	switch {
	case math.IsNaN(f):
		return p.justify(out, spec{width: s.width, flags: s.flags, upper: s.upper}, "NaN")
	case math.IsInf(f, 0):
		plain := s
		plain.flags = withoutZero(s.flags)
		text := s.sign(negative) + "Infinity"
		if negative && s.has('(') {
			text += ")"
		}
		return p.justify(out, plain, text)
	}
	if dd.d == nil && f != 0 {
		var dg digits
		dg.setDouble(math.Abs(f), false)
		dd = decimalDigits{dg.d[:dg.n], dg.exp}
		dd.trim()
	}
	return p.decimal(out, s, dd, negative)
}

func withoutZero(flags string) string {
	b := make([]byte, 0, len(flags))
	for i := range len(flags) {
		if flags[i] != '0' {
			b = append(b, flags[i])
		}
	}
	return string(b)
}

// decimal writes a number in fixed, scientific or general form; halves are
// rounded up, judged by the digits that Double.toString has.
func (p Printer) decimal(out []byte, s spec, dd decimalDigits, negative bool) ([]byte, error) {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	if precision > maxDigits || precision > p.Max-len(out) {
		return nil, ErrTooLong
	}
	dd.d = append([]byte(nil), dd.d...)
	switch s.conv {
	case 'f':
		return p.number(out, s, negative, numberParts{digits: s.plain(dd, precision)})
	case 'e':
		return p.number(out, s, negative, s.scientific(dd, precision))
	}
	precision = max(precision, 1)
	if len(dd.d) == 0 {
		return p.number(out, s, negative, numberParts{digits: s.plain(dd, precision-1)})
	}
	dd.roundHalfUp(precision)
	if dd.exp < -3 || dd.exp > precision {
		return p.number(out, s, negative, s.scientific(dd, precision-1))
	}
	return p.number(out, s, negative, numberParts{digits: s.plain(dd, precision-dd.exp)})
}

// plain is the number with a fixed count of decimals.
func (s *spec) plain(dd decimalDigits, decimals int) string {
	dd.roundHalfUp(dd.exp + decimals)
	b := make([]byte, 0, max(dd.exp, 1)+decimals+1)
	at := func(i int) byte {
		if i >= 0 && i < len(dd.d) {
			return dd.d[i]
		}
		return '0'
	}
	for i := range max(dd.exp, 0) {
		b = append(b, at(i))
	}
	if len(b) == 0 {
		b = append(b, '0')
	}
	if decimals > 0 || s.has('#') {
		b = append(b, '.')
	}
	for i := range decimals {
		b = append(b, at(dd.exp+i))
	}
	return string(b)
}

func (s *spec) scientific(dd decimalDigits, decimals int) numberParts {
	dd.roundHalfUp(decimals + 1)
	exp := dd.exp - 1
	if len(dd.d) == 0 {
		exp = 0
	}
	dd.exp = 1
	sign := byte('+')
	if exp < 0 {
		sign, exp = '-', -exp
	}
	text := appendPadded([]byte{'e', sign}, exp, 2)
	return numberParts{digits: s.plain(dd, decimals), exponent: string(text)}
}

// date writes the conversions that begin with t.
func (p Printer) date(out []byte, s spec, arg any) ([]byte, error) {
	var ms int64
	switch v := arg.(type) {
	case Date:
		ms = int64(v)
	case int64:
		ms = v
	default:
		return nil, s.mismatch(arg)
	}
	switch s.date {
	case 's':
		return p.justify(out, s, strconv.FormatInt(floorDiv(ms, msPerSecond), 10))
	case 'Q':
		return p.justify(out, s, strconv.FormatInt(ms, 10))
	}
	f, err := ParseDateFormat(datePattern(s.date), p.Locale)
	if err != nil {
		return nil, thrown("UnknownFormatConversionException", err.Error())
	}
	f.solo = false
	text := string(f.Append(nil, ms, p.Zone))
	if s.date == 'p' {
		text = p.Locale.ToLower(text)
	}
	return p.justify(out, s, text)
}

// datePattern is the date pattern that a letter behind t stands for.
func datePattern(letter byte) string {
	switch letter {
	case 'H':
		return "HH"
	case 'I':
		return "hh"
	case 'k':
		return "H"
	case 'l':
		return "h"
	case 'M':
		return "mm"
	case 'S':
		return "ss"
	case 'L':
		return "SSS"
	case 'N':
		return "SSS'000000'"
	case 'p':
		return "a"
	case 'z':
		return "Z"
	case 'Z':
		return "z"
	case 'B':
		return "MMMM"
	case 'b', 'h':
		return "MMM"
	case 'A':
		return "EEEE"
	case 'a':
		return "E"
	case 'Y':
		return "yyyy"
	case 'y':
		return "yy"
	case 'j':
		return "DDD"
	case 'm':
		return "MM"
	case 'd':
		return "dd"
	case 'e':
		return "d"
	case 'R':
		return "HH:mm"
	case 'T':
		return "HH:mm:ss"
	case 'r':
		return "hh:mm:ss a"
	case 'D':
		return "MM/dd/yy"
	case 'F':
		return "yyyy-MM-dd"
	case 'c':
		return "E MMM dd HH:mm:ss z yyyy"
	}
	return ""
}
