package java

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimalDigits is 0.d1d2d3… × 10^exp; no digit means zero.
type decimalDigits struct {
	d   []byte
	exp int
}

func (dd *decimalDigits) trim() {
	lead := 0
	for lead < len(dd.d) && dd.d[lead] == '0' {
		lead++
	}
	dd.d = dd.d[lead:]
	dd.exp -= lead
	for len(dd.d) > 0 && dd.d[len(dd.d)-1] == '0' {
		dd.d = dd.d[:len(dd.d)-1]
	}
	if len(dd.d) == 0 {
		dd.exp = 0
	}
}

// AppendDouble appends f as DecimalFormat.format does: to the nearest, a tie to
// the even digit, judged by the exact binary value.
func (nf *NumberFormat) AppendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return append(dst, nf.locale.symbols.nan...)
	}
	f *= float64(nf.multiplier)
	negative := math.Signbit(f)
	f = math.Abs(f)
	if math.IsInf(f, 0) {
		dst = append(dst, nf.prefix(negative)...)
		dst = append(dst, nf.locale.symbols.infinity...)
		return append(dst, nf.suffix(negative)...)
	}
	var dg digits
	dd := decimalDigits{}
	if f != 0 {
		dg.setDouble(f, true)
		dd = decimalDigits{dg.d[:dg.n], dg.exp}
		dd.trim()
	}
	var buf [64]byte
	keep := nf.keep(dd.exp)
	if len(dd.d) > keep {
		dd = roundDouble(buf[:0], f, dd.exp, nf)
	}
	return nf.append(dst, dd, negative, false)
}

// keep is how many digits the format prints of a number below 10^exp.
func (nf *NumberFormat) keep(exp int) int {
	if nf.minExp > 0 {
		if nf.maxInt == unlimited {
			return unlimited
		}
		return nf.maxInt + nf.maxFrac
	}
	return exp + nf.maxFrac
}

func roundDouble(buf []byte, f float64, exp int, nf *NumberFormat) decimalDigits {
	if nf.minExp > 0 {
		significant := nf.maxInt + nf.maxFrac
		if significant == 0 {
			return decimalDigits{}
		}
		buf = strconv.AppendFloat(buf, f, 'e', significant-1, 64)
		e := strings.IndexByte(string(buf), 'e')
		n, err := strconv.Atoi(string(buf[e+1:]))
		if err != nil {
			return decimalDigits{}
		}
		d := append(buf[:0:0], buf[0])
		if e > 2 {
			d = append(d, buf[2:e]...)
		}
		dd := decimalDigits{d, n + 1}
		dd.trim()
		return dd
	}
	if exp+nf.maxFrac < 0 {
		return decimalDigits{}
	}
	buf = strconv.AppendFloat(buf, f, 'f', nf.maxFrac, 64)
	whole := len(buf)
	if nf.maxFrac > 0 {
		whole = len(buf) - nf.maxFrac - 1
		copy(buf[whole:], buf[whole+1:])
		buf = buf[:len(buf)-1]
	}
	dd := decimalDigits{buf, whole}
	dd.trim()
	return dd
}

// AppendLong appends n as DecimalFormat.format(long) does.
func (nf *NumberFormat) AppendLong(dst []byte, n int64) []byte {
	if nf.multiplier != 1 && (n > math.MaxInt64/1000 || n < math.MinInt64/1000) {
		return nf.AppendBig(dst, big.NewInt(n))
	}
	n *= int64(nf.multiplier)
	var buf [24]byte
	d := strconv.AppendInt(buf[:0], n, 10)
	if n < 0 {
		d = d[1:]
	}
	dd := decimalDigits{d, len(d)}
	dd.trim()
	if keep := nf.keep(dd.exp); nf.minExp > 0 && len(dd.d) > keep {
		dd.roundHalfEven(keep)
	}
	return nf.append(dst, dd, n < 0, true)
}

// AppendBig appends a BigInteger.
func (nf *NumberFormat) AppendBig(dst []byte, n *big.Int) []byte {
	if nf.multiplier != 1 {
		n = new(big.Int).Mul(n, big.NewInt(int64(nf.multiplier)))
	}
	d := new(big.Int).Abs(n).Append(nil, 10)
	dd := decimalDigits{d, len(d)}
	dd.trim()
	if keep := nf.keep(dd.exp); nf.minExp > 0 && len(dd.d) > keep {
		dd.roundHalfEven(keep)
	}
	return nf.append(dst, dd, n.Sign() < 0, true)
}

// AppendDecimal appends a BigDecimal.
func (nf *NumberFormat) AppendDecimal(dst []byte, n Decimal) []byte {
	unscaled := n.Unscaled
	if nf.multiplier != 1 {
		unscaled = new(big.Int).Mul(unscaled, big.NewInt(int64(nf.multiplier)))
	}
	d := new(big.Int).Abs(unscaled).Append(nil, 10)
	dd := decimalDigits{d, len(d) - int(n.Scale)}
	dd.trim()
	if keep := nf.keep(dd.exp); len(dd.d) > keep {
		dd.roundHalfEven(keep)
	}
	return nf.append(dst, dd, unscaled.Sign() < 0, false)
}

