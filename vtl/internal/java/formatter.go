package java

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Printer formats text with arguments. An argument is nil, string, bool, int32,
// int64, *big.Int, float32, float64, Decimal, Char or Date, or a fmt.Stringer
// for everything else.
type Printer struct {
	Locale *Locale
	Zone   *time.Location
	Max    int // bytes of a result
}

// Char is a Java char.
type Char rune

// Date is an instant in milliseconds since 1970 UTC.
type Date int64

// FormatError is an exception that Java throws for a format or an argument.
type FormatError struct {
	Exception string // the full class name
	Message   string
}

// Error returns the exception as Java prints it.
func (e *FormatError) Error() string { return e.Exception + ": " + e.Message }

func thrown(exception, message string) error {
	return &FormatError{"java.util." + exception, message}
}

// spec is one format specifier: %[index$][flags][width][.precision]conversion.
type spec struct {
	source    string
	index     int // from 1; 0: the next argument, -1: the one before
	flags     string
	width     int // -1: none
	precision int // -1: none
	conv      byte
	upper     bool
	date      byte // the letter behind t
}

func (s *spec) has(flag byte) bool { return strings.IndexByte(s.flags, flag) >= 0 }

// Format is String.format. The error is a *FormatError or ErrTooLong.
func (p Printer) Format(format string, args []any) (string, error) {
	var out []byte
	next, last := 0, -1
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			i = len(format)
		}
		if out = append(out, format[:i]...); len(out) > p.Max {
			return "", ErrTooLong
		}
		if i == len(format) {
			return string(out), nil
		}
		s, length, err := parseSpec(format[i:])
		if err != nil {
			return "", err
		}
		format = format[i+length:]
		if s.conv == 'n' || s.conv == '%' {
			if out, err = p.fixed(out, s); err != nil {
				return "", err
			}
			continue
		}
		at := s.index - 1
		switch s.index {
		case 0:
			at = next
			next++
		case -1:
			at = last
		}
		if at < 0 || at >= len(args) {
			return "", thrown("MissingFormatArgumentException", "Format specifier '"+s.source+"'")
		}
		last = at
		if out, err = p.convert(out, s, args[at]); err != nil {
			return "", err
		}
	}
}

// parseSpec reads the specifier that s begins with.
func parseSpec(s string) (spec, int, error) {
	sp := spec{width: -1, precision: -1}
	pos := 1
	number := func() (int, bool) {
		start := pos
		for pos < len(s) && s[pos] >= '0' && s[pos] <= '9' {
			pos++
		}
		n, err := strconv.ParseInt(s[start:pos], 10, 32)
		return int(n), err == nil
	}
	if n, ok := number(); ok && pos < len(s) && s[pos] == '$' && s[1] != '0' {
		sp.index = n
		pos++
	} else {
		pos = 1
		if strings.HasPrefix(s[1:], "<") {
			sp.index = -1
			pos = 2
		}
	}
	start := pos
	for pos < len(s) && strings.IndexByte("-#+ 0,(<", s[pos]) >= 0 {
		if s[pos] == '<' {
			sp.index = -1
		} else if strings.IndexByte(s[start:pos], s[pos]) >= 0 {
			return sp, 0, thrown("DuplicateFormatFlagsException", "Flags = '"+s[pos:pos+1]+"'")
		}
		pos++
	}
	sp.flags = s[start:pos]
	if start = pos; pos < len(s) && s[pos] >= '0' && s[pos] <= '9' {
		n, ok := number()
		if !ok {
			return sp, 0, thrown("IllegalFormatWidthException", s[start:pos])
		}
		sp.width = n
	}
	if pos < len(s) && s[pos] == '.' {
		pos++
		start = pos
		n, ok := number()
		if start == pos {
			return sp, 0, thrown("UnknownFormatConversionException", "Conversion = '.'")
		}
		if !ok {
			return sp, 0, thrown("IllegalFormatPrecisionException", s[start:pos])
		}
		sp.precision = n
	}
	return finishSpec(sp, s, pos)
}

