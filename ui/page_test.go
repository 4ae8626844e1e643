package ui_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is an answer, to be asked about what is in its HTML.
type page struct {
	t      *testing.T
	path   string
	status int
	header http.Header
	body   string
	doc    *html.Node
}

func newPage(t *testing.T, path string, res *http.Response, body string) *page {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return &page{t, path, res.StatusCode, res.Header, body, doc}
}

// want ends the test when the status is another.
func (p *page) want(status int) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s answered %d, want %d: %s", p.path, p.status, status, p.text("body"))
	}
	return p
}

// says fails the test when a text is not on the page, as a person reads it.
func (p *page) says(texts ...string) *page {
	p.t.Helper()
	all := p.text("body")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			p.t.Errorf("%s does not say %q; it says: %s", p.path, text, all)
		}
	}
	return p
}

// saysNot fails the test when a text is anywhere in the answer, markup included.
func (p *page) saysNot(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Errorf("%s must not have %q in it", p.path, text)
		}
	}
	return p
}

// has fails the test when nothing on the page fits a selector: simple ones of
// CSS (tag, #id, .class, [name], [name=value], [name^=value]), with spaces for
// "somewhere within".
func (p *page) has(selectors ...string) *page {
	p.t.Helper()
	for _, selector := range selectors {
		if len(p.find(selector)) == 0 {
			p.t.Errorf("%s has no %s; it says: %s", p.path, selector, p.text("body"))
		}
	}
	return p
}

// hasNot fails the test when something fits.
func (p *page) hasNot(selectors ...string) *page {
	p.t.Helper()
	for _, selector := range selectors {
		if len(p.find(selector)) > 0 {
			p.t.Errorf("%s has a %s", p.path, selector)
		}
	}
	return p
}

// text gives the text of the first element that fits, its space made single.
func (p *page) text(selector string) string {
	found := p.find(selector)
	if len(found) == 0 {
		return ""
	}
	return textOf(found[0])
}

// attr gives an attribute of the first element that fits, "" without one.
func (p *page) attr(selector, name string) string {
	p.t.Helper()
	found := p.find(selector)
	if len(found) == 0 {
		p.t.Fatalf("%s has no %s; it says: %s", p.path, selector, p.text("body"))
	}
	value, _ := attribute(found[0], name)
	return value
}

// find gives the elements that fit a selector, in order.
func (p *page) find(selector string) []*html.Node {
	var found []*html.Node
	steps := strings.Fields(selector)
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && fits(n, steps[len(steps)-1]) && within(n.Parent, steps[:len(steps)-1]) {
			found = append(found, n)
		}
	}
	return found
}

func within(n *html.Node, steps []string) bool {
	for ; len(steps) > 0 && n != nil; n = n.Parent {
		if n.Type == html.ElementNode && fits(n, steps[len(steps)-1]) {
			steps = steps[:len(steps)-1]
		}
	}
	return len(steps) == 0
}

// fits says whether an element fits one step: tag#id.class[name=value]…
func fits(n *html.Node, step string) bool {
	for step != "" {
		end := len(step)
		if step[0] == '[' {
			end = strings.IndexByte(step, ']') + 1
		} else if next := strings.IndexAny(step[1:], "#.["); next >= 0 {
			end = next + 1
		}
		if !fitsOne(n, step[:end]) {
			return false
		}
		step = step[end:]
	}
	return true
}

func fitsOne(n *html.Node, part string) bool {
	switch part[0] {
	case '#':
		id, _ := attribute(n, "id")
		return id == part[1:]
	case '.':
		class, _ := attribute(n, "class")
		return slices.Contains(strings.Fields(class), part[1:])
	case '[':
		name, value, valued := strings.Cut(strings.Trim(part, "[]"), "=")
		value = strings.Trim(value, `"'`)
		have, ok := attribute(n, strings.TrimSuffix(name, "^"))
		switch {
		case !valued:
			return ok
		case strings.HasSuffix(name, "^"):
			return ok && strings.HasPrefix(have, value)
		}
		return ok && have == value
	}
	return n.Data == part
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// textOf gives what a person reads within an element.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" && d.Parent.Data != "template" {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
