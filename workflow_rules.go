package tidings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// More limits of workflows.
const (
	MaxSetters       = 50       // fields that one block sets
	MaxBlockTemplate = 4 << 10  // bytes of a template within a block
	MinOncePer       = 60       // seconds
	MaxOncePer       = 31622400 // seconds: 366 days
)

// BlockKinds lists all kinds.
func BlockKinds() []BlockKind {
	return []BlockKind{
		BlockWebhook, BlockCondition, BlockTimer, BlockMessage, BlockUpdateContact,
		BlockAddTo, BlockRemoveFrom, BlockSplit, BlockEnd,
	}
}

// Exits lists the ways out of a block of the kind, in the order in which they
// are shown; none of an end, and of a kind that is not known.
func (k BlockKind) Exits() []Exit {
	switch k {
	case BlockWebhook:
		return []Exit{ExitOK, ExitFailed}
	case BlockCondition:
		return []Exit{ExitYes, ExitNo}
	case BlockSplit:
		return []Exit{ExitA, ExitB}
	case BlockTimer, BlockMessage, BlockUpdateContact, BlockAddTo, BlockRemoveFrom:
		return []Exit{ExitNext}
	}
	return nil
}

// Needs says whether a block of the kind must lead somewhere by an exit.
func (k BlockKind) Needs(e Exit) bool { return e != ExitFailed && slices.Contains(k.Exits(), e) }

// CheckDefinition says what of a definition is wrong as it is written: what
// can't be saved even as a draft that is not finished. What is missing, and
// what refers to things that are not there, is found before an activation, by
// package workflow. Fields are paths of the JSON form; the reasons name the block.
func CheckDefinition(d *Definition) []FieldError {
	k := definitionCheck{}
	k.trigger(&d.Trigger)
	if len(d.Blocks) > MaxBlocks {
		k.fault("blocks", "are %d: at most %d", len(d.Blocks), MaxBlocks)
		return k.faults
	}
	if d.Start != "" && d.Block(d.Start) == nil {
		k.fault("start", "is %q, and there is no such block", d.Start)
	}
	seen := make(map[BlockID]bool, len(d.Blocks))
	for i := range d.Blocks {
		b := &d.Blocks[i]
		k.path, k.block = fmt.Sprintf("blocks[%d].", i), b.ID
		if seen[b.ID] {
			k.fault("id", "is that of another block too")
		}
		seen[b.ID] = true
		k.checkBlock(d, b)
	}
	k.path, k.block = "", ""
	if len(k.faults) == 0 {
		if text, err := json.Marshal(d); err != nil || len(text) > MaxDefinition {
			k.fault("", "the definition has %d bytes as JSON: at most %d", len(text), MaxDefinition)
		}
	}
	return k.faults
}

// definitionCheck collects what is wrong.
type definitionCheck struct {
	faults []FieldError
	path   string // of the block that is looked at, with its dot
	block  BlockID
}

func (k *definitionCheck) fault(field, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if k.path != "" && k.block != "" {
		reason = fmt.Sprintf("of block %q %s", k.block, reason)
	}
	k.faults = append(k.faults, FieldError{Index: -1, Field: strings.TrimSuffix(k.path+field, "."), Reason: reason})
}

func (k *definitionCheck) condition(field string, c *Condition) {
	for _, f := range CheckCondition(c) {
		at := field
		if f.Field != "" {
			at += "." + f.Field
		}
		k.fault(at, "%s", f.Reason)
	}
}

func (k *definitionCheck) trigger(t *Trigger) {
	if t.EventTypeKey != "" {
		if reason := checkEventText(t.EventTypeKey, MaxEventTypeKey); reason != "" {
			k.fault("trigger.eventTypeKey", "%s", reason)
		}
		if t.Activity != nil {
			k.fault("trigger.activity", "must be absent with an eventTypeKey")
		}
	}
	if a := t.Activity; a != nil {
		if _, err := ParseStatus(a.Status); err != nil {
			k.fault("trigger.activity.activityStatus", "must be one of %s", strings.Join(Statuses(), ", "))
		}
		if _, err := ParseMediaType(a.MediaType); a.MediaType != "" && err != nil {
			k.fault("trigger.activity.mediaType", "must be one of %s, or absent for any", strings.Join(MediaTypes(), ", "))
		}
		if a.Message < 0 {
			k.fault("trigger.activity.messageId", "must be the id of a message, or absent for any")
		}
	}
	if t.Condition != nil {
		k.condition("trigger.condition", t.Condition)
	}
	switch t.Once.Mode {
	case OnceAlways, OnceNever:
		if t.Once.Per != 0 {
			k.fault("trigger.once.perSeconds", "must be absent without the mode per")
		}
	case OncePer:
		if t.Once.Per < MinOncePer || t.Once.Per > MaxOncePer {
			k.fault("trigger.once.perSeconds", "must be %d to %d", MinOncePer, MaxOncePer)
		}
	default:
		k.fault("trigger.once.mode", "must be never or per, or absent for every time")
	}
}

