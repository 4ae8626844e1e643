package tidings_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules of CONTRIBUTING.md that can be checked, over every Go file of the
// module. The list of imports is in rules_imports_test.go.

const (
	maxFileLines     = 600
	maxFunctionLines = 80
)

// source is one parsed file of the module.
type source struct {
	path string // slash-separated, from the root
	text string
	fset *token.FileSet
	file *ast.File
}

func (s source) dir() string          { return path.Dir(s.path) }
func (s source) isTest() bool         { return strings.HasSuffix(s.path, "_test.go") }
func (s source) generated() bool      { return strings.HasSuffix(s.path, "_templ.go") }
func (s source) line(n token.Pos) int { return s.fset.Position(n).Line }

// lines is how many lines a node takes.
func (s source) lines(n ast.Node) int { return s.line(n.End()) - s.line(n.Pos()) + 1 }

// sources parses every Go file of the module: testdata and the tools' own module are none of it.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, p := range files(t, ".go") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, p, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path: p, text: string(text), fset: fset, file: file})
	}
	if len(all) < 20 {
		t.Fatalf("found %d files: the rules are looking in the wrong place", len(all))
	}
	return all
}

// files lists the module's files with a suffix, in order.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (d.Name() == "testdata" || d.Name() == "tools" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(p, suffix) {
			found = append(found, filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated() {
			continue
		}
		if n := strings.Count(s.text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines; at most %d", s.path, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.lines(f)
			if s.isTest() {
				n -= s.tableLines(f)
			}
			if n > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines; at most %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// tableLines counts the lines of a function that stand within a composite
// literal: a test's table may be as long as it has cases.
func (s source) tableLines(f *ast.FuncDecl) int {
	total := 0
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		total += s.lines(lit) - 1
		return false
	})
	return total
}

func TestFunctionsHaveFewParameters(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && parameters(f) > 5 {
				t.Errorf("%s:%d: %s has %d parameters; at most 5", s.path, s.line(f.Pos()), f.Name.Name, parameters(f))
			}
		}
	}
}

// parameters counts a function's parameters. A context and a test are no
// choice of the caller's and are not counted.
func parameters(f *ast.FuncDecl) int {
	n := f.Type.Params.NumFields()
	for _, p := range f.Type.Params.List {
		for _, name := range p.Names {
			if name.Name == "ctx" || name.Name == "t" {
				n--
			}
		}
	}
	return n
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package documentation", dir)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || s.generated() || s.file.Name.Name == "main" {
			continue
		}
		for _, name := range undocumented(s.file) {
			t.Errorf("%s: %s is exported and has no comment", s.path, name)
		}
	}
}

// undocumented lists a file's exported names without a comment of their own or of their group.
func undocumented(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown(d) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, undocumentedSpec(d, spec)...)
			}
		}
	}
	return names
}

func undocumentedSpec(group *ast.GenDecl, spec ast.Spec) []string {
	var names []string
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && group.Doc == nil && spec.Doc == nil {
			names = append(names, spec.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if n.IsExported() && group.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	expr := f.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if generic, ok := expr.(*ast.IndexExpr); ok {
		expr = generic.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && id.IsExported()
}

// wellKnown says whether a method is one that the standard library's
// interfaces have documented for all who implement them.
func wellKnown(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{
		"Error", "Unwrap", "Is", "As", "String", "Format", "Write", "Read", "Close", "ServeHTTP", "RoundTrip", "LogValue",
		"Len", "Less", "Swap", "Push", "Pop", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Scan", "Value",
	}, f.Name.Name)
}

func TestNamesSayWhatThingsAre(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "types", "manager", "service", "impl", "misc", "base"}
	for _, s := range sources(t) {
		file := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		for _, name := range append(strings.Split(s.dir(), "/"), file, s.file.Name.Name) {
			if slices.Contains(vague, name) {
				t.Errorf("%s: %q says nothing; name what is in it", s.path, name)
			}
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if mark := later.FindString(c.Text); mark != "" {
					t.Errorf("%s:%d: a comment says %s", s.path, s.line(c.Pos()), mark)
				}
			}
		}
	}
	for _, p := range files(t, ".md") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if mark := later.Find(text); mark != nil {
			t.Errorf("%s says %s", p, mark)
		}
	}
}

