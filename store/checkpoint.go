package store

import (
	"context"
	"log/slog"

	"modernc.org/sqlite"
)

// The write-ahead log is written back to the database file by a goroutine on a
// connection of its own, so that commits go on meanwhile. Under a load that
// never pauses such a checkpoint never reaches the log's end; once the log is
// large, the committer itself does the small rest between two groups and the
// log starts over. A reader that stays on an old state for long (a backup)
// delays that, and the log grows meanwhile.
const (
	checkpointEvery = 8 << 20 / pageSize      // pages of log
	restartAt       = 48 << 20 / pageSize     // pages of log, below walLimit
	restartMust     = 2 * walLimit / pageSize // pages written since the last restart
)

// countWrites counts what the last commit has added to the log, and asks for a
// checkpoint when it is time.
func (e *sqliteEngine) countWrites() {
	err := e.s.committer.conn.Raw(func(conn any) error {
		pages, _, err := conn.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true)
		e.walPages += pages
		e.logPages += pages
		return err
	})
	if err != nil {
		e.s.opts.Log.Error("counting the pages written failed", slog.Any("error", err))
	}
	if e.walPages < checkpointEvery {
		return
	}
	select {
	case e.checkpoint <- struct{}{}:
		e.walPages = 0
	default: // one is running
	}
}

// checkpoints writes the log back whenever it is asked to, until ctx ends.
func (e *sqliteEngine) checkpoints(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.checkpoint:
		}
		var busy, pages, written int64
		row := e.checkpointer.QueryRowContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(PASSIVE)")
		if err := row.Scan(&busy, &pages, &written); err != nil {
			e.checkpointFailed(err)
			continue
		}
		e.s.stats.walPages.Store(pages)
		if pages >= restartAt {
			e.restart.Store(true)
			e.s.committer.wakeUp()
		}
	}
}

// restartLog makes the log start over when that was asked for, or when the
// checkpoints have fallen far behind; not while a reader needs it. Only the
// loop calls it.
func (e *sqliteEngine) restartLog() {
	if !e.restart.Swap(false) && e.logPages < restartMust {
		return
	}
	e.logPages = 0
	var busy, pages, written int64
	row := e.s.committer.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(RESTART)")
	if err := row.Scan(&busy, &pages, &written); err != nil {
		e.checkpointFailed(err)
		return
	}
	if busy == 0 {
		e.s.stats.walPages.Store(0)
	}
}

// checkpointFailed keeps a failure that is final; any other one is tried again
// with the next checkpoint: the log still has everything.
func (e *sqliteEngine) checkpointFailed(err error) {
	e.s.opts.Log.Error("checkpoint failed", slog.Any("error", err))
	if reach, worded := judgeSQLite(err); reach == final {
		e.s.committer.lastErr.Store(&writeFailure{err: worded, final: true})
	}
}
