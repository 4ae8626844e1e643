package tidings

import "time"

// MaxLoggedBody is how many bytes of a call's request body, and of its reply's
// body, the log of calls keeps.
const MaxLoggedBody = 64 << 10

// CallQuery chooses calls of the log, newest first. Zero fields choose all.
type CallQuery struct {
	Account AccountID
	Webhook WebhookID
	Contact ContactID
	Status  CallStatus
	From    time.Time  // calls that began then or later
	To      time.Time  // calls that began before
	Before  CallCursor // the page after this place
	Limit   int        // 1 or more
}

// CallStatus chooses calls by how they ended. The zero value takes all; a call
// is taken that is within all of what is set.
type CallStatus struct {
	OK     bool // those that ended well
	Failed bool // those that did not
	Low    int  // of the HTTP status of the last try, from Low to High; 0 = any
	High   int
}

// CallCursor is a place in the log of calls.
type CallCursor struct {
	At time.Time
	ID CallID
}
