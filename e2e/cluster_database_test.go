package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tidings"
	"tidings/store/pgtest"
)

// What becomes of the deliveries when the database dies, restarts, is full or
// is replaced.

// TestADatabaseThatRestartsLosesNothing restarts PostgreSQL in order and as after a
// crash, ends its sessions at random, and takes all its connections away.
func TestADatabaseThatRestartsLosesNothing(t *testing.T) {
	t.Parallel()
	db, dsn := ownServer(t, map[string]string{"max_connections": "60"})
	c := newCluster(t, dsn, 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 6)
	l.flows()
	for _, how := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := db.Stop(how); err != nil {
			t.Fatal(err)
		}
		after(t, 500*time.Millisecond)
		if err := db.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.flows()
		t.Logf("deliveries go on after signal %d to the database", how)
	}
	if err := db.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	after(t, tidings.LeaseTTL+2*time.Second)
	if err := db.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.flows()
	t.Log("deliveries go on after the database was away for longer than leases hold")
	for range 10 {
		if _, err := db.Terminate(t.Context(), "tidings", 3); err != nil {
			t.Log(err)
		}
		after(t, 200*time.Millisecond)
	}
	l.flows()
	t.Log("deliveries go on after sessions were ended")
	release := exhaust(t, dsn)
	if _, err := db.Terminate(t.Context(), "tidings", 0); err == nil {
		t.Log("all sessions were ended, and others took some of their places")
	}
	after(t, 3*time.Second)
	release()
	l.flows()
	t.Log("deliveries go on after there was no connection to be had")
	c.settles(c.nodes...)
	l.ends()
	c.sink.overlapped(0)
}

// exhaust takes all connections that the server gives to who is no superuser,
// and some more, until release.
func exhaust(t *testing.T, dsn string) (release func()) {
	t.Helper()
	var taken []*pgx.Conn
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn, err := pgx.Connect(ctx, dsn)
		cancel()
		if err != nil {
			break
		}
		taken = append(taken, conn)
	}
	t.Logf("%d connections are taken away", len(taken))
	return func() {
		for _, conn := range taken {
			_ = conn.Close(context.Background())
		}
	}
}

// TestAStandbyThatIsPromotedHasAllThatWasAcknowledged loses the primary for good. Its
// synchronous standby takes its place, and the nodes find it.
func TestAStandbyThatIsPromotedHasAllThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	primary, dsn := ownServer(t, nil)
	standby, err := primary.Standby(t.Context(), "standby", pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := primary.Reload(t.Context(), map[string]string{"synchronous_standby_names": "standby", "synchronous_commit": "on"}); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, dsn, 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 6)
	l.flows()
	lost := time.Now()
	if err := primary.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	host, _ := hostOf(t, standby.DSN("tidings"))
	for _, n := range c.nodes {
		n.wire.lead(host)
	}
	l.flows()
	if took := time.Since(lost); took > takeover+tidings.LeaseTTL {
		t.Errorf("deliveries went on after %s", took)
	} else {
		t.Logf("deliveries went on %s after the primary was lost", took.Round(time.Millisecond))
	}
	c.settles(c.nodes...)
	l.ends()
	c.sink.overlapped(0)
}

