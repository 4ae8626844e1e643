package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"tidings"
)

// AppendCall adds a call to the log and gives its id. Of the bodies of request
// and reply the first MaxLoggedBody bytes are kept. Secrets are masked by the
// caller: nothing here is sealed. When the call's contact is gone, because it
// was deleted meanwhile, what stays of the call is what stays of the earlier ones.
func (s *Store) AppendCall(ctx context.Context, c *tidings.Call) (tidings.CallID, error) {
	detail, err := s.packCall(c)
	if err != nil {
		return 0, err
	}
	var id tidings.CallID
	err = s.commit(ctx, func(tx *writeTx) (err error) {
		id, err = s.insertCall(tx, c, detail)
		return err
	})
	return id, err
}

// insertCall writes a call whose detail was packed before the transaction, so
// that nobody waits for the packing.
func (s *Store) insertCall(tx *writeTx, c *tidings.Call, detail []byte) (id tidings.CallID, err error) {
	status := 0
	if n := len(c.Tries); n > 0 {
		status = c.Tries[n-1].Status
	}
	err = tx.row(`
		INSERT INTO call (account, at, webhook, contact, event, outcome, status, test, duration, call_key, name, error, detail)
		SELECT $1, $2, $3, CAST($4 AS BIGINT), $5, $6, $7, $8, $9, $10, $11, $12, $13
		WHERE $4 = 0 OR EXISTS (SELECT 1 FROM contact WHERE id = $4 AND account = $1) RETURNING id`,
		c.Account, millis(c.At), c.Webhook, c.Contact, c.Event, c.Outcome, status, flag(c.Test), c.Duration.Microseconds(),
		c.Key, c.Name, c.Error, detail).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	kept := erasedCall(c)
	if detail, err = s.packCall(&kept); err != nil {
		return 0, err
	}
	return s.insertCall(tx, &kept, detail)
}

// Call gives a call of an account; CodeNotFound when the log has none of the id.
func (s *Store) Call(ctx context.Context, account tidings.AccountID, id tidings.CallID) (tidings.Call, error) {
	c, err := s.scanCall(s.row(ctx, selectCall+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Call{}, orNotFound(err, "call", int64(id))
	}
	return c, nil
}

// Calls gives the calls that a query chooses, newest first, and the place after
// which the next page begins; nil when there is none.
func (s *Store) Calls(ctx context.Context, q tidings.CallQuery) ([]tidings.Call, *tidings.CallCursor, error) {
	query, args := callQuery(q)
	rows, err := s.rows(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var calls []tidings.Call
	for rows.Next() {
		if len(calls) == q.Limit {
			last := &calls[len(calls)-1]
			return calls, &tidings.CallCursor{At: last.At, ID: last.ID}, nil
		}
		c, err := s.scanCall(rows)
		if err != nil {
			return nil, nil, readError(err)
		}
		calls = append(calls, c)
	}
	return calls, nil, readError(rows.Err())
}

// callQuery writes a query as SQL. There are few forms of it, so that few
// statements are prepared: what is absent is a bound that all are within.
func callQuery(q tidings.CallQuery) (string, []any) {
	to, before, id := int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64)
	if !q.To.IsZero() {
		to = millis(q.To)
	}
	if q.Before.ID != 0 {
		before, id = millis(q.Before.At), int64(q.Before.ID)
		to = min(to, before+1) // the index is entered there
	}
	low, high := q.Status.Low, q.Status.High
	if low == 0 && high == 0 {
		high = math.MaxInt32
	}
	account := `account`
	if q.Webhook != 0 || q.Contact != 0 {
		account = `+account` // no index by it: that of the webhook or contact has fewer
	}
	query := selectCall + ` WHERE ` + account + ` = $1 AND at >= $2 AND at < $3 AND (at, id) < ($4, $5) AND status BETWEEN $6 AND $7`
	args := []any{q.Account, millis(q.From), to, before, id, low, high, q.Limit + 1}
	if q.Webhook != 0 {
		query += ` AND webhook > 0 AND webhook = $9`
		args = append(args, q.Webhook)
	}
	if q.Contact != 0 {
		query += fmt.Sprintf(` AND contact > 0 AND contact = $%d`, len(args)+1)
		args = append(args, q.Contact)
	}
	if q.Status.OK {
		query += ` AND outcome = 'ok'`
	}
	if q.Status.Failed {
		query += ` AND outcome <> 'ok'`
	}
	return query + ` ORDER BY at DESC, id DESC LIMIT $8`, args
}

// purgeCallsStep is how many calls one step of a purge takes, so that it holds
// the other writes up for some milliseconds only.
const purgeCallsStep = 200

// PurgeCalls removes the calls that began before a time, and gives their number.
func (s *Store) PurgeCalls(ctx context.Context, before time.Time) (purged int, err error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for {
		var account tidings.AccountID
		err := s.row(ctx, `SELECT a.id FROM account a WHERE EXISTS (SELECT 1 FROM call c WHERE c.account = a.id AND c.at < $1) LIMIT 1`,
			millis(before)).Scan(&account)
		if errors.Is(err, sql.ErrNoRows) {
			return purged, nil
		}
		if err != nil {
			return purged, readError(err)
		}
		n, err := s.purgeCallsOf(ctx, account, before)
		purged += n
		if err != nil {
			return purged, err
		}
	}
}

func (s *Store) purgeCallsOf(ctx context.Context, account tidings.AccountID, before time.Time) (purged int, err error) {
	for {
		var n int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			n, err = tx.exec(`DELETE FROM call WHERE id IN (SELECT id FROM call WHERE account = $1 AND at < $2 ORDER BY at, id LIMIT $3)`,
				account, millis(before), purgeCallsStep)
			return err
		})
		purged += int(n)
		if err != nil || n < purgeCallsStep {
			return purged, err
		}
	}
}

const selectCall = `SELECT id, account, at, webhook, contact, event, outcome, test, duration, call_key, name, error, detail FROM call`

func (s *Store) scanCall(row scanner) (tidings.Call, error) {
	var c tidings.Call
	var at, duration int64
	var detail []byte
	err := row.Scan(&c.ID, &c.Account, &at, &c.Webhook, &c.Contact, &c.Event, &c.Outcome, &c.Test, &duration, &c.Key, &c.Name, &c.Error, &detail)
	if err != nil {
		return tidings.Call{}, err
	}
	c.At, c.Duration = fromMillis(at), time.Duration(duration)*time.Microsecond
	return c, s.unpackCall(detail, &c)
}
