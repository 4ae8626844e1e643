package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"tidings"
)

// Fields gives the additional fields of an account, by key.
func (s *Store) Fields(ctx context.Context, account tidings.AccountID) ([]tidings.Field, error) {
	set, err := s.fieldsOf(reader{s, ctx}, account)
	if err != nil {
		return nil, err
	}
	fields := make([]tidings.Field, 0, len(set.byKey))
	for _, f := range set.byKey {
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b tidings.Field) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return fields, nil
}

// fieldCache holds the fields of accounts in use, so that reading a contact
// costs no query for them. A change of fields empties it, on all nodes.
type fieldCache struct {
	mu    sync.RWMutex
	of    map[tidings.AccountID]*fieldSet
	round int         // counts the changes; what was read in an older one is not kept
	off   atomic.Bool // other nodes may change fields, and are not heard
}

// maxCachedFields bounds the cache, in accounts; a full one starts over.
const maxCachedFields = 1000

func (c *fieldCache) get(account tidings.AccountID) (*fieldSet, int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.off.Load() {
		return nil, c.round
	}
	return c.of[account], c.round
}

func (c *fieldCache) put(account tidings.AccountID, set *fieldSet, round int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if c.of == nil || len(c.of) >= maxCachedFields {
		c.of = make(map[tidings.AccountID]*fieldSet)
	}
	c.of[account] = set
}

func (c *fieldCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of = nil
	c.round++
}

// fieldsOf gives an account's fields as they are committed; not to be changed.
// A transaction of the only writer may take them, too: what it writes for a field
// that is deleted meanwhile is never shown, and fields that are made meanwhile
// are in nobody's change yet. One of several writers reads them under the lock
// of the account's head, or it would leave out the values of a field that
// another node has just made.
func (s *Store) fieldsOf(q querier, account tidings.AccountID) (*fieldSet, error) {
	if tx, writes := q.(*writeTx); writes && !s.engine.alone() {
		return tx.fieldsOf(account)
	}
	set, round := s.fields.get(account)
	if set != nil {
		return set, nil
	}
	set, err := readFields(q, account)
	if _, committed := q.(reader); committed && err == nil {
		s.fields.put(account, set, round) // what a transaction sees may yet be undone
	}
	return set, err
}

// fieldsOf reads fields once in a transaction: they stay while the head is locked.
func (tx *writeTx) fieldsOf(account tidings.AccountID) (*fieldSet, error) {
	if set := tx.fields[account]; set != nil {
		return set, nil
	}
	set, err := readFields(tx, account)
	if err != nil {
		return nil, err
	}
	if tx.fields == nil {
		tx.fields = make(map[tidings.AccountID]*fieldSet)
	}
	tx.fields[account] = set
	return set, nil
}

// fieldsChange is called by an operation that has changed an account's fields.
func (s *Store) fieldsChange(tx *writeTx, account tidings.AccountID) {
	delete(tx.fields, account)
	tx.onCommit(func() {
		s.fields.forget()
		s.Tell(tidings.Notice{Kind: tidings.NoticeFields, Account: account})
	})
}

// readFields reads the definitions of an account's fields.
func readFields(q querier, account tidings.AccountID) (*fieldSet, error) {
	rows, err := q.rows(`SELECT id, key, type, name, created FROM field WHERE account = $1`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := &fieldSet{byID: map[string]tidings.Field{}, byKey: map[tidings.FieldKey]tidings.Field{}}
	for rows.Next() {
		f := tidings.Field{Account: account}
		var created int64
		if err := rows.Scan(&f.ID, &f.Key, &f.Type, &f.Name, &created); err != nil {
			return nil, readError(err)
		}
		f.CreatedAt = fromMillis(created)
		set.byID[strconv.FormatInt(int64(f.ID), 10)] = f
		set.byKey[f.Key] = f
	}
	return set, readError(rows.Err())
}

// CreateField adds a field. The store gives ID and CreatedAt; the key and type
// were checked at the door. CodeNotFound when there is no such account,
// CodeConflict when the key is taken or the account has MaxFields.
func (s *Store) CreateField(ctx context.Context, f tidings.Field, actor string) (tidings.Field, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(f.Account); err != nil {
			return err
		}
		set, err := readFields(tx, f.Account)
		if err != nil {
			return err
		}
		if _, taken := set.byKey[f.Key]; taken {
			return tidings.Errorf(tidings.CodeConflict, "there is a field %s already", f.Key)
		}
		if len(set.byKey) >= tidings.MaxFields {
			return tidings.Errorf(tidings.CodeConflict, "the account has %d fields, which is the most: delete one that is not used", len(set.byKey))
		}
		f.CreatedAt = tx.now
		err = tx.row(`INSERT INTO field (account, key, type, name, created) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
			f.Account, f.Key, f.Type, f.Name, millis(tx.now)).Scan(&f.ID)
		if err != nil {
			return err
		}
		s.fieldsChange(tx, f.Account)
		return writeAudit(tx, tidings.AuditRecord{Account: f.Account, At: tx.now, Actor: actor, Action: "field.create", Detail: fmt.Sprintf("%s, %s", f.Key, f.Type)})
	})
	if err != nil {
		return tidings.Field{}, err
	}
	return f, nil
}

// RenameField changes what a field is called for people; CodeNotFound when the account has no such field.
func (s *Store) RenameField(ctx context.Context, account tidings.AccountID, key tidings.FieldKey, name, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		n, err := tx.exec(`UPDATE field SET name = $3 WHERE account = $1 AND key = $2`, account, key, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoField(key)
		}
		s.fieldsChange(tx, account)
		return writeAudit(tx, tidings.AuditRecord{Account: account, At: tx.now, Actor: actor, Action: "field.update", Detail: fmt.Sprintf("%s is called %q", key, name)})
	})
}

// DeleteField removes a field and with it its values: they are shown no more,
// also when a field of the same key is made again. CodeNotFound when the
// account has no such field, CodeConflict when the condition of a segment
// names it.
func (s *Store) DeleteField(ctx context.Context, account tidings.AccountID, key tidings.FieldKey, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(account); err != nil {
			return err
		}
		users, err := segmentsNaming(tx, account, string(key))
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return tidings.Errorf(tidings.CodeConflict, "the field %s is in the conditions of %s: change or delete them first", key, strings.Join(users, ", "))
		}
		n, err := tx.exec(`DELETE FROM field WHERE account = $1 AND key = $2`, account, key)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoField(key)
		}
		s.fieldsChange(tx, account)
		return writeAudit(tx, tidings.AuditRecord{Account: account, At: tx.now, Actor: actor, Action: "field.delete", Detail: string(key)})
	})
}

func errNoField(key tidings.FieldKey) error {
	return tidings.Errorf(tidings.CodeNotFound, "there is no field %s", key)
}
