package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidings"
	"tidings/ui/part"
)

// blockForm is the settings of one block, or of what starts the workflow.
type blockForm struct {
	W         *workflowInfo
	Block     *tidings.Block // nil = the trigger
	Things    *blockThings
	Edits     bool
	Typed     *form // what was typed and refused; nil = the form is new
	Faults    faults
	Picker    string // id of the variables that can be inserted; "" = there are none
	Variables []part.PickerGroup
	Fresh     int64 // webhook that was made for the block just now; 0 = none
}

// at is the path of the form's part of the definition, in the API's request.
func (b *blockForm) at() string {
	if b.Block == nil {
		return "definition.trigger"
	}
	i := slices.IndexFunc(b.W.Definition.Blocks, func(o tidings.Block) bool { return o.ID == b.Block.ID })
	return fmt.Sprintf("definition.blocks[%d]", i)
}

// fault gives what is wrong with a field of the block: what was refused, else
// what stands against an activation.
func (b *blockForm) fault(field string) string {
	at := b.at() + "." + field
	if reason := b.Faults.of(at); reason != "" {
		return reason
	}
	if reason := b.Faults.of(field); reason != "" {
		return reason
	}
	if b.Typed != nil {
		return ""
	}
	for _, p := range b.W.Problems {
		if !p.Warning && "definition."+p.Field == at {
			return p.where() + p.Reason
		}
	}
	return ""
}

// where says the place within a template, "" when it is the whole of it.
func (p *workflowProblem) where() string {
	if p.Line == 0 || p.Line == 1 && p.Column == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
}

// others lists problems of the block that no field of the form shows.
func (b *blockForm) others() []workflowProblem {
	if b.Typed != nil {
		return nil
	}
	var id tidings.BlockID
	if b.Block != nil {
		id = b.Block.ID
	}
	var rest []workflowProblem
	for _, p := range problemsOf(b.W.Problems, id) {
		if b.Block == nil && !strings.HasPrefix(p.Field, "trigger") {
			continue
		}
		if p.Warning || !b.shows(strings.TrimPrefix("definition."+p.Field, b.at()+".")) {
			rest = append(rest, p)
		}
	}
	return rest
}

// shows says whether the form has a field for a path within the block.
func (b *blockForm) shows(field string) bool {
	for _, prefix := range []string{"name", "webhook.", "message.", "timer.", "segmentId", "percent", "exits.", "eventTypeKey", "activity.", "once."} {
		if strings.HasPrefix(field, prefix) {
			return field != "webhook.whose" && field != "message.whose"
		}
	}
	return strings.HasPrefix(field, "condition.") || strings.HasPrefix(field, "fields[")
}

// value gives what was typed into a field, else what is stored.
func (b *blockForm) value(field, stored string) string {
	if b.Typed != nil && b.Typed.has(field) {
		return b.Typed.area(field)
	}
	return stored
}

// field is a field of the form.
func (b *blockForm) field(name, label, stored, hint string) part.FieldView {
	// The window of webhooks opens over these fields and has a name too.
	id := "block-" + strings.ReplaceAll(name, ".", "-")
	return part.FieldView{Name: name, ID: id, Label: label, Value: b.value(name, stored), Hint: hint, Error: b.fault(name)}
}

// template is a field that takes a template over the run's data.
func (b *blockForm) template(name, label, stored, hint string) part.FieldView {
	f := b.field(name, label, stored, hint)
	f.Mono, f.Picker, f.Optional = true, b.Picker, true
	return f
}

// flowVariables names the variables that can be inserted into fields of the editor.
const flowVariables = "vars"

// chosen is a select of one of the account's things; 0 = none yet.
func (b *blockForm) chosen(name, label, none string, list []blockThing, id int64) part.FieldView {
	f := b.field(name, label, decimal(id), "")
	f.Options = []part.Option{{Value: "0", Label: none}}
	for _, t := range list {
		note := ""
		if t.Deleted != nil {
			note = "deleted"
		}
		f.Options = append(f.Options, part.Option{Value: decimal(t.ID), Label: t.Name, Note: note})
	}
	if id != 0 && thing(list, id) == nil {
		f.Options = append(f.Options, part.Option{Value: decimal(id), Label: "number " + decimal(id), Note: "not there"})
	}
	return f
}

