package vtl

import (
	"math"
	"strings"

	"tidings/vtl/internal/java"
)

// mathTool is MathTool. What is no number makes a result null; no method throws.
// Texts are read as in English in every locale: data has decimal points.
type mathTool struct{}

func (mathTool) Class() *Class              { return mathClass }
func (mathTool) Text(*Call) (string, error) { return "MathTool", nil }

var mathClass = &Class{Name: "MathTool", Methods: Methods{
	"add": folded(0, func(sum, n float64) (float64, bool) { return sum + n, true }),
	"mul": folded(1, func(product, n float64) (float64, bool) { return product * n, true }),
	"sub": foldedFromFirst(func(rest, n float64) (float64, bool) { return rest - n, true }),
	"div": foldedFromFirst(func(rest, n float64) (float64, bool) { return rest / n, n != 0 }),
	// Java begins the search for the largest with the smallest positive double.
	"max": folded(math.SmallestNonzeroFloat64, func(a, b float64) (float64, bool) { return math.Max(a, b), true }),
	"min": folded(math.MaxFloat64, func(a, b float64) (float64, bool) { return math.Min(a, b), true }),

	"bitwiseOr":  bitwise(0, func(a, b int64) int64 { return a | b }),
	"bitwiseAnd": bitwise(-1, func(a, b int64) int64 { return a & b }),
	"bitwiseXOr": bitwise(0, func(a, b int64) int64 { return a ^ b }),

	"pow":  {withArgs(2, mathPow)},
	"idiv": ofTwo(func(a, b Value) Value { return wholeDiv(a, b, func(a, b int32) int32 { return a / b }) }),
	"mod":  ofTwo(func(a, b Value) Value { return wholeDiv(a, b, func(a, b int32) int32 { return a % b }) }),

	"abs":     ofOne(func(n Value) Value { return matchWhole(math.Abs(n.Float64()), !hasPoint(n)) }),
	"ceil":    ofOne(func(n Value) Value { return Int32(java.DoubleToInt(math.Ceil(n.Float64()))) }),
	"floor":   ofOne(func(n Value) Value { return Int32(java.DoubleToInt(math.Floor(n.Float64()))) }),
	"round":   ofOne(func(n Value) Value { return Int32(java.DoubleToInt(math.RoundToEven(n.Float64()))) }),
	"roundTo": ofTwo(func(a, b Value) Value { return Float(roundTo(intOf(a), b.Float64())) }),

	"toInteger": ofOne(func(n Value) Value { return Int32(intOf(n)) }),
	"toLong":    ofOne(func(n Value) Value { return Int64(longOf(n)) }),
	"toDouble":  ofOne(func(n Value) Value { return Float(n.Float64()) }),
	"toNumber":  ofOne(func(n Value) Value { return n }),

	"getRandom": {withArgs(0, func(c *Call, _ []Value) (Value, error) { return Float(c.Random()), nil })},
	"random": {
		withArgs(0, func(c *Call, _ []Value) (Value, error) { return Float(c.Random()), nil }),
		withArgs(2, mathRandom),
	},
	"getTotal":   {{Arity: Variadic, Func: mathTotal}},
	"getAverage": {{Arity: Variadic, Func: mathAverage}},
}}

func englishNumbers() java.NumberFormat { return java.LookupLocale("en_US").Number() }

// mathNumber takes an argument as a number.
func (c *Call) mathNumber(v Value) (Value, bool, error) {
	if v.IsNumber() {
		return v, true, nil
	}
	return c.plainNumber(v, englishNumbers)
}

