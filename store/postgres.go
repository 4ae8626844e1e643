package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/sys/unix"

	"tidings"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

const (
	// pgReadConnections is how many connections a store reads with, beside the
	// one that writes and the one that listens.
	pgReadConnections = 8

	// pgOldest is the oldest server version that is tested.
	pgOldest = 15

	// pgConnectTime bounds the making of a connection.
	pgConnectTime = 5 * time.Second
	// pgSilence is how long a connection may be silent while it owes an answer,
	// or data to the server, before it is given up for lost.
	pgSilence = 10 * time.Second
	// pgIdleInGroup is how long a transaction may wait for its node before the
	// server ends it: a node that was stopped must not hold others up for ever.
	pgIdleInGroup = 4 * time.Second
	// pgLockWait is how long a statement waits for another node's transaction.
	pgLockWait = 10 * time.Second
)

// pgEngine is the engine of a PostgreSQL database, which other nodes may share.
type pgEngine struct {
	s      *Store
	config *pgx.ConnConfig
	writer *sql.DB
	name   string // of this store in the tables writer and chore, and in what it tells

	tellings tellings
	peers    peers

	// Only the committer uses what follows.

	pg    *pgConn // its connection; nil = to be made anew
	group int64   // the number of the group in work
	lost  lost
	ids   pgIDs
	ours  map[tidings.AccountID]tidings.Seq // where the feeds ended that this store appended to last
}

// OpenPostgres opens the store in the database that opts.DSN names, as a URL
// (postgres://user:password@host:port/database) or as key=value pairs. Other
// processes may have it open, too. The database must be there, with the
// encoding UTF8; the schema is brought up to date. opts.Dir is not used.
//
// An error says what is to be done about it. Nothing is changed when the
// database can't be used: not reached, too old, of a newer version of the
// program, without the rights, or with secrets that the keys can't open.
func OpenPostgres(ctx context.Context, opts Options) (_ *Store, err error) {
	opts = opts.withDefaults()
	config, err := pgConfig(opts.DSN)
	if err != nil {
		return nil, err
	}
	s := newStore(opts)
	e := &pgEngine{s: s, config: config, name: rand.Text(), tellings: newTellings(), ours: map[tidings.AccountID]tidings.Seq{}}
	e.peers.e = e
	e.deaf(true)
	s.engine = e
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	e.writer = sql.OpenDB(pgConnector{pgWriteConfig(config)})
	e.writer.SetMaxOpenConns(1)
	s.committer = newCommitter(s, e.writer)
	if err := e.prepare(ctx); err != nil {
		return nil, err
	}
	s.reader = sql.OpenDB(pgConnector{config})
	s.reader.SetMaxOpenConns(pgReadConnections)
	s.reader.SetMaxIdleConns(pgReadConnections)
	return s, s.open(ctx)
}

// pgConfig reads a DSN and adds what all connections want.
func pgConfig(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, pgParseError(err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = pgConnectTime
	}
	dialer := net.Dialer{
		Timeout:         config.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: pgSilence / 3, Interval: pgSilence / 3, Count: 2},
		ControlContext:  giveUpSilent,
	}
	config.DialFunc = dialer.DialContext
	if config.ValidateConnect == nil { // of several hosts, and after a failover, the one that takes writes
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	set := config.RuntimeParams
	if set["application_name"] == "" {
		set["application_name"] = "tidings"
	}
	set["timezone"] = "UTC"
	set["default_transaction_isolation"] = "read committed" // what the locks of heads are thought for
	set["jit"] = "off"
	// Every statement has its index. A plan that was made while a table was
	// small would read all of it when it is large.
	set["enable_seqscan"] = "off"
	return config, nil
}

