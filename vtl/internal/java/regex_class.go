package java

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// runeSet is a sorted list of ranges: low, high, low, high, …
type runeSet []rune

// class reads a character class behind its [. Java lets classes nest and
// intersect, so the ranges are worked out here.
func (t *translation) class() error {
	set, err := t.classSet(0)
	if err != nil {
		return err
	}
	if len(set) == 0 {
		t.b.WriteString(`[^\x{0}-\x{10ffff}]`)
	} else {
		t.b.WriteByte('[')
		writeSet(&t.b, set)
		t.b.WriteByte(']')
	}
	t.atom = true
	return nil
}

func writeSet(b *strings.Builder, set runeSet) {
	for i := 0; i < len(set); i += 2 {
		fmt.Fprintf(b, `\x{%x}-\x{%x}`, set[i], set[i+1])
	}
}

// classSet reads up to and with the closing bracket.
func (t *translation) classSet(depth int) (runeSet, error) {
	if depth > maxRegexDepth {
		return nil, t.fail("classes nested too deep")
	}
	negated := t.peek("^")
	if negated {
		t.pos++
	}
	var total, part runeSet
	intersecting, empty := false, true
	merge := func() {
		part = part.normal()
		if !intersecting {
			total = part
		} else {
			total = total.intersect(part)
		}
		part = nil
	}
	for {
		switch {
		case t.pos >= len(t.src):
			return nil, t.fail("Unclosed character class")
		case t.peek("]") && !empty:
			t.pos++
			merge()
			if negated {
				total = total.complement()
			}
			return total, nil
		case t.peek("&&"):
			for t.peek("&") {
				t.pos++
			}
			merge()
			intersecting = true
			empty = t.peek("]")
			if empty {
				return nil, t.fail("Bad class syntax")
			}
			continue
		case t.peek("["):
			t.pos++
			inner, err := t.classSet(depth + 1)
			if err != nil {
				return nil, err
			}
			part = append(part, inner...)
		default:
			if t.flags.comments && strings.IndexByte(" \t\n\x0b\f\r", t.src[t.pos]) >= 0 {
				t.pos++
				continue
			}
			set, err := t.classRange()
			if err != nil {
				return nil, err
			}
			part = append(part, t.folded(set)...)
		}
		empty = false
	}
}

// maxFolded is the most characters of a range whose other cases are looked up.
const maxFolded = 1 << 12

// folded adds the other case of every character in mode (?i): of ASCII letters,
// and with (?u) of all.
func (t *translation) folded(set runeSet) runeSet {
	if !t.flags.fold {
		return set
	}
	out := set
	for i := 0; i < len(set); i += 2 {
		low, high := set[i], set[i+1]
		for _, letters := range [...][2]rune{{'a', 'z'}, {'A', 'Z'}} {
			if from, to := max(low, letters[0]), min(high, letters[1]); from <= to {
				out = append(out, from^0x20, to^0x20)
			}
		}
		for r := max(low, utf8.RuneSelf); t.flags.unicode && r <= high && high-low <= maxFolded; r++ {
			for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
				out = append(out, other, other)
			}
		}
	}
	return out
}

// classRange reads one character, a range of them, or an escape for a set.
func (t *translation) classRange() (runeSet, error) {
	low, set, err := t.classRune()
	if err != nil || set != nil {
		return set, err
	}
	if !t.peek("-") || t.peek("-]") || t.peek("-[") || t.pos+1 >= len(t.src) {
		return runeSet{low, low}, nil
	}
	save := t.pos
	t.pos++
	if t.peek("&&") {
		t.pos = save
		return runeSet{low, low}, nil
	}
	high, set, err := t.classRune()
	if err != nil {
		return nil, err
	}
	if set != nil {
		return append(set, low, low, '-', '-'), nil
	}
	if high < low {
		return nil, t.fail("Illegal character range")
	}
	return runeSet{low, high}, nil
}

func (t *translation) classRune() (rune, runeSet, error) {
	r := t.next()
	if r != '\\' {
		return r, nil, nil
	}
	if t.pos >= len(t.src) {
		return 0, nil, t.fail("Unclosed character class")
	}
	if t.peek("Q") {
		t.pos++
		end := strings.Index(t.src[t.pos:], `\E`)
		if end < 0 {
			return 0, nil, t.fail("Unclosed character class")
		}
		set := make(runeSet, 0, 2*end)
		for _, r := range t.src[t.pos : t.pos+end] {
			set = append(set, r, r)
		}
		t.pos += end + 2
		return 0, set, nil
	}
	inner, r, err := t.escapedSet()
	if err != nil || inner == "" {
		return r, nil, err
	}
	tree, err := syntax.Parse("["+inner+"]", syntax.Perl)
	if err != nil {
		return 0, nil, t.fail(syntaxMessage(err))
	}
	switch tree.Op {
	case syntax.OpAnyChar:
		return 0, runeSet{0, unicode.MaxRune}, nil
	case syntax.OpLiteral:
		return 0, runeSet{tree.Rune[0], tree.Rune[0]}, nil
	}
	return 0, runeSet(tree.Rune), nil
}

