package part

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// walk calls f with every element below n.
func walk(n *html.Node, f func(*html.Node)) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			f(d)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func within(n *html.Node, tags ...string) bool {
	for a := range n.Ancestors() {
		if slices.Contains(tags, a.Data) {
			return true
		}
	}
	return false
}

// eachPage parses every page of the gallery.
func eachPage(t *testing.T, f func(t *testing.T, page *html.Node)) {
	t.Helper()
	for name, page := range galleryPages() {
		t.Run(name, func(t *testing.T) {
			doc, err := html.ParseWithOptions(strings.NewReader(render(t, page)), html.ParseOptionEnableScripting(false))
			if err != nil {
				t.Fatal(err)
			}
			f(t, doc)
		})
	}
}

func describe(n *html.Node) string {
	return fmt.Sprintf("<%s id=%q class=%q name=%q>", n.Data, attr(n, "id"), attr(n, "class"), attr(n, "name"))
}

func TestEveryControlHasAName(t *testing.T) {
	eachPage(t, func(t *testing.T, page *html.Node) {
		labelled := map[string]bool{}
		walk(page, func(n *html.Node) {
			if n.Data == "label" && textOf(n) != "" {
				labelled[attr(n, "for")] = true
			}
		})
		walk(page, func(n *html.Node) {
			switch n.Data {
			case "input", "select", "textarea":
				if attr(n, "type") != "hidden" && attr(n, "aria-label") == "" && !labelled[attr(n, "id")] && !within(n, "label") {
					t.Errorf("%s has no label", describe(n))
				}
			case "button", "a", "summary":
				if textOf(n) == "" {
					t.Errorf("%s has no text", describe(n))
				}
			case "nav", "dialog", "form":
				if (n.Data != "form" || attr(n, "role") == "search") && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" {
					t.Errorf("%s has no name", describe(n))
				}
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%s has no scope", describe(n))
				}
			case "svg":
				if attr(n, "aria-hidden") != "true" && attr(n, "aria-label") == "" && !within(n, "div") {
					t.Errorf("%s is neither hidden nor named", describe(n))
				}
			}
		})
	})
}

// TestReferencesMeetTheirElements: labels, descriptions and openers name ids
// that are there, once.
func TestReferencesMeetTheirElements(t *testing.T) {
	eachPage(t, func(t *testing.T, page *html.Node) {
		ids := map[string]int{}
		walk(page, func(n *html.Node) {
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
		})
		for id, count := range ids {
			if count > 1 {
				t.Errorf("id %q is there %d times", id, count)
			}
		}
		references := []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "data-open", "data-for", "popovertarget"}
		walk(page, func(n *html.Node) {
			for _, key := range references {
				for id := range strings.FieldsSeq(attr(n, key)) {
					if ids[id] == 0 {
						t.Errorf("%s: %s names %q, which is not there", describe(n), key, id)
					}
				}
			}
		})
	})
}

// TestNothingIsInline holds what the Content-Security-Policy would refuse.
func TestNothingIsInline(t *testing.T) {
	eachPage(t, func(t *testing.T, page *html.Node) {
		walk(page, func(n *html.Node) {
			if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" {
				t.Errorf("%s is inline", describe(n))
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
					t.Errorf("%s has %s", describe(n), a.Key)
				}
			}
		})
	})
}

func TestPagesHaveOneMainAndHeadingsInOrder(t *testing.T) {
	eachPage(t, func(t *testing.T, page *html.Node) {
		mains, level := 0, 0
		walk(page, func(n *html.Node) {
			if n.Data == "main" {
				mains++
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				next := int(n.Data[1] - '0')
				if next > level+1 {
					t.Errorf("%s %q follows a heading of level %d", n.Data, textOf(n), level)
				}
				level = next
			}
		})
		if mains != 1 {
			t.Errorf("there are %d main parts", mains)
		}
	})
}

func TestAnErrorIsTiedToItsControl(t *testing.T) {
	v := FieldView{Name: "url", Label: "URL", Hint: "with https", Error: "Must begin with https://"}
	for name, c := range map[string]string{
		"Input":     render(t, Input(v)),
		"Textarea":  render(t, Textarea(v)),
		"Select":    render(t, Select(v)),
		"Checkbox":  render(t, Checkbox(v)),
		"Toggle":    render(t, Toggle(v)),
		"Radio":     render(t, RadioGroup(v)),
		"Checks":    render(t, CheckGroup(v)),
		"CodeField": render(t, CodeField(CodeFieldView{FieldView: v})),
		"Search":    render(t, SearchSelect(SearchSelectView{FieldView: v})),
	} {
		for _, want := range []string{`aria-describedby="f-url-hint f-url-error"`, `aria-invalid="true"`, `id="f-url-hint"`, `id="f-url-error"`} {
			if strings.Count(c, want) != 1 {
				t.Errorf("%s: want %s once in %s", name, want, c)
			}
		}
	}
}

func TestTheNavigationMarksWhereOneIs(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/activities": "/activities", "/contacts/17": "/contacts", "/contacts/segments/3": "/contacts/segments",
		"/settings/laboratory/7": "/settings/laboratory", "/settings/dates": "", "/webhooksx": "", "/messages/broadcasts": "/messages/broadcasts",
	} {
		if got := current(DefaultNav(true), path); got != want {
			t.Errorf("%s: %q is marked, want %q", path, got, want)
		}
	}
	for _, operator := range []bool{false, true} {
		page := render(t, Shell(ShellView{Title: "Runs", Path: "/automation/runs", Operator: operator, Asset: asset}))
		if strings.Count(page, `aria-current="page"`) != 1 || !strings.Contains(page, `<a href="/automation/runs" aria-current="page">Runs</a>`) {
			t.Error("the navigation does not mark the runs, and only them")
		}
		if strings.Contains(page, "/settings/nodes") != operator {
			t.Errorf("operator %v: the nodes are shown wrongly", operator)
		}
	}
}

func TestATextareaKeepsItsFirstEmptyLine(t *testing.T) {
	doc, err := html.Parse(strings.NewReader(render(t, Textarea(FieldView{Name: "b", Label: "B", Value: "\nsecond"}))))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	walk(doc, func(n *html.Node) {
		if n.Data == "textarea" {
			got = n.FirstChild.Data
		}
	})
	if got != "\nsecond" {
		t.Errorf("the value came out as %q", got)
	}
}
