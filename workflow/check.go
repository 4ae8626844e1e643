package workflow

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidings"
	"tidings/vtl"
)

// Known is what an account has that a workflow may refer to: what is live.
type Known struct {
	Webhooks map[tidings.WebhookID]*tidings.Webhook
	Messages map[tidings.MessageID]*tidings.Message
	Segments map[tidings.SegmentID]*tidings.Segment
	Fields   map[tidings.FieldKey]tidings.FieldType
}

// KnownStore is what LoadKnown asks of a store.
type KnownStore interface {
	Webhooks(ctx context.Context, account tidings.AccountID, deleted bool, after tidings.WebhookID, limit int) ([]tidings.Webhook, error)
	Messages(ctx context.Context, account tidings.AccountID, after tidings.MessageID, limit int, deleted bool) ([]tidings.Message, error)
	Segments(ctx context.Context, account tidings.AccountID) ([]tidings.Segment, error)
	Fields(ctx context.Context, account tidings.AccountID) ([]tidings.Field, error)
}

// knownPage is how many things are read at a time.
const knownPage = 200

// LoadKnown reads what an account has.
func LoadKnown(ctx context.Context, s KnownStore, account tidings.AccountID) (*Known, error) {
	k := &Known{
		Webhooks: map[tidings.WebhookID]*tidings.Webhook{}, Messages: map[tidings.MessageID]*tidings.Message{},
		Segments: map[tidings.SegmentID]*tidings.Segment{}, Fields: map[tidings.FieldKey]tidings.FieldType{},
	}
	for after := tidings.WebhookID(0); ; {
		page, err := s.Webhooks(ctx, account, false, after, knownPage)
		if err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].ID
			k.Webhooks[after] = &page[i]
		}
		if len(page) < knownPage {
			break
		}
	}
	for after := tidings.MessageID(0); ; {
		page, err := s.Messages(ctx, account, after, knownPage, false)
		if err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].ID
			k.Messages[after] = &page[i]
		}
		if len(page) < knownPage {
			break
		}
	}
	segments, err := s.Segments(ctx, account)
	if err != nil {
		return nil, err
	}
	for i := range segments {
		k.Segments[segments[i].ID] = &segments[i]
	}
	fields, err := s.Fields(ctx, account)
	for _, f := range fields {
		k.Fields[f.Key] = f.Type
	}
	return k, err
}

// Problem is one thing that stands against an activation of a workflow, or,
// being a warning, may not be meant.
type Problem struct {
	Block     tidings.BlockID // "" = the workflow as a whole
	Field     string          // path of the JSON form: blocks[2].exits.yes
	Line, Col int             // within a template, from 1; 0 = the field as a whole
	Reason    string          // what is wrong and what to do
	Warning   bool
}

// FieldError gives the problem in the form in which the API answers with it.
func (p Problem) FieldError() tidings.FieldError {
	reason := p.Reason
	switch {
	case strings.HasPrefix(reason, "of block "): // tidings.CheckDefinition has named it
	case p.Block != "" && p.Line > 0:
		reason = fmt.Sprintf("of block %q, line %d, column %d: %s", p.Block, p.Line, p.Col, reason)
	case p.Block != "":
		reason = fmt.Sprintf("of block %q %s", p.Block, reason)
	}
	return tidings.FieldError{Index: -1, Field: p.Field, Reason: reason}
}

// Faults gives those of the problems that are no warnings.
func Faults(problems []Problem) []tidings.FieldError {
	var faults []tidings.FieldError
	for _, p := range problems {
		if !p.Warning {
			faults = append(faults, p.FieldError())
		}
	}
	return faults
}

// Check says what stands against an activation of a workflow, tidings.CheckDefinition
// included: blocks that nothing leads to, loops, exits that lead nowhere, things that the account does not
// have, replies that are used where their webhook was not called yet, templates that can't be read.
// The order is that of the definition.
func Check(d *tidings.Definition, known *Known) []Problem {
	k := checker{def: d, known: known}
	k.written()
	if len(d.Blocks) > tidings.MaxBlocks {
		return k.problems // that is enough to say of it
	}
	k.trigger()
	if len(d.Blocks) == 0 {
		k.add("blocks", "are missing: a workflow needs one at least")
	}
	k.graph = newGraph(d)
	for i := range d.Blocks {
		k.block(i)
	}
	k.at = -1
	k.paths()
	slices.SortStableFunc(k.problems, func(a, b Problem) int { return k.place(&a) - k.place(&b) })
	return k.problems
}

// checker collects the problems of one definition.
type checker struct {
	def      *tidings.Definition
	known    *Known
	graph    *graph
	at       int // index of the block that is looked at; -1 = none
	problems []Problem
}

func (k *checker) note(p Problem) {
	if k.at >= 0 {
		p.Block = k.def.Blocks[k.at].ID
		p.Field = strings.TrimSuffix(fmt.Sprintf("blocks[%d].%s", k.at, p.Field), ".")
	}
	k.problems = append(k.problems, p)
}

