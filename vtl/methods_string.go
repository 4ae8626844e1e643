package vtl

import (
	"errors"
	"strings"

	"tidings/vtl/internal/java"
)

// stringMethods are the methods of java.lang.String that templates call.
var stringMethods = map[string]builtin{
	"length":        none(func(_ *Call, v Value) (Value, error) { return Int32(int32(java.Len(v.str()))), nil }),
	"isEmpty":       none(func(_ *Call, v Value) (Value, error) { return Bool(v.num == 0), nil }),
	"isBlank":       none(func(_ *Call, v Value) (Value, error) { return Bool(java.IsBlank(v.str())), nil }),
	"toUpperCase":   none(func(c *Call, v Value) (Value, error) { return c.mapped(v, c.r.javaLocale().ToUpper) }),
	"toLowerCase":   none(func(c *Call, v Value) (Value, error) { return c.mapped(v, c.r.javaLocale().ToLower) }),
	"trim":          none(func(_ *Call, v Value) (Value, error) { return String(java.Trim(v.str())), nil }),
	"strip":         none(func(_ *Call, v Value) (Value, error) { return String(java.Strip(v.str())), nil }),
	"stripLeading":  none(func(_ *Call, v Value) (Value, error) { return String(java.StripLeading(v.str())), nil }),
	"stripTrailing": none(func(_ *Call, v Value) (Value, error) { return String(java.StripTrailing(v.str())), nil }),
	"intern":        none(func(_ *Call, v Value) (Value, error) { return v, nil }),

	"substring":   stringSubstring,
	"subSequence": two(func(c *Call, v, a, b Value) (Value, error) { return stringSubstring(c, v, []Value{a, b}) }),
	"charAt":      one(stringCharAt),
	"codePointAt": one(stringCodePointAt),
	"toCharArray": none(stringToCharArray),
	"getBytes":    none(stringGetBytes),

	"indexOf":     stringIndexOf,
	"lastIndexOf": stringLastIndexOf,
	"contains":    withText(func(_ *Call, s, t string) (Value, error) { return Bool(strings.Contains(s, t)), nil }),
	"startsWith":  stringStartsWith,
	"endsWith":    withText(func(_ *Call, s, t string) (Value, error) { return Bool(strings.HasSuffix(s, t)), nil }),

	"equalsIgnoreCase": one(stringEqualsIgnoreCase),
	"contentEquals":    withText(func(_ *Call, s, t string) (Value, error) { return Bool(s == t), nil }),
	"compareTo":        withText(func(_ *Call, s, t string) (Value, error) { return Int32(int32(java.Compare(s, t))), nil }),
	"compareToIgnoreCase": withText(func(c *Call, s, t string) (Value, error) {
		if err := c.r.weighFolded(s, t); err != nil {
			return Null, err
		}
		return Int32(int32(java.CompareIgnoreCase(s, t))), nil
	}),
	"regionMatches": stringRegionMatches,

	"concat":       withText(stringConcat),
	"repeat":       one(stringRepeat),
	"indent":       one(stringIndent),
	"replace":      two(stringReplace),
	"replaceAll":   two(stringReplaceAll),
	"replaceFirst": two(stringReplaceFirst),
	"matches":      withText(stringMatches),
	"split":        stringSplit,

	"format":    stringFormat,
	"formatted": func(c *Call, v Value, args []Value) (Value, error) { return c.format(v.str(), args) },
	"join":      stringJoin,
	"valueOf":   one(func(c *Call, _, arg Value) (Value, error) { return c.textValue(arg) }),
}

// javaLocale is the locale of the render.
func (r *render) javaLocale() *java.Locale {
	if r.symbols == nil {
		r.symbols = java.LookupLocale(r.locale)
	}
	return r.symbols
}

// mapped makes a string of about the same length.
func (c *Call) mapped(v Value, f func(string) string) (Value, error) {
	if err := c.r.chargeString(len(v.str())); err != nil {
		return Null, err
	}
	if err := c.r.stepN(len(v.str())/64 + 1); err != nil {
		return Null, err
	}
	return String(f(v.str())), nil
}

