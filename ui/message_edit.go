package ui

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidings/ui/part"
)

// editor is a message as it is edited, in one of its languages, and how it
// looks for one contact.
type editor struct {
	message         // as it is typed; the contents of the language that is edited are in Subject, HTML and Text
	Language string // that is edited; "" = what all others get
	Added    bool   // the language is not saved yet
	Settings mailSettings
	Preview  preview
	Refused  *refusal
	Edits    bool
	UserMail string // where a test goes
	Clock    part.Clock
}

// path is where the editor is, in a language and for the contact and event that
// are looked at.
func (e *editor) path(language string) string {
	q := e.Preview.For.query()
	if language != "" {
		q.Set("language", language)
	}
	return address(e.base(), q)
}

// base is the address of the message.
func (e *editor) base() string {
	if e.ID == 0 {
		return "/messages"
	}
	return "/messages/" + decimal(e.ID)
}

// fieldOf is the API's name of a part of the content that is edited.
func (e *editor) fieldOf(part string) string {
	if e.Language != "" {
		return "variants." + e.Language + "." + part
	}
	return part
}

func (e *editor) fault(field string) string {
	if e.Refused == nil {
		return ""
	}
	return e.Refused.Errors.under(field)
}

// shown lists the fields that show what is wrong with them.
func (e *editor) shown() []string {
	return []string{"name", "tag", "from.name", "from.address", "replyTo", "categories", e.fieldOf("subject"), e.fieldOf("html"), e.fieldOf("text")}
}

// code is a field of the content, with the line of what is wrong in it.
func (e *editor) code(part string) (reason string, line int) {
	reason = e.fault(e.fieldOf(part))
	return reason, lineOf(reason)
}

// placed finds the place at which the API's reason says that something is wrong.
var placed = regexp.MustCompile(`^line (\d+), column \d+: `)

// lineOf gives the line that a reason names, 0 when it names none.
func lineOf(reason string) int {
	found := placed.FindStringSubmatch(reason)
	if found == nil {
		return 0
	}
	line, err := strconv.Atoi(found[1])
	if err != nil {
		return 0
	}
	return line
}

// categoryOptions offers the account's categories, and those that the message
// has besides.
func (e *editor) categoryOptions() []part.Option {
	var options []part.Option
	for _, c := range e.Settings.Categories {
		options = append(options, part.Option{Value: c.Key, Label: c.Key, Note: c.Name})
	}
	for _, key := range e.Categories {
		if !slices.ContainsFunc(options, func(o part.Option) bool { return o.Value == key }) {
			options = append(options, part.Option{Value: key, Label: key, Note: "not in the settings of email"})
		}
	}
	return options
}

// languageTabs leads to the message in each of its languages.
func (e *editor) languageTabs() []part.Tab {
	tabs := []part.Tab{{Label: "All languages", Href: e.path(""), On: e.Language == ""}}
	languages := e.Languages
	if e.Added {
		languages = append(slices.Clone(languages), e.Language)
	}
	for _, l := range languages {
		tabs = append(tabs, part.Tab{Label: l, Href: e.path(l), On: e.Language == l})
	}
	return tabs
}

func (v *visit) newMessagePage() error {
	e := editor{Edits: true, UserMail: v.user.Email}
	e.Text = v.query("insert") // an expression that a reply's page hands on
	return v.showEditor(&e)
}

func (v *visit) messagePage() error {
	e, err := v.savedEditor()
	if err != nil {
		return err
	}
	return v.showEditor(e)
}

// savedEditor reads the message of the address in the language that is asked for.
func (v *visit) savedEditor() (*editor, error) {
	m, err := v.messageOf()
	if err != nil {
		return nil, err
	}
	e := &editor{message: m, Edits: v.edits() && m.DeletedAt == nil, UserMail: v.user.Email}
	e.pick(strings.TrimSpace(v.query("language")))
	return e, nil
}

