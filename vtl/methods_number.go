package vtl

import (
	"math"
	"math/bits"
	"strconv"
	"unicode"

	"tidings/vtl/internal/java"
)

// numberMethods are those of the number classes, with the statics that templates
// reach through a number.
var numberMethods = map[string]builtin{
	"intValue":    none(func(_ *Call, v Value) (Value, error) { return Int32(intOf(v)), nil }),
	"longValue":   none(func(_ *Call, v Value) (Value, error) { return Int64(longOf(v)), nil }),
	"shortValue":  none(func(_ *Call, v Value) (Value, error) { return Int32(int32(int16(intOf(v)))), nil }),
	"byteValue":   none(func(_ *Call, v Value) (Value, error) { return Int32(int32(int8(intOf(v)))), nil }),
	"doubleValue": none(func(_ *Call, v Value) (Value, error) { return Float(v.Float64()), nil }),
	"floatValue":  none(func(_ *Call, v Value) (Value, error) { return Float32(float32(v.Float64())), nil }),
	"compareTo":   one(numberCompareTo),
	"toString":    numberToString,
	"isNaN":       floatTest(math.IsNaN),
	"isInfinite":  floatTest(func(f float64) bool { return math.IsInf(f, 0) }),
	"isFinite":    floatTest(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }),

	"parseInt":    numberParse(KindInt32),
	"parseLong":   numberParse(KindInt64),
	"parseDouble": numberParse(KindFloat64),
	"parseFloat":  numberParse(KindFloat32),
	"valueOf":     numberValueOf,
	"max":         numberPair(func(a, b Value) Value { return pick(compareNumbers(a, b) >= 0, a, b) }),
	"min":         numberPair(func(a, b Value) Value { return pick(compareNumbers(a, b) <= 0, a, b) }),
	"compare":     numberPair(func(a, b Value) Value { return Int32(int32(compareNumbers(a, b))) }),
	"sum":         numberPair(numberSum),

	"signum":             one(numberSignum),
	"abs":                none(numberAbs),
	"bitCount":           one(func(_ *Call, v, n Value) (Value, error) { return wholeStatic(v, n, numberBitCount) }),
	"toBinaryString":     numberRadix(2),
	"toOctalString":      numberRadix(8),
	"toHexString":        numberRadix(16),
	"setScale":           one(decimalSetScale),
	"stripTrailingZeros": none(decimalStrip),
	"toPlainString":      none(decimalPlain),
}

func pick(first bool, a, b Value) Value {
	if first {
		return a
	}
	return b
}

// numberCompareTo compares numbers of one class; there is no method for others.
func numberCompareTo(_ *Call, v, arg Value) (Value, error) {
	if arg.kind == KindNull {
		return Null, nullPointer()
	}
	if arg.kind != v.kind {
		return Null, nil
	}
	return Int32(int32(compareNumbers(v, arg))), nil
}

// numberToString is toString() and the static toString(n).
func numberToString(c *Call, v Value, args []Value) (Value, error) {
	switch {
	case len(args) == 0:
		return c.textValue(v)
	case len(args) == 1 && args[0].kind == v.kind:
		return c.textValue(args[0])
	case len(args) == 2 && v.kind == KindInt32 && args[0].kind == KindInt32 && args[1].kind == KindInt32:
		radix := int(args[1].int())
		if radix < 2 || radix > 36 {
			radix = 10
		}
		return String(strconv.FormatInt(args[0].int(), radix)), nil
	}
	return Null, nil
}

// floatTest is a method of Double and Float, static or not.
func floatTest(f func(float64) bool) builtin {
	return func(_ *Call, v Value, args []Value) (Value, error) {
		if v.kind != KindFloat64 && v.kind != KindFloat32 {
			return Null, nil
		}
		if len(args) == 1 && args[0].IsNumber() {
			v = args[0]
		} else if len(args) != 0 {
			return Null, nil
		}
		return Bool(f(v.Float64())), nil
	}
}

// badNumber is what Java throws for a text that is no number.
func badNumber(s string) error {
	return Throw("java.lang.NumberFormatException", `For input string: "`+s+`"`)
}

// numberParse is parseInt and its like: each is there only on its own class.
func numberParse(kind Kind) builtin {
	return func(_ *Call, v Value, args []Value) (Value, error) {
		if v.kind != kind || len(args) < 1 || len(args) > 2 {
			return Null, nil
		}
		if args[0].kind == KindNull {
			return Null, Throw("java.lang.NumberFormatException", "Cannot parse null string")
		}
		if args[0].kind != KindString {
			return Null, nil
		}
		radix := 10
		if len(args) == 2 {
			if args[1].kind != KindInt32 || kind >= KindFloat64 {
				return Null, nil
			}
			radix = int(args[1].int())
		}
		return parseNumber(kind, args[0].str(), radix)
	}
}

