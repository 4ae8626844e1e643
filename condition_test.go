package tidings_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidings"
)

func TestComparisonsHoldAsPeopleMeanThem(t *testing.T) {
	values := map[string]tidings.FieldValue{
		"town":   {Type: tidings.FieldText, Text: "Львів, Галичина"},
		"number": {Type: tidings.FieldNumber, Text: "10.0"},
		"huge":   {Type: tidings.FieldNumber, Text: "9007199254740993"},
		"digits": {Type: tidings.FieldText, Text: "9"},
		"day":    {Type: tidings.FieldDate, Text: "2026-01-31"},
		"time":   {Type: tidings.FieldDate, Text: "2026-01-31T10:00:00Z"},
		"yes":    {Type: tidings.FieldBool, Text: "true"},
		"likes":  {Type: tidings.FieldList, List: []string{"Green Tea", "7"}},
		"empty":  {Type: tidings.FieldText},
	}
	lookup := func(name string) (tidings.FieldValue, bool) {
		v, ok := values[strings.ToLower(name)]
		return v, ok
	}
	for _, c := range []struct {
		field string
		op    tidings.Operator
		value string // several between |
		holds bool
	}{
		{"town", tidings.Equals, "львів, галичина", true},
		{"town", tidings.Equals, "львів", false},
		{"town", tidings.NotEquals, "львів", true},
		{"town", tidings.Contains, "ГАЛИ", true},
		{"town", tidings.StartsWith, "львів", true},
		{"town", tidings.EndsWith, "чина", true},
		{"town", tidings.EndsWith, "львів", false},
		{"town", tidings.OneOf, "x|ЛЬВІВ, ГАЛИЧИНА", true},
		{"town", tidings.OneOf, "x|y", false},
		{"town", tidings.IsSet, "", true},
		{"town", tidings.IsEmpty, "", false},
		{"town", tidings.Greater, "1", false},
		{"town", tidings.NotContains, "ГАЛИ", false},
		{"town", tidings.NotContains, "київ", true},
		{"town", tidings.NotStartsWith, "львів", false},
		{"town", tidings.NotStartsWith, "галич", true},
		{"town", tidings.NotEndsWith, "чина", false},
		{"town", tidings.NotEndsWith, "львів", true},
		{"town", tidings.NotOneOf, "x|ЛЬВІВ, ГАЛИЧИНА", false},
		{"town", tidings.NotOneOf, "x|y", true},
		{"town", tidings.Matches, "Галич", true},
		{"town", tidings.Matches, ".*Галич.*", true},
		{"town", tidings.Matches, "галич", false},
		{"town", tidings.Matches, "(?i)галич", true},
		{"town", tidings.Matches, "^Галич", false},
		{"town", tidings.Matches, `^\p{Lu}\p{Ll}+, `, true},
		{"number", tidings.Matches, `^1\d\.0$`, true},
		{"likes", tidings.Matches, "^Green", true},
		{"likes", tidings.Matches, "^Black", false},
		{"likes", tidings.NotContains, "tea", false},
		{"likes", tidings.NotOneOf, "7|8", false},
		{"none", tidings.NotContains, "x", true},
		{"none", tidings.NotStartsWith, "x", true},
		{"none", tidings.NotEndsWith, "x", true},
		{"none", tidings.NotOneOf, "x", true},
		{"none", tidings.Matches, ".*", false},
		{"empty", tidings.Matches, ".*", false},
		{"empty", tidings.IsSet, "", false},
		{"empty", tidings.IsEmpty, "", true},
		{"none", tidings.IsEmpty, "", true},
		{"none", tidings.NotEquals, "x", true},
		{"none", tidings.Equals, "", false},
		{"none", tidings.Contains, "", false},
		{"none", tidings.Less, "1", false},
		{"number", tidings.Equals, "10", true},
		{"number", tidings.Equals, "1e1", true},
		{"number", tidings.NotEquals, "10.00", false},
		{"number", tidings.Greater, "9", true},
		{"number", tidings.Greater, "10", false},
		{"number", tidings.Less, "10.0000001", true},
		{"number", tidings.StartsWith, "10.", true},
		{"huge", tidings.Greater, "9007199254740992", true},
		{"huge", tidings.Equals, "9007199254740992", false},
		{"digits", tidings.Less, "10", true},
		{"digits", tidings.Equals, "9.0", false},
		{"day", tidings.Equals, "2026-01-31", true},
		{"day", tidings.Less, "2026-02-01", true},
		{"day", tidings.Greater, "2026-01-30T23:59:59Z", true},
		{"day", tidings.Greater, "7", false},
		{"time", tidings.Greater, "2026-01-31", true},
		{"time", tidings.Equals, "2026-01-31T12:00:00+02:00", true},
		{"yes", tidings.Equals, "TRUE", true},
		{"likes", tidings.Equals, "green tea", true},
		{"likes", tidings.Contains, "tea", true},
		{"likes", tidings.Greater, "6", true},
		{"likes", tidings.NotEquals, "green tea", false},
		{"likes", tidings.NotEquals, "coffee", true},
	} {
		condition := tidings.Condition{Field: c.field, Op: c.op}
		if c.value != "" || c.op == tidings.Equals || c.op == tidings.Contains {
			condition.Values = strings.Split(c.value, "|")
		}
		if faults := tidings.CheckCondition(&condition); len(faults) > 0 {
			t.Errorf("%s %s %q: %v", c.field, c.op, c.value, faults)
			continue
		}
		if got := condition.Matcher()(lookup); got != c.holds {
			t.Errorf("%s %s %q: %t", c.field, c.op, c.value, got)
		}
	}
}