// pgWriteConfig adds what the write connection wants.
func pgWriteConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	config.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(pgIdleInGroup.Milliseconds(), 10)
	config.RuntimeParams["lock_timeout"] = strconv.FormatInt(pgLockWait.Milliseconds(), 10)
	config.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		// An acknowledged write is durable, whatever the database's default is.
		return conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`).Close()
	}
	return config
}

// giveUpSilent has the kernel end a connection whose data is not acknowledged for long.
func giveUpSilent(_ context.Context, network, _ string, conn syscallConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	return errors.Join(conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(pgSilence.Milliseconds()))
	}), err)
}

// prepare looks at the server and brings the schema up to date.
func (e *pgEngine) prepare(ctx context.Context) error {
	if err := e.look(ctx); err != nil {
		return err
	}
	if !e.s.opts.importing {
		if err := e.refuseImporting(ctx); err != nil {
			return err
		}
	}
	return e.migrate(ctx)
}

// look refuses what the store can't work with, before anything is changed.
func (e *pgEngine) look(ctx context.Context) error {
	var version int64
	var shown, encoding, schema, user string
	var create bool
	err := e.writer.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'),
		current_setting('server_encoding'), coalesce(current_schema(), ''), current_user::text,
		coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&version, &shown, &encoding, &schema, &user, &create)
	switch {
	case err != nil:
		return e.openError(err)
	case version < pgOldest*10000:
		return fmt.Errorf("PostgreSQL at %s is of version %s: version %d or newer is needed", e.where(), shown, pgOldest)
	case encoding != "UTF8":
		return fmt.Errorf("the database %s has the encoding %s: make one with the encoding UTF8", e.where(), encoding)
	case schema == "":
		return fmt.Errorf("the database %s has no schema on the search_path of user %q: make one, or set its search_path", e.where(), user)
	case !create:
		return fmt.Errorf(`the user %q may not make tables in schema %q of %s: as its owner run GRANT CREATE, USAGE ON SCHEMA %[2]s TO %[1]s`, user, schema, e.where())
	}
	return nil
}

// migrate brings the schema up to date; nodes that start at once do it one
// after the other. It refuses a schema that is newer than this program, unless
// that says that this program can work with it.
func (e *pgEngine) migrate(ctx context.Context) error {
	files, err := fs.Sub(postgresMigrations, "migrations/postgres")
	if err != nil {
		return err
	}
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, e.writer, files, goose.WithSessionLocker(turns),
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := provider.ListSources()
	want := sources[len(sources)-1].Version
	have, err := e.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return e.checkCompatible(ctx, have, want)
	}
	if have == want {
		return nil // without a lock: a process that was stopped may hold it
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bringing the schema of %s to version %d: %w", e.where(), want, err)
	}
	return nil
}

// schemaVersion gives the version that the schema has, 0 when there is none.
func (e *pgEngine) schemaVersion(ctx context.Context) (int64, error) {
	var there bool
	err := e.writer.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	var version int64
	err = e.writer.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("reading the schema's version in %s: %w", e.where(), err)
	}
	return version, nil
}

func (e *pgEngine) checkCompatible(ctx context.Context, have, want int64) error {
	var from int64
	err := e.writer.QueryRowContext(ctx, `SELECT compatible_from FROM schema_compatible`).Scan(&from)
	if err == nil && from <= want {
		return nil
	}
	return fmt.Errorf("the data in %s was written by a newer version of the program (schema %d, this one knows %d): use that version", e.where(), have, want)
}

// backup is refused: PostgreSQL has its own ways.
func (e *pgEngine) backup(context.Context, string) error {
	return errors.New("backup: the data is in PostgreSQL: use pg_dump or the server's own backup, and keep the key file with it, but apart")
}

func (e *pgEngine) release() error { return nil }

func (e *pgEngine) start(ctx context.Context) {
	e.s.loops.Go(func() { e.wakeWhileLost(ctx) })
	e.s.loops.Go(func() { e.listen(ctx) })
	e.s.loops.Go(func() { e.tell(ctx) })
	e.s.loops.Go(func() { e.distrust(ctx) })
}
