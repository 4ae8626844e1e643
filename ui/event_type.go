package ui

import (
	"cmp"
	"net/url"
	"time"

	"tidings/ui/part"
)

// eventTypeJSON is a type of events as the API gives it.
type eventTypeJSON struct {
	ID         int64      `json:"id"`
	Key        string     `json:"key"`
	Name       string     `json:"name"`
	UniqueKeys bool       `json:"uniqueKeys"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastAt     *time.Time `json:"lastAt"`
}

// title is what the type is called for people.
func (t *eventTypeJSON) title() string { return cmp.Or(t.Name, t.Key) }

// path is that of the type's page, events that of its events.
func (t *eventTypeJSON) path() string { return "/contacts/events/types/" + decimal(t.ID) }

func (t *eventTypeJSON) events() string {
	return address("/contacts/events", url.Values{"eventTypeKey": {t.Key}})
}

// typesOfEvents gives types of events by key, and after of the next page.
func (v *visit) typesOfEvents(q url.Values) (types []eventTypeJSON, next *string, err error) {
	var out struct {
		Types []eventTypeJSON `json:"types"`
		Next  *string         `json:"next"`
	}
	err = v.get("/v1/event-types", q, &out)
	return out.Types, out.Next, err
}

// eventTypesView is the list of types.
type eventTypesView struct {
	types  []eventTypeJSON
	counts map[string]figures // of 7 days, by id
	clock  part.Clock
	text   string
	pager  part.PagerView
	edits  bool
}

const week = 7 * 24 * time.Hour

func (v *visit) eventTypesPage() error {
	l := eventTypesView{clock: v.clock, text: v.query("q"), edits: v.edits()}
	types, next, err := v.typesOfEvents(v.pick("q", "after"))
	if err != nil {
		return err
	}
	l.types = types
	l.pager.Summary = plural(len(types), "type", "types") + " shown"
	if next != nil {
		l.pager.Next = v.with("after", *next)
	}
	if v.query("after") != "" {
		l.pager.Previous = v.with()
	}
	if l.counts, err = v.totals("event", "", week); err != nil {
		return err
	}
	return v.page(view{Title: "Event types", Purpose: "A type appears with its first event. Workflows start by the type's key.", Active: "/contacts/events", Crumbs: []part.Link{{Label: "Events", Href: "/contacts/events"}}}, eventTypeList(l))
}

// count says how many events of a type came in the last week.
func (l *eventTypesView) count(t *eventTypeJSON) string {
	f, known := l.counts[decimal(t.ID)]
	if !known && len(l.counts) >= 200 { // figures come for so many types at most
		return "–"
	}
	return count(f.Done)
}

// eventTypeView is the page of a type.
type eventTypeView struct {
	Type   eventTypeJSON `json:"type"`
	Params []eventParam  `json:"params"`
	clock  part.Clock
	params []byte
	week   figures
	edits  bool
	name   string
	unique bool
	Wrong  *refusal
}

func (t *eventTypeView) fault(field string) string {
	if t.Wrong == nil {
		return ""
	}
	return t.Wrong.Errors.of(field)
}

// eventType reads the type that the path names.
func (v *visit) eventType() (*eventTypeView, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	t := &eventTypeView{clock: v.clock, edits: v.edits()}
	if err := v.get("/v1/event-types/"+decimal(id), nil, t); err != nil {
		return nil, err
	}
	t.name, t.unique = t.Type.Name, t.Type.UniqueKeys
	t.params, err = object(t.Params)
	return t, err
}

func (v *visit) eventTypePage() error {
	t, err := v.eventType()
	if err != nil {
		return err
	}
	return v.showEventType(t)
}

func (v *visit) showEventType(t *eventTypeView) error {
	q := url.Values{"step": {"total"}, "subject": {decimal(t.Type.ID)}, "from": {v.clock.Now.Add(-week).UTC().Format(time.RFC3339)}}
	list, err := v.stats("event", q)
	if err != nil {
		return err
	}
	for _, s := range list {
		t.week = s.figures
	}
	return v.page(view{Title: t.Type.title(), Purpose: "Events of the type " + t.Type.Key + ".", Active: "/contacts/events", Crumbs: []part.Link{{Label: "Events", Href: "/contacts/events"}, {Label: "Types", Href: "/contacts/events/types"}}}, eventTypePageOf(t))
}

func (v *visit) saveEventType() error {
	t, err := v.eventType()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	t.name, t.unique = f.text("name"), f.flag("uniqueKeys")
	err = v.patch("/v1/event-types/"+decimal(t.Type.ID), map[string]any{"name": orNull(t.name), "uniqueKeys": t.unique}, nil)
	if r, refused := wrong(err); refused {
		t.Wrong = r
		v.wrongForm()
		return v.showEventType(t)
	}
	if err != nil {
		return err
	}
	return v.done(t.Type.path(), "Saved: "+cmp.Or(t.name, t.Type.Key)+".")
}
