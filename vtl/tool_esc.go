package vtl

import (
	"strconv"
	"strings"

	"tidings/vtl/internal/java"
)

// escTool is EscapeTool.
type escTool struct{}

func (escTool) Class() *Class              { return escClass }
func (escTool) Text(*Call) (string, error) { return "EscapeTool", nil }

var escClass = &Class{Name: "EscapeTool", Methods: Methods{
	"html":          escaped(java.AppendHTML),
	"xml":           escaped(java.AppendXML),
	"javascript":    escaped(java.AppendJavaScript),
	"json":          escaped(java.AppendJSON),
	"java":          escaped(java.AppendJava),
	"sql":           escaped(java.AppendSQL),
	"url":           escaped(java.AppendURL),
	"velocity":      escaped(appendVelocity),
	"propertyKey":   escaped(func(dst []byte, s string) []byte { return appendProperty(dst, s, true) }),
	"propertyValue": escaped(func(dst []byte, s string) []byte { return appendProperty(dst, s, false) }),
	"unurl":         {withArgs(1, escUnurl)},
	"unicode":       {withArgs(1, escUnicode)},
	"getKey":        constant("esc"),

	"getD": constant("$"), "getDollar": constant("$"),
	"getH": constant("#"), "getHash": constant("#"),
	"getB": constant(`\`), "getBackslash": constant(`\`),
	"getQ": constant(`"`), "getQuote": constant(`"`),
	"getS": constant("'"), "getSingleQuote": constant("'"),
	"getN": constant("\n"), "getNewline": constant("\n"),
	"getE": constant("!"), "getExclamation": constant("!"),
}}

// escaped makes a method that escapes the text of any value but null. An escape
// makes text at most a small, fixed number of times longer, so charging what was
// added afterwards is soon enough.
func escaped(escape func(dst []byte, s string) []byte) []Method {
	return []Method{withArgs(1, func(c *Call, args []Value) (Value, error) {
		if args[0].IsNull() {
			return Null, nil
		}
		text, err := c.Text(args[0])
		if err != nil {
			return Null, err
		}
		if err := c.Step(len(text)/64 + 1); err != nil {
			return Null, err
		}
		// The output buffer is free behind what was written: strings are built there.
		start := len(c.r.out)
		c.r.out = escape(c.r.out, text)
		if string(c.r.out[start:]) == text {
			c.r.out = c.r.out[:start]
			return String(text), nil
		}
		return c.cutText(start)
	})}
}

// appendVelocity writes $ and # so that the text can be template again.
func appendVelocity(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '$':
			dst = append(dst, "${esc.d}"...)
		case '#':
			dst = append(dst, "${esc.h}"...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// appendProperty writes the key or the value of a properties file.
func appendProperty(dst []byte, s string, key bool) []byte {
	for i, r := range s {
		switch {
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == ' ' && (key || i == 0), strings.ContainsRune(`\#!=:`, r):
			dst = append(dst, '\\', byte(r))
		case r >= ' ' && r <= '~':
			dst = append(dst, byte(r))
		default:
			dst = append(dst, strings.ToLower(string(java.AppendJava(nil, string(r))))...)
		}
	}
	return dst
}

func escUnurl(c *Call, args []Value) (Value, error) {
	if args[0].IsNull() {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	if err := c.Charge(3 * len(text)); err != nil {
		return Null, err
	}
	s, ok := java.UnescapeURL(text)
	if !ok {
		return Null, Throw("java.lang.IllegalArgumentException", "URLDecoder: Illegal hex characters in escape (%) pattern")
	}
	return String(s), nil
}

// escUnicode is the character of a hexadecimal number, \u before it or not.
func escUnicode(c *Call, args []Value) (Value, error) {
	if args[0].IsNull() {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(text, `\u`), 16, 32)
	if err != nil {
		return Null, Throw("java.lang.NumberFormatException", `For input string: "`+text+`"`)
	}
	if n < 0 || n > 0x10ffff {
		return Null, Throw("java.lang.IllegalArgumentException", "Not a valid Unicode code point: 0x"+strconv.FormatInt(n, 16))
	}
	if n <= 0xffff {
		return String(charText(uint16(n))), nil
	}
	return String(string(rune(n))), nil
}
