package e2e_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tidings/e2e/browser"
)

// pictures is where the walk over all pages puts a picture of each.
var pictures = flag.String("pictures", "", "directory for a picture of every page; default: none is taken")

// numbers are the parts of an address that name one thing of many.
var numbers = regexp.MustCompile(`^[0-9]+$|^[A-Z]+\.[A-Z.]+$|^[A-Za-z0-9_-]{22,}$`)

// kindOf is an address without what tells one thing from another of its kind.
func kindOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if numbers.MatchString(p) {
			parts[i] = "_"
		}
	}
	return strings.Join(parts, "/")
}

// linked gives the addresses of this server that the page leads to: links, and
// what htmx loads as a window.
func linked(p *browser.Tab) []string {
	var all []string
	p.Eval(`[...document.querySelectorAll("a[href]:not([download]), [hx-get]")].map(e => new URL(e.getAttribute("hx-get") ?? e.getAttribute("href"), location)).filter(u => u.origin === location.origin).map(u => u.pathname + u.search)`, &all)
	return all
}

// walk visits one page of every kind that can be reached from the first one by
// links, and calls each with it. Pages of the navigation come first.
func walk(t *testing.T, p *browser.Tab, each func(kind string)) {
	t.Helper()
	seen := map[string]bool{}
	type link struct{ from, to string }
	for queue := []link{{to: "/"}}; len(queue) > 0; queue = queue[1:] {
		kind := kindOf(queue[0].to)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		switch answer := p.Visit(queue[0].to); answer {
		case "page":
			each(kind)
			for _, to := range linked(p) {
				queue = append(queue, link{queue[0].to, to})
			}
		case "": // a file, or a part of a page
		default:
			t.Errorf("%s leads to %s, which is answered %s", queue[0].from, queue[0].to, answer)
		}
	}
	if len(seen) < 20 {
		t.Fatalf("only %d kinds of pages were found", len(seen))
	}
}

// TestEveryPageIsAccessibleAndFitsEveryWindow walks over all pages of an
// account with something in it: axe-core finds nothing against WCAG A and AA,
// in light and dark colours, and nothing scrolls sideways from phones to wide screens.
func TestEveryPageIsAccessibleAndFitsEveryWindow(t *testing.T) {
	l := newLively(t)
	p := l.operator(t)
	var kinds []string
	walk(t, p, func(kind string) {
		kinds = append(kinds, kind)
		if *pictures != "" {
			picture(t, p, kind)
		}
		p.Accessible()
		p.Dark(true)
		p.Accessible("color-contrast", "link-in-text-block")
		p.Dark(false)
		for _, width := range []int64{390, 768, 1280, 1920} {
			p.Fits(width)
		}
	})
	slices.Sort(kinds)
	t.Logf("%d kinds of pages: %s", len(kinds), strings.Join(kinds, " "))
}

// picture keeps how a page looks.
func picture(t *testing.T, p *browser.Tab, kind string) {
	t.Helper()
	name := strings.Trim(strings.NewReplacer("/", "-", "_", "one").Replace(kind), "-")
	if name == "" {
		name = "dashboard"
	}
	p.Resize(1280, 800)
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), p.Picture(), 0o644); err != nil {
		t.Fatal(err)
	}
}
