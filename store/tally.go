package store

import (
	"context"
	"fmt"
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
				if err := addTally(tx, writer, &some[i]); err != nil {
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

// addTally stores a minute and adds it to its hour, unless it is there already.
func addTally(tx *writeTx, writer int64, t *tidings.Tally) error {
	added, err := tx.exec(`INSERT INTO tally (account, kind, subject, at, writer, done, failed, took) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account, kind, subject, at, writer) DO NOTHING`,
		t.Account, t.Kind, t.Subject, millis(t.At), writer, t.Done, t.Failed, t.Took.Encode())
	if err != nil || added == 0 {
		return err
	}
	hour := millis(t.At.UTC().Truncate(time.Hour))
	// It also locks the hour's row, so that the times of several nodes are added one after another.
	if _, err := tx.exec(`INSERT INTO tally_hour (account, kind, subject, at, done, failed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, kind, subject, at) DO UPDATE SET done = tally_hour.done + excluded.done, failed = tally_hour.failed + excluded.failed`,
		t.Account, t.Kind, t.Subject, hour, t.Done, t.Failed); err != nil || t.Took.Count() == 0 {
		return err
	}
	const that = ` WHERE account = $1 AND kind = $2 AND subject = $3 AND at = $4`
	var before []byte
	if err := tx.row(`SELECT took FROM tally_hour`+that, t.Account, t.Kind, t.Subject, hour).Scan(&before); err != nil {
		return err
	}
	sum := t.Took.Clone()
	if err := sum.AddEncoded(before, 1); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE tally_hour SET took = $5`+that, t.Account, t.Kind, t.Subject, hour, sum.Encode())
	return err
}

// lastText comes after every subject.
const lastText = "\U0010FFFF"

// Tallies gives what a query asks for, by subject and time: one tally for each
// step of a subject in which anything was counted. more says that there are
// subjects after the last one.
func (s *Store) Tallies(ctx context.Context, q tidings.TallyQuery) (list []tidings.Tally, more bool, err error) {
	query, args := minuteTallies(&q)
	if q.Step == 0 || q.Step >= time.Hour {
		query, args = hourTallies(&q)
	}
	rows, err := s.rows(ctx, query+` ORDER BY subject, at`, args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	sums := tallySums{q: &q}
	for rows.Next() {
		if err := sums.add(rows); err != nil {
			return nil, false, readError(err)
		}
		if sums.more {
			break
		}
	}
	return sums.done(), sums.more, readError(rows.Err())
}

// tallyNobody is the writer of no tally.
const tallyNobody = -1

// ofTally chooses the subjects. Of one, all is read by its key; of many what is
// in a time, for which the subject must be nothing that an index is looked up by.
func ofTally(q *tidings.TallyQuery) (where string, args []any) {
	where = ` WHERE account = $1 AND kind = $2 AND (subject || '') >= $3 AND (subject || '') <= $4`
	low, high := max(q.Prefix, q.After), q.Prefix+lastText
	if q.Subject != "" {
		where = ` WHERE account = $1 AND kind = $2 AND subject = $3 AND subject <= $4`
		low, high = q.Subject, q.Subject
	}
	return where, []any{q.Account, q.Kind, low, high}
}

// minuteTallies reads minutes as they are.
func minuteTallies(q *tidings.TallyQuery) (query string, args []any) {
	where, args := ofTally(q)
	writer := q.Writer
	if writer == 0 {
		writer = tallyNobody
	}
	return `SELECT subject, at, 1, done, failed, took FROM tally` + where + ` AND at >= $5 AND at < $6 AND NOT (writer = $7 AND at >= $8)`,
		append(args, millis(q.From), millis(q.To), writer, millis(q.Since))
}

// hourTallies reads whole hours and takes out the minutes of them that are not
// meant: those before and after the time, as far as they are kept, and those
// that a node still has in memory.
func hourTallies(q *tidings.TallyQuery) (query string, args []any) {
	where, args := ofTally(q)
	first, end := q.From.UTC().Truncate(time.Hour), q.To.UTC().Truncate(time.Hour)
	if end.Before(q.To) {
		end = end.Add(time.Hour)
	}
	const columns = `subject, at, %d, done, failed, took`
	query = fmt.Sprintf(`SELECT `+columns+` FROM tally_hour`, 1) + where + ` AND at >= $5 AND at < $6`
	args = append(args, millis(first), millis(end))
	without := func(from, to time.Time, writer int64) {
		if !from.Before(to) {
			return
		}
		n := len(args)
		query += fmt.Sprintf(` UNION ALL SELECT `+columns+` FROM tally`, -1) + where + fmt.Sprintf(` AND at >= $%d AND at < $%d`, n+1, n+2)
		args = append(args, millis(from), millis(to))
		if writer != 0 {
			query += fmt.Sprintf(` AND writer = $%d`, n+3)
			args = append(args, writer)
		}
	}
	without(first, q.From, 0)
	without(q.To, end, 0)
	if q.Writer != 0 {
		from := q.From
		if q.Since.After(from) {
			from = q.Since
		}
		without(from, q.To, q.Writer)
	}
	return query, args
}

// tallySums adds up rows as they come, by subject and time.
type tallySums struct {
	q        *tidings.TallyQuery
	list     []tidings.Tally
	subjects int // in list
	more     bool
}

// add takes a row: subject, beginning, 1 or -1, done, failed, times.
func (s *tallySums) add(row scanner) error {
	var subject string
	var at, times, done, failed int64
	var took []byte
	if err := row.Scan(&subject, &at, &times, &done, &failed, &took); err != nil {
		return err
	}
	if !s.q.Wants(subject) {
		return nil // After itself
	}
	begins := s.q.Begins(fromMillis(at))
	if last := len(s.list) - 1; last < 0 || s.list[last].Subject != subject || !s.list[last].At.Equal(begins) {
		s.list = s.done()
		if last = len(s.list) - 1; last < 0 || s.list[last].Subject != subject {
			if s.subjects == s.q.Limit {
				s.more = true
				return nil
			}
			s.subjects++
		}
		s.list = append(s.list, tidings.Tally{Account: s.q.Account, Kind: s.q.Kind, Subject: subject, At: begins})
	}
	sum := &s.list[len(s.list)-1]
	sum.Done += times * done
	sum.Failed += times * failed
	return sum.Took.AddEncoded(took, times)
}

// done gives the list without a last tally of which nothing was left.
func (s *tallySums) done() []tidings.Tally {
	last := len(s.list) - 1
	if last < 0 || s.list[last].Done != 0 || s.list[last].Failed != 0 {
		return s.list
	}
	if last == 0 || s.list[last-1].Subject != s.list[last].Subject {
		s.subjects--
	}
	return s.list[:last]
}

// AgeTallies drops minutes that are older than TallyMinutesKept, whose hours
// stay, and hours that are older than TallyHoursKept. Of several nodes one does
// it at a time.
func (s *Store) AgeTallies(ctx context.Context, now time.Time) error {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return err
	}
	if err := s.dropTallies(ctx, `tally`, `account, kind, subject, at, writer`, now.UTC().Add(-tidings.TallyMinutesKept).Truncate(time.Hour)); err != nil {
		return err
	}
	return s.dropTallies(ctx, `tally_hour`, `account, kind, subject, at`, now.Add(-tidings.TallyHoursKept))
}

// dropTallies empties a table of what began before a time, step by step.
func (s *Store) dropTallies(ctx context.Context, table, key string, before time.Time) error {
	for {
		var gone int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			gone, err = tx.exec(`DELETE FROM `+table+` WHERE (`+key+`) IN (SELECT `+key+` FROM `+table+` WHERE at < $1 ORDER BY at LIMIT $2)`, millis(before), tallyStep)
			return err
		})
		if err != nil || gone < tallyStep {
			return err
		}
	}
}
