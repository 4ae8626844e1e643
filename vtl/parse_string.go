package vtl

import (
	"strconv"
	"strings"
)

// stringLiteral reads 'text' or "text". What a double quoted string interpolates is
// read later, after the whole source, as the reference engine does: errors of the
// source come first.
func (p *parser) stringLiteral() (expr, error) {
	t, err := p.take()
	if err != nil {
		return nil, err
	}
	src := p.src[t.pos:t.end]
	quote := src[0]
	text := src[1 : len(src)-1]
	if quote == '"' {
		var ok bool
		if text, ok = unescapeUnicode(text); !ok {
			return nil, p.fail(int(t.pos), `\u needs four hexadecimal digits`)
		}
	}
	if doubled := string([]byte{quote, quote}); strings.Contains(text, doubled) {
		text = strings.ReplaceAll(text, doubled, doubled[:1])
	}
	tags := p.shared.opts.MergeTags && strings.IndexByte(text, '%') >= 0
	if quote == '\'' && tags {
		return p.taggedString(src, text, t.pos), nil
	}
	if quote == '\'' || !strings.ContainsAny(src, "$#") && !tags {
		return &constExpr{val: String(text), src: src}, nil
	}
	x := &stringExpr{src: src, text: text}
	line, col := p.where.position(int(t.pos))
	x.at = origin{line, col + 1}
	depth := p.depth
	p.later = append(p.later, func() error { return p.interpolate(x, int(t.pos), depth) })
	return x, nil
}

// taggedString reads the merge tags of a single quoted string, and nothing else.
func (p *parser) taggedString(src, text string, pos int32) expr {
	x := &stringExpr{src: src, text: text}
	line, col := p.where.position(int(pos))
	x.at = origin{line, col + 1}
	l := lexer{src: text, mergeTags: true}
	from := 0
	for i := 0; i < len(text); i++ {
		n := l.mergeTagAt(i)
		if n == 0 {
			continue
		}
		plain := text[from:i]
		x.body.nodes = append(x.body.nodes, &textNode{src: plain, out: plain}, p.mergeTagNode(text[i:i+n], int32(i), pos))
		from = i + n
		i += n - 1
	}
	x.body.nodes = append(x.body.nodes, &textNode{src: text[from:], out: text[from:]})
	return x
}

// interpolate reads the inside of a string. A syntax error in it is reported at the
// string.
func (p *parser) interpolate(x *stringExpr, pos, depth int) error {
	sub := newParser(p.shared, x.text, x.at)
	sub.depth = depth
	if err := sub.enter(); err != nil {
		return err
	}
	body, _, err := sub.statements(true, func(tokenKind) bool { return false })
	if err != nil {
		e := &parseError{kind: KindParse, offset: pos, message: "in the string: " + err.Error()}
		if inner, ok := err.(*parseError); ok {
			e.kind = inner.kind
		}
		return e
	}
	x.body = body
	p.shared.uses = append(p.shared.uses, usesOf{sub.where, sub.uses})
	for _, check := range sub.later {
		if err := check(); err != nil {
			return &parseError{located: locate(err, p.shared.tmpl.name, sub.src, sub.at)}
		}
	}
	return nil
}

// unescapeUnicode replaces \uXXXX.
func unescapeUnicode(s string) (string, bool) {
	i := strings.Index(s, `\u`)
	if i < 0 {
		return s, true
	}
	var b strings.Builder
	for i >= 0 {
		if i+6 > len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil {
			return "", false
		}
		b.WriteString(s[:i])
		b.WriteString(charText(uint16(n)))
		s = s[i+6:]
		i = strings.Index(s, `\u`)
	}
	b.WriteString(s)
	return joinSurrogates(b.String()), true
}
