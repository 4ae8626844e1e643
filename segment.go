package tidings

import "time"

// SegmentID identifies a segment. It is given by the store, from 1.
type SegmentID int64

// Segment is a set of an account's contacts: a list that contacts are put on,
// or all those of whom a condition holds.
type Segment struct {
	ID        SegmentID
	Account   AccountID
	Name      string     // 1 to MaxNameLength characters
	Condition *Condition // nil = a list
	Version   int64      // counts the changes of name and condition; given by the store
	CreatedAt time.Time
	UpdatedAt time.Time
}

// IsList says whether contacts are put on the segment one by one.
func (s *Segment) IsList() bool { return s.Condition == nil }

// MemberPage is a run of a segment's contacts, in the order of their ids.
type MemberPage struct {
	Contacts []Contact
	// Next is to be given as after for the next page, 0 when there is none. A
	// page may be short, even empty, and have a Next: then many contacts were looked through.
	Next ContactID
}

// Limits of segments.
const (
	MaxSegments      = 1000 // of an account
	MaxMembersAtOnce = 500  // put on a list, or taken off it, by one request
)