// mathNumbers takes all arguments as numbers; nil if one is none.
func (c *Call) mathNumbers(args []Value) ([]Value, error) {
	if err := c.Step(len(args)); err != nil {
		return nil, err
	}
	numbers := make([]Value, len(args))
	for i, arg := range args {
		n, ok, err := c.mathNumber(arg)
		if err != nil || !ok {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}

// ofOne makes a method of one number.
func ofOne(f func(n Value) Value) []Method {
	return []Method{withArgs(1, func(c *Call, args []Value) (Value, error) {
		n, ok, err := c.mathNumber(args[0])
		if err != nil || !ok {
			return Null, err
		}
		return f(n), nil
	})}
}

// ofTwo makes a method of two numbers.
func ofTwo(f func(a, b Value) Value) []Method {
	return []Method{withArgs(2, func(c *Call, args []Value) (Value, error) {
		a, ok, err := c.mathNumber(args[0])
		if err != nil || !ok {
			return Null, err
		}
		b, ok, err := c.mathNumber(args[1])
		if err != nil || !ok {
			return Null, err
		}
		return f(a, b), nil
	})}
}

// What a power costs that is no small whole number: its last bit takes arithmetic on
// long numbers.
const (
	powSteps = 128
	powBytes = 16 << 10
)

func mathPow(c *Call, args []Value) (Value, error) {
	numbers, err := c.mathNumbers(args)
	if err != nil || numbers == nil {
		return Null, err
	}
	a, b := numbers[0], numbers[1]
	power, ok := java.WholePow(a.Float64(), b.Float64())
	if !ok {
		if err := c.Step(powSteps); err != nil {
			return Null, err
		}
		if err := c.r.charge(powBytes); err != nil {
			return Null, err
		}
		power = java.Pow(a.Float64(), b.Float64())
	}
	return matchType(power, a, b), nil
}

// folded makes a method over any number of numbers, beginning with start. The step
// reports false where the result is null.
func folded(start float64, step func(acc, n float64) (float64, bool)) []Method {
	return []Method{{Arity: Variadic, Func: func(c *Call, _ Object, args []Value) (Value, error) {
		return c.fold(args, start, step)
	}}}
}

func foldedFromFirst(step func(acc, n float64) (float64, bool)) []Method {
	return []Method{{Arity: Variadic, Func: func(c *Call, _ Object, args []Value) (Value, error) {
		started := false
		return c.fold(args, 0, func(acc, n float64) (float64, bool) {
			if !started {
				started = true
				return n, true
			}
			return step(acc, n)
		})
	}}}
}

func (c *Call) fold(args []Value, acc float64, step func(acc, n float64) (float64, bool)) (Value, error) {
	args = c.spread(args)
	if err := c.Step(len(args)); err != nil {
		return Null, err
	}
	whole := true
	for _, arg := range args {
		n, ok, err := c.mathNumber(arg)
		if err != nil || !ok {
			return Null, err
		}
		if acc, ok = step(acc, n.Float64()); !ok {
			return Null, nil
		}
		whole = whole && !hasPoint(n)
	}
	return matchWhole(acc, whole), nil
}

// matchType makes a result of the sort that its operands ask for: an Integer or
// Long if it is whole and none of them shows a decimal point, else a Double.
func matchType(result float64, operands ...Value) Value {
	for _, n := range operands {
		if hasPoint(n) {
			return Float(result)
		}
	}
	return matchWhole(result, true)
}

func matchWhole(result float64, whole bool) Value {
	switch {
	case !whole || math.RoundToEven(result) != result:
		return Float(result)
	case result > math.MaxInt32 || result < math.MinInt32:
		return Int64(java.DoubleToLong(result))
	}
	return Int32(int32(result))
}

// hasPoint reports whether a number is written with a decimal point.
func hasPoint(n Value) bool {
	switch n.kind {
	case KindFloat64, KindFloat32:
		return !math.IsNaN(n.float()) && !math.IsInf(n.float(), 0)
	case KindDecimal:
		return strings.Contains(n.decimal().String(), ".")
	}
	return false
}

func wholeDiv(x, y Value, f func(a, b int32) int32) Value {
	a, b := intOf(x), intOf(y)
	if b == 0 {
		return Null
	}
	return Int32(f(a, b))
}

// roundTo rounds to decimals as the tool does: below one decimal to one, and with a
// factor that wraps round past nine.
func roundTo(places int32, f float64) float64 {
	factor := int32(10)
	for i := int32(1); i < places && factor != 0; i++ {
		factor *= 10
	}
	return float64(java.Round(f*float64(factor))) / float64(factor)
}

func bitwise(start int64, f func(a, b int64) int64) []Method {
	return []Method{{Arity: Variadic, Func: func(c *Call, _ Object, args []Value) (Value, error) {
		numbers, err := c.mathNumbers(c.spread(args))
		if err != nil || numbers == nil && len(args) > 0 {
			return Null, err
		}
		n := start
		for _, operand := range numbers {
			n = f(n, longOf(operand))
		}
		return matchWhole(float64(n), true), nil
	}}}
}

// mathRandom is a number from the first argument up to the second: whole if both are.
func mathRandom(c *Call, args []Value) (Value, error) {
	numbers, err := c.mathNumbers(args)
	if err != nil || numbers == nil {
		return Null, err
	}
	from, to := numbers[0].Float64(), numbers[1].Float64()
	random := (to-from)*c.Random() + from
	if hasPoint(numbers[0]) || hasPoint(numbers[1]) {
		return Float(random), nil
	}
	return matchType(math.Floor(random), numbers...), nil
}

// sum adds the numbers up. first is the first of them, which decides on the sort of
// the result; n is how many elements there were.
func (c *Call) sum(args []Value) (total float64, first Value, n int, ok bool, err error) {
	field := ""
	if len(args) == 2 && args[1].kind == KindString && args[0].kind == KindList {
		field = args[1].str()
		args = args[:1]
	}
	items := args
	if len(args) == 1 && args[0].kind == KindList {
		if items, _, err = c.listed(args[0]); err != nil {
			return 0, Null, 0, false, err
		}
	}
	for _, item := range items {
		if field != "" {
			if item, ok, err = c.beanProperty(item, field); err != nil || !ok {
				return 0, Null, 0, false, err
			}
		}
		number, isNumber, err := c.mathNumber(item)
		if err != nil || !isNumber && field == "" {
			return 0, Null, 0, false, err
		}
		if !isNumber {
			continue // of a field, what is no number counts as none
		}
		if first.IsNull() {
			first = number
		}
		total += number.Float64()
	}
	return total, first, len(items), true, nil
}

func mathTotal(c *Call, _ Object, args []Value) (Value, error) {
	total, first, _, ok, err := c.sum(args)
	if err != nil || !ok {
		return Null, err
	}
	return matchType(total, first), nil
}

func mathAverage(c *Call, _ Object, args []Value) (Value, error) {
	total, first, n, ok, err := c.sum(args)
	if err != nil || !ok {
		return Null, err
	}
	sum := matchType(total, first)
	return matchType(sum.Float64()/float64(n), sum), nil
}
