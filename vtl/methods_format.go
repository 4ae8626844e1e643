package vtl

import (
	"errors"

	"tidings/vtl/internal/java"
)

// stringFormat is the static String.format, called on any string.
func stringFormat(c *Call, _ Value, args []Value) (Value, error) {
	if len(args) == 0 || args[0].kind != KindString {
		return Null, nil
	}
	return c.format(args[0].str(), args[1:])
}

func (c *Call) format(pattern string, args []Value) (Value, error) {
	if len(args) == 1 && args[0].kind == KindList && args[0].list().flav == flavourArray {
		args = args[0].list().items // an array is the arguments
	}
	plain := make([]any, len(args))
	for i, arg := range args {
		var err error
		if plain[i], err = c.formatArg(arg); err != nil {
			return Null, err
		}
	}
	if err := c.r.stepN(len(pattern)/16 + 1); err != nil {
		return Null, err
	}
	printer := java.Printer{Locale: c.r.javaLocale(), Zone: c.r.zone, Max: c.r.room()}
	s, err := printer.Format(pattern, plain)
	var thrown *java.FormatError
	if errors.As(err, &thrown) {
		return Null, Throw(thrown.Exception, thrown.Message)
	}
	return c.grown(s, err)
}

// formatText is an argument that is printed by its text alone.
type formatText string

func (t formatText) String() string { return string(t) }

// formatArg turns a value into what the formatter takes.
func (c *Call) formatArg(v Value) (any, error) {
	switch v.kind {
	case KindNull:
		return nil, nil
	case KindString:
		return v.str(), nil
	case KindInt32:
		return int32(v.int()), nil
	case KindInt64:
		return v.int(), nil
	case KindBig:
		return v.big(), nil
	case KindFloat64:
		return v.float(), nil
	case KindFloat32:
		return float32(v.float()), nil
	case KindBool:
		return v.Bool(), nil
	case KindChar:
		return java.Char(v.num), nil
	}
	if v.kind == KindDecimal {
		return *v.decimal(), nil
	}
	s, err := c.r.text(v)
	return formatText(s), err
}
