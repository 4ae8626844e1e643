package vtl

import (
	"strconv"
	"unsafe"

	"tidings/vtl/internal/java"
)

// signal is how #break and #stop leave the nodes around them.
type signal string

func (s signal) Error() string { return string(s) }

const (
	errBreak = signal("#break")
	errStop  = signal("#stop")
)

// block writes statements.
func (r *render) block(b *block) error {
	for _, n := range b.nodes {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.exec(r); err != nil {
			return err
		}
	}
	if b.postfix != "" {
		return r.write(b.postfix)
	}
	return nil
}

func (n *textNode) exec(r *render) error { return r.write(n.out) }

func (n *commentNode) exec(*render) error { return nil }

func (s *sequence) exec(r *render) error {
	for _, n := range s.nodes {
		if err := n.exec(r); err != nil {
			return err
		}
	}
	return nil
}

func (n *refNode) exec(r *render) error {
	ref := n.ref
	if ref.runt {
		return r.write(ref.text)
	}
	v, err := ref.eval(r)
	if err != nil {
		return r.at(err, ref.pos)
	}
	switch {
	case ref.escaped:
		err = r.writeEscaped(ref, v)
	case r.opts.Insert != nil && r.quoted == 0:
		err = r.insert(ref, v)
	case v.kind == KindNull:
		err = r.writeNull(ref)
	default:
		if ref.esc != "" || ref.more != "" {
			r.out = append(append(r.out, ref.esc...), ref.more...)
		}
		err = r.writeValue(ref, v)
	}
	if err != nil {
		return r.at(err, ref.pos)
	}
	return nil
}

// writeValue writes the value of a reference that is not null.
func (r *render) writeValue(ref *reference, v Value) error {
	switch v.kind {
	case KindString:
		return r.write(v.str())
	case KindInt32, KindInt64:
		r.out = strconv.AppendInt(r.out, v.int(), 10)
		return r.checkOutput()
	case KindFloat64:
		r.out = java.AppendDouble(r.out, v.float())
		return r.checkOutput()
	case kindDefine:
		ok, err := r.runDefine(v.define())
		if err != nil || ok {
			return err
		}
		return r.writeNull(ref)
	}
	return r.print(v)
}

// writeEscaped writes \$name: without the backslash if there is a value.
func (r *render) writeEscaped(ref *reference, v Value) error {
	r.out = append(r.out, ref.esc...)
	if v.IsNull() {
		r.out = append(r.out, '\\')
	}
	return r.write(ref.null)
}

// writeNull writes a reference that has no value. The backslashes were text, so that
// all of them are written.
func (r *render) writeNull(ref *reference) error {
	if r.opts.Strict && !ref.quiet {
		return r.unresolved(ref)
	}
	if ref.esc != "" || ref.more != "" {
		r.out = append(append(append(r.out, ref.esc...), ref.esc...), ref.more...)
	}
	return r.write(ref.null)
}

// unresolved makes the error of a strict render: at the reference if there is no such
// variable, else at the property or method that gave nothing.
func (r *render) unresolved(ref *reference) error {
	e := &Error{Kind: KindStrict, Message: ref.text + " has no value"}
	v := r.variable(ref.slot)
	if v.state != varDefined {
		e.Message = "the variable " + ref.name + " is not set"
		return r.at(e, ref.pos)
	}
	val := v.val
	for i := range ref.steps {
		s := &ref.steps[i]
		next, err := r.take(val, s)
		if err != nil {
			return err
		}
		if next.IsNull() {
			return r.at(e, s.pos)
		}
		val = next
	}
	return r.at(e, ref.pos)
}

// insert lets the host see and replace what a reference writes.
func (r *render) insert(ref *reference, v Value) error {
	r.out = append(append(r.out, ref.esc...), ref.more...)
	if v.kind == kindDefine {
		if ok, err := r.runDefine(v.define()); err != nil || ok {
			return err
		}
		v = Null
	}
	defined := r.variable(ref.slot).state == varDefined
	if v.IsNull() {
		if r.opts.Strict && !ref.quiet {
			return r.unresolved(ref)
		}
		r.out = append(r.out, ref.esc...)
	}
	in := Insertion{Source: ref.text, Name: ref.name, Value: v, Defined: defined, Quiet: ref.quiet, Text: ref.null}
	return r.callInsert(in, ref.pos)
}

// callInsert asks the hook. The insertion lies in the render, so that no reference
// costs an allocation.
func (r *render) callInsert(given Insertion, pos int32) error {
	in := &r.inserted
	*in = given
	if !in.Value.IsNull() {
		text, err := r.text(in.Value)
		if err != nil {
			return err
		}
		in.Text = text
	}
	in.Offset, in.Call = int(pos), &r.call
	text, err := r.opts.Insert(in)
	if err != nil {
		return r.at(&Error{Kind: KindStrict, Message: err.Error(), Err: err}, pos)
	}
	return r.write(text)
}

