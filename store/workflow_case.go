package store

import (
	"context"
	"fmt"

	"tidings"
)

const selectCase = `SELECT id, account, workflow, name, input, expected, created FROM workflow_case`

func scanCase(row scanner) (tidings.WorkflowCase, error) {
	var c tidings.WorkflowCase
	var input, expected string
	var created int64
	err := row.Scan(&c.ID, &c.Account, &c.Workflow, &c.Name, &input, &expected, &created)
	c.Input, c.Expected, c.CreatedAt = []byte(input), []byte(expected), fromMillis(created)
	return c, err
}

// CreateCase keeps a dry run of a workflow; the store gives ID and CreatedAt.
// CodeNotFound when the account has no such live workflow, CodeConflict when
// the workflow has a case of the name, MaxCases of them, or is deleted.
func (s *Store) CreateCase(ctx context.Context, c tidings.WorkflowCase, actor string) (tidings.WorkflowCase, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		w, err := liveWorkflow(tx, c.Account, c.Workflow, 0)
		if err != nil {
			return err
		}
		c.ID = 0
		if err := freeCaseName(tx, &c); err != nil {
			return err
		}
		var have int
		if err := tx.row(`SELECT count(*) FROM workflow_case WHERE workflow = $1`, c.Workflow).Scan(&have); err != nil {
			return err
		}
		if have >= tidings.MaxCases {
			return tidings.Errorf(tidings.CodeConflict, "workflow %d has %d cases, which is the most: delete one first", c.Workflow, have)
		}
		c.CreatedAt = tx.now
		err = tx.row(`INSERT INTO workflow_case (account, workflow, name, input, expected, created) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
			c.Account, c.Workflow, c.Name, string(c.Input), string(c.Expected), millis(tx.now)).Scan(&c.ID)
		if err != nil {
			return err
		}
		return auditWorkflow(tx, &w, actor, "case.create", fmt.Sprintf("case %d %q", c.ID, c.Name))
	})
	if err != nil {
		return tidings.WorkflowCase{}, err
	}
	return c, nil
}

func freeCaseName(tx *writeTx, c *tidings.WorkflowCase) error {
	var other int64
	err := tx.row(`SELECT id FROM workflow_case WHERE workflow = $1 AND name = $2 AND id <> $3`, c.Workflow, c.Name, c.ID).Scan(&other)
	return nameTaken(err, "case", other)
}

// Case gives a case of an account; CodeNotFound when the account has none of the id.
func (s *Store) Case(ctx context.Context, account tidings.AccountID, id int64) (tidings.WorkflowCase, error) {
	c, err := scanCase(s.row(ctx, selectCase+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.WorkflowCase{}, orNotFound(err, "case", id)
	}
	return c, nil
}

// Cases gives the cases of a workflow in the order of their ids.
func (s *Store) Cases(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID) ([]tidings.WorkflowCase, error) {
	rows, err := s.rows(ctx, selectCase+` WHERE workflow = $1 AND account = $2 ORDER BY id`, workflow, account)
	return gather(rows, err, scanCase)
}

// UpdateCase stores name, input and expectation of a case. CodeNotFound when
// the account has none of the id, CodeConflict when another one of its workflow has the name.
func (s *Store) UpdateCase(ctx context.Context, c tidings.WorkflowCase, actor string) (tidings.WorkflowCase, error) {
	var now tidings.WorkflowCase
	err := s.commit(ctx, func(tx *writeTx) (err error) {
		if now, err = scanCase(tx.row(selectCase+` WHERE account = $1 AND id = $2`, c.Account, c.ID)); err != nil {
			return orNotFound(err, "case", c.ID)
		}
		now.Name, now.Input, now.Expected = c.Name, c.Input, c.Expected
		if err := freeCaseName(tx, &now); err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE workflow_case SET name = $2, input = $3, expected = $4 WHERE id = $1`, c.ID, c.Name, string(c.Input), string(c.Expected))
		if err != nil {
			return err
		}
		return auditCase(tx, &now, actor, "case.update")
	})
	if err != nil {
		return tidings.WorkflowCase{}, err
	}
	return now, nil
}

// DeleteCase removes a case; CodeNotFound when the account has none of the id.
func (s *Store) DeleteCase(ctx context.Context, account tidings.AccountID, id int64, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		c, err := scanCase(tx.row(selectCase+` WHERE account = $1 AND id = $2`, account, id))
		if err != nil {
			return orNotFound(err, "case", id)
		}
		if _, err := tx.exec(`DELETE FROM workflow_case WHERE id = $1`, id); err != nil {
			return err
		}
		return auditCase(tx, &c, actor, "case.delete")
	})
}

func auditCase(tx *writeTx, c *tidings.WorkflowCase, actor, action string) error {
	return auditThing(tx, tidings.AuditRecord{
		Account: c.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("case %d %q of workflow %d", c.ID, c.Name, c.Workflow),
	}, "")
}
