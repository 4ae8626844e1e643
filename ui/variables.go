package ui

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tidings"
	"tidings/ui/part"
)

// setting is whose values the variable picker shows, and which there are.
// Zero values are fine: names are then shown without values.
type setting struct {
	Contact   int64   // whose fields; 0 = nobody's
	Event     int64   // whose parameters; 0 = those of the latest event of EventType
	EventType string  // the eventTypeKey that starts the workflow; "" = the workflow's, or of no event
	Workflow  int64   // whose webhooks' replies; 0 = those of Webhooks
	Webhooks  []int64 // whose replies; nil = of all webhooks of the account, maxReplies at most
}

const (
	maxReplies    = 20 // webhooks whose replies the picker shows
	maxPickerRows = 60 // of one reply or event
)

// variables gives what templates can use, group by group, with the values of
// a setting: the contact's fields, the additional ones, the event's parameters,
// the replies of webhooks, the run. What a row inserts is right in webhooks and
// messages alike: values are escaped for where they stand.
func (v *visit) variables(s setting) ([]part.PickerGroup, error) {
	event, err := v.settingEvent(&s)
	if err != nil {
		return nil, err
	}
	contact, additional, err := v.contactVariables(s.Contact, event)
	if err != nil {
		return nil, err
	}
	groups := []part.PickerGroup{contact, additional, eventVariables(event)}
	replies, err := v.replyVariables(s.Webhooks)
	if err != nil {
		return nil, err
	}
	return append(append(groups, replies...), runVariables()), nil
}

func runVariables() part.PickerGroup {
	return part.PickerGroup{Title: "Run", Rows: []part.PickerRow{
		{Name: "workflowInstanceId", Type: "string", Value: "the id of this run of the workflow", Insert: "${workflowInstanceId}"},
	}}
}

// eventValues is an event as the picker reads it.
type eventValues struct {
	EventTypeKey string      `json:"eventTypeKey"`
	KeyValue     string      `json:"keyValue"`
	Params       []namedJSON `json:"params"`
}

type namedJSON struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

func (e *eventValues) has(name string) bool {
	return e != nil && slices.ContainsFunc(e.Params, func(p namedJSON) bool { return p.Name == name })
}

// settingEvent finds the event of a setting, and what its workflow calls; nil = no event.
func (v *visit) settingEvent(s *setting) (*eventValues, error) {
	if s.Workflow != 0 {
		if err := v.settingWorkflow(s); err != nil {
			return nil, err
		}
	}
	if s.Event != 0 {
		event := &eventValues{}
		err := v.get("/v1/events/"+decimal(s.Event), nil, event)
		if !isNotFound(err) {
			return event, err
		}
	}
	if s.EventType == "" {
		return nil, nil
	}
	var latest struct {
		Events []eventValues `json:"events"`
	}
	err := v.get("/v1/events", url.Values{"eventTypeKey": {s.EventType}, "limit": {"1"}}, &latest)
	switch {
	case isNotFound(err): // no such event came yet
		return nil, nil
	case err != nil || len(latest.Events) == 0:
		return nil, err
	}
	return &latest.Events[0], nil
}

// settingWorkflow fills in what starts a workflow and which webhooks it calls.
func (v *visit) settingWorkflow(s *setting) error {
	var w struct {
		Definition struct {
			Trigger struct {
				EventTypeKey string `json:"eventTypeKey"`
			} `json:"trigger"`
			Blocks []struct {
				Webhook *struct {
					WebhookID int64 `json:"webhookId"`
				} `json:"webhook"`
			} `json:"blocks"`
		} `json:"definition"`
	}
	if err := v.get("/v1/workflows/"+decimal(s.Workflow), nil, &w); err != nil {
		return err
	}
	if s.EventType == "" {
		s.EventType = w.Definition.Trigger.EventTypeKey
	}
	if s.Webhooks == nil {
		s.Webhooks = []int64{}
		for _, b := range w.Definition.Blocks {
			if b.Webhook != nil && b.Webhook.WebhookID != 0 && !slices.Contains(s.Webhooks, b.Webhook.WebhookID) {
				s.Webhooks = append(s.Webhooks, b.Webhook.WebhookID)
			}
		}
	}
	return nil
}

