package store

import (
	"context"
	"slices"
	"time"

	"tidings"
)

// tallyStep is how many tallies one write stores, so that it holds the others
// up for some milliseconds only.
const tallyStep = 250

// AddTallies stores tallies of whole minutes that one process counted. writer
// tells it from all others and is 1 or more. What is stored of a minute and subject
// stays: the same tallies may be given again when it is not known whether they
// were stored, and count once.
func (s *Store) AddTallies(ctx context.Context, writer int64, list []tidings.Tally) error {
	for some := range slices.Chunk(list, tallyStep) {
		err := s.commit(ctx, func(tx *writeTx) error {
			for i := range some {
				t := &some[i]
				if err := tx.queue(insertTally+` ON CONFLICT (account, kind, subject, at, writer) DO NOTHING`,
					t.Account, t.Kind, t.Subject, millis(t.At), writer, t.Done, t.Failed, t.Took.Encode()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const insertTally = `INSERT INTO tally (account, kind, subject, at, writer, done, failed, took) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// lastText comes after every subject.
const lastText = "\U0010FFFF"

// Tallies gives what a query asks for, by subject and time: one tally for each
// step of a subject in which anything was counted. more says that there are
// subjects after the last one.
func (s *Store) Tallies(ctx context.Context, q tidings.TallyQuery) (list []tidings.Tally, more bool, err error) {
	low, high := q.Prefix, q.Prefix+lastText
	if q.Subject != "" {
		low, high = q.Subject, q.Subject
	}
	writer := q.Writer
	if writer == 0 {
		writer = -1 // nobody: 0 is that of hours
	}
	query := `SELECT subject, at, done, failed, took FROM tally WHERE account = $1 AND kind = $2 AND subject >= $3 AND subject <= $4
		AND at >= $5 AND at < $6 AND NOT (writer = $7 AND at >= $8)`
	if q.Step == time.Minute {
		query += ` AND writer <> 0`
	}
	rows, err := s.rows(ctx, query+` ORDER BY subject, at`, q.Account, q.Kind, max(low, q.After), high, millis(q.From), millis(q.To), writer, millis(q.Since))
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for subjects := 0; rows.Next(); {
		t, err := scanTally(rows)
		if err != nil {
			return nil, false, readError(err)
		}
		if !q.Wants(t.Subject) {
			continue // After itself
		}
		t.Account, t.Kind, t.At = q.Account, q.Kind, q.Begins(t.At)
		last := len(list) - 1
		switch {
		case last >= 0 && list[last].Subject == t.Subject && list[last].At.Equal(t.At):
			list[last].Add(&t)
			continue
		case last < 0 || list[last].Subject != t.Subject:
			if subjects++; subjects > q.Limit {
				return list, true, nil
			}
		}
		list = append(list, t)
	}
	return list, false, readError(rows.Err())
}

func scanTally(row scanner) (t tidings.Tally, err error) {
	var at int64
	var took []byte
	if err := row.Scan(&t.Subject, &at, &t.Done, &t.Failed, &took); err != nil {
		return t, err
	}
	t.At = fromMillis(at)
	t.Took, err = tidings.DecodeTook(took)
	return t, err
}

// AgeTallies makes hours of the minutes that are older than TallyMinutesKept,
// and drops hours that are older than TallyHoursKept. Of several nodes one does
// it at a time.
func (s *Store) AgeTallies(ctx context.Context, now time.Time) error {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return err
	}
	if err := s.mergeTallies(ctx, now.UTC().Add(-tidings.TallyMinutesKept).Truncate(time.Hour)); err != nil {
		return err
	}
	for {
		var gone int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			gone, err = tx.exec(`DELETE FROM tally WHERE (account, kind, subject, at, writer) IN (
				SELECT account, kind, subject, at, writer FROM tally WHERE writer = 0 AND at < $1 ORDER BY at LIMIT $2)`,
				millis(now.Add(-tidings.TallyHoursKept)), tallyStep)
			return err
		})
		if err != nil || gone < tallyStep {
			return err
		}
	}
}

// tallyOwner is whose tallies are merged.
type tallyOwner struct {
	account tidings.AccountID
	kind    tidings.TallyKind
	subject string
}

// mergeOwners is how many subjects one write merges an hour of.
const mergeOwners = 32

// mergeTallies makes hours of the minutes before an hour.
func (s *Store) mergeTallies(ctx context.Context, before time.Time) error {
	for {
		var first int64
		if err := s.row(ctx, `SELECT coalesce(min(at), 0) FROM tally WHERE writer <> 0`).Scan(&first); err != nil {
			return readError(err)
		}
		hour := fromMillis(first).Truncate(time.Hour)
		if first == 0 || !hour.Before(before) {
			return nil
		}
		rows, err := s.rows(ctx, `SELECT DISTINCT account, kind, subject FROM tally WHERE writer <> 0 AND at >= $1 AND at < $2 LIMIT $3`,
			millis(hour), millis(hour.Add(time.Hour)), mergeOwners)
		owners, err := gather(rows, err, func(row scanner) (o tallyOwner, err error) {
			return o, row.Scan(&o.account, &o.kind, &o.subject)
		})
		if err != nil {
			return err
		}
		if err := s.commit(ctx, func(tx *writeTx) error {
			for _, o := range owners {
				if err := mergeHour(tx, o, hour); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
}

// mergeHour puts one tally in place of those that a subject has of an hour.
func mergeHour(tx *writeTx, o tallyOwner, hour time.Time) error {
	const those = ` FROM tally WHERE account = $1 AND kind = $2 AND subject = $3 AND at >= $4 AND at < $5`
	args := []any{o.account, o.kind, o.subject, millis(hour), millis(hour.Add(time.Hour))}
	rows, err := tx.rows(`SELECT subject, at, done, failed, took`+those, args...)
	list, err := gather(rows, err, scanTally)
	if err != nil {
		return err
	}
	var sum tidings.Tally
	for i := range list {
		sum.Add(&list[i])
	}
	if _, err := tx.exec(`DELETE`+those, args...); err != nil {
		return err
	}
	_, err = tx.exec(insertTally, o.account, o.kind, o.subject, millis(hour), 0, sum.Done, sum.Failed, sum.Took.Encode())
	return err
}
