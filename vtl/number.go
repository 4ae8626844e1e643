package vtl

import (
	"math"
	"math/big"

	"tidings/vtl/internal/java"
)

// intOf is intValue() in Java: the low 32 bits of whole numbers, saturation for
// fractions.
func intOf(v Value) int32 {
	switch v.kind {
	case KindInt32, KindInt64:
		return int32(v.int())
	case KindBig, KindDecimal:
		return int32(longOf(v))
	}
	return java.DoubleToInt(v.Float64())
}

// longOf is longValue() in Java.
func longOf(v Value) int64 {
	switch v.kind {
	case KindInt32, KindInt64:
		return v.int()
	case KindBig:
		return lowBits(v.big())
	case KindDecimal:
		return lowBits(v.decimal().Whole())
	}
	return java.DoubleToLong(v.Float64())
}

func lowBits(n *big.Int) int64 {
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}

// number takes a value as a number: numbers as they are, other values by their text
// read as a Double. Lists and maps are never numbers.
func (r *render) number(v Value) (Value, bool, error) {
	if v.IsNumber() {
		return v, true, nil
	}
	switch v.kind {
	case KindNull, KindBool, KindList, KindMap, KindEntry, kindLoop:
		return Null, false, nil
	}
	start := len(r.out)
	var s string
	if v.kind == KindString {
		s = v.str()
	} else {
		text, err := r.text(v)
		if err != nil {
			return Null, false, err
		}
		s = text
	}
	r.out = r.out[:start]
	const longest = 1 << 10 // no number that anyone means is longer
	if s == "" || len(s) > longest {
		return Null, false, nil
	}
	f, ok := java.ParseDouble(s)
	return Float(f), ok, nil
}

// math applies an arithmetic operator. What is no number, and a division by zero,
// gives null.
func (r *render) math(e *mathExpr, left, right Value) (Value, error) {
	if e.op == tokPlus && left.kind == KindList && right.IsNumber() {
		return Null, &Error{Kind: KindRuntime, Message: "a number can't be added to the list " + e.l.literal()}
	}
	a, ok, err := r.number(left)
	if err != nil || !ok {
		return Null, err
	}
	b, ok, err := r.number(right)
	if err != nil || !ok {
		return Null, err
	}
	if (e.op == tokDivide || e.op == tokModulus) && isZero(b) {
		return Null, nil
	}
	switch {
	case a.kind == KindDecimal || b.kind == KindDecimal,
		a.kind == KindBig && !b.IsInteger(), b.kind == KindBig && !a.IsInteger():
		return r.decimalMath(e.op, a, b)
	case a.kind == KindBig || b.kind == KindBig:
		return r.bigMath(e.op, a.BigInt(), b.BigInt())
	case a.IsInteger() && b.IsInteger():
		return r.longMath(e.op, a, b)
	case a.kind == KindFloat64 || b.kind == KindFloat64:
		return Float(floatMath(e.op, a.Float64(), b.Float64())), nil
	}
	return Float32(float32(floatMath(e.op, float64(float32(a.Float64())), float64(float32(b.Float64()))))), nil
}

func isZero(v Value) bool {
	switch v.kind {
	case KindInt32, KindInt64:
		return v.num == 0
	case KindBig:
		return v.big().Sign() == 0
	case KindDecimal:
		return v.decimal().Unscaled.Sign() == 0
	}
	return v.float() == 0
}

func floatMath(op tokenKind, a, b float64) float64 {
	switch op {
	case tokPlus:
		return a + b
	case tokMinus:
		return a - b
	case tokMultiply:
		return a * b
	case tokDivide:
		return a / b
	}
	return math.Mod(a, b)
}

// longMath works on Integers and Longs. The result has the wider of the two types, or
// the next one in which it fits.
func (r *render) longMath(op tokenKind, x, y Value) (Value, error) {
	a, b := x.int(), y.int()
	n, ok := int64(0), true
	switch op {
	case tokPlus:
		n = a + b
		ok = (n^a)&(n^b) >= 0
	case tokMinus:
		n = a - b
		ok = (a^b)&(n^a) >= 0
	case tokMultiply:
		n = a * b
		ok = a == 0 || (n/a == b && !(a == -1 && b == math.MinInt64))
	case tokDivide:
		n = a / b
	default:
		n = a % b
	}
	if !ok {
		return r.bigMath(op, big.NewInt(a), big.NewInt(b))
	}
	if x.kind == KindInt32 && y.kind == KindInt32 {
		return Int(n), nil
	}
	return Int64(n), nil
}

