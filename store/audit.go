package store

import (
	"context"
	"math"

	"tidings"
)

// Audit gives an account's audit records, newest first: at most limit (1 or
// more) of those with an id below before; 0 = from the newest.
func (s *Store) Audit(ctx context.Context, account tidings.AccountID, before int64, limit int) ([]tidings.AuditRecord, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.rows(ctx, `
		SELECT id, account, at, actor, action, endpoint, detail
		FROM audit WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, account, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []tidings.AuditRecord
	for rows.Next() {
		var r tidings.AuditRecord
		var at int64
		if err := rows.Scan(&r.ID, &r.Account, &at, &r.Actor, &r.Action, &r.Endpoint, &r.Detail); err != nil {
			return nil, readError(err)
		}
		r.At = fromMillis(at)
		records = append(records, r)
	}
	return records, readError(rows.Err())
}

// writeAudit records an act in the transaction of the act; the store gives the id.
func writeAudit(tx *writeTx, r tidings.AuditRecord) error {
	_, err := tx.exec(`
		INSERT INTO audit (account, at, actor, action, endpoint, detail)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		r.Account, millis(r.At), r.Actor, r.Action, r.Endpoint, r.Detail)
	return err
}
