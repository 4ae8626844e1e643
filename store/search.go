package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidings"
)

// searchFrames bounds what one page decodes: a search that finds little gives
// a short page with Next set, and the next page goes on from there.
const searchFrames = 2000

// Bounds of the same kind, so that no page takes long whatever the frames hold:
// the activities in the frames that a page decodes (a frame more than that at
// most), and the frames whose summaries it looks at.
const (
	searchDecoded = 250_000
	searchLooked  = 50_000
)

// Search gives the activities that a query asks for, by seq: the oldest first,
// or the newest first when Descending. A page may hold fewer than Limit
// activities, even none, and still have a Next: then much was looked through
// and the search goes on there. CodeNotFound when there is no such account.
//
// Months and frames whose summary (time, statuses, media types, search keys)
// rules a match out are not decoded.
func (s *Store) Search(ctx context.Context, q tidings.ActivityQuery) (tidings.SearchPage, error) {
	for try := 1; ; try++ {
		h, err := s.head(ctx, q.Account)
		if err != nil {
			return tidings.SearchPage{}, err
		}
		search := newSearch(s, q, h)
		err = search.run(reader{s, ctx})
		if err == nil {
			err = s.stillKept(ctx, q.Account, h)
		}
		if err == nil {
			return search.page, nil
		}
		if !errors.Is(err, errVanished) || try == readTries {
			return tidings.SearchPage{}, fmt.Errorf("search feed %d: %w", q.Account, err)
		}
		if err := s.refresh(ctx); err != nil {
			return tidings.SearchPage{}, err
		}
	}
}

// search is one page in the making.
type search struct {
	s      *Store
	q      tidings.ActivityQuery
	keys   []uint64 // all of which a match has
	from   int64    // seconds, included
	to     int64    // seconds, included
	low    tidings.Seq
	high   tidings.Seq // what is left to look through: low to high, both included
	frames int         // decoded so far
	inside int         // activities in them
	looked int         // frames whose summary was looked at
	bound  int         // of looked: searchLooked
	resume tidings.Seq // where the next page goes on, when the bound was reached
	page   tidings.SearchPage
}

func newSearch(s *Store, q tidings.ActivityQuery, h head) *search {
	f := &search{
		s: s, q: q, keys: searchKeys(&q),
		from: -1 << 62, to: 1<<62 - 1,
		low: h.dropped + 1, high: h.last(), bound: searchLooked,
	}
	if !q.From.IsZero() {
		f.from = q.From.Unix()
	}
	if !q.To.IsZero() {
		f.to = q.To.Unix()
	}
	if q.After > 0 && q.Descending {
		f.high = min(f.high, q.After-1)
	} else if q.After > 0 {
		f.low = max(f.low, q.After+1)
	}
	return f
}

func searchKeys(q *tidings.ActivityQuery) []uint64 {
	var keys []uint64
	if q.ContactID != 0 {
		keys = append(keys, tidings.SearchKey(tidings.KeyContact, strconv.FormatInt(q.ContactID, 10)))
	}
	if q.Email != "" {
		keys = append(keys, tidings.SearchKey(tidings.KeyEmail, q.Email))
	}
	if q.SMS != "" {
		keys = append(keys, tidings.SearchKey(tidings.KeyPhone, q.SMS))
	}
	if q.MessageID != 0 {
		keys = append(keys, tidings.SearchKey(tidings.KeyMessage, strconv.FormatInt(q.MessageID, 10)))
	}
	return keys
}

// run goes through the months in the query's direction until the page is full.
func (f *search) run(q querier) error {
	months, err := f.s.engine.monthsNow(q)
	if err != nil {
		return err
	}
	if f.q.Descending {
		months = slices.Clone(months)
		slices.Reverse(months)
	}
	for _, m := range months {
		if m.dropping || m.at0 > f.to || m.at1 < f.from {
			continue
		}
		full, err := f.month(q, m)
		if err != nil || full {
			return err
		}
	}
	return nil
}

// candidate is a frame that may have a match.
type candidate struct {
	seq0 tidings.Seq
	n    int
}

// searchBatch is how many candidates are found before they are decoded.
const searchBatch = 32

// A frame that has the lowest wanted seq may begin before it. One statement
// sees one state of the table, so the sealer can't come between.
const (
	searchAscending = `SELECT seq0, n, {bloom} FROM {frame}
		WHERE account = $1 AND seq0 >= coalesce((SELECT max(seq0) FROM {frame} WHERE account = $1 AND seq0 <= $2), $2) AND seq0 <= $3
		AND at1 >= $4 AND at0 <= $5 AND smask & $6 <> 0 AND smask & $7 <> 0 ORDER BY seq0`
	searchDescending = searchAscending + " DESC"
)

