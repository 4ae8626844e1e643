package store

import (
	"context"
	"fmt"
	"math"

	"tidings"
)

// Runs gives the runs that a query chooses, newest first, without their replies.
func (s *Store) Runs(ctx context.Context, q tidings.RunQuery) ([]tidings.Run, error) {
	query, args := runQuery(q)
	rows, err := s.rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	list, err := scanRuns(rows)
	if err != nil {
		return nil, err
	}
	runs := make([]tidings.Run, len(list))
	for i := range list {
		runs[i] = list[i].run()
	}
	return runs, nil
}

// runQuery writes a query as SQL. The index that has the fewest of others' runs
// is entered; a plus sign keeps the other columns from being looked up by.
func runQuery(q tidings.RunQuery) (string, []any) {
	by := "account"
	switch {
	case q.Event != 0:
		by = "event"
	case q.Contact != 0:
		by = "contact"
	case q.State == tidings.RunFailed || q.Marked: // which are few: they have indexes of their own
	case q.Workflow != 0:
		by = "workflow"
	}
	b := listQuery{text: selectRun + ` WHERE id < $1 AND started >= $2 AND started < $3`, by: by}
	b.args = []any{orMax(int64(q.Before)), millis(q.From), math.MaxInt64}
	if !q.To.IsZero() {
		b.args[2] = millis(q.To)
	}
	b.equal("account", int64(q.Account))
	if q.Event != 0 {
		b.equal("event", int64(q.Event))
	}
	if q.Contact != 0 {
		b.text += ` AND contact > 0`
		b.equal("contact", int64(q.Contact))
	}
	if q.Workflow != 0 {
		b.equal("workflow", int64(q.Workflow))
	}
	b.state(string(q.State))
	if q.Marked {
		b.text += ` AND marked = 1`
	}
	return b.newestFirst(q.Limit)
}

// listQuery is a query for a list in the making.
type listQuery struct {
	text string
	args []any
	by   string // the column whose index is to be entered
}

// equal asks for a value of an integer column.
func (b *listQuery) equal(column string, value int64) {
	b.args = append(b.args, value)
	if column != b.by {
		column = "+" + column
	}
	b.text += fmt.Sprintf(` AND %s = $%d`, column, len(b.args))
}

// state asks for a state; "" = any. Of those that failed there is an index,
// which is found only by the word itself.
func (b *listQuery) state(state string) {
	switch state {
	case "":
	case "failed":
		b.text += ` AND state = 'failed'`
	default:
		b.args = append(b.args, state)
		b.text += fmt.Sprintf(` AND state = $%d`, len(b.args))
	}
}

func (b *listQuery) newestFirst(limit int) (string, []any) {
	b.args = append(b.args, limit)
	return b.text + fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(b.args)), b.args
}

// orMax gives n, or in place of 0 a number that all are below.
func orMax(n int64) int64 {
	if n == 0 {
		return math.MaxInt64
	}
	return n
}
