package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"tidings"
)

const (
	// sealPage is how many accounts are looked up at a time.
	sealPage = 256
	// sealRest is how long the background sealer rests after a merge, as a
	// multiple of what the merge took: it takes at most a quarter of one core.
	sealRest = 3
)

// SealStep merges the small frames that quiet accounts leave into full ones,
// of every account that has enough of them, and gives the number of frames that
// were merged away. Seqs and bytes stay as they are, and readers see either
// the old frames or the new one. It is what the store does by itself every SealEvery.
func (s *Store) SealStep(ctx context.Context) (merged int, err error) {
	return s.seal(ctx, func(time.Duration) error { return nil })
}

// seal goes over the accounts; rest is called after every merge with what it took.
func (s *Store) seal(ctx context.Context, rest func(time.Duration) error) (merged int, err error) {
	q := reader{s, ctx}
	months, err := s.engine.monthsNow(q)
	if err != nil || len(months) == 0 {
		return 0, err
	}
	// What is left of a month that is over never grows, so it is sealed as it
	// is: once, when the next month has begun, and once after a start.
	newest := months[len(months)-1].name
	least := frameItems
	if s.sealedMonth.Load() != newest {
		least = 1
	}
	for after := tidings.AccountID(0); ; {
		due, err := sealable(q, after, least)
		if err != nil {
			return merged, fmt.Errorf("seal: %w", err)
		}
		for _, account := range due {
			n, err := s.sealAccount(q, account, rest)
			merged += n
			if err != nil {
				return merged, fmt.Errorf("seal account %d: %w", account, err)
			}
		}
		if len(due) < sealPage {
			break
		}
		after = due[len(due)-1]
	}
	s.sealedMonth.Store(newest)
	return merged, nil
}

