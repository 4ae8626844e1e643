package vtl

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestMethodsDoAsInJava runs testdata/methods.txt: a template, a tab, and what Java 17
// gave for the same calls; !class where it threw.
func TestMethodsDoAsInJava(t *testing.T) {
	data, err := os.ReadFile("testdata/methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	vars := mustVars(t, `{"s":"Hello, World","u":"a😀бв ","n":"  pad \t","l":["b","a","c"],"m":{"k1":"v1","k2":2},
		"i":300,"g":12345678901,"d":2.5,"big":-99999999999999999999,"t":true}`)
	for _, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		source, want, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("no tab in %q", line)
		}
		want = strings.ReplaceAll(want, `\n`, "\n")
		out, err := mustParse(t, source, Options{}).Render(nil, vars, nil)
		got := string(out)
		var thrown *Thrown
		if errors.As(err, &thrown) {
			got = "!" + thrown.Exception
		} else if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, Java gives %q", source, got, want)
		}
	}
}
