package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"tidings"
)

const (
	// prepareFrom is the size from which a request's blocks are compressed by
	// the caller's goroutine; smaller ones are joined with others' of the group.
	prepareFrom = 8 << 10
	// expireSteps is how many outdated idempotency keys are removed per new one.
	expireSteps = 2
)

// pendingAppend is one request's activities on their way into the feed.
type pendingAppend struct {
	request tidings.AppendRequest
	bytes   int      // of the activities
	blocks  []*block // compressed, when the request is large
	result  tidings.AppendResult
}

// size is what the request adds to its group, in bytes.
func (a *pendingAppend) size() int { return a.bytes }

// Append stores activities at the end of the account's feed, all of them or
// none, and returns when they are durable. An error with CodeUnavailable says
// that nothing was stored, and why.
//
//	CodeInvalid   no activities, or a key of more than MaxIdempotencyKey bytes
//	CodeNotFound  there is no such account
//	CodeConflict  the IdempotencyKey was used for another body
//
// When ctx ends while the request waits for its turn, nothing is stored and the
// error is ctx's.
func (s *Store) Append(ctx context.Context, req tidings.AppendRequest) (tidings.AppendResult, error) {
	if len(req.Activities) == 0 {
		return tidings.AppendResult{}, tidings.Errorf(tidings.CodeInvalid, "there is no activity to store")
	}
	if len(req.IdempotencyKey) > tidings.MaxIdempotencyKey {
		return tidings.AppendResult{}, tidings.Errorf(tidings.CodeInvalid, "the Idempotency-Key is longer than %d bytes", tidings.MaxIdempotencyKey)
	}
	a := &pendingAppend{request: req}
	for i := range req.Activities {
		a.bytes += len(req.Activities[i].Wire) + 1
	}
	if a.bytes >= prepareFrom {
		a.blocks = addBlocks(nil, req.Activities)
		for _, b := range a.blocks {
			b.compress(s.codec.fast)
		}
	}
	if err := s.committer.do(ctx, &request{append: a, done: make(chan struct{})}); err != nil {
		return tidings.AppendResult{}, err
	}
	return a.result, nil
}

// addBlocks puts activities into blocks, the first of them into the last block
// when it is not compressed yet.
func addBlocks(blocks []*block, activities []tidings.Activity) []*block {
	var open *block
	if n := len(blocks); n > 0 && blocks[n-1].stored == nil {
		open = blocks[n-1]
	}
	for i := range activities {
		wire := len(activities[i].Wire) + 1
		if open == nil || !open.fits(1, wire) {
			rest := activities[i:min(len(activities), i+frameItems)]
			bytes := 0
			for j := range rest {
				bytes += len(rest[j].Wire)
			}
			open = newBlock(len(rest), min(bytes, max(frameBytes, wire)))
			blocks = append(blocks, open)
		}
		open.add(&activities[i])
	}
	return blocks
}

// feedAppend is what a group adds to one account's feed.
type feedAppend struct {
	account tidings.AccountID
	head    head // before the group
	n       int  // activities so far
	blocks  []*block
}

// applyAppends stores the appends of a group: one frame per account, more only
// where it would exceed the bounds of a frame. Its error ends the transaction;
// what is wrong with one request is that request's error.
func (s *Store) applyAppends(tx *writeTx, accounts []tidings.AccountID, group []*request) error {
	if len(accounts) == 0 {
		return nil
	}
	heads, err := tx.engine().appendHeads(tx, accounts)
	if err != nil {
		return err
	}
	if err := tx.engine().recall(tx, group); err != nil {
		return err
	}
	feeds := make([]*feedAppend, 0, len(accounts))
	byAccount := make(map[tidings.AccountID]*feedAppend, len(accounts))
	for _, r := range group {
		if r.append == nil {
			continue
		}
		account := r.append.request.Account
		feed := byAccount[account]
		if feed == nil {
			h, known := heads[account]
			if !known {
				r.err = errNoAccount(account)
				continue
			}
			feed = &feedAppend{account: account, head: h}
			byAccount[account] = feed
			feeds = append(feeds, feed)
		}
		if err := feed.take(tx, r); err != nil {
			return err
		}
	}
	if tx.remembered > 0 {
		if err := tx.engine().expireAnswers(tx, expireSteps*tx.remembered); err != nil {
			return err
		}
	}
	feeds = slices.DeleteFunc(feeds, func(f *feedAppend) bool { return f.n == 0 }) // all of it repeated or refused
	if len(feeds) == 0 {
		return nil
	}
	return s.writeFeeds(tx, feeds)
}

