package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// importRows and importBytes bound one transaction of an import.
	importRows  = 5000
	importBytes = 8 << 20
)

// importTable is a table that both sides have.
type importTable struct {
	name    string
	columns []string // of the source
	key     []string // the columns of the primary key, in its order
	asBytes []bool   // of each column, whether the target keeps bytes
}

// tables gives the source's tables in the order in which they were made, which
// is one that references allow.
func (w *importing) tables(ctx context.Context) ([]*importTable, error) {
	rows, err := w.from.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table'
		AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'contact_name%' AND name <> 'goose_db_version' ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*importTable
	for rows.Next() {
		t := &importTable{}
		if err := rows.Scan(&t.name); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, t := range list {
		if err := w.describe(ctx, t); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return list, nil
}

// describe reads what a table is on both sides. A month's table is made where it is missing.
func (w *importing) describe(ctx context.Context, t *importTable) error {
	name, frames := strings.CutPrefix(t.name, "frame_")
	if frames {
		for _, statement := range frameTable() {
			if _, err := w.to.Exec(ctx, inMonth(statement, month{name: name})); err != nil {
				return err
			}
		}
	}
	types := map[string]string{}
	rows, err := w.to.Query(ctx, `SELECT column_name::text, udt_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`, t.name)
	if err != nil {
		return err
	}
	var column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error { types[column] = kind; return nil }); err != nil {
		return err
	}
	parts := map[int]string{}
	source, err := w.from.QueryContext(ctx, `SELECT name, pk FROM pragma_table_info($1) ORDER BY cid`, t.name)
	if err != nil {
		return err
	}
	defer source.Close()
	for source.Next() {
		var pk int
		if err := source.Scan(&column, &pk); err != nil {
			return err
		}
		if frames && column == "id" {
			continue // only SQLite's rows have one
		}
		kind, there := types[column]
		if !there {
			return fmt.Errorf("the database has no place for its column %s", column)
		}
		if pk > 0 {
			parts[pk] = column
		}
		t.columns, t.asBytes = append(t.columns, column), append(t.asBytes, kind == "bytea")
	}
	if frames {
		parts = map[int]string{1: "account", 2: "seq0"}
	}
	for n := 1; n <= len(parts); n++ {
		t.key = append(t.key, parts[n])
	}
	if len(t.key) == 0 {
		return errors.New("it has no primary key")
	}
	return source.Err()
}

func quoted(columns []string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(list, ", ")
}

// lastKey gives the key of the last row that the target has, nil when it has none.
func (w *importing) lastKey(ctx context.Context, t *importTable) ([]any, error) {
	order := strings.ReplaceAll(quoted(t.key)+",", ",", " DESC,")
	rows, err := w.to.Query(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT 1", quoted(t.key), quoted([]string{t.name}), strings.TrimSuffix(order, ",")))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	return rows.Values()
}

// copyTable copies what the target does not have yet.
func (w *importing) copyTable(ctx context.Context, t *importTable) error {
	var all int64
	if err := w.from.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted([]string{t.name})).Scan(&all); err != nil {
		return err
	}
	last, err := w.lastKey(ctx, t)
	if err != nil {
		return err
	}
	var done int64
	if err := w.to.QueryRow(ctx, `SELECT coalesce(max(rows), 0) FROM import WHERE name = $1`, t.name).Scan(&done); err != nil {
		return err
	}
	query := fmt.Sprintf("SELECT %s FROM %s", quoted(t.columns), quoted([]string{t.name}))
	if last != nil {
		places := make([]string, len(last))
		for i := range places {
			places[i] = fmt.Sprint("$", i+1)
		}
		query += fmt.Sprintf(" WHERE (%s) > (%s)", quoted(t.key), strings.Join(places, ", "))
	}
	rows, err := w.from.QueryContext(ctx, query+" ORDER BY "+quoted(t.key), last...)
	if err != nil {
		return err
	}
	defer rows.Close()
	w.Progress(ImportStep{Table: t.name, Done: done, All: all})
	for more := true; more; {
		var group [][]any
		if group, more, err = t.read(rows); err != nil {
			return err
		}
		if len(group) == 0 {
			break
		}
		done += int64(len(group))
		if err := w.put(ctx, t, group, done); err != nil {
			return err
		}
		w.Progress(ImportStep{Table: t.name, Done: done, All: all})
	}
	return w.setSequence(ctx, t)
}

// read gives the next rows, as the target takes them, and whether there may be more.
func (t *importTable) read(rows *sql.Rows) (group [][]any, more bool, err error) {
	size := 0
	for len(group) < importRows && size < importBytes {
		if !rows.Next() {
			return group, false, rows.Err()
		}
		row, err := scanRow(rows, len(t.columns))
		if err != nil {
			return nil, false, err
		}
		for i, v := range row {
			row[i] = t.fits(i, v)
			size += 16
			switch v := row[i].(type) {
			case string:
				size += len(v)
			case []byte:
				size += len(v)
			}
		}
		group = append(group, row)
	}
	return group, true, nil
}

func scanRow(rows interface{ Scan(...any) error }, n int) ([]any, error) {
	row, into := make([]any, n), make([]any, n)
	for i := range row {
		into[i] = &row[i]
	}
	return row, rows.Scan(into...)
}

// fits gives a value as the target's column takes it: bytes, or a text without
// what PostgreSQL's texts can't have.
func (t *importTable) fits(column int, v any) any {
	switch v := v.(type) {
	case string:
		if t.asBytes[column] {
			return []byte(v)
		}
		return pgText(v)
	case []byte:
		if !t.asBytes[column] {
			return pgText(string(v))
		}
		if v == nil {
			return []byte{} // an empty one, which is not NULL
		}
	}
	return v
}

// put stores rows and how far the table is.
func (w *importing) put(ctx context.Context, t *importTable, group [][]any, done int64) error {
	return pgx.BeginFunc(ctx, w.to, func(tx pgx.Tx) error {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(group)); err != nil {
			return err
		}
		if t.name == "contact" {
			if err := putImportedNames(ctx, tx, t, group); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO import (name, mark, rows, finished) VALUES ($1, '', $2, 0) ON CONFLICT (name) DO UPDATE SET rows = excluded.rows`, t.name, done)
		return err
	})
}

// putImportedNames makes contacts findable by the words of their names. SQLite keeps them in another form.
func putImportedNames(ctx context.Context, tx pgx.Tx, t *importTable, group [][]any) error {
	at := func(column string) int { return slices.Index(t.columns, column) }
	id, account, first, last := at("id"), at("account"), at("first_name"), at("last_name")
	var words [][]any
	for _, row := range group {
		name := plainName(row[first].(string)) + " " + plainName(row[last].(string))
		for _, word := range foldedWords(name) {
			words = append(words, []any{row[account], word, row[id]})
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"contact_word"}, []string{"account", "word", "contact"}, pgx.CopyFromRows(words))
	return err
}

// setSequence has new rows numbered after all that there ever were.
func (w *importing) setSequence(ctx context.Context, t *importTable) error {
	if t.name == "head" { // when the newest activities arrived is only an order here: not after now
		_, err := w.to.Exec(ctx, `UPDATE head SET arrived = $1 WHERE next_seq > 1`, time.Now().UnixMilli())
		return err
	}
	var last int64
	err := w.from.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = $1`, t.name).Scan(&last)
	if err != nil || last == 0 {
		return err
	}
	_, err = w.to.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, 'id'), $2)`, t.name, last)
	return err
}

// compare reads a table from both sides and wants the same.
func (w *importing) compare(ctx context.Context, t *importTable) (ImportedTable, error) {
	ours, theirs := ImportedTable{Name: t.name}, ImportedTable{Name: t.name}
	var all int64
	if err := w.from.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted([]string{t.name})).Scan(&all); err != nil {
		return ours, err
	}
	query := fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", quoted(t.columns), quoted([]string{t.name}), quoted(t.key))
	source, err := w.from.QueryContext(ctx, query)
	if err != nil {
		return ours, err
	}
	sum := sha256.New()
	err = eachRow(source, len(t.columns), func(row []any) {
		for i := range row {
			row[i] = t.fits(i, row[i])
		}
		digestRow(sum, row)
		if ours.Rows++; ours.Rows%importRows == 0 {
			w.Progress(ImportStep{Table: t.name, Done: ours.Rows, All: 2 * all, Comparing: true})
		}
	})
	if err != nil {
		return ours, err
	}
	sum.Sum(ours.Digest[:0])
	sum.Reset()
	rows, err := w.to.Query(ctx, query)
	if err != nil {
		return ours, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return ours, err
		}
		digestRow(sum, row)
		if theirs.Rows++; theirs.Rows%importRows == 0 {
			w.Progress(ImportStep{Table: t.name, Done: all + theirs.Rows, All: 2 * all, Comparing: true})
		}
	}
	sum.Sum(theirs.Digest[:0])
	if err := rows.Err(); err != nil {
		return ours, err
	}
	if ours != theirs {
		return ours, fmt.Errorf("it differs: %d rows with digest %x here, %d with %x there: import into a new, empty database", ours.Rows, ours.Digest[:8], theirs.Rows, theirs.Digest[:8])
	}
	w.Progress(ImportStep{Table: t.name, Done: 2 * all, All: 2 * all, Comparing: true})
	return ours, nil
}

// eachRow gives every row and closes the rows.
func eachRow(rows *sql.Rows, n int, each func([]any)) error {
	defer rows.Close()
	for rows.Next() {
		row, err := scanRow(rows, n)
		if err != nil {
			return err
		}
		each(row)
	}
	return rows.Err()
}

// digestRow adds a row to a digest, so that no two rows are told by the same bytes.
func digestRow(sum hash.Hash, row []any) {
	var buf [9]byte
	for _, v := range row {
		kind, text := byte(0), ""
		switch v := v.(type) {
		case int64:
			kind, text = 1, string(binary.BigEndian.AppendUint64(nil, uint64(v)))
		case string:
			kind, text = 2, v
		case []byte:
			kind, text = 3, string(v)
		case nil:
		default:
			kind, text = 4, fmt.Sprint(v)
		}
		buf[0] = kind
		binary.BigEndian.PutUint64(buf[1:], uint64(len(text)))
		sum.Write(buf[:]) // never fails
		sum.Write([]byte(text))
	}
}
