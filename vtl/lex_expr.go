package vtl

// matchExpression reads the tokens of directives' parentheses, method arguments,
// indexes and alternate values. The four states differ in which tokens they have.
func (l *lexer) matchExpression() (int, int, *lexError) {
	c := l.at(l.pos)
	switch c {
	case '$', '\\':
		if kind, end, err, ok := l.matchDollar(); ok {
			return kind, end, err
		}
		return l.stuck(l.slashes(l.pos) - l.pos)
	case '#':
		return l.matchHash()
	case zeroWidth:
		if l.state == stateAlternate {
			return l.stuck(0)
		}
		return l.takeZero(tokZeroWidth)
	case ' ', '\t':
		n := 1
		for isBlank(l.at(l.pos + n)) {
			n++
		}
		return l.take(tokWhitespace, n)
	case '\n', '\r':
		l.inSet = false
		return l.take(tokNewline, l.newlineAt(l.pos))
	case '"', '\'':
		return l.matchString(c)
	}
	if kind, n := l.numberAt(l.pos); n > 0 {
		return l.takeNumber(kind, n)
	}
	if isLetter(c) || c == '_' || c == '@' || c == '{' {
		return l.matchWord(c)
	}
	return l.matchSymbol(c)
}

// matchWord reads operators written as words, constants, and names.
func (l *lexer) matchWord(c byte) (int, int, *lexError) {
	n := 0
	switch l.state {
	case stateDirective:
		if b := l.bracketedAt(l.pos); b > 0 {
			return l.take(tokBracketedWord, b)
		}
		n = l.wordAt(l.pos)
	case stateArguments:
		if isWordStart(c) {
			n = l.identifierAt(l.pos)
		}
	}
	if c == '{' {
		return l.matchSymbol(c)
	}
	kind, k, looked := l.wordOperator(l.pos)
	switch {
	case k > 0 && k >= n:
		return l.take(kind, k)
	case n > 0 && l.state == stateDirective:
		return l.take(tokWord, n)
	case n > 0:
		return l.take(tokIdentifier, n)
	}
	return l.stuck(looked)
}

// wordOperator recognises the word operators and constants at i. looked is how far
// the machine reads before it knows that there is none.
func (l *lexer) wordOperator(i int) (kind tokenKind, n, looked int) {
	words := [...]struct {
		word string
		kind tokenKind
	}{
		{"and", tokAnd},
		{"or", tokOr},
		{"lt", tokLT},
		{"le", tokLE},
		{"gt", tokGT},
		{"ge", tokGE},
		{"eq", tokEQ},
		{"ne", tokNE},
		{"not", tokNot},
		{"true", tokTrue},
		{"false", tokFalse},
	}
	for _, w := range words {
		k := 0
		for k < len(w.word) && l.at(i+k) == w.word[k] {
			k++
		}
		if k == len(w.word) {
			return w.kind, k, 0
		}
		looked = max(looked, k)
	}
	return 0, 0, looked
}

// matchSymbol reads punctuation.
func (l *lexer) matchSymbol(c byte) (int, int, *lexError) {
	d := l.at(l.pos + 1)
	switch c {
	case '=':
		if d == '=' {
			return l.take(tokEQ, 2)
		}
		return l.take(tokAssign, 1)
	case '!':
		if d == '=' {
			return l.take(tokNE, 2)
		}
		return l.take(tokNot, 1)
	case '<':
		if d == '=' {
			return l.take(tokLE, 2)
		}
		return l.take(tokLT, 1)
	case '>':
		if d == '=' {
			return l.take(tokGE, 2)
		}
		return l.take(tokGT, 1)
	case '&', '|':
		if d != c {
			return l.stuck(1)
		}
		if c == '&' {
			return l.take(tokAnd, 2)
		}
		return l.take(tokOr, 2)
	case '-':
		return l.take(tokMinus, 1)
	case '+':
		return l.take(tokPlus, 1)
	case '*':
		return l.take(tokMultiply, 1)
	case '/':
		return l.take(tokDivide, 1)
	case '%':
		return l.take(tokModulus, 1)
	}
	return l.matchBracket(c, d)
}

// matchBracket reads brackets and separators.
func (l *lexer) matchBracket(c, d byte) (int, int, *lexError) {
	if l.state == stateIndex {
		if c == ']' {
			l.pop()
			return l.take(tokIndexClose, 1)
		}
		return l.stuck(0)
	}
	switch c {
	case '[':
		return l.take(tokLBracket, 1)
	case ']':
		return l.take(tokRBracket, 1)
	case ',':
		return l.take(tokComma, 1)
	case ':':
		return l.take(tokColon, 1)
	case '.':
		if d == '.' {
			return l.take(tokDoubleDot, 2)
		}
		if l.state == stateArguments && isWordStart(d) {
			l.state = stateModifier
			return l.take(tokDot, 1)
		}
		return l.stuck(1)
	case '{':
		l.curly++
		return l.take(tokLeftCurly, 1)
	case '}':
		l.curly--
		if l.state == stateAlternate && l.curly == 0 {
			l.pop()
		}
		return l.take(tokRightCurly, 1)
	case '(':
		if l.state == stateDirective {
			l.lparen++
			return l.take(tokLParen, 1)
		}
	case ')':
		switch l.state {
		case stateDirective:
			l.closeParen()
			return l.take(tokRParen, 1)
		case stateArguments:
			l.state = stateAfterCall
			return l.take(tokMethodClose, 1)
		}
	}
	return l.stuck(0)
}

// closeParen leaves the state whose last parenthesis this is.
func (l *lexer) closeParen() {
	for !l.inComment {
		if l.lparen > 0 {
			if l.lparen == l.rparen+1 {
				l.pop()
			} else {
				l.rparen++
			}
			return
		}
		if !l.pop() {
			return
		}
	}
}

// matchString reads a quoted string; a doubled quote stands for itself. The longest
// match wins, so that a string ends at the last of a row of quotes.
func (l *lexer) matchString(quote byte) (int, int, *lexError) {
	end := 0
	i := l.pos + 1
	for {
		c := l.at(i)
		if c == zeroWidth {
			break
		}
		if c != quote {
			i++
			continue
		}
		end = i + 1
		if l.at(i+1) != quote {
			break
		}
		i += 2
	}
	if end == 0 {
		return l.stuck(i - l.pos)
	}
	if l.state == stateDirective && !l.inSet && l.lparen == 0 {
		l.pop()
	}
	return l.take(tokString, end-l.pos)
}
