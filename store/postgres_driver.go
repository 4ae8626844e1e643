package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// What database/sql needs of pgx. pgx's own package for it brings a second
// pool, and converts every value twice; this one reads what the statements of
// this package give: numbers, texts, bytes and truth values, in binary.

// pgConnector makes connections for database/sql.
type pgConnector struct {
	config *pgx.ConnConfig
}

// Connect makes a connection.
func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	return &pgConn{Conn: conn, used: time.Now()}, nil
}

// Driver is not used: connections are made by Connect.
func (c pgConnector) Driver() driver.Driver { return pgDriver{} }

type pgDriver struct{}

// Open refuses: databases are opened with a pgConnector.
func (pgDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("the driver is used through its connector only")
}

// pgConn is a connection. Statements are prepared by pgx once per text, and kept.
type pgConn struct {
	*pgx.Conn
	used    time.Time   // when it was last taken from the pool
	pending []pgPending // sent with the next statement, in one round trip
}

// pgPending is a statement whose result nobody waits for.
type pgPending struct {
	query string
	args  []any
	read  func(pgx.Rows) error // for the rows that it gives; nil = none are wanted
}

// later has a statement sent with the next one. Its error becomes that one's.
func (c *pgConn) later(query string, args ...any) { c.laterRows(nil, query, args...) }

// laterRows is later with rows, which read has as soon as they are there.
func (c *pgConn) laterRows(read func(pgx.Rows) error, query string, args ...any) {
	c.pending = append(c.pending, pgPending{query, args, read})
}

// sent is what was pending, on its way with one more statement.
type sent struct {
	pgx.BatchResults
	before []pgPending
}

// send sends what is pending, and then a statement.
func (c *pgConn) send(ctx context.Context, query string, args []any) sent {
	b := &pgx.Batch{}
	for _, p := range c.pending {
		b.Queue(p.query, p.args...)
	}
	b.Queue(query, args...)
	before := c.pending
	c.pending = nil
	return sent{c.SendBatch(ctx, b), before}
}

// skip reads the results of what was pending.
func (s sent) skip() error {
	for _, p := range s.before {
		if p.read == nil {
			if _, err := s.Exec(); err != nil {
				return err
			}
			continue
		}
		rows, err := s.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := p.read(rows); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Prepare gives a statement; the server hears of it with its first use.
func (c *pgConn) Prepare(query string) (driver.Stmt, error) { return &pgStmt{c, query}, nil }

// Close ends the connection.
func (c *pgConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), pgCloseTime)
	defer cancel()
	return c.Conn.Close(ctx)
}

// pgCloseTime bounds how long a goodbye may take.
const pgCloseTime = time.Second

// Begin begins a transaction, for the migrations; ours are statements.
func (c *pgConn) Begin() (driver.Tx, error) {
	_, err := c.Exec(context.Background(), "BEGIN")
	return pgTx{c}, err
}

// pgTx is a transaction of database/sql.
type pgTx struct{ conn *pgConn }

// Commit ends it; one that failed before is not committed, and that is an error.
func (t pgTx) Commit() error { return t.conn.commit() }

// Rollback undoes it.
func (t pgTx) Rollback() error {
	_, err := t.conn.Exec(context.Background(), "ROLLBACK")
	return err
}

// commit ends a transaction with what is pending. The server answers the
// COMMIT of a transaction that failed without an error.
func (c *pgConn) commit() error {
	tag, err := c.run(context.Background(), "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		return fmt.Errorf("the transaction had failed before: %s", tag)
	}
	return err
}

// pingAfter is how long a connection may lie in the pool before it is tried:
// the server may have gone meanwhile.
const pingAfter = time.Second

