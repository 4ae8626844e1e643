package message

import (
	"html"
	"strings"

	xhtml "golang.org/x/net/html"
)

// rewriteLinks appends html to dst with the addresses of its links (a, area)
// replaced; link gives the new one, or "" to leave it. All else stays as it is,
// to the byte. What it gives must need no escaping. bodyEnd is where, in the result, the body ends: before
// the last </body>, or </html>, or at the end.
func rewriteLinks(dst []byte, src string, link func(string) string) (out []byte, bodyEnd int) {
	z := xhtml.NewTokenizer(strings.NewReader(src))
	bodyEnd = -1
	read := 0
	for {
		kind := z.Next()
		raw := z.Raw()
		if kind == xhtml.ErrorToken {
			break
		}
		read += len(raw)
		switch kind {
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			if isTag(raw[1:], "a") || isTag(raw[1:], "area") {
				dst = rewriteTag(dst, raw, link)
				continue
			}
		case xhtml.EndTagToken:
			if isTag(raw[2:], "body") || bodyEnd < 0 && isTag(raw[2:], "html") {
				bodyEnd = len(dst)
			}
		}
		dst = append(dst, raw...)
	}
	if bodyEnd < 0 {
		bodyEnd = len(dst)
	}
	return append(dst, src[read:]...), bodyEnd // a tag that was never closed is no token
}

// isTag says whether a tag, from its name on, is of a name.
func isTag(raw []byte, name string) bool {
	return len(raw) > len(name) && strings.EqualFold(string(raw[:len(name)]), name) && endsName(raw[len(name)])
}

func endsName(c byte) bool { return isSpace(c) || c == '/' || c == '>' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// rewriteTag appends a start tag with its href replaced.
func rewriteTag(dst, raw []byte, link func(string) string) []byte {
	from, to := findAttribute(raw, "href")
	if from < 0 {
		return append(dst, raw...)
	}
	made := link(strings.TrimSpace(html.UnescapeString(string(raw[from:to]))))
	if made == "" {
		return append(dst, raw...)
	}
	return append(append(append(dst, raw[:from]...), made...), raw[to:]...)
}

// findAttribute gives where the value of a tag's attribute stands, without
// quotes; -1 = nowhere. The first of a name counts, as in browsers (HTML, 13.2.5.32 on).
func findAttribute(tag []byte, name string) (from, to int) {
	i := 1
	for i < len(tag) && !endsName(tag[i]) {
		i++
	}
	for {
		for i < len(tag) && (isSpace(tag[i]) || tag[i] == '/') {
			i++
		}
		if i >= len(tag) || tag[i] == '>' {
			return -1, -1
		}
		start := i
		i++ // an attribute's name may begin with =
		for i < len(tag) && !endsName(tag[i]) && tag[i] != '=' {
			i++
		}
		found := strings.EqualFold(string(tag[start:i]), name)
		for i < len(tag) && isSpace(tag[i]) {
			i++
		}
		if i >= len(tag) || tag[i] != '=' {
			if found {
				return -1, -1 // without a value
			}
			continue
		}
		from, to, i = attributeValue(tag, i+1)
		if found {
			return from, to
		}
	}
}

// attributeValue gives where the value behind a = stands, and what follows it.
func attributeValue(tag []byte, i int) (from, to, next int) {
	for i < len(tag) && isSpace(tag[i]) {
		i++
	}
	if i < len(tag) && (tag[i] == '"' || tag[i] == '\'') {
		quote := tag[i]
		from = i + 1
		for to = from; to < len(tag) && tag[to] != quote; to++ {
		}
		return from, to, min(to+1, len(tag))
	}
	for to = i; to < len(tag) && !isSpace(tag[to]) && tag[to] != '>'; to++ {
	}
	return i, to, to
}
