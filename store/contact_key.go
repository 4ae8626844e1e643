package store

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"tidings"
)

// contactKey is what finds a contact; see the table contact_key.
type contactKey struct {
	kind int
	key  string
}

// keyExternal is the kind of an externalCustomerId; an address has its media type's number.
const keyExternal = 0

func channelKey(ch tidings.Channel) contactKey {
	return contactKey{kind: int(ch.Type), key: tidings.ChannelKey(ch)}
}

// String names the key for people.
func (k contactKey) String() string {
	if k.kind == keyExternal {
		return "externalCustomerId"
	}
	return tidings.MediaType(k.kind).String()
}

// contactKeys lists what finds a contact: the externalCustomerId, then the
// addresses in their order, the emails first and the phones next.
func contactKeys(c *tidings.Contact) []contactKey {
	keys := make([]contactKey, 0, 1+len(c.Channels))
	if c.ExternalCustomerID != "" {
		keys = append(keys, contactKey{keyExternal, c.ExternalCustomerID})
	}
	for _, ch := range c.Channels {
		keys = append(keys, channelKey(ch))
	}
	slices.SortStableFunc(keys, func(a, b contactKey) int { return cmp.Compare(a.kind, b.kind) })
	return keys
}

// findKey gives the contact that has a key, 0 when none has.
func findKey(q querier, account tidings.AccountID, k contactKey) (tidings.ContactID, error) {
	var id tidings.ContactID
	err := q.row(`SELECT contact FROM contact_key WHERE account = $1 AND kind = $2 AND key = $3`, account, k.kind, k.key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, readError(err)
}

func deleteKey(tx *writeTx, account tidings.AccountID, k contactKey) error {
	_, err := tx.exec(`DELETE FROM contact_key WHERE account = $1 AND kind = $2 AND key = $3`, account, k.kind, k.key)
	return err
}

// keysAtOnce is how many keys one statement looks up or stores: enough to make
// the driver's work for each statement small, few enough for its parameters.
const keysAtOnce = 16

// keyIndex is who has which key, as a transaction sees it: what it has looked
// up, and what it is about to store.
type keyIndex struct {
	tx      *writeTx
	account tidings.AccountID
	owner   map[contactKey]tidings.ContactID // 0 = nobody
	fresh   []contactKey                     // to be stored
}

// load looks keys up, many by one statement.
func (x *keyIndex) load(keys []contactKey) error {
	slices.SortFunc(keys, compareKeys)
	keys = slices.Compact(keys)
	for len(keys) >= keysAtOnce {
		if err := x.loadGroup(keys[:keysAtOnce]); err != nil {
			return err
		}
		keys = keys[keysAtOnce:]
	}
	for _, k := range keys {
		id, err := findKey(x.tx, x.account, k)
		if err != nil {
			return err
		}
		x.owner[k] = id
	}
	return nil
}

func (x *keyIndex) loadGroup(keys []contactKey) error {
	args := make([]any, 0, 1+2*keysAtOnce)
	args = append(args, x.account)
	for _, k := range keys {
		x.owner[k] = 0
		args = append(args, k.kind, k.key)
	}
	rows, err := x.tx.rows(loadKeys, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k contactKey
		var id tidings.ContactID
		if err := rows.Scan(&k.kind, &k.key, &id); err != nil {
			return err
		}
		x.owner[k] = id
	}
	return rows.Err()
}

// of gives who has a key, 0 when nobody has.
func (x *keyIndex) of(k contactKey) (tidings.ContactID, error) {
	if id, known := x.owner[k]; known {
		return id, nil
	}
	id, err := findKey(x.tx, x.account, k)
	x.owner[k] = id
	return id, err
}

// put gives a key that nobody has to a contact; it is stored by flush.
func (x *keyIndex) put(k contactKey, id tidings.ContactID) {
	x.owner[k] = id
	x.fresh = append(x.fresh, k)
}

// remove takes a key from its contact.
func (x *keyIndex) remove(k contactKey) error {
	x.owner[k] = 0
	if at := slices.Index(x.fresh, k); at >= 0 {
		x.fresh = slices.Delete(x.fresh, at, at+1)
		return nil
	}
	return deleteKey(x.tx, x.account, k)
}

// flush stores the fresh keys in their order, so that neighbours share pages.
func (x *keyIndex) flush() error {
	slices.SortFunc(x.fresh, compareKeys)
	keys := x.fresh
	for ; len(keys) >= keysAtOnce; keys = keys[keysAtOnce:] {
		if err := x.store(storeKeys, keys[:keysAtOnce]); err != nil {
			return err
		}
	}
	for i := range keys {
		if err := x.store(storeKey, keys[i:i+1]); err != nil {
			return err
		}
	}
	x.fresh = x.fresh[:0]
	return nil
}

func (x *keyIndex) store(statement string, keys []contactKey) error {
	args := make([]any, 0, 1+3*keysAtOnce)
	args = append(args, x.account)
	for _, k := range keys {
		args = append(args, k.kind, k.key, x.owner[k])
	}
	_, err := x.tx.exec(statement, args...)
	return err
}

func compareKeys(a, b contactKey) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	return strings.Compare(a.key, b.key)
}

// The statements for keysAtOnce keys. $1 is the account.
const (
	storeKey  = `INSERT INTO contact_key (account, kind, key, contact) VALUES ($1, $2, $3, $4)`
	storeKeys = storeKey + `, ($1, $5, $6, $7), ($1, $8, $9, $10), ($1, $11, $12, $13), ($1, $14, $15, $16),
		($1, $17, $18, $19), ($1, $20, $21, $22), ($1, $23, $24, $25), ($1, $26, $27, $28), ($1, $29, $30, $31),
		($1, $32, $33, $34), ($1, $35, $36, $37), ($1, $38, $39, $40), ($1, $41, $42, $43), ($1, $44, $45, $46), ($1, $47, $48, $49)`
	loadKeys = `SELECT kind, key, contact FROM contact_key WHERE account = $1 AND (kind, key) IN (VALUES
		($2, $3), ($4, $5), ($6, $7), ($8, $9), ($10, $11), ($12, $13), ($14, $15), ($16, $17),
		($18, $19), ($20, $21), ($22, $23), ($24, $25), ($26, $27), ($28, $29), ($30, $31), ($32, $33))`
)
