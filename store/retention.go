package store

import (
	"context"
	"fmt"
	"time"
)

// dropStep is how many frames one write removes: the writes of others wait meanwhile.
const dropStep = 128

// purging is the chore of removing what is past its time: of several nodes one
// does it at a time, and the others remove nothing.
const purging = "purging"

// DropMonths drops the months of arrival that ended before an instant, oldest
// first, and names them (YYYY_MM). It stops at the first month that an active
// endpoint still needs; deactivated endpoints hold nothing back. Readers are
// told by tidings.Page.Missing.
//
// The month that takes what arrives is never dropped. The space is used again
// by later months; the file does not become smaller.
func (s *Store) DropMonths(ctx context.Context, before time.Time) (dropped []string, err error) {
	list, err := s.engine.monthsNow(reader{s, ctx})
	if err != nil {
		return nil, fmt.Errorf("drop months: %w", err)
	}
	for i, m := range list {
		if i == len(list)-1 || m.name >= monthName(before) {
			break
		}
		needed := false
		if !m.dropping {
			if needed, err = s.beginDrop(ctx, m); err != nil {
				return dropped, fmt.Errorf("drop month %s: %w", m.name, err)
			}
		}
		if needed {
			break
		}
		if err := s.finishDrop(ctx, m); err != nil {
			return dropped, fmt.Errorf("drop month %s: %w", m.name, err)
		}
		dropped = append(dropped, m.name)
	}
	return dropped, nil
}

// beginDrop notes a month as dropped, unless an active endpoint needs it. From
// then on nobody reads it, and what is left to do can be done after a restart.
func (s *Store) beginDrop(ctx context.Context, m month) (needed bool, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		// A frozen batch is read again from the cursor on, whatever was scanned since.
		err := tx.row(inMonth(`SELECT EXISTS (
			SELECT 1 FROM endpoint e JOIN position p ON p.endpoint = e.id
			WHERE e.state = 'active' AND CASE WHEN p.plan_end > 0 THEN p.cursor ELSE p.scanned END < (
				SELECT f.seq0 + f.n - 1 FROM {frame} f WHERE f.account = e.account ORDER BY f.seq0 DESC LIMIT 1))`, m)).Scan(&needed)
		if err != nil || needed {
			return err
		}
		if _, err := tx.exec(inMonth(`UPDATE head SET dropped_seq = f.last FROM (SELECT h.account, (
				SELECT f.seq0 + f.n - 1 FROM {frame} f WHERE f.account = h.account ORDER BY f.seq0 DESC LIMIT 1) AS last FROM head h) AS f
			WHERE f.account = head.account AND f.last > head.dropped_seq`, m)); err != nil {
			return err
		}
		m.dropping = true
		tx.onCommit(func() {
			s.months.put(m)
			s.heads.forget()
		})
		_, err = tx.exec("UPDATE month SET dropping = 1 WHERE name = $1", m.name)
		return err
	})
	return needed, err
}

// finishDrop empties the month's table step by step and removes it.
func (s *Store) finishDrop(ctx context.Context, m month) error {
	for step := s.engine.emptyStep(); step != ""; {
		var gone int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			gone, err = tx.exec(inMonth(step, m), dropStep)
			return err
		})
		if err != nil {
			return err
		}
		if gone < dropStep {
			break
		}
	}
	return s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.exec(inMonth("DROP TABLE IF EXISTS {frame}", m)); err != nil {
			return err
		}
		tx.onCommit(func() { s.months.remove(m.name) })
		_, err := tx.exec("DELETE FROM month WHERE name = $1", m.name)
		return err
	})
}