// withText makes a method of one String argument, which may not be null.
func withText(f func(c *Call, s, t string) (Value, error)) builtin {
	return one(func(c *Call, v, arg Value) (Value, error) {
		switch arg.kind {
		case KindString:
			if err := c.r.stepN(len(v.str())/256 + 1); err != nil {
				return Null, err
			}
			return f(c, v.str(), arg.str())
		case KindNull:
			return Null, nullPointer()
		}
		return Null, nil
	})
}

func stringSubstring(_ *Call, v Value, args []Value) (Value, error) {
	s := v.str()
	if len(args) < 1 || len(args) > 2 || args[0].kind != KindInt32 {
		return Null, nil
	}
	from, to := int(args[0].int()), 0
	if len(args) == 2 {
		if args[1].kind != KindInt32 {
			return Null, nil
		}
		to = int(args[1].int())
	} else {
		to = java.Len(s)
	}
	part, ok := java.Substring(s, from, to)
	if !ok {
		return Null, Throw("java.lang.StringIndexOutOfBoundsException",
			"begin "+itoa(from)+", end "+itoa(to)+", length "+itoa(java.Len(s)))
	}
	return String(part), nil
}

func stringCharAt(_ *Call, v, i Value) (Value, error) {
	if i.kind != KindInt32 {
		return Null, nil
	}
	s, at := v.str(), int(i.int())
	if at >= 0 && at < len(s) && at < asciiPrefix(s, at+1) {
		return Char(uint16(s[at])), nil
	}
	part, ok := java.Substring(s, at, at+1)
	if !ok || part == "" {
		return Null, Throw("java.lang.StringIndexOutOfBoundsException",
			"index "+itoa(at)+", length "+itoa(java.Len(s)))
	}
	if unit, ok := surrogateAt(part, 0); ok {
		return Char(uint16(unit)), nil
	}
	return Char(uint16([]rune(part)[0])), nil
}

// asciiPrefix returns how many of the first n bytes are ASCII before another comes.
func asciiPrefix(s string, n int) int {
	for i := range n {
		if s[i] >= 0x80 {
			return i
		}
	}
	return n
}

func stringCodePointAt(_ *Call, v, i Value) (Value, error) {
	if i.kind != KindInt32 {
		return Null, nil
	}
	n, ok := java.CodePointAt(v.str(), int(i.int()))
	if !ok {
		return Null, Throw("java.lang.StringIndexOutOfBoundsException", "index "+plainText(i))
	}
	return Int32(n), nil
}

func stringToCharArray(c *Call, v Value) (Value, error) {
	n := java.Len(v.str())
	if err := c.r.chargeSlots(n); err != nil {
		return Null, err
	}
	units := make([]Value, 0, n)
	for i := 0; i < len(v.str()); {
		unit, size := unitsAt(v.str(), i)
		for _, u := range unit {
			units = append(units, Char(u))
		}
		i += size
	}
	return ListValue(NewArray(units...)), nil
}

// unitsAt returns the UTF-16 units of the character at byte i, and its bytes.
func unitsAt(s string, i int) (units []uint16, size int) {
	if unit, ok := surrogateAt(s, i); ok {
		return []uint16{uint16(unit)}, 3
	}
	for j, c := range s[i:] {
		if j > 0 {
			size = j
			break
		}
		size = len(s) - i
		if c >= 0x10000 {
			units = []uint16{uint16(0xD800 + (c-0x10000)>>10), uint16(0xDC00 + (c-0x10000)&0x3FF)}
		} else {
			units = []uint16{uint16(c)}
		}
	}
	return units, size
}

func stringGetBytes(c *Call, v Value) (Value, error) {
	s := v.str()
	if err := c.r.chargeSlots(len(s)); err != nil {
		return Null, err
	}
	b := make([]Value, len(s))
	for i := range s {
		b[i] = Int32(int32(int8(s[i])))
	}
	return ListValue(NewArray(b...)), nil
}

