package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// QueueMail stores a mail to be sent when it is due; the store gives its id,
// its iid when it has none, and CreatedAt, and a Due that is zero is now.
// CodeNotFound when there is no such account, or its contact is gone.
func (s *Store) QueueMail(ctx context.Context, m tidings.Mail) (tidings.MailID, error) {
	body := s.packBodies(&m)
	var id tidings.MailID
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(m.Account); err != nil {
			return err
		}
		var err error
		id, err = s.insertMail(tx, &m, body)
		return err
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// Mail gives a mail of an account, with its bodies; CodeNotFound when the
// account has none of the id. One whose contact was deleted has no address, no
// subject and no bodies any more.
func (s *Store) Mail(ctx context.Context, account tidings.AccountID, id tidings.MailID) (tidings.Mail, error) {
	return s.mail(ctx, s.row(ctx, selectMail+` WHERE account = $1 AND id = $2`, account, id), id)
}

// MailByID is Mail for what names a mail without its account: the tokens of
// links. CodeNotFound also when its contact was deleted.
func (s *Store) MailByID(ctx context.Context, id tidings.MailID) (tidings.Mail, error) {
	m, err := s.mail(ctx, s.row(ctx, selectMail+` WHERE id = $1`, id), id)
	if err == nil && erased(&m) {
		return tidings.Mail{}, errErased(&m)
	}
	return m, err
}

func (s *Store) mail(ctx context.Context, row scanner, id tidings.MailID) (tidings.Mail, error) {
	var r mailRow
	if err := r.read(row); err != nil {
		return tidings.Mail{}, orNotFound(err, "mail", int64(id))
	}
	if erased(&r.Mail) {
		return r.Mail, nil
	}
	var body []byte
	if err := s.row(ctx, `SELECT body FROM mail_body WHERE mail = $1`, id).Scan(&body); err != nil {
		return tidings.Mail{}, orNotFound(err, "mail", int64(id))
	}
	return r.Mail, s.unpackBodies(body, &r.Mail)
}

// Mails gives the mails that a query chooses, newest first, without their bodies.
func (s *Store) Mails(ctx context.Context, q tidings.MailQuery) ([]tidings.Mail, error) {
	from, to, err := s.mailsWithin(ctx, q.From, q.To)
	if err != nil {
		return nil, err
	}
	query, args := mailQuery(q, from, to)
	rows, err := s.rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanMails(rows)
}

// mailDisorder is by how many ids mails may be out of the order of their times:
// those that nodes make at the same moment.
const mailDisorder = 1000

// mailsWithin bounds the ids of the mails that were made from a time on and
// before another one; zero times bound nothing.
func (s *Store) mailsWithin(ctx context.Context, from, to time.Time) (after, before int64, err error) {
	if !from.IsZero() {
		if after, err = s.mailAt(ctx, from); err != nil {
			return 0, 0, err
		}
		after -= mailDisorder
	}
	if !to.IsZero() {
		if before, err = s.mailAt(ctx, to); err != nil {
			return 0, 0, err
		}
		before += mailDisorder
	}
	return after, before, nil
}

// mailAt finds the first id of which all mails were made at a time or later, by
// halving: mails have their ids in the order of their making, and there is no
// index of times.
func (s *Store) mailAt(ctx context.Context, at time.Time) (int64, error) {
	var low, high int64
	if err := s.row(ctx, `SELECT coalesce(max(id), 0) + 1 FROM mail`).Scan(&high); err != nil {
		return 0, readError(err)
	}
	for low < high {
		middle := low + (high-low)/2
		var id, created int64
		err := s.row(ctx, `SELECT id, created FROM mail WHERE id >= $1 ORDER BY id LIMIT 1`, middle).Scan(&id, &created)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			high = middle
		case err != nil:
			return 0, readError(err)
		case created >= millis(at):
			high = middle
		default:
			low = id + 1
		}
	}
	return low, nil
}

// mailQuery writes a query as SQL; see runQuery. The ids are those of mailsWithin.
func mailQuery(q tidings.MailQuery, after, before int64) (string, []any) {
	by := "account"
	switch {
	case q.Contact != 0:
		by = "contact"
	case q.State == tidings.MailFailed:
	case q.Broadcast != 0:
		by = "broadcast"
	case q.Message != 0:
		by = "message"
	case q.Workflow != 0:
		by = "workflow"
	}
	b := listQuery{text: selectMail + ` WHERE id < $1`, args: []any{min(orMax(int64(q.Before)), orMax(before))}, by: by}
	b.equal("account", int64(q.Account))
	for _, c := range []struct {
		column string
		value  int64
	}{
		{"contact", int64(q.Contact)}, {"broadcast", int64(q.Broadcast)}, {"message", int64(q.Message)}, {"workflow", int64(q.Workflow)},
	} {
		if c.value == 0 {
			continue
		}
		if c.column == by {
			b.text += ` AND ` + c.column + ` > 0` // which the index is bounded to
		}
		b.equal(c.column, c.value)
	}
	b.state(string(q.State))
	for _, bound := range []struct {
		asked bool
		text  string
		value int64
	}{
		{!q.From.IsZero(), " AND id >= $%d", after},
		{!q.From.IsZero(), " AND created >= $%d", millis(q.From)},
		{!q.To.IsZero(), " AND created < $%d", millis(q.To)},
	} {
		if bound.asked {
			b.args = append(b.args, bound.value)
			b.text += fmt.Sprintf(bound.text, len(b.args))
		}
	}
	return b.newestFirst(q.Limit)
}

// purgeMailsStep is how many mails one step of a purge looks at.
const purgeMailsStep = 300

// PurgeMails removes the mails that were made before a time, unless they still
// wait to be sent (which those of a canceled broadcast do not), and gives their
// number. Their activities stay.
func (s *Store) PurgeMails(ctx context.Context, before time.Time) (purged int64, err error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for after := int64(0); ; {
		// Mails have their ids in the order of their making: the oldest come first.
		var last int64
		err := s.row(ctx, `SELECT coalesce(max(id), 0) FROM (SELECT id, created FROM mail WHERE id > $1 ORDER BY id LIMIT $2) AS oldest WHERE created < $3`,
			after, purgeMailsStep, millis(before)).Scan(&last)
		if err != nil || last == 0 {
			return purged, readError(err)
		}
		var n int64
		err = s.commit(ctx, func(tx *writeTx) (err error) {
			const some = ` id > $1 AND id <= $2 AND created < $3
				AND (state <> 'queued' OR broadcast IN (SELECT id FROM broadcast WHERE state = 'canceled'))`
			if _, err := tx.exec(`DELETE FROM mail_body WHERE mail IN (SELECT id FROM mail WHERE`+some+`)`, after, last, millis(before)); err != nil {
				return err
			}
			n, err = tx.exec(`DELETE FROM mail WHERE`+some, after, last, millis(before))
			return err
		})
		purged += n
		if err != nil {
			return purged, err
		}
		after = last
	}
}