// sealable gives the next accounts that have at least so many unsealed activities.
func sealable(q querier, after tidings.AccountID, least int) ([]tidings.AccountID, error) {
	rows, err := q.rows(`SELECT account FROM head
		WHERE account > $1 AND next_seq - 1 - CASE WHEN sealed_seq > dropped_seq THEN sealed_seq ELSE dropped_seq END >= $2 ORDER BY account LIMIT $3`, after, least, sealPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var due []tidings.AccountID
	for rows.Next() {
		var account tidings.AccountID
		if err := rows.Scan(&account); err != nil {
			return nil, readError(err)
		}
		due = append(due, account)
	}
	return due, readError(rows.Err())
}

// sealAccount merges run after run until what is left is not a full frame.
func (s *Store) sealAccount(q reader, account tidings.AccountID, rest func(time.Duration) error) (merged int, err error) {
	for {
		if err := q.ctx.Err(); err != nil {
			return merged, err
		}
		begin := time.Now()
		run, err := s.nextRun(q, account)
		if err != nil || run == nil {
			return merged, err
		}
		if run.merges() {
			run.prepare(s.codec)
		}
		err = s.commit(q.ctx, run.replace)
		if errors.Is(err, errVanished) {
			return merged, nil // retention has come between
		}
		if err != nil {
			return merged, err
		}
		if !run.merges() {
			continue
		}
		merged += run.frames - 1
		s.stats.sealed.Add(int64(run.frames - 1))
		if err := rest(time.Since(begin)); err != nil {
			return merged, err
		}
	}
}

// sealRun is neighbouring frames of one account and month that make one frame.
// A run of large frames, or of one, stays as it is; it is only noted as sealed.
type sealRun struct {
	month  month
	row    frameRow
	last   tidings.Seq
	frames int
	block  *block
}

func (r *sealRun) merges() bool { return r.block != nil && r.frames > 1 }

// nextRun collects what follows the account's sealed_seq; nil when there is
// not enough for a frame yet.
func (s *Store) nextRun(q reader, account tidings.AccountID) (*sealRun, error) {
	var sealed, next tidings.Seq
	err := q.row("SELECT CASE WHEN sealed_seq > dropped_seq THEN sealed_seq ELSE dropped_seq END, next_seq FROM head WHERE account = $1", account).Scan(&sealed, &next)
	if err != nil || sealed+1 >= next {
		return nil, readError(err)
	}
	list, err := s.engine.monthsNow(q)
	if err != nil {
		return nil, err
	}
	months, err := monthsFrom(q, list, account, sealed+1)
	if err != nil {
		return nil, err
	}
	for _, m := range months {
		if last, err := lastLarge(q, m, account, sealed); last > 0 || err != nil {
			return &sealRun{month: m, row: frameRow{account: account}, last: last}, err
		}
		run := &sealRun{month: m, row: frameRow{account: account}, block: newBlock(0, 0)}
		full, err := s.collect(q, run, sealed+1)
		if err != nil {
			return nil, err
		}
		over := m.name != list[len(list)-1].name
		if full || over && run.frames > 0 {
			return run, nil
		}
		if run.frames > 0 {
			return nil, nil
		}
	}
	return nil, nil
}

// lastLarge gives the last seq of the frames after a seq that are large as they
// are, up to the first small one; 0 when that comes first.
func lastLarge(q querier, m month, account tidings.AccountID, after tidings.Seq) (last tidings.Seq, err error) {
	rows, err := q.rows(inMonth("SELECT seq0, n, length(body) FROM {frame} WHERE account = $1 AND seq0 > $2 ORDER BY seq0", m), account, after)
	if err != nil {
		return 0, vanished(err)
	}
	defer rows.Close()
	for rows.Next() {
		var first tidings.Seq
		var n, bytes int
		if err := rows.Scan(&first, &n, &bytes); err != nil {
			return 0, readError(err)
		}
		if n < frameItems/2 && bytes < frameBytes/8 {
			break
		}
		last = first + tidings.Seq(n) - 1
	}
	return last, vanished(rows.Err())
}

// collect adds the frames of a run's month from a seq on, and says whether the
// run is as long as it can be.
func (s *Store) collect(q reader, run *sealRun, from tidings.Seq) (full bool, err error) {
	rows, err := q.rows(inMonth("SELECT seq0, n, at0, at1, arrived, body FROM {frame} WHERE account = $1 AND seq0 >= $2 ORDER BY seq0", run.month), run.row.account, from)
	if err != nil {
		return false, vanished(err)
	}
	defer rows.Close()
	var body sql.RawBytes
	for rows.Next() {
		var first tidings.Seq
		var n int
		var at0, at1, arrived int64
		if err := rows.Scan(&first, &n, &at0, &at1, &arrived, &body); err != nil {
			return false, readError(err)
		}
		f, err := parseFrame(body)
		if err != nil {
			return false, fmt.Errorf("activity %d: %w", first, err)
		}
		if !run.block.fits(f.n, f.bytes) {
			return true, nil
		}
		chunk, err := s.codec.chunk(f, first)
		if err != nil {
			return false, fmt.Errorf("activity %d: %w", first, err)
		}
		if run.frames == 0 {
			run.row.seq0, run.row.at0, run.row.at1 = first, at0, at1
		}
		run.row.at0, run.row.at1 = min(run.row.at0, at0), max(run.row.at1, at1)
		run.frames++
		run.last = chunk.Last()
		run.add(chunk, f.arrivedRuns(arrived))
	}
	return run.block.len() == frameItems, vanished(rows.Err())
}

func (r *sealRun) add(c tidings.Chunk, arrivals []arrival) {
	b := r.block
	base := uint32(len(b.raw))
	b.raw = append(append(b.raw, c.Body...), ',')
	for _, end := range c.Ends {
		b.ends = append(b.ends, base+end)
	}
	b.kinds = append(b.kinds, c.Kinds...)
	for _, a := range arrivals {
		if n := len(r.row.arrivals); n > 0 && r.row.arrivals[n-1].at == a.at {
			r.row.arrivals[n-1].n += a.n
			continue
		}
		r.row.arrivals = append(r.row.arrivals, a)
	}
}

// replace puts the new frame in the place of the old ones.
func (r *sealRun) replace(tx *writeTx) error {
	// The head first, as all do.
	if _, err := tx.head(r.row.account); err != nil {
		return err
	}
	if r.merges() {
		gone, err := tx.exec(inMonth("DELETE FROM {frame} WHERE account = $1 AND seq0 >= $2 AND seq0 <= $3", r.month), r.row.account, r.row.seq0, r.last)
		if err != nil {
			return vanished(err)
		}
		if gone != int64(r.frames) {
			return errVanished
		}
		if err := r.row.insert(tx, inMonth(insertFrame, r.month)); err != nil {
			return err
		}
	}
	_, err := tx.exec("UPDATE head SET sealed_seq = $2 WHERE account = $1", r.row.account, r.last)
	return err
}

// prepare makes the run's row: all that is costly, before the commit.
func (r *sealRun) prepare(c *codec) {
	b := r.block
	for _, k := range b.kinds {
		b.smask |= smaskOf(k)
	}
	b.keys = searchKeysOf(b.chunk(r.row.seq0))
	b.compress(c.tight)
	r.row.n, r.row.smask, r.row.blocks = b.len(), b.smask, []*block{b}
}

// searchKeysOf gives the search keys of activities; none, so that the frame
// has no bloom and is always decoded, when their facts can't be read.
func searchKeysOf(c tidings.Chunk) []uint64 {
	var keys []uint64
	for i := range c.Len() {
		facts, err := tidings.ReadFacts(c.Wire(i))
		if err != nil {
			return nil
		}
		keys = appendKeys(keys, &facts)
	}
	return keys
}

func appendKeys(keys []uint64, f *tidings.Facts) []uint64 {
	text := func(kind tidings.KeyKind, value []byte) {
		if len(value) > 0 {
			keys = append(keys, tidings.SearchKey(kind, string(value)))
		}
	}
	number := func(kind tidings.KeyKind, value int64) {
		if value != 0 {
			keys = append(keys, tidings.SearchKey(kind, strconv.FormatInt(value, 10)))
		}
	}
	number(tidings.KeyContact, f.ContactID)
	text(tidings.KeyEmail, f.Email)
	text(tidings.KeyPhone, f.SMS)
	if string(f.Viber) != string(f.SMS) {
		text(tidings.KeyPhone, f.Viber)
	}
	number(tidings.KeyMessage, f.MessageID)
	return keys
}

// upkeep seals, and drops what is past its retention, until ctx ends.
func (s *Store) upkeep(ctx context.Context) {
	every := s.opts.SealEvery
	if every < 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.clean(ctx)
	}
}

// clean does what upkeep does once, if it is this store's to do.
func (s *Store) clean(ctx context.Context) {
	if mine, err := s.engine.chore(ctx, "upkeep"); !mine || err != nil {
		s.report(ctx, "asking whose the upkeep is failed", err)
		return
	}
	_, err := s.seal(ctx, func(took time.Duration) error { return pause(ctx, sealRest*took) })
	s.report(ctx, "sealing failed", err)
	if s.opts.RetainMonths > 0 {
		_, err := s.DropMonths(ctx, s.now().AddDate(0, -s.opts.RetainMonths, 0))
		s.report(ctx, "dropping old months failed", err)
	}
}

func (s *Store) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Error(what, slog.Any("error", err))
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
