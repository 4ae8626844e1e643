package ui

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidings/ui/part"
)

// preview is how a message looks for one contact.
type preview struct {
	For      lookedAt
	Shown    *rendered // nil = there is nothing to look at
	Problems []mailProblem
	Warnings []mailProblem
	Typed    bool // it is of what was typed, which is not saved
}

// lookedAt is with whose data a message is looked at.
type lookedAt struct {
	Contact *person // nil = an invented one
	Event   *eventSeen
	NoEvent bool
	Events  []eventSeen // that can be chosen
	Replies map[string]json.RawMessage
	Calls   []replyUsed // the calls that replies are of
	Wrong   string      // what was typed as replies can't be read
	Images  bool        // pictures of other servers are shown
}

// person is a contact in short.
type person struct {
	ID        int64  `json:"id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	SMS       string `json:"sms"`
}

// words is what a contact is called.
func (p *person) words() string {
	if p == nil {
		return "Ann Weaver, who is invented"
	}
	name := strings.TrimSpace(p.FirstName + " " + p.LastName)
	if name == "" {
		return p.address()
	}
	return name + ", " + p.address()
}

// address is what a search finds a contact by: what stands in the box of a choice.
func (p *person) address() string { return cmp.Or(p.Email, p.SMS, decimal(p.ID)) }

func (f *lookedAt) contactID() string {
	if f.Contact == nil {
		return ""
	}
	return decimal(f.Contact.ID)
}

// eventSeen is an event that was received.
type eventSeen struct {
	ID           int64     `json:"id"`
	EventTypeKey string    `json:"eventTypeKey"`
	KeyValue     string    `json:"keyValue"`
	ContactID    *int64    `json:"contactId"`
	At           time.Time `json:"at"`
}

// replyUsed is a call whose reply a preview has.
type replyUsed struct {
	Webhook string
	Call    int64
	At      time.Time
}

// noEvent is what a form sends for "no event".
const noEvent = "none"

func (f *lookedAt) eventID() string {
	switch {
	case f.NoEvent:
		return noEvent
	case f.Event == nil:
		return ""
	}
	return decimal(f.Event.ID)
}

// query is the choice in an address.
func (f *lookedAt) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"contact": f.contactID(), "event": f.eventID()} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Images {
		q.Set("images", "1")
	}
	return q
}

func (f *lookedAt) eventOptions(clock part.Clock) []part.Option {
	options := []part.Option{{Value: noEvent, Label: "No event"}}
	for _, e := range f.Events {
		options = append(options, part.Option{Value: decimal(e.ID), Label: e.EventTypeKey, Note: clock.Relative(e.At)})
	}
	return options
}

// repliesText is the replies as they are shown and typed.
func (f *lookedAt) repliesText() string {
	if len(f.Replies) == 0 {
		return ""
	}
	text, err := json.MarshalIndent(f.Replies, "", "  ")
	if err != nil {
		return "" // each of them was read as JSON
	}
	return string(text)
}

// rendered is a message as a contact gets it.
type rendered struct {
	From     mailbox       `json:"from"`
	To       string        `json:"to"`
	Language string        `json:"language"`
	Subject  string        `json:"subject"`
	HTML     string        `json:"html"`
	Text     string        `json:"text"`
	Problems []mailProblem `json:"problems"`
	Warnings []mailProblem `json:"warnings"`
}

// mailProblem is something at a place of a message.
type mailProblem struct {
	Field    string `json:"field"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Fragment string `json:"fragment"`
	Message  string `json:"message"`
}

// control is the id of the field that the problem is in, "" when the page shows
// another language.
func (p mailProblem) control(e *editor) string {
	for _, name := range []string{"subject", "html", "text"} {
		if p.Field == e.fieldOf(name) {
			return "f-" + name
		}
	}
	return ""
}

// preview renders the editor's message for whom the values name: contact,
// event, replies, images.
func (v *visit) preview(e *editor, values url.Values) error {
	look, err := v.chosen(values)
	if err != nil {
		return err
	}
	e.Preview.For = *look
	if err := v.findReplies(e, values.Get("replies")); err != nil {
		return err
	}
	if e.DeletedAt != nil || e.Subject == "" && e.HTML == "" && e.Text == "" {
		return nil
	}
	var shown rendered
	path := "/v1/messages/preview"
	if e.ID != 0 {
		path = "/v1/messages/" + decimal(e.ID) + "/preview"
	}
	err = v.post(path, e.previewAsked(), &shown)
	refused, ok := wrong(err)
	switch {
	case ok:
		e.Preview.refused(refused)
	case err != nil:
		return err
	default:
		e.Preview.Shown, e.Preview.Problems, e.Preview.Warnings = &shown, shown.Problems, shown.Warnings
	}
	return nil
}

