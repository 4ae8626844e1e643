package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tidings"
)

func (e *pgEngine) headColumns() string { return "next_seq, dropped_seq, arrived" }

// lockHeads locks heads in the order of their accounts, as every node does, so
// that no two wait for each other.
func (e *pgEngine) lockHeads(tx *writeTx, accounts []tidings.AccountID) error {
	rows, err := tx.rows(`SELECT account, next_seq, dropped_seq, arrived FROM head WHERE account = ANY($1::bigint[]) ORDER BY account FOR UPDATE`, int64s(accounts))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var account tidings.AccountID
		var h head
		if err := rows.Scan(&account, &h.next, &h.dropped, &h.arrived); err != nil {
			return err
		}
		tx.heads[account] = h
	}
	return rows.Err()
}

// head locks a head unless the transaction has it. One that comes before
// another that is locked is only taken when it is free: who waited for it
// might wait for somebody who waits for us.
func (e *pgEngine) head(tx *writeTx, account tidings.AccountID) (head, error) {
	if h, locked := tx.heads[account]; locked {
		return h, nil
	}
	wait := ""
	for locked := range tx.heads {
		if locked > account {
			wait = " NOWAIT"
		}
	}
	var h head
	err := tx.row(`SELECT next_seq, dropped_seq, arrived FROM head WHERE account = $1 FOR UPDATE`+wait, account).Scan(&h.next, &h.dropped, &h.arrived)
	switch {
	case isNoRows(err):
		return head{}, errNoAccount(account)
	case pgCode(err) == pgLockTimeout && wait != "":
		tx.ahead = append(tx.ahead, account)
		return head{}, errors.Join(errAhead, err)
	case err != nil:
		return head{}, err
	}
	tx.heads[account] = h
	return h, nil
}

// appendHeads has them: they were locked when the transaction began.
func (e *pgEngine) appendHeads(tx *writeTx, _ []tidings.AccountID) (map[tidings.AccountID]head, error) {
	return tx.heads, nil
}