// ResetSession has the pool throw a connection away that does not work any more.
func (c *pgConn) ResetSession(ctx context.Context) error {
	idle := time.Since(c.used)
	c.used = time.Now()
	if c.IsClosed() || idle > pingAfter && c.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid is asked when the connection goes back to the pool.
func (c *pgConn) IsValid() bool { return !c.IsClosed() }

// CheckNamedValue lets lists pass, which database/sql does not know.
func (c *pgConn) CheckNamedValue(v *driver.NamedValue) error {
	switch v.Value.(type) {
	case []int64, []string, [][]byte:
		return nil
	}
	return driver.ErrSkip
}

// ExecContext runs a statement.
func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tag, err := c.run(ctx, query, pgArgs(args)...)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// run runs a statement with what is pending before it.
func (c *pgConn) run(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if len(c.pending) == 0 {
		return c.Exec(ctx, query, args...)
	}
	results := c.send(ctx, query, args)
	err := results.skip()
	var tag pgconn.CommandTag
	if err == nil {
		tag, err = results.Exec()
	}
	return tag, cmp.Or(err, results.Close())
}

// QueryContext asks for rows. An error of the statement comes with the first of them.
func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(c.pending) == 0 {
		rows, err := c.Query(ctx, query, pgArgs(args)...)
		if err != nil {
			return nil, err
		}
		return &pgRows{rows: rows}, nil
	}
	results := c.send(ctx, query, pgArgs(args))
	if err := results.skip(); err != nil {
		return nil, cmp.Or(err, results.Close())
	}
	rows, err := results.Query()
	if err != nil {
		return nil, cmp.Or(err, results.Close())
	}
	return &pgRows{rows: rows, batch: results}, nil
}

func pgArgs(args []driver.NamedValue) []any {
	values := make([]any, len(args))
	for i := range args {
		values[i] = args[i].Value
		if b, ok := values[i].(bool); ok {
			values[i] = pgFlag(b)
		}
	}
	return values
}

// pgFlag is a truth value that may be stored as a number, 0 or 1, as the tables have it.
type pgFlag bool

// BoolValue is asked where the statement wants a truth value.
func (f pgFlag) BoolValue() (pgtype.Bool, error) {
	return pgtype.Bool{Bool: bool(f), Valid: true}, nil
}

// Int64Value is asked where it wants a number.
func (f pgFlag) Int64Value() (pgtype.Int8, error) {
	if f {
		return pgtype.Int8{Int64: 1, Valid: true}, nil
	}
	return pgtype.Int8{Valid: true}, nil
}

// pgStmt is a statement by its text.
type pgStmt struct {
	conn  *pgConn
	query string
}

func (s *pgStmt) Close() error  { return nil }
func (s *pgStmt) NumInput() int { return -1 } // the server counts them

func (s *pgStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (s *pgStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (s *pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// pgRows reads rows as they came over the wire.
type pgRows struct {
	rows  pgx.Rows
	batch pgx.BatchResults // that the rows are of; nil = none
}

func (r *pgRows) Columns() []string {
	names := make([]string, 0, 8)
	for _, f := range r.rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names
}

func (r *pgRows) Close() error {
	r.rows.Close()
	if r.batch != nil {
		return cmp.Or(r.rows.Err(), r.batch.Close())
	}
	return r.rows.Err()
}

// Next reads one row. Bytes are good until the next one, as database/sql wants it.
func (r *pgRows) Next(into []driver.Value) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	fields := r.rows.FieldDescriptions()
	for i, raw := range r.rows.RawValues() {
		value, err := pgValue(fields[i].DataTypeOID, fields[i].Format, raw)
		if err != nil {
			return fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
		into[i] = value
	}
	return nil
}

func pgValue(oid uint32, format int16, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	if oid == pgtype.TextOID || oid == pgtype.VarcharOID || oid == pgtype.NameOID || format == pgtype.TextFormatCode {
		return string(raw), nil
	}
	switch {
	case oid == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case oid == pgtype.Int4OID && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case oid == pgtype.Int2OID && len(raw) == 2:
		return int64(int16(binary.BigEndian.Uint16(raw))), nil
	case oid == pgtype.BoolOID && len(raw) == 1:
		return raw[0] != 0, nil
	case oid == pgtype.ByteaOID:
		return raw, nil
	case oid == pgtype.Float8OID && len(raw) == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
	}
	return nil, fmt.Errorf("values of type %d are not read here", oid)
}
