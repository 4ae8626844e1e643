package store_test

import (
	"context"
	"testing"

	"tidings/store"
	"tidings/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func(store.Options) (*store.Store, error) {
		dir := store.FreshDirectory(t)
		return func(o store.Options) (*store.Store, error) {
			o.Dir = dir
			return store.OpenSQLite(context.Background(), o)
		}
	})
}

// TestOperationsMayRunTwice holds every promise where half of the groups are
// undone and run again. SQLite takes ids back, so they must come out alike.
func TestOperationsMayRunTwice(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func(store.Options) (*store.Store, error) {
		dir := store.FreshDirectory(t)
		return func(o store.Options) (*store.Store, error) {
			o.Dir = dir
			s, err := store.OpenSQLite(context.Background(), o)
			if err == nil {
				store.RunGroupsTwice(s)
			}
			return s, err
		}
	})
}
