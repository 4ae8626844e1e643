package call

import (
	"encoding/json"
	"errors"
	"strings"

	"tidings/scope"
)

// jsonPlace is a JSON body. In a string a value is text; elsewhere it is a JSON
// value of its own type: number, boolean, list, map, null, or a string with its quotes.
type jsonPlace struct {
	inString bool
	escaped  bool // a backslash in a string is open
}

func (p *jsonPlace) literal(b, text []byte) []byte {
	for _, c := range text {
		switch {
		case p.escaped:
			p.escaped = false
		case c == '"':
			p.inString = !p.inString
		case c == '\\':
			p.escaped = p.inString
		}
	}
	return append(b, text...)
}

func (p *jsonPlace) value(b []byte, in *insertion) ([]byte, error) {
	switch {
	case p.escaped:
		return b, errors.New("follows a backslash, which would swallow its first character")
	case !p.inString && (in.json != nil || in.err != nil):
		return append(b, in.json...), in.err
	case !p.inString:
		return scope.AppendJSON(b, nil, in.value)
	case in.escapedBy("json", "javascript", "java") && json.Valid([]byte(`"`+in.text+`"`)):
		return append(b, in.text...), nil
	}
	return scope.AppendStringContent(b, strings.ToValidUTF8(in.text, "?")), nil
}
