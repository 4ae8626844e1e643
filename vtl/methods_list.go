package vtl

import (
	"errors"
	"slices"
	"sort"

	"tidings/vtl/internal/java"
)

// listMethods are the methods of java.util.List, and of arrays, ranges, sets and
// views, which lack some of them.
var listMethods = map[string]builtin{
	"size":    none(func(c *Call, v Value) (Value, error) { return Int32(int32(c.r.list(v).Len())), nil }),
	"isEmpty": none(func(c *Call, v Value) (Value, error) { return Bool(c.r.list(v).Len() == 0), nil }),
	"get":     one(listGet),
	"contains": one(func(c *Call, v, arg Value) (Value, error) {
		l := c.r.list(v)
		if l.flav == flavourKeys {
			return Bool(l.of.find(arg) >= 0), nil
		}
		i, err := c.r.indexOf(l, arg, 0)
		return Bool(i >= 0), err
	}),
	"indexOf":     one(listIndexOf),
	"lastIndexOf": one(listLastIndexOf),
	"containsAll": one(listContainsAll),
	"subList":     two(listSubList),
	"toArray":     none(listToArray),
	"clone":       none(listClone),
	"iterator":    none(listIterator),

	"add":       listAdd,
	"addAll":    listAddAll,
	"set":       two(listSet),
	"remove":    one(listRemove),
	"removeAll": one(func(c *Call, v, arg Value) (Value, error) { return listKeep(c, v, arg, false) }),
	"retainAll": one(func(c *Call, v, arg Value) (Value, error) { return listKeep(c, v, arg, true) }),
	"clear":     none(listClear),
	"sort":      one(listSort),
}

func listGet(c *Call, v, i Value) (Value, error) {
	l := c.r.list(v)
	if i.kind != KindInt32 || l.isSet() {
		return Null, nil
	}
	if n := int(i.int()); n < 0 || n >= l.Len() {
		return Null, outOfBounds(n, l.Len())
	}
	return l.At(int(i.int())), nil
}

func listIndexOf(c *Call, v, arg Value) (Value, error) {
	l := c.r.list(v)
	if l.isSet() {
		return Null, nil
	}
	i, err := c.r.indexOf(l, arg, 0)
	return Int32(int32(i)), err
}

func listLastIndexOf(c *Call, v, arg Value) (Value, error) {
	l := c.r.list(v)
	if l.isSet() {
		return Null, nil
	}
	for i := l.Len() - 1; i >= 0; i-- {
		if c.r.equal(l.At(i), arg, 0) {
			return Int32(int32(i)), nil
		}
		if err := c.r.step(); err != nil {
			return Null, err
		}
	}
	return Int32(-1), nil
}

func listContainsAll(c *Call, v, arg Value) (Value, error) {
	switch arg.kind {
	case KindList:
	case KindNull:
		return Null, nullPointer()
	default:
		return Null, nil
	}
	l, all := c.r.list(v), c.r.list(arg)
	for i := range all.Len() {
		if err := c.r.step(); err != nil {
			return Null, err
		}
		if at, err := c.r.indexOf(l, all.At(i), 0); err != nil || at < 0 {
			return Bool(false), err
		}
	}
	return Bool(true), nil
}

func listSubList(c *Call, v, a, b Value) (Value, error) {
	l := c.r.list(v)
	if a.kind != KindInt32 || b.kind != KindInt32 || l.isSet() {
		return Null, nil
	}
	from, to := int(a.int()), int(b.int())
	switch {
	case from < 0:
		return Null, Throw("java.lang.IndexOutOfBoundsException", "fromIndex = "+itoa(from))
	case to > l.Len():
		return Null, Throw("java.lang.IndexOutOfBoundsException", "toIndex = "+itoa(to))
	case from > to:
		return Null, Throw("java.lang.IllegalArgumentException", "fromIndex("+itoa(from)+") > toIndex("+itoa(to)+")")
	}
	if err := c.r.charge(2 * slotBytes); err != nil {
		return Null, err
	}
	depth := 0
	for at := l; at.flav == flavourSub; at = at.back {
		if depth++; depth > c.r.limits.TextDepth {
			return Null, c.r.deeper(depth)
		}
	}
	return ListValue(&List{flav: flavourSub, back: l, lo: int64(from), n: to - from, live: true}), nil
}

// elementsOf copies the elements of a list.
func (r *render) elementsOf(l *List) ([]Value, error) {
	if err := r.chargeSlots(l.Len()); err != nil {
		return nil, err
	}
	if err := r.stepN(l.Len()/16 + 1); err != nil {
		return nil, err
	}
	items := make([]Value, l.Len(), l.Len()+1)
	for i := range items {
		items[i] = l.At(i)
	}
	return items, nil
}

func listToArray(c *Call, v Value) (Value, error) {
	items, err := c.r.elementsOf(c.r.list(v))
	if err != nil {
		return Null, err
	}
	return ListValue(&List{items: items, flav: flavourArray, live: true}), nil
}

