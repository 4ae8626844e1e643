package message

import (
	"bytes"
	"mime"
	"slices"
	"strings"
)

// Limits of what is read of a mail that comes in. What lies beyond is left
// unread, never refused: the outcome stands near the beginning of every report.
const (
	maxParts       = 64        // of all multiparts together
	maxDepth       = 8         // multiparts within multiparts
	maxHeaderLines = 500       // of one block
	maxHeaderBytes = 128 << 10 // of one block
	maxText        = 64 << 10  // bytes of one part, decoded, that are looked at
)

// mimeField is one header field, unfolded, its encoded words as they came.
type mimeField struct{ name, value string }

type mimeHeader []mimeField

// get gives the first field of a name, "" when there is none.
func (h mimeHeader) get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// has says whether there is a field of a name, be it empty.
func (h mimeHeader) has(name string) bool {
	return slices.ContainsFunc(h, func(f mimeField) bool { return strings.EqualFold(f.name, name) })
}

// text gives the first field of a name with its encoded words (RFC 2047) decoded.
func (h mimeHeader) text(name string) string {
	value := h.get(name)
	d := mime.WordDecoder{CharsetReader: charsetReader}
	if decoded, err := d.DecodeHeader(value); err == nil {
		value = decoded
	}
	return strings.ToValidUTF8(value, "\ufffd")
}

// mimePart is a mail or a part of one.
type mimePart struct {
	header mimeHeader
	media  string // lower case; text/plain when it isn't said
	params map[string]string
	body   []byte      // as it came
	parts  []*mimePart // of a multipart
}

// readMIME takes a mail apart. It reads anything: what isn't MIME is one part
// of text. Lines may end with LF or CRLF.
func readMIME(data []byte) *mimePart {
	left := maxParts
	return readPart(data, "text/plain", maxDepth, &left)
}

func readPart(data []byte, media string, depth int, left *int) *mimePart {
	*left--
	p := &mimePart{media: media}
	p.header, p.body = readHeader(data)
	if value := p.header.get("Content-Type"); value != "" {
		p.media, p.params = contentType(value)
	}
	if !strings.HasPrefix(p.media, "multipart/") || depth == 0 {
		return p
	}
	media = "text/plain"
	if p.media == "multipart/digest" {
		media = "message/rfc822"
	}
	for _, body := range splitParts(p.body, p.params["boundary"], *left) {
		if *left <= 0 {
			break
		}
		p.parts = append(p.parts, readPart(body, media, depth-1, left))
	}
	return p
}

// contentType reads a Content-Type, a broken one too.
func contentType(value string) (media string, params map[string]string) {
	media, params, err := mime.ParseMediaType(value)
	if err == nil {
		return media, params
	}
	params = map[string]string{}
	for i, piece := range strings.Split(value, ";") {
		piece = strings.TrimSpace(piece)
		if i == 0 {
			media = strings.ToLower(piece)
		} else if name, v, ok := strings.Cut(piece, "="); ok {
			params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return media, params
}

// readHeader reads a block of header fields; rest begins behind the empty line
// that ends it, or where the block stops to look like one.
func readHeader(data []byte) (h mimeHeader, rest []byte) {
	rest = data
	for lines := 0; len(rest) > 0 && lines < maxHeaderLines && len(data)-len(rest) < maxHeaderBytes; lines++ {
		line, after := cutLine(rest)
		switch {
		case len(line) == 0:
			return h, after
		case line[0] == ' ' || line[0] == '\t':
			if len(h) > 0 {
				last := &h[len(h)-1]
				last.value = strings.TrimSpace(last.value + " " + string(bytes.TrimSpace(line)))
			}
		case lines == 0 && (bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))):
			// What mailboxes put in front of a mail.
		default:
			name, value, ok := bytes.Cut(line, []byte(":"))
			name = bytes.TrimRight(name, " \t")
			if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
				return h, rest
			}
			h = append(h, mimeField{string(name), string(bytes.TrimSpace(value))})
		}
		rest = after
	}
	return h, rest
}

// cutLine gives the first line without its end, and what follows.
func cutLine(data []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// splitParts cuts the body of a multipart, into at most n parts. A boundary
// that isn't said or does not occur is guessed: the first line that begins
// with -- and is followed by a header field of MIME.
func splitParts(body []byte, boundary string, n int) [][]byte {
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
		boundary = guessBoundary(body)
	}
	if boundary == "" {
		return nil
	}
	var parts [][]byte
	start, delimiter := -1, []byte("--"+boundary)
	for pos := 0; pos < len(body) && len(parts) < n; {
		line, rest := cutLine(body[pos:])
		next := len(body) - len(rest)
		tail, found := bytes.CutPrefix(line, delimiter)
		tail = bytes.TrimRight(tail, " \t")
		if found && (len(tail) == 0 || string(tail) == "--") {
			if start >= 0 {
				parts = append(parts, body[start:pos])
			}
			if start = next; len(tail) > 0 {
				return parts
			}
		}
		pos = next
	}
	if start >= 0 && len(parts) < n { // the closing delimiter is missing
		parts = append(parts, body[start:])
	}
	return parts
}

func guessBoundary(body []byte) string {
	for rest := body; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		if !bytes.HasPrefix(line, []byte("--")) || len(line) < 4 || len(line) > 200 {
			continue
		}
		if next, _ := cutLine(rest); len(next) > 8 && strings.EqualFold(string(next[:8]), "content-") {
			return string(bytes.TrimRight(line[2:], " \t"))
		}
	}
	return ""
}

// find gives the first part, in reading order, whose media type is one of
// those. It does not look into messages that are parts themselves.
func (p *mimePart) find(media ...string) *mimePart {
	if slices.Contains(media, p.media) {
		return p
	}
	for _, q := range p.parts {
		if found := q.find(media...); found != nil {
			return found
		}
	}
	return nil
}
