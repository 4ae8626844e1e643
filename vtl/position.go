package vtl

import (
	"strings"
	"unicode/utf8"
)

// origin is the place of a text within a template: the whole source begins at 1:1,
// the inside of a quoted string behind its quote.
type origin struct{ line, col int }

// position returns line and column of an offset in text that begins at the origin.
// Columns count UTF-16 units; a tab goes to the next multiple of eight; \n, \r and
// \r\n end a line.
func (o origin) position(text string, offset int) (line, col int) {
	offset = min(offset, len(text))
	line = 1
	start := 0
	for i := 0; i < offset; i++ {
		switch text[i] {
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				continue
			}
			line, start = line+1, i+1
		case '\n':
			line, start = line+1, i+1
		}
	}
	col = 1
	for _, c := range text[start:offset] {
		switch {
		case c == '\t':
			col += 8 - (col-1)&7
		case c >= 0x10000:
			col += 2
		default:
			col++
		}
	}
	if line == 1 {
		col += o.col - 1
	}
	return line + o.line - 1, col
}

// lineAt returns the line of text that holds the offset, without its end. A very
// long line is cut.
func lineAt(text string, offset int) string {
	const most = 500
	offset = min(offset, len(text))
	start := strings.LastIndexAny(text[:offset], "\r\n") + 1
	end := len(text)
	if i := strings.IndexAny(text[offset:], "\r\n"); i >= 0 {
		end = offset + i
	}
	line := text[start:end]
	if len(line) > most {
		line = line[:most]
		for len(line) > 0 && !utf8.ValidString(line[len(line)-min(len(line), utf8.UTFMax):]) {
			line = line[:len(line)-1]
		}
	}
	return line
}
