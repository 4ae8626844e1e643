package vtl

import (
	"math"
	"math/big"
	"unicode/utf8"
	"unsafe"

	"tidings/vtl/internal/java"
)

// Kind says what a Value holds. The kinds follow the Java classes that a
// template can tell apart: Integer and Long are two kinds because arithmetic
// and map keys treat them differently.
type Kind uint8

// The kinds of values.
const (
	KindNull    Kind = iota
	KindString       // java.lang.String
	KindInt32        // java.lang.Integer
	KindInt64        // java.lang.Long
	KindBig          // java.math.BigInteger
	KindFloat64      // java.lang.Double
	KindFloat32      // java.lang.Float, only from floatValue()
	KindDecimal      // java.math.BigDecimal, only from tools
	KindBool         // java.lang.Boolean
	KindChar         // java.lang.Character: one UTF-16 unit
	KindList         // java.util.List and what behaves like one: arrays, ranges, sets, views
	KindMap          // java.util.LinkedHashMap
	KindEntry        // java.util.Map.Entry
	KindObject       // a tool, or what a tool returned
	kindDefine       // the block of a #define; rendered each time it is read
	kindLoop         // $foreach
)

// String names the kind for messages.
func (k Kind) String() string {
	names := [...]string{
		"null", "String", "Integer", "Long", "BigInteger", "Double", "Float", "BigDecimal",
		"Boolean", "Character", "List", "Map", "Entry", "Object", "Block", "Loop",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is one value of the language: a small struct passed by value. The zero
// Value is null. Numbers, booleans and strings are held in the struct itself and
// cost no allocation; lists, maps and objects are shared by reference, as in Java.
//
// Strings are UTF-8. A template can cut a surrogate pair in two, since lengths and
// indices count UTF-16 units; such a half is held in its three byte form (WTF-8)
// and becomes '?' in the output if it never meets its other half.
//
// Values must not be compared with ==; use Equal.
type Value struct {
	ref  unsafe.Pointer // string bytes, *big.Int, *Decimal, *List, *Map, *entry, *Object or *define
	num  uint64         // integer, float bits, boolean, UTF-16 unit, or string length
	kind Kind
}

// Null is the null value: what an undefined variable and a failed method give.
var Null = Value{}

// String makes a string value. The text is UTF-8.
func String(s string) Value {
	return Value{kind: KindString, num: uint64(len(s)), ref: unsafe.Pointer(unsafe.StringData(s))}
}

// Int32 makes an Integer.
func Int32(n int32) Value { return Value{kind: KindInt32, num: uint64(int64(n))} }

// Int64 makes a Long, also when n would fit an Integer.
func Int64(n int64) Value { return Value{kind: KindInt64, num: uint64(n)} }

// Int makes an Integer if n fits 32 bits, else a Long: the rule of JSON input
// and of integer literals.
func Int(n int64) Value {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		return Int32(int32(n))
	}
	return Int64(n)
}

// BigInt makes a BigInteger. The number must not be changed afterwards.
func BigInt(n *big.Int) Value { return Value{kind: KindBig, ref: unsafe.Pointer(n)} }

// Float makes a Double.
func Float(f float64) Value { return Value{kind: KindFloat64, num: math.Float64bits(f)} }

// Float32 makes a Float.
func Float32(f float32) Value {
	return Value{kind: KindFloat32, num: math.Float64bits(float64(f))}
}

// Bool makes a Boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Char makes a Character of one UTF-16 unit.
func Char(unit uint16) Value { return Value{kind: KindChar, num: uint64(unit)} }

// Decimal is an exact decimal number, Unscaled * 10^-Scale, like BigDecimal: it
// remembers its trailing zeros. Its fields are Unscaled, a *big.Int, and Scale, an int32.
type Decimal = java.Decimal

// DecimalValue makes a BigDecimal. The number must not be changed afterwards.
func DecimalValue(d Decimal) Value {
	return Value{kind: KindDecimal, ref: unsafe.Pointer(&d)}
}

// ListValue makes a value of a list. A nil list is null.
func ListValue(l *List) Value {
	if l == nil {
		return Null
	}
	return Value{kind: KindList, ref: unsafe.Pointer(l)}
}

// MapValue makes a value of a map. A nil map is null.
func MapValue(m *Map) Value {
	if m == nil {
		return Null
	}
	return Value{kind: KindMap, ref: unsafe.Pointer(m)}
}

// ObjectValue makes a value of a tool object. Costs one small allocation.
func ObjectValue(o Object) Value {
	if o == nil {
		return Null
	}
	return Value{kind: KindObject, ref: unsafe.Pointer(&o)}
}

// Kind returns what the value holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// IsNumber reports whether the value is one of the number kinds.
func (v Value) IsNumber() bool { return v.kind >= KindInt32 && v.kind <= KindDecimal }

// IsInteger reports whether the value is an Integer, a Long or a BigInteger.
func (v Value) IsInteger() bool { return v.kind >= KindInt32 && v.kind <= KindBig }

// Str returns the text of a string value, and "" for every other kind. For the
// printed form of any value see Call.Text.
func (v Value) Str() string {
	if v.kind != KindString {
		return ""
	}
	return v.str()
}

// Int64 returns the number of an Integer or Long, and 0 for every other kind.
func (v Value) Int64() int64 {
	if v.kind != KindInt32 && v.kind != KindInt64 {
		return 0
	}
	return int64(v.num)
}

// Float64 returns the number of any number kind as the nearest double
// (doubleValue in Java), and 0 for what is no number.
func (v Value) Float64() float64 {
	switch v.kind {
	case KindInt32, KindInt64:
		return float64(int64(v.num))
	case KindFloat64, KindFloat32:
		return math.Float64frombits(v.num)
	case KindBig:
		f, _ := new(big.Float).SetInt(v.big()).Float64()
		return f
	case KindDecimal:
		return v.decimal().Float64()
	}
	return 0
}

// Bool returns the boolean of a Boolean, and false for every other kind. For
// what #if makes of any value see Truth.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Char returns the UTF-16 unit of a Character, and 0 for every other kind.
func (v Value) Char() uint16 {
	if v.kind != KindChar {
		return 0
	}
	return uint16(v.num)
}

// BigInt returns the number of any integer kind, nil for every other kind. It
// must not be changed.
func (v Value) BigInt() *big.Int {
	switch v.kind {
	case KindBig:
		return v.big()
	case KindInt32, KindInt64:
		return big.NewInt(int64(v.num))
	}
	return nil
}

// Decimal returns the number of a BigDecimal, false for every other kind.
func (v Value) Decimal() (Decimal, bool) {
	if v.kind != KindDecimal {
		return Decimal{}, false
	}
	return *v.decimal(), true
}

// List returns the list of a list value, nil for every other kind. It shows the
// list as the host gave it; inside a render use Call.List, which sees what the
// template has changed.
func (v Value) List() *List {
	if v.kind != KindList {
		return nil
	}
	return v.list()
}

// Map returns the map of a map value, nil for every other kind; see List.
func (v Value) Map() *Map {
	if v.kind != KindMap {
		return nil
	}
	return v.mapping()
}

// Object returns the object of an object value, nil for every other kind.
func (v Value) Object() Object {
	if v.kind != KindObject {
		return nil
	}
	return v.object()
}

// Entry returns key and value of a map entry.
func (v Value) Entry() (key, value Value, ok bool) {
	if v.kind != KindEntry {
		return Null, Null, false
	}
	e := v.entry()
	return e.key, e.value(), true
}

// The accessors below do not look at the kind: the caller has.

func (v Value) str() string       { return unsafe.String((*byte)(v.ref), int(v.num)) }
func (v Value) int() int64        { return int64(v.num) }
func (v Value) float() float64    { return math.Float64frombits(v.num) }
func (v Value) big() *big.Int     { return (*big.Int)(v.ref) }
func (v Value) decimal() *Decimal { return (*Decimal)(v.ref) }
func (v Value) list() *List       { return (*List)(v.ref) }
func (v Value) mapping() *Map     { return (*Map)(v.ref) }
func (v Value) entry() *entry     { return (*entry)(v.ref) }
func (v Value) object() Object    { return *(*Object)(v.ref) }
func (v Value) define() *define   { return (*define)(v.ref) }

// charText is the text of one UTF-16 unit; a surrogate half in WTF-8.
func charText(unit uint16) string {
	if unit < utf8.RuneSelf {
		return asciiText[unit : unit+1]
	}
	if unit >= 0xD800 && unit <= 0xDFFF {
		return string([]byte{0xED, 0x80 | byte(unit>>6)&0x3F, 0x80 | byte(unit)&0x3F})
	}
	return string(rune(unit))
}
