package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// sourceTable is the place that sources' secrets are sealed for.
const sourceTable = "source"

// CreateSource makes a source of c.Account; the store gives ID, Version and the
// times. It is taken as it is: it was checked at the door. CodeNotFound when
// there is no such account.
func (s *Store) CreateSource(ctx context.Context, c tidings.Source, actor string) (tidings.Source, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(c.Account); err != nil {
			return err
		}
		c.Version, c.CreatedAt, c.UpdatedAt, c.LastAt = 1, tx.now, tx.now, time.Time{}
		err := tx.row(`INSERT INTO source (account, name, kind, version, created, updated) VALUES ($1, $2, $3, 1, $4, $4) RETURNING id`,
			c.Account, c.Name, c.Kind, millis(tx.now)).Scan(&c.ID)
		if err != nil {
			return err
		}
		secret, err := s.sealSource(&c)
		if err != nil {
			return err
		}
		if _, err := tx.exec(`UPDATE source SET secret = $2 WHERE id = $1`, c.ID, secret); err != nil {
			return err
		}
		return auditSource(tx, &c, actor, "source.create", c.Kind)
	})
	if err != nil {
		return tidings.Source{}, err
	}
	return c, nil
}

func auditSource(tx *writeTx, c *tidings.Source, actor, action, detail string) error {
	return auditThing(tx, tidings.AuditRecord{Account: c.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("source %d %q", c.ID, c.Name)}, detail)
}

// Source gives a source of an account, its secret in the clear; CodeNotFound
// when the account has none of the id.
func (s *Store) Source(ctx context.Context, account tidings.AccountID, id tidings.SourceID) (tidings.Source, error) {
	return s.source(s.row(ctx, selectSource+` WHERE account = $1 AND id = $2`, account, id), id)
}

// SourceByID is Source for what names a source without its account: the URL that its sender calls.
func (s *Store) SourceByID(ctx context.Context, id tidings.SourceID) (tidings.Source, error) {
	return s.source(s.row(ctx, selectSource+` WHERE id = $1`, id), id)
}

func (s *Store) source(row scanner, id tidings.SourceID) (tidings.Source, error) {
	c, err := s.scanSource(row)
	if err != nil {
		return tidings.Source{}, orNotFound(err, "source", int64(id))
	}
	return c, nil
}

