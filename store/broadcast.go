package store

import (
	"context"
	"fmt"

	"tidings"
)

const broadcastColumns = `id, account, name, message, segment, at, per_minute, state, after_contact, fence, total, queued, skipped, sent, failed, open, version, created, updated, ended`

const selectBroadcast = `SELECT ` + broadcastColumns + ` FROM broadcast`

// broadcastRow is a row of broadcastColumns.
type broadcastRow struct {
	tidings.Broadcast
	open                        int64 // mails that are queued and not settled
	at, created, updated, ended int64
}

func (r *broadcastRow) into() []any {
	return []any{
		&r.ID, &r.Account, &r.Name, &r.Message, &r.Segment, &r.at, &r.PerMinute, &r.State, &r.After, &r.Fence,
		&r.Total, &r.Queued, &r.Skipped, &r.Sent, &r.Failed, &r.open, &r.Version, &r.created, &r.updated, &r.ended,
	}
}

// read reads the row and makes the broadcast whole.
func (r *broadcastRow) read(row scanner) error {
	err := row.Scan(r.into()...)
	r.At, r.CreatedAt, r.UpdatedAt, r.EndedAt = fromMillis(r.at), fromMillis(r.created), fromMillis(r.updated), fromMillis(r.ended)
	return err
}

// CreateBroadcast makes a broadcast of b.Account that begins when b.At has come
// (zero = now); the store gives ID, State, the counts, Version and the times.
// CodeNotFound when there is no such account.
func (s *Store) CreateBroadcast(ctx context.Context, b tidings.Broadcast, actor string) (tidings.Broadcast, error) {
	var r broadcastRow
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(b.Account); err != nil {
			return err
		}
		at := b.At
		if at.IsZero() {
			at = tx.now
		}
		r = broadcastRow{}
		tx.onCommit(s.broadcastsDue)
		err := r.read(tx.row(`INSERT INTO broadcast (account, name, message, segment, at, per_minute, state, wake, version, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, 'scheduled', $5, 1, $7, $7) RETURNING `+broadcastColumns,
			b.Account, b.Name, b.Message, b.Segment, millis(at), b.PerMinute, millis(tx.now)))
		if err != nil {
			return err
		}
		return auditBroadcast(tx, &r.Broadcast, actor, "broadcast.create", fmt.Sprintf("message %d to segment %d", b.Message, b.Segment))
	})
	if err != nil {
		return tidings.Broadcast{}, err
	}
	return r.Broadcast, nil
}

func auditBroadcast(tx *writeTx, b *tidings.Broadcast, actor, action, detail string) error {
	return auditThing(tx, tidings.AuditRecord{Account: b.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("broadcast %d %q", b.ID, b.Name)}, detail)
}

// Broadcast gives a broadcast of an account with its progress; CodeNotFound
// when the account has none of the id.
func (s *Store) Broadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID) (tidings.Broadcast, error) {
	var r broadcastRow
	if err := r.read(s.row(ctx, selectBroadcast+` WHERE account = $1 AND id = $2`, account, id)); err != nil {
		return tidings.Broadcast{}, orNotFound(err, "broadcast", int64(id))
	}
	return r.Broadcast, nil
}

