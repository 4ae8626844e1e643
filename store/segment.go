package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidings"
)

const segmentColumns = `id, name, condition, version, created, updated`

func scanSegment(row scanner, account tidings.AccountID) (tidings.Segment, error) {
	g := tidings.Segment{Account: account}
	var condition string
	var created, updated int64
	if err := row.Scan(&g.ID, &g.Name, &condition, &g.Version, &created, &updated); err != nil {
		return g, err
	}
	g.CreatedAt, g.UpdatedAt = fromMillis(created), fromMillis(updated)
	if condition != "" {
		g.Condition = &tidings.Condition{}
		if err := json.Unmarshal([]byte(condition), g.Condition); err != nil {
			return g, fmt.Errorf("segment %d: %w", g.ID, err)
		}
	}
	return g, nil
}

// Segment gives a segment of an account; CodeNotFound when the account has no such segment.
func (s *Store) Segment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) (tidings.Segment, error) {
	return readSegment(reader{s, ctx}, account, id)
}

func readSegment(q querier, account tidings.AccountID, id tidings.SegmentID) (tidings.Segment, error) {
	g, err := scanSegment(q.row(`SELECT `+segmentColumns+` FROM segment WHERE id = $1 AND account = $2`, id, account), account)
	if err != nil {
		return tidings.Segment{}, orNotFound(err, "segment", int64(id))
	}
	return g, nil
}

// Segments gives the segments of an account in the order of their ids.
func (s *Store) Segments(ctx context.Context, account tidings.AccountID) ([]tidings.Segment, error) {
	return readSegments(reader{s, ctx}, account)
}

func readSegments(q querier, account tidings.AccountID) ([]tidings.Segment, error) {
	rows, err := q.rows(`SELECT `+segmentColumns+` FROM segment WHERE account = $1 ORDER BY id`, account)
	return gather(rows, err, func(row scanner) (tidings.Segment, error) { return scanSegment(row, account) })
}

// segmentsNaming lists the segments whose conditions name a field, for people.
func segmentsNaming(q querier, account tidings.AccountID, name string) ([]string, error) {
	segments, err := readSegments(q, account)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, g := range segments {
		if g.Condition != nil && slices.Contains(g.Condition.Names(), strings.ToUpper(name)) {
			users = append(users, fmt.Sprintf("segment %d %q", g.ID, g.Name))
		}
	}
	return users, nil
}

// CreateSegment makes a segment. The store gives ID, Version and the times;
// name and condition were checked at the door. CodeNotFound when there is no
// such account, CodeConflict when it has MaxSegments.
func (s *Store) CreateSegment(ctx context.Context, g tidings.Segment, actor string) (tidings.Segment, error) {
	condition, err := encodeCondition(g.Condition)
	if err != nil {
		return tidings.Segment{}, err
	}
	err = s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(g.Account); err != nil {
			return err
		}
		var n int
		if err := tx.row(`SELECT count(*) FROM segment WHERE account = $1`, g.Account).Scan(&n); err != nil {
			return err
		}
		if n >= tidings.MaxSegments {
			return tidings.Errorf(tidings.CodeConflict, "the account has %d segments, which is the most: delete one that is not used", n)
		}
		g.Version, g.CreatedAt, g.UpdatedAt = 1, tx.now, tx.now
		err := tx.row(`INSERT INTO segment (account, name, condition, version, created, updated) VALUES ($1, $2, $3, 1, $4, $4) RETURNING id`,
			g.Account, g.Name, condition, millis(tx.now)).Scan(&g.ID)
		if err != nil {
			return err
		}
		return auditSegment(tx, &g, actor, "segment.create", "")
	})
	if err != nil {
		return tidings.Segment{}, err
	}
	return g, nil
}

func encodeCondition(c *tidings.Condition) (string, error) {
	if c == nil {
		return "", nil
	}
	text, err := json.Marshal(c)
	return string(text), err
}

func auditSegment(tx *writeTx, g *tidings.Segment, actor, action, detail string) error {
	if detail != "" {
		detail = ": " + detail
	}
	return writeAudit(tx, tidings.AuditRecord{Account: g.Account, At: tx.now, Actor: actor, Action: action, Detail: fmt.Sprintf("segment %d %q%s", g.ID, g.Name, detail)})
}

// UpdateSegment stores a segment's name and condition; a list stays a list.
// g.Version is that of the segment as it was read; when it has changed since,
// nothing is stored (CodeConflict).
func (s *Store) UpdateSegment(ctx context.Context, g tidings.Segment, actor string) (tidings.Segment, error) {
	condition, err := encodeCondition(g.Condition)
	if err != nil {
		return tidings.Segment{}, err
	}
	var stored tidings.Segment
	err = s.commit(ctx, func(tx *writeTx) error {
		g := g // the operation may run again
		var created int64
		err := tx.row(`UPDATE segment SET name = $4, condition = $5, version = version + 1, updated = $6
			WHERE id = $1 AND account = $2 AND version = $3 RETURNING created`,
			g.ID, g.Account, g.Version, g.Name, condition, millis(tx.now)).Scan(&created)
		if errors.Is(err, sql.ErrNoRows) {
			now, err := readSegment(tx, g.Account, g.ID)
			if err != nil {
				return err
			}
			return tidings.Errorf(tidings.CodeConflict,
				"segment %d was changed since it was read (version %d, now %d): read it again and repeat the change", g.ID, g.Version, now.Version)
		}
		if err != nil {
			return err
		}
		g.Version, g.CreatedAt, g.UpdatedAt = g.Version+1, fromMillis(created), tx.now
		stored = g
		return auditSegment(tx, &g, actor, "segment.update", "")
	})
	if err != nil {
		return tidings.Segment{}, err
	}
	return stored, nil
}

// DeleteSegment removes a segment; its contacts stay. CodeNotFound when the
// account has no such segment.
func (s *Store) DeleteSegment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		g, err := readSegment(tx, account, id)
		if err != nil {
			return err
		}
		for _, from := range []string{`segment_member WHERE segment`, `segment WHERE id`} {
			if _, err := tx.exec(`DELETE FROM `+from+` = $1`, id); err != nil {
				return err
			}
		}
		return auditSegment(tx, &g, actor, "segment.delete", "")
	})
}
