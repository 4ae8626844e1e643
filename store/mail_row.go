package store

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"tidings"
)

const mailColumns = `id, account, iid, message, name, tag, language, contact, external, address, broadcast, workflow, block, instance,
	event, event_key, event_type, test, from_name, from_address, reply_to, categories, subject,
	state, due, tries, fence, error, created, sent, opened, hits`

const selectMail = `SELECT ` + mailColumns + ` FROM mail`

// mailRow is a row of mailColumns.
type mailRow struct {
	tidings.Mail
	test                       flag
	categories                 string
	due, created, sent, opened int64
	hits                       int
}

func (r *mailRow) into() []any {
	return []any{
		&r.ID, &r.Account, &r.IID, &r.Message, &r.Name, &r.Tag, &r.Language, &r.Contact, &r.External, &r.To, &r.Broadcast, &r.Workflow, &r.Block, &r.Instance,
		&r.Event, &r.EventKey, &r.EventType, &r.test, &r.From.Name, &r.From.Address, &r.ReplyTo, &r.categories, &r.Subject,
		&r.State, &r.due, &r.Tries, &r.Fence, &r.LastError, &r.created, &r.sent, &r.opened, &r.hits,
	}
}

// read reads the row, and makes the mail whole but for its bodies.
func (r *mailRow) read(row scanner) error {
	if err := row.Scan(r.into()...); err != nil {
		return err
	}
	r.Test = bool(r.test)
	r.Due, r.CreatedAt, r.SentAt, r.OpenedAt = fromMillis(r.due), fromMillis(r.created), fromMillis(r.sent), fromMillis(r.opened)
	var err error
	r.Categories, err = decodeTexts(r.categories)
	return err
}

// scanMails reads rows of mailColumns and closes them.
func scanMails(rows *sql.Rows) ([]tidings.Mail, error) {
	defer rows.Close()
	var mails []tidings.Mail
	for rows.Next() {
		var r mailRow
		if err := r.read(rows); err != nil {
			return nil, readError(err)
		}
		mails = append(mails, r.Mail)
	}
	return mails, readError(rows.Err())
}

// decodeTexts undoes encodeTexts.
func decodeTexts(column string) ([]string, error) {
	if column == "" {
		return nil, nil
	}
	var texts []string
	err := json.Unmarshal([]byte(column), &texts)
	return texts, err
}

// insertMail queues a mail whose bodies were packed before the transaction.
// The store gives the iid when it has none, and a Due that is zero is now.
// CodeNotFound when its contact is gone.
func (s *Store) insertMail(tx *writeTx, m *tidings.Mail, body []byte) (id tidings.MailID, err error) {
	iid, due := m.IID, m.Due
	if iid == "" {
		iid = newUUID(tx.now)
	}
	if due.IsZero() {
		due = tx.now
	}
	err = tx.row(`
		INSERT INTO mail (account, iid, message, name, tag, language, contact, external, address, broadcast, workflow, block, instance,
			event, event_key, event_type, test, from_name, from_address, reply_to, categories, subject, state, due, wake, created)
		SELECT $1, $2, $3, $4, $5, $6, CAST($7 AS BIGINT), $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 'queued', $23, $23, $24
		WHERE $7 = 0 OR EXISTS (SELECT 1 FROM contact WHERE id = $7 AND account = $1) RETURNING id`,
		m.Account, iid, m.Message, m.Name, m.Tag, m.Language, m.Contact, m.External, m.To, m.Broadcast, m.Workflow, m.Block, m.Instance,
		m.Event, m.EventKey, m.EventType, flag(m.Test), m.From.Name, m.From.Address, m.ReplyTo, encodeTexts(m.Categories), m.Subject,
		millis(due), millis(tx.now)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, orNotFound(err, "contact", int64(m.Contact))
	}
	if err != nil {
		return 0, err
	}
	if err := tx.queue(`INSERT INTO mail_body (mail, body) VALUES ($1, $2)`, id, body); err != nil {
		return 0, err
	}
	if millis(due) <= millis(tx.now) {
		tx.onCommit(s.mailsDue)
	}
	return id, nil
}

// packBodies packs the html and the text of a mail.
func (s *Store) packBodies(m *tidings.Mail) []byte {
	text := make([]byte, 0, binary.MaxVarintLen64+len(m.HTML)+len(m.Text))
	text = binary.AppendUvarint(text, uint64(len(m.HTML)))
	text = append(text, m.HTML...)
	return s.pack(append(text, m.Text...))
}

func (s *Store) unpackBodies(packed []byte, m *tidings.Mail) error {
	text, err := s.unpack(packed)
	if err != nil {
		return fmt.Errorf("the bodies of mail %d: %w", m.ID, err)
	}
	html, n := binary.Uvarint(text)
	if n <= 0 || html > uint64(len(text)-n) {
		return fmt.Errorf("the bodies of mail %d: %w", m.ID, errors.New("they are damaged"))
	}
	m.HTML, m.Text = string(text[n:n+int(html)]), string(text[n+int(html):])
	return nil
}
