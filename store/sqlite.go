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
	s := &Store{opts: opts, lock: lock}
	s.stmts.byText = make(map[string]*sql.Stmt)
	s.tail = tail{limit: opts.TailBytes, of: make(map[tidings.AccountID][]*tailChunk)}
	s.heads.of = make(map[tidings.AccountID]head)
	defer func() {
		if err != nil {
			s.release()
		}
	}()

	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	path := filepath.Join(opts.Dir, databaseFile)
	if err := makeDatabase(path); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	writer, err := sql.Open("sqlite", dsn(path, "busy_timeout(100)",
		fmt.Sprintf("page_size(%d)", pageSize), "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		fmt.Sprintf("journal_size_limit(%d)", walLimit), "cache_size(-8192)", "temp_store(MEMORY)", "foreign_keys(1)"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	if err := migrate(ctx, writer); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	if err := selfTest(ctx, writer); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	checkpointer, err := sql.Open("sqlite", dsn(path, "busy_timeout(100)", "synchronous(FULL)", "wal_autocheckpoint(0)", "cache_size(-512)"))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	checkpointer.SetMaxOpenConns(1)
	s.reader, err = sql.Open("sqlite", dsn(path, "busy_timeout(5000)", "query_only(1)", "wal_autocheckpoint(0)", "cache_size(-2048)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, errors.Join(err, writer.Close(), checkpointer.Close())
	}
	s.reader.SetMaxOpenConns(readConnections)
	s.reader.SetMaxIdleConns(readConnections)

	s.committer, err = newCommitter(ctx, s, writer, checkpointer)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), checkpointer.Close())
	}
	if err := s.months.load(reader{s, ctx}); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the months: %w", err), s.committer.release())
	}
	if err := s.checkKeys(ctx); err != nil {
		return nil, errors.Join(err, s.committer.release())
	}
	s.start()
	return s, nil
}

// start begins the background loops; shutDown ends them.
func (s *Store) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.loops.Go(s.committer.loop)
	s.loops.Go(func() { s.committer.checkpoints(ctx) })
	s.loops.Go(func() { s.upkeep(ctx) })
}

func (s *Store) shutDown() error {
	s.stop()
	s.committer.close()
	s.loops.Wait()
	err := s.committer.release()
	return errors.Join(err, s.release())
}

// release closes the readers and, last, gives the lock back.
func (s *Store) release() error {
	var err error
	if s.reader != nil {
		err = s.reader.Close()
	}
	return errors.Join(err, s.lock.Close())
}

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

// now is the instant of a unit of work, in whole milliseconds UTC as it is stored.
func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }
