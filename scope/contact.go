package scope

import (
	"slices"
	"strconv"
	"strings"

	"tidings"
	"tidings/vtl"
)

// contactValue looks a field of the contact up, in any case: a standard field, an
// additional field by its whole key, or a group of additional fields.
func contactValue(c *tidings.Contact, name string) (vtl.Value, bool) {
	if v, ok := c.Value(name); ok {
		return fieldValue(v), true
	}
	if hasGroup(c, name) {
		return vtl.ObjectValue(&contactObject{contact: c, group: name}), true
	}
	return vtl.Null, false
}

func hasGroup(c *tidings.Contact, name string) bool {
	for i := range c.Fields {
		if inGroup(string(c.Fields[i].Key), name) {
			return true
		}
	}
	return false
}

func inGroup(key, group string) bool {
	return len(key) > len(group) && key[len(group)] == '.' && strings.EqualFold(key[:len(group)], group)
}

// fieldValue gives a field's value the type that templates know it by. A
// number that a Double does not hold digit for digit becomes a BigDecimal.
func fieldValue(v tidings.FieldValue) vtl.Value {
	switch v.Type {
	case tidings.FieldNumber:
		return numberValue(v.Text)
	case tidings.FieldBool:
		return vtl.Bool(v.Text == "true")
	case tidings.FieldList:
		items := make([]vtl.Value, len(v.List))
		for i, text := range v.List {
			items[i] = vtl.String(text)
		}
		return vtl.ListValue(vtl.NewList(items...))
	}
	return vtl.String(v.Text)
}

func numberValue(text string) vtl.Value {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return vtl.Int(n)
	}
	v, err := vtl.ParseJSON([]byte(text))
	if err != nil {
		return vtl.String(text)
	}
	if v.Kind() == vtl.KindFloat64 && strconv.FormatFloat(v.Float64(), 'f', -1, 64) != text {
		if d, ok := decimal(text); ok {
			return vtl.DecimalValue(d)
		}
	}
	return v
}

// contactObject is $contact, or a group of its additional fields:
// $contact.TOWN, $contact.PERSONAL.BONUS, $PERSONAL.BONUS.
type contactObject struct {
	contact *tidings.Contact
	group   string // "" = the whole contact
}

var contactClass = vtl.Class{Name: "Contact", Methods: vtl.Methods{"get": {{Arity: 1, Func: getOfContact}}}}

func (o *contactObject) Class() *vtl.Class                { return &contactClass }
func (o *contactObject) Text(c *vtl.Call) (string, error) { return textOf(c, o.Fields()) }

func getOfContact(_ *vtl.Call, self vtl.Object, args []vtl.Value) (vtl.Value, error) {
	o := self.(*contactObject)
	name := args[0].Str()
	switch {
	case name == "":
		return vtl.Null, nil
	case o.group != "":
		name = o.group + "." + name
	case strings.EqualFold(name, "id"):
		name = "CONTACT_ID"
	}
	v, _ := contactValue(o.contact, name)
	return v, nil
}

// Fields is the contact or the group as it is written whole.
func (o *contactObject) Fields() *vtl.Map {
	m := vtl.NewMap(8)
	if o.group == "" {
		for _, name := range tidings.StandardFields() {
			if v, ok := o.contact.Value(name); ok {
				m.Set(name, fieldValue(v))
			}
		}
	}
	for _, f := range o.contact.Fields {
		key := string(f.Key)
		if o.group != "" {
			if !inGroup(key, o.group) {
				continue
			}
			key = key[len(o.group)+1:]
		}
		m.Set(key, fieldValue(f.Value))
	}
	return m
}

// IsField says whether a name is one of a contact's field, in any case: a
// standard one, or one of the account's additional fields.
func IsField(name string, additional []tidings.FieldKey) bool {
	return tidings.IsStandardField(name) ||
		slices.ContainsFunc(additional, func(k tidings.FieldKey) bool { return strings.EqualFold(string(k), name) })
}

// IsGroup says whether additional fields have keys that begin with the name and a dot.
func IsGroup(name string, additional []tidings.FieldKey) bool {
	return slices.ContainsFunc(additional, func(k tidings.FieldKey) bool { return inGroup(string(k), name) })
}