func TestNobodySleepsOrSkips(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch {
			case x.Name == "time" && sel.Sel.Name == "Sleep" && !virtualTime(s):
				t.Errorf("%s:%d: sleeps; wait for the thing itself", s.path, s.line(sel.Pos()))
			case slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) && strings.HasPrefix(sel.Sel.Name, "Skip") && s.isTest():
				t.Errorf("%s:%d: skips; a test that is not run promises nothing", s.path, s.line(sel.Pos()))
			}
			return true
		})
	}
}

// virtualTime says whether a test runs on the clock of testing/synctest, where
// a sleep takes no time and ends at an exact instant.
func virtualTime(s source) bool {
	return s.isTest() && slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
}

func TestGoroutinesReportTheirEnd(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			g, ok := n.(*ast.GoStmt)
			if !ok {
				return true
			}
			if lit, ok := g.Call.Fun.(*ast.FuncLit); ok && !reportsEnd(lit) {
				t.Errorf("%s:%d: a bare go func() that nobody can wait for", s.path, s.line(g.Pos()))
			}
			return true
		})
	}
}

// reportsEnd says whether a function sends on or closes a channel, or tells a WaitGroup.
func reportsEnd(lit *ast.FuncLit) bool {
	found := false
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SendStmt:
			found = true
		case *ast.CallExpr:
			switch f := n.Fun.(type) {
			case *ast.Ident:
				found = found || f.Name == "close"
			case *ast.SelectorExpr:
				found = found || f.Sel.Name == "Done"
			}
		}
		return !found
	})
	return found
}

func TestTheMapNamesFilesThatExist(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`[a-z0-9_]+(?:/[a-z0-9_]+)*\.(?:go|sql|md)\b`).FindAllString(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("the map names %d files only", len(named))
	}
	for _, p := range named {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("doc.go names %s: %v", p, err)
		}
	}
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	for _, p := range files(t, ".md") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(path.Join(path.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", p, m[1], err)
			}
		}
	}
}

func TestMakeTargetsOfTheDocumentsExist(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range files(t, ".md") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z][a-z-]*)").FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s names `make %s`, which the Makefile does not have", p, m[1])
			}
		}
	}
}

// TestWhatIsLeftOutOfRaceHasNothingToRace: neither the packages that the
// Makefile leaves out of the run with the race detector nor their tests may
// start or share anything; nor may the tests that it leaves out by name.
func TestWhatIsLeftOutOfRaceHasNothingToRace(t *testing.T) {
	packages, tests := makeList(t, "raceless"), makeList(t, "one_goroutine")
	found := 0
	for _, s := range sources(t) {
		left := slices.Contains(packages, path.Join(module, s.dir()))
		for _, i := range s.file.Imports {
			if left && slices.Contains([]string{`"sync"`, `"sync/atomic"`, `"testing/synctest"`, `"net/http/httptest"`, `"golang.org/x/sync/errgroup"`}, i.Path.Value) {
				t.Errorf("%s imports %s: take its package from the Makefile's list raceless", s.path, i.Path.Value)
			}
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			named := ok && s.isTest() && slices.Contains(tests, f.Name.Name)
			if named {
				found++
			}
			if !left && !named {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				sel, selects := n.(*ast.SelectorExpr)
				if _, starts := n.(*ast.GoStmt); starts || selects && slices.Contains([]string{"Go", "Parallel"}, sel.Sel.Name) {
					t.Errorf("%s:%d: starts a goroutine: take it from the Makefile's lists raceless and one_goroutine", s.path, s.line(n.Pos()))
				}
				return true
			})
		}
	}
	if found != len(tests) {
		t.Errorf("%d tests have one of the %d names of the Makefile's list one_goroutine", found, len(tests))
	}
}

// makeList gives the words of a variable of the Makefile.
func makeList(t *testing.T, name string) []string {
	t.Helper()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^` + name + ` *:= *(.+)$`).FindSubmatch(makefile)
	if list == nil {
		t.Fatalf("the Makefile has no list %s", name)
	}
	return strings.Fields(string(list[1]))
}
