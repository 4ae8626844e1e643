package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

//go:generate go test -run TestFlagTablesOfTheDocumentsAreUpToDate -update .

var update = flag.Bool("update", false, "write the tables of the documentation anew")

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(&commands{}, terminal{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// command finds a command by its words; nil when there is none.
func command(app *kong.Application, words ...string) *kong.Node {
	node := app.Node
	for _, w := range words {
		i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == w })
		if i < 0 {
			return nil
		}
		node = node.Children[i]
	}
	return node
}

func TestFlagTablesOfTheDocumentsAreUpToDate(t *testing.T) {
	const path = "../../docs/operators.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	app := model(t)
	tables := 0
	fresh := regexp.MustCompile(`(?s)<!-- flags: ([a-z ]+) -->.*?<!-- /flags -->`).ReplaceAllStringFunc(string(text), func(old string) string {
		name, _, _ := strings.Cut(strings.TrimPrefix(old, "<!-- flags: "), " -->")
		tables++
		return fmt.Sprintf("<!-- flags: %s -->\n\n%s\n<!-- /flags -->", name, flagTable(command(app, strings.Fields(name)...)))
	})
	if tables == 0 {
		t.Fatalf("%s has no table of flags", path)
	}
	if fresh == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s does not list the flags as they are: run make generate", path)
	}
	if err := os.WriteFile(path, []byte(fresh), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flagTable(node *kong.Node) string {
	var b strings.Builder
	b.WriteString("| flag | environment | default | meaning |\n|---|---|---|---|\n")
	for _, f := range node.Flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		fallback := ""
		if f.HasDefault && f.Default != "" {
			fallback = "`" + f.Default + "`"
		}
		if f.Required {
			fallback = "required"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", f.Name, strings.Join(f.Envs, "`, `"), fallback, f.Help)
	}
	return b.String()
}

// TestCommandsOfTheDocumentsExist reads every code block for shells, and wants
// each `tidings …` and `go run ./cmd/tidings …` in it to name a command and flags that exist.
func TestCommandsOfTheDocumentsExist(t *testing.T) {
	app := model(t)
	found := 0
	for _, path := range []string{"../../README.md", "../../docs/operators.md", "../../docs/receivers.md", "../../docs/templates.md", "../../docs/workflows.md", "../../docs/messages.md", "../../docs/sources.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			joined := strings.ReplaceAll(block[1], "\\\n", " ")
			for _, m := range regexp.MustCompile(`(?m)^(?:[A-Z_]+=\S+ )*(?:bin/|go run \./cmd/)?tidings (.*)$`).FindAllStringSubmatch(joined, -1) {
				found++
				if problem := checkCommandLine(app, m[1]); problem != "" {
					t.Errorf("%s: tidings %s: %s", path, m[1], problem)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("found %d commands only: the test looks for the wrong thing", found)
	}
}

func checkCommandLine(app *kong.Application, line string) string {
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(line)
	node := app.Node
	for _, w := range words {
		if child := command(&kong.Application{Node: node}, w); child != nil {
			node = child
			continue
		}
		break
	}
	if node == app.Node || len(node.Children) > 0 {
		return "no such command"
	}
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "--")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "=")
		if !slices.ContainsFunc(node.AllFlags(false), func(group []*kong.Flag) bool {
			return slices.ContainsFunc(group, func(f *kong.Flag) bool { return f.Name == name })
		}) {
			return "no flag --" + name
		}
	}
	return ""
}