// month looks through one month and says whether the page is full.
func (f *search) month(q querier, m month) (full bool, err error) {
	low, high := f.low, f.high
	for low <= high {
		found, err := f.candidates(q, m, low, high)
		if err != nil {
			return false, err
		}
		for _, c := range found {
			if full, err := f.frame(q, m, c); full || err != nil {
				return full, err
			}
		}
		if f.resume > 0 {
			f.page.Next = f.resume
			return true, nil
		}
		if len(found) < searchBatch {
			return false, nil
		}
		last := found[len(found)-1]
		if f.q.Descending {
			high = last.seq0 - 1
		} else {
			low = last.seq0 + tidings.Seq(last.n)
		}
	}
	return false, nil
}

// candidates finds the next frames whose summary allows a match.
func (f *search) candidates(q querier, m month, low, high tidings.Seq) ([]candidate, error) {
	query, bloomColumn := searchAscending, "bloom"
	if f.q.Descending {
		query = searchDescending
	}
	if len(f.keys) == 0 {
		bloomColumn = "NULL" // it need not be read
	}
	statuses, mediaTypes := wanted(f.q.Filter)
	rows, err := q.rows(inMonth(strings.Replace(query, "{bloom}", bloomColumn, 1), m), f.q.Account, low, high, f.from, f.to, statuses, mediaTypes)
	if err != nil {
		return nil, vanished(err)
	}
	defer rows.Close()
	var found []candidate
	var bloom sql.RawBytes
	for len(found) < searchBatch && rows.Next() {
		var c candidate
		if err := rows.Scan(&c.seq0, &c.n, &bloom); err != nil {
			return nil, readError(err)
		}
		if f.mayMatch(bloom) {
			found = append(found, c)
		}
		if f.looked++; f.looked >= f.bound {
			f.resume = c.seq0 + tidings.Seq(c.n) - 1
			if f.q.Descending {
				f.resume = c.seq0
			}
			break
		}
	}
	return found, vanished(rows.Err())
}

func (f *search) mayMatch(bloom []byte) bool {
	for _, key := range f.keys {
		if !mayHave(bloom, key) {
			return false
		}
	}
	return true
}

// frame decodes a candidate and takes what matches; it says whether the page
// is full. The sealer may have put the candidate into a longer frame meanwhile;
// then only the candidate's part of that is looked at.
func (f *search) frame(q querier, m month, c candidate) (full bool, err error) {
	if f.frames == searchFrames || f.inside >= searchDecoded {
		f.page.Next = c.seq0 - 1
		if f.q.Descending {
			f.page.Next = c.seq0 + tidings.Seq(c.n)
		}
		return true, nil
	}
	f.frames++
	f.inside += c.n
	var first tidings.Seq
	var n int
	var body []byte
	err = q.row(inMonth("SELECT seq0, n, body FROM {frame} WHERE account = $1 AND seq0 <= $2 ORDER BY seq0 DESC LIMIT 1", m), f.q.Account, c.seq0).
		Scan(&first, &n, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, errVanished
	}
	if err != nil {
		return false, vanished(err)
	}
	chunk, err := f.s.decode(body, first, n)
	if err != nil {
		return false, err
	}
	chunk = upTo(chunk.From(c.seq0-1), c.seq0+tidings.Seq(c.n)-1)
	for i := range chunk.Len() {
		at := i
		if f.q.Descending {
			at = chunk.Len() - 1 - i
		}
		if full, err := f.activity(chunk, at); full || err != nil {
			return full, err
		}
	}
	return false, nil
}

func (f *search) activity(chunk tidings.Chunk, i int) (full bool, err error) {
	seq := chunk.First + tidings.Seq(i)
	if seq < f.low || seq > f.high || !f.q.Filter.Takes(chunk.Kinds[i]) {
		return false, nil
	}
	facts, err := tidings.ReadFacts(chunk.Wire(i))
	if err != nil {
		return false, fmt.Errorf("activity %d: %w", seq, err)
	}
	if !f.q.Matches(&facts) {
		return false, nil
	}
	if len(f.page.Found) == f.q.Limit {
		// One more than asked for: that is why there is a next page.
		f.page.Next = f.page.Found[len(f.page.Found)-1].Seq
		return true, nil
	}
	f.page.Found = append(f.page.Found, tidings.Found{Seq: seq, Wire: slices.Clone(chunk.Wire(i))})
	return false, nil
}
