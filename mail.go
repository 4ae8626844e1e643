package tidings

import "time"

// MailID identifies a mail. It is given by the store, from 1; it is the
// messageInstanceId of activities.
type MailID int64

// MailState is how a mail stands.
type MailState string

// The states.
const (
	MailQueued  MailState = "queued"  // to be sent when it is due
	MailSent    MailState = "sent"    // the SMTP server took it, or the outbox did
	MailFailed  MailState = "failed"  // refused for good, or given up
	MailDropped MailState = "dropped" // its broadcast was canceled, or its contact deleted, before it was sent
)

// Mail is one message to one contact, rendered. Links are not tracked in it yet: that is
// done when it is sent or shown, because the tokens carry the mail's id.
type Mail struct {
	ID       MailID
	Account  AccountID
	IID      string    // a UUID, the iid of its activities
	Message  MessageID // 0 = a test of one that was not saved
	Name     string    // of the message; "" for a test
	Tag      string
	Language string // messageLanguageCode; "" = no variant
	Contact  ContactID
	External string // the contact's externalCustomerId
	To       string // the address

	Broadcast BroadcastID // 0 = none
	Workflow  WorkflowID  // 0 = none
	Block     BlockID
	Instance  string // workflowInstanceId
	Event     EventID
	EventKey  string // sourceEventKey
	EventType string // sourceEventTypeKey
	Test      bool

	From       Mailbox // rendered
	ReplyTo    string
	Categories []string
	Subject    string
	HTML       string
	Text       string

	State     MailState
	Due       time.Time
	Tries     int // sendings that were tried
	Fence     int64
	LastError string // what the server said, or what went wrong
	CreatedAt time.Time
	SentAt    time.Time
	OpenedAt  time.Time // first open that counts
}

// MailOutcome is what became of a sending, or what is heard of a mail later.
// It is one transaction of the store with the activities that come of it.
type MailOutcome struct {
	Mail  MailID
	Fence int64 // of the claim; 0 = heard later (a bounce), whoever has claimed it
	At    time.Time
	State MailState
	Due   time.Time // with MailQueued: the next try
	Error string    // for people and for the statusDescription of UNDELIVERED: smtp;554 5.7.1 …
	// Permanent says that the address is dead: it is black-listed.
	Permanent bool
}

// HitKind is what somebody did with a mail.
type HitKind string

// The kinds of hits.
const (
	HitOpen        HitKind = "open"        // READ, the first time
	HitClick       HitKind = "click"       // CLICKED, every time
	HitUnsubscribe HitKind = "unsubscribe" // UNSUBSCRIBED, the first time; the categories of the mail are taken off, all of them when it has none
	HitPreferences HitKind = "preferences" // the contact's categories become Categories; SUBSCRIPTION_CHANGED
	HitComplaint   HitKind = "complaint"   // SPAM, the first time; black-listed
)

// Hit is one such act. It is one transaction of the store with its activities.
type Hit struct {
	Mail       MailID
	Kind       HitKind
	At         time.Time
	URL        string   // of a click: the link as the message has it
	Machine    bool     // a scanner or a proxy that loads everything did it: noted, no activity unless the account counts those
	Categories []string // of HitPreferences
}

// MailQuery chooses mails, newest first. Zero fields choose all.
type MailQuery struct {
	Account   AccountID
	Contact   ContactID
	Message   MessageID
	Broadcast BroadcastID
	Workflow  WorkflowID
	State     MailState
	From      time.Time // mails that were made then or later
	To        time.Time // mails that were made before
	Before    MailID    // the page after this one
	Limit     int       // 1 or more
}

// MailSettings are an account's.
type MailSettings struct {
	// CountMachineOpens makes READ and CLICKED also of what scanners and privacy proxies open.
	CountMachineOpens bool
	// From is used where a message has none.
	From Mailbox
	// Categories are the subscription categories that the preference page offers, with their names for people.
	Categories []Category
	Version    int64
}

// Category is a subscription category.
type Category struct {
	Key  string // 1 to MaxCategory characters
	Name string // for people; "" = the key
}

// SourceID identifies a source. It is given by the store, from 1.
type SourceID int64

// Source takes the event webhooks of another sender (SendGrid, Amazon SES, …) as activities.
type Source struct {
	ID        SourceID
	Account   AccountID
	Name      string // 1 to MaxNameLength characters
	Kind      string // see package source
	Secret    string // what its signatures are verified by; sealed at rest, never shown
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	LastAt    time.Time // of the newest event that was taken
}

// SourceEvent is an event of a source on its way into the feed.
type SourceEvent struct {
	ID string // at the sender: what has come under it before is not taken again
	// Whose it is: the first of these that finds a contact says so, and when none
	// does a contact is made of them.
	Contact            ContactID
	ExternalCustomerID string
	Email              string
	SMS                string
	// Activity makes the activity when its contact is known. It is called within the
	// store's transaction, and must be quick.
	Activity func(ContactID) (Activity, error)
}

// CheckCategory says what is wrong with the key of a subscription category, or "".
func CheckCategory(key string) string { return checkShort(key, MaxCategory) }
