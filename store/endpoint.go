package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// CreateEndpoint makes an endpoint of e.Account whose cursor stands where
// start says. The store gives ID, Version, CreatedAt and UpdatedAt. The options
// are taken as they are: they were checked at the door. CodeNotFound when
// there is no such account, CodeInvalid when start lies outside of what is kept.
func (s *Store) CreateEndpoint(ctx context.Context, e tidings.Endpoint, start tidings.Start, actor string) (tidings.Endpoint, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		cursor, err := startCursor(tx, e.Account, start)
		if err != nil {
			return err
		}
		e.Version, e.CreatedAt, e.UpdatedAt = 1, tx.now, tx.now
		if err := s.insertEndpoint(tx, &e); err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO position (endpoint, fence, epoch, cursor, scanned) VALUES ($1, 1, 1, $2, $2)`, e.ID, cursor)
		if err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: e.Account, At: tx.now, Actor: actor, Action: "endpoint.create", Endpoint: e.ID,
			Detail: fmt.Sprintf("%q, %s, from activity %d", e.Name, e.State, cursor+1),
		})
	})
	if err != nil {
		return tidings.Endpoint{}, err
	}
	return e, nil
}

// Endpoint gives an endpoint of an account with its position; CodeNotFound
// when the account has no such endpoint. The position may be a few
// milliseconds old.
func (s *Store) Endpoint(ctx context.Context, account tidings.AccountID, id tidings.EndpointID) (tidings.Endpoint, tidings.Position, error) {
	return s.lane(ctx, id, selectLane+` WHERE e.id = $1 AND e.account = $2 AND e.deleted = 0`, id, account)
}

// Endpoints gives at most limit (1 or more) endpoints of an account in the
// order of their ids, those after one (0 = from the first), with their
// positions: the i-th position is that of the i-th endpoint.
func (s *Store) Endpoints(ctx context.Context, account tidings.AccountID, after tidings.EndpointID, limit int) ([]tidings.Endpoint, []tidings.Position, error) {
	var endpoints []tidings.Endpoint
	var positions []tidings.Position
	err := s.eachLane(ctx, func(e tidings.Endpoint, p tidings.Position) error {
		endpoints, positions = append(endpoints, e), append(positions, p)
		return nil
	}, selectLane+` WHERE e.account = $1 AND e.id > $2 AND e.deleted = 0 ORDER BY e.id LIMIT $3`, account, after, limit)
	if err != nil {
		return nil, nil, err
	}
	return endpoints, positions, nil
}

// The few that are blocked are looked up, and not the many of an account.
const selectBlocked = `SELECT ` + endpointColumns + `, ` + positionColumns + ` FROM position AS p CROSS JOIN endpoint AS e
	WHERE p.blocked_since > 0 AND (p.blocked_since, p.endpoint) > ($2, $3) AND e.id = p.endpoint AND e.account = $1 AND e.deleted = 0
	ORDER BY p.blocked_since, p.endpoint LIMIT $4`

// BlockedEndpoints is Endpoints for those whose head batch has failed, in the
// order in which they were blocked. When the one that is given as after is not
// blocked any more, they come from the first.
func (s *Store) BlockedEndpoints(ctx context.Context, account tidings.AccountID, after tidings.EndpointID, limit int) ([]tidings.Endpoint, []tidings.Position, error) {
	var since int64
	err := s.row(ctx, `SELECT blocked_since FROM position WHERE endpoint = $1`, after).Scan(&since)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, nil, readError(err)
	}
	var endpoints []tidings.Endpoint
	var positions []tidings.Position
	err = s.eachLane(ctx, func(e tidings.Endpoint, p tidings.Position) error {
		endpoints, positions = append(endpoints, e), append(positions, p)
		return nil
	}, selectBlocked, account, since, after, limit)
	return endpoints, positions, err
}

// UpdateEndpoint stores the options and the state of an endpoint. e.Version is
// that of the endpoint as it was read; when it has changed since, nothing is
// stored (CodeConflict). The position stays, and with it the batches that are
// frozen. detail says what changed, in words without secrets, for the audit.
func (s *Store) UpdateEndpoint(ctx context.Context, e tidings.Endpoint, actor, detail string) (tidings.Endpoint, error) {
	secrets, err := s.sealSecrets(&e)
	if err != nil {
		return tidings.Endpoint{}, err
	}
	var stored tidings.Endpoint
	err = s.commit(ctx, func(tx *writeTx) error {
		e := e // the operation may run again
		var created int64
		err := tx.row(`
			UPDATE endpoint SET version = version + 1, updated = $4, name = $5, url = $6, state = $7,
				statuses = $8, media_types = $9, max_items = $10, max_bytes = $11, linger = $12,
				timeout = $13, any2xx = $14, secrets = $15
			WHERE id = $1 AND account = $2 AND version = $3 AND deleted = 0 RETURNING created`,
			e.ID, e.Account, e.Version, millis(tx.now), e.Name, e.URL, e.State,
			e.Filter.Statuses, e.Filter.MediaTypes, e.Batch.MaxItems, e.Batch.MaxBytes, e.Batch.Linger.Milliseconds(),
			e.Timeout.Milliseconds(), e.Any2xx, secrets).Scan(&created)
		if errors.Is(err, sql.ErrNoRows) {
			return whyNotUpdated(tx, &e)
		}
		if err != nil {
			return err
		}
		e.Version, e.CreatedAt, e.UpdatedAt = e.Version+1, fromMillis(created), tx.now
		stored = e
		return writeAudit(tx, tidings.AuditRecord{
			Account: e.Account, At: tx.now, Actor: actor, Action: "endpoint.update", Endpoint: e.ID, Detail: detail,
		})
	})
	if err != nil {
		return tidings.Endpoint{}, err
	}
	return stored, nil
}

// DeleteEndpoint ends an endpoint: nothing is delivered to it any more, and no
// method but Attempts and Audit knows it. Its secrets are gone at once; its
// attempts stay until PurgeDeleted. CodeNotFound when the account has no such endpoint.
func (s *Store) DeleteEndpoint(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		var name string
		err := tx.row(`
			UPDATE endpoint SET deleted = $3, updated = $3, version = version + 1, state = $4, secrets = NULL
			WHERE id = $1 AND account = $2 AND deleted = 0 RETURNING name`,
			id, account, millis(tx.now), tidings.StateDeactivated).Scan(&name)
		if err != nil {
			return orNotFound(err, "endpoint", int64(id))
		}
		// Whoever still delivers for it has lost the right to write.
		if _, err := tx.exec(`UPDATE position SET fence = fence + 1 WHERE endpoint = $1`, id); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: account, At: tx.now, Actor: actor, Action: "endpoint.delete", Endpoint: id, Detail: fmt.Sprintf("%q", name),
		})
	})
}

// purgeStep is how many endpoints one step of a purge takes, so that it holds
// the other writes up for some milliseconds only.
const purgeStep = 10

// PurgeDeleted removes what is left of the endpoints that were deleted before
// a time, and gives their number. Their audit records stay.
func (s *Store) PurgeDeleted(ctx context.Context, before time.Time) (int, error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for purged := 0; ; {
		var step int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			const due = ` IN (SELECT id FROM endpoint WHERE deleted > 0 AND deleted < $1 ORDER BY deleted, id LIMIT $2)`
			for _, from := range []string{`attempt WHERE endpoint`, `position WHERE endpoint`, `endpoint WHERE id`} {
				if step, err = tx.exec(`DELETE FROM `+from+due, millis(before), purgeStep); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || step == 0 {
			return purged, err
		}
		purged += int(step)
	}
}

// startCursor finds the cursor that makes start come first; CodeNotFound when
// there is no such account.
func startCursor(tx *writeTx, account tidings.AccountID, start tidings.Start) (tidings.Seq, error) {
	h, err := tx.head(account)
	if err != nil {
		return 0, err
	}
	switch {
	case start.Now:
		return h.last(), nil
	case start.Beginning:
		return h.dropped, nil
	case !start.Time.IsZero():
		seq, err := tx.seqAt(account, start.Time)
		return max(seq, h.dropped), err
	case start.Seq <= 0:
		return 0, errStart("is required: now, beginning, a seq from 1 or a time")
	case start.Seq <= h.dropped:
		return 0, errStart(fmt.Sprintf("activity %d is no longer kept; the first that may be is %d", start.Seq, h.dropped+1))
	case start.Seq > h.next:
		return 0, errStart(fmt.Sprintf("activity %d is beyond the feed; the next one will be %d", start.Seq, h.next))
	}
	return start.Seq - 1, nil
}

func errStart(reason string) error {
	err := tidings.Errorf(tidings.CodeInvalid, "the endpoint can't start there")
	err.Fields = []tidings.FieldError{{Index: -1, Field: "start", Reason: reason}}
	return err
}

// insertEndpoint gives e its id. The secrets follow in a second statement
// because they are sealed for that id.
func (s *Store) insertEndpoint(tx *writeTx, e *tidings.Endpoint) error {
	err := tx.row(`
		INSERT INTO endpoint (account, name, url, state, statuses, media_types, max_items, max_bytes,
			linger, timeout, any2xx, version, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING id`,
		e.Account, e.Name, e.URL, e.State, e.Filter.Statuses, e.Filter.MediaTypes, e.Batch.MaxItems, e.Batch.MaxBytes,
		e.Batch.Linger.Milliseconds(), e.Timeout.Milliseconds(), e.Any2xx, e.Version, millis(e.CreatedAt)).Scan(&e.ID)
	if err != nil {
		return err
	}
	secrets, err := s.sealSecrets(e)
	if err != nil || secrets == nil {
		return err
	}
	_, err = tx.exec(`UPDATE endpoint SET secrets = $2 WHERE id = $1`, e.ID, secrets)
	return err
}

// whyNotUpdated tells an endpoint that is not there from one that was changed.
func whyNotUpdated(tx *writeTx, e *tidings.Endpoint) error {
	var version int64
	err := tx.row(`SELECT version FROM endpoint WHERE id = $1 AND account = $2 AND deleted = 0`, e.ID, e.Account).Scan(&version)
	if err != nil {
		return orNotFound(err, "endpoint", int64(e.ID))
	}
	return tidings.Errorf(tidings.CodeConflict,
		"endpoint %d was changed since it was read (version %d, now %d): read it again and repeat the change", e.ID, e.Version, version)
}

const endpointColumns = `e.id, e.account, e.name, e.url, e.state, e.statuses, e.media_types, e.max_items, e.max_bytes,
	e.linger, e.timeout, e.any2xx, e.secrets, e.version, e.created, e.updated`

// endpointRow is a row of endpointColumns.
type endpointRow struct {
	tidings.Endpoint
	linger, timeout  int64
	created, updated int64
	secrets          []byte
}

func (r *endpointRow) into() []any {
	return []any{
		&r.ID, &r.Account, &r.Name, &r.URL, &r.State, &r.Filter.Statuses, &r.Filter.MediaTypes,
		&r.Batch.MaxItems, &r.Batch.MaxBytes, &r.linger, &r.timeout, &r.Any2xx, &r.secrets, &r.Version, &r.created, &r.updated,
	}
}

func (r *endpointRow) endpoint(keys Keyring) (tidings.Endpoint, error) {
	e := r.Endpoint
	e.Batch.Linger = time.Duration(r.linger) * time.Millisecond
	e.Timeout = time.Duration(r.timeout) * time.Millisecond
	e.CreatedAt, e.UpdatedAt = fromMillis(r.created), fromMillis(r.updated)
	err := openSecrets(keys, r.secrets, &e)
	return e, err
}
