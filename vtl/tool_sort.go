package vtl

import (
	"errors"
	"slices"
	"strings"

	"tidings/vtl/internal/java"
)

// sortTool is CollectionTool and its older form SortTool.
type sortTool struct{}

func (sortTool) Class() *Class              { return sortClass }
func (sortTool) Text(*Call) (string, error) { return "CollectionTool", nil }

var sortClass = &Class{Name: "CollectionTool", Methods: Methods{
	"sort":                {withArgs(1, sortNatural), withArgs(2, sortByProperties)},
	"split":               {withArgs(1, splitList)},
	"getStringsDelimiter": constant(","),
	"getStringsTrim":      {withArgs(0, func(*Call, []Value) (Value, error) { return Bool(true), nil })},
}}

// errNoOrder says that two elements can't be compared: the tool returns null.
var errNoOrder = errors.New("elements that have no order")

func sortNatural(c *Call, args []Value) (Value, error) {
	return c.sorted(args[0], c.toolOrder)
}

// sortByProperties sorts by one property or a list of them; ":desc" behind a name
// turns its order round.
func sortByProperties(c *Call, args []Value) (Value, error) {
	var keys []sortKey
	switch l, isList := c.List(args[1]); {
	case args[1].kind == KindString:
		keys = []sortKey{parseSortKey(args[1].str())}
	case isList:
		for i := range l.Len() {
			if l.At(i).IsNull() {
				return Null, nil
			}
			name, err := c.Text(l.At(i))
			if err != nil {
				return Null, err
			}
			keys = append(keys, parseSortKey(name))
		}
	default:
		return Null, nil
	}
	return c.sorted(args[0], func(a, b Value) (int, error) {
		for _, key := range keys {
			order, err := c.keyOrder(a, b, key.name)
			if err != nil || order != 0 {
				return order * key.direction, err
			}
		}
		return 0, nil
	})
}

type sortKey struct {
	name      string
	direction int
}

func parseSortKey(s string) sortKey {
	name, direction, _ := strings.Cut(s, ":")
	if strings.EqualFold(direction, "desc") {
		return sortKey{name, -1}
	}
	return sortKey{name, 1}
}

// sorted is a sorted copy; null where elements have no order.
func (c *Call) sorted(v Value, order func(a, b Value) (int, error)) (Value, error) {
	items, ok, err := c.listed(v)
	if err != nil || !ok {
		return Null, err
	}
	var failed error
	slices.SortStableFunc(items, func(a, b Value) int {
		if failed != nil {
			return 0
		}
		if failed = c.Step(1); failed != nil {
			return 0
		}
		n, err := order(a, b)
		failed = err
		return n
	})
	switch {
	case errors.Is(failed, errNoOrder):
		return Null, nil
	case failed != nil:
		return Null, failed
	}
	return ListValue(NewList(items...)), nil
}

// toolOrder is compareTo of two elements, numbers of every sort together.
func (c *Call) toolOrder(a, b Value) (int, error) {
	if a.IsNumber() && b.IsNumber() {
		return compareNumbers(a, b), nil
	}
	order, err := c.r.naturalOrder(a, b)
	var thrown *Thrown
	if errors.As(err, &thrown) {
		return 0, errNoOrder
	}
	return order, err
}

// keyOrder compares a property of two elements, texts without regard to case.
func (c *Call) keyOrder(a, b Value, name string) (int, error) {
	left, ok, err := c.beanProperty(a, name)
	if err != nil {
		return 0, err
	}
	right, ok2, err := c.beanProperty(b, name)
	switch {
	case err != nil:
		return 0, err
	case !ok || !ok2:
		return 0, errNoOrder
	case left.IsNull() && right.IsNull():
		return 0, nil
	case left.kind == KindString && right.kind == KindString:
		if err := c.r.weighFolded(left.str(), right.str()); err != nil {
			return 0, err
		}
		return java.CompareIgnoreCase(left.str(), right.str()), nil
	}
	return c.toolOrder(left, right)
}

// splitList cuts a text at commas and trims the pieces; empty ones at the end are
// dropped.
func splitList(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindString {
		return Null, nil
	}
	s := args[0].str()
	n := strings.Count(s, ",")
	if err := c.ChargeSlots(n + 1); err != nil {
		return Null, err
	}
	if err := c.Step(len(s)/64 + n); err != nil {
		return Null, err
	}
	pieces := strings.Split(s, ",")
	for n > 0 && len(pieces) > 0 && pieces[len(pieces)-1] == "" {
		pieces = pieces[:len(pieces)-1]
	}
	items := make([]Value, len(pieces))
	for i, piece := range pieces {
		items[i] = String(java.Trim(piece))
	}
	return ListValue(NewArray(items...)), nil
}
