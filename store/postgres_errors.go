package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"tidings"
)

type syscallConn = syscall.RawConn

// pgCode gives the SQLSTATE of an error that a server has sent, "" when it has none.
func pgCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// The SQLSTATEs that mean something here.
const (
	pgSerialization  = "40001"
	pgDeadlock       = "40P01"
	pgLockTimeout    = "55P03"
	pgUnique         = "23505"
	pgForeignKey     = "23503"
	pgUndefinedTable = "42P01"
	pgBadText        = "22021" // NUL, or not UTF-8
	pgReadOnly       = "25006" // the server has become a standby
	pgDiskFull       = "53100"
	pgTooMany        = "53300" // connections
)

// Verdicts of ours about a group.
var (
	// errAhead says that a head was met too late to be locked in order: the group
	// is run again with that head locked from the start.
	errAhead = errors.New("a head is to be locked ahead")
	// errRaced says that an operation met what another node has stored since it looked.
	errRaced = errors.New("another node was first")
	// errAway says that the database is not there, and that it was tried a moment ago.
	errAway = errors.New("the database can't be reached")
)

// doubt is the error of a COMMIT whose answer was lost.
type doubt struct{ cause error }

func (d *doubt) Error() string { return "the answer to COMMIT was lost: " + d.cause.Error() }
func (d *doubt) Unwrap() error { return d.cause }

// pgLost says whether an error means that the connection is gone, or is of no
// use any more. What a server says about a statement is not that.
func pgLost(err error) bool {
	if errors.Is(err, errAway) {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		// FATAL and PANIC end the session: it was terminated, the server stops.
		return e.Severity != "ERROR" && e.SeverityUnlocalized != "ERROR" || e.Code == pgReadOnly || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
	}
	if _, ours := errors.AsType[*tidings.Error](err); ours {
		return false
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || pgconn.Timeout(err) || isBroken(err)
}

// raced knows the rows that another node has put in, or taken away, since an
// operation looked for them.
func (e *pgEngine) raced(err error) bool {
	code := pgCode(err)
	return code == pgUnique || code == pgForeignKey
}

// judge says how far an error reaches. What breaks a rule of the schema or of
// a type is the operation's own.
func (e *pgEngine) judge(err error) (verdict, error) {
	const send = "nothing was stored; send again"
	if _, ok := errors.AsType[*doubt](err); ok {
		return ofTheGroup, unavailable("the database went away while this was being stored, and whether it was is not known: look before you send it again, or send it again under the same Idempotency-Key", err)
	}
	switch code := pgCode(err); {
	case errors.Is(err, errAhead), errors.Is(err, errRaced):
		return ofTheGroup, unavailable("other nodes write the same: "+send, err)
	case pgLost(err):
		return ofTheGroup, unavailable("the database can't be reached: "+send, err)
	case code == "":
		return ofTheOp, err
	case code == pgBadText:
		return ofTheOp, &tidings.Error{Code: tidings.CodeInvalid, Message: "a text holds the character NUL, or is not UTF-8: nothing was stored", Err: err}
	case code == pgSerialization, code == pgDeadlock, code == pgLockTimeout:
		return ofTheGroup, unavailable("other nodes hold what is to be written for too long: "+send, err)
	case code == pgDiskFull:
		return ofTheGroup, unavailable("the database's disk is full: nothing was stored; free space and send again", err)
	case code[:2] == "22", code[:2] == "23", code[:2] == "42":
		return ofTheOp, err
	}
	return ofTheGroup, unavailable("the database can't write now: "+send, err)
}

// where names the database for people, without a password.
func (e *pgEngine) where() string {
	c := e.config
	if strings.HasPrefix(c.Host, "/") {
		return fmt.Sprintf("%q in %s", c.Database, c.Host)
	}
	return fmt.Sprintf("%q at %s:%d", c.Database, c.Host, c.Port)
}

// pgParseError words what is wrong with a DSN. The password is not in it: pgx
// leaves it out, and what it could not read is left out here.
func pgParseError(error) error {
	return errors.New("the database's address can't be read: it is postgres://user:password@host:port/database, or key=value pairs; special characters of the password are to be %-encoded in the first")
}

// openError says what to do when the database can't be opened.
func (e *pgEngine) openError(err error) error {
	c := e.config
	switch code := pgCode(err); {
	case code == "28P01":
		return fmt.Errorf("PostgreSQL at %s refuses the password of user %q: check the address and the user", e.where(), c.User)
	case strings.HasPrefix(code, "28"):
		return fmt.Errorf("PostgreSQL at %s does not let user %q in: check the user, and pg_hba.conf of the server (%s)", e.where(), c.User, pgMessage(err))
	case code == "3D000":
		return fmt.Errorf("there is no database %s: make it with createdb --encoding=UTF8 --owner=%s %s", e.where(), c.User, c.Database)
	case code == "42501":
		return fmt.Errorf("the user %q lacks rights in %s: %s", c.User, e.where(), pgMessage(err))
	case code == pgTooMany:
		return fmt.Errorf("PostgreSQL at %s has no connection left: raise max_connections, or have fewer clients", e.where())
	case code != "":
		return fmt.Errorf("PostgreSQL at %s can't be used: %s", e.where(), pgMessage(err))
	case strings.Contains(err.Error(), "read only connection"):
		return fmt.Errorf("PostgreSQL at %s takes no writes, as a standby does: name the primary, or all hosts as host1,host2", e.where())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("PostgreSQL at %s does not answer: check the address, and that nothing between blocks it", e.where())
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the host %q of the database is not known: check the address", e.Name)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("PostgreSQL at %s can't be reached: %w; check the address, and that the server runs", e.where(), op.Err)
	}
	return fmt.Errorf("PostgreSQL at %s can't be used: %w", e.where(), err)
}

func pgMessage(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	return err.Error()
}
