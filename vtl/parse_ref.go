package vtl

import "strings"

// RefUse is one place where a template uses a variable.
type RefUse struct {
	Source string // as written: $!{data.get('WH6').code}
	Name   string // the variable: data
	// Path is the name and the properties and constant keys that follow it, as far as
	// they are known without running the template: data, WH6, code.
	Path      []string
	Line, Col int
	Quiet     bool // prints nothing when there is no value
	Default   bool // has an alternate value
	Local     bool // the template itself sets the variable somewhere
	Merge     bool // a merge tag
	Target    bool // the variable is set here, not read

	offset int32
}

func (p *parser) refStatement() (node, error) {
	start := p.last
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	return &refNode{ref: ref, src: p.src[start:p.last]}, nil
}

// reference reads $name or ${name} with all that follows.
func (p *parser) reference() (*reference, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	first, err := p.take()
	if err != nil {
		return nil, err
	}
	ref := &reference{pos: first.pos}
	name := first
	if first.kind == tokLCurly {
		if name, err = p.expect(tokIdentifier, "a name"); err != nil {
			return nil, err
		}
	}
	if err := p.steps(ref); err != nil {
		return nil, err
	}
	if first.kind == tokLCurly {
		if err := p.closeFormal(ref); err != nil {
			return nil, err
		}
	}
	p.root(ref, p.src[first.pos:first.end], first.pos)
	ref.name = strings.TrimLeft(p.src[name.pos:name.end], "\\$!#")
	ref.slot = p.shared.slot(ref.name)
	if !ref.runt && !ref.inert {
		p.use(ref)
	}
	return ref, nil
}

// root splits the prefix of a reference into what stays, what is text, and the
// reference proper. image is its first token.
func (p *parser) root(ref *reference, image string, pos int32) {
	if strings.Contains(image, "\\!") {
		ref.inert = true
		start := strings.IndexByte(image, '$')
		for image[start] != '\\' {
			start++
		}
		ref.null = image[:start] + image[start+1:] + p.src[int(pos)+len(image):p.last]
		ref.text = ref.null
		return
	}
	n := 0
	for n < len(image) && image[n] == '\\' {
		n++
	}
	ref.escaped = n%2 == 1
	ref.esc = image[:n/2]
	image = image[n:]
	curly := strings.LastIndexByte(image, '{')
	if curly < 0 {
		curly = len(image)
	}
	if i := strings.LastIndexByte(image[:curly], '$'); i > 0 {
		ref.more = image[:i]
		n += i
		image = image[i:]
	}
	ref.text = p.src[int(pos)+n : p.last]
	ref.null = ref.text
	ref.runt = !strings.HasPrefix(image, "$")
	ref.quiet = strings.HasPrefix(image, "$!")
	if ref.quiet && !ref.escaped {
		ref.null = ""
	}
}

// use notes the reference for References.
func (p *parser) use(ref *reference) {
	u := RefUse{offset: ref.pos, Source: ref.text, Name: ref.name, Path: []string{ref.name}, Quiet: ref.quiet, Default: ref.alt != nil}
	for i := range ref.steps {
		key, ok := ref.steps[i].constantKey()
		if !ok {
			break
		}
		if key != "" {
			u.Path = append(u.Path, key)
		}
	}
	p.uses = append(p.uses, u)
	ref.use = int32(len(p.uses))
}

// constantKey returns the key that a step reads, if it is known; "" for .get(0).
func (s *step) constantKey() (string, bool) {
	var key expr
	switch {
	case s.kind == stepProperty:
		return s.name, true
	case s.kind == stepIndex:
		key = s.key
	case s.name == "get" && len(s.args) == 1:
		key = s.args[0]
	default:
		return "", false
	}
	c, ok := key.(*constExpr)
	if !ok {
		return "", false
	}
	return c.val.Str(), true
}

// closeFormal reads what ends ${name: an alternate value and the brace.
func (p *parser) closeFormal(ref *reference) error {
	_, ok, err := p.accept(tokPipe)
	if err != nil {
		return err
	}
	if ok {
		if ref.alt, err = p.expression(); err != nil {
			return err
		}
	}
	if _, ok, err = p.accept(tokRightCurly); ok || err != nil {
		return err
	}
	_, err = p.expect(tokRCurly, `"}"`)
	return err
}

// steps reads the properties, methods and indexes behind a name.
func (p *parser) steps(ref *reference) error {
	if err := p.indexes(ref); err != nil {
		return err
	}
	for {
		if kind, err := p.kindAt(1); err != nil {
			return err
		} else if kind != tokDot {
			return nil
		}
		if kind, err := p.kindAt(2); err != nil {
			return err
		} else if kind != tokIdentifier {
			return nil
		}
		if _, err := p.take(); err != nil {
			return err
		}
		if err := p.member(ref); err != nil {
			return err
		}
		if err := p.indexes(ref); err != nil {
			return err
		}
	}
}

// member reads the name behind a dot, and arguments if it is a method.
func (p *parser) member(ref *reference) error {
	if err := p.count(); err != nil {
		return err
	}
	name, err := p.take()
	if err != nil {
		return err
	}
	s := step{kind: stepProperty, pos: name.pos, name: p.src[name.pos:name.end]}
	isMethod, err := p.methodAhead()
	if err != nil {
		return err
	}
	if isMethod {
		s.kind = stepMethod
		if s.args, err = p.arguments(); err != nil {
			return err
		}
	}
	s.resolve()
	ref.steps = append(ref.steps, s)
	return nil
}

// methodAhead reports whether arguments follow: a parenthesis with something that
// can be an argument, or its end, directly behind it.
func (p *parser) methodAhead() (bool, error) {
	if kind, err := p.kindAt(1); err != nil || kind != tokLParen {
		return false, err
	}
	kind, err := p.kindAt(2)
	if err != nil {
		return false, err
	}
	switch kind {
	case tokWhitespace, tokNewline, tokNot, tokMinus, tokString, tokIdentifier, tokLCurly, tokInteger,
		tokLBracket, tokFloat, tokLeftCurly, tokTrue, tokFalse, tokLParen, tokMethodClose:
		return true, nil
	}
	return false, nil
}

// arguments reads (a, b, c).
func (p *parser) arguments() ([]expr, error) {
	if _, err := p.take(); err != nil {
		return nil, err
	}
	if _, ok, err := p.accept(tokMethodClose); ok || err != nil {
		return nil, err
	}
	var args []expr
	for {
		arg, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if _, ok, err := p.accept(tokComma); err != nil {
			return nil, err
		} else if !ok {
			break
		}
	}
	_, err := p.expect(tokMethodClose, `"," or ")"`)
	return args, err
}

// indexes reads [a][b].
func (p *parser) indexes(ref *reference) error {
	for {
		open, ok, err := p.accept(tokIndexOpen)
		if err != nil || !ok {
			return err
		}
		if err := p.blanks(); err != nil {
			return err
		}
		key, err := p.expression()
		if err != nil {
			return err
		}
		if _, err := p.expect(tokIndexClose, `"]"`); err != nil {
			return err
		}
		ref.steps = append(ref.steps, step{kind: stepIndex, pos: open.pos, key: key, name: "get", call: methodsNamed("get")})
	}
}

// resolve finds the methods that the step may call, once for all renders.
func (s *step) resolve() {
	s.call = methodsNamed(s.name)
	if s.kind == stepProperty {
		upper := strings.ToUpper(s.name[:1]) + s.name[1:]
		s.get = methodsNamed("get" + upper)
		s.is = methodsNamed("is" + upper)
	}
}
