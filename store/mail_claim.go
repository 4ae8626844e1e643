package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"tidings"
)

// Mails wait in lanes: one for each broadcast, and lane 0 for all others. A
// claim goes through the lanes that may be sent from, so that a broadcast that
// is paused costs nothing, however many mails it has.
const (
	openLanes = `SELECT id FROM broadcast WHERE open > 0 AND state <> 'paused' AND state <> 'canceled' ORDER BY id`
	// claimMails is as claimRuns.
	claimMails = `UPDATE mail SET wake = $4, tries = tries + 1, fence = fence + 1
		WHERE id IN (SELECT id FROM mail WHERE state = 'queued' AND broadcast = $1 AND wake <= $2 ORDER BY wake LIMIT $3)
			AND state = 'queued' AND +wake <= $2 RETURNING ` + mailColumns
	nextMail      = `SELECT wake FROM mail WHERE state = 'queued' AND broadcast = $1 ORDER BY wake LIMIT 1`
	claimedBodies = `SELECT b.mail, b.body FROM mail m JOIN mail_body b ON b.mail = m.id WHERE m.state = 'queued' AND m.broadcast = $1 AND m.wake = $2`
)

// ClaimMails takes at most limit (1 or more) mails in hand that are due, with
// their bodies: for as long as hold (1 ms or more) nobody else gets them. Each
// claim raises Tries and Fence. Mails of no broadcast come first, but a quarter
// of the limit is kept for broadcasts; those that are paused or canceled are
// left. next is as of ClaimRuns. When nothing is due, nothing is written.
func (s *Store) ClaimMails(ctx context.Context, limit int, hold time.Duration) (mails []tidings.Mail, next time.Time, err error) {
	r := reader{s, ctx}
	lanes, err := scanLanes(r.rows(openLanes))
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err = nextOfLanes(r, lanes)
	if err != nil || next.IsZero() || next.After(s.now()) {
		return nil, next, err
	}
	c := mailClaim{s: s, limit: limit, hold: hold}
	if err := s.commit(ctx, c.run); err != nil {
		return nil, time.Time{}, err
	}
	for i := range c.mails {
		if err := s.unpackBodies(c.bodies[c.mails[i].ID], &c.mails[i]); err != nil {
			return nil, time.Time{}, err
		}
	}
	return c.mails, c.next, nil
}

// mailClaim is one ClaimMails and what it found.
type mailClaim struct {
	s      *Store
	limit  int
	hold   time.Duration
	mails  []tidings.Mail
	bodies map[tidings.MailID][]byte
	next   time.Time
}

func (c *mailClaim) run(tx *writeTx) error {
	c.mails, c.bodies, c.next = nil, make(map[tidings.MailID][]byte), time.Time{}
	lanes, err := scanLanes(tx.rows(openLanes))
	if err != nil {
		return err
	}
	first := c.limit
	if len(lanes) > 1 {
		first -= c.limit / 4
	}
	for i, lane := range lanes {
		// What a lane leaves of its share is for those after it.
		share := first
		if i > 0 {
			share = max(1, (c.limit-len(c.mails))/(len(lanes)-i))
		}
		if err := c.take(tx, lane, min(share, c.limit-len(c.mails))); err != nil {
			return err
		}
	}
	c.next, err = nextOfLanes(tx, lanes)
	return err
}

// take claims at most n mails of a lane, the longest due first.
func (c *mailClaim) take(tx *writeTx, lane tidings.BroadcastID, n int) error {
	if n <= 0 {
		return nil
	}
	until := millis(tx.now.Add(c.hold))
	rows, err := tx.rows(claimMails, lane, millis(tx.now), n, until)
	if err != nil {
		return err
	}
	mails, err := scanMails(rows)
	if err != nil || len(mails) == 0 {
		return err
	}
	slices.SortFunc(mails, func(a, b tidings.Mail) int {
		if by := a.Due.Compare(b.Due); by != 0 {
			return by
		}
		return int(a.ID - b.ID)
	})
	c.mails = append(c.mails, mails...)
	return c.readBodies(tx, lane, until)
}

func (c *mailClaim) readBodies(tx *writeTx, lane tidings.BroadcastID, until int64) error {
	rows, err := tx.rows(claimedBodies, lane, until)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id tidings.MailID
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		c.bodies[id] = body
	}
	return rows.Err()
}

// scanLanes reads the broadcasts that may be sent from, after lane 0.
func scanLanes(rows *sql.Rows, err error) ([]tidings.BroadcastID, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	lanes := []tidings.BroadcastID{0}
	for rows.Next() {
		var id tidings.BroadcastID
		if err := rows.Scan(&id); err != nil {
			return nil, readError(err)
		}
		lanes = append(lanes, id)
	}
	return lanes, readError(rows.Err())
}

// nextOfLanes gives when the earliest mail of some lanes can be claimed.
func nextOfLanes(q querier, lanes []tidings.BroadcastID) (next time.Time, err error) {
	for _, lane := range lanes {
		wake, err := wakeOf(q.row(nextMail, lane))
		if err != nil {
			return time.Time{}, err
		}
		if !wake.IsZero() && (next.IsZero() || wake.Before(next)) {
			next = wake
		}
	}
	return next, nil
}
