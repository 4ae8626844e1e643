package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Config says how a run goes. The zero value of a field is its default.
type Config struct {
	Program string        // path of the tidings binary
	Version string        // for the report
	Dir     string        // where data goes, on the disk to be measured; the system's temp dir
	Rounds  int           // of each compared pair, in turn; 3
	Time    time.Duration // of each round; 4s
	Backlog int           // activities stored for the measures of a full store; 10,000,000
	Idle    int           // endpoints of the measure of idle ones; 100,000
	// Contacts is how many contacts are imported; 1,000,000.
	Contacts int
	// Calls is how many calls the measure of their memory makes; 1,000,000.
	Calls   int
	Mails   int // of the measure of a broadcast; 100,000
	Waiting int // runs that wait for their timers; 1,000,000
	Shown   int // activities of the account whose pages are measured; 1,000,000
	Asks    int // how often each page is asked for; 200
	// DB names a database of a PostgreSQL server on which databases may be made.
	// Without it, what needs one is left out.
	DB  string
	Out io.Writer // rows as they are measured; nowhere
}

// run is one run's state.
type run struct {
	cfg Config
	dir string // temporary, removed at the end
}

// measure is one thing that can be measured; it may give several rows.
type measure struct {
	name string
	do   func(*run, context.Context) ([]Row, error)
	db   bool // it needs Config.DB
}

func measures() []measure {
	return []measure{
		{"drain", (*run).drain, false},
		{"steady-100", (*run).steadyArrays, false},
		{"steady-1", (*run).steadySingles, false},
		{"append", (*run).appends, false},
		{"accounts", (*run).manyAccounts, false},
		{"latency", (*run).latency, false},
		{"fanout", (*run).fanout, false},
		{"idle", (*run).idle, false},
		{"dead", (*run).dead, false},
		{"call", (*run).calls, false},
		{"call-memory", (*run).memory, false},
		{"contacts", (*run).contacts, false},
		{"runs", (*run).runs, false},
		{"waiting", (*run).waiting, false},
		{"broadcast", (*run).broadcast, false},
		{"track", (*run).track, false},
		{"pages", (*run).pages, false},
		{"pg-steady", (*run).pgSteady, true},
		{"pg-nodes", (*run).pgNodes, true},
		{"pg-idle", (*run).pgIdle, true},
	}
}

// Names lists what can be measured, in the order of a full run.
func Names() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// Run measures what is named, or all when nothing is. A measure that fails
// ends the run; what was measured before is in the report.
func Run(ctx context.Context, cfg Config, names []string) (Report, error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 3
	}
	if cfg.Time == 0 {
		cfg.Time = 4 * time.Second
	}
	if cfg.Backlog == 0 {
		cfg.Backlog = 10_000_000
	}
	if cfg.Idle == 0 {
		cfg.Idle = 100_000
	}
	if cfg.Contacts == 0 {
		cfg.Contacts = 1_000_000
	}
	if cfg.Calls == 0 {
		cfg.Calls = 1_000_000
	}
	if cfg.Mails == 0 {
		cfg.Mails = 100_000
	}
	if cfg.Waiting == 0 {
		cfg.Waiting = 1_000_000
	}
	if cfg.Shown == 0 {
		cfg.Shown = 1_000_000
	}
	if cfg.Asks == 0 {
		cfg.Asks = 200
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	report := Report{Machine: machine(), Go: runtime.Version(), Version: cfg.Version, At: time.Now().UTC().Truncate(time.Second)}
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return report, fmt.Errorf("no measure %q: there are %s", name, strings.Join(Names(), ", "))
		}
	}
	fmt.Fprintf(cfg.Out, "%s, %s\n", report.Machine, report.Go)
	for _, m := range measures() {
		if len(names) > 0 && !slices.Contains(names, m.name) || len(names) == 0 && m.db && cfg.DB == "" {
			continue
		}
		if m.db && cfg.DB == "" {
			return report, fmt.Errorf("%s needs a PostgreSQL server: name one", m.name)
		}
		rows, err := one(ctx, cfg, m)
		if err != nil {
			return report, fmt.Errorf("%s: %w", m.name, err)
		}
		for _, row := range rows {
			row.Text(cfg.Out)
		}
		report.Rows = append(report.Rows, rows...)
	}
	return report, nil
}

// one measures in a directory of its own.
func one(ctx context.Context, cfg Config, m measure) (rows []Row, err error) {
	dir, err := os.MkdirTemp(cfg.Dir, "tidings-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return m.do(&run{cfg: cfg, dir: dir}, ctx)
}

// fresh gives an empty directory for one server.
func (r *run) fresh() (string, error) { return os.MkdirTemp(r.dir, "data-*") }

// machine names the processor, for the report.
func machine() string {
	name := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s", name, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}
