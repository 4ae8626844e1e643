package vtl

import (
	"strings"
)

// morePrefix is what precedes the # of a directive's token: lone dollars and hashes
// that ran into it, which are text.
func (p *parser) morePrefix(t token) string {
	image := p.src[t.pos:t.end]
	return image[:max(strings.LastIndexByte(image, '#'), 0)]
}

// gobble consumes blanks and a line end if both follow, and returns them.
func (p *parser) gobble() (string, bool, error) {
	start := p.last
	n := 1
	kind, err := p.kindAt(1)
	if err != nil {
		return "", false, err
	}
	if kind == tokWhitespace {
		n = 2
		if kind, err = p.kindAt(2); err != nil {
			return "", false, err
		}
	}
	if kind != tokNewline {
		return "", false, nil
	}
	for ; n > 0; n-- {
		if _, err := p.take(); err != nil {
			return "", false, err
		}
	}
	return p.src[start:p.last], true, nil
}

// setStatement reads #set(...).
func (p *parser) setStatement(afterNewline bool) (node, bool, error) {
	start := p.last
	blanks, _, err := p.accept(tokWhitespace)
	if err != nil {
		return nil, false, err
	}
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	n := &setNode{pos: t.pos}
	if err := p.blanks(); err != nil {
		return nil, false, err
	}
	if kind, err := p.kindAt(1); err != nil {
		return nil, false, err
	} else if kind != tokIdentifier && kind != tokLCurly {
		return nil, false, p.unexpected("a reference")
	}
	if n.target, err = p.reference(); err != nil {
		return nil, false, err
	}
	if len(n.target.steps) == 0 {
		p.markTarget(n.target)
	}
	if err := p.blanks(); err != nil {
		return nil, false, err
	}
	if _, err := p.expect(tokAssign, `"="`); err != nil {
		return nil, false, err
	}
	if n.value, err = p.expression(); err != nil {
		return nil, false, err
	}
	if _, err := p.expect(tokRParen, `")"`); err != nil {
		return nil, false, err
	}
	p.lex.inSet = false
	newline := false
	postfix := ""
	if afterNewline {
		if postfix, newline, err = p.gobble(); err != nil {
			return nil, false, err
		}
	}
	n.src = p.src[start:p.last]
	if more := p.morePrefix(t); more != "" {
		n.prefix = p.src[blanks.pos:blanks.end] + more
		return &sequence{nodes: []node{n, &textNode{out: postfix}}}, newline, nil
	}
	return n, newline, nil
}

// ifStatement reads #if ... #end.
func (p *parser) ifStatement(afterNewline bool) (node, bool, error) {
	start := p.last
	blanks, _, err := p.accept(tokWhitespace)
	if err != nil {
		return nil, false, err
	}
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	n := &ifNode{pos: t.pos}
	more := p.morePrefix(t)
	if more != "" {
		n.prefix = p.src[blanks.pos:blanks.end] + more
	}
	newline, err := p.ifArm(n, start, true, afterNewline)
	if err != nil {
		return nil, false, err
	}
	end, err := p.ifArms(n, &newline)
	if err != nil {
		return nil, false, err
	}
	tail := p.src[end:p.last]
	newline = false
	if afterNewline {
		post, ok, err := p.gobble()
		if err != nil {
			return nil, false, err
		}
		newline = ok
		tail += post
		if more != "" {
			n.tail = tail
			return &sequence{nodes: []node{n, &textNode{out: post}}}, newline, nil
		}
	}
	n.tail = tail
	return n, newline, nil
}

// ifArms reads #elseif, #else and #end. The blanks before each belong to it. It
// returns where the source of the #end begins.
func (p *parser) ifArms(n *ifNode, newline *bool) (end int, err error) {
	for {
		start := p.last
		if *newline {
			if _, _, err := p.accept(tokWhitespace); err != nil {
				return 0, err
			}
		}
		kind, err := p.kindAt(1)
		if err != nil {
			return 0, err
		}
		hadElse := len(n.arms) > 1 && n.arms[len(n.arms)-1].cond == nil
		switch {
		case kind == tokElseIf && !hadElse, kind == tokElse && !hadElse:
			t, err := p.take()
			if err != nil {
				return 0, err
			}
			n.arms[len(n.arms)-1].body.postfix += p.morePrefix(t)
			if *newline, err = p.ifArm(n, start, kind == tokElseIf, *newline); err != nil {
				return 0, err
			}
		case kind == tokEnd:
			end, err := p.take()
			if err != nil {
				return 0, err
			}
			n.arms[len(n.arms)-1].body.postfix += p.morePrefix(end)
			return start, nil
		default:
			return 0, p.unexpected("#end")
		}
	}
}

