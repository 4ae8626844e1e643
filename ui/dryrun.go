package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerDryRuns() {
	s.edit(workflowsPath+"/{id}/test", (*visit).dryRunPage)
	s.act(workflowsPath+"/{id}/test", (*visit).dryRun)
}

// maxOffered is how many events a test run offers.
const maxOffered = 30

// dryRunView is a test run: with what it is made, and what came of it.
type dryRunView struct {
	W       *workflowInfo
	Tabs    []part.Tab
	Typed   *form
	Contact string // its id
	Called  string // and how it is called
	Events  []part.Option
	Event   string // id of a received one; "" = typed in
	Params  string // JSON of the one that is typed in
	Calls   []dryCall
	Splits  []drySplit
	Live    bool
	Result  *dryResult // nil = nothing was tried yet
	Flow    *flowView
	Names   map[tidings.BlockID]string
	Wrong   *refusal
	Faults  faults
	Clock   part.Clock
	Asset   func(string) string
}

// dryCall is what a webhook of the workflow answers in a test run.
type dryCall struct {
	Name  string
	Mode  string // reply, failure, live or none
	Reply string
}

// drySplit is which way a split goes.
type drySplit struct {
	Block tidings.BlockID
	Name  string
	Exit  string // "" = as drawn
}

// dryResult is what came of a test run.
type dryResult struct {
	Starts bool             `json:"starts"`
	State  tidings.RunState `json:"state"`
	Error  string           `json:"error"`
	Marked bool             `json:"marked"`
	Steps  []stepInfo       `json:"steps"`
	Case   *caseInfo        `json:"case"`
}

func (m *dryRunView) fault(field string) string { return m.Faults.of(field) }

func (v *visit) dryRunPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	m := &dryRunView{W: w, Contact: v.query("contact"), Event: v.query("event")}
	return v.showDryRun(m)
}

// showDryRun fills in what the page offers, and answers with it.
func (v *visit) showDryRun(m *dryRunView) error {
	m.Tabs, m.Clock, m.Asset = m.W.tabs(v, "Test run"), v.clock, v.s.assets.path
	if err := v.offerEvents(m); err != nil {
		return err
	}
	var steps []stepInfo
	if m.Result != nil {
		steps = m.Result.Steps
	}
	var err error
	if m.Flow, err = v.takenFlow(m.W.Definition, steps); err != nil {
		return err
	}
	m.Names = map[tidings.BlockID]string{}
	for i := range m.W.Definition.Blocks {
		m.Names[m.W.Definition.Blocks[i].ID] = blockName(&m.W.Definition.Blocks[i], m.Flow.Things)
	}
	if m.Typed == nil {
		if err := v.offerCalls(m); err != nil {
			return err
		}
	}
	if id, ok := asID(m.Contact); ok {
		if m.Called, err = v.contactCalled(id); err != nil {
			return err
		}
	}
	return v.page(view{
		Title: m.W.Name, Purpose: "The same steps as those of a run: nothing is stored, no mail is sent, timers are skipped.",
		Crumbs: m.W.crumbs()[:1], Active: workflowsPath, Wide: true, Scripts: []string{"editor.js"},
	}, dryRunContent(m))
}

// offerEvents lists the newest events of the type that starts the workflow.
func (v *visit) offerEvents(m *dryRunView) error {
	q := url.Values{"limit": {decimal(maxOffered)}}
	if key := m.W.Definition.Trigger.EventTypeKey; key != "" {
		q.Set("eventTypeKey", key)
	}
	var list struct {
		Events []struct {
			ID           int64     `json:"id"`
			EventTypeKey string    `json:"eventTypeKey"`
			KeyValue     string    `json:"keyValue"`
			At           time.Time `json:"at"`
		} `json:"events"`
	}
	if err := v.get("/v1/events", q, &list); err != nil && !isNotFound(err) {
		return err
	}
	for _, e := range list.Events {
		m.Events = append(m.Events, part.Option{Value: decimal(e.ID), Label: e.EventTypeKey + " " + e.KeyValue, Note: v.clock.DateTime(e.At)})
	}
	if m.Typed == nil && m.Event == "" && len(list.Events) > 0 && m.Params == "" {
		m.Event = decimal(list.Events[0].ID)
	}
	return nil
}

// offerCalls begins with what the webhooks of the workflow answered last.
func (v *visit) offerCalls(m *dryRunView) error {
	for _, b := range m.W.Definition.Blocks {
		switch {
		case b.Kind == tidings.BlockSplit:
			m.Splits = append(m.Splits, drySplit{Block: b.ID, Name: m.Names[b.ID]})
		case b.Webhook != nil:
			of := thing(m.Flow.Things.Webhooks, int64(b.Webhook.Webhook))
			if of == nil || slices.ContainsFunc(m.Calls, func(c dryCall) bool { return c.Name == of.Name }) || len(m.Calls) == 20 {
				continue
			}
			c := dryCall{Name: of.Name, Mode: "reply", Reply: "{}"}
			var calls struct {
				Calls []stepCall `json:"calls"`
			}
			if err := v.get("/v1/calls", url.Values{"webhookId": {decimal(of.ID)}, "status": {"ok"}, "limit": {"1"}}, &calls); err != nil {
				return err
			}
			if len(calls.Calls) > 0 && calls.Calls[0].Reply != nil && json.Valid([]byte(calls.Calls[0].Reply.Body)) {
				c.Reply = calls.Calls[0].Reply.Body
			}
			m.Calls = append(m.Calls, c)
		}
	}
	return nil
}

