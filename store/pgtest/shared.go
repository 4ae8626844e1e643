package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Environment names a server that tests use in place of one of their own: the
// DSN of a database whose user may create databases.
const Environment = "TIDINGS_TEST_POSTGRES"

// Durable, when set in the environment, has the shared server keep its promises
// when the machine crashes, too: for what is measured.
const Durable = "TIDINGS_TEST_DURABLE"

// Shared is one server for all tests of a process, started with the first test
// that wants a database. The zero value is ready; [Shared.Run] stops it.
type Shared struct {
	// Prepare, when it is set, fills a database once; those of the tests begin as
	// copies of it. It leaves no connection open.
	Prepare func(dsn string) error

	once   sync.Once
	server *Server
	dsn    string
	model  string // the database that others are copies of
	err    error

	mu sync.Mutex
	n  int // databases made
}

// Run runs the tests and stops the server; its result is for os.Exit:
//
//	func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }
func (p *Shared) Run(m *testing.M) int {
	defer p.close()
	return m.Run()
}

// Database makes a database, a copy of the prepared one, and gives its DSN; it
// is dropped when the test ends. Where PostgreSQL is not installed the test is skipped, but in CI
// (the environment variable CI or TIDINGS_CI is set) it fails.
func (p *Shared) Database(t testing.TB) string {
	t.Helper()
	p.once.Do(p.start)
	return p.database(t, p.model)
}

// Empty is Database without anything in it.
func (p *Shared) Empty(t testing.TB) string {
	t.Helper()
	p.once.Do(p.start)
	return p.database(t, "template0")
}

func (p *Shared) database(t testing.TB, model string) string {
	t.Helper()
	if errors.Is(p.err, ErrMissing) && os.Getenv("CI") == "" && os.Getenv("TIDINGS_CI") == "" {
		t.Skip(p.err)
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	name := p.name()
	if err := p.create(name, model); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.admin("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	dsn, err := withDatabase(p.dsn, name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// name gives the name of one more database.
func (p *Shared) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	return fmt.Sprintf("tidings_test_%d_%d", os.Getpid(), p.n)
}

func (p *Shared) create(name, model string) error {
	return p.admin("CREATE DATABASE " + name + " TEMPLATE " + model + " ENCODING 'UTF8' STRATEGY FILE_COPY")
}

func (p *Shared) start() {
	if p.dsn = os.Getenv(Environment); p.dsn == "" {
		p.launch()
	}
	p.model = "template0"
	if p.err != nil || p.Prepare == nil {
		return
	}
	model := p.name()
	if p.err = p.create(model, p.model); p.err != nil {
		return
	}
	var dsn string
	if dsn, p.err = withDatabase(p.dsn, model); p.err == nil {
		p.err = p.Prepare(dsn)
	}
	p.model = model
}

func (p *Shared) launch() {
	p.server, p.err = Start(context.Background(), Options{Durable: os.Getenv(Durable) != ""})
	if p.err == nil {
		p.dsn = p.server.DSN("postgres")
	}
}

func (p *Shared) close() {
	if p.server == nil {
		if p.model != "" && p.model != "template0" {
			if err := p.admin("DROP DATABASE IF EXISTS " + p.model); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		return
	}
	if err := p.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (p *Shared) admin(statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// withDatabase gives a DSN with another database, in either of its two forms.
func withDatabase(dsn, name string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + name, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
