package store_test

import (
	"context"
	"testing"

	"tidings/store"
	"tidings/store/storetest"
)

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func(store.Options) (*store.Store, error) {
		dsn := store.PostgresDatabase(t)
		return func(o store.Options) (*store.Store, error) {
			o.DSN = dsn
			return store.OpenPostgres(context.Background(), o)
		}
	})
}
