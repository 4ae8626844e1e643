package store

import (
	"context"

	"tidings"
)

// AddToBlacklist notes that nothing may be sent to some addresses. What is on
// the list already stays as it is. It gives the number of those that are new.
func (s *Store) AddToBlacklist(ctx context.Context, account tidings.AccountID, channels []tidings.Channel, reason string) (added int, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		added = 0
		if _, err := tx.head(account); err != nil {
			return err
		}
		for _, ch := range channels {
			n, err := addToBlacklist(tx, account, channelKey(ch), reason)
			if err != nil {
				return err
			}
			added += int(n)
		}
		return nil
	})
	return added, err
}

// addToBlacklist gives 0 when the address is on the list already.
func addToBlacklist(tx *writeTx, account tidings.AccountID, k contactKey, reason string) (added int64, err error) {
	return tx.exec(`INSERT INTO blacklist (account, kind, key, reason, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, kind, key) DO NOTHING`,
		account, k.kind, k.key, reason, millis(tx.now))
}

// RemoveFromBlacklist takes addresses off the list and gives the number of
// those that were on it.
func (s *Store) RemoveFromBlacklist(ctx context.Context, account tidings.AccountID, channels []tidings.Channel) (removed int, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		removed = 0
		for _, ch := range channels {
			k := channelKey(ch)
			n, err := tx.exec(`DELETE FROM blacklist WHERE account = $1 AND kind = $2 AND key = $3`, account, k.kind, k.key)
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	return removed, err
}

// Blacklist gives at most limit (1 or more) addresses of the list in the order
// in which they came on it, those after an entry; 0 = from the first. Emails
// are in small letters.
func (s *Store) Blacklist(ctx context.Context, account tidings.AccountID, after int64, limit int) ([]tidings.BlacklistEntry, error) {
	rows, err := s.rows(ctx, `SELECT id, kind, key, reason, created FROM blacklist WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []tidings.BlacklistEntry
	for rows.Next() {
		e := tidings.BlacklistEntry{Account: account, Channel: tidings.Channel{Blacklisted: true}}
		var created int64
		if err := rows.Scan(&e.ID, &e.Channel.Type, &e.Channel.Value, &e.Reason, &created); err != nil {
			return nil, readError(err)
		}
		e.CreatedAt = fromMillis(created)
		entries = append(entries, e)
	}
	return entries, readError(rows.Err())
}

// blacklistAtOnce is how many addresses one statement looks up.
const blacklistAtOnce = 3

// markBlacklisted sets Blacklisted of a contact's channels.
func markBlacklisted(q querier, c *tidings.Contact) error {
	for from := 0; from < len(c.Channels); from += blacklistAtOnce {
		group := c.Channels[from:min(from+blacklistAtOnce, len(c.Channels))]
		if err := markGroup(q, c.Account, group); err != nil {
			return err
		}
	}
	return nil
}

func markGroup(q querier, account tidings.AccountID, group []tidings.Channel) error {
	args := []any{account}
	for i := range blacklistAtOnce {
		k := channelKey(group[min(i, len(group)-1)]) // the last one again where there are fewer
		args = append(args, k.kind, k.key)
	}
	rows, err := q.rows(`SELECT kind, key FROM blacklist WHERE account = $1 AND (kind = $2 AND key = $3 OR kind = $4 AND key = $5 OR kind = $6 AND key = $7)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k contactKey
		if err := rows.Scan(&k.kind, &k.key); err != nil {
			return readError(err)
		}
		for i := range group {
			if channelKey(group[i]) == k {
				group[i].Blacklisted = true
			}
		}
	}
	return readError(rows.Err())
}
