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
	once   sync.Once
	server *Server
	dsn    string
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

// Database makes an empty database and gives its DSN; it is dropped when the
// test ends. Where PostgreSQL is not installed the test is skipped, but in CI
// (the environment variable CI or TIDINGS_CI is set) it fails.
func (p *Shared) Database(t testing.TB) string {
	t.Helper()
	p.once.Do(p.start)
	if errors.Is(p.err, ErrMissing) && os.Getenv("CI") == "" && os.Getenv("TIDINGS_CI") == "" {
		t.Skip(p.err)
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	p.mu.Lock()
	p.n++
	name := fmt.Sprintf("tidings_test_%d_%d", os.Getpid(), p.n)
	p.mu.Unlock()
	if err := p.admin("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
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

func (p *Shared) start() {
	if p.dsn = os.Getenv(Environment); p.dsn != "" {
		return
	}
	p.server, p.err = Start(context.Background(), Options{Durable: os.Getenv(Durable) != ""})
	if p.err == nil {
		p.dsn = p.server.DSN("postgres")
	}
}

func (p *Shared) close() {
	if p.server == nil {
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
