package vtl

// flavour tells the sorts of lists apart where Java does: which methods they have
// and whether they can be changed.
type flavour uint8

const (
	flavourList   flavour = iota // java.util.ArrayList
	flavourArray                 // a Java array, wrapped: fixed size
	flavourRange                 // [a..b]: lazy, immutable
	flavourSub                   // subList: a window on another list
	flavourSet                   // a set with its own elements
	flavourKeys                  // keySet(): a view of a map
	flavourValues                // values(): a view of a map
	flavourPairs                 // entrySet(): a view of a map
	flavourFixed                 // List.of and the like: immutable
)

// List is a list of values, and everything that #foreach goes over as over a list.
// A List made outside a render is never changed by one: a template that writes to
// it writes to a copy of its own. Lists given to a render must not be changed while
// it runs.
type List struct {
	items []Value
	back  *List // flavourSub
	of    *Map  // views
	lo    int64 // range: first number; sub: offset
	n     int   // range, sub: length
	mods  int   // changes of length, for iterators
	step  int8  // range: +1 or -1
	flav  flavour
	live  bool // made by the running render, which may change it in place
}

// NewList makes a list of the elements; the slice is not copied and must not be
// changed afterwards.
func NewList(items ...Value) *List { return &List{items: items} }

// NewArray makes what Java would return as an array: a list of fixed size.
func NewArray(items ...Value) *List { return &List{items: items, flav: flavourArray} }

// NewSet makes a set of elements, which the caller has made unique.
func NewSet(items ...Value) *List { return &List{items: items, flav: flavourSet} }

// newRange makes the list of the whole numbers from lo to hi, upwards or downwards.
func newRange(lo, hi int32) *List {
	l := &List{flav: flavourRange, lo: int64(lo), step: 1, n: int(hi) - int(lo) + 1}
	if hi < lo {
		l.step, l.n = -1, int(lo)-int(hi)+1
	}
	return l
}

// Len returns the number of elements.
func (l *List) Len() int {
	switch l.flav {
	case flavourRange, flavourSub:
		return l.n
	case flavourKeys, flavourValues, flavourPairs:
		return l.of.Len()
	}
	return len(l.items)
}

// At returns element i, which must be in [0, Len).
func (l *List) At(i int) Value {
	switch l.flav {
	case flavourRange:
		return Int32(int32(l.lo + int64(l.step)*int64(i)))
	case flavourSub:
		return l.back.At(int(l.lo) + i)
	case flavourKeys:
		return l.of.entries[i].key
	case flavourValues:
		return l.of.entries[i].val
	case flavourPairs:
		return l.of.entryAt(i)
	}
	return l.items[i]
}

// isSet reports whether the list is a Set or plain Collection in Java: without positions.
func (l *List) isSet() bool { return l.flav >= flavourSet && l.flav <= flavourPairs }

// fixed reports whether the length of the list can't change.
func (l *List) fixed() bool {
	return l.flav == flavourArray || l.flav == flavourRange || l.flav == flavourFixed
}

// modCount changes whenever the length changes.
func (l *List) modCount() int {
	if l.of != nil {
		return l.of.mods
	}
	if l.back != nil {
		return l.back.modCount()
	}
	return l.mods
}
