package call

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// spelled is a secret that is looked for in every spelling that a reply may
// give to it: plain, escaped for JSON, XML, HTML or a URL, or for several of them in a row.
type spelled struct {
	text    string
	probe   string         // the longest part that all spellings have
	pattern *regexp.Regexp // made when the probe was found
}

func (s *spelled) hide(in string) string {
	if !strings.Contains(in, s.probe) {
		return in
	}
	if s.pattern == nil {
		pattern, err := regexp.Compile(spellings(s.text))
		if err != nil { // too large
			return strings.ReplaceAll(in, s.text, masked)
		}
		s.pattern = pattern
	}
	return s.pattern.ReplaceAllLiteralString(in, masked)
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// longestWord gives the longest run of letters and digits of ASCII, which no escape changes.
func longestWord(text string) string {
	longest, start := "", 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && isWordByte(text[i]) {
			continue
		}
		if i-start > len(longest) {
			longest = text[start:i]
		}
		start = i + 1
	}
	return longest
}

// spellings is a regular expression for all spellings of a text.
func spellings(text string) string {
	const amp = `(?:&|\\u0026)(?:amp;)*` // what an entity begins with, escaped or not
	entities := map[rune]string{'&': "amp", '<': "lt", '>': "gt", '"': "quot", '\'': "apos", ' ': "nbsp"}
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && isWordByte(byte(r)) {
			b.WriteRune(r)
			continue
		}
		plain := string(r)
		unicode, percent := "", ""
		for _, unit := range utf16.Encode([]rune{r}) {
			unicode += fmt.Sprintf(`\\u%04x`, unit)
		}
		for _, c := range []byte(plain) {
			percent += fmt.Sprintf("%%%02x", c)
		}
		fmt.Fprintf(&b, `(?:\\*%s|(?i:%s|%s|%s(?:#%d|#x0*%x)`, regexp.QuoteMeta(plain), unicode, percent, amp, r, r)
		if name := entities[r]; name != "" {
			b.WriteString("|" + amp + name)
		}
		b.WriteString(";?)")
		if r == ' ' {
			b.WriteString(`|\+`)
		}
		if r == '&' {
			b.WriteString("|" + amp)
		}
		b.WriteString(")")
	}
	return b.String()
}
