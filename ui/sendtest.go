package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// Send test, the steps of the manual: whom and what to try it with (only what
// the request needs), Next: what will be sent, Send request: what came back.
// Each is a form that carries what is typed in the Webhook window along.

// What else than an id chooses a contact or an event.
const (
	invented = "invented" // values that are typed in
	typedIn  = "typed"    // an event's body that is typed in
)

// trial is with what a webhook is tried.
type trial struct {
	Contact, Event string // id, invented or typedIn; "" = none chosen
	Query          string // what contacts are searched by
	Segment        string // id of the segment whose contacts are listed
	Type           string // eventTypeKey of the events that are listed
	EventType      string // of the event that is typed in
	Params         string // its parameters, as JSON
	Invented       []pair // fields of a contact that does not exist
	Replies        string // of webhooks before it, as JSON
}

// testStep is a step of Send test.
type testStep struct {
	Form     *webhookForm
	Trial    trial
	Inputs   inputsView
	Refused  *refusal
	Contacts []contactValues
	Segments []part.Option
	Types    []part.Option
	Events   []receivedEvent
	Shown    renderedView
	Result   *testResult
	Clock    part.Clock
}

// readTrial reads the fields of the first step.
func readTrial(f *form) trial {
	t := trial{
		Contact: f.text("contact"), Event: f.text("event"), Query: f.text("trial.q"), Segment: f.text("trial.segment"), Type: f.text("trial.type"),
		EventType: f.text("trial.eventTypeKey"), Params: f.area("trial.params"), Replies: f.area("trial.replies"),
	}
	for i, name := range f.values["trial.name"] {
		row := pair{Name: name}
		if i < len(f.values["trial.value"]) {
			row.Value = f.values["trial.value"][i]
		}
		t.Invented = append(t.Invented, row)
	}
	return t
}

// hidden are the fields of the trial, for the steps after the first.
func (t *trial) hidden() []part.Hidden {
	list := []part.Hidden{
		{Name: "contact", Value: t.Contact},
		{Name: "event", Value: t.Event},
		{Name: "trial.q", Value: t.Query},
		{Name: "trial.segment", Value: t.Segment},
		{Name: "trial.type", Value: t.Type},
		{Name: "trial.eventTypeKey", Value: t.EventType},
		{Name: "trial.params", Value: t.Params},
		{Name: "trial.replies", Value: t.Replies},
	}
	for _, row := range t.Invented {
		list = append(list, part.Hidden{Name: "trial.name", Value: row.Name}, part.Hidden{Name: "trial.value", Value: row.Value})
	}
	return list
}

// ask is the trial as the API takes it; what can't be read is a fault.
func (t *trial) ask(needs *inputsView) (map[string]any, faults) {
	var wrong faults
	with := map[string]any{}
	if needs.NeedsContact {
		t.askContact(with, &wrong)
	}
	if needs.NeedsEvent {
		t.askEvent(with, &wrong)
	}
	if len(needs.Replies) > 0 && t.Replies != "" {
		if reason := badJSON(t.Replies); reason != "" {
			wrong.add("replies", reason)
		} else {
			with["replies"] = json.RawMessage(t.Replies)
		}
	}
	return with, wrong
}

func (t *trial) askContact(with map[string]any, wrong *faults) {
	if t.Contact == invented {
		fields := map[string]any{}
		for _, row := range t.Invented {
			if row.Value != "" {
				fields[row.Name] = row.Value
			}
		}
		with["contact"] = fields
		return
	}
	id, err := strconv.ParseInt(t.Contact, 10, 64)
	if err != nil {
		wrong.add("contactId", "is needed: select a contact, or invent values")
		return
	}
	with["contactId"] = id
}

func (t *trial) askEvent(with map[string]any, wrong *faults) {
	if t.Event == typedIn {
		event := map[string]any{}
		if t.EventType != "" {
			event["eventTypeKey"] = t.EventType
		}
		if strings.TrimSpace(t.Params) != "" {
			if reason := badJSON(t.Params); reason != "" {
				wrong.add("event.params", reason)
				return
			}
			event["params"] = json.RawMessage(t.Params)
		}
		with["event"] = event
		return
	}
	id, err := strconv.ParseInt(t.Event, 10, 64)
	if err != nil {
		wrong.add("eventId", "is needed: choose one that was received, or type one in")
		return
	}
	with["eventId"] = id
}

// badJSON says what is wrong with a text that should be JSON, and where; "" = nothing.
func badJSON(text string) string {
	var any json.RawMessage
	err := json.Unmarshal([]byte(text), &any)
	if err == nil {
		return ""
	}
	at := len(text)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = min(int(syntax.Offset), len(text))
	}
	before := text[:at]
	line := strings.Count(before, "\n") + 1
	return "is no JSON: line " + strconv.Itoa(line) + ", column " + strconv.Itoa(max(1, at-strings.LastIndexByte(before, '\n')-1)) + ": " + strings.TrimPrefix(err.Error(), "json: ")
}

