package java

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// translation turns a pattern of java.util.regex into the syntax of RE2, which
// regexp/syntax parses. What needs backtracking is refused.
type translation struct {
	src       string
	pos       int
	b         strings.Builder
	out       string
	flags     flags
	depth     int
	multiline bool // ^ and $ see line ends
	plainEnds bool // a $ without multiline mode was met
	atom      bool // something that a quantifier can follow was just written
}

// flags are the modes of Java that the translation carries out itself.
type flags struct {
	fold     bool // (?i)
	unicode  bool // (?u): fold beyond ASCII
	dotAll   bool // (?s)
	multi    bool // (?m)
	comments bool // (?x)
	unix     bool // (?d)
}

const maxRegexDepth = 100

func translateRegex(pattern string) (*translation, error) {
	t := &translation{src: pattern}
	if !utf8.ValidString(pattern) {
		return nil, t.fail("half a surrogate pair")
	}
	if err := t.alternatives(); err != nil {
		return nil, err
	}
	if t.pos < len(t.src) {
		return nil, t.fail("Unmatched closing ')'")
	}
	if t.multiline && t.plainEnds {
		return nil, t.unsupported("$ both with and without (?m)")
	}
	t.out = t.b.String()
	return t, nil
}

func (t *translation) fail(message string) error {
	return &RegexError{Pattern: t.src, Message: message}
}

func (t *translation) unsupported(what string) error {
	return &RegexError{Pattern: t.src, Message: what + " is not supported", Unsupported: true}
}

func (t *translation) peek(s string) bool { return strings.HasPrefix(t.src[t.pos:], s) }

// next takes one character; the caller knows that there is one.
func (t *translation) next() rune {
	r, n := utf8.DecodeRuneInString(t.src[t.pos:])
	t.pos += n
	return r
}

// alternatives reads up to the end or the closing parenthesis of the group.
func (t *translation) alternatives() error {
	if t.depth++; t.depth > maxRegexDepth {
		return t.fail("groups nested too deep")
	}
	defer func() { t.depth-- }()
	t.atom = false
	for t.pos < len(t.src) && t.src[t.pos] != ')' {
		if err := t.item(); err != nil {
			return err
		}
	}
	return nil
}

func (t *translation) item() error {
	c := t.next()
	switch c {
	case '|':
		t.b.WriteByte('|')
		t.atom = false
		return nil
	case '*', '+', '?':
		return t.quantifier(string(c))
	case '{':
		return t.counted()
	case '(':
		return t.group()
	case '[':
		return t.class()
	case '\\':
		return t.escape()
	case '.':
		t.dot()
	case '^':
		t.flags.emitStart(t)
	case '$':
		t.end()
	default:
		if t.flags.comments && (c == '#' || strings.ContainsRune(" \t\n\x0b\f\r", c)) {
			t.skipComment(c)
			return nil
		}
		t.literal(c)
	}
	t.atom = true
	return nil
}

func (f flags) emitStart(t *translation) {
	if f.multi {
		t.b.WriteString("(?m:^)")
		return
	}
	t.b.WriteString(`\A`)
}

// end writes $ as an end of line; the machine knows what that means in Java.
func (t *translation) end() {
	t.b.WriteString("(?m:$)")
	if t.flags.multi {
		t.multiline = true
	} else {
		t.plainEnds = true
	}
}

func (t *translation) dot() {
	switch {
	case t.flags.dotAll:
		t.b.WriteString("(?s:.)")
	case t.flags.unix:
		t.b.WriteString(`[^\n]`)
	default:
		t.b.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
	}
}

// literal writes one character. (?i) alone folds ASCII only.
func (t *translation) literal(c rune) {
	fold := t.flags.fold && (t.flags.unicode || c < utf8.RuneSelf)
	if fold {
		t.b.WriteString("(?i:")
	}
	writeRune(&t.b, c)
	if fold {
		t.b.WriteByte(')')
	}
}

func writeRune(b *strings.Builder, c rune) {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0xa0:
		b.WriteRune(c)
	default:
		fmt.Fprintf(b, `\x{%x}`, c)
	}
}

func (t *translation) skipComment(c rune) {
	if c != '#' {
		return
	}
	for t.pos < len(t.src) && !strings.ContainsRune("\n\r\u0085\u2028\u2029", t.next()) {
	}
}