func finishSpec(sp spec, s string, pos int) (spec, int, error) {
	if pos == len(s) {
		return sp, 0, thrown("UnknownFormatConversionException", "Conversion = '%'")
	}
	c := s[pos]
	pos++
	switch {
	case c == 't' || c == 'T':
		if pos == len(s) {
			return sp, 0, thrown("UnknownFormatConversionException", "Conversion = '"+string(c)+"'")
		}
		sp.date = s[pos]
		pos++
		sp.upper = c == 'T'
		c = 't'
	case strings.IndexByte("BHSCXEG", c) >= 0:
		sp.upper = true
		c |= 0x20
	}
	if strings.IndexByte("bhscdoxefgtn%", c) < 0 {
		r, _ := utf8.DecodeRuneInString(s[pos-1:])
		return sp, 0, thrown("UnknownFormatConversionException", "Conversion = '"+string(r)+"'")
	}
	if c == 't' && sp.date != 's' && sp.date != 'Q' && datePattern(sp.date) == "" {
		return sp, 0, thrown("UnknownFormatConversionException", "Conversion = 't"+string(rune(sp.date))+"'")
	}
	sp.conv = c
	sp.source = s[:pos]
	return sp, pos, sp.check()
}

// badFlags are the flags that a conversion does not take.
func (s *spec) badFlags() string {
	switch s.conv {
	case 'b', 'h':
		return "#+ 0,("
	case 's':
		return "+ 0,("
	case 'c', 't':
		return "#+ 0,("
	case 'd':
		return "#"
	case 'o', 'x':
		return ","
	case 'e':
		return ","
	case 'g':
		return "#"
	}
	return ""
}

// check refuses what Java refuses before it looks at the argument, in its order.
func (s *spec) check() error {
	numeric := strings.IndexByte("doxefg", s.conv) >= 0
	precise := strings.IndexByte("dxoct%n", s.conv) < 0
	noWidth := s.width < 0 && s.conv != 'n' && (s.has('-') || numeric && s.has('0'))
	bad := s.firstBadFlag()
	switch {
	case !numeric && !precise && s.precision >= 0:
		return thrown("IllegalFormatPrecisionException", strconv.Itoa(s.precision))
	case s.conv == 'n' && s.width >= 0:
		return thrown("IllegalFormatWidthException", strconv.Itoa(s.width))
	case s.conv == 'n' && s.flags != "", s.conv == '%' && strings.Trim(s.flags, "-") != "":
		return thrown("IllegalFormatFlagsException", "Flags = '"+s.flags+"'")
	case bad != 0 && (s.conv == 'c' || s.conv == 't' || bad == '#' && !numeric):
		return s.flagMismatch(bad)
	case noWidth:
		return thrown("MissingFormatWidthException", s.source)
	case numeric && (s.has('+') && s.has(' ') || s.has('-') && s.has('0')):
		return thrown("IllegalFormatFlagsException", "Flags = '"+s.flags+"'")
	case !precise && s.precision >= 0:
		return thrown("IllegalFormatPrecisionException", strconv.Itoa(s.precision))
	case bad != 0:
		return s.flagMismatch(bad)
	}
	return nil
}

// firstBadFlag is a flag that the conversion does not take, 0 if there is none.
func (s *spec) firstBadFlag() byte {
	for _, flag := range []byte(s.badFlags()) {
		if s.has(flag) {
			return flag
		}
	}
	return 0
}

func (s *spec) flagMismatch(flag byte) error {
	return thrown("FormatFlagsConversionMismatchException",
		"Conversion = "+string(rune(s.conv))+", Flags = "+string(rune(flag)))
}

func (s *spec) mismatch(arg any) error {
	return thrown("IllegalFormatConversionException", string(rune(s.conv))+" != "+className(arg))
}