// webhookTestPage is Send test of what is saved.
func (v *visit) webhookTestPage() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	if w.DeletedAt != nil {
		return v.redirect("/automation/webhooks/" + decimal(w.ID))
	}
	f := webhookFormOf(w)
	f.Window = v.query("in") == "window"
	return v.testInputs(&testStep{Form: f, Trial: trial{Contact: v.query("contact"), Event: v.query("event")}})
}

// sendTest is a step of Send test of what is typed.
func (v *visit) sendTest() error {
	form, f, err := v.typed()
	if err != nil {
		return err
	}
	switch {
	case f.isCommand():
		return v.fillFromCommand(f, f.command())
	case f.needsConnector():
		return v.showStep(f, connectorStep(f, connectorForm{Type: "basic", In: "header"}, nil))
	}
	step := &testStep{Form: f, Trial: readTrial(form)}
	if step.Trial.Event == "none" {
		step.Trial.Event = ""
	}
	switch form.text("step") {
	case "review":
		return v.testReview(step)
	case "send":
		return v.testSend(step)
	}
	return v.testInputs(step)
}

// showTest answers with a step; the window's title says whose test it is.
func (v *visit) showTest(s *testStep, content func(*testStep) templ.Component) error {
	s.Clock = v.clock
	return v.showStep(s.Form, content(s))
}

// findInputs asks the API what the request needs; false = it is refused, and
// the form was shown again.
func (v *visit) findInputs(s *testStep) (ok bool, err error) {
	shown, err := v.renderedWith(s.Form, map[string]any{})
	if err != nil {
		return false, err
	}
	if shown.Refused != nil {
		v.wrongForm()
		return false, v.showWebhook(&webhookWindow{Form: s.Form, Refused: shown.Refused})
	}
	s.Inputs = shown.Inputs
	return true, nil
}

// testInputs asks for what the request needs, and for nothing else.
func (v *visit) testInputs(s *testStep) error {
	ok, err := v.findInputs(s)
	if !ok {
		return err
	}
	if !s.Inputs.needs() {
		return v.testReview(s)
	}
	if s.Inputs.NeedsContact {
		if err := v.listTestContacts(s); err != nil {
			return err
		}
	}
	if s.Inputs.NeedsEvent {
		if err := v.listTestEvents(s); err != nil {
			return err
		}
	}
	if len(s.Inputs.Replies) > 0 && s.Trial.Replies == "" {
		if s.Trial.Replies, err = v.latestReplies(s.Inputs.Replies); err != nil {
			return err
		}
	}
	return v.showTest(s, testInputsPart)
}

// maxTestContacts is how many contacts are offered at once.
const maxTestContacts = 12

