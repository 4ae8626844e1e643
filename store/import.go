package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// An import takes a data directory over into a PostgreSQL database, table by
// table (import_table.go), with all ids. Every transaction stores rows and how
// far the table is, so that an import that broke off goes on where it was. At
// the end every table is read from both sides and compared.

// Import says what is taken over from where to where.
type Import struct {
	Dir  string  // the data directory; nobody may have it open
	DSN  string  // the database: empty, or where this very import broke off
	Keys Keyring // must open the secrets of the directory; the nodes need the same
	// Progress hears of each table how many rows of how many are done, and
	// then how many are compared. It must not block for long. Default: nobody.
	Progress func(ImportStep)
}

// ImportStep is how far an import is with a table.
type ImportStep struct {
	Table     string
	Done, All int64 // rows
	Comparing bool
}

// ImportedTable is a table that is the same on both sides.
type ImportedTable struct {
	Name   string
	Rows   int64
	Digest [sha256.Size]byte // of all rows in the order of their keys
}

// importing is an import under way.
type importing struct {
	Import
	from *sql.DB   // the directory's database, read only
	to   *pgx.Conn // the target
	mark string    // tells the directory, as it is, from others
}

// Run imports and compares. It gives what was compared, in the order of the
// import. It may be called again after an error, unless that says otherwise.
func (i Import) Run(ctx context.Context) (tables []ImportedTable, err error) {
	if i.Progress == nil {
		i.Progress = func(ImportStep) {}
	}
	if _, err := os.Stat(filepath.Join(i.Dir, databaseFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data directory: there is no %s in it", i.Dir, databaseFile)
	}
	lock, err := lockDir(filepath.Join(i.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	w := &importing{Import: i}
	w.from, err = sql.Open("sqlite", dsn(filepath.Join(i.Dir, databaseFile), "query_only(1)", "wal_autocheckpoint(0)", "cache_size(-65536)"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.from.Close()) }()
	if err := w.checkSource(ctx); err != nil {
		return nil, err
	}
	if err := w.openTarget(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.to.Close(context.WithoutCancel(ctx))) }()
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	list, err := w.tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if err := w.copyTable(ctx, t); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	for _, t := range list {
		done, err := w.compare(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		tables = append(tables, done)
	}
	return tables, w.finish(ctx)
}

// checkSource wants the directory of this version, and its secrets readable.
func (w *importing) checkSource(ctx context.Context) error {
	want, err := newestMigration(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	var have int64
	if err := w.from.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return fmt.Errorf("%s is no sound data directory: %w", w.Dir, err)
	}
	switch {
	case have > want:
		return fmt.Errorf("%s was written by a newer version of the program (schema %d, this one knows %d): use that version", w.Dir, have, want)
	case have < want:
		return fmt.Errorf("%s is of an older version (schema %d of %d): start this version's server on it once, stop it, and import then", w.Dir, have, want)
	}
	s := newStore(Options{Keys: w.Keys}.withDefaults())
	s.engine, s.reader = &sqliteEngine{s: s}, w.from
	if err := s.checkKeys(ctx); err != nil {
		return err
	}
	return w.markSource(ctx)
}

// newestMigration gives the version of the newest migration of a folder.
func newestMigration(files fs.FS, dir string) (int64, error) {
	list, err := fs.ReadDir(files, dir)
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, f := range list {
		var version int64
		if _, err := fmt.Sscanf(f.Name(), "%d_", &version); err != nil {
			return 0, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// markSource makes a mark of what changes with all that a server does.
func (w *importing) markSource(ctx context.Context) error {
	sum := sha256.New()
	for _, query := range []string{
		`SELECT account, next_seq, dropped_seq FROM head ORDER BY account`,
		`SELECT endpoint, fence + tried, cursor FROM position ORDER BY endpoint`,
		`SELECT name, seq, 0 FROM sqlite_sequence ORDER BY name`,
	} {
		rows, err := w.from.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		if err := eachRow(rows, 3, func(row []any) { digestRow(sum, row) }); err != nil {
			return err
		}
	}
	w.mark = fmt.Sprintf("%x", sum.Sum(nil))
	return nil
}

// openTarget brings the database's schema up to date, and connects.
func (w *importing) openTarget(ctx context.Context) error {
	s, err := OpenPostgres(ctx, Options{DSN: w.DSN, SealEvery: -1, Keys: w.Keys, importing: true})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	config, err := pgConfig(w.DSN)
	if err != nil {
		return err
	}
	w.to, err = pgx.ConnectConfig(ctx, config)
	return err
}

// begin notes the import in the database, or finds that it was begun. Another
// one, or one that runs just now, is refused, and so is a database with data.
func (w *importing) begin(ctx context.Context) error {
	return pgx.BeginFunc(ctx, w.to, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS import (name TEXT COLLATE "C" PRIMARY KEY, mark TEXT NOT NULL, rows BIGINT NOT NULL, finished BIGINT NOT NULL)`)
		if err != nil {
			return err
		}
		var mark string
		var finished int64
		err = tx.QueryRow(ctx, `SELECT mark, finished FROM import WHERE name = ''`).Scan(&mark, &finished)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			if err := w.wantEmpty(ctx, tx); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO import (name, mark, rows, finished) VALUES ('', $1, 0, 0)`, w.mark)
			return err
		case err != nil:
			return err
		case mark != w.mark:
			return errors.New("the database has an import of another data directory, or this one was written to since the import began: import into a new, empty database")
		case finished > 0:
			return fmt.Errorf("the import was finished %s: serve the database", time.UnixMilli(finished).UTC().Format(time.RFC3339))
		}
		return nil
	})
}

// wantEmpty wants that no server has stored anything.
func (w *importing) wantEmpty(ctx context.Context, tx pgx.Tx) error {
	var accounts, nodes int64
	if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM node)`).Scan(&accounts, &nodes); err != nil {
		return err
	}
	switch {
	case accounts > 0:
		return errors.New("the database is not empty: import into a new one")
	case nodes > 0:
		return errors.New("a server runs on the database: stop it, and start it again when the import is finished")
	}
	return nil
}

// finish says that all is there, once the secrets can be read there as well.
func (w *importing) finish(ctx context.Context) error {
	if _, err := w.to.Exec(ctx, `UPDATE import SET finished = $1 WHERE name = ''`, time.Now().UnixMilli()); err != nil {
		return err
	}
	s, err := OpenPostgres(ctx, Options{DSN: w.DSN, SealEvery: -1, Keys: w.Keys})
	if err != nil {
		return err
	}
	return s.Close()
}

// refuseImporting refuses a database that an import has not finished.
func (e *pgEngine) refuseImporting(ctx context.Context) error {
	var there, unfinished bool
	err := e.writer.QueryRowContext(ctx, `SELECT to_regclass('import') IS NOT NULL`).Scan(&there)
	if err == nil && there {
		err = e.writer.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM import WHERE name = '' AND finished = 0)`).Scan(&unfinished)
	}
	if err != nil {
		return e.openError(err)
	}
	if unfinished {
		return fmt.Errorf("an import into %s is not finished: run `tidings import-sqlite` again, which goes on where it was", e.where())
	}
	return nil
}
