package tidings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// EventID identifies an event. It is given by the store, from 1; it is the
// sourceEventId of activities.
type EventID int64

// EventTypeID identifies an event type. It is given by the store.
type EventTypeID int64

// Event is something that happened: an order, a visit, a subscription. It
// starts workflows.
type Event struct {
	ID      EventID
	Account AccountID
	Type    EventTypeID
	// TypeKey and KeyValue are the sourceEventTypeKey and sourceEventKey of the
	// activities that come of the event.
	TypeKey  string
	KeyValue string
	Params   []EventParam // in the order they came; names differ
	Contact  ContactID    // whom it is about; 0 = nobody was found
	At       time.Time    // of arrival; given by the store
}

// EventParam is one parameter of an event.
type EventParam struct {
	Name  string
	Value json.RawMessage // compact JSON; any value
}

// EventType is a kind of events. It appears with its first event.
type EventType struct {
	ID      EventTypeID
	Account AccountID
	Key     string // eventTypeKey
	Name    string // for people; "" = the key
	// UniqueKeys keeps one event of the type for each keyValue: what comes
	// under a known one is answered and not stored.
	UniqueKeys bool
	CreatedAt  time.Time
	LastAt     time.Time    // of its newest event; zero without one
	Params     []EventParam // of its latest events, each with its latest value; read with one type only
}

// EventOutcome is what became of an event that came in.
type EventOutcome struct {
	Event          Event
	ContactCreated bool // nobody was found, so a contact was made of what the event says
	// Repeated: the type keeps one event for each keyValue, and Event is the
	// one that was there; nothing was stored.
	Repeated bool
	Runs     []RunID // that it started
}

// EventQuery asks for events of an account, newest first. Zero fields ask nothing.
type EventQuery struct {
	Account  AccountID
	Type     EventTypeID
	KeyValue string // with a Type only
	Contact  ContactID
	Before   EventID
	Limit    int // 1 or more
}

// Limits of events, as the platform publishes them.
const (
	MaxEventTypeKey  = 100      // characters
	MaxEventKeyValue = 300      // characters
	MaxEventParam    = 100      // characters of a parameter's name
	MaxEventBytes    = 20 << 10 // of the parameters, as a compact JSON array of {name, value}
	eventForbidden   = "<;’\\/|\"`'^?!,>"
)

// Param gives a parameter by its exact name.
func (e *Event) Param(name string) (json.RawMessage, bool) {
	for i := range e.Params {
		if e.Params[i].Name == name {
			return e.Params[i].Value, true
		}
	}
	return nil, false
}

// CheckEvent completes an event that came in (a keyValue that is missing is
// taken from the parameters that name its contact) and says what is wrong with
// it. The parameters' values are compact JSON already.
func CheckEvent(e *Event) []FieldError {
	var faults []FieldError
	fault := func(field, format string, args ...any) {
		faults = append(faults, FieldError{Index: -1, Field: field, Reason: fmt.Sprintf(format, args...)})
	}
	if reason := checkEventText(e.TypeKey, MaxEventTypeKey); reason != "" {
		fault("eventTypeKey", "%s", reason)
	}
	names := make(map[string]bool, len(e.Params))
	size := len("[]")
	for i, p := range e.Params {
		field := fmt.Sprintf("params[%d].name", i)
		switch {
		case p.Name == "":
			fault(field, "is required")
		case !utf8.ValidString(p.Name):
			fault(field, "is not UTF-8")
		case utf8.RuneCountInString(p.Name) > MaxEventParam:
			fault(field, "is longer than %d characters", MaxEventParam)
		case names[p.Name]:
			fault(field, "is given twice")
		}
		names[p.Name] = true
		size += len(`{"name":,"value":},`) + len(AppendJSONText(nil, p.Name)) + len(p.Value)
	}
	if size > MaxEventBytes {
		fault("params", "have %d bytes as compact JSON: at most %d", size, MaxEventBytes)
	}
	if e.KeyValue == "" {
		if e.KeyValue = e.identity().first(); e.KeyValue == "" {
			fault("keyValue", "is required when no parameter names the contact: contactId, externalCustomerId, email, phone or pushToken")
		} else if utf8.RuneCountInString(e.KeyValue) > MaxEventKeyValue {
			fault("keyValue", "is required: the parameter that names the contact is too long to take its place")
		}
	} else if reason := checkEventText(e.KeyValue, MaxEventKeyValue); reason != "" {
		fault("keyValue", "%s", reason)
	}
	return faults
}

