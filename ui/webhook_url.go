package ui

import (
	"regexp"
	"strings"
)

// pair is a row of a form: a parameter of the query.
type pair struct{ Name, Value string }

// references find what in a template is no text: references and merge tags,
// whose defaults may have any character in them.
var references = regexp.MustCompile(`\$!?\{[^}\n]*\}|\$!?[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*(?:\([^()\n]*\))?)*|%[A-Za-z_][A-Za-z0-9_.-]*(?:\|[^%\r\n]*)?%`)

// splitQuery takes the query off a URL's template, row by row, so that each
// parameter can be edited by itself. What can't be told apart without running
// the template stays whole: directives, and a parameter with a = of its own
// kind in front of nothing. joinQuery is the way back.
func splitQuery(url string) (base string, rows []pair) {
	if strings.Contains(url, "#") {
		return url, nil // a directive, or a fragment that the check will speak of
	}
	at := findOutside(url, '?')
	if at < 0 || at == len(url)-1 {
		return url, nil
	}
	base, rest := url[:at], url[at+1:]
	for {
		end := findOutside(rest, '&')
		piece := rest
		if end >= 0 {
			piece = rest[:end]
		}
		equal := findOutside(piece, '=')
		if equal < 1 {
			return url, nil // no name, or no value: not what a row can say
		}
		rows = append(rows, pair{piece[:equal], piece[equal+1:]})
		if end < 0 {
			return base, rows
		}
		rest = rest[end+1:]
	}
}

// findOutside finds a character outside of references; -1 when there is none.
func findOutside(text string, c byte) int {
	inside := references.FindAllStringIndex(text, -1)
	for i := 0; i < len(text); i++ {
		if len(inside) > 0 && i == inside[0][0] {
			i = inside[0][1] - 1
			inside = inside[1:]
			continue
		}
		if text[i] == c {
			return i
		}
	}
	return -1
}

// joinQuery puts rows behind a URL's template. What would end a row there is
// written so that it does not.
func joinQuery(base string, rows []pair) string {
	var b strings.Builder
	b.WriteString(base)
	joint := "?"
	if findOutside(base, '?') >= 0 {
		joint = "&"
	}
	if strings.HasSuffix(base, "?") || strings.HasSuffix(base, "&") {
		joint = ""
	}
	for _, r := range rows {
		b.WriteString(joint + quoteOutside(r.Name, nameEscapes) + "=" + quoteOutside(r.Value, valueEscapes))
		joint = "&"
	}
	return b.String()
}

var (
	valueEscapes = strings.NewReplacer("&", "%26", "#", "%23", " ", "%20", "\n", "%0A", "\t", "%09")
	nameEscapes  = strings.NewReplacer("&", "%26", "#", "%23", " ", "%20", "=", "%3D", "\n", "%0A", "\t", "%09")
)

// quoteOutside escapes a row's text outside of references.
func quoteOutside(text string, escapes *strings.Replacer) string {
	var b strings.Builder
	from := 0
	for _, inside := range references.FindAllStringIndex(text, -1) {
		b.WriteString(escapes.Replace(text[from:inside[0]]))
		b.WriteString(text[inside[0]:inside[1]])
		from = inside[1]
	}
	b.WriteString(escapes.Replace(text[from:]))
	return b.String()
}
