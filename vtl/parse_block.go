package vtl

import "strings"

// argKind is the kind of an argument of a directive.
type argKind uint8

const (
	argValue argKind = iota
	argRef
	argWord
	argString
)

type argument struct {
	expr expr
	def  expr // of a macro's parameter
	kind argKind
	pos  int32
}

// directive reads a #name that is no control word: a directive or a macro call.
func (p *parser) directive(afterNewline bool) (node, bool, error) {
	start := p.last
	blanks, hasBlanks, err := p.accept(tokWhitespace)
	if err != nil {
		return nil, false, err
	}
	id, err := p.take()
	if err != nil {
		return nil, false, err
	}
	image := p.src[id.pos:id.end]
	name := image[strings.LastIndexByte(image, '#')+1:]
	if id.kind == tokBracketedWord {
		name = name[1 : len(name)-1]
	}
	d := directive{pos: id.pos, prefix: p.morePrefix(id)}
	if hasBlanks {
		d.pos = blanks.pos
		if d.prefix != "" {
			d.prefix = p.src[blanks.pos:blanks.end] + d.prefix
		}
	}
	p.lex.state = stateDirective
	args, err := p.directiveArgs(name, id)
	if err != nil {
		return nil, false, err
	}
	isBlock := name[0] == '@' || name == "foreach" || name == "macro" || name == "define"
	newline := false
	post := ""
	if isBlock || afterNewline || name == "include" || name == "parse" {
		if post, newline, err = p.gobble(); err != nil {
			return nil, false, err
		}
	}
	if err := checkArgs(name, args); err != "" {
		return nil, false, p.fail(int(id.end), err)
	}
	d.head = p.src[start:p.last]
	if !isBlock {
		if d.prefix != "" {
			d.postfix = post
		}
		n, err := p.lineDirective(name, d, args, start)
		return n, newline, err
	}
	return p.blockDirective(&opening{name: name, directive: d, args: args, start: start, atStart: afterNewline}, newline)
}

// directiveArgs reads (a b, c) if a parenthesis follows.
func (p *parser) directiveArgs(name string, id token) ([]argument, error) {
	i := p.lex.pos
	for c := p.lex.at(i); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.lex.at(i) {
		i++
	}
	if p.lex.at(i) != '(' {
		p.lex.pop()
		return nil, nil
	}
	if err := p.blanks(); err != nil {
		return nil, err
	}
	if _, err := p.expect(tokLParen, `"("`); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var args []argument
	for {
		closing, err := p.closingAhead()
		if err != nil {
			return nil, err
		}
		if closing {
			break
		}
		if err := p.blanks(); err != nil {
			return nil, err
		}
		if _, comma, err := p.accept(tokComma); err != nil {
			return nil, err
		} else if comma {
			if err := p.blanks(); err != nil {
				return nil, err
			}
		}
		arg, ok, err := p.directiveArg(name, id)
		if err != nil {
			return nil, err
		}
		if ok {
			args = append(args, arg)
		}
	}
	if err := p.blanks(); err != nil {
		return nil, err
	}
	_, err := p.expect(tokRParen, `")"`)
	return args, err
}

// closingAhead reports whether blanks and a closing parenthesis follow. It looks at
// the characters, so that no token is read too early.
func (p *parser) closingAhead() (bool, error) {
	kind, err := p.kindAt(1)
	if err != nil {
		return false, err
	}
	switch kind {
	case tokRParen:
		return true, nil
	case tokWhitespace, tokNewline:
	default:
		return false, nil
	}
	i := p.lex.pos
	for c := p.lex.at(i); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.lex.at(i) {
		i++
	}
	return p.lex.at(i) == ')', nil
}

