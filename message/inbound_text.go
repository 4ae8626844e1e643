package message

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"tidings"
)

// text gives the beginning of a part's body as UTF-8, lines ended by LF. An
// encoding or a charset that isn't known leaves the bytes as they are, with
// what isn't UTF-8 replaced.
func (p *mimePart) text() string {
	text := decodeCharset(p.decoded(), p.params["charset"])
	if p.media == "text/html" {
		text = plainOfHTML(text)
	}
	return text
}

// decoded gives the beginning of a part's body with its transfer encoding undone.
func (p *mimePart) decoded() []byte {
	body := p.body
	switch strings.ToLower(strings.TrimSpace(p.header.get("Content-Transfer-Encoding"))) {
	case "base64":
		return decodeBase64(body[:min(len(body), maxText*3/2)])
	case "quoted-printable":
		return decodeQuoted(body[:min(len(body), maxText*3)])
	}
	return body[:min(len(body), maxText)]
}

// decodeBase64 decodes as far as it goes, over line ends and other noise.
func decodeBase64(body []byte) []byte {
	clean := make([]byte, 0, len(body))
	for _, c := range body {
		if c == '+' || c == '/' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			clean = append(clean, c)
		}
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // what is broken ends it
	return out[:min(n, maxText)]
}

// decodeQuoted decodes quoted-printable; what is broken stays as it is.
func decodeQuoted(body []byte) []byte {
	out := make([]byte, 0, min(len(body), maxText))
	for i := 0; i < len(body) && len(out) < maxText; i++ {
		if body[i] != '=' {
			out = append(out, body[i])
			continue
		}
		line, _ := cutLine(body[i+1:])
		if len(bytes.TrimRight(line, " \t")) == 0 { // a soft line break
			skipped := bytes.IndexByte(body[i:], '\n')
			if skipped < 0 {
				break
			}
			i += skipped
			continue
		}
		if len(line) >= 2 && isHex(line[0]) && isHex(line[1]) {
			out = append(out, unhex(line[0])<<4|unhex(line[1]))
			i += 2
			continue
		}
		out = append(out, '=')
	}
	return out
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func decodeCharset(body []byte, charset string) string {
	text := string(body)
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if r, err := charsetReader(charset, bytes.NewReader(body)); err == nil {
			// No charset takes more than three bytes of UTF-8 for one of its own.
			if converted, err := io.ReadAll(io.LimitReader(r, 3*maxText)); err == nil {
				text = string(converted)
			}
		}
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// charsetReader converts a charset to UTF-8, by the names that browsers know.
func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(strings.Trim(charset, `"' `))
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Reader(r), nil
}

var (
	htmlBreak = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li)\b[^>]*>`)
	htmlTag   = regexp.MustCompile(`(?s)<!--.*?-->|<[a-zA-Z/!][^>]*>`)
)

// plainOfHTML gives the words of HTML. It is for reading reports, not for showing.
func plainOfHTML(text string) string {
	text = htmlBreak.ReplaceAllString(text, "\n")
	text = html.UnescapeString(htmlTag.ReplaceAllString(text, ""))
	return strings.ReplaceAll(text, "\u00a0", " ")
}

// words gives the text for people of a mail: that of its first part of text,
// plain if there is one.
func (p *mimePart) words() string {
	if t := p.find("text/plain"); t != nil && len(bytes.TrimSpace(t.body)) > 0 {
		return t.text()
	}
	if t := p.find("text/html"); t != nil {
		return t.text()
	}
	if len(p.parts) == 0 && !strings.HasPrefix(p.media, "message/") {
		return p.text() // a multipart without parts, a media type that nobody knows
	}
	return ""
}

// oneLine squeezes white space and control characters to single spaces and
// cuts to at most n bytes, between characters.
func oneLine(text string, n int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 }), " ")
	return strings.TrimSpace(tidings.CutText(text, n))
}
