// Package sqlitetest gives tests data directories whose database has its schema
// already: it is made once a test process, and each test gets a copy. Making
// it takes longer than most tests do, above all with the race detector.
package sqlitetest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Model is a data directory that others are copies of. Its methods may be
// called by several goroutines at once.
type Model struct {
	// Open makes a store in an empty directory. Nothing is put into it, so that
	// its copies are what a store is at its first start.
	Open func(dir string) (io.Closer, error)

	once  sync.Once
	files map[string][]byte
	err   error
}

// Dir gives a copy of the model: a directory that is removed when the test ends.
func (m *Model) Dir(t testing.TB) string {
	t.Helper()
	m.once.Do(func() { m.err = m.make() })
	if m.err != nil {
		t.Fatal(m.err)
	}
	dir := t.TempDir()
	for name, content := range m.files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// make has the model made in a directory of its own and reads it.
func (m *Model) make() (err error) {
	dir, err := os.MkdirTemp("", "sqlitetest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := m.Open(dir)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	m.files = map[string][]byte{}
	for _, entry := range entries {
		if m.files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