// quantifier writes q, which stands behind an atom, and a ? that makes it lazy.
func (t *translation) quantifier(q string) error {
	if !t.atom {
		return t.fail("Dangling meta character '" + q + "'")
	}
	if t.peek("+") {
		return t.unsupported("the possessive quantifier " + q + "+")
	}
	t.b.WriteString(q)
	if t.peek("?") {
		t.pos++
		t.b.WriteByte('?')
	}
	t.atom = false
	if t.peek("*") || t.peek("+") || t.peek("?") {
		return t.fail("Dangling meta character '" + t.src[t.pos:t.pos+1] + "'")
	}
	if t.peek("{") {
		// Java repeats the repetition; RE2 wants it grouped, which a{2}{3} is not.
		return t.unsupported("a counted repetition of a repetition")
	}
	return nil
}

func (t *translation) counted() error {
	end := strings.IndexByte(t.src[t.pos:], '}')
	if end < 0 || !t.atom {
		return t.fail("Illegal repetition")
	}
	body := t.src[t.pos : t.pos+end]
	low, high, ranged := strings.Cut(body, ",")
	n, err := strconv.ParseUint(low, 10, 31)
	if err != nil {
		return t.fail("Illegal repetition {" + body + "}")
	}
	if ranged && high != "" {
		m, err := strconv.ParseUint(high, 10, 31)
		if err != nil || m < n {
			return t.fail("Illegal repetition range {" + body + "}")
		}
		n = max(n, m)
	}
	if n > maxRepeat {
		return t.fail("a repetition of more than " + strconv.Itoa(maxRepeat))
	}
	t.pos += end + 1
	return t.quantifier("{" + body + "}")
}

// maxRepeat is the largest count that RE2 takes.
const maxRepeat = 1000

func (t *translation) group() error {
	saved := t.flags
	switch {
	case t.peek("?="), t.peek("?!"):
		return t.unsupported("lookahead (" + t.src[t.pos:t.pos+2])
	case t.peek("?<="), t.peek("?<!"):
		return t.unsupported("lookbehind (" + t.src[t.pos:t.pos+3])
	case t.peek("?>"):
		return t.unsupported("an independent group (?>")
	case t.peek("?<"):
		end := strings.IndexByte(t.src[t.pos:], '>')
		if end < 0 || !groupName(t.src[t.pos+2:t.pos+end]) {
			return t.fail("a group name that is no name")
		}
		t.b.WriteString("(?P<" + t.src[t.pos+2:t.pos+end] + ">")
		t.pos += end + 1
	case t.peek("?"):
		t.pos++
		closed, err := t.modes()
		if err != nil || closed {
			return err
		}
		t.b.WriteString("(?:")
	default:
		t.b.WriteByte('(')
	}
	if err := t.alternatives(); err != nil {
		return err
	}
	if t.pos >= len(t.src) {
		return t.fail("Unclosed group")
	}
	t.pos++
	t.b.WriteByte(')')
	t.flags = saved
	t.atom = true
	return nil
}

func groupName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// modes reads i, m, s, x, u, d, U and -; closed reports that ")" followed, so
// that they hold to the end of the group around.
func (t *translation) modes() (closed bool, err error) {
	on := true
	for t.pos < len(t.src) {
		switch c := t.next(); c {
		case 'i':
			t.flags.fold = on
		case 'm':
			t.flags.multi = on
		case 's':
			t.flags.dotAll = on
		case 'x':
			t.flags.comments = on
		case 'd':
			t.flags.unix = on
		case 'u':
			t.flags.unicode = on
		case '-':
			on = false
		case ':':
			return false, nil
		case ')':
			t.b.WriteString("(?:)") // keeps a following quantifier from the atom before
			return true, nil
		default:
			return false, t.fail("Unknown inline modifier " + string(c))
		}
	}
	return false, t.fail("Unclosed group")
}

