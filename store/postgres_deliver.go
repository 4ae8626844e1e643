package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tidings"
)

// pgRun is deliveries of one endpoint under one fence: the last position
// stands for all, with the attempts of each.
type pgRun []*pendingDelivery

func (r pgRun) last() *tidings.Delivery { return &r[len(r)-1].Delivery }

func (r pgRun) tried() (n int) {
	for _, d := range r {
		n += len(d.Attempts)
	}
	return n
}

// deliver stores the deliveries of a group: the positions of all endpoints by
// one statement, and their attempts by another, in the round trip of what
// comes next. Only where an endpoint comes under two fences it takes more.
func (e *pgEngine) deliver(tx *writeTx, ds []*pendingDelivery) error {
	slices.SortStableFunc(ds, func(a, b *pendingDelivery) int {
		return cmp.Compare(a.Position.Endpoint, b.Position.Endpoint)
	})
	for _, wave := range wavesOf(ds) {
		e.deliverWave(tx, wave)
	}
	return nil
}

// wavesOf cuts deliveries, sorted by endpoint, into runs, and puts the first
// run of each endpoint into the first wave, the next into the second, ….
func wavesOf(ds []*pendingDelivery) (waves [][]pgRun) {
	turn := 0
	for i := 0; i < len(ds); {
		n := 1
		first := ds[i]
		for i+n < len(ds) && ds[i+n].Position.Endpoint == first.Position.Endpoint && ds[i+n].Position.Fence == first.Position.Fence && ds[i+n].Lease == first.Lease {
			n++
		}
		if i > 0 && ds[i-1].Position.Endpoint == first.Position.Endpoint {
			turn++
		} else {
			turn = 0
		}
		if turn == len(waves) {
			waves = append(waves, nil)
		}
		waves[turn] = append(waves[turn], ds[i:i+n])
		i += n
	}
	return waves
}

// deliverWave sends nothing yet: what is refused is known when the rest of the
// transaction has gone.
func (e *pgEngine) deliverWave(tx *writeTx, wave []pgRun) {
	if shards := shardsOf(wave); len(shards) > 0 {
		e.pg.later(`SELECT 1 FROM lease WHERE shard = ANY($1::bigint[]) ORDER BY shard FOR SHARE`, shards)
	}
	stored := make(map[tidings.EndpointID]bool, len(wave))
	e.pg.laterRows(func(rows pgx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		stored[tidings.EndpointID(id)] = true
		return err
	}, updatePositions, positionArgs(wave)...)
	if args := refusedArgs(wave); args != nil {
		e.pg.later(countRefused, args...)
		e.pg.later(putAttempts, attemptArgs(wave)...)
	}
	tx.onCommit(func() { e.refuse(wave, stored) })
}

// shardsOf lists the shards whose leases the deliveries of a wave are under.
func shardsOf(wave []pgRun) []int64 {
	var shards []int64
	for _, run := range wave {
		if d := run.last(); d.Lease != 0 {
			shards = append(shards, int64(tidings.ShardOf(d.Position.Endpoint)))
		}
	}
	slices.Sort(shards)
	return slices.Compact(shards)
}

// mayWrite holds of a position p and a delivery d that has the right to move it.
const mayWrite = `(p.fence = d.fence AND (d.lease = 0 OR EXISTS (SELECT 1 FROM lease l WHERE l.shard = p.endpoint * 157 % 256 AND l.fence = d.lease)))`

// updatePositions is writePosition for many.
const updatePositions = `UPDATE position AS p SET epoch = d.epoch, cursor = d.cursor, scanned = d.scanned, previous = d.previous,
		plan_end = d.plan_end, plan_filter = d.plan_filter, plan_items = d.plan_items, plan_bytes = d.plan_bytes, attempts = d.attempts,
		blocked_since = d.blocked_since, next_try = d.next_try, last_error = d.last_error, tried = p.tried + d.tried
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
		$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[])
		AS d (endpoint, fence, lease, tried, epoch, cursor, scanned, plan_end, plan_filter, plan_items, plan_bytes, attempts, blocked_since, next_try, previous, last_error)
	WHERE p.endpoint = d.endpoint AND ` + mayWrite + `
	RETURNING p.endpoint`

// countRefused counts the attempts of deliveries that were refused: they were
// made. $1 to $4 are those of updatePositions.
const countRefused = `UPDATE position AS p SET tried = p.tried + d.tried
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS d (endpoint, fence, lease, tried)
	WHERE p.endpoint = d.endpoint AND d.tried > 0 AND NOT ` + mayWrite

