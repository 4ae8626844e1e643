package store

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"

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

// claimKey gives a key to a contact, and says false when another has it.
func claimKey(tx *writeTx, account tidings.AccountID, k contactKey, id tidings.ContactID) (bool, error) {
	n, err := tx.exec(`INSERT INTO contact_key (account, kind, key, contact) VALUES ($1, $2, $3, $4) ON CONFLICT (account, kind, key) DO NOTHING`,
		account, k.kind, k.key, id)
	return n == 1, err
}

// releaseKeys takes keys from their contact.
func releaseKeys(tx *writeTx, account tidings.AccountID, keys []contactKey) error {
	for _, k := range keys {
		if _, err := tx.exec(`DELETE FROM contact_key WHERE account = $1 AND kind = $2 AND key = $3`, account, k.kind, k.key); err != nil {
			return err
		}
	}
	return nil
}
