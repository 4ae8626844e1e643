package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tidings"
)

const selectWorkflow = `SELECT id, account, name, draft, active, latest, version, created, updated, deleted FROM workflow`

func scanWorkflow(row scanner) (tidings.Workflow, error) {
	var w tidings.Workflow
	var draft string
	var created, updated, deleted int64
	if err := row.Scan(&w.ID, &w.Account, &w.Name, &draft, &w.Active, &w.Latest, &w.Version, &created, &updated, &deleted); err != nil {
		return tidings.Workflow{}, err
	}
	w.CreatedAt, w.UpdatedAt, w.DeletedAt = fromMillis(created), fromMillis(updated), fromMillis(deleted)
	var err error
	w.Draft, err = decodeDefinition(draft)
	return w, err
}

func encodeDefinition(d *tidings.Definition) (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}

func decodeDefinition(text string) (tidings.Definition, error) {
	var d tidings.Definition
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return tidings.Definition{}, fmt.Errorf("a workflow's definition is not in a form that this version reads: %w", err)
	}
	return d, nil
}

// CreateWorkflow makes a workflow of w.Account, which is off; of w its Name and
// Draft count, and the rest is given by the store. It is taken as it is: it was
// checked at the door. CodeNotFound when there is no such account.
func (s *Store) CreateWorkflow(ctx context.Context, w tidings.Workflow, actor string) (tidings.Workflow, error) {
	draft, err := encodeDefinition(&w.Draft)
	if err != nil {
		return tidings.Workflow{}, err
	}
	err = s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(w.Account); err != nil {
			return err
		}
		w.Active, w.Latest, w.Version, w.CreatedAt, w.UpdatedAt, w.DeletedAt = 0, 0, 1, tx.now, tx.now, time.Time{}
		err := tx.row(`INSERT INTO workflow (account, name, draft, active, latest, follows, version, created, updated)
			VALUES ($1, $2, $3, 0, 0, 0, 1, $4, $4) RETURNING id`, w.Account, w.Name, draft, millis(tx.now)).Scan(&w.ID)
		if err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "workflow.create", "")
	})
	if err != nil {
		return tidings.Workflow{}, err
	}
	return w, nil
}

func auditWorkflow(tx *writeTx, w *tidings.Workflow, actor, action, detail string) error {
	return auditThing(tx, tidings.AuditRecord{Account: w.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("workflow %d %q", w.ID, w.Name)}, detail)
}

// auditThing records an act on a thing that r.Detail names; detail, "" = none, says more.
func auditThing(tx *writeTx, r tidings.AuditRecord, detail string) error {
	r.At = tx.now
	if detail != "" {
		r.Detail += ": " + detail
	}
	return writeAudit(tx, r)
}

