package vtl

import "strings"

// The lexer follows the token machine of the reference engine state by state,
// since much of what templates rely on (and stumble over) is decided there: the
// longest match wins, tokens change the state, and the parser may only look at
// tokens, or switch the state, at the moments when the reference does.

// frame is what a state remembers while another one is on top of it.
type frame struct {
	state                 lexState
	lparen, rparen, curly int32
}

// lexer turns a source into tokens, one at a time.
type lexer struct {
	src       string
	pos       int  // next unread byte; len(src) is the zero width character
	past      bool // the zero width character was read
	state     lexState
	lparen    int32
	rparen    int32
	curly     int32
	inComment bool
	inSet     bool
	mergeTags bool
	stack     []frame
	slashFrom int // a run of backslashes that was looked through already
	slashTo   int
}

// lexError is the place where no token matched: the last character looked at.
type lexError struct {
	offset int
	eof    bool // beyond the zero width character
}

func (l *lexer) push() {
	l.stack = append(l.stack, frame{l.state, l.lparen, l.rparen, l.curly})
	l.lparen, l.curly = 0, 0
}

// pop goes back to the state below; at the bottom that is the default state.
func (l *lexer) pop() bool {
	n := len(l.stack)
	if n == 0 {
		l.lparen = 0
		l.state = stateDefault
		return false
	}
	f := l.stack[n-1]
	l.stack = l.stack[:n-1]
	l.state, l.lparen, l.rparen, l.curly = f.state, f.lparen, f.rparen, f.curly
	return true
}

// at returns the byte at offset i; the zero width character beyond the end.
func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return zeroWidth
}

// next reads one token. It returns an error where the machine is stuck.
func (l *lexer) next() (token, *lexError) {
	pre, start := l.pos, l.pos
	for {
		if l.past || l.pos > len(l.src) {
			n := int32(len(l.src))
			return token{kind: tokEOF, pre: n, pos: n, end: n}, nil
		}
		kind, end, err := l.match()
		if err != nil {
			return token{}, err
		}
		switch kind {
		case matchMore:
			continue
		case matchSkip:
			pre, start = l.pos, l.pos
			continue
		case matchSpecial:
			start = l.pos
			continue
		}
		return token{kind: tokenKind(kind), pre: int32(pre), pos: int32(start), end: int32(end)}, nil
	}
}

// Results of match that are no token.
const (
	matchMore    = -1 // part of the token that follows
	matchSkip    = -2 // thrown away
	matchSpecial = -3 // ends what came before as text
)

// match reads the longest token of the current state and acts on it. It returns
// its kind and end.
func (l *lexer) match() (kind, end int, err *lexError) {
	switch l.state {
	case stateDefault:
		return l.matchDefault()
	case statePreReference:
		return l.matchPreReference()
	case stateReference, stateModifier, stateAfterCall:
		return l.matchReference()
	case statePreDirective:
		return l.matchPreDirective()
	case stateLineComment, stateBlockComment, stateFormalComment:
		return l.matchComment()
	case stateTextblock:
		return l.matchTextblock()
	}
	return l.matchExpression()
}

// take accepts a token of n bytes that has no effect on the state.
func (l *lexer) take(kind tokenKind, n int) (int, int, *lexError) {
	l.pos += n
	return int(kind), l.pos, nil
}

// takeZero accepts the zero width character.
func (l *lexer) takeZero(kind tokenKind) (int, int, *lexError) {
	if l.pos >= len(l.src) {
		l.past = true
		return int(kind), l.pos, nil
	}
	return l.take(kind, 1)
}

// stuck reports that no token matched; the n-th character from here was the last
// one looked at.
func (l *lexer) stuck(n int) (int, int, *lexError) {
	return 0, 0, &lexError{offset: l.pos + n, eof: l.pos+n >= len(l.src)}
}

// textStop marks the bytes that end a run of text.
var textStop = [256]bool{'$': true, '#': true, '\\': true, '\n': true, '\r': true, zeroWidth: true}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWordStart marks the first characters of variables and properties.
func isWordStart(c byte) bool { return isLetter(c) || c == '_' }

