package store

import (
	"context"
	"database/sql"
	"time"

	"tidings"
)

// What a contact leaves behind is erased step by step: each takes a bounded
// number of rows, because the writes of others wait meanwhile.
const (
	eraseRunsStep   = 50 // with their steps
	eraseMailsStep  = 100
	eraseEventsStep = 500
)

const (
	// erasedStop is why a run was stopped whose contact was deleted.
	erasedStop = "its contact was deleted"
	// erasedWords stand for an error: the words of the real one may name the contact.
	erasedWords = "the words of this error went with the deleted contact"
	// erasureKept is for how long a deleted contact is looked after: what was
	// under way when it was deleted has been stored by then, or is refused.
	erasureKept = time.Hour
)

// DeleteContact removes a contact, its addresses, its places on lists, and all
// that is known of it elsewhere: its runs are stopped, its mails that wait are
// dropped, and its runs, mails, calls and events stay as nobody's, with their
// ids, times and outcomes and without what was in them. Whoever has one of
// them in hand is fenced. Its activities stay, and so does the black list.
// CodeNotFound when the account has no such contact.
//
// The contact is gone with the first commit. What it has left takes as many
// more as it needs; when they are cut off, EraseDeleted goes on.
func (s *Store) DeleteContact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) error {
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(account); err != nil { // events that name the contact wait for it, too
			return err
		}
		c, err := readContact(tx, account, id, nil)
		if err != nil {
			return err
		}
		if err := tx.queue(`INSERT INTO erasure (contact, account, at) VALUES ($1, $2, $3)`, id, account, millis(tx.now)); err != nil {
			return err
		}
		return deleteContact(tx, &c)
	})
	if err != nil {
		return err
	}
	if _, err := s.eraseContact(ctx, account, id); err != nil {
		s.opts.Log.Warn("what a deleted contact has left could not be erased; it is tried again", "account", account, "contact", id, "error", err)
	}
	return nil
}