// putAttempts is writeAttempt for many. rest is how many of the endpoint come after one.
const putAttempts = `INSERT INTO attempt (endpoint, slot, number, try, first, last, activities, bytes, at, duration, status, delivered, next_try,
		batch, digest, outcome, error, answer)
	SELECT a.endpoint, (p.tried - a.rest) % 200, p.tried - a.rest, a.try, a.first, a.last, a.activities, a.bytes, a.at, a.duration,
		a.status, a.delivered, a.next_try, a.batch, a.digest, a.outcome, a.error, a.answer
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
		$10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::bytea[], $17::bytea[])
		AS a (endpoint, rest, try, first, last, activities, bytes, at, duration, status, delivered, next_try, batch, digest, outcome, error, answer)
	JOIN position AS p ON p.endpoint = a.endpoint
	ON CONFLICT (endpoint, slot) DO UPDATE SET number = excluded.number, try = excluded.try, batch = excluded.batch, first = excluded.first,
		last = excluded.last, activities = excluded.activities, bytes = excluded.bytes, digest = excluded.digest, at = excluded.at,
		duration = excluded.duration, status = excluded.status, delivered = excluded.delivered, outcome = excluded.outcome,
		error = excluded.error, answer = excluded.answer, next_try = excluded.next_try`

// columns collects rows as the lists that unnest takes.
type columns [][]int64

func newColumns(n, rows int) columns {
	c := make(columns, n)
	for i := range c {
		c[i] = make([]int64, 0, rows)
	}
	return c
}

func (c columns) add(row ...int64) {
	for i, v := range row {
		c[i] = append(c[i], v)
	}
}

// args gives the columns, and more of them of other types, as arguments.
func (c columns) args(more ...any) []any {
	args := make([]any, 0, len(c)+len(more))
	for _, column := range c {
		args = append(args, column)
	}
	return append(args, more...)
}

func positionArgs(wave []pgRun) []any {
	c := newColumns(14, len(wave))
	previous, lastError := make([]string, 0, len(wave)), make([]string, 0, len(wave))
	for _, run := range wave {
		d := run.last()
		p := &d.Position
		c.add(int64(p.Endpoint), p.Fence, d.Lease, int64(run.tried()), p.Epoch, int64(p.Cursor), int64(p.Scanned),
			int64(p.Plan.End), packFilter(p.Plan.Cut.Filter), int64(p.Plan.Cut.MaxItems), int64(p.Plan.Cut.MaxBytes),
			int64(p.Attempts), millis(p.BlockedSince), millis(p.NextTry))
		previous, lastError = append(previous, string(p.Previous)), append(lastError, pgText(p.LastError))
	}
	return c.args(previous, lastError)
}

// refusedArgs gives the arguments of countRefused; nil when there was no attempt.
func refusedArgs(wave []pgRun) []any {
	c := newColumns(4, len(wave))
	for _, run := range wave {
		if tried := run.tried(); tried > 0 {
			d := run.last()
			c.add(int64(d.Position.Endpoint), d.Position.Fence, d.Lease, int64(tried))
		}
	}
	if len(c[0]) == 0 {
		return nil
	}
	return c.args()
}

func attemptArgs(wave []pgRun) []any {
	c := newColumns(12, len(wave))
	var batch, digest, outcome []string
	var words, answers [][]byte
	for _, run := range wave {
		rest := run.tried()
		for _, d := range run {
			for i := range d.Attempts {
				rest--
				if rest >= AttemptsKept {
					continue // the ring has turned past it already
				}
				a := &d.Attempts[i]
				delivered := int64(0)
				if a.Delivered {
					delivered = 1
				}
				c.add(int64(d.Position.Endpoint), int64(rest), int64(a.Number), int64(a.First), int64(a.Last), int64(a.Activities), int64(a.Bytes),
					millis(a.At), a.Duration.Microseconds(), int64(a.Status), delivered, millis(a.NextTry))
				batch, digest, outcome = append(batch, string(a.Batch)), append(digest, a.Digest), append(outcome, string(a.Outcome))
				words, answers = append(words, []byte(a.Error)), append(answers, []byte(a.Answer))
			}
		}
	}
	return c.args(batch, digest, outcome, words, answers)
}

// refuse tells the deliveries that were not stored why. The transaction is
// over: what is read now is why a repeat would be refused, too.
func (e *pgEngine) refuse(wave []pgRun, stored map[tidings.EndpointID]bool) {
	for _, run := range wave {
		d := run.last()
		if stored[d.Position.Endpoint] {
			continue
		}
		err := e.whyRefused(d)
		for _, d := range run {
			d.err = err
		}
	}
}

func (e *pgEngine) whyRefused(d *tidings.Delivery) error {
	id := d.Position.Endpoint
	var fence int64
	err := e.s.row(context.Background(), `SELECT p.fence FROM position p JOIN endpoint e ON e.id = p.endpoint WHERE p.endpoint = $1 AND e.deleted = 0`, id).Scan(&fence)
	switch {
	case err != nil:
		return orNotFound(err, "endpoint", int64(id))
	case fence == d.Position.Fence && d.Lease != 0:
		return fmt.Errorf("endpoint %d: %w", id, tidings.ErrNotHeld)
	}
	return errFenced(id)
}

// pgText makes a text one that PostgreSQL takes: UTF-8, without NUL.
func pgText(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
