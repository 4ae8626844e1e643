package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"tidings"
)

// CommitStep stores what steps of a run have led to, all of it or nothing. The
// store gives the steps their run, numbers, call and mail, and the call and the mail
// their account, and the mail its workflow, run, event and iid. Once Marked
// is set it stays. The run that comes back has its replies when it is held.
//
//	CodeFenced    the run is another claimant's, or was stored already as given by First, or was stopped or its contact deleted meanwhile: nothing is to be done about it
//	CodeNotFound  there is no such contact or segment
//	CodeInvalid   the contact would break a rule
//	CodeConflict  an address of the contact's belongs to another, or the segment has a condition
func (s *Store) CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error) {
	c, err := s.newStepCommit(a)
	if err != nil {
		return tidings.Advanced{}, err
	}
	if err := s.commit(ctx, c.run); err != nil {
		return tidings.Advanced{}, err
	}
	if c.replies != nil {
		if c.done.Run.Replies, err = s.unpackReplies(c.replies); err != nil {
			return tidings.Advanced{}, err
		}
	}
	return c.done, nil
}

// stepCommit is one CommitStep: what was packed before its transaction, and what came of it.
type stepCommit struct {
	s       *Store
	a       tidings.Advance
	detail  []byte // of the call
	body    []byte // of the mail
	reply   []byte
	done    tidings.Advanced
	replies []packedReply
}

func (s *Store) newStepCommit(a tidings.Advance) (*stepCommit, error) {
	c := &stepCommit{s: s, a: a}
	if a.Call != nil {
		var err error
		if c.detail, err = s.packCall(a.Call); err != nil {
			return nil, err
		}
	}
	if a.Mail != nil {
		c.body = s.packBodies(a.Mail)
	}
	if a.Reply != nil {
		c.reply = s.pack(a.Reply.Reply.Body)
	}
	return c, nil
}

const advanceRun = `UPDATE run SET state = $3, block = $4, due = $5, wake = $6, entered = CASE WHEN block = $4 THEN entered ELSE $7 END,
		marked = CASE WHEN marked = 1 THEN 1 ELSE $8 END, error = $9, steps = steps + $10, tries = CASE WHEN $10 > 0 OR $13 = 1 THEN 0 ELSE tries END,
		replies = CASE WHEN replies = 1 THEN 1 ELSE $11 END, ended = $12
	WHERE id = $1 AND fence = $2 AND state = 'going' AND ($14 = 0 OR steps = $14 - 1) AND (contact = 0 OR EXISTS (SELECT 1 FROM contact c WHERE c.id = run.contact)) RETURNING ` + runColumns

func (c *stepCommit) run(tx *writeTx) error {
	c.done, c.replies = tidings.Advanced{}, nil
	a := &c.a
	going := a.State == tidings.RunGoing
	due, wake, ended := a.Due, a.Due, int64(0)
	switch {
	case !going:
		due, wake, ended = fromMillis(0), fromMillis(0), millis(tx.now)
	case a.Due.IsZero():
		due, wake = tx.now, tx.now
	}
	if going && !a.Hold.IsZero() {
		wake = a.Hold
	}
	var row runRow
	err := tx.row(advanceRun, a.Run, a.Fence, a.State, a.Block, millis(due), millis(wake), millis(tx.now),
		flag(a.Marked), a.Error, len(a.Steps), flag(a.Reply != nil), ended, flag(a.NotTried), a.First).Scan(row.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.Errorf(tidings.CodeFenced, "run %d is not as it was claimed: it is in other hands, or has ended, or its contact was deleted", a.Run)
	}
	if err != nil {
		return err
	}
	c.done.Run = row.run()
	for _, store := range []func(*writeTx) error{c.storeCall, c.storeMail, c.storeSteps, c.storeContact, c.storeLists} {
		if err := store(tx); err != nil {
			return err
		}
	}
	if going && a.Hold.IsZero() && millis(due) <= millis(tx.now) {
		tx.onCommit(c.s.runsDue)
	}
	return c.storeReply(tx, bool(row.replies))
}

func (c *stepCommit) storeCall(tx *writeTx) (err error) {
	if c.a.Call == nil {
		return nil
	}
	call := *c.a.Call
	call.Account = c.done.Run.Account
	c.done.Call, err = c.s.insertCall(tx, &call, c.detail)
	return err
}

