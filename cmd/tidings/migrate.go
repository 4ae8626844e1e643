package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tidings/store"
)

// migrateCmd brings the schema of a PostgreSQL database up to date without
// serving. A server does the same when it starts; this is for who wants it done
// before, or by a user with more rights.
type migrateCmd struct {
	DB            string `required:"" name:"db" placeholder:"DSN" help:"PostgreSQL database, as postgres://USER:PASSWORD@HOST:PORT/NAME."`
	SecretKeyFile string `required:"" placeholder:"FILE" help:"File of the keys that seal secrets. It is made when it does not exist; then give every node a copy."`
}

// Run opens the database, which brings it up to date.
func (c *migrateCmd) Run(ctx context.Context, term terminal) (err error) {
	_, missing := os.Stat(c.SecretKeyFile)
	fresh := errors.Is(missing, fs.ErrNotExist)
	keys, err := store.LoadOrCreateKeyring(c.SecretKeyFile)
	if err != nil {
		return err
	}
	defer func() {
		if fresh && err != nil {
			err = errors.Join(err, os.Remove(c.SecretKeyFile)) // nothing is sealed by it
		}
	}()
	s, err := store.OpenPostgres(ctx, store.Options{DSN: c.DB, Keys: keys, SealEvery: -1})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if fresh {
		fmt.Fprintf(term.out, "%s is made. Give every node a copy, and keep one apart from the database's backups.\n", c.SecretKeyFile)
	}
	_, err = fmt.Fprintf(term.out, "The %s is up to date for version %s.\n", databaseName(c.DB), version)
	return err
}
