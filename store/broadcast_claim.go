package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tidings"
)

// ClaimBroadcasts takes at most limit (1 or more) broadcasts in hand whose time
// has come: for as long as hold (1 ms or more) nobody else gets them. Each claim
// raises Fence, and they are running then. next is as of ClaimRuns.
func (s *Store) ClaimBroadcasts(ctx context.Context, limit int, hold time.Duration) (list []tidings.Broadcast, next time.Time, err error) {
	const nextBroadcast = `SELECT wake FROM broadcast WHERE wake > 0 ORDER BY wake LIMIT 1`
	next, err = wakeOf(s.row(ctx, nextBroadcast))
	if err != nil || next.IsZero() || next.After(s.now()) {
		return nil, next, err
	}
	err = s.commit(ctx, func(tx *writeTx) (err error) {
		if list, err = claimBroadcasts(tx, limit, hold); err != nil {
			return err
		}
		next, err = wakeOf(tx.row(nextBroadcast))
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return list, next, nil
}

func claimBroadcasts(tx *writeTx, limit int, hold time.Duration) ([]tidings.Broadcast, error) {
	rows, err := tx.rows(`UPDATE broadcast SET state = 'running', fence = fence + 1, wake = $3
		WHERE id IN (SELECT id FROM broadcast WHERE wake > 0 AND wake <= $1 ORDER BY wake LIMIT $2)
			AND wake > 0 AND +wake <= $1 RETURNING `+broadcastColumns, millis(tx.now), limit, millis(tx.now.Add(hold)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []tidings.Broadcast
	for rows.Next() {
		var r broadcastRow
		if err := r.read(rows); err != nil {
			return nil, err
		}
		list = append(list, r.Broadcast)
	}
	return list, rows.Err()
}

// CommitBroadcast stores what a claim has made of a page of the segment: its
// mails, how far it has come and when it goes on, in one commit, so that no
// contact gets two; contacts that were deleted meanwhile are skipped. CodeFenced, and nothing is stored, when the broadcast is
// another claimant's, or was paused or canceled meanwhile.
func (s *Store) CommitBroadcast(ctx context.Context, p tidings.BroadcastPage) error {
	bodies := make([][]byte, len(p.Mails))
	for i := range p.Mails {
		bodies[i] = s.packBodies(&p.Mails[i])
	}
	return s.commit(ctx, func(tx *writeTx) error {
		state, ended, due := tidings.BroadcastRunning, int64(0), p.Due
		if due.IsZero() {
			due = tx.now
		}
		if p.Done {
			state, ended, due = tidings.BroadcastDone, millis(tx.now), time.Time{}
		}
		var account tidings.AccountID
		err := tx.row(`UPDATE broadcast SET state = $3, after_contact = $4, total = CASE WHEN $11 = 1 THEN $5 ELSE total END, queued = queued + $6, open = open + $6, skipped = skipped + $7,
				wake = $8, ended = $9, updated = $10
			WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING account`,
			p.ID, p.Fence, state, p.After, p.Total, len(p.Mails), p.Skipped, millis(due), ended, millis(tx.now), flag(p.Total > 0)).Scan(&account)
		if errors.Is(err, sql.ErrNoRows) {
			return tidings.Errorf(tidings.CodeFenced, "broadcast %d is not as it was claimed: it is in other hands, or was paused or canceled", p.ID)
		}
		if err != nil {
			return err
		}
		gone := 0
		for i := range p.Mails {
			m := p.Mails[i]
			m.Account, m.Broadcast = account, p.ID
			_, err := s.insertMail(tx, &m, bodies[i])
			if tidings.CodeOf(err) == tidings.CodeNotFound {
				gone++
				continue
			}
			if err != nil {
				return err
			}
		}
		if gone == 0 {
			return nil
		}
		return tx.queue(`UPDATE broadcast SET queued = queued - $2, open = open - $2, skipped = skipped + $2 WHERE id = $1`, p.ID, gone)
	})
}
