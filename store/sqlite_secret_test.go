package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidings"
	"tidings/store"
)

func TestSecretsAreNotReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	keys, err := store.LoadOrCreateKeyring(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(t.Context(), store.Options{Dir: dir, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	account, _, err := s.CreateAccount(t.Context(), "a", fresh, "admin")
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.CreateEndpoint(t.Context(), tidings.Endpoint{
		Account: account.ID, Name: "crm", URL: "https://crm.example/in", State: tidings.StateActive,
		Auth:    &tidings.BasicAuth{Username: "hush-user", Password: "hush-password"},
		Headers: []tidings.Header{{Name: "X-Key", Value: "hush-header"}},
		Secrets: []tidings.Secret{{Value: "whsec_hush"}},
	}, tidings.Start{Now: true}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	e.Name = "erp"
	if _, err = s.UpdateEndpoint(t.Context(), e, "admin", "name"); err != nil {
		t.Fatal(err)
	}
	text := readAll(t, dir) // the write-ahead log too, before it is written back
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text += readAll(t, dir)
	for _, secret := range []string{"hush", fresh.Token} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is on the disk", secret)
		}
	}
	for _, open := range []string{e.URL, fresh.Prefix} {
		if !strings.Contains(text, open) {
			t.Errorf("%q is not on the disk: this test looks in the wrong place", open)
		}
	}
}

// readAll gives the text of all files of a directory.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
