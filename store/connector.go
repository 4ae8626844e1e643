package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tidings"
)

// connectorTable is the place that connectors' secrets are sealed for.
const connectorTable = "connector"

// CreateConnector makes a connector of c.Account; the store gives ID, Version,
// CreatedAt and UpdatedAt. It is taken as it is: it was checked at the door.
// CodeConflict when the account has one of the name, CodeNotFound when there
// is no such account.
func (s *Store) CreateConnector(ctx context.Context, c tidings.Connector, actor string) (tidings.Connector, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(c.Account); err != nil {
			return err
		}
		if err := freeConnectorName(tx, &c); err != nil {
			return err
		}
		c.Version, c.CreatedAt, c.UpdatedAt = 1, tx.now, tx.now
		err := tx.row(`
			INSERT INTO connector (account, name, kind, username, place, param, version, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id`,
			c.Account, c.Name, c.Auth.Kind, c.Auth.Username, c.Auth.In, c.Auth.Name, c.Version, millis(tx.now)).Scan(&c.ID)
		if err != nil {
			return err
		}
		secret, err := s.sealConnector(&c)
		if err != nil {
			return err
		}
		if _, err := tx.exec(`UPDATE connector SET secret = $2 WHERE id = $1`, c.ID, secret); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: c.Account, At: tx.now, Actor: actor, Action: "connector.create",
			Detail: fmt.Sprintf("connector %d %q, %s", c.ID, c.Name, c.Auth.Kind),
		})
	})
	if err != nil {
		return tidings.Connector{}, err
	}
	return c, nil
}

