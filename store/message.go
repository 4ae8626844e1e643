package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidings"
)

const selectMessage = `SELECT id, account, name, tag, from_name, from_address, reply_to, categories, content, version, created, updated, deleted FROM message`

// messageContent is the form in which a message's templates are kept.
type messageContent struct {
	content
	Variants map[string]content `json:"variants,omitempty"`
}

type content struct {
	Subject string `json:"subject"`
	HTML    string `json:"html,omitempty"`
	Text    string `json:"text,omitempty"`
}

func (s *Store) packContent(m *tidings.Message) ([]byte, error) {
	c := messageContent{content: content(m.Content)}
	if m.Variants != nil {
		c.Variants = make(map[string]content, len(m.Variants))
	}
	for language, variant := range m.Variants {
		c.Variants[language] = content(variant)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("the content of message %d: %w", m.ID, err)
	}
	return s.pack(text), nil
}

func (s *Store) unpackContent(packed []byte, m *tidings.Message) error {
	text, err := s.unpack(packed)
	var c messageContent
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return fmt.Errorf("the content of message %d: %w", m.ID, err)
	}
	m.Content = tidings.Content(c.content)
	if c.Variants != nil {
		m.Variants = make(map[string]tidings.Content, len(c.Variants))
	}
	for language, variant := range c.Variants {
		m.Variants[language] = tidings.Content(variant)
	}
	return nil
}

func (s *Store) scanMessage(row scanner) (tidings.Message, error) {
	var m tidings.Message
	var packed []byte
	var categories string
	var created, updated, deleted int64
	err := row.Scan(&m.ID, &m.Account, &m.Name, &m.Tag, &m.From.Name, &m.From.Address, &m.ReplyTo, &categories, &packed, &m.Version, &created, &updated, &deleted)
	if err != nil {
		return tidings.Message{}, err
	}
	m.CreatedAt, m.UpdatedAt, m.DeletedAt = fromMillis(created), fromMillis(updated), fromMillis(deleted)
	if m.Categories, err = decodeTexts(categories); err != nil {
		return tidings.Message{}, err
	}
	return m, s.unpackContent(packed, &m)
}

// CreateMessage makes a message of m.Account; the store gives ID, Version and
// the times. It is taken as it is: it was checked at the door. CodeNotFound
// when there is no such account.
func (s *Store) CreateMessage(ctx context.Context, m tidings.Message, actor string) (tidings.Message, error) {
	packed, err := s.packContent(&m)
	if err != nil {
		return tidings.Message{}, err
	}
	err = s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(m.Account); err != nil {
			return err
		}
		m.Version, m.CreatedAt, m.UpdatedAt, m.DeletedAt = 1, tx.now, tx.now, time.Time{}
		err := tx.row(`INSERT INTO message (account, name, tag, from_name, from_address, reply_to, categories, content, version, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) RETURNING id`,
			m.Account, m.Name, m.Tag, m.From.Name, m.From.Address, m.ReplyTo, encodeTexts(m.Categories), packed, millis(tx.now)).Scan(&m.ID)
		if err != nil {
			return err
		}
		return auditMessage(tx, &m, actor, "message.create", "")
	})
	if err != nil {
		return tidings.Message{}, err
	}
	return m, nil
}

func auditMessage(tx *writeTx, m *tidings.Message, actor, action, detail string) error {
	return auditThing(tx, tidings.AuditRecord{Account: m.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("message %d %q", m.ID, m.Name)}, detail)
}

