package java

import (
	"strings"
	"unicode/utf8"
)

// isASCII reports whether bytes and UTF-16 units coincide in s.
func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Len is the length of s in UTF-16 units.
func Len(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0xf0:
			n += 2
		case c < 0x80 || c >= 0xc0:
			n++
		}
	}
	return n
}

// seek finds the byte of UTF-16 unit n of s, which may be the end. inPair
// reports that n lies between the halves of the pair whose byte is returned.
// The byte is -1 when s is shorter or n is negative.
func seek(s string, n int) (b int, inPair bool) {
	if n < 0 {
		return -1, false
	}
	for ; b < len(s); b++ {
		c := s[b]
		if c&0xc0 == 0x80 {
			continue
		}
		if n == 0 {
			return b, false
		}
		n--
		if c >= 0xf0 {
			if n == 0 {
				return b, true
			}
			n--
		}
	}
	if n > 0 {
		return -1, false
	}
	return len(s), false
}

// ByteOffset is the byte index of UTF-16 unit index unit; inside a pair it is
// the pair's. It is -1 when the index is out of range; the end is in range.
func ByteOffset(s string, unit int) int {
	b, _ := seek(s, unit)
	return b
}

// UnitOffset is the UTF-16 index of byte b of s.
func UnitOffset(s string, b int) int { return Len(s[:b]) }

// Substring is String.substring with UTF-16 indices. It reports false when the
// indices are out of range. Half a surrogate pair is written in WTF-8.
func Substring(s string, from, to int) (string, bool) {
	if from > to {
		return "", false
	}
	start, cutStart := seek(s, from)
	if start < 0 {
		return "", false
	}
	if from == to {
		return "", true
	}
	if cutStart {
		rest, ok := Substring(s[start+pairBytes:], 0, to-from-1)
		_, low := halves(s[start:])
		return low + rest, ok
	}
	length, cutEnd := seek(s[start:], to-from)
	if length < 0 {
		return "", false
	}
	if cutEnd {
		high, _ := halves(s[start+length:])
		return s[start:start+length] + high, true
	}
	return s[start : start+length], true
}

const pairBytes = 4 // the UTF-8 length of what UTF-16 writes as a pair

// halves are the two surrogates, in WTF-8, of the character that s begins with.
func halves(s string) (high, low string) {
	r, _ := utf8.DecodeRuneInString(s)
	r -= 0x10000
	return unitText(uint16(0xd800 + r>>10)), unitText(uint16(0xdc00 + r&0x3ff))
}

// unitText is one UTF-16 unit that is not ASCII as text, a surrogate in WTF-8.
func unitText(u uint16) string {
	return string([]byte{0xe0 | byte(u>>12), 0x80 | byte(u>>6)&0x3f, 0x80 | byte(u)&0x3f})
}

// surrogate reports the surrogate half that s begins with, 0 if it is none.
func surrogate(s string) uint16 {
	if len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 {
		return 0xd000 | uint16(s[1]&0x3f)<<6 | uint16(s[2]&0x3f)
	}
	return 0
}

// CharAt is the UTF-16 unit at index i as a string, half a pair in WTF-8.
func CharAt(s string, i int) (string, bool) {
	if i < 0 {
		return "", false
	}
	if i < len(s) && isASCII(s[:i+1]) {
		return s[i : i+1], true
	}
	return Substring(s, i, i+1)
}

// CodePointAt is String.codePointAt.
func CodePointAt(s string, i int) (int32, bool) {
	b, inPair := seek(s, i)
	if b < 0 || b == len(s) {
		return 0, false
	}
	if u := surrogate(s[b:]); u != 0 {
		return int32(u), true
	}
	r, _ := utf8.DecodeRuneInString(s[b:])
	if inPair {
		return 0xdc00 + (r-0x10000)&0x3ff, true
	}
	return r, true
}

// IndexOf is String.indexOf(sub, from) in UTF-16 units, -1 when absent.
func IndexOf(s, sub string, from int) int {
	if sub == "" {
		return min(max(from, 0), Len(s))
	}
	start, inPair := seek(s, max(from, 0))
	if start < 0 {
		return -1
	}
	if inPair {
		start += pairBytes
	}
	i := strings.Index(s[start:], sub)
	if i < 0 {
		return -1
	}
	return UnitOffset(s, start+i)
}

// LastIndexOf is String.lastIndexOf(sub, from): the last occurrence that
// begins at or before unit from.
func LastIndexOf(s, sub string, from int) int {
	if from < 0 {
		return -1
	}
	if sub == "" {
		return min(from, Len(s))
	}
	end := len(s)
	if b, _ := seek(s, from); b >= 0 {
		end = min(b+len(sub), len(s))
	}
	i := strings.LastIndex(s[:end], sub)
	if i < 0 {
		return -1
	}
	return UnitOffset(s, i)
}

// StartsWithAt is String.startsWith(prefix, at).
func StartsWithAt(s, prefix string, at int) bool {
	b, inPair := seek(s, at)
	return b >= 0 && (!inPair && strings.HasPrefix(s[b:], prefix) || prefix == "")
}

// nextUnit takes the first UTF-16 unit of s; low is the pending second half of
// a pair, 0 when there is none.
func nextUnit(s string, low uint16) (unit, nextLow uint16, rest string) {
	if low != 0 {
		return low, 0, s
	}
	if u := surrogate(s); u != 0 {
		return u, 0, s[3:]
	}
	r, n := utf8.DecodeRuneInString(s)
	if r < 0x10000 {
		return uint16(r), 0, s[n:]
	}
	r -= 0x10000
	return uint16(0xd800 + r>>10), uint16(0xdc00 + r&0x3ff), s[n:]
}

// Compare is String.compareTo: the difference of the first UTF-16 units that
// differ, or of the lengths.
func Compare(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && i < max(len(a), len(b)) && (i < len(a) && a[i]&0xc0 == 0x80 || i < len(b) && b[i]&0xc0 == 0x80) {
		i--
	}
	a, b = a[i:], b[i:]
	var la, lb, ua, ub uint16
	for (a != "" || la != 0) && (b != "" || lb != 0) {
		ua, la, a = nextUnit(a, la)
		ub, lb, b = nextUnit(b, lb)
		if ua != ub {
			return int(ua) - int(ub)
		}
	}
	return unitsLeft(a, la) - unitsLeft(b, lb)
}

func unitsLeft(s string, low uint16) int {
	if low != 0 {
		return Len(s) + 1
	}
	return Len(s)
}

// HashCode is String.hashCode.
func HashCode(s string) int32 {
	var h int32
	var low, u uint16
	for s != "" || low != 0 {
		u, low, s = nextUnit(s, low)
		h = 31*h + int32(u)
	}
	return h
}
