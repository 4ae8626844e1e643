package ui

import (
	"bytes"
	"regexp"
	"strings"
)

var cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)

// slim takes out of a style sheet or script what only its authors read: the
// comments that stand in lines of their own, and indentation. Only files of ours
// are so; that none has what looks like a comment in a text, or a text over
// several lines, is held by a test.
func slim(name string, source []byte) []byte {
	switch {
	case strings.HasSuffix(name, ".css"):
		source = cssComment.ReplaceAll(source, nil)
	case !strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".min.js"):
		return source
	}
	var out bytes.Buffer
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && !bytes.HasPrefix(line, []byte("//")) {
			out.Write(line)
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}
