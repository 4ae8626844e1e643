package pgtest_test

import (
	"os"
	"syscall"
	"testing"

	"tidings/store/pgtest"
)

var postgres pgtest.Shared

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

func TestWhatWasCommittedOutlivesAServerThatIsKilled(t *testing.T) {
	postgres.Database(t) // skips where there is no PostgreSQL
	s, err := pgtest.Start(t.Context(), pgtest.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Exec(t.Context(), "postgres", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "postgres", "INSERT INTO kept SELECT 1/count(*) FROM kept"); err != nil {
		t.Fatal(err)
	}
}

func TestAStandbyHasWhatWasCommittedBeforeItIsPromoted(t *testing.T) {
	postgres.Database(t)
	primary, err := pgtest.Start(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer primary.Close()
	standby, err := primary.Standby(t.Context(), "second", pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	if err := primary.Reload(t.Context(), map[string]string{"synchronous_standby_names": "second"}); err != nil {
		t.Fatal(err)
	}
	if err := primary.Exec(t.Context(), "postgres", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Exec(t.Context(), "postgres", "INSERT INTO kept SELECT 1/count(*) FROM kept"); err != nil {
		t.Fatal(err)
	}
}
