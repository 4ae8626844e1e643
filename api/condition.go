package api

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// conditionJSON is a condition as it comes in: {"all":[…]}, {"any":[…]} or
// {"field":…,"op":…,"value":…}.
type conditionJSON struct{ of tidings.Condition }

func (c *conditionJSON) decodeField(d *decoder, n node, path string) {
	if !d.want(n, "an object", path) {
		return
	}
	for i, key := range n.keys {
		part, at := n.parts[i], join(path, key)
		switch key {
		case "all":
			c.of.All = conditionList(d, part, at)
		case "any":
			c.of.Any = conditionList(d, part, at)
		case "field":
			if d.want(part, "a string", at) {
				c.of.Field = part.text
			}
		case "op":
			if d.want(part, "a string", at) {
				c.of.Op = tidings.Operator(part.text)
			}
		case "value":
			c.of.Values = conditionValues(d, part, at)
		default:
			d.fault(at, "is not known here: use all, any, field, op, value")
		}
	}
}

func conditionList(d *decoder, n node, path string) []tidings.Condition {
	if !d.want(n, "an array", path) {
		return nil
	}
	list := make([]tidings.Condition, len(n.parts))
	for i, part := range n.parts {
		var c conditionJSON
		c.decodeField(d, part, fmt.Sprintf("%s[%d]", path, i))
		list[i] = c.of
	}
	return list
}

func conditionValues(d *decoder, n node, path string) []string {
	parts := []node{n}
	if n.kind == "an array" {
		parts = n.parts
	}
	values := make([]string, len(parts))
	for i, part := range parts {
		switch part.kind {
		case "a string", "a number", "a boolean":
			values[i] = part.text
		default:
			d.fault(path, "must be a string, a number, true or false, or an array of them with oneOf")
		}
	}
	return values
}

// check holds the condition against the rules.
func (c *conditionJSON) check(d *decoder, path string) *tidings.Condition {
	for _, f := range tidings.CheckCondition(&c.of) {
		at := path
		if f.Field != "" {
			at = join(path, f.Field)
		}
		d.fault(at, "%s", f.Reason)
	}
	return &c.of
}

// Schema describes the three forms. It is huma's SchemaProvider.
func (conditionJSON) Schema(huma.Registry) *huma.Schema {
	within := &huma.Schema{Type: "array", Items: &huma.Schema{Type: "object", Description: "A condition."}, MinItems: ptr(1)}
	ops := make([]any, 0, len(tidings.Operators()))
	for _, op := range tidings.Operators() {
		ops = append(ops, string(op))
	}
	return &huma.Schema{
		Type: "object", AdditionalProperties: false,
		Description: fmt.Sprintf("One of all, any (conditions nest to %d, with at most %d comparisons) and field. Texts are compared without regard to case, numbers and dates by value; a list is what one of its texts is.",
			tidings.MaxConditionDepth, tidings.MaxConditions),
		Properties: map[string]*huma.Schema{
			"all":   within,
			"any":   within,
			"field": {Type: "string", Description: "A standard or additional field, in any case."},
			"op":    {Type: "string", Enum: ops},
			"value": {Description: "A string, a number, true or false; an array with oneOf; absent with isSet and isEmpty."},
		},
	}
}