// conditionPrefix begins the names of a condition's fields in the form.
const conditionPrefix = "condition"

// condition is the editor of a condition, as typed or as stored.
func (b *blockForm) condition(stored *tidings.Condition) conditionView {
	c := conditionView{Prefix: conditionPrefix, At: b.at() + ".condition", Update: workflowsPath + "/condition", Free: true, Names: b.names(), Faults: b.Faults, Root: (*condition)(stored)}
	if b.Typed != nil {
		c.Root, _ = readCondition(b.Typed, conditionPrefix)
		return c
	}
	for _, p := range b.W.Problems {
		if !p.Warning && strings.HasPrefix("definition."+p.Field, c.At) {
			c.Faults.add("definition."+p.Field, p.where()+p.Reason)
		}
	}
	return c
}

// names are what a condition can look at: fields of the contact, parameters of
// the event, replies of webhooks before it.
func (b *blockForm) names() []part.Option {
	list := slices.Clone(b.Things.Fields)
	for _, g := range b.Variables {
		for _, r := range g.Rows {
			if name := strings.Trim(r.Insert, "${}!"); strings.HasPrefix(r.Insert, "$") && !strings.Contains(name, "%") {
				if strings.HasPrefix(name, "data.") || strings.HasPrefix(name, "data[") {
					name = "$" + name
				}
				list = append(list, part.Option{Value: name, Label: name, Note: r.Type, Group: g.Title})
			}
		}
	}
	return list
}

// exits are the selects of where each way out leads.
func (b *blockForm) exits() []part.FieldView {
	var list []part.FieldView
	for _, exit := range b.Block.Kind.Exits() {
		f := b.field("exits."+string(exit), "After "+exitWords(b.Block, exit), string(b.Block.Exits[exit]), "")
		if exit == tidings.ExitNext {
			f.Label = "After this"
		}
		none := "nothing"
		if !b.Block.Kind.Needs(exit) {
			none = "goes on as after ok, marked"
		}
		f.Options = []part.Option{{Value: "", Label: none}}
		for i := range b.W.Definition.Blocks {
			o := &b.W.Definition.Blocks[i]
			if o.ID == b.Block.ID || reached(b.W.Definition, o.ID)[b.Block.ID] {
				continue // it would go round in a circle
			}
			f.Options = append(f.Options, part.Option{Value: string(o.ID), Label: kindOf(o.Kind).Label + ": " + blockName(o, b.Things)})
		}
		list = append(list, f)
	}
	return list
}

// setters are the rows of fields that are set, with spare ones.
func (b *blockForm) setters() []tidings.FieldSetter {
	rows := slices.Clone(b.Block.Fields)
	if b.Typed != nil {
		rows = readSetters(b.Typed)
	}
	return append(rows, tidings.FieldSetter{})
}

func (b *blockForm) setterField(i int, s tidings.FieldSetter) part.FieldView {
	f := part.FieldView{
		ID: "f-fields-field-" + strconv.Itoa(i), Name: "fields.field", Label: fmt.Sprintf("Field %d", i+1), Value: s.Field,
		Error: b.fault(fmt.Sprintf("fields[%d].field", i)),
	}
	f.Options = append([]part.Option{{Value: "", Label: "none"}}, b.Things.Fields...)
	if s.Field != "" && !slices.ContainsFunc(f.Options, func(o part.Option) bool { return o.Value == s.Field }) {
		f.Options = append(f.Options, part.Option{Value: s.Field, Label: s.Field})
	}
	return f
}

func (b *blockForm) setterValue(i int, s tidings.FieldSetter) part.FieldView {
	return part.FieldView{
		ID: "f-fields-value-" + strconv.Itoa(i), Name: "fields.value", Label: "becomes", Value: s.Value, Mono: true, Picker: b.Picker,
		Error: b.fault(fmt.Sprintf("fields[%d].value", i)),
	}
}

// Reading what was typed.

func readSetters(f *form) []tidings.FieldSetter {
	var list []tidings.FieldSetter
	for _, row := range f.rows("fields.field", "fields.value") {
		list = append(list, tidings.FieldSetter{Field: row[0], Value: row[1]})
	}
	return list
}

func readWhose(f *form, at string) tidings.Whose {
	return tidings.Whose{ContactID: f.text(at + ".contactId"), Phone: f.text(at + ".phone"), Email: f.text(at + ".contactEmail")}
}

