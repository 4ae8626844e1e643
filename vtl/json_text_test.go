package vtl

import (
	"strings"
	"testing"
)

// bothReaders reads a text in both ways; what the fast one takes must be the same.
func bothReaders(t *testing.T, data []byte) (fast bool) {
	t.Helper()
	want, err := readJSON(data)
	text := jsonText{src: string(data)}
	got, ok := text.parse()
	if !ok {
		return false
	}
	if err != nil {
		t.Fatalf("%q: taken, but %v", data, err)
	}
	if describe(got) != describe(want) {
		t.Fatalf("%q gives %s, want %s", data, describe(got), describe(want))
	}
	return true
}

// describe writes a value with the kinds of all that is in it.
func describe(v Value) string {
	var b strings.Builder
	b.WriteString(v.Kind().String())
	switch {
	case v.List() != nil:
		for i := range v.List().Len() {
			b.WriteString("[" + describe(v.List().At(i)) + "]")
		}
	case v.Map() != nil:
		for i := range v.Map().Len() {
			key, val := v.Map().At(i)
			b.WriteString("{" + describe(key) + describe(val) + "}")
		}
	default:
		b.WriteString(" " + plainText(v))
	}
	return b.String()
}

func TestBothReadersOfJSONAgree(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, ` [ 1 , -2.5e-3 , true,false , null ] `, `{"a":{"b":[{}]},"a":1}`, `"plain é 😀"`, `"\u00e9\ud83d\ude00\ud800x\n\/"`,
		"\"\xff\"", `0`, `-0`, `1E400`, `9223372036854775808`, `2147483648`, `""`, `{"":""}`, "\t\"x\"\r\n", strings.Repeat("[", 500) + strings.Repeat("]", 500),
	} {
		if !bothReaders(t, []byte(s)) {
			t.Errorf("%.60q is left to the slow reader", s)
		}
	}
	for _, s := range []string{
		``, ` `, `{`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `tru`, `nul`, `"a`, "\"\n\"", `"\x"`, `1 2`, `[1}`, `{"a":1]`, `NaN`,
		strings.Repeat("[", 501) + strings.Repeat("]", 501), strings.Repeat("9", 10_000),
	} {
		if bothReaders(t, []byte(s)) {
			t.Errorf("%.60q is taken", s)
		}
	}
}

func FuzzBothReadersOfJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\n",null,true]}`, "\"\xff\\ud800\"", `[[[]]]`, `-0.0e-0`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { bothReaders(t, data) })
}

func BenchmarkParseJSON(b *testing.B) {
	data := []byte(`{"promocode":"KYIV-10","valid":true,"discount":{"percent":10,"until":"2026-12-31"},"items":[{"sku":"a","n":1},{"sku":"b","n":2}]}`)
	for _, way := range []struct {
		name string
		read func([]byte) (Value, error)
	}{{"both", ParseJSON}, {"encoding", readJSON}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := way.read(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