// bigMath works on BigIntegers.
func (r *render) bigMath(op tokenKind, a, b *big.Int) (Value, error) {
	if err := r.charge((a.BitLen()+b.BitLen())/8 + slotBytes); err != nil {
		return Null, err
	}
	n := new(big.Int)
	switch op {
	case tokPlus:
		n.Add(a, b)
	case tokMinus:
		n.Sub(a, b)
	case tokMultiply:
		n.Mul(a, b)
	case tokDivide:
		n.Quo(a, b)
	default:
		if b.Sign() < 0 {
			return Null, &Error{Kind: KindRuntime, Message: "a BigInteger modulo a negative number"}
		}
		n.Mod(a, b)
	}
	if n.BitLen() > r.limits.IntegerBits+1 {
		return Null, r.integerError()
	}
	return BigInt(n), nil
}

func (r *render) integerError() error {
	return limitError(KindLimitInteger, "a whole number is beyond 2 to the power of "+itoa(r.limits.IntegerBits))
}

// decimalMath works on BigDecimals; other numbers become one through their text.
func (r *render) decimalMath(op tokenKind, x, y Value) (Value, error) {
	a, ok := toDecimal(x)
	b, ok2 := toDecimal(y)
	if !ok || !ok2 || op == tokModulus {
		return Null, nil
	}
	bits := a.Unscaled.BitLen() + b.Unscaled.BitLen() + 4*int(abs32(a.Scale-b.Scale))
	if bits > 2*r.limits.IntegerBits {
		return Null, r.integerError()
	}
	if err := r.charge(bits/8 + slotBytes); err != nil {
		return Null, err
	}
	scale := max(a.Scale, b.Scale)
	switch op {
	case tokPlus:
		return DecimalValue(Decimal{Unscaled: new(big.Int).Add(a.Rescale(scale), b.Rescale(scale)), Scale: scale}), nil
	case tokMinus:
		return DecimalValue(Decimal{Unscaled: new(big.Int).Sub(a.Rescale(scale), b.Rescale(scale)), Scale: scale}), nil
	case tokMultiply:
		return DecimalValue(Decimal{Unscaled: new(big.Int).Mul(a.Unscaled, b.Unscaled), Scale: a.Scale + b.Scale}), nil
	}
	// The quotient has the scale of the dividend, rounded half down.
	num, den := a.Rescale(scale), b.Rescale(scale)
	num = Decimal{Unscaled: num, Scale: 0}.Rescale(max(a.Scale, 0))
	den = Decimal{Unscaled: den, Scale: 0}.Rescale(max(-a.Scale, 0))
	return DecimalValue(Decimal{Unscaled: quoHalfDown(num, den), Scale: a.Scale}), nil
}

// quoHalfDown divides and rounds to the nearest, halves towards zero.
func quoHalfDown(num, den *big.Int) *big.Int {
	quo, rem := new(big.Int).QuoRem(num, den, new(big.Int))
	if rem.Lsh(rem.Abs(rem), 1).CmpAbs(den) > 0 {
		quo.Add(quo, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return quo
}

func abs32(n int32) int32 {
	if n < 0 {
		return -n
	}
	return n
}

func toDecimal(v Value) (Decimal, bool) {
	switch v.kind {
	case KindDecimal:
		return *v.decimal(), true
	case KindBig:
		return Decimal{Unscaled: v.big()}, true
	}
	return java.ParseDecimal(plainText(Float(v.Float64())))
}

// negate is the unary minus.
func (r *render) negate(v Value) (Value, error) {
	switch v.kind {
	case KindInt32:
		return Int(-v.int()), nil
	case KindInt64:
		if v.int() != math.MinInt64 {
			return Int64(-v.int()), nil
		}
		return r.bigMath(tokMinus, new(big.Int), big.NewInt(v.int()))
	case KindBig:
		return r.bigMath(tokMinus, new(big.Int), v.big())
	case KindDecimal:
		d := v.decimal()
		return DecimalValue(Decimal{Unscaled: new(big.Int).Neg(d.Unscaled), Scale: d.Scale}), nil
	case KindFloat32:
		return Float32(float32(-v.float())), nil
	}
	return Float(-v.float()), nil
}

// compareNumbers orders two numbers by value.
func compareNumbers(a, b Value) int {
	switch {
	case a.kind == KindDecimal || b.kind == KindDecimal,
		a.kind == KindBig && !b.IsInteger(), b.kind == KindBig && !a.IsInteger():
		x, ok := toDecimal(a)
		y, ok2 := toDecimal(b)
		if ok && ok2 {
			return x.Cmp(y)
		}
	case a.kind == KindBig || b.kind == KindBig:
		return a.BigInt().Cmp(b.BigInt())
	case a.IsInteger() && b.IsInteger():
		return compareInts(a.int(), b.int())
	}
	x, y := a.Float64(), b.Float64()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
