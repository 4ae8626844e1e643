package vtl

import (
	"errors"
	"strconv"
)

// parser reads statements from the tokens of one source. The strings in it that
// have references in them are read by parsers of their own, which share the names.
type parser struct {
	lex    lexer
	src    string
	tokens []token // read
	head   int     // how many of them are consumed
	last   int     // end of the last consumed token
	shared *shared
	depth  int
	// later holds what the reference engine checks after the whole source was read.
	later []func() error
	at    origin
	where cursor
	uses  []RefUse // of this source, by offset
}

// shared is what the parsers of one template have in common.
type shared struct {
	opts   Options
	slots  map[string]int32
	names  []string
	known  map[string]bool // macros whose definition was read
	macros map[string]*macro
	calls  []*callNode
	uses   []usesOf
	nodes  int
	tmpl   *Template
}

// parseError is an error at an offset of the parser's source.
type parseError struct {
	kind    ErrorKind
	offset  int
	message string
	eof     bool // one column behind the end
	syntax  bool // a token that can't stand where it does
	located *Error
}

func (e *parseError) Error() string { return e.message }

// usesOf are the references of one source of the template.
type usesOf struct {
	where cursor
	uses  []RefUse
}

// slot gives a variable its number.
func (s *shared) slot(name string) int32 {
	if i, ok := s.slots[name]; ok {
		return i
	}
	i := int32(len(s.names))
	s.slots[name] = i
	s.names = append(s.names, name)
	return i
}

// count takes one node from the budget of the source.
func (p *parser) count() error {
	p.shared.nodes++
	if p.shared.nodes > p.shared.opts.MaxNodes {
		return &parseError{
			kind: KindLimitSource, offset: p.last,
			message: "the template has more than " + strconv.Itoa(p.shared.opts.MaxNodes) + " nodes",
		}
	}
	return nil
}

