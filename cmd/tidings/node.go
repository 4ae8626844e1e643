package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"tidings"
	"tidings/api"
	"tidings/feed"
	"tidings/store"
)

// What a server is among others on one PostgreSQL database.

// allRoles is what a node does when it is not told otherwise.
func allRoles() []tidings.Role {
	return []tidings.Role{tidings.RoleAPI, tidings.RoleDeliver, tidings.RoleWorkflow}
}

// roles are those of --roles, each once, in the order of allRoles.
func (c *serveCmd) roles() []tidings.Role {
	return slices.DeleteFunc(allRoles(), func(r tidings.Role) bool { return len(c.Roles) > 0 && !slices.Contains(c.Roles, string(r)) })
}

// checkNode refuses what does not go together.
func (c *serveCmd) checkNode() error {
	switch {
	case c.DB == "" && c.Data == "":
		return errors.New("--data or --db is required: a data directory, or a PostgreSQL database")
	case c.DB == "" && len(c.roles()) < len(allRoles()):
		return errors.New("--roles needs --db: a data directory is one process's alone, which does everything")
	case c.DB != "" && c.Data == "" && c.SecretKeyFile == "":
		return errors.New("--db needs --secret-key-file (or --data with a tidings.key in it): every node has the same one")
	}
	return nil
}

// node is this process as the others see it.
func (c *serveCmd) node(addr string) tidings.Node {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	n := tidings.Node{
		ID: tidings.NodeID(rand.Text()), Name: cmp.Or(c.NodeName, host), Version: version, Roles: c.roles(), Started: time.Now(),
	}
	if slices.Contains(n.Roles, tidings.RoleAPI) {
		n.Addr = addr
	}
	return n
}

// where says in words where the data is, without any password.
func (c *serveCmd) where() string {
	if c.DB == "" {
		return "data in " + c.Data
	}
	return "data in " + databaseName(c.DB)
}

// databaseName names the database of a DSN without its password.
func databaseName(dsn string) string {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "PostgreSQL"
	}
	return fmt.Sprintf("PostgreSQL database %s at %s:%d", config.Database, config.Host, config.Port)
}

// openStore opens the data directory or the database, with the keys that seal its secrets.
func openStore(ctx context.Context, c *serveCmd, o store.Options) (*store.Store, error) {
	if c.DB != "" {
		keys, err := sharedKeys(c.keyFile())
		if err != nil {
			return nil, err
		}
		o.DSN, o.Keys = c.DB, keys
		return store.OpenPostgres(ctx, o)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	keys, err := store.LoadOrCreateKeyring(c.keyFile())
	if err != nil {
		return nil, err
	}
	o.Dir, o.Keys = c.Data, keys
	return store.OpenSQLite(ctx, o)
}

// sharedKeys reads the key file that all nodes have alike. It is not made here:
// a node that made one of its own could not read what the others have sealed.
func sharedKeys(path string) (store.Keyring, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return store.Keyring{}, fmt.Errorf("there is no key file %s: every node needs a copy of the same one, and `tidings migrate` makes the first", path)
	}
	return store.LoadOrCreateKeyring(path)
}

// share makes the dispatcher one of several, where others may share the store.
func (s *server) share(cfg *feed.Config, c *serveCmd) {
	if c.DB != "" {
		cfg.Leases, cfg.Node, cfg.Tell = s.store, s.node, s.store.Tell
	}
}

// nodes gives the nodes that are alive: on a data directory this one, which holds all shards.
func (s *server) nodes(ctx context.Context) ([]tidings.Node, error) {
	if s.shared {
		return s.store.Nodes(ctx)
	}
	n := s.node
	n.Seen = time.Now()
	stats := s.delivery.Stats()
	n.Load = stats.Load()
	for shard := range tidings.Shards {
		n.Leases = append(n.Leases, tidings.Lease{Shard: shard})
	}
	return []tidings.Node{n}, nil
}

// news passes on that feeds have grown and what other nodes tell. The store is
// opened before those who want to hear of it exist; they read how all stands
// when they start, so what comes before they do needs no ears.
type news struct{ ears atomic.Pointer[ears] }

type ears struct {
	delivery *feed.Dispatcher
	arrivals *api.Arrivals
	doors    *api.Server
}

func (n *news) appended(account tidings.AccountID, head tidings.Seq) {
	if e := n.ears.Load(); e != nil {
		e.delivery.Appended(account, head)
		e.arrivals.Appended(account, head)
	}
}

func (n *news) noticed(notice tidings.Notice) {
	e := n.ears.Load()
	if e == nil {
		return
	}
	e.delivery.Noticed(notice)
	switch notice.Kind {
	case tidings.NoticeAppended:
		e.arrivals.Appended(notice.Account, notice.Head)
	case tidings.NoticeKeys:
		e.doors.KeysChanged()
	case tidings.NoticeMissed:
		e.arrivals.Missed()
		e.doors.KeysChanged()
	}
}

// doors is what a node serves by its roles: all, or only what tells of its health.
func (s *server) doors(h http.Handler) http.Handler {
	if slices.Contains(s.node.Roles, tidings.RoleAPI) {
		return h
	}
	health := []string{"/healthz", "/readyz", "/metrics"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(health, r.URL.Path) {
			http.Error(w, "this node has no role api: only "+strings.Join(health, ", ")+" are served here", http.StatusNotFound)
			return
		}
		h.ServeHTTP(w, r)
	})
}