// TestADataDirectoryMovesToPostgreSQL serves a data directory, takes it over, and
// serves the database: the receiver sees one feed that goes on.
func TestADataDirectoryMovesToPostgreSQL(t *testing.T) {
	t.Parallel()
	dsn := sharedDatabase(t)
	old := newServer(t)
	account := old.newAccount(t, "shop")
	sink := newSink(t, "")
	e := account.newEndpoint(t, map[string]any{"url": sink.URL, "batch": map[string]any{"maxItems": 7}})
	account.send(t, activities(1, 1, 500))
	sink.wants(t, 100)
	sink.answer(always(503)) // the rest is left to the new server
	account.send(t, activities(1, 501, 500))
	old.terminate()
	code, out, errs := run(t, "import-sqlite", old.data, "--db", dsn)
	if code != 0 {
		t.Fatalf("import-sqlite ended with %d:\n%s%s", code, out, errs)
	}
	sink.answer(nil)
	n := &server{t: t, addr: freeAddr(t), data: old.data, args: []string{"--db", dsn}}
	n.start()
	moved := n.as(account.token)
	moved.send(t, activities(1, 1001, 200))
	sink.wants(t, 1200)
	same(t, sink.got(), activities(1, 1, 1200))
	if again := moved.endpoint(t, e.ID); again.Cursor != 1200 {
		t.Errorf("the endpoint stands at %d", again.Cursor)
	}
	if code, out, _ := run(t, "import-sqlite", old.data, "--db", dsn); code != 1 {
		t.Errorf("a second import ended with %d:\n%s", code, out)
	}
}

// TestADatabaseThatCannotBeUsedIsRefusedInWords: what is wrong and what to do, no
// password, exit code 1, and nothing touched.
func TestADatabaseThatCannotBeUsedIsRefusedInWords(t *testing.T) {
	t.Parallel()
	dsn := sharedDatabase(t)
	host, with := hostOf(t, dsn)
	keys := filepath.Join(t.TempDir(), "tidings.key")
	nowhere := freeAddr(t)
	for _, c := range []struct{ name, dsn, words string }{
		{"no DSN", "postgres://user:hush@[::1", "can't be read"},
		{"nobody listens", with(nowhere), nowhere[len("127.0.0.1:"):]},
		{"no such database", strings.Replace(dsn, "/tidings_test", "/no_such_database", 1), "database"},
		{"no such user", strings.Replace(dsn, "postgres@", "nobody:hush@", 1), "nobody"},
	} {
		code, out, errs := run(t, "migrate", "--db", c.dsn, "--secret-key-file", keys)
		if code != 1 || !strings.Contains(errs, c.words) || strings.Contains(out+errs, "hush") {
			t.Errorf("%s: ended with %d and says %q", c.name, code, out+errs)
		}
		if _, err := os.Stat(keys); err == nil {
			t.Errorf("%s: a key file was left", c.name)
		}
	}
	if code, _, errs := run(t, "serve", "--db", dsn, "--secret-key-file", keys, "--addr", freeAddr(t)); code != 1 || !strings.Contains(errs, "tidings migrate") {
		t.Errorf("a node without the key file ended with %d and says %q", code, errs)
	}
	if code, _, errs := run(t, "serve", "--db", dsn, "--addr", freeAddr(t)); code != 2 || !strings.Contains(errs, "--secret-key-file") {
		t.Errorf("a node that names no key file ended with %d and says %q", code, errs)
	}
	if code, _, errs := run(t, "backup", "--db", dsn, filepath.Join(t.TempDir(), "b")); code != 2 || !strings.Contains(errs, "pg_dump") {
		t.Errorf("backup of a database ended with %d and says %q", code, errs)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var tables int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables were made on %s: %v", tables, host, err)
	}
	if code, out, errs := run(t, "migrate", "--db", dsn, "--secret-key-file", keys); code != 0 {
		t.Fatalf("migrate: %s%s", out, errs)
	}
	if _, err := conn.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true); UPDATE schema_compatible SET compatible_from = 99999`); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "serve", "--db", dsn, "--secret-key-file", keys, "--addr", freeAddr(t)); code != 1 || !strings.Contains(errs, "newer version") {
		t.Errorf("a database that is ahead: ended with %d and says %q", code, errs)
	}
	// The next version has been rolled out on another node, and says that this one may go on.
	if _, err := conn.Exec(t.Context(), `UPDATE schema_compatible SET compatible_from = 1`); err != nil {
		t.Fatal(err)
	}
	start(t, "serve", "--db", dsn, "--secret-key-file", keys, "--addr", freeAddr(t)).says(t, "is ready on")
}
