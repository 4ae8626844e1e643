package store

import (
	"context"
	"time"
)

// longestClaim is longer than anybody holds a run or a mail.
const longestClaim = 15 * time.Minute

const (
	giveRunsBack  = `UPDATE run SET wake = due WHERE state = 'going' AND wake > $1 AND wake <= $2 AND due <= $1`
	giveMailsBack = `UPDATE mail SET wake = due WHERE state = 'queued' AND broadcast IN (SELECT 0 UNION ALL SELECT id FROM broadcast WHERE open > 0)
		AND wake > $1 AND wake <= $2 AND due <= $1`
)

// giveBack ends the claims of the process that had the data directory before:
// whoever has its lock is alone, so nobody works on what was claimed. What was
// in hand when a process was killed is so taken up at once. The fences are
// raised with the next claims.
func (s *Store) giveBack(ctx context.Context) error {
	return s.commit(ctx, func(tx *writeTx) error {
		now, until := millis(tx.now), millis(tx.now.Add(longestClaim))
		if _, err := tx.exec(giveRunsBack, now, until); err != nil {
			return err
		}
		_, err := tx.exec(giveMailsBack, now, until)
		return err
	})
}
