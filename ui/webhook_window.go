package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// The Webhook window: a form that is a page, or over another page (in=window).
// What is typed goes with every step of it (test, new connector, cURL), so that
// nothing is kept between requests and it works without script.

// webhookWindow is what the window shows.
type webhookWindow struct {
	Form       *webhookForm
	Refused    *refusal // what was wrong when it was last sent; nil = nothing
	Notes      []string // what was done to what is typed
	Said       string   // good news, e.g. of a new connector
	Connectors []part.Option
	Events     []part.Option
	Contact    string // label of the chosen contact
	Picker     part.PickerView
	Shown      renderedView
	UsedIn     []use
	Focus      string // name of the field that has the focus, "" = the first
	Edits      bool
}

func (v *visit) newWebhook() error {
	f := newWebhookForm()
	f.Window, f.Next = v.query("in") == "window", v.query("next")
	f.Name, f.Contact, f.Event = v.query("name"), v.query("contact"), v.query("event")
	if !localPath(f.Next) {
		f.Next = ""
	}
	return v.showWebhook(&webhookWindow{Form: f})
}

func (v *visit) webhookPage() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	if w.DeletedAt != nil || !v.edits() {
		return v.page(view{Title: w.Name, Purpose: w.Description, Crumbs: webhookCrumbs(), Actions: webhookActs(w, v.edits())}, webhookRead(w, v.curlOf(w.ID)))
	}
	f := webhookFormOf(w)
	f.Window, f.Next = v.query("in") == "window", v.query("next")
	if !localPath(f.Next) {
		f.Next = ""
	}
	return v.showWebhook(&webhookWindow{Form: f, UsedIn: w.UsedIn})
}

// webhook reads the webhook of the path.
func (v *visit) webhook() (*webhookView, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	w := &webhookView{}
	return w, v.get("/v1/webhooks/"+decimal(id), nil, w)
}

// curlOf gives a webhook as a command; "" when it can't be had.
func (v *visit) curlOf(id int64) string {
	var out struct {
		Command string `json:"command"`
	}
	if v.get("/v1/webhooks/"+decimal(id)+"/curl", nil, &out) != nil {
		return ""
	}
	return out.Command
}

func webhookCrumbs() []part.Link {
	return []part.Link{{Label: "Webhooks", Href: "/automation/webhooks"}}
}

// showWebhook answers with the window: as a page, as a dialog over another
// page, or, when a step of it was sent by htmx, as what replaces the window.
func (v *visit) showWebhook(w *webhookWindow) error {
	if err := v.furnish(w); err != nil {
		return err
	}
	return v.showStep(w.Form, webhookFormPart(w))
}

// showStep answers with a step of the window.
func (v *visit) showStep(f *webhookForm, content templ.Component) error {
	switch {
	case v.wantsPart() && v.r.Method == http.MethodGet:
		return v.part(webhookDialog(f.title(), content))
	case v.wantsPart():
		return v.part(content)
	}
	p := view{Title: f.title(), Purpose: "A request to an outside system, made from the data of a contact and an event.", Crumbs: webhookCrumbs(), Active: "/automation/webhooks", Wide: true}
	if f.ID != 0 {
		p.Actions = webhookActs(&webhookView{ID: f.ID, Name: f.Was}, v.edits())
	}
	return v.page(p, content)
}

func (f *webhookForm) title() string {
	if f.ID == 0 {
		return "New webhook"
	}
	return f.Was
}

// furnish adds what the form offers: connectors, events, the variables with
// their values, and the request as it would be sent.
func (v *visit) furnish(w *webhookWindow) error {
	var err error
	w.Edits = v.edits()
	if w.Connectors, err = v.connectorOptions(); err != nil {
		return err
	}
	if err = v.chooseSetting(w); err != nil {
		return err
	}
	at := w.Form.setting()
	groups, err := v.variables(at)
	if err != nil {
		return err
	}
	w.Picker = part.PickerView{ID: "webhook-variables", Title: "Insert a variable", For: w.Contact, Groups: groups}
	w.Shown, err = v.rendered(w.Form)
	return err
}

// setting is whose values the form shows.
func (w *webhookForm) setting() setting {
	contact, _ := strconv.ParseInt(w.Contact, 10, 64)
	event, _ := strconv.ParseInt(w.Event, 10, 64)
	return setting{Contact: contact, Event: event}
}

