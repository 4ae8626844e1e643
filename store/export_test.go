package store

import "testing"

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
