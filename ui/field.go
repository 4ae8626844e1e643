package ui

import (
	"net/url"
	"strings"
	"time"

	"tidings/ui/part"
)

// fieldJSON is an additional field, as the API gives it.
type fieldJSON struct {
	Key       string    `json:"key"`
	Type      string    `json:"type"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// label is what the field is called for people.
func (f fieldJSON) label() string {
	if f.Name == "" {
		return f.Key
	}
	return f.Name + " (" + f.Key + ")"
}

// fieldsJSON is all fields of contacts.
type fieldsJSON struct {
	Standard []string    `json:"standard"`
	Fields   []fieldJSON `json:"fields"`
}

// fields gives the fields of contacts.
func (v *visit) fields() (fieldsJSON, error) {
	var out fieldsJSON
	err := v.get("/v1/fields", nil, &out)
	return out, err
}

func (s *Server) registerFields() {
	s.look("/settings/fields", (*visit).fieldsPage)
	s.act("/settings/fields", (*visit).createField)
	s.edit("/settings/fields/{key}", (*visit).fieldPage)
	s.act("/settings/fields/{key}", (*visit).renameField)
	s.act("/settings/fields/{key}/delete", (*visit).deleteField)
}

// fieldsView is the list of fields, with the form of a new one.
type fieldsView struct {
	*form
	clock    part.Clock
	standard []string
	fields   []fieldJSON
	text     string // that the list is narrowed to
	pager    part.PagerView
	edits    bool
	Wrong    *refusal
}

func (f *fieldsView) fault(field string) string {
	if f.Wrong == nil {
		return ""
	}
	return f.Wrong.Errors.of(field)
}

// fieldTypes are the types of fields with what they are for.
func fieldTypes() []part.Option {
	return []part.Option{
		{Value: "text", Label: "text"},
		{Value: "number", Label: "number", Note: "exact, as it is written"},
		{Value: "date", Label: "date", Note: "a day, or a time in UTC"},
		{Value: "bool", Label: "bool", Note: "true or false"},
		{Value: "list", Label: "list", Note: "several texts"},
	}
}

func (v *visit) fieldsPage() error { return v.showFields(&form{values: url.Values{}}, nil) }

func (v *visit) showFields(typed *form, wrong *refusal) error {
	list, err := v.fields()
	if err != nil {
		return err
	}
	f := fieldsView{form: typed, clock: v.clock, standard: list.Standard, text: v.query("q"), edits: v.edits(), Wrong: wrong}
	for _, each := range list.Fields {
		if strings.Contains(strings.ToLower(each.label()), strings.ToLower(f.text)) {
			f.fields = append(f.fields, each)
		}
	}
	f.fields, f.pager = pageIn(v, f.fields, "field")
	return v.page(view{Title: "Fields", Purpose: "What is kept of each contact beside its addresses. Templates and conditions call a field by its key."}, fieldsPage(f))
}

// listPage is how many rows of a list stand on one page when the API gives all at once.
const listPage = 100

// pageIn gives the page of a whole list that after of the address asks for: it is the number of rows before.
func pageIn[T any](v *visit, list []T, noun string) ([]T, part.PagerView) {
	from := int(min(max(v.after(), 0), int64(len(list))))
	rest := list[from:]
	var next *int64
	if len(rest) > listPage {
		rest = rest[:listPage]
		at := int64(from + listPage)
		next = &at
	}
	return rest, pager(v, len(rest), next, noun)
}

// after gives the number that the parameter after has, 0 without one.
func (v *visit) after() int64 {
	f := &form{values: v.r.URL.Query()}
	if n := f.number("after"); n != nil {
		return *n
	}
	return 0
}

func (v *visit) createField() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var made fieldJSON
	err = v.post("/v1/fields", map[string]any{"key": f.text("key"), "type": f.text("type"), "name": f.text("name")}, &made)
	if r, refused := wrong(err); refused {
		v.wrongForm()
		return v.showFields(f, r)
	}
	if err != nil {
		return err
	}
	return v.done("/settings/fields", "Created: the field "+made.Key+".")
}

// field gives the additional field that the path names.
func (v *visit) field() (fieldJSON, error) {
	list, err := v.fields()
	if err != nil {
		return fieldJSON{}, err
	}
	for _, f := range list.Fields {
		if strings.EqualFold(f.Key, v.r.PathValue("key")) {
			return f, nil
		}
	}
	return fieldJSON{}, v.nothingHere()
}

// path is that of the field's page.
func (f fieldJSON) path() string { return "/settings/fields/" + url.PathEscape(f.Key) }

// fieldView is the page on which a field is changed or deleted.
type fieldView struct {
	field fieldJSON
	name  string
	Wrong *refusal // of the renaming
	Used  *refusal // of the deletion
}

func (f *fieldView) fault(field string) string {
	if f.Wrong == nil {
		return ""
	}
	return f.Wrong.Errors.of(field)
}

// deletion asks before the field is deleted.
func (f *fieldView) deletion() part.ConfirmView {
	return part.ConfirmView{
		Action: f.field.path() + "/delete", Button: "Delete " + f.field.Key, Cancel: "/settings/fields",
		Lost: "The values that contacts have in " + f.field.Key + " are lost. It can't be undone. A field that a segment, workflow or message uses is not deleted: you are told which.",
	}
}

func (v *visit) fieldPage() error {
	f, err := v.field()
	if err != nil {
		return err
	}
	return v.showField(fieldView{field: f, name: f.Name})
}

func (v *visit) showField(f fieldView) error {
	return v.page(view{Title: f.field.Key, Purpose: "An additional field of type " + f.field.Type + ".", Active: "/settings/fields", Crumbs: []part.Link{{Label: "Fields", Href: "/settings/fields"}}}, fieldPageOf(f))
}

func (v *visit) renameField() error {
	field, err := v.field()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	err = v.patch("/v1/fields/"+url.PathEscape(field.Key), map[string]any{"name": orNull(f.text("name"))}, nil)
	if r, refused := wrong(err); refused {
		v.wrongForm()
		return v.showField(fieldView{field: field, name: f.text("name"), Wrong: r})
	}
	if err != nil {
		return err
	}
	return v.done("/settings/fields", "Saved: "+field.Key+".")
}

func (v *visit) deleteField() error {
	field, err := v.field()
	if err != nil {
		return err
	}
	err = v.remove("/v1/fields/" + url.PathEscape(field.Key))
	if r, refused := wrong(err); refused {
		v.wrongForm()
		return v.showField(fieldView{field: field, name: field.Name, Used: r})
	}
	if err != nil {
		return err
	}
	return v.done("/settings/fields", "Deleted: the field "+field.Key+" with its values.")
}

// href is where a click on a field leads: those who can change it, to its page.
func (f *fieldsView) href(of fieldJSON) string {
	if !f.edits {
		return ""
	}
	return of.path()
}