func parseNumber(kind Kind, s string, radix int) (Value, error) {
	if radix < 2 || radix > 36 {
		return Null, badNumber(s)
	}
	switch kind {
	case KindInt32:
		if n, ok := java.ParseInt(s, radix); ok {
			return Int32(n), nil
		}
	case KindInt64:
		if n, ok := java.ParseLong(s, radix); ok {
			return Int64(n), nil
		}
	default:
		if f, ok := java.ParseDouble(s); ok {
			if kind == KindFloat32 {
				return Float32(float32(f)), nil
			}
			return Float(f), nil
		}
	}
	return Null, badNumber(s)
}

// numberValueOf is the static valueOf(text) or valueOf(number).
func numberValueOf(c *Call, v Value, args []Value) (Value, error) {
	if len(args) >= 1 && args[0].kind == KindString && v.kind != KindBig && v.kind != KindDecimal {
		return numberParse(v.kind)(c, v, args)
	}
	if len(args) != 1 || !args[0].IsNumber() {
		return Null, nil
	}
	switch n := args[0]; v.kind {
	case n.kind:
		return n, nil
	case KindInt64:
		if n.kind == KindInt32 {
			return Int64(n.int()), nil
		}
	case KindFloat64:
		return Float(n.Float64()), nil
	}
	return Null, nil
}

// numberPair is a static of two numbers of the class.
func numberPair(f func(a, b Value) Value) builtin {
	return two(func(_ *Call, v, a, b Value) (Value, error) {
		widen := func(n Value) (Value, bool) {
			switch {
			case n.kind == v.kind:
				return n, true
			case v.kind == KindInt64 && n.kind == KindInt32:
				return Int64(n.int()), true
			case v.kind == KindFloat64 && n.IsNumber():
				return Float(n.Float64()), true
			}
			return Null, false
		}
		x, ok := widen(a)
		y, ok2 := widen(b)
		if !ok || !ok2 {
			return Null, nil
		}
		return f(x, y), nil
	})
}

// numberSum wraps around like the Java statics do.
func numberSum(a, b Value) Value {
	switch a.kind {
	case KindInt32:
		return Int32(int32(a.int()) + int32(b.int()))
	case KindInt64:
		return Int64(a.int() + b.int())
	case KindFloat64:
		return Float(a.float() + b.float())
	}
	return Null
}

// wholeStatic calls a static of Integer or Long.
func wholeStatic(v, n Value, f func(v, n Value) (Value, error)) (Value, error) {
	if n.kind == v.kind && (v.kind == KindInt32 || v.kind == KindInt64) {
		return f(v, n)
	}
	return Null, nil
}

func numberSignum(_ *Call, v, n Value) (Value, error) {
	return wholeStatic(v, n, func(_, n Value) (Value, error) { return Int32(int32(compareInts(n.int(), 0))), nil })
}

func numberBitCount(v, n Value) (Value, error) {
	if v.kind == KindInt32 {
		return Int32(int32(bits.OnesCount32(uint32(n.int())))), nil
	}
	return Int32(int32(bits.OnesCount64(uint64(n.int())))), nil
}

func numberRadix(radix int) builtin {
	return one(func(_ *Call, v, n Value) (Value, error) {
		return wholeStatic(v, n, func(v, n Value) (Value, error) {
			if v.kind == KindInt32 {
				return String(strconv.FormatUint(uint64(uint32(n.int())), radix)), nil
			}
			return String(strconv.FormatUint(uint64(n.int()), radix)), nil
		})
	})
}

// numberAbs is abs() of BigInteger and BigDecimal.
func numberAbs(c *Call, v Value) (Value, error) {
	if v.kind != KindBig && v.kind != KindDecimal {
		return Null, nil
	}
	if compareNumbers(v, Int32(0)) >= 0 {
		return v, nil
	}
	return c.r.negate(v)
}

func decimalSetScale(_ *Call, v, n Value) (Value, error) {
	if v.kind != KindDecimal || n.kind != KindInt32 {
		return Null, nil
	}
	const most = 1000
	d, scale := *v.decimal(), int32(n.int())
	if scale > most || scale < d.Scale {
		return Null, Throw("java.lang.ArithmeticException", "Rounding necessary")
	}
	return DecimalValue(Decimal{Unscaled: d.Rescale(scale), Scale: scale}), nil
}

func decimalStrip(_ *Call, v Value) (Value, error) {
	if v.kind != KindDecimal {
		return Null, nil
	}
	return DecimalValue(v.decimal().Strip()), nil
}

func decimalPlain(_ *Call, v Value) (Value, error) {
	if v.kind != KindDecimal {
		return Null, nil
	}
	d := *v.decimal()
	if d.Scale < 0 {
		d = Decimal{Unscaled: d.Rescale(0), Scale: 0}
	}
	return String(d.Plain()), nil
}