func deleteContact(tx *writeTx, c *tidings.Contact) error {
	if err := releaseKeys(tx, c.Account, contactKeys(c)); err != nil {
		return err
	}
	if err := tx.engine().dropName(tx, c.Account, c.ID); err != nil {
		return err
	}
	for _, from := range []string{`contact WHERE id`, `segment_member WHERE contact`} {
		if _, err := tx.exec(`DELETE FROM `+from+` = $1`, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// EraseDeleted erases what contacts have left that were deleted lately, where
// DeleteContact was cut off and where something was under way, and gives the
// number of things that it erased.
func (s *Store) EraseDeleted(ctx context.Context) (erased int64, err error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	const contacts = 100
	for after := tidings.ContactID(0); ; {
		list, err := s.erasures(ctx, after, contacts)
		if err != nil {
			return erased, err
		}
		for _, e := range list {
			n, err := s.eraseContact(ctx, e.account, e.contact)
			erased += n
			if err != nil {
				return erased, err
			}
			if !e.over {
				continue
			}
			err = s.commit(ctx, func(tx *writeTx) error { return tx.queue(`DELETE FROM erasure WHERE contact = $1`, e.contact) })
			if err != nil {
				return erased, err
			}
		}
		if len(list) < contacts {
			return erased, nil
		}
		after = list[len(list)-1].contact
	}
}

// erasure is a contact that was deleted; over says that nothing more can come of it.
type erasure struct {
	contact tidings.ContactID
	account tidings.AccountID
	over    bool
}

func (s *Store) erasures(ctx context.Context, after tidings.ContactID, limit int) ([]erasure, error) {
	rows, err := s.rows(ctx, `SELECT contact, account, at < $2 FROM erasure WHERE contact > $1 ORDER BY contact LIMIT $3`,
		after, millis(s.now().Add(-erasureKept)), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []erasure
	for rows.Next() {
		var e erasure
		if err := rows.Scan(&e.contact, &e.account, &e.over); err != nil {
			return nil, readError(err)
		}
		list = append(list, e)
	}
	return list, readError(rows.Err())
}

// eraseContact erases what a deleted contact has left, and gives the number of things.
func (s *Store) eraseContact(ctx context.Context, account tidings.AccountID, contact tidings.ContactID) (erased int64, err error) {
	of := erasing{s: s, account: account, contact: contact}
	// Runs before events: the notes of run_once are found by both.
	for _, some := range []func(*writeTx) (n int, more bool, err error){of.runs, of.mails, of.calls, of.events} {
		for more := true; more; {
			n := 0
			err := s.commit(ctx, func(tx *writeTx) (err error) {
				n, more, err = some(tx)
				return err
			})
			if err != nil {
				return erased, err
			}
			erased += int64(n)
		}
	}
	return erased, nil
}

// erasing erases what one contact has left. Each of its steps gives how many
// things it has erased, and whether there may be more.
type erasing struct {
	s       *Store
	account tidings.AccountID
	contact tidings.ContactID
}

// eraseRuns ends those that are going. It is the first statement, so that a
// CommitStep of another node has come before it or is refused.
const eraseRuns = `UPDATE run SET contact = 0, error = CASE WHEN state = 'going' THEN $3 WHEN error = '' THEN '' ELSE $4 END,
		ended = CASE WHEN state = 'going' THEN $5 ELSE ended END, state = CASE WHEN state = 'going' THEN 'stopped' ELSE state END,
		block = '', due = 0, wake = 0, fence = fence + 1, replies = 0
	WHERE id IN (SELECT id FROM run WHERE contact > 0 AND contact = $1 ORDER BY id LIMIT $2) RETURNING id, workflow, event`

func (e *erasing) runs(tx *writeTx) (n int, more bool, err error) {
	rows, err := tx.rows(eraseRuns, e.contact, eraseRunsStep, erasedStop, erasedWords, millis(tx.now))
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	var runs []tidings.Run
	for rows.Next() {
		var r tidings.Run
		if err := rows.Scan(&r.ID, &r.Workflow, &r.Event); err != nil {
			return 0, false, err
		}
		runs = append(runs, r)
	}
	if err := rows.Err(); err != nil {
		return 0, false, err
	}
	for i := range runs {
		if err := eraseRun(tx, &runs[i]); err != nil {
			return 0, false, err
		}
	}
	return len(runs), len(runs) == eraseRunsStep, nil
}

func eraseRun(tx *writeTx, r *tidings.Run) error {
	if err := tx.queue(`DELETE FROM run_reply WHERE run = $1`, r.ID); err != nil {
		return err
	}
	if err := tx.queue(`UPDATE step SET decided = '', error = CASE WHEN error = '' THEN '' ELSE $2 END WHERE run = $1`, r.ID, erasedWords); err != nil {
		return err
	}
	// A keyValue is often an address.
	return tx.queue(`DELETE FROM run_once WHERE workflow = $1 AND key_value = (SELECT key_value FROM event WHERE id = $2)`, r.Workflow, r.Event)
}

const (
	// dropMailsOf is apart from eraseMails, because broadcasts count what it drops.
	dropMailsOf = `UPDATE mail SET state = 'dropped', wake = 0, fence = fence + 1
		WHERE id IN (SELECT id FROM mail WHERE contact > 0 AND contact = $1 AND state = 'queued' ORDER BY id LIMIT $2) AND state = 'queued' RETURNING broadcast`
	eraseMails = `UPDATE mail SET contact = 0, external = '', address = '', event_key = '', from_name = '', from_address = '', reply_to = '', subject = '',
			error = CASE WHEN error = '' THEN '' ELSE $3 END
		WHERE id IN (SELECT id FROM mail WHERE contact > 0 AND contact = $1 AND state <> 'queued' ORDER BY id LIMIT $2) RETURNING id`
)

func (e *erasing) mails(tx *writeTx) (n int, more bool, err error) {
	broadcasts, err := scanIDs(tx.rows(dropMailsOf, e.contact, eraseMailsStep))
	if err != nil {
		return 0, false, err
	}
	for _, b := range broadcasts {
		if b == 0 {
			continue
		}
		if err := tx.queue(`UPDATE broadcast SET open = open - 1 WHERE id = $1`, b); err != nil {
			return 0, false, err
		}
	}
	mails, err := scanIDs(tx.rows(eraseMails, e.contact, eraseMailsStep, erasedWords))
	if err != nil {
		return 0, false, err
	}
	for _, id := range mails {
		if err := tx.queue(`DELETE FROM mail_body WHERE mail = $1`, id); err != nil {
			return 0, false, err
		}
	}
	return len(mails), len(broadcasts) == eraseMailsStep || len(mails) == eraseMailsStep, nil
}

func (e *erasing) calls(tx *writeTx) (n int, more bool, err error) {
	n, err = e.s.eraseCalls(tx, e.account, e.contact)
	return n, n == eraseCallsStep, err
}

func (e *erasing) events(tx *writeTx) (n int, more bool, err error) {
	erased, err := tx.exec(`UPDATE event SET contact = 0, key_value = '', params = '[]'
		WHERE id IN (SELECT id FROM event WHERE contact > 0 AND contact = $1 ORDER BY id LIMIT $2)`, e.contact, eraseEventsStep)
	return int(erased), erased == eraseEventsStep, err
}

// scanIDs reads rows of one number and closes them.
func scanIDs(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// erased says that a mail's contact was deleted: a mail has no address without that.
func erased(m *tidings.Mail) bool { return m.To == "" }

func errErased(m *tidings.Mail) error {
	return tidings.Errorf(tidings.CodeNotFound, "the contact of mail %d was deleted", m.ID)
}
