package tidings

import (
	"fmt"
	"strings"
)

// Status is what happened to a message: activityStatus on the wire.
type Status uint8

// The statuses, in the order of the wire specification.
const (
	Delivered Status = 1 + iota
	Undelivered
	Read
	Unsubscribed
	Clicked
	Spam
	SubscriptionChanged
	Sent // mobile push only
)

// Statuses lists the wire names in the order of the constants.
func Statuses() []string {
	return []string{"DELIVERED", "UNDELIVERED", "READ", "UNSUBSCRIBED", "CLICKED", "SPAM", "SUBSCRIPTION_CHANGED", "SENT"}
}

// MediaType is the channel of a message: mediaType on the wire.
type MediaType uint8

// The media types, in the order of the wire specification.
const (
	Email MediaType = 1 + iota
	SMS
	Viber
	MobilePush
	WebPush
	AppInbox
	Widget
	InApp
	TelegramBot
)

// MediaTypes lists the wire names in the order of the constants.
func MediaTypes() []string {
	return []string{"email", "sms", "viber", "mobilepush", "webpush", "appinbox", "widget", "inapp", "telegrambot"}
}

// ParseStatus reads a wire name.
func ParseStatus(name string) (Status, error) {
	i, err := parseName("activityStatus", Statuses(), name)
	return Status(i), err
}

// ParseMediaType reads a wire name.
func ParseMediaType(name string) (MediaType, error) {
	i, err := parseName("mediaType", MediaTypes(), name)
	return MediaType(i), err
}

func parseName(what string, names []string, name string) (int, error) {
	for i, n := range names {
		if n == name {
			return i + 1, nil
		}
	}
	return 0, Errorf(CodeInvalid, "unknown %s %q: use one of %s", what, name, strings.Join(names, ", "))
}

func (s Status) String() string    { return wireName(Statuses(), int(s)) }
func (m MediaType) String() string { return wireName(MediaTypes(), int(m)) }

func wireName(names []string, i int) string {
	if i < 1 || i > len(names) {
		return fmt.Sprintf("%d?", i)
	}
	return names[i-1]
}

// Kind is a status and a media type in one byte, as the log keeps it beside each activity.
type Kind uint8

// KindOf packs a status and a media type.
func KindOf(s Status, m MediaType) Kind { return Kind(s)<<4 | Kind(m) }

// Status unpacks the status.
func (k Kind) Status() Status { return Status(k >> 4) }

// MediaType unpacks the media type.
func (k Kind) MediaType() MediaType { return MediaType(k & 15) }

// StatusSet is a set of statuses: bit n stands for status n.
type StatusSet uint16

// Has says whether s is in the set.
func (t StatusSet) Has(s Status) bool { return t>>s&1 == 1 }

// With gives the set with s added.
func (t StatusSet) With(s Status) StatusSet { return t | 1<<s }

// Names lists the set's wire names in the order of the constants.
func (t StatusSet) Names() []string { return setNames(Statuses(), uint16(t)) }

// MediaSet is a set of media types: bit n stands for media type n.
type MediaSet uint16

// Has says whether m is in the set.
func (t MediaSet) Has(m MediaType) bool { return t>>m&1 == 1 }

// With gives the set with m added.
func (t MediaSet) With(m MediaType) MediaSet { return t | 1<<m }

// Names lists the set's wire names in the order of the constants.
func (t MediaSet) Names() []string { return setNames(MediaTypes(), uint16(t)) }

func setNames(names []string, bits uint16) []string {
	in := make([]string, 0, len(names))
	for i, n := range names {
		if bits>>(i+1)&1 == 1 {
			in = append(in, n)
		}
	}
	return in
}

// Limits of the ingest (the wire specification, and DESIGN.md section 7).
const (
	MaxActivityBytes = 64 << 10 // of one activity, as compact JSON
	MaxRequestBytes  = 16 << 20 // of one request's body
	MaxActivities    = 50_000   // in one request
	MaxReported      = 100      // wrong elements named in one answer; the rest are counted
)

// Activity is one fact about one message to one contact, checked and in the
// form in which it is stored and sent: its wire bytes, and the few facts that
// the log keeps beside them.
type Activity struct {
	Wire []byte // one compact JSON object, keys as they came
	At   int64  // activityDateTime, in seconds since 1970 UTC
	Kind Kind
	// Keys are the hashes of what searches look up: the contact, the email, the
	// sms, the message and the viber number (see SearchKey); 0 where there is none.
	Keys [5]uint64
}
