// Package store keeps everything that must survive: the feed, the accounts and
// keys, the endpoints and how far each has come.
//
// One [Store] is one data directory (SQLite). One file a noun; the steps of
// the log are:
//
//	committer.go   the one writer: group commit, acks after the fsync
//	writetx.go     a group's transaction, as an operation sees it
//	checkpoint.go  the write-ahead log is written back and starts over
//	append.go      requests of a group -> one frame per account -> head
//	frame.go       the codec of a frame; bloom.go: which search keys it may have
//	head.go        where an account's feed ends; month.go: the tables of frames
//	tail.go        the newest chunks, kept in memory for those who keep up
//	read.go        runs of the feed, months in order
//	search.go      by time, status, contact, …: frames by their summary, then the activities
//	seal.go        neighbours of quiet accounts merged, recompressed
//	retention.go   whole months dropped
//	backup.go      a consistent copy while all goes on
//
// A contact is one row (contact_row.go), found by its keys (contact_key.go), by
// the words of its name (contact_search.go), or by looking at all (contact_scan.go).
//
// A run begins with its event (event.go, launch.go), is claimed when it is due
// (run_claim.go) and goes on by commits of steps (run_commit.go), which queue
// mails (mail_row.go); these are claimed (mail_claim.go) and settled
// (mail_settle.go), and what people do with them is tracked (track.go, hit.go).
// Mails of a broadcast come page by page (broadcast_claim.go). What a deleted
// contact has left of all this is erased (erase.go).
//
// People are users (user.go), who sign in by sessions (session.go) and set a
// password by one-time links (link.go).
//
// SQL is database/sql with $N. Everything that is written goes through
// [Store.commit]; everything that is read through [Store.rows] and [Store.row].
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

