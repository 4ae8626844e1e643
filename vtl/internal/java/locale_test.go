package java

import (
	"slices"
	"testing"
)

func TestLocalesAreFoundByAnyFormOfTheirTag(t *testing.T) {
	for tag, want := range map[string]string{
		"uk_UA": "uk_UA", "uk-UA": "uk_UA", "UK_ua": "uk_UA", "uk": "uk_UA", "uk_PL": "uk_UA", "uk_UA_variant": "uk_UA",
		"en": "en_US", "en_GB": "en_GB", "en_ZA": "en_US", "de": "de_DE", "de_AT": "de_AT", "pt": "pt_BR", "pt-PT": "pt_PT",
		"fr_BE": "fr_BE", "ru": "ru_RU", "ka": "ka_GE", "xx": "en_US", "": "en_US", "_": "en_US",
	} {
		if got := LookupLocale(tag).Tag; got != want {
			t.Errorf("LookupLocale(%q) is %s, want %s", tag, got, want)
		}
	}
}

func TestLocaleTablesAreWhole(t *testing.T) {
	if !slices.IsSortedFunc(locales[:], func(a, b *Locale) int { return Compare(a.Tag, b.Tag) }) {
		t.Error("the locales are not sorted by tag")
	}
	for _, l := range locales {
		for _, f := range []NumberFormat{l.Number(), l.Currency(), l.Percent(), l.Integer()} {
			if f.locale != l {
				t.Errorf("%s: a format of another locale", l.Tag)
			}
		}
		for family := range zoneFamilies {
			for kind := range namesOfFamily {
				if l.familyName(family, kind) == "" {
					t.Errorf("%s: zone family %d has no name %d", l.Tag, family, kind)
				}
			}
		}
		for date := Full; date <= Short; date++ {
			for clock := Full; clock <= Short; clock++ {
				f := l.DateStyle(date, clock)
				if _, err := ParseDateFormat(f.pattern, l); err != nil {
					t.Errorf("%s: the style %d %d: %v", l.Tag, date, clock, err)
				}
			}
		}
	}
}

func TestEveryEntityIsFoundByItsCharacter(t *testing.T) {
	for _, e := range entities {
		if got := entityName(e.r); got != e.name {
			t.Errorf("%q is %s, want %s", e.r, got, e.name)
		}
	}
	for _, r := range "a'Яі\u00ff1" {
		if name := entityName(r); name != "" && r != 'ÿ' {
			t.Errorf("%q has the name %s", r, name)
		}
	}
}

func TestOnlyNamesOfTheDatabaseAreZones(t *testing.T) {
	for name, want := range map[string]bool{
		"Europe/Kyiv": true, "UTC": true, "Zulu": true, "America/Argentina/Buenos_Aires": true,
		"": false, "Kyiv": false, "Europe": false, "../etc/passwd": false, "Europe/Kyiv Europe/Lisbon": false, "Local": false,
	} {
		if KnownZone(name) != want {
			t.Errorf("KnownZone(%q) is %v", name, !want)
		}
	}
}
