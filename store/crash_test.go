package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tidings"
	"tidings/store/pgtest"
)

// postgres is the server of all tests that want one. Its databases have the
// schema already.
var postgres = pgtest.Shared{Prepare: func(dsn string) error {
	s, err := OpenPostgres(context.Background(), Options{DSN: dsn, SealEvery: -1})
	if err != nil {
		return err
	}
	return s.Close()
}}

// TestMain makes the test binary play the other process where a test needs one.
func TestMain(m *testing.M) {
	children := map[string]func(dir string) error{
		"append until killed": childAppends,
		"fill the disk":       childFillsDisk,
	}
	role := os.Getenv("STORE_TEST_CHILD")
	if role == "" {
		os.Exit(postgres.Run(m))
	}
	if err := children[role](os.Getenv("STORE_TEST_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+role, "STORE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// numbered is an activity that says which writer's which it is.
func numbered(writer, i int) tidings.Activity {
	a := sample(i)
	a.Wire = fmt.Appendf(nil, `{"writer":%d,"i":%d,"pad":%q}`, writer, i, strings.Repeat("x", i%700))
	return a
}

// childAppends appends from several writers and prints what was acknowledged:
// account, first and last seq, writer, number of the first.
func childAppends(dir string) error {
	s, err := OpenSQLite(context.Background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	var out sync.Mutex
	var writers sync.WaitGroup
	for w := range 6 {
		writers.Go(func() {
			for i := 0; ; {
				batch := make([]tidings.Activity, 1+rand.IntN(40))
				for k := range batch {
					batch[k] = numbered(w, i+k)
				}
				account := tidings.AccountID(1 + w%2)
				result, err := s.Append(context.Background(), tidings.AppendRequest{Account: account, Activities: batch})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				out.Lock()
				fmt.Println(account, result.First, result.Last, w, i)
				out.Unlock()
				i += len(batch)
			}
		})
	}
	writers.Wait()
	return nil
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSQLite(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	feeds(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var acks [][5]int
	for round := range 5 {
		acks = append(acks, killedAfter(t, dir, 30+round*60)...)
		s, err := OpenSQLite(t.Context(), Options{Dir: dir, TailBytes: -1})
		if err != nil {
			t.Fatal(err)
		}
		for account := range 2 {
			wires := readFeed(t, s, tidings.AccountID(account+1))
			for _, ack := range acks {
				if ack[0] != account+1 {
					continue
				}
				for seq := ack[1]; seq <= ack[2]; seq++ {
					want := string(numbered(ack[3], ack[4]+seq-ack[1]).Wire)
					if seq > len(wires) || wires[seq-1] != want {
						t.Fatalf("round %d: account %d: acknowledged activity %d of %d is not what was sent", round, account+1, seq, len(wires))
					}
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedAfter lets a child append, kills it after a number of acks, and gives all acks that it printed.
func killedAfter(t *testing.T, dir string, n int) [][5]int {
	t.Helper()
	cmd := child(t, "append until killed", dir)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acks [][5]int
	for in := bufio.NewReader(pipe); ; {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break // a cut off last line is no ack that anybody read
		}
		if err != nil {
			t.Fatal(err)
		}
		var ack [5]int
		for i, field := range strings.Fields(line) {
			if ack[i], err = strconv.Atoi(field); err != nil {
				t.Fatal(err)
			}
		}
		acks = append(acks, ack)
		if len(acks) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(acks) < n {
		t.Fatalf("the child ended by itself after %d acks: %v", len(acks), err)
	}
	return acks
}

// readFeed reads a whole feed and fails at a gap.
func readFeed(t *testing.T, s *Store, account tidings.AccountID) []string {
	t.Helper()
	head, err := s.Head(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	var wires []string
	for after := tidings.Seq(0); after < head; {
		page, err := s.Read(t.Context(), tidings.ReadQuery{Account: account, After: after, MaxItems: 1000, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Chunks {
			if c.First != after+1 {
				t.Fatalf("a chunk begins at %d after %d", c.First, after)
			}
			for i := range c.Len() {
				wires = append(wires, string(c.Wire(i)))
			}
			after = c.Last()
		}
	}
	return wires
}

// childFillsDisk appends until the files may grow no more, then lets them grow
// and goes on, and checks at every step what clients are told.
func childFillsDisk(dir string) error {
	signal.Ignore(syscall.SIGXFSZ) // so that the write fails instead
	s, err := OpenSQLite(context.Background(), Options{Dir: dir, TailBytes: -1})
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	room := limit
	limit.Cur = 1 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	i, failed := 0, 0
	for ; failed < 20; i++ {
		_, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{numbered(0, i-failed)}})
		if err == nil && failed > 0 {
			return fmt.Errorf("append %d succeeded on a full disk", i)
		}
		if err != nil {
			failed++
			if code := tidings.CodeOf(err); code != tidings.CodeUnavailable || !strings.Contains(err.Error(), "nothing was stored") || s.Err() == nil {
				return fmt.Errorf("append %d on a full disk: code %q: %w; Err: %w", i, code, err, s.Err())
			}
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	for n := i - failed; n < i-failed+10; n++ {
		result, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{numbered(0, n)}})
		if err != nil || result.First != tidings.Seq(n+1) || s.Err() != nil {
			return fmt.Errorf("append %d when there is room again: %+v, %w; Err: %w", n, result, err, s.Err())
		}
	}
	fmt.Println(i - failed + 10)
	return s.Close()
}

func TestFullDiskIsSaidAndRecoversWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSQLite(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	feeds(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := child(t, "fill the disk", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || want < 20 {
		t.Fatalf("the child stored %q activities", out)
	}
	if s, err = OpenSQLite(t.Context(), Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wires := readFeed(t, s, 1)
	if len(wires) != want {
		t.Fatalf("%d activities are there, %d were acknowledged", len(wires), want)
	}
	for i, wire := range wires {
		if wire != string(numbered(0, i).Wire) {
			t.Fatalf("activity %d is %s", i+1, wire)
		}
	}
}
