package store_test

import (
	"path/filepath"
	"testing"

	"tidings"
	"tidings/store"
)

// TestABackupFindsContactsByName: the index of names keeps no texts, so it must
// come through a backup by itself.
func TestABackupFindsContactsByName(t *testing.T) {
	first, err := store.OpenSQLite(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	account, _, err := first.CreateAccount(t.Context(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	name, email := "Ann", "x@example.com"
	change := tidings.ContactChange{FirstName: &name, Email: &email}
	for range 2 { // made, and deleted, so that the backup moves rows
		c, err := first.CreateContact(t.Context(), account.ID, change)
		if err != nil {
			t.Fatal(err)
		}
		if c.ID == 1 {
			if err := first.DeleteContact(t.Context(), account.ID, c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	if err := first.Backup(t.Context(), filepath.Join(dir, "tidings.db")); err != nil {
		t.Fatal(err)
	}
	second, err := store.OpenSQLite(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	found, err := second.SearchContacts(t.Context(), account.ID, "an", 10)
	if err != nil || len(found) != 1 || found[0].ID != 2 {
		t.Errorf("found %v, %v", found, err)
	}
	bella := "Bella"
	if _, err := second.ChangeContact(t.Context(), account.ID, 2, tidings.ContactChange{FirstName: &bella}, 0); err != nil {
		t.Fatal(err)
	}
	if found, err = second.SearchContacts(t.Context(), account.ID, "bel", 10); err != nil || len(found) != 1 {
		t.Errorf("after a change in the copy: found %v, %v", found, err)
	}
}
