package sqlitetest_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"tidings/store/sqlitetest"
)

// maker writes a file when it is made and appends to it when it is closed.
type maker string

func (m maker) Close() error {
	f, err := os.OpenFile(string(m), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(" and closed")
	return errors.Join(err, f.Close())
}

func TestEveryTestGetsACopyOfWhatWasMadeOnce(t *testing.T) {
	made := 0
	model := sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
		made++
		file := filepath.Join(dir, "file")
		return maker(file), os.WriteFile(file, []byte("made"), 0o600)
	}}
	for range 2 {
		file := filepath.Join(model.Dir(t), "file")
		if got, err := os.ReadFile(file); err != nil || string(got) != "made and closed" {
			t.Errorf("a copy has %q, %v", got, err)
		}
		if err := os.WriteFile(file, []byte("changed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("the model was made %d times", made)
	}
}