func listClone(c *Call, v Value) (Value, error) {
	if c.r.list(v).flav != flavourList {
		return Null, nil
	}
	items, err := c.r.elementsOf(c.r.list(v))
	if err != nil {
		return Null, err
	}
	return ListValue(&List{items: items, live: true}), nil
}

// unsupported is what Java throws for a change of a list that can't change.
func unsupported() error { return Throw("java.lang.UnsupportedOperationException", "") }

// growing returns the list to which n elements may be added.
func (c *Call) growing(v Value, n int) (*List, error) {
	l, err := c.r.writableList(v.list())
	if err != nil {
		return nil, err
	}
	if l.fixed() || l.of != nil || l.flav == flavourSet {
		return nil, unsupported()
	}
	if n < 0 || l.Len()+n > c.r.limits.Collection {
		return nil, c.r.chargeSlots(c.r.limits.Collection + 1)
	}
	return l, c.r.charge(n * slotBytes)
}

// insertAt puts elements before position i.
func (r *render) insertAt(l *List, i int, items []Value) error {
	if l.flav == flavourSub {
		if err := r.insertAt(l.back, int(l.lo)+i, items); err != nil {
			return err
		}
		l.n += len(items)
		return nil
	}
	if l.fixed() || l.of != nil {
		return unsupported()
	}
	if moved := len(l.items) - i; moved > 0 {
		if err := r.stepN(moved/64 + 1); err != nil {
			return err
		}
	}
	l.mods++
	l.items = slices.Insert(l.items, i, items...)
	return nil
}

func listAdd(c *Call, v Value, args []Value) (Value, error) {
	switch {
	case len(args) == 1:
		l, err := c.growing(v, 1)
		if err != nil {
			return Null, err
		}
		return Bool(true), c.r.insertAt(l, l.Len(), args)
	case len(args) == 2 && args[0].kind == KindInt32 && !c.r.list(v).isSet():
		l, err := c.growing(v, 1)
		if err != nil {
			return Null, err
		}
		i := int(args[0].int())
		if i < 0 || i > l.Len() {
			return Null, Throw("java.lang.IndexOutOfBoundsException", "Index: "+itoa(i)+", Size: "+itoa(l.Len()))
		}
		return void, c.r.insertAt(l, i, args[1:])
	}
	return Null, nil
}

func listAddAll(c *Call, v Value, args []Value) (Value, error) {
	if len(args) < 1 || len(args) > 2 {
		return Null, nil
	}
	from := args[len(args)-1]
	if from.kind == KindNull {
		return Null, nullPointer()
	}
	if from.kind != KindList || (len(args) == 2 && args[0].kind != KindInt32) {
		return Null, nil
	}
	items, err := c.r.elementsOf(c.r.list(from))
	if err != nil {
		return Null, err
	}
	l, err := c.growing(v, len(items))
	if err != nil {
		return Null, err
	}
	at := l.Len()
	if len(args) == 2 {
		if at = int(args[0].int()); at < 0 || at > l.Len() {
			return Null, Throw("java.lang.IndexOutOfBoundsException", "Index: "+itoa(at)+", Size: "+itoa(l.Len()))
		}
	}
	if len(items) == 0 {
		return Bool(false), nil
	}
	return Bool(true), c.r.insertAt(l, at, items)
}

func listSet(c *Call, v, i, val Value) (Value, error) {
	if i.kind != KindInt32 || c.r.list(v).isSet() {
		return Null, nil
	}
	return c.r.setElement(v.list(), int(i.int()), val)
}

// removeAt takes one element out of a list.
func (r *render) removeAt(l *List, i int) error {
	switch {
	case l.flav == flavourSub:
		if err := r.removeAt(l.back, int(l.lo)+i); err != nil {
			return err
		}
		l.n--
		return nil
	case l.of != nil:
		m, err := r.writableMap(l.of)
		if err != nil {
			return err
		}
		if err := r.stepN(m.Len()/16 + 1); err != nil {
			return err
		}
		m.remove(m.entries[i].key)
		l.of = m
		return nil
	case l.fixed():
		return unsupported()
	}
	if err := r.stepN((len(l.items)-i)/64 + 1); err != nil {
		return err
	}
	l.items = append(l.items[:i], l.items[i+1:]...)
	l.mods++
	return nil
}

// listRemove is remove(int) for an Integer, remove(Object) for all else and for sets.
func listRemove(c *Call, v, arg Value) (Value, error) {
	l, err := c.r.writableList(v.list())
	if err != nil {
		return Null, err
	}
	if arg.kind == KindInt32 && !l.isSet() {
		i := int(arg.int())
		if l.fixed() {
			return Null, unsupported()
		}
		if i < 0 || i >= l.Len() {
			return Null, outOfBounds(i, l.Len())
		}
		old := l.At(i)
		return old, c.r.removeAt(l, i)
	}
	i, err := c.r.indexOf(l, arg, 0)
	if err != nil || i < 0 {
		return Bool(false), err
	}
	return Bool(true), c.r.removeAt(l, i)
}

