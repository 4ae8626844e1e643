package store

import (
	"context"
	"database/sql"
	"time"

	"tidings"
)

// writeTx is the transaction of one group, as an operation sees it. SQL is
// prepared once per text and kept, so texts must not carry values.
type writeTx struct {
	c           *committer
	now         time.Time // of the group, whole milliseconds UTC
	afterCommit []func()
	try         int  // the how manieth run of the group it is, from 1
	undo        bool // instead of a commit: all that was done is an operation that failed

	fields     map[tidings.AccountID]*fieldSet // of accounts that are locked, where others write, too; see fieldsOf
	heads      map[tidings.AccountID]head      // of accounts that are locked, as they are in the transaction; see engine.head
	remembered int                             // keys whose answers were stored
	answers    map[answerKey]answer            // of the keys of the group's appends, when the engine has asked for all at once
	ahead      []tidings.AccountID             // accounts to be locked from the start, because a run before this one met them too late
}

// commit runs op in the next group's transaction and waits until it is
// durable. An error of op undoes what op did and nothing else; when ctx ends
// before the transaction began, op does not run, later it is not given up.
//
// op may run more than once: a transaction that a conflict or a lost connection
// undid is run again from its start. So op sets what it captures, and never
// goes on from what a run before has left there.
//
// op runs on the committer's goroutine and holds all other writes up: it must
// not wait for anything and must not call the store. What it gives back it
// leaves in captured variables, which the caller reads only after a nil error.
func (s *Store) commit(ctx context.Context, op func(tx *writeTx) error) error {
	return s.committer.do(ctx, &request{op: op, done: make(chan struct{})})
}

// exec runs a statement and gives the number of rows it changed.
func (tx *writeTx) exec(query string, args ...any) (int64, error) {
	stmt, err := tx.prepared(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row asks for one row; also for INSERT … RETURNING.
func (tx *writeTx) row(query string, args ...any) scanner {
	stmt, err := tx.prepared(query)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(context.Background(), args...)
}

// rows asks for rows; they must be closed before the next statement.
func (tx *writeTx) rows(query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.prepared(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(context.Background(), args...)
}

// queue runs a statement whose result nobody waits for. It may be sent with
// the next statement, whose error is then that of either.
func (tx *writeTx) queue(query string, args ...any) error {
	return tx.c.engine.queue(tx, query, args...)
}

func (tx *writeTx) engine() engine { return tx.c.engine }

// onCommit has f called after the commit and before the callers hear of it;
// not at all when the operation or the commit fails. f must not block.
func (tx *writeTx) onCommit(f func()) { tx.afterCommit = append(tx.afterCommit, f) }

func (tx *writeTx) prepared(query string) (*sql.Stmt, error) {
	if stmt := tx.c.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	tx.c.stmts[query] = stmt
	return stmt, nil
}
