package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tidings"
)

const runColumns = `id, instance, account, workflow, version, contact, event, state, block, due, entered, marked, error, tries, fence, steps, replies, started, ended`

const selectRun = `SELECT ` + runColumns + ` FROM run`

// runRow is a row of runColumns.
type runRow struct {
	tidings.Run
	due, entered, started, ended int64
	marked, replies              flag
}

func (r *runRow) into() []any {
	return []any{
		&r.ID, &r.Instance, &r.Account, &r.Workflow, &r.Version, &r.Contact, &r.Event, &r.State, &r.Block, &r.due, &r.entered,
		&r.marked, &r.Error, &r.Tries, &r.Fence, &r.Steps, &r.replies, &r.started, &r.ended,
	}
}

func (r *runRow) run() tidings.Run {
	run := r.Run
	run.Due, run.Entered, run.StartedAt, run.EndedAt = fromMillis(r.due), fromMillis(r.entered), fromMillis(r.started), fromMillis(r.ended)
	run.Marked = bool(r.marked)
	return run
}

func scanRun(row scanner) (tidings.Run, error) {
	var r runRow
	if err := row.Scan(r.into()...); err != nil {
		return tidings.Run{}, err
	}
	return r.run(), nil
}

// scanRuns reads rows of runColumns and closes them.
func scanRuns(rows *sql.Rows) ([]runRow, error) {
	defer rows.Close()
	var list []runRow
	for rows.Next() {
		var r runRow
		if err := rows.Scan(r.into()...); err != nil {
			return nil, readError(err)
		}
		list = append(list, r)
	}
	return list, readError(rows.Err())
}

// Run gives a run of an account, with its replies while it goes on;
// CodeNotFound when the account has none of the id.
func (s *Store) Run(ctx context.Context, account tidings.AccountID, id tidings.RunID) (tidings.Run, error) {
	run, err := s.run(ctx, s.row(ctx, selectRun+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Run{}, orNotFound(err, "run", int64(id))
	}
	return run, nil
}

// RunByInstance is Run for the workflowInstanceId.
func (s *Store) RunByInstance(ctx context.Context, account tidings.AccountID, instance string) (tidings.Run, error) {
	run, err := s.run(ctx, s.row(ctx, selectRun+` WHERE instance = $1 AND +account = $2`, instance, account))
	if err = orNotFound(err, "run", 0); err != nil {
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			err = tidings.Errorf(tidings.CodeNotFound, "there is no run with the workflowInstanceId %q", instance)
		}
		return tidings.Run{}, err
	}
	return run, nil
}

func (s *Store) run(ctx context.Context, row scanner) (tidings.Run, error) {
	var r runRow
	if err := row.Scan(r.into()...); err != nil {
		return tidings.Run{}, err
	}
	run := r.run()
	if !r.replies {
		return run, nil
	}
	packed, err := repliesOf(reader{s, ctx}, run.ID)
	if err != nil {
		return tidings.Run{}, err
	}
	run.Replies, err = s.unpackReplies(packed)
	return run, err
}

// Steps gives what a run has executed, in order; CodeNotFound when the account
// has no such run.
func (s *Store) Steps(ctx context.Context, account tidings.AccountID, id tidings.RunID) ([]tidings.Step, error) {
	var known int
	if err := s.row(ctx, `SELECT 1 FROM run WHERE account = $1 AND id = $2`, account, id).Scan(&known); err != nil {
		return nil, orNotFound(err, "run", int64(id))
	}
	rows, err := s.rows(ctx, `SELECT run, number, block, kind, at, duration, exit, call, mail, decided, error FROM step WHERE run = $1 ORDER BY number`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var steps []tidings.Step
	for rows.Next() {
		var t tidings.Step
		var at, duration int64
		var decided string
		if err := rows.Scan(&t.Run, &t.Number, &t.Block, &t.Kind, &at, &duration, &t.Exit, &t.Call, &t.Mail, &decided, &t.Error); err != nil {
			return nil, readError(err)
		}
		t.At, t.Duration = fromMillis(at), time.Duration(duration)*time.Microsecond
		if decided != "" {
			t.Decided = []byte(decided)
		}
		steps = append(steps, t)
	}
	return steps, readError(rows.Err())
}

// GoingRuns counts the runs of each workflow of an account that are under way;
// a workflow without any is left out.
func (s *Store) GoingRuns(ctx context.Context, account tidings.AccountID) (map[tidings.WorkflowID]int64, error) {
	rows, err := s.rows(ctx, goingRuns, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	going := map[tidings.WorkflowID]int64{}
	for rows.Next() {
		var id tidings.WorkflowID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, readError(err)
		}
		going[id] = n
	}
	return going, readError(rows.Err())
}

const goingRuns = `SELECT r.workflow, count(*) FROM workflow w CROSS JOIN run r WHERE w.account = $1 AND r.workflow = w.id AND r.state = 'going' GROUP BY r.workflow`

// CountRuns counts the runs of a workflow that are kept, by how they stand:
// marked are those of them, going or not, on whose way something failed. Those
// that were stopped are not counted.
func (s *Store) CountRuns(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID) (going, ended, failed, marked int64, err error) {
	var known int
	if err := s.row(ctx, `SELECT 1 FROM workflow WHERE account = $1 AND id = $2`, account, workflow).Scan(&known); err != nil {
		return 0, 0, 0, 0, orNotFound(err, "workflow", int64(workflow))
	}
	rows, err := s.rows(ctx, countRuns, workflow)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var state tidings.RunState
		var n, m int64
		if err := rows.Scan(&state, &n, &m); err != nil {
			return 0, 0, 0, 0, readError(err)
		}
		marked += m
		switch state {
		case tidings.RunGoing:
			going = n
		case tidings.RunEnded:
			ended = n
		case tidings.RunFailed:
			failed = n
		}
	}
	return going, ended, failed, marked, readError(rows.Err())
}

