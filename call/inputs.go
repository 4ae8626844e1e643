package call

import (
	"slices"
	"strings"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// Known is what an account has that templates may mean by a name.
type Known struct {
	Fields   []tidings.FieldKey // the additional fields of its contacts
	Webhooks []string           // the names of its webhooks
}

// Inputs is what a webhook needs of its surroundings, found without running
// it. What templates look up by names that they compute is not known here.
type Inputs struct {
	Contact  []Input // fields of the contact
	Event    []Input // parameters of the event
	Replies  []Input // replies of webhooks before it, by the webhook's name
	Instance bool    // $workflowInstanceId
	// WholeContact, WholeEvent and WholeData are set when $contact, $event or
	// $data are used without a name behind them.
	WholeContact, WholeEvent, WholeData bool
}

// Input is one value that a webhook needs.
type Input struct {
	Name string // as it is called by templates; a field of the contact in capitals
	// Required says that at least one place is a plain reference: without a
	// value there nothing is sent.
	Required bool
	// Either says that the name is that of a contact's field and was written
	// bare, so that a parameter of the event with just this name would win.
	Either bool
	Uses   []Use
}

// Use is one place in a template.
type Use struct {
	Part      Part
	Source    string // as it is written there
	Line, Col int
}

// NeedsContact says whether a contact must be chosen to try the webhook.
func (in *Inputs) NeedsContact() bool { return len(in.Contact) > 0 || in.WholeContact }

// NeedsEvent says whether an event must be chosen or typed in to try the webhook.
func (in *Inputs) NeedsEvent() bool { return len(in.Event) > 0 || in.WholeEvent || in.WholeData }

// FindInputs gives what a webhook needs. The error is a *Problem: a template that can't be read.
func FindInputs(w *tidings.Webhook, known Known) (Inputs, error) {
	var in Inputs
	p, problem := parseAll(w)
	if problem != nil {
		return in, problem
	}
	f := finder{in: &in, known: known, tools: vtl.StandardTools()}
	for _, t := range p.templates() {
		for _, u := range t.references() {
			if !u.Local {
				f.reference(t.part, u)
			}
		}
	}
	return in, nil
}

type finder struct {
	in    *Inputs
	known Known
	tools vtl.Tools
}

func (f *finder) reference(part Part, u vtl.RefUse) {
	use := Use{part, u.Source, u.Line, u.Col}
	required := !u.Quiet && !u.Default
	inner := len(u.Path) > 1
	switch {
	case u.Name == scope.VarInstance:
		f.in.Instance = true
	case u.Name == scope.VarContact && inner:
		add(&f.in.Contact, Input{Name: f.field(u.Path[1:]), Required: required, Uses: []Use{use}})
	case u.Name == scope.VarContact:
		f.in.WholeContact = true
	case u.Name == scope.VarEvent && inner:
		f.event(u.Path[1:], required, use)
	case u.Name == scope.VarEvent:
		f.in.WholeEvent = true
	case u.Name == scope.VarData && inner && slices.Contains(f.known.Webhooks, u.Path[1]):
		add(&f.in.Replies, Input{Name: u.Path[1], Required: required, Uses: []Use{use}})
	case u.Name == scope.VarData && inner:
		add(&f.in.Event, Input{Name: u.Path[1], Required: required, Uses: []Use{use}})
	case u.Name == scope.VarData:
		f.in.WholeData = true
	case scope.IsField(u.Name, f.known.Fields) || scope.IsGroup(u.Name, f.known.Fields) && inner:
		add(&f.in.Contact, Input{Name: f.field(u.Path), Required: required, Either: true, Uses: []Use{use}})
	case !f.tools[u.Name].IsNull():
		// A tool, unless the event has a parameter of this name.
	default:
		add(&f.in.Event, Input{Name: u.Name, Required: required, Uses: []Use{use}})
	}
}

// event notes a use of $event.params.x, $event.x, $event.eventTypeKey.
func (f *finder) event(path []string, required bool, use Use) {
	name := path[0]
	switch {
	case name == "params" && len(path) > 1:
		name = path[1]
	case name == "params" || slices.Contains(scope.EventProperties(), name):
		f.in.WholeEvent = true
		return
	}
	add(&f.in.Event, Input{Name: name, Required: required, Uses: []Use{use}})
}

// field names a contact's field by the longest part of a path that is one.
func (f *finder) field(path []string) string {
	for n := len(path); n > 0; n-- {
		if name := strings.Join(path[:n], "."); scope.IsField(name, f.known.Fields) {
			return strings.ToUpper(name)
		}
	}
	return strings.ToUpper(path[0])
}

// add puts an input into a list, or its uses to the one that is there.
func add(list *[]Input, in Input) {
	for i := range *list {
		have := &(*list)[i]
		if have.Name == in.Name {
			have.Required = have.Required || in.Required
			have.Either = have.Either && in.Either
			have.Uses = append(have.Uses, in.Uses...)
			return
		}
	}
	*list = append(*list, in)
}
