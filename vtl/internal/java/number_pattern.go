package java

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// NumberFormat is a DecimalFormat: a pattern with the symbols of a locale. It
// is a plain value that is never changed.
type NumberFormat struct {
	locale         *Locale
	posPrefix      string
	posSuffix      string
	negPrefix      string
	negSuffix      string
	multiplier     int // 1, 100 or 1000
	groupSize      int // 0: no grouping
	minInt, maxInt int
	minFrac        int
	maxFrac        int
	minExp         int // digits of the exponent; 0: no exponent
	pointAlways    bool
	currency       bool
	integerOnly    bool // parses up to the decimal point
}

// maxNumberPattern is the most characters of a pattern: what the longest
// sensible one never reaches, and a bound to the zeros it can print.
const maxNumberPattern = 512

// unlimited stands for DOUBLE_INTEGER_DIGITS and the like.
const unlimited = 1 << 30

// PatternError is what Java throws as an IllegalArgumentException for a
// pattern.
type PatternError struct{ Message string }

// Error returns Java's message.
func (e *PatternError) Error() string { return e.Message }

// numberPattern is the state of reading one half of a pattern.
type numberPattern struct {
	src        string
	pos        int
	prefix     string
	suffix     string
	inSuffix   bool
	point      int // digits before the decimal point, -1 if there is none
	multiplier int
	left       int // # before the first 0
	zeros      int
	right      int // # behind the last 0
	group      int // digits since the last comma, -1 if there is none
	exponent   int
	currency   bool
}

// ParseNumberFormat reads a pattern of DecimalFormat. The error is a
// *PatternError.
func ParseNumberFormat(pattern string, locale *Locale) (NumberFormat, error) {
	f := NumberFormat{locale: locale, multiplier: 1}
	if len(pattern) > maxNumberPattern {
		return f, &PatternError{"a number pattern of more than " + strconv.Itoa(maxNumberPattern) + " bytes"}
	}
	p := numberPattern{src: pattern, point: -1, multiplier: 1, group: -1}
	more, err := p.read(true)
	if err != nil {
		return f, err
	}
	f.take(&p)
	if pattern == "" {
		f.maxInt, f.maxFrac, f.groupSize = unlimited, unlimited, 3
	}
	negPrefix, negSuffix := p.prefix, p.suffix
	if more && p.pos < len(pattern) {
		n := numberPattern{src: pattern, pos: p.pos, point: -1, multiplier: 1, group: -1}
		if _, err := n.read(false); err != nil {
			return f, err
		}
		negPrefix, negSuffix = n.prefix, n.suffix
		f.currency = f.currency || n.currency
	}
	f.posPrefix, f.posSuffix = f.expand(p.prefix), f.expand(p.suffix)
	if negPrefix == p.prefix && negSuffix == p.suffix {
		f.negPrefix, f.negSuffix = locale.symbols.minus+f.posPrefix, f.posSuffix
	} else {
		f.negPrefix, f.negSuffix = f.expand(negPrefix), f.expand(negSuffix)
	}
	return f, nil
}

func (f *NumberFormat) take(p *numberPattern) {
	total := p.left + p.zeros + p.right
	point := p.point
	if point < 0 {
		point = total
	}
	f.minInt, f.maxInt = point-p.left, unlimited
	if p.exponent > 0 {
		f.maxInt = p.left + f.minInt
		f.minExp = p.exponent
	}
	if p.point >= 0 {
		f.maxFrac = total - p.point
		f.minFrac = p.left + p.zeros - p.point
	}
	f.groupSize = max(p.group, 0)
	f.multiplier = p.multiplier
	f.pointAlways = p.point == 0 || p.point == total
	f.currency = p.currency
}

// read goes over one half of the pattern; more reports that a ';' ended it.
// Affixes keep a mark, a quote, before each character that stands for a symbol.
func (p *numberPattern) read(positive bool) (more bool, err error) {
	number := false
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if number {
			if p.digit(c, positive) {
				p.pos++
				continue
			}
			if c == 'E' && positive {
				if err := p.exponential(); err != nil {
					return false, err
				}
			} else if c == 'E' {
				p.pos++
				continue
			}
			number = false
			p.inSuffix = true
			continue
		}
		switch c {
		case '#', '0', ',', '.':
			number = true
			continue
		case ';':
			if !p.inSuffix || !positive {
				return false, &PatternError{"Unquoted special character ';' in pattern \"" + p.src + `"`}
			}
			p.pos++
			return true, p.check()
		}
		if err := p.affix(); err != nil {
			return false, err
		}
	}
	if !positive {
		return false, nil
	}
	return false, p.check()
}