// accountsOf lists the accounts that a group appends to, in the order of their ids.
func accountsOf(group []*request) []tidings.AccountID {
	var accounts []tidings.AccountID
	for _, r := range group {
		if r.append == nil {
			continue
		}
		if n := len(accounts); n == 0 || accounts[n-1] != r.append.request.Account {
			accounts = append(accounts, r.append.request.Account)
		}
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// take gives a request its seqs, or the answer its Idempotency-Key has already had.
func (f *feedAppend) take(tx *writeTx, r *request) error {
	a := r.append
	if a.request.IdempotencyKey != "" {
		done, err := repeated(tx, r)
		if done || err != nil {
			return err
		}
	}
	n := len(a.request.Activities)
	first := f.head.next + tidings.Seq(f.n)
	a.result = tidings.AppendResult{Accepted: n, First: first, Last: first + tidings.Seq(n) - 1}
	if a.request.IdempotencyKey != "" {
		if err := remember(tx, a); err != nil {
			return err
		}
	}
	f.n += n
	if a.blocks != nil {
		f.blocks = append(f.blocks, a.blocks...)
	} else {
		f.blocks = addBlocks(f.blocks, a.request.Activities)
	}
	return nil
}

// answerKey is what an answer is kept under.
type answerKey struct {
	account tidings.AccountID
	key     string
}

// answer is what a request under an Idempotency-Key was answered.
type answer struct {
	digest      []byte // of the request's body
	first, last tidings.Seq
}

// answered gives the answer of a key; an expired one is not known.
func (tx *writeTx) answered(of answerKey) (a answer, known bool, err error) {
	if tx.answers != nil {
		a, known = tx.answers[of]
		return a, known, nil
	}
	err = tx.row("SELECT digest, first, last FROM idempotency WHERE account = $1 AND key = $2 AND expires > $3",
		of.account, of.key, millis(tx.now)).Scan(&a.digest, &a.first, &a.last)
	if isNoRows(err) {
		return a, false, nil
	}
	return a, err == nil, err
}

// repeated answers a request whose key is known.
func repeated(tx *writeTx, r *request) (bool, error) {
	a := r.append
	was, known, err := tx.answered(answerKey{a.request.Account, a.request.IdempotencyKey})
	switch {
	case err != nil || !known:
		return false, err
	case !slices.Equal(was.digest, a.request.BodyDigest[:]):
		r.err = tidings.Errorf(tidings.CodeConflict, "the Idempotency-Key %q was used for another body less than %s ago: use a new key for a new request, the same body for a repeat",
			a.request.IdempotencyKey, tidings.IdempotencyTTL)
		return true, nil
	}
	a.result = tidings.AppendResult{Accepted: int(was.last - was.first + 1), First: was.first, Last: was.last, Repeated: true}
	return true, nil
}

// remember keeps a key's answer.
func remember(tx *writeTx, a *pendingAppend) error {
	if tx.answers != nil {
		tx.answers[answerKey{a.request.Account, a.request.IdempotencyKey}] = answer{a.request.BodyDigest[:], a.result.First, a.result.Last}
	}
	tx.remembered++
	return tx.queue(`INSERT INTO idempotency (account, key, digest, first, last, expires) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, key) DO UPDATE SET digest = excluded.digest, first = excluded.first, last = excluded.last, expires = excluded.expires`,
		int64(a.request.Account), a.request.IdempotencyKey, a.request.BodyDigest[:], int64(a.result.First), int64(a.result.Last), millis(tx.now.Add(tidings.IdempotencyTTL)))
}

// expiredAnswers finds the oldest outdated keys.
const expiredAnswers = `SELECT account, key FROM idempotency WHERE expires <= $1 ORDER BY expires LIMIT $2`

// writeFeeds writes the frames and heads of a group, and has the caches and
// the followers know after the commit.
func (s *Store) writeFeeds(tx *writeTx, feeds []*feedAppend) error {
	e := tx.engine()
	var chunks []*tailChunk
	var months []*monthFrames // in the order of their names; nearly always one
	activities := 0
	for _, feed := range feeds {
		for _, b := range feed.blocks {
			if b.stored == nil {
				b.compress(s.codec.fast)
			}
		}
		arrived, name := e.arrive(tx, feed.head)
		feed.head.arrived = millis(arrived)
		in := framesOf(&months, name)
		in.widen(feed)
		seq := feed.head.next
		for rest := feed.blocks; len(rest) > 0; {
			row := frameRow{account: feed.account, seq0: seq, arrivals: []arrival{{at: millis(arrived)}}}
			rest = row.take(rest)
			row.arrivals[0].n = row.n
			in.rows = append(in.rows, row)
			for _, b := range row.blocks {
				chunks = append(chunks, &tailChunk{Chunk: b.chunk(seq), account: feed.account, smask: b.smask})
				seq += tidings.Seq(b.len())
			}
		}
		feed.head.next = seq
		activities += feed.n
	}
	for _, in := range months {
		m, err := e.openMonth(tx, in.name, in.at0, in.at1)
		if err != nil {
			return err
		}
		if err := e.putFrames(tx, m, in.rows); err != nil {
			return err
		}
	}
	if err := e.putHeads(tx, feeds); err != nil {
		return err
	}
	tx.onCommit(func() { s.appended(feeds, chunks, activities) })
	return nil
}

// monthFrames is the frames of a group that go into one month.
type monthFrames struct {
	name     string
	at0, at1 int64
	rows     []frameRow
}

func framesOf(months *[]*monthFrames, name string) *monthFrames {
	i, known := slices.BinarySearchFunc(*months, name, func(m *monthFrames, name string) int { return strings.Compare(m.name, name) })
	if !known {
		*months = slices.Insert(*months, i, &monthFrames{name: name, at0: math.MaxInt64, at1: math.MinInt64})
	}
	return (*months)[i]
}

func (m *monthFrames) widen(f *feedAppend) {
	for _, b := range f.blocks {
		m.at0, m.at1 = min(m.at0, b.at0), max(m.at1, b.at1)
	}
}

// appended makes a commit known: first where it can be read, then that there is something to read.
func (s *Store) appended(feeds []*feedAppend, chunks []*tailChunk, activities int) {
	s.tail.add(chunks)
	for _, feed := range feeds {
		s.heads.put(feed.account, feed.head)
	}
	s.engine.appended(feeds)
	s.stats.appended.Add(int64(activities))
	for _, feed := range feeds {
		s.opts.Appended(feed.account, feed.head.last())
		s.opts.Tallied(tidings.Count{Account: feed.account, Kind: tidings.TallyArrived, Done: int64(feed.n)})
	}
}

// frameRow is a row of a month's table.
type frameRow struct {
	account  tidings.AccountID
	seq0     tidings.Seq
	n        int
	at0, at1 int64
	smask    smask
	arrivals []arrival
	blocks   []*block
}

// take puts as many blocks into the frame as fit and gives the rest.
func (r *frameRow) take(blocks []*block) []*block {
	bytes, i := 0, 0
	for ; i < len(blocks); i++ {
		b := blocks[i]
		if i > 0 && (r.n+b.len() > frameItems || bytes+len(b.raw) > frameBytes) {
			break
		}
		if i == 0 {
			r.at0, r.at1 = b.at0, b.at1
		}
		r.at0, r.at1 = min(r.at0, b.at0), max(r.at1, b.at1)
		r.smask |= b.smask
		r.n += b.len()
		bytes += len(b.raw)
	}
	r.blocks = blocks[:i]
	return blocks[i:]
}

const insertFrame = "INSERT INTO {frame} (account, seq0, n, at0, at1, arrived, smask, bloom, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

// bloom gives the row's search keys as the table keeps them.
func (r *frameRow) bloom() []byte {
	if r.n < bloomFrom {
		return []byte{}
	}
	if len(r.blocks) == 1 {
		return makeBloom(r.blocks[0].keys)
	}
	var keys []uint64
	for _, b := range r.blocks {
		keys = append(keys, b.keys...)
	}
	return makeBloom(keys)
}

// insert writes the row with insertFrame, as it reads for its month.
func (r *frameRow) insert(tx *writeTx, statement string) error {
	_, err := tx.exec(statement, r.account, r.seq0, r.n, r.at0, r.at1, r.arrivals[0].at, r.smask, r.bloom(), encodeFrame(r.blocks, r.arrivals))
	return err
}

// arrive gives the instant of arrival of a group: the group's, but never
// before an earlier group's, so that arrival times grow with seq when the clock
// is set back; and the month then, but never one before the newest.
func (e *sqliteEngine) arrive(tx *writeTx, _ head) (time.Time, string) {
	if tx.now.After(e.lastArrival) {
		e.lastArrival = tx.now
	}
	name := monthName(e.lastArrival)
	if list := e.s.months.all(); len(list) > 0 {
		name = max(name, list[len(list)-1].name)
	}
	return e.lastArrival, name
}

func (e *sqliteEngine) putFrames(tx *writeTx, m month, rows []frameRow) error {
	insert := inMonth(insertFrame, m)
	for i := range rows {
		if err := rows[i].insert(tx, insert); err != nil {
			return err
		}
	}
	return nil
}

func (e *sqliteEngine) putHeads(tx *writeTx, feeds []*feedAppend) error {
	for _, feed := range feeds {
		if _, err := tx.exec("UPDATE head SET next_seq = $2 WHERE account = $1", feed.account, feed.head.next); err != nil {
			return err
		}
	}
	return nil
}

func (e *sqliteEngine) openMonth(tx *writeTx, name string, at0, at1 int64) (month, error) {
	if known, ok := e.s.months.get(name); ok && known.widened(at0, at1) == known {
		return known, nil // ranges only widen, and the newest month is never dropped
	}
	// Not from memory: an append of this very transaction may have made or widened it.
	m := month{name: name}
	err := tx.row("SELECT at0, at1, dropping FROM month WHERE name = $1", name).Scan(&m.at0, &m.at1, &m.dropping)
	if errors.Is(err, sql.ErrNoRows) {
		m = month{name: name, at0: at0, at1: at1}.widened(at0, at1)
		tx.onCommit(func() { e.s.months.put(m) })
		return m, tx.createMonth(m)
	}
	if err != nil {
		return month{}, err
	}
	wider := m.widened(at0, at1)
	if wider == m {
		return m, nil
	}
	tx.onCommit(func() { e.s.months.put(wider) })
	_, err = tx.exec("UPDATE month SET at0 = $2, at1 = $3 WHERE name = $1", m.name, wider.at0, wider.at1)
	return wider, err
}

// createMonth makes a month's table. Its frames are stored in order of
// arrival, whatever the account, so that appends stay sequential.
//
//	seq0, n    the activities seq0 to seq0+n-1 of the account
//	at0, at1   range of their activityDateTime, in seconds
//	arrived    when the first of them was committed, in milliseconds
//	smask      the statuses (low 16 bits) and media types (the next 16) among them
//	bloom      what searches look up, see bloom; empty = not known
//	body       see frame
func (tx *writeTx) createMonth(m month) error {
	if _, err := tx.exec("INSERT INTO month (name, at0, at1) VALUES ($1, $2, $3)", m.name, m.at0, m.at1); err != nil {
		return err
	}
	if _, err := tx.exec(inMonth(`CREATE TABLE {frame} (
		id      INTEGER PRIMARY KEY,
		account INTEGER NOT NULL,
		seq0    INTEGER NOT NULL,
		n       INTEGER NOT NULL,
		at0     INTEGER NOT NULL,
		at1     INTEGER NOT NULL,
		arrived INTEGER NOT NULL,
		smask   INTEGER NOT NULL,
		bloom   BLOB    NOT NULL,
		body    BLOB    NOT NULL
	)`, m)); err != nil {
		return err
	}
	_, err := tx.exec(inMonth("CREATE UNIQUE INDEX {frame}_seq ON {frame} (account, seq0)", m))
	return err
}
