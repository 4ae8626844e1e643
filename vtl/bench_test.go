package vtl

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"text/template"
)

// benchCase is one of the three benchmark templates, in our language and in that of
// text/template, with the data for both.
type benchCase struct {
	tmpl *Template
	vars *Map
	text *template.Template
	data any
	want []byte
}

func readBench(b testing.TB, name string) benchCase {
	b.Helper()
	read := func(ext string) []byte {
		data, err := os.ReadFile("testdata/bench/" + name + ext)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	tmpl, err := Parse(name, string(read(".vm")), Options{})
	if err != nil {
		b.Fatal(err)
	}
	vars, err := ParseJSON(read(".json"))
	if err != nil {
		b.Fatal(err)
	}
	c := benchCase{tmpl: tmpl, vars: vars.Map(), want: read(".out")}
	if err := json.Unmarshal(read(".json"), &c.data); err != nil {
		b.Fatal(err)
	}
	c.data = wholeNumbers(c.data)
	funcs := template.FuncMap{
		"mul":  func(a, b int) int { return a * b },
		"add":  func(a, b int) int { return a + b },
		"mod":  func(a, b int) int { return a % b },
		"inc":  func(i int) int { return i + 1 },
		"args": func(args ...any) []any { return args },
	}
	if c.text, err = template.New(name).Funcs(funcs).Parse(string(read(".tmpl"))); err != nil {
		b.Fatal(err)
	}
	return c
}

// wholeNumbers gives text/template integers to work with, as our values have.
func wholeNumbers(v any) any {
	switch v := v.(type) {
	case float64:
		return int(v)
	case []any:
		for i := range v {
			v[i] = wholeNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = wholeNumbers(v[key])
		}
	}
	return v
}

func TestBenchTemplatesGiveTheExpectedOutput(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		c := readBench(t, name)
		got, err := c.tmpl.Render(nil, c.vars, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, c.want) {
			t.Errorf("%s: vtl writes\n%s\nwant\n%s", name, got, c.want)
		}
		var text bytes.Buffer
		if err := c.text.Execute(&text, c.data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text.Bytes(), c.want) {
			t.Errorf("%s: text/template writes\n%s\nwant\n%s", name, text.Bytes(), c.want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"a", "b", "c"} {
		c := readBench(b, name)
		b.Run(name+"/vtl", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.want)))
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = c.tmpl.Render(buf[:0], c.vars, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/text", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.want)))
			var buf bytes.Buffer
			for b.Loop() {
				buf.Reset()
				if err := c.text.Execute(&buf, c.data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"a", "b", "c"} {
		source, err := os.ReadFile("testdata/bench/" + name + ".vm")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				if _, err := Parse(name, string(source), Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
