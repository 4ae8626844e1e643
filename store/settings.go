package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"tidings"
)

const selectSettings = `SELECT count_opens, from_name, from_address, categories, version FROM mail_settings WHERE account = $1`

// scanSettings gives the zero value where nothing was ever set.
func scanSettings(row scanner) (tidings.MailSettings, error) {
	var m tidings.MailSettings
	var counts flag
	var categories string
	err := row.Scan(&counts, &m.From.Name, &m.From.Address, &categories, &m.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.MailSettings{}, nil
	}
	if err != nil {
		return tidings.MailSettings{}, readError(err)
	}
	m.CountMachineOpens = bool(counts)
	var pairs [][2]string
	if err := json.Unmarshal([]byte(categories), &pairs); err != nil {
		return tidings.MailSettings{}, fmt.Errorf("the categories are not in a form that this version reads: %w", err)
	}
	for _, p := range pairs {
		m.Categories = append(m.Categories, tidings.Category{Key: p[0], Name: p[1]})
	}
	return m, nil
}

// MailSettings gives an account's settings of mails: the zero value where
// nothing was ever set.
func (s *Store) MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error) {
	return scanSettings(s.row(ctx, selectSettings, account))
}

// UpdateMailSettings stores an account's settings of mails. m.Version is the one
// that was read; when it has changed since, nothing is stored (CodeConflict).
// CodeNotFound when there is no such account.
func (s *Store) UpdateMailSettings(ctx context.Context, account tidings.AccountID, m tidings.MailSettings, actor string) (tidings.MailSettings, error) {
	pairs := make([][2]string, len(m.Categories))
	for i, c := range m.Categories {
		pairs[i] = [2]string{c.Key, c.Name}
	}
	categories, err := json.Marshal(pairs)
	if err != nil {
		return tidings.MailSettings{}, err
	}
	read := m.Version
	err = s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(account); err != nil {
			return err
		}
		now, err := scanSettings(tx.row(selectSettings, account))
		if err != nil {
			return err
		}
		if now.Version != read {
			return tidings.Errorf(tidings.CodeConflict, "the settings were changed since they were read (version %d, now %d): read them again and repeat the change", read, now.Version)
		}
		m.Version = read + 1
		_, err = tx.exec(`INSERT INTO mail_settings (account, count_opens, from_name, from_address, categories, version) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (account) DO UPDATE SET count_opens = excluded.count_opens, from_name = excluded.from_name,
				from_address = excluded.from_address, categories = excluded.categories, version = excluded.version`,
			account, flag(m.CountMachineOpens), m.From.Name, m.From.Address, string(categories), m.Version)
		if err != nil {
			return err
		}
		return auditThing(tx, tidings.AuditRecord{Account: account, Actor: actor, Action: "mail-settings.update", Detail: "settings of mails"},
			fmt.Sprintf("from %q <%s>, %d categories, opens of machines count: %t", m.From.Name, m.From.Address, len(m.Categories), m.CountMachineOpens))
	})
	if err != nil {
		return tidings.MailSettings{}, err
	}
	return m, nil
}
