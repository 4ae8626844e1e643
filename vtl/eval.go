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
		if err := r.weigh(key); err != nil {
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
