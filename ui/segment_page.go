package ui

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerSegments() {
	s.look("/contacts/segments", (*visit).segmentsPage)
	s.edit("/contacts/segments/new", (*visit).newSegmentPage)
	s.act("/contacts/segments/new", (*visit).createSegment)
	s.ask("/contacts/segments/condition", func(v *visit) error {
		c, err := v.segmentCondition(nil, nil)
		if err != nil {
			return err
		}
		return v.conditionPart(c)
	})
	s.ask("/contacts/segments/preview", (*visit).previewSegment)
	s.look("/contacts/segments/{id}", (*visit).segmentPage)
	s.look("/contacts/segments/{id}/count", (*visit).countSegment)
	s.edit("/contacts/segments/{id}/edit", (*visit).editSegmentPage)
	s.act("/contacts/segments/{id}/edit", (*visit).saveSegment)
	s.edit("/contacts/segments/{id}/delete", func(v *visit) error { return v.askSegmentDeletion(nil) })
	s.act("/contacts/segments/{id}/delete", (*visit).deleteSegment)
	s.act("/contacts/segments/{id}/add", func(v *visit) error { return v.moveMember("add") })
	s.act("/contacts/segments/{id}/remove", func(v *visit) error { return v.moveMember("remove") })
}

// segmentCondition is the editor of a segment's condition.
func (v *visit) segmentCondition(c *condition, wrong *refusal) (conditionView, error) {
	names, err := v.fieldNames()
	e := conditionView{Prefix: "condition", Update: "/contacts/segments/condition", Names: names, Root: c}
	if wrong != nil {
		e.Faults = wrong.Errors
	}
	return e, err
}

// segmentListView is the list of segments.
type segmentListView struct {
	segments []segmentJSON
	clock    part.Clock
	text     string
	kind     string
	pager    part.PagerView
	edits    bool
}

// Narrowed says whether only a part of the segments is listed.
func (l *segmentListView) Narrowed() bool { return l.text != "" || l.kind != "" }

func (v *visit) segmentsPage() error {
	all, err := v.allSegments()
	if err != nil {
		return err
	}
	l := segmentListView{clock: v.clock, text: v.query("q"), kind: v.query("kind"), edits: v.edits()}
	for _, g := range all {
		if g.has(l.text) && (l.kind == "" || l.kind == g.Kind) {
			l.segments = append(l.segments, g)
		}
	}
	l.segments, l.pager = pageIn(v, l.segments, "segment")
	p := view{Title: "Segments", Purpose: "Groups of contacts: lists that contacts are put on, and all those of whom a condition holds now."}
	if l.edits {
		p.Actions = part.LinkButton("New segment", "/contacts/segments/new", part.Primary)
	}
	return v.page(p, segmentList(l))
}

// segmentKinds are the kinds of segments to choose from.
func segmentKinds() []part.Option {
	return []part.Option{{Label: "All kinds"}, {Value: "list", Label: "Lists"}, {Value: "condition", Label: "By condition"}}
}

// segment reads the segment that the path names.
func (v *visit) segment() (*segmentJSON, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	g := &segmentJSON{}
	err = v.get("/v1/segments/"+decimal(id), nil, g)
	return g, err
}

// countSegment counts a segment's contacts: a part of pages that are shown before it is known.
func (v *visit) countSegment() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var out struct {
		Count int64 `json:"count"`
	}
	if err := v.get("/v1/segments/"+decimal(id)+"/count", nil, &out); err != nil {
		return err
	}
	if !v.wantsPart() {
		return v.done("/contacts/segments/"+decimal(id), plural(out.Count, "contact is", "contacts are")+" in the segment now.")
	}
	return v.part(plainText(v.clock.Number(out.Count)))
}

// segmentPageView is the page of a segment.
type segmentPageView struct {
	segment  *segmentJSON
	contacts []contactJSON
	clock    part.Clock
	pager    part.PagerView
	adding   contactSelectView
	edits    bool
}

