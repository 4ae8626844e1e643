package call

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// place follows a rendered text and knows, at each mark, how a value has to be
// escaped there.
type place interface {
	// literal appends text of the author's.
	literal(b, text []byte) []byte
	// value appends a value. An error says what is wrong with it, as the end of
	// a sentence that begins with the reference.
	value(b []byte, in *insertion) ([]byte, error)
}

// textPlace takes values as they are.
type textPlace struct{}

func (textPlace) literal(b, text []byte) []byte { return append(b, text...) }

func (textPlace) value(b []byte, in *insertion) ([]byte, error) {
	return append(b, strings.ToValidUTF8(in.text, "?")...), nil
}

// formPlace is a body of a web form: name=value&name=value.
type formPlace struct{}

func (formPlace) literal(b, text []byte) []byte { return append(b, text...) }

func (formPlace) value(b []byte, in *insertion) ([]byte, error) {
	return appendComponent(b, in, true), nil
}

// headerPlace is a header's value. It can't carry line breaks, nor other
// control characters, in any form (RFC 9110, section 5.5).
type headerPlace struct{}

func (headerPlace) literal(b, text []byte) []byte { return append(b, text...) }

func (headerPlace) value(b []byte, in *insertion) ([]byte, error) {
	if strings.ContainsAny(in.text, "\r\n") {
		return b, errors.New("has a line break, which a header can't carry")
	}
	if strings.ContainsFunc(in.text, func(r rune) bool { return isControl(r) && r != '\t' }) {
		return b, errors.New("has control characters, which a header can't carry")
	}
	return append(b, strings.ToValidUTF8(in.text, "?")...), nil
}

// urlPlace is a URL. A value is one component: nothing in it can end the
// segment or parameter that it stands in.
type urlPlace struct {
	scheme bool // "://" is behind us
	where  urlPart
}

type urlPart uint8

const (
	urlHead urlPart = iota // scheme, host, port
	urlPath
	urlQuery
)

// literal keeps what is a URL's own, and encodes what people paste into URLs
// and browsers encode. Tabs and line breaks fall out, as in browsers, so that a long template can be laid out.
func (p *urlPlace) literal(b, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			continue
		case c == ' ' || c >= utf8.RuneSelf || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			if p.where != urlHead {
				b = appendPercent(b, c)
				continue
			}
		case p.where == urlHead && p.scheme && c == '/':
			p.where = urlPath
		case p.where != urlQuery && p.scheme && c == '?':
			p.where = urlQuery
		}
		b = append(b, c)
		p.scheme = p.scheme || strings.HasSuffix(string(b[max(0, len(b)-3):]), "://")
	}
	return b
}

func (p *urlPlace) value(b []byte, in *insertion) ([]byte, error) {
	if p.where == urlHead {
		return b, errors.New("stands before the path: scheme, host and port must be written out")
	}
	return appendComponent(b, in, p.where == urlQuery), nil
}

// encoded is a component as $esc.url gives it.
var encoded = regexp.MustCompile(`^(?:[A-Za-z0-9._~*+-]|%[0-9A-Fa-f]{2})*$`)

// appendComponent appends a value as one component of a URL or form.
func appendComponent(b []byte, in *insertion, form bool) []byte {
	if in.escapedBy("url") && encoded.MatchString(in.text) {
		if form {
			return append(b, in.text...)
		}
		return append(b, strings.ReplaceAll(in.text, "+", "%20")...)
	}
	for _, c := range []byte(strings.ToValidUTF8(in.text, "?")) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = appendPercent(b, c)
		}
	}
	return b
}

func appendPercent(b []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(b, '%', hex[c>>4], hex[c&15])
}

// escapedBy says whether the author has escaped the value by a method of the
// escape tool. What comes out of it is checked for its place and, if it fits, is not escaped twice.
func (in *insertion) escapedBy(methods ...string) bool {
	if in.name != "esc" && in.name != "escTool" && in.name != "escapeTool" {
		return false
	}
	return slices.ContainsFunc(methods, func(m string) bool { return strings.Contains(in.source, "."+m+"(") })
}
