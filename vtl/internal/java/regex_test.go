package java

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// readCases reads a file of testdata: one JSON array a line, as Java 17 made it.
func readCases(t testing.TB, name string) [][]any {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases [][]any
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var c []any
		d := json.NewDecoder(strings.NewReader(sc.Text()))
		d.UseNumber()
		if err := d.Decode(&c); err != nil {
			t.Fatalf("%s: %v in %s", name, err, sc.Text())
		}
		cases = append(cases, c)
	}
	return cases
}

var wide = Bounds{Bytes: 1 << 20, Pieces: 1 << 20}

func TestRegexesDoAsInJava(t *testing.T) {
	cache := NewRegexCache(16)
	for _, c := range readCases(t, "regex.jsonl") {
		op, pattern := c[0].(string), c[1].(string)
		re, err := cache.Compile(pattern)
		var refused *RegexError
		if errors.As(err, &refused) && refused.Unsupported {
			continue // TestRegexesThatNeedBacktracking says which
		}
		if op == "compile" {
			if err == nil {
				t.Errorf("Compile(%q) passes, Java says %v", pattern, c[2])
			}
			continue
		}
		if err != nil {
			t.Errorf("Compile(%q): %v", pattern, err)
			continue
		}
		got, want := runRegexCase(re, c)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %q, Java has %q", c[:len(c)-1], got, want)
		}
	}
}

func runRegexCase(re *Regex, c []any) (got, want any) {
	s := c[2].(string)
	want = c[len(c)-1]
	switch c[0] {
	case "matches":
		got, _ = re.Matches(s, wide)
	case "split":
		limit, _ := c[3].(json.Number).Int64()
		pieces, _ := re.Split(s, int(limit), wide)
		list := []any{}
		for _, p := range pieces {
			list = append(list, p)
		}
		got = list
	default:
		replace := re.ReplaceAll
		if c[0] == "replaceFirst" {
			replace = re.ReplaceFirst
		}
		if out, err := replace(s, c[3].(string), wide); err == nil {
			got = out
		}
	}
	return got, want
}

func TestRegexesThatNeedBacktrackingAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ pattern, says string }{
		{`a(?=b)`, "lookahead (?="},
		{`a(?!b)`, "lookahead (?!"},
		{`(?<=a)b`, "lookbehind (?<="},
		{`(?<!a)b`, "lookbehind (?<!"},
		{`(a)\1`, `back-reference \1`},
		{`(?<n>a)\k<n>`, `\k`},
		{`a++`, "possessive quantifier ++"},
		{`a*+`, "possessive quantifier *+"},
		{`a{2}+`, "possessive quantifier {2}+"},
		{`(?>a)`, "independent group"},
		{`a\Gb`, `\G`},
	} {
		_, err := NewRegexCache(1).Compile(c.pattern)
		var refused *RegexError
		if !errors.As(err, &refused) || !refused.Unsupported || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Compile(%q) = %v, want it unsupported for %q", c.pattern, err, c.says)
		}
	}
}

func TestRegexesStopAtTheirBounds(t *testing.T) {
	cache := NewRegexCache(4)
	if _, err := cache.Compile(strings.Repeat("a", MaxRegexSource+1)); err == nil {
		t.Error("a pattern past the limit compiles")
	}
	if _, err := cache.Compile(`((a{1000}){1000}){1000}`); err == nil {
		t.Error("a pattern of a thousand million states compiles")
	}
	re, err := cache.Compile(`(a*)*(b|a*)*c`)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("no steps left")
	left := 10_000
	step := func(n int) error {
		if left -= n; left < 0 {
			return stop
		}
		return nil
	}
	if _, err := re.ReplaceAll(strings.Repeat("a", 1<<20), "", Bounds{Bytes: 1 << 20, Step: step}); !errors.Is(err, stop) {
		t.Errorf("a long search goes on past its steps: %v", err)
	}
	re, _ = cache.Compile("a")
	if _, err := re.ReplaceAll(strings.Repeat("a", 1000), strings.Repeat("b", 1000), Bounds{Bytes: 1 << 16}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a replacement grows past its bytes: %v", err)
	}
	if _, err := re.Split(strings.Repeat("a", 1000)+"b", 0, Bounds{Pieces: 10}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a split makes more than its pieces: %v", err)
	}
}

func FuzzRegexTranslation(f *testing.F) {
	for _, c := range readCases(f, "regex.jsonl") {
		f.Add(c[1].(string), "baaac, Привіт", "<$0>")
	}
	f.Fuzz(func(t *testing.T, pattern, s, repl string) {
		re, err := NewRegexCache(1).Compile(pattern)
		if err != nil {
			return
		}
		steps := 1 << 16
		bounds := Bounds{Bytes: 1 << 16, Pieces: 1 << 10, Step: func(n int) error {
			if steps -= n; steps < 0 {
				return ErrTooLong
			}
			return nil
		}}
		out, err := re.ReplaceAll(s, repl, bounds)
		if err == nil && len(out) > bounds.Bytes {
			t.Errorf("%d bytes for %q", len(out), pattern)
		}
		_, _ = re.Split(s, 0, bounds)
		_, _ = re.Matches(s, bounds)
	})
}
