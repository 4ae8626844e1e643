package java

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ToUpper is String.toUpperCase for a locale without rules of its own: the
// full mapping, so that ß becomes SS.
func ToUpper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return upper(s, "")
}

// ToLower is String.toLowerCase for a locale without rules of its own: a
// capital sigma that ends a word becomes ς.
func ToLower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return lower(s, "")
}

func upper(s, language string) string {
	var b strings.Builder
	b.Grow(len(s))
	turkic := language == "tr" || language == "az"
	for i, r := range s {
		switch {
		case r == 'i' && turkic:
			b.WriteRune('İ')
		case r == 0x307 && language == "lt" && afterSoftDotted(s[:i]):
			// Lithuanian writes the dot above only in lower case.
		case r < utf8.RuneSelf:
			b.WriteByte(byte(unicode.ToUpper(r)))
		case r == utf8.RuneError:
			b.WriteString(s[i : i+undecoded(s[i:])])
		default:
			at, found := slices.BinarySearchFunc(specialUpper[:], r, func(e struct {
				r     rune
				upper string
			}, r rune,
			) int {
				return int(e.r) - int(r)
			})
			if found {
				b.WriteString(specialUpper[at].upper)
			} else {
				b.WriteRune(unicode.ToUpper(r))
			}
		}
	}
	return b.String()
}

func afterSoftDotted(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return unicode.Is(unicode.Soft_Dotted, r)
}

func lower(s, language string) string {
	var b strings.Builder
	b.Grow(len(s))
	turkic := language == "tr" || language == "az"
	for i, r := range s {
		switch {
		case r == 'Σ' && finalSigma(s, i):
			b.WriteRune('ς')
		case r == 'I' && turkic && !strings.HasPrefix(s[i+1:], "\u0307"):
			b.WriteRune('ı')
		case r == 'İ' && turkic:
			b.WriteByte('i')
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 0x307 && turkic && strings.HasSuffix(s[:i], "I"):
			// I with a combining dot is one letter: the i before.
		case r == utf8.RuneError:
			b.WriteString(s[i : i+undecoded(s[i:])])
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// undecoded is the length of what s begins with and decodes as U+FFFD: that character,
// or a byte of a lone surrogate half, which has no case and must stay as it is.
func undecoded(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// finalSigma reports whether the capital sigma at byte i ends a word: a cased
// letter stands before it and none after, case-ignorable characters aside.
func finalSigma(s string, i int) bool {
	return casedLast(s[:i]) && !casedFirst(s[i+len("Σ"):])
}

func casedLast(s string) bool {
	for s != "" {
		r, n := utf8.DecodeLastRuneInString(s)
		if !caseIgnorable(r) {
			return cased(r)
		}
		s = s[:len(s)-n]
	}
	return false
}

func casedFirst(s string) bool {
	for _, r := range s {
		if !caseIgnorable(r) {
			return cased(r)
		}
	}
	return false
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '^', '`', 0xb7, 0x387, 0x2018, 0x2019, 0x2024, 0x2027:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// Trim is String.trim: everything up to the blank counts as space.
func Trim(s string) string {
	start, end := 0, len(s)
	for start < end && s[start] <= ' ' {
		start++
	}
	for start < end && s[end-1] <= ' ' {
		end--
	}
	return s[start:end]
}

// IsSpace is Character.isWhitespace: the separators, without those that must
// not break a line.
func IsSpace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0d, r >= 0x1c && r <= 0x20:
		return true
	case r < 0x1680, r == 0x2007, r == 0x202f:
		return false
	}
	return unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// Strip is String.strip.
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// StripLeading is String.stripLeading.
func StripLeading(s string) string { return strings.TrimLeftFunc(s, IsSpace) }

// StripTrailing is String.stripTrailing.
func StripTrailing(s string) string { return strings.TrimRightFunc(s, IsSpace) }

// IsBlank is String.isBlank.
func IsBlank(s string) bool { return StripLeading(s) == "" }

// foldUnit folds one character as String.compareToIgnoreCase does: to upper
// case, then to lower.
func foldUnit(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return simpleLower(unicode.ToUpper(r))
}

// simpleLower is Character.toLowerCase.
func simpleLower(r rune) rune {
	if r == 'İ' {
		return 'i'
	}
	return unicode.ToLower(r)
}

// CompareIgnoreCase is String.compareToIgnoreCase.
func CompareIgnoreCase(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		rx, nx := utf8.DecodeRuneInString(x)
		ry, ny := utf8.DecodeRuneInString(y)
		if rx != ry {
			if fx, fy := foldUnit(rx), foldUnit(ry); fx != fy {
				return int(fx) - int(fy)
			}
		}
		x, y = x[nx:], y[ny:]
	}
	return Len(x) - Len(y)
}

// EqualsIgnoreCase is String.equalsIgnoreCase.
func EqualsIgnoreCase(a, b string) bool { return CompareIgnoreCase(a, b) == 0 }

// Replace is String.replace. An empty old stands before every UTF-16 unit and
// at the end. It returns ErrTooLong past max bytes.
func Replace(s, old, repl string, max int) (string, error) {
	if old == "" {
		return interleave(s, repl, max)
	}
	n := strings.Count(s, old)
	if n == 0 {
		return s, nil
	}
	if len(s)+n*(len(repl)-len(old)) > max {
		return "", ErrTooLong
	}
	return strings.ReplaceAll(s, old, repl), nil
}

func interleave(s, repl string, max int) (string, error) {
	if repl != "" && Len(s)+1 > max/len(repl) || 2*len(s)+(Len(s)+1)*len(repl) > max {
		return "", ErrTooLong
	}
	var b strings.Builder
	b.WriteString(repl)
	for i, r := range s {
		if r >= 0x10000 && repl != "" {
			high, low := halves(s[i:])
			b.WriteString(high + repl + low + repl)
			continue
		}
		b.WriteRune(r)
		b.WriteString(repl)
	}
	return b.String(), nil
}

// Repeat is String.repeat for a count that is not negative. It returns
// ErrTooLong past max bytes.
func Repeat(s string, n, max int) (string, error) {
	if s == "" || n <= 0 {
		return "", nil
	}
	if n > max/len(s) {
		return "", ErrTooLong
	}
	return strings.Repeat(s, n), nil
}

// Indent is String.indent: n blanks before every line, or up to -n spaces
// taken away; every line ends with a newline. It returns ErrTooLong past max
// bytes.
func Indent(s string, n, max int) (string, error) {
	if s == "" {
		return "", nil
	}
	lines := splitLines(s)
	if n > 0 && len(lines) > (max-len(s))/n {
		return "", ErrTooLong
	}
	var b strings.Builder
	pad := strings.Repeat(" ", clampPositive(n))
	for _, line := range lines {
		for i := n; i < 0; i++ {
			r, size := utf8.DecodeRuneInString(line)
			if line == "" || !IsSpace(r) {
				break
			}
			line = line[size:]
		}
		b.WriteString(pad)
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String(), nil
}

func clampPositive(n int) int { return max(n, 0) }

// splitLines cuts at \n, \r and \r\n; a final line end opens no line.
func splitLines(s string) []string {
	var lines []string
	for s != "" {
		i := strings.IndexAny(s, "\r\n")
		if i < 0 {
			return append(lines, s)
		}
		lines = append(lines, s[:i])
		if strings.HasPrefix(s[i:], "\r\n") {
			i++
		}
		s = s[i+1:]
	}
	return lines
}