const countRuns = `SELECT state, count(*), count(CASE WHEN marked = 1 THEN 1 END) FROM run WHERE workflow = $1 GROUP BY state`

// StopRun ends a run by hand. CodeNotFound when the account has no such run,
// CodeConflict when it has ended already.
func (s *Store) StopRun(ctx context.Context, account tidings.AccountID, id tidings.RunID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		run, err := scanRun(tx.row(selectRun+` WHERE account = $1 AND id = $2`, account, id))
		if err != nil {
			return orNotFound(err, "run", int64(id))
		}
		if run.State != tidings.RunGoing {
			return tidings.Errorf(tidings.CodeConflict, "run %d is not going on: it %s at %s", id, was(run.State), run.EndedAt.Format(time.RFC3339))
		}
		if _, err := tx.exec(`DELETE FROM run_reply WHERE run = $1`, id); err != nil {
			return err
		}
		if _, err := tx.exec(`UPDATE run SET state = 'stopped', block = '', due = 0, wake = 0, ended = $2 WHERE id = $1`, id, millis(tx.now)); err != nil {
			return err
		}
		return auditRun(tx, &run, actor, "run.stop")
	})
}

// was says for people how a run came to its end.
func was(state tidings.RunState) string {
	if state == tidings.RunEnded {
		return string(state)
	}
	if state == tidings.RunFailed {
		return "failed"
	}
	return "was stopped"
}

func auditRun(tx *writeTx, r *tidings.Run, actor, action string) error {
	return writeAudit(tx, tidings.AuditRecord{
		Account: r.Account, At: tx.now, Actor: actor, Action: action, Detail: fmt.Sprintf("run %d of workflow %d", r.ID, r.Workflow),
	})
}

// stopStep is how many runs one step of a stop takes: the writes of others wait meanwhile.
const stopStep = 500

// StopRuns ends all runs of a workflow, a deleted one too, and gives their
// number. It goes step by step: after an error some are stopped, and a
// repeat stops the others. CodeNotFound when the account has no such workflow.
func (s *Store) StopRuns(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID, actor string) (int64, error) {
	w, err := s.Workflow(ctx, account, workflow)
	if err != nil {
		return 0, err
	}
	stopped, err := s.stopRuns(ctx, workflow)
	if err != nil || stopped == 0 {
		return stopped, err
	}
	return stopped, s.commit(ctx, func(tx *writeTx) error {
		return auditWorkflow(tx, &w, actor, "workflow.stop-runs", fmt.Sprintf("%d stopped", stopped))
	})
}

func (s *Store) stopRuns(ctx context.Context, workflow tidings.WorkflowID) (stopped int64, err error) {
	for {
		var n int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			const some = `(SELECT id FROM run WHERE workflow = $1 AND state = 'going' ORDER BY contact, id LIMIT $2)`
			if _, err := tx.exec(`DELETE FROM run_reply WHERE run IN `+some, workflow, stopStep); err != nil {
				return err
			}
			n, err = tx.exec(`UPDATE run SET state = 'stopped', block = '', due = 0, wake = 0, ended = $3 WHERE id IN `+some, workflow, stopStep, millis(tx.now))
			return err
		})
		if err != nil || n == 0 {
			return stopped, err
		}
		stopped += n
	}
}

// purgeRunsStep is how many runs one step of a purge takes.
const purgeRunsStep = 200

// PurgeRuns removes the runs that ended before a time, with their steps, and
// gives their number.
func (s *Store) PurgeRuns(ctx context.Context, before time.Time) (purged int64, err error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for {
		var n int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			const some = `(SELECT id FROM run WHERE ended > 0 AND ended < $1 ORDER BY ended, id LIMIT $2)`
			if _, err := tx.exec(`DELETE FROM step WHERE run IN `+some, millis(before), purgeRunsStep); err != nil {
				return err
			}
			n, err = tx.exec(`DELETE FROM run WHERE id IN `+some, millis(before), purgeRunsStep)
			return err
		})
		purged += n
		if err != nil || n < purgeRunsStep {
			return purged, err
		}
	}
}
