package store

import "testing"

// PostgresDatabase makes an empty database and gives its DSN; see pgtest.Shared.
func PostgresDatabase(t testing.TB) string { return postgres.Database(t) }