func (v *visit) segmentPage() error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	p := segmentPageView{segment: g, clock: v.clock, edits: v.edits()}
	var found contactsJSON
	if err := v.get("/v1/segments/"+decimal(g.ID)+"/contacts", v.pick("after"), &found); err != nil {
		return err
	}
	p.contacts, p.pager = found.Contacts, pager(v, len(found.Contacts), found.Next, "contact")
	if p.edits && g.isList() {
		if p.adding, err = v.contactSelect("contact", "Contact", ""); err != nil {
			return err
		}
	}
	around := view{Title: g.Name, Purpose: "A list: contacts are put on it one by one.", Crumbs: []part.Link{{Label: "Segments", Href: "/contacts/segments"}}, Active: "/contacts/segments"}
	if !g.isList() {
		around.Purpose = "All contacts of whom this holds: " + g.Condition.words()
	}
	if p.edits {
		around.Actions = segmentActs(g)
	}
	return v.page(around, segmentPageOf(p))
}

// member gives what takes a contact off the list; nil when it can't be.
func (p *segmentPageView) member() func(c *contactJSON) templ.Component {
	if !p.edits || !p.segment.isList() {
		return nil
	}
	return func(c *contactJSON) templ.Component { return removeMember(p.segment, c) }
}

// moveMember puts a contact on the list, or takes it off.
func (v *visit) moveMember(act string) error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	id := f.number("contact")
	if id == nil {
		v.say(part.Flash{Meaning: part.Waiting, Text: "Choose a contact: nothing was changed."})
		return v.redirect(g.path())
	}
	var c contactJSON
	if err := v.get("/v1/contacts/"+decimal(*id), nil, &c); err != nil {
		return err
	}
	if err := v.post("/v1/segments/"+decimal(g.ID)+"/contacts/"+act, map[string]any{"contactIds": []int64{*id}}, nil); err != nil {
		return err
	}
	if act == "add" {
		return v.done(g.path(), c.title()+" is on the list now.")
	}
	return v.done(g.path(), c.title()+" is no longer on the list.")
}

// segmentForm is the form of a segment.
type segmentForm struct {
	*form
	Title, Action, Back string
	New                 bool
	List                bool // it is a list: there is no condition to edit
	Editor              conditionView
	Wrong               *refusal
}

func (f *segmentForm) fault(field string) string {
	if f.Wrong == nil {
		return ""
	}
	return f.Wrong.Errors.of(field)
}

// conditional says whether the form makes a segment by condition.
func (f *segmentForm) conditional() bool { return !f.List && f.raw("kind") != "list" }

// segmentForm makes the form; g is nil for a new segment.
func (v *visit) segmentForm(typed *form, g *segmentJSON, c *condition, wrong *refusal) error {
	f := segmentForm{form: typed, Title: "New segment", Action: "/contacts/segments/new", Back: "/contacts/segments", New: true, Wrong: wrong}
	if g != nil {
		f.Title, f.Action, f.Back, f.New, f.List = "Edit "+g.Name, g.path()+"/edit", g.path(), false, g.isList()
	}
	var err error
	if f.Editor, err = v.segmentCondition(c, wrong); err != nil {
		return err
	}
	return v.page(view{Title: f.Title, Active: "/contacts/segments", Crumbs: []part.Link{{Label: "Segments", Href: "/contacts/segments"}}}, segmentFormOf(f))
}

func (v *visit) newSegmentPage() error {
	return v.segmentForm(&form{values: url.Values{}}, nil, nil, nil)
}

func (v *visit) editSegmentPage() error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	stored := &form{values: url.Values{"name": {g.Name}, "version": {decimal(g.Version)}}}
	return v.segmentForm(stored, g, g.Condition, nil)
}

func (v *visit) createSegment() error { return v.submitSegment(nil) }

func (v *visit) saveSegment() error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	return v.submitSegment(g)
}

