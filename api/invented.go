package api

import (
	"context"
	"fmt"

	"tidings"
	"tidings/call"
	"tidings/scope"
)

// Values that somebody invents for a test: nothing of them is stored.

// inventedContact makes a contact of an object: its names are those that
// templates use, or those of a contact as the API shows it. Additional fields
// have the types of the account's, or those of the JSON.
func (s *Server) inventedContact(ctx context.Context, d *decoder, account tidings.AccountID, n node) (*tidings.Contact, error) {
	fields, err := s.store.Fields(ctx, account)
	if err != nil {
		return nil, err
	}
	v := invention{d: d, types: make(map[tidings.FieldKey]tidings.FieldType, len(fields))}
	for _, f := range fields {
		v.types[f.Key] = f.Type
	}
	v.values("contact", n)
	contact := tidings.Contact{ID: v.id, Account: account}
	v.change.Apply(&contact)
	return &contact, nil
}

// invention is a contact in the making.
type invention struct {
	d      *decoder
	types  map[tidings.FieldKey]tidings.FieldType
	id     tidings.ContactID
	change tidings.ContactChange
}

func (v *invention) values(path string, n node) {
	if !v.d.want(n, "an object", path) {
		return
	}
	for i, name := range n.keys {
		at, part := join(path, name), n.parts[i]
		switch {
		case part.kind == "null":
		case part.kind == "an object" && (name == "address" || name == "fields"):
			v.values(at, part)
		case name == "channels":
			v.channels(at, part)
		case name == "id" || tidings.StandardField(name) == "CONTACT_ID":
			v.contactID(at, part)
		case tidings.IsStandardField(name):
			v.standard(at, tidings.StandardField(name), part)
		default:
			v.additional(at, name, part)
		}
	}
}

func (v *invention) contactID(path string, n node) {
	id, ok := wholeNumber(n.text)
	if !ok {
		v.d.fault(path, "must be a whole number")
	}
	v.id = tidings.ContactID(id)
}

func (v *invention) channels(path string, n node) {
	var list optional[[]struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}]
	list.decodeField(v.d, n, path)
	channels := make([]tidings.Channel, 0, len(list.value))
	for i, in := range list.value {
		t, err := tidings.ParseMediaType(in.Type)
		if err != nil {
			v.d.fault(fmt.Sprintf("%s[%d].type", path, i), "%s", err)
			continue
		}
		channels = append(channels, tidings.Channel{Type: t, Value: in.Value})
	}
	v.change.Channels = &channels
}

// standard sets a standard field, by its name in tidings.StandardFields.
func (v *invention) standard(path, name string, n node) {
	if name == "SUBSCRIPTIONS" {
		list, reason := inventedValue(tidings.FieldList, n)
		if reason != "" {
			v.d.fault(path, "%s", reason)
		}
		v.change.Subscriptions = &list.List
		return
	}
	switch {
	case n.kind != "a string" && n.kind != "a number":
		v.d.fault(path, "must be a string, is %s", n.kind)
	case len(n.text) > tidings.MaxFieldText:
		v.d.fault(path, "is longer than %d bytes", tidings.MaxFieldText)
	}
	ch := &v.change
	fields := map[string]**string{
		"EXTERNAL_CUSTOMER_ID": &ch.ExternalCustomerID, "FIRSTNAME": &ch.FirstName, "LASTNAME": &ch.LastName,
		"EMAIL": &ch.Email, "SMS": &ch.SMS, "REGION": &ch.Region, "TOWN": &ch.Town, "ADDRESS": &ch.Address,
		"POSTCODE": &ch.Postcode, "LANGUAGE": &ch.Language, "TIMEZONE": &ch.TimeZone,
	}
	*fields[name] = &n.text
}

func (v *invention) additional(path, name string, n node) {
	key, reason := tidings.CheckFieldKey(name)
	var value tidings.FieldValue
	if reason == "" {
		value, reason = inventedValue(v.types[key], n)
	}
	if reason != "" {
		v.d.fault(path, "%s", reason)
		return
	}
	v.change.Fields = append(v.change.Fields, tidings.ContactField{Key: key, Value: value})
}

// inventedValue makes the value of an additional field; t "" = as the JSON is.
func inventedValue(t tidings.FieldType, n node) (tidings.FieldValue, string) {
	switch n.kind {
	case "an object":
		return tidings.FieldValue{}, "must not be an object"
	case "an array":
		var texts []string
		for _, part := range n.parts {
			if part.kind != "a string" {
				return tidings.FieldValue{}, "must be an array of strings"
			}
			texts = append(texts, part.text)
		}
		return tidings.ListField(texts)
	}
	if t == "" {
		t = map[string]tidings.FieldType{"a number": tidings.FieldNumber, "a boolean": tidings.FieldBool, "a string": tidings.FieldText}[n.kind]
	}
	return tidings.ParseFieldValue(t, n.text)
}

func inventedEvent(d *decoder, account tidings.AccountID, in *testEventJSON) *tidings.Event {
	e := tidings.Event{Account: account, TypeKey: "test", KeyValue: "test", Params: in.Params.value.list}
	in.EventTypeKey.put(&e.TypeKey, "test")
	in.KeyValue.put(&e.KeyValue, "test")
	for _, f := range tidings.CheckEvent(&e) {
		d.fault(join("event", f.Field), "%s", f.Reason)
	}
	return &e
}

func inventedReplies(d *decoder, n node) []scope.NamedReply {
	if !d.want(n, "an object", "replies") {
		return nil
	}
	replies := make([]scope.NamedReply, 0, len(n.keys))
	for i, name := range n.keys {
		value, err := call.ReplyValue(&tidings.Reply{Format: tidings.ReplyJSON, Body: n.parts[i].appendJSON(nil)})
		if err != nil {
			d.fault(join("replies", name), "%s", err)
			continue
		}
		replies = append(replies, scope.NamedReply{Name: name, Value: value})
	}
	return replies
}
