package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"tidings"
)

const (
	// filterWindow is how many activities one Read looks through for a filter.
	filterWindow = 1 << 17
	// readTries bounds how often a Read starts again because retention took
	// away what it was reading.
	readTries = 3
)

// errVanished says that frames were dropped while they were being read.
var errVanished = errors.New("frames were dropped while they were read")

// Read gives a run of an account's feed; see tidings.ReadQuery and
// tidings.Page. It never waits for more to arrive. CodeNotFound when there is
// no such account.
//
// Chunks are as they were stored: what follows a large request or a busy
// account is long, what a quiet one left is short until it is sealed.
func (s *Store) Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return tidings.Page{}, err
		}
		page, err := s.read(ctx, q)
		if err == nil {
			return page, nil
		}
		if !errors.Is(err, errVanished) || try == readTries {
			return tidings.Page{}, fmt.Errorf("read feed %d after %d: %w", q.Account, q.After, err)
		}
		if err := s.refresh(ctx); err != nil {
			return tidings.Page{}, err
		}
	}
}

// refresh reads anew what is kept in memory of heads and months.
func (s *Store) refresh(ctx context.Context) error {
	s.heads.forget()
	return s.months.load(reader{s, ctx})
}

func (s *Store) read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	h, err := s.head(ctx, q.Account)
	if err != nil {
		return tidings.Page{}, err
	}
	b := pageBuilder{q: q, to: h.last()}
	if q.To != 0 {
		b.to = min(b.to, q.To)
	}
	b.page.Through = max(0, q.After)
	if h.dropped > b.page.Through {
		b.page.Missing = h.dropped
		b.page.Through = h.dropped
	}
	if b.page.Through >= b.to {
		return b.page, nil
	}
	if chunks, ok := s.tail.after(q.Account, b.page.Through, q.MaxItems); ok {
		b.addTail(chunks)
		return b.page, nil
	}
	// The query is bounded, so it may end on its own: watching ctx would cost
	// a goroutine per query.
	if err := s.readFrames(reader{s, context.WithoutCancel(ctx)}, h, &b); err != nil {
		return tidings.Page{}, err
	}
	return b.page, s.stillKept(ctx, q.Account, h)
}

// stillKept is errVanished when retention has dropped something of the account since its head was read.
func (s *Store) stillKept(ctx context.Context, account tidings.AccountID, h head) error {
	now, err := s.head(ctx, account)
	if err == nil && now.dropped != h.dropped {
		err = errVanished
	}
	return err
}

// pageBuilder collects chunks for a Read. page.Through moves on with every one.
type pageBuilder struct {
	q     tidings.ReadQuery
	to    tidings.Seq
	page  tidings.Page
	items int
	bytes int
}

// add takes the next chunk, cut to what is wanted, and says whether there is room for more.
func (b *pageBuilder) add(c tidings.Chunk) bool {
	c = upTo(c.From(b.page.Through), b.to)
	if c.Len() == 0 {
		return true
	}
	b.page.Chunks = append(b.page.Chunks, c)
	b.page.Through = c.Last()
	b.items += c.Len()
	b.bytes += len(c.Body)
	return b.items < b.q.MaxItems && b.bytes < b.q.MaxBytes && b.page.Through < b.to
}

// upTo gives the part of a chunk up to a seq.
func upTo(c tidings.Chunk, to tidings.Seq) tidings.Chunk {
	if c.Last() <= to {
		return c
	}
	n := int(to - c.First + 1)
	if n <= 0 {
		return tidings.Chunk{First: c.First}
	}
	return tidings.Chunk{First: c.First, Body: c.Body[:c.Ends[n-1]], Ends: c.Ends[:n], Kinds: c.Kinds[:n]}
}

func (b *pageBuilder) addTail(chunks []*tailChunk) {
	statuses, mediaTypes := wanted(b.q.Filter)
	for _, c := range chunks {
		if c.smask&statuses == 0 || c.smask&mediaTypes == 0 {
			b.page.Through = min(c.Last(), b.to)
			if b.page.Through == b.to {
				return
			}
			continue
		}
		if !b.add(c.Chunk) {
			return
		}
	}
}

