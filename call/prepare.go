package call

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// template is one part of a webhook, parsed.
type template struct {
	part   Part
	source string
	tmpl   *vtl.Template // nil when there is nothing to render: the text is what is sent
}

// prepared is a webhook whose templates are parsed. It never changes and may be
// used by many calls at once.
type prepared struct {
	method  tidings.Method
	format  tidings.BodyFormat
	url     template
	headers []header
	body    template
	zoned   bool // some part uses dates, so that the contact's time zone counts
}

// header is a header row.
type header struct {
	name  string
	value template
}

// prepare parses the templates of a webhook, and judges by the rules of today
// whom it calls: they may have changed since it was saved.
func prepare(w *tidings.Webhook, rules Rules) (*prepared, *Problem) {
	p, problem := parseAll(w)
	if problem == nil {
		if reason := checkURL(w.URL, rules); reason != "" {
			problem = &Problem{Part: PartURL, Message: "it " + reason}
		}
	}
	return p, problem
}

func parseAll(w *tidings.Webhook) (*prepared, *Problem) {
	p := &prepared{method: w.Method, format: w.Body.Format}
	var problem *Problem
	read := func(part Part, source string) template {
		t, wrong := parse(part, source)
		if problem == nil {
			problem = wrong
		}
		p.zoned = p.zoned || scope.UsesDates(t.references())
		return t
	}
	p.url = read(PartURL, w.URL)
	for i, row := range w.Headers {
		p.headers = append(p.headers, header{row.Name, read(headerPart(i), row.Value)})
	}
	if p.format != tidings.BodyNone {
		p.body = read(PartBody, w.Body.Template)
	}
	return p, problem
}

// evaluate finds the directive that runs a text as a template. Here texts are data, so it does not exist.
var evaluate = regexp.MustCompile(`#(?:evaluate|\{evaluate\})[ \t]*\(`)

// parse reads a template.
func parse(part Part, source string) (template, *Problem) {
	t := template{part: part, source: source}
	if !utf8.ValidString(source) {
		// Marks are bytes that UTF-8 does not have.
		return t, &Problem{Part: part, Message: "is not UTF-8"}
	}
	if !strings.ContainsAny(source, "$#%") {
		return t, nil
	}
	if at := evaluate.FindStringIndex(source); at != nil {
		return t, problemAt(part, source, at[0], "#evaluate runs data as a template and is not available here: write the template itself")
	}
	var err error
	if t.tmpl, err = vtl.Parse(string(part), source, vtl.Options{MergeTags: true}); err != nil {
		return t, templateProblem(part, err)
	}
	return t, nil
}

func (t template) references() []vtl.RefUse {
	if t.tmpl == nil {
		return nil
	}
	return t.tmpl.References()
}

// templates lists all parts in the order in which they are rendered.
func (p *prepared) templates() []template {
	all := []template{p.url}
	for _, h := range p.headers {
		all = append(all, h.value)
	}
	return append(all, p.body)
}
