package vtl

import (
	"strings"

	"tidings/vtl/internal/java"
)

// numberTool is NumberTool: formats of numbers by the locale of the render.
type numberTool struct{}

func (numberTool) Class() *Class              { return numberClass }
func (numberTool) Text(*Call) (string, error) { return "NumberTool", nil }

var numberClass = &Class{Name: "NumberTool", Methods: Methods{
	"format": {
		withArgs(1, func(c *Call, args []Value) (Value, error) { return c.styled("default", args[0]) }),
		withArgs(2, numberFormat), withArgs(3, numberFormat),
	},
	"currency":  styledNumber("currency"),
	"integer":   styledNumber("integer"),
	"number":    styledNumber("number"),
	"percent":   styledNumber("percent"),
	"toNumber":  {withArgs(1, numberOf), withArgs(2, numberInFormat), withArgs(3, numberInFormat)},
	"toBoolean": {withArgs(1, numberToBoolean)},
	"getFormat": constant("default"),
	"getLocale": {withArgs(0, localeOfRender)},
	"toLocale":  {withArgs(1, toLocale)},
}}

func styledNumber(style string) []Method {
	return []Method{withArgs(1, func(c *Call, args []Value) (Value, error) { return c.styled(style, args[0]) })}
}

func numberFormat(c *Call, args []Value) (Value, error) {
	locale, ok := c.localeArg(args, 2)
	if !ok || args[0].kind != KindString {
		return Null, nil
	}
	return c.formatted(args[0].str(), args[1], locale)
}

func (c *Call) styled(style string, v Value) (Value, error) {
	return c.formatted(style, v, c.r.javaLocale())
}

// numberFormatOf is a style (default, number, currency, percent, integer) or a
// pattern.
func numberFormatOf(format string, locale *java.Locale) (java.NumberFormat, error) {
	switch {
	case strings.EqualFold(format, "default"), strings.EqualFold(format, "number"):
		return locale.Number(), nil
	case strings.EqualFold(format, "currency"):
		return locale.Currency(), nil
	case strings.EqualFold(format, "percent"):
		return locale.Percent(), nil
	case strings.EqualFold(format, "integer"):
		return locale.Integer(), nil
	}
	return java.ParseNumberFormat(format, locale)
}

func (c *Call) formatted(format string, v Value, locale *java.Locale) (Value, error) {
	nf, err := numberFormatOf(format, locale)
	if err != nil {
		return Null, thrownBy(err)
	}
	n, ok, err := c.localNumber(v)
	if err != nil || !ok {
		return Null, err
	}
	var room [64]byte
	return c.made(formatNumber(room[:0], &nf, n))
}

// localNumber takes a value as a number: a text that is one with a decimal point
// means that number, any other text is read by the locale.
func (c *Call) localNumber(v Value) (Value, bool, error) {
	if v.IsNumber() {
		return v, true, nil
	}
	return c.plainNumber(v, func() java.NumberFormat {
		if v.kind == KindString && plainDecimal(v.str()) {
			return englishNumbers()
		}
		return c.r.javaLocale().Number()
	})
}

// plainDecimal reports whether s is digits, with a sign and a decimal point at most.
func plainDecimal(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '-' && i == 0:
		case c == '.' && digits > 0 && !strings.Contains(s[:i], "."):
		default:
			return false
		}
	}
	return digits > 0
}

func numberOf(c *Call, args []Value) (Value, error) {
	n, _, err := c.localNumber(args[0])
	return n, err
}

func numberInFormat(c *Call, args []Value) (Value, error) {
	locale, ok := c.localeArg(args, 2)
	if !ok || args[0].kind != KindString {
		return Null, nil
	}
	nf, err := numberFormatOf(args[0].str(), locale)
	if err != nil {
		return Null, nil
	}
	n, _, err := c.plainNumber(args[1], func() java.NumberFormat { return nf })
	return n, err
}

func numberToBoolean(c *Call, args []Value) (Value, error) {
	v := args[0]
	if l, ok := c.List(v); ok {
		if l.Len() == 0 {
			return Null, nil
		}
		v = l.At(0)
	}
	if v.IsNull() || v.kind == KindBool {
		return v, nil
	}
	text, err := c.Text(v)
	return Bool(strings.EqualFold(text, "true")), err
}
