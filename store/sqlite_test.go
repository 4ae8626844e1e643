package store_test

import (
	"context"
	"testing"

	"tidings/store"
	"tidings/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func(store.Options) (*store.Store, error) {
		dir := t.TempDir()
		return func(o store.Options) (*store.Store, error) {
			o.Dir = dir
			return store.OpenSQLite(context.Background(), o)
		}
	})
}
