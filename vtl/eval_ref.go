package vtl

import "unsafe"

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
	if err == nil {
		err = r.weigh(key)
	}
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
		f := o.Class().find(s.name, len(args))
		if f == nil {
			return Null, nil
		}
		if err := r.weighAll(args); err != nil {
			return Null, err
		}
		return f(&r.call, o, args)
	}
	if s.call == nil {
		return Null, nil
	}
	f := s.call.of(v.kind)
	if f == nil {
		return Null, nil
	}
	if err := r.weigh(v); err != nil {
		return Null, err
	}
	if err := r.weighAll(args); err != nil {
		return Null, err
	}
	return f(&r.call, v, args)
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
			if err := r.weigh(v); err != nil {
				return Null, err
			}
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