func isWordPart(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// newlineAt returns the length of the line end at i: 0, 1 or 2.
func (l *lexer) newlineAt(i int) int {
	switch l.at(i) {
	case '\n':
		return 1
	case '\r':
		if l.at(i+1) == '\n' {
			return 2
		}
		return 1
	}
	return 0
}

// wordAt returns the length of the word at i, 0 if there is none.
func (l *lexer) wordAt(i int) int {
	if c := l.at(i); !isWordStart(c) && c != '@' {
		return 0
	}
	n := 1
	for isWordPart(l.at(i + n)) {
		n++
	}
	return n
}

// bracketedAt returns the length of {word} at i, 0 if there is none.
func (l *lexer) bracketedAt(i int) int {
	if l.at(i) != '{' {
		return 0
	}
	if n := l.wordAt(i + 1); n > 0 && l.at(i+1+n) == '}' {
		return n + 2
	}
	return 0
}

// matchDefault reads text and the beginnings of everything else.
func (l *lexer) matchDefault() (int, int, *lexError) {
	c := l.at(l.pos)
	switch c {
	case '$', '\\':
		if kind, end, err, ok := l.matchDollar(); ok {
			return kind, end, err
		}
		if c == '\\' {
			return l.matchBackslash()
		}
	case '#':
		return l.matchHash()
	case zeroWidth:
		return l.takeZero(tokZeroWidth)
	case '\n', '\r':
		l.inSet = false
		return l.take(tokNewline, l.newlineAt(l.pos))
	case '%':
		if n := l.mergeTagAt(l.pos); n > 0 {
			return l.take(tokMergeTag, n)
		}
	}
	return l.matchText()
}

// matchText reads a run of text: whole lines if the first one is not blank, else
// up to the next special character.
func (l *lexer) matchText() (int, int, *lexError) {
	i := l.pos
	for isBlank(l.at(i)) {
		i++
	}
	blank := i
	i = l.textEnd(i)
	if i == blank {
		return l.take(tokWhitespace, i-l.pos)
	}
	n := l.newlineAt(i)
	if n == 0 {
		return l.take(tokInlineText, i-l.pos)
	}
	return l.take(tokText, l.wholeLines(i+n)-l.pos)
}

// textEnd returns the end of the run of text that begins at i.
func (l *lexer) textEnd(i int) int {
	for ; i < len(l.src); i++ {
		if c := l.src[i]; textStop[c] {
			break
		} else if c == '%' && l.mergeTags && i > l.pos && l.mergeTagAt(i) > 0 {
			break
		}
	}
	return i
}

// wholeLines returns the end of the last complete line of plain text from i on.
func (l *lexer) wholeLines(i int) int {
	for {
		end := l.textEnd(i)
		nl := l.newlineAt(end)
		if nl == 0 {
			return i
		}
		i = end + nl
	}
}

// slashes returns the end of the run of backslashes at i. A long run is met again and
// again from its middle, so that its end is kept.
func (l *lexer) slashes(i int) int {
	if l.at(i) != '\\' {
		return i
	}
	if i < l.slashFrom || i >= l.slashTo {
		l.slashFrom, l.slashTo = i, i+1
		for l.at(l.slashTo) == '\\' {
			l.slashTo++
		}
	}
	return l.slashTo
}

// matchBackslash reads a backslash that does not escape a reference.
func (l *lexer) matchBackslash() (int, int, *lexError) {
	n := l.slashes(l.pos) - l.pos
	if n%2 == 1 && l.at(l.pos+n) == '#' {
		i := l.pos + n + 1
		if w := max(l.wordAt(i), l.bracketedAt(i)); w > 0 {
			return l.take(tokEscapeDirective, n+1+w)
		}
	}
	if n >= 2 {
		return l.take(tokDoubleEscape, 2)
	}
	return l.take(tokEscape, 1)
}

// matchDollar reads \*$ and \*$\*!, which begin a reference in every state.
func (l *lexer) matchDollar() (kind, end int, err *lexError, ok bool) {
	i := l.slashes(l.pos)
	if l.at(i) != '$' {
		return 0, 0, nil, false
	}
	first := i == l.pos
	i++
	j := l.slashes(i)
	bang := l.at(j) == '!'
	if first && (l.state == stateDefault || l.state == statePreReference) {
		if n := l.emptyIndexAt(i, j, bang); n > 0 {
			kind, end, err = l.take(tokEmptyIndex, n)
			return kind, end, err, true
		}
	}
	if bang {
		i = j + 1
	}
	l.pos = i
	if !l.inComment {
		if l.state == stateReference || l.state == statePreReference {
			l.pop()
		}
		if l.state != statePreReference && l.state != statePreDirective {
			l.push()
		}
		l.state = statePreReference
	}
	return matchMore, i, nil, true
}

// emptyIndexAt recognises $[ $![ $\![ and $. which are text. i is behind the
// dollar, j behind the backslashes that follow it.
func (l *lexer) emptyIndexAt(i, j int, bang bool) int {
	switch {
	case l.at(i) == '[' || l.at(i) == '.':
		return 2
	case bang && j-i <= 1 && l.at(j+1) == '[':
		return j + 2 - l.pos
	}
	return 0
}

// matchHash reads what # begins: a comment, a raw block, #set, or a directive.
func (l *lexer) matchHash() (int, int, *lexError) {
	i := l.pos + 1
	switch l.at(i) {
	case '[':
		if l.at(i+1) == '[' {
			return l.enterRaw(3, stateTextblock)
		}
	case '*':
		if l.at(i+1) == '*' && l.at(i+2) != '#' && l.at(i+2) != zeroWidth {
			if l.inComment {
				l.pos += 4
				return matchMore, l.pos, nil
			}
			return l.enterRaw(3, stateFormalComment)
		}
		return l.enterRaw(2, stateBlockComment)
	case '#':
		if l.commentAllowed() {
			return l.enterLineComment()
		}
	case 's', '{':
		if n := l.setAt(i); n > 0 {
			return l.enterSet(n)
		}
	}
	l.pos++
	if !l.inComment {
		l.hash()
	}
	return matchMore, l.pos, nil
}

// hash enters the state behind a single #.
func (l *lexer) hash() {
	switch l.state {
	case stateReference, statePreReference, stateModifier:
		l.pop()
	}
	if l.state != statePreReference && l.state != statePreDirective {
		if l.state == stateAfterCall {
			l.state = stateDefault
		}
		l.push()
	}
	l.state = statePreDirective
}

// enterRaw begins a comment or a raw block of which n bytes are read.
func (l *lexer) enterRaw(n int, state lexState) (int, int, *lexError) {
	l.pos += n
	if !l.inComment {
		l.inComment = true
		if l.state != statePreReference && l.state != statePreDirective {
			l.push()
		}
		l.state = state
	}
	return matchMore, l.pos, nil
}

// commentAllowed reports whether ## is a token of the current state.
func (l *lexer) commentAllowed() bool {
	switch l.state {
	case stateIndex, stateAlternate, stateLineComment, stateBlockComment, stateFormalComment, stateTextblock:
		return false
	}
	return true
}

func (l *lexer) enterLineComment() (int, int, *lexError) {
	if l.state == stateReference || l.state == statePreReference {
		l.pop()
	}
	l.inComment = true
	l.push()
	l.state = stateLineComment
	return l.take(tokCommentStart, 2)
}

// setAt returns the length of set( or {set}( at i, 0 if the state has no #set.
func (l *lexer) setAt(i int) int {
	switch l.state {
	case stateDefault, statePreReference, stateReference, stateModifier, stateArguments, stateAfterCall:
	default:
		return 0
	}
	rest := l.src[min(i, len(l.src)):]
	n := 0
	switch {
	case strings.HasPrefix(rest, "set"):
		n = 3
	case strings.HasPrefix(rest, "{set}"):
		n = 5
	default:
		return 0
	}
	for isBlank(l.at(i + n)) {
		n++
	}
	if l.at(i+n) != '(' {
		return 0
	}
	return n + 1
}

func (l *lexer) enterSet(n int) (int, int, *lexError) {
	l.push()
	l.inSet = true
	l.state = stateDirective
	l.lparen++
	return l.take(tokSet, n+1)
}

// mergeTagAt returns the length of %NAME% or %NAME|default% at i, if merge tags
// are on. A name of two hexadecimal digits is none: it is a byte of an address that
// has others like it behind (%D0%BF).
func (l *lexer) mergeTagAt(i int) int {
	if !l.mergeTags || l.at(i) != '%' || !isWordStart(l.at(i+1)) {
		return 0
	}
	j := i + 2
	for c := l.at(j); isWordPart(c) || c == '.' || c == '-'; c = l.at(j) {
		j++
	}
	if l.at(j) == '|' {
		for j++; j < len(l.src); j++ {
			if c := l.src[j]; c == '%' || c == '\n' || c == '\r' {
				break
			}
		}
	}
	if l.at(j) != '%' || (j == i+3 && isHex(l.at(i+1)) && isHex(l.at(i+2))) {
		return 0
	}
	return j + 1 - i
}

func isHex(c byte) bool { return isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'f') }
