package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tidings"
)

// A claim looks at the runs that can be claimed and at no others, however many
// wait: they are the beginning of an index. The conditions of the inner search
// are repeated for engines where another claim may have come between; the plus
// keeps the index from being entered twice.
const (
	claimRuns = `UPDATE run SET wake = $3, tries = tries + 1, fence = fence + 1
		WHERE id IN (SELECT id FROM run WHERE state = 'going' AND wake <= $1 ORDER BY wake LIMIT $2)
			AND state = 'going' AND +wake <= $1 RETURNING ` + runColumns
	nextRun = `SELECT wake FROM run WHERE state = 'going' ORDER BY wake LIMIT 1`
	// claimedReplies finds what belongs to the runs that a claim has just given one wake.
	claimedReplies = `SELECT p.run, p.name, p.format, p.failed, p.body FROM run r JOIN run_reply p ON p.run = r.id
		WHERE r.state = 'going' AND r.wake = $1 AND r.replies = 1 ORDER BY p.run, p.step`
)

// ClaimRuns takes at most limit (1 or more) runs in hand whose step is due, the
// longest due first, with their replies: for as long as hold (1 ms or more)
// nobody else gets them. Each claim raises Tries and Fence. next is when the
// earliest of the other runs can be claimed, or one of these when it is still
// held then; zero = there is none. When nothing is due, nothing is written.
func (s *Store) ClaimRuns(ctx context.Context, limit int, hold time.Duration) (runs []tidings.Run, next time.Time, err error) {
	next, err = wakeOf(s.row(ctx, nextRun))
	if err != nil || next.IsZero() || next.After(s.now()) {
		return nil, next, err
	}
	var packed []packedReply
	err = s.commit(ctx, func(tx *writeTx) error {
		runs, packed = nil, nil
		until := millis(tx.now.Add(hold))
		rows, err := tx.rows(claimRuns, millis(tx.now), limit, until)
		if err != nil {
			return err
		}
		list, err := scanRuns(rows)
		if err != nil {
			return err
		}
		replies := false
		for i := range list {
			runs = append(runs, list[i].run())
			replies = replies || bool(list[i].replies)
		}
		if replies {
			if packed, err = scanReplies(tx.rows(claimedReplies, until)); err != nil {
				return err
			}
		}
		next, err = wakeOf(tx.row(nextRun))
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	slices.SortFunc(runs, func(a, b tidings.Run) int {
		if by := a.Due.Compare(b.Due); by != 0 {
			return by
		}
		return int(a.ID - b.ID)
	})
	for i := range runs {
		mine := slices.DeleteFunc(slices.Clone(packed), func(p packedReply) bool { return p.run != runs[i].ID })
		if runs[i].Replies, err = s.unpackReplies(mine); err != nil {
			return nil, time.Time{}, err
		}
	}
	return runs, next, nil
}

// wakeOf reads when the earliest of many can be claimed; zero = there is none.
func wakeOf(row scanner) (time.Time, error) {
	var wake int64
	err := row.Scan(&wake)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return fromMillis(wake), readError(err)
}

// packedReply is a row of run_reply.
type packedReply struct {
	run    tidings.RunID
	name   string
	format tidings.ReplyFormat
	failed flag
	body   []byte
}

func repliesOf(q querier, run tidings.RunID) ([]packedReply, error) {
	return scanReplies(q.rows(`SELECT run, name, format, failed, body FROM run_reply WHERE run = $1 ORDER BY step`, run))
}

func scanReplies(rows *sql.Rows, err error) ([]packedReply, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []packedReply
	for rows.Next() {
		var p packedReply
		if err := rows.Scan(&p.run, &p.name, &p.format, &p.failed, &p.body); err != nil {
			return nil, readError(err)
		}
		list = append(list, p)
	}
	return list, readError(rows.Err())
}

func (s *Store) unpackReplies(packed []packedReply) ([]tidings.RunReply, error) {
	var replies []tidings.RunReply
	for _, p := range packed {
		body, err := s.unpack(p.body)
		if err != nil {
			return nil, fmt.Errorf("a reply of run %d: %w", p.run, err)
		}
		reply := tidings.RunReply{Name: p.name, Failed: bool(p.failed), Reply: tidings.Reply{Format: p.format}}
		if len(body) > 0 {
			reply.Reply.Body = body
		}
		replies = append(replies, reply)
	}
	return replies, nil
}