// previewAsked is what the API renders.
func (e *editor) previewAsked() map[string]any {
	m := e.asked()
	if m["name"] == "" {
		m["name"] = "message" // is asked for when it is saved
	}
	asked := map[string]any{"message": m}
	look := &e.Preview.For
	if look.Contact != nil {
		asked["contactId"] = look.Contact.ID
	} else {
		asked["contact"] = map[string]string{"firstName": "Ann", "lastName": "Weaver", "email": "ann@example.com"}
	}
	if look.Event != nil {
		asked["eventId"] = look.Event.ID
	}
	if len(look.Replies) > 0 {
		asked["replies"] = look.Replies
	}
	return asked
}

// refused shows what the rules forbid as problems at their places.
func (p *preview) refused(r *refusal) {
	for _, f := range r.Errors {
		line := lineOf(f.Reason)
		p.Problems = append(p.Problems, mailProblem{Field: strings.TrimPrefix(f.Field, "message."), Line: line, Message: placed.ReplaceAllString(f.Reason, "")})
	}
	if len(r.Errors) == 0 {
		p.Problems = append(p.Problems, mailProblem{Message: r.Detail})
	}
}

// chooseContact reads the contact that is named; without one, the first that there is.
func (v *visit) chooseContact(look *lookedAt, id string) error {
	if id != "" {
		var p person
		err := v.get("/v1/contacts/"+url.PathEscape(id), nil, &p)
		if err == nil {
			look.Contact = &p
			return nil
		}
		if _, refused := wrong(err); !refused && !isNotFound(err) {
			return err
		}
	}
	var page struct {
		Contacts []person `json:"contacts"`
	}
	if err := v.get("/v1/contacts", url.Values{"limit": {"1"}}, &page); err != nil {
		return err
	}
	if len(page.Contacts) > 0 {
		look.Contact = &page.Contacts[0]
	}
	return nil
}

// eventsOffered is how many events can be chosen from.
const eventsOffered = "20"

// chooseEvent finds the events of the contact, and of them the one that is
// named, or the newest.
func (v *visit) chooseEvent(look *lookedAt, id string) error {
	var page struct {
		Events []eventSeen `json:"events"`
	}
	if look.Contact != nil {
		if err := v.get("/v1/events", url.Values{"contactId": {look.contactID()}, "limit": {eventsOffered}}, &page); err != nil {
			return err
		}
	}
	look.Events = page.Events
	look.NoEvent = id == noEvent
	if look.NoEvent {
		return nil
	}
	for i := range look.Events {
		if id == "" || decimal(look.Events[i].ID) == id {
			look.Event = &look.Events[i]
			return nil
		}
	}
	if id == "" {
		return nil
	}
	var e eventSeen
	err := v.get("/v1/events/"+url.PathEscape(id), nil, &e)
	if err == nil {
		look.Event, look.Events = &e, append(look.Events, e)
		return nil
	}
	if _, refused := wrong(err); refused || isNotFound(err) {
		return nil
	}
	return err
}

// mostReplies is how many webhooks' replies a preview looks for.
const mostReplies = 8

// findReplies takes the replies that were typed, and the last real ones of
// further webhooks that the message names.
func (v *visit) findReplies(e *editor, typed string) error {
	look := &e.Preview.For
	look.Replies = map[string]json.RawMessage{}
	if strings.TrimSpace(typed) != "" {
		if err := json.Unmarshal([]byte(typed), &look.Replies); err != nil {
			look.Wrong = "is not JSON: " + err.Error()
		}
	}
	all := e.Subject + "\n" + e.HTML + "\n" + e.Text
	if !strings.Contains(all, "data") {
		return nil
	}
	var page struct {
		Webhooks []named `json:"webhooks"`
	}
	if err := v.get("/v1/webhooks", url.Values{"limit": {"100"}}, &page); err != nil {
		return err
	}
	found := 0
	for _, w := range page.Webhooks {
		if _, has := look.Replies[w.Name]; has || !strings.Contains(all, w.Name) || found == mostReplies {
			continue
		}
		found++
		reply, used, err := v.lastReply(w)
		if err != nil {
			return err
		}
		if reply != nil {
			look.Replies[w.Name], look.Calls = reply, append(look.Calls, *used)
		}
	}
	return nil
}

