package vtl

import "strings"

// matchPreReference reads what follows a $.
func (l *lexer) matchPreReference() (int, int, *lexError) {
	c := l.at(l.pos)
	switch {
	case isWordStart(c):
		n := 1
		for isWordPart(l.at(l.pos + n)) {
			n++
		}
		l.state = stateReference
		return l.take(tokIdentifier, n)
	case c == '$' || c == '\\':
		if kind, end, err, ok := l.matchDollar(); ok {
			return kind, end, err
		}
	case c == '#':
		return l.matchHash()
	case c == zeroWidth:
		l.pop()
		return l.takeZero(tokLoneSymbol)
	case c == '{':
		return l.takeLCurly()
	case c == '}':
		return l.takeRCurly()
	}
	if n := l.suffixAt(l.pos); n > 0 {
		l.pop()
		return l.take(tokSuffix, n)
	}
	l.pop()
	return matchSpecial, l.pos, nil
}

// suffixAt returns the length of blanks and a line end at i, 0 if there is none.
func (l *lexer) suffixAt(i int) int {
	n := 0
	for isBlank(l.at(i + n)) {
		n++
	}
	nl := l.newlineAt(i + n)
	if nl == 0 {
		return 0
	}
	return n + nl
}

func (l *lexer) takeLCurly() (int, int, *lexError) {
	n := 1
	if l.at(l.pos+1) == '$' { // ${$name} is read as ${name}
		n = 2
	}
	l.curly++
	return l.take(tokLCurly, n)
}

// takeRCurly closes the innermost brace that is open in any state below.
func (l *lexer) takeRCurly() (int, int, *lexError) {
	for l.curly == 0 && l.state != stateDefault {
		l.pop()
	}
	if l.state != stateDefault && l.state != stateDirective && l.state != stateArguments {
		l.pop()
	}
	return l.take(tokRCurly, 1)
}

// matchReference reads what may continue a reference.
func (l *lexer) matchReference() (int, int, *lexError) {
	c := l.at(l.pos)
	switch c {
	case '[':
		l.push()
		l.state = stateIndex
		return l.take(tokIndexOpen, 1)
	case '|':
		return l.takePipe()
	case '(':
		if l.state == stateModifier {
			l.lparen++
			l.state = stateArguments
			return l.take(tokLParen, 1)
		}
	case '.':
		if isWordStart(l.at(l.pos + 1)) {
			l.state = stateModifier
			return l.take(tokDot, 1)
		}
	case '$', '\\':
		if kind, end, err, ok := l.matchDollar(); ok {
			return kind, end, err
		}
	case '#':
		return l.matchHash()
	case '{':
		return l.takeLCurly()
	case '}':
		return l.takeRCurly()
	case zeroWidth:
		return l.takeZero(tokZeroWidth)
	}
	if l.state != stateAfterCall {
		if kind, n := l.constantAt(l.pos); n > 0 {
			return l.take(kind, n)
		}
	}
	if l.state == stateModifier && isWordStart(c) {
		return l.take(tokIdentifier, l.identifierAt(l.pos))
	}
	l.pop()
	return matchSpecial, l.pos, nil
}

func (l *lexer) takePipe() (int, int, *lexError) {
	if l.at(l.pos+1) == '|' {
		l.pop()
		return l.take(tokOr2, 2)
	}
	if l.curly == 1 {
		l.state = stateAlternate
	} else {
		l.pop()
	}
	return l.take(tokPipe, 1)
}

func (l *lexer) identifierAt(i int) int {
	n := 1
	for isWordPart(l.at(i + n)) {
		n++
	}
	return n
}

// constantAt recognises true and false. Where names are tokens too, a longer name
// wins.
func (l *lexer) constantAt(i int) (tokenKind, int) {
	kind, n := tokTrue, 4
	switch {
	case strings.HasPrefix(l.src[i:], "true"):
	case strings.HasPrefix(l.src[i:], "false"):
		kind, n = tokFalse, 5
	default:
		return 0, 0
	}
	if l.state == stateModifier && isWordPart(l.at(i+n)) {
		return 0, 0
	}
	return kind, n
}

