package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tidings"
)

// filledDirectory makes a data directory with rows in every table that there is.
func filledDirectory(t *testing.T) (dir string, keys Keyring) {
	t.Helper()
	dir = t.TempDir()
	keys, err := LoadOrCreateKeyring(filepath.Join(dir, "tidings.key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSQLite(t.Context(), Options{Dir: dir, Keys: keys, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := s.CreateAccount(t.Context(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	e := tidings.Endpoint{Account: account.ID, Name: "e", URL: "https://crm.example/in", State: tidings.StateActive, Auth: &tidings.BasicAuth{Username: "ann", Password: "secret"}}
	if _, err := s.CreateEndpoint(t.Context(), e, tidings.Start{Beginning: true}, "admin"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := s.Append(t.Context(), tidings.AppendRequest{Account: account.ID, Activities: importActivities(1 + 50*i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, databaseFile)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fillTables(t, db)
	return dir, keys
}

func importActivities(n int) []tidings.Activity {
	list := make([]tidings.Activity, n)
	for i := range list {
		list[i] = tidings.Activity{
			Wire: fmt.Appendf(nil, `{"contactId":%d,"activityStatus":"DELIVERED","mediaType":"email"}`, i+1),
			At:   1_700_000_000 + int64(i), Kind: tidings.KindOf(tidings.Delivered, tidings.Email),
		}
	}
	return list
}

// fillTables adds rows to every table but the feed's: texts that PostgreSQL does not take as they are, bytes, and references that hold.
func fillTables(t *testing.T, db *sql.DB) {
	t.Helper()
	w := &importing{from: db}
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'contact_name%'
		AND name NOT LIKE 'frame_%' AND name NOT IN ('goose_db_version', 'head', 'month') ORDER BY rowid`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	if err := eachRow(rows, 1, func(row []any) { tables = append(tables, row[0].(string)) }); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		n := 3
		if table == "contact" || table == "contact_key" {
			n = importRows + 7
		}
		insertRows(t, w.from, table, n)
	}
}

func insertRows(t *testing.T, db *sql.DB, table string, n int) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	info, err := tx.Query(`SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid`, table)
	if err != nil {
		t.Fatal(err)
	}
	var columns, kinds []string
	var keyed []bool
	if err := eachRow(info, 3, func(row []any) {
		columns, kinds, keyed = append(columns, row[0].(string)), append(kinds, row[1].(string)), append(keyed, row[2].(int64) > 0)
	}); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= n; k++ {
		var values []any
		var places []string
		for i, c := range columns {
			values, places = append(values, rowValue(c, kinds[i], keyed[i], k+firstFilled-1)), append(places, fmt.Sprint("$", i+1))
		}
		if _, err := tx.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quoted([]string{table}), quoted(columns), strings.Join(places, ", ")), values...); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// firstFilled is the first id of what fillTables adds.
const firstFilled = 101

func rowValue(column, kind string, key bool, k int) any {
	switch {
	case column == "account" && !key:
		return 1
	case column == "type" && kind == "INTEGER":
		return firstFilled
	case column == "secrets", column == "secret", column == "headers":
		return nil
	case kind == "INTEGER":
		return k
	case kind == "BLOB":
		return []byte{byte(k), byte(k >> 8), 0, 255}
	case key, column == "key", column == "instance":
		return fmt.Sprintf("%s %08d ä", column, k)
	}
	return fmt.Sprintf("%s %d \x00 ö", column, k)
}

func TestAnImportTakesEveryTableOver(t *testing.T) {
	dir, keys := filledDirectory(t)
	target := PostgresDatabase(t)
	job := Import{Dir: dir, DSN: target, Keys: keys}
	tables, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	for _, table := range tables {
		if rows += table.Rows; table.Rows == 0 {
			t.Errorf("table %s was compared with no rows in it", table.Name)
		}
	}
	if len(tables) < 30 || rows < 2*importRows {
		t.Errorf("%d tables with %d rows were imported", len(tables), rows)
	}
	if _, err := job.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "was finished") {
		t.Errorf("a second import: %v", err)
	}
	s := openNode(t, Options{DSN: target, Keys: keys})
	from, err := OpenSQLite(t.Context(), Options{Dir: dir, Keys: keys, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	sameFeed(t, from, s)
	var found int
	if err := s.row(t.Context(), `SELECT count(*) FROM contact_word WHERE account = $1 AND word = $2 AND contact = $3`, 1, "177", 177).Scan(&found); err != nil || found != 1 {
		t.Errorf("a contact is found by a word of its name %d times: %v", found, err)
	}
	e, _, err := s.Lane(t.Context(), 1)
	if err != nil || e.Auth == nil || e.Auth.Password != "secret" {
		t.Errorf("an endpoint's secrets: %v, %v", e.Auth, err)
	}
	account, _, err := s.CreateAccount(t.Context(), "new", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil || account.ID != firstFilled+3 {
		t.Errorf("a new account gets the id %d: %v", account.ID, err)
	}
}

func sameFeed(t *testing.T, a, b *Store) {
	t.Helper()
	q := tidings.ReadQuery{Account: 1, MaxItems: 1 << 20, MaxBytes: 1 << 30}
	var texts [2]string
	for i, s := range []*Store{a, b} {
		page, err := s.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Chunks {
			texts[i] += string(c.Body)
		}
	}
	if texts[0] != texts[1] || texts[0] == "" {
		t.Errorf("the feeds differ: %d and %d bytes", len(texts[0]), len(texts[1]))
	}
	last, err := a.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: importActivities(1)})
	if err != nil {
		t.Fatal(err)
	}
	next, err := b.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: importActivities(1)})
	if err != nil || next.First != last.First {
		t.Errorf("the feed goes on at %d, not at %d: %v", next.First, last.First, err)
	}
}

func TestAnImportThatBrokeOffGoesOn(t *testing.T) {
	dir, keys := filledDirectory(t)
	target := PostgresDatabase(t)
	errBroken := errors.New("broken off")
	steps := 0
	for again := 1; ; again++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		count := 0
		_, err := Import{Dir: dir, DSN: target, Keys: keys, Progress: func(s ImportStep) {
			if count++; count == 25*again && !s.Comparing {
				cancel(errBroken)
			}
			steps++
		}}.Run(ctx)
		broken := context.Cause(ctx)
		cancel(nil)
		if err == nil {
			if again < 3 {
				t.Errorf("the import was done in %d goes: it was not broken off", again)
			}
			break
		}
		if !errors.Is(broken, errBroken) {
			t.Fatal(err)
		}
		if _, err := OpenPostgres(t.Context(), Options{DSN: target, Keys: keys}); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Fatalf("a database with half an import is opened: %v", err)
		}
	}
}

func TestAnImportRefusesWhatItCouldSpoil(t *testing.T) {
	dir, keys := filledDirectory(t)
	other, otherKeys := filledDirectory(t)
	target := PostgresDatabase(t)
	refused := func(job Import, words string) {
		t.Helper()
		if _, err := job.Run(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("want a refusal with %q, got %v", words, err)
		}
	}
	refused(Import{Dir: t.TempDir(), DSN: target, Keys: keys}, "is no data directory")
	refused(Import{Dir: dir, DSN: target, Keys: otherKeys}, "secrets of endpoint")
	s, err := OpenSQLite(t.Context(), Options{Dir: dir, Keys: keys, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	refused(Import{Dir: dir, DSN: target, Keys: keys}, "is in use")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (Import{Dir: dir, DSN: target, Keys: keys}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(Import{Dir: other, DSN: target, Keys: otherKeys}, "secrets of endpoint")
	full := PostgresDatabase(t)
	lane(t, openNode(t, Options{DSN: full, Keys: keys}))
	refused(Import{Dir: dir, DSN: full, Keys: keys}, "not empty")
}

func TestAnImportFindsWhatIsNotTheSame(t *testing.T) {
	dir, keys := filledDirectory(t)
	target := PostgresDatabase(t)
	job := Import{Dir: dir, DSN: target, Keys: keys}
	spoiled := false
	job.Progress = func(s ImportStep) {
		if !s.Comparing || spoiled {
			return
		}
		spoiled = true
		conn, err := pgx.Connect(t.Context(), target)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `UPDATE audit SET actor = 'someone' WHERE id = (SELECT max(id) FROM audit)`); err != nil {
			t.Error(err)
		}
	}
	if _, err := job.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "table audit: it differs") {
		t.Errorf("a row that was changed on the way: %v", err)
	}
}
