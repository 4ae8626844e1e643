package vtl

import "unsafe"

func (e *constExpr) eval(*render) (Value, error) { return e.val, nil }

func (e *groupExpr) eval(r *render) (Value, error) { return e.x.eval(r) }

func (e *wordExpr) eval(*render) (Value, error) { return String(e.src), nil }

// eval runs the statements of the string and takes what they wrote.
func (e *stringExpr) eval(r *render) (Value, error) {
	start := len(r.out)
	r.quoted++
	err := r.block(&e.body)
	r.quoted--
	if err != nil {
		r.out = r.out[:start]
		if r.tmpl != nil && err != errBreak && err != errStop {
			err = r.place(err, r.tmpl, e.text, e.at)
		}
		return Null, err
	}
	s, err := r.cut(start)
	if err != nil {
		return Null, err
	}
	return String(joinSurrogates(s)), nil
}

func (e *listExpr) eval(r *render) (Value, error) {
	if err := r.chargeSlots(len(e.items) + 1); err != nil {
		return Null, err
	}
	l := &List{items: make([]Value, len(e.items)), live: true}
	for i, item := range e.items {
		if err := r.step(); err != nil {
			return Null, err
		}
		v, err := item.eval(r)
		if err != nil {
			return Null, err
		}
		l.items[i] = v
	}
	return ListValue(l), nil
}

func (e *mapExpr) eval(r *render) (Value, error) {
	if err := r.chargeSlots(2*len(e.keys) + 1); err != nil {
		return Null, err
	}
	m := NewMap(len(e.keys))
	m.live = true
	for i := range e.keys {
		if err := r.step(); err != nil {
			return Null, err
		}
		key, err := e.keys[i].eval(r)
		if err != nil {
			return Null, err
		}
		val, err := e.vals[i].eval(r)
		if err != nil {
			return Null, err
		}
		m.put(key, val)
	}
	return MapValue(m), nil
}

func (e *rangeExpr) eval(r *render) (Value, error) {
	lo, err := e.lo.eval(r)
	if err != nil {
		return Null, err
	}
	hi, err := e.hi.eval(r)
	if err != nil {
		return Null, err
	}
	if !lo.IsNumber() || !hi.IsNumber() {
		return Null, nil
	}
	if err := r.charge(slotBytes); err != nil {
		return Null, err
	}
	l := newRange(intOf(lo), intOf(hi))
	return Value{kind: KindList, ref: unsafe.Pointer(l)}, nil
}

func (e *logicExpr) eval(r *render) (Value, error) {
	ok, err := r.truth(e.l)
	if err != nil {
		return Null, err
	}
	if ok != e.and {
		return Bool(ok), nil
	}
	ok, err = r.truth(e.r)
	return Bool(ok), err
}

func (e *unaryExpr) eval(r *render) (Value, error) {
	if e.op == tokNot {
		ok, err := r.truth(e.x)
		return Bool(!ok), err
	}
	v, err := e.x.eval(r)
	if err != nil {
		return Null, err
	}
	n, ok, err := r.number(v)
	if err != nil || !ok {
		return Null, err
	}
	return r.negate(n)
}

func (e *mathExpr) eval(r *render) (Value, error) {
	if err := r.step(); err != nil {
		return Null, err
	}
	left, err := e.l.eval(r)
	if err != nil {
		return Null, err
	}
	right, err := e.r.eval(r)
	if err != nil {
		return Null, err
	}
	if left.kind == KindInt32 && right.kind == KindInt32 {
		if v, ok := smallMath(e.op, left.int(), right.int()); ok {
			return v, nil
		}
	}
	if e.op == tokPlus && (left.kind == KindString || right.kind == KindString) {
		return r.concat(e, left, right)
	}
	return r.math(e, left, right)
}

// smallMath works on two Integers; no operation can overflow 64 bits.
func smallMath(op tokenKind, a, b int64) (Value, bool) {
	switch op {
	case tokPlus:
		return Int(a + b), true
	case tokMinus:
		return Int(a - b), true
	case tokMultiply:
		return Int(a * b), true
	case tokDivide:
		if b != 0 {
			return Int(a / b), true
		}
	case tokModulus:
		if b != 0 {
			return Int(a % b), true
		}
	}
	return Null, false
}

