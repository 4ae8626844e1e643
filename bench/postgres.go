package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tidings"
	"tidings/store"
)

// The measures of PostgreSQL run on the server of Config.DB, in databases of their own.

// database is one that a measure has made.
type database struct {
	dsn  string
	keys string // path of the key file
}

// newDatabase makes an empty database with the schema in it. The returned function drops it.
func (r *run) newDatabase(ctx context.Context) (database, func() error, error) {
	u, err := url.Parse(r.cfg.DB)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return database{}, nil, errors.New("--db must be a URL: postgres://USER:PASSWORD@HOST:PORT/NAME")
	}
	name := fmt.Sprintf("tidings_bench_%08x", rand.Uint32())
	if err := r.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return database{}, nil, err
	}
	drop := func() error {
		return r.admin(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
	}
	u.Path = "/" + name
	d := database{dsn: u.String(), keys: filepath.Join(r.dir, name+".key")}
	p, err := r.start("migrate", "--db", d.dsn, "--secret-key-file", d.keys)
	if err == nil {
		if err = p.cmd.Wait(); err != nil {
			err = fmt.Errorf("%s: %w: %s", p.cmd, err, p.log)
		}
	}
	if err != nil {
		return d, nil, errors.Join(err, drop())
	}
	return d, drop, nil
}

// admin runs a statement on the server.
func (r *run) admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, r.cfg.DB)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// startNode runs `tidings serve` on a database, and waits until it is ready.
func (r *run) startNode(ctx context.Context, d database, name string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := r.start(
		"serve", "--addr", addr, "--db", d.dsn, "--secret-key-file", d.keys, "--node-name", name, "--admin-token", adminToken,
		"--egress-allow", "127.0.0.0/8", "--log-level", "error",
	)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + addr
	return p, p.ready(ctx)
}

// startNodes starts nodes and waits until they share all shards.
func (r *run) startNodes(ctx context.Context, d database, n int) ([]*process, error) {
	nodes := make([]*process, n)
	for i := range nodes {
		var err error
		if nodes[i], err = r.startNode(ctx, d, fmt.Sprint("node-", i+1)); err != nil {
			return nil, err
		}
	}
	return nodes, nodes[0].until(ctx, func() bool {
		held, err := nodes[0].held(ctx)
		if err != nil || len(held) != n {
			return false
		}
		sum := 0
		for _, shards := range held {
			if sum += shards; shards > (tidings.Shards+n-1)/n {
				return false
			}
		}
		return sum == tidings.Shards
	})
}

// held gives how many shards each node holds.
func (p *process) held(ctx context.Context) (map[string]int, error) {
	var shown struct {
		Nodes []struct {
			Name       string `json:"name"`
			ShardCount int    `json:"shardCount"`
		} `json:"nodes"`
	}
	err := p.ask(ctx, http.MethodGet, "/v1/nodes", adminToken, nil, &shown)
	held := map[string]int{}
	for _, n := range shown.Nodes {
		held[n.Name] = n.ShardCount
	}
	return held, err
}

// pgSteady: the way in and out, on PostgreSQL over TCP against SQLite.
func (r *run) pgSteady(ctx context.Context) ([]Row, error) {
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer s.close()
	load := producers{bodies: arrays(400, 100), size: 100, conns: 32, time: r.cfg.Time}
	var ours, theirs []float64
	for round := range r.cfg.Rounds {
		p, err := r.round(ctx, s, load, fmt.Sprintf("/sqlite%d", round))
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, p.perSecond)
		if p, err = r.pgRound(ctx, s, load, fmt.Sprintf("/postgres%d", round)); err != nil {
			return nil, err
		}
		ours = append(ours, p.perSecond)
	}
	row := Row{
		Name: "pg-steady", What: "HTTP in (arrays of 100), durable, POST out on PostgreSQL, against SQLite",
		Value: median(ours) / median(theirs), Unit: "x", Reach: ">= 0.6 x",
		Parts: []Part{{"PostgreSQL", median(ours), "activities/s"}, {"SQLite", median(theirs), "activities/s"}},
	}
	return []Row{row.atLeast(0.6)}, nil
}

func (r *run) pgRound(ctx context.Context, s *sink, load producers, path string) (p pipeline, err error) {
	d, drop, err := r.newDatabase(ctx)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	nodes, err := r.startNodes(ctx, d, 1)
	if err != nil {
		return p, err
	}
	key, err := nodes[0].account(ctx, "bench")
	if err != nil {
		return p, err
	}
	if _, err := nodes[0].endpoint(ctx, key, s.url+path, map[string]any{"start": "beginning"}); err != nil {
		return p, err
	}
	load.keys, load.url = []string{key}, nodes[0].url+"/v1/activities"
	if p, err = measureFlow(ctx, s, nodes[0], load, path); err != nil {
		return p, err
	}
	return p, nodes[0].stop()
}