// lastReply gives the newest reply of a webhook that went well, as JSON; nil
// when there is none that templates could read.
func (v *visit) lastReply(w named) (json.RawMessage, *replyUsed, error) {
	var page struct {
		Calls []struct {
			ID    int64     `json:"id"`
			At    time.Time `json:"at"`
			Reply *struct {
				Format string `json:"format"`
				Body   string `json:"body"`
				Cut    bool   `json:"cut"`
			} `json:"reply"`
		} `json:"calls"`
	}
	if err := v.get("/v1/calls", url.Values{"webhookId": {decimal(w.ID)}, "status": {"ok"}, "limit": {"1"}}, &page); err != nil {
		return nil, nil, err
	}
	if len(page.Calls) == 0 || page.Calls[0].Reply == nil || page.Calls[0].Reply.Cut {
		return nil, nil, nil
	}
	call := page.Calls[0]
	used := &replyUsed{Webhook: w.Name, Call: call.ID, At: call.At}
	switch body := []byte(call.Reply.Body); {
	case call.Reply.Format == "json" && json.Valid(body):
		return body, used, nil
	case call.Reply.Format == "text":
		text, err := json.Marshal(call.Reply.Body)
		return text, used, err
	}
	return nil, nil, nil
}

// previewMessage shows what is typed, saved or not.
func (v *visit) previewMessage() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	e := &editor{Edits: v.edits(), UserMail: v.user.Email}
	if v.r.PathValue("id") != "" {
		if e.message, err = v.messageOf(); err != nil {
			return err
		}
		e.Edits = e.Edits && e.DeletedAt == nil
	}
	e.pick(f.text("language"))
	if f.has("subject") { // those who may not edit send no text
		e.typeInto(f)
	}
	e.Clock, e.Preview.Typed = v.clock, true
	if !v.wantsPart() {
		return v.showTyped(e, f)
	}
	if err := v.preview(e, f.values); err != nil {
		return err
	}
	if e.ID != 0 {
		v.w.Header().Set("HX-Replace-Url", e.path(e.Language))
	}
	return v.part(previewAnswer(e))
}

// showTyped answers a browser without script: the whole editor, with what was typed.
func (v *visit) showTyped(e *editor, f *form) error {
	if err := v.get("/v1/settings/mail", nil, &e.Settings); err != nil {
		return err
	}
	if err := v.preview(e, f.values); err != nil {
		return err
	}
	return v.page(messageView(cmp.Or(e.Name, "New email")), editorPage(e))
}

// echoHTML gives the html of a preview a page of its own: see [foreignPolicy].
func (v *visit) echoHTML() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return v.foreignHTML(f.raw("html"), f.flag("images"))
}

// previewHTML is the html of what is saved, for a frame.
func (v *visit) previewHTML() error {
	e, err := v.savedEditor()
	if err != nil {
		return err
	}
	if err := v.preview(e, v.r.URL.Query()); err != nil {
		return err
	}
	if e.Preview.Shown == nil {
		return &refusal{Status: http.StatusNotFound, Detail: "This message can't be shown: the editor says why."}
	}
	return v.foreignHTML(e.Preview.Shown.HTML, e.Preview.For.Images)
}

// sendTestMail sends what is saved to somebody of the account.
func (v *visit) sendTestMail() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id, err := v.id("id")
	if err != nil {
		return err
	}
	asked := map[string]any{"to": f.text("to")}
	for field, name := range map[string]string{"contactId": "contact", "eventId": "event"} {
		if n := f.number(name); n != nil {
			asked[field] = *n
		}
	}
	if replies := f.area("replies"); json.Valid([]byte(replies)) {
		asked["replies"] = json.RawMessage(replies)
	}
	back := cmp.Or(refererPath(v.r), "/messages/"+decimal(id))
	var m mail
	err = v.post("/v1/messages/"+decimal(id)+"/send-test", asked, &m)
	if refused, ok := wrong(err); ok {
		v.say(part.Flash{Meaning: part.Bad, Text: refused.words()})
		return v.redirect(back)
	}
	if err != nil {
		return err
	}
	return v.done(back, "On its way to "+m.To+". What becomes of it is in the outbox.")
}
