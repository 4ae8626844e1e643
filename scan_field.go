package tidings

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// field is a field of the wire object.
type field uint8

const (
	fieldNone field = iota
	fieldActivityDateTime
	fieldActivityStatus
	fieldBroadcastID
	fieldClickEventLink
	fieldContactID
	fieldEmail
	fieldExternalCustomerID
	fieldFrom
	fieldHardBounce
	fieldIID
	fieldMediaType
	fieldMessageID
	fieldMessageInstanceID
	fieldMessageLanguageCode
	fieldMessageName
	fieldMessageTag
	fieldMobilePush
	fieldOSName
	fieldOSType
	fieldSMS
	fieldSourceEventID
	fieldSourceEventKey
	fieldSourceEventTypeKey
	fieldStatusData
	fieldStatusDescription
	fieldViber
	fieldViewMessageLink
	fieldWebPush
	fieldWorkflowBlockID
	fieldWorkflowID
	fieldWorkflowInstanceID
	fieldCount
)

// bit is the field's place in a set of fields.
func (f field) bit() uint32 { return 1 << f }

// The sets of fields that have rules of their own.
const (
	requiredFields    = 1<<fieldContactID | 1<<fieldActivityStatus | 1<<fieldMediaType
	undeliveredFields = 1<<fieldHardBounce | 1<<fieldStatusDescription
)

// fieldNames gives the wire name of each field; that of fieldNone is "".
func fieldNames() [fieldCount]string {
	return [fieldCount]string{
		fieldActivityDateTime: "activityDateTime", fieldActivityStatus: "activityStatus",
		fieldBroadcastID: "broadcastId", fieldClickEventLink: "clickEventLink",
		fieldContactID: "contactId", fieldEmail: "email",
		fieldExternalCustomerID: "externalCustomerId", fieldFrom: "from",
		fieldHardBounce: "hardBounce", fieldIID: "iid",
		fieldMediaType: "mediaType", fieldMessageID: "messageId",
		fieldMessageInstanceID: "messageInstanceId", fieldMessageLanguageCode: "messageLanguageCode",
		fieldMessageName: "messageName", fieldMessageTag: "messageTag",
		fieldMobilePush: "mobilepush", fieldOSName: "osName",
		fieldOSType: "osType", fieldSMS: "sms",
		fieldSourceEventID: "sourceEventId", fieldSourceEventKey: "sourceEventKey",
		fieldSourceEventTypeKey: "sourceEventTypeKey", fieldStatusData: "statusData",
		fieldStatusDescription: "statusDescription", fieldViber: "viber",
		fieldViewMessageLink: "viewMessageLink", fieldWebPush: "webpush",
		fieldWorkflowBlockID: "workflowBlockId", fieldWorkflowID: "workflowId",
		fieldWorkflowInstanceID: "workflowInstanceId",
	}
}

// ActivityFields lists the names of the wire object's fields, by the alphabet.
func ActivityFields() []string {
	names := fieldNames()
	return slices.Sorted(slices.Values(names[fieldNone+1:]))
}

func (f field) String() string { return fieldNames()[f] }

// fieldOf finds a field by its wire name. It repeats the names of fieldNames
// because a switch on constants is several times as fast as a search.
func fieldOf(name []byte) field {
	switch string(name) {
	case "activityDateTime":
		return fieldActivityDateTime
	case "activityStatus":
		return fieldActivityStatus
	case "broadcastId":
		return fieldBroadcastID
	case "clickEventLink":
		return fieldClickEventLink
	case "contactId":
		return fieldContactID
	case "email":
		return fieldEmail
	case "externalCustomerId":
		return fieldExternalCustomerID
	case "from":
		return fieldFrom
	case "hardBounce":
		return fieldHardBounce
	case "iid":
		return fieldIID
	case "mediaType":
		return fieldMediaType
	case "messageId":
		return fieldMessageID
	case "messageInstanceId":
		return fieldMessageInstanceID
	case "messageLanguageCode":
		return fieldMessageLanguageCode
	case "messageName":
		return fieldMessageName
	case "messageTag":
		return fieldMessageTag
	case "mobilepush":
		return fieldMobilePush
	case "osName":
		return fieldOSName
	case "osType":
		return fieldOSType
	case "sms":
		return fieldSMS
	case "sourceEventId":
		return fieldSourceEventID
	case "sourceEventKey":
		return fieldSourceEventKey
	case "sourceEventTypeKey":
		return fieldSourceEventTypeKey
	case "statusData":
		return fieldStatusData
	case "statusDescription":
		return fieldStatusDescription
	case "viber":
		return fieldViber
	case "viewMessageLink":
		return fieldViewMessageLink
	case "webpush":
		return fieldWebPush
	case "workflowBlockId":
		return fieldWorkflowBlockID
	case "workflowId":
		return fieldWorkflowID
	case "workflowInstanceId":
		return fieldWorkflowInstanceID
	}
	return fieldNone
}

// statusOf finds a status by its wire name; 0 = there is none.
func statusOf(name []byte) Status {
	switch string(name) {
	case "DELIVERED":
		return Delivered
	case "UNDELIVERED":
		return Undelivered
	case "READ":
		return Read
	case "UNSUBSCRIBED":
		return Unsubscribed
	case "CLICKED":
		return Clicked
	case "SPAM":
		return Spam
	case "SUBSCRIPTION_CHANGED":
		return SubscriptionChanged
	case "SENT":
		return Sent
	}
	return 0
}

// mediaTypeOf finds a media type by its wire name; 0 = there is none.
func mediaTypeOf(name []byte) MediaType {
	switch string(name) {
	case "email":
		return Email
	case "sms":
		return SMS
	case "viber":
		return Viber
	case "mobilepush":
		return MobilePush
	case "webpush":
		return WebPush
	case "appinbox":
		return AppInbox
	case "widget":
		return Widget
	case "inapp":
		return InApp
	case "telegrambot":
		return TelegramBot
	}
	return 0
}

// maxTypos is how many letters a name may differ from a known one and still
// be taken for it by a suggestion.
const maxTypos = 2

// nearest gives the known name that a wrong one was meant to be, without
// regard to case and to maxTypos letters wrong, missing or too many; "" when
// there is none.
func nearest(wrong string, known []string) string {
	best, fewest := "", maxTypos+1
	for _, name := range known {
		if diff := len(name) - len(wrong); name == "" || diff > maxTypos || -diff > maxTypos {
			continue
		}
		n := typos(strings.ToLower(wrong), strings.ToLower(name))
		if n < fewest && n <= len(name)/2 {
			best, fewest = name, n
		}
	}
	return best
}

// typos is the Levenshtein distance of two strings, in bytes.
func typos(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// maxClip is how many bytes of a wrong value an error repeats.
const maxClip = 60

// clip makes text of the input fit for an error: valid UTF-8, and not long.
func clip(s string) string {
	if len(s) <= maxClip {
		return strings.ToValidUTF8(s, "�")
	}
	end := maxClip
	for end > maxClip-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.ToValidUTF8(s[:end], "�") + "…"
}
