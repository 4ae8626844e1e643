package store

import (
	"cmp"
	"context"
	"slices"

	"tidings"
)

// Lanes gives every endpoint of every account with its position; see feed.Log.
func (s *Store) Lanes(ctx context.Context, each func(tidings.Endpoint, tidings.Position) error) error {
	return s.eachLane(ctx, each, selectLane+` WHERE e.deleted = 0`)
}

// Lane gives one endpoint with its position; CodeNotFound when it was deleted.
func (s *Store) Lane(ctx context.Context, id tidings.EndpointID) (tidings.Endpoint, tidings.Position, error) {
	return s.lane(ctx, id, selectLane+` WHERE e.id = $1 AND e.deleted = 0`, id)
}

// pendingDelivery is a delivery on its way into the store.
type pendingDelivery struct {
	tidings.Delivery
	err  error // what becomes of it; set by applyDeliveries, or by the committer when the commit fails
	done func(error)
}

// Deliver stores a position and the attempts that led to it; see feed.Log.
func (s *Store) Deliver(d tidings.Delivery, urgent bool, done func(error)) {
	s.committer.deliver(&pendingDelivery{Delivery: d, done: done}, urgent)
}

// Act moves an endpoint's position as an operator wants it, in one
// transaction with its audit record; see tidings.Act. The fence is raised
// whatever Move gives, and the epoch when the cursor moved. It gives the
// position as it is stored. CodeNotFound when the account has no such
// endpoint; an error of Move comes back as it is.
func (s *Store) Act(ctx context.Context, act tidings.Act) (tidings.Position, error) {
	var moved tidings.Position
	err := s.commit(ctx, func(tx *writeTx) error {
		stored, err := storedPosition(tx, act.Account, act.Endpoint)
		if err != nil {
			return err
		}
		next := stored
		if act.Move != nil {
			if next, err = act.Move(stored); err != nil {
				return err
			}
		}
		next.Endpoint, next.Fence = stored.Endpoint, stored.Fence+1
		next.Epoch = max(next.Epoch, stored.Epoch)
		if next.Cursor != stored.Cursor && next.Epoch == stored.Epoch {
			next.Epoch++
		}
		if _, err := writePosition(tx, next, stored.Fence, 0); err != nil {
			return err
		}
		if err := setState(tx, act.Endpoint, act.State); err != nil {
			return err
		}
		// Read back, so that the caller has what a later reader gets: times in whole milliseconds.
		if moved, err = storedPosition(tx, act.Account, act.Endpoint); err != nil {
			return err
		}
		return writeAudit(tx, tidings.AuditRecord{
			Account: act.Account, At: tx.now, Actor: act.Actor, Action: act.Action, Endpoint: act.Endpoint, Detail: act.Detail,
		})
	})
	if err != nil {
		return tidings.Position{}, err
	}
	return moved, nil
}

func storedPosition(tx *writeTx, account tidings.AccountID, id tidings.EndpointID) (tidings.Position, error) {
	var r positionRow
	err := tx.row(`SELECT `+positionColumns+` FROM position AS p JOIN endpoint AS e ON e.id = p.endpoint
		WHERE p.endpoint = $1 AND e.account = $2 AND e.deleted = 0`, id, account).Scan(r.into()...)
	return r.position(), orNotFound(err, "endpoint", int64(id))
}

// setState changes an endpoint's state, and its version with it, so that an
// update made from what was read before does not undo it. "" changes nothing.
func setState(tx *writeTx, id tidings.EndpointID, state tidings.State) error {
	if state == "" {
		return nil
	}
	_, err := tx.exec(`UPDATE endpoint SET state = $2, version = version + 1, updated = $3 WHERE id = $1 AND state <> $2`,
		id, state, millis(tx.now))
	return err
}