// className is the Java class of an argument, for messages.
func className(arg any) string {
	switch arg.(type) {
	case string:
		return "java.lang.String"
	case bool:
		return "java.lang.Boolean"
	case int32:
		return "java.lang.Integer"
	case int64:
		return "java.lang.Long"
	case *big.Int:
		return "java.math.BigInteger"
	case float32:
		return "java.lang.Float"
	case float64:
		return "java.lang.Double"
	case Decimal:
		return "java.math.BigDecimal"
	case Char:
		return "java.lang.Character"
	case Date:
		return "java.util.Date"
	}
	return "java.lang.Object"
}

func (p Printer) fixed(out []byte, s spec) ([]byte, error) {
	if s.conv == 'n' {
		return append(out, '\n'), nil
	}
	return p.justify(out, s, "%")
}

// justify appends text in the width of the specifier, in upper case if it asks.
func (p Printer) justify(out []byte, s spec, text string) ([]byte, error) {
	if s.upper {
		text = p.Locale.ToUpper(text)
	}
	pad := s.width - Len(text)
	if pad > p.Max-len(out) || len(out)+len(text) > p.Max {
		return nil, ErrTooLong
	}
	if s.has('-') {
		return appendBlanks(append(out, text...), pad), nil
	}
	return append(appendBlanks(out, pad), text...), nil
}

func appendBlanks(dst []byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, ' ')
	}
	return dst
}

func (p Printer) convert(out []byte, s spec, arg any) ([]byte, error) {
	switch s.conv {
	case 'd', 'o', 'x', 'e', 'f', 'g', 'c', 't':
		if arg == nil {
			return p.truncated(out, s, "null")
		}
	}
	switch s.conv {
	case 'b':
		b, isBool := arg.(bool)
		return p.truncated(out, s, strconv.FormatBool(b || !isBool && arg != nil))
	case 'h':
		if arg == nil {
			return p.truncated(out, s, "null")
		}
		return p.truncated(out, s, strconv.FormatUint(uint64(uint32(hashOf(arg))), 16))
	case 's':
		if s.has('#') {
			return nil, s.flagMismatch('#')
		}
		return p.truncated(out, s, p.text(arg))
	case 'c':
		return p.char(out, s, arg)
	case 't':
		return p.date(out, s, arg)
	case 'd', 'o', 'x':
		return p.integer(out, s, arg)
	}
	return p.float(out, s, arg)
}

// truncated justifies what the precision leaves of text.
func (p Printer) truncated(out []byte, s spec, text string) ([]byte, error) {
	if s.precision >= 0 && s.precision < Len(text) {
		text, _ = Substring(text, 0, s.precision)
	}
	return p.justify(out, s, text)
}

// text is what String.valueOf gives.
func (p Printer) text(arg any) string {
	switch v := arg.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int32:
		return strconv.FormatInt(int64(v), 10)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float32:
		return string(AppendFloat(nil, v))
	case float64:
		return string(AppendDouble(nil, v))
	case Decimal:
		return v.String()
	case Char:
		return string(rune(v))
	case Date:
		return string(AppendDate(nil, int64(v), p.Zone))
	case fmt.Stringer:
		return v.String()
	}
	return ""
}

func hashOf(arg any) int32 {
	switch v := arg.(type) {
	case string:
		return HashCode(v)
	case bool:
		if v {
			return 1231
		}
		return 1237
	case int32:
		return v
	case int64:
		return LongHash(v)
	case float64:
		return DoubleHash(v)
	case Char:
		return int32(v)
	case Date:
		return LongHash(int64(v))
	case fmt.Stringer:
		return HashCode(v.String())
	}
	return 0
}

func (p Printer) char(out []byte, s spec, arg any) ([]byte, error) {
	switch v := arg.(type) {
	case Char:
		return p.justify(out, s, string(rune(v)))
	case int32:
		if v < 0 || v > utf8.MaxRune {
			return nil, thrown("IllegalFormatCodePointException", "Code point = 0x"+strconv.FormatUint(uint64(uint32(v)), 16))
		}
		return p.justify(out, s, string(v))
	}
	return nil, s.mismatch(arg)
}
