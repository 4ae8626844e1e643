package tidings_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tidings"

// imports is the list that holds the layers: which packages of ours each
// package may import. Imports go downwards only; a new package needs a line
// here. "." is the root.
func imports() map[string][]string {
	all := []string{".", "feed", "call", "scope", "egress", "store", "message", "password", "workflow", "api", "publicapi", "ui", "vtl", "bench", "cmd/tidings/receiver"}
	return map[string][]string{
		".":                    {},
		"vtl":                  {"vtl/internal/java"},
		"vtl/internal/java":    {},
		"egress":               {},
		"curl":                 {},
		"feed":                 {".", "egress"},
		"scope":                {".", "vtl"},
		"source":               {"."},
		"password":             {},
		"call":                 {".", "egress", "scope", "vtl"},
		"message":              {".", "scope", "vtl"},
		"workflow":             {".", "call", "message", "scope", "vtl"},
		"store":                {"."},
		"api":                  {".", "feed", "call", "curl", "message", "password", "scope", "source", "vtl", "workflow"},
		"publicapi":            {"."},
		"ui":                   {".", "ui/part"}, // all else goes through the API
		"ui/part":              {},
		"cmd/tidings":          all,
		"cmd/tidings/receiver": {},
		"e2e":                  {},
		"bench":                {".", "store", "call", "egress"}, // the rest of the server it sees as a process

		// Support of tests: imported by tests only.
		"feed/faulttest":   {},
		"store/storetest":  {".", "store"},
		"store/pgtest":     {},
		"store/sqlitetest": {},
		"e2e/browser":      {},
		"api/apitest":      {".", "api", "call", "egress", "feed", "message", "publicapi", "store", "workflow"},
	}
}

// testImports is what the tests of a package may import besides.
func testImports() map[string][]string {
	return map[string][]string{
		"feed":      {"feed/faulttest", "store"},
		"call":      {"feed/faulttest"},
		"message":   {"store", "store/sqlitetest"},
		"workflow":  {"store", "store/sqlitetest", "egress"},
		"egress":    {"feed/faulttest"},
		"store":     {"feed", "store/storetest", "store/pgtest", "store/sqlitetest"},
		"api":       {"api/apitest", "store", "store/sqlitetest", "egress", "publicapi", "feed/faulttest"},
		"publicapi": {"store", "api"},
		"e2e":       {".", "cmd/tidings/receiver", "e2e/browser", "store/pgtest"},
		"ui":        {"api", "api/apitest", "password", "store", "store/sqlitetest"},
		"bench":     {"store/pgtest"},
	}
}

// support is the packages that only tests may import.
func support() []string {
	return []string{"feed/faulttest", "store/storetest", "store/pgtest", "store/sqlitetest", "api/apitest", "e2e/browser"}
}

func TestImportsGoDownwards(t *testing.T) {
	for _, s := range sources(t) {
		allowed, known := imports()[s.dir()]
		if !known {
			t.Errorf("%s: package %s is not in the list of imports", s.path, s.dir())
			continue
		}
		if s.isTest() {
			allowed = slices.Concat(allowed, testImports()[s.dir()], []string{s.dir()})
		}
		for _, imp := range ours(s.file) {
			if !slices.Contains(allowed, imp) {
				t.Errorf("%s: package %s must not import %s", s.path, s.dir(), imp)
			}
			if !s.isTest() && slices.Contains(support(), imp) {
				t.Errorf("%s: %s is for tests only", s.path, imp)
			}
		}
	}
}

// ours lists a file's imports within the module, as folders.
func ours(file *ast.File) []string {
	var dirs []string
	for _, spec := range file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		if p == module {
			dirs = append(dirs, ".")
		} else if dir, ok := strings.CutPrefix(p, module+"/"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// TestDeliveryCanBeReadAlone holds the health figure of the house: how many
// packages of ours must be carried in mind to read the delivery step.
func TestDeliveryCanBeReadAlone(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range sources(t) {
		if s.dir() != "feed" || s.isTest() {
			continue
		}
		for _, imp := range ours(s.file) {
			reached[imp] = true
		}
	}
	if len(reached) > 3 {
		t.Errorf("feed reaches %d packages of ours, at most 3: %v", len(reached), reached)
	}
}

func TestTheRootAndTheEngineStandAlone(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || (s.dir() != "." && s.dir() != "egress" && !strings.HasPrefix(s.dir(), "vtl")) {
			continue
		}
		for _, spec := range s.file.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if s.dir() == "." && strings.Contains(p, ".") {
				t.Errorf("%s: the root imports the standard library only, not %s", s.path, p)
			}
			if strings.HasPrefix(s.dir(), "vtl") && (p == "reflect" || p == module) {
				t.Errorf("%s: the engine must not import %s", s.path, p)
			}
		}
	}
}

