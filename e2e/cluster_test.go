package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidings"
	"tidings/cmd/tidings/receiver"
	"tidings/store/pgtest"
)

// Several nodes on one PostgreSQL, as real processes. Producers send to any
// node; a checker sees only what the receivers see.

// takeover is how long the shards of a node that is gone may be nobody's.
const takeover = tidings.LeaseTTL + tidings.LeaseRenewal

// cluster is some nodes on a database, each with a way of its own to it.
type cluster struct {
	t     *testing.T
	nodes []*node
	keys  string
	sink  *clusterSink

	mu   sync.Mutex
	live []string // addresses of the nodes that requests go to
}

// node is a process and its way to the database.
type node struct {
	*server
	c    *cluster
	name string
	wire *wire
}

// newCluster starts nodes on a database.
func newCluster(t *testing.T, dsn string, nodes int) *cluster {
	t.Helper()
	c := &cluster{t: t, keys: filepath.Join(t.TempDir(), "tidings.key"), sink: newClusterSink(t)}
	if code, out, errs := run(t, "migrate", "--db", dsn, "--secret-key-file", c.keys); code != 0 {
		t.Fatalf("migrate: %s%s", out, errs)
	}
	for i := range nodes {
		c.nodes = append(c.nodes, c.newNode(fmt.Sprint("node-", i+1), dsn))
	}
	for _, n := range c.nodes { // at once
		n.launch()
	}
	for _, n := range c.nodes {
		n.ready()
	}
	return c
}

func (c *cluster) newNode(name, dsn string, args ...string) *node {
	w, through := newWire(c.t, dsn)
	s := &server{t: c.t, addr: freeAddr(c.t), args: append([]string{"--db", through, "--node-name", name}, args...)}
	return &node{server: s, c: c, name: name, wire: w}
}

// launch starts the process; ready waits until it serves.
func (n *node) launch() {
	n.t.Helper()
	args := []string{
		"serve", "--addr", n.addr, "--secret-key-file", n.c.keys, "--egress-allow", "127.0.0.0/8",
		"--retry-base", "20ms", "--retry-cap", "200ms",
	}
	n.process = start(n.t, append(args, n.args...)...)
}

func (n *node) ready() {
	n.t.Helper()
	n.says(n.t, "is ready on")
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.live = append(n.c.live, n.addr)
}

func (n *node) begin() { n.launch(); n.ready() }

// leaves takes the node out of those that requests go to.
func (n *node) leaves() {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	for i, addr := range n.c.live {
		if addr == n.addr {
			n.c.live = append(n.c.live[:i], n.c.live[i+1:]...)
			return
		}
	}
}

func (n *node) kill() { n.leaves(); n.server.kill() }

func (n *node) terminate() { n.leaves(); n.server.terminate() }

// anyNode sends each request to some node that is up. It is an http.RoundTripper.
type anyNode struct{ c *cluster }

func (a anyNode) RoundTrip(r *http.Request) (*http.Response, error) {
	a.c.mu.Lock()
	r.URL.Host = a.c.live[rand.IntN(len(a.c.live))]
	a.c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// everywhere makes an API go to any node.
func (c *cluster) everywhere(a *api) *api {
	return &api{base: "http://any", token: a.token, http: &http.Client{Transport: anyNode{c}, Timeout: 5 * time.Second}}
}

// shownNode is a node of GET /v1/nodes.
type shownNode struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Roles     []string `json:"roles"`
	Count     int      `json:"shardCount"`
	Endpoints int      `json:"endpoints"`
	Shards    [][2]int `json:"shards"`
}

// shards gives how many shards each node holds, as a node tells it; nil when it can't.
func (n *node) shards() map[string]int {
	var shown struct {
		Nodes []shownNode `json:"nodes"`
	}
	a := n.as(adminToken)
	a.http.Timeout = 2 * time.Second
	if a.do(n.t.Context(), http.MethodGet, "/v1/nodes", nil, nil, &shown) != nil {
		return nil
	}
	held := map[string]int{}
	for _, one := range shown.Nodes {
		held[one.Name] = one.Count
	}
	return held
}

// settles waits until some nodes hold all shards in fair shares, as one of them sees it.
func (c *cluster) settles(nodes ...*node) {
	c.t.Helper()
	share := (tidings.Shards + len(nodes) - 1) / len(nodes)
	var held map[string]int
	eventually(c.t, fmt.Sprintf("%d nodes hold all shards in fair shares", len(nodes)), func() bool {
		held = nodes[0].shards()
		sum := 0
		for _, n := range nodes {
			if held[n.name] > share {
				return false
			}
			sum += held[n.name]
		}
		return sum == tidings.Shards
	})
}

