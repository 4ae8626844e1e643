package java

import (
	"math"
	"math/bits"
	"strconv"
)

// digits is the decimal form of a finite double that is not zero, as
// Double.toString of Java 17 finds it: 0.d1d2d3… × 10^exp. It is not always the
// shortest form: Java gained that in version 19.
type digits struct {
	d   [24]byte // '0'..'9'
	n   int
	exp int
}

const (
	expShift      = 52
	hiddenBit     = uint64(1) << expShift
	fractionMask  = hiddenBit - 1
	maxSmallExp   = 62
	minSmallExp   = -21
	maxLongPower5 = 26 // 5^26 is the last that fits 63 bits
)

// AppendDouble appends f as Double.toString prints it: 5.0, 1.0E7, 1.0E-4.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
		f = -f
	}
	if f == 0 {
		return append(dst, "0.0"...)
	}
	// Whole numbers below 10^7, the most common, need no search for digits.
	if f < 1e7 && f == math.Trunc(f) {
		dst = strconv.AppendInt(dst, int64(f), 10)
		return append(dst, ".0"...)
	}
	var dg digits
	dg.setDouble(f, true)
	return dg.appendJava(dst)
}

// AppendFloat appends f as Float.toString prints it.
func AppendFloat(dst []byte, f float32) []byte {
	d := float64(f)
	if math.IsNaN(d) || math.IsInf(d, 0) || d == 0 {
		return AppendDouble(dst, d)
	}
	if math.Signbit(d) {
		dst = append(dst, '-')
		f = -f
	}
	var dg digits
	dg.setFloat(f)
	return dg.appendJava(dst)
}

// appendJava lays the digits out in the form of Double.toString.
func (dg *digits) appendJava(dst []byte) []byte {
	switch e := dg.exp; {
	case e > 0 && e < 8:
		whole := min(dg.n, e)
		dst = append(dst, dg.d[:whole]...)
		for i := whole; i < e; i++ {
			dst = append(dst, '0')
		}
		dst = append(dst, '.')
		if dg.n <= whole {
			return append(dst, '0')
		}
		return append(dst, dg.d[whole:dg.n]...)
	case e <= 0 && e > -3:
		dst = append(dst, "0."...)
		for i := e; i < 0; i++ {
			dst = append(dst, '0')
		}
		return append(dst, dg.d[:dg.n]...)
	}
	dst = append(dst, dg.d[0], '.')
	if dg.n > 1 {
		dst = append(dst, dg.d[1:dg.n]...)
	} else {
		dst = append(dst, '0')
	}
	dst = append(dst, 'E')
	return strconv.AppendInt(dst, int64(dg.exp-1), 10)
}

// setDouble finds the digits of f, which is finite and positive. With
// compatible false the second digit is always looked for, as String.format and
// DecimalFormat ask.
func (dg *digits) setDouble(f float64, compatible bool) {
	b := math.Float64bits(f)
	fraction := b & fractionMask
	exp := int(b >> expShift & 0x7ff)
	significant := expShift + 1
	if exp == 0 {
		zeros := bits.LeadingZeros64(fraction)
		shift := zeros - (63 - expShift)
		fraction <<= shift
		exp = 1 - shift
		significant = 64 - zeros
	} else {
		fraction |= hiddenBit
	}
	dg.find(exp-1023, fraction, significant, compatible)
}

func (dg *digits) setFloat(f float32) {
	b := math.Float32bits(f)
	fraction := b & (1<<23 - 1)
	exp := int(b >> 23 & 0xff)
	significant := 24
	if exp == 0 {
		zeros := bits.LeadingZeros32(fraction)
		shift := zeros - 8
		fraction <<= shift
		exp = 1 - shift
		significant = 32 - zeros
	} else {
		fraction |= 1 << 23
	}
	dg.find(exp-127, uint64(fraction)<<(expShift-23), significant, true)
}

// find produces digits until what is left is within half a unit in the last
// place of the double. The value is B/S × 10^decExp; M is that half unit.
func (dg *digits) find(exp int, fraction uint64, significant int, compatible bool) {
	tail := bits.TrailingZeros64(fraction)
	nBits := expShift + 1 - tail
	tiny := max(0, nBits-exp-1)
	if tiny == 0 && exp <= maxSmallExp && exp >= minSmallExp && nBits < 64 {
		dg.setWhole(exp, fraction, significant)
		return
	}
	decExp := estimateExp(fraction, exp)
	b5 := max(0, -decExp)
	b2 := b5 + tiny + exp
	s5 := max(0, decExp)
	s2 := s5 + tiny
	m2 := b2 - significant
	fraction >>= tail
	b2 -= nBits - 1
	common := min(b2, s2)
	b2 -= common
	s2 -= common
	m2 -= common
	if nBits == 1 {
		m2-- // below a power of two the next double is half as far
	}
	if m2 < 0 {
		b2 -= m2
		s2 -= m2
		m2 = 0
	}
	bBits, tenSBits := nBits+b2+bitsOfPower5(b5), s2+1+bitsOfPower5(s5+1)
	if bBits < 32 && tenSBits < 32 {
		b, s, m := int32(fraction*power5[b5])<<b2, int32(power5[s5])<<s2, int32(power5[b5])<<m2
		iterate(dg, decExp, [3]int32{b, s, m}, compatible)
		return
	}
	if bBits < 64 && tenSBits < 64 {
		b, s, m := int64(fraction*power5[b5])<<b2, int64(power5[s5])<<s2, int64(power5[b5])<<m2
		iterate(dg, decExp, [3]int64{b, s, m}, compatible)
		return
	}
	dg.iterateBig(decExp, scaled{fraction, b5, b2}, scaled{1, s5, s2}, scaled{1, b5, m2}, compatible)
}

