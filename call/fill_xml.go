package call

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// xmlPlace is an XML body. Values can stand in text, in quoted attributes, in
// CDATA and comments, and, when they are names, in tags.
type xmlPlace struct {
	where xmlPart
	quote byte // of the attribute
}

type xmlPart uint8

const (
	xmlText      xmlPart = iota
	xmlTag               // between < and >, outside of quotes
	xmlAttribute         // in quotes
	xmlCDATA
	xmlComment
	xmlOther // <? … ?> and <!DOCTYPE … >
)

// literal follows the text far enough to know where values stand; whether it
// is XML at all is the lint's to say.
func (p *xmlPlace) literal(b, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		b = append(b, c)
		switch p.where {
		case xmlText:
			if c == '<' {
				p.where = xmlTag
			}
		case xmlTag:
			p.inTag(b, c)
		case xmlAttribute:
			if c == p.quote {
				p.where = xmlTag
			}
		case xmlCDATA:
			p.endsWith(b, "]]>")
		case xmlComment:
			p.endsWith(b, "-->")
		case xmlOther:
			p.endsWith(b, ">")
		}
	}
	return b
}

func (p *xmlPlace) inTag(b []byte, c byte) {
	switch {
	case c == '>':
		p.where = xmlText
	case c == '"' || c == '\'':
		p.where, p.quote = xmlAttribute, c
	case bytes.HasSuffix(b, []byte("<!--")):
		p.where = xmlComment
	case bytes.HasSuffix(b, []byte("<![CDATA[")):
		p.where = xmlCDATA
	case bytes.HasSuffix(b, []byte("<?")), bytes.HasSuffix(b, []byte("<!D")):
		p.where = xmlOther
	}
}

func (p *xmlPlace) endsWith(b []byte, end string) {
	if bytes.HasSuffix(b, []byte(end)) {
		p.where = xmlText
	}
}

// xmlName is a name in ASCII or with letters of other scripts (XML 1.0, section 2.3, less its rarities).
var xmlName = regexp.MustCompile(`^[\pL_][\pL\pN_.-]*$`)

func (p *xmlPlace) value(b []byte, in *insertion) ([]byte, error) {
	text := strings.ToValidUTF8(in.text, "?")
	for _, r := range text {
		if !isXMLChar(r) {
			return b, fmt.Errorf("has the character U+%04X, which XML can't carry", r)
		}
	}
	switch p.where {
	case xmlTag:
		if !xmlName.MatchString(text) {
			return b, errors.New("stands where XML has a name and is none: put attributes in quotes")
		}
		return append(b, text...), nil
	case xmlCDATA:
		if !strings.ContainsAny(text, "]>\r") {
			return append(b, text...), nil
		}
		// With what is around it the value could end the section: it stands between two of them.
		b = appendXML(append(b, "]]>"...), text, false)
		return append(b, "<![CDATA["...), nil
	case xmlComment:
		if strings.Contains(text, "-") {
			return b, errors.New("has a hyphen and stands in a comment, which could end there")
		}
		return append(b, text...), nil
	case xmlOther:
		return b, errors.New("stands in a declaration: write that out")
	}
	if in.escapedBy("xml", "html") && escapedXML.MatchString(text) {
		return append(b, whiteSpace.Replace(text)...), nil
	}
	return appendXML(b, text, p.where == xmlAttribute), nil
}

// whiteSpace writes by number what parsers change.
var whiteSpace = strings.NewReplacer("\t", "&#9;", "\n", "&#10;", "\r", "&#13;")

// escapedXML is text as $esc.xml gives it: only the five entities that XML has, and numbers.
var escapedXML = regexp.MustCompile(`^(?:[^<>&"']|&(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)*$`)

func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

// appendXML escapes a text for an element or, with its white space by number
// since parsers turn that into blanks, for an attribute. A CR is changed everywhere.
func appendXML(b []byte, text string, attribute bool) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '"':
			b = append(b, "&quot;"...)
		case c == '\'':
			b = append(b, "&apos;"...)
		case c == '\r' || attribute && (c == '\t' || c == '\n'):
			b = fmt.Appendf(b, "&#%d;", c)
		default:
			b = append(b, c)
		}
	}
	return b
}
