// Package scope is what templates see of the world: the contact, the event, the
// replies of earlier webhooks, and nothing else of the system. Webhooks and
// messages see the same (DESIGN.md, section 4).
//
//	scope.go     which name means what
//	contact.go   $contact, and fields by their bare names
//	event.go     $event, and parameters by theirs
//	json.go      values as JSON
package scope

import (
	"slices"
	"time"

	"tidings"
	"tidings/vtl"
)

// NamedReply is the reply of an earlier webhook of a run, under the webhook's name.
type NamedReply struct {
	Name  string
	Value vtl.Value // see ReplyValue
}

// The variables that are not fields or parameters, in just this case.
const (
	VarEvent    = "event"
	VarContact  = "contact"
	VarData     = "data"
	VarInstance = "workflowInstanceId"
)

// Scope is what the templates of one call see, and all they see (DESIGN.md, section 4):
//
//	$event $contact $data $workflowInstanceId    in just this case
//	$name    a parameter of the event of just this name; else the contact's field, in any case
//
// A variable of a tool's name hides the tool.
type Scope struct {
	Contact  *tidings.Contact // nil = none
	Event    *tidings.Event   // nil = none
	Replies  []NamedReply
	Instance string // "" = none
	// Now is the clock of templates. nil = that of the machine.
	Now func() time.Time

	data vtl.Value // of $data, once it was asked for
}

// Lookup gives the value of a bare name; it makes a scope the variables of a render.
func (s *Scope) Lookup(name string) (vtl.Value, bool) {
	switch name {
	case VarEvent:
		if s.Event == nil {
			return vtl.Null, false
		}
		return vtl.ObjectValue(&eventObject{s.Event}), true
	case VarContact:
		if s.Contact == nil {
			return vtl.Null, false
		}
		return vtl.ObjectValue(&contactObject{contact: s.Contact}), true
	case VarData:
		return s.dataValue(), true
	case VarInstance:
		return vtl.String(s.Instance), s.Instance != ""
	}
	if s.Event != nil {
		if raw, ok := s.Event.Param(name); ok {
			return paramValue(raw), true
		}
	}
	if s.Contact != nil {
		return contactValue(s.Contact, name)
	}
	return vtl.Null, false
}

// dataValue is $data: the event's parameters, and the replies of earlier
// webhooks, which hide parameters of the same name.
func (s *Scope) dataValue() vtl.Value {
	if !s.data.IsNull() {
		return s.data
	}
	m := vtl.NewMap(8)
	if s.Event != nil {
		addParams(m, s.Event)
	}
	for _, r := range s.Replies {
		m.Set(r.Name, r.Value)
	}
	s.data = vtl.MapValue(m)
	return s.data
}

// UsesDates says whether a template of these references tells time, which needs the contact's time zone.
func UsesDates(references []vtl.RefUse) bool {
	return slices.ContainsFunc(references, func(u vtl.RefUse) bool { return u.Name == "date" || u.Name == "dateTool" })
}
