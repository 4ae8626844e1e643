package call

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"tidings"
	"tidings/vtl"
)

// ReplyValue makes a reply what templates see of it:
//
//	JSON   maps in the order of their keys, lists, whole numbers exact, decimals, booleans, null
//	XML    the element at the top, see reply_xml.go
//	text   a string
//
// An empty reply is an empty string; a binary one is null. The error says
// what is wrong, with line and column. It is nil for every reply that Do has found to be OK.
func ReplyValue(r *tidings.Reply) (vtl.Value, error) {
	if r == nil {
		return vtl.Null, nil
	}
	switch r.Format {
	case tidings.ReplyJSON:
		return parseJSONReply(r.Body)
	case tidings.ReplyXML:
		return parseXMLReply(r.Body)
	case tidings.ReplyText:
		return vtl.String(string(r.Body)), nil
	case tidings.ReplyEmpty:
		return vtl.String(""), nil
	}
	return vtl.Null, nil
}

// reading is a reply's body as it was understood.
type reading struct {
	format  tidings.ReplyFormat
	body    []byte // text in UTF-8, without a byte order mark
	value   vtl.Value
	warning string // the reply is not what it says it is; "" = it is
	err     error  // it can't be understood
}

// readReply finds out what a body is: by its Content-Type, and by its looks
// where that is missing, says nothing or lies.
func readReply(contentType, contentEncoding string, body []byte) reading {
	if e := strings.TrimSpace(contentEncoding); e != "" && !strings.EqualFold(e, "identity") {
		return reading{format: tidings.ReplyBinary, body: body, err: fmt.Errorf("the reply is compressed (%s) although that was not asked for", tidings.CutText(e, 50))}
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return reading{format: tidings.ReplyEmpty, value: vtl.String("")}
	}
	text, err := toUTF8(body, params["charset"])
	if err != nil {
		return reading{format: tidings.ReplyBinary, body: body, err: err}
	}
	says, looks := formatOf(media), looksLike(text)
	switch {
	case (says == "" || says == tidings.ReplyBinary) && looks == tidings.ReplyBinary:
		return reading{format: tidings.ReplyBinary, body: body}
	case looks == tidings.ReplyBinary:
		return reading{format: tidings.ReplyBinary, body: body, err: fmt.Errorf("the reply says that it is %s and is not text", tidings.CutText(media, 50))}
	}
	if media == "text/html" && looks == tidings.ReplyXML {
		looks = tidings.ReplyText // a page, even if it happens to be well-formed
	}
	r := understand(says, looks, text)
	r.body = text
	if r.err == nil && says != r.format && says != "" && says != tidings.ReplyText {
		r.warning = fmt.Sprintf("says that it is %s, and is taken as %s", tidings.CutText(media, 50), r.format)
	}
	return r
}

// understand parses a text as what it says it is, then as what it looks like.
func understand(says, looks tidings.ReplyFormat, text []byte) reading {
	said := says
	if said == "" || said == tidings.ReplyBinary || said == tidings.ReplyText {
		said = looks
	}
	var first error
	for _, format := range []tidings.ReplyFormat{said, looks} {
		value, err := ReplyValue(&tidings.Reply{Format: format, Body: text})
		if err == nil {
			return reading{format: format, value: value}
		}
		if first == nil {
			first = err
		}
	}
	if says != tidings.ReplyJSON && says != tidings.ReplyXML || looks == tidings.ReplyText {
		return reading{format: tidings.ReplyText, value: vtl.String(string(text))}
	}
	return reading{format: says, err: first}
}

// formatOf gives the format that a media type stands for; "" when it is
// missing or says nothing.
func formatOf(media string) tidings.ReplyFormat {
	switch {
	case !strings.Contains(media, "/"), media == "application/octet-stream":
		return ""
	case media == "application/json", media == "text/json", strings.HasSuffix(media, "+json"):
		return tidings.ReplyJSON
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml") && media != "application/xhtml+xml":
		return tidings.ReplyXML
	case strings.HasPrefix(media, "text/"), media == "application/xhtml+xml", media == "application/javascript", media == "application/x-www-form-urlencoded":
		return tidings.ReplyText
	}
	return tidings.ReplyBinary
}

// looksLike guesses a format by how a text begins.
func looksLike(text []byte) tidings.ReplyFormat {
	trimmed := bytes.TrimSpace(text)
	switch {
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return tidings.ReplyBinary
	case len(trimmed) == 0:
		return tidings.ReplyEmpty
	case trimmed[0] == '{' || trimmed[0] == '[':
		return tidings.ReplyJSON
	case trimmed[0] == '<':
		return tidings.ReplyXML
	}
	return tidings.ReplyText
}

// declared finds the encoding in an XML declaration.
var declared = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// toUTF8 converts a body by its byte order mark, its charset parameter or its
// XML declaration, in this order. Without any of them it is UTF-8, or no text.
func toUTF8(body []byte, charset string) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok {
		return rest, nil
	}
	if bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff")) {
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(body)
	}
	if charset == "" {
		if m := declared.FindSubmatch(body[:min(len(body), 200)]); m != nil {
			charset = string(m[1])
		}
	}
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8") {
		return body, nil
	}
	e, err := htmlindex.Get(charset)
	if err != nil || e == encoding.Replacement {
		return nil, fmt.Errorf("the reply is in the charset %q, which is not known here", tidings.CutText(charset, 50))
	}
	return e.NewDecoder().Bytes(body)
}

// parseJSONReply gives the value of a JSON text.
func parseJSONReply(body []byte) (vtl.Value, error) {
	v, err := vtl.ParseJSON(body)
	if err != nil {
		return vtl.Null, fmt.Errorf("the reply is not valid %w", err) // "JSON, line 2, column 8: …"
	}
	return v, nil
}
