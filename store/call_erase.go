package store

import (
	"net/url"

	"tidings"
)

// eraseCallsStep is how many calls one transaction erases: each may have large
// bodies, and other writes wait meanwhile.
const eraseCallsStep = 50

// erasedError is the error of a failed call whose contact was deleted: the
// words of the real one may repeat what was sent.
const erasedError = "what was sent and what came back went with the deleted contact"

// eraseCalls makes at most eraseCallsStep calls with a contact's data nobody's,
// and gives their number. How they ended, when and at which host stays; what
// was sent and what came back goes.
func (s *Store) eraseCalls(tx *writeTx, account tidings.AccountID, contact tidings.ContactID) (int, error) {
	rows, err := tx.rows(selectCall+` WHERE contact > 0 AND contact = $1 AND +account = $2 LIMIT $3`, contact, account, eraseCallsStep)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var calls []tidings.Call
	for rows.Next() {
		// A record that can't be read any more is erased all the same.
		c, err := s.scanCall(rows)
		if err != nil && c.ID == 0 {
			return 0, err
		}
		calls = append(calls, c)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for i := range calls {
		erased := erasedCall(&calls[i])
		detail, err := s.packCall(&erased)
		if err != nil {
			return 0, err
		}
		if _, err := tx.exec(`UPDATE call SET contact = 0, error = $2, detail = $3 WHERE id = $1`, erased.ID, erased.Error, detail); err != nil {
			return 0, err
		}
	}
	return len(calls), nil
}

// erasedCall is what stays of a call.
func erasedCall(c *tidings.Call) tidings.Call {
	kept := *c
	kept.Contact = 0
	kept.Request = tidings.SentRequest{Method: c.Request.Method}
	if u, err := url.Parse(c.Request.URL); err == nil && u.Host != "" {
		kept.Request.URL = u.Scheme + "://" + u.Host
	}
	if kept.Error != "" {
		kept.Error = erasedError
	}
	kept.Tries = nil
	for _, try := range c.Tries {
		if try.Error != "" {
			try.Error = erasedError
		}
		kept.Tries = append(kept.Tries, try)
	}
	if c.Reply != nil {
		kept.Reply = &tidings.Reply{Status: c.Reply.Status, Format: c.Reply.Format, Truncated: true}
	}
	return kept
}