// roundHalfEven keeps n digits of an exact number.
func (dd *decimalDigits) roundHalfEven(n int) {
	if n < 0 {
		*dd = decimalDigits{}
		return
	}
	rest := dd.d[n:]
	up := rest[0] > '5' || rest[0] == '5' && (len(rest) > 1 || n > 0 && dd.d[n-1]&1 == 1)
	dd.d = dd.d[:n]
	if up {
		dd.increment()
	}
	dd.trim()
}

// roundHalfUp keeps n digits, as Formatter does.
func (dd *decimalDigits) roundHalfUp(n int) {
	if n >= len(dd.d) {
		return
	}
	if n < 0 {
		*dd = decimalDigits{}
		return
	}
	up := dd.d[n] >= '5'
	dd.d = dd.d[:n]
	if up {
		dd.increment()
	}
	dd.trim()
}

func (dd *decimalDigits) increment() {
	for i := len(dd.d) - 1; i >= 0; i-- {
		if dd.d[i] != '9' {
			dd.d[i]++
			return
		}
		dd.d[i] = '0'
	}
	dd.d = dd.d[:1] // digits were dropped, so there is room
	dd.d[0] = '1'
	dd.exp++
}

func (nf *NumberFormat) prefix(negative bool) string {
	if negative {
		return nf.negPrefix
	}
	return nf.posPrefix
}

func (nf *NumberFormat) suffix(negative bool) string {
	if negative {
		return nf.negSuffix
	}
	return nf.posSuffix
}

func (nf *NumberFormat) separators() (point, group string) {
	s := &nf.locale.symbols
	if nf.currency {
		return s.moneyDecimal, s.moneyGroup
	}
	return s.decimal, s.group
}

func (nf *NumberFormat) append(dst []byte, dd decimalDigits, negative, integer bool) []byte {
	dst = append(dst, nf.prefix(negative)...)
	if nf.minExp > 0 {
		dst = nf.appendExponential(dst, dd)
	} else {
		dst = nf.appendPlain(dst, dd, integer)
	}
	return append(dst, nf.suffix(negative)...)
}

func (nf *NumberFormat) appendPlain(dst []byte, dd decimalDigits, integer bool) []byte {
	point, group := nf.separators()
	count := max(nf.minInt, dd.exp)
	used := 0
	if count > nf.maxInt {
		count = nf.maxInt
		used = dd.exp - count
	}
	start := len(dst)
	for i := count - 1; i >= 0; i-- {
		if i < dd.exp && used < len(dd.d) {
			dst = append(dst, dd.d[used])
			used++
		} else {
			dst = append(dst, '0')
		}
		if i > 0 && nf.groupSize > 0 && i%nf.groupSize == 0 {
			dst = append(dst, group...)
		}
	}
	fraction := nf.minFrac > 0 || !integer && used < len(dd.d)
	if !fraction && len(dst) == start {
		dst = append(dst, '0')
	}
	if nf.pointAlways || fraction {
		dst = append(dst, point...)
	}
	for i := 0; i < nf.maxFrac; i++ {
		switch {
		case i >= nf.minFrac && (integer || used >= len(dd.d)):
			return dst
		case -1-i > dd.exp-1, integer, used >= len(dd.d):
			dst = append(dst, '0')
		default:
			dst = append(dst, dd.d[used])
			used++
		}
	}
	return dst
}

func (nf *NumberFormat) appendExponential(dst []byte, dd decimalDigits) []byte {
	point, _ := nf.separators()
	exponent := dd.exp
	minInt := nf.minInt
	if repeat := nf.maxInt; repeat > 1 && repeat > minInt {
		if exponent >= 1 {
			exponent = (exponent - 1) / repeat * repeat
		} else {
			exponent = (exponent - repeat) / repeat * repeat
		}
		minInt = 1
	} else {
		exponent -= minInt
	}
	whole := dd.exp - exponent
	if len(dd.d) == 0 {
		whole, exponent = minInt, 0
	}
	total := max(len(dd.d), nf.minInt+nf.minFrac, whole)
	for i := range total {
		if i == whole {
			dst = append(dst, point...)
		}
		if i < len(dd.d) {
			dst = append(dst, dd.d[i])
		} else {
			dst = append(dst, '0')
		}
	}
	if nf.pointAlways && total == whole {
		dst = append(dst, point...)
	}
	dst = append(dst, nf.locale.symbols.exponent...)
	if exponent < 0 {
		dst = append(dst, nf.locale.symbols.minus...)
		exponent = -exponent
	}
	return appendPadded(dst, exponent, nf.minExp)
}

// appendPadded appends n, which is not negative, with zeros to width digits.
func appendPadded(dst []byte, n, width int) []byte {
	length := 1
	for p := 10; n >= p && length < 19; p *= 10 {
		length++
	}
	for ; length < width; length++ {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
