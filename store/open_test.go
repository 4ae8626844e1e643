package store

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

func TestSecondProcessIsToldWhoHasTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	_, err := OpenSQLite(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("the second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, Options{Dir: dir})
}

func TestNewerDataIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := openTest(t, Options{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSQLite(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "newer version of the program (schema 99") {
		t.Fatalf("open: %v", err)
	}
}

func TestFileThatIsNoDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), Options{Dir: dir}); err == nil {
		t.Fatal("opened")
	}
}

func TestDataIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data?#%41 dir") // a name that means something in a URI
	s := openTest(t, Options{Dir: dir})
	feeds(t, s, 1)
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files++
		if open := info.Mode().Perm() & 0o077; open != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files < 5 {
		t.Fatalf("%d names under %s, %v: want the directory, the lock and the database's three files", files, dir, err)
	}
}

func TestBackupIsACompleteStateWhileWritersGoOn(t *testing.T) {
	s := openTest(t, Options{})
	feeds(t, s, 1)
	for i := range 300 {
		if _, err := one(s, i); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			for i := 300; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := one(s, i); err != nil {
					t.Errorf("Append: %v", err)
					return
				}
			}
		})
	}
	dir := t.TempDir()
	path := filepath.Join(dir, databaseFile)
	err := s.Backup(t.Context(), path)
	close(stop)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); err == nil {
		t.Error("a backup was written over another")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	head, err := s.Head(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	restored := openTest(t, Options{Dir: dir})
	got, want := readFeed(t, restored, 1), readFeed(t, s, 1)
	if len(got) < 300 || len(got) > int(head) || strings.Join(got, "") != strings.Join(want[:len(got)], "") {
		t.Errorf("the backup has %d activities that are not the first of the %d", len(got), head)
	}
}

func TestFailedBackupLeavesNothing(t *testing.T) {
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := s.Backup(ctx, filepath.Join(dir, "backup.db")); err == nil {
		t.Fatal("no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

func TestDropThatWasCutOffIsFinished(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	o := Options{Dir: dir, TailBytes: -1, Now: func() time.Time { return now }}
	s := openTest(t, o)
	feeds(t, s, 1)
	for i := range 5 {
		if _, err := one(s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 1, 0)
	s = openTest(t, o)
	if _, err := one(s, 5); err != nil {
		t.Fatal(err)
	}
	if needed, err := s.beginDrop(t.Context(), s.months.all()[0]); needed || err != nil {
		t.Fatalf("beginDrop: needed %v, %v", needed, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, o)
	page, err := s.Read(t.Context(), tidings.ReadQuery{Account: 1, MaxItems: 10, MaxBytes: 1 << 20})
	if err != nil || page.Missing != 5 || page.Through != 6 {
		t.Fatalf("Read: missing %d, through %d, %v", page.Missing, page.Through, err)
	}
	if dropped, err := s.DropMonths(t.Context(), now); err != nil || len(dropped) != 1 {
		t.Fatalf("DropMonths = %v, %v", dropped, err)
	}
	var tables int
	if err := s.row(t.Context(), "SELECT count(*) FROM sqlite_master WHERE name LIKE 'frame!_2026!_03%' ESCAPE '!'").Scan(&tables); err != nil || tables != 0 {
		t.Fatalf("%d tables and indexes of the month are left, %v", tables, err)
	}
}

func TestUpkeepSealsAndDropsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, Options{SealEvery: time.Hour, RetainMonths: 1})
		feeds(t, s, 1)
		for i := range 600 {
			if _, err := one(s, i); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Hour) // the bubble's clock
		synctest.Wait()
		if got := s.Stats().SealedAway; got != frameItems-1 {
			t.Errorf("%d frames were merged away, want %d", got, frameItems-1)
		}
		for range 3 {
			time.Sleep(31 * 24 * time.Hour)
			if _, err := one(s, 0); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := s.Stats().Months; got != 2 {
			t.Errorf("%d months are kept, want this one and the one before", got)
		}
	})
}