// readFrames goes through the months from the one that has the first wanted activity.
func (s *Store) readFrames(q querier, h head, b *pageBuilder) error {
	if s.months.newest() < monthName(fromMillis(h.arrived)) { // another node has begun one
		if err := s.months.load(q); err != nil {
			return err
		}
	}
	months, err := monthsFrom(q, s.months.all(), b.q.Account, b.page.Through+1)
	if err != nil {
		return err
	}
	to := b.to
	if !b.q.Filter.All() {
		to = min(to, b.page.Through+filterWindow)
	}
	statuses, mediaTypes := wanted(b.q.Filter)
	for _, m := range months {
		// One statement sees one state of the table: the sealer can't come between.
		rows, err := q.rows(inMonth(`SELECT seq0, n, body FROM {frame}
			WHERE account = $1 AND seq0 >= coalesce((SELECT max(seq0) FROM {frame} WHERE account = $1 AND seq0 <= $2), $2) AND seq0 <= $3
			AND smask & $4 <> 0 AND smask & $5 <> 0 ORDER BY seq0`, m),
			b.q.Account, b.page.Through+1, to, statuses, mediaTypes)
		if err != nil {
			return vanished(err)
		}
		more, err := s.readRows(rows, b)
		if err = cmp.Or(err, rows.Close()); err != nil {
			return fmt.Errorf("month %s: %w", m.name, err)
		}
		if !more {
			return nil
		}
	}
	if b.q.Filter.All() {
		// Every frame up to b.to was there when the head was read.
		return errVanished
	}
	b.page.Through = max(b.page.Through, to)
	return nil
}

func (s *Store) readRows(rows *sql.Rows, b *pageBuilder) (more bool, err error) {
	var body sql.RawBytes
	for rows.Next() {
		var first tidings.Seq
		var n int
		if err := rows.Scan(&first, &n, &body); err != nil {
			return false, readError(err)
		}
		if b.q.Filter.All() && first > b.page.Through+1 {
			return false, errVanished
		}
		chunk, err := s.decode(body, first, n)
		if err != nil {
			return false, err
		}
		if !b.add(chunk) {
			return false, nil
		}
	}
	return true, vanished(rows.Err())
}

// decode gives a row's chunk. It copies what it keeps of body.
func (s *Store) decode(body []byte, first tidings.Seq, n int) (tidings.Chunk, error) {
	f, err := parseFrame(body)
	if err != nil {
		return tidings.Chunk{}, fmt.Errorf("activity %d: %w", first, err)
	}
	if f.n != n {
		return tidings.Chunk{}, fmt.Errorf("activity %d: %w", first, errFrame("its row has another number of activities"))
	}
	return s.codec.chunk(f, first)
}

// monthsFrom gives the months from the one on that has a seq, or what is kept after it.
func monthsFrom(q querier, months []month, account tidings.AccountID, seq tidings.Seq) ([]month, error) {
	months = slices.DeleteFunc(slices.Clone(months), func(m month) bool { return m.dropping })
	for i, m := range slices.Backward(months) {
		if i == 0 {
			break // before the oldest month there is nothing to look for
		}
		_, err := frameAt(q, m, account, seq)
		if err == nil {
			return months[i:], nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, vanished(err)
		}
	}
	return months, nil
}

// vanished tells a month's table that is gone from other errors.
func vanished(err error) error {
	if sqliteCode(err) == sqlite3.SQLITE_ERROR || pgCode(err) == pgUndefinedTable { // what our fixed statements meet is a missing table
		return fmt.Errorf("%w: %w", errVanished, err)
	}
	return readError(err)
}

// frameInfo is a frame's row without its body.
type frameInfo struct {
	seq0    tidings.Seq
	n       int
	arrived int64
}

// frameAt finds the frame that has a seq, in one month; sql.ErrNoRows when there is none at or before it.
func frameAt(q querier, m month, account tidings.AccountID, seq tidings.Seq) (frameInfo, error) {
	var f frameInfo
	err := q.row(inMonth("SELECT seq0, n, arrived FROM {frame} WHERE account = $1 AND seq0 <= $2 ORDER BY seq0 DESC LIMIT 1", m), account, seq).
		Scan(&f.seq0, &f.n, &f.arrived)
	return f, err
}

