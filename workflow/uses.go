package workflow

import (
	"slices"
	"strings"

	"tidings"
	"tidings/scope"
)

// Uses is what a definition refers to by itself; each once, in order. What the
// webhooks and messages that it names refer to is not among it.
type Uses struct {
	Webhooks []tidings.WebhookID
	Messages []tidings.MessageID
	Segments []tidings.SegmentID
	Fields   []string // names of contacts' fields, in capitals: those it sets, and those it asks for as contact.NAME or $contact.NAME
	Data     []string // names behind $data: replies of webhooks, and parameters
	Names    []string // bare names, as they are written: parameters, or fields
}

// UsesOf finds what a definition refers to.
func UsesOf(d *tidings.Definition) Uses {
	var u Uses
	if a := d.Trigger.Activity; a != nil && a.Message != 0 {
		u.Messages = append(u.Messages, a.Message)
	}
	if d.Trigger.Condition != nil {
		u.condition(d.Trigger.Condition)
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Webhook != nil && b.Webhook.Webhook != 0 {
			u.Webhooks = append(u.Webhooks, b.Webhook.Webhook)
		}
		if b.Message != nil && b.Message.Message != 0 {
			u.Messages = append(u.Messages, b.Message.Message)
		}
		if b.Segment != 0 {
			u.Segments = append(u.Segments, b.Segment)
		}
		if b.Condition != nil {
			u.condition(b.Condition)
		}
		for _, f := range b.Fields {
			u.field(f.Field)
		}
		for _, t := range blockTemplates(b) {
			u.template(t.source)
		}
	}
	u.Webhooks, u.Messages, u.Segments = sorted(u.Webhooks), sorted(u.Messages), sorted(u.Segments)
	u.Fields, u.Data, u.Names = sorted(u.Fields), sorted(u.Data), sorted(u.Names)
	return u
}

func (u *Uses) field(name string) { u.Fields = append(u.Fields, strings.ToUpper(name)) }

func (u *Uses) condition(c *tidings.Condition) {
	for _, name := range fieldNames(c) {
		if _, ok := referenceOf(name); ok {
			continue // it is among the templates
		}
		if of, ok := cutPrefixFold(name, contactPrefix); ok {
			u.field(of)
			continue
		}
		u.Names = append(u.Names, name)
	}
}

func (u *Uses) template(source string) {
	t, err := parseTemplate("", source)
	if err != nil || t.parsed == nil {
		return
	}
	for _, r := range t.parsed.References() {
		switch {
		case r.Local || r.Target:
		case r.Name == scope.VarData && len(r.Path) > 1:
			u.Data = append(u.Data, r.Path[1])
		case r.Name == scope.VarContact && len(r.Path) > 1:
			u.field(strings.Join(r.Path[1:], "."))
		case r.Name != scope.VarData && r.Name != scope.VarEvent && r.Name != scope.VarContact && r.Name != scope.VarInstance:
			u.Names = append(u.Names, r.Name)
		}
	}
}

func sorted[V ~int64 | ~string](list []V) []V {
	slices.Sort(list)
	return slices.Compact(list)
}
