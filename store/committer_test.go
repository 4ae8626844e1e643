package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	sqlite3 "modernc.org/sqlite/lib"

	"tidings"
)

func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = fresh.Dir(t)
	}
	s, err := OpenSQLite(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// coded is an error with a result code of SQLite.
type coded int

func (c coded) Error() string { return fmt.Sprintf("result code %d", int(c)) }
func (c coded) Code() int     { return int(c) }

// failCommits lets commits fail with an error from now on; nil lets them succeed again.
func failCommits(t *testing.T, s *Store, err error) {
	t.Helper()
	// The hook is the committer's, so it is set by an operation. That
	// operation's own commit is not to fail.
	set := s.commit(t.Context(), func(tx *writeTx) error {
		tx.onCommit(func() {
			tx.c.beforeCommit = nil
			if err != nil {
				tx.c.beforeCommit = func() error { return err }
			}
		})
		return nil
	})
	if set != nil {
		t.Fatal(set)
	}
}

// pragma runs a pragma on the write connection.
func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	rows, err := s.committer.conn.QueryContext(t.Context(), "PRAGMA "+text)
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

func one(s *Store, i int) (tidings.AppendResult, error) {
	return s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{sample(i)}})
}

func TestFailedWriteSaysWhyAndTheNextOneTriesAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		fail, repair string
		says         string
	}{
		{"full", "max_page_count=1", "max_page_count=1000000000", "the disk is full"},
		{"read-only", "query_only=1", "query_only=0", "read-only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, Options{TailBytes: -1})
			feeds(t, s, 1)
			if _, err := one(s, 0); err != nil {
				t.Fatal(err)
			}
			pragma(t, s, c.fail)
			failed := 0
			for i := range 200 { // what fits into the pages that are there is stored
				if _, err := one(s, i); err != nil {
					if tidings.CodeOf(err) != tidings.CodeUnavailable || !strings.Contains(err.Error(), c.says) || !errors.Is(err, s.Err()) {
						t.Fatalf("Append: %v; Err: %v", err, s.Err())
					}
					failed++
				}
			}
			if failed == 0 {
				t.Fatal("no append failed")
			}
			head, err := s.Head(t.Context(), 1)
			if err != nil || int(head) != 201-failed {
				t.Fatalf("Head = %d, %v after %d acknowledged", head, err, 201-failed)
			}
			pragma(t, s, c.repair)
			if result, err := one(s, 7); err != nil || result.First != head+1 || s.Err() != nil {
				t.Fatalf("Append when it can be written again: %+v, %v; Err: %v", result, err, s.Err())
			}
			if got := readFeed(t, s, 1); len(got) != int(head)+1 {
				t.Fatalf("%d activities, want %d", len(got), head+1)
			}
		})
	}
}

func TestFailedFsyncIsFinal(t *testing.T) {
	s := openTest(t, Options{})
	feeds(t, s, 1)
	if _, err := one(s, 0); err != nil {
		t.Fatal(err)
	}
	failCommits(t, s, coded(sqlite3.SQLITE_IOERR_FSYNC))
	refused := func() {
		t.Helper()
		_, err := one(s, 1)
		if tidings.CodeOf(err) != tidings.CodeUnavailable || !strings.Contains(err.Error(), "restart is needed") || s.Err() == nil {
			t.Fatalf("Append: %v; Err: %v", err, s.Err())
		}
	}
	refused()
	s.committer.beforeCommit = nil // the committer is idle: its last answer has come
	refused()                      // although the disk would take it
	answered := make(chan error, 1)
	s.Deliver(tidings.Delivery{}, false, func(err error) { answered <- err })
	if err := <-answered; tidings.CodeOf(err) != tidings.CodeUnavailable {
		t.Fatalf("Deliver: %v", err)
	}
	if got := readFeed(t, s, 1); len(got) != 1 {
		t.Fatalf("%d activities can be read, want 1", len(got))
	}
}

func TestFailedCommitIsNobodysNews(t *testing.T) {
	var told []tidings.Seq
	s := openTest(t, Options{Appended: func(_ tidings.AccountID, seq tidings.Seq) { told = append(told, seq) }})
	feeds(t, s, 1)
	if _, err := one(s, 0); err != nil {
		t.Fatal(err)
	}
	failCommits(t, s, coded(sqlite3.SQLITE_IOERR_WRITE))
	if _, err := one(s, 1); tidings.CodeOf(err) != tidings.CodeUnavailable {
		t.Fatalf("Append: %v", err)
	}
	s.committer.beforeCommit = nil // the committer is idle: its last answer has come
	if result, err := one(s, 2); err != nil || result.First != 2 {
		t.Fatalf("Append = %+v, %v", result, err)
	}
	if fmt.Sprint(told) != "[1 2]" {
		t.Errorf("followers were told %v", told)
	}
	if got := readFeed(t, s, 1); len(got) != 2 || got[1] != string(sample(2).Wire) {
		t.Errorf("the feed is %q", got)
	}
}

