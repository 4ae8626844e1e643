package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tidings"
)

// The JSON form of a dry run's input, as cases keep it:
//
//	{"contact": {"id":5,"firstName":"Ann","channels":[{"type":"email","value":"ann@example.com"}],"fields":{"SHOP.BONUS":10}},
//	 "event": {"eventTypeKey":"order","keyValue":"1","params":[{"name":"email","value":"ann@example.com"}]},
//	 "replies": {"WH5":{"promocode":"X"}},
//	 "otherReplies": {"WH6":{"format":"xml","body":"<promo>X</promo>"}}, "failures": {"WH7":{"error":"answered 500","outcome":"status","status":500}},
//	 "exits": {"split":"b"}, "at":"2026-03-01T10:00:00Z"}
//
// contactId, eventId and live may stand there too, and a failure may be its words only.
type dryInputJSON struct {
	ContactID    tidings.ContactID                `json:"contactId,omitempty"`
	Contact      *contactJSON                     `json:"contact,omitempty"`
	EventID      tidings.EventID                  `json:"eventId,omitempty"`
	Event        *eventJSON                       `json:"event,omitempty"`
	Replies      map[string]json.RawMessage       `json:"replies,omitempty"`
	OtherReplies map[string]otherReplyJSON        `json:"otherReplies,omitempty"`
	Failures     map[string]json.RawMessage       `json:"failures,omitempty"`
	Live         bool                             `json:"live,omitempty"`
	Exits        map[tidings.BlockID]tidings.Exit `json:"exits,omitempty"`
	At           time.Time                        `json:"at,omitzero"`
}

type otherReplyJSON struct {
	Format tidings.ReplyFormat `json:"format"`
	Body   string              `json:"body"`
}

type eventJSON struct {
	ID       tidings.EventID   `json:"id,omitempty"`
	TypeKey  string            `json:"eventTypeKey"`
	KeyValue string            `json:"keyValue"`
	Params   []eventParamJSON  `json:"params"`
	Contact  tidings.ContactID `json:"contactId,omitempty"`
}

type eventParamJSON struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

type contactJSON struct {
	ID            tidings.ContactID          `json:"id,omitempty"`
	External      string                     `json:"externalCustomerId,omitempty"`
	FirstName     string                     `json:"firstName,omitempty"`
	LastName      string                     `json:"lastName,omitempty"`
	Channels      []channelJSON              `json:"channels,omitempty"`
	Address       addressJSON                `json:"address,omitzero"`
	Language      string                     `json:"languageCode,omitempty"`
	TimeZone      string                     `json:"timeZone,omitempty"`
	Fields        map[string]json.RawMessage `json:"fields,omitempty"`
	Subscriptions []string                   `json:"subscriptions,omitempty"`
}

type channelJSON struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type addressJSON struct {
	Region   string `json:"region,omitempty"`
	Town     string `json:"town,omitempty"`
	Address  string `json:"address,omitempty"`
	Postcode string `json:"postcode,omitempty"`
}

// MarshalJSON gives the JSON form.
func (in DryInput) MarshalJSON() ([]byte, error) {
	form := dryInputJSON{ContactID: in.ContactID, EventID: in.EventID, Live: in.Live, Exits: in.Exits, At: in.At}
	if in.Contact != nil {
		form.Contact, form.ContactID = contactForm(in.Contact), 0
	}
	if in.Event != nil {
		form.Event, form.EventID = eventForm(in.Event), 0
	}
	for _, r := range in.Replies {
		switch {
		case r.Failed:
			put(&form.Failures, r.Name, asJSON(failureOf(&r)))
		case r.Reply.Format == tidings.ReplyJSON:
			put(&form.Replies, r.Name, json.RawMessage(r.Reply.Body))
		default:
			put(&form.OtherReplies, r.Name, otherReplyJSON{r.Reply.Format, string(r.Reply.Body)})
		}
	}
	return json.Marshal(form)
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

// UnmarshalJSON reads what MarshalJSON gives.
func (in *DryInput) UnmarshalJSON(data []byte) error {
	var form dryInputJSON
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("reading the input of a dry run: %w", err)
	}
	*in = DryInput{ContactID: form.ContactID, EventID: form.EventID, Live: form.Live, Exits: form.Exits, At: form.At}
	if form.Contact != nil {
		contact, err := form.Contact.contact()
		if err != nil {
			return err
		}
		in.Contact = contact
	}
	if form.Event != nil {
		in.Event = form.Event.event()
	}
	for _, name := range sortedKeys(form.Replies) {
		in.Replies = append(in.Replies, tidings.RunReply{Name: name, Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: form.Replies[name]}})
	}
	for _, name := range sortedKeys(form.OtherReplies) {
		r := form.OtherReplies[name]
		in.Replies = append(in.Replies, tidings.RunReply{Name: name, Reply: tidings.Reply{Format: r.Format, Body: []byte(r.Body)}})
	}
	for _, name := range sortedKeys(form.Failures) {
		body := form.Failures[name]
		var words string
		if json.Unmarshal(body, &words) == nil {
			body = []byte(words)
		}
		in.Replies = append(in.Replies, tidings.RunReply{Name: name, Failed: true, Reply: tidings.Reply{Body: body}})
	}
	return nil
}

