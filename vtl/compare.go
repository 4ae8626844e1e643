package vtl

import (
	"math"
	"strings"
)

// relation is <, <=, > and >=: numbers, and what reads as one; all else is false.
func (r *render) relation(op tokenKind, left, right Value) (bool, error) {
	a, ok, err := r.number(left)
	if err != nil || !ok {
		return false, err
	}
	b, ok, err := r.number(right)
	if err != nil || !ok {
		return false, err
	}
	return ordered(op, compareNumbers(a, b)), nil
}

// looselyEqual is ==: numbers by value, also against text that reads as one; values of
// one class as equals does; all others by their text.
func (r *render) looselyEqual(a, b Value) (bool, error) {
	if a.kind == KindNull || b.kind == KindNull {
		return a.kind == b.kind, nil
	}
	if a.kind == KindString && b.kind == KindString {
		return a.str() == b.str(), r.weigh(a)
	}
	if a.IsNumber() || b.IsNumber() {
		x, ok, err := r.number(a)
		if err != nil {
			return false, err
		}
		y, ok2, err := r.number(b)
		if err != nil {
			return false, err
		}
		if ok && ok2 {
			return compareNumbers(x, y) == 0, nil
		}
	}
	if sameClass(a, b) {
		return r.equal(a, b, 0), nil
	}
	start := len(r.out)
	x, err := r.text(a)
	if err != nil {
		return false, err
	}
	y, err := r.text(b)
	r.out = r.out[:start]
	return x == y, err
}

func sameClass(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	if a.kind == KindList {
		return a.list().flav == b.list().flav
	}
	if a.kind == KindObject {
		return a.object().Class() == b.object().Class()
	}
	return true
}

// equal is equals() of Java: an Integer equals no Long. It is false once the steps
// have run out; the next step then ends the render.
func (r *render) equal(a, b Value, depth int) bool {
	if a.kind != b.kind || depth > r.limits.TextDepth {
		return false
	}
	switch a.kind {
	case KindNull:
		return true
	case KindString:
		return a.str() == b.str() && r.weigh(a) == nil
	case KindBig:
		return a.big().Cmp(b.big()) == 0
	case KindDecimal:
		return a.decimal().Equal(*b.decimal())
	case KindFloat64, KindFloat32:
		return a.num == b.num || (math.IsNaN(a.float()) && math.IsNaN(b.float()))
	case KindList:
		return r.equalLists(r.list(a), r.list(b), depth)
	case KindMap:
		return r.equalMaps(r.mapping(a), r.mapping(b), depth)
	case KindEntry:
		x, y := a.entry(), b.entry()
		return r.equal(x.key, y.key, depth+1) && r.equal(r.entryValue(x), r.entryValue(y), depth+1)
	case KindObject:
		if eq, ok := a.object().(Equaler); ok {
			return eq.EqualObject(b.object())
		}
		return identicalObjects(a.object(), b.object())
	case kindDefine, kindLoop:
		return a.ref == b.ref
	}
	return a.num == b.num
}

// identicalObjects compares identity; objects whose Go type can't be compared differ.
func identicalObjects(a, b Object) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return a == b
}

func (r *render) equalLists(a, b *List, depth int) bool {
	if a == b {
		return true
	}
	if a.Len() != b.Len() || a.isSet() != b.isSet() || a.flav == flavourArray || b.flav == flavourArray {
		return false
	}
	for i := range a.Len() {
		if r.step() != nil {
			return false
		}
		if a.isSet() {
			if at, err := r.indexOf(b, a.At(i), depth); err != nil || at < 0 {
				return false
			}
		} else if !r.equal(a.At(i), b.At(i), depth+1) {
			return false
		}
	}
	return true
}

func (r *render) equalMaps(a, b *Map, depth int) bool {
	if a == b {
		return true
	}
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.entries {
		j := b.find(a.entries[i].key)
		if j < 0 || r.step() != nil || !r.equal(a.entries[i].val, b.entries[j].val, depth+1) {
			return false
		}
	}
	return true
}

// indexOf finds a value in a list, -1 if it is not there.
func (r *render) indexOf(l *List, v Value, depth int) (int, error) {
	if l.flav == flavourRange {
		i := (v.int() - l.lo) * int64(l.step)
		if v.kind != KindInt32 || i < 0 || i >= int64(l.n) {
			return -1, nil
		}
		return int(i), nil
	}
	for i := range l.Len() {
		if err := r.step(); err != nil {
			return -1, err
		}
		if r.equal(l.At(i), v, depth+1) {
			return i, nil
		}
	}
	return -1, nil
}

// isTrue is what #if makes of a value: null, false, zero and what is empty are false.
func (r *render) isTrue(v Value) bool {
	switch v.kind {
	case KindNull:
		return false
	case KindBool:
		return v.num != 0
	case KindString:
		return v.num != 0
	case KindInt32, KindInt64, KindBig, KindFloat64, KindFloat32, KindDecimal:
		return !isZero(v)
	case KindList:
		return r.list(v).Len() > 0
	case KindMap:
		return r.mapping(v).Len() > 0
	case KindObject:
		if t, ok := v.object().(Truther); ok {
			return t.Truth()
		}
	case kindLoop:
		return v.loop().store != nil && v.loop().store.Len() > 0
	}
	return true
}

// upperFirst makes the first letter of an ASCII name upper case.
func upperFirst(name string) string {
	return strings.ToUpper(name[:1]) + name[1:]
}
