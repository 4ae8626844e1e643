package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"tidings"
)

// A lease names its holder, and holds as long as that was seen within
// tidings.LeaseTTL by the server's clock. So a renewal writes one row, the
// node's own, and a lease's row is written only when it goes to another.
//
// Who claims leases of a node that is not seen any more locks that node's row
// first: its renewal waits, and then sees what it has lost.

// forgetNodes is after what time a node that is not seen leaves no trace.
const forgetNodes = time.Minute

// RenewLeases says that a node lives, and gives what it holds; see
// feed.Leases. Only a PostgreSQL database has leases.
func (s *Store) RenewLeases(ctx context.Context, n tidings.Node, released []tidings.Lease) (tidings.Grant, error) {
	e, err := s.shared()
	if err != nil {
		return tidings.Grant{}, err
	}
	r := renewal{node: &n}
	err = e.inTx(ctx, func(tx *sql.Tx) error { return r.run(ctx, tx, released) })
	if err != nil {
		return tidings.Grant{}, readError(err)
	}
	e.peers.seen(int(r.others))
	if r.freed > 0 {
		s.Tell(tidings.Notice{Kind: tidings.NoticeLeases})
	}
	return r.grant, nil
}

// renewal is one renewal of a node's leases.
type renewal struct {
	node   *tidings.Node
	grant  tidings.Grant
	others int64 // other nodes
	freed  int64 // leases given back
}

func (r *renewal) run(ctx context.Context, tx *sql.Tx, released []tidings.Lease) error {
	if err := r.seen(ctx, tx); err != nil {
		return err
	}
	if len(released) > 0 {
		c := newColumns(2, len(released))
		for _, l := range released {
			c.add(int64(l.Shard), l.Fence)
		}
		result, err := tx.ExecContext(ctx, `UPDATE lease AS l SET holder = '' FROM unnest($2::bigint[], $3::bigint[]) AS r (shard, fence)
			WHERE l.shard = r.shard AND l.fence = r.fence AND l.holder = $1`, r.node.ID, c[0], c[1])
		if err != nil {
			return err
		}
		if r.freed, err = result.RowsAffected(); err != nil {
			return err
		}
	}
	if err := r.share(ctx, tx); err != nil {
		return err
	}
	if err := r.held(ctx, tx); err != nil {
		return err
	}
	missing := r.grant.Share - len(r.grant.Held)
	if !r.node.Delivers() || missing <= 0 {
		return nil
	}
	claimed, err := r.claim(ctx, tx, missing)
	if err != nil || claimed == 0 {
		return err
	}
	return r.held(ctx, tx)
}

// seen writes the node's row.
func (r *renewal) seen(ctx context.Context, tx *sql.Tx) error {
	n := r.node
	load, err := json.Marshal(n.Load)
	if err != nil {
		return err
	}
	roles := make([]string, len(n.Roles))
	for i, role := range n.Roles {
		roles[i] = string(role)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO node (id, name, version, addr, roles, delivers, started, load, seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, addr = excluded.addr, roles = excluded.roles,
			delivers = excluded.delivers, load = excluded.load, seen = excluded.seen`,
		n.ID, pgText(n.Name), pgText(n.Version), pgText(n.Addr), strings.Join(roles, ","), n.Delivers(), millis(n.Started), string(load))
	return err
}

// share counts the nodes.
func (r *renewal) share(ctx context.Context, tx *sql.Tx) error {
	var delivering, first int64
	// first is when the next of the others will be gone, if it is not seen again.
	err := tx.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE delivers = 1), count(*) - 1,
			coalesce((extract(epoch FROM min(seen) FILTER (WHERE delivers = 1 AND id <> $1) - now()) * 1000)::bigint + $2::bigint, 0)
		FROM node WHERE seen > now() - $2::bigint * interval '1 millisecond'`, r.node.ID, tidings.LeaseTTL.Milliseconds()).Scan(&delivering, &r.others, &first)
	if err != nil {
		return err
	}
	delivering = max(delivering, 1)
	r.grant.Share = int((tidings.Shards + delivering - 1) / delivering)
	r.grant.ValidFor = tidings.LeaseTTL
	r.grant.Again = time.Duration(first) * time.Millisecond
	return nil
}

func (r *renewal) held(ctx context.Context, tx *sql.Tx) error {
	r.grant.Held = nil
	rows, err := tx.QueryContext(ctx, `SELECT shard, fence FROM lease WHERE holder = $1 ORDER BY shard`, r.node.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l tidings.Lease
		if err := rows.Scan(&l.Shard, &l.Fence); err != nil {
			return err
		}
		r.grant.Held = append(r.grant.Held, l)
	}
	return rows.Err()
}

// againSoon is when a renewal is worth it that did not get what is free,
// because a transaction that is about to end has it locked.
const againSoon = 250 * time.Millisecond

// claim takes at most so many leases that are free, or whose holder is gone.
func (r *renewal) claim(ctx context.Context, tx *sql.Tx, most int) (int64, error) {
	gone, err := r.lockGone(ctx, tx)
	if err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, `UPDATE lease SET holder = $1, fence = fence + 1 WHERE shard IN (
		SELECT shard FROM lease WHERE holder = '' OR holder = ANY($2::text[]) ORDER BY shard LIMIT $3 FOR UPDATE SKIP LOCKED)`, r.node.ID, gone, most)
	if err != nil {
		return 0, err
	}
	claimed, err := result.RowsAffected()
	if err != nil || claimed == int64(most) {
		return claimed, err
	}
	var left bool
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM lease WHERE holder = '' OR holder IN (SELECT id FROM node WHERE seen <= now() - $1::bigint * interval '1 millisecond'))`,
		tidings.LeaseTTL.Milliseconds()).Scan(&left)
	if left {
		r.grant.Again = againSoon
	}
	return claimed, err
}

// lockGone locks the nodes that are not seen any more, and forgets those that
// have been gone for long. A node that is renewing just now has its row locked
// and is not gone.
func (r *renewal) lockGone(ctx context.Context, tx *sql.Tx) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, seen < now() - $2::bigint * interval '1 millisecond' FROM node
		WHERE seen <= now() - $1::bigint * interval '1 millisecond' ORDER BY id FOR UPDATE SKIP LOCKED`, tidings.LeaseTTL.Milliseconds(), forgetNodes.Milliseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	gone, old := []string{}, []string{}
	for rows.Next() {
		var id string
		var forget bool
		if err := rows.Scan(&id, &forget); err != nil {
			return nil, err
		}
		gone = append(gone, id)
		if forget {
			old = append(old, id)
		}
	}
	if err := rows.Err(); err != nil || len(old) == 0 {
		return gone, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE lease SET holder = '' WHERE holder = ANY($1::text[])`, old); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM node WHERE id = ANY($1::text[])`, old)
	return gone, err
}

