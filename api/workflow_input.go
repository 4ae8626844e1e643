package api

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// workflowDefinitionJSON is what a workflow does, as it comes in. It goes out
// in the same form, as tidings.Definition writes itself.
type workflowDefinitionJSON struct {
	Trigger triggerJSON `json:"trigger,omitempty"`
	Start   string      `json:"start,omitempty" doc:"Id of the block where a run begins."`
	Blocks  []blockJSON `json:"blocks,omitempty" doc:"At most 200."`
}

type triggerJSON struct {
	EventTypeKey string                        `json:"eventTypeKey,omitempty" doc:"The type of the events that start runs."`
	Activity     optional[activityTriggerJSON] `json:"activity,omitempty" doc:"In place of eventTypeKey: what happens to a message starts a run."`
	Condition    optional[conditionJSON]       `json:"condition,omitempty" doc:"Over the event's parameters and the contact's fields; absent = every event."`
	Once         optional[onceJSON]            `json:"once,omitempty" doc:"Whether another event with the same keyValue starts another run; absent = always."`
	Alone        bool                          `json:"alone,omitempty" doc:"true: no run is started for a contact who is in one of this workflow."`
}

type activityTriggerJSON struct {
	Status    string `json:"activityStatus,omitempty" doc:"Such as CLICKED."`
	MediaType string `json:"mediaType,omitempty" doc:"Absent = any."`
	MessageID int64  `json:"messageId,omitempty" doc:"Absent = any."`
}

type onceJSON struct {
	Mode       string `json:"mode,omitempty" enum:"always,never,per" doc:"always; never again; per: again after perSeconds."`
	PerSeconds int64  `json:"perSeconds,omitempty" doc:"With per: 60 or more."`
}

type blockJSON struct {
	ID        string                      `json:"id,omitempty" doc:"1 to 64 of the characters A-Z a-z 0-9 _ - and the dot."`
	Kind      string                      `json:"kind,omitempty" enum:"webhook,condition,timer,message,updateContact,addToSegment,removeFromSegment,split,end"`
	Name      string                      `json:"name,omitempty" doc:"For people."`
	Exits     exitsJSON                   `json:"exits,omitempty" doc:"The block that each way out leads to: ok and failed of a webhook, yes and no of a condition, a and b of a split, next of all else; an end has none."`
	Webhook   optional[webhookBlockJSON]  `json:"webhook,omitempty"`
	Condition optional[conditionJSON]     `json:"condition,omitempty" doc:"Over contact.NAME, event.NAME, bare names, and references such as $data.get('WH5').get('valid')."`
	Timer     optional[workflowTimerJSON] `json:"timer,omitempty"`
	Message   optional[messageBlockJSON]  `json:"message,omitempty"`
	Fields    []fieldSetterJSON           `json:"fields,omitempty" doc:"Of updateContact."`
	SegmentID int64                       `json:"segmentId,omitempty" doc:"Of addToSegment and removeFromSegment: a list."`
	Percent   int                         `json:"percent,omitempty" doc:"Of split: of the runs that take exit a, 1 to 99."`
}

type whoseJSON struct {
	ContactID    string `json:"contactId,omitempty" doc:"A template, such as ${contactId}."`
	Phone        string `json:"phone,omitempty" doc:"A template."`
	ContactEmail string `json:"contactEmail,omitempty" doc:"A template, such as ${email}."`
}

type webhookBlockJSON struct {
	WebhookID int64               `json:"webhookId,omitempty"`
	Whose     optional[whoseJSON] `json:"whose,omitempty" doc:"Whose data is sent: one is enough; absent = the run's contact."`
}

type messageBlockJSON struct {
	MessageID int64               `json:"messageId,omitempty"`
	Whose     optional[whoseJSON] `json:"whose,omitempty" doc:"Who gets it: one is enough; absent = the run's contact."`
}

type fieldSetterJSON struct {
	Field string `json:"field,omitempty" doc:"A standard field, or the key of an additional one."`
	Value string `json:"value,omitempty" doc:"A template; an empty result removes the value."`
}

type workflowTimerJSON struct {
	Seconds  int64  `json:"seconds,omitempty" doc:"First this long."`
	At       string `json:"at,omitempty" doc:"Then until this time of day, as 09:30."`
	Weekdays []int  `json:"weekdays,omitempty" doc:"On one of these days: 1 = Monday … 7 = Sunday."`
	Zone     string `json:"zone,omitempty" doc:"Where at and weekdays are told: contact, or a name such as Europe/Kyiv; absent = UTC."`
}

