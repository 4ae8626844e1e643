package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

const databaseFile = "tidings.db"

// backupCmd copies the database of a data directory.
//
// It opens the database beside a server that may be running: SQLite lets one
// process read a consistent state while another one writes, so neither the
// server's lock nor its help is needed, and a server that does not start any more can still be backed up.
type backupCmd struct {
	Data string `placeholder:"DIR" help:"Data directory."`
	DB   string `name:"db" hidden:""`
	File string `arg:"" help:"File to write; it must not exist."`
}

// Validate wants a data directory.
func (c *backupCmd) Validate() error { return onlyDirectories(c.Data, c.DB) }

// onlyDirectories refuses what has tools of its own.
func onlyDirectories(data, db string) error {
	switch {
	case data != "":
		return nil
	case db != "":
		return errors.New("a PostgreSQL database is backed up and restored by its own tools (pg_dump, or pg_basebackup with archived WAL), and the key file apart from it: this copies data directories only")
	}
	return errors.New("--data is required")
}

// Run copies, checks the copy, and only then gives it its name.
func (c *backupCmd) Run(ctx context.Context, term terminal) error {
	source := filepath.Join(c.Data, databaseFile)
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("%s is no data directory: %w", c.Data, err)
	}
	if _, err := os.Stat(c.File); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already: choose another name", c.File)
	}
	part := c.File + ".part"
	err := vacuumInto(ctx, source, part)
	if err == nil {
		err = checkDatabase(ctx, part)
	}
	if err == nil {
		err = place(part, c.File)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), removeIfThere(part))
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(term.out, "%s: %s bytes, checked.\nThe key that opens the secrets in it is not in it: keep a copy of %s somewhere else.\n",
		c.File, thousands(info.Size()), keyFileIn(c.Data))
	return err
}

// restoreCmd makes a data directory from a backup.
type restoreCmd struct {
	Data string `placeholder:"DIR" help:"Data directory to make; it must not have data."`
	DB   string `name:"db" hidden:""`
	File string `arg:"" type:"existingfile" help:"The backup."`
}

// Validate wants a data directory.
func (c *restoreCmd) Validate() error { return onlyDirectories(c.Data, c.DB) }

// Run checks the backup, then copies it into place.
func (c *restoreCmd) Run(ctx context.Context, term terminal) error {
	target := filepath.Join(c.Data, databaseFile)
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has data already: restore into another directory, and change --data of the server", c.Data)
	}
	if err := checkDatabase(ctx, c.File); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	part := target + ".part"
	err := copyFile(c.File, part)
	if err == nil {
		err = place(part, target)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("restore: %w", err), removeIfThere(part))
	}
	_, err = fmt.Fprintf(term.out, "%s is ready. Put the key file that belongs to the backup at %s (mode 0600) before the server is started.\n"+
		"Endpoints go on where they stood when the backup was taken: what was delivered since comes again.\n", c.Data, keyFileIn(c.Data))
	return err
}

// vacuumInto writes a consistent copy of a database that others may be writing to.
func vacuumInto(ctx context.Context, source, target string) error {
	// SQLite writes into an empty file; made here, nobody else can read it.
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return withDatabase(source, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO $1", target)
		return err
	})
}

// checkDatabase reads a database file whole and says what is wrong with it.
func checkDatabase(ctx context.Context, path string) error {
	err := withDatabase(path, func(db *sql.DB) error {
		var verdict string
		if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
			return err
		}
		if verdict != "ok" {
			return errors.New(verdict)
		}
		var tables int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('head', 'endpoint')").Scan(&tables); err != nil {
			return err
		}
		if tables != 2 {
			return errors.New("it is a database, but not one of Tidings")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s is no sound copy: %w", path, err)
	}
	return nil
}

// withDatabase opens a database file for one connection's work, without
// checkpoints: those are the server's.
func withDatabase(path string, work func(*sql.DB) error) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	options := url.Values{"_pragma": {"busy_timeout(10000)", "wal_autocheckpoint(0)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: options.Encode()}).String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(work(db), db.Close())
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// place gives a complete file its name, durably.
func place(part, path string) error {
	if err := syncPath(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