// whole gives a number of a form, 0 for an empty field and for what is no number.
func (f *form) whole(name string) int64 {
	if n := f.number(name); n != nil {
		return *n
	}
	return 0
}

// readBlock reads the settings of a block.
func readBlock(f *form, old *tidings.Block) tidings.Block {
	b := tidings.Block{ID: old.ID, Kind: old.Kind, Name: f.text("name")}
	switch old.Kind {
	case tidings.BlockWebhook:
		b.Webhook = &tidings.WebhookBlock{Webhook: tidings.WebhookID(f.whole("webhook.webhookId")), Whose: readWhose(f, "webhook.whose")}
	case tidings.BlockMessage:
		b.Message = &tidings.MessageBlock{Message: tidings.MessageID(f.whole("message.messageId")), Whose: readWhose(f, "message.whose")}
	case tidings.BlockCondition:
		b.Condition = typedCondition(f)
	case tidings.BlockTimer:
		b.Timer = readTimer(f)
	case tidings.BlockUpdateContact:
		b.Fields = readSetters(f)
	case tidings.BlockAddTo, tidings.BlockRemoveFrom:
		b.Segment = tidings.SegmentID(f.whole("segmentId"))
	case tidings.BlockSplit:
		b.Percent = int(f.whole("percent"))
	}
	return b
}

// typedCondition reads a condition; nil when nothing was typed. A condition of
// one comparison is written as that.
func typedCondition(f *form) *tidings.Condition {
	c, _ := readCondition(f, conditionPrefix)
	if c = c.given(); c == nil {
		return nil
	}
	if within := c.within(); c.isGroup() && len(within) == 1 {
		return &within[0]
	}
	return (*tidings.Condition)(c)
}

// readTimer reads a timer; nil when nothing is set.
func readTimer(f *form) *tidings.Timer {
	t := &tidings.Timer{Seconds: f.whole("timer.seconds") * unitSeconds(f.raw("timer.unit")), At: f.text("timer.at")}
	for _, day := range f.list("timer.weekdays") {
		if n, err := strconv.Atoi(day); err == nil {
			t.Weekdays = append(t.Weekdays, n)
		}
	}
	if t.At != "" || len(t.Weekdays) > 0 {
		t.Zone = f.text("timer.zone")
	}
	if t.Seconds == 0 && t.At == "" && len(t.Weekdays) == 0 {
		return nil
	}
	return t
}

func unitSeconds(unit string) int64 {
	switch unit {
	case "minute":
		return 60
	case "hour":
		return 3600
	case "day":
		return 86400
	}
	return 1
}

// readTrigger reads what starts a workflow.
func readTrigger(f *form) tidings.Trigger {
	t := tidings.Trigger{Condition: typedCondition(f), Alone: f.flag("alone")}
	if f.raw("by") == "activity" {
		t.Activity = &tidings.ActivityTrigger{
			Status: f.text("activity.activityStatus"), MediaType: f.text("activity.mediaType"), Message: tidings.MessageID(f.whole("activity.messageId")),
		}
	} else {
		t.EventTypeKey = f.text("eventTypeKey")
	}
	if t.Once.Mode = tidings.OnceMode(f.raw("once.mode")); t.Once.Mode == tidings.OncePer {
		t.Once.Per = f.whole("once.perSeconds") * unitSeconds(f.raw("once.unit"))
	}
	return t
}

// options makes options of texts.
func textOptions(texts ...string) []part.Option {
	list := make([]part.Option, len(texts))
	for i, t := range texts {
		list[i] = part.Option{Value: t, Label: t}
	}
	return list
}

func unitOptions() []part.Option {
	return []part.Option{{Value: "minute", Label: "minutes"}, {Value: "hour", Label: "hours"}, {Value: "day", Label: "days"}, {Value: "second", Label: "seconds"}}
}

func weekdayOptions() []part.Option {
	list := make([]part.Option, 7)
	for i := range list {
		list[i] = part.Option{Value: strconv.Itoa(i + 1), Label: weekday(i + 1)}
	}
	return list
}

func weekdayValues(days []int) []string {
	list := make([]string, len(days))
	for i, d := range days {
		list[i] = strconv.Itoa(d)
	}
	return list
}
