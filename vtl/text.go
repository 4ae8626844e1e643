package vtl

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidings/vtl/internal/java"
)

const asciiText = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f" +
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f"

func itoa(n int) string { return strconv.Itoa(n) }

// text returns what a value prints, charged as a new string unless it is one.
func (r *render) text(v Value) (string, error) {
	if v.kind == KindString {
		return v.str(), nil
	}
	start := len(r.out)
	if err := r.print(v); err != nil {
		return "", err
	}
	return r.cut(start)
}

// cut takes what was written behind start out of the output, as a string.
func (r *render) cut(start int) (string, error) {
	n := len(r.out) - start
	if err := r.chargeString(n); err != nil {
		return "", err
	}
	s := string(r.out[start:])
	r.out = r.out[:start]
	return s, nil
}

// print appends what a value prints (toString) to the output.
func (r *render) print(v Value) error {
	switch v.kind {
	case KindString:
		return r.write(v.str())
	case KindInt32, KindInt64:
		r.out = strconv.AppendInt(r.out, v.int(), 10)
	case KindFloat64:
		r.out = java.AppendDouble(r.out, v.float())
	case KindList, KindMap, KindEntry, KindObject, kindLoop:
		return r.printNested(v)
	case kindDefine:
		// It becomes part of a string: what is written is the reference that holds that.
		r.quoted++
		ok, err := r.runDefine(v.define())
		r.quoted--
		if err == nil && !ok {
			return r.write("null")
		}
		return err
	default:
		return r.write(plainText(v))
	}
	return r.checkOutput()
}

// printNested prints what may hold other values, and in a circle itself. The depth is
// counted by the render, since objects print what they hold by calls of their own.
func (r *render) printNested(v Value) error {
	if err := r.deeper(r.printing); err != nil {
		return err
	}
	r.printing++
	defer func() { r.printing-- }()
	switch v.kind {
	case KindList:
		return r.printList(r.list(v))
	case KindMap:
		return r.printMap(r.mapping(v))
	case KindEntry:
		e := v.entry()
		return r.printPair(e.key, r.entryValue(e), nil)
	case KindObject:
		s, err := v.object().Text(&r.call)
		if err != nil {
			return err
		}
		return r.write(s)
	}
	if store := v.loop().store; store != nil {
		return r.printMap(store)
	}
	return r.write("{}")
}

// plainText prints the kinds that need no render: null, numbers, booleans, characters.
func plainText(v Value) string {
	switch v.kind {
	case KindNull:
		return "null"
	case KindString:
		return v.str()
	case KindInt32, KindInt64:
		return strconv.FormatInt(v.int(), 10)
	case KindBig:
		return v.big().String()
	case KindFloat64:
		return string(java.AppendDouble(nil, v.float()))
	case KindFloat32:
		return string(java.AppendFloat(nil, float32(v.float())))
	case KindDecimal:
		return v.decimal().String()
	case KindBool:
		if v.num != 0 {
			return "true"
		}
		return "false"
	case KindChar:
		return charText(uint16(v.num))
	}
	return ""
}

// deeper guards against values that hold each other in a circle.
func (r *render) deeper(depth int) error {
	if depth >= r.limits.TextDepth {
		return limitError(KindLimitDepth, "lists and maps nest deeper than "+itoa(r.limits.TextDepth)+", or in a circle")
	}
	return nil
}

func (r *render) printList(l *List) error {
	r.out = append(r.out, '[')
	for i := range l.Len() {
		if i > 0 {
			r.out = append(r.out, ", "...)
		}
		if err := r.step(); err != nil {
			return err
		}
		item := l.At(i)
		if item.kind == KindList && r.list(item) == l {
			r.out = append(r.out, "(this Collection)"...)
		} else if err := r.print(item); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return r.checkOutput()
}

func (r *render) printMap(m *Map) error {
	r.out = append(r.out, '{')
	for i := range m.entries {
		if i > 0 {
			r.out = append(r.out, ", "...)
		}
		if err := r.step(); err != nil {
			return err
		}
		if err := r.printPair(m.entries[i].key, m.entries[i].val, m); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	return r.checkOutput()
}

// printPair prints key=value; within is the map that they are of.
func (r *render) printPair(key, val Value, within *Map) error {
	for i, v := range [2]Value{key, val} {
		if i == 1 {
			r.out = append(r.out, '=')
		}
		if within != nil && v.kind == KindMap && r.mapping(v) == within {
			r.out = append(r.out, "(this Map)"...)
		} else if err := r.print(v); err != nil {
			return err
		}
	}
	return nil
}

// surrogateAt reports whether a WTF-8 surrogate half stands at i, and which.
func surrogateAt[T string | []byte](s T, i int) (unit rune, ok bool) {
	if i+2 >= len(s) || s[i] != 0xED || s[i+1] < 0xA0 || s[i+1] > 0xBF {
		return 0, false
	}
	return 0xD000 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), true
}

// finish repairs surrogate halves in the output from start on: two that met become
// one character, a lone one becomes '?'.
func finish(out []byte, start int) []byte {
	if bytes.IndexByte(out[start:], 0xED) < 0 {
		return out
	}
	w := start
	for i := start; i < len(out); {
		high, ok := surrogateAt(out, i)
		if !ok {
			out[w] = out[i]
			w, i = w+1, i+1
			continue
		}
		i += 3
		low, ok := surrogateAt(out, i)
		if high < 0xDC00 && ok && low >= 0xDC00 {
			w += utf8.EncodeRune(out[w:], 0x10000+(high-0xD800)<<10+(low-0xDC00))
			i += 3
			continue
		}
		out[w] = '?'
		w++
	}
	return out[:w]
}

// joinSurrogates makes one character of two halves that met in a string.
func joinSurrogates(s string) string {
	i := strings.IndexByte(s, 0xED)
	if i < 0 {
		return s
	}
	var b strings.Builder
	from := 0
	for ; i+5 < len(s); i++ {
		high, ok := surrogateAt(s, i)
		if !ok || high >= 0xDC00 {
			continue
		}
		low, ok := surrogateAt(s, i+3)
		if !ok || low < 0xDC00 {
			continue
		}
		b.WriteString(s[from:i])
		b.WriteRune(0x10000 + (high-0xD800)<<10 + (low - 0xDC00))
		i += 5
		from = i + 1
	}
	b.WriteString(s[from:])
	return b.String()
}
