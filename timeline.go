package tidings

import "time"

// TimelineEntry is one thing that happened to a contact: exactly one of its
// parts is set.
type TimelineEntry struct {
	At       time.Time
	Event    *Event
	Activity *Found
	Call     *Call // without its request, tries and reply
	Run      *Run  // as it stands, at the time of its start, without its replies
	Mail     *Mail // as it stands, at the time of its making, without its bodies
}

// TimelineCursor says up to where a timeline was read, kind by kind. The zero
// value stands before its newest entries.
type TimelineCursor struct {
	Event    EventID // the oldest that was read; 0 = none
	Activity Seq
	Call     CallCursor
	Run      RunID
	Mail     MailID
}

// TimelinePage is a run of a contact's timeline, newest first.
type TimelinePage struct {
	Entries []TimelineEntry
	// Next goes on after the last entry; nil when there are no more. A page
	// may be short, even empty, and have a Next: then much of the feed was
	// looked through.
	Next *TimelineCursor
}
