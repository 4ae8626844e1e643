package store

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidings"
	"tidings/store/pgtest"
)

// changed gives a DSN with something of it changed.
func changed(t *testing.T, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func TestDatabaseThatCantBeUsedIsRefusedWithWhatToDo(t *testing.T) {
	server := faultyServer(t, pgtest.Options{})
	admin := func(database, statements string) {
		t.Helper()
		if err := server.Exec(t.Context(), database, statements); err != nil {
			t.Fatal(err)
		}
	}
	admin("postgres", `CREATE ROLE ann LOGIN PASSWORD 'secret-word'`)
	admin("postgres", `CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`)
	admin("postgres", `CREATE DATABASE plain`)
	admin("plain", `ALTER ROLE ann SET search_path = nowhere; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	admin("postgres", `CREATE ROLE bob LOGIN PASSWORD 'secret-word'`)
	if err := server.RequirePassword(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	dsn := server.DSN("plain")
	with := func(change func(*url.URL)) string { return changed(t, dsn, change) }
	for _, c := range []struct{ name, dsn, says string }{
		{"no DSN", "postgres://ann:secret-word@host:port", "can't be read"},
		{"words", "my secret-word", "can't be read"},
		{"nobody listens", with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "can't be reached: connect: connection refused"},
		{"no such host", with(func(u *url.URL) { u.Host = "no.such.host.invalid:5432" }), "no.such.host.invalid"},
		{"wrong password", with(func(u *url.URL) { u.User = url.UserPassword("ann", "wrong-secret-word") }), `refuses the password of user "ann"`},
		{"no such user", with(func(u *url.URL) { u.User = url.User("zoe") }), `does not let user "zoe" in`},
		{"no such database", with(func(u *url.URL) { u.Path = "/missing" }), `createdb --encoding=UTF8 --owner=postgres missing`},
		{"wrong encoding", with(func(u *url.URL) { u.Path = "/latin" }), "encoding LATIN1"},
		{"no schema", with(func(u *url.URL) { u.User = url.UserPassword("ann", "secret-word") }), "search_path"},
		{"no rights", with(func(u *url.URL) { u.User = url.UserPassword("bob", "secret-word") }), "GRANT CREATE, USAGE ON SCHEMA public TO bob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := OpenPostgres(t.Context(), Options{DSN: c.dsn})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret-word") {
				t.Errorf("the error is %q, want it to say %q and no password", err, c.says)
			}
		})
	}
	admin("plain", `DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public') THEN RAISE 'touched'; END IF; END $$`)
}

func TestNewerDatabaseIsRefusedUnlessItSaysThatWeCanUseIt(t *testing.T) {
	o := Options{DSN: PostgresDatabase(t), SealEvery: -1}
	s := openNode(t, o)
	execute(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`)
	execute(t, s, `UPDATE schema_compatible SET compatible_from = 99`)
	if _, err := OpenPostgres(t.Context(), o); err == nil || !strings.Contains(err.Error(), "newer version of the program (schema 99") {
		t.Fatalf("open: %v", err)
	}
	execute(t, s, `UPDATE schema_compatible SET compatible_from = 2`) // the next version, in the time of a roll
	openNode(t, o)
}

func TestNodesThatStartAtOnceMakeOneSchema(t *testing.T) {
	o := Options{DSN: postgres.Empty(t), SealEvery: -1}
	var starts sync.WaitGroup
	for range 4 {
		starts.Go(func() {
			s, err := OpenPostgres(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
}

func TestDatabaseOfOtherKeysIsRefused(t *testing.T) {
	keys := func() Keyring {
		ring, err := LoadOrCreateKeyring(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	o := Options{DSN: PostgresDatabase(t), SealEvery: -1, Keys: keys()}
	s := openNode(t, o)
	account, _, err := s.CreateAccount(t.Context(), "a", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	e := tidings.Endpoint{Account: account.ID, Name: "e", URL: "https://crm.example/in", State: tidings.StateActive, Auth: &tidings.BasicAuth{Username: "u", Password: "p"}}
	if _, err := s.CreateEndpoint(t.Context(), e, tidings.Start{Now: true}, "admin"); err != nil {
		t.Fatal(err)
	}
	o.Keys = keys()
	if _, err := OpenPostgres(t.Context(), o); err == nil || !strings.Contains(err.Error(), "secrets of endpoints") {
		t.Fatalf("open: %v", err)
	}
}

// TestBothSchemasHaveTheSameTables holds the two sets of migrations together.
func TestBothSchemasHaveTheSameTables(t *testing.T) {
	pg := openNode(t, Options{DSN: PostgresDatabase(t), SealEvery: -1})
	lite := openTest(t, Options{})
	columns := func(s *Store, query string) map[string]bool {
		t.Helper()
		rows, err := s.reader.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		found := map[string]bool{}
		for rows.Next() {
			var table, column string
			if err := rows.Scan(&table, &column); err != nil {
				t.Fatal(err)
			}
			found[fmt.Sprintf("%s.%s", table, column)] = true
		}
		return found
	}
	// What only one of them needs.
	const apart = `('contact_name', 'contact_word', 'node', 'lease', 'chore', 'writer', 'schema_compatible', 'goose_db_version', 'import', 'head')`
	of := columns(lite, `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'
		AND m.name NOT LIKE 'contact_name_%' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT IN `+apart)
	in := columns(pg, `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT IN `+apart)
	for c := range of {
		if !in[c] {
			t.Errorf("%s is missing on PostgreSQL", c)
		}
	}
	for c := range in {
		if !of[c] {
			t.Errorf("%s is missing on SQLite", c)
		}
	}
	if len(of) < 100 {
		t.Errorf("only %d columns were compared", len(of))
	}
}