// Connector gives a connector of an account, its secret in the clear;
// CodeNotFound when the account has none of the id.
func (s *Store) Connector(ctx context.Context, account tidings.AccountID, id tidings.ConnectorID) (tidings.Connector, error) {
	c, err := s.scanConnector(s.row(ctx, selectConnector+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.Connector{}, orNotFound(err, "connector", int64(id))
	}
	return c, nil
}

// Connectors gives at most limit (1 or more) connectors of an account in the
// order of their ids, those after one; 0 = from the first.
func (s *Store) Connectors(ctx context.Context, account tidings.AccountID, after tidings.ConnectorID, limit int) ([]tidings.Connector, error) {
	rows, err := s.rows(ctx, selectConnector+` WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	return gather(rows, err, s.scanConnector)
}

// UpdateConnector stores a connector that was read and changed. c.Version is
// the one that was read; when it has changed since, nothing is stored
// (CodeConflict), and neither when another one has the name. detail says what
// changed, without secrets, for the audit.
func (s *Store) UpdateConnector(ctx context.Context, c tidings.Connector, actor, detail string) (tidings.Connector, error) {
	secret, err := s.sealConnector(&c)
	if err != nil {
		return tidings.Connector{}, err
	}
	var stored tidings.Connector
	err = s.commit(ctx, func(tx *writeTx) error {
		c := c // the operation may run again
		if err := freeConnectorName(tx, &c); err != nil {
			return err
		}
		var created int64
		err := tx.row(`
			UPDATE connector SET version = version + 1, updated = $4, name = $5, kind = $6, username = $7,
				place = $8, param = $9, secret = $10
			WHERE id = $1 AND account = $2 AND version = $3 RETURNING created`,
			c.ID, c.Account, c.Version, millis(tx.now), c.Name, c.Auth.Kind, c.Auth.Username,
			c.Auth.In, c.Auth.Name, secret).Scan(&created)
		if errors.Is(err, sql.ErrNoRows) {
			stored := tx.row(`SELECT version FROM connector WHERE id = $1 AND account = $2`, c.ID, c.Account)
			return whyStale(stored, "connector", int64(c.ID), c.Version)
		}
		if err != nil {
			return err
		}
		c.Version, c.CreatedAt, c.UpdatedAt = c.Version+1, fromMillis(created), tx.now
		stored = c
		return writeAudit(tx, tidings.AuditRecord{
			Account: c.Account, At: tx.now, Actor: actor, Action: "connector.update",
			Detail: fmt.Sprintf("connector %d %q: %s", c.ID, c.Name, detail),
		})
	})
	if err != nil {
		return tidings.Connector{}, err
	}
	return stored, nil
}

// DeleteConnector removes a connector and its secret. While live webhooks use
// it nothing is removed, and the error (CodeConflict) names them.
func (s *Store) DeleteConnector(ctx context.Context, account tidings.AccountID, id tidings.ConnectorID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		var name string
		if err := tx.row(`SELECT name FROM connector WHERE id = $1 AND account = $2`, id, account).Scan(&name); err != nil {
			return orNotFound(err, "connector", int64(id))
		}
		rows, err := tx.rows(selectUsers, id)
		if err != nil {
			return err
		}
		users, err := scanUsers(rows)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return inUse(fmt.Sprintf("connector %d %q is in use: nothing was deleted; give its users another one first", id, name), users)
		}
		if _, err := tx.exec(`DELETE FROM connector WHERE id = $1`, id); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: account, At: tx.now, Actor: actor, Action: "connector.delete", Detail: fmt.Sprintf("connector %d %q", id, name),
		})
	})
}

// ConnectorUsers gives the live webhooks that use a connector.
func (s *Store) ConnectorUsers(ctx context.Context, id tidings.ConnectorID) ([]tidings.Use, error) {
	rows, err := s.rows(ctx, selectUsers, id)
	if err != nil {
		return nil, err
	}
	return scanUsers(rows)
}

const selectUsers = `SELECT id, name FROM webhook WHERE connector = $1 AND connector > 0 AND deleted = 0 ORDER BY id`

func scanUsers(rows *sql.Rows) ([]tidings.Use, error) {
	defer rows.Close()
	var users []tidings.Use
	for rows.Next() {
		u := tidings.Use{Kind: tidings.UseWebhook}
		if err := rows.Scan(&u.ID, &u.Name); err != nil {
			return nil, readError(err)
		}
		users = append(users, u)
	}
	return users, readError(rows.Err())
}

// inUse is the refusal that names the users.
func inUse(message string, users []tidings.Use) error {
	err := tidings.Errorf(tidings.CodeConflict, "%s", message)
	for _, u := range users {
		err.Fields = append(err.Fields, tidings.FieldError{Index: -1, Field: "usedIn", Reason: u.String()})
	}
	return err
}

// freeConnectorName refuses a name that another connector of the account has.
func freeConnectorName(tx *writeTx, c *tidings.Connector) error {
	var other tidings.ConnectorID
	err := tx.row(`SELECT id FROM connector WHERE account = $1 AND name = $2 AND id <> $3`, c.Account, c.Name, c.ID).Scan(&other)
	return nameTaken(err, "connector", int64(other))
}

// nameTaken makes of the search for another thing of a name the refusal when there is one.
func nameTaken(err error, what string, other int64) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	taken := tidings.Errorf(tidings.CodeConflict, "the name is taken: nothing was changed")
	taken.Fields = []tidings.FieldError{{Index: -1, Field: "name", Reason: fmt.Sprintf("is that of %s %d: choose another", what, other)}}
	return taken
}

// whyStale tells a thing that is not there from one that was changed; stored
// is a search for its version.
func whyStale(stored scanner, what string, id, version int64) error {
	var now int64
	if err := stored.Scan(&now); err != nil {
		return orNotFound(err, what, id)
	}
	return tidings.Errorf(tidings.CodeConflict,
		"%s %d was changed since it was read (version %d, now %d): read it again and repeat the change", what, id, version, now)
}

func (s *Store) sealConnector(c *tidings.Connector) ([]byte, error) {
	if c.Auth.Secret == "" {
		return nil, nil
	}
	return s.opts.Keys.seal([]byte(c.Auth.Secret), connectorTable, int64(c.ID))
}

const selectConnector = `SELECT id, account, name, kind, username, place, param, secret, version, created, updated FROM connector`

func (s *Store) scanConnector(row scanner) (tidings.Connector, error) {
	var c tidings.Connector
	var sealed []byte
	var created, updated int64
	err := row.Scan(&c.ID, &c.Account, &c.Name, &c.Auth.Kind, &c.Auth.Username, &c.Auth.In, &c.Auth.Name, &sealed, &c.Version, &created, &updated)
	if err != nil {
		return tidings.Connector{}, err
	}
	c.CreatedAt, c.UpdatedAt = fromMillis(created), fromMillis(updated)
	if sealed == nil {
		return c, nil
	}
	secret, err := s.opts.Keys.open(sealed, connectorTable, int64(c.ID))
	c.Auth.Secret = string(secret)
	return c, err
}