// receivedEvent is an event in a list.
type receivedEvent struct {
	ID           int64       `json:"id"`
	EventTypeKey string      `json:"eventTypeKey"`
	KeyValue     string      `json:"keyValue"`
	ContactID    *int64      `json:"contactId"`
	At           time.Time   `json:"at"`
	Params       []namedJSON `json:"params"`
}

// latestEvents gives the newest events of the account.
func (v *visit) latestEvents(limit int) ([]receivedEvent, error) {
	var list struct {
		Events []receivedEvent `json:"events"`
	}
	err := v.get("/v1/events", url.Values{"limit": {strconv.Itoa(limit)}}, &list)
	return list.Events, err
}

// chooseSetting fills in with whom the request is shown: who was chosen, or
// the newest event and its contact.
func (v *visit) chooseSetting(w *webhookWindow) error {
	events, err := v.latestEvents(20)
	if err != nil {
		return err
	}
	f := w.Form
	if _, err := strconv.ParseInt(f.Event, 10, 64); err != nil && f.Event != "none" {
		f.Event = "" // a body that was typed in for a test
	}
	w.Events = []part.Option{{Value: "none", Label: "No event"}}
	for _, e := range events {
		w.Events = append(w.Events, part.Option{Value: decimal(e.ID), Label: e.EventTypeKey + " " + e.KeyValue, Note: v.clock.Relative(e.At)})
	}
	if f.Event == "" && f.Contact == "" && len(events) > 0 {
		f.Event = decimal(events[0].ID)
		if events[0].ContactID != nil {
			f.Contact = decimal(*events[0].ContactID)
		}
	}
	if f.Event != "" && !slices.ContainsFunc(w.Events, func(o part.Option) bool { return o.Value == f.Event }) {
		w.Events = append(w.Events, part.Option{Value: f.Event, Label: "Event " + f.Event})
	}
	w.Contact, err = v.settleContact(f)
	return err
}

// settleContact gives the label of the chosen contact, or chooses the first one.
func (v *visit) settleContact(f *webhookForm) (string, error) {
	if f.Contact == "" {
		var list struct {
			Contacts []contactValues `json:"contacts"`
		}
		if err := v.get("/v1/contacts", url.Values{"limit": {"1"}}, &list); err != nil || len(list.Contacts) == 0 {
			return "", err
		}
		f.Contact = decimal(list.Contacts[0].ID)
		return list.Contacts[0].label(), nil
	}
	var c contactValues
	if err := v.get("/v1/contacts/"+url.PathEscape(f.Contact), nil, &c); err != nil {
		f.Contact = ""
		if _, ok := wrong(err); ok || isNotFound(err) {
			return "", nil // it was deleted, or it is no number: nobody is chosen
		}
		return "", err
	}
	return c.label(), nil
}

// label is how a contact is called in lists: by an address, or else by its id.
func (c *contactValues) label() string {
	for _, text := range []string{c.Email, c.SMS, c.ExternalCustomerID} {
		if text != "" {
			return text
		}
	}
	return "contact " + decimal(c.ID)
}

// name is the contact's first and last name.
func (c *contactValues) name() string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// typed reads what is typed in the window.
func (v *visit) typed() (*form, *webhookForm, error) {
	f, err := v.form()
	if err != nil {
		return nil, nil, err
	}
	return f, readWebhookForm(f), nil
}

func (v *visit) createWebhook() error { return v.saveDefinition(http.MethodPost, "/v1/webhooks") }

func (v *visit) saveWebhook() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	return v.saveDefinition(http.MethodPatch, "/v1/webhooks/"+decimal(id))
}

// saveDefinition is Done: it stores what is typed and goes on.
func (v *visit) saveDefinition(method, path string) error {
	_, f, err := v.typed()
	if err != nil {
		return err
	}
	switch {
	case f.isCommand():
		return v.fillFromCommand(f, f.command())
	case f.needsConnector():
		return v.showStep(f, connectorStep(f, connectorForm{}, nil))
	}
	definition, faults := f.definition()
	if method == http.MethodPatch {
		definition["version"] = f.Version
	}
	var saved webhookView
	if len(faults) == 0 {
		err = v.send(method, path, definition, &saved)
	}
	r, is := wrong(err)
	switch {
	case len(faults) > 0:
		r = &refusal{Status: http.StatusUnprocessableEntity, Detail: "Nothing was saved.", Errors: faults}
	case err == nil:
		return v.webhookDone(f, &saved)
	case !is:
		return err
	}
	v.wrongForm()
	return v.showWebhook(&webhookWindow{Form: f, Refused: r})
}

