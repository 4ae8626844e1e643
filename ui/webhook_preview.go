package ui

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidings/ui/part"
)

// renderedView is a request as it would be sent, beside the form: what is wrong
// with it stands where it is.
type renderedView struct {
	Expression string       // how the reply will be reached
	Renamed    string       // whose expressions the new name breaks
	Method     string       // of the request
	Refused    *refusal     // what is typed can't be saved so; nil = it can
	Request    *requestView // nil = it can't be made
	Parts      []pieceView  // while it can't
	Warnings   []warning
	Inputs     inputsView
}

// requestView is a request as it was, or would be, sent.
type requestView struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers []headerRow `json:"headers"`
	Body    string      `json:"body"`
	Size    int64       `json:"size"`
	Cut     bool        `json:"cut"`
}

// head is the request line and the headers, as HTTP writes them.
func (r *requestView) head() string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.URL + "\n")
	for _, h := range r.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	return dotted(b.String())
}

// dotted shows the API's masks as browsers show secrets.
func dotted(text string) string { return strings.ReplaceAll(text, "***", "••••") }

type warning struct {
	Part   string `json:"part"`
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// pieceView is one part of a request that somebody is writing.
type pieceView struct {
	Part    string       `json:"part"` // url, headers[0].value, body.template
	Name    string       `json:"name"` // of a header
	Text    string       `json:"text"`
	Problem *problemView `json:"problem"` // nil = it can be made
}

// label names the part.
func (p *pieceView) label() string {
	switch {
	case p.Part == "url":
		return "URL"
	case p.Name != "":
		return p.Name
	}
	return "Body"
}

// problemView is why a part can't be made, with its place.
type problemView struct {
	Part     string `json:"part"`
	Rendered bool   `json:"rendered"`
	Line     int    `json:"line"` // from 1; 0 = the part as a whole
	Column   int    `json:"column"`
	Fragment string `json:"fragment"` // the line
	Message  string `json:"message"`
}

// place says where it is, for people.
func (p *problemView) place() string {
	switch {
	case p.Line == 0:
		return ""
	case p.Rendered:
		return fmt.Sprintf("line %d, column %d of what would be sent", p.Line, p.Column)
	}
	return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// cut parts the line at the place: what is before it, what is underlined, what
// is after. Columns are as in the messages of templates: UTF-16 units, a tab
// goes to the next multiple of eight.
func (p *problemView) cut() (before, marked, after string) {
	if p.Line == 0 || p.Fragment == "" {
		return "", p.Fragment, ""
	}
	at, column := len(p.Fragment), 1
	for i, r := range p.Fragment {
		if column >= p.Column {
			at = i
			break
		}
		switch {
		case r == '\t':
			column += 8 - (column-1)%8
		case r >= 0x10000:
			column += 2
		default:
			column++
		}
	}
	before, rest := p.Fragment[:at], p.Fragment[at:]
	if rest == "" {
		return before, " ", "" // the end of the line: something is missing there
	}
	_, end := utf8.DecodeRuneInString(rest)
	if found := references.FindStringIndex(rest); found != nil && found[0] == 0 {
		end = found[1]
	}
	return before, rest[:end], rest[end:]
}

// inputsView is what a request needs of its surroundings.
type inputsView struct {
	NeedsContact bool    `json:"needsContact"`
	NeedsEvent   bool    `json:"needsEvent"`
	Contact      []input `json:"contact"`
	Event        []input `json:"event"`
	Replies      []input `json:"replies"`
}

type input struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// needs says whether a test asks for anything.
func (i *inputsView) needs() bool { return i.NeedsContact || i.NeedsEvent || len(i.Replies) > 0 }

// rendered asks the API for the request of what is typed, for the form's
// contact and event. What is wrong with it is in the view.
func (v *visit) rendered(f *webhookForm) (renderedView, error) {
	return v.renderedWith(f, f.trial())
}

// trial is with what the form's request is shown.
func (f *webhookForm) trial() map[string]any {
	with := map[string]any{}
	if id, err := strconv.ParseInt(f.Contact, 10, 64); err == nil {
		with["contactId"] = id
	}
	if id, err := strconv.ParseInt(f.Event, 10, 64); err == nil {
		with["eventId"] = id
	}
	return with
}

// unnamed lets a definition be tried before it has a name.
func unnamed(definition map[string]any) {
	if definition["name"] == "" {
		delete(definition, "name")
	}
}

// at is where the API tries what is typed.
func (f *webhookForm) at(act string) string {
	if f.ID == 0 {
		return "/v1/webhooks/" + act
	}
	return "/v1/webhooks/" + decimal(f.ID) + "/" + act
}

func (v *visit) renderedWith(f *webhookForm, with map[string]any) (renderedView, error) {
	out := renderedView{Expression: f.expression(), Renamed: f.renamed(), Method: f.Method}
	definition, faults := f.definition()
	unnamed(definition)
	if f.URL == "" {
		out.Refused = &refusal{Detail: "Type the URL: what will be sent is shown here."}
		return out, nil
	}
	if len(faults) > 0 {
		out.Refused = &refusal{Detail: "It can't be sent so.", Errors: faults}
		return out, nil
	}
	with["webhook"] = definition
	var shown struct {
		Request  *requestView `json:"request"`
		Parts    []pieceView  `json:"parts"`
		Inputs   inputsView   `json:"inputs"`
		Warnings []warning    `json:"warnings"`
	}
	err := v.post(f.at("preview"), with, &shown)
	if r, ok := wrong(err); ok {
		out.Refused = r.within("webhook")
		out.Refused.Detail = "It can't be sent so."
		return out, nil
	}
	out.Request, out.Parts, out.Inputs, out.Warnings = shown.Request, shown.Parts, shown.Inputs, shown.Warnings
	return out, err
}

// within gives a refusal's faults the names that they have within a field.
func (r *refusal) within(field string) *refusal {
	out := *r
	out.Errors = nil
	for _, f := range r.Errors {
		f.Field = strings.TrimPrefix(f.Field, field+".")
		out.Errors = append(out.Errors, f)
	}
	return &out
}

// previewWebhook is the request while one types. A pasted cURL command, or the
// choice of a new connector, changes the window instead.
func (v *visit) previewWebhook() error {
	_, f, err := v.typed()
	if err != nil {
		return err
	}
	if f.isCommand() || f.needsConnector() {
		v.w.Header().Set("HX-Retarget", "#webhook-window")
		v.w.Header().Set("HX-Reswap", "outerHTML")
		if f.isCommand() {
			return v.fillFromCommand(f, f.command())
		}
		return v.showStep(f, connectorStep(f, connectorForm{Type: "basic", In: "header"}, nil))
	}
	shown, err := v.rendered(f)
	switch {
	case err != nil:
		return err
	case v.wantsPart():
		return v.part(renderedRequest(shown))
	}
	return v.showWebhook(&webhookWindow{Form: f})
}

// bodyLanguage is how a body is coloured.
func bodyLanguage(format string) string {
	if format == "json" {
		return "json"
	}
	if format == "xml" {
		return "html"
	}
	return "text"
}

func methodOptions() []part.Option {
	return []part.Option{{Value: "GET", Label: "GET", Note: "asks for data; what it needs goes in the URL"}, {Value: "POST", Label: "POST", Note: "sends data in a body, too"}}
}

func formatOptions() []part.Option {
	return []part.Option{{Value: "json", Label: "JSON"}, {Value: "xml", Label: "XML"}, {Value: "text", Label: "Text"}}
}