// mutableAllowed lists package-level variables that the rule below can't see
// to be constant, each with its reason.
func mutableAllowed() map[string]string {
	return map[string]string{
		"vtl.Null":        "a struct without exported fields: no constant of it can be written down",
		"vtl.void":        "an immutable value; only its identity counts",
		"vtl.methodTable": "made once from the kinds' tables and only read",
	}
}

// TestNoPackageLevelState: a package-level var is an assertion (_), an
// embedded file, an error, a compiled pattern, or a table that its package
// never writes to; init functions do not exist.
func TestNoPackageLevelState(t *testing.T) {
	byDir := map[string][]source{}
	for _, s := range sources(t) {
		if !s.isTest() && !s.generated() {
			byDir[s.dir()] = append(byDir[s.dir()], s)
		}
	}
	used := map[string]bool{}
	for dir, pkg := range byDir {
		written := writtenNames(pkg)
		for _, s := range pkg {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s:%d: init hides an effect of importing the package", s.path, s.line(f.Pos()))
				}
			}
			for _, v := range packageVars(s.file) {
				key := dir + "." + v.name
				if mutableAllowed()[key] != "" {
					used[key] = true
					continue
				}
				if why := v.mutable(written); why != "" {
					t.Errorf("%s:%d: package-level var %s %s", s.path, s.line(v.pos), v.name, why)
				}
			}
		}
	}
	for key := range mutableAllowed() {
		if !used[key] {
			t.Errorf("the exception for %s is not used", key)
		}
	}
}

// packageVar is one package-level variable.
type packageVar struct {
	name     string
	pos      token.Pos
	value    ast.Expr // nil = none
	embedded bool
}

func packageVars(file *ast.File) []packageVar {
	var vars []packageVar
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			vs := spec.(*ast.ValueSpec)
			for i, n := range vs.Names {
				v := packageVar{name: n.Name, pos: n.Pos(), embedded: isEmbed(g.Doc) || isEmbed(vs.Doc)}
				if i < len(vs.Values) {
					v.value = vs.Values[i]
				}
				if n.Name != "_" {
					vars = append(vars, v)
				}
			}
		}
	}
	return vars
}

func isEmbed(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// mutable says why a variable counts as state, or "".
func (v packageVar) mutable(written map[string]bool) string {
	switch {
	case written[v.name]:
		return "is written to"
	case v.embedded:
		return ""
	case v.value == nil:
		return "has no value: it can only be meant to be written to"
	}
	if call, ok := v.value.(*ast.CallExpr); ok {
		if constantCall(call) {
			return ""
		}
		return "is made by a call that is not known to give a constant thing"
	}
	if ast.IsExported(v.name) {
		return "is exported: another package could write to it"
	}
	return ""
}

// constantCall knows the calls whose results can't change: errors and patterns.
func constantCall(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && slices.Contains([]string{
			"errors.New", "tidings.Errorf", "regexp.MustCompile", "netip.MustParsePrefix", "netip.MustParseAddr",
			"strings.NewReplacer", "crc32.MakeTable", "reflect.TypeFor", "big.NewInt", "language.MustParse",
		}, x.Name+"."+f.Sel.Name)
	case *ast.FuncLit: // a table that is computed once
		return true
	}
	return false
}

// writtenNames lists the names that a package assigns to or changes in place.
// Names of locals are among them: a package-level table is better not called
// like a local. What is changed through a pointer is not seen here.
func writtenNames(pkg []source) map[string]bool {
	written := map[string]bool{}
	for _, s := range pkg {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						for _, lhs := range n.Lhs {
							written[rootName(lhs)] = true
						}
					}
				case *ast.IncDecStmt:
					written[rootName(n.X)] = true
				case *ast.CallExpr:
					if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) {
						written[rootName(n.Args[0])] = true
					}
				}
				return true
			})
		}
	}
	return written
}

// rootName gives x of x, x.f, x[i], *x and their combinations; "" of anything else.
func rootName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return rootName(e.X)
	case *ast.IndexExpr:
		return rootName(e.X)
	case *ast.StarExpr:
		return rootName(e.X)
	case *ast.ParenExpr:
		return rootName(e.X)
	}
	return ""
}
