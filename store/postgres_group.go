package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"tidings"
)

const (
	// pgTries bounds how often a group is run that others' writes undo.
	pgTries = 10
	// pgPatience is how long groups wait for a database that has gone away. Later
	// ones are refused at once until it is back.
	pgPatience = 5 * time.Second
	// pgDoubtPatience is how long the answer to a COMMIT is looked for.
	pgDoubtPatience = 15 * time.Second
	// pgBackoff is the shortest and the longest time between two tries to connect.
	pgBackoff, pgMaxBackoff = 50 * time.Millisecond, time.Second
	// pgGroupTime is when a group that gets no answer is given up.
	pgGroupTime = 30 * time.Second
)

// lost is a write connection that is gone. Only the committer uses it, but for away.
type lost struct {
	away  atomic.Bool
	since time.Time
	wait  time.Duration // before the next try
	next  time.Time     // of the next try
}

// begin sends nothing yet: BEGIN goes with the first statement. What the group
// appends to, and what it is known to ask for, is locked in one statement.
func (e *pgEngine) begin(tx *writeTx, accounts []tidings.AccountID) error {
	if err := e.connected(); err != nil {
		return err
	}
	if err := e.pg.PgConn().Conn().SetDeadline(time.Now().Add(pgGroupTime)); err != nil {
		return err
	}
	e.pg.pending = e.pg.pending[:0]
	e.pg.later("BEGIN")
	tx.heads = make(map[tidings.AccountID]head)
	accounts = append(slices.Clone(accounts), tx.ahead...)
	if len(accounts) == 0 {
		return nil
	}
	slices.Sort(accounts)
	return e.lockHeads(tx, slices.Compact(accounts))
}

// end commits, with the group's number in the same transaction.
func (e *pgEngine) end(tx *writeTx) error {
	e.group++
	e.pg.later(`INSERT INTO writer (id, groups) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET groups = excluded.groups, at = now()`, e.name, e.group)
	err := e.pg.commit()
	if err == nil {
		return nil
	}
	if !pgLost(err) && !e.pg.IsClosed() { // the server says that it did not
		e.undo(tx)
		return err
	}
	return &doubt{err}
}

func (e *pgEngine) undo(*writeTx) {
	if e.pg == nil || e.pg.IsClosed() {
		return
	}
	e.pg.pending = e.pg.pending[:0]
	if _, err := e.pg.run(context.Background(), "ROLLBACK"); err != nil {
		e.drop()
	}
}

func (e *pgEngine) queue(_ *writeTx, query string, args ...any) error {
	e.pg.later(query, args...)
	return nil
}

// failed runs a group again that a conflict or a lost connection has undone,
// and finds out about one whose COMMIT was not answered.
func (e *pgEngine) failed(tx *writeTx, try int, err error) outcome {
	_, inDoubt := errors.AsType[*doubt](err)
	switch code := pgCode(err); {
	case inDoubt:
		return e.settle()
	case errors.Is(err, errAway):
		return given
	case pgLost(err) || e.pg == nil || e.pg.IsClosed():
		e.drop()
		if e.waitToConnect(pgPatience) {
			return again
		}
		return given
	case try >= pgTries:
		return given
	case errors.Is(err, errAhead), errors.Is(err, errRaced):
		return again
	case code == pgSerialization, code == pgDeadlock:
		// Those who met would meet again.
		_ = pause(context.Background(), time.Duration(rand.Int64N(int64(try)*int64(10*time.Millisecond))))
		return again
	}
	return given
}

// settle finds out whether the group in doubt is committed. The row of this
// store in the table writer says it. Writing it anew waits until the lost
// transaction is over, and until a synchronous standby has that, too.
func (e *pgEngine) settle() outcome {
	e.drop()
	for e.waitToConnect(pgDoubtPatience) {
		if e.connected() != nil {
			continue
		}
		var groups int64
		err := e.s.committer.conn.QueryRowContext(context.Background(), `INSERT INTO writer (id, groups) VALUES ($1, 0)
			ON CONFLICT (id) DO UPDATE SET at = now() RETURNING groups`, e.name).Scan(&groups)
		switch {
		case err != nil:
			e.drop()
		case groups == e.group:
			return committed
		default:
			return again
		}
	}
	return given
}

// drop gives the write connection up.
func (e *pgEngine) drop() {
	if e.pg != nil {
		e.pg = nil
		e.s.committer.disconnect()
	}
	if !e.lost.away.Swap(true) {
		e.lost.since, e.lost.wait, e.lost.next = time.Now(), 0, time.Time{}
		e.s.heads.forget() // others may have written meanwhile, and been heard by nobody
	}
}

// waitToConnect waits until the next try to connect is due, and says false
// when the connection has been gone for too long.
func (e *pgEngine) waitToConnect(patience time.Duration) bool {
	if time.Since(e.lost.since) > patience {
		return false
	}
	_ = pause(context.Background(), time.Until(e.lost.next))
	return true
}

// connected makes the write connection when there is none and a try is due.
func (e *pgEngine) connected() error {
	if e.pg != nil && !e.pg.IsClosed() {
		return nil
	}
	if e.pg != nil {
		e.drop()
	}
	if time.Now().Before(e.lost.next) {
		return errAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgConnectTime)
	defer cancel()
	if err := e.s.committer.connect(ctx); err != nil {
		e.drop()
		e.lost.wait = min(max(2*e.lost.wait, pgBackoff), pgMaxBackoff)
		e.lost.next = time.Now().Add(e.lost.wait)
		return err
	}
	return nil
}

// adopt takes the connection that the committer has made.
func (e *pgEngine) adopt(conn *sql.Conn) error {
	return conn.Raw(func(dc any) error {
		pg, ok := dc.(*pgConn)
		if !ok || pg.IsClosed() {
			return driver.ErrBadConn
		}
		e.pg = pg
		e.lost.away.Store(false)
		return nil
	})
}

// groupDone looks for the database while it is away, whether or not somebody
// writes: the store is to be ready when it is back.
func (e *pgEngine) groupDone() {
	if e.lost.away.Load() && e.connected() == nil {
		e.s.committer.lastErr.Store(nil)
	}
}

// wakeWhileLost has the committer look for the database, until ctx ends.
func (e *pgEngine) wakeWhileLost(ctx context.Context) {
	tick := time.NewTicker(pgMaxBackoff)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if e.lost.away.Load() {
				e.s.committer.wakeUp()
			}
		}
	}
}

// isBroken knows what is left of a connection that broke.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || err.Error() == "conn closed"
}
