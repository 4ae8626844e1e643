package store

import (
	"context"
	"fmt"

	"tidings"
)

const selectEventType = `SELECT t.id, t.key, t.name, t.unique_keys, t.created,
	coalesce((SELECT e.at FROM event e WHERE e.type = t.id ORDER BY e.id DESC LIMIT 1), 0) FROM event_type t`

func scanEventType(row scanner, account tidings.AccountID) (tidings.EventType, error) {
	t := tidings.EventType{Account: account}
	var created, last int64
	err := row.Scan(&t.ID, &t.Key, &t.Name, &t.UniqueKeys, &created, &last)
	t.CreatedAt, t.LastAt = fromMillis(created), fromMillis(last)
	return t, err
}

// EventTypes gives at most limit (1 or more) event types of an account by
// key, those after a key; "" = from the first. Their Params are not read.
func (s *Store) EventTypes(ctx context.Context, account tidings.AccountID, after string, limit int) ([]tidings.EventType, error) {
	rows, err := s.rows(ctx, selectEventType+` WHERE t.account = $1 AND t.key > $2 ORDER BY t.key LIMIT $3`, account, after, limit)
	return gather(rows, err, func(row scanner) (tidings.EventType, error) { return scanEventType(row, account) })
}

// paramsFrom is how many of a type's latest events its parameters are read from.
const paramsFrom = 100

// EventType gives an event type of an account with the parameters that its
// latest events had; CodeNotFound when the account has no such type.
func (s *Store) EventType(ctx context.Context, account tidings.AccountID, id tidings.EventTypeID) (tidings.EventType, error) {
	t, err := scanEventType(s.row(ctx, selectEventType+` WHERE t.id = $1 AND t.account = $2`, id, account), account)
	if err != nil {
		return tidings.EventType{}, orNotFound(err, "event type", int64(id))
	}
	events, err := s.Events(ctx, tidings.EventQuery{Account: account, Type: id, Limit: paramsFrom})
	if err != nil {
		return tidings.EventType{}, err
	}
	known := make(map[string]bool)
	for _, e := range events {
		for _, p := range e.Params {
			if !known[p.Name] {
				known[p.Name] = true
				t.Params = append(t.Params, p)
			}
		}
	}
	return t, nil
}

// EventTypeByKey is EventType for the eventTypeKey.
func (s *Store) EventTypeByKey(ctx context.Context, account tidings.AccountID, key string) (tidings.EventType, error) {
	t, err := scanEventType(s.row(ctx, selectEventType+` WHERE t.account = $1 AND t.key = $2`, account, key), account)
	if err != nil {
		if err = orNotFound(err, "event type", 0); tidings.CodeOf(err) == tidings.CodeNotFound {
			err = tidings.Errorf(tidings.CodeNotFound, "no event of the type %q has come yet", key)
		}
		return tidings.EventType{}, err
	}
	return s.EventType(ctx, account, t.ID)
}

// UpdateEventType stores what an event type is called and whether it keeps one
// event for each keyValue from now on. CodeNotFound when the account has no such type.
func (s *Store) UpdateEventType(ctx context.Context, t tidings.EventType, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		n, err := tx.exec(`UPDATE event_type SET name = $3, unique_keys = $4 WHERE id = $1 AND account = $2`, t.ID, t.Account, t.Name, t.UniqueKeys)
		if err != nil {
			return err
		}
		if n == 0 {
			return tidings.Errorf(tidings.CodeNotFound, "there is no event type %d", t.ID)
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: t.Account, At: tx.now, Actor: actor, Action: "event-type.update",
			Detail: fmt.Sprintf("event type %d %q: name %q, unique keyValues %t", t.ID, t.Key, t.Name, t.UniqueKeys),
		})
	})
}