// Sources gives at most limit (1 or more) sources of an account in the order of
// their ids, those after one; 0 = from the first.
func (s *Store) Sources(ctx context.Context, account tidings.AccountID, after tidings.SourceID, limit int) ([]tidings.Source, error) {
	rows, err := s.rows(ctx, selectSource+` WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	return gather(rows, err, s.scanSource)
}

// UpdateSource stores name, kind and secret of a source that was read and
// changed. c.Version is the one that was read; when it has changed since,
// nothing is stored (CodeConflict). detail says what changed, without secrets, for the audit.
func (s *Store) UpdateSource(ctx context.Context, c tidings.Source, actor, detail string) (tidings.Source, error) {
	secret, err := s.sealSource(&c)
	if err != nil {
		return tidings.Source{}, err
	}
	var stored tidings.Source
	err = s.commit(ctx, func(tx *writeTx) error {
		c := c // the operation may run again
		var created, last int64
		err := tx.row(`UPDATE source SET name = $4, kind = $5, secret = $6, version = version + 1, updated = $7
			WHERE id = $1 AND account = $2 AND version = $3 RETURNING created, last`,
			c.ID, c.Account, c.Version, c.Name, c.Kind, secret, millis(tx.now)).Scan(&created, &last)
		if errors.Is(err, sql.ErrNoRows) {
			return whyStale(tx.row(`SELECT version FROM source WHERE id = $1 AND account = $2`, c.ID, c.Account), "source", int64(c.ID), c.Version)
		}
		if err != nil {
			return err
		}
		c.Version, c.CreatedAt, c.UpdatedAt, c.LastAt = c.Version+1, fromMillis(created), tx.now, fromMillis(last)
		stored = c
		return auditSource(tx, &c, actor, "source.update", detail)
	})
	if err != nil {
		return tidings.Source{}, err
	}
	return stored, nil
}

// DeleteSource removes a source and its secret; the activities that it brought
// stay. CodeNotFound when the account has none of the id.
func (s *Store) DeleteSource(ctx context.Context, account tidings.AccountID, id tidings.SourceID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		c := tidings.Source{ID: id, Account: account}
		if err := tx.row(`DELETE FROM source WHERE id = $1 AND account = $2 RETURNING name`, id, account).Scan(&c.Name); err != nil {
			return orNotFound(err, "source", int64(id))
		}
		if _, err := tx.exec(`DELETE FROM source_event WHERE source = $1`, id); err != nil {
			return err
		}
		return auditSource(tx, &c, actor, "source.delete", "")
	})
}

const (
	// sourceEventTTL is how long what a source has sent is remembered.
	sourceEventTTL = 7 * 24 * time.Hour
	// expireSourceEvents is how many outdated ones are forgotten per new one.
	expireSourceEvents = 2
)

// AppendFromSource puts the activities of a source's events into the feed of
// its account, in one commit: those that have not come within 7 days before.
// Contacts are found, or made, by what the events say; events that say too
// little for that are neither accepted nor repeated. CodeNotFound when there is
// no such source; what an Activity refuses is the error of all.
func (s *Store) AppendFromSource(ctx context.Context, id tidings.SourceID, events []tidings.SourceEvent) (accepted, repeated int, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		accepted, repeated = 0, 0
		var account tidings.AccountID
		if err := tx.row(`UPDATE source SET last = $2 WHERE id = $1 RETURNING account`, id, millis(tx.now)).Scan(&account); err != nil {
			return orNotFound(err, "source", int64(id))
		}
		w, err := s.newContactWriter(tx, account)
		if err != nil {
			return err
		}
		for i := range events {
			took, err := takeSourceEvent(w, id, &events[i])
			if err != nil {
				return err
			}
			if !took {
				repeated++
			}
		}
		accepted = len(w.activities)
		return w.flush()
	})
	if err != nil {
		return 0, 0, err
	}
	return accepted, repeated, nil
}

// takeSourceEvent adds an event's activity to those of the writer, and says
// false when it has come before.
func takeSourceEvent(w *contactWriter, source tidings.SourceID, e *tidings.SourceEvent) (bool, error) {
	tx := w.tx
	n, err := tx.exec(`INSERT INTO source_event (source, key, expires) VALUES ($1, $2, $3)
		ON CONFLICT (source, key) DO UPDATE SET expires = excluded.expires WHERE source_event.expires <= $4`,
		source, e.ID, millis(tx.now.Add(sourceEventTTL)), millis(tx.now))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec(`DELETE FROM source_event WHERE (source, key) IN (SELECT source, key FROM source_event WHERE expires <= $1 ORDER BY expires LIMIT $2)`,
		millis(tx.now), expireSourceEvents)
	if err != nil {
		return false, err
	}
	identity := tidings.Identity{Contact: e.Contact, ExternalCustomerID: e.ExternalCustomerID}
	for _, ch := range []tidings.Channel{{Type: tidings.Email, Value: e.Email}, {Type: tidings.SMS, Value: e.SMS}} {
		if value, reason := tidings.CheckChannel(ch.Type, ch.Value); reason == "" {
			identity.Channels = append(identity.Channels, tidings.Channel{Type: ch.Type, Value: value})
		}
	}
	contact, _, err := w.owner(&identity)
	if err != nil || contact == 0 {
		return true, err
	}
	activity, err := e.Activity(contact)
	if err != nil {
		return false, err
	}
	w.activities = append(w.activities, activity)
	return true, nil
}

func (s *Store) sealSource(c *tidings.Source) ([]byte, error) {
	if c.Secret == "" {
		return nil, nil
	}
	return s.opts.Keys.seal([]byte(c.Secret), sourceTable, int64(c.ID))
}

const selectSource = `SELECT id, account, name, kind, secret, version, created, updated, last FROM source`

func (s *Store) scanSource(row scanner) (tidings.Source, error) {
	var c tidings.Source
	var sealed []byte
	var created, updated, last int64
	if err := row.Scan(&c.ID, &c.Account, &c.Name, &c.Kind, &sealed, &c.Version, &created, &updated, &last); err != nil {
		return tidings.Source{}, err
	}
	c.CreatedAt, c.UpdatedAt, c.LastAt = fromMillis(created), fromMillis(updated), fromMillis(last)
	if sealed == nil {
		return c, nil
	}
	secret, err := s.opts.Keys.open(sealed, sourceTable, int64(c.ID))
	c.Secret = string(secret)
	return c, err
}
