package scope

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidings/vtl"
)

// Whole is an object that has fields: it is written as a JSON object where JSON is asked for.
type Whole interface{ Fields() *vtl.Map }

// MaxDepth bounds how deep a value may nest that is written as JSON.
const MaxDepth = 100

// textOf gives fields as JSON text.
func textOf(c *vtl.Call, m *vtl.Map) (string, error) {
	b, err := jsonWriter{c}.appendMap(nil, m, 0)
	if err == nil {
		err = c.Charge(len(b))
	}
	return string(b), err
}

// AppendJSON appends a value as JSON: numbers, booleans, lists and maps keep
// their types, text becomes a string. call is the render that the value is of,
// nil outside of one. The error says what about the value JSON has no word for.
func AppendJSON(b []byte, call *vtl.Call, v vtl.Value) ([]byte, error) {
	return jsonWriter{call}.append(b, v, 0)
}

type jsonWriter struct {
	call *vtl.Call // of the render that the values are of; nil outside of one
}

func (w jsonWriter) list(v vtl.Value) *vtl.List {
	if w.call == nil {
		return v.List()
	}
	l, _ := w.call.List(v)
	return l
}

func (w jsonWriter) mapping(v vtl.Value) *vtl.Map {
	if w.call == nil {
		return v.Map()
	}
	m, _ := w.call.Map(v)
	return m
}

func (w jsonWriter) append(b []byte, v vtl.Value, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return b, fmt.Errorf("nests deeper than %d, or in a circle", MaxDepth)
	}
	switch v.Kind() {
	case vtl.KindNull:
		return append(b, "null"...), nil
	case vtl.KindString:
		return AppendString(b, v.Str()), nil
	case vtl.KindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case vtl.KindInt32, vtl.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), nil
	case vtl.KindBig:
		return v.BigInt().Append(b, 10), nil
	case vtl.KindFloat64, vtl.KindFloat32:
		return appendFloat(b, v)
	case vtl.KindDecimal:
		d, _ := v.Decimal()
		return append(b, d.String()...), nil
	case vtl.KindChar:
		return AppendString(b, string(rune(v.Char()))), nil
	case vtl.KindList:
		return w.appendList(b, w.list(v), depth)
	case vtl.KindMap:
		return w.appendMap(b, w.mapping(v), depth)
	case vtl.KindEntry:
		key, val, _ := v.Entry()
		m := vtl.NewMap(2)
		m.Set("key", key)
		m.Set("value", val)
		return w.appendMap(b, m, depth)
	}
	if o, ok := v.Object().(Whole); ok {
		return w.appendMap(b, o.Fields(), depth)
	}
	return b, errors.New("is neither text, number, boolean, list nor map: write it in quotes")
}

// appendFloat keeps a point, so that what was no whole number does not become one.
func appendFloat(b []byte, v vtl.Value) ([]byte, error) {
	f, bits := v.Float64(), 64
	if v.Kind() == vtl.KindFloat32 {
		bits = 32
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("is %v, which JSON has no word for", f)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, format, -1, bits)
	if !strings.ContainsAny(string(b[start:]), ".e") {
		b = append(b, ".0"...)
	}
	return b, nil
}

func (w jsonWriter) appendList(b []byte, l *vtl.List, depth int) ([]byte, error) {
	b = append(b, '[')
	for i := range l.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = w.append(b, l.At(i), depth+1); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (w jsonWriter) appendMap(b []byte, m *vtl.Map, depth int) ([]byte, error) {
	b = append(b, '{')
	for i := range m.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		key, val := m.At(i)
		switch {
		case key.Kind() == vtl.KindString:
			b = AppendString(b, key.Str())
		case key.IsInteger():
			b = AppendString(b, key.BigInt().String())
		default:
			return b, errors.New("has a key that is neither a text nor a whole number")
		}
		b = append(b, ':')
		var err error
		if b, err = w.append(b, val, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// AppendString writes a JSON string with its quotes.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = AppendStringContent(b, s)
	return append(b, '"')
}

// AppendStringContent writes the inside of a JSON string. Only what JSON or
// JavaScript can't have in a string is escaped; what is not UTF-8 becomes U+FFFD.
func AppendStringContent(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029':
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// decimal reads a number of JSON without loss; false when its exponent is beyond all use.
func decimal(text string) (vtl.Decimal, bool) {
	digits, exp, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(digits, ".")
	e := 0
	if exp != "" {
		var err error
		if e, err = strconv.Atoi(exp); err != nil || e > 1000 || e < -1000 {
			return vtl.Decimal{}, false
		}
	}
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	return vtl.Decimal{Unscaled: n, Scale: int32(len(fraction) - e)}, ok
}
