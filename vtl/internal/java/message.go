package java

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// illegal is an IllegalArgumentException.
func illegal(message string) error {
	return &FormatError{"java.lang.IllegalArgumentException", message}
}

// Message is MessageFormat.format: {index}, {index,type} and {index,type,style}
// stand for arguments, quotes for literal text. The error is a *FormatError or
// ErrTooLong.
func (p Printer) Message(pattern string, args []any) (string, error) {
	return p.message(pattern, args, 0)
}

// maxChoices is how deep choices nest: each level reads its text anew.
const maxChoices = 10

func (p Printer) message(pattern string, args []any, depth int) (string, error) {
	if depth > maxChoices {
		return "", illegal("choices nest deeper than " + strconv.Itoa(maxChoices))
	}
	m := messageReader{p: p, src: pattern, depth: depth}
	for m.pos < len(pattern) {
		if len(m.out) > p.Max {
			return "", ErrTooLong
		}
		c := pattern[m.pos]
		m.pos++
		switch {
		case c == '\'' && strings.HasPrefix(pattern[m.pos:], "'"):
			m.pos++
			m.out = append(m.out, c)
		case c == '\'':
			m.quoted = !m.quoted
		case c == '{' && !m.quoted:
			element, err := m.element()
			if err != nil {
				return "", err
			}
			if err := m.argument(element, args); err != nil {
				return "", err
			}
		default:
			m.out = append(m.out, c)
		}
	}
	if len(m.out) > p.Max {
		return "", ErrTooLong
	}
	return string(m.out), nil
}

type messageReader struct {
	p      Printer
	src    string
	pos    int
	quoted bool
	depth  int // of choices
	out    []byte
}

// element reads from behind a { to its }: index, type and style.
func (m *messageReader) element() (parts [3]string, err error) {
	var segments [3][]byte
	part, depth, quoted := 0, 0, false
	for m.pos < len(m.src) {
		c := m.src[m.pos]
		m.pos++
		switch {
		case quoted:
			quoted = c != '\''
		case c == '\'':
			quoted = true
		case c == ' ' && part == 1 && len(segments[1]) == 0:
			continue
		case c == ',' && part < 2:
			part++
			continue
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			for i, s := range segments {
				parts[i] = string(s)
			}
			return parts, nil
		}
		segments[part] = append(segments[part], c)
	}
	return parts, illegal("Unmatched braces in the pattern.")
}

// argument appends the argument of one element.
func (m *messageReader) argument(element [3]string, args []any) error {
	index, ok := ParseInt(element[0], 10)
	if !ok {
		return illegal("can't parse argument number: " + element[0])
	}
	if index < 0 {
		return illegal("negative argument number: " + element[0])
	}
	f, err := m.format(element[1], element[2])
	if err != nil {
		return err
	}
	if int(index) >= len(args) {
		m.out = append(strconv.AppendInt(append(m.out, '{'), int64(index), 10), '}')
		return nil
	}
	arg := args[index]
	switch {
	case arg == nil:
		m.out = append(m.out, "null"...)
		return nil
	case f != nil:
		return f(arg, args)
	}
	switch v := arg.(type) {
	case Date:
		df := m.p.Locale.DateStyle(Short, Short)
		m.out = df.Append(m.out, int64(v), m.p.Zone)
	case int32, int64, *big.Int, float32, float64, Decimal:
		nf := m.p.Locale.Number()
		m.out, _ = nf.AppendAny(m.out, v)
	default:
		m.out = append(m.out, m.p.text(v)...)
	}
	return nil
}

// elementFormat appends an argument; args are all of them, for choices.
type elementFormat func(arg any, args []any) error

// format finds what type and style mean; nil for an element without a type.
func (m *messageReader) format(kind, style string) (elementFormat, error) {
	switch strings.ToLower(Trim(kind)) {
	case "":
		return nil, nil
	case "number":
		return m.numberFormat(style)
	case "date":
		return m.dateFormat(style, true)
	case "time":
		return m.dateFormat(style, false)
	case "choice":
		return m.choice(style)
	}
	return nil, illegal("unknown format type: " + kind)
}

func (m *messageReader) numberFormat(style string) (elementFormat, error) {
	var nf NumberFormat
	switch strings.ToLower(Trim(style)) {
	case "":
		nf = m.p.Locale.Number()
	case "currency":
		nf = m.p.Locale.Currency()
	case "percent":
		nf = m.p.Locale.Percent()
	case "integer":
		nf = m.p.Locale.Integer()
	default:
		var err error
		if nf, err = ParseNumberFormat(style, m.p.Locale); err != nil {
			return nil, illegal(err.Error())
		}
	}
	return func(arg any, _ []any) error {
		var ok bool
		if m.out, ok = nf.AppendAny(m.out, arg); !ok {
			return illegal("Cannot format given Object as a Number")
		}
		return nil
	}, nil
}

