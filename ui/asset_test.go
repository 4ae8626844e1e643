package ui_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidings"
)

// TestTheFirstLoadIsSmall weighs, as they are served without compression, the
// style sheet and the scripts that every page loads, and with them the files
// of single pages.
func TestTheFirstLoadIsSmall(t *testing.T) {
	b := newWorld(t).as(tidings.RoleOwner)
	p := b.get("/").want(http.StatusOK)
	first, files := 0, 0
	for _, n := range append(p.find("link[rel=stylesheet]"), p.find("script")...) {
		href, _ := attribute(n, "href")
		src, _ := attribute(n, "src")
		first += len(b.get(href + src).want(http.StatusOK).body)
		files++
	}
	if files < 3 {
		t.Fatalf("the first page loads %d files: %s", files, p.body)
	}
	if first >= 100<<10 {
		t.Errorf("the first page loads %d bytes of scripts and styles", first)
	}
	all := first
	for _, name := range staticSources(t) {
		if !strings.Contains(p.body, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))+".") {
			all += len(readSource(t, name))
		}
	}
	if all >= 120<<10 {
		t.Errorf("with the files of single pages it is %d bytes", all)
	}
	t.Logf("%d bytes at first, %d with the files of single pages", first, all)
}

// TestScriptsAndStylesCanBeServedWithoutTheirComments holds what that relies
// on: a comment's marks stand in no text, and no text goes over several lines.
func TestScriptsAndStylesCanBeServedWithoutTheirComments(t *testing.T) {
	for _, name := range staticSources(t) {
		if strings.HasSuffix(name, ".min.js") {
			continue // served as it is
		}
		script := strings.HasSuffix(name, ".js")
		for i, line := range strings.Split(readSource(t, name), "\n") {
			switch {
			case script && (strings.Count(line, "`")%2 == 1 || strings.HasSuffix(line, `\`)):
				t.Errorf("%s:%d: a text goes over several lines", name, i+1)
			case !script && strings.ContainsAny(line, `"'`) && (strings.Contains(line, "/*") || strings.Contains(line, "*/")) && !strings.HasPrefix(strings.TrimSpace(line), "/*"):
				t.Errorf("%s:%d: a comment in a line with a text", name, i+1)
			case !script && strings.HasPrefix(strings.TrimSpace(line), "//"):
				t.Errorf("%s:%d: no comment of a style sheet", name, i+1)
			}
		}
	}
}

// staticSources gives the scripts and style sheets as they are written.
func staticSources(t *testing.T) []string {
	t.Helper()
	styles, err := filepath.Glob("static/*.css")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("static/*.js")
	if err != nil || len(styles) == 0 || len(scripts) == 0 {
		t.Fatalf("%v: %d style sheets, %d scripts", err, len(styles), len(scripts))
	}
	return append(styles, scripts...)
}

func readSource(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
