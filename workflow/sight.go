package workflow

import (
	"context"
	"strings"
	"time"

	"tidings"
	"tidings/call"
	"tidings/scope"
	"tidings/vtl"
)

// Names that conditions may ask for besides fields, parameters and references.
const (
	// smartMessage is the platform's name for all that a run knows, as one JSON
	// text: parameters and replies. Its documentation matches it by patterns.
	smartMessage  = "smartMessageJson"
	contactPrefix = "contact."
	eventPrefix   = "event."
	dataPrefix    = "data."
)

// sight is what the templates and conditions of a run's blocks see.
type sight struct {
	scope scope.Scope
	tools vtl.Tools
}

// know adds the reply of a webhook. A later one of the same name hides it.
func (s *sight) know(name string, value vtl.Value) {
	replies := append(s.scope.Replies[:len(s.scope.Replies):len(s.scope.Replies)], scope.NamedReply{Name: name, Value: value})
	s.renew(s.scope.Contact, replies)
}

// renew makes the scope anew: it keeps what it has made of its parts.
func (s *sight) renew(contact *tidings.Contact, replies []scope.NamedReply) {
	s.scope = scope.Scope{Contact: contact, Event: s.scope.Event, Replies: replies, Instance: s.scope.Instance, Now: s.scope.Now}
}

// of gives the same sight with another contact.
func (s *sight) of(contact *tidings.Contact) *sight {
	other := &sight{scope: s.scope, tools: s.tools}
	other.renew(contact, s.scope.Replies)
	return other
}

// replyValue makes a reply that a run goes on with what templates see.
func replyValue(r *tidings.RunReply) vtl.Value {
	v, err := call.ReplyValue(&r.Reply)
	if err != nil {
		return vtl.Null // it was readable when it was stored
	}
	return v
}

// zone gives the contact's time zone; other where it has none, or one that this machine does not know.
func (s *sight) zone(other *time.Location) *time.Location {
	if s.scope.Contact == nil || s.scope.Contact.TimeZone == "" {
		return other
	}
	zone, err := time.LoadLocation(s.scope.Contact.TimeZone)
	if err != nil {
		return other
	}
	return zone
}

// referenceOf gives the template that a condition's name stands for: a
// Velocity reference, or one of $data without its $, as the platform's
// conditions are written. False: it is a plain name.
func referenceOf(name string) (string, bool) {
	switch {
	case strings.HasPrefix(name, "$"):
		return name, true
	case strings.HasPrefix(name, dataPrefix):
		return "$!" + name, true
	}
	return "", false
}

// fieldNames lists the names that a condition asks for as they are written, each once.
func fieldNames(c *tidings.Condition) []string {
	var names []string
	seen := map[string]bool{}
	var walk func(c *tidings.Condition)
	walk = func(c *tidings.Condition) {
		if c.Field != "" && !seen[c.Field] {
			seen[c.Field] = true
			names = append(names, c.Field)
		}
		for i := range c.All {
			walk(&c.All[i])
		}
		for i := range c.Any {
			walk(&c.Any[i])
		}
	}
	walk(c)
	return names
}

// plain gives the value of a name that is no reference:
//
//	NAME                 a parameter of the event of just this name, else the contact's field, in any case
//	contact.NAME         the contact's field
//	event.NAME           the event's parameter; eventTypeKey, keyValue and id too
//	smartMessageJson     $data as JSON
//	workflowInstanceId   the run's
func (s *sight) plain(name string) (tidings.FieldValue, bool) {
	if e := s.scope.Event; e != nil {
		if _, ok := e.Param(name); ok {
			return s.variable(name)
		}
	}
	if of, ok := cutPrefixFold(name, contactPrefix); ok {
		return s.contactField(of)
	}
	if of, ok := cutPrefixFold(name, eventPrefix); ok {
		return s.eventValue(of)
	}
	switch name {
	case smartMessage:
		v, _ := s.scope.Lookup(scope.VarData)
		return tidings.FieldValue{Type: tidings.FieldText, Text: jsonText(nil, v)}, true
	case scope.VarInstance:
		return s.variable(name)
	}
	return s.contactField(name)
}

// variable gives what templates see under a bare name.
func (s *sight) variable(name string) (tidings.FieldValue, bool) {
	v, ok := s.scope.Lookup(name)
	return fieldValue(nil, v), ok
}

func (s *sight) contactField(name string) (tidings.FieldValue, bool) {
	if s.scope.Contact == nil {
		return tidings.FieldValue{}, false
	}
	return s.scope.Contact.Value(name)
}

func (s *sight) eventValue(name string) (tidings.FieldValue, bool) {
	e := s.scope.Event
	if e == nil {
		return tidings.FieldValue{}, false
	}
	if of, ok := strings.CutPrefix(name, "params."); ok {
		name = of
	}
	if _, ok := e.Param(name); ok {
		return s.variable(name)
	}
	text := func(t string) (tidings.FieldValue, bool) {
		return tidings.FieldValue{Type: tidings.FieldText, Text: t}, t != ""
	}
	switch name {
	case "eventTypeKey":
		return text(e.TypeKey)
	case "keyValue":
		return text(e.KeyValue)
	}
	return tidings.FieldValue{}, false
}

// question is a condition of a block, ready to be asked.
type question struct {
	holds      func(tidings.Lookup) bool
	references map[string]template // by the name in the condition
}

func compileQuestion(c *tidings.Condition) (question, error) {
	q := question{holds: c.Matcher(), references: map[string]template{}}
	for _, name := range fieldNames(c) {
		source, ok := referenceOf(name)
		if !ok {
			continue
		}
		t, err := parseTemplate("condition", source)
		if err != nil {
			return q, err
		}
		q.references[name] = t
	}
	return q, nil
}

// seen is a value that a condition has looked at.
type seen struct {
	name  string
	value tidings.FieldValue
	set   bool
}

// ask gives the answer and what was looked at for it. A reference that can't be
// written has no value, and the first such error is given.
func (s *sight) ask(ctx context.Context, q *question) (holds bool, saw []seen, err error) {
	holds = q.holds(func(name string) (tidings.FieldValue, bool) {
		for _, have := range saw {
			if have.name == name {
				return have.value, have.set
			}
		}
		v, ok := s.plainOrReference(ctx, q, name, &err)
		saw = append(saw, seen{name, v, ok})
		return v, ok
	})
	return holds, saw, err
}

func (s *sight) plainOrReference(ctx context.Context, q *question, name string, failed *error) (tidings.FieldValue, bool) {
	t, ok := q.references[name]
	if !ok {
		return s.plain(name)
	}
	out, err := s.render(ctx, t, false)
	switch {
	case err != nil:
		if *failed == nil {
			*failed = err
		}
		return tidings.FieldValue{}, false
	case out.value != nil:
		return *out.value, !out.value.Empty()
	}
	return tidings.FieldValue{Type: tidings.FieldText, Text: out.text}, out.text != ""
}

// cutPrefixFold cuts a prefix in any case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
