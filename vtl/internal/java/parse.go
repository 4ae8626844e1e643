package java

import (
	"math"
	"strconv"
	"strings"
)

// ParseInt is Integer.parseInt.
func ParseInt(s string, radix int) (int32, bool) {
	n, ok := parse(s, radix, 32)
	return int32(n), ok
}

// ParseLong is Long.parseLong.
func ParseLong(s string, radix int) (int64, bool) { return parse(s, radix, 64) }

func parse(s string, radix, bits int) (int64, bool) {
	if radix < 2 || radix > 36 || strings.Contains(s, "_") {
		return 0, false
	}
	n, err := strconv.ParseInt(s, radix, bits)
	return n, err == nil
}

// ParseDouble is Double.parseDouble: blanks around are dropped, a d or f at the
// end is taken, hexadecimal needs its exponent.
func ParseDouble(s string) (float64, bool) {
	s = Trim(s)
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || body == "" || strings.Contains(s, "_") {
		return 0, false
	}
	switch body {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	if c := body[0]; c != '.' && (c < '0' || c > '9') {
		return 0, false
	}
	hex := strings.HasPrefix(body, "0x") || strings.HasPrefix(body, "0X")
	if hex && !strings.ContainsAny(body, "pP") {
		return 0, false
	}
	s = strings.TrimRight(s, "dDfF")
	if len(body)-len(strings.TrimRight(body, "dDfF")) > 1 {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// DoubleToInt is the cast (int) f.
func DoubleToInt(f float64) int32 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return math.MinInt32
	}
	return int32(f)
}

// DoubleToLong is the cast (long) f.
func DoubleToLong(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// Round is Math.round: to the nearest, halves upwards.
func Round(f float64) int64 {
	floor := math.Floor(f)
	if f-floor >= 0.5 {
		floor++
	}
	return DoubleToLong(floor)
}

// DoubleHash is Double.hashCode.
func DoubleHash(f float64) int32 {
	if f != f {
		return LongHash(0x7ff8000000000000)
	}
	return LongHash(int64(math.Float64bits(f)))
}

// LongHash is Long.hashCode.
func LongHash(n int64) int32 { return int32(n ^ n>>32) }
