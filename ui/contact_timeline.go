package ui

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"tidings/ui/part"
)

// timelineView is what happened to a contact, newest first.
type timelineView struct {
	contact int64
	clock   part.Clock
	entries []timelineLine
	kinds   []part.Chip
	kind    string
	next    string // address of the next page; "" = none
	newest  string // address of the first page, when this is another
	refresh string // where the part comes from
}

// Live says whether newer entries may come on top: on the first page.
func (t *timelineView) Live() bool { return t.newest == "" }

// timelineLine is one entry as it is shown.
type timelineLine struct {
	At      time.Time
	Kind    string
	Meaning part.Meaning
	State   string
	Text    string
	Href    string
}

// timelineEntry is one entry as the API gives it.
type timelineEntry struct {
	At       time.Time       `json:"at"`
	Event    *eventJSON      `json:"event"`
	Seq      int64           `json:"seq"`
	Activity json.RawMessage `json:"activity"`
	Call     *timelineCall   `json:"call"`
	Run      *timelineRun    `json:"run"`
	Mail     *mail           `json:"mail"`
}

type timelineCall struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Webhook string    `json:"webhook"` // in the timeline
	Name    string    `json:"name"`    // in the list of calls
	Test    bool      `json:"test"`
	Outcome string    `json:"outcome"`
	Error   string    `json:"error"`
}

type timelineRun struct {
	ID         int64     `json:"id"`
	WorkflowID int64     `json:"workflowId"`
	State      string    `json:"state"`
	Marked     bool      `json:"marked"`
	Error      string    `json:"error"`
	StepsDone  int64     `json:"stepsDone"`
	StartedAt  time.Time `json:"startedAt"`
}

// timelineKinds are the kinds that the timeline can be narrowed to.
func timelineKinds() []part.Option {
	return []part.Option{{Label: "All"}, {Value: "event", Label: "Events"}, {Value: "activity", Label: "Activities"}, {Value: "run", Label: "Runs"}, {Value: "call", Label: "Calls"}, {Value: "mail", Label: "Mails"}}
}

// timeline reads a page of a contact's timeline; kind and before of the address say which.
func (v *visit) timeline(id int64) (timelineView, error) {
	t := timelineView{contact: id, clock: v.clock, kind: v.query("kind")}
	at := func(kind, before string) string {
		q := url.Values{}
		for name, value := range map[string]string{"kind": kind, "before": before} {
			if value != "" {
				q.Set(name, value)
			}
		}
		return address(contactPath(id), q)
	}
	for _, k := range timelineKinds() {
		t.kinds = append(t.kinds, part.Chip{Label: k.Label, Href: at(k.Value, ""), On: k.Value == t.kind})
	}
	t.refresh = address(contactPath(id)+"/timeline", v.pick("kind", "before"))
	if v.query("before") != "" {
		t.newest = at(t.kind, "")
	}
	entries, next, err := v.timelinePage(id, t.kind)
	if err != nil {
		return t, err
	}
	for i := range entries {
		line, err := entries[i].line()
		if err != nil {
			return t, err
		}
		t.entries = append(t.entries, line)
	}
	if next != "" {
		t.next = at(t.kind, next)
	}
	return t, nil
}

// timelineAnswer is an answer of the operations that list what a contact has.
type timelineAnswer struct {
	Entries    []timelineEntry `json:"entries"`
	Events     []*eventJSON    `json:"events"`
	Activities []found         `json:"activities"`
	Runs       []*timelineRun  `json:"runs"`
	Calls      []*timelineCall `json:"calls"`
	Mails      []*mail         `json:"mails"`
	Next       any             `json:"next"` // a number or a text, by the operation
}

// longestSearch is how far back a search for activities goes: it takes three
// months at most, of which the shortest have 89 days together.
const longestSearch = 89 * 24 * time.Hour

