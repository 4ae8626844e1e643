package tidings

import "time"

// MessageID identifies a message. It is given by the store, from 1; it is the
// messageId of activities.
type MessageID int64

// Limits of messages.
const (
	MaxSubject     = 1000      // bytes of the template
	MaxMessageHTML = 512 << 10 // bytes of the template
	MaxMessageText = 256 << 10 // bytes of the template
	MaxMailBytes   = 2 << 20   // of the rendered html, and of the rendered text
	MaxVariants    = 50        // languages of a message
	MaxMessageTags = 255       // bytes of the tag
)

// Message is a template for one channel: an email.
type Message struct {
	ID      MessageID
	Account AccountID
	Name    string // 1 to MaxNameLength characters; the messageName of activities
	Tag     string // several are joined by commas
	From    Mailbox
	ReplyTo string // an address; "" = From
	// Categories are the subscription categories that the message belongs to: it goes to
	// contacts only who take one of them. None: it goes to everybody who is not black-listed.
	Categories []string
	Content    Content            // where no variant fits
	Variants   map[string]Content // by language tag, as uk or pt-BR
	Version    int64              // counts the changes; given by the store
	CreatedAt  time.Time
	UpdatedAt  time.Time
	DeletedAt  time.Time // zero while it is live
}

// Mailbox is a name and an address.
type Mailbox struct {
	Name    string // a template; "" = none
	Address string
}

// Content is what a message says; all three are Velocity templates.
type Content struct {
	Subject string
	HTML    string // "" = a message of text only
	Text    string // "" = made of HTML
}

// BroadcastID identifies a broadcast. It is given by the store, from 1; it is
// the broadcastId of activities.
type BroadcastID int64

// BroadcastState is how a broadcast stands.
type BroadcastState string

// The states.
const (
	BroadcastScheduled BroadcastState = "scheduled"
	BroadcastRunning   BroadcastState = "running"
	BroadcastPaused    BroadcastState = "paused"
	BroadcastDone      BroadcastState = "done"     // all mails are queued; see Queued, Sent, Failed
	BroadcastCanceled  BroadcastState = "canceled" // what was queued and not sent is dropped
)

// Broadcast is a message sent to a segment.
type Broadcast struct {
	ID        BroadcastID
	Account   AccountID
	Name      string
	Message   MessageID
	Segment   SegmentID
	At        time.Time // when it begins
	PerMinute int       // mails at most; 0 = as fast as it goes
	State     BroadcastState
	After     ContactID // up to whom mails were made
	Fence     int64
	Total     int64 // contacts in the segment when it began; 0 before
	Queued    int64 // mails made
	Skipped   int64 // contacts without an address, black-listed, unsubscribed, or whose mail could not be rendered
	Sent      int64 // mails taken by the SMTP server
	Failed    int64 // mails refused for good
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	EndedAt   time.Time
}

// BroadcastPage is a stretch of a broadcast: the mails to the contacts up to After.
// It is one transaction of the store, so that a contact has one mail at most.
type BroadcastPage struct {
	ID      BroadcastID
	Fence   int64     // of the claim
	After   ContactID // becomes the broadcast's
	Mails   []Mail
	Skipped int64     // more than before
	Total   int64     // of the segment; 0 = as it is
	Done    bool      // there is no further page
	Due     time.Time // of the next page
}
