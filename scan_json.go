package tidings

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// maxNesting bounds the objects and arrays inside one activity. A right one
// needs four levels; the rest is room for a precise answer about a wrong one.
const maxNesting = 32

// lexer reads JSON (RFC 8259, strictly) from src and squeezes out white space
// on the way: what was read since squeezing began stands, without white space,
// in src before out and from run to pos. As nothing grows, all of it happens
// in src itself, and text without white space is never moved.
//
// Methods that return ok leave the place and the reason of a failure in badAt
// and why. After a failure nothing more may be read.
type lexer struct {
	src    []byte
	pos    int
	out    int  // end of the squeezed text
	run    int  // start of the text that is yet to be moved to out
	frozen bool // src belongs to others: leave it as it is

	// About the string read last.
	escaped bool
	flawed  bool   // its characters are not Unicode text
	flawAt  int    // where, when flawed
	flaw    string // why, when flawed

	badAt int    // where reading failed: a byte offset in src, from 0
	why   string // what is wrong there
}

// token gives the next byte that is not white space, unread; 0 at the end.
func (x *lexer) token() byte {
	if x.pos < len(x.src) {
		if c := x.src[x.pos]; c > ' ' {
			return c
		}
	}
	return x.gap()
}

// gap is token where white space, a control character or the end comes next.
func (x *lexer) gap() byte {
	x.squeeze(x.pos)
	c := x.space()
	x.run = x.pos
	return c
}

// space skips white space without squeezing it out and gives the next byte, unread; 0 at the end.
func (x *lexer) space() byte {
	for x.pos < len(x.src) {
		switch c := x.src[x.pos]; c {
		case ' ', '\t', '\n', '\r':
			x.pos++
		default:
			return c
		}
	}
	return 0
}

// squeeze moves what was read up to end behind the squeezed text.
func (x *lexer) squeeze(end int) {
	if x.out != x.run && !x.frozen {
		copy(x.src[x.out:], x.src[x.run:end])
	}
	x.out += end - x.run
	x.run = end
}

// fail notes the first failure.
func (x *lexer) fail(at int, why string) bool {
	x.badAt, x.why = at, why
	return false
}