// submitSegment has the API store what is typed, or shows the form again; g is nil for a new one.
func (v *visit) submitSegment(g *segmentJSON) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	c, acted := readCondition(f, "condition")
	if acted {
		return v.segmentForm(f, g, c, nil)
	}
	body := map[string]any{"name": f.text("name")}
	if g == nil && f.raw("kind") != "list" || g != nil && !g.isList() {
		body["condition"] = c.sent()
	}
	method, path, said := http.MethodPost, "/v1/segments", "Created: "
	if g != nil {
		method, path, said = http.MethodPatch, "/v1/segments/"+decimal(g.ID), "Saved: "
		if version := f.number("version"); version != nil {
			body["version"] = *version
		}
	}
	var stored segmentJSON
	err = v.send(method, path, body, &stored)
	if r, refused := wrong(err); refused {
		v.wrongForm()
		return v.segmentForm(f, g, c.sent(), r) // the API's faults name the places of what was sent
	}
	if err != nil {
		return err
	}
	return v.done(stored.path(), said+stored.Name+".")
}

// sent is the condition as it goes to the API; of nothing it is a comparison
// without a field, which the API refuses at its place.
func (c *condition) sent() *condition {
	if given := c.given(); given != nil {
		return given
	}
	none := &condition{}
	none.hold(c.join(), []tidings.Condition{{Op: tidings.Equals}})
	return none
}

// matching is who a condition finds.
type matching struct {
	Count    int64         `json:"count"`
	Contacts []contactJSON `json:"contacts"`
	clock    part.Clock
	Wrong    *refusal
}

// previewSegment shows who a condition that is being typed would find.
func (v *visit) previewSegment() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	c, _ := readCondition(f, "condition")
	m := matching{clock: v.clock}
	if c.given() == nil {
		m.Wrong = &refusal{Detail: "Choose a field and what it is compared with: then those are counted of whom it holds."}
		return v.showMatching(m)
	}
	err = v.post("/v1/segments/preview", map[string]any{"condition": c.sent()}, &m)
	if r, refused := wrong(err); refused {
		m.Wrong = r
	} else if err != nil {
		return err
	}
	return v.showMatching(m)
}

func (v *visit) showMatching(m matching) error {
	if v.wantsPart() {
		return v.part(matchingOf(m))
	}
	return v.page(view{Title: "Who is found", Active: "/contacts/segments"}, matchingOf(m))
}

// askSegmentDeletion asks before a segment is deleted; used says why it was not.
func (v *visit) askSegmentDeletion(used *refusal) error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + g.Name, Active: "/contacts/segments", Crumbs: []part.Link{{Label: "Segments", Href: "/contacts/segments"}, {Label: g.Name, Href: g.path()}}}, segmentDeletion(g, used))
}

func (v *visit) deleteSegment() error {
	g, err := v.segment()
	if err != nil {
		return err
	}
	err = v.remove("/v1/segments/" + decimal(g.ID))
	if r, refused := wrong(err); refused {
		v.wrongForm()
		return v.askSegmentDeletion(r)
	}
	if err != nil {
		return err
	}
	return v.done("/contacts/segments", "Deleted: "+g.Name+". Its contacts stay.")
}

// usePath is the page of what uses a thing.
func usePath(u useJSON) string {
	switch u.Kind {
	case "workflow":
		return "/automation/workflows/" + decimal(u.ID)
	case "webhook":
		return "/automation/webhooks/" + decimal(u.ID)
	case "broadcast":
		return "/messages/broadcasts/" + decimal(u.ID)
	}
	return "/messages/" + decimal(u.ID)
}

// deletion asks before the segment is deleted.
func (g *segmentJSON) deletion() part.ConfirmView {
	lost := "Delete " + g.Name + "? Its condition is lost; its contacts stay. It can't be undone."
	if g.isList() {
		lost = "Delete " + g.Name + "? Who is on it is lost; the contacts themselves stay. It can't be undone."
	}
	return part.ConfirmView{Action: g.path() + "/delete", Lost: lost, Button: "Delete the segment", Cancel: g.path()}
}

// kind is the kind of segment that is chosen.
func (f *segmentForm) kind() string {
	if f.conditional() {
		return "condition"
	}
	return "list"
}