// listTestContacts finds the contacts that are offered: by what was searched,
// or those of a segment, or the first ones.
func (v *visit) listTestContacts(s *testStep) error {
	t := &s.Trial
	var segments struct {
		Segments []struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"segments"`
	}
	if err := v.get("/v1/segments", nil, &segments); err != nil {
		return err
	}
	s.Segments = []part.Option{{Value: "", Label: "All contacts"}}
	for _, g := range segments.Segments {
		s.Segments = append(s.Segments, part.Option{Value: decimal(g.ID), Label: g.Name})
	}
	var err error
	if s.Contacts, err = v.foundContacts(t.Query, t.Segment); err != nil {
		return err
	}
	id, isID := strconv.ParseInt(t.Contact, 10, 64)
	if isID == nil && !slices.ContainsFunc(s.Contacts, func(c contactValues) bool { return c.ID == id }) && t.Query == "" && t.Segment == "" {
		var chosen contactValues
		if err := v.get("/v1/contacts/"+decimal(id), nil, &chosen); err == nil {
			s.Contacts = append([]contactValues{chosen}, s.Contacts...)
		} else if !isNotFound(err) {
			return err
		}
	}
	if len(t.Invented) == 0 {
		for _, in := range s.Inputs.Contact {
			t.Invented = append(t.Invented, pair{Name: in.Name})
		}
	}
	return nil
}

// foundContacts finds contacts by what somebody types, or lists those of a segment.
func (v *visit) foundContacts(text, segment string) ([]contactValues, error) {
	path, q := "/v1/contacts", url.Values{"limit": {strconv.Itoa(maxTestContacts)}}
	switch {
	case text != "":
		q.Set("q", text)
	case segment != "":
		path = "/v1/segments/" + url.PathEscape(segment) + "/contacts"
	}
	var list struct {
		Contacts []contactValues `json:"contacts"`
	}
	err := v.get(path, q, &list)
	return list.Contacts, err
}

// testContacts is the list of contacts alone, while one types.
func (v *visit) testContacts() error {
	list, err := v.foundContacts(v.query("trial.q"), v.query("trial.segment"))
	if err != nil {
		return err
	}
	return v.part(testContactList(list, v.query("contact")))
}

// listTestEvents finds the events that are offered: the newest, of a type if one is chosen.
func (v *visit) listTestEvents(s *testStep) error {
	t := &s.Trial
	var types struct {
		Types []struct {
			Key string `json:"key"`
		} `json:"types"`
	}
	if err := v.get("/v1/event-types", url.Values{"limit": {"200"}}, &types); err != nil {
		return err
	}
	s.Types = []part.Option{{Value: "", Label: "All types"}}
	for _, each := range types.Types {
		s.Types = append(s.Types, part.Option{Value: each.Key, Label: each.Key})
	}
	q := url.Values{"limit": {"20"}}
	if t.Type != "" {
		q.Set("eventTypeKey", t.Type)
	}
	var list struct {
		Events []receivedEvent `json:"events"`
	}
	if err := v.get("/v1/events", q, &list); err != nil && !isNotFound(err) {
		return err
	}
	s.Events = list.Events
	if t.Params == "" {
		t.Params = emptyParams(s.Inputs.Event)
	}
	if t.EventType == "" {
		t.EventType = "test"
	}
	if t.Event == "" && len(s.Events) == 0 {
		t.Event = typedIn
	}
	return nil
}

// emptyParams is the body of an event with the parameters that are needed.
func emptyParams(needed []input) string {
	params := make(map[string]string, len(needed))
	for _, in := range needed {
		params[in.Name] = ""
	}
	text, err := json.MarshalIndent(params, "", "  ")
	if err != nil {
		return "{}" // texts can always be written
	}
	return string(text)
}

// latestReplies is what the webhooks that are needed last got, as JSON by their names.
func (v *visit) latestReplies(needed []input) (string, error) {
	var list struct {
		Webhooks []webhookView `json:"webhooks"`
	}
	if err := v.get("/v1/webhooks", url.Values{"limit": {"100"}}, &list); err != nil {
		return "", err
	}
	replies := map[string]json.RawMessage{}
	for _, in := range needed {
		replies[in.Name] = json.RawMessage(`{}`)
		at := slices.IndexFunc(list.Webhooks, func(w webhookView) bool { return w.Name == in.Name })
		if at < 0 {
			continue
		}
		var calls struct {
			Calls []struct {
				Reply *replyView `json:"reply"`
			} `json:"calls"`
		}
		if err := v.get("/v1/calls", url.Values{"webhookId": {decimal(list.Webhooks[at].ID)}, "status": {"ok"}, "limit": {"1"}}, &calls); err != nil {
			return "", err
		}
		if len(calls.Calls) > 0 && calls.Calls[0].Reply != nil && json.Valid([]byte(calls.Calls[0].Reply.Body)) {
			replies[in.Name] = json.RawMessage(calls.Calls[0].Reply.Body)
		}
	}
	text, err := json.MarshalIndent(replies, "", "  ")
	return string(text), err
}

// testReview is Next: what will be sent.
func (v *visit) testReview(s *testStep) error {
	ok, err := v.findInputs(s)
	if !ok {
		return err
	}
	with, faults := s.Trial.ask(&s.Inputs)
	if len(faults) > 0 {
		return v.testRefused(s, &refusal{Detail: "Nothing was sent.", Errors: faults})
	}
	if s.Shown, err = v.renderedWith(s.Form, with); err != nil {
		return err
	}
	if s.Shown.Refused != nil {
		return v.testRefused(s, s.Shown.Refused)
	}
	return v.showTest(s, testReviewPart)
}

// testRefused shows the first step again with what was wrong.
func (v *visit) testRefused(s *testStep, r *refusal) error {
	v.wrongForm()
	s.Refused = r
	return v.testInputs(s)
}

// testSend is Send request.
func (v *visit) testSend(s *testStep) error {
	ok, err := v.findInputs(s)
	if !ok {
		return err
	}
	with, faults := s.Trial.ask(&s.Inputs)
	if len(faults) > 0 {
		return v.testRefused(s, &refusal{Detail: "Nothing was sent.", Errors: faults})
	}
	definition, _ := s.Form.definition()
	unnamed(definition)
	with["webhook"] = definition
	s.Result = &testResult{}
	err = v.post(s.Form.at("test"), with, s.Result)
	if r, is := wrong(err); is && r.Status != http.StatusTooManyRequests {
		return v.testRefused(s, r.within("webhook"))
	}
	if err != nil {
		return err
	}
	return v.showTest(s, testResultPart)
}

// testResult is what came of a test.
type testResult struct {
	OK         bool         `json:"ok"`
	Outcome    string       `json:"outcome"`
	Error      string       `json:"error"`
	Problem    *problemView `json:"problem"`
	Request    *requestView `json:"request"`
	Reply      *replyView   `json:"reply"`
	Tries      []tryView    `json:"tries"`
	DurationMs float64      `json:"durationMs"`
	Warnings   []warning    `json:"warnings"`
	Values     []leaf       `json:"values"`
	MoreValues bool         `json:"moreValues"`
	CallID     *int64       `json:"callId"`
}

// testSteps are the steps of Send test; now counts from 0.
func testSteps(now int) []part.Step {
	steps := []part.Step{{Label: "Data"}, {Label: "Request"}, {Label: "Reply"}}
	for i := range steps {
		switch {
		case i < now:
			steps[i].State = part.StepDone
		case i == now:
			steps[i].State = part.StepNow
		}
	}
	return steps
}
