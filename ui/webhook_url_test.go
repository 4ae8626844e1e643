package ui

import (
	"reflect"
	"testing"
)

func TestAQueryIsSplitIntoRowsAndJoinedAgain(t *testing.T) {
	for url, want := range map[string][]pair{
		"https://a.example/p":                        nil,
		"https://a.example/p?email=${email}&x=1":     {{"email", "${email}"}, {"x", "1"}},
		"https://a.example/?q=${a|'b&c=d'}&r=$b.c":   {{"q", "${a|'b&c=d'}"}, {"r", "$b.c"}},
		"https://a.example/?t=%TOWN|a&b%&u=%D0%9B":   {{"t", "%TOWN|a&b%"}, {"u", "%D0%9B"}},
		"https://a.example/?x=1=2":                   {{"x", "1=2"}},
		"https://a.example/?flag&x=1":                nil,
		"https://a.example/?#if($a)x=1#end":          nil,
		"https://a.example/$data.get('a?b').c?x=$!y": {{"x", "$!y"}},
	} {
		base, rows := splitQuery(url)
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("%s has the rows %q, want %q", url, rows, want)
		}
		if got := joinQuery(base, rows); got != url {
			t.Errorf("%s became %s", url, got)
		}
	}
}

func TestWhatWouldEndARowIsWrittenSoThatItDoesNot(t *testing.T) {
	got := joinQuery("https://a.example/?a=1", []pair{{"b=c", "x & y #1"}, {"d", "${e|'f & g'}"}})
	if want := "https://a.example/?a=1&b%3Dc=x%20%26%20y%20%231&d=${e|'f & g'}"; got != want {
		t.Errorf("joined to %s, want %s", got, want)
	}
}

func FuzzSplitQuery(f *testing.F) {
	for _, seed := range []string{"https://a.example/?a=$b&c=${d|'e&f'}", "?=&", "https://a/?%x|&%=1", "$a.b(?)?c=1", "?a= b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		base, rows := splitQuery(url)
		once := joinQuery(base, rows)
		base, rows = splitQuery(once)
		if again := joinQuery(base, rows); again != once {
			t.Errorf("%q became %q and then %q", url, once, again)
		}
	})
}

func TestPathsOfReplyValuesAreReadStepByStep(t *testing.T) {
	for path, want := range map[string][]string{
		"":                        nil,
		"contacts[0].id":          {"contacts", "0", "id"},
		`[1]["first name"].x`:     {"1", "first name", "x"},
		`["a\"].b"][0]["c"]`:      {`a"].b`, "0", "c"},
		`items[12]["тест"].sku_1`: {"items", "12", "тест", "sku_1"},
		`["broken`:                {`["broken`},
		"promocode":               {"promocode"},
		"a.b.c[0][1]":             {"a", "b", "c", "0", "1"},
	} {
		if got := pathSteps(path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s has the steps %q, want %q", path, got, want)
		}
	}
}
