package api

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// anyJSON is a field that may hold any JSON value.
type anyJSON struct{ node node }

func (a *anyJSON) decodeField(_ *decoder, n node, _ string) { a.node = n }

// Schema says that anything goes. It is huma's SchemaProvider.
func (anyJSON) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// appendJSON writes a value as compact JSON: keys in their order, numbers as they came.
func (n node) appendJSON(b []byte) []byte {
	switch n.kind {
	case "an object":
		b = append(b, '{')
		for i, key := range n.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(tidings.AppendJSONText(b, key), ':')
			b = n.parts[i].appendJSON(b)
		}
		return append(b, '}')
	case "an array":
		b = append(b, '[')
		for i, part := range n.parts {
			if i > 0 {
				b = append(b, ',')
			}
			b = part.appendJSON(b)
		}
		return append(b, ']')
	case "a string":
		return tidings.AppendJSONText(b, n.text)
	case "null":
		return append(b, "null"...)
	}
	return append(b, n.text...)
}

// eventParamsJSON is the parameters of an event: {"name": value} or
// [{"name": …, "value": …}].
type eventParamsJSON struct{ list []tidings.EventParam }

func (p *eventParamsJSON) decodeField(d *decoder, n node, path string) {
	switch n.kind {
	case "an object":
		for i, key := range n.keys {
			p.list = append(p.list, tidings.EventParam{Name: key, Value: n.parts[i].appendJSON(nil)})
		}
	case "an array":
		for i, part := range n.parts {
			p.list = append(p.list, eventParam(d, part, fmt.Sprintf("%s[%d]", path, i)))
		}
	default:
		d.fault(path, `must be an object, or an array of {"name", "value"}, is %s`, n.kind)
	}
}

func eventParam(d *decoder, n node, path string) tidings.EventParam {
	var param tidings.EventParam
	if !d.want(n, "an object", path) {
		return param
	}
	for i, key := range n.keys {
		switch part := n.parts[i]; {
		case key == "name":
			if d.want(part, "a string", join(path, key)) {
				param.Name = part.text
			}
		case key == "value":
			param.Value = part.appendJSON(nil)
		default:
			d.fault(join(path, key), "is not known here: use name, value")
		}
	}
	if param.Value == nil {
		d.fault(join(path, "value"), "is required")
	}
	return param
}

// Schema describes both forms. It is huma's SchemaProvider.
func (eventParamsJSON) Schema(huma.Registry) *huma.Schema {
	pair := &huma.Schema{Type: "object", Required: []string{"name", "value"}, Properties: map[string]*huma.Schema{"name": {Type: "string"}, "value": {}}}
	return &huma.Schema{OneOf: []*huma.Schema{{Type: "object", AdditionalProperties: true}, {Type: "array", Items: pair}}}
}
