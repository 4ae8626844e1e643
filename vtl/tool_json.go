package vtl

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"tidings/vtl/internal/java"
)

// jsonTool is JsonTool without its doors to files and the net. It holds nothing:
// parse returns the content.
type jsonTool struct{}

func (jsonTool) Class() *Class              { return jsonClass }
func (jsonTool) Text(*Call) (string, error) { return "JsonTool", nil }

var jsonClass = &Class{Name: "JsonTool", Methods: Methods{
	"parse": {withArgs(1, parseJSONText)},
}}

// parseJSONText reads an object or an array; null if the text is neither.
func parseJSONText(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindString {
		return Null, nil
	}
	text := args[0].str()
	if err := c.Charge(len(text)); err != nil {
		return Null, err
	}
	if err := c.Step(len(text)/16 + 1); err != nil {
		return Null, err
	}
	d := toolJSON{call: c, dec: json.NewDecoder(strings.NewReader(text))}
	d.dec.UseNumber()
	v, err := d.value(0)
	if d.limit != nil {
		return Null, d.limit
	}
	if err != nil || v.kind != KindMap && v.kind != KindList {
		return Null, nil
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return Null, nil
	}
	return wrapJSON(v), nil
}

// decimalBytes is what a decimal number takes besides its slot.
const decimalBytes = 80

// toolJSON reads JSON with decimals as they are written and charges what it makes.
type toolJSON struct {
	call  *Call
	dec   *json.Decoder
	limit error // the budget that ran out
}

func (d *toolJSON) slot() error {
	d.limit = d.call.ChargeSlots(1)
	return d.limit
}

func (d *toolJSON) value(depth int) (Value, error) {
	token, err := d.dec.Token()
	if err != nil {
		return Null, err
	}
	if d.limit = d.call.Step(1); d.limit != nil {
		return Null, d.limit
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxJSONDepth {
			return Null, io.ErrUnexpectedEOF
		}
		if t == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case string:
		return String(t), nil
	case bool:
		return Bool(t), nil
	case json.Number:
		n, ok := java.ParseDecimal(string(t))
		if !ok {
			return Null, strconv.ErrRange
		}
		if d.limit = d.call.Charge(decimalBytes); d.limit != nil {
			return Null, d.limit
		}
		return DecimalValue(n), nil
	}
	return Null, nil
}

func (d *toolJSON) object(depth int) (Value, error) {
	m := NewMap(0)
	for d.dec.More() {
		key, err := d.dec.Token()
		if err != nil {
			return Null, err
		}
		if err := d.slot(); err != nil {
			return Null, err
		}
		val, err := d.value(depth)
		if err != nil {
			return Null, err
		}
		m.Set(key.(string), val)
		if m.Len() > d.call.r.limits.Collection {
			d.limit = d.call.ChargeSlots(m.Len())
			return Null, d.limit
		}
	}
	_, err := d.dec.Token()
	return MapValue(m), err
}

func (d *toolJSON) array(depth int) (Value, error) {
	var items []Value
	for d.dec.More() {
		if err := d.slot(); err != nil {
			return Null, err
		}
		item, err := d.value(depth)
		if err != nil {
			return Null, err
		}
		if items = append(items, item); len(items) > d.call.r.limits.Collection {
			d.limit = d.call.ChargeSlots(len(items))
			return Null, d.limit
		}
	}
	_, err := d.dec.Token()
	return ListValue(NewList(items...)), err
}

// jsonContent is an object or an array that came out of the tool. Going over an
// object yields its keys.
type jsonContent struct {
	value Value
}

func (*jsonContent) Class() *Class                  { return jsonContentClass }
func (j *jsonContent) Text(c *Call) (string, error) { return c.Text(j.value) }

// EqualObject compares the contents.
func (j *jsonContent) EqualObject(other Object) bool {
	o, ok := other.(*jsonContent)
	return ok && identical(j.value, o.value)
}

// Truth reports whether there is anything in it.
func (j *jsonContent) Truth() bool {
	if j.value.kind == KindMap {
		return j.value.mapping().Len() > 0
	}
	return j.value.list().Len() > 0
}

// Elements are the keys of an object, the elements of an array.
func (j *jsonContent) Elements(c *Call) (*List, error) {
	if l, ok := c.List(j.value); ok {
		return l, nil
	}
	keys, err := c.Invoke(j.value, "keySet")
	if err != nil {
		return nil, err
	}
	l, _ := c.List(keys)
	return l, nil
}

// wrapJSON makes content of objects and arrays; other values are as they are.
func wrapJSON(v Value) Value {
	if v.kind == KindMap || v.kind == KindList {
		return ObjectValue(&jsonContent{v})
	}
	return v
}

var jsonContentClass = &Class{Name: "JsonContent", Methods: Methods{
	"get": {onContent(1, (*jsonContent).get)},
	"size": {onContent(0, func(j *jsonContent, c *Call, _ []Value) (Value, error) {
		return c.Invoke(j.value, "size")
	})},
	"keySet": {onContent(0, (*jsonContent).keySet)},
	"keys":   {onContent(0, (*jsonContent).keySet)},
	"iterator": {onContent(0, func(j *jsonContent, c *Call, _ []Value) (Value, error) {
		l, err := j.Elements(c)
		if err != nil {
			return Null, err
		}
		return c.Invoke(ListValue(l), "iterator")
	})},
	"root":     {onContent(0, func(j *jsonContent, _ *Call, _ []Value) (Value, error) { return ObjectValue(j), nil })},
	"isNull":   {onContent(0, func(*jsonContent, *Call, []Value) (Value, error) { return Bool(false), nil })},
	"isObject": {onContent(0, func(j *jsonContent, _ *Call, _ []Value) (Value, error) { return Bool(j.value.kind == KindMap), nil })},
	"isArray":  {onContent(0, func(j *jsonContent, _ *Call, _ []Value) (Value, error) { return Bool(j.value.kind == KindList), nil })},
	"toString": {onContent(0, func(j *jsonContent, c *Call, _ []Value) (Value, error) { return c.textValue(j.value) })},
}}

func onContent(n int, f func(j *jsonContent, c *Call, args []Value) (Value, error)) Method {
	return Method{Arity: n, Func: func(c *Call, self Object, args []Value) (Value, error) {
		return f(self.(*jsonContent), c, args)
	}}
}

// get reads a key of an object or an element of an array; either takes the other's
// sort of argument.
func (j *jsonContent) get(c *Call, args []Value) (Value, error) {
	key := args[0]
	if key.kind != KindString && key.kind != KindInt32 {
		return Null, nil
	}
	if m, ok := c.Map(j.value); ok {
		v, _ := m.Get(plainText(key))
		return wrapJSON(v), nil
	}
	l, _ := c.List(j.value)
	i, err := strconv.ParseInt(plainText(key), 10, 32)
	if err != nil {
		return Null, nil
	}
	if i < 0 || i >= int64(l.Len()) {
		return Null, outOfBounds(int(i), l.Len())
	}
	return wrapJSON(l.At(int(i))), nil
}

func (j *jsonContent) keySet(c *Call, _ []Value) (Value, error) {
	if j.value.kind != KindMap {
		return Null, nil
	}
	return c.Invoke(j.value, "keySet")
}