// webhookDone goes on after Done: back to where the window was asked for.
func (v *visit) webhookDone(f *webhookForm, saved *webhookView) error {
	said := "Saved: " + saved.Name + "."
	if len(saved.Warnings) > 0 {
		said += " " + countUses(saved.UsedIn) + " still use " + replyExpression(f.Was) + "."
	}
	to := "/automation/webhooks"
	if f.Next != "" {
		to = withParameter(f.Next, "webhook", decimal(saved.ID))
	}
	if f.Window && v.wantsPart() && f.Next == "" {
		v.w.Header().Set("HX-Trigger", `{"tidings:webhook":{"id":`+decimal(saved.ID)+`},"tidings:close":{}}`)
		v.w.Header().Set("HX-Reswap", "none")
		return v.part(part.Toast(part.Flash{Meaning: part.Good, Text: said}))
	}
	return v.done(to, said)
}

// withParameter adds a parameter to the address of a page.
func withParameter(path, name, value string) string {
	to, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := to.Query()
	q.Set(name, value)
	to.RawQuery = q.Encode()
	return to.String()
}

// webhookAgain shows the form again: with another row, with one less, or after
// a step that was left.
func (v *visit) webhookAgain() error {
	form, f, err := v.typed()
	if err != nil {
		return err
	}
	w := &webhookWindow{Form: f}
	switch {
	case form.text("add") == "query":
		f.Query, w.Focus = append(f.Query, pair{}), "query.name"
	case form.text("add") == "headers":
		f.Headers, f.PassHeaders, w.Focus = append(f.Headers, headerRow{}), true, "headers.name"
	}
	kind, at, _ := strings.Cut(form.text("remove"), "-")
	i, err := strconv.Atoi(at)
	switch {
	case err != nil || i < 0:
	case kind == "query" && i < len(f.Query):
		f.Query = slices.Delete(f.Query, i, i+1)
	case kind == "headers" && i < len(f.Headers):
		f.Headers = slices.Delete(f.Headers, i, i+1)
	}
	return v.showWebhook(w)
}

// commandPage asks for a cURL command; it is also where the button of the window leads.
func (v *visit) commandPage() error {
	f := newWebhookForm()
	f.Window, f.Next = v.query("in") == "window", v.query("next")
	return v.showStep(f, commandStep(f, "", nil))
}

func (v *visit) takeCommand() error {
	form, f, err := v.typed()
	if err != nil {
		return err
	}
	command := form.text("command")
	if command == "" {
		return v.showStep(f, commandStep(f, "", nil))
	}
	return v.fillFromCommand(f, command)
}

// fillFromCommand fills the form from a cURL command. Its credentials become a
// connector at once, so that they are never in a page.
func (v *visit) fillFromCommand(f *webhookForm, command string) error {
	var made struct {
		Webhook   webhookView    `json:"webhook"`
		Connector *connectorView `json:"connector"`
		Notes     []string       `json:"notes"`
	}
	ask := map[string]any{"command": command, "dryRun": true, "keepConnector": true}
	if f.Name != "" {
		ask["name"] = f.Name
	}
	err := v.post("/v1/webhooks/from-curl", ask, &made)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.showStep(f, commandStep(f, command, r))
	}
	if err != nil {
		return err
	}
	filled := webhookFormOf(&made.Webhook)
	filled.ID, filled.Version, filled.Was, filled.UsedBy = f.ID, f.Version, f.Was, f.UsedBy
	filled.Description, filled.Contact, filled.Event, filled.Window, filled.Next = f.Description, f.Contact, f.Event, f.Window, f.Next
	w := &webhookWindow{Form: filled, Notes: made.Notes, Said: "The form is filled from the command."}
	if made.Connector != nil {
		w.Said = "The form is filled from the command. Its credentials are kept as the connector " + made.Connector.Name + "."
	}
	return v.showWebhook(w)
}
