package store

import (
	"context"
	"io"
	"testing"

	"tidings/store/sqlitetest"
)

var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return OpenSQLite(context.Background(), Options{Dir: dir})
}}

// FreshDirectory gives the data directory of a store at its first start.
func FreshDirectory(t testing.TB) string { return fresh.Dir(t) }

// PostgresDatabase gives the DSN of a fresh database; see pgtest.Shared.
func PostgresDatabase(t testing.TB) string { return postgres.Database(t) }

// RunGroupsTwice has every other group of a store undone at its end and run
// again, as PostgreSQL does after a conflict with another node.
func RunGroupsTwice(s *Store) {
	n := 0
	s.committer.beforeCommit = func() error {
		n++
		if n%3 == 1 {
			return errRaced
		}
		return nil
	}
}