// asID reads an id that was typed.
func asID(text string) (int64, bool) {
	f := form{values: url.Values{"id": {text}}}
	n := f.number("id")
	return f.whole("id"), n != nil && *n > 0
}

func (v *visit) dryRun() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	m := &dryRunView{W: w, Typed: f, Contact: f.text("contactId"), Event: f.raw("eventId"), Params: f.area("params")}
	body := m.body(f)
	if len(f.faults) > 0 {
		m.Wrong = &refusal{Status: http.StatusUnprocessableEntity, Detail: "What it is tried with can't be read: nothing was tried."}
		m.Faults = f.faults
		v.wrongForm()
		return v.showDryRun(m)
	}
	var result dryResult
	err = v.post(apiWorkflow(w.ID, "test"), body, &result)
	if r, ok := wrong(err); ok {
		m.Wrong, m.Faults = r, r.Errors
		v.wrongForm()
		return v.showDryRun(m)
	}
	if isNotFound(err) {
		m.Wrong = &refusal{Status: http.StatusNotFound, Detail: "The contact or the event is not there any more: choose another."}
		v.wrongForm()
		return v.showDryRun(m)
	}
	if err != nil {
		return err
	}
	m.Result = &result
	return v.showDryRun(m)
}

// body is the API's request, made of what was typed.
func (m *dryRunView) body(f *form) map[string]any {
	body := map[string]any{}
	if id := f.number("contactId"); id != nil {
		body["contactId"] = *id
	}
	if id := f.number("eventId"); id != nil {
		body["eventId"] = *id
	} else {
		key := m.W.Definition.Trigger.EventTypeKey
		event := map[string]any{"keyValue": "test"}
		if key != "" {
			event["eventTypeKey"] = key
		}
		if params := typedJSON(f, "params", m.Params); params != nil {
			event["params"] = params
		}
		body["event"] = event
	}
	replies, failures, splits := map[string]any{}, map[string]any{}, map[string]any{}
	names := f.values["call"]
	for i, name := range names {
		c := dryCall{Name: name, Mode: at(f.values["mode"], i), Reply: at(f.values["reply"], i)}
		m.Calls = append(m.Calls, c)
		switch c.Mode {
		case "reply":
			if reply := typedJSON(f, "replies."+name, c.Reply); reply != nil {
				replies[name] = reply
			}
		case "failure":
			failures[name] = "answered 500"
		case "live":
			m.Live = true
		}
	}
	for i, block := range f.values["split"] {
		s := drySplit{Block: tidings.BlockID(block), Name: at(f.values["splitName"], i), Exit: at(f.values["exit"], i)}
		m.Splits = append(m.Splits, s)
		if s.Exit != "" {
			splits[block] = s.Exit
		}
	}
	body["replies"], body["failures"], body["splits"], body["live"] = replies, failures, splits, m.Live
	if name := f.text("saveAs"); name != "" {
		body["saveAs"] = name
	}
	return body
}

// typedJSON reads JSON of a field; nil for an empty one.
func typedJSON(f *form, field, text string) json.RawMessage {
	if text == "" {
		return nil
	}
	var any json.RawMessage
	if err := json.Unmarshal([]byte(text), &any); err != nil {
		f.faults.add(field, "is not JSON: "+err.Error())
		return nil
	}
	return any
}

// at gives a value of a list, "" when it is shorter.
func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// verdict says what came of a test run.
func (r *dryResult) verdict() (part.Meaning, string) {
	switch {
	case r.State == tidings.RunFailed:
		return part.Bad, "It fails: " + r.Error
	case r.Marked:
		return part.Bad, "It comes to its end, but something fails on its way."
	}
	return part.Good, "It comes to its end in " + plural(len(r.Steps), "step", "steps") + "."
}

func dryMeaning(r *dryResult) part.Meaning {
	meaning, _ := r.verdict()
	return meaning
}

func dryWords(r *dryResult) string {
	_, words := r.verdict()
	return words
}

// params is what stands in the field of the event's parameters.
func (m *dryRunView) params() string {
	if m.Typed == nil && m.Params == "" {
		return "{\n  \"email\": \"ann@example.com\"\n}"
	}
	return m.Params
}

func dryModes() []part.Option {
	return []part.Option{
		{Value: "reply", Label: "it answers the reply below"},
		{Value: "failure", Label: "it fails"},
		{Value: "live", Label: "make the real call"},
		{Value: "none", Label: "nothing: it fails as not answered here"},
	}
}
