package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// contactInputJSON is what can be set of a contact, as a merge patch (RFC 7396):
// absent = unchanged, null = removed.
type contactInputJSON struct {
	ID                 optional[int]                `json:"id,omitempty" doc:"Only in an upsert or import: whom it is about. There must be such a contact."`
	MatchBy            optional[string]             `json:"matchBy,omitempty" enum:"id,externalCustomerId,email,sms" doc:"Only in an upsert: by what alone the contact is found. Default: the first that is known of id, externalCustomerId, email, sms and the other channels."`
	Version            optional[int]                `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
	ExternalCustomerID optional[string]             `json:"externalCustomerId,omitempty" maxLength:"255" doc:"The contact's id in your system; it belongs to one contact."`
	FirstName          optional[string]             `json:"firstName,omitempty" maxLength:"60"`
	LastName           optional[string]             `json:"lastName,omitempty" maxLength:"60"`
	Email              optional[string]             `json:"email,omitempty" maxLength:"254" doc:"In place of the first email address; null = of all. It belongs to one contact."`
	SMS                optional[string]             `json:"sms,omitempty" doc:"In place of the first phone number: digits with the country's code; + and blanks are left out; null = in place of all. It belongs to one contact."`
	Channels           optional[[]channelInputJSON] `json:"channels,omitempty" maxItems:"20" doc:"In place of all addresses; not with email or sms."`
	Address            optional[addressInputJSON]   `json:"address,omitempty"`
	LanguageCode       optional[string]             `json:"languageCode,omitempty" doc:"A language tag: uk, en, pt-BR."`
	TimeZone           optional[string]             `json:"timeZone,omitempty" doc:"A name such as Europe/Kyiv."`
	Fields             optional[fieldValuesJSON]    `json:"fields,omitempty" doc:"Additional fields by key, in the JSON type of the field: text and date strings, numbers, true and false, arrays of strings; null removes the value. Those that are not named stay."`
	Subscriptions      optional[[]string]           `json:"subscriptions,omitempty" maxItems:"200" doc:"Category keys, in place of all. A change puts a SUBSCRIPTION_CHANGED activity into the feed."`
}

type channelInputJSON struct {
	Type  string `json:"type" enum:"email,sms,mobilepush,webpush,telegrambot"`
	Value string `json:"value" doc:"An email address, a phone number, or a token."`
}

type addressInputJSON struct {
	Region   optional[string] `json:"region,omitempty" maxLength:"255"`
	Town     optional[string] `json:"town,omitempty" maxLength:"255"`
	Address  optional[string] `json:"address,omitempty" maxLength:"255"`
	Postcode optional[string] `json:"postcode,omitempty" maxLength:"255"`
}

// fieldValuesJSON is an object of values by the keys of additional fields.
type fieldValuesJSON struct {
	keys  []string
	parts []node
}

func (v *fieldValuesJSON) decodeField(d *decoder, n node, path string) {
	if d.want(n, "an object", path) {
		v.keys, v.parts = n.keys, n.parts
	}
}

// Schema says that the keys are those of the account's fields. It is huma's SchemaProvider.
func (fieldValuesJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true}
}

// contactReader turns what came in into changes of contacts. One reads all rows of an import.
type contactReader struct {
	fields map[tidings.FieldKey]tidings.Field
	zones  map[string]string // time zones that were checked: what is wrong with each
}

func newContactReader(fields []tidings.Field) *contactReader {
	r := &contactReader{fields: make(map[tidings.FieldKey]tidings.Field, len(fields)), zones: map[string]string{}}
	for _, f := range fields {
		r.fields[f.Key] = f
	}
	return r
}

// read makes the change that in asks for; what is wrong goes to d.
func (r *contactReader) read(d *decoder, in *contactInputJSON) tidings.ContactChange {
	var ch tidings.ContactChange
	if in.ID.given() {
		if ch.ID = tidings.ContactID(in.ID.value); ch.ID < 1 {
			d.fault("id", "must be 1 or more")
		}
	}
	ch.ExternalCustomerID, ch.FirstName, ch.LastName = in.ExternalCustomerID.text(), in.FirstName.text(), in.LastName.text()
	ch.Language = in.LanguageCode.text()
	if ch.TimeZone = in.TimeZone.text(); ch.TimeZone != nil {
		r.zone(d, *ch.TimeZone)
	}
	ch.Email, ch.SMS = address(d, "email", tidings.Email, in.Email), address(d, "sms", tidings.SMS, in.SMS)
	if in.Channels.set {
		if in.Email.set || in.SMS.set {
			d.fault("channels", "goes without email and sms: put all addresses here")
		}
		channels := readChannels(d, in.Channels.value)
		ch.Channels = &channels
	}
	if in.Address.set {
		a := &in.Address.value
		if in.Address.null {
			gone := optional[string]{set: true, null: true}
			*a = addressInputJSON{gone, gone, gone, gone}
		}
		ch.Region, ch.Town, ch.Address, ch.Postcode = a.Region.text(), a.Town.text(), a.Address.text(), a.Postcode.text()
	}
	if in.Fields.set {
		ch.Fields = r.values(d, in.Fields)
	}
	if in.Subscriptions.set {
		ch.Subscriptions = &in.Subscriptions.value
	}
	return ch
}

// text gives what a field sets: nil = nothing, "" when it is removed.
func (o *optional[T]) text() *T {
	if !o.set {
		return nil
	}
	return &o.value
}

// address gives a channel's address in the form in which it is kept.
func address(d *decoder, path string, t tidings.MediaType, o optional[string]) *string {
	if !o.given() || o.value == "" {
		return o.text()
	}
	value, reason := tidings.CheckChannel(t, o.value)
	if reason != "" {
		d.fault(path, "%s", reason)
	}
	return &value
}

func readChannels(d *decoder, in []channelInputJSON) []tidings.Channel {
	channels := make([]tidings.Channel, len(in))
	for i, c := range in {
		path := fmt.Sprintf("channels[%d]", i)
		t, err := tidings.ParseMediaType(c.Type)
		if err != nil || !slices.Contains(tidings.ChannelTypes(), t) {
			d.fault(path+".type", "must be email, sms, mobilepush, webpush or telegrambot")
			continue
		}
		value, reason := tidings.CheckChannel(t, c.Value)
		if reason != "" {
			d.fault(path+".value", "%s", reason)
		}
		channels[i] = tidings.Channel{Type: t, Value: value}
	}
	return channels
}

func (r *contactReader) zone(d *decoder, name string) {
	reason, known := r.zones[name]
	if !known {
		reason = tidings.CheckTimeZone(name)
		r.zones[name] = reason
	}
	if reason != "" {
		d.fault("timeZone", "%s", reason)
	}
}

// values reads additional fields; null in place of all removes all.
func (r *contactReader) values(d *decoder, o optional[fieldValuesJSON]) []tidings.ContactField {
	if o.null {
		gone := make([]tidings.ContactField, 0, len(r.fields))
		for key, f := range r.fields {
			gone = append(gone, tidings.ContactField{Key: key, Value: tidings.FieldValue{Type: f.Type}})
		}
		return gone
	}
	values := make([]tidings.ContactField, 0, len(o.value.keys))
	for i, name := range o.value.keys {
		path := "fields." + name
		field, known := r.fields[tidings.FieldKey(strings.ToUpper(name))]
		if !known {
			d.fault(path, "is no field of the account: see GET /v1/fields")
			continue
		}
		if slices.ContainsFunc(values, func(v tidings.ContactField) bool { return v.Key == field.Key }) {
			d.fault(path, "is given twice")
			continue
		}
		value, reason := typedValue(field.Type, o.value.parts[i])
		if reason != "" {
			d.fault(path, "%s", reason)
			continue
		}
		values = append(values, tidings.ContactField{Key: field.Key, Value: value})
	}
	return values
}

// typedValue reads a value in the JSON type of its field.
func typedValue(t tidings.FieldType, n node) (tidings.FieldValue, string) {
	want := "a string"
	switch t {
	case tidings.FieldNumber:
		want = "a number"
	case tidings.FieldBool:
		want = "a boolean"
	case tidings.FieldList:
		want = "an array"
	}
	switch {
	case n.kind == "null":
		return tidings.FieldValue{Type: t}, ""
	case n.kind != want:
		return tidings.FieldValue{}, fmt.Sprintf("is a field of type %s: must be %s, is %s", t, want, n.kind)
	case t == tidings.FieldList:
		texts := make([]string, len(n.parts))
		for i, part := range n.parts {
			if part.kind != "a string" {
				return tidings.FieldValue{}, fmt.Sprintf("must be an array of strings, has %s", part.kind)
			}
			texts[i] = part.text
		}
		return tidings.ListField(texts)
	case n.text == "":
		return tidings.FieldValue{Type: t}, "" // an empty text is no value
	}
	return tidings.ParseFieldValue(t, n.text)
}

// contactJSON is a contact as it is shown.
type contactJSON struct {
	ID                 tidings.ContactID `json:"id"`
	ExternalCustomerID string            `json:"externalCustomerId" doc:"Empty = none, as with all texts here."`
	FirstName          string            `json:"firstName"`
	LastName           string            `json:"lastName"`
	Email              string            `json:"email" doc:"The first email address."`
	SMS                string            `json:"sms" doc:"The first phone number."`
	Channels           []shownChannel    `json:"channels" doc:"All addresses."`
	Address            shownAddress      `json:"address"`
	LanguageCode       string            `json:"languageCode"`
	TimeZone           string            `json:"timeZone"`
	Fields             shownFields       `json:"fields" doc:"The additional fields that have a value, by key."`
	Subscriptions      []string          `json:"subscriptions" doc:"Category keys."`
	Version            int64             `json:"version" doc:"Counts the changes."`
	CreatedAt          time.Time         `json:"createdAt"`
	UpdatedAt          time.Time         `json:"updatedAt"`
}

type shownChannel struct {
	Type        string `json:"type"`
	Value       string `json:"value"`
	Blacklisted bool   `json:"blacklisted" doc:"Nothing may be sent there."`
}

type shownAddress struct {
	Region   string `json:"region"`
	Town     string `json:"town"`
	Address  string `json:"address"`
	Postcode string `json:"postcode"`
}

// shownFields is written as an object.
type shownFields []tidings.ContactField

// MarshalJSON writes the values by their keys, in the order of the keys.
func (f shownFields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(field.Key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(field.Value.AppendJSON(nil))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Schema says that it is an object. It is huma's SchemaProvider.
func (shownFields) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true}
}

func contactView(c *tidings.Contact) *contactJSON {
	v := &contactJSON{
		ID: c.ID, ExternalCustomerID: c.ExternalCustomerID, FirstName: c.FirstName, LastName: c.LastName,
		Email: c.Channel(tidings.Email), SMS: c.Channel(tidings.SMS), Channels: make([]shownChannel, len(c.Channels)),
		Address:      shownAddress{Region: c.Region, Town: c.Town, Address: c.Address, Postcode: c.Postcode},
		LanguageCode: c.Language, TimeZone: c.TimeZone, Fields: c.Fields, Subscriptions: c.Subscriptions,
		Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	for i, ch := range c.Channels {
		v.Channels[i] = shownChannel{Type: ch.Type.String(), Value: ch.Value, Blacklisted: ch.Blacklisted}
	}
	if v.Subscriptions == nil {
		v.Subscriptions = []string{}
	}
	return v
}
