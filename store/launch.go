package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tidings"
)

// launch starts the runs that an event may start, within the transaction that
// stores the event. What the workflow, the contact or an earlier event of the
// same keyValue forbids is left out.
func (s *Store) launch(tx *writeTx, e *tidings.Event, launches []tidings.Launch) ([]tidings.RunID, error) {
	contact, err := s.launchContact(tx, e, launches)
	if err != nil {
		return nil, err
	}
	var runs []tidings.RunID
	for i := range launches {
		l := &launches[i]
		if l.Takes != nil && !l.Takes(contact) {
			continue
		}
		may, err := mayLaunch(tx, e, l)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		id, err := insertRun(tx, e, l, `active > 0`)
		if err != nil {
			return nil, err
		}
		if id != 0 {
			runs = append(runs, id)
		}
	}
	if len(runs) > 0 {
		tx.onCommit(s.runsDue)
	}
	return runs, nil
}

// launchContact reads the contact that the launches look at; nil when none looks, or the event names nobody.
func (s *Store) launchContact(tx *writeTx, e *tidings.Event, launches []tidings.Launch) (*tidings.Contact, error) {
	looks := false
	for i := range launches {
		looks = looks || launches[i].Takes != nil
	}
	if !looks || e.Contact == 0 {
		return nil, nil
	}
	fields, err := s.fieldsOf(tx, e.Account)
	if err != nil {
		return nil, err
	}
	c, err := readContact(tx, e.Account, e.Contact, fields)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// mayLaunch says whether Alone and Once let a run start, and notes for Once that it does.
func mayLaunch(tx *writeTx, e *tidings.Event, l *tidings.Launch) (bool, error) {
	if l.Alone && e.Contact != 0 {
		var in bool
		err := tx.row(`SELECT EXISTS (SELECT 1 FROM run WHERE workflow = $1 AND contact = $2 AND state = 'going')`, l.Workflow, e.Contact).Scan(&in)
		if err != nil || in {
			return false, err
		}
	}
	if l.Once.Mode == tidings.OnceAlways {
		return true, nil
	}
	before, expires := int64(-1), int64(0) // never again
	if l.Once.Mode == tidings.OncePer {
		per := time.Duration(l.Once.Per) * time.Second
		before, expires = millis(tx.now.Add(-per)), millis(tx.now.Add(per))
	}
	// Of a workflow that is off nothing starts, so nothing is noted.
	n, err := tx.exec(`INSERT INTO run_once (workflow, key_value, at, expires) SELECT id, $2, $3, $6 FROM workflow WHERE id = $1 AND account = $4 AND active > 0
		ON CONFLICT (workflow, key_value) DO UPDATE SET at = excluded.at, expires = excluded.expires WHERE run_once.at <= $5`,
		l.Workflow, e.KeyValue, millis(tx.now), e.Account, before, expires)
	return n > 0, err
}

// purgeOnceStep is how many notes one step of a purge takes.
const purgeOnceStep = 500

// PurgeOnce removes the notes of earlier starts that hold no run back any more:
// those of workflows that start one for each keyValue and time, when that time
// has gone, and those of workflows that were deleted before an instant, zero =
// of none. It gives their number. What a longer time, set later, would have
// held back then starts.
func (s *Store) PurgeOnce(ctx context.Context, deletedBefore time.Time) (purged int64, err error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for _, some := range []struct {
		notes string
		at    int64
	}{
		{`expires > 0 AND expires <= $1`, millis(s.now())},
		{`workflow IN (SELECT id FROM workflow WHERE deleted > 0 AND deleted < $1)`, millis(deletedBefore)},
	} {
		for n := int64(purgeOnceStep); n == purgeOnceStep; purged += n {
			err := s.commit(ctx, func(tx *writeTx) (err error) {
				n, err = tx.exec(`DELETE FROM run_once WHERE (workflow, key_value) IN (SELECT workflow, key_value FROM run_once WHERE `+some.notes+` LIMIT $2)`,
					some.at, purgeOnceStep)
				return err
			})
			if err != nil {
				return purged, err
			}
		}
	}
	return purged, nil
}

// insertRun stores a run that begins now, and gives 0 when its workflow is not
// as the condition asks.
func insertRun(tx *writeTx, e *tidings.Event, l *tidings.Launch, condition string) (id tidings.RunID, err error) {
	err = tx.row(`
		INSERT INTO run (instance, account, workflow, version, contact, event, state, block, due, wake, entered, started)
		SELECT $1, account, id, $4, $5, $6, 'going', $7, $8, $8, $8, $8 FROM workflow
		WHERE id = $3 AND account = $2 AND deleted = 0 AND `+condition+` RETURNING id`,
		newUUID(tx.now), e.Account, l.Workflow, l.Version, e.Contact, e.ID, l.Start, millis(tx.now)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// StartRun starts a run for an event that is stored already, whatever Once and
// Alone say and whether or not the workflow is active: to run it again. Takes
// is not asked. CodeNotFound when the account has no such event or live workflow.
func (s *Store) StartRun(ctx context.Context, account tidings.AccountID, event tidings.EventID, l tidings.Launch, actor string) (tidings.Run, error) {
	var run tidings.Run
	err := s.commit(ctx, func(tx *writeTx) error {
		e, err := scanEvent(tx.row(selectEvent+` WHERE e.id = $1 AND e.account = $2`, event, account), account)
		if err != nil {
			return orNotFound(err, "event", int64(event))
		}
		id, err := insertRun(tx, &e, &l, `latest > 0`)
		if err != nil {
			return err
		}
		if id == 0 {
			return tidings.Errorf(tidings.CodeNotFound, "there is no workflow %d that was ever active", l.Workflow)
		}
		if run, err = scanRun(tx.row(selectRun+` WHERE id = $1`, id)); err != nil {
			return err
		}
		tx.onCommit(s.runsDue)
		return auditRun(tx, &run, actor, "run.start")
	})
	if err != nil {
		return tidings.Run{}, err
	}
	return run, nil
}

// ActivityTriggerAccounts lists the accounts of which an active workflow is
// started by activities.
func (s *Store) ActivityTriggerAccounts(ctx context.Context) ([]tidings.AccountID, error) {
	rows, err := s.rows(ctx, `SELECT DISTINCT account FROM workflow WHERE follows = 1 ORDER BY account`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var accounts []tidings.AccountID
	for rows.Next() {
		var a tidings.AccountID
		if err := rows.Scan(&a); err != nil {
			return nil, readError(err)
		}
		accounts = append(accounts, a)
	}
	return accounts, readError(rows.Err())
}

// ActivityCursor gives the seq up to which an account's activities have started
// runs: where its feed ended when the first workflow that is started by
// activities became active, and since then what LaunchFromActivities moved it to.
func (s *Store) ActivityCursor(ctx context.Context, account tidings.AccountID) (tidings.Seq, error) {
	var seq tidings.Seq
	err := s.row(ctx, `SELECT followed FROM activation WHERE account = $1`, account).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, readError(err)
}

// LaunchFromActivities stores the events that an account's activities make,
// starts their runs and moves the cursor from after to through, in one commit.
// CodeFenced, and nothing is stored, when the cursor is not at after any more:
// then somebody else has seen to some of these activities.
func (s *Store) LaunchFromActivities(ctx context.Context, account tidings.AccountID, after, through tidings.Seq, events []tidings.EventWithLaunches) error {
	return s.commit(ctx, func(tx *writeTx) error {
		n, err := tx.exec(`UPDATE activation SET followed = $3 WHERE account = $1 AND followed = $2`, account, after, through)
		if err != nil {
			return err
		}
		if n == 0 {
			return tidings.Errorf(tidings.CodeFenced, "the activities of account %d after %d have started their runs already", account, after)
		}
		if len(events) == 0 {
			return nil
		}
		w, err := s.newContactWriter(tx, account)
		if err != nil {
			return err
		}
		for i := range events {
			e := events[i].Event
			e.Account = account
			if _, err := s.addEvent(tx, w, &e, events[i].Launches); err != nil {
				return err
			}
		}
		return nil
	})
}
