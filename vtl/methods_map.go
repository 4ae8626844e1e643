package vtl

// mapMethods are the methods of java.util.Map.
var mapMethods = map[string]builtin{
	"size":    none(func(c *Call, v Value) (Value, error) { return Int32(int32(c.r.mapping(v).Len())), nil }),
	"isEmpty": none(func(c *Call, v Value) (Value, error) { return Bool(c.r.mapping(v).Len() == 0), nil }),
	"get": one(func(c *Call, v, key Value) (Value, error) {
		m := c.r.mapping(v)
		if i := m.find(key); i >= 0 {
			return m.entries[i].val, nil
		}
		return Null, nil
	}),
	"getOrDefault": two(func(c *Call, v, key, def Value) (Value, error) {
		m := c.r.mapping(v)
		if i := m.find(key); i >= 0 {
			return m.entries[i].val, nil
		}
		return def, nil
	}),
	"containsKey":   one(func(c *Call, v, key Value) (Value, error) { return Bool(c.r.mapping(v).find(key) >= 0), nil }),
	"containsValue": one(mapContainsValue),
	"keySet":        none(func(c *Call, v Value) (Value, error) { return mapView(c, v, flavourKeys) }),
	"values":        none(func(c *Call, v Value) (Value, error) { return mapView(c, v, flavourValues) }),
	"entrySet":      none(func(c *Call, v Value) (Value, error) { return mapView(c, v, flavourPairs) }),
	"clone":         none(mapClone),

	"put":         two(func(c *Call, v, key, val Value) (Value, error) { return c.r.putEntry(v, key, val) }),
	"putIfAbsent": two(mapPutIfAbsent),
	"replace":     mapReplace,
	"putAll":      one(mapPutAll),
	"remove":      mapRemove,
	"clear":       none(mapClear),
}

func mapView(c *Call, v Value, flav flavour) (Value, error) {
	return ListValue(&List{flav: flav, of: c.r.mapping(v), live: true}), c.r.charge(2 * slotBytes)
}

func mapContainsValue(c *Call, v, val Value) (Value, error) {
	l := &List{flav: flavourValues, of: c.r.mapping(v)}
	i, err := c.r.indexOf(l, val, 0)
	return Bool(i >= 0), err
}

func mapClone(c *Call, v Value) (Value, error) {
	m := c.r.mapping(v)
	if err := c.r.chargeSlots(2*m.Len() + 1); err != nil {
		return Null, err
	}
	return MapValue(m.clone()), nil
}

func mapPutIfAbsent(c *Call, v, key, val Value) (Value, error) {
	m := c.r.mapping(v)
	if i := m.find(key); i >= 0 && !m.entries[i].val.IsNull() {
		return m.entries[i].val, nil
	}
	return c.r.putEntry(v, key, val)
}

// mapReplace is replace(key, value) and replace(key, old, value).
func mapReplace(c *Call, v Value, args []Value) (Value, error) {
	if len(args) != 2 && len(args) != 3 {
		return Null, nil
	}
	m := c.r.mapping(v)
	i := m.find(args[0])
	if len(args) == 2 {
		if i < 0 {
			return Null, nil
		}
		return c.r.putEntry(v, args[0], args[1])
	}
	if i < 0 || !c.r.equal(m.entries[i].val, args[1], 0) {
		return Bool(false), nil
	}
	_, err := c.r.putEntry(v, args[0], args[2])
	return Bool(true), err
}

func mapPutAll(c *Call, v, arg Value) (Value, error) {
	switch arg.kind {
	case KindMap:
	case KindNull:
		return Null, nullPointer()
	default:
		return Null, nil
	}
	from := c.r.mapping(arg)
	for i := range from.Len() {
		if err := c.r.step(); err != nil {
			return Null, err
		}
		key, val := from.At(i)
		if _, err := c.r.putEntry(v, key, val); err != nil {
			return Null, err
		}
	}
	return void, nil
}

// mapRemove is remove(key) and remove(key, value).
func mapRemove(c *Call, v Value, args []Value) (Value, error) {
	if len(args) != 1 && len(args) != 2 {
		return Null, nil
	}
	m := c.r.mapping(v)
	i := m.find(args[0])
	if len(args) == 2 && (i < 0 || !c.r.equal(m.entries[i].val, args[1], 0)) {
		return Bool(false), nil
	}
	if i < 0 {
		return Null, nil
	}
	m, err := c.r.writableMap(v.mapping())
	if err != nil {
		return Null, err
	}
	if err := c.r.stepN(m.Len()/8 + 1); err != nil {
		return Null, err
	}
	old, _ := m.remove(args[0])
	if len(args) == 2 {
		return Bool(true), nil
	}
	return old, nil
}

func mapClear(c *Call, v Value) (Value, error) {
	m, err := c.r.writableMap(v.mapping())
	if err != nil {
		return Null, err
	}
	m.clear()
	return void, nil
}

// entryMethods are the methods of java.util.Map.Entry.
var entryMethods = map[string]builtin{
	"getKey":   none(func(_ *Call, v Value) (Value, error) { return v.entry().key, nil }),
	"getValue": none(func(c *Call, v Value) (Value, error) { return c.r.entryValue(v.entry()), nil }),
	"setValue": one(func(c *Call, v, val Value) (Value, error) {
		old := c.r.entryValue(v.entry())
		return old, c.r.setEntry(v.entry(), val)
	}),
}