// timelinePage asks for entries of all kinds, or of one: each kind has a list of its own.
func (v *visit) timelinePage(id int64, kind string) (entries []timelineEntry, next string, err error) {
	q := url.Values{"contactId": {decimal(id)}, "limit": {"30"}}
	page := "before"
	path, known := map[string]string{"": "/v1/contacts/" + decimal(id) + "/timeline", "event": "/v1/events", "activity": "/v1/activities/search", "run": "/v1/runs", "call": "/v1/calls", "mail": "/v1/outbox"}[kind]
	switch {
	case !known:
		return nil, "", v.nothingHere()
	case kind == "":
		q.Del("contactId")
	case kind == "activity":
		q.Set("order", "desc")
		q.Set("from", v.clock.Now.Add(-longestSearch).UTC().Format(time.RFC3339))
		page = "after"
	}
	if before := v.query("before"); before != "" {
		q.Set(page, before)
	}
	var a timelineAnswer
	if err := v.get(path, q, &a); err != nil {
		return nil, "", err
	}
	switch next := a.Next.(type) {
	case float64:
		return a.all(), decimal(int64(next)), nil
	case string:
		return a.all(), next, nil
	}
	return a.all(), "", nil
}

// all gives the entries, of whatever kind they are.
func (a *timelineAnswer) all() []timelineEntry {
	entries := a.Entries
	for _, e := range a.Events {
		entries = append(entries, timelineEntry{At: e.At, Event: e})
	}
	for _, f := range a.Activities {
		entries = append(entries, timelineEntry{Seq: f.Seq, Activity: f.Activity})
	}
	for _, r := range a.Runs {
		entries = append(entries, timelineEntry{At: r.StartedAt, Run: r})
	}
	for _, c := range a.Calls {
		entries = append(entries, timelineEntry{At: c.At, Call: c})
	}
	for _, m := range a.Mails {
		entries = append(entries, timelineEntry{At: m.CreatedAt, Mail: m})
	}
	return entries
}

// line puts an entry into words.
func (e *timelineEntry) line() (timelineLine, error) {
	l := timelineLine{At: e.At}
	switch {
	case e.Event != nil:
		l.Kind, l.Text, l.Href = "Event", e.Event.TypeKey, e.Event.path()
		if e.Event.KeyValue != "" {
			l.Text += " · " + e.Event.KeyValue
		}
	case e.Activity != nil:
		var wire wireActivity
		if err := json.Unmarshal(e.Activity, &wire); err != nil {
			return l, fmt.Errorf("activity %d: %w", e.Seq, err)
		}
		l.Kind, l.Text, l.Href = "Activity", wire.What(), "/activities/"+decimal(e.Seq)
		l.Meaning, l.State, l.At = statusMeaning(wire.Status), inWords(wire.Status), wire.When()
	case e.Call != nil:
		l.Kind, l.Text, l.Href = "Call", e.Call.Webhook+e.Call.Name, "/automation/calls/"+decimal(e.Call.ID)
		l.Meaning, l.State = part.Good, "ok"
		if e.Call.Outcome != "ok" {
			l.Meaning, l.State = part.Bad, "failed"
			l.Text += ": " + e.Call.Error
		}
		if e.Call.Test {
			l.State += ", a test"
		}
	case e.Run != nil:
		l.Kind, l.Text, l.Href = "Run", "workflow "+decimal(e.Run.WorkflowID)+", "+plural(e.Run.StepsDone, "step", "steps")+" done", "/automation/runs/"+decimal(e.Run.ID)
		l.Meaning, l.State = e.Run.status()
		if e.Run.Error != "" {
			l.Text += ": " + e.Run.Error
		}
	case e.Mail != nil:
		l.Kind, l.Text, l.Href = "Mail", e.Mail.Subject, "/messages/outbox/"+decimal(e.Mail.ID)
		l.Meaning, l.State = e.Mail.status()
	}
	return l, nil
}

// status says how a run stands, in words.
func (r *timelineRun) status() (part.Meaning, string) {
	switch {
	case r.State == "failed":
		return part.Bad, "failed"
	case r.State == "going":
		return part.Waiting, "under way"
	case r.Marked:
		return part.Bad, r.State + ", something went wrong"
	case r.State == "ended":
		return part.Good, "ended"
	}
	return part.Quiet, r.State
}

// Title is what the entry is called: its text, or, of what has none, its kind.
func (l timelineLine) Title() string {
	if l.Text == "" {
		return l.Kind
	}
	return l.Text
}
