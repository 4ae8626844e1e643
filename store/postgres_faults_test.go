package store

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tidings"
	"tidings/store/pgtest"
)

// faultyServer is a server of the test's own, that it may treat badly.
func faultyServer(t *testing.T, o pgtest.Options) *pgtest.Server {
	t.Helper()
	postgres.Database(t) // skips where there is no PostgreSQL
	server, err := pgtest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// ledger is what clients know of their appends.
type ledger struct {
	mu      sync.Mutex
	acked   map[string]tidings.Seq // by the activity's bytes
	doubted map[string]bool        // may be stored, once at most
	refused map[string]bool        // must not be stored
}

func newLedger() *ledger {
	return &ledger{acked: map[string]tidings.Seq{}, doubted: map[string]bool{}, refused: map[string]bool{}}
}

// append appends one activity and notes what became of it.
func (l *ledger) append(t *testing.T, s *Store, a tidings.Activity) {
	r, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{a}})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acked[string(a.Wire)] = r.First
	case tidings.CodeOf(err) != tidings.CodeUnavailable:
		t.Errorf("Append: %v", err)
	case strings.Contains(err.Error(), "is not known"):
		l.doubted[string(a.Wire)] = true
	default:
		l.refused[string(a.Wire)] = true
	}
}

// count is how many appends were acknowledged.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// check compares what clients were told with what is stored.
func (l *ledger) check(t *testing.T, s *Store) {
	t.Helper()
	s.heads.forget()
	stored := map[string]bool{}
	for i, wire := range readFeed(t, s, 1) {
		if stored[wire] {
			t.Errorf("stored twice: %s", wire)
		}
		stored[wire] = true
		if seq, acked := l.acked[wire]; acked && seq != tidings.Seq(i+1) {
			t.Errorf("acknowledged as activity %d, stored as %d", seq, i+1)
		}
		if l.refused[wire] {
			t.Errorf("activity %d is stored, and its client was told that it was not", i+1)
		}
		if _, acked := l.acked[wire]; !acked && !l.doubted[wire] && !l.refused[wire] {
			t.Errorf("activity %d is nobody's", i+1)
		}
	}
	for wire, seq := range l.acked {
		if !stored[wire] {
			t.Errorf("activity %d was acknowledged and is lost", seq)
		}
	}
	t.Logf("%d acknowledged, %d refused, %d in doubt", len(l.acked), len(l.refused), len(l.doubted))
	if len(l.acked) == 0 {
		t.Error("nothing was acknowledged: the test has tested nothing")
	}
}

// load has writers append through the nodes while faults happen; it ends some
// appends after the last fault.
func (l *ledger) load(t *testing.T, nodes []*Store, faults func()) {
	t.Helper()
	var stop atomic.Bool
	var writers sync.WaitGroup
	for n, s := range nodes {
		for w := range 4 {
			writers.Go(func() {
				for i := 0; !stop.Load(); i++ {
					l.append(t, s, numbered(n*4+w, i))
				}
			})
		}
	}
	faults()
	stop.Store(true)
	writers.Wait()
	for n, s := range nodes {
		until := time.Now().Add(20 * time.Second)
		for i := 0; ; i++ { // the node comes back by itself
			if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: 2, Activities: []tidings.Activity{numbered(n, i)}}); err == nil {
				break
			} else if time.Now().After(until) {
				t.Fatalf("node %d does not come back: %v", n, err)
			}
		}
		if err := s.Err(); err != nil {
			t.Errorf("node %d is back and says %v", n, err)
		}
	}
}

