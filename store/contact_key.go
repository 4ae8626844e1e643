package store

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"strconv"

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

// claimKeys gives keys that are all different to a contact, and says false
// when others have some of them: then it is given none.
func claimKeys(tx *writeTx, account tidings.AccountID, keys []contactKey, id tidings.ContactID) (bool, error) {
	if len(keys) == 0 {
		return true, nil
	}
	args := make([]any, 0, 2+2*len(keys))
	args = append(args, account, id)
	for _, k := range keys {
		args = append(args, k.kind, k.key)
	}
	n, err := tx.exec(claimStatement(len(keys)), args...)
	if err != nil || int(n) == len(keys) {
		return err == nil, err
	}
	if n == 0 {
		return false, nil
	}
	for _, k := range keys {
		if _, err := tx.exec(`DELETE FROM contact_key WHERE account = $1 AND kind = $2 AND key = $3 AND contact = $4`, account, k.kind, k.key, id); err != nil {
			return false, err
		}
	}
	return false, nil
}

// claimStatement claims so many keys at once: a statement for each would take
// a third of the time of an import.
func claimStatement(keys int) string {
	b := []byte("INSERT INTO contact_key (account, contact, kind, key) VALUES ")
	for i := range keys {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, "($1, $2, $"...)
		b = strconv.AppendInt(b, int64(3+2*i), 10)
		b = append(b, ", $"...)
		b = strconv.AppendInt(b, int64(4+2*i), 10)
		b = append(b, ')')
	}
	return string(append(b, " ON CONFLICT (account, kind, key) DO NOTHING"...))
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