func TestOneOperationsErrorIsItsOwn(t *testing.T) {
	s := openTest(t, Options{})
	// Operations that meet in one group: the committer is held until all are queued.
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.commit(context.Background(), func(*writeTx) error {
			close(held)
			<-hold
			return nil
		})
	}()
	<-held
	wrong := errors.New("not this one")
	results := make([]error, 6)
	hooks := make([]bool, 6)
	var ops sync.WaitGroup
	for i := range results {
		ops.Go(func() {
			results[i] = s.commit(context.Background(), func(tx *writeTx) error {
				if err := tx.createHead(tidings.AccountID(i + 1)); err != nil {
					return err
				}
				tx.onCommit(func() { hooks[i] = true })
				switch i % 3 {
				case 1:
					return wrong
				case 2:
					return tx.createHead(tidings.AccountID(i + 1)) // breaks a rule of the schema
				}
				return nil
			})
		})
	}
	for len(s.committer.queue) < len(results) {
		runtime.Gosched()
	}
	close(hold)
	ops.Wait()
	for i, err := range results {
		_, headErr := s.Head(t.Context(), tidings.AccountID(i+1))
		switch stored := headErr == nil; {
		case i%3 == 0 && (err != nil || !stored || !hooks[i]):
			t.Errorf("operation %d: %v, stored %v, told %v", i, err, stored, hooks[i])
		case i%3 != 0 && (err == nil || stored || hooks[i]):
			t.Errorf("operation %d, which fails: %v, stored %v, told %v", i, err, stored, hooks[i])
		}
	}
	if !errors.Is(results[1], wrong) {
		t.Errorf("operation 1 answers %v", results[1])
	}
	if s.Stats().Commits != 2 {
		t.Errorf("%d commits, want one for the held operation and one for the group", s.Stats().Commits)
	}
}

func TestAnOperationThatFailsAloneLeavesNothing(t *testing.T) {
	s := openTest(t, Options{})
	feeds(t, s, 1)
	if _, err := one(s, 0); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("not this one")
	for name, fail := range map[string]func(tx *writeTx) error{
		"an error of ours":            func(*writeTx) error { return wrong },
		"a broken rule of the schema": func(tx *writeTx) error { return tx.createHead(2) },
	} {
		told := false
		err := s.commit(t.Context(), func(tx *writeTx) error {
			tx.onCommit(func() { told = true })
			if err := tx.createHead(2); err != nil {
				return err
			}
			return fail(tx)
		})
		if _, headErr := s.Head(t.Context(), 2); err == nil || tidings.CodeOf(headErr) != tidings.CodeNotFound || told {
			t.Errorf("%s: %v; its head: %v, told %v", name, err, headErr, told)
		}
		if s.Err() != nil {
			t.Errorf("%s became the store's: %v", name, s.Err())
		}
	}
	if result, err := one(s, 1); err != nil || result.First != 2 {
		t.Errorf("the append after them = %+v, %v", result, err)
	}
}

func TestAnOperationThatFailsTakesNothingElseWithIt(t *testing.T) {
	s := openTest(t, Options{})
	feeds(t, s, 1)
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.commit(context.Background(), func(*writeTx) error {
			close(held)
			<-hold
			return nil
		})
	}()
	<-held
	var writers sync.WaitGroup
	var appendErr, opErr error
	writers.Go(func() { _, appendErr = one(s, 0) })
	writers.Go(func() {
		opErr = s.commit(context.Background(), func(tx *writeTx) error { return errors.Join(tx.createHead(2), errors.New("not this one")) })
	})
	for len(s.committer.queue) < 2 {
		runtime.Gosched()
	}
	close(hold)
	writers.Wait()
	if got := readFeed(t, s, 1); appendErr != nil || opErr == nil || len(got) != 1 {
		t.Errorf("append %v, operation %v, %d activities in the feed, want 1", appendErr, opErr, len(got))
	}
}

func TestLogStaysBoundedUnderConstantLoad(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		t.Run(fmt.Sprintf("checkpoints stuck=%v", stuck), func(t *testing.T) {
			dir := fresh.Dir(t)
			s := openTest(t, Options{Dir: dir, TailBytes: -1})
			if stuck { // whoever has their one connection holds them up
				conn, err := s.engine.(*sqliteEngine).checkpointer.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			writeMuch(t, s)
			info, err := os.Stat(filepath.Join(dir, databaseFile+"-wal"))
			if err != nil {
				t.Fatal(err)
			}
			if limit := int64(3 * walLimit); info.Size() > limit {
				t.Errorf("the write-ahead log has %d MiB, want at most %d", info.Size()>>20, limit>>20)
			}
		})
	}
}

// writeMuch writes 288 MB as fast as it goes.
func writeMuch(t *testing.T, s *Store) {
	feeds(t, s, 4)
	noise := make([]byte, 16*60_000) // does not compress
	state := uint64(1)
	for i := range noise {
		state = state*6364136223846793005 + 1442695040888963407
		noise[i] = byte(state >> 56)
	}
	batch := make([]tidings.Activity, 16)
	for i := range batch {
		batch[i] = sample(i)
		batch[i].Wire = noise[i*60_000 : (i+1)*60_000]
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for range 75 {
				if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: tidings.AccountID(w + 1), Activities: batch}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
}

func TestEveryCommitIsSynced(t *testing.T) {
	s := openTest(t, Options{})
	var journal string
	var synchronous int
	if err := s.committer.conn.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if err := s.committer.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil {
		t.Fatal(err)
	}
	if journal != "wal" || synchronous != 2 {
		t.Errorf("journal_mode %s, synchronous %d, want wal and 2 (FULL: the log is synced with every commit)", journal, synchronous)
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s, err := OpenSQLite(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	feeds(t, s, 1)
	if _, err := s.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: samples(1000)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
}
