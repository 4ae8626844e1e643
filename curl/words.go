package curl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// word is one argument of a command and where it begins.
type word struct {
	text string
	at   int // byte offset in the source
}

// lexer cuts a command line into words as a POSIX shell does.
type lexer struct {
	src   string
	pos   int
	words []word
	text  strings.Builder // of the word in hand
	at    int             // where it began; -1 = there is none
}

// cutWords cuts a command. It forgives what people lose on the way from a page:
// blanks behind a continuation's backslash, and the backslash before a line that begins with an option.
func cutWords(src string) ([]word, error) {
	l := &lexer{src: src, at: -1}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.end()
	return l.words, nil
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return syntaxError(l.src, at, format, args...)
}

func syntaxError(src string, at int, format string, args ...any) error {
	before := src[:min(at, len(src))]
	line := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[line:]) + 1,
		Reason: fmt.Sprintf(format, args...),
	}
}

// begin makes sure that a word is in hand, an empty one too.
func (l *lexer) begin() {
	if l.at < 0 {
		l.at = l.pos
	}
}

func (l *lexer) end() {
	if l.at >= 0 {
		l.words = append(l.words, word{l.text.String(), l.at})
		l.text.Reset()
		l.at = -1
	}
}

// next takes one step outside of quotes.
func (l *lexer) next() error {
	c := l.src[l.pos]
	switch c {
	case ' ', '\t', '\r':
		l.end()
		l.pos++
	case '\n':
		return l.newline()
	case '\\':
		l.backslash()
	case '\'':
		return l.single()
	case '"':
		return l.double()
	case '$':
		return l.dollar()
	case '`':
		return l.fail(l.pos, "a ` runs a command in a shell, and nothing is run here: put what it would give in its place")
	case '|', '&', ';', '<', '>', '(', ')':
		return l.fail(l.pos, "%q stands outside of quotes, where a shell ends the command: put the URL or value in quotes, or leave out what follows", c)
	case '#':
		if l.at < 0 { // a comment
			l.toLineEnd()
			return nil
		}
		l.plain()
	case '^':
		if rest := l.src[l.pos+1:]; strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n") {
			return l.fail(l.pos, "this is the form of the Windows command prompt (^): copy the request as cURL for bash")
		}
		l.plain()
	default:
		if quote, _ := utf8.DecodeRuneInString(l.src[l.pos:]); l.at < 0 && strings.ContainsRune("“”„‘’‚«»", quote) {
			return l.fail(l.pos, "%c is a typographic quote, which a shell does not know: write \" or '", quote)
		}
		l.plain()
	}
	return nil
}

func (l *lexer) plain() {
	l.begin()
	_, size := utf8.DecodeRuneInString(l.src[l.pos:])
	l.text.WriteString(l.src[l.pos : l.pos+size])
	l.pos += size
}

func (l *lexer) toLineEnd() {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		l.pos += i
		return
	}
	l.pos = len(l.src)
}

// newline ends the command, unless an option follows.
func (l *lexer) newline() error {
	l.end()
	rest := strings.TrimLeft(l.src[l.pos:], " \t\r\n")
	l.pos = len(l.src) - len(rest)
	if len(l.words) > 0 && rest != "" && rest[0] != '-' && rest[0] != '#' {
		return l.fail(l.pos, "a second command begins here: give one at a time, or end the line before with a backslash")
	}
	return nil
}

// backslash joins lines, or takes the next character as it is.
func (l *lexer) backslash() {
	rest := l.src[l.pos+1:]
	after := strings.TrimLeft(rest, " \t\r")
	switch {
	case strings.HasPrefix(after, "\n"):
		// Blanks before the line's end part words; without any the word goes on, as in a shell.
		if strings.TrimRight(rest[:len(rest)-len(after)], "\r") != "" {
			l.end()
		}
		l.pos = len(l.src) - len(after) + 1
	case after == "": // the last line's backslash
		l.pos = len(l.src)
	default:
		l.begin()
		_, size := utf8.DecodeRuneInString(rest)
		l.text.WriteString(rest[:size])
		l.pos += 1 + size
	}
}

func (l *lexer) single() error {
	l.begin()
	at := l.pos
	end := strings.IndexByte(l.src[at+1:], '\'')
	if end < 0 {
		return l.fail(at, "this ' is never closed")
	}
	l.text.WriteString(l.src[at+1 : at+1+end])
	l.pos = at + 1 + end + 1
	return nil
}

