package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidings"
)

// Activity is an event of a sender in the fields of the wire object. Its
// contact is known when the message was sent with the custom argument
// contactId; else ContactID is 0, and the caller finds it by Email or SMS.
type Activity struct {
	// ID is the same whenever the sender repeats the event, and no other event's:
	// at most maxID bytes. It is unique within a source.
	ID    string
	Event string // as the sender calls it, for the log
	// Machine: the sender says that a program opened or clicked, not a person
	// (Apple's mail privacy, link scanners).
	Machine bool
	Notes   []string // custom arguments that were left out, and why

	At        time.Time
	Status    tidings.Status
	Media     tidings.MediaType
	ContactID int64  // 0 = not known
	Email     string // of email
	SMS       string // of sms; digits
	IID       string // a UUID: given as the custom argument iid, or made from the sender's id of the message

	ExternalCustomerID  string
	From                string
	BroadcastID         int64
	MessageID           int64
	MessageInstanceID   int64
	MessageLanguageCode string
	MessageName         string
	MessageTag          string
	SourceEventID       int64
	SourceEventKey      string
	SourceEventTypeKey  string
	ViewMessageLink     string
	WorkflowID          int64
	WorkflowBlockID     string
	WorkflowInstanceID  string

	OSName            string
	ClickEventLink    string   // of CLICKED
	StatusDescription string   // of UNDELIVERED
	HardBounce        bool     // of UNDELIVERED: the sender holds the address to be dead
	Subscriptions     []string // of SUBSCRIPTION_CHANGED: what is left
}

// Limits of what is taken over, in bytes.
const (
	maxID          = 200
	maxDescription = 1000
	maxText        = 1000
	maxLink        = 8 << 10
)

// Arguments lists the custom arguments that are understood: the wire fields
// that say where a message belongs. Each sender has its own way to send them
// along, see docs/sources.md.
func Arguments() []string {
	return []string{
		"contactId", "externalCustomerId", "iid", "from", "broadcastId", "messageId", "messageInstanceId", "messageLanguageCode",
		"messageName", "messageTag", "sourceEventId", "sourceEventKey", "sourceEventTypeKey", "viewMessageLink",
		"workflowId", "workflowBlockId", "workflowInstanceId",
	}
}

// arguments takes over the custom arguments.
func (a *Activity) arguments(get func(name string) string) {
	for _, name := range Arguments() {
		value := strings.TrimSpace(get(name))
		if value == "" {
			continue
		}
		if number := a.number(name); number != nil {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 1 {
				a.note(name, "is not a positive integer")
				continue
			}
			*number = n
			continue
		}
		if name == "iid" && !isUUID(value) {
			a.note(name, "is not a UUID")
			continue
		}
		if text := a.textField(name); text != nil {
			*text = clip(value, maxText)
		}
	}
}

func (a *Activity) note(name, what string) { a.Notes = append(a.Notes, name+" "+what) }

func (a *Activity) number(name string) *int64 {
	switch name {
	case "contactId":
		return &a.ContactID
	case "broadcastId":
		return &a.BroadcastID
	case "messageId":
		return &a.MessageID
	case "messageInstanceId":
		return &a.MessageInstanceID
	case "sourceEventId":
		return &a.SourceEventID
	case "workflowId":
		return &a.WorkflowID
	}
	return nil
}

func (a *Activity) textField(name string) *string {
	switch name {
	case "externalCustomerId":
		return &a.ExternalCustomerID
	case "iid":
		return &a.IID
	case "from":
		return &a.From
	case "messageLanguageCode":
		return &a.MessageLanguageCode
	case "messageName":
		return &a.MessageName
	case "messageTag":
		return &a.MessageTag
	case "sourceEventKey":
		return &a.SourceEventKey
	case "sourceEventTypeKey":
		return &a.SourceEventTypeKey
	case "viewMessageLink":
		return &a.ViewMessageLink
	case "workflowBlockId":
		return &a.WorkflowBlockID
	case "workflowInstanceId":
		return &a.WorkflowInstanceID
	}
	return nil
}

// identify makes the iid of a message that was sent without one: the same for
// all events of one message to one recipient.
func (a *Activity) identify(kind Kind, message string) {
	if a.IID != "" {
		return
	}
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + message + "\x00" + strings.ToLower(a.Email) + "\x00" + a.SMS))
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x80 // version 8: RFC 9562, 5.8
	id[8] = id[8]&0x3f | 0x80
	a.IID = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// complete bounds the fields and says what is missing, or "".
func (a *Activity) complete(now time.Time) string {
	if a.ID == "" {
		return "it has no id"
	}
	if len(a.ID) > maxID {
		a.ID = fmt.Sprintf("%x", sha256.Sum256([]byte(a.ID)))
	}
	a.Event = clip(a.Event, 100)
	a.Email = strings.TrimSpace(a.Email)
	switch a.Media {
	case tidings.Email:
		if !isEmail(a.Email) {
			return "it names no email address"
		}
	case tidings.SMS:
		if !isPhone(a.SMS) {
			return "it names no phone number"
		}
	}
	if a.At.Year() < 2000 || a.At.After(now.Add(24*time.Hour)) {
		a.At = now
	}
	a.StatusDescription = clip(a.StatusDescription, maxDescription)
	a.OSName = clip(a.OSName, maxText)
	a.MessageTag = clip(a.MessageTag, maxText)
	a.From = clip(a.From, maxText)
	if a.ClickEventLink = strings.ToValidUTF8(a.ClickEventLink, "\ufffd"); len(a.ClickEventLink) > maxLink {
		a.note("clickEventLink", "is longer than 8 KiB")
		a.ClickEventLink = ""
	}
	if len(a.Wire()) > tidings.MaxActivityBytes-maxContactID {
		return "it is too large for an activity"
	}
	return ""
}

