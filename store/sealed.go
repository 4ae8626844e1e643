package store

import (
	"context"
	"database/sql"
	"fmt"
)

// sealedColumn is a column whose values are sealed (secret.go), each for its table and row.
type sealedColumn struct {
	table, column string
	noun          string // the things in it, for errors
}

// sealedColumns lists all of them: what is not in it would be lost with an old key.
var sealedColumns = []sealedColumn{
	{endpointTable, "secrets", "endpoints"},
	{connectorTable, "secret", "connectors"},
	{webhookTable, "headers", "webhooks"},
	{sourceTable, "secret", "sources"},
}

// sql puts the names into a statement: %[1]s is the table, %[2]s the column.
func (c sealedColumn) sql(format string) string { return fmt.Sprintf(format, c.table, c.column) }

// checkKeys says which key is missing when the ring can't open all secrets.
// An envelope shows its key's id in its head, so nothing is opened for it.
func (s *Store) checkKeys(ctx context.Context) error {
	for _, c := range sealedColumns {
		if err := s.checkColumn(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkColumn(ctx context.Context, c sealedColumn) error {
	rows, err := s.rows(ctx, c.sql(`SELECT DISTINCT substr(%[2]s, 1, $1) FROM %[1]s WHERE %[2]s IS NOT NULL`), sealHeader)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var head []byte
		if err := rows.Scan(&head); err != nil {
			return readError(err)
		}
		if len(head) != sealHeader || head[0] != sealVersion {
			return fmt.Errorf("secrets of %s are not in a form that this version reads", c.noun)
		}
		if _, err := s.opts.Keys.find(keyID(head[1:])); err != nil {
			return fmt.Errorf("secrets of %s: %w", c.noun, err)
		}
	}
	return readError(rows.Err())
}

// resealStep is how many rows one step of Reseal takes.
const resealStep = 500

// Reseal seals anew, by the newest key, the secrets that an older key has
// sealed, and gives their number. When it has returned without an error, the
// older keys may leave the key file.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	resealed := 0
	for _, c := range sealedColumns {
		for {
			step := 0
			err := s.commit(ctx, func(tx *writeTx) (err error) {
				step, err = s.resealSome(tx, c)
				return err
			})
			if err != nil {
				return resealed, err
			}
			if step == 0 {
				break
			}
			resealed += step
		}
	}
	return resealed, nil
}

func (s *Store) resealSome(tx *writeTx, c sealedColumn) (int, error) {
	rows, err := tx.rows(c.sql(`SELECT id, %[2]s FROM %[1]s WHERE %[2]s IS NOT NULL AND substr(%[2]s, 2, $1) <> $2 ORDER BY id LIMIT $3`),
		len(keyID{}), s.opts.Keys.newest(), resealStep)
	if err != nil {
		return 0, err
	}
	old, err := sealedRows(rows)
	if err != nil {
		return 0, err
	}
	for id, sealed := range old {
		text, err := s.opts.Keys.open(sealed, c.table, id)
		if err != nil {
			return 0, err
		}
		if sealed, err = s.opts.Keys.seal(text, c.table, id); err != nil {
			return 0, err
		}
		if _, err := tx.exec(c.sql(`UPDATE %[1]s SET %[2]s = $2 WHERE id = $1`), id, sealed); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

func sealedRows(rows *sql.Rows) (map[int64][]byte, error) {
	defer rows.Close()
	sealed := make(map[int64][]byte)
	for rows.Next() {
		var id int64
		var envelope []byte
		if err := rows.Scan(&id, &envelope); err != nil {
			return nil, err
		}
		sealed[id] = envelope
	}
	return sealed, rows.Err()
}
