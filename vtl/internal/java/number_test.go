package java

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestNumbersPrintAndParseAsInJava(t *testing.T) {
	for _, c := range readCases(t, "number.jsonl") {
		op, pattern := c[0].(string), c[1].(string)
		if op == "bad" {
			_, err := ParseNumberFormat(pattern, &localeENUS)
			var bad *PatternError
			if !errors.As(err, &bad) {
				t.Errorf("ParseNumberFormat(%q) = %v, Java throws", pattern, err)
			}
			continue
		}
		locale := LookupLocale(c[2].(string))
		var nf NumberFormat
		var err error
		if strings.HasPrefix(op, "style") {
			style, _ := strconv.Atoi(pattern)
			nf = [...]NumberFormat{locale.Number(), locale.Currency(), locale.Percent(), locale.Integer()}[style]
		} else if nf, err = ParseNumberFormat(pattern, locale); err != nil {
			t.Errorf("ParseNumberFormat(%q): %v", pattern, err)
			continue
		}
		if got := runNumberCase(t, &nf, op, c[3].(string)); got != c[4] {
			t.Errorf("%v: got %q, Java has %q", c[:4], got, c[4])
		}
	}
}

func runNumberCase(t *testing.T, nf *NumberFormat, op, arg string) any {
	switch op {
	case "double", "style":
		b, err := strconv.ParseUint(arg, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return string(nf.AppendDouble(nil, math.Float64frombits(b)))
	case "long":
		n, _ := ParseLong(arg, 10)
		return string(nf.AppendLong(nil, n))
	case "big":
		n, _ := new(big.Int).SetString(arg, 10)
		return string(nf.AppendBig(nil, n))
	case "decimal":
		return string(nf.AppendDecimal(nil, decimalOf(arg)))
	}
	n, ok := nf.Parse(arg)
	switch {
	case !ok:
		return nil
	case n.IsDouble:
		return "D" + string(AppendDouble(nil, n.Double))
	}
	return "L" + strconv.FormatInt(n.Long, 10)
}

// decimalOf reads a decimal without regard to bad input.
func decimalOf(s string) Decimal {
	mantissa, exp, _ := strings.Cut(s, "E")
	e, _ := strconv.Atoi(strings.TrimPrefix(exp, "+"))
	whole, fraction, _ := strings.Cut(mantissa, ".")
	n, _ := new(big.Int).SetString(whole+fraction, 10)
	return Decimal{Unscaled: n, Scale: int32(len(fraction) - e)}
}