// maxContactID is how much longer a wire object gets when its contact is found.
const maxContactID = len("9223372036854775807")

// Wire gives the wire object, for tidings.ParseActivities. ContactID must be set.
func (a Activity) Wire() []byte {
	w := wire{
		ActivityDateTime: a.At.UTC().Format(tidings.DateTimeLayout), ActivityStatus: a.Status.String(), MediaType: a.Media.String(),
		ContactID: a.ContactID, Email: a.Email, SMS: a.SMS, IID: a.IID,
		ExternalCustomerID: a.ExternalCustomerID, From: a.From, BroadcastID: a.BroadcastID,
		MessageID: a.MessageID, MessageInstanceID: a.MessageInstanceID, MessageLanguageCode: a.MessageLanguageCode,
		MessageName: a.MessageName, MessageTag: a.MessageTag,
		SourceEventID: a.SourceEventID, SourceEventKey: a.SourceEventKey, SourceEventTypeKey: a.SourceEventTypeKey,
		ViewMessageLink: a.ViewMessageLink, WorkflowID: a.WorkflowID, WorkflowBlockID: a.WorkflowBlockID, WorkflowInstanceID: a.WorkflowInstanceID,
		OSName: a.OSName, ClickEventLink: a.ClickEventLink, StatusDescription: a.StatusDescription,
	}
	if a.Status == tidings.Undelivered {
		w.HardBounce = &a.HardBounce
	}
	if a.Status == tidings.SubscriptionChanged {
		w.StatusData = &statusData{}
		w.StatusData.Subscription.Subscriptions = append([]string{}, a.Subscriptions...)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(w) // strings and integers: it can't fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// wire is the wire object; absent values are left out.
type wire struct {
	ActivityDateTime    string      `json:"activityDateTime"`
	ActivityStatus      string      `json:"activityStatus"`
	MediaType           string      `json:"mediaType"`
	ContactID           int64       `json:"contactId"`
	Email               string      `json:"email,omitempty"`
	SMS                 string      `json:"sms,omitempty"`
	IID                 string      `json:"iid"`
	ExternalCustomerID  string      `json:"externalCustomerId,omitempty"`
	From                string      `json:"from,omitempty"`
	BroadcastID         int64       `json:"broadcastId,omitempty"`
	MessageID           int64       `json:"messageId,omitempty"`
	MessageInstanceID   int64       `json:"messageInstanceId,omitempty"`
	MessageLanguageCode string      `json:"messageLanguageCode,omitempty"`
	MessageName         string      `json:"messageName,omitempty"`
	MessageTag          string      `json:"messageTag,omitempty"`
	SourceEventID       int64       `json:"sourceEventId,omitempty"`
	SourceEventKey      string      `json:"sourceEventKey,omitempty"`
	SourceEventTypeKey  string      `json:"sourceEventTypeKey,omitempty"`
	ViewMessageLink     string      `json:"viewMessageLink,omitempty"`
	WorkflowID          int64       `json:"workflowId,omitempty"`
	WorkflowBlockID     string      `json:"workflowBlockId,omitempty"`
	WorkflowInstanceID  string      `json:"workflowInstanceId,omitempty"`
	OSName              string      `json:"osName,omitempty"`
	ClickEventLink      string      `json:"clickEventLink,omitempty"`
	HardBounce          *bool       `json:"hardBounce,omitempty"`
	StatusDescription   string      `json:"statusDescription,omitempty"`
	StatusData          *statusData `json:"statusData,omitempty"`
}

type statusData struct {
	Subscription struct {
		Subscriptions []string `json:"subscriptions"`
	} `json:"subscription"`
}

// describe gives a refusing server's words as the seed writes them:
// "smtp;554 5.7.1 …" when they begin with a reply of SMTP.
func describe(words, otherwise string) string {
	words = strings.Join(strings.Fields(words), " ")
	if kind, rest, ok := strings.Cut(words, ";"); ok && strings.EqualFold(strings.TrimSpace(kind), "smtp") {
		words = strings.TrimSpace(rest)
	}
	switch {
	case words == "":
		return otherwise
	case len(words) > 3 && (words[0] == '4' || words[0] == '5') && isDigits(words[:3]) && (words[3] == ' ' || words[3] == '-'):
		return "smtp;" + words
	}
	return words
}

// clip cuts a text to n bytes, between characters, and makes it UTF-8.
func clip(text string, n int) string {
	return strings.ToValidUTF8(tidings.CutText(text, n), "\ufffd")
}

// isEmail asks what the ingest asks: an @, and no white space.
func isEmail(address string) bool {
	return strings.Contains(address, "@") && len(address) <= 320 && utf8.ValidString(address) &&
		!strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

func isPhone(number string) bool { return len(number) <= 20 && isDigits(number) }

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') {
			return false
		} else if !dash && !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}