// needle takes the first argument of indexOf: a String, or a code point.
func needle(arg Value) (s string, ok bool, err error) {
	switch arg.kind {
	case KindString:
		return arg.str(), true, nil
	case KindInt32:
		if n := arg.int(); n >= 0 && n <= 0x10FFFF {
			return string(rune(n)), true, nil
		}
	case KindNull:
		return "", false, nullPointer()
	}
	return "", false, nil
}

func stringIndexOf(c *Call, v Value, args []Value) (Value, error) {
	from := 0
	if len(args) == 2 && args[1].kind == KindInt32 {
		from = int(args[1].int())
	} else if len(args) != 1 {
		return Null, nil
	}
	s, ok, err := needle(args[0])
	if err != nil || !ok {
		return Null, err
	}
	if err := c.r.stepN(len(v.str())/256 + 1); err != nil {
		return Null, err
	}
	return Int32(int32(java.IndexOf(v.str(), s, from))), nil
}

func stringLastIndexOf(c *Call, v Value, args []Value) (Value, error) {
	from := java.Len(v.str())
	if len(args) == 2 && args[1].kind == KindInt32 {
		from = int(args[1].int())
	} else if len(args) != 1 {
		return Null, nil
	}
	s, ok, err := needle(args[0])
	if err != nil || !ok {
		return Null, err
	}
	if err := c.r.stepN(len(v.str())/256 + 1); err != nil {
		return Null, err
	}
	return Int32(int32(java.LastIndexOf(v.str(), s, from))), nil
}

func stringStartsWith(_ *Call, v Value, args []Value) (Value, error) {
	at := 0
	if len(args) == 2 && args[1].kind == KindInt32 {
		at = int(args[1].int())
	} else if len(args) != 1 {
		return Null, nil
	}
	switch args[0].kind {
	case KindString:
		return Bool(java.StartsWithAt(v.str(), args[0].str(), at)), nil
	case KindNull:
		return Null, nullPointer()
	}
	return Null, nil
}

func stringEqualsIgnoreCase(c *Call, v, arg Value) (Value, error) {
	switch arg.kind {
	case KindString:
		if err := c.r.weighFolded(v.str(), arg.str()); err != nil {
			return Null, err
		}
		return Bool(java.EqualsIgnoreCase(v.str(), arg.str())), nil
	case KindNull:
		return Bool(false), nil
	}
	return Null, nil
}

// stringRegionMatches is regionMatches([ignoreCase,] from, other, otherFrom, length).
func stringRegionMatches(c *Call, v Value, args []Value) (Value, error) {
	ignoreCase := false
	if len(args) == 5 && args[0].kind == KindBool {
		ignoreCase = args[0].Bool()
		args = args[1:]
	}
	if len(args) != 4 || args[0].kind != KindInt32 || args[1].kind != KindString ||
		args[2].kind != KindInt32 || args[3].kind != KindInt32 {
		return Null, nil
	}
	n := int(args[3].int())
	a, ok := java.Substring(v.str(), int(args[0].int()), int(args[0].int())+n)
	b, ok2 := java.Substring(args[1].str(), int(args[2].int()), int(args[2].int())+n)
	if !ok || !ok2 {
		return Bool(false), nil
	}
	if ignoreCase {
		if err := c.r.weighFolded(a, b); err != nil {
			return Null, err
		}
		return Bool(java.EqualsIgnoreCase(a, b)), nil
	}
	return Bool(a == b), nil
}

func stringConcat(c *Call, s, t string) (Value, error) {
	if err := c.r.chargeString(len(s) + len(t)); err != nil {
		return Null, err
	}
	return String(joinStrings(s, t)), nil
}