// normal sorts the ranges and joins those that touch.
func (s runeSet) normal() runeSet {
	type span struct{ low, high rune }
	spans := make([]span, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		spans = append(spans, span{s[i], s[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.low - b.low) })
	var out runeSet
	for _, sp := range spans {
		if n := len(out); n > 0 && sp.low <= out[n-1]+1 {
			out[n-1] = max(out[n-1], sp.high)
			continue
		}
		out = append(out, sp.low, sp.high)
	}
	return out
}

func (s runeSet) complement() runeSet {
	var out runeSet
	low := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > low {
			out = append(out, low, s[i]-1)
		}
		low = s[i+1] + 1
	}
	if low <= utf8.MaxRune {
		out = append(out, low, utf8.MaxRune)
	}
	return out
}

func (s runeSet) intersect(o runeSet) runeSet {
	var out runeSet
	for i, j := 0, 0; i < len(s) && j < len(o); {
		low, high := max(s[i], o[j]), min(s[i+1], o[j+1])
		if low <= high {
			out = append(out, low, high)
		}
		if s[i+1] < o[j+1] {
			i += 2
		} else {
			j += 2
		}
	}
	return out
}

// property reads the name behind \p or \P and gives the inside of a class.
func (t *translation) property(negated bool) (string, error) {
	if t.pos >= len(t.src) {
		return "", t.fail("Illegal character property")
	}
	name := ""
	if t.peek("{") {
		end := strings.IndexByte(t.src[t.pos:], '}')
		if end < 0 {
			return "", t.fail("Unclosed character family")
		}
		name = t.src[t.pos+1 : t.pos+end]
		t.pos += end + 1
	} else {
		name = string(t.next())
	}
	set, ok := posixClass(name)
	if !ok {
		set, ok = unicodeClass(name)
	}
	if !ok {
		return "", t.fail("Unknown character property name {" + name + "}")
	}
	if !negated {
		return set, nil
	}
	tree, err := syntax.Parse("[^"+set+"]", syntax.Perl)
	if err != nil {
		return "", t.fail(syntaxMessage(err))
	}
	var b strings.Builder
	writeSet(&b, runeSet(tree.Rune))
	return b.String(), nil
}

// posixClass is a class of Java that looks at ASCII only.
func posixClass(name string) (string, bool) {
	switch name {
	case "Lower":
		return "a-z", true
	case "Upper":
		return "A-Z", true
	case "ASCII":
		return `\x{0}-\x{7f}`, true
	case "Alpha":
		return "a-zA-Z", true
	case "Digit":
		return "0-9", true
	case "Alnum":
		return "0-9a-zA-Z", true
	case "Punct":
		return "!-/:-@\\[-`{-~", true
	case "Graph":
		return "!-~", true
	case "Print":
		return " -~", true
	case "Blank":
		return ` \t`, true
	case "Cntrl":
		return `\x{0}-\x{1f}\x{7f}`, true
	case "XDigit":
		return "0-9a-fA-F", true
	case "Space":
		return `\t-\r `, true
	}
	return "", false
}

// unicodeClass is a category, script or binary property of Unicode.
func unicodeClass(name string) (string, bool) {
	if kind, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(kind) {
		case "script", "sc", "isscript", "general_category", "gc":
			name = value
		default:
			return "", false
		}
	}
	switch strings.TrimPrefix(name, "Is") {
	case "Alphabetic", "javaAlphabetic":
		return `\p{L}\p{Nl}`, true
	case "Letter", "javaLetter":
		return `\p{L}`, true
	case "Digit", "javaDigit":
		return `\p{Nd}`, true
	case "javaLetterOrDigit":
		return `\p{L}\p{Nd}`, true
	case "Lowercase", "javaLowerCase":
		return `\p{Ll}`, true
	case "Uppercase", "javaUpperCase":
		return `\p{Lu}`, true
	case "Punctuation":
		return `\p{P}`, true
	case "White_Space", "javaWhitespace":
		return `\t-\r \x{85}\x{a0}\p{Z}`, true
	case "LC":
		return `\p{Lu}\p{Ll}\p{Lt}`, true
	}
	name = strings.TrimPrefix(name, "Is")
	if _, ok := unicode.Categories[name]; ok {
		return `\p{` + name + `}`, true
	}
	for script := range unicode.Scripts {
		if strings.EqualFold(script, name) {
			return `\p{` + script + `}`, true
		}
	}
	if set, ok := blocks[strings.ToLower(strings.TrimPrefix(name, "In"))]; ok {
		return set, true
	}
	return "", false
}

// blocks are the Unicode blocks that patterns name: \p{InCyrillic}.
var blocks = map[string]string{
	"basiclatin": `\x{0}-\x{7f}`, "latin1supplement": `\x{80}-\x{ff}`, "latinextended-a": `\x{100}-\x{17f}`,
	"greek": `\x{370}-\x{3ff}`, "cyrillic": `\x{400}-\x{4ff}`, "armenian": `\x{530}-\x{58f}`,
	"hebrew": `\x{590}-\x{5ff}`, "arabic": `\x{600}-\x{6ff}`, "georgian": `\x{10a0}-\x{10ff}`,
	"hiragana": `\x{3040}-\x{309f}`, "katakana": `\x{30a0}-\x{30ff}`,
}
