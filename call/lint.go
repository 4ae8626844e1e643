package call

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http/httpguts"

	"tidings"
)

// lintURL checks a rendered URL: its path and query, since the host is the template's and was checked with it.
func lintURL(rendered []byte) *Problem {
	text := string(rendered)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '%' && !isEscape(text[i:]):
			return renderedAt(PartURL, text, i, "a % without two hex digits after it: write %25 for the sign itself")
		case c == '#':
			return renderedAt(PartURL, text, i, "a fragment (#…) is never sent: leave it out, or write %23 for the sign itself")
		case c < ' ' || c == 0x7f:
			return renderedAt(PartURL, text, i, "a control character")
		}
	}
	if at := dotSegment(text); at >= 0 {
		return renderedAt(PartURL, text, at, "a segment of dots (. or ..) leads to another path: leave it out")
	}
	return nil
}

func isEscape(s string) bool {
	return len(s) >= 3 && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// dots turns the other spellings of a dot into dots.
var dots = strings.NewReplacer("%2e", ".", "%2E", ".")

// dotSegment finds a path segment that servers take for a step to another
// path, in any spelling; -1 when there is none.
func dotSegment(text string) int {
	path, _, _ := strings.Cut(text, "?")
	start := strings.Index(path, "://")
	if start < 0 {
		return -1
	}
	start += len("://")
	for start < len(path) {
		segment, _, _ := strings.Cut(path[start:], "/")
		plain := segment
		if len(segment) <= len("%2e%2e") && strings.Contains(segment, "%2") {
			plain = dots.Replace(segment)
		}
		if plain == "." || plain == ".." {
			return start
		}
		start += len(segment) + 1
	}
	return -1
}

func lintHeader(part Part, text string) *Problem {
	if httpguts.ValidHeaderFieldValue(text) {
		return nil
	}
	at := strings.IndexFunc(text, func(r rune) bool { return isControl(r) && r != '\t' })
	return renderedAt(part, text, at, "a line break or control character, which a header can't carry")
}

func lintBody(f tidings.BodyFormat, body []byte) *Problem {
	switch f {
	case tidings.BodyJSON:
		return lintJSON(body)
	case tidings.BodyXML:
		return lintXML(body)
	}
	return nil
}

// lintJSON checks that a body is one JSON value.
func lintJSON(body []byte) *Problem {
	if json.Valid(body) {
		return nil
	}
	var value json.RawMessage
	err := json.Unmarshal(body, &value)
	at := len(body)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if ok && !strings.Contains(syntax.Error(), "unexpected end") {
		at = int(syntax.Offset) - 1
	}
	return renderedAt(PartBody, string(body), at, jsonWords(body, at, err))
}

// jsonWords puts an error of encoding/json into words that say what to do.
func jsonWords(body []byte, at int, err error) string {
	if at >= len(body) {
		if len(bytes.TrimSpace(body)) == 0 {
			return "the body is empty, which is not JSON"
		}
		return "the JSON ends before it is complete: a bracket, brace or quote is not closed"
	}
	text := err.Error()
	for _, rule := range []struct{ part, words string }{
		{"looking for beginning of value", "a value is expected: texts need \"quotes\""},
		{"looking for beginning of object key", "a key in \"quotes\" is expected; there is no comma after the last one"},
		{"after object key:value pair", "a comma or } is expected"},
		{"after object key", "a colon is expected"},
		{"after array element", "a comma or ] is expected"},
		{"after top-level value", "the JSON is complete before this: nothing can follow it"},
		{"in string literal", `a line break or control character in a text: write \n for a line break`},
		{"in string escape code", `after \ in a text stands one of " \ / b f n r t u`},
		{`in \u hexadecimal`, `after \u stand four hex digits`},
		{"in numeric literal", "a number is not complete: texts need \"quotes\""},
		{"in literal", "only true, false and null are words of JSON: texts need \"quotes\""},
	} {
		if strings.Contains(text, rule.part) {
			r := []rune(string(body[at:min(len(body), at+4)]))[0]
			return fmt.Sprintf("%q can't stand here: %s", r, rule.words)
		}
	}
	return text
}

// lintXML checks that a body is one well-formed XML document.
func lintXML(body []byte) *Problem {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("declares the encoding %s: the body is sent as UTF-8, write that or leave the encoding out", label)
	}
	depth, roots := 0, 0
	for {
		before := int(d.InputOffset())
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return renderedAt(PartBody, string(body), int(d.InputOffset()), xmlWords(err))
		}
		reason := ""
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if roots > 1 {
				reason = "a second element at the top: a document has one, around all others"
			} else {
				reason = twice(t.Attr)
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				reason = "text outside of the element at the top"
			}
		}
		if reason != "" {
			return renderedAt(PartBody, string(body), before, reason)
		}
	}
	if roots == 0 {
		return renderedAt(PartBody, string(body), len(body), "the body has no element, which is not XML")
	}
	return nil
}

func twice(attributes []xml.Attr) string {
	seen := map[xml.Name]bool{}
	for _, a := range attributes {
		if seen[a.Name] {
			return "the attribute " + a.Name.Local + " is there twice"
		}
		seen[a.Name] = true
	}
	return ""
}

func xmlWords(err error) string {
	text := err.Error()
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		text = syntax.Msg
	}
	switch {
	case strings.Contains(text, "unexpected EOF"):
		return "the XML ends before it is complete: an element or a quote is not closed"
	case strings.Contains(text, "invalid character entity"):
		return text + ": XML has only &lt; &gt; &amp; &quot; &apos; and &#…; write &amp; for the sign &"
	}
	return strings.TrimPrefix(text, "xml: ")
}