// Broadcasts gives at most limit (1 or more) broadcasts of an account, newest
// first, those before one; 0 = from the newest.
func (s *Store) Broadcasts(ctx context.Context, account tidings.AccountID, before tidings.BroadcastID, limit int) ([]tidings.Broadcast, error) {
	rows, err := s.rows(ctx, selectBroadcast+` WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, account, orMax(int64(before)), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []tidings.Broadcast
	for rows.Next() {
		var r broadcastRow
		if err := r.read(rows); err != nil {
			return nil, readError(err)
		}
		list = append(list, r.Broadcast)
	}
	return list, readError(rows.Err())
}

// PauseBroadcast holds a broadcast back: no more mails are made, and those that
// are queued wait. CodeConflict when all of its mails are settled, or it is
// paused or canceled.
func (s *Store) PauseBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error) {
	return s.turnBroadcast(ctx, account, id, actor, func(tx *writeTx, r *broadcastRow) (string, int64, error) {
		if r.State == tidings.BroadcastPaused || r.over() {
			return "", 0, errBroadcastState(r)
		}
		r.State = tidings.BroadcastPaused
		return "broadcast.pause", 0, nil
	})
}

// ResumeBroadcast has a paused broadcast go on where it was; one whose time has
// not come yet is scheduled again. CodeConflict when it is not paused.
func (s *Store) ResumeBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error) {
	return s.turnBroadcast(ctx, account, id, actor, func(tx *writeTx, r *broadcastRow) (string, int64, error) {
		if r.State != tidings.BroadcastPaused {
			return "", 0, errBroadcastState(r)
		}
		wake := max(r.at, millis(tx.now))
		switch {
		case !r.EndedAt.IsZero():
			r.State, wake = tidings.BroadcastDone, 0
		case r.at > millis(tx.now):
			r.State = tidings.BroadcastScheduled
		default:
			r.State = tidings.BroadcastRunning
		}
		tx.onCommit(s.broadcastsDue)
		if r.open > 0 {
			tx.onCommit(s.mailsDue)
		}
		return "broadcast.resume", wake, nil
	})
}

// CancelBroadcast ends a broadcast: no more mails are made, and those that are
// queued are dropped, but for the few that are being sent at that moment.
// CodeConflict when all of its mails are settled or it was canceled. After
// another error some may be queued still; they are not sent.
func (s *Store) CancelBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error) {
	_, err := s.turnBroadcast(ctx, account, id, actor, func(tx *writeTx, r *broadcastRow) (string, int64, error) {
		if r.over() {
			return "", 0, errBroadcastState(r)
		}
		r.State = tidings.BroadcastCanceled
		if r.EndedAt.IsZero() {
			r.EndedAt = tx.now
		}
		return "broadcast.cancel", 0, nil
	})
	if err != nil {
		return tidings.Broadcast{}, err
	}
	if err := s.dropMails(ctx, id); err != nil {
		return tidings.Broadcast{}, err
	}
	return s.Broadcast(ctx, account, id)
}

// over says that nothing is left to be paused or canceled.
func (r *broadcastRow) over() bool {
	return r.State == tidings.BroadcastCanceled || r.State == tidings.BroadcastDone && r.open == 0
}

func errBroadcastState(r *broadcastRow) error {
	words := string(r.State)
	if r.State == tidings.BroadcastDone {
		words = "done"
		if r.open > 0 {
			words = "being sent"
		}
	}
	return tidings.Errorf(tidings.CodeConflict, "broadcast %d is %s: nothing was changed", r.ID, words)
}

// turnBroadcast changes a broadcast's state as turn says, which gives the act's
// name for the audit and when the broadcast can be claimed; 0 = not at all.
func (s *Store) turnBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string,
	turn func(tx *writeTx, r *broadcastRow) (action string, wake int64, err error),
) (tidings.Broadcast, error) {
	var r broadcastRow
	err := s.commit(ctx, func(tx *writeTx) error {
		r = broadcastRow{}
		if err := r.read(tx.row(selectBroadcast+` WHERE account = $1 AND id = $2`, account, id)); err != nil {
			return orNotFound(err, "broadcast", int64(id))
		}
		action, wake, err := turn(tx, &r)
		if err != nil {
			return err
		}
		// Whoever is making its mails now hears that it is another's.
		r.Fence++
		r.Version++
		r.UpdatedAt = tx.now
		_, err = tx.exec(`UPDATE broadcast SET state = $2, wake = $3, fence = $4, version = $5, updated = $6, ended = $7 WHERE id = $1`,
			id, r.State, wake, r.Fence, r.Version, millis(tx.now), millis(r.EndedAt))
		if err != nil {
			return err
		}
		return auditBroadcast(tx, &r.Broadcast, actor, action, "")
	})
	if err != nil {
		return tidings.Broadcast{}, err
	}
	return r.Broadcast, nil
}

// dropStepMails is how many mails one step of a cancellation drops.
const dropStepMails = 500

// dropMails drops the mails of a canceled broadcast that wait. Those that are
// claimed, of which wake is when the claim ends, are left to their claimant.
func (s *Store) dropMails(ctx context.Context, id tidings.BroadcastID) error {
	for {
		var n int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			n, err = tx.exec(`UPDATE mail SET state = 'dropped', wake = 0 WHERE id IN (
				SELECT id FROM mail WHERE state = 'queued' AND broadcast = $1 AND wake = due ORDER BY wake LIMIT $2)`, id, dropStepMails)
			if err != nil {
				return err
			}
			_, err = tx.exec(`UPDATE broadcast SET open = open - $2 WHERE id = $1`, id, n)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
