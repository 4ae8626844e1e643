package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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
func (s *Store) applyAppends(tx *writeTx, group []*request) error {
	var feeds []*feedAppend
	byAccount := make(map[tidings.AccountID]*feedAppend)
	for _, r := range group {
		if r.append == nil {
			continue
		}
		account := r.append.request.Account
		feed := byAccount[account]
		if feed == nil {
			h, err := s.headIn(tx, account)
			if tidings.CodeOf(err) == tidings.CodeNotFound {
				r.err = err
				continue
			}
			if err != nil {
				return err
			}
			feed = &feedAppend{account: account, head: h}
			byAccount[account] = feed
			feeds = append(feeds, feed)
		}
		if err := feed.take(tx, r); err != nil {
			return err
		}
	}
	feeds = slices.DeleteFunc(feeds, func(f *feedAppend) bool { return f.n == 0 }) // all of it repeated or refused
	if len(feeds) == 0 {
		return nil
	}
	return s.writeFeeds(tx, feeds)
}

// headIn gives an account's head in the transaction that alone changes it.
func (s *Store) headIn(tx *writeTx, account tidings.AccountID) (head, error) {
	if h, ok := s.heads.get(account); ok {
		return h, nil
	}
	return tx.head(account)
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

// repeated answers a request whose key is known; an expired key is not.
func repeated(tx *writeTx, r *request) (bool, error) {
	a := r.append
	var digest []byte
	var first, last tidings.Seq
	err := tx.row("SELECT digest, first, last FROM idempotency WHERE account = $1 AND key = $2 AND expires > $3",
		a.request.Account, a.request.IdempotencyKey, millis(tx.now)).Scan(&digest, &first, &last)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case !slices.Equal(digest, a.request.BodyDigest[:]):
		r.err = tidings.Errorf(tidings.CodeConflict, "the Idempotency-Key %q was used for another body less than %s ago: use a new key for a new request, the same body for a repeat",
			a.request.IdempotencyKey, tidings.IdempotencyTTL)
		return true, nil
	}
	a.result = tidings.AppendResult{Accepted: int(last - first + 1), First: first, Last: last, Repeated: true}
	return true, nil
}

// remember keeps a key's answer, and removes a few outdated ones.
func remember(tx *writeTx, a *pendingAppend) error {
	_, err := tx.exec(`INSERT INTO idempotency (account, key, digest, first, last, expires) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, key) DO UPDATE SET digest = excluded.digest, first = excluded.first, last = excluded.last, expires = excluded.expires`,
		a.request.Account, a.request.IdempotencyKey, a.request.BodyDigest[:], a.result.First, a.result.Last, millis(tx.now.Add(tidings.IdempotencyTTL)))
	if err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM idempotency WHERE (account, key) IN (
		SELECT account, key FROM idempotency WHERE expires <= $1 ORDER BY expires LIMIT $2)`, millis(tx.now), expireSteps)
	return err
}

// writeFeeds writes the frames and heads of a group, and has the caches and
// the followers know after the commit.
func (s *Store) writeFeeds(tx *writeTx, feeds []*feedAppend) error {
	at0, at1 := feeds[0].atRange()
	for _, feed := range feeds[1:] {
		f0, f1 := feed.atRange()
		at0, at1 = min(at0, f0), max(at1, f1)
	}
	arrived := tx.c.arrival(tx.now)
	m, err := s.openMonth(tx, arrived, at0, at1)
	if err != nil {
		return err
	}
	insert := inMonth(insertFrame, m)
	var chunks []*tailChunk
	activities := 0
	for _, feed := range feeds {
		for _, b := range feed.blocks {
			if b.stored == nil {
				b.compress(s.codec.fast)
			}
		}
		seq := feed.head.next
		for rest := feed.blocks; len(rest) > 0; {
			row := frameRow{account: feed.account, seq0: seq}
			rest = row.take(rest)
			if err := row.insert(tx, insert, []arrival{{n: row.n, at: millis(arrived)}}); err != nil {
				return err
			}
			for _, b := range row.blocks {
				chunks = append(chunks, &tailChunk{Chunk: b.chunk(seq), account: feed.account, smask: b.smask})
				seq += tidings.Seq(b.len())
			}
		}
		if _, err := tx.exec("UPDATE head SET next_seq = $2 WHERE account = $1", feed.account, seq); err != nil {
			return err
		}
		feed.head.next = seq
		activities += feed.n
	}
	tx.onCommit(func() { s.appended(feeds, chunks, activities) })
	return nil
}

func (f *feedAppend) atRange() (at0, at1 int64) {
	at0, at1 = f.blocks[0].at0, f.blocks[0].at1
	for _, b := range f.blocks[1:] {
		at0, at1 = min(at0, b.at0), max(at1, b.at1)
	}
	return at0, at1
}

// appended makes a commit known: first where it can be read, then that there is something to read.
func (s *Store) appended(feeds []*feedAppend, chunks []*tailChunk, activities int) {
	s.tail.add(chunks)
	for _, feed := range feeds {
		s.heads.put(feed.account, feed.head)
	}
	s.stats.appended.Add(int64(activities))
	for _, feed := range feeds {
		s.opts.Appended(feed.account, feed.head.last())
	}
}

// frameRow is a row of a month's table.
type frameRow struct {
	account  tidings.AccountID
	seq0     tidings.Seq
	n        int
	at0, at1 int64
	smask    smask
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

// insert writes the row with insertFrame, as it reads for its month.
func (r *frameRow) insert(tx *writeTx, statement string, arrivals []arrival) error {
	bloom := []byte{}
	if r.n >= bloomFrom {
		var keys []uint64
		if len(r.blocks) == 1 {
			keys = r.blocks[0].keys
		} else {
			for _, b := range r.blocks {
				keys = append(keys, b.keys...)
			}
		}
		bloom = makeBloom(keys)
	}
	body := encodeFrame(r.blocks, arrivals)
	_, err := tx.exec(statement, r.account, r.seq0, r.n, r.at0, r.at1, arrivals[0].at, r.smask, bloom, body)
	return err
}

// arrival is the instant of arrival of a group: the group's, but never before
// an earlier group's, so that arrival times grow with seq when the clock is set back.
func (c *committer) arrival(now time.Time) time.Time {
	if now.Before(c.lastArrival) {
		return c.lastArrival
	}
	c.lastArrival = now
	return now
}

// openMonth gives the month that takes what arrives now, made or widened as
// needed. When the clock is set back it stays the newest one.
func (s *Store) openMonth(tx *writeTx, arrived time.Time, at0, at1 int64) (month, error) {
	name := monthName(arrived)
	if list := s.months.all(); len(list) > 0 {
		name = max(name, list[len(list)-1].name)
	}
	// Not from memory: an append of this very transaction may have made or widened it.
	m := month{name: name}
	err := tx.row("SELECT at0, at1, dropping FROM month WHERE name = $1", name).Scan(&m.at0, &m.at1, &m.dropping)
	if errors.Is(err, sql.ErrNoRows) {
		m = month{name: name, at0: at0, at1: at1}.widened(at0, at1)
		tx.onCommit(func() { s.months.put(m) })
		return m, tx.createMonth(m)
	}
	if err != nil {
		return month{}, err
	}
	wider := m.widened(at0, at1)
	if wider == m {
		return m, nil
	}
	tx.onCommit(func() { s.months.put(wider) })
	_, err = tx.exec("UPDATE month SET at0 = $2, at1 = $3 WHERE name = $1", m.name, wider.at0, wider.at1)
	return wider, err
}