// concat joins two values as text; a null stands for its source.
func (r *render) concat(e *mathExpr, left, right Value) (Value, error) {
	ls, err := r.operandText(left, e.l)
	if err != nil {
		return Null, err
	}
	rs, err := r.operandText(right, e.r)
	if err != nil {
		return Null, err
	}
	if err := r.chargeString(len(ls) + len(rs)); err != nil {
		return Null, err
	}
	return String(joinStrings(ls, rs)), nil
}

// joinStrings joins two strings, and the halves of a surrogate pair if they meet.
func joinStrings(a, b string) string {
	s := a + b
	if len(a) >= 3 && len(b) >= 3 {
		if _, ok := surrogateAt(a, len(a)-3); ok {
			return joinSurrogates(s)
		}
	}
	return s
}

func (r *render) operandText(v Value, x expr) (string, error) {
	if v.IsNull() {
		return x.literal(), nil
	}
	return r.text(v)
}

func (e *compareExpr) eval(r *render) (Value, error) {
	if err := r.step(); err != nil {
		return Null, err
	}
	left, err := e.l.eval(r)
	if err != nil {
		return Null, err
	}
	right, err := e.r.eval(r)
	if err != nil {
		return Null, err
	}
	if left.kind == KindInt32 && right.kind == KindInt32 {
		return Bool(ordered(e.op, compareInts(left.int(), right.int()))), nil
	}
	switch e.op {
	case tokEQ:
		ok, err := r.looselyEqual(left, right)
		return Bool(ok), err
	case tokNE:
		ok, err := r.looselyEqual(left, right)
		return Bool(!ok), err
	}
	ok, err := r.relation(e.op, left, right)
	return Bool(ok), err
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ordered reports whether an operator holds for a comparison's result.
func ordered(op tokenKind, cmp int) bool {
	switch op {
	case tokEQ:
		return cmp == 0
	case tokNE:
		return cmp != 0
	case tokLT:
		return cmp < 0
	case tokLE:
		return cmp <= 0
	case tokGT:
		return cmp > 0
	}
	return cmp >= 0
}

// eval finds the value of a reference: Null if any step gives nothing.
func (ref *reference) eval(r *render) (Value, error) {
	if ref.runt || ref.inert {
		return Null, nil
	}
	v := r.variable(ref.slot).val
	for i := range ref.steps {
		if v.kind == KindNull {
			break
		}
		var err error
		if v, err = r.take(v, &ref.steps[i]); err != nil {
			return Null, err
		}
	}
	if ref.alt != nil && !r.isTrue(v) {
		return ref.alt.eval(r)
	}
	return v, nil
}

// take goes one step from a value that is not null.
func (r *render) take(v Value, s *step) (Value, error) {
	if err := r.step(); err != nil {
		return Null, r.at(err, s.pos)
	}
	switch s.kind {
	case stepProperty:
		if v.kind == KindMap {
			m := r.mapping(v)
			if i := m.findString(s.name); i >= 0 {
				return m.entries[i].val, nil
			}
			return Null, nil
		}
		v, err := r.propertyStep(v, s)
		return v, r.stepError(err, s, KindMethod)
	case stepIndex:
		return r.indexStep(v, s)
	}
	base := len(r.args)
	for _, arg := range s.args {
		val, err := arg.eval(r)
		if err != nil {
			r.args = r.args[:base]
			return Null, err
		}
		r.args = append(r.args, val)
	}
	v, err := r.callStep(v, s, r.args[base:len(r.args):len(r.args)])
	clear(r.args[base:])
	r.args = r.args[:base]
	return v, r.stepError(err, s, KindMethod)
}

// stepError gives an error of a method its kind, message and place.
func (r *render) stepError(err error, s *step, kind ErrorKind) error {
	if err == nil {
		return nil
	}
	if t, ok := err.(*Thrown); ok {
		err = &Error{Kind: kind, Message: s.name + " threw " + t.Error(), Err: t}
	} else if _, ok := err.(*Error); !ok {
		if _, ok := err.(signal); !ok {
			err = &Error{Kind: kind, Message: s.name + " failed: " + err.Error(), Err: err}
		}
	}
	return r.at(err, s.pos)
}

// indexStep reads v[key]. A negative index counts from the end.
func (r *render) indexStep(v Value, s *step) (Value, error) {
	key, err := s.key.eval(r)
	if err != nil {
		return Null, err
	}
	switch v.kind {
	case KindMap:
		m := r.mapping(v)
		if i := m.find(fromEnd(key, m.Len())); i >= 0 {
			return m.entries[i].val, nil
		}
		return Null, nil
	case KindList:
		l := r.list(v)
		if key.kind != KindInt32 || l.isSet() {
			return Null, nil
		}
		i := int(key.int())
		if i < 0 {
			i += l.Len()
		}
		if i < 0 || i >= l.Len() {
			e := &Error{Kind: KindRuntime, Message: "the index " + plainText(key) + " is out of range: the list has " + itoa(l.Len()) + " elements"}
			return Null, r.at(e, s.pos)
		}
		return l.At(i), nil
	}
	if key.kind == KindInt32 && key.int() < 0 {
		if size, err := r.invoke(v, "size", nil); err != nil || size.IsNull() {
			e := &Error{Kind: KindRuntime, Message: "a negative index wants a list"}
			return Null, r.at(e, s.pos)
		}
	}
	v, err = r.callStep(v, s, []Value{key})
	return v, r.stepError(err, s, KindRuntime)
}

// fromEnd adds the size to an index below zero, for maps too, as the reference does.
func fromEnd(key Value, size int) Value {
	if key.kind == KindInt32 && key.int() < 0 {
		return Int(int64(size) + key.int())
	}
	return key
}

// callStep calls a method.
func (r *render) callStep(v Value, s *step, args []Value) (Value, error) {
	if v.kind == KindObject {
		o := v.object()
		if f := o.Class().find(s.name, len(args)); f != nil {
			return f(&r.call, o, args)
		}
		return Null, nil
	}
	if s.call == nil {
		return Null, nil
	}
	if f := s.call.of(v.kind); f != nil {
		return f(&r.call, v, args)
	}
	return Null, nil
}

// propertyStep reads a property of anything but a map: a getter, else a method of
// the name.
func (r *render) propertyStep(v Value, s *step) (Value, error) {
	if v.kind == KindObject {
		return r.objectProperty(v.object(), s)
	}
	if v.kind == kindLoop {
		return v.loop().property(s.name)
	}
	for _, set := range [...]*methodSet{s.get, s.is, s.call} {
		if set == nil {
			continue
		}
		if f := set.of(v.kind); f != nil {
			return f(&r.call, v, nil)
		}
	}
	return Null, nil
}

func (r *render) objectProperty(o Object, s *step) (Value, error) {
	class := o.Class()
	upper := upperFirst(s.name)
	for _, name := range [...]string{"get" + upper, "get" + s.name, "is" + upper, s.name} {
		for i := range class.Methods[name] {
			if m := &class.Methods[name][i]; m.Arity == 0 {
				return m.Func(&r.call, o, nil)
			}
		}
	}
	for i := range class.Methods["get"] {
		if m := &class.Methods["get"][i]; m.Arity == 1 {
			return m.Func(&r.call, o, []Value{String(s.name)})
		}
	}
	return Null, nil
}

// property reads $v.name; for tools.
func (r *render) property(v Value, name string) (Value, error) {
	if v.kind == KindNull || name == "" {
		return Null, nil
	}
	s := step{kind: stepProperty, name: name}
	s.resolve()
	return r.take(v, &s)
}

// invoke calls $v.name(args); for tools.
func (r *render) invoke(v Value, name string, args []Value) (Value, error) {
	if v.kind == KindNull {
		return Null, nil
	}
	if err := r.step(); err != nil {
		return Null, err
	}
	return r.callStep(v, &step{kind: stepMethod, name: name, call: methodsNamed(name)}, args)
}

// property reads a property of $foreach.
func (l *loop) property(name string) (Value, error) {
	switch name {
	case "index":
		return Int32(int32(l.index)), nil
	case "count":
		return Int32(int32(l.index + 1)), nil
	case "hasNext":
		return Bool(l.more), nil
	case "first":
		return Bool(l.index == 0), nil
	case "last":
		return Bool(!l.more), nil
	case "parent":
		return l.parent, nil
	case "topmost":
		top := l
		for top.parent.kind == kindLoop {
			top = top.parent.loop()
		}
		return Value{kind: kindLoop, ref: unsafe.Pointer(top)}, nil
	}
	if l.store != nil {
		v, _ := l.store.Get(name)
		return v, nil
	}
	return Null, nil
}

// assign sets a property or element: #set($ref.name = v), #set($ref[key] = v). What
// can't be set is passed over in silence.
func (r *render) assign(ref *reference, v Value) error {
	if ref.alt != nil || ref.runt || ref.inert {
		return nil
	}
	at := r.variable(ref.slot).val
	last := len(ref.steps) - 1
	for i := 0; i < last && !at.IsNull(); i++ {
		var err error
		if at, err = r.take(at, &ref.steps[i]); err != nil {
			return err
		}
	}
	s := &ref.steps[last]
	switch s.kind {
	case stepProperty, stepMethod: // the arguments of a method don't count here
		return r.at(r.assignKey(at, String(s.name), v), s.pos)
	case stepIndex:
		key, err := s.key.eval(r)
		if err != nil {
			return err
		}
		if at.kind == KindMap {
			return r.at(r.assignKey(at, fromEnd(key, r.mapping(at).Len()), v), s.pos)
		}
		if at.kind == KindList && key.kind == KindInt32 {
			return r.stepError(r.assignElement(at, int(key.int()), v), &step{name: "set", pos: s.pos}, KindMethod)
		}
	}
	return nil
}

func (r *render) assignKey(at, key, v Value) error {
	switch at.kind {
	case KindMap:
		_, err := r.putEntry(at, key, v)
		return err
	case kindLoop:
		l := at.loop()
		if l.store == nil {
			l.store = NewMap(1)
			l.store.live = true
		}
		if err := r.chargeSlots(l.store.Len() + 1); err != nil {
			return err
		}
		l.store.put(key, v)
	case KindEntry:
		if key.Str() == "value" {
			return r.setEntry(at.entry(), v)
		}
	}
	return nil
}

// putEntry puts a value into a map, its own copy if the map is the host's.
func (r *render) putEntry(at, key, v Value) (old Value, err error) {
	m, err := r.writableMap(at.mapping())
	if err != nil {
		return Null, err
	}
	if m.Len() >= r.limits.Collection {
		return Null, r.chargeSlots(m.Len() + 1)
	}
	if err := r.charge(2 * slotBytes); err != nil {
		return Null, err
	}
	return m.put(key, v), nil
}

func (r *render) setEntry(e *entry, v Value) error {
	e.val = v
	if e.in == nil {
		return nil
	}
	m, err := r.writableMap(e.in)
	if err != nil {
		return err
	}
	m.put(e.key, v)
	e.in = m
	return nil
}

func (r *render) assignElement(at Value, i int, v Value) error {
	l := r.list(at)
	if l.isSet() {
		return nil
	}
	if i < 0 {
		i += l.Len()
	}
	_, err := r.setElement(at.list(), i, v)
	return err
}

// setElement replaces one element of a list.
func (r *render) setElement(l *List, i int, v Value) (old Value, err error) {
	l, err = r.writableList(l)
	if err != nil {
		return Null, err
	}
	switch {
	case l.flav == flavourRange || l.flav == flavourFixed:
		return Null, Throw("java.lang.UnsupportedOperationException", "")
	case i < 0 || i >= l.Len():
		return Null, outOfBounds(i, l.Len())
	case l.flav == flavourSub:
		return r.setElement(l.back, int(l.lo)+i, v)
	}
	old = l.items[i]
	l.items[i] = v
	return old, nil
}

func outOfBounds(i, n int) error {
	return Throw("java.lang.IndexOutOfBoundsException", "Index "+itoa(i)+" out of bounds for length "+itoa(n))
}