// matchPreDirective reads what follows a #.
func (l *lexer) matchPreDirective() (int, int, *lexError) {
	c := l.at(l.pos)
	switch c {
	case '$', '\\':
		if kind, end, err, ok := l.matchDollar(); ok {
			return kind, end, err
		}
	case '#':
		return l.matchHash()
	case zeroWidth:
		l.pop()
		return l.takeZero(tokLoneSymbol)
	}
	if n := l.wordAt(l.pos); n > 0 {
		return l.takeDirectiveWord(l.src[l.pos:l.pos+n], tokWord, n)
	}
	if n := l.bracketedAt(l.pos); n > 0 {
		return l.takeDirectiveWord(l.src[l.pos+1:l.pos+n-1], tokBracketedWord, n)
	}
	if kind, n := l.numberAt(l.pos); n > 0 {
		return l.takeNumber(kind, n)
	}
	if n := l.suffixAt(l.pos); n > 0 {
		l.pop()
		return l.take(tokSuffix, n)
	}
	l.pop()
	return matchSpecial, l.pos, nil
}

func (l *lexer) takeDirectiveWord(word string, kind tokenKind, n int) (int, int, *lexError) {
	switch word {
	case "if":
		l.state, kind = stateDirective, tokIf
	case "elseif":
		l.state, kind = stateDirective, tokElseIf
	case "else":
		l.pop()
		kind = tokElse
	case "end":
		l.pop()
		kind = tokEnd
	}
	return l.take(kind, n)
}

// numberAt recognises integer and floating point literals.
func (l *lexer) numberAt(i int) (tokenKind, int) {
	j := i
	if l.at(j) == '-' {
		j++
	}
	digits := j
	for isDigit(l.at(j)) {
		j++
	}
	whole := j > digits
	if whole {
		if l.at(j) == '.' && l.at(j+1) == '.' {
			return tokInteger, j - i
		}
		if e := l.exponentAt(j); e > 0 {
			return tokFloat, j + e - i
		}
	}
	if l.at(j) != '.' || (!whole && !isDigit(l.at(j+1))) {
		if whole {
			return tokInteger, j - i
		}
		return 0, 0
	}
	for j++; isDigit(l.at(j)); {
		j++
	}
	return tokFloat, j + l.exponentAt(j) - i
}

func (l *lexer) exponentAt(i int) int {
	if l.at(i)|0x20 != 'e' {
		return 0
	}
	n := 1
	if c := l.at(i + n); c == '+' || c == '-' {
		n++
	}
	start := n
	for isDigit(l.at(i + n)) {
		n++
	}
	if n == start {
		return 0
	}
	return n
}

// takeNumber accepts a number; outside parentheses it ends the directive.
func (l *lexer) takeNumber(kind tokenKind, n int) (int, int, *lexError) {
	inside := l.state == stateArguments || l.state == stateAlternate ||
		(l.state == stateIndex && kind == tokInteger)
	if l.lparen == 0 && !l.inSet && !inside {
		l.pop()
	}
	return l.take(kind, n)
}

// matchComment throws comments away.
func (l *lexer) matchComment() (int, int, *lexError) {
	c := l.at(l.pos)
	switch {
	case l.state == stateLineComment && (c == '\n' || c == '\r'):
		n := l.newlineAt(l.pos)
		l.leaveComment()
		return l.take(tokCommentEnd, n)
	case l.state != stateLineComment && c == '*' && l.at(l.pos+1) == '#':
		l.leaveComment()
		return l.take(tokBlockComment, 2)
	case c == zeroWidth && l.state != stateBlockComment:
		return l.takeZero(tokZeroWidth)
	case c == zeroWidth:
		l.past = l.pos >= len(l.src)
		l.pos++
		return matchSkip, l.pos, nil
	case c == '#':
		return l.matchHash()
	}
	l.pos++
	for l.pos < len(l.src) && !strings.ContainsRune("\r\n*#\x1C", rune(l.src[l.pos])) {
		l.pos++
	}
	return matchSkip, l.pos, nil
}

func (l *lexer) leaveComment() {
	l.inComment = false
	l.pop()
	if l.state == stateReference || l.state == stateAfterCall {
		l.pop()
	}
}

// matchTextblock reads #[[ ... ]]#.
func (l *lexer) matchTextblock() (int, int, *lexError) {
	switch c := l.at(l.pos); {
	case c == ']' && l.at(l.pos+1) == ']' && l.at(l.pos+2) == '#':
		l.inComment = false
		l.pop()
		return l.take(tokTextblock, 3)
	case c == zeroWidth:
		return l.stuck(0)
	case c == '#':
		return l.matchHash()
	}
	l.pos++
	for l.pos < len(l.src) && l.src[l.pos] != ']' && l.src[l.pos] != '#' && l.src[l.pos] != zeroWidth {
		l.pos++
	}
	return matchMore, l.pos, nil
}