// arrivals gives when the activities of a frame arrived.
func arrivals(q querier, m month, account tidings.AccountID, f frameInfo) ([]arrival, error) {
	var body []byte
	if err := q.row(inMonth("SELECT body FROM {frame} WHERE account = $1 AND seq0 = $2", m), account, f.seq0).Scan(&body); err != nil {
		return nil, err
	}
	parsed, err := parseFrame(body)
	if err != nil {
		return nil, err
	}
	return parsed.arrivedRuns(f.arrived), nil
}

// SeqAt gives the seq of the account's last activity that arrived before t, 0
// when none did, or none that is kept.
func (s *Store) SeqAt(ctx context.Context, account tidings.AccountID, t time.Time) (tidings.Seq, error) {
	if _, err := s.head(ctx, account); err != nil {
		return 0, err
	}
	q := reader{s, ctx}
	months, err := s.engine.monthsNow(q)
	if err != nil {
		return 0, err
	}
	seq, err := seqAt(q, months, account, t)
	return seq, readError(err)
}

// seqAt looks through the months from t's backwards, and within one by halves:
// arrival times grow with seq.
func seqAt(q querier, months []month, account tidings.AccountID, t time.Time) (tidings.Seq, error) {
	name, before := monthName(t), millis(t)
	for _, m := range slices.Backward(months) {
		if m.name > name || m.dropping {
			continue
		}
		var low, high sql.NullInt64
		if err := q.row(inMonth("SELECT min(seq0), max(seq0) FROM {frame} WHERE account = $1", m), account).Scan(&low, &high); err != nil {
			return 0, err
		}
		if !low.Valid {
			continue
		}
		seq, err := seqAtIn(q, m, account, [2]int64{low.Int64, high.Int64}, before)
		if seq != 0 || err != nil {
			return seq, err
		}
	}
	return 0, nil
}

// seqAtIn is seqAt within a month whose frames' first seqs are between[0] to between[1].
func seqAtIn(q querier, m month, account tidings.AccountID, between [2]int64, before int64) (tidings.Seq, error) {
	var failure error
	n := int(between[1] - between[0] + 1)
	late := sort.Search(n, func(i int) bool { // the first seq whose frame began to arrive too late
		f, err := frameAt(q, m, account, tidings.Seq(between[0]+int64(i)))
		failure = cmp.Or(failure, err)
		return err != nil || f.arrived >= before
	})
	if failure != nil || late == 0 {
		return 0, failure
	}
	f, err := frameAt(q, m, account, tidings.Seq(between[0]+int64(late)-1))
	if err != nil {
		return 0, err
	}
	runs, err := arrivals(q, m, account, f)
	if err != nil {
		return 0, err
	}
	seq := f.seq0 - 1
	for _, run := range runs {
		if run.at >= before {
			break
		}
		seq += tidings.Seq(run.n)
	}
	return seq, nil
}

// ArrivedAt says when an activity arrived: when it was committed, to the
// millisecond. CodeNotFound when there is no such activity, or none that is kept.
func (s *Store) ArrivedAt(ctx context.Context, account tidings.AccountID, seq tidings.Seq) (time.Time, error) {
	h, err := s.head(ctx, account)
	if err != nil {
		return time.Time{}, err
	}
	gone := tidings.Errorf(tidings.CodeNotFound, "account %d has no activity %d", account, seq)
	if seq <= h.dropped || seq > h.last() {
		return time.Time{}, gone
	}
	q := reader{s, ctx}
	months, err := s.engine.monthsNow(q)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range slices.Backward(months) {
		f, err := frameAt(q, m, account, seq)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return time.Time{}, readError(err)
		}
		runs, err := arrivals(q, m, account, f)
		if err != nil {
			return time.Time{}, readError(err)
		}
		for left := int(seq - f.seq0); len(runs) > 0; runs = runs[1:] {
			if left < runs[0].n {
				return fromMillis(runs[0].at), nil
			}
			left -= runs[0].n
		}
		break
	}
	return time.Time{}, gone
}
