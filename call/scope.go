package call

import (
	"tidings"
	"tidings/vtl"
)

// NamedReply is the reply of an earlier webhook of a run, under the webhook's name.
type NamedReply struct {
	Name  string
	Value vtl.Value // see ReplyValue
}

// scope is what the templates of one call see, and all they see (DESIGN.md, section 4):
//
//	$event $contact $data $workflowInstanceId    in just this case
//	$name    a parameter of the event of just this name; else the contact's field, in any case
//
// A variable of a tool's name hides the tool.
type scope struct {
	contact  *tidings.Contact // nil = none
	event    *tidings.Event   // nil = none
	replies  []NamedReply
	instance string // "" = none

	data vtl.Value // of $data, once it was asked for
}

// Lookup gives the value of a bare name; it makes a scope the variables of a render.
func (s *scope) Lookup(name string) (vtl.Value, bool) {
	switch name {
	case varEvent:
		if s.event == nil {
			return vtl.Null, false
		}
		return vtl.ObjectValue(&eventObject{s.event}), true
	case varContact:
		if s.contact == nil {
			return vtl.Null, false
		}
		return vtl.ObjectValue(&contactObject{contact: s.contact}), true
	case varData:
		return s.dataValue(), true
	case varInstance:
		return vtl.String(s.instance), s.instance != ""
	}
	if s.event != nil {
		if raw, ok := s.event.Param(name); ok {
			return paramValue(raw), true
		}
	}
	if s.contact != nil {
		return contactValue(s.contact, name)
	}
	return vtl.Null, false
}

// dataValue is $data: the event's parameters, and the replies of earlier
// webhooks, which hide parameters of the same name.
func (s *scope) dataValue() vtl.Value {
	if !s.data.IsNull() {
		return s.data
	}
	m := vtl.NewMap(8)
	if s.event != nil {
		addParams(m, s.event)
	}
	for _, r := range s.replies {
		m.Set(r.Name, r.Value)
	}
	s.data = vtl.MapValue(m)
	return s.data
}
