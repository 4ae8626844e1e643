package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"

	"tidings"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

const (
	databaseFile = "tidings.db"
	lockFile     = "lock"

	readConnections = 4

	// writeCache bounds the pages that the write connection keeps. A commit of
	// many contacts changes thousands of pages here and there; those for
	// which there is no room go into the log before the commit and again with it.
	writeCache = 32 << 20

	// pageSize is the database's page size: a commit writes whole pages, and
	// most commits of single activities touch few bytes of each.
	pageSize = 4096
	// walLimit is where the write-ahead log is made to start over.
	walLimit = 64 << 20
)

// OpenSQLite opens the store in a directory, making both when they are missing:
// it takes the directory's lock, brings the schema up to date and starts the
// store's goroutines. It fails when another process has the directory, when a
// newer version of the program has written it, and when the keys can't open its secrets.
func OpenSQLite(ctx context.Context, opts Options) (_ *Store, err error) {
	opts = opts.withDefaults()
	if err := makeDir(opts.Dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(filepath.Join(opts.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := newStore(opts)
	e := &sqliteEngine{s: s, lock: lock, checkpoint: make(chan struct{}, 1)}
	s.engine = e
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()

	path := filepath.Join(opts.Dir, databaseFile)
	if err := makeDatabase(path); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	writer, err := sql.Open("sqlite", dsn(path, "busy_timeout(100)",
		fmt.Sprintf("page_size(%d)", pageSize), "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		fmt.Sprintf("journal_size_limit(%d)", walLimit), fmt.Sprintf("cache_size(-%d)", writeCache>>10), "temp_store(MEMORY)", "foreign_keys(1)"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	s.committer = newCommitter(s, writer)
	if err := migrate(ctx, writer); err != nil {
		return nil, err
	}
	if err := selfTest(ctx, writer); err != nil {
		return nil, err
	}
	e.checkpointer, err = sql.Open("sqlite", dsn(path, "busy_timeout(100)", "synchronous(FULL)", "wal_autocheckpoint(0)", "cache_size(-512)"))
	if err != nil {
		return nil, err
	}
	e.checkpointer.SetMaxOpenConns(1)
	s.reader, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "query_only(1)", "wal_autocheckpoint(0)", "cache_size(-2048)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, err
	}
	s.reader.SetMaxOpenConns(readConnections)
	s.reader.SetMaxIdleConns(readConnections)
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if err := s.giveBack(ctx); err != nil { // a full disk: claims end by themselves
		s.opts.Log.Warn("what was in hand when the last process ended is taken up again only when its claims end", "error", err)
	}
	return s, nil
}

// sqliteEngine is the engine of a data directory.
type sqliteEngine struct {
	s            *Store
	lock         *os.File // the data directory's lock
	checkpointer *sql.DB

	lastArrival time.Time // of the newest append; only the committer uses it

	walPages   int           // written since a checkpoint was asked for; only the committer uses it
	logPages   int           // written since the log was last made to start over; only the committer uses it
	checkpoint chan struct{} // capacity 1: asks for a checkpoint
	restart    atomic.Bool   // the log is to start over
}

func (e *sqliteEngine) start(ctx context.Context) {
	e.s.loops.Go(func() { e.checkpoints(ctx) })
}

func (e *sqliteEngine) contended(*writeTx) bool { return false }

func (e *sqliteEngine) closing() {}

// release closes what is left and, last, gives the lock back.
func (e *sqliteEngine) release() error {
	var err error
	if e.checkpointer != nil {
		err = e.checkpointer.Close()
	}
	return errors.Join(err, e.lock.Close())
}

func (e *sqliteEngine) adopt(*sql.Conn) error { return nil }

func (e *sqliteEngine) begin(tx *writeTx, _ []tidings.AccountID) error {
	_, err := tx.exec("BEGIN IMMEDIATE")
	return err
}

func (e *sqliteEngine) end(tx *writeTx) error {
	_, err := tx.exec("COMMIT")
	if err != nil {
		e.undo(tx)
	}
	return err
}

func (e *sqliteEngine) undo(tx *writeTx) {
	// SQLite may have rolled back by itself; then this one fails, which is as good.
	_, _ = tx.exec("ROLLBACK")
}

// failed gives up: nobody else writes, so another run would end alike. Only a
// test says that somebody was first.
func (e *sqliteEngine) failed(_ *writeTx, _ int, err error) outcome {
	if errors.Is(err, errRaced) {
		return again
	}
	return given
}

func (e *sqliteEngine) raced(error) bool { return false }

func (e *sqliteEngine) judge(err error) (verdict, error) { return judgeSQLite(err) }

func (e *sqliteEngine) groupDone() {
	e.countWrites()
	e.restartLog()
}

func (e *sqliteEngine) queue(tx *writeTx, query string, args ...any) error {
	_, err := tx.exec(query, args...)
	return err
}

func (e *sqliteEngine) head(tx *writeTx, account tidings.AccountID) (head, error) {
	return readHead(tx, account)
}

// appendHeads takes the heads from memory: nobody else changes them.
func (e *sqliteEngine) appendHeads(tx *writeTx, accounts []tidings.AccountID) (map[tidings.AccountID]head, error) {
	heads := make(map[tidings.AccountID]head, len(accounts))
	for _, account := range accounts {
		h, ok := e.s.heads.get(account)
		if !ok {
			var err error
			if h, err = readHead(tx, account); tidings.CodeOf(err) == tidings.CodeNotFound {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		heads[account] = h
	}
	return heads, nil
}

func (e *sqliteEngine) deliver(tx *writeTx, ds []*pendingDelivery) error {
	return applyDeliveries(tx, ds)
}

func (e *sqliteEngine) appended([]*feedAppend) {}

func (e *sqliteEngine) alone() bool { return true }

// recall leaves it to look up one key after the other.
func (e *sqliteEngine) recall(*writeTx, []*request) error { return nil }

func (e *sqliteEngine) expireAnswers(tx *writeTx, most int) error {
	return tx.queue(`DELETE FROM idempotency WHERE (account, key) IN (`+expiredAnswers+`)`, millis(tx.now), most)
}

func (e *sqliteEngine) headColumns() string { return "next_seq, dropped_seq, 0" }

// monthsNow takes the months from memory: nobody else changes them.
func (e *sqliteEngine) monthsNow(querier) ([]month, error) { return e.s.months.all(), nil }

func (e *sqliteEngine) emptyStep() string {
	return "DELETE FROM {frame} WHERE id IN (SELECT id FROM {frame} ORDER BY id LIMIT $1)"
}

// contactID counts on from the last id that was ever given.
func (e *sqliteEngine) contactID(w *contactWriter) (tidings.ContactID, error) {
	if w.lastID == 0 {
		err := w.tx.row(`SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'contact'`).Scan(&w.lastID)
		if err != nil {
			return 0, err
		}
	}
	w.lastID++
	return w.lastID, nil
}

func (e *sqliteEngine) giveBack(w *contactWriter) { w.lastID-- }

// putNames writes the names one after the other, because a statement of
// another kind between them may have their index write out what it holds back.
func (e *sqliteEngine) putNames(tx *writeTx, account tidings.AccountID, names []contactName) error {
	for _, name := range names {
		if !name.known {
			continue
		}
		if err := e.dropName(tx, account, name.id); err != nil {
			return err
		}
	}
	for _, name := range names {
		if name.words == "" {
			continue
		}
		if _, err := tx.exec(`INSERT INTO contact_name (rowid, words) VALUES ($1, $2)`, name.id, accountWord(account)+" "+name.words); err != nil {
			return err
		}
	}
	return nil
}

func (e *sqliteEngine) dropName(tx *writeTx, _ tidings.AccountID, id tidings.ContactID) error {
	_, err := tx.exec(`DELETE FROM contact_name WHERE rowid = $1`, id)
	return err
}

func (e *sqliteEngine) findNames(account tidings.AccountID, words []string, limit int) (string, []any) {
	match := `"` + accountWord(account) + `"`
	for _, word := range words {
		match += ` AND "` + word + `"*`
	}
	return `SELECT rowid FROM contact_name WHERE contact_name MATCH $1 ORDER BY rowid LIMIT $2`, []any{match, limit}
}

// accountWord is a word that stands in the index of names for the account: one
// that nobody can type, because plainName leaves its first letter out.
func accountWord(account tidings.AccountID) string { return fmt.Sprintf("\uE000%d", account) }

// chore is always this store's: no other has the directory.
func (e *sqliteEngine) chore(context.Context, string) (bool, error) { return true, nil }

// makeDir makes the directory when it is missing, and its name durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncPath(filepath.Dir(dir))
}

// makeDatabase makes the file when it is missing, for nobody else to read;
// SQLite's other files take its mode.
func makeDatabase(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncPath(filepath.Dir(path)))
}

// dsn names a database file with pragmas, run in this order on every connection.
func dsn(path string, pragmas ...string) string {
	query := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "_dqs": {"0"}}
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	return (&url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}).String()
}

// lockDir takes the lock file, or says who has it.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			return nil, fmt.Errorf("data directory %s is in use by process %s", filepath.Dir(path), pid)
		}
		return nil, fmt.Errorf("data directory %s is in use by another process", filepath.Dir(path))
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), f.Close())
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), f.Close())
	}
	return f, nil
}

// migrate brings the schema up to date; it refuses one that is newer than this program.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if have > want {
		return fmt.Errorf("the data was written by a newer version of the program (schema %d, this one knows %d): use that version", have, want)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bringing the schema to version %d: %w", want, err)
	}
	return nil
}

// selfTest proves what all statements rely on: $N is bound by number, not by
// order of appearance. Drivers differ in it, silently.
func selfTest(ctx context.Context, db *sql.DB) error {
	var two, one int
	if err := db.QueryRowContext(ctx, "SELECT $2, $1", 1, 2).Scan(&two, &one); err != nil {
		return fmt.Errorf("self-test: %w", err)
	}
	if two != 2 || one != 1 {
		return errors.New("self-test: the SQLite driver binds $N by order of appearance, not by number")
	}
	return nil
}