func checkEventText(text string, most int) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "is required"
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case utf8.RuneCountInString(text) > most:
		return fmt.Sprintf("is longer than %d characters", most)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has control characters"
	case strings.ContainsAny(text, eventForbidden):
		return "has one of the characters " + eventForbidden
	}
	return ""
}

// Identity is what an event says of whose it is. What it does not say, or
// says in a form that can't be an address, is "" or 0.
type Identity struct {
	Contact            ContactID
	ExternalCustomerID string
	Channels           []Channel // in the order in which they are tried
	raw                []string  // the parameters as they came, in that order
}

// Identity reads the parameters that name the event's contact, in any case and
// with or without underscores: ContactId (Contact_Key and ContactKey too),
// externalCustomerId, Email (EmailAddress, UserEmail, ContactEmail), Phone (SMS,
// PhoneNumber), and the tokens PushToken (web push), MobPushToken and
// TelegramBotToken.
func (e *Event) Identity() Identity { return e.identity() }

func (e *Event) identity() Identity {
	var id Identity
	for _, names := range identityNames {
		for i := range e.Params {
			if !names.has(e.Params[i].Name) {
				continue
			}
			if text := scalarText(e.Params[i].Value); text != "" {
				id.take(names.kind, text)
			}
		}
	}
	return id
}

// identityParam is the names of the parameters that carry one kind of identity.
type identityParam struct {
	kind  MediaType // 0 = the contact's id, externalCustomer = the id in the account's system
	names string    // each between spaces
}

const externalCustomer MediaType = 255

// identityNames is in the order of priority.
var identityNames = []identityParam{
	{0, " contactid contactkey "},
	{externalCustomer, " externalcustomerid "},
	{Email, " email emailaddress useremail contactemail "},
	{SMS, " phone sms phonenumber "},
	{WebPush, " pushtoken "},
	{MobilePush, " mobpushtoken "},
	{TelegramBot, " telegrambottoken "},
}

func (p identityParam) has(name string) bool {
	return strings.Contains(p.names, " "+strings.ToLower(strings.ReplaceAll(name, "_", ""))+" ")
}

func (id *Identity) take(kind MediaType, text string) {
	switch kind {
	case 0:
		if id.Contact == 0 {
			id.Contact = parseContactID(text)
		}
	case externalCustomer:
		if strings.EqualFold(text, "null") || id.ExternalCustomerID != "" {
			return
		}
		if checkShort(text, MaxExternalID) != "" {
			return
		}
		id.ExternalCustomerID = text
	default:
		if value, reason := CheckChannel(kind, text); reason == "" {
			id.Channels = append(id.Channels, Channel{Type: kind, Value: value})
		}
	}
	id.raw = append(id.raw, text)
}

// first gives the value of the parameter that names the contact before all others, "" when none does.
func (id Identity) first() string {
	if len(id.raw) == 0 {
		return ""
	}
	return id.raw[0]
}

// scalarText gives a string or a number of JSON as text, trimmed; "" for all else.
func scalarText(value json.RawMessage) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return ""
	}
	switch c := value[0]; {
	case c == '"':
		var text string
		if json.Unmarshal(value, &text) != nil {
			return ""
		}
		return strings.TrimSpace(text)
	case c == '-' || '0' <= c && c <= '9':
		return string(value)
	}
	return ""
}