// takenOver waits until the nodes hold all shards, and wants that to take at most some time.
func (c *cluster) takenOver(since time.Time, within time.Duration, nodes ...*node) {
	c.t.Helper()
	eventually(c.t, "the other nodes hold all shards", func() bool {
		held, sum := nodes[0].shards(), 0
		for _, n := range nodes {
			sum += held[n.name]
		}
		return sum == tidings.Shards
	})
	took := time.Since(since)
	c.t.Logf("all shards were taken over after %s", took.Round(time.Millisecond))
	if took > within {
		c.t.Errorf("the shards were taken over after %s, not within %s", took, within)
	}
}

// load is accounts with endpoints, and producers that send to any node.
type load struct {
	c         *cluster
	accounts  []*api
	endpoints [][]endpoint
	producers []*producer
	enough    context.CancelFunc
	running   sync.WaitGroup
}

// newLoad makes accounts with some endpoints each, and starts a producer for each.
func (c *cluster) newLoad(accounts, endpoints int) *load {
	c.t.Helper()
	l := &load{c: c}
	ctx, enough := context.WithCancel(c.t.Context())
	l.enough = enough
	c.t.Cleanup(func() { enough(); l.running.Wait() })
	for i := range accounts {
		account := c.nodes[0].newAccount(c.t, fmt.Sprint("shop ", i+1))
		everywhere := c.everywhere(account)
		var list []endpoint
		for k := range endpoints {
			e := everywhere.newEndpoint(c.t, map[string]any{
				"url": fmt.Sprintf("%s/%d/%d", c.sink.URL, i, k), "batch": map[string]any{"maxItems": 20 + 10*k}, "activate": "anyway",
			})
			list = append(list, e)
		}
		l.accounts, l.endpoints = append(l.accounts, everywhere), append(l.endpoints, list)
		p := &producer{t: c.t, api: everywhere, contact: int64(i + 1), rng: rand.New(rand.NewPCG(uint64(i), 7)), patience: 2 * time.Minute, pace: 30 * time.Millisecond}
		l.producers = append(l.producers, p)
		l.running.Go(func() { p.send(ctx) })
	}
	return l
}

// flows waits until every endpoint has got more than it has now.
func (l *load) flows() {
	l.c.t.Helper()
	before := l.c.sink.counts()
	eventually(l.c.t, "every endpoint gets something", func() bool {
		now := l.c.sink.counts()
		for i := range l.endpoints {
			for k := range l.endpoints[i] {
				if path := fmt.Sprintf("/%d/%d", i, k); now[path] <= before[path] {
					return false
				}
			}
		}
		return true
	})
}

// ends stops the producers and wants that everything acknowledged is stored
// where it was said to be, and that every endpoint got exactly that, in order.
func (l *load) ends() {
	l.c.t.Helper()
	l.enough()
	l.running.Wait()
	l.c.sink.faulty(false)
	for i, account := range l.accounts {
		// A node hears of what came in by another one within milliseconds, or, when
		// its ears were cut off, with the next look at the heads of feeds.
		var stored []activity
		eventually(l.c.t, "every node shows all that was acknowledged", func() bool {
			stored = account.feed(l.c.t)
			return int64(len(stored)) >= l.producers[i].last()
		})
		if total := l.producers[i].check(stored); total != len(stored) {
			l.c.t.Errorf("%d activities were acknowledged and %d are stored", total, len(stored))
		}
		for k := range l.endpoints[i] {
			path := fmt.Sprintf("/%d/%d", i, k)
			eventually(l.c.t, fmt.Sprintf("endpoint %s gets all %d activities", path, len(stored)), func() bool { return l.c.sink.counts()[path] >= len(stored) })
			same(l.c.t, l.c.sink.got(path), stored)
		}
		l.c.t.Logf("account %d: %d activities in order to each of %d endpoints", i+1, len(stored), len(l.endpoints[i]))
	}
}

// last is the highest place that was acknowledged.
func (p *producer) last() int64 {
	last := int64(0)
	for _, a := range p.acked {
		last = max(last, a.Last)
	}
	return last
}

// clusterSink is one receiver for many endpoints, a path each. Beside the order
// it judges that no endpoint has two POSTs at once.
type clusterSink struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	paths  map[string]*sinkPath
	faults bool
	slow   time.Duration
}

