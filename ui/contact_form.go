package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tidings/ui/part"
)

// contactForm is the form of a contact: what stands in its fields is what was
// typed, or what is stored.
type contactForm struct {
	*form
	Title  string
	Action string
	Back   string // page of the contact, or the list
	New    bool
	fields []fieldJSON
	Wrong  *refusal
}

// fault gives what is wrong with a field.
func (f *contactForm) fault(field string) string {
	if f.Wrong == nil {
		return ""
	}
	return f.Wrong.Errors.under(field)
}

// channelRow is a row of the form.
type channelRow struct {
	Type, Value, Error string
	Number             int
}

// channelRows are the rows of addresses, with two empty ones at the end.
func (f *contactForm) channelRows() []channelRow {
	var rows []channelRow
	for i, row := range f.typedChannels() {
		rows = append(rows, channelRow{Type: row[0], Value: row[1], Error: f.fault("channels[" + strconv.Itoa(i) + "]"), Number: i + 1})
	}
	rows = append(rows, channelRow{Type: "email"}, channelRow{Type: "sms"})
	for i := range rows {
		rows[i].Number = i + 1
	}
	return rows
}

// typedChannels are the rows that have an address.
func (f *contactForm) typedChannels() [][]string {
	var typed [][]string
	for _, row := range f.rows("channelType", "channelValue") {
		if row[1] != "" {
			typed = append(typed, row)
		}
	}
	return typed
}

// input is a field of the form for a text of the contact.
func (f *contactForm) input(name, label string) part.FieldView {
	return part.FieldView{Name: name, Label: label, Value: f.raw(name), Error: f.fault(name)}
}

// additional is the field of the form for an additional field, by its type.
func (f *contactForm) additional(of fieldJSON) part.FieldView {
	view := f.input("fields."+of.Key, of.label())
	switch of.Type {
	case "number":
		view.Attrs, view.Placeholder = map[string]any{"inputmode": "decimal"}, "120.50"
	case "date":
		view.Placeholder = "2026-01-31"
		view.Hint = "A day, or a time as 2026-01-31T15:04:05Z."
	case "bool":
		view.Options = []part.Option{{Label: "No value"}, {Value: "true", Label: "true"}, {Value: "false", Label: "false"}}
	case "list":
		view.Hint = "One text a line."
	}
	return view
}

// shownNames are the fields that show what is wrong with them themselves.
func (f *contactForm) shownNames() []string {
	return []string{"channels", "externalCustomerId", "firstName", "lastName", "address", "languageCode", "timeZone", "fields", "subscriptions"}
}

// storedContact gives the fields of the form as they are stored.
func storedContact(c *contactJSON) url.Values {
	values := url.Values{
		"version": {decimal(c.Version)}, "externalCustomerId": {c.ExternalCustomerID}, "firstName": {c.FirstName}, "lastName": {c.LastName},
		"address.region": {c.Address.Region}, "address.town": {c.Address.Town}, "address.address": {c.Address.Address}, "address.postcode": {c.Address.Postcode},
		"languageCode": {c.LanguageCode}, "timeZone": {c.TimeZone}, "subscriptions": {strings.Join(c.Subscriptions, "\n")},
	}
	for _, ch := range c.Channels {
		values.Add("channelType", ch.Type)
		values.Add("channelValue", ch.Value)
	}
	for key, raw := range c.Fields {
		values.Set("fields."+key, strings.Join(texts(raw), "\n"))
	}
	return values
}

// body makes the API's request: a merge patch that names everything.
func (f *contactForm) body() map[string]any {
	channels := []map[string]string{}
	for _, row := range f.typedChannels() {
		channels = append(channels, map[string]string{"type": row[0], "value": row[1]})
	}
	fields := map[string]any{}
	for _, of := range f.fields {
		if name := "fields." + of.Key; f.has(name) {
			fields[of.Key] = typedValue(of.Type, f.text(name))
		}
	}
	address := map[string]any{}
	for _, name := range []string{"region", "town", "address", "postcode"} {
		address[name] = orNull(f.text("address." + name))
	}
	body := map[string]any{
		"channels": channels, "fields": fields, "address": address, "subscriptions": lines(f.text("subscriptions")),
		"languageCode": orNull(f.text("languageCode")), "timeZone": orNull(f.text("timeZone")),
		"externalCustomerId": orNull(f.text("externalCustomerId")), "firstName": orNull(f.text("firstName")), "lastName": orNull(f.text("lastName")),
	}
	if version := f.number("version"); version != nil {
		body["version"] = *version
	}
	return body
}

// typedValue gives a field's value in the JSON type of the field; nil removes
// it. What can't be of the type goes as a text, and the API says what is wrong.
func typedValue(kind, text string) any {
	switch {
	case text == "":
		return nil
	case kind == "list":
		return lines(text)
	case (kind == "number" || kind == "bool") && json.Valid([]byte(text)):
		return json.RawMessage(text)
	}
	return text
}

// lines gives the lines of a text that have something in them.
func lines(text string) []string {
	out := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func (v *visit) newContactPage() error {
	f, err := v.contactForm(&form{values: url.Values{}}, nil)
	if err != nil {
		return err
	}
	return v.showContactForm(f)
}

func (v *visit) editContactPage() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	f, err := v.contactForm(&form{values: storedContact(c)}, c)
	if err != nil {
		return err
	}
	return v.showContactForm(f)
}

// contactForm makes the form of a contact, nil = a new one.
func (v *visit) contactForm(values *form, c *contactJSON) (*contactForm, error) {
	list, err := v.fields()
	if err != nil {
		return nil, err
	}
	f := &contactForm{form: values, fields: list.Fields, Title: "New contact", Action: "/contacts/new", Back: "/contacts", New: true}
	if c != nil {
		f.Title, f.Action, f.Back, f.New = "Edit "+c.title(), c.path()+"/edit", c.path(), false
	}
	return f, nil
}

func (v *visit) showContactForm(f *contactForm) error {
	return v.page(view{Title: f.Title, Active: "/contacts", Crumbs: []part.Link{{Label: "Contacts", Href: "/contacts"}}}, contactFormOf(f))
}

func (v *visit) createContact() error {
	typed, err := v.form()
	if err != nil {
		return err
	}
	f, err := v.contactForm(typed, nil)
	if err != nil {
		return err
	}
	return v.submitContact(f, http.MethodPost, "/v1/contacts", "Created: ")
}

func (v *visit) saveContact() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	typed, err := v.form()
	if err != nil {
		return err
	}
	f, err := v.contactForm(typed, c)
	if err != nil {
		return err
	}
	return v.submitContact(f, http.MethodPatch, "/v1/contacts/"+decimal(c.ID), "Saved: ")
}

// submitContact has the API store what is typed, or shows the form again.
func (v *visit) submitContact(f *contactForm, method, path, done string) error {
	var stored contactJSON
	err := v.send(method, path, f.body(), &stored)
	if r, refused := wrong(err); refused {
		f.Wrong = r
		v.wrongForm()
		return v.showContactForm(f)
	}
	if err != nil {
		return err
	}
	return v.done(stored.path(), done+stored.title()+".")
}

// hinted is input with a hint.
func (f *contactForm) hinted(name, label, hint string) part.FieldView {
	view := f.input(name, label)
	view.Hint = hint
	return view
}

// channelOptions are the kinds of addresses.
func channelOptions() []part.Option {
	var options []part.Option
	for _, kind := range []string{"email", "sms", "mobilepush", "webpush", "telegrambot"} {
		options = append(options, part.Option{Value: kind, Label: channelName(kind)})
	}
	return options
}
