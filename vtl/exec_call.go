package vtl

import (
	"strings"
	"unsafe"
)

// define is the value of a variable that #define set, or $bodyContent: statements
// that are run each time the variable is written.
type define struct {
	body  *block
	tmpl  *Template
	depth int // how often it runs within itself
	max   int
}

// selfDefine is how often a #define may run within itself; beyond it prints its name.
const selfDefine = 2

func (n *macroNode) exec(r *render) error { return r.write(n.prefix) }

func (n *defineNode) exec(r *render) error {
	if err := r.write(n.prefix); err != nil {
		return r.at(err, n.pos)
	}
	if n.slot < 0 {
		return nil
	}
	if err := r.charge(slotBytes); err != nil {
		return r.at(err, n.pos)
	}
	d := &define{body: &n.body, tmpl: r.tmpl, max: selfDefine}
	r.variable(n.slot).set(Value{kind: kindDefine, ref: unsafe.Pointer(d)})
	return r.write(n.postfix)
}

// runDefine writes a define; false if it already runs within itself too often.
func (r *render) runDefine(d *define) (bool, error) {
	if d.depth >= d.max {
		return false, nil
	}
	if r.defineDepth >= r.limits.DefineDepth {
		return false, limitError(KindLimitDepth, "#define blocks nest deeper than "+itoa(r.limits.DefineDepth))
	}
	d.depth++
	r.defineDepth++
	back := r.enter(d.tmpl)
	err := r.block(d.body)
	if err != nil {
		err = r.place(err, d.tmpl, d.tmpl.text, origin{1, 1})
	}
	back()
	d.depth--
	r.defineDepth--
	if err == errBreak {
		err = nil
	}
	return true, err
}

func (n *callNode) exec(r *render) error {
	m := n.target
	if m == nil {
		m = r.findMacro(n.name)
	}
	if m == nil {
		return r.at(r.write(n.src), n.pos)
	}
	if err := r.write(n.prefix); err != nil {
		return r.at(err, n.pos)
	}
	if n.badArg != "" {
		return r.at(&Error{Kind: KindParse, Message: "the bare word " + n.badArg + " can't be an argument of #" + n.name}, n.pos)
	}
	var body *define
	if n.body != nil {
		if err := r.charge(slotBytes); err != nil {
			return r.at(err, n.pos)
		}
		body = &define{body: n.body, tmpl: r.tmpl, max: r.limits.MacroDepth}
	}
	if err := r.callMacro(n, m, body); err != nil {
		return r.at(err, n.pos)
	}
	return r.write(n.postfix)
}

// findMacro looks for a macro of the other templates that this render has run; the
// first of a name stays.
func (r *render) findMacro(name string) *macro {
	if r.others == nil {
		return nil
	}
	return r.others.macros[name]
}

// saved is a parameter's value before the call and the one that the call gave it.
type saved struct {
	slot   int32
	before variable
	given  Value
}

// callMacro runs a macro: parameters are variables that get their old values back, unless
// the macro itself set them to something else.
func (r *render) callMacro(n *callNode, m *macro, body *define) error {
	if len(r.macros) >= r.limits.MacroDepth {
		return r.overflow(m)
	}
	var bodyBefore variable
	if body != nil {
		bodyBefore = *r.variable(slotBody)
		r.variable(slotBody).set(Value{kind: kindDefine, ref: unsafe.Pointer(body)})
	}
	var few [6]saved
	frame, err := r.bind(n, m, few[:0])
	if err != nil {
		return err
	}
	r.macros = append(r.macros, m.name)
	if m.tmpl == r.tmpl {
		err = r.block(m.body)
	} else {
		back := r.enter(m.tmpl)
		if err = r.block(m.body); err != nil {
			err = r.place(err, m.tmpl, m.tmpl.text, origin{1, 1})
		}
		back()
	}
	r.macros = r.macros[:len(r.macros)-1]
	if body != nil {
		if v := r.variable(slotBody); v.val.kind == kindDefine && v.val.define() == body {
			restore(v, bodyBefore.val)
		}
	}
	for i := range frame {
		if v := &r.slots[frame[i].slot]; identical(v.val, frame[i].given) {
			if frame[i].before.state == varDefined {
				*v = frame[i].before
			} else {
				v.remove()
			}
		}
	}
	if err == errBreak {
		return nil
	}
	return err
}

// bind evaluates the arguments one by one into the parameters.
func (r *render) bind(n *callNode, m *macro, frame []saved) ([]saved, error) {
	var trans []int32
	if m.tmpl != r.tmpl || r.trans != nil {
		back := r.enter(m.tmpl)
		trans = r.trans
		back()
	}
	for i := range m.params {
		slot := m.params[i].slot
		if trans != nil {
			slot = trans[slot]
		}
		v := &r.slots[slot]
		if v.state == varUnknown {
			r.load(v, r.main.names[slot])
		}
		s := saved{slot: slot, before: *v}
		switch {
		case i < len(n.args):
			val, err := n.args[i].eval(r)
			if err != nil {
				return frame, err
			}
			s.given = val
		case m.params[i].def != nil:
			back := r.enter(m.tmpl)
			val, err := m.params[i].def.eval(r)
			back()
			if err != nil {
				return frame, err
			}
			s.given = val
		default:
			return append(frame, s), nil
		}
		r.slots[slot].set(s.given)
		frame = append(frame, s)
	}
	return frame, nil
}

