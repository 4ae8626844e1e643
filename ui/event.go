package ui

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

func (s *Server) registerEvents() {
	s.look("/contacts/events", (*visit).eventsPage)
	s.edit("/contacts/events/new", (*visit).newEventPage)
	s.act("/contacts/events/new", (*visit).sendEvent)
	s.look("/contacts/events/types", (*visit).eventTypesPage)
	s.look("/contacts/events/types/{id}", (*visit).eventTypePage)
	s.act("/contacts/events/types/{id}", (*visit).saveEventType)
	s.look("/contacts/events/{id}", (*visit).eventPage)
}

// eventJSON is an event as the API gives it.
type eventJSON struct {
	ID        int64        `json:"id"`
	TypeKey   string       `json:"eventTypeKey"`
	KeyValue  string       `json:"keyValue"`
	ContactID *int64       `json:"contactId"`
	At        time.Time    `json:"at"`
	Params    []eventParam `json:"params"`
}

type eventParam struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// path is that of the event's page.
func (e *eventJSON) path() string { return "/contacts/events/" + decimal(e.ID) }

// object gives parameters as one JSON object, in their order.
func object(params []eventParam) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range params {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(p.Value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// brief says what an event has, in one line.
func (e *eventJSON) brief() string {
	text, err := object(e.Params)
	if err != nil || len(e.Params) == 0 {
		return ""
	}
	return string(text)
}

// eventListView is the list of events.
type eventListView struct {
	events               []eventJSON
	clock                part.Clock
	typeKey, key, person string
	types                []part.Option
	filters              part.FiltersView
	pager                part.PagerView
	edits                bool
	Wrong                *refusal
}

func (v *visit) eventsPage() error {
	l := eventListView{clock: v.clock, typeKey: v.query("eventTypeKey"), key: v.query("keyValue"), person: v.query("contactId"), edits: v.edits(), filters: part.FiltersView{Action: "/contacts/events", Clear: "/contacts/events"}}
	for name, label := range map[string]string{"eventTypeKey": "type", "keyValue": "key", "contactId": "contact"} {
		if value := v.query(name); value != "" {
			l.filters.Active = append(l.filters.Active, part.Chip{Label: label + ": " + value, Href: v.with(name, "")})
		}
	}
	types, _, err := v.typesOfEvents(url.Values{"limit": {"500"}})
	if err != nil {
		return err
	}
	l.types = []part.Option{{Label: "All types"}}
	for _, t := range types {
		l.types = append(l.types, part.Option{Value: t.Key, Label: t.title()})
	}
	var out struct {
		Events []eventJSON `json:"events"`
		Next   *int64      `json:"next"`
	}
	err = v.get("/v1/events", v.pick("eventTypeKey", "keyValue", "contactId", "before"), &out)
	if r, refused := wrong(err); refused {
		l.Wrong = r
		v.wrongForm()
	} else if err != nil && !isNotFound(err) { // a type that is not there has no events
		return err
	}
	l.events = out.Events
	l.pager.Summary = plural(len(l.events), "event", "events") + " shown, newest first"
	if out.Next != nil {
		l.pager.Next = v.with("before", decimal(*out.Next))
	}
	if v.query("before") != "" {
		l.pager.Previous = v.with()
	}
	p := view{Title: "Events", Purpose: "What happened, as it was received. An event starts the workflows that wait for its type.", Actions: eventListActs(l.edits)}
	return v.page(p, eventList(l))
}

func (l *eventListView) fault(field string) string {
	if l.Wrong == nil {
		return ""
	}
	return l.Wrong.Errors.of(field)
}

// eventPageView is the page of an event.
type eventPageView struct {
	event  *eventJSON
	params []byte
	clock  part.Clock
	person *contactJSON // nil = nobody, or deleted
	runs   []timelineRun
	more   bool
	edits  bool
}

func (v *visit) eventPage() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	p := eventPageView{event: &eventJSON{}, clock: v.clock, edits: v.edits()}
	if err := v.get("/v1/events/"+decimal(id), nil, p.event); err != nil {
		return err
	}
	if p.params, err = object(p.event.Params); err != nil {
		return err
	}
	if of := p.event.ContactID; of != nil {
		c := &contactJSON{}
		switch err := v.get("/v1/contacts/"+decimal(*of), nil, c); {
		case err == nil:
			p.person = c
		case !isNotFound(err):
			return err
		}
	}
	var out struct {
		Runs []timelineRun `json:"runs"`
		Next *int64        `json:"next"`
	}
	if err := v.get("/v1/runs", url.Values{"eventId": {decimal(id)}}, &out); err != nil {
		return err
	}
	p.runs, p.more = out.Runs, out.Next != nil
	return v.page(view{Title: p.event.TypeKey, Purpose: p.event.KeyValue, Active: "/contacts/events", Crumbs: []part.Link{{Label: "Events", Href: "/contacts/events"}}}, eventPageOf(p))
}

// again is where the event can be sent once more, changed before.
func (p *eventPageView) again() string {
	return address("/contacts/events/new", url.Values{"like": {decimal(p.event.ID)}})
}

// eventForm is the form that sends an event.
type eventForm struct {
	*form
	Types []eventTypeJSON
	Wrong *refusal
	Line  int // of the error in the parameters
}

func (f *eventForm) fault(field string) string {
	if f.Wrong == nil {
		return ""
	}
	return f.Wrong.Errors.under(field)
}

// newEventPage shows the form, filled for a contact or like an event that is there.
func (v *visit) newEventPage() error {
	values := url.Values{"eventTypeKey": {v.query("eventTypeKey")}, "params": {"{\n  \"email\": \"\"\n}"}}
	if like := v.query("like"); like != "" {
		var e eventJSON
		if err := v.get("/v1/events/"+url.PathEscape(like), nil, &e); err != nil {
			return err
		}
		text, err := object(e.Params)
		if err != nil {
			return err
		}
		values = url.Values{"eventTypeKey": {e.TypeKey}, "keyValue": {e.KeyValue}, "params": {indented(text)}}
	}
	if id := v.query("contact"); id != "" {
		var c contactJSON
		if err := v.get("/v1/contacts/"+url.PathEscape(id), nil, &c); err != nil {
			return err
		}
		values.Set("params", "{\n  \"ContactId\": "+decimal(c.ID)+"\n}")
	}
	return v.showEventForm(&eventForm{form: &form{values: values}})
}

// indented writes JSON for people; what is no JSON stays as it is.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

func (v *visit) showEventForm(f *eventForm) error {
	var err error
	if f.Types, _, err = v.typesOfEvents(url.Values{"limit": {"500"}}); err != nil {
		return err
	}
	return v.page(view{Title: "Send an event", Purpose: "For trying: it is stored and starts workflows like one that comes over the API.", Active: "/contacts/events", Crumbs: []part.Link{{Label: "Events", Href: "/contacts/events"}}}, eventFormOf(f))
}

// sendEvent has the API take the event.
func (v *visit) sendEvent() error {
	typed, err := v.form()
	if err != nil {
		return err
	}
	f := &eventForm{form: typed}
	body := map[string]any{"eventTypeKey": f.text("eventTypeKey")}
	if f.text("keyValue") != "" {
		body["keyValue"] = f.text("keyValue")
	}
	if params := f.text("params"); params != "" {
		if f.Line, err = jsonLine(params); err != nil {
			f.Wrong = &refusal{Status: http.StatusUnprocessableEntity, Detail: "The parameters can't be read: nothing was sent.", Errors: faults{{Field: "params", Reason: "is no JSON: line " + strconv.Itoa(f.Line) + ": " + err.Error()}}}
			v.wrongForm()
			return v.showEventForm(f)
		}
		body["params"] = json.RawMessage(params)
	}
	var taken struct {
		ID             int64   `json:"id"`
		ContactCreated bool    `json:"contactCreated"`
		Repeated       bool    `json:"repeated"`
		RunIDs         []int64 `json:"runIds"`
	}
	err = v.post("/v1/events", body, &taken)
	if r, refused := wrong(err); refused {
		f.Wrong = r
		v.wrongForm()
		return v.showEventForm(f)
	}
	if err != nil {
		return err
	}
	said := "Sent: it started " + plural(len(taken.RunIDs), "run", "runs") + "."
	switch {
	case taken.Repeated:
		said = "It was there already: this type keeps one event for each key."
	case taken.ContactCreated:
		said += " Nobody was found, so a contact was made."
	}
	return v.done("/contacts/events/"+decimal(taken.ID), said)
}

// jsonLine says at which line a text is no JSON.
func jsonLine(text string) (int, error) {
	var any json.RawMessage
	err := json.Unmarshal([]byte(text), &any)
	syntax, ok := err.(*json.SyntaxError)
	if !ok {
		return 0, err
	}
	return 1 + bytes.Count([]byte(text)[:min(int(syntax.Offset), len(text))], []byte("\n")), err
}

// eventListActs are what can be done at the list.
func eventListActs(edits bool) templ.Component {
	if !edits {
		return part.LinkButton("Event types", "/contacts/events/types", part.Secondary)
	}
	return eventActs()
}
