package vtl

import (
	"errors"
	"strings"
	"testing"
)

// seedFuzz starts from the templates of the kit and of the limits' tests.
func seedFuzz(f *testing.F) {
	for _, c := range readKit(f, "testdata/kit/open.jsonl") {
		f.Add(c.Template)
	}
	for _, c := range hostile {
		f.Add(c.template)
	}
	for _, source := range []string{
		"%FIRSTNAME|friend% %X", "$x#set($y=1)[$x]", "#[[", "#*", "#**", "$!{", "${$a|", "\\\\\\$", "#{if}(", "\"",
		"$a.b(\"#if($x)\u0000\")", "\x1c", "$\x1c#", "#set($a=\"\\u12\")", "\xff$a\xed\xa0\x80",
	} {
		f.Add(source)
	}
}

func FuzzParse(f *testing.F) {
	seedFuzz(f)
	f.Fuzz(func(t *testing.T, source string) {
		for _, opts := range []Options{{}, {MergeTags: true, VelocityCount: true}} {
			tmpl, err := Parse("fuzz", source, opts)
			if err != nil {
				checkFuzzError(t, err, source)
				continue
			}
			if got := tmpl.String(); got != source {
				t.Fatalf("prints itself as %q, want %q", got, source)
			}
			for _, u := range tmpl.References() {
				if u.Name == "" || u.Line < 1 || u.Col < 1 {
					t.Fatalf("odd reference %+v", u)
				}
			}
		}
	})
}

// checkFuzzError wants a place within the source.
func checkFuzzError(t *testing.T, err error, source string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("no *Error: %v", err)
	}
	if e.Kind == KindInternal {
		t.Fatalf("internal error: %v", e)
	}
	lines := strings.Count(source, "\n") + strings.Count(source, "\r") + 1
	if e.Kind == KindParse && (e.Line < 1 || e.Line > lines || e.Col < 1) {
		t.Fatalf("placed at %d:%d of %d lines: %v", e.Line, e.Col, lines, e)
	}
}

func FuzzRender(f *testing.F) {
	seedFuzz(f)
	vars, err := ParseJSON([]byte(`{"x":1,"y":2.5,"s":"a,b","l":[1,"b",[3]],"m":{"k":"v"},"n":null,"t":true,
		"name":"Olena","items":["a","b","c"],"user":{"first":"Ivan","tags":["vip"]},"data":{"items":[{"name":"A"}]}}`))
	if err != nil {
		f.Fatal(err)
	}
	tiny := Limits{
		Steps: 3000, Loops: 200, Output: 1 << 12, Memory: 1 << 16, String: 1 << 10, Collection: 50,
		MacroDepth: 5, ParseDepth: 3, EvalDepth: 3, DefineDepth: 5, TextDepth: 10, IntegerBits: 200,
	}
	before, err := (&render{}).describe(vars.Map())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse("fuzz", source, Options{})
		if err != nil {
			return
		}
		opts := &RenderOptions{
			Limits:  tiny,
			Tools:   kitTools(),
			Load:    func(name string) (*Template, error) { return Parse(name, name, Options{}) },
			Include: func(name string) (string, bool) { return name, true },
			Random:  func() float64 { return 0.5 },
		}
		out, err := tmpl.Render(nil, vars.Map(), opts)
		if err != nil {
			checkFuzzError(t, err, source)
		}
		const slack = 64 // of the piece that went over
		if len(out) > tiny.Output+slack {
			t.Fatalf("wrote %d bytes", len(out))
		}
		again, err2 := tmpl.Render(nil, vars.Map(), opts)
		if string(again) != string(out) || (err == nil) != (err2 == nil) {
			t.Fatalf("renders differ: %q %v, then %q %v", out, err, again, err2)
		}
		if after, err := (&render{}).describe(vars.Map()); err != nil || after != before {
			t.Fatalf("the input changed to %s, from %s", after, before)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, source := range []string{`{"a":[1,2.5,null,true,"x"]}`, `12345678901234567890`, `1e999`, `"\ud83d"`, `[[[`, `{"a":1,"a":2}`, ``} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		v, err := ParseJSON([]byte(source))
		if err == nil && v.Kind() > KindMap {
			t.Fatalf("JSON gave a %s", v.Kind())
		}
	})
}