// ifArm reads the condition, if there is one, and the body.
func (p *parser) ifArm(n *ifNode, start int, hasCond, afterNewline bool) (newline bool, err error) {
	arm := ifArm{}
	if hasCond {
		if err := p.blanks(); err != nil {
			return false, err
		}
		if _, err := p.expect(tokLParen, `"("`); err != nil {
			return false, err
		}
		if arm.cond, err = p.expression(); err != nil {
			return false, err
		}
		if _, err := p.expect(tokRParen, `")"`); err != nil {
			return false, err
		}
	}
	if _, ok, err := p.gobble(); err != nil {
		return false, err
	} else if ok {
		afterNewline = true
	}
	arm.head = p.src[start:p.last]
	ends := func(kind tokenKind) bool { return kind == tokElseIf || kind == tokElse || kind == tokEnd }
	if len(n.arms) > 0 && !hasCond {
		ends = func(kind tokenKind) bool { return kind == tokEnd }
	}
	arm.body, newline, err = p.statements(afterNewline, ends)
	if err != nil {
		return false, err
	}
	n.arms = append(n.arms, arm)
	return newline, nil
}

// escapedDirective reads \#name: the backslash goes if the name is a directive.
func (p *parser) escapedDirective() (node, bool, error) {
	start := p.last
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	image := p.src[t.pos:t.end]
	last := strings.LastIndexByte(image, '\\')
	name := strings.Trim(image[last+2:], "{}")
	out := image
	if p.isDirective(name) || isControl(name) {
		out = image[:last/2] + image[last+1:]
	}
	return &textNode{src: p.src[start:p.last], out: special(p.src[t.pre:t.pos]) + out}, false, nil
}

// isDirective reports whether a name is a directive or a macro defined so far.
func (p *parser) isDirective(name string) bool {
	switch name {
	case "foreach", "include", "parse", "macro", "define", "evaluate", "break", "stop":
		return true
	}
	return p.shared.known[name]
}

func isControl(name string) bool {
	switch name {
	case "if", "end", "set", "else", "elseif":
		return true
	}
	return false
}

// doubleEscapes reads \\ pairs: one of each stays before a directive, both elsewhere.
func (p *parser) doubleEscapes() (node, bool, error) {
	start := p.last
	count := 0
	for {
		_, ok, err := p.accept(tokDoubleEscape)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			break
		}
		count++
	}
	t, err := p.peek(1)
	if err != nil {
		return nil, false, err
	}
	control := false
	switch t.kind {
	case tokIf, tokElse, tokElseIf, tokEnd:
		control = true
	default:
		image := p.src[min(int(t.pos), len(p.src)):min(int(t.end), len(p.src))]
		control = image != "" && p.isDirective(image[1:])
	}
	out := p.src[start:p.last]
	if control {
		out = strings.Repeat(`\`, count)
	}
	return &textNode{src: p.src[start:p.last], out: out}, false, nil
}

// mergeTag reads %NAME% or %NAME|default%.
func (p *parser) mergeTag() (node, bool, error) {
	start := p.last
	t, err := p.take()
	if err != nil {
		return nil, false, err
	}
	n := p.mergeTagNode(p.src[t.pos:t.end], t.pos, t.pos)
	n.src = p.src[start:p.last]
	return n, false, nil
}

// mergeTagNode makes the node of a tag. use is the offset that References reports.
func (p *parser) mergeTagNode(image string, pos, use int32) *mergeNode {
	n := &mergeNode{src: image, pos: pos}
	n.name, n.def, n.hasDefault = strings.Cut(image[1:len(image)-1], "|")
	n.slot = p.shared.slot(n.name)
	p.uses = append(p.uses, RefUse{
		offset: use, Source: image, Name: n.name, Path: []string{n.name}, Quiet: true,
		Default: n.hasDefault, Merge: true,
	})
	return n
}

// sequence is several statements that came from one.
type sequence struct{ nodes []node }

func (s *sequence) source(b *strings.Builder) {
	for _, n := range s.nodes {
		n.source(b)
	}
}