// identical reports whether two values are the same, as == on objects in Java.
func identical(a, b Value) bool { return a.kind == b.kind && a.num == b.num && a.ref == b.ref }

func (r *render) overflow(m *macro) error {
	const shown = 10
	names := r.macros
	more := ""
	if len(names) > shown {
		names, more = names[:shown], "..."
	}
	e := &Error{
		Kind: KindMacroOverflow,
		Message: "macros call each other deeper than " + itoa(r.limits.MacroDepth) + ": #" + m.name + " from " +
			strings.Join(names, " -> ") + more,
	}
	return r.place(r.at(e, m.body.pos), m.tmpl, m.tmpl.text, origin{1, 1})
}

// evaluateBytes is the memory that the nodes of a text take for each of its bytes, at
// the worst.
const evaluateBytes = 96

func (n *evaluateNode) exec(r *render) error {
	if err := r.write(n.prefix); err != nil {
		return r.at(err, n.pos)
	}
	if err := r.evaluate(n); err != nil {
		return r.at(err, n.pos)
	}
	return r.write(n.postfix)
}

func (r *render) evaluate(n *evaluateNode) error {
	v, err := n.arg.eval(r)
	if err != nil || v.IsNull() {
		return err
	}
	text, err := r.text(v)
	if err != nil {
		return err
	}
	if r.evalDepth >= r.limits.EvalDepth {
		return limitError(KindLimitDepth, "#evaluate nests deeper than "+itoa(r.limits.EvalDepth))
	}
	// Reading takes time and memory in proportion to the text.
	if err := r.stepN(len(text)/8 + 1); err != nil {
		return err
	}
	if err := r.charge(len(text)*evaluateBytes + 1024); err != nil {
		return err
	}
	t, err := Parse(r.tmpl.name, text, r.tmpl.opts)
	if err != nil {
		inner := err.(*Error)
		return &Error{Kind: inner.Kind, Message: "in the text of #evaluate, " + itoa(inner.Line) + ":" + itoa(inner.Col) + ": " + inner.Message}
	}
	r.evalDepth++
	defer func() { r.evalDepth-- }()
	return r.runOther(t)
}

// runOther runs a template within this one, on the same variables.
func (r *render) runOther(t *Template) error {
	r.parseDepth++
	back := r.enter(t)
	err := r.block(&t.body)
	if err != nil {
		err = r.place(err, t, t.text, origin{1, 1})
	}
	back()
	r.parseDepth--
	if err == errBreak {
		return nil
	}
	return err
}

func (n *parseNode) exec(r *render) error {
	if err := r.write(n.prefix); err != nil {
		return r.at(err, n.pos)
	}
	if err := r.parse(n); err != nil {
		return r.at(err, n.pos)
	}
	return r.write(n.postfix)
}

func (r *render) parse(n *parseNode) error {
	v, err := n.arg.eval(r)
	if err != nil || v.IsNull() {
		return err
	}
	name, err := r.text(v)
	if err != nil {
		return err
	}
	if r.parseDepth+1 >= r.limits.ParseDepth {
		return nil
	}
	if r.opts.Load == nil {
		return noResource(name, nil)
	}
	t, err := r.opts.Load(name)
	if e, ok := err.(*Error); ok {
		parse := *e // the host may keep the error for others
		parse.placed = true
		return &parse
	}
	if err != nil || t == nil {
		return noResource(name, err)
	}
	return r.runOther(t)
}

// noResource makes the error of a missing template. The reference engine gives it no
// place.
func noResource(name string, cause error) error {
	message := "there is no template or text named " + name
	if cause != nil {
		message += ": " + cause.Error()
	}
	return &Error{Kind: KindResource, Message: message, Err: cause, offset: -1, located: true}
}

func (n *includeNode) exec(r *render) error {
	if err := r.write(n.prefix); err != nil {
		return r.at(err, n.pos)
	}
	for _, arg := range n.args {
		if err := r.include(arg); err != nil {
			return r.at(err, n.pos)
		}
	}
	return r.write(n.postfix)
}

func (r *render) include(arg expr) error {
	switch arg.(type) {
	case *constExpr, *stringExpr, *reference:
	default:
		return &Error{Kind: KindRuntime, Message: "the argument " + arg.literal() + " of #include is neither a string nor a reference"}
	}
	v, err := arg.eval(r)
	if err != nil || v.IsNull() {
		return err
	}
	name, err := r.text(v)
	if err != nil {
		return err
	}
	if r.opts.Include == nil {
		return noResource(name, nil)
	}
	text, ok := r.opts.Include(name)
	if !ok {
		return noResource(name, nil)
	}
	return r.write(text)
}