func (n *mergeNode) exec(r *render) error {
	v := r.variable(n.slot)
	val := v.val
	text := n.def
	if !val.IsNull() {
		s, err := r.text(val)
		if err != nil {
			return r.at(err, n.pos)
		}
		if s != "" || !n.hasDefault {
			text = s
		}
	}
	if r.opts.Insert != nil && r.quoted == 0 {
		in := Insertion{Source: n.src, Name: n.name, Value: String(text), Defined: v.state == varDefined, Quiet: true, Merge: true}
		return r.at(r.callInsert(in, n.pos), n.pos)
	}
	return r.at(r.write(text), n.pos)
}

func (n *ifNode) exec(r *render) error {
	if n.prefix != "" {
		if err := r.write(n.prefix); err != nil {
			return r.at(err, n.pos)
		}
	}
	for i := range n.arms {
		arm := &n.arms[i]
		if arm.cond != nil {
			ok, err := r.truth(arm.cond)
			if err != nil {
				return r.at(err, n.pos)
			}
			if !ok {
				continue
			}
		}
		return r.block(&arm.body)
	}
	return nil
}

// truth evaluates a condition.
func (r *render) truth(x expr) (bool, error) {
	v, err := x.eval(r)
	if err != nil {
		return false, err
	}
	if v.kind == KindBool {
		return v.num != 0, nil
	}
	return r.isTrue(v), nil
}

func (n *setNode) exec(r *render) error {
	if n.prefix != "" {
		if err := r.write(n.prefix); err != nil {
			return r.at(err, n.pos)
		}
	}
	v, err := n.value.eval(r)
	if err != nil {
		return r.at(err, n.pos)
	}
	if len(n.target.steps) == 0 {
		if n.target.alt == nil && !n.target.runt && !n.target.inert {
			r.variable(n.target.slot).set(v)
		}
		return nil
	}
	return r.at(r.assign(n.target, v), n.pos)
}

// loop is the $foreach of a running #foreach.
type loop struct {
	index  int
	more   bool
	parent Value // $foreach around it, null at the outermost
	store  *Map  // what the template put there
}

func (v Value) loop() *loop { return (*loop)(v.ref) }

func (n *foreachNode) exec(r *render) error {
	v, err := n.list.eval(r)
	if err != nil {
		return r.at(err, n.pos)
	}
	if n.prefix != "" {
		if err := r.write(n.prefix); err != nil {
			return r.at(err, n.pos)
		}
	}
	list, err := r.elements(v)
	if err != nil {
		return r.at(err, n.pos)
	}
	switch {
	case list != nil && list.Len() > 0:
		err = n.loop(r, list)
	case n.hasElse:
		err = r.block(&n.orElse)
	}
	if err != nil {
		return r.at(err, n.pos)
	}
	return r.write(n.postfix)
}

// elements returns what a #foreach over v goes over; nil for what has no elements.
func (r *render) elements(v Value) (*List, error) {
	switch v.kind {
	case KindList:
		return r.list(v), nil
	case KindMap:
		return &List{flav: flavourValues, of: r.mapping(v)}, nil
	case KindObject:
		if it, ok := v.object().(Iterable); ok {
			return it.Elements(&r.call)
		}
	}
	return nil, nil
}

// loop runs the body for every element, then restores the loop variables.
func (n *foreachNode) loop(r *render, list *List) error {
	before := r.variable(n.item).val
	scope := &loop{index: -1, parent: r.variable(slotForeach).val}
	r.variable(slotForeach).set(Value{kind: kindLoop, ref: unsafe.Pointer(scope)})
	counted := r.tmpl.opts.VelocityCount
	countBefore := *r.variable(slotCount)
	err := n.turns(r, list, scope, counted)
	restore(r.variable(n.item), before)
	restore(r.variable(slotForeach), scope.parent)
	if counted {
		*r.variable(slotCount) = countBefore
	}
	if err == errBreak {
		return nil
	}
	return err
}

func (n *foreachNode) turns(r *render, list *List, scope *loop, counted bool) error {
	mods := list.modCount()
	for i := 0; i != list.Len(); i++ {
		if list.modCount() != mods {
			return &Error{Kind: KindRuntime, Message: "the list changed while #foreach went over it"}
		}
		if err := r.budget.loop(); err != nil {
			return err
		}
		r.variable(n.item).set(list.At(i))
		scope.index = i
		scope.more = i+1 != list.Len()
		if counted {
			r.variable(slotCount).set(Int32(int32(i + 1)))
		}
		if err := r.block(&n.body); err != nil {
			return err
		}
	}
	return nil
}

// restore gives a variable its old value back, or removes it.
func restore(v *variable, before Value) {
	if before.IsNull() {
		v.remove()
		return
	}
	v.set(before)
}

func (n *breakNode) exec(r *render) error {
	if len(n.args) == 0 {
		return errBreak
	}
	v, err := n.args[0].eval(r)
	if err != nil {
		return r.at(err, n.pos)
	}
	if v.kind == kindLoop {
		return errBreak
	}
	return r.at(&Error{Kind: KindRuntime, Message: n.args[0].literal() + " is nothing that #break could end"}, n.pos)
}

func (n *stopNode) exec(*render) error { return errStop }