// escape reads what follows a backslash outside a class.
func (t *translation) escape() error {
	if t.pos >= len(t.src) {
		return t.fail("Unexpected internal error: a backslash at the end")
	}
	t.atom = true
	switch c := t.src[t.pos]; c {
	case 'A', 'z', 'b', 'B':
		t.pos++
		t.b.WriteString(`\` + string(c))
		return nil
	case 'Z':
		t.pos++
		t.b.WriteString("(?m:$)")
		t.plainEnds = true
		return nil
	case 'G', 'X', 'k':
		return t.unsupported(`\` + string(c))
	case 'R':
		t.pos++
		t.b.WriteString(`(?:\r\n|[\n\x{b}\f\r\x{85}\x{2028}\x{2029}])`)
		return nil
	case 'Q':
		t.quoted()
		return nil
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return t.unsupported(`the back-reference \` + string(c))
	}
	set, r, err := t.escapedSet()
	if err != nil {
		return err
	}
	if set != "" {
		t.b.WriteString("[" + set + "]")
		return nil
	}
	t.literal(r)
	return nil
}

func (t *translation) quoted() {
	t.pos++
	end := strings.Index(t.src[t.pos:], `\E`)
	rest := t.src[t.pos:]
	if end >= 0 {
		rest = rest[:end]
		t.pos += end + 2
	} else {
		t.pos = len(t.src)
	}
	for _, c := range rest {
		t.literal(c)
	}
	t.atom = rest != ""
}

// escapedSet reads an escape that stands for a set, given as the inside of a
// class, or for one character.
func (t *translation) escapedSet() (set string, r rune, err error) {
	switch c := t.next(); c {
	case 'd', 'D', 'w', 'W':
		return `\` + string(c), 0, nil
	case 's':
		return `\t-\r `, 0, nil
	case 'S':
		return `\x{0}-\x{8}\x{e}-\x{1f}!-\x{10ffff}`, 0, nil
	case 'h':
		return `\t \x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`, 0, nil
	case 'H':
		return `\x{0}-\x{8}\x{a}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{180d}\x{180f}-\x{1fff}` +
			`\x{200b}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}`, 0, nil
	case 'v':
		return `\n-\r\x{85}\x{2028}\x{2029}`, 0, nil
	case 'V':
		return `\x{0}-\t\x{e}-\x{84}\x{86}-\x{2027}\x{202a}-\x{10ffff}`, 0, nil
	case 'p', 'P':
		set, err = t.property(c == 'P')
		return set, 0, err
	case 't':
		return "", '\t', nil
	case 'n':
		return "", '\n', nil
	case 'r':
		return "", '\r', nil
	case 'f':
		return "", '\f', nil
	case 'a':
		return "", 7, nil
	case 'e':
		return "", 0x1b, nil
	case 'c':
		if t.pos >= len(t.src) {
			return "", 0, t.fail("Illegal control escape sequence")
		}
		return "", t.next() ^ 64, nil
	case '0':
		r, err = t.octal()
	case 'x', 'u':
		r, err = t.hex(c)
	default:
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return "", 0, t.fail(`Illegal/unsupported escape sequence \` + string(c))
		}
		return "", c, nil
	}
	return "", r, err
}

func (t *translation) octal() (rune, error) {
	n, digits := rune(0), 0
	for digits < 3 && t.pos < len(t.src) && t.src[t.pos] >= '0' && t.src[t.pos] <= '7' {
		if digits == 2 && n > 0o37>>0 {
			break
		}
		n = n*8 + rune(t.src[t.pos]-'0')
		t.pos++
		digits++
	}
	if digits == 0 {
		return 0, t.fail("Illegal octal escape sequence")
	}
	return n, nil
}

func (t *translation) hex(kind rune) (rune, error) {
	digits := 4
	if kind == 'x' {
		digits = 2
		if t.peek("{") {
			end := strings.IndexByte(t.src[t.pos:], '}')
			if end < 0 {
				return 0, t.fail("Unclosed hexadecimal escape sequence")
			}
			n, err := strconv.ParseUint(t.src[t.pos+1:t.pos+end], 16, 21)
			if err != nil || n > utf8.MaxRune {
				return 0, t.fail("Hexadecimal codepoint is too big")
			}
			t.pos += end + 1
			return rune(n), nil
		}
	}
	if t.pos+digits > len(t.src) {
		return 0, t.fail("Illegal hexadecimal escape sequence")
	}
	n, err := strconv.ParseUint(t.src[t.pos:t.pos+digits], 16, 32)
	if err != nil {
		return 0, t.fail("Illegal hexadecimal escape sequence")
	}
	t.pos += digits
	return rune(n), nil
}
