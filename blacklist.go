package tidings

import "time"

// BlacklistEntry is an address that nothing may be sent to. It stays when the
// contact who has it is deleted.
type BlacklistEntry struct {
	ID        int64 // of the entry, from 1
	Account   AccountID
	Channel   Channel
	Reason    string // in words; at most MaxContactText characters
	CreatedAt time.Time
}