// directiveArg reads one argument; false for a comment.
func (p *parser) directiveArg(name string, id token) (argument, bool, error) {
	t, err := p.peek(1)
	if err != nil {
		return argument{}, false, err
	}
	arg := argument{pos: t.pos}
	switch t.kind {
	case tokCommentStart:
		if name != "macro" {
			return argument{}, false, p.fail(int(id.end), "a comment can't stand among the arguments of #"+name)
		}
		if _, err := p.take(); err != nil {
			return argument{}, false, err
		}
		_, _, err := p.accept(tokCommentEnd)
		return argument{}, false, err
	case tokWord:
		word, err := p.take()
		arg.kind, arg.expr = argWord, &wordExpr{src: p.src[word.pos:word.end]}
		return arg, err == nil, err
	case tokString:
		arg.kind = argString
	case tokIdentifier, tokLCurly:
		arg.kind = argRef
	case tokMinus, tokLParen: // no operators here
		return argument{}, false, p.unexpected(`an argument or ")"`)
	}
	assigned := name == "macro" && t.kind == tokIdentifier && p.assignmentAhead()
	if arg.expr, err = p.operand(); err != nil {
		return argument{}, false, err
	}
	if !assigned {
		return arg, true, nil
	}
	if err := p.blanks(); err != nil {
		return argument{}, false, err
	}
	if _, err := p.expect(tokAssign, `"="`); err != nil {
		return argument{}, false, err
	}
	if err := p.blanks(); err != nil {
		return argument{}, false, err
	}
	def, _, err := p.directiveArg("", id)
	arg.def = def.expr
	return arg, err == nil, err
}

// assignmentAhead reports whether = follows the name just read.
func (p *parser) assignmentAhead() bool {
	if p.lex.state != stateReference {
		return false
	}
	i := p.lex.pos
	for c := p.lex.at(i); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.lex.at(i) {
		i++
	}
	return p.lex.at(i) == '='
}

// checkArgs returns what is wrong with the arguments of a directive, "" if nothing is.
func checkArgs(name string, args []argument) string {
	switch name {
	case "foreach":
		return checkForeach(args)
	case "macro":
		return checkMacro(args)
	case "define":
		if len(args) != 1 {
			return "#define wants one argument"
		}
		if args[0].kind == argWord {
			return "the argument of #define is no reference"
		}
	case "parse":
		if len(args) != 1 {
			return "#parse wants one argument"
		}
		if args[0].kind == argWord {
			return "the argument of #parse is a bare word"
		}
	case "break", "stop":
		if len(args) > 1 {
			return "#" + name + " takes one argument at most"
		}
	}
	return ""
}

func checkForeach(args []argument) string {
	switch {
	case len(args) < 3:
		return "#foreach wants a reference, the word in, and a list"
	case args[0].kind != argRef:
		return "argument 1 of #foreach is no reference"
	case args[1].kind != argWord:
		return "argument 2 of #foreach is not the word in"
	case args[2].kind == argWord:
		return "argument 3 of #foreach is a bare word"
	}
	return ""
}

func checkMacro(args []argument) string {
	if len(args) == 0 {
		return "#macro wants a name"
	}
	if args[0].kind != argWord {
		return "argument 1 of #macro is no name"
	}
	defaults := false
	for _, arg := range args[1:] {
		switch {
		case arg.def != nil:
			defaults = true
		case arg.kind != argRef:
			return "the parameters of #macro must be references"
		case defaults:
			return "a parameter without a default follows one with a default"
		}
	}
	return ""
}

// lineDirective makes the node of a directive without a body.
func (p *parser) lineDirective(name string, d directive, args []argument, start int) (node, error) {
	exprs := make([]expr, len(args))
	for i := range args {
		exprs[i] = args[i].expr
	}
	switch name {
	case "evaluate":
		return p.evaluate(d, args)
	case "parse":
		return &parseNode{directive: d, arg: exprs[0]}, nil
	case "include":
		return &includeNode{directive: d, args: exprs}, nil
	case "break":
		return &breakNode{directive: d, args: exprs}, nil
	case "stop":
		return &stopNode{directive: d}, nil
	}
	n := &callNode{directive: d, name: name, args: exprs, src: p.src[start:p.last]}
	n.noteBadArg(args)
	p.shared.calls = append(p.shared.calls, n)
	return n, nil
}

func (n *callNode) noteBadArg(args []argument) {
	for i := range args {
		if args[i].kind == argWord {
			n.badArg, n.badPos = args[i].expr.literal(), args[i].pos
			return
		}
	}
}

// evaluate checks the argument of #evaluate after the whole source was read.
func (p *parser) evaluate(d directive, args []argument) (node, error) {
	n := &evaluateNode{directive: d}
	message, pos := "", d.pos
	switch {
	case len(args) == 0:
		message = "#evaluate wants one argument"
	case len(args) > 1:
		message, pos = "#evaluate wants one argument", args[1].pos
	case args[0].kind != argString && args[0].kind != argRef:
		message, pos = "the argument of #evaluate is neither a string nor a reference", args[0].pos
	default:
		n.arg = args[0].expr
	}
	if message != "" {
		p.later = append(p.later, func() error { return p.fail(int(pos), message) })
	}
	return n, nil
}