// grown finishes a string that was made under a bound.
func (c *Call) grown(s string, err error) (Value, error) {
	if errors.Is(err, java.ErrTooLong) {
		return Null, c.r.chargeString(c.r.limits.String + 1)
	}
	if err != nil {
		return Null, err
	}
	return String(s), c.r.charge(len(s))
}

// room is the longest string that may still be made.
func (r *render) room() int { return max(min(r.limits.String, r.memory), 0) }

func stringRepeat(c *Call, v, n Value) (Value, error) {
	if n.kind != KindInt32 {
		return Null, nil
	}
	if n.int() < 0 {
		return Null, Throw("java.lang.IllegalArgumentException", "count is negative: "+plainText(n))
	}
	if size := n.int() * int64(len(v.str())); size > int64(c.r.limits.String) {
		return Null, c.r.chargeString(c.r.limits.String + 1)
	} else if err := c.r.chargeString(int(size)); err != nil {
		return Null, err
	}
	return String(strings.Repeat(v.str(), int(n.int()))), nil
}

func stringIndent(c *Call, v, n Value) (Value, error) {
	if n.kind != KindInt32 {
		return Null, nil
	}
	return c.grown(java.Indent(v.str(), int(n.int()), c.r.room()))
}

func stringReplace(c *Call, v, a, b Value) (Value, error) {
	if a.kind == KindChar && b.kind == KindChar {
		return c.grown(java.Replace(v.str(), charText(a.Char()), charText(b.Char()), c.r.room()))
	}
	if (a.kind == KindNull || a.kind == KindString) && (b.kind == KindNull || b.kind == KindString) {
		if a.kind == KindNull || b.kind == KindNull {
			return Null, nullPointer()
		}
		if err := c.r.stepN(len(v.str())/256 + 1); err != nil {
			return Null, err
		}
		return c.grown(java.Replace(v.str(), a.str(), b.str(), c.r.room()))
	}
	return Null, nil
}

func stringSplit(c *Call, v Value, args []Value) (Value, error) {
	limit := 0
	if len(args) == 2 && args[1].kind == KindInt32 {
		limit = int(args[1].int())
	} else if len(args) != 1 {
		return Null, nil
	}
	switch args[0].kind {
	case KindString:
	case KindNull:
		return Null, nullPointer()
	default:
		return Null, nil
	}
	re, bounds, err := c.regex(args[0].str(), v.str())
	if err != nil {
		return Null, err
	}
	pieces, err := re.Split(v.str(), limit, bounds)
	if errors.Is(err, java.ErrTooLong) {
		return Null, c.r.chargeSlots(c.r.limits.Collection + 1)
	}
	if err != nil {
		return Null, err
	}
	if err := c.r.chargeSlots(len(pieces)); err != nil {
		return Null, err
	}
	items := make([]Value, len(pieces))
	for i, piece := range pieces {
		items[i] = String(piece)
	}
	return ListValue(&List{items: items, flav: flavourArray, live: true}), nil
}

// stringJoin is the static String.join, called on any string.
func stringJoin(c *Call, _ Value, args []Value) (Value, error) {
	if len(args) < 1 || args[0].kind != KindString {
		return Null, nil
	}
	parts := args[1:]
	if len(parts) == 1 && parts[0].kind == KindList {
		l := c.r.list(parts[0])
		var err error
		if parts, err = c.r.elementsOf(l); err != nil {
			return Null, err
		}
	}
	r := c.r
	start := len(r.out)
	for i, part := range parts {
		if part.kind != KindString && part.kind != KindNull {
			r.out = r.out[:start]
			if len(args) == 2 && args[1].kind == KindList {
				return Null, Throw("java.lang.ClassCastException", "an element is no String")
			}
			return Null, nil
		}
		if i > 0 {
			r.out = append(r.out, args[0].str()...)
		}
		if err := r.print(part); err != nil {
			return Null, err
		}
		if len(r.out)-start > r.limits.String {
			break
		}
	}
	s, err := r.cut(start)
	return String(joinSurrogates(s)), err
}