// contactValues is a contact as the picker reads it.
type contactValues struct {
	ID                 int64  `json:"id"`
	ExternalCustomerID string `json:"externalCustomerId"`
	FirstName          string `json:"firstName"`
	LastName           string `json:"lastName"`
	Email              string `json:"email"`
	SMS                string `json:"sms"`
	Address            struct {
		Region   string `json:"region"`
		Town     string `json:"town"`
		Address  string `json:"address"`
		Postcode string `json:"postcode"`
	} `json:"address"`
	Language      string                     `json:"languageCode"`
	TimeZone      string                     `json:"timeZone"`
	Fields        map[string]json.RawMessage `json:"fields"`
	Subscriptions []string                   `json:"subscriptions"`
}

// standard gives a standard field by its name in tidings.StandardFields.
func (c *contactValues) standard(name string) string {
	if c == nil {
		return ""
	}
	if name == "CONTACT_ID" {
		return decimal(c.ID)
	}
	return map[string]string{
		"EXTERNAL_CUSTOMER_ID": c.ExternalCustomerID, "FIRSTNAME": c.FirstName, "LASTNAME": c.LastName, "EMAIL": c.Email, "SMS": c.SMS,
		"REGION": c.Address.Region, "TOWN": c.Address.Town, "ADDRESS": c.Address.Address, "POSTCODE": c.Address.Postcode,
		"LANGUAGE": c.Language, "TIMEZONE": c.TimeZone, "SUBSCRIPTIONS": strings.Join(c.Subscriptions, ", "),
	}[name]
}

func (c *contactValues) additional(key string) string {
	if c == nil {
		return ""
	}
	return plainJSON(c.Fields[key])
}

// contactVariables are the fields of a contact: those that all have, and the account's.
func (v *visit) contactVariables(id int64, event *eventValues) (standard, additional part.PickerGroup, err error) {
	standard, additional = part.PickerGroup{Title: "Contact"}, part.PickerGroup{Title: "Additional fields"}
	var contact *contactValues
	if id != 0 {
		contact = &contactValues{}
		if err = v.get("/v1/contacts/"+decimal(id), nil, contact); isNotFound(err) {
			contact = nil // it was deleted meanwhile
		} else if err != nil {
			return standard, additional, err
		}
	}
	var fields struct {
		Fields []struct {
			Key  string `json:"key"`
			Type string `json:"type"`
		} `json:"fields"`
	}
	if err = v.get("/v1/fields", nil, &fields); err != nil {
		return standard, additional, err
	}
	for _, name := range tidings.StandardFields() {
		kind := map[string]string{"CONTACT_ID": "number", "SUBSCRIPTIONS": "list"}[name]
		if kind == "" {
			kind = "text"
		}
		standard.Rows = append(standard.Rows, part.PickerRow{Name: name, Type: kind, Value: contact.standard(name), Insert: fieldReference(name, event)})
	}
	for _, f := range fields.Fields {
		additional.Rows = append(additional.Rows, part.PickerRow{Name: f.Key, Type: f.Type, Value: contact.additional(f.Key), Insert: fieldReference(f.Key, event)})
	}
	return standard, additional, nil
}

// fieldReference is how templates reach a field of the contact: by its bare
// name, unless the event has a parameter of just this name, which wins.
func fieldReference(name string, event *eventValues) string {
	first, _, _ := strings.Cut(name, ".")
	if event.has(first) {
		return "${contact." + name + "}"
	}
	return "${" + name + "}"
}

// eventVariables are the parameters of an event, and what is known of every event.
func eventVariables(event *eventValues) part.PickerGroup {
	group := part.PickerGroup{Title: "Event"}
	if event == nil {
		event = &eventValues{}
	} else {
		group.Title = "Event " + event.EventTypeKey
	}
	for _, p := range event.Params {
		reference := "$data.get('" + strings.ReplaceAll(p.Name, "'", "''") + "')"
		if plainName.MatchString(p.Name) && !slices.Contains([]string{"event", "contact", "data", "workflowInstanceId"}, p.Name) {
			reference = "${" + p.Name + "}"
		}
		group.Rows = append(group.Rows, paramRows(p.Name, reference, p.Value, 0)...)
	}
	group.Rows = group.Rows[:min(len(group.Rows), maxPickerRows)]
	group.Rows = append(group.Rows,
		part.PickerRow{Name: "eventTypeKey", Type: "string", Value: event.EventTypeKey, Insert: "${event.eventTypeKey}"},
		part.PickerRow{Name: "keyValue", Type: "string", Value: event.KeyValue, Insert: "${event.keyValue}"})
	return group
}