// conditions draws conditions over three values.
func conditions(depth int) *rapid.Generator[tidings.Condition] {
	leaf := rapid.Custom(func(t *rapid.T) tidings.Condition {
		c := tidings.Condition{Field: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "field"), Op: rapid.SampledFrom(tidings.Operators()).Draw(t, "op")}
		number := rapid.SampledFrom([]string{"1", "2", "3"})
		switch c.Op {
		case tidings.IsSet, tidings.IsEmpty:
		case tidings.OneOf, tidings.NotOneOf:
			c.Values = rapid.SliceOfN(number, 1, 3).Draw(t, "values")
		default:
			c.Values = []string{number.Draw(t, "value")}
		}
		return c
	})
	if depth == 0 {
		return leaf
	}
	list := rapid.SliceOfN(conditions(depth-1), 1, 3)
	return rapid.OneOf(
		leaf,
		rapid.Map(list, func(of []tidings.Condition) tidings.Condition { return tidings.Condition{All: of} }),
		rapid.Map(list, func(of []tidings.Condition) tidings.Condition { return tidings.Condition{Any: of} }),
	)
}

// holds is what a condition means, said plainly.
func holds(c *tidings.Condition, of map[string]string) bool {
	count := 0
	for i := range append(c.All, c.Any...) {
		if holds(&append(c.All, c.Any...)[i], of) {
			count++
		}
	}
	switch {
	case c.All != nil:
		return count == len(c.All)
	case c.Any != nil:
		return count > 0
	}
	v := of[c.Field]
	switch c.Op {
	case tidings.IsSet:
		return v != ""
	case tidings.IsEmpty:
		return v == ""
	case tidings.NotEquals, tidings.NotContains, tidings.NotStartsWith, tidings.NotEndsWith:
		return v != c.Values[0] // of one digit all four are this
	case tidings.OneOf:
		return slices.Contains(c.Values, v)
	case tidings.NotOneOf:
		return !slices.Contains(c.Values, v)
	case tidings.Greater:
		return v != "" && v > c.Values[0]
	case tidings.Less:
		return v != "" && v < c.Values[0]
	}
	return v == c.Values[0] // of one digit all the others are this
}

func TestConditionsHoldAsTheirPartsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := conditions(3).Draw(t, "condition")
		if faults := tidings.CheckCondition(&c); len(faults) > 0 {
			t.Fatal(faults)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back tidings.Condition
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		for _, name := range []string{"A", "B", "C"} {
			of[name] = rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, name)
		}
		lookup := func(name string) (tidings.FieldValue, bool) {
			return tidings.FieldValue{Type: tidings.FieldText, Text: of[name]}, of[name] != ""
		}
		if got, want := back.Matcher()(lookup), holds(&c, of); got != want {
			t.Fatalf("%s of %v: %t, want %t", text, of, got, want)
		}
	})
}

func TestAConditionNamesWhatItAsksFor(t *testing.T) {
	c := tidings.Condition{All: []tidings.Condition{
		{Field: "town", Op: tidings.IsSet},
		{Any: []tidings.Condition{{Field: "Personal.Bonus", Op: tidings.IsSet}, {Field: "TOWN", Op: tidings.IsEmpty}}},
	}}
	if got := strings.Join(c.Names(), " "); got != "PERSONAL.BONUS TOWN" {
		t.Error(got)
	}
}

func TestALongTextIsMatchedAtItsBeginning(t *testing.T) {
	long := strings.Repeat("x", tidings.MaxMatched)
	lookup := func(string) (tidings.FieldValue, bool) {
		return tidings.FieldValue{Type: tidings.FieldText, Text: "b" + long + "c"}, true
	}
	for pattern, holds := range map[string]bool{"bx": true, "xc": false} {
		c := tidings.Condition{Field: "reply", Op: tidings.Matches, Values: []string{pattern}}
		if c.Matcher()(lookup) != holds {
			t.Errorf("%s: %t", pattern, !holds)
		}
	}
}

func TestAPatternIsCheckedOnSave(t *testing.T) {
	for pattern, wrong := range map[string]string{
		`.*"4":"m".*`:              "",
		"London":                   "",
		"":                         "is an empty regular expression, which every text matches: use isSet",
		"a(b":                      `is no regular expression: missing closing ): "a(b" (the syntax is RE2's: no lookaround and no back-references)`,
		`(?=x)`:                    `is no regular expression: invalid or unsupported Perl syntax: "(?=" (the syntax is RE2's: no lookaround and no back-references)`,
		strings.Repeat("щ", 1001):  "is longer than 1000 characters",
		strings.Repeat("щ", 1000):  "",
		`x{1000}y{900}`:            "",
		`x{1000}y{1000}z{1000}`:    "takes too long to be looked for: repeat less, as in a{10} in place of a{1000}",
		`((((a{100}){100}){100}))`: `is no regular expression: invalid repeat count: "{100}" (the syntax is RE2's: no lookaround and no back-references)`,
	} {
		faults := tidings.CheckCondition(&tidings.Condition{Field: "TOWN", Op: tidings.Matches, Values: []string{pattern}})
		got := ""
		if len(faults) > 0 {
			got = faults[0].Reason
		}
		if len(faults) > 1 || got != wrong {
			t.Errorf("%.40q: %v, want %q", pattern, faults, wrong)
		}
	}
}