// digit counts c if it belongs to the digits of the pattern. What is wrong with
// their order shows in check.
func (p *numberPattern) digit(c byte, positive bool) bool {
	if c != '#' && c != '0' && c != ',' && c != '.' {
		return false
	}
	if !positive {
		return true
	}
	switch c {
	case '#':
		if p.zeros > 0 {
			p.right++
		} else {
			p.left++
		}
	case '0':
		if p.right > 0 {
			p.group = malformed
			return true
		}
		p.zeros++
	case ',':
		if p.group != malformed {
			p.group = 0
		}
		return true
	case '.':
		if p.point >= 0 {
			p.group = malformed
			return true
		}
		p.point = p.left + p.zeros + p.right
		return true
	}
	if p.group >= 0 && p.point < 0 {
		p.group++
	}
	return true
}

// malformed in the group count marks digits that no pattern may have.
const malformed = -2

func (p *numberPattern) check() error {
	if p.zeros == 0 && p.left > 0 && p.point >= 0 {
		n := max(p.point, 1)
		p.right = p.left - n
		p.left = n - 1
		p.zeros = 1
	}
	if p.point < 0 && p.right > 0 ||
		p.point >= 0 && (p.point < p.left || p.point > p.left+p.zeros) ||
		p.group == 0 || p.group == malformed {
		return &PatternError{"Malformed pattern \"" + p.src + `"`}
	}
	return nil
}

func (p *numberPattern) exponential() error {
	if p.exponent > 0 {
		return &PatternError{"Multiple exponential symbols in pattern \"" + p.src + `"`}
	}
	p.pos++
	for p.pos < len(p.src) && p.src[p.pos] == '0' {
		p.pos++
		p.exponent++
	}
	if p.left+p.zeros < 1 || p.exponent < 1 {
		return &PatternError{"Malformed exponential pattern \"" + p.src + `"`}
	}
	return nil
}

// affix reads one element of a prefix or suffix.
func (p *numberPattern) affix() error {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	text := p.src[p.pos : p.pos+n]
	p.pos += n
	switch r {
	case '\'':
		return p.quoted()
	case '¤':
		if strings.HasPrefix(p.src[p.pos:], "¤") {
			p.pos += n
			text = "¤¤"
		}
		p.currency = true
		text = "'" + text
	case '%', '‰':
		if p.multiplier != 1 {
			return &PatternError{"Too many percent/per mille characters in pattern \"" + p.src + `"`}
		}
		p.multiplier = 100
		if r == '‰' {
			p.multiplier = 1000
		}
		text = "'" + text
	case '-':
		text = "'-"
	}
	p.put(text)
	return nil
}

func (p *numberPattern) put(text string) {
	if p.inSuffix {
		p.suffix += text
	} else {
		p.prefix += text
	}
}

// quoted reads from behind a quote to the closing one; two quotes are one.
func (p *numberPattern) quoted() error {
	if strings.HasPrefix(p.src[p.pos:], "'") {
		p.pos++
		p.put("''")
		return nil
	}
	for {
		end := strings.IndexByte(p.src[p.pos:], '\'')
		if end < 0 {
			return &PatternError{"Malformed pattern \"" + p.src + `"`}
		}
		p.put(p.src[p.pos : p.pos+end])
		p.pos += end + 1
		if !strings.HasPrefix(p.src[p.pos:], "'") {
			return nil
		}
		p.put("''")
		p.pos++
	}
}

// expand puts the symbols of the locale into an affix.
func (f *NumberFormat) expand(affix string) string {
	if strings.IndexByte(affix, '\'') < 0 {
		return affix
	}
	var b strings.Builder
	s := &f.locale.symbols
	for affix != "" {
		i := strings.IndexByte(affix, '\'')
		if i < 0 {
			break
		}
		b.WriteString(affix[:i])
		affix = affix[i+1:]
		switch {
		case strings.HasPrefix(affix, "¤¤"):
			b.WriteString(s.intlCurrency)
			affix = affix[len("¤¤"):]
		case strings.HasPrefix(affix, "¤"):
			b.WriteString(s.currency)
			affix = affix[len("¤"):]
		case strings.HasPrefix(affix, "%"):
			b.WriteString(s.percent)
			affix = affix[1:]
		case strings.HasPrefix(affix, "‰"):
			b.WriteString(s.perMill)
			affix = affix[len("‰"):]
		case strings.HasPrefix(affix, "-"):
			b.WriteString(s.minus)
			affix = affix[1:]
		default:
			b.WriteByte('\'')
			affix = affix[1:]
		}
	}
	b.WriteString(affix)
	return b.String()
}

// Number is NumberFormat.getNumberInstance.
func (l *Locale) Number() NumberFormat { return l.format(0) }

// Currency is NumberFormat.getCurrencyInstance.
func (l *Locale) Currency() NumberFormat { return l.format(1) }

// Percent is NumberFormat.getPercentInstance.
func (l *Locale) Percent() NumberFormat { return l.format(2) }

// Integer is NumberFormat.getIntegerInstance.
func (l *Locale) Integer() NumberFormat {
	f := l.format(0)
	f.maxFrac, f.integerOnly = 0, true
	return f
}

func (l *Locale) format(style int) NumberFormat {
	f, err := ParseNumberFormat(l.numbers[style], l)
	if err != nil {
		panic("java: the table of " + l.Tag + ": " + err.Error())
	}
	return f
}
