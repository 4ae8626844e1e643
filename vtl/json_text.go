package vtl

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// jsonText reads JSON that is in order, fast: texts without escapes are parts of
// the one string that holds the whole. Whatever is not plainly in order it leaves to
// the reader of encoding/json, which knows what to say about it.
type jsonText struct {
	src string
	pos int
}

// parse reads the whole text; false if it is left to the other reader.
func (p *jsonText) parse() (Value, bool) {
	v, ok := p.value(0)
	p.space()
	return v, ok && p.pos == len(p.src)
}

func (p *jsonText) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// take reads one character, after white space, if it is the one.
func (p *jsonText) take(c byte) bool {
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *jsonText) value(depth int) (Value, bool) {
	p.space()
	if p.pos >= len(p.src) || depth > maxJSONDepth {
		return Null, false
	}
	switch c := p.src[p.pos]; c {
	case '{':
		p.pos++
		return p.object(depth + 1)
	case '[':
		p.pos++
		return p.array(depth + 1)
	case '"':
		s, ok := p.text()
		return String(s), ok
	case 't':
		return Bool(true), p.word("true")
	case 'f':
		return Bool(false), p.word("false")
	case 'n':
		return Null, p.word("null")
	}
	return p.number()
}

func (p *jsonText) word(w string) bool {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

func (p *jsonText) object(depth int) (Value, bool) {
	m := NewMap(0)
	if depth > maxJSONDepth {
		return Null, false
	}
	if p.take('}') {
		return MapValue(m), true
	}
	for {
		p.space()
		key, ok := p.text()
		if !ok || !p.take(':') {
			return Null, false
		}
		val, ok := p.value(depth)
		if !ok {
			return Null, false
		}
		m.Set(key, val)
		if p.take('}') {
			return MapValue(m), true
		}
		if !p.take(',') {
			return Null, false
		}
	}
}

func (p *jsonText) array(depth int) (Value, bool) {
	l := &List{}
	if depth > maxJSONDepth {
		return Null, false
	}
	if p.take(']') {
		return ListValue(l), true
	}
	for {
		item, ok := p.value(depth)
		if !ok {
			return Null, false
		}
		l.items = append(l.items, item)
		if p.take(']') {
			return ListValue(l), true
		}
		if !p.take(',') {
			return Null, false
		}
	}
}

// text reads a string with its quotes.
func (p *jsonText) text() (string, bool) {
	if p.pos >= len(p.src) || p.src[p.pos] != '"' {
		return "", false
	}
	start, plain := p.pos, true
	for i := start + 1; i < len(p.src); i++ {
		switch c := p.src[i]; {
		case c == '"':
			p.pos = i + 1
			if plain {
				return p.src[start+1 : i], true
			}
			var s string
			err := json.Unmarshal([]byte(p.src[start:p.pos]), &s)
			return s, err == nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf && plain:
			r, size := utf8.DecodeRuneInString(p.src[i:])
			plain = r != utf8.RuneError || size > 1
			i += size - 1
		}
	}
	return "", false
}

// number reads a number by JSON's grammar.
func (p *jsonText) number() (Value, bool) {
	start := p.pos
	if p.pos < len(p.src) && p.src[p.pos] == '-' {
		p.pos++
	}
	first := p.pos
	if p.digits() == 0 || p.src[first] == '0' && p.pos > first+1 {
		return Null, false
	}
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		p.pos++
		if p.digits() == 0 {
			return Null, false
		}
	}
	if p.pos < len(p.src) && p.src[p.pos]|0x20 == 'e' {
		p.pos++
		if p.pos < len(p.src) && (p.src[p.pos] == '+' || p.src[p.pos] == '-') {
			p.pos++
		}
		if p.digits() == 0 {
			return Null, false
		}
	}
	v, err := jsonNumber(p.src[start:p.pos])
	return v, err == nil
}

func (p *jsonText) digits() int {
	start := p.pos
	for p.pos < len(p.src) && isDigit(p.src[p.pos]) {
		p.pos++
	}
	return p.pos - start
}
