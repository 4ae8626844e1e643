package java

import (
	"math"
	"math/big"
)

const powBits = 160 // enough that rounding to a double is right but for ties

// Pow is Math.pow: the nearest double, which Java's own method gives but for
// about one value in a thousand.
func Pow(x, y float64) float64 {
	switch {
	case y == 0:
		return 1
	case x != x || y != y || math.IsInf(y, 0) && math.Abs(x) == 1:
		return math.NaN()
	case x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0) || x < 0 && y != math.Trunc(y):
		return math.Pow(x, y)
	}
	if estimate := y * math.Log2(math.Abs(x)); estimate > 1025 || estimate < -1080 {
		return math.Pow(x, y) // an infinity or zero
	}
	r := new(big.Float).SetPrec(powBits).SetFloat64(y)
	r.Mul(r, bigLog(math.Abs(x)))
	f, _ := bigExp(r).Float64()
	if x < 0 && math.Mod(y, 2) != 0 {
		return -f
	}
	return f
}

// WholePow is Pow for whole numbers, as long as the power is a whole number below 2^53;
// false beyond.
func WholePow(x, y float64) (float64, bool) {
	const bits = 53
	if y < 0 || y > bits || y != math.Trunc(y) || x != math.Trunc(x) {
		return 0, false
	}
	power := 1.0
	for range int(y) {
		if power *= x; math.Abs(power) > 1<<bits {
			return 0, false
		}
	}
	return power, true
}

func bigFloat(f float64) *big.Float { return new(big.Float).SetPrec(powBits).SetFloat64(f) }

// bigLog is the natural logarithm of x > 0: that of its mantissa by a series,
// and the exponent times log 2.
func bigLog(x float64) *big.Float {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	mantissa := bigFloat(m)
	one := bigFloat(1)
	z := new(big.Float).Quo(new(big.Float).Sub(mantissa, one), new(big.Float).Add(mantissa, one))
	log := atanhTwice(z)
	return log.Add(log, new(big.Float).Mul(bigLog2(), bigFloat(float64(e))))
}

func bigLog2() *big.Float {
	return atanhTwice(new(big.Float).Quo(bigFloat(1), bigFloat(3)))
}

// atanhTwice is 2(z + z³/3 + z⁵/5 + …), the logarithm of (1+z)/(1-z).
func atanhTwice(z *big.Float) *big.Float {
	sum := bigFloat(0)
	power := new(big.Float).Set(z)
	square := new(big.Float).Mul(z, z)
	for n := 1.0; power.Sign() != 0 && power.MantExp(nil) > -powBits; n += 2 {
		sum.Add(sum, new(big.Float).Quo(power, bigFloat(n)))
		power.Mul(power, square)
	}
	return sum.Mul(sum, bigFloat(2))
}

// bigExp is e to the r, for |r| below 1000.
func bigExp(r *big.Float) *big.Float {
	const halvings = 8
	f, _ := r.Float64()
	k := math.Round(f / math.Ln2)
	rest := new(big.Float).Sub(r, new(big.Float).Mul(bigLog2(), bigFloat(k)))
	rest.SetMantExp(rest, -halvings)
	sum, term := bigFloat(1), bigFloat(1)
	for n := 1.0; term.Sign() != 0 && term.MantExp(nil) > -powBits; n++ {
		term.Mul(term, rest)
		term.Quo(term, bigFloat(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}
