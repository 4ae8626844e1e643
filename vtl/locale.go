package vtl

import (
	"slices"
	"strings"

	"tidings/vtl/internal/java"
)

// Locales lists the locales whose names and patterns the tools know, as "uk_UA", in
// alphabetical order.
func Locales() []string { return java.Tags() }

// KnownLocale reports whether the tools know a locale: a tag of Locales, also with -
// instead of _, or the language of one alone. Any other one renders as the same
// language at home, or as en_US.
func KnownLocale(tag string) bool {
	tag = strings.ReplaceAll(tag, "-", "_")
	return slices.ContainsFunc(java.Tags(), func(known string) bool {
		language, _, _ := strings.Cut(known, "_")
		return strings.EqualFold(tag, known) || strings.EqualFold(tag, language)
	})
}