func (l *lexer) double() error {
	l.begin()
	at := l.pos
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; c {
		case '"':
			l.pos++
			return nil
		case '\\':
			l.quotedBackslash()
		case '`':
			return l.fail(l.pos, "a ` runs a command in a shell, and nothing is run here: put what it would give in its place, or quote it by '")
		case '$':
			if strings.HasPrefix(l.src[l.pos:], "$(") {
				return l.fail(l.pos, "$( runs a command in a shell, and nothing is run here: put what it would give in its place, or quote it by '")
			}
			l.text.WriteByte(c)
		default:
			l.text.WriteByte(c)
		}
	}
	return l.fail(at, `this " is never closed`)
}

// quotedBackslash reads a backslash within double quotes, up to the byte before the next.
func (l *lexer) quotedBackslash() {
	if l.pos+1 == len(l.src) {
		return
	}
	switch c := l.src[l.pos+1]; {
	case c == '\n':
	case c == '\r' && strings.HasPrefix(l.src[l.pos+2:], "\n"):
		l.pos++
	case strings.IndexByte("$`\"\\", c) >= 0:
		l.text.WriteByte(c)
	default:
		l.text.WriteByte('\\')
		l.text.WriteByte(c)
	}
	l.pos++
}

// dollar reads a $ outside of quotes: $'…', $"…", or a variable, which stays as it stands.
func (l *lexer) dollar() error {
	rest := l.src[l.pos+1:]
	switch {
	case strings.HasPrefix(rest, "'"):
		return l.ansi()
	case strings.HasPrefix(rest, `"`):
		l.begin()
		l.pos++
		return l.double()
	case strings.HasPrefix(rest, "("):
		return l.fail(l.pos, "$( runs a command in a shell, and nothing is run here: put what it would give in its place, or quote it by '")
	}
	l.plain()
	return nil
}

// ansi reads bash's $'…', where escapes are as in C.
func (l *lexer) ansi() error {
	l.begin()
	at := l.pos
	for l.pos += len("$'"); l.pos < len(l.src); {
		switch c := l.src[l.pos]; c {
		case '\'':
			l.pos++
			return nil
		case '\\':
			if l.pos+1 == len(l.src) {
				return l.fail(at, "this $' is never closed")
			}
			if err := l.escape(); err != nil {
				return err
			}
		default:
			l.text.WriteByte(c)
			l.pos++
		}
	}
	return l.fail(at, "this $' is never closed")
}

// escape reads one escape of $'…'. One that is not known stands for itself.
func (l *lexer) escape() error {
	at, c := l.pos, l.src[l.pos+1]
	l.pos += 2
	if i := strings.IndexByte(`abeEfnrtv\'"?`, c); i >= 0 {
		l.text.WriteByte("\a\b\x1b\x1b\f\n\r\t\v\\'\"?"[i])
		return nil
	}
	var n uint64
	var ok bool
	switch c {
	case 'x':
		n, ok = l.digits(16, 2)
	case 'u':
		return l.codePoint(at, 4)
	case 'U':
		return l.codePoint(at, 8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		l.pos--
		n, ok = l.digits(8, 3)
	default:
		l.text.WriteString(l.src[at : at+2])
		return nil
	}
	if !ok {
		l.text.WriteString(l.src[at:l.pos])
		return nil
	}
	if n&0xff == 0 {
		return l.fail(at, "a zero byte ends a shell's text here: leave it out")
	}
	l.text.WriteByte(byte(n))
	return nil
}

// digits reads up to most digits of a base.
func (l *lexer) digits(base, most int) (uint64, bool) {
	end := l.pos
	for end < len(l.src) && end-l.pos < most {
		if _, err := strconv.ParseUint(l.src[end:end+1], base, 8); err != nil {
			break
		}
		end++
	}
	n, err := strconv.ParseUint(l.src[l.pos:end], base, 64)
	l.pos = end
	return n, err == nil
}

// codePoint reads \u and \U. Browsers write characters beyond U+FFFF as two
// halves, which belong together.
func (l *lexer) codePoint(at, most int) error {
	n, ok := l.digits(16, most)
	if !ok {
		l.text.WriteString(l.src[at:l.pos])
		return nil
	}
	r := rune(n)
	if n > utf8.MaxRune || n == 0 {
		return l.fail(at, "this escape is no character")
	}
	if utf16.IsSurrogate(r) {
		if strings.HasPrefix(l.src[l.pos:], `\u`) {
			l.pos += 2
			low, _ := l.digits(16, 4)
			r = utf16.DecodeRune(r, rune(low))
		}
		if utf16.IsSurrogate(r) || r == utf8.RuneError {
			return l.fail(at, "this escape is half a character")
		}
	}
	l.text.WriteRune(r)
	return nil
}
