package store

import (
	"context"
	"database/sql"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"

	"tidings"
)

// unavailable is a refusal that carries its reason.
func unavailable(message string, cause error) *tidings.Error {
	return &tidings.Error{Code: tidings.CodeUnavailable, Message: message, Err: cause}
}

// sqliteCode gives SQLite's extended result code of an error, 0 when it has none.
func sqliteCode(err error) int {
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return coded.Code()
	}
	return 0
}

// verdict is what a failed write means for the writes after it.
type verdict int

const (
	ofTheOp    verdict = iota // only this operation failed; its group may go on
	ofTheGroup                // the transaction is lost; the next one may succeed
	final                     // what reached the disk is not known: nothing is written any more
)

// judgeSQLite says how far a write's error reaches and how clients hear of it. An
// error of ours or of a broken rule of the schema is the operation's own.
// After a failed fsync the kernel may have dropped the pages and a second
// fsync would lie, so it is never retried.
func judgeSQLite(err error) (verdict, error) {
	code := sqliteCode(err)
	switch code {
	case 0:
		return ofTheOp, err
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return final, unavailable("the disk failed to make data durable (fsync): nothing more is stored; check the disk, then a restart is needed", err)
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_RANGE:
		return ofTheOp, err
	case sqlite3.SQLITE_FULL:
		return ofTheGroup, unavailable("the disk is full: nothing was stored; free space and send again", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return ofTheGroup, unavailable("the data directory is read-only: nothing was stored; make it writable and send again", err)
	case sqlite3.SQLITE_IOERR:
		return ofTheGroup, unavailable("the disk failed (I/O error): nothing was stored; free space or check the disk and send again", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return final, unavailable("the database file is damaged: nothing more is stored; restore a backup, then restart", err)
	}
	return ofTheGroup, unavailable("the store can't write now: nothing was stored; send again", err)
}

// readError puts a reader's error into words; nil, ours, sql.ErrNoRows and
// those of a context stay as they are.
func readError(err error) error {
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return unavailable("the store is closed", err)
	case sqliteCode(err) != 0, pgCode(err) != "", pgLost(err):
		return unavailable("the store can't read now; try again", err)
	}
	return err
}
