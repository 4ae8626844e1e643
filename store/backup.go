package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a consistent copy of the whole database, as of now, to a new
// file while the store goes on working. The file appears under its name only
// when it is complete and durable. The keys that open its secrets are not in
// it: their file is to be kept with it, but apart.
//
// To restore, put the file as tidings.db into an empty data directory, with
// the key file in its place, and start. The write-ahead log grows while a
// backup runs, by what is written meanwhile.
//
// On PostgreSQL it is refused: there its own programs do it, e.g. pg_dump.
func (s *Store) Backup(ctx context.Context, path string) error { return s.engine.backup(ctx, path) }

func (e *sqliteEngine) backup(ctx context.Context, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %s is there already, or can't be looked at: choose a new name", path)
	}
	part := path + ".part"
	if err := e.copyTo(ctx, part); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), removeIfThere(part))
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), removeIfThere(part))
	}
	return syncPath(filepath.Dir(path))
}

func (e *sqliteEngine) copyTo(ctx context.Context, path string) error {
	// SQLite writes into an empty file that is there; made here, nobody else can read it.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(e.s.opts.Dir, databaseFile), "wal_autocheckpoint(0)", "cache_size(-2048)"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return syncPath(path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncPath makes a file, or the names in a directory, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