// recall asks for all keys in one round trip, now that the heads are locked.
func (e *pgEngine) recall(tx *writeTx, group []*request) error {
	tx.answers = make(map[answerKey]answer)
	var accounts []int64
	var keys []string
	for _, r := range group {
		if r.append != nil && r.append.request.IdempotencyKey != "" {
			accounts, keys = append(accounts, int64(r.append.request.Account)), append(keys, r.append.request.IdempotencyKey)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := tx.rows(`SELECT i.account, i.key, i.digest, i.first, i.last FROM idempotency i
		JOIN (SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[])) AS k (account, key) ON i.account = k.account AND i.key = k.key
		WHERE i.expires > $3`, accounts, keys, millis(tx.now))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var of answerKey
		var a answer
		if err := rows.Scan(&of.account, &of.key, &a.digest, &a.first, &a.last); err != nil {
			return err
		}
		tx.answers[of] = a
	}
	return rows.Err()
}

// expireAnswers leaves those to other nodes that they are removing.
func (e *pgEngine) expireAnswers(tx *writeTx, most int) error {
	return tx.queue(`DELETE FROM idempotency WHERE (account, key) IN (`+expiredAnswers+` FOR UPDATE SKIP LOCKED)`, millis(tx.now), int64(most))
}

// arrive gives the group's instant, but never one before the newest activity
// of the account, whichever node stored that with whatever clock. The month
// follows from it alone, so that a head says how new a month it takes to read all.
func (e *pgEngine) arrive(tx *writeTx, h head) (time.Time, string) {
	arrived := tx.now
	if newest := fromMillis(h.arrived); newest.After(arrived) {
		arrived = newest
	}
	return arrived, monthName(arrived)
}

func (e *pgEngine) emptyStep() string { return "" }

func (e *pgEngine) monthsNow(q querier) ([]month, error) { return readMonths(q) }

// openMonth asks the database only for what is not known to be there.
func (e *pgEngine) openMonth(tx *writeTx, name string, at0, at1 int64) (month, error) {
	want := month{name: name, at0: at0, at1: at1}.widened(at0, at1)
	known := false
	for _, m := range e.s.months.all() {
		if m.name != name {
			continue
		}
		if m.widened(at0, at1) == m {
			return m, nil
		}
		known = true
	}
	m := month{name: name}
	err := tx.row(`INSERT INTO month (name, at0, at1) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET at0 = least(month.at0, excluded.at0), at1 = greatest(month.at1, excluded.at1)
		RETURNING at0, at1`, name, want.at0, want.at1).Scan(&m.at0, &m.at1)
	if err != nil {
		return month{}, err
	}
	tx.onCommit(func() { e.s.months.put(m) })
	if known {
		return m, nil
	}
	for _, statement := range frameTable() {
		if _, err := tx.exec(inMonth(statement, m)); err != nil {
			return month{}, err
		}
	}
	return m, nil
}

// frameTable is the statements that make a month's table; see createMonth. A
// row keeps its body within the page as long as it fits: most do. Bodies are
// compressed already, so the server is not to try.
func frameTable() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS {frame} (
		account BIGINT NOT NULL,
		seq0    BIGINT NOT NULL,
		n       BIGINT NOT NULL,
		at0     BIGINT NOT NULL,
		at1     BIGINT NOT NULL,
		arrived BIGINT NOT NULL,
		smask   BIGINT NOT NULL,
		bloom   BYTEA  NOT NULL,
		body    BYTEA  NOT NULL,
		PRIMARY KEY (account, seq0)
	) WITH (toast_tuple_target = 8160)`,
		"ALTER TABLE {frame} ALTER COLUMN bloom SET STORAGE EXTERNAL, ALTER COLUMN body SET STORAGE EXTERNAL",
	}
}

// putFrames stores all frames of a group with one statement, in the round trip
// of the next one.
func (e *pgEngine) putFrames(tx *writeTx, m month, rows []frameRow) error {
	if len(rows) == 1 {
		r := &rows[0]
		e.pg.later(inMonth(insertFrame, m), int64(r.account), int64(r.seq0), int64(r.n), r.at0, r.at1, r.arrivals[0].at, int64(r.smask), r.bloom(), encodeFrame(r.blocks, r.arrivals))
		return nil
	}
	var numbers [7][]int64
	blooms, bodies := make([][]byte, len(rows)), make([][]byte, len(rows))
	for i := range rows {
		r := &rows[i]
		for j, v := range [...]int64{int64(r.account), int64(r.seq0), int64(r.n), r.at0, r.at1, r.arrivals[0].at, int64(r.smask)} {
			numbers[j] = append(numbers[j], v)
		}
		blooms[i], bodies[i] = r.bloom(), encodeFrame(r.blocks, r.arrivals)
	}
	e.pg.later(inMonth(`INSERT INTO {frame} (account, seq0, n, at0, at1, arrived, smask, bloom, body)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::bytea[])`, m),
		numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], blooms, bodies)
	return nil
}

// maxOurs bounds the map of what this store appended to.
const maxOurs = 4096

// contended knows a head that has moved since this store moved it.
func (e *pgEngine) contended(tx *writeTx) bool {
	for account, h := range tx.heads {
		if next, known := e.ours[account]; known && next != h.next {
			return true
		}
	}
	return false
}

// putHeads stores where the feeds of a group end now with one statement.
func (e *pgEngine) putHeads(tx *writeTx, feeds []*feedAppend) error {
	var accounts, next, arrived []int64
	if len(e.ours) > maxOurs {
		clear(e.ours)
	}
	for _, f := range feeds {
		e.ours[f.account] = f.head.next
		accounts, next, arrived = append(accounts, int64(f.account)), append(next, int64(f.head.next)), append(arrived, f.head.arrived)
		tx.heads[f.account] = f.head
	}
	if len(feeds) == 1 {
		e.pg.later(`UPDATE head SET next_seq = $2, arrived = $3 WHERE account = $1`, accounts[0], next[0], arrived[0])
		return nil
	}
	e.pg.later(`UPDATE head AS h SET next_seq = f.next_seq, arrived = f.arrived
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS f (account, next_seq, arrived) WHERE h.account = f.account`, accounts, next, arrived)
	return nil
}

// appended leaves the telling to a goroutine.
func (e *pgEngine) appended(feeds []*feedAppend) {
	if e.peers.alone() {
		return
	}
	for _, f := range feeds {
		e.tellings.add(tidings.Notice{Kind: tidings.NoticeAppended, Account: f.account, Head: f.head.last()}, f.head.arrived)
	}
}

func (e *pgEngine) alone() bool { return false }

// chore is a row that says whose the work is, by the server's clock. Two
// stores that do it at once, because one was stopped, do no harm.
func (e *pgEngine) chore(ctx context.Context, name string) (bool, error) {
	var one int
	err := e.s.row(ctx, `INSERT INTO chore (name, holder, until) VALUES ($1, $2, now() + interval '2 minutes')
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE chore.holder = excluded.holder OR chore.until < now() RETURNING 1`, name, e.name).Scan(&one)
	if isNoRows(err) {
		return false, nil
	}
	if err == nil { // of stores that ended without a goodbye
		_, err = e.s.reader.ExecContext(ctx, `DELETE FROM writer WHERE at < now() - interval '1 day' AND id <> $1`, e.name)
	}
	return err == nil, readError(err)
}

// closing gives this store's chores to others, and takes its row of the table
// writer away: the committer has ended. Both would be outdated by themselves.
func (e *pgEngine) closing() {
	ctx, cancel := context.WithTimeout(context.Background(), pgCloseTime)
	defer cancel()
	for _, statement := range []string{`DELETE FROM chore WHERE holder = $1`, `DELETE FROM writer WHERE id = $1`} {
		if _, err := e.s.reader.ExecContext(ctx, statement, e.name); err != nil {
			e.s.opts.Log.Warn("the database could not be told that this store is closed", slog.Any("error", err))
			return
		}
	}
}

func int64s[T ~int64 | ~int](ids []T) []int64 {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	return numbers
}