func (k *checker) add(field, format string, args ...any) {
	k.note(Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// place orders problems as the definition is written: the whole, then block by block.
func (k *checker) place(p *Problem) int {
	return blockIndex(p.Field)
}

// blockIndex gives the index in a path that begins with blocks[n], -1 for others.
func blockIndex(path string) int {
	rest, ok := strings.CutPrefix(path, "blocks[")
	if !ok {
		return -1
	}
	digits, _, _ := strings.Cut(rest, "]")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// written takes over what is wrong as it is written.
func (k *checker) written() {
	k.at = -1
	for _, f := range tidings.CheckDefinition(k.def) {
		p := Problem{Field: f.Field, Reason: f.Reason}
		if i := blockIndex(f.Field); i >= 0 {
			p.Block = k.def.Blocks[i].ID
		}
		k.note(p)
	}
}

func (k *checker) trigger() {
	t := &k.def.Trigger
	if t.EventTypeKey == "" && t.Activity == nil {
		k.add("trigger", "needs an eventTypeKey, the kind of events that start the workflow, or an activity")
	}
	if a := t.Activity; a != nil && a.Message != 0 && k.known.Messages[a.Message] == nil {
		k.add("trigger.activity.messageId", "is %d, and there is no such message", a.Message)
	}
	if t.Condition == nil {
		return
	}
	for _, name := range fieldNames(t.Condition) {
		if source, ok := referenceOf(name); ok {
			k.add("trigger.condition", "asks for %s: before a run begins there are the event's parameters and the contact's fields only", source)
			continue
		}
		k.fieldName("trigger.condition", name)
	}
}

// fieldName refuses contact.X where X is no field. Of a bare name nothing is
// known: the event may have such a parameter.
func (k *checker) fieldName(field, name string) {
	of, prefixed := cutPrefixFold(name, "contact.")
	if prefixed && !k.isField(of) {
		k.add(field, "asks for %s, and contacts have no such field", name)
	}
}

func (k *checker) isField(name string) bool {
	return tidings.IsStandardField(name) || k.known.Fields[tidings.FieldKey(strings.ToUpper(name))] != ""
}

// block looks at one block by itself.
func (k *checker) block(i int) {
	k.at = i
	b := &k.def.Blocks[i]
	for _, e := range b.Kind.Exits() {
		if b.Exits[e] == "" && b.Kind.Needs(e) {
			k.add(fmt.Sprintf("exits.%s", e), "is missing: say which block comes next; where nothing does, a block of kind end")
		}
	}
	switch b.Kind {
	case tidings.BlockWebhook:
		k.webhook(b.Webhook)
	case tidings.BlockMessage:
		k.message(b.Message)
	case tidings.BlockCondition:
		k.condition(b.Condition)
	case tidings.BlockTimer:
		if t := b.Timer; t == nil || t.Seconds == 0 && t.At == "" && len(t.Weekdays) == 0 {
			k.add("timer", "is missing: how long it waits (seconds), or until when (at, weekdays)")
		}
	case tidings.BlockUpdateContact:
		k.setters(b.Fields)
	case tidings.BlockAddTo, tidings.BlockRemoveFrom:
		k.segment(b.Segment)
	case tidings.BlockSplit:
		if b.Percent == 0 {
			k.add("percent", "is missing: how many in a hundred runs take exit a, 1 to 99")
		}
	}
}

func (k *checker) webhook(w *tidings.WebhookBlock) {
	if w == nil || w.Webhook == 0 {
		k.add("webhook.webhookId", "is missing: which webhook it calls")
		return
	}
	if k.known.Webhooks[w.Webhook] == nil {
		k.add("webhook.webhookId", "is %d, and there is no such webhook", w.Webhook)
	}
	k.whose("webhook.whose", &w.Whose)
}

func (k *checker) message(m *tidings.MessageBlock) {
	if m == nil || m.Message == 0 {
		k.add("message.messageId", "is missing: which message it sends")
		return
	}
	if k.known.Messages[m.Message] == nil {
		k.add("message.messageId", "is %d, and there is no such message", m.Message)
	}
	k.whose("message.whose", &m.Whose)
}

func (k *checker) whose(field string, w *tidings.Whose) {
	k.template(field+".contactId", w.ContactID)
	k.template(field+".phone", w.Phone)
	k.template(field+".contactEmail", w.Email)
}

// template says where a template can't be read.
func (k *checker) template(field, source string) {
	if _, err := parseTemplate(field, source); err != nil {
		k.note(Problem{Field: field, Line: err.Line, Col: err.Col, Reason: "can't be read: " + err.Message})
	}
}

func (k *checker) condition(c *tidings.Condition) {
	if c == nil {
		k.add("condition", "is missing: what it asks")
		return
	}
	for _, name := range fieldNames(c) {
		if source, ok := referenceOf(name); ok {
			k.template("condition", source)
			continue
		}
		k.fieldName("condition", name)
	}
}

func (k *checker) setters(list []tidings.FieldSetter) {
	if len(list) == 0 {
		k.add("fields", "are missing: what it sets")
	}
	for i, f := range list {
		at := fmt.Sprintf("fields[%d]", i)
		k.template(at+".value", f.Value)
		key, reason := tidings.CheckFieldKey(f.Field)
		switch {
		case tidings.StandardField(f.Field) == "CONTACT_ID":
			k.add(at+".field", "is the contact's id, which can't be set")
		case tidings.StandardField(f.Field) == "" && reason == "" && k.known.Fields[key] == "":
			k.add(at+".field", "is %s, and contacts have no such field: make it first", key)
		}
	}
}

func (k *checker) segment(id tidings.SegmentID) {
	switch g := k.known.Segments[id]; {
	case id == 0:
		k.add("segmentId", "is missing: which list it is")
	case g == nil:
		k.add("segmentId", "is %d, and there is no such segment", id)
	case !g.IsList():
		k.add("segmentId", "is %q, whose contacts are found by a condition: contacts are put on lists only", g.Name)
	}
}

// errorOf gives an error of the engine; any other is its message without a place.
func errorOf(err error) *vtl.Error {
	if e, ok := err.(*vtl.Error); ok {
		return e
	}
	return &vtl.Error{Message: err.Error()}
}