// expected fails at pos.
func (x *lexer) expected(what string) bool {
	found := "the end"
	if x.pos < len(x.src) {
		if c := x.src[x.pos]; c > ' ' && c < 0x7f {
			found = string(rune(c))
		} else {
			found = fmt.Sprintf("a byte 0x%02X", c)
		}
	}
	return x.fail(x.pos, "expected "+what+", found "+found)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the high bit of each byte of w, what a string can't pass
// over: quotes, backslashes, control characters and bytes beyond ASCII. Only
// the lowest mark is exact, as a borrow may set the ones above it.
func special(w uint64) uint64 {
	quote := (w ^ '"'*ones) - ones
	slash := (w ^ '\\'*ones) - ones
	return (quote | slash | (w - ' '*ones) | w) & highs
}

// str reads the string at pos and gives the bytes between its quotes, as
// written; escaped and flawed say more about them. The bytes stay good until
// white space is read.
func (x *lexer) str() (raw []byte, ok bool) {
	x.escaped, x.flawed = false, false
	src, start := x.src, x.pos+1
	i := start
	for {
		for i+8 <= len(src) {
			m := special(binary.LittleEndian.Uint64(src[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(src) {
			return nil, x.fail(len(src), "the text ends within a string")
		}
		switch c := src[i]; {
		case c == '"':
			x.pos = i + 1
			return src[start:i], true
		case c == '\\':
			n := x.escape(i)
			if n == 0 {
				return nil, false
			}
			i += n
		case c < ' ':
			return nil, x.fail(i, fmt.Sprintf("a control character 0x%02X within a string: write it as \\u%04x", c, c))
		case c < utf8.RuneSelf: // among the last seven bytes of src
			i++
		default:
			i = x.wide(i)
		}
	}
}

// wide passes over characters beyond ASCII from i on.
func (x *lexer) wide(i int) int {
	for i < len(x.src) && x.src[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(x.src[i:])
		if r == utf8.RuneError && n == 1 && !x.flawed {
			x.flawed, x.flawAt, x.flaw = true, i, "is not UTF-8"
		}
		i += n
	}
	return i
}

// escape gives the length of the escape at i (of both halves, for a surrogate
// pair), or 0 after a failure.
func (x *lexer) escape(i int) int {
	x.escaped = true
	if i+1 >= len(x.src) {
		x.fail(len(x.src), "the text ends within a string")
		return 0
	}
	switch x.src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
	default:
		x.fail(i, "an unknown escape: JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with 4 hex digits")
		return 0
	}
	unit, ok := hex4(x.src[i+2:])
	if !ok {
		x.fail(i, "\\u without 4 hex digits")
		return 0
	}
	if unit < 0xd800 || unit > 0xdfff {
		return 6
	}
	if _, ok := lowHalf(x.src[i+6:]); ok && unit < 0xdc00 {
		return 12
	}
	if !x.flawed {
		x.flawed, x.flawAt, x.flaw = true, i, "has half of a surrogate pair"
	}
	return 6
}

// lowHalf reads the escape of the second half of a surrogate pair.
func lowHalf(b []byte) (unit rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	unit, ok = hex4(b[2:])
	return unit, ok && unit >= 0xdc00 && unit <= 0xdfff
}

// hex4 reads 4 hex digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// hexDigit gives the value of a hex digit, -1 for another byte.
func hexDigit(c byte) int {
	switch {
	case c-'0' < 10:
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// unescape appends the characters of a string that str has let through to dst.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			continue
		}
		i++
		switch c := raw[i]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(raw[i+1:])
			i += 4
			if low, ok := lowHalf(raw[i+1:]); ok && r >= 0xd800 && r < 0xdc00 {
				r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
				i += 6
			}
			dst = utf8.AppendRune(dst, r) // half a pair becomes U+FFFD
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// number reads the number at pos and gives its bytes; whole says that it has
// neither fraction nor exponent.
func (x *lexer) number() (raw []byte, whole, ok bool) {
	src, start := x.src, x.pos
	i := start
	if src[i] == '-' {
		i++
	}
	first := i
	i = digits(src, i)
	switch {
	case i == first:
		x.pos = i
		return nil, false, x.expected("a digit")
	case i > first+1 && src[first] == '0':
		return nil, false, x.fail(start, "a number with leading zeros")
	}
	whole = true
	if i < len(src) && src[i] == '.' {
		whole = false
		if i, ok = x.digitsAfter(i + 1); !ok {
			return nil, false, false
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		whole = false
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if i, ok = x.digitsAfter(i); !ok {
			return nil, false, false
		}
	}
	x.pos = i
	return src[start:i], whole, true
}

// digitsAfter gives the end of the digits from i on: there must be one.
func (x *lexer) digitsAfter(i int) (end int, ok bool) {
	end = digits(x.src, i)
	if end == i {
		x.pos = i
		return 0, x.expected("a digit")
	}
	return end, true
}

// digits gives the end of the digits from i on.
func digits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' < 10 {
		i++
	}
	return i
}

// literal reads true, false or null.
func (x *lexer) literal(word string) bool {
	if len(x.src)-x.pos < len(word) || string(x.src[x.pos:x.pos+len(word)]) != word {
		return x.expected("a value")
	}
	x.pos += len(word)
	return true
}

// skip reads a value of any type that stands depth objects and arrays deep.
func (x *lexer) skip(depth int) (ok bool) {
	if depth > maxNesting {
		return x.fail(x.pos, fmt.Sprintf("nested deeper than %d levels", maxNesting))
	}
	switch c := x.token(); c {
	case '"':
		_, ok = x.str()
		return ok
	case '{':
		return x.skipObject(depth + 1)
	case '[':
		return x.skipArray(depth + 1)
	case 't':
		return x.literal("true")
	case 'f':
		return x.literal("false")
	case 'n':
		return x.literal("null")
	default:
		if c != '-' && c-'0' >= 10 {
			return x.expected("a value")
		}
		_, _, ok = x.number()
		return ok
	}
}

func (x *lexer) skipArray(depth int) bool {
	if x.empty(']') {
		return true
	}
	for {
		if !x.skip(depth) {
			return false
		}
		if more, ok := x.more(']'); !more {
			return ok
		}
	}
}

func (x *lexer) skipObject(depth int) bool {
	if x.empty('}') {
		return true
	}
	for {
		if _, ok := x.key(); !ok {
			return false
		}
		if !x.colon() || !x.skip(depth) {
			return false
		}
		if more, ok := x.more('}'); !more {
			return ok
		}
	}
}

// empty reads the opening bracket at pos, and the closing one when nothing is between.
func (x *lexer) empty(closing byte) bool {
	x.pos++
	if x.token() != closing {
		return false
	}
	x.pos++
	return true
}

// key reads a key. Its bytes stay good until white space is read: before colon.
func (x *lexer) key() (raw []byte, ok bool) {
	if x.token() != '"' {
		return nil, x.expected("a key in quotes")
	}
	return x.str()
}

// colon reads what stands between a key and its value.
func (x *lexer) colon() bool {
	if x.token() != ':' {
		return x.expected("':' after the key")
	}
	x.pos++
	return true
}

// more reads what stands after a member: a comma (more follow) or the closing bracket.
func (x *lexer) more(closing byte) (more, ok bool) {
	switch x.token() {
	case ',':
		x.pos++
		return true, true
	case closing:
		x.pos++
		return false, true
	}
	return false, x.expected("',' or '" + string(rune(closing)) + "'")
}

// typeName names the type of the value that begins with c.
func typeName(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