// boolMethods are the methods of java.lang.Boolean.
var boolMethods = map[string]builtin{
	"booleanValue": none(func(_ *Call, v Value) (Value, error) { return v, nil }),
	"compareTo": one(func(_ *Call, v, arg Value) (Value, error) {
		if arg.kind != KindBool {
			return Null, nil
		}
		return Int32(int32(v.num) - int32(arg.num)), nil
	}),
	"parseBoolean": one(boolParse),
	"valueOf":      one(boolParse),
	"logicalAnd":   two(func(_ *Call, _, a, b Value) (Value, error) { return boolPair(a, b, a.Bool() && b.Bool()) }),
	"logicalOr":    two(func(_ *Call, _, a, b Value) (Value, error) { return boolPair(a, b, a.Bool() || b.Bool()) }),
	"logicalXor":   two(func(_ *Call, _, a, b Value) (Value, error) { return boolPair(a, b, a.Bool() != b.Bool()) }),
}

func boolPair(a, b Value, result bool) (Value, error) {
	if a.kind != KindBool || b.kind != KindBool {
		return Null, nil
	}
	return Bool(result), nil
}

func boolParse(_ *Call, _, arg Value) (Value, error) {
	switch arg.kind {
	case KindString:
		return Bool(java.EqualsIgnoreCase(arg.str(), "true")), nil
	case KindBool:
		return arg, nil
	}
	return Null, nil
}

// charMethods are the methods of java.lang.Character, with the statics.
var charMethods = map[string]builtin{
	"charValue": none(func(_ *Call, v Value) (Value, error) { return v, nil }),
	"compareTo": one(func(_ *Call, v, arg Value) (Value, error) {
		if arg.kind != KindChar {
			return Null, nil
		}
		return Int32(int32(v.num) - int32(arg.num)), nil
	}),
	"isDigit":         charTest(unicode.IsDigit),
	"isLetter":        charTest(unicode.IsLetter),
	"isLetterOrDigit": charTest(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }),
	"isWhitespace":    charTest(java.IsSpace),
	"isUpperCase":     charTest(unicode.IsUpper),
	"isLowerCase":     charTest(unicode.IsLower),
	"toUpperCase":     charMap(unicode.ToUpper),
	"toLowerCase":     charMap(unicode.ToLower),
	"getNumericValue": one(func(_ *Call, _, arg Value) (Value, error) {
		if arg.kind != KindChar {
			return Null, nil
		}
		switch c := rune(arg.num); {
		case c >= '0' && c <= '9':
			return Int32(c - '0'), nil
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			return Int32(c | 0x20 - 'a' + 10), nil
		}
		return Int32(-1), nil
	}),
}

func charTest(f func(rune) bool) builtin {
	return one(func(_ *Call, _, arg Value) (Value, error) {
		if arg.kind != KindChar {
			return Null, nil
		}
		return Bool(f(rune(arg.num))), nil
	})
}

func charMap(f func(rune) rune) builtin {
	return one(func(_ *Call, _, arg Value) (Value, error) {
		if arg.kind != KindChar {
			return Null, nil
		}
		return Char(uint16(f(rune(arg.num)))), nil
	})
}

// hash is hashCode() of Java.
func (r *render) hash(v Value, depth int) (int32, error) {
	if err := r.step(); err != nil {
		return 0, err
	}
	if err := r.deeper(depth); err != nil {
		return 0, err
	}
	switch v.kind {
	case KindString:
		return java.HashCode(v.str()), r.weigh(v)
	case KindInt32, KindChar:
		return int32(v.num), nil
	case KindInt64:
		return java.LongHash(v.int()), nil
	case KindFloat64:
		return java.DoubleHash(v.float()), nil
	case KindFloat32:
		return int32(math.Float32bits(float32(v.float()))), nil
	case KindBool:
		return int32(pick(v.num != 0, Int32(1231), Int32(1237)).int()), nil
	case KindList:
		return r.hashList(r.list(v), depth)
	case KindMap:
		return r.hashList(&List{flav: flavourPairs, of: r.mapping(v)}, depth)
	case KindEntry:
		key, err := r.hash(v.entry().key, depth+1)
		if err != nil {
			return 0, err
		}
		val, err := r.hash(r.entryValue(v.entry()), depth+1)
		return key ^ val, err
	}
	return 0, nil
}

func (r *render) hashList(l *List, depth int) (int32, error) {
	h := int32(1)
	if l.isSet() {
		h = 0
	}
	for i := range l.Len() {
		item, err := r.hash(l.At(i), depth+1)
		if err != nil {
			return 0, err
		}
		if l.isSet() {
			h += item
		} else {
			h = 31*h + item
		}
	}
	return h, nil
}