// Options says where a store lives and how it behaves.
type Options struct {
	// DSN names the PostgreSQL database of OpenPostgres; OpenSQLite does not use it.
	DSN string
	// Dir is the data directory of OpenSQLite; it is made (0700) when missing. One process
	// at a time has it open.
	Dir string
	// Keys seal secrets. Without any, nothing that has a secret (an endpoint, a
	// connector, a webhook with headers) can be stored.
	Keys Keyring
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Appended is told of an account's new head after every commit that
	// appended to it, before the append is acknowledged. It is called by the
	// committer and must not block. Default: nobody is told.
	Appended func(tidings.AccountID, tidings.Seq)
	// RunsDue is called after a commit that made a run due at once, and MailsDue
	// after one that did so with a mail. The committer calls them: they must
	// not block. Other nodes are told by a notice. Default: nobody is told.
	RunsDue  func()
	MailsDue func()
	// ViewLink gives the viewMessageLink of a mail's activities. Default: they have none.
	ViewLink func(tidings.MailID) string
	// Noticed is told of what other nodes on the same PostgreSQL database tell
	// (see Store.Tell), and with tidings.NoticeMissed when some of it may have been
	// missed. It must not block. Default: nobody is told.
	Noticed func(tidings.Notice)
	// Tallied hears of what is counted over time, once it is durable: activities
	// that were appended, events that were stored. The committer calls it: it must
	// not block. Default: nobody counts.
	Tallied func(tidings.Count)
	// Log is told of what nobody waits for: checkpoints and flushes that
	// failed. Default: nothing is logged.
	Log *slog.Logger
	// TailBytes is how much of the newest activities is kept in memory.
	// Default: 32 MiB; negative: nothing.
	TailBytes int
	// SealEvery is how often quiet accounts' small frames are looked for, and
	// months that are past their retention. Default: 30 s; negative: never
	// (SealStep and DropMonths can still be called).
	SealEvery time.Duration
	// RetainMonths is how many whole months are kept before the current one;
	// older ones are dropped unless an active endpoint still needs them.
	// Default: 0, everything is kept.
	RetainMonths int

	importing bool // the one who opens is an import
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Appended == nil {
		o.Appended = func(tidings.AccountID, tidings.Seq) {}
	}
	if o.RunsDue == nil {
		o.RunsDue = func() {}
	}
	if o.MailsDue == nil {
		o.MailsDue = func() {}
	}
	if o.ViewLink == nil {
		o.ViewLink = func(tidings.MailID) string { return "" }
	}
	if o.Noticed == nil {
		o.Noticed = func(tidings.Notice) {}
	}
	if o.Tallied == nil {
		o.Tallied = func(tidings.Count) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.TailBytes == 0 {
		o.TailBytes = 32 << 20
	}
	if o.SealEvery == 0 {
		o.SealEvery = 30 * time.Second
	}
	return o
}

// Store is an open store. Its methods may be called from many goroutines.
type Store struct {
	opts      Options
	engine    engine
	reader    *sql.DB // connections that only read
	committer *committer

	stmts struct { // prepared statements of the readers, by their text
		sync.RWMutex
		byText map[string]*sql.Stmt
	}

	codec  *codec
	heads  heads
	tail   tail
	months months
	stats  counters
	hits   hitQueue

	sealedMonth atomic.Value // string: the newest month at the last whole pass of the sealer

	validKeys keyCache
	fields    fieldCache

	loops  sync.WaitGroup // the background loops
	stop   context.CancelFunc
	closed sync.Once
}

func newStore(opts Options) *Store {
	s := &Store{opts: opts}
	s.stmts.byText = make(map[string]*sql.Stmt)
	s.tail = tail{limit: opts.TailBytes, of: make(map[tidings.AccountID][]*tailChunk)}
	s.heads.of = make(map[tidings.AccountID]head)
	return s
}

// open begins the work of a store whose databases are open.
func (s *Store) open(ctx context.Context) (err error) {
	if s.codec, err = newCodec(); err != nil {
		return err
	}
	if err := s.committer.connect(ctx); err != nil {
		return err
	}
	if err := s.months.load(reader{s, ctx}); err != nil {
		return fmt.Errorf("reading the months: %w", err)
	}
	if err := s.checkKeys(ctx); err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.loops.Go(s.committer.loop)
	s.engine.start(ctx)
	s.loops.Go(func() { s.upkeep(ctx) })
	return nil
}

func (s *Store) shutDown() error {
	s.stop()
	s.committer.close()
	s.loops.Wait()
	s.engine.closing()
	return s.release()
}

// release closes what is open.
func (s *Store) release() error {
	var errs []error
	if s.committer != nil { // the last connection to close writes SQLite's whole log back
		errs = append(errs, s.committer.release())
	}
	if s.codec != nil {
		errs = append(errs, s.codec.close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(append(errs, s.engine.release())...)
}

// now is the instant of a unit of work, in whole milliseconds UTC as it is stored.
func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }

// Close writes what is still held back, waits for the store's goroutines and
// gives the data directory free. Calls after it are refused with CodeUnavailable.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() { err = s.shutDown() })
	return err
}

// Err says why writes are refused or fail now; nil when they do not. After a
// full or read-only disk it is nil again with the first write that succeeds;
// after a failed fsync only a restart helps.
func (s *Store) Err() error { return s.committer.failure() }

// rows asks for rows outside of any write. The statement is prepared once.
func (s *Store) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, readError(err)
}

// gather reads the rows that a query gave, each by scan.
func gather[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, readError(err)
		}
		list = append(list, one)
	}
	return list, readError(rows.Err())
}

// row is rows for at most one; its Scan gives sql.ErrNoRows when there is none.
func (s *Store) row(ctx context.Context, query string, args ...any) scanner {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}

// scanner is a row: *sql.Row, *sql.Rows, or an error in place of one.
type scanner interface{ Scan(into ...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.stmts.RLock()
	stmt := s.stmts.byText[query]
	s.stmts.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.stmts.Lock()
	defer s.stmts.Unlock()
	if stmt := s.stmts.byText[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.reader.PrepareContext(ctx, query)
	if err != nil {
		return nil, readError(err)
	}
	s.stmts.byText[query] = stmt
	return stmt, nil
}

// millis is how times are stored: milliseconds since 1970 UTC, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis undoes millis.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
