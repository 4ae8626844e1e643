package java

import (
	"strings"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// AppendHTML appends s with the named entities of HTML 4 for markup characters
// and for every character that has one; ' stays.
func AppendHTML(dst []byte, s string) []byte {
	for s != "" {
		i := 0
		for i < len(s) && s[i] < utf8.RuneSelf && s[i] != '<' && s[i] != '>' && s[i] != '&' && s[i] != '"' {
			i++
		}
		dst = append(dst, s[:i]...)
		if s = s[i:]; s == "" {
			break
		}
		r, n := utf8.DecodeRuneInString(s)
		if name := entityName(r); name != "" {
			dst = append(dst, '&')
			dst = append(dst, name...)
			dst = append(dst, ';')
		} else {
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return dst
}

// AppendXML appends s with the five entities of XML.
func AppendXML(dst []byte, s string) []byte {
	for {
		i := strings.IndexAny(s, `<>&"'`)
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		switch s[i] {
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\'':
			dst = append(dst, "&apos;"...)
		}
		s = s[i+1:]
	}
}

// AppendJavaScript appends s for a JavaScript string: quotes of both sorts,
// backslash and slash with a backslash, the rest outside ASCII as \uXXXX.
func AppendJavaScript(dst []byte, s string) []byte { return appendEscaped(dst, s, `"\'/`) }

// AppendJava appends s for a Java string.
func AppendJava(dst []byte, s string) []byte { return appendEscaped(dst, s, `"\`) }

// AppendJSON appends s for a JSON string; / stays.
func AppendJSON(dst []byte, s string) []byte { return appendEscaped(dst, s, `"\`) }

func appendEscaped(dst []byte, s, special string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf {
			if strings.IndexByte(special, c) >= 0 {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
			i++
			continue
		}
		if c < ' ' {
			if short := controlEscape(c); short != 0 {
				dst = append(dst, '\\', short)
			} else {
				dst = appendUnit(dst, uint16(c))
			}
			i++
			continue
		}
		if u := surrogate(s[i:]); u != 0 {
			dst = appendUnit(dst, u)
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= 0x10000 {
			dst = appendUnit(dst, uint16(0xd800+(r-0x10000)>>10))
			r = 0xdc00 + (r-0x10000)&0x3ff
		}
		dst = appendUnit(dst, uint16(r))
		i += n
	}
	return dst
}

func controlEscape(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\n':
		return 'n'
	case '\t':
		return 't'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

func appendUnit(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', upperHex[u>>12], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
}

// AppendSQL appends s with single quotes doubled.
func AppendSQL(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, '\'')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i+1]...)
		dst = append(dst, '\'')
		s = s[i+1:]
	}
}

// AppendURL appends s in form encoding, as URLEncoder writes it: blank is +,
// letters, digits and .-*_ stay, all else is the bytes of UTF-8.
func AppendURL(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			dst = append(dst, '+')
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == '*', c == '_':
			dst = append(dst, c)
		case surrogate(s[i:]) != 0:
			dst = append(dst, "%3F"...)
			i += 2
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// UnescapeURL reads form encoding, as URLDecoder does. It reports false at a
// % that two hexadecimal digits do not follow.
func UnescapeURL(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := hexValue(s[i+1]), hexValue(s[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return strings.ToValidUTF8(string(out), "\ufffd"), true
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
