package vtl

import (
	"errors"

	"tidings/vtl/internal/java"
)

// StandardTools returns the tools that messages have, under the names that
// templates know them by. They do no input or output and read the clock, the
// locale and the time zone from the render. The map can be shared by any number of
// renders; it must not be changed while they run.
//
//	math, mathTool       arithmetic over numbers and texts that begin with one
//	number, numberTool   formats of numbers and money
//	date, dateTool       dates: format, parse, compare, add
//	esc, escapeTool      escapes for HTML, XML, JavaScript, JSON, URLs
//	sorter, sort, listTool, collection   sorted copies of lists, split
//	display, displayTool lists, cells, plurals, printf
//	json, jsonTool       JSON text to values
//
// Where they differ from Velocity Tools on purpose: sorting Integers and Doubles
// together compares them as numbers; objects read from JSON keep the order of their
// keys; a text that is a plain number with a decimal point means that number in
// every locale; date has the methods of the platform's own dateTool besides.
func StandardTools() Tools {
	mathTool := ObjectValue(mathTool{})
	number := ObjectValue(numberTool{})
	date := ObjectValue(&dateTool{zones: newZoneCache()})
	esc := ObjectValue(escTool{})
	sorter := ObjectValue(sortTool{})
	display := ObjectValue(displayTool{})
	json := ObjectValue(jsonTool{})
	return Tools{
		"math": mathTool, "mathTool": mathTool,
		"number": number, "numberTool": number,
		"date": date, "dateTool": date,
		"esc": esc, "escapeTool": esc, "escTool": esc,
		"sorter": sorter, "sort": sorter, "sortTool": sorter,
		"listTool": sorter, "collection": sorter, "collectionTool": sorter,
		"display": display, "displayTool": display,
		"json": json, "jsonTool": json,
	}
}

// withArgs makes a method of a fixed number of arguments that needs no receiver.
func withArgs(n int, f func(c *Call, args []Value) (Value, error)) Method {
	return Method{Arity: n, Func: func(c *Call, _ Object, args []Value) (Value, error) { return f(c, args) }}
}

// constant makes a getter of a text that never changes.
func constant(s string) []Method {
	return []Method{withArgs(0, func(*Call, []Value) (Value, error) { return String(s), nil })}
}

// plainNumber takes a value as a number by the rules of the tools: numbers as they
// are, dates as their milliseconds, everything else by what its text begins with in
// the number format. It reports false for what is no number.
func (c *Call) plainNumber(v Value, nf func() java.NumberFormat) (Value, bool, error) {
	switch {
	case v.IsNumber():
		return v, true, nil
	case v.kind == KindNull:
		return Null, false, nil
	case v.kind == KindObject:
		if ms, ok := millisOfObject(v.object()); ok {
			return Int64(ms), true, nil
		}
		return Null, false, nil
	case v.kind == KindList || v.kind == KindMap || v.kind == KindBool:
		return Null, false, nil
	}
	text, err := c.r.text(v)
	if err != nil {
		return Null, false, err
	}
	if err := c.Step(len(text)/64 + 1); err != nil {
		return Null, false, err
	}
	format := nf()
	n, ok := format.Parse(text)
	if !ok {
		return Null, false, nil
	}
	if n.IsDouble {
		return Float(n.Double), true, nil
	}
	return Int64(n.Long), true, nil
}

// formatNumber appends a number in a format.
func formatNumber(dst []byte, nf *java.NumberFormat, v Value) []byte {
	switch v.kind {
	case KindInt32, KindInt64:
		return nf.AppendLong(dst, v.int())
	case KindBig:
		return nf.AppendBig(dst, v.big())
	case KindDecimal:
		return nf.AppendDecimal(dst, *v.decimal())
	}
	return nf.AppendDouble(dst, v.Float64())
}

// made takes text that was just built as a string value, charged.
func (c *Call) made(b []byte) (Value, error) {
	if err := c.Charge(len(b)); err != nil {
		return Null, err
	}
	return String(string(b)), nil
}

// cutText takes what a tool wrote to the output buffer behind start as a string.
func (c *Call) cutText(start int) (Value, error) {
	s, err := c.r.cut(start)
	if err != nil {
		c.r.out = c.r.out[:start]
	}
	return String(s), err
}

// thrownBy turns an error of the formats of Java into one of a method that threw.
func thrownBy(err error) error {
	var format *java.FormatError
	if errors.As(err, &format) {
		return Throw(format.Exception, format.Message)
	}
	return Throw("java.lang.IllegalArgumentException", err.Error())
}

// toolArg is a value as an argument of printf and message.
func (c *Call) toolArg(v Value) (any, error) {
	if d, ok := v.Object().(*dateValue); ok {
		return java.Date(d.ms), nil
	}
	return c.formatArg(v)
}

// listed are the elements of a list, an array or the values of a map; false for
// everything else. What the JSON tool read counts too. They are a copy, charged.
func (c *Call) listed(v Value) ([]Value, bool, error) {
	if j, ok := v.Object().(*jsonContent); ok {
		v = j.value
	}
	n := 0
	l, isList := c.List(v)
	m, isMap := c.Map(v)
	switch {
	case isList:
		n = l.Len()
	case isMap:
		n = m.Len()
	default:
		return nil, false, nil
	}
	if err := c.ChargeSlots(n); err != nil {
		return nil, false, err
	}
	if err := c.Step(n); err != nil {
		return nil, false, err
	}
	items := make([]Value, n)
	for i := range items {
		if isList {
			items[i] = l.At(i)
		} else {
			_, items[i] = m.At(i)
		}
	}
	return items, true, nil
}

// spread are the arguments of a variable number: a single array stands for its
// elements, as in Java.
func (c *Call) spread(args []Value) []Value {
	if len(args) != 1 {
		return args
	}
	if l, ok := c.List(args[0]); ok && l.flav == flavourArray {
		return l.items
	}
	return args
}

// beanProperty reads a property of an element as the tools do: a dotted path, each
// part a key of a map or what a getter gives. It reports false where the tools throw: at
// null, and where there is no such property.
func (c *Call) beanProperty(v Value, path string) (Value, bool, error) {
	for path != "" {
		name := path
		for i := range len(path) {
			if path[i] == '.' {
				name = path[:i]
				break
			}
		}
		path = path[min(len(name)+1, len(path)):]
		if err := c.Step(1 + len(name)/64); err != nil || name == "" {
			return Null, false, err
		}
		if m, ok := c.Map(v); ok {
			v, _ = m.Get(name)
			continue
		}
		if v.IsNull() {
			return Null, false, nil
		}
		getter := upperFirst(name)
		next, err := c.Invoke(v, "get"+getter)
		if err == nil && next.IsNull() {
			next, err = c.Invoke(v, "is"+getter)
		}
		if err != nil || next.IsNull() {
			return Null, false, err
		}
		v = next
	}
	return v, true, nil
}
