package store

import (
	"context"
	"math"
	"unicode/utf8"

	"tidings"
)

// Audit gives an account's audit records, newest first.
func (s *Store) Audit(ctx context.Context, q tidings.AuditQuery) ([]tidings.AuditRecord, error) {
	before, to := q.Before, int64(math.MaxInt64)
	if before == 0 {
		before = math.MaxInt64
	}
	if !q.To.IsZero() {
		to = millis(q.To)
	}
	rows, err := s.rows(ctx, `
		SELECT id, account, at, actor, action, endpoint, detail
		FROM audit WHERE account = $1 AND id < $2 AND at >= $3 AND at < $4
			AND substr(action, 1, $5) = $6 AND substr(actor, 1, $7) = $8
		ORDER BY id DESC LIMIT $9`,
		q.Account, before, millis(q.From), to, utf8.RuneCountInString(q.Action), q.Action, utf8.RuneCountInString(q.Actor), q.Actor, q.Limit)
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