// pgNodes: a second node, with producers of its own, must not make the feed of
// an account slower. Under the same load as one node two are no faster: they take
// turns at the feed's head, each with half of what is waiting.
func (r *run) pgNodes(ctx context.Context) ([]Row, error) {
	const conns = 32
	var one, two, split []float64
	for range r.cfg.Rounds {
		for _, c := range []struct {
			nodes, conns int
			rates        *[]float64
		}{{1, conns, &one}, {2, conns, &two}, {2, conns / 2, &split}} {
			rate, err := r.pgAppend(ctx, c.nodes, c.conns)
			if err != nil {
				return nil, err
			}
			*c.rates = append(*c.rates, rate)
		}
	}
	row := Row{
		Name: "pg-nodes", What: "two nodes append to one account (arrays of 100, 32 connections to each), against one",
		Value: median(two) / median(one), Unit: "x", Reach: ">= 1 x",
		Parts: []Part{
			{"two nodes", median(two), "activities/s"},
			{"one node", median(one), "activities/s"},
			{"two nodes with 16 connections each", median(split), "activities/s"},
		},
	}
	return []Row{row.atLeast(1)}, nil
}

func (r *run) pgAppend(ctx context.Context, n, conns int) (rate float64, err error) {
	d, drop, err := r.newDatabase(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	nodes, err := r.startNodes(ctx, d, n)
	if err != nil {
		return 0, err
	}
	key, err := nodes[0].account(ctx, "bench")
	if err != nil {
		return 0, err
	}
	accepted, errs := make([]int64, n), make([]error, n)
	var group sync.WaitGroup
	begun := time.Now()
	for i, node := range nodes {
		load := producers{url: node.url + "/v1/activities", keys: []string{key}, bodies: arrays(400, 100), size: 100, conns: conns, time: r.cfg.Time}
		group.Go(func() { accepted[i], _, errs[i] = load.run(ctx) })
	}
	group.Wait()
	took := time.Since(begun)
	var sum int64
	for _, a := range accepted {
		sum += a
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	for _, node := range nodes { // each hears of what the other has appended
		if err := node.until(ctx, func() bool {
			var me struct{ Head int64 }
			return node.ask(ctx, http.MethodGet, "/v1/accounts/me", key, nil, &me) == nil && me.Head == sum
		}); err != nil {
			return 0, fmt.Errorf("%d activities were acknowledged, and the feed does not end there: %w", sum, err)
		}
	}
	for _, node := range nodes {
		if err := node.stop(); err != nil {
			return 0, err
		}
	}
	return float64(sum) / took.Seconds(), nil
}

// pgIdle: what nodes ask of the database when there is nothing to do, and how
// soon a node has the endpoints of another one that is gone.
func (r *run) pgIdle(ctx context.Context) (rows []Row, err error) {
	d, drop, err := r.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if err := d.seedEndpoints(ctx, r.cfg.Idle); err != nil {
		return nil, err
	}
	tap, err := newTap(d.dsn)
	if err != nil {
		return nil, err
	}
	defer tap.close()
	direct := d
	d.dsn = tap.dsn
	tapped, err := r.startNode(ctx, d, "tapped")
	if err != nil {
		return nil, err
	}
	other, err := r.startNode(ctx, direct, "other")
	if err != nil {
		return nil, err
	}
	if err := other.until(ctx, func() bool { return other.lanes(ctx) >= r.cfg.Idle/2-r.cfg.Idle/100 }); err != nil {
		return nil, err
	}
	if err := settle(ctx, r.cfg.Time); err != nil {
		return nil, err
	}
	before, watch := tap.queries(), max(r.cfg.Time*5, r.cfg.Time)
	if err := settle(ctx, watch); err != nil {
		return nil, err
	}
	asked := float64(tap.queries()-before) / watch.Seconds()
	acquired, err := r.takeover(ctx, tapped, other)
	if err != nil {
		return nil, err
	}
	n := thousands(fmt.Sprint(r.cfg.Idle))
	idle := Row{
		Name: "pg-idle", What: fmt.Sprintf("statements a second of an idle node, of two that share %s endpoints", n),
		Value: asked, Unit: "/s", Reach: "< 5 /s",
	}
	takeover := Row{
		Name: "pg-takeover", What: fmt.Sprintf("until a node has all of %s endpoints in hand, from when it holds their shards", n),
		Value: acquired.Seconds(), Unit: "s", Reach: "<= 5 s",
	}
	return []Row{idle.atMost(5), takeover.atMost(5)}, other.stop()
}

// takeover kills a node and gives the time from when the other one holds all
// shards until it has all endpoints.
func (r *run) takeover(ctx context.Context, dies, takes *process) (time.Duration, error) {
	if err := dies.cmd.Process.Kill(); err != nil {
		return 0, err
	}
	_ = dies.cmd.Wait() // it was killed
	if err := takes.until(ctx, func() bool {
		held, err := takes.held(ctx)
		return err == nil && held["other"] == tidings.Shards
	}); err != nil {
		return 0, err
	}
	begun := time.Now()
	err := takes.until(ctx, func() bool { return takes.lanes(ctx) == r.cfg.Idle })
	return time.Since(begun), err
}

// lanes gives how many endpoints a node has in hand, -1 when it does not say.
func (p *process) lanes(ctx context.Context) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		return -1
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return -1
	}
	var n float64
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, `tidings_endpoints{state="active"} `); ok {
			if _, err := fmt.Sscan(rest, &n); err == nil {
				return int(n)
			}
		}
	}
	return -1
}

// seedEndpoints stores idle endpoints.
func (d database) seedEndpoints(ctx context.Context, n int) (err error) {
	keys, err := store.LoadOrCreateKeyring(d.keys)
	if err != nil {
		return err
	}
	s, err := store.OpenPostgres(ctx, store.Options{DSN: d.dsn, Keys: keys})
	if err != nil {
		return err
	}
	return errors.Join(seedEndpointsIn(ctx, s, n), s.Close())
}