// enter goes one level deeper.
func (p *parser) enter() error {
	p.depth++
	if p.depth > p.shared.opts.MaxDepth {
		return &parseError{
			kind: KindLimitSource, offset: p.last,
			message: "blocks, parentheses or lists nest deeper than " + strconv.Itoa(p.shared.opts.MaxDepth),
		}
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// newParser begins to read a source that stands at a place of the template.
func newParser(s *shared, src string, at origin) *parser {
	p := &parser{src: src, shared: s, at: at, where: cursor{text: src, at: at}}
	p.lex.src, p.lex.mergeTags = src, s.opts.MergeTags
	return p
}

// peek looks at the n-th token from here, counted from 1, and reads it if need be.
func (p *parser) peek(n int) (*token, error) {
	for len(p.tokens)-p.head < n {
		t, bad := p.lex.next()
		if bad != nil {
			return nil, p.lexicalError(bad)
		}
		p.tokens = append(p.tokens, t)
	}
	return &p.tokens[p.head+n-1], nil
}

// kindAt is the kind of the n-th token from here.
func (p *parser) kindAt(n int) (tokenKind, error) {
	t, err := p.peek(n)
	if err != nil {
		return tokEOF, err
	}
	return t.kind, nil
}

func (p *parser) lexicalError(bad *lexError) error {
	e := &parseError{kind: KindParse, offset: bad.offset, eof: bad.eof}
	if bad.eof {
		e.message = "unexpected end of the template"
	} else {
		e.message = "unexpected character " + strconv.QuoteRune(runeAt(p.src, bad.offset))
	}
	return e
}

func runeAt(s string, i int) rune {
	for _, c := range s[min(i, len(s)):] {
		return c
	}
	return zeroWidth
}

// take consumes the next token.
func (p *parser) take() (token, error) {
	t, err := p.peek(1)
	if err != nil {
		return token{}, err
	}
	taken := *t
	if p.head++; p.head == len(p.tokens) {
		p.tokens, p.head = p.tokens[:0], 0
	}
	p.last = int(taken.end)
	return taken, nil
}

// expect consumes a token of a kind.
func (p *parser) expect(kind tokenKind, want string) (token, error) {
	t, err := p.peek(1)
	if err != nil {
		return token{}, err
	}
	if t.kind != kind {
		return token{}, p.unexpected(want)
	}
	return p.take()
}

// accept consumes a token if it is of a kind.
func (p *parser) accept(kind tokenKind) (token, bool, error) {
	t, err := p.peek(1)
	if err != nil || t.kind != kind {
		return token{}, false, err
	}
	taken, err := p.take()
	return taken, err == nil, err
}

// unexpected makes the error of a token that can't stand here.
func (p *parser) unexpected(want string) error {
	t, err := p.peek(1)
	if err != nil {
		return err
	}
	what := "end of the template"
	if t.kind != tokEOF && int(t.pos) < len(p.src) {
		what = strconv.Quote(p.src[t.pos:t.end])
	}
	message := "unexpected " + what
	if want != "" {
		message += ", want " + want
	}
	return &parseError{kind: KindParse, offset: int(t.pos), message: message, syntax: true}
}

// fail makes an error at an offset.
func (p *parser) fail(offset int, message string) error {
	return &parseError{kind: KindParse, offset: offset, message: message}
}

// blanks consumes blanks and line ends.
func (p *parser) blanks() error {
	for {
		t, err := p.peek(1)
		if err != nil {
			return err
		}
		if t.kind != tokWhitespace && t.kind != tokNewline {
			return nil
		}
		if _, err := p.take(); err != nil {
			return err
		}
	}
}

// parseAll reads the whole source as statements.
func (p *parser) parseAll() (block, error) {
	b, _, err := p.statements(true, func(tokenKind) bool { return false })
	if err != nil {
		return block{}, err
	}
	if p.last < len(p.src) { // a block comment without end
		b.nodes = append(b.nodes, &commentNode{src: p.src[p.last:]})
	}
	p.shared.uses = append(p.shared.uses, usesOf{p.where, p.uses})
	for _, check := range p.later {
		if err := check(); err != nil {
			return block{}, err
		}
	}
	return b, nil
}

// statements reads statements up to the end, or up to a token that ends a block,
// which may have blanks before it at the start of a line. It returns also whether
// the last thing read ended a line.
func (p *parser) statements(afterNewline bool, ends func(tokenKind) bool) (b block, newline bool, err error) {
	if err := p.enter(); err != nil {
		return block{}, false, err
	}
	defer p.leave()
	first := true
	for {
		t, err := p.peek(1)
		if err != nil {
			return block{}, false, err
		}
		if first {
			b.pos, first = t.pos, false
		}
		kind := t.kind
		if kind == tokEOF {
			return b, afterNewline, nil
		}
		if kind == tokWhitespace && afterNewline {
			if kind, err = p.kindAt(2); err != nil {
				return block{}, false, err
			}
		}
		if ends(kind) {
			return b, afterNewline, nil
		}
		var n node
		n, afterNewline, err = p.statement(afterNewline)
		if err != nil {
			return block{}, false, err
		}
		if n != nil {
			p.add(&b, n)
		}
	}
}

// add appends a statement that ends with the last token. Text that is printed as it
// was written joins the text before it.
func (p *parser) add(b *block, n node) {
	if t, ok := n.(*textNode); ok && len(b.nodes) > 0 && len(t.src) == len(t.out) {
		before, ok := b.nodes[len(b.nodes)-1].(*textNode)
		if ok && len(before.src) == len(before.out) {
			before.src = p.src[p.last-len(t.src)-len(before.src) : p.last]
			before.out = before.src
			return
		}
	}
	b.nodes = append(b.nodes, n)
}

// statement reads one statement. afterNewline says that a line begins here; the
// result says whether one begins behind it.
func (p *parser) statement(afterNewline bool) (node, bool, error) {
	if err := p.count(); err != nil {
		return nil, false, err
	}
	kind, err := p.kindAt(1)
	if err != nil {
		return nil, false, err
	}
	word := kind
	if afterNewline && kind == tokWhitespace {
		if word, err = p.kindAt(2); err != nil {
			return nil, false, err
		}
	}
	switch word {
	case tokIf:
		return p.ifStatement(afterNewline)
	case tokSet:
		return p.setStatement(afterNewline)
	case tokWord, tokBracketedWord:
		return p.directive(afterNewline)
	}
	switch kind {
	case tokIdentifier:
		if _, err := p.peek(2); err != nil { // the reference looks that far
			return nil, false, err
		}
		n, err := p.refStatement()
		return n, false, err
	case tokLCurly:
		if second, err := p.kindAt(2); err != nil {
			return nil, false, err
		} else if second == tokIdentifier {
			n, err := p.refStatement()
			return n, false, err
		}
	case tokCommentStart, tokBlockComment:
		return p.comment()
	}
	return p.text(afterNewline)
}

// text reads a token that is text.
func (p *parser) text(afterNewline bool) (node, bool, error) {
	start := p.last
	t, err := p.peek(1)
	if err != nil {
		return nil, false, err
	}
	newline := false
	switch t.kind {
	case tokText, tokNewline, tokSuffix:
		newline = true
	case tokInlineText, tokWhitespace, tokDot, tokRParen, tokLParen, tokInteger, tokFloat,
		tokString, tokEscape, tokLCurly, tokRCurly, tokEmptyIndex, tokPipe, tokLoneSymbol:
	case tokOr2:
		newline = afterNewline
	case tokZeroWidth:
		newline = int(t.pos) >= len(p.src) && afterNewline
	case tokTextblock:
		return p.textblock()
	case tokEscapeDirective:
		return p.escapedDirective()
	case tokDoubleEscape:
		return p.doubleEscapes()
	case tokMergeTag:
		return p.mergeTag()
	default:
		return nil, false, p.unexpected("")
	}
	taken, err := p.take()
	if err != nil {
		return nil, false, err
	}
	if taken.kind == tokInlineText {
		if kind, err := p.kindAt(1); err != nil {
			return nil, false, err
		} else if kind == tokText {
			if _, err := p.take(); err != nil {
				return nil, false, err
			}
			newline = true
		}
	}
	src := p.src[start:p.last]
	return &textNode{src: src, out: special(p.src[taken.pre:taken.pos]) + p.src[taken.pos:p.last]}, newline, nil
}

// special is what is printed of a lone $ or # with what was read together with it:
// dollars, hashes, and backslashes before a dollar.
func special(s string) string {
	if s == "$" || s == "#" || s == "" {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '$', '#':
			out = append(out, s[i])
		case '\\':
			j := i
			for j < len(s) && s[j] == '\\' {
				j++
			}
			if j < len(s) && s[j] == '$' {
				out = append(out, s[i:j+1]...)
				i = j
			}
		}
	}
	return string(out)
}

// comment reads a comment. A line comment takes its line end with it.
func (p *parser) comment() (node, bool, error) {
	start := p.last
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	newline := t.kind == tokCommentStart
	if newline {
		if _, _, err := p.accept(tokCommentEnd); err != nil {
			return nil, false, err
		}
		image := p.src[t.pos:t.end]
		if lead := len(image) - 2; lead > 0 { // dollars that ran into the comment
			return &textNode{src: p.src[start:p.last], out: image[:lead]}, newline, nil
		}
	}
	return &commentNode{src: p.src[start:p.last]}, newline, nil
}

// textblock reads #[[text]]#.
func (p *parser) textblock() (node, bool, error) {
	start := p.last
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	image := p.src[t.pos:t.end]
	open := 0
	for image[open:open+3] != "#[[" {
		open++
	}
	return &textNode{
		src: p.src[start:p.last],
		out: special(p.src[t.pre:t.pos]) + image[:open] + image[open+3:len(image)-3],
	}, false, nil
}

// locate turns a parseError into an Error of the template.
func locate(err error, tmpl, text string, at origin) *Error {
	var e *parseError
	if !errors.As(err, &e) {
		return &Error{Template: tmpl, Kind: KindInternal, Message: err.Error(), Err: err}
	}
	if e.located != nil {
		return e.located
	}
	line, col := at.position(text, e.offset)
	if e.eof {
		col++
	}
	return &Error{
		Template: tmpl, Line: line, Col: col, Kind: e.kind, Message: e.message,
		Fragment: lineAt(text, e.offset),
	}
}