// listKeep removes the elements that arg has, or has not.
func listKeep(c *Call, v, arg Value, keep bool) (Value, error) {
	switch arg.kind {
	case KindList:
	case KindNull:
		return Null, nullPointer()
	default:
		return Null, nil
	}
	l, err := c.r.writableList(v.list())
	if err != nil {
		return Null, err
	}
	changed := false
	others := c.r.list(arg)
	for i := l.Len() - 1; i >= 0; i-- {
		at, err := c.r.indexOf(others, l.At(i), 0)
		if err != nil {
			return Null, err
		}
		if (at >= 0) == keep {
			continue
		}
		if err := c.r.removeAt(l, i); err != nil {
			return Null, err
		}
		changed = true
	}
	return Bool(changed), nil
}

func listClear(c *Call, v Value) (Value, error) {
	l, err := c.r.writableList(v.list())
	if err != nil {
		return Null, err
	}
	switch {
	case l.of != nil:
		m, err := c.r.writableMap(l.of)
		if err != nil {
			return Null, err
		}
		m.clear()
		l.of = m
	case l.flav == flavourSub:
		for i := l.Len() - 1; i >= 0; i-- {
			if err := c.r.removeAt(l, i); err != nil {
				return Null, err
			}
		}
	case l.fixed() && l.Len() > 0:
		return Null, unsupported()
	default:
		l.items = nil
		l.mods++
	}
	return void, nil
}

// listSort is sort(null): by the natural order of the elements.
func listSort(c *Call, v, cmp Value) (Value, error) {
	if cmp.kind != KindNull || c.r.list(v).isSet() {
		return Null, nil
	}
	l, err := c.r.writableList(v.list())
	if err != nil {
		return Null, err
	}
	if l.flav == flavourRange || l.flav == flavourFixed {
		return Null, unsupported()
	}
	items, err := c.r.elementsOf(l)
	if err != nil {
		return Null, err
	}
	var failed error
	sort.SliceStable(items, func(i, j int) bool {
		if failed != nil {
			return false
		}
		var order int
		order, failed = c.r.naturalOrder(items[i], items[j])
		return order < 0
	})
	if failed != nil {
		return Null, failed
	}
	for i, item := range items {
		if _, err := c.r.setElement(l, i, item); err != nil {
			return Null, err
		}
	}
	l.mods++
	return void, nil
}

// naturalOrder is compareTo of two elements of one class.
func (r *render) naturalOrder(a, b Value) (int, error) {
	if err := r.step(); err != nil {
		return 0, err
	}
	if a.kind == KindNull || b.kind == KindNull {
		return 0, nullPointer()
	}
	if a.kind == b.kind {
		switch {
		case a.kind == KindString:
			return java.Compare(a.str(), b.str()), r.weigh(a)
		case a.IsNumber():
			return compareNumbers(a, b), nil
		case a.kind == KindBool || a.kind == KindChar:
			return int(int64(a.num) - int64(b.num)), nil
		case a.kind == KindObject:
			if x, ok := a.object().(Comparer); ok {
				if order, ok := x.CompareObject(b.object()); ok {
					return order, nil
				}
			}
		}
	}
	return 0, Throw("java.lang.ClassCastException", a.kind.String()+" can't be compared with "+b.kind.String())
}

// iterator goes over a list: what iterator() gives.
type iterator struct {
	list *List
	next int
	mods int
}

var errIteratorChanged = errors.New("the list changed under the iterator")

func listIterator(c *Call, v Value) (Value, error) {
	l := c.r.list(v)
	return ObjectValue(&iterator{list: l, mods: l.modCount()}), c.r.charge(slotBytes)
}

// Class returns the methods of iterators.
func (it *iterator) Class() *Class { return iteratorClass }

// Text returns what an iterator prints.
func (it *iterator) Text(*Call) (string, error) { return "java.util.Iterator", nil }

// Elements makes #foreach go over what is left.
func (it *iterator) Elements(c *Call) (*List, error) {
	items, err := c.r.elementsOf(it.list)
	if err != nil {
		return nil, err
	}
	rest := items[min(it.next, len(items)):]
	it.next = len(items)
	return NewList(rest...), nil
}

var iteratorClass = &Class{Name: "Iterator", Methods: Methods{
	"hasNext": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		it := self.(*iterator)
		return Bool(it.next != it.list.Len()), nil
	}}},
	"next": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		it := self.(*iterator)
		if it.list.modCount() != it.mods {
			return Null, errIteratorChanged
		}
		if it.next >= it.list.Len() {
			return Null, Throw("java.util.NoSuchElementException", "")
		}
		it.next++
		return it.list.At(it.next - 1), nil
	}}},
}}