// applyDeliveries writes the deliveries of a group. It runs before the group's
// operations: they came first, and an operator's act is to see them. A
// refusal is that delivery's err; the error it returns ends the transaction.
func applyDeliveries(tx *writeTx, ds []*pendingDelivery) error {
	slices.SortStableFunc(ds, func(a, b *pendingDelivery) int {
		return cmp.Compare(a.Position.Endpoint, b.Position.Endpoint)
	})
	for len(ds) > 0 {
		n := 1
		for n < len(ds) && ds[n].Position.Endpoint == ds[0].Position.Endpoint && ds[n].Position.Fence == ds[0].Position.Fence {
			n++
		}
		if err := applyRun(tx, ds[:n]); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}

// applyRun writes deliveries of one endpoint under one fence: the last position
// stands for all, with the attempts of each.
func applyRun(tx *writeTx, run []*pendingDelivery) error {
	tried := 0
	for _, d := range run {
		tried += len(d.Attempts)
	}
	last := run[len(run)-1].Position
	changed, err := writePosition(tx, last, last.Fence, tried)
	if err != nil {
		return err
	}
	if changed == 0 {
		refusal, err := refuseDelivery(tx, last.Endpoint, tried)
		if err != nil {
			return err
		}
		for _, d := range run {
			d.err = refusal
		}
	}
	left := tried
	for _, d := range run {
		for i := range d.Attempts {
			left--
			if left >= AttemptsKept {
				continue // the ring has turned past it already
			}
			if err := writeAttempt(tx, last.Endpoint, &d.Attempts[i], left); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuseDelivery says why no position was written, and counts the attempts all
// the same: they were made.
func refuseDelivery(tx *writeTx, id tidings.EndpointID, tried int) (refusal, err error) {
	if _, err := tx.exec(`UPDATE position SET tried = tried + $2 WHERE endpoint = $1`, id, tried); err != nil {
		return nil, err
	}
	var there int
	err = tx.row(`SELECT count(*) FROM endpoint WHERE id = $1 AND deleted = 0`, id).Scan(&there)
	if err != nil {
		return nil, err
	}
	if there == 0 {
		return tidings.Errorf(tidings.CodeNotFound, "there is no endpoint %d", id), nil
	}
	return errFenced(id), nil
}

func errFenced(id tidings.EndpointID) error {
	return tidings.Errorf(tidings.CodeFenced, "endpoint %d was taken in hand by somebody else: read its position again", id)
}

// writePosition stores a position if the stored fence is the given one, and
// adds to the count of attempts. It gives the number of rows changed: 1 or 0.
func writePosition(tx *writeTx, p tidings.Position, fence int64, tried int) (int64, error) {
	return tx.exec(`
		UPDATE position SET fence = $3, epoch = $4, cursor = $5, scanned = $6, previous = $7, plan_end = $8,
			plan_filter = $9, plan_items = $10, plan_bytes = $11, attempts = $12, blocked_since = $13,
			next_try = $14, last_error = $15, tried = tried + $16
		WHERE endpoint = $1 AND fence = $2`,
		p.Endpoint, fence, p.Fence, p.Epoch, p.Cursor, p.Scanned, p.Previous, p.Plan.End,
		packFilter(p.Plan.Cut.Filter), p.Plan.Cut.MaxItems, p.Plan.Cut.MaxBytes, p.Attempts, millis(p.BlockedSince),
		millis(p.NextTry), p.LastError, tried)
}

const positionColumns = `p.endpoint, p.fence, p.epoch, p.cursor, p.scanned, p.previous, p.plan_end, p.plan_filter,
	p.plan_items, p.plan_bytes, p.attempts, p.blocked_since, p.next_try, p.last_error`

// positionRow is a row of positionColumns.
type positionRow struct {
	tidings.Position
	planFilter            int64
	blockedSince, nextTry int64
}

func (r *positionRow) into() []any {
	return []any{
		&r.Endpoint, &r.Fence, &r.Epoch, &r.Cursor, &r.Scanned, &r.Previous, &r.Plan.End, &r.planFilter,
		&r.Plan.Cut.MaxItems, &r.Plan.Cut.MaxBytes, &r.Attempts, &r.blockedSince, &r.nextTry, &r.LastError,
	}
}

func (r *positionRow) position() tidings.Position {
	p := r.Position
	p.Plan.Cut.Filter = unpackFilter(r.planFilter)
	p.BlockedSince, p.NextTry = fromMillis(r.blockedSince), fromMillis(r.nextTry)
	return p
}

func packFilter(f tidings.Filter) int64 { return int64(f.Statuses) | int64(f.MediaTypes)<<16 }

func unpackFilter(packed int64) tidings.Filter {
	return tidings.Filter{Statuses: tidings.StatusSet(packed), MediaTypes: tidings.MediaSet(packed >> 16)}
}

// selectLane gives endpoints with their positions; what follows it says which.
const selectLane = `SELECT ` + endpointColumns + `, ` + positionColumns + `
	FROM endpoint AS e JOIN position AS p ON p.endpoint = e.id`

func (s *Store) lane(ctx context.Context, id tidings.EndpointID, query string, args ...any) (tidings.Endpoint, tidings.Position, error) {
	var e endpointRow
	var p positionRow
	if err := s.row(ctx, query, args...).Scan(append(e.into(), p.into()...)...); err != nil {
		return tidings.Endpoint{}, tidings.Position{}, orNotFound(err, "endpoint", int64(id))
	}
	endpoint, err := e.endpoint(s.opts.Keys)
	if err != nil {
		return tidings.Endpoint{}, tidings.Position{}, err
	}
	return endpoint, p.position(), nil
}

func (s *Store) eachLane(ctx context.Context, each func(tidings.Endpoint, tidings.Position) error, query string, args ...any) error {
	rows, err := s.rows(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var e endpointRow
	var p positionRow
	into := append(e.into(), p.into()...)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return readError(err)
		}
		endpoint, err := e.endpoint(s.opts.Keys)
		if err != nil {
			return err
		}
		if err := each(endpoint, p.position()); err != nil {
			return err
		}
	}
	return readError(rows.Err())
}