type sinkPath struct {
	accepted []activity
	repeats  int
	flying   []*http.Request
	overlaps int // POSTs that came while another was under way whose sender still waited for its answer
}

func newClusterSink(t *testing.T) *clusterSink {
	s := &clusterSink{t: t, paths: map[string]*sinkPath{}, faults: true}
	r := &receiver.Receiver{Checker: receiver.NewChecker("", nil), Decide: s.decide, Seen: s.seen}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			defer s.enter(req)()
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *clusterSink) path(p string) *sinkPath {
	if s.paths[p] == nil {
		s.paths[p] = &sinkPath{}
	}
	return s.paths[p]
}

// enter notes that a POST has begun; the function that it gives, that it ended.
func (s *clusterSink) enter(req *http.Request) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.path(req.URL.Path)
	beside := append([]*http.Request(nil), p.flying...)
	p.flying = append(p.flying, req)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, other := range beside {
			if other.Context().Err() == nil {
				p.overlaps++
			}
		}
		for i, r := range p.flying {
			if r == req {
				p.flying = append(p.flying[:i], p.flying[i+1:]...)
				break
			}
		}
	}
}

// faulty has a fifth of the POSTs refused or broken, or not.
func (s *clusterSink) faulty(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = yes
}

// takes sets how long the receiver takes for an answer.
func (s *clusterSink) takes(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = d
}

func (s *clusterSink) decide(int64, receiver.Delivery) receiver.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := receiver.Answer{Delay: s.slow}
	if !s.faults {
		return a
	}
	switch n := rand.IntN(20); {
	case n < 3:
		a.Status = http.StatusServiceUnavailable
	case n < 4:
		a.Hang = true
	case n < 8:
		a.Delay += time.Duration(rand.IntN(30)) * time.Millisecond
	}
	return a
}

func (s *clusterSink) seen(d receiver.Delivery, a receiver.Answer) {
	var list []activity
	err := json.Unmarshal(d.Body, &list)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.path(d.Path)
	if err != nil {
		s.t.Errorf("%s: the body of %s is no array of activities: %v", d.Path, d.Batch, err)
	}
	if d.Order.Broken() {
		s.t.Errorf("%s: batch %s (%d-%d): %s: %s", d.Path, d.Batch, d.First, d.Last, d.Order, d.Why)
	}
	if d.Order == receiver.Repeat {
		p.repeats++
	}
	if a.Accepted() && d.Fresh() {
		p.accepted = append(p.accepted, list...)
	}
}

func (s *clusterSink) got(path string) []activity {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.path(path)
	return p.accepted[:len(p.accepted):len(p.accepted)]
}

func (s *clusterSink) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for path, p := range s.paths {
		counts[path] = len(p.accepted)
	}
	return counts
}

// overlapped wants at most so many overlaps of each endpoint.
func (s *clusterSink) overlapped(most int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	overlaps, repeats := 0, 0
	for path, p := range s.paths {
		overlaps, repeats = overlaps+p.overlaps, repeats+p.repeats
		if p.overlaps > most {
			s.t.Errorf("%s: %d POSTs came while another was under way", path, p.overlaps)
		}
	}
	s.t.Logf("%d POSTs came beside one that was under way; %d batches came again", overlaps, repeats)
}

// sharedDatabase makes a database on the server that all tests share.
func sharedDatabase(t *testing.T) string { return postgres.Database(t) }

// ownServer starts a PostgreSQL server that a test may harm, and makes a database on it.
func ownServer(t *testing.T, settings map[string]string) (*pgtest.Server, string) {
	t.Helper()
	_ = postgres.Database(t) // skips or fails where PostgreSQL is not installed
	s, err := pgtest.Start(t.Context(), pgtest.Options{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Exec(t.Context(), "postgres", "CREATE DATABASE tidings"); err != nil {
		t.Fatal(err)
	}
	return s, s.DSN("tidings")
}

// hostOf gives the host and port of a DSN, and the DSN with others.
func hostOf(t *testing.T, dsn string) (host string, with func(host string) string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host, func(host string) string {
		moved := *u
		moved.Host = host
		return moved.String()
	}
}

// after lets some time pass, during which things happen.
func after(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func (n *node) halt() { n.leaves(); n.signal(syscall.SIGSTOP) }

func (n *node) goOn() {
	n.signal(syscall.SIGCONT)
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.live = append(n.c.live, n.addr)
}
