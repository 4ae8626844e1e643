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

// webhookTable is the place that webhooks' headers are sealed for.
const webhookTable = "webhook"

// CreateWebhook makes a webhook of w.Account; the store gives ID, Version,
// CreatedAt and UpdatedAt. It is taken as it is: it was checked at the door.
// CodeConflict when a live one of the account has the name, CodeNotFound when
// there is no such account, CodeInvalid when it has no such connector.
func (s *Store) CreateWebhook(ctx context.Context, w tidings.Webhook, actor string) (tidings.Webhook, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(w.Account); err != nil {
			return err
		}
		if err := checkWebhook(tx, &w); err != nil {
			return err
		}
		w.Version, w.CreatedAt, w.UpdatedAt, w.DeletedAt = 1, tx.now, tx.now, time.Time{}
		err := tx.row(`
			INSERT INTO webhook (account, name, description, method, url, connector, format, body, timeout, version, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) RETURNING id`,
			w.Account, w.Name, w.Description, w.Method, w.URL, w.Connector, w.Body.Format, w.Body.Template,
			w.Timeout.Milliseconds(), w.Version, millis(tx.now)).Scan(&w.ID)
		if err != nil {
			return err
		}
		headers, err := s.sealHeaders(&w)
		if err != nil {
			return err
		}
		if headers != nil {
			if _, err := tx.exec(`UPDATE webhook SET headers = $2 WHERE id = $1`, w.ID, headers); err != nil {
				return err
			}
		}
		return auditWebhook(tx, &w, actor, "webhook.create", string(w.Method))
	})
	if err != nil {
		return tidings.Webhook{}, err
	}
	return w, nil
}

// Webhook gives a webhook of an account, a deleted one too (see DeletedAt);
// CodeNotFound when the account never had one of the id.
func (s *Store) Webhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID) (tidings.Webhook, error) {
	w, err := s.scanWebhook(s.row(ctx, selectWebhook+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Webhook{}, orNotFound(err, "webhook", int64(id))
	}
	return w, nil
}

// Webhooks gives at most limit (1 or more) webhooks of an account in the order
// of their ids, those after one (0 = from the first): the live ones, or the deleted ones.
func (s *Store) Webhooks(ctx context.Context, account tidings.AccountID, deleted bool, after tidings.WebhookID, limit int) ([]tidings.Webhook, error) {
	rows, err := s.rows(ctx, selectWebhook+` WHERE account = $1 AND id > $2 AND (deleted > 0) = $3 ORDER BY id LIMIT $4`, account, after, deleted, limit)
	return gather(rows, err, s.scanWebhook)
}

// UpdateWebhook stores a webhook that was read and changed. w.Version is the
// one that was read; when it has changed since, nothing is stored
// (CodeConflict), and neither when another live one has the name or the webhook is deleted.
// detail says what changed, without values, for the audit.
func (s *Store) UpdateWebhook(ctx context.Context, w tidings.Webhook, actor, detail string) (tidings.Webhook, error) {
	headers, err := s.sealHeaders(&w)
	if err != nil {
		return tidings.Webhook{}, err
	}
	var stored tidings.Webhook
	err = s.commit(ctx, func(tx *writeTx) error {
		w := w // the operation may run again
		if err := checkWebhook(tx, &w); err != nil {
			return err
		}
		var created int64
		err := tx.row(`
			UPDATE webhook SET version = version + 1, updated = $4, name = $5, description = $6, method = $7, url = $8,
				headers = $9, connector = $10, format = $11, body = $12, timeout = $13
			WHERE id = $1 AND account = $2 AND version = $3 AND deleted = 0 RETURNING created`,
			w.ID, w.Account, w.Version, millis(tx.now), w.Name, w.Description, w.Method, w.URL,
			headers, w.Connector, w.Body.Format, w.Body.Template, w.Timeout.Milliseconds()).Scan(&created)
		if errors.Is(err, sql.ErrNoRows) {
			return whyWebhookStays(tx, &w)
		}
		if err != nil {
			return err
		}
		w.Version, w.CreatedAt, w.UpdatedAt, w.DeletedAt = w.Version+1, fromMillis(created), tx.now, time.Time{}
		stored = w
		return auditWebhook(tx, &w, actor, "webhook.update", detail)
	})
	if err != nil {
		return tidings.Webhook{}, err
	}
	return stored, nil
}

// DeleteWebhook takes a webhook from the live ones; its definition stays, to
// be looked at and restored, and so do its calls. CodeNotFound when the
// account has no live one of the id.
func (s *Store) DeleteWebhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		w := tidings.Webhook{ID: id, Account: account}
		err := tx.row(`
			UPDATE webhook SET deleted = $3, updated = $3, version = version + 1
			WHERE id = $1 AND account = $2 AND deleted = 0 RETURNING name`, id, account, millis(tx.now)).Scan(&w.Name)
		if err != nil {
			return orNotFound(err, "webhook", int64(id))
		}
		return auditWebhook(tx, &w, actor, "webhook.delete", "")
	})
}

