package tidings

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContactID identifies a contact. It is given by the store, from 1; it is the
// contactId of activities.
type ContactID int64

// Contact is a person whom messages reach: channels, standard fields,
// additional fields and subscriptions.
type Contact struct {
	ID      ContactID
	Account AccountID
	// ExternalCustomerID is the contact's id in the account's own system; ""
	// = none. It belongs to one contact of the account at most.
	ExternalCustomerID string
	FirstName          string
	LastName           string
	// Channels are where the contact is reached, in the order that was given.
	// The first of a type is the one that messages and templates take. An
	// address belongs to one contact of the account at most.
	Channels      []Channel
	Region        string
	Town          string
	Address       string
	Postcode      string
	Language      string         // a language tag as uk or pt-BR; "" = not known
	TimeZone      string         // an IANA name as Europe/Kyiv; "" = not known
	Fields        []ContactField // the additional fields that have a value, by key
	Subscriptions []string       // category keys, sorted, each once
	Version       int64          // counts the changes; given by the store
	CreatedAt     time.Time      // given by the store
	UpdatedAt     time.Time      // of the last change; given by the store
}

// Channel is one way to reach a contact.
type Channel struct {
	Type  MediaType // one of ChannelTypes
	Value string    // an email address, a phone number in digits, or a token
	// Blacklisted says that nothing may be sent there: it bounced hard, or its
	// owner reported spam. It is kept for the address, whoever has it, and set
	// when a contact is read; what is written here is not looked at.
	Blacklisted bool
}

// ContactField is the value of one additional field.
type ContactField struct {
	Key   FieldKey
	Value FieldValue
}

// ChannelTypes lists the media types that have addresses of their own. Viber
// goes to the phone number, the other types to a token of a push channel.
func ChannelTypes() []MediaType { return []MediaType{Email, SMS, MobilePush, WebPush, TelegramBot} }

// Channel gives the contact's first address of a type, "" when it has none.
func (c *Contact) Channel(t MediaType) string {
	for i := range c.Channels {
		if c.Channels[i].Type == t {
			return c.Channels[i].Value
		}
	}
	return ""
}

// Subscribed says whether the contact takes messages of a category.
func (c *Contact) Subscribed(category string) bool {
	_, found := slices.BinarySearch(c.Subscriptions, category)
	return found
}

// Value looks a value up by the name that templates, conditions and merge tags
// use, without regard to case: a standard field by one of its names (see
// StandardFields), or an additional field by its key. It is false for names
// that are not known and for fields without a value.
func (c *Contact) Value(name string) (FieldValue, bool) {
	if f := standardField(name); f != standardNone {
		return c.standard(f)
	}
	for i := range c.Fields {
		if strings.EqualFold(string(c.Fields[i].Key), name) {
			return c.Fields[i].Value, true
		}
	}
	return FieldValue{}, false
}

// Group gives the additional fields of a group, those whose keys are the
// group's name, a dot and more: PERSONAL.BONUS is of the group PERSONAL. The
// name is taken without regard to case.
func (c *Contact) Group(name string) []ContactField {
	var of []ContactField
	for _, f := range c.Fields {
		group, _, dotted := strings.Cut(string(f.Key), ".")
		if dotted && strings.EqualFold(group, name) {
			of = append(of, f)
		}
	}
	return of
}

// contactStandard is a standard field.
type contactStandard uint8

const (
	standardNone contactStandard = iota
	standardID
	standardExternalID
	standardFirstName
	standardLastName
	standardEmail
	standardPhone
	standardRegion
	standardTown
	standardAddress
	standardPostcode
	standardLanguage
	standardTimeZone
	standardSubscriptions
)

// StandardFields lists the names of the standard fields, as they are shown.
func StandardFields() []string {
	return []string{
		"CONTACT_ID", "EXTERNAL_CUSTOMER_ID", "FIRSTNAME", "LASTNAME", "EMAIL", "SMS",
		"REGION", "TOWN", "ADDRESS", "POSTCODE", "LANGUAGE", "TIMEZONE", "SUBSCRIPTIONS",
	}
}

// StandardField gives the name of a standard field as StandardFields lists it,
// by any of its names: phone, name and city are names, contactId and
// contact_ID too. "" = the name is none.
func StandardField(name string) string {
	f := standardField(name)
	if f == standardNone {
		return ""
	}
	return StandardFields()[f-1]
}

// IsStandardField says whether a name is one of a standard field's.
func IsStandardField(name string) bool { return standardField(name) != standardNone }

// standardField finds a standard field by its name in any case, with or
// without underscores, or by the other words that are known for it.
func standardField(name string) contactStandard {
	const longest = len("EXTERNAL_CUSTOMER_ID")
	if len(name) > longest+2 {
		return standardNone
	}
	var folded [longest + 2]byte
	n := 0
	for i := range len(name) {
		b := name[i]
		if b == '_' {
			continue
		}
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		folded[n] = b
		n++
	}
	switch string(folded[:n]) {
	case "CONTACTID":
		return standardID
	case "EXTERNALCUSTOMERID":
		return standardExternalID
	case "FIRSTNAME", "NAME":
		return standardFirstName
	case "LASTNAME":
		return standardLastName
	case "EMAIL":
		return standardEmail
	case "SMS", "PHONE":
		return standardPhone
	case "REGION":
		return standardRegion
	case "TOWN", "CITY":
		return standardTown
	case "ADDRESS":
		return standardAddress
	case "POSTCODE":
		return standardPostcode
	case "LANGUAGE", "LANGUAGECODE":
		return standardLanguage
	case "TIMEZONE":
		return standardTimeZone
	case "SUBSCRIPTIONS":
		return standardSubscriptions
	}
	return standardNone
}

func (c *Contact) standard(f contactStandard) (FieldValue, bool) {
	switch f {
	case standardID:
		return FieldValue{Type: FieldNumber, Text: strconv.FormatInt(int64(c.ID), 10)}, c.ID != 0
	case standardSubscriptions:
		return FieldValue{Type: FieldList, List: c.Subscriptions}, len(c.Subscriptions) > 0
	case standardEmail:
		return textValue(c.Channel(Email))
	case standardPhone:
		return textValue(c.Channel(SMS))
	}
	if text := c.text(f); text != nil {
		return textValue(*text)
	}
	return FieldValue{}, false
}

// text gives the place of a standard field that is a text of the contact's own.
func (c *Contact) text(f contactStandard) *string {
	switch f {
	case standardExternalID:
		return &c.ExternalCustomerID
	case standardFirstName:
		return &c.FirstName
	case standardLastName:
		return &c.LastName
	case standardRegion:
		return &c.Region
	case standardTown:
		return &c.Town
	case standardAddress:
		return &c.Address
	case standardPostcode:
		return &c.Postcode
	case standardLanguage:
		return &c.Language
	case standardTimeZone:
		return &c.TimeZone
	}
	return nil
}

func textValue(text string) (FieldValue, bool) {
	return FieldValue{Type: FieldText, Text: text}, text != ""
}