// exitsJSON is the ways out of a block.
type exitsJSON map[tidings.Exit]tidings.BlockID

func (e *exitsJSON) decodeField(d *decoder, n node, path string) {
	if !d.want(n, "an object", path) {
		return
	}
	*e = make(exitsJSON, len(n.keys))
	for i, key := range n.keys {
		at := join(path, key)
		switch {
		case !slices.Contains(exitNames(), key):
			d.fault(at, "is not known here: use ok, failed, yes, no, a, b, next")
		case d.want(n.parts[i], "a string", at):
			(*e)[tidings.Exit(key)] = tidings.BlockID(n.parts[i].text)
		}
	}
}

func exitNames() []string { return []string{"ok", "failed", "yes", "no", "a", "b", "next"} }

// Schema describes the object. It is huma's SchemaProvider.
func (exitsJSON) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: "object", AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, name := range exitNames() {
		s.Properties[name] = &huma.Schema{Type: "string", Description: "Id of a block."}
	}
	return s
}

// shownDefinition is a definition as it is shown.
type shownDefinition struct{ of tidings.Definition }

// MarshalJSON writes the form that comes in.
func (s shownDefinition) MarshalJSON() ([]byte, error) { return json.Marshal(s.of) }

// Schema points to what comes in. It is huma's SchemaProvider.
func (shownDefinition) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[workflowDefinitionJSON](), true, "")
}

// definition is what was asked for. What can't be saved even as a draft is a
// fault; what else is wrong with it is found before an activation.
func (in *workflowDefinitionJSON) definition(d *decoder, path string) tidings.Definition {
	def := tidings.Definition{Start: tidings.BlockID(in.Start), Trigger: in.Trigger.trigger(), Blocks: make([]tidings.Block, len(in.Blocks))}
	for i := range in.Blocks {
		def.Blocks[i] = in.Blocks[i].block()
	}
	for _, f := range tidings.CheckDefinition(&def) {
		at := path
		if f.Field != "" {
			at = join(path, f.Field)
		}
		d.fault(at, "%s", f.Reason)
	}
	return def
}

func (in *triggerJSON) trigger() tidings.Trigger {
	t := tidings.Trigger{EventTypeKey: in.EventTypeKey, Alone: in.Alone, Condition: condition(in.Condition)}
	if in.Activity.given() {
		a := in.Activity.value
		t.Activity = &tidings.ActivityTrigger{Status: a.Status, MediaType: a.MediaType, Message: tidings.MessageID(a.MessageID)}
	}
	if in.Once.given() {
		t.Once = tidings.Once{Mode: tidings.OnceMode(in.Once.value.Mode), Per: in.Once.value.PerSeconds}
		if t.Once.Mode == "always" {
			t.Once.Mode = tidings.OnceAlways
		}
	}
	return t
}

func condition(in optional[conditionJSON]) *tidings.Condition {
	if !in.given() {
		return nil
	}
	return &in.value.of
}

func (in *blockJSON) block() tidings.Block {
	b := tidings.Block{
		ID: tidings.BlockID(in.ID), Kind: tidings.BlockKind(in.Kind), Name: in.Name, Exits: in.Exits,
		Condition: condition(in.Condition), Segment: tidings.SegmentID(in.SegmentID), Percent: in.Percent,
	}
	if in.Webhook.given() {
		b.Webhook = &tidings.WebhookBlock{Webhook: tidings.WebhookID(in.Webhook.value.WebhookID), Whose: whose(in.Webhook.value.Whose)}
	}
	if in.Message.given() {
		b.Message = &tidings.MessageBlock{Message: tidings.MessageID(in.Message.value.MessageID), Whose: whose(in.Message.value.Whose)}
	}
	if in.Timer.given() {
		t := in.Timer.value
		b.Timer = &tidings.Timer{Seconds: t.Seconds, At: t.At, Weekdays: t.Weekdays, Zone: t.Zone}
	}
	for _, f := range in.Fields {
		b.Fields = append(b.Fields, tidings.FieldSetter(f))
	}
	return b
}

func whose(in optional[whoseJSON]) tidings.Whose {
	return tidings.Whose{ContactID: in.value.ContactID, Phone: in.value.Phone, Email: in.value.ContactEmail}
}
