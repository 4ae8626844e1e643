package vtl

// builtin is the code of a method of a built-in kind. It returns Null where Java finds
// no method for the arguments: a wrong number of them, or a wrong class.
type builtin func(c *Call, v Value, args []Value) (Value, error)

// methodSet holds the methods of one name by the kind they belong to.
type methodSet struct {
	text, list, mapping, entry, number, boolean, char, loop builtin
}

// of returns the method for a kind, nil if it has none.
func (s *methodSet) of(kind Kind) builtin {
	switch kind {
	case KindString:
		return s.text
	case KindList:
		return s.list
	case KindMap:
		return s.mapping
	case KindEntry:
		return s.entry
	case KindInt32, KindInt64, KindBig, KindFloat64, KindFloat32, KindDecimal:
		return s.number
	case KindBool:
		return s.boolean
	case KindChar:
		return s.char
	case kindLoop:
		return s.loop
	}
	return nil
}

// methodsNamed returns the methods of a name, nil if no kind has one.
func methodsNamed(name string) *methodSet { return methodTable[name] }

// methodTable is filled once from the tables of the kinds and never changed.
var methodTable = buildMethods()

func buildMethods() map[string]*methodSet {
	table := make(map[string]*methodSet, 192)
	add := func(methods map[string]builtin, slot func(*methodSet) *builtin) {
		for name, f := range methods {
			set := table[name]
			if set == nil {
				set = &methodSet{}
				table[name] = set
			}
			*slot(set) = f
		}
	}
	add(stringMethods, func(s *methodSet) *builtin { return &s.text })
	add(listMethods, func(s *methodSet) *builtin { return &s.list })
	add(mapMethods, func(s *methodSet) *builtin { return &s.mapping })
	add(entryMethods, func(s *methodSet) *builtin { return &s.entry })
	add(numberMethods, func(s *methodSet) *builtin { return &s.number })
	add(boolMethods, func(s *methodSet) *builtin { return &s.boolean })
	add(charMethods, func(s *methodSet) *builtin { return &s.char })
	add(loopMethods, func(s *methodSet) *builtin { return &s.loop })
	for _, name := range []string{"toString", "equals", "hashCode"} {
		set := table[name]
		if set == nil {
			set = &methodSet{}
			table[name] = set
		}
		f := anyMethods[name]
		set.text, set.list, set.mapping, set.entry = f, f, f, f
		set.boolean, set.char, set.loop = f, f, f
		if set.number == nil {
			set.number = f
		}
	}
	return table
}

// anyMethods are the methods of every Java object.
var anyMethods = map[string]builtin{
	"toString": func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 0 {
			return Null, nil
		}
		return c.textValue(v)
	},
	"equals": func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 1 {
			return Null, nil
		}
		return Bool(c.r.equal(v, args[0], 0)), nil
	},
	"hashCode": func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 0 {
			return Null, nil
		}
		h, err := c.r.hash(v, 0)
		return Int32(h), err
	},
}

func (c *Call) textValue(v Value) (Value, error) {
	s, err := c.r.text(v)
	return String(s), err
}

// none makes a method without arguments.
func none(f func(c *Call, v Value) (Value, error)) builtin {
	return func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 0 {
			return Null, nil
		}
		return f(c, v)
	}
}

// one makes a method of one argument.
func one(f func(c *Call, v, arg Value) (Value, error)) builtin {
	return func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 1 {
			return Null, nil
		}
		return f(c, v, args[0])
	}
}

// two makes a method of two arguments.
func two(f func(c *Call, v, a, b Value) (Value, error)) builtin {
	return func(c *Call, v Value, args []Value) (Value, error) {
		if len(args) != 2 {
			return Null, nil
		}
		return f(c, v, args[0], args[1])
	}
}

// void is what a method without a result gives: it prints nothing, yet is no null.
var void = String("")

// nullPointer is what Java throws where a null argument is used.
func nullPointer() error { return Throw("java.lang.NullPointerException", "") }

// loopMethods are those of $foreach.
var loopMethods = map[string]builtin{
	"getIndex":   loopProperty("index"),
	"getCount":   loopProperty("count"),
	"hasNext":    loopProperty("hasNext"),
	"getHasNext": loopProperty("hasNext"),
	"isFirst":    loopProperty("first"),
	"getFirst":   loopProperty("first"),
	"isLast":     loopProperty("last"),
	"getLast":    loopProperty("last"),
	"getParent":  loopProperty("parent"),
	"getTopmost": loopProperty("topmost"),
	"get": one(func(_ *Call, v, key Value) (Value, error) {
		if store := v.loop().store; store != nil && key.kind == KindString {
			val, _ := store.Get(key.str())
			return val, nil
		}
		return Null, nil
	}),
	"put": two(func(c *Call, v, key, val Value) (Value, error) { return Null, c.r.assignKey(v, key, val) }),
	"size": none(func(_ *Call, v Value) (Value, error) {
		if store := v.loop().store; store != nil {
			return Int32(int32(store.Len())), nil
		}
		return Int32(0), nil
	}),
	"isEmpty": none(func(c *Call, v Value) (Value, error) { return Bool(!c.r.isTrue(v)), nil }),
}

func loopProperty(name string) builtin {
	return none(func(_ *Call, v Value) (Value, error) { return v.loop().property(name) })
}
