package store

import (
	"context"
	"time"
)

// longestClaim is longer than anybody holds a run or a mail.
const longestClaim = 15 * time.Minute

const (
	heldRuns  = ` WHERE state = 'going' AND wake > $1 AND wake <= $2 AND due <= $1`
	heldMails = ` WHERE state = 'queued' AND broadcast IN (SELECT 0 UNION ALL SELECT id FROM broadcast WHERE open > 0)
		AND wake > $1 AND wake <= $2 AND due <= $1`

	giveRunsBack  = `UPDATE run SET wake = due` + heldRuns
	giveMailsBack = `UPDATE mail SET wake = due` + heldMails
	anythingHeld  = `SELECT EXISTS (SELECT 1 FROM run` + heldRuns + `) OR EXISTS (SELECT 1 FROM mail` + heldMails + `)`
)

// giveBack ends the claims of the process that had the data directory before:
// whoever has its lock is alone, so nobody works on what was claimed. What was
// in hand when a process was killed is so taken up at once. The fences are
// raised with the next claims. When nothing was in hand, nothing is written.
func (s *Store) giveBack(ctx context.Context) error {
	now := s.now()
	var held bool
	if err := s.row(ctx, anythingHeld, millis(now), millis(now.Add(longestClaim))).Scan(&held); err != nil || !held {
		return readError(err)
	}
	return s.commit(ctx, func(tx *writeTx) error {
		from, until := millis(tx.now), millis(tx.now.Add(longestClaim))
		if _, err := tx.exec(giveRunsBack, from, until); err != nil {
			return err
		}
		_, err := tx.exec(giveMailsBack, from, until)
		return err
	})
}