func eventForm(e *tidings.Event) *eventJSON {
	form := &eventJSON{ID: e.ID, TypeKey: e.TypeKey, KeyValue: e.KeyValue, Contact: e.Contact, Params: make([]eventParamJSON, len(e.Params))}
	for i, p := range e.Params {
		form.Params[i] = eventParamJSON(p)
	}
	return form
}

func (form *eventJSON) event() *tidings.Event {
	e := &tidings.Event{ID: form.ID, TypeKey: form.TypeKey, KeyValue: form.KeyValue, Contact: form.Contact}
	for _, p := range form.Params {
		e.Params = append(e.Params, tidings.EventParam(p))
	}
	return e
}

func contactForm(c *tidings.Contact) *contactJSON {
	form := &contactJSON{
		ID: c.ID, External: c.ExternalCustomerID, FirstName: c.FirstName, LastName: c.LastName, Language: c.Language, TimeZone: c.TimeZone,
		Address: addressJSON{c.Region, c.Town, c.Address, c.Postcode}, Subscriptions: c.Subscriptions,
	}
	for _, ch := range c.Channels {
		form.Channels = append(form.Channels, channelJSON{ch.Type.String(), ch.Value})
	}
	for _, f := range c.Fields {
		put(&form.Fields, string(f.Key), json.RawMessage(f.Value.AppendJSON(nil)))
	}
	return form
}

func (form *contactJSON) contact() (*tidings.Contact, error) {
	c := &tidings.Contact{
		ID: form.ID, ExternalCustomerID: form.External, FirstName: form.FirstName, LastName: form.LastName,
		Region: form.Address.Region, Town: form.Address.Town, Address: form.Address.Address, Postcode: form.Address.Postcode,
		Language: form.Language, TimeZone: form.TimeZone,
	}
	for _, ch := range form.Channels {
		t, err := tidings.ParseMediaType(ch.Type)
		if err != nil {
			return nil, err
		}
		c.Channels = append(c.Channels, tidings.Channel{Type: t, Value: ch.Value})
	}
	change := tidings.ContactChange{Subscriptions: &form.Subscriptions}
	for _, key := range sortedKeys(form.Fields) {
		value, err := fieldOf(form.Fields[key])
		if err != nil {
			return nil, fmt.Errorf("the field %s: %w", key, err)
		}
		change.Fields = append(change.Fields, tidings.ContactField{Key: tidings.FieldKey(strings.ToUpper(key)), Value: value})
	}
	change.Apply(c)
	return c, nil
}

// fieldOf reads the value of a field by the type of its JSON. A text that is a
// date is a date.
func fieldOf(raw json.RawMessage) (tidings.FieldValue, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return tidings.FieldValue{}, err
	}
	switch v := v.(type) {
	case string:
		if date, reason := tidings.ParseFieldValue(tidings.FieldDate, v); reason == "" && date.Text == v {
			return date, nil
		}
		return tidings.FieldValue{Type: tidings.FieldText, Text: v}, nil
	case json.Number:
		return tidings.FieldValue{Type: tidings.FieldNumber, Text: v.String()}, nil
	case bool:
		return tidings.FieldValue{Type: tidings.FieldBool, Text: fmt.Sprint(v)}, nil
	case []any:
		list := tidings.FieldValue{Type: tidings.FieldList}
		for _, item := range v {
			list.List = append(list.List, fmt.Sprint(item))
		}
		return list, nil
	}
	return tidings.FieldValue{}, fmt.Errorf("must be a string, a number, true or false, or an array of strings")
}