// plainName is a name that can stand behind a $.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// paramRows lists a parameter, and what is within it where that is an object
// or a list: of a list its first element.
func paramRows(name, reference string, value json.RawMessage, depth int) []part.PickerRow {
	rows := []part.PickerRow{{Name: name, Type: jsonKind(value), Value: plainJSON(value), Insert: reference}}
	if depth == 3 {
		return rows
	}
	within := func(step, shown string, value json.RawMessage) {
		inner, ok := strings.CutSuffix(reference, "}")
		if ok {
			rows = append(rows, paramRows(name+shown, inner+step+"}", value, depth+1)...)
		} else {
			rows = append(rows, paramRows(name+shown, reference+step, value, depth+1)...)
		}
	}
	switch jsonKind(value) {
	case "object":
		for _, m := range members(value) {
			step := "." + m.Name
			if !plainName.MatchString(m.Name) {
				step = ".get('" + strings.ReplaceAll(m.Name, "'", "''") + "')"
			}
			within(step, "."+m.Name, m.Value)
		}
	case "list":
		var list []json.RawMessage
		if json.Unmarshal(value, &list) == nil && len(list) > 0 {
			within(".get(0)", "[0]", list[0])
		}
	}
	return rows
}

// members lists an object's members in their order; what is no object has none.
func members(object json.RawMessage) []namedJSON {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var list []namedJSON
	for d.More() {
		name, err := d.Token()
		var m namedJSON
		if err != nil || d.Decode(&m.Value) != nil {
			return list
		}
		m.Name, _ = name.(string)
		list = append(list, m)
	}
	return list
}

// jsonKind names what kind of value it is.
func jsonKind(value json.RawMessage) string {
	if len(value) == 0 {
		return "text"
	}
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "text"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// plainJSON writes a value as people read it, its beginning when it is long.
func plainJSON(value json.RawMessage) string {
	const most = 120
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	if short := tidings.CutText(text, most); short != text {
		return short + "…"
	}
	return text
}

// leaf is one value of a reply and how templates reach it.
type leaf struct {
	Path       string          `json:"path"`
	Value      json.RawMessage `json:"value"`
	Expression string          `json:"expression"` // "" = no template can write it
}

// replyVariables are the values of the latest replies of webhooks, a group
// each; ids nil = all webhooks.
func (v *visit) replyVariables(ids []int64) ([]part.PickerGroup, error) {
	if ids != nil && len(ids) == 0 {
		return nil, nil
	}
	var list struct {
		Webhooks []struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"webhooks"`
	}
	if err := v.get("/v1/webhooks", url.Values{"limit": {"100"}}, &list); err != nil {
		return nil, err
	}
	var groups []part.PickerGroup
	for _, w := range list.Webhooks {
		if ids != nil && !slices.Contains(ids, w.ID) || len(groups) == maxReplies {
			continue
		}
		var reply struct {
			Values []leaf `json:"values"`
		}
		if err := v.get("/v1/webhooks/"+decimal(w.ID)+"/reply", nil, &reply); err != nil && !isNotFound(err) {
			return nil, err
		}
		groups = append(groups, replyGroup(w.Name, reply.Values))
	}
	return groups, nil
}

// replyGroup is what one webhook last got.
func replyGroup(name string, values []leaf) part.PickerGroup {
	group := part.PickerGroup{Title: "Reply of " + name}
	for _, l := range values {
		if l.Expression == "" || len(group.Rows) == maxPickerRows {
			continue
		}
		path := l.Path
		if path == "" {
			path = "the whole reply"
		}
		group.Rows = append(group.Rows, part.PickerRow{Name: path, Type: jsonKind(l.Value), Value: plainJSON(l.Value), Insert: l.Expression})
	}
	if len(group.Rows) == 0 && !strings.ContainsAny(name, "%\x1c") {
		group.Rows = []part.PickerRow{{
			Name: "the whole reply", Type: "unknown until its first test", Insert: "$data.get('" + strings.ReplaceAll(name, "'", "''") + "')",
		}}
	}
	return group
}

// completions are the same variables, as a code field offers them.
func completions(groups []part.PickerGroup) []part.Completion {
	var list []part.Completion
	for _, g := range groups {
		for _, r := range g.Rows {
			list = append(list, part.Completion{Text: r.Insert, Note: strings.TrimSuffix(r.Type+" · "+r.Value, " · ")})
		}
	}
	return list
}