// setWhole takes the digits of a whole number that fits a long, less those
// that the double's precision does not vouch for.
func (dg *digits) setWhole(exp int, fraction uint64, significant int) {
	if exp >= expShift {
		fraction <<= exp - expShift
	} else {
		fraction >>= expShift - exp
	}
	drop := 0
	if exp > significant {
		drop = insignificantDigits(exp - significant - 1)
	}
	if drop > 0 {
		p := power10(drop)
		rest := fraction % p
		fraction /= p
		if rest >= p>>1 {
			fraction++
		}
	}
	var buf [24]byte
	i := len(buf)
	for v := fraction; v != 0; v /= 10 {
		i--
		buf[i] = byte('0' + v%10)
	}
	dg.n = copy(dg.d[:], buf[i:])
	dg.exp = dg.n + drop
	for dg.n > 1 && dg.d[dg.n-1] == '0' {
		dg.n--
	}
}

// iterate searches in one machine word. b+m may wrap round, and the digits of
// Java depend on it, so the widths are Java's.
func iterate[T int32 | int64](dg *digits, decExp int, bsm [3]T, compatible bool) {
	b, s, m := bsm[0], bsm[1], bsm[2]
	tens := s * 10
	q := b / s
	b = 10 * (b % s)
	m *= 10
	low, high := b < m, b+m > tens
	if q == 0 && !high {
		decExp--
	} else {
		dg.push(uint64(q))
	}
	if !compatible || decExp < -3 || decExp >= 8 {
		low, high = false, false
	}
	for !low && !high {
		q = b / s
		b = 10 * (b % s)
		m *= 10
		if m > 0 {
			low, high = b < m, b+m > tens
		} else {
			low, high = true, true // m overflowed: it is past both bounds
		}
		dg.push(uint64(q))
	}
	dg.finish(decExp, low, high, int64(b<<1-tens))
}

func (dg *digits) push(q uint64) {
	dg.d[dg.n] = byte('0' + q)
	dg.n++
}

// finish rounds the last digit by why the search stopped.
func (dg *digits) finish(decExp int, low, high bool, difference int64) {
	dg.exp = decExp + 1
	if !high {
		return
	}
	if low && (difference < 0 || difference == 0 && dg.d[dg.n-1]&1 == 0) {
		return
	}
	i := dg.n - 1
	for dg.d[i] == '9' && i > 0 {
		dg.d[i] = '0'
		i--
	}
	if dg.d[i] == '9' {
		dg.d[0] = '1'
		dg.exp++
		return
	}
	dg.d[i]++
}

// estimateExp is floor(log10(value)) or one more, by a line through the
// mantissa. The constants are those of the published method (Gay).
func estimateExp(fraction uint64, exp int) int {
	m := math.Float64frombits(uint64(1023)<<expShift | fraction&fractionMask)
	// The conversions keep the compiler from fusing the products and sums.
	d := float64((m-1.5)*0.289529654) + 0.176091259
	return int(math.Floor(d + float64(float64(exp)*0.301029995663981)))
}

// insignificantDigits is how many decimal digits lie below 2^p.
func insignificantDigits(p int) int {
	if p <= 1 || p > 63 {
		return 0
	}
	return int(float64(p) * math.Log10(2))
}

func bitsOfPower5(n int) int {
	if n <= maxLongPower5 {
		if n == 0 {
			return 0
		}
		return bits.Len64(power5[n])
	}
	return n * 3
}

// power5 holds 5^n for every n whose power fits a long.
var power5 = [maxLongPower5 + 2]uint64{
	1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625,
	1220703125, 6103515625, 30517578125, 152587890625, 762939453125, 3814697265625,
	19073486328125, 95367431640625, 476837158203125, 2384185791015625, 11920928955078125,
	59604644775390625, 298023223876953125, 1490116119384765625, 7450580596923828125,
}

func power10(n int) uint64 { return power5[n] << n }
