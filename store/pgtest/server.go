package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that PostgreSQL is not installed on this machine.
var ErrMissing = errors.New("PostgreSQL is not installed: no pg_config and no /usr/lib/postgresql (Debian: apt-get install postgresql)")

// startTime bounds how long a server may take to come up or go down.
const startTime = 60 * time.Second

// Options says how a server runs.
type Options struct {
	// Durable keeps fsync and the rest as they are by default; otherwise the
	// server forgets what a crash of the machine takes, and is faster.
	Durable bool
	// Settings are further settings of postgresql.conf.
	Settings map[string]string
}

// Server is one PostgreSQL server on a port of 127.0.0.1, with the superuser
// postgres and no password. Its methods are called by one goroutine at a time.
type Server struct {
	Port int

	bin, dir string // dir has data and the socket
	owner    *syscall.Credential
	settings map[string]string

	run *running // nil = stopped
}

// running is one life of the server's process.
type running struct {
	process *os.Process
	ended   chan struct{} // closed when the process is gone
	err     error         // why; set before ended is closed

	mu  sync.Mutex
	log []string // the last lines
}

// Start makes a new database cluster in a directory of its own and starts its
// server. [Server.Close] removes it.
func Start(ctx context.Context, o Options) (*Server, error) {
	return newServer(ctx, o, func(s *Server) error {
		return s.command(ctx, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	})
}

// newServer has the data directory filled and starts the server on it.
func newServer(ctx context.Context, o Options, fill func(*Server) error) (*Server, error) {
	s, err := place(o)
	if err != nil {
		return nil, err
	}
	err = fill(s)
	if err == nil {
		err = s.Restart(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// place finds the programs, and a directory and a port for a server. The
// directory is not a test's own, which another user may not enter.
func place(o Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, settings: map[string]string{
		"max_connections": "200", "lc_messages": "C",
		"dynamic_shared_memory_type": "mmap", // in the data directory, not left in /dev/shm by a server that is killed
	}}
	if s.dir, err = os.MkdirTemp("", "pgtest-"); err != nil {
		return nil, err
	}
	if !o.Durable {
		maps.Copy(s.settings, map[string]string{"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"})
	}
	maps.Copy(s.settings, o.Settings)
	if os.Geteuid() == 0 { // the server refuses to run as root
		if s.owner, err = credentialOf("postgres"); err != nil {
			return nil, err
		}
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return nil, err
		}
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	return s, nil
}

// binaries finds the server's programs.
func binaries() (string, error) {
	var candidates []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Reverse(installed)
	for _, dir := range append(candidates, installed...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", ErrMissing
}

func credentialOf(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("running PostgreSQL as root takes a user for it: %w", err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command runs one of PostgreSQL's programs to its end.
func (s *Server) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Set changes a setting from the next start on.
func (s *Server) Set(name, value string) { s.settings[name] = value }

// Restart starts the server again, on the same port, and returns when it takes connections.
func (s *Server) Restart(ctx context.Context) error {
	if s.run != nil {
		return errors.New("the server is running")
	}
	args := []string{"-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.Port), "-h", "127.0.0.1"}
	for name, value := range s.settings {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.dir
	// It goes with us, whatever way we go.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	run := &running{ended: make(chan struct{})}
	ready, started := make(chan struct{}), make(chan error, 1)
	go run.watch(cmd, out, started, ready)
	if err := <-started; err != nil {
		return err
	}
	s.run = run
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case <-ready:
		return nil
	case <-run.ended:
		s.run = nil
		return fmt.Errorf("PostgreSQL did not start: %w\n%s", run.err, run.lines())
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("PostgreSQL did not start: %w\n%s", ctx.Err(), run.lines()), s.Stop(syscall.SIGQUIT))
	}
}

// watch starts the process and waits for its end. It keeps its thread, because
// the process is killed when the thread that started it ends.
func (r *running) watch(cmd *exec.Cmd, out io.Reader, started chan<- error, ready chan<- struct{}) {
	runtime.LockOSThread()
	defer close(r.ended)
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	r.process = cmd.Process
	started <- nil
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		r.mu.Lock()
		r.log = append(r.log, lines.Text())
		if n := len(r.log); n > 200 {
			r.log = r.log[n-100:]
		}
		r.mu.Unlock()
		if ready != nil && strings.Contains(lines.Text(), "ready to accept") {
			close(ready)
			ready = nil
		}
	}
	r.err = cmd.Wait()
}

func (r *running) lines() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.log, "\n")
}

// Log gives the last lines of the server's log.
func (s *Server) Log() string {
	if s.run == nil {
		return ""
	}
	return s.run.lines()
}

// Stop ends the server and waits until it is gone: SIGINT in good order,
// SIGQUIT at once ("immediate": what a crash leaves), SIGKILL without a word.
func (s *Server) Stop(how syscall.Signal) error {
	if s.run == nil {
		return nil
	}
	run := s.run
	if err := run.process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-run.ended:
	case <-timer.C:
		return errors.Join(errors.New("PostgreSQL did not stop"), run.process.Kill())
	}
	s.run = nil
	return nil
}

// Close ends the server and removes all that it has.
func (s *Server) Close() error {
	return errors.Join(s.Stop(syscall.SIGQUIT), os.RemoveAll(s.dir))
}

// Signal sends the server's main process a signal, e.g. SIGSTOP.
func (s *Server) Signal(sig syscall.Signal) error {
	if s.run == nil {
		return os.ErrProcessDone
	}
	return s.run.process.Signal(sig)
}

// DSN names one of the server's databases, over TCP.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.Port, database)
}

// Exec runs statements in a database, over a connection of its own.
func (s *Server) Exec(ctx context.Context, database, statements string) error {
	conn, err := pgx.Connect(ctx, s.DSN(database))
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, statements).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// Terminate ends all sessions of clients with a database, or at most some of
// them, chosen at random; most = 0 means all. It gives the number.
func (s *Server) Terminate(ctx context.Context, database string, most int) (int, error) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	if most == 0 {
		most = 1 << 20
	}
	var n int
	err = conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) AS ended FROM (
		SELECT pid FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid() ORDER BY random() LIMIT $2) AS chosen) AS all_ended WHERE ended`,
		database, most).Scan(&n)
	return n, err
}

// Standby makes a copy of the running server, which follows it under a name,
// and starts it. Commits wait for it when the server's
// synchronous_standby_names names it; see [Server.Reload].
func (s *Server) Standby(ctx context.Context, name string, o Options) (*Server, error) {
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres application_name=%s", s.Port, name)
	return newServer(ctx, o, func(standby *Server) error {
		return standby.command(ctx, "pg_basebackup", "-D", standby.data(), "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	})
}

// Reload changes settings of the running server, and of its later starts.
func (s *Server) Reload(ctx context.Context, settings map[string]string) error {
	for name, value := range settings {
		delete(s.settings, name) // the command line would win over the file
		if err := s.Exec(ctx, "postgres", fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, value)); err != nil {
			return err
		}
	}
	return s.Exec(ctx, "postgres", "SELECT pg_reload_conf()")
}

// RequirePassword has a user give the password from now on.
func (s *Server) RequirePassword(ctx context.Context, user string) error {
	path := filepath.Join(s.data(), "pg_hba.conf")
	rules, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rules = append([]byte("host all "+user+" 127.0.0.1/32 scram-sha-256\n"), rules...)
	if err := os.WriteFile(path, rules, 0o600); err != nil {
		return err
	}
	return s.Exec(ctx, "postgres", "SELECT pg_reload_conf()")
}

// Promote makes a standby a server of its own; it returns when that takes writes.
func (s *Server) Promote(ctx context.Context) error {
	return s.Exec(ctx, "postgres", "SELECT pg_promote(true, 60)")
}
