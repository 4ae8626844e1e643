package tidings

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// AppendJSONText appends a text as a JSON string. What HTML takes for its own
// (<, >, &) stays as it is, so that what is stored and shown reads as it came;
// bytes that are not UTF-8 become the replacement character.
func AppendJSONText(b []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		b = append(b, '"')
		b = append(b, text...)
		return append(b, '"')
	}
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte{'\n'})...)
}

// CutText gives the beginning of a text, at most so many bytes, without half a character.
func CutText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
