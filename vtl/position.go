package vtl

import (
	"strings"
	"unicode/utf8"
)

// origin is the place of a text within a template: the whole source begins at 1:1,
// the inside of a quoted string behind its quote.
type origin struct{ line, col int }

// position returns line and column of an offset in text that begins at the origin.
func (o origin) position(text string, offset int) (line, col int) {
	c := cursor{text: text, at: o}
	return c.position(offset)
}

// cursor finds the positions of rising offsets in one pass over the text. Columns
// count UTF-16 units; a tab goes to the next multiple of eight; \n, \r and \r\n end
// a line.
type cursor struct {
	text   string
	at     origin
	offset int // how far the text was read
	lines  int // lines that ended before offset
	start  int // offset of the line
}

func (c *cursor) position(offset int) (line, col int) {
	offset = min(offset, len(c.text))
	if offset < c.offset {
		c.offset, c.lines, c.start = 0, 0, 0
	}
	for c.offset < offset {
		i := strings.IndexAny(c.text[c.offset:offset], "\r\n")
		if i < 0 {
			c.offset = offset
			break
		}
		end := c.offset + i + 1
		c.offset = end
		if c.text[end-1] == '\r' && end < len(c.text) && c.text[end] == '\n' {
			continue
		}
		c.lines, c.start = c.lines+1, end
	}
	col = columns(c.text[c.start:offset]) + 1
	if c.lines == 0 {
		col += c.at.col - 1
	}
	return c.lines + c.at.line, col
}

// columns is the width of a text without line ends.
func columns(s string) int {
	n := 0
	for _, c := range s {
		switch {
		case c == '\t':
			n += 8 - n&7
		case c >= 0x10000:
			n += 2
		default:
			n++
		}
	}
	return n
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