func (k *definitionCheck) checkBlock(d *Definition, b *Block) {
	if reason := checkBlockID(b.ID); reason != "" {
		k.fault("id", "%s", reason)
	}
	if reason := checkShort(b.Name, MaxNameLength); reason != "" {
		k.fault("name", "%s", reason)
	}
	if !slices.Contains(BlockKinds(), b.Kind) {
		k.fault("kind", "must be one of %v", BlockKinds())
		return
	}
	k.exits(d, b)
	k.parts(b)
	switch {
	case b.Webhook != nil:
		k.whose("webhook.whose", &b.Webhook.Whose)
	case b.Message != nil:
		k.whose("message.whose", &b.Message.Whose)
	case b.Condition != nil:
		k.condition("condition", b.Condition)
	case b.Timer != nil:
		k.timer(b.Timer)
	}
	k.setters(b.Fields)
	if b.Percent < 0 || b.Percent > 99 {
		k.fault("percent", "must be 1 to 99")
	}
	if b.Segment < 0 {
		k.fault("segmentId", "must be the id of a segment")
	}
}

func checkBlockID(id BlockID) string {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
	switch {
	case id == "":
		return "is required: a name within the workflow such as e_1"
	case len(id) > MaxBlockID:
		return fmt.Sprintf("is longer than %d characters", MaxBlockID)
	case strings.Trim(string(id), allowed) != "":
		return fmt.Sprintf("is %q: only letters (A-Z), digits, _, - and . are allowed", id)
	}
	return ""
}

func (k *definitionCheck) exits(d *Definition, b *Block) {
	known := b.Kind.Exits()
	for _, e := range sortedExits(b.Exits) {
		at := fmt.Sprintf("exits.%s", e)
		switch to := b.Exits[e]; {
		case len(known) == 0:
			k.fault(at, "is not there: a block of kind %s has no exits", b.Kind)
		case !slices.Contains(known, e):
			k.fault(at, "is not there: a block of kind %s has the exits %v", b.Kind, known)
		case d.Block(to) == nil:
			k.fault(at, "leads to %q, and there is no such block", to)
		}
	}
}

func sortedExits(m map[Exit]BlockID) []Exit {
	list := make([]Exit, 0, len(m))
	for e := range m {
		list = append(list, e)
	}
	slices.Sort(list)
	return list
}

// parts refuses the parts that the block's kind does not use.
func (k *definitionCheck) parts(b *Block) {
	for _, p := range []struct {
		field string
		set   bool
		of    bool
	}{
		{"webhook", b.Webhook != nil, b.Kind == BlockWebhook},
		{"condition", b.Condition != nil, b.Kind == BlockCondition},
		{"timer", b.Timer != nil, b.Kind == BlockTimer},
		{"message", b.Message != nil, b.Kind == BlockMessage},
		{"fields", b.Fields != nil, b.Kind == BlockUpdateContact},
		{"segmentId", b.Segment != 0, b.Kind == BlockAddTo || b.Kind == BlockRemoveFrom},
		{"percent", b.Percent != 0, b.Kind == BlockSplit},
	} {
		if p.set && !p.of {
			k.fault(p.field, "must be absent: a block of kind %s does not use it", b.Kind)
		}
	}
}

func (k *definitionCheck) whose(field string, w *Whose) {
	k.template(field+".contactId", w.ContactID)
	k.template(field+".phone", w.Phone)
	k.template(field+".contactEmail", w.Email)
}

func (k *definitionCheck) template(field, text string) {
	if reason := checkText(text, MaxBlockTemplate); reason != "" {
		k.fault(field, "%s", reason)
	}
}

func (k *definitionCheck) setters(list []FieldSetter) {
	if len(list) > MaxSetters {
		k.fault("fields", "are %d: at most %d", len(list), MaxSetters)
	}
	seen := map[string]bool{}
	for i, f := range list {
		at := fmt.Sprintf("fields[%d]", i)
		k.template(at+".value", f.Value)
		key := StandardField(f.Field)
		if key == "" {
			additional, reason := CheckFieldKey(f.Field)
			if reason != "" {
				k.fault(at+".field", "%s", reason)
				continue
			}
			key = string(additional)
		}
		if seen[key] {
			k.fault(at+".field", "is %s, which is set twice", key)
		}
		seen[key] = true
	}
}

func (k *definitionCheck) timer(t *Timer) {
	if t.Seconds < 0 || t.Seconds > int64(MaxTimer/time.Second) {
		k.fault("timer.seconds", "must be 1 to %d (366 days), or absent", int64(MaxTimer/time.Second))
	}
	if _, _, ok := t.Clock(); t.At != "" && !ok {
		k.fault("timer.at", "must be a time of day as 09:30")
	}
	for i, day := range t.Weekdays {
		switch {
		case day < 1 || day > 7:
			k.fault("timer.weekdays", "must be numbers from 1 (Monday) to 7 (Sunday)")
			return
		case slices.Contains(t.Weekdays[:i], day):
			k.fault("timer.weekdays", "have %d twice", day)
		}
	}
	switch {
	case t.Zone == "" || t.Zone == ZoneContact:
	case t.At == "" && len(t.Weekdays) == 0:
		k.fault("timer.zone", "must be absent without at and weekdays: a duration is the same everywhere")
	default:
		if reason := CheckTimeZone(t.Zone); reason != "" || utf8.RuneCountInString(t.Zone) != len(t.Zone) {
			k.fault("timer.zone", "must be contact, UTC or a time zone such as Europe/Kyiv")
		}
	}
}

// ZoneContact is the zone of a timer that is told in the contact's own.
const ZoneContact = "contact"

// Clock reads the time of day that a timer waits for; false when there is none.
func (t *Timer) Clock() (hour, minute int, ok bool) {
	at, err := time.Parse("15:04", t.At)
	if err != nil || len(t.At) != len("15:04") {
		return 0, 0, false
	}
	return at.Hour(), at.Minute(), true
}