func (c *stepCommit) storeMail(tx *writeTx) (err error) {
	if c.a.Mail == nil {
		return nil
	}
	mail, run := *c.a.Mail, &c.done.Run
	mail.Account, mail.Workflow, mail.Instance, mail.Event = run.Account, run.Workflow, run.Instance, run.Event
	c.done.Mail, err = c.s.insertMail(tx, &mail, c.body)
	return err
}

// stepsAtOnce is how many steps one statement stores.
const stepsAtOnce = 6

func (c *stepCommit) storeSteps(tx *writeTx) error {
	first := c.done.Run.Steps - len(c.a.Steps) + 1
	for some := range slices.Chunk(c.a.Steps, stepsAtOnce) {
		args := make([]any, 0, stepColumns*len(some))
		for i := range some {
			t := &some[i]
			call, mail := t.Call, t.Mail
			if t.Kind == tidings.BlockWebhook && c.a.Call != nil {
				call = c.done.Call
			}
			if t.Kind == tidings.BlockMessage && c.a.Mail != nil {
				mail = c.done.Mail
			}
			args = append(args, c.a.Run, first+i, t.Block, t.Kind, millis(t.At), t.Duration.Microseconds(), t.Exit, call, mail, string(t.Decided), t.Error)
		}
		if err := tx.queue(insertSteps(len(some)), args...); err != nil {
			return err
		}
		first += len(some)
	}
	return nil
}

const stepColumns = 11

// The statements for one step, two, and so on.
const (
	insertStep1 = `INSERT INTO step (run, number, block, kind, at, duration, exit, call, mail, decided, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	insertStep2 = insertStep1 + `, ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`
	insertStep3 = insertStep2 + `, ($23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)`
	insertStep4 = insertStep3 + `, ($34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44)`
	insertStep5 = insertStep4 + `, ($45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55)`
	insertStep6 = insertStep5 + `, ($56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66)`
)

// insertSteps is the statement for n steps.
func insertSteps(n int) string {
	return [stepsAtOnce]string{insertStep1, insertStep2, insertStep3, insertStep4, insertStep5, insertStep6}[n-1]
}

func (c *stepCommit) storeContact(tx *writeTx) error {
	if c.a.Change == nil {
		return nil
	}
	w, err := c.s.newContactWriter(tx, c.done.Run.Account)
	if err != nil {
		return err
	}
	w.origin.run = &c.done.Run
	if at := slices.IndexFunc(c.a.Steps, func(t tidings.Step) bool { return t.Kind == tidings.BlockUpdateContact }); at >= 0 {
		w.origin.block = c.a.Steps[at].Block
	}
	if _, err := w.update(c.a.Contact, c.a.Change); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	now, err := readContact(tx, w.account, c.a.Contact, w.fields)
	if err != nil {
		return err
	}
	c.done.Contact = &now
	return markBlacklisted(tx, &now)
}

func (c *stepCommit) storeLists(tx *writeTx) error {
	account := c.done.Run.Account
	if list := c.a.AddTo; list != 0 {
		if err := wantList(tx, account, list); err != nil {
			return err
		}
		if _, err := tx.exec(addMember, list, c.a.Contact, account); err != nil {
			return err
		}
	}
	if list := c.a.TakeOff; list != 0 {
		if err := wantList(tx, account, list); err != nil {
			return err
		}
		if _, err := tx.exec(removeMember, list, c.a.Contact); err != nil {
			return err
		}
	}
	return nil
}

// storeReply keeps the reply for a run that goes on, and gives those of one
// that is held; of one that has ended they go.
func (c *stepCommit) storeReply(tx *writeTx, replies bool) (err error) {
	run, r := &c.done.Run, c.a.Reply
	switch {
	case run.State != tidings.RunGoing:
		if !replies {
			return nil
		}
		return tx.queue(`DELETE FROM run_reply WHERE run = $1`, run.ID)
	case r != nil:
		err = tx.queue(`INSERT INTO run_reply (run, name, step, format, failed, body) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (run, name) DO UPDATE SET step = excluded.step, format = excluded.format, failed = excluded.failed, body = excluded.body`,
			run.ID, r.Name, run.Steps, r.Reply.Format, flag(r.Failed), c.reply)
		if err != nil {
			return err
		}
	}
	if replies && !c.a.Hold.IsZero() {
		c.replies, err = repliesOf(tx, run.ID)
	}
	return err
}
