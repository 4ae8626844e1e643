package ui

import (
	"cmp"
	"net/url"

	"github.com/a-h/templ"

	"tidings"
	"tidings/ui/part"
)

// Fields of the settings that need more than a name and what is stored.

func (b *blockForm) optional(name, label, stored, hint string) part.FieldView {
	f := b.field(name, label, stored, hint)
	f.Optional = true
	return f
}

// number is a field of a whole number; 0 is shown as empty.
func (b *blockForm) number(name, label string, stored int64, hint string) part.FieldView {
	text := ""
	if stored != 0 {
		text = decimal(stored)
	}
	f := b.field(name, label, text, hint)
	f.Type, f.Attrs = "number", templ.Attributes{"min": "0"}
	return f
}

func (b *blockForm) unit(name, stored string) part.FieldView {
	return part.FieldView{Name: name, Label: "Unit", Value: b.value(name, stored), Options: unitOptions()}
}

func (b *blockForm) webhookID() int64 {
	if b.Typed != nil {
		return b.Typed.whole("webhook.webhookId")
	}
	if b.Fresh != 0 && thing(b.Things.Webhooks, b.Fresh) != nil {
		return b.Fresh
	}
	if b.Block.Webhook == nil {
		return 0
	}
	return int64(b.Block.Webhook.Webhook)
}

func (b *blockForm) messageID() int64 {
	if b.Typed != nil {
		return b.Typed.whole("message.messageId")
	}
	if b.Block.Message == nil {
		return 0
	}
	return int64(b.Block.Message.Message)
}

func (b *blockForm) webhookWhose() tidings.Whose {
	if b.Block.Webhook == nil {
		return tidings.Whose{}
	}
	return b.Block.Webhook.Whose
}

func (b *blockForm) messageWhose() tidings.Whose {
	if b.Block.Message == nil {
		return tidings.Whose{}
	}
	return b.Block.Message.Whose
}

// timer is the stored one, an empty one when there is none.
func (b *blockForm) timer() tidings.Timer {
	if b.Block.Timer == nil {
		return tidings.Timer{}
	}
	return *b.Block.Timer
}

func (b *blockForm) timerAmount() int64 {
	n, _ := timerUnit(b.timer().Seconds)
	return n
}

func (b *blockForm) timerUnit() string {
	if b.timer().Seconds == 0 {
		return "hour"
	}
	_, unit := timerUnit(b.timer().Seconds)
	return unit
}

func (b *blockForm) timeOfDay() part.FieldView {
	f := b.field("timer.at", "Time of day", b.timer().At, "")
	f.Type, f.Optional = "time", true
	return f
}

func (b *blockForm) weekdays() part.FieldView {
	f := part.FieldView{Name: "timer.weekdays", Label: "On one of these days", Options: weekdayOptions(), Values: weekdayValues(b.timer().Weekdays), Error: b.fault("timer.weekdays")}
	if b.Typed != nil {
		f.Values = b.Typed.list("timer.weekdays")
	}
	return f
}

func (b *blockForm) zone() part.FieldView {
	f := b.optional("timer.zone", "Time zone", b.timer().Zone, "“contact” is the contact's own; or a name such as Europe/Kyiv. Without one: UTC.")
	f.Mono = true
	return f
}

// trigger is the stored one.
func (b *blockForm) trigger() *tidings.Trigger { return &b.W.Definition.Trigger }

func (b *blockForm) activity() tidings.ActivityTrigger {
	if b.trigger().Activity == nil {
		return tidings.ActivityTrigger{}
	}
	return *b.trigger().Activity
}

func (b *blockForm) by() string {
	stored := "event"
	if b.trigger().Activity != nil {
		stored = "activity"
	}
	return b.value("by", stored)
}

func (b *blockForm) eventType() part.FieldView {
	f := b.field("eventTypeKey", "Event", b.trigger().EventTypeKey, "The type of the events: those that have arrived are offered.")
	f.Mono, f.Attrs = true, templ.Attributes{"list": "event-types", "autocomplete": "off"}
	return f
}

func (b *blockForm) activityStatus() part.FieldView {
	f := b.field("activity.activityStatus", "Status", b.activity().Status, "")
	f.Options = textOptions(tidings.Statuses()...)
	return f
}

func (b *blockForm) activityMedia() part.FieldView {
	f := b.field("activity.mediaType", "Channel", b.activity().MediaType, "")
	f.Options = append([]part.Option{{Value: "", Label: "any"}}, textOptions(tidings.MediaTypes()...)...)
	return f
}

func (b *blockForm) activityMessage() int64 {
	if b.Typed != nil {
		return b.Typed.whole("activity.messageId")
	}
	return int64(b.activity().Message)
}