// Workflow gives a workflow of an account, a deleted one too (see DeletedAt);
// CodeNotFound when the account never had one of the id.
func (s *Store) Workflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID) (tidings.Workflow, error) {
	w, err := scanWorkflow(s.row(ctx, selectWorkflow+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Workflow{}, orNotFound(err, "workflow", int64(id))
	}
	return w, nil
}

// Workflows gives at most limit (1 or more) workflows of an account in the
// order of their ids, those after one (0 = from the first): the live ones, or
// the deleted ones.
func (s *Store) Workflows(ctx context.Context, account tidings.AccountID, after tidings.WorkflowID, limit int, deleted bool) ([]tidings.Workflow, error) {
	rows, err := s.rows(ctx, selectWorkflow+` WHERE account = $1 AND id > $2 AND`+whetherDeleted(deleted)+` ORDER BY id LIMIT $3`, account, after, limit)
	return gather(rows, err, scanWorkflow)
}

func whetherDeleted(deleted bool) string {
	if deleted {
		return ` deleted > 0`
	}
	return ` deleted = 0`
}

// UpdateWorkflow stores the name and the draft of a workflow that was read and
// changed; what is active stays. w.Version is the one that was read; when it
// has changed since, or the workflow is deleted, nothing is stored
// (CodeConflict). detail says what changed, for the audit.
func (s *Store) UpdateWorkflow(ctx context.Context, w tidings.Workflow, actor, detail string) (tidings.Workflow, error) {
	draft, err := encodeDefinition(&w.Draft)
	if err != nil {
		return tidings.Workflow{}, err
	}
	var now tidings.Workflow
	err = s.commit(ctx, func(tx *writeTx) (err error) {
		if now, err = liveWorkflow(tx, w.Account, w.ID, w.Version); err != nil {
			return err
		}
		now.Name, now.Draft, now.Version, now.UpdatedAt = w.Name, w.Draft, now.Version+1, tx.now
		_, err = tx.exec(`UPDATE workflow SET name = $2, draft = $3, version = $4, updated = $5 WHERE id = $1`, w.ID, w.Name, draft, now.Version, millis(tx.now))
		if err != nil {
			return err
		}
		return auditWorkflow(tx, &now, actor, "workflow.update", detail)
	})
	if err != nil {
		return tidings.Workflow{}, err
	}
	return now, nil
}

// liveWorkflow reads a workflow that is not deleted; version is the one that it
// was read with, 0 = whatever it is now.
func liveWorkflow(tx *writeTx, account tidings.AccountID, id tidings.WorkflowID, version int64) (tidings.Workflow, error) {
	w, err := scanWorkflow(tx.row(selectWorkflow+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return w, orNotFound(err, "workflow", int64(id))
	}
	if err := liveAs("workflow", int64(id), w.DeletedAt, version, w.Version); err != nil {
		return w, err
	}
	return w, nil
}

// liveAs refuses (CodeConflict) a thing that is deleted, or has another version than it was read with (0 = any).
func liveAs(what string, id int64, deleted time.Time, read, now int64) error {
	if !deleted.IsZero() {
		return tidings.Errorf(tidings.CodeConflict, "%s %d is deleted: restore it first", what, id)
	}
	if read != 0 && read != now {
		return tidings.Errorf(tidings.CodeConflict, "%s %d was changed since it was read (version %d, now %d): read it again and repeat the change", what, id, read, now)
	}
	return nil
}

// ActivateWorkflow makes a workflow's draft its next version, which new runs
// take from now on. version is the Version it was read with (CodeConflict when
// that has changed, or the workflow is deleted), 0 = any.
func (s *Store) ActivateWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, version int64, actor string) (tidings.Workflow, error) {
	var w tidings.Workflow
	err := s.commit(ctx, func(tx *writeTx) (err error) {
		if w, err = liveWorkflow(tx, account, id, version); err != nil {
			return err
		}
		w.Latest++
		w.Active, w.Version, w.UpdatedAt = w.Latest, w.Version+1, tx.now
		if err := activated(tx, account, w.Draft.Trigger.Activity != nil); err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO workflow_version (workflow, number, definition, created) SELECT id, $2, draft, $3 FROM workflow WHERE id = $1`, id, w.Latest, millis(tx.now))
		if err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE workflow SET active = $2, latest = $2, follows = $3, version = $4, updated = $5 WHERE id = $1`,
			id, w.Latest, flag(w.Draft.Trigger.Activity != nil), w.Version, millis(tx.now))
		if err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "workflow.activate", fmt.Sprintf("version %d", w.Latest))
	})
	if err != nil {
		return tidings.Workflow{}, err
	}
	return w, nil
}

