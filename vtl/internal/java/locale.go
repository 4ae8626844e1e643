package java

import (
	"slices"
	"strings"
)

// Locale is what Java knows of a language in a country, as far as numbers and
// dates need it. Locales are immutable.
type Locale struct {
	Tag             string // language and country: uk_UA
	months          [12]string
	shortMonths     [12]string
	soloMonths      [12]string // standing alone, without a day
	soloShortMonths [12]string
	days            [7]string // from Sunday
	shortDays       [7]string
	ampm            [2]string
	eras            [2]string
	longEras        [2]string
	firstDay        int // of the week, 1 is Sunday
	minDays         int // that the first week of a year has at least
	symbols         symbols
	numbers         [3]string // patterns: number, currency, percent
	dates           [4]string // patterns: full, long, medium, short
	times           [4]string
	glue            [4]string // between date and time, by the shorter style of the two
	zones           string    // four names for each of zoneFamilies, separated by |
}

type symbols struct {
	decimal, group, minus, percent, perMill, exponent, infinity, nan string
	currency, intlCurrency, moneyDecimal, moneyGroup                 string
}

// LookupLocale finds a locale by a tag such as "uk", "uk_UA" or "uk-UA". An
// unknown country falls back to the country where the language is at home, an
// unknown language to en_US.
func LookupLocale(tag string) *Locale {
	for _, l := range locales {
		if l.Tag == tag {
			return l
		}
	}
	language, country := splitTag(tag)
	full := strings.ToLower(language) + "_" + strings.ToUpper(country)
	at, found := slices.BinarySearchFunc(locales[:], full, func(l *Locale, tag string) int {
		return strings.Compare(l.Tag, tag)
	})
	if found {
		return locales[at]
	}
	switch strings.ToLower(language) {
	case "de":
		return &localeDEDE
	case "es":
		return &localeESES
	case "fr":
		return &localeFRFR
	case "nl":
		return &localeNLNL
	case "pt":
		return &localePTBR
	case "ru":
		return &localeRURU
	case "en":
		return &localeENUS
	}
	for _, l := range locales {
		if strings.EqualFold(l.Tag[:2], language) {
			return l
		}
	}
	return &localeENUS
}

// Tags lists the locales that have tables of their own.
func Tags() []string {
	tags := make([]string, len(locales))
	for i, l := range locales {
		tags[i] = l.Tag
	}
	return tags
}

func splitTag(tag string) (language, country string) {
	i := strings.IndexAny(tag, "_-")
	if i < 0 {
		return tag, ""
	}
	language, country = tag[:i], tag[i+1:]
	if i = strings.IndexAny(country, "_-"); i >= 0 {
		country = country[:i]
	}
	return language, country
}

// ToUpper is String.toUpperCase with the rules of the locale.
func (l *Locale) ToUpper(s string) string { return upper(s, l.Tag[:2]) }

// ToLower is String.toLowerCase with the rules of the locale.
func (l *Locale) ToLower(s string) string { return lower(s, l.Tag[:2]) }

// zoneFamily is a family of time zones that share their names.
type zoneFamily struct {
	standard int    // minutes east of UTC
	members  string // zone names, each between blanks
}

// The names of a family in Locale.zones.
const (
	longStandard = iota
	longSummer
	shortStandard
	shortSummer
	namesOfFamily
)

// zoneName is the name of a time zone as the letter z prints it. abbreviation
// and offset (seconds) serve where the zone is not in the tables.
func (l *Locale) zoneName(zone string, long, summer bool, abbreviation string, offset int) string {
	kind := shortStandard
	if long {
		kind = longStandard
	}
	if summer {
		kind++
	}
	for i := range zoneFamilies {
		if inBlanks(zoneFamilies[i].members, zone) {
			return l.familyName(i, kind)
		}
	}
	if !long && abbreviation != "" && abbreviation[0] >= 'A' {
		return abbreviation
	}
	return string(appendOffset([]byte("GMT"), offset, true))
}

// inBlanks reports whether name stands in list, in which every name has a blank
// on either side.
func inBlanks(list, name string) bool {
	if name == "" || strings.Contains(name, " ") {
		return false
	}
	for from := 0; ; {
		i := strings.Index(list[from:], name)
		if i < 0 {
			return false
		}
		i += from
		if list[i-1] == ' ' && list[i+len(name)] == ' ' {
			return true
		}
		from = i + 1
	}
}

func (l *Locale) familyName(family, kind int) string {
	rest := l.zones
	for n := family*namesOfFamily + kind; n > 0; n-- {
		_, rest, _ = strings.Cut(rest, "|")
	}
	name, _, _ := strings.Cut(rest, "|")
	return name
}

// appendOffset appends +hh:mm or +hhmm.
func appendOffset(dst []byte, seconds int, colon bool) []byte {
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	dst = appendPadded(append(dst, sign), seconds/3600, 2)
	if colon {
		dst = append(dst, ':')
	}
	return appendPadded(dst, seconds/60%60, 2)
}
