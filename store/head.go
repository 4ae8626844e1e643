package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

// head is one account's row of the head table.
type head struct {
	next    tidings.Seq // of the activity that comes next
	dropped tidings.Seq // the last one that retention has dropped
	// arrived is when the newest activity arrived, in milliseconds; 0 where only
	// one process appends, which knows it.
	arrived int64
}

// last is the seq of the newest activity, 0 before the first.
func (h head) last() tidings.Seq { return h.next - 1 }

// heads keeps what was committed of the heads of accounts in use. Heads only
// grow, so of two values the larger is the newer.
type heads struct {
	sync.RWMutex
	of  map[tidings.AccountID]head
	age int         // how often the cache was emptied
	off atomic.Bool // others may append, and are not heard
}

func (h *heads) get(account tidings.AccountID) (head, bool) {
	if h.off.Load() {
		return head{}, false
	}
	h.RLock()
	defer h.RUnlock()
	one, ok := h.of[account]
	return one, ok
}

// put keeps what the committer has committed.
func (h *heads) put(account tidings.AccountID, one head) {
	h.Lock()
	defer h.Unlock()
	h.merge(account, one)
}

// putRead keeps what was read since the cache had an age, unless it was emptied meanwhile.
func (h *heads) putRead(account tidings.AccountID, one head, age int) {
	h.Lock()
	defer h.Unlock()
	if h.age == age {
		h.merge(account, one)
	}
}

// grow takes what is known of an account's head but for what was dropped, which
// only helps when the head was read before.
func (h *heads) grow(account tidings.AccountID, one head) {
	h.Lock()
	defer h.Unlock()
	if _, known := h.of[account]; known {
		h.merge(account, one)
	}
}

func (h *heads) now() int {
	h.RLock()
	defer h.RUnlock()
	return h.age
}

func (h *heads) merge(account tidings.AccountID, one head) {
	known := h.of[account]
	h.of[account] = head{next: max(known.next, one.next), dropped: max(known.dropped, one.dropped), arrived: max(known.arrived, one.arrived)}
}

// forget empties the cache: after a write whose outcome is in doubt, and after
// one that changed many heads.
func (h *heads) forget() {
	h.Lock()
	defer h.Unlock()
	clear(h.of)
	h.age++
}

// createHead begins an account's feed.
func (tx *writeTx) createHead(account tidings.AccountID) error {
	_, err := tx.exec("INSERT INTO head (account, next_seq) VALUES ($1, 1)", account)
	return err
}

// head gives an account's head as this transaction sees it; CodeNotFound when
// there is no such account. An operation that looks at things of an account
// and changes them asks for its head first: until the transaction ends, nobody
// else does the same.
func (tx *writeTx) head(account tidings.AccountID) (head, error) {
	return tx.engine().head(tx, account)
}

// seqAt gives the seq of the last activity that arrived before t, 0 when none did.
func (tx *writeTx) seqAt(account tidings.AccountID, t time.Time) (tidings.Seq, error) {
	months, err := tx.engine().monthsNow(tx)
	if err != nil {
		return 0, err
	}
	return seqAt(tx, months, account, t)
}

// querier is what reading needs: a transaction, or a reader.
type querier interface {
	row(query string, args ...any) scanner
	rows(query string, args ...any) (*sql.Rows, error)
	engine() engine
}

// reader reads outside of transactions.
type reader struct {
	s   *Store
	ctx context.Context
}

func (r reader) row(query string, args ...any) scanner { return r.s.row(r.ctx, query, args...) }

func (r reader) rows(query string, args ...any) (*sql.Rows, error) {
	return r.s.rows(r.ctx, query, args...)
}

func (r reader) engine() engine { return r.s.engine }

func readHead(q querier, account tidings.AccountID) (head, error) {
	var h head
	err := q.row("SELECT "+q.engine().headColumns()+" FROM head WHERE account = $1", account).Scan(&h.next, &h.dropped, &h.arrived)
	if errors.Is(err, sql.ErrNoRows) {
		return head{}, errNoAccount(account)
	}
	return h, readError(err)
}

func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

func errNoAccount(account tidings.AccountID) error {
	return tidings.Errorf(tidings.CodeNotFound, "there is no account %d", account)
}

// head gives what is committed of an account's head.
func (s *Store) head(ctx context.Context, account tidings.AccountID) (head, error) {
	if h, ok := s.heads.get(account); ok {
		return h, nil
	}
	age := s.heads.now()
	h, err := readHead(reader{s, ctx}, account)
	if err != nil {
		return head{}, err
	}
	s.heads.putRead(account, h, age)
	return h, nil
}

// Head gives the seq of the account's last activity, 0 before the first;
// CodeNotFound when there is no such account.
func (s *Store) Head(ctx context.Context, account tidings.AccountID) (tidings.Seq, error) {
	h, err := s.head(ctx, account)
	return h.last(), err
}