func (b *blockForm) conditionSummary() string {
	if c := b.trigger().Condition; c != nil {
		return (*condition)(c).words()
	}
	return "every event"
}

func (b *blockForm) once() part.FieldView {
	f := b.field("once.mode", "A further event with the same key", string(b.trigger().Once.Mode), "")
	f.Options = []part.Option{
		{Value: "", Label: "starts a further run"},
		{Value: string(tidings.OnceNever), Label: "never starts another run"},
		{Value: string(tidings.OncePer), Label: "starts another run after a time"},
	}
	return f
}

func (b *blockForm) onceAmount() int64 {
	n, _ := timerUnit(b.trigger().Once.Per)
	return n
}

func (b *blockForm) onceUnit() string {
	if b.trigger().Once.Per == 0 {
		return "day"
	}
	_, unit := timerUnit(b.trigger().Once.Per)
	return unit
}

func (b *blockForm) alone() bool {
	if b.Typed != nil {
		return b.Typed.flag("alone")
	}
	return b.trigger().Alone
}

// listsOnly leaves out the segments that contacts can't be put on.
func listsOnly(segments []blockThing) []blockThing {
	var lists []blockThing
	for _, s := range segments {
		if s.Kind == "list" {
			lists = append(lists, s)
		}
	}
	return lists
}

// windowLink has htmx open a page of another noun as a window over this one.
func windowLink(path string) templ.Attributes {
	return templ.Attributes{"hx-get": path, "hx-target": "#dialogs", "hx-swap": "innerHTML", "hx-push-url": "false"}
}

// createWebhook is the page of a new webhook, which comes back to the block.
func (b *blockForm) createWebhook(more string) string {
	back := editorAddress(b.W.ID, selection{Block: b.Block.ID})
	return "/automation/webhooks/new?" + more + url.Values{"next": {back}}.Encode()
}

// editorGet and editorPost have htmx replace the editor and nothing else.
func editorGet(path string) templ.Attributes {
	return templ.Attributes{"hx-get": path, "hx-target": "#editor", "hx-swap": "outerHTML", "hx-push-url": "false"}
}

func editorPost(path string) templ.Attributes {
	return templ.Attributes{"hx-post": path, "hx-target": "#editor", "hx-swap": "outerHTML", "hx-push-url": "false"}
}

// Words about problems.

func problemMeaning(p workflowProblem) part.Meaning {
	if p.Warning {
		return part.Waiting
	}
	return part.Bad
}

func problemWord(p workflowProblem) string {
	if p.Warning {
		return "look"
	}
	return "wrong"
}

func problemTitle(faults, warnings int) string {
	switch {
	case faults == 0:
		return plural(warnings, "thing to look at", "things to look at")
	case warnings == 0:
		return plural(faults, "problem", "problems")
	}
	return plural(faults, "problem", "problems") + ", " + plural(warnings, "thing to look at", "things to look at")
}

func (m *editorView) problemCounts() (faults, warnings int) {
	for _, p := range m.W.Problems {
		if p.Warning {
			warnings++
		} else {
			faults++
		}
	}
	return faults, warnings
}

// problemHref leads to where a problem is put right.
func (m *editorView) problemHref(p workflowProblem) string {
	if p.Block == "" {
		return editorHref(m.Flow.Path, selection{Trigger: true})
	}
	return editorHref(m.Flow.Path, selection{Block: p.Block})
}

func (m *editorView) problemPlace(p workflowProblem) string {
	if b := m.W.Definition.Block(p.Block); b != nil {
		return blockName(b, m.Flow.Things)
	}
	return cmp.Or(p.Field, "The workflow")
}

// unshown lists the faults of a refusal that no field of the form shows.
func (m *editorView) unshown() faults {
	if m.Form == nil || m.Form.Typed == nil {
		return m.Wrong.Errors
	}
	var rest faults
	at := m.Form.at() + "."
	for _, f := range m.Wrong.Errors {
		if within := len(f.Field) > len(at) && f.Field[:len(at)] == at && m.Form.shows(f.Field[len(at):]); !within && !m.Form.shows(f.Field) {
			rest = append(rest, f)
		}
	}
	return rest
}

// worst is the problem that a block's card shows; nil = nothing is wrong.
func (f *flowView) worst(id tidings.BlockID) *workflowProblem {
	if list := problemsOf(f.Problems, id); len(list) > 0 {
		return &list[0]
	}
	return nil
}

// called names a block that a way goes on at.
func (f *flowView) called(id tidings.BlockID) string {
	if b := f.Def.Block(id); b != nil {
		return blockName(b, f.Things)
	}
	return string(id)
}

// placed says where a place is.
func (f *flowView) placed(at place) string { return placeWords(f.Def, at, f.Things) }