// AppendAny appends an argument that is a number; false if it is none.
func (nf *NumberFormat) AppendAny(dst []byte, arg any) ([]byte, bool) {
	switch v := arg.(type) {
	case int32:
		return nf.AppendLong(dst, int64(v)), true
	case int64:
		return nf.AppendLong(dst, v), true
	case *big.Int:
		return nf.AppendBig(dst, v), true
	case float32:
		return nf.AppendDouble(dst, float64(v)), true
	case float64:
		return nf.AppendDouble(dst, v), true
	case Decimal:
		return nf.AppendDecimal(dst, v), true
	}
	return dst, false
}

func (m *messageReader) dateFormat(style string, date bool) (elementFormat, error) {
	kind := Medium
	switch strings.ToLower(Trim(style)) {
	case "", "medium":
	case "short":
		kind = Short
	case "long":
		kind = Long
	case "full":
		kind = Full
	default:
		df, err := ParseDateFormat(style, m.p.Locale)
		if err != nil {
			return nil, illegal(err.Error())
		}
		return m.dateElement(df), nil
	}
	if date {
		return m.dateElement(m.p.Locale.DateStyle(kind, NoStyle)), nil
	}
	return m.dateElement(m.p.Locale.DateStyle(NoStyle, kind)), nil
}

func (m *messageReader) dateElement(df DateFormat) elementFormat {
	return func(arg any, _ []any) error {
		ms, ok := millisOf(arg)
		if !ok {
			return illegal("Cannot format given Object as a Date")
		}
		m.out = df.Append(m.out, ms, m.p.Zone)
		return nil
	}
}

func millisOf(arg any) (int64, bool) {
	switch v := arg.(type) {
	case Date:
		return int64(v), true
	case int64:
		return v, true
	}
	f, ok := doubleOf(arg)
	return DoubleToLong(f), ok
}

func doubleOf(arg any) (float64, bool) {
	switch v := arg.(type) {
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	case Decimal:
		return v.Float64(), true
	}
	return 0, false
}

// choiceLimit is one alternative of a choice: it holds from low on.
type choiceLimit struct {
	low  float64
	text string
}

func (m *messageReader) choice(style string) (elementFormat, error) {
	limits, err := parseChoice(style)
	if err != nil {
		return nil, err
	}
	return func(arg any, args []any) error {
		f, ok := doubleOf(arg)
		if !ok {
			return illegal("Cannot format given Object as a Number")
		}
		if len(limits) == 0 {
			return &FormatError{"java.lang.ArrayIndexOutOfBoundsException", "Index 0 out of bounds for length 0"}
		}
		at := 0
		for i, l := range limits {
			if !(f >= l.low) {
				break
			}
			at = i
		}
		text := limits[at].text
		if !strings.Contains(text, "{") {
			m.out = append(m.out, text...)
			return nil
		}
		inner := m.p
		inner.Max -= len(m.out)
		out, err := inner.message(text, args, m.depth+1)
		m.out = append(m.out, out...)
		return err
	}, nil
}

// parseChoice reads limit#text|limit<text; < begins just above the limit.
func parseChoice(style string) ([]choiceLimit, error) {
	var limits []choiceLimit
	var segment []byte
	quoted, inText := false, false
	var low float64
	for pos := 0; pos < len(style); pos++ {
		c := style[pos]
		switch {
		case c == '\'' && strings.HasPrefix(style[pos+1:], "'"):
			segment = append(segment, c)
			pos++
		case c == '\'':
			quoted = !quoted
		case quoted:
			segment = append(segment, c)
		case (c == '#' || c == '<') && !inText:
			f, ok := choiceNumber(string(segment))
			if c == '<' {
				f = math.Nextafter(f, math.Inf(1))
			}
			if !ok || len(limits) > 0 && f <= limits[len(limits)-1].low {
				return nil, illegal("a choice with a bad limit: " + style)
			}
			low = f
			inText = true
			segment = segment[:0]
		case c == '|':
			limits = append(limits, choiceLimit{low, string(segment)})
			inText = false
			segment = segment[:0]
		default:
			segment = append(segment, c)
		}
	}
	if inText {
		limits = append(limits, choiceLimit{low, string(segment)})
	}
	return limits, nil
}

func choiceNumber(s string) (float64, bool) {
	switch s {
	case "∞":
		return math.Inf(1), true
	case "-∞":
		return math.Inf(-1), true
	}
	return ParseDouble(s)
}
