package vtl

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the results in testdata/script")

// scriptCase is one case of a script file:
//
//	== what it shows
//	vars {"a": 1}
//	set merge count strict tools
//	|template, one line after the other
//	>output, likewise
//	! 1:5 method
type scriptCase struct {
	name     string
	vars     string
	options  string
	template []string
	output   []string
	failure  string
}

// TestScripts runs testdata/script.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, cases := readScript(string(data))
	for i := range cases {
		c := &cases[i]
		output, failure := c.run(t)
		if *update {
			c.output, c.failure = output, failure
			continue
		}
		if got, want := strings.Join(output, "\n"), strings.Join(c.output, "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
		}
		if failure != c.failure {
			t.Errorf("%s: got error %q, want %q", c.name, failure, c.failure)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+writeScript(cases)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readScript(data string) (head string, cases []scriptCase) {
	for _, line := range strings.Split(strings.TrimRight(data, "\n"), "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			cases = append(cases, scriptCase{name: name})
			continue
		}
		if len(cases) == 0 {
			head += line + "\n"
			continue
		}
		c := &cases[len(cases)-1]
		switch {
		case strings.HasPrefix(line, "vars "):
			c.vars = line[5:]
		case strings.HasPrefix(line, "set "):
			c.options = line[4:]
		case strings.HasPrefix(line, "|"):
			c.template = append(c.template, line[1:])
		case strings.HasPrefix(line, ">"):
			c.output = append(c.output, line[1:])
		case strings.HasPrefix(line, "! "):
			c.failure = line[2:]
		}
	}
	return head, cases
}

func writeScript(cases []scriptCase) string {
	var b strings.Builder
	for i, c := range cases {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "== %s\n", c.name)
		if c.vars != "" {
			fmt.Fprintf(&b, "vars %s\n", c.vars)
		}
		if c.options != "" {
			fmt.Fprintf(&b, "set %s\n", c.options)
		}
		for _, line := range c.template {
			fmt.Fprintf(&b, "|%s\n", line)
		}
		for _, line := range c.output {
			fmt.Fprintf(&b, ">%s\n", line)
		}
		if c.failure != "" {
			fmt.Fprintf(&b, "! %s\n", c.failure)
		}
	}
	return b.String()
}

func (c *scriptCase) run(t *testing.T) (output []string, failure string) {
	vars := NewMap(0)
	if c.vars != "" {
		v, err := ParseJSON([]byte(c.vars))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		vars = v.Map()
	}
	before, err := (&render{}).describe(vars)
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Join(c.template, "\n")
	tmpl, err := Parse("script", source, Options{
		MergeTags:     strings.Contains(c.options, "merge"),
		VelocityCount: strings.Contains(c.options, "count"),
	})
	if err != nil {
		return nil, describeError(err)
	}
	if got := tmpl.String(); got != source {
		t.Errorf("%s: prints itself as %q", c.name, got)
	}
	opts := &RenderOptions{Strict: strings.Contains(c.options, "strict")}
	if strings.Contains(c.options, "tools") {
		opts.Tools = StandardTools()
	}
	out, err := tmpl.Render(nil, vars, opts)
	if err != nil {
		failure = describeError(err)
	}
	if after, err := (&render{}).describe(vars); err != nil || after != before {
		t.Errorf("%s: the input changed to %s, from %s", c.name, after, before)
	}
	if len(out) > 0 {
		output = strings.Split(string(out), "\n")
	}
	return output, failure
}

// describe prints a host value.
func (r *render) describe(m *Map) (string, error) {
	r.call.r = r
	r.budget.reset(DefaultLimits(), nil)
	r.outMax = r.limits.Output
	return r.text(MapValue(m))
}

func describeError(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "no *Error: " + err.Error()
	}
	return fmt.Sprintf("%d:%d %s: %s", e.Line, e.Col, e.Kind, e.Message)
}
