package scope

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"tidings"
	"tidings/vtl"
)

// paramValue gives a parameter's JSON its types. Most parameters are short
// texts and numbers, which need no parser.
func paramValue(raw json.RawMessage) vtl.Value {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return vtl.String(string(raw[1 : n-1]))
	}
	if len(bytes.Trim(raw, "0123456789")) == 0 {
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return vtl.Int(n)
		}
	}
	v, err := vtl.ParseJSON(raw)
	if err != nil {
		return vtl.String(string(raw)) // stored parameters are JSON; a limit of the engine is left
	}
	return v
}

func addParams(m *vtl.Map, e *tidings.Event) {
	for _, p := range e.Params {
		m.Set(p.Name, paramValue(p.Value))
	}
}

// eventObject is $event: $event.eventTypeKey, $event.keyValue, $event.id,
// $event.params.x, and $event.x for short.
type eventObject struct{ event *tidings.Event }

// EventProperties lists what $event has besides its parameters.
func EventProperties() []string { return []string{"id", "eventTypeKey", "keyValue", "params"} }

var eventClass = vtl.Class{Name: "Event", Methods: vtl.Methods{"get": {{Arity: 1, Func: getOfEvent}}}}

func (e *eventObject) Class() *vtl.Class                { return &eventClass }
func (e *eventObject) Text(c *vtl.Call) (string, error) { return textOf(c, e.Fields()) }
func getOfEvent(_ *vtl.Call, self vtl.Object, args []vtl.Value) (vtl.Value, error) {
	e := self.(*eventObject)
	name := args[0].Str()
	if v, ok := e.Fields().Get(name); ok {
		return v, nil
	}
	if raw, ok := e.event.Param(name); ok {
		return paramValue(raw), nil
	}
	return vtl.Null, nil
}

// Fields is the event as it is written whole.
func (e *eventObject) Fields() *vtl.Map {
	m := vtl.NewMap(4)
	if e.event.ID != 0 {
		m.Set("id", vtl.Int(int64(e.event.ID)))
	}
	m.Set("eventTypeKey", vtl.String(e.event.TypeKey))
	m.Set("keyValue", vtl.String(e.event.KeyValue))
	params := vtl.NewMap(len(e.event.Params))
	addParams(params, e.event)
	m.Set("params", vtl.MapValue(params))
	return m
}