// activated notes that what is active of an account changes. When its first
// workflow that activities start is among it, they do so from now on: the feed
// before it is history.
func activated(tx *writeTx, account tidings.AccountID, follows bool) error {
	_, err := tx.exec(`INSERT INTO activation (account, stamp, followed) VALUES ($1, 1, 0)
		ON CONFLICT (account) DO UPDATE SET stamp = activation.stamp + 1`, account)
	if err != nil || !follows {
		return err
	}
	var followed bool
	if err := tx.row(`SELECT EXISTS (SELECT 1 FROM workflow WHERE account = $1 AND follows = 1)`, account).Scan(&followed); err != nil || followed {
		return err
	}
	h, err := tx.head(account)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE activation SET followed = $2 WHERE account = $1`, account, h.last())
	return err
}

// DeactivateWorkflow has no new runs start; stopRuns ends those that are going
// (see StopRuns, also for what is true after an error) and gives their number.
// A workflow that is off stays as it is. CodeConflict when it is deleted.
func (s *Store) DeactivateWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, stopRuns bool, actor string) (stopped int64, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		w, err := liveWorkflow(tx, account, id, 0)
		if err != nil || w.Active == 0 {
			return err
		}
		if err := switchOff(tx, &w, false); err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "workflow.deactivate", "")
	})
	if err != nil || !stopRuns {
		return 0, err
	}
	return s.StopRuns(ctx, account, id, actor)
}

func switchOff(tx *writeTx, w *tidings.Workflow, deleted bool) error {
	at := int64(0)
	if deleted {
		at = millis(tx.now)
	}
	if _, err := tx.exec(`UPDATE workflow SET active = 0, follows = 0, version = version + 1, updated = $2, deleted = $3 WHERE id = $1`, w.ID, millis(tx.now), at); err != nil {
		return err
	}
	return activated(tx, w.Account, false)
}

// DeleteWorkflow takes a workflow from the live ones and ends its runs (see
// StopRuns, also for what is true after an error); its definition stays, to be
// looked at and restored. CodeNotFound when the account has no live one of the id.
func (s *Store) DeleteWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, actor string) error {
	err := s.commit(ctx, func(tx *writeTx) error {
		w, err := scanWorkflow(tx.row(selectWorkflow+` WHERE account = $1 AND id = $2 AND deleted = 0`, account, id))
		if err != nil {
			return orNotFound(err, "workflow", int64(id))
		}
		if err := switchOff(tx, &w, true); err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "workflow.delete", "")
	})
	if err != nil {
		return err
	}
	_, err = s.StopRuns(ctx, account, id, actor)
	return err
}

// RestoreWorkflow makes a deleted workflow a live one again, which is off; a
// live one stays as it is. CodeNotFound when the account never had one of the id.
func (s *Store) RestoreWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, actor string) (tidings.Workflow, error) {
	var w tidings.Workflow
	err := s.commit(ctx, func(tx *writeTx) (err error) {
		w, err = scanWorkflow(tx.row(selectWorkflow+` WHERE account = $1 AND id = $2`, account, id))
		if err != nil || w.DeletedAt.IsZero() {
			return orNotFound(err, "workflow", int64(id))
		}
		w.Version, w.UpdatedAt, w.DeletedAt = w.Version+1, tx.now, time.Time{}
		if _, err := tx.exec(`UPDATE workflow SET deleted = 0, version = $2, updated = $3 WHERE id = $1`, id, w.Version, millis(tx.now)); err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "workflow.restore", "")
	})
	if err != nil {
		return tidings.Workflow{}, err
	}
	return w, nil
}

// WorkflowVersion gives what an activation made of a workflow: version n, from
// 1. It never changes. CodeNotFound when there is none.
func (s *Store) WorkflowVersion(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, n int64) (tidings.Definition, error) {
	var text string
	err := s.row(ctx, `SELECT v.definition FROM workflow_version v JOIN workflow w ON w.id = v.workflow WHERE w.account = $1 AND v.workflow = $2 AND v.number = $3`,
		account, id, n).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.Definition{}, tidings.Errorf(tidings.CodeNotFound, "there is no version %d of workflow %d", n, id)
	}
	if err != nil {
		return tidings.Definition{}, readError(err)
	}
	return decodeDefinition(text)
}

// WorkflowStamp gives a number that grows with every change of what is active
// of an account: what was read under it is true as long as it stays.
func (s *Store) WorkflowStamp(ctx context.Context, account tidings.AccountID) (int64, error) {
	var stamp int64
	err := s.row(ctx, `SELECT stamp FROM activation WHERE account = $1`, account).Scan(&stamp)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return stamp, readError(err)
}

// ActiveWorkflows gives the workflows of an account that are on, in the order
// of their ids, each with the version that new runs take, and the stamp that
// they were read under.
func (s *Store) ActiveWorkflows(ctx context.Context, account tidings.AccountID) ([]tidings.ActiveWorkflow, int64, error) {
	// The stamp first: when something changes meanwhile, it is an old one, and all is read again.
	stamp, err := s.WorkflowStamp(ctx, account)
	if err != nil {
		return nil, 0, err
	}
	rows, err := s.rows(ctx, `SELECT w.id, w.name, w.active, v.definition FROM workflow w JOIN workflow_version v ON v.workflow = w.id AND v.number = w.active
		WHERE w.account = $1 AND w.active > 0 ORDER BY w.id`, account)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var list []tidings.ActiveWorkflow
	for rows.Next() {
		var w tidings.ActiveWorkflow
		var text string
		if err := rows.Scan(&w.ID, &w.Name, &w.Version, &text); err != nil {
			return nil, 0, readError(err)
		}
		if w.Definition, err = decodeDefinition(text); err != nil {
			return nil, 0, err
		}
		list = append(list, w)
	}
	return list, stamp, readError(rows.Err())
}