func TestBackendsTerminatedUnderLoadLoseAndRepeatNothing(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	feeds(t, nodes[0], 2)
	conn, err := pgx.Connect(t.Context(), nodes[0].opts.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	l := newLedger()
	l.load(t, nodes, func() {
		for round := range 30 {
			for l.count() < 20*round { // they work in between
				if err := pause(t.Context(), time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			// One of the sessions that are in the middle of something, if there is one.
			if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT 1`); err != nil {
				t.Error(err)
			}
		}
	})
	l.check(t, nodes[0])
	if n := len(l.refused) + len(l.doubted); n > 0 {
		t.Errorf("%d appends failed, though the server was there all the time", n)
	}
}

func TestServerThatIsKilledUnderLoadLosesAndRepeatsNothing(t *testing.T) {
	server := faultyServer(t, pgtest.Options{Durable: true})
	o := Options{DSN: server.DSN("postgres"), SealEvery: -1}
	nodes := []*Store{openNode(t, o), openNode(t, o)}
	feeds(t, nodes[0], 2)
	l := newLedger()
	l.load(t, nodes, func() {
		for range 2 {
			for before := l.count(); l.count() < before+100; {
				if err := pause(t.Context(), time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			if err := server.Stop(syscall.SIGQUIT); err != nil {
				t.Error(err)
			}
			if err := server.Restart(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	l.check(t, nodes[1])
}

// TestLostAnswerToCommitIsFoundOut cuts the connection right after COMMIT was
// sent, and right before, and wants the truth of both.
func TestLostAnswerToCommitIsFoundOut(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("committed=%v", after), func(t *testing.T) {
			s := openNodes(t, 1, Options{})[0]
			feeds(t, s, 1)
			e := s.engine.(*pgEngine)
			var runs atomic.Int64
			s.committer.beforeCommit = func() error {
				if runs.Add(1) > 1 {
					return nil
				}
				var lost error
				if after { // the group commits, and nobody hears it
					if err := e.end(nil); err != nil {
						return err
					}
					lost = &doubt{io.ErrUnexpectedEOF}
				}
				e.pg.PgConn().Conn().Close()
				return lost
			}
			r, err := one(s, 1)
			if err != nil || r.First != 1 {
				t.Fatalf("Append = %+v, %v", r, err)
			}
			if got := readFeed(t, s, 1); len(got) != 1 {
				t.Errorf("stored %d times", len(got))
			}
			if want := map[bool]int64{false: 2, true: 1}[after]; runs.Load() != want {
				t.Errorf("the group was run %d times, want %d", runs.Load(), want)
			}
		})
	}
}

func TestWritesAreRefusedAtOnceWhileTheDatabaseIsAwayAndTakenWhenItIsBack(t *testing.T) {
	server := faultyServer(t, pgtest.Options{})
	s := openNode(t, Options{DSN: server.DSN("postgres"), SealEvery: -1})
	feeds(t, s, 1)
	if err := server.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_, err := one(s, 0) // waits as long as somebody may be patient
	wantCode(t, err, tidings.CodeUnavailable)
	begin := time.Now()
	for range 10 {
		_, err := one(s, 0)
		wantCode(t, err, tidings.CodeUnavailable)
	}
	if took := time.Since(begin); took > pgPatience {
		t.Errorf("10 refusals took %v", took)
	}
	if s.Err() == nil {
		t.Error("the store says that it is well")
	}
	_, err = s.Account(t.Context(), 1)
	wantCode(t, err, tidings.CodeUnavailable)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for s.Err() != nil { // nobody writes: it finds back by itself
		if err := pause(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := one(s, 0); err != nil || r.First != 1 {
		t.Errorf("Append = %+v, %v", r, err)
	}
}

func TestNodesThatLockEachOthersAccountsAllGoOn(t *testing.T) {
	nodes := openNodes(t, 3, Options{})
	feeds(t, nodes[0], 8)
	var writers sync.WaitGroup
	for _, s := range nodes {
		for range 4 {
			writers.Go(func() {
				for i := range 25 {
					// Two heads in any order, and an append beside it.
					a, b := tidings.AccountID(1+rand.IntN(8)), tidings.AccountID(1+rand.IntN(8))
					err := s.commit(context.Background(), func(tx *writeTx) error {
						if _, err := tx.head(a); err != nil {
							return err
						}
						_, err := tx.head(b)
						return err
					})
					if err != nil {
						t.Errorf("operation: %v", err)
					}
					if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: b, Activities: []tidings.Activity{sample(i)}}); err != nil {
						t.Errorf("Append: %v", err)
					}
				}
			})
		}
	}
	writers.Wait()
}

func TestServerWithoutConnectionsToSpareIsWaitedFor(t *testing.T) {
	server := faultyServer(t, pgtest.Options{Settings: map[string]string{"max_connections": "8", "superuser_reserved_connections": "0", "max_wal_senders": "0"}})
	o := Options{DSN: server.DSN("postgres"), SealEvery: -1}
	nodes := []*Store{openNode(t, o), openNode(t, o)}
	feeds(t, nodes[0], 2)
	l := newLedger()
	l.load(t, nodes, func() {
		var readers sync.WaitGroup
		for _, s := range nodes {
			for range 8 {
				readers.Go(func() {
					for range 50 {
						_, err := s.Heads(t.Context(), []tidings.AccountID{1})
						if err != nil && tidings.CodeOf(err) != tidings.CodeUnavailable {
							t.Errorf("Heads: %v", err)
						}
					}
				})
			}
		}
		readers.Wait()
	})
	l.check(t, nodes[0])
}

// TestPromotedStandbyHasAllThatWasAcknowledged loses the primary under load and
// goes on with its synchronous standby, by an address that names both.
func TestPromotedStandbyHasAllThatWasAcknowledged(t *testing.T) {
	primary := faultyServer(t, pgtest.Options{})
	standby, err := primary.Standby(t.Context(), "second", pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := primary.Reload(t.Context(), map[string]string{"synchronous_standby_names": "second"}); err != nil {
		t.Fatal(err)
	}
	o := Options{SealEvery: -1, DSN: fmt.Sprintf("postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable", primary.Port, standby.Port)}
	nodes := []*Store{openNode(t, o), openNode(t, o)}
	feeds(t, nodes[0], 2)
	l := newLedger()
	l.load(t, nodes, func() {
		for l.count() < 200 {
			if err := pause(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := primary.Stop(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		if err := standby.Promote(t.Context()); err != nil {
			t.Error(err)
		}
	})
	l.check(t, nodes[1])
}