// ReleaseLeases is the clean end of a node: its leases are free at once, and
// the others are told.
func (s *Store) ReleaseLeases(ctx context.Context, id tidings.NodeID) error {
	e, err := s.shared()
	if err != nil {
		return err
	}
	return readError(e.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE lease SET holder = '' WHERE holder = $1`, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM node WHERE id = $1`, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, pgChannel, encodeNotices(e.name, []tidings.Notice{{Kind: tidings.NoticeLeases}}))
		return err
	}))
}

// Nodes gives the nodes seen within tidings.LeaseTTL, by name, with what they hold.
func (s *Store) Nodes(ctx context.Context) ([]tidings.Node, error) {
	if _, err := s.shared(); err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, `SELECT n.id, n.name, n.version, n.addr, n.roles, n.started, n.load, (extract(epoch FROM n.seen) * 1000)::bigint, coalesce(l.shard, -1), coalesce(l.fence, 0)
		FROM node n LEFT JOIN lease l ON l.holder = n.id WHERE n.seen > now() - $1::bigint * interval '1 millisecond' ORDER BY n.name, n.id, l.shard`, tidings.LeaseTTL.Milliseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var nodes []tidings.Node
	for rows.Next() {
		var n tidings.Node
		var roles, load string
		var started, seen int64
		var l tidings.Lease
		if err := rows.Scan(&n.ID, &n.Name, &n.Version, &n.Addr, &roles, &started, &load, &seen, &l.Shard, &l.Fence); err != nil {
			return nil, readError(err)
		}
		if last := len(nodes) - 1; last < 0 || nodes[last].ID != n.ID {
			n.Started, n.Seen = fromMillis(started), fromMillis(seen)
			for role := range strings.SplitSeq(roles, ",") {
				n.Roles = append(n.Roles, tidings.Role(role))
			}
			if err := json.Unmarshal([]byte(load), &n.Load); err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
		}
		if l.Shard >= 0 {
			last := &nodes[len(nodes)-1]
			last.Leases = append(last.Leases, l)
		}
	}
	return nodes, readError(rows.Err())
}

// LanesOf is Lanes for the endpoints of some shards, by one query.
func (s *Store) LanesOf(ctx context.Context, shards []int, each func(tidings.Endpoint, tidings.Position) error) error {
	if _, err := s.shared(); err != nil {
		return err
	}
	return s.eachLane(ctx, each, selectLane+` WHERE e.deleted = 0 AND e.id * 157 % 256 = ANY($1::bigint[])`, int64s(shards))
}

// Heads gives the heads of accounts as Head does, by one query and from the
// database itself. Accounts that are gone are left out.
func (s *Store) Heads(ctx context.Context, accounts []tidings.AccountID) (map[tidings.AccountID]tidings.Seq, error) {
	if _, err := s.shared(); err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, `SELECT account, next_seq, arrived FROM head WHERE account = ANY($1::bigint[])`, int64s(accounts))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	heads := make(map[tidings.AccountID]tidings.Seq, len(accounts))
	for rows.Next() {
		var account tidings.AccountID
		var h head
		if err := rows.Scan(&account, &h.next, &h.arrived); err != nil {
			return nil, readError(err)
		}
		s.heads.grow(account, h)
		heads[account] = h.last()
	}
	return heads, readError(rows.Err())
}

// shared gives the engine of a database that nodes may share.
func (s *Store) shared() (*pgEngine, error) {
	if e, ok := s.engine.(*pgEngine); ok {
		return e, nil
	}
	return nil, tidings.Errorf(tidings.CodeUnavailable, "the data directory is one process's alone: there are no leases and no other nodes")
}

// inTx does something in a transaction apart from the committer's.
func (e *pgEngine) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := e.s.reader.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what went wrong is known
		return err
	}
	return tx.Commit()
}
