package tidings

import (
	"strconv"
	"time"
)

// MailFacts are what an activity of a mail says besides what the mail itself does.
type MailFacts struct {
	ClickURL      string   // of CLICKED: the link as the message has it
	Description   string   // of UNDELIVERED: the server's words; "" = none
	HardBounce    bool     // of UNDELIVERED: the address was black-listed at that moment
	Subscriptions []string // of SUBSCRIPTION_CHANGED and UNSUBSCRIBED: what the contact takes now; nil = not said
	ViewLink      string   // of the web version; "" = none
}

// MailActivity makes the activity that tells what happened to a mail, in the
// wire form and with all fields that apply (the wire specification): the keys
// in the order of their names, absent values left out. A test has an empty
// messageName. CodeInvalid when the mail has no UUID or no email address, or
// when the activity would be longer than MaxActivityBytes.
func MailActivity(m *Mail, s Status, at time.Time, x MailFacts) (Activity, error) {
	if !isUUID([]byte(m.IID)) {
		return Activity{}, Errorf(CodeInvalid, "mail %d: the iid %q is not a UUID", m.ID, clip(m.IID))
	}
	if why := emailFault([]byte(m.To)); why != "" {
		return Activity{}, Errorf(CodeInvalid, "mail %d: the address %s", m.ID, why)
	}
	seconds := at.Unix()
	if seconds < minDateTime || seconds > maxDateTime {
		return Activity{}, Errorf(CodeInvalid, "mail %d: the time %v is out of bounds", m.ID, at)
	}
	a := Activity{At: seconds, Kind: KindOf(s, Email)}
	a.Keys[KeyContact] = searchKey(KeyContact, strconv.AppendInt(nil, int64(m.Contact), 10))
	a.Keys[KeyEmail] = SearchKey(KeyEmail, m.To)
	if m.Message != 0 {
		a.Keys[KeyMessage] = searchKey(KeyMessage, strconv.AppendInt(nil, int64(m.Message), 10))
	}
	a.Wire = mailWire(m, s, seconds, &x)
	if len(a.Wire) > MaxActivityBytes {
		return Activity{}, Errorf(CodeInvalid, "mail %d: the activity is %d bytes of compact JSON: at most %d", m.ID, len(a.Wire), MaxActivityBytes)
	}
	return a, nil
}

func mailWire(m *Mail, s Status, at int64, x *MailFacts) []byte {
	w := wireWriter{make([]byte, 0, 640)}
	w.b = append(w.b, `{"activityDateTime":"`...)
	w.b = append(w.b, formatSeconds(at)...)
	w.b = append(w.b, `","activityStatus":"`...)
	w.b = append(w.b, s.String()...)
	w.b = append(w.b, '"')
	w.number("broadcastId", int64(m.Broadcast))
	if s == Clicked {
		w.text("clickEventLink", x.ClickURL)
	}
	w.name("contactId")
	w.b = strconv.AppendInt(w.b, int64(m.Contact), 10)
	w.text("email", m.To)
	w.text("externalCustomerId", m.External)
	w.text("from", m.From.Name)
	if s == Undelivered {
		w.name("hardBounce")
		w.b = strconv.AppendBool(w.b, x.HardBounce)
	}
	w.text("iid", m.IID)
	w.text("mediaType", "email")
	w.number("messageId", int64(m.Message))
	w.number("messageInstanceId", int64(m.ID))
	w.text("messageLanguageCode", m.Language)
	if m.Test {
		w.name("messageName")
		w.b = append(w.b, `""`...)
	} else {
		w.text("messageName", m.Name)
	}
	w.text("messageTag", m.Tag)
	w.number("sourceEventId", int64(m.Event))
	w.text("sourceEventKey", m.EventKey)
	w.text("sourceEventTypeKey", m.EventType)
	if x.Subscriptions != nil {
		w.subscriptions(x.Subscriptions)
	}
	if s == Undelivered {
		w.text("statusDescription", x.Description)
	}
	w.text("viewMessageLink", x.ViewLink)
	w.text("workflowBlockId", string(m.Block))
	w.number("workflowId", int64(m.Workflow))
	w.text("workflowInstanceId", m.Instance)
	return append(w.b, '}')
}

// wireWriter appends the fields of a wire object that has one already.
type wireWriter struct{ b []byte }

func (w *wireWriter) name(name string) {
	w.b = append(w.b, `,"`...)
	w.b = append(w.b, name...)
	w.b = append(w.b, `":`...)
}

// text appends a field unless it is empty.
func (w *wireWriter) text(name, value string) {
	if value == "" {
		return
	}
	w.name(name)
	w.b = AppendJSONText(w.b, value)
}

// number appends a field unless it is 0.
func (w *wireWriter) number(name string, value int64) {
	if value == 0 {
		return
	}
	w.name(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *wireWriter) subscriptions(keys []string) {
	w.name("statusData")
	w.b = append(w.b, `{"subscription":{"subscriptions":[`...)
	for i, key := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = AppendJSONText(w.b, key)
	}
	w.b = append(w.b, `]}}`...)
}