// opening is the first line of a directive with a body.
type opening struct {
	directive
	name    string
	args    []argument
	start   int  // offset of its source
	atStart bool // a line began before it
}

// blockDirective reads the body and #end of #foreach, #macro, #define and #@name.
// newline says that the opening ended its line.
func (p *parser) blockDirective(d *opening, newline bool) (node, bool, error) {
	ends := func(kind tokenKind) bool { return kind == tokEnd || kind == tokElse }
	body, newline, err := p.statements(newline, ends)
	if err != nil {
		return nil, false, err
	}
	tail := p.last
	if newline {
		if _, _, err := p.accept(tokWhitespace); err != nil {
			return nil, false, err
		}
	}
	var orElse *elsePart
	if kind, err := p.kindAt(1); err != nil {
		return nil, false, err
	} else if kind == tokElse && d.name == "foreach" {
		if orElse, newline, err = p.foreachElse(&body, tail, newline); err != nil {
			return nil, false, err
		}
		tail = p.last
	}
	if newline {
		if _, _, err := p.accept(tokWhitespace); err != nil {
			return nil, false, err
		}
	}
	end, err := p.expect(tokEnd, "#end")
	if err != nil {
		return nil, false, err
	}
	newline = false
	if d.atStart {
		post, ok, err := p.gobble()
		if err != nil {
			return nil, false, err
		}
		newline = ok
		if d.prefix != "" {
			d.postfix = post
		}
	}
	d.tail = p.src[tail:p.last]
	last := &body
	if orElse != nil {
		last = &orElse.body
	}
	last.postfix += p.morePrefix(end)
	return p.blockNode(d, body, orElse), newline, nil
}

type elsePart struct {
	head string
	body block
}

// foreachElse reads the #else of a #foreach.
func (p *parser) foreachElse(before *block, start int, newline bool) (*elsePart, bool, error) {
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	before.postfix += p.morePrefix(t)
	if _, ok, err := p.gobble(); err != nil {
		return nil, false, err
	} else if ok {
		newline = true
	}
	part := &elsePart{head: p.src[start:p.last]}
	part.body, newline, err = p.statements(newline, func(kind tokenKind) bool { return kind == tokEnd })
	return part, newline, err
}

func (p *parser) blockNode(d *opening, body block, orElse *elsePart) node {
	args := d.args
	switch d.name {
	case "foreach":
		n := &foreachNode{directive: d.directive, body: body, list: args[2].expr}
		n.item = args[0].expr.(*reference).slot
		p.markTarget(args[0].expr.(*reference))
		if orElse != nil {
			n.hasElse, n.elseHead, n.orElse = true, orElse.head, orElse.body
		}
		return n
	case "macro":
		n := &macroNode{directive: d.directive, body: body}
		p.defineMacro(n, args)
		return n
	case "define":
		n := &defineNode{directive: d.directive, body: body, slot: -1}
		if ref, ok := args[0].expr.(*reference); ok {
			n.slot = ref.slot
			p.markTarget(ref)
		}
		return n
	}
	n := &callNode{directive: d.directive, name: d.name[1:], body: &body, src: p.src[d.start:p.last]}
	n.args = make([]expr, len(args))
	for i := range args {
		n.args[i] = args[i].expr
	}
	n.noteBadArg(args)
	p.shared.calls = append(p.shared.calls, n)
	return n
}

// markTarget marks the use of a reference as one that sets the variable.
func (p *parser) markTarget(ref *reference) {
	if ref.use > 0 {
		p.uses[ref.use-1].Target = true
	}
}

// defineMacro registers a macro after the whole source was read; the first of a name
// stays.
func (p *parser) defineMacro(n *macroNode, args []argument) {
	m := &macro{name: args[0].expr.literal(), body: &n.body, tmpl: p.shared.tmpl}
	for _, arg := range args[1:] {
		ref, ok := arg.expr.(*reference)
		if !ok {
			continue
		}
		p.markTarget(ref)
		m.params = append(m.params, param{slot: ref.slot, def: arg.def})
	}
	p.shared.known[m.name] = true
	p.later = append(p.later, func() error {
		if _, ok := p.shared.macros[m.name]; !ok {
			p.shared.macros[m.name] = m
		}
		return nil
	})
}
