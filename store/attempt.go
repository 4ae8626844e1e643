package store

import (
	"context"
	"math"
	"time"

	"tidings"
)

// AttemptsKept is how many attempts of an endpoint are kept, the newest.
const AttemptsKept = 200

// Attempts gives an endpoint's attempts, newest first: at most limit (1 or
// more) of those before a number; 0 = from the newest. next is the number to
// give as before for the next page, 0 when there is none. An endpoint that was
// deleted still shows its attempts; CodeNotFound when the account never had it.
func (s *Store) Attempts(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, before int64, limit int) (attempts []tidings.Attempt, next int64, err error) {
	var one int
	if err := s.row(ctx, `SELECT 1 FROM endpoint WHERE id = $1 AND account = $2`, id, account).Scan(&one); err != nil {
		return nil, 0, orNotFound(err, "endpoint", int64(id))
	}
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.rows(ctx, `
		SELECT number, try, batch, first, last, activities, bytes, digest, at, duration, status, delivered,
			outcome, error, answer, next_try
		FROM attempt WHERE endpoint = $1 AND number < $2 ORDER BY number DESC LIMIT $3`, id, before, limit+1)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var number int64
	for rows.Next() {
		if len(attempts) == limit {
			return attempts, number, nil
		}
		a := tidings.Attempt{Endpoint: id}
		var at, duration, nextTry int64
		err := rows.Scan(&number, &a.Number, &a.Batch, &a.First, &a.Last, &a.Activities, &a.Bytes, &a.Digest, &at, &duration,
			&a.Status, &a.Delivered, &a.Outcome, &a.Error, &a.Answer, &nextTry)
		if err != nil {
			return nil, 0, readError(err)
		}
		a.At, a.NextTry = fromMillis(at), fromMillis(nextTry)
		a.Duration = time.Duration(duration) * time.Microsecond
		attempts = append(attempts, a)
	}
	return attempts, 0, readError(rows.Err())
}

// writeAttempt puts an attempt into its endpoint's ring, in place of the one
// AttemptsKept before it. Its running number is the endpoint's count of
// attempts less those that are still to be written, so the count comes first.
// Where the endpoint is gone altogether, nothing is written.
func writeAttempt(tx *writeTx, id tidings.EndpointID, a *tidings.Attempt, left int) error {
	_, err := tx.exec(`
		INSERT INTO attempt (endpoint, slot, number, try, batch, first, last, activities, bytes, digest, at, duration,
			status, delivered, outcome, error, answer, next_try)
		SELECT $1, (tried - $2) % $3, tried - $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
		FROM position WHERE endpoint = $1
		ON CONFLICT (endpoint, slot) DO UPDATE SET number = excluded.number, try = excluded.try,
			batch = excluded.batch, first = excluded.first, last = excluded.last, activities = excluded.activities,
			bytes = excluded.bytes, digest = excluded.digest, at = excluded.at, duration = excluded.duration,
			status = excluded.status, delivered = excluded.delivered, outcome = excluded.outcome,
			error = excluded.error, answer = excluded.answer, next_try = excluded.next_try`,
		id, left, AttemptsKept, a.Number, a.Batch, a.First, a.Last, a.Activities, a.Bytes, a.Digest, millis(a.At), a.Duration.Microseconds(),
		a.Status, a.Delivered, a.Outcome, a.Error, a.Answer, millis(a.NextTry))
	return err
}