// RestoreWebhook makes a deleted webhook a live one again; a live one stays as
// it is. CodeConflict when its name has been given to another meanwhile, unless
// name says which it shall have instead. When its connector is gone, it has
// none afterwards. CodeNotFound when the account never had one of the id.
func (s *Store) RestoreWebhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID, name, actor string) (tidings.Webhook, error) {
	var w tidings.Webhook
	err := s.commit(ctx, func(tx *writeTx) error {
		var err error
		w, err = s.scanWebhook(tx.row(selectWebhook+` WHERE account = $1 AND id = $2`, account, id))
		if err != nil || w.DeletedAt.IsZero() {
			return orNotFound(err, "webhook", int64(id))
		}
		if name != "" {
			w.Name = name
		}
		detail := ""
		if err := hasConnector(tx, &w); tidings.CodeOf(err) == tidings.CodeInvalid {
			w.Connector, detail = 0, "without its connector, which is gone"
		} else if err != nil {
			return err
		}
		if err := checkWebhook(tx, &w); err != nil {
			return err
		}
		w.Version, w.UpdatedAt, w.DeletedAt = w.Version+1, tx.now, time.Time{}
		_, err = tx.exec(`UPDATE webhook SET deleted = 0, updated = $2, version = $3, name = $4, connector = $5 WHERE id = $1`,
			id, millis(tx.now), w.Version, w.Name, w.Connector)
		if err != nil {
			return err
		}
		return auditWebhook(tx, &w, actor, "webhook.restore", detail)
	})
	if err != nil {
		return tidings.Webhook{}, err
	}
	return w, nil
}

// checkWebhook refuses a name that another live webhook has, and a connector that the account has not.
func checkWebhook(tx *writeTx, w *tidings.Webhook) error {
	var other tidings.WebhookID
	err := tx.row(`SELECT id FROM webhook WHERE account = $1 AND name = $2 AND deleted = 0 AND id <> $3`, w.Account, w.Name, w.ID).Scan(&other)
	if err := nameTaken(err, "webhook", int64(other)); err != nil {
		return err
	}
	return hasConnector(tx, w)
}

func hasConnector(tx *writeTx, w *tidings.Webhook) error {
	if w.Connector == 0 {
		return nil
	}
	var one int
	err := tx.row(`SELECT 1 FROM connector WHERE id = $1 AND account = $2`, w.Connector, w.Account).Scan(&one)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	missing := tidings.Errorf(tidings.CodeInvalid, "the webhook can't use that connector: nothing was changed")
	missing.Fields = []tidings.FieldError{{Index: -1, Field: "connectorId", Reason: fmt.Sprintf("there is no connector %d", w.Connector)}}
	return missing
}

// whyWebhookStays says why an update found nothing to change.
func whyWebhookStays(tx *writeTx, w *tidings.Webhook) error {
	var deleted int64
	err := tx.row(`SELECT deleted FROM webhook WHERE id = $1 AND account = $2`, w.ID, w.Account).Scan(&deleted)
	if err == nil && deleted != 0 {
		return tidings.Errorf(tidings.CodeConflict, "webhook %d is deleted: restore it first", w.ID)
	}
	return whyStale(tx.row(`SELECT version FROM webhook WHERE id = $1 AND account = $2`, w.ID, w.Account), "webhook", int64(w.ID), w.Version)
}

func auditWebhook(tx *writeTx, w *tidings.Webhook, actor, action, detail string) error {
	words := fmt.Sprintf("webhook %d %q", w.ID, w.Name)
	if detail != "" {
		words += ": " + detail
	}
	return writeAudit(tx, tidings.AuditRecord{Account: w.Account, At: tx.now, Actor: actor, Action: action, Detail: words})
}

// sealHeaders seals a webhook's header rows for its row; nil when there are none.
func (s *Store) sealHeaders(w *tidings.Webhook) ([]byte, error) {
	if len(w.Headers) == 0 {
		return nil, nil
	}
	rows := make([]secretHeader, len(w.Headers))
	for i, h := range w.Headers {
		rows[i] = secretHeader(h)
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("seal the headers of webhook %d: %w", w.ID, err)
	}
	return s.opts.Keys.seal(text, webhookTable, int64(w.ID))
}

func (s *Store) openHeaders(sealed []byte, w *tidings.Webhook) error {
	if sealed == nil {
		return nil
	}
	text, err := s.opts.Keys.open(sealed, webhookTable, int64(w.ID))
	if err != nil {
		return err
	}
	var rows []secretHeader
	if json.Unmarshal(text, &rows) != nil {
		return fmt.Errorf("the headers of webhook %d are not in a form that this version reads", w.ID)
	}
	for _, row := range rows {
		w.Headers = append(w.Headers, tidings.Header(row))
	}
	return nil
}

const selectWebhook = `SELECT id, account, name, description, method, url, headers, connector, format, body, timeout,
	version, created, updated, deleted FROM webhook`

func (s *Store) scanWebhook(row scanner) (tidings.Webhook, error) {
	var w tidings.Webhook
	var headers []byte
	var timeout, created, updated, deleted int64
	err := row.Scan(&w.ID, &w.Account, &w.Name, &w.Description, &w.Method, &w.URL, &headers, &w.Connector, &w.Body.Format, &w.Body.Template,
		&timeout, &w.Version, &created, &updated, &deleted)
	if err != nil {
		return tidings.Webhook{}, err
	}
	w.Timeout = time.Duration(timeout) * time.Millisecond
	w.CreatedAt, w.UpdatedAt, w.DeletedAt = fromMillis(created), fromMillis(updated), fromMillis(deleted)
	return w, s.openHeaders(headers, &w)
}
