package vtl

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
	if err := r.weigh(key); err != nil {
		return Null, err
	}
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