// Message gives a message of an account, a deleted one too (see DeletedAt);
// CodeNotFound when the account never had one of the id.
func (s *Store) Message(ctx context.Context, account tidings.AccountID, id tidings.MessageID) (tidings.Message, error) {
	m, err := s.scanMessage(s.row(ctx, selectMessage+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Message{}, orNotFound(err, "message", int64(id))
	}
	return m, nil
}

// Messages gives at most limit (1 or more) messages of an account in the order
// of their ids, those after one (0 = from the first): the live ones, or the
// deleted ones.
func (s *Store) Messages(ctx context.Context, account tidings.AccountID, after tidings.MessageID, limit int, deleted bool) ([]tidings.Message, error) {
	rows, err := s.rows(ctx, selectMessage+` WHERE account = $1 AND id > $2 AND`+whetherDeleted(deleted)+` ORDER BY id LIMIT $3`, account, after, limit)
	return gather(rows, err, s.scanMessage)
}

// UpdateMessage stores a message that was read and changed. m.Version is the
// one that was read; when it has changed since, or the message is deleted,
// nothing is stored (CodeConflict). detail says what changed, for the audit.
func (s *Store) UpdateMessage(ctx context.Context, m tidings.Message, actor, detail string) (tidings.Message, error) {
	packed, err := s.packContent(&m)
	if err != nil {
		return tidings.Message{}, err
	}
	var stored tidings.Message
	err = s.commit(ctx, func(tx *writeTx) error {
		m := m // the operation may run again
		now, err := s.scanMessage(tx.row(selectMessage+` WHERE account = $1 AND id = $2`, m.Account, m.ID))
		if err != nil {
			return orNotFound(err, "message", int64(m.ID))
		}
		if err := liveAs("message", int64(m.ID), now.DeletedAt, m.Version, now.Version); err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE message SET name = $2, tag = $3, from_name = $4, from_address = $5, reply_to = $6, categories = $7, content = $8,
			version = version + 1, updated = $9 WHERE id = $1`,
			m.ID, m.Name, m.Tag, m.From.Name, m.From.Address, m.ReplyTo, encodeTexts(m.Categories), packed, millis(tx.now))
		if err != nil {
			return err
		}
		m.Version, m.CreatedAt, m.UpdatedAt, m.DeletedAt = now.Version+1, now.CreatedAt, tx.now, time.Time{}
		stored = m
		return auditMessage(tx, &m, actor, "message.update", detail)
	})
	if err != nil {
		return tidings.Message{}, err
	}
	return stored, nil
}

// DeleteMessage takes a message from the live ones; it stays, to be looked at
// and restored. CodeNotFound when the account has no live one of the id.
func (s *Store) DeleteMessage(ctx context.Context, account tidings.AccountID, id tidings.MessageID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		m := tidings.Message{ID: id, Account: account}
		err := tx.row(`UPDATE message SET deleted = $3, updated = $3, version = version + 1
			WHERE id = $1 AND account = $2 AND deleted = 0 RETURNING name`, id, account, millis(tx.now)).Scan(&m.Name)
		if err != nil {
			return orNotFound(err, "message", int64(id))
		}
		return auditMessage(tx, &m, actor, "message.delete", "")
	})
}

// RestoreMessage makes a deleted message a live one again; a live one stays as
// it is. CodeNotFound when the account never had one of the id.
func (s *Store) RestoreMessage(ctx context.Context, account tidings.AccountID, id tidings.MessageID, actor string) (tidings.Message, error) {
	var m tidings.Message
	err := s.commit(ctx, func(tx *writeTx) (err error) {
		m, err = s.scanMessage(tx.row(selectMessage+` WHERE account = $1 AND id = $2`, account, id))
		if err != nil || m.DeletedAt.IsZero() {
			return orNotFound(err, "message", int64(id))
		}
		m.Version, m.UpdatedAt, m.DeletedAt = m.Version+1, tx.now, time.Time{}
		if _, err := tx.exec(`UPDATE message SET deleted = 0, version = $2, updated = $3 WHERE id = $1`, id, m.Version, millis(tx.now)); err != nil {
			return err
		}
		return auditMessage(tx, &m, actor, "message.restore", "")
	})
	if err != nil {
		return tidings.Message{}, err
	}
	return m, nil
}