// pick has a language edited. One that the message does not have begins with
// what all others get.
func (e *editor) pick(language string) {
	if language == "" {
		return
	}
	e.Language = language
	c, ok := e.Variants[language]
	e.Added = !ok
	if ok {
		e.Subject, e.HTML, e.Text = c.Subject, c.HTML, c.Text
	}
}

// showEditor completes the editor by what stands around it, and shows it.
func (v *visit) showEditor(e *editor) error {
	e.Clock = v.clock
	if err := v.get("/v1/settings/mail", nil, &e.Settings); err != nil {
		return err
	}
	if err := v.preview(e, v.r.URL.Query()); err != nil {
		return err
	}
	title := e.Name
	if e.ID == 0 {
		title = "New email"
	}
	p := messageView(title)
	p.Actions = editorActs(e)
	return v.page(p, editorPage(e))
}

// typeInto puts what was typed over what is saved.
func (e *editor) typeInto(f *form) {
	e.Subject, e.HTML, e.Text = f.text("subject"), f.area("html"), f.area("text")
	if e.Language != "" {
		return
	}
	e.Name, e.Tag, e.ReplyTo = f.text("name"), f.text("tag"), f.text("replyTo")
	e.From = mailbox{f.text("from.name"), f.text("from.address")}
	e.Categories = f.list("categories")
	if version := f.number("version"); version != nil {
		e.Version = *version
	}
}

// asked is the message for the API: only what is edited.
func (e *editor) asked() map[string]any {
	said := content{e.Subject, e.HTML, e.Text}
	if e.Language != "" {
		return map[string]any{"variants": map[string]content{e.Language: said}}
	}
	return map[string]any{
		"name": e.Name, "tag": e.Tag, "from": orNoMailbox(e.From), "replyTo": e.ReplyTo, "categories": e.Categories,
		"subject": e.Subject, "html": e.HTML, "text": e.Text,
	}
}

// orNoMailbox gives null for an empty one.
func orNoMailbox(m mailbox) any {
	if m == (mailbox{}) {
		return nil
	}
	return m
}

func (v *visit) createMessage() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	e := &editor{Edits: true, UserMail: v.user.Email}
	e.typeInto(f)
	var made message
	err = v.post("/v1/messages", e.asked(), &made)
	if refused, ok := wrong(err); ok {
		e.Refused = refused
		v.wrongForm()
		return v.showEditor(e)
	}
	if err != nil {
		return err
	}
	return v.done("/messages/"+decimal(made.ID), "Saved: "+made.Name+".")
}

func (v *visit) saveMessage() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	m, err := v.messageOf()
	if err != nil {
		return err
	}
	e := &editor{message: m, Edits: true, UserMail: v.user.Email}
	e.pick(f.text("language"))
	e.typeInto(f)
	asked := e.asked()
	if version := f.number("version"); version != nil {
		asked["version"], e.Version = *version, *version
	}
	err = v.patch("/v1/messages/"+decimal(m.ID), asked, nil)
	if refused, ok := wrong(err); ok {
		e.Refused = refused
		v.wrongForm()
		return v.showEditor(e)
	}
	if err != nil {
		return err
	}
	return v.done(v.backTo(e), "Saved: "+e.Name+". What is sent from now on is as it is now.")
}

// backTo is the editor as it was when its form was sent: the address in the
// browser has the contact and the event that are looked at.
func (v *visit) backTo(e *editor) string {
	from, err := url.Parse(refererPath(v.r))
	if err == nil && from.Path == e.base() {
		q := from.Query()
		q.Del("language")
		if e.Language != "" {
			q.Set("language", e.Language)
		}
		return address(e.base(), q)
	}
	return e.path(e.Language)
}

// removeVariant takes a language away.
func (v *visit) removeVariant() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id, err := v.id("id")
	if err != nil {
		return err
	}
	language := f.text("language")
	asked := map[string]any{"variants": map[string]any{language: nil}}
	if version := f.number("version"); version != nil {
		asked["version"] = *version
	}
	if err := v.patch("/v1/messages/"+decimal(id), asked, nil); err != nil {
		return err
	}
	return v.done("/messages/"+decimal(id), "Removed: "+language+". Its contacts get what all others get.")
}
