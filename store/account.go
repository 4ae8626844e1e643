package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"tidings"
)

// CreateAccount makes an account with an empty feed and its first key. Names
// and scopes are taken as they are: they were checked at the door.
func (s *Store) CreateAccount(ctx context.Context, name string, first tidings.NewKey, actor string) (tidings.Account, tidings.Key, error) {
	var account tidings.Account
	var key tidings.Key
	err := s.commit(ctx, func(tx *writeTx) error {
		var err error
		if account, err = insertAccount(tx, name); err != nil {
			return err
		}
		if key, err = insertKey(tx, account.ID, first); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: account.ID, At: tx.now, Actor: actor, Action: "account.create",
			Detail: fmt.Sprintf("account %q with %s", name, describeKey(key)),
		})
	})
	if err != nil {
		return tidings.Account{}, tidings.Key{}, err
	}
	return account, key, nil
}

// Account gives an account; CodeNotFound when there is none.
func (s *Store) Account(ctx context.Context, id tidings.AccountID) (tidings.Account, error) {
	account, err := scanAccount(s.row(ctx, selectAccount+` WHERE id = $1`, id))
	if err != nil {
		return tidings.Account{}, orNotFound(err, "account", int64(id))
	}
	return account, nil
}

// Accounts gives at most limit (1 or more) accounts in the order of their
// ids, those after one; 0 = from the first.
func (s *Store) Accounts(ctx context.Context, after tidings.AccountID, limit int) ([]tidings.Account, error) {
	rows, err := s.rows(ctx, selectAccount+` WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return gather(rows, err, scanAccount)
}

// UpdateAccount stores an account's name, zone and language. a.Version is the
// one that was read; when it has changed since, nothing is stored
// (CodeConflict). CodeNotFound when there is no such account. detail says what
// changed, for the audit.
func (s *Store) UpdateAccount(ctx context.Context, a tidings.Account, actor, detail string) (tidings.Account, error) {
	var stored tidings.Account
	err := s.commit(ctx, func(tx *writeTx) error {
		var err error
		stored, err = scanAccount(tx.row(`
			UPDATE account SET version = version + 1, name = $3, zone = $4, language = $5
			WHERE id = $1 AND version = $2 RETURNING `+accountColumns, a.ID, a.Version, a.Name, a.Zone, a.Language))
		if errors.Is(err, sql.ErrNoRows) {
			return whyStale(tx.row(`SELECT version FROM account WHERE id = $1`, a.ID), "account", int64(a.ID), a.Version)
		}
		if err != nil {
			return err
		}
		return auditThing(tx, tidings.AuditRecord{Account: a.ID, Actor: actor, Action: "account.update", Detail: fmt.Sprintf("account %q", a.Name)}, detail)
	})
	if err != nil {
		return tidings.Account{}, err
	}
	return stored, nil
}

const (
	accountColumns = `id, name, zone, language, version, created`
	selectAccount  = `SELECT ` + accountColumns + ` FROM account`
)

func scanAccount(row scanner) (tidings.Account, error) {
	var a tidings.Account
	var created int64
	err := row.Scan(&a.ID, &a.Name, &a.Zone, &a.Language, &a.Version, &created)
	a.CreatedAt = fromMillis(created)
	return a, err
}

// insertAccount makes an account with an empty feed and no key.
func insertAccount(tx *writeTx, name string) (tidings.Account, error) {
	a := tidings.Account{Name: name, Version: 1, CreatedAt: tx.now}
	err := tx.row(`INSERT INTO account (name, created) VALUES ($1, $2) RETURNING id`, name, millis(tx.now)).Scan(&a.ID)
	if err != nil {
		return a, err
	}
	return a, tx.createHead(a.ID)
}

// CreateKey adds a key to an account; CodeNotFound when there is no such account.
func (s *Store) CreateKey(ctx context.Context, account tidings.AccountID, fresh tidings.NewKey, actor string) (tidings.Key, error) {
	var key tidings.Key
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(account); err != nil {
			return err
		}
		var err error
		if key, err = insertKey(tx, account, fresh); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: account, At: tx.now, Actor: actor, Action: "key.create", Detail: describeKey(key),
		})
	})
	if err != nil {
		return tidings.Key{}, err
	}
	return key, nil
}

// RevokeKey makes a key of an account invalid from now on; the next
// KeyByDigest of this process refuses it, and that of another node soon. Revoking it again changes nothing.
// CodeNotFound when the account has no such key.
func (s *Store) RevokeKey(ctx context.Context, account tidings.AccountID, id tidings.KeyID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		key, err := scanKey(tx.row(`SELECT `+keyColumns+` FROM api_key WHERE id = $1 AND account = $2`, id, account))
		if err != nil {
			return orNotFound(err, "key", int64(id))
		}
		if !key.RevokedAt.IsZero() {
			return nil
		}
		if _, err := tx.exec(`UPDATE api_key SET revoked = $2 WHERE id = $1`, id, millis(tx.now)); err != nil {
			return err
		}
		tx.onCommit(func() {
			s.validKeys.forget()
			s.Tell(tidings.Notice{Kind: tidings.NoticeKeys, Account: account})
		})
		return writeAudit(tx, tidings.AuditRecord{
			Account: account, At: tx.now, Actor: actor, Action: "key.revoke", Detail: describeKey(key),
		})
	})
}

// Keys gives all keys of an account, the revoked ones too, in the order of
// their making; CodeNotFound when there is no such account.
func (s *Store) Keys(ctx context.Context, account tidings.AccountID) ([]tidings.Key, error) {
	rows, err := s.rows(ctx, `SELECT `+keyColumns+` FROM api_key WHERE account = $1 ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []tidings.Key
	for rows.Next() {
		key, err := scanKey(rows)
		if err != nil {
			return nil, readError(err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	if len(keys) == 0 { // is there such an account?
		_, err := s.Account(ctx, account)
		return nil, err
	}
	return keys, nil
}

// KeyByDigest gives the valid key whose token has this digest (see
// tidings.KeyDigest). Both a token that is not known and one that was revoked
// are CodeUnauthorized, told apart in words only: who holds a revoked token
// may know what became of it, and tokens can't be guessed. The key's scopes
// are shared with other callers and not to be changed.
func (s *Store) KeyByDigest(ctx context.Context, digest [32]byte) (tidings.Key, error) {
	key, round, ok := s.validKeys.get(digest)
	if ok {
		return key, nil
	}
	key, err := scanKey(s.row(ctx, `SELECT `+keyColumns+` FROM api_key WHERE digest = $1`, digest[:]))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return tidings.Key{}, tidings.Errorf(tidings.CodeUnauthorized, "the API key is not known")
	case err != nil:
		return tidings.Key{}, readError(err)
	case !key.RevokedAt.IsZero():
		return tidings.Key{}, tidings.Errorf(tidings.CodeUnauthorized, "the API key was revoked")
	}
	s.validKeys.put(digest, key, round)
	return key, nil
}

const keyColumns = `id, account, name, prefix, scopes, created, revoked`

func scanKey(row scanner) (tidings.Key, error) {
	var k tidings.Key
	var scopes string
	var created, revoked int64
	if err := row.Scan(&k.ID, &k.Account, &k.Name, &k.Prefix, &scopes, &created, &revoked); err != nil {
		return tidings.Key{}, err
	}
	for scope := range strings.SplitSeq(scopes, ",") {
		k.Scopes = append(k.Scopes, tidings.Scope(scope))
	}
	k.CreatedAt, k.RevokedAt = fromMillis(created), fromMillis(revoked)
	return k, nil
}

func insertKey(tx *writeTx, account tidings.AccountID, fresh tidings.NewKey) (tidings.Key, error) {
	key := tidings.Key{
		Account: account, Name: fresh.Name, Prefix: fresh.Prefix,
		Scopes: slices.Clone(fresh.Scopes), CreatedAt: tx.now,
	}
	err := tx.row(`
		INSERT INTO api_key (account, digest, name, prefix, scopes, created)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		account, fresh.Digest[:], key.Name, key.Prefix, joinScopes(key.Scopes, ","), millis(tx.now)).Scan(&key.ID)
	return key, err
}

func joinScopes(scopes []tidings.Scope, with string) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, with)
}

func describeKey(k tidings.Key) string {
	return fmt.Sprintf("key %d %q (%s…) for %s", k.ID, k.Name, k.Prefix, joinScopes(k.Scopes, ", "))
}

// orNotFound makes a missing row a CodeNotFound; other errors pass.
func orNotFound(err error, what string, id int64) error {
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.Errorf(tidings.CodeNotFound, "there is no %s %d", what, id)
	}
	return readError(err)
}

// keyCache holds valid keys by digest, so that a request costs no query.
// Revoking empties it: here at once, on other nodes when they hear of it.
type keyCache struct {
	mu    sync.RWMutex
	byKey map[[32]byte]tidings.Key
	round int64 // counts the times it was emptied
}

// maxCachedKeys bounds the cache, at about 300 bytes a key.
const maxCachedKeys = 20_000

// get gives a key that was put, and the round in which one that is looked up now may be put.
func (c *keyCache) get(digest [32]byte) (tidings.Key, int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok := c.byKey[digest]
	return key, c.round, ok
}

// put keeps a key, unless the cache was emptied since it was looked up: it may have been revoked.
func (c *keyCache) put(digest [32]byte, key tidings.Key, round int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if c.byKey == nil || len(c.byKey) >= maxCachedKeys {
		c.byKey = make(map[[32]byte]tidings.Key)
	}
	c.byKey[digest] = key
}

func (c *keyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKey = nil
	c.round++
}
