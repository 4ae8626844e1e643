package java

import (
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number, Unscaled × 10^-Scale, like BigDecimal: it
// remembers its trailing zeros.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

// Float64 returns the nearest double.
func (d Decimal) Float64() float64 {
	f, err := strconv.ParseFloat(d.Unscaled.String()+"e"+strconv.FormatInt(-int64(d.Scale), 10), 64)
	if err != nil {
		return f // out of range: an infinity or zero, as in Java
	}
	return f
}

// maxDecimal is the longest text that is read as a Decimal: reading takes quadratic time.
const maxDecimal = 4096

// ParseDecimal reads a number as new BigDecimal(s) does: sign, digits, fraction,
// exponent. Length and exponent are bounded, so that no text makes a huge number.
func ParseDecimal(s string) (Decimal, bool) {
	const maxScale = 4096
	if len(s) > maxDecimal {
		return Decimal{}, false
	}
	mantissa, exponent := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil {
			return Decimal{}, false
		}
		mantissa, exponent = s[:i], n
	}
	digits, scale := mantissa, int64(0)
	if i := strings.IndexByte(mantissa, '.'); i >= 0 {
		digits = mantissa[:i] + mantissa[i+1:]
		scale = int64(len(mantissa) - i - 1)
	}
	if digits == "" || strings.ContainsRune(digits, '_') {
		return Decimal{}, false
	}
	n, ok := new(big.Int).SetString(digits, 10)
	scale -= exponent
	if !ok || scale > maxScale || scale < -maxScale {
		return Decimal{}, false
	}
	return Decimal{Unscaled: n, Scale: int32(scale)}, true
}

// String prints the number as BigDecimal.toString does: with its trailing zeros,
// and with an exponent where the scale is negative or the number very small.
func (d Decimal) String() string {
	digits := d.Unscaled.String()
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if d.Scale == 0 {
		return sign + digits
	}
	adjusted := int64(len(digits)) - 1 - int64(d.Scale)
	if d.Scale > 0 && adjusted >= -6 {
		if pad := int(d.Scale) - len(digits) + 1; pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		point := len(digits) - int(d.Scale)
		return sign + digits[:point] + "." + digits[point:]
	}
	b := sign + digits[:1]
	if len(digits) > 1 {
		b += "." + digits[1:]
	}
	if adjusted != 0 {
		b += "E"
		if adjusted > 0 {
			b += "+"
		}
		b += strconv.FormatInt(adjusted, 10)
	}
	return b
}

// Whole is the number without its fraction.
func (d Decimal) Whole() *big.Int {
	if d.Scale <= 0 {
		return d.Rescale(0)
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	return ten.Quo(d.Unscaled, ten)
}

// Rescale returns the unscaled number at a larger scale.
func (d Decimal) Rescale(scale int32) *big.Int {
	if scale <= d.Scale {
		return d.Unscaled
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d.Scale)), nil)
	return ten.Mul(ten, d.Unscaled)
}

// Cmp compares by value: 1.5 and 1.50 are the same.
func (d Decimal) Cmp(o Decimal) int {
	scale := max(d.Scale, o.Scale)
	return d.Rescale(scale).Cmp(o.Rescale(scale))
}

// Equal compares as equals does: 1.5 and 1.50 differ.
func (d Decimal) Equal(o Decimal) bool { return d.Scale == o.Scale && d.Unscaled.Cmp(o.Unscaled) == 0 }

// Plain prints without an exponent; the scale must not be negative.
func (d Decimal) Plain() string {
	digits := new(big.Int).Abs(d.Unscaled).String()
	if pad := int(d.Scale) - len(digits) + 1; pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	if point := len(digits) - int(d.Scale); d.Scale > 0 {
		digits = digits[:point] + "." + digits[point:]
	}
	if d.Unscaled.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// Strip drops trailing zeros, also before the point.
func (d Decimal) Strip() Decimal {
	if d.Unscaled.Sign() == 0 {
		return Decimal{Unscaled: new(big.Int)}
	}
	ten, rem := big.NewInt(10), new(big.Int)
	for {
		quo := new(big.Int)
		if quo.QuoRem(d.Unscaled, ten, rem); rem.Sign() != 0 {
			return d
		}
		d = Decimal{quo, d.Scale - 1}
	}
}
