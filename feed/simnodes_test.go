package feed_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

// The same simulation with several nodes on one store: they are killed,
// stopped and continued, cut off from the store, and replaced, and they take
// each other's shards over. The receivers still see one stream each.

func TestSimulationOfManyNodes(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) { newFleet(t, seed).run() })
}

const (
	simNodes      = 3
	simFleetHours = 12
)

// fleet is a simulation of several nodes.
type fleet struct {
	*simulation
	nodes []*simNode
	made  int
}

// simNode is one process.
type simNode struct {
	id        tidings.NodeID
	log       *simLog
	d         *feed.Dispatcher
	life      context.Context
	dies      context.CancelFunc
	receivers map[tidings.EndpointID]*receiver
}

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{simulation: newSimulation(t, seed)}
	f.store.shared.taken = func(shard int) {
		for id, r := range f.receivers {
			if tidings.ShardOf(id) == shard {
				r.crashed()
			}
		}
	}
	for range simNodes {
		f.nodes = append(f.nodes, f.newNode())
	}
	return f
}

func (f *fleet) newNode() *simNode {
	f.made++
	n := &simNode{id: tidings.NodeID(fmt.Sprint("node-", f.made)), receivers: f.receivers}
	n.life, n.dies = context.WithCancel(context.Background())
	n.log = &simLog{store: f.store, rng: rand.New(rand.NewPCG(f.rng.Uint64(), 4)), fail: 0.02, lose: 0.2, node: n.id}
	n.d = feed.New(feed.Config{
		Log: n.log, Post: n.post,
		Leases: n.log, Tell: n.log.tell,
		Node:        tidings.Node{ID: n.id, Roles: []tidings.Role{tidings.RoleDeliver}},
		MaxInFlight: 8, MaxRepeats: 3,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	f.store.mu.Lock()
	f.store.shared.listen[n.id] = n.d.Noticed
	f.store.mu.Unlock()
	for n.d.Start(f.t.Context()) != nil { // the store may refuse it
		time.Sleep(time.Second)
	}
	return n
}

// post is the way out of a process that may be stopped at any time.
func (n *simNode) post(ctx context.Context, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
	n.log.resumed()
	if ctx.Err() != nil {
		return tidings.Attempt{Endpoint: ep.ID, Number: out.Number, Batch: out.Batch.ID, At: time.Now()}, 0
	}
	outside, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(ctx, func() { n.log.resumed(); cancel() })()
	a, retryAfter := n.receivers[ep.ID].post(outside, n.life, ep, out)
	n.log.resumed()
	return a, retryAfter
}

func (f *fleet) run() {
	end := time.Now().Add(simFleetHours * time.Hour)
	for time.Now().Before(end) {
		f.act()
		time.Sleep(f.pause())
	}
	f.heal()
	time.Sleep(3 * time.Hour)
	synctest.Wait()
	f.checkQuiet()
	f.checkShares()
	for _, n := range f.nodes {
		f.leave(n)
	}
	for id, r := range f.receivers {
		r.checkComplete(f.store.feeds[f.store.endpoints[id].Account])
	}
}

func (f *fleet) any() *simNode { return f.nodes[f.rng.IntN(len(f.nodes))] }

func (f *fleet) act() {
	synctest.Wait()
	id := tidings.EndpointID(1 + f.rng.IntN(simEndpoints))
	i := f.rng.IntN(len(f.nodes))
	switch n := f.rng.IntN(100); {
	case n < 62:
		f.appendSome(f.any())
	case n < 68:
		f.receivers[id].setHealth(f.rng.IntN(6))
	case n < 72:
		f.kill(f.nodes[i])
		f.meanwhile(time.Duration(f.rng.IntN(40)) * time.Second)
		f.nodes[i] = f.newNode()
	case n < 75:
		f.leave(f.nodes[i])
		f.meanwhile(time.Duration(f.rng.IntN(20)) * time.Second)
		f.nodes[i] = f.newNode()
	case n < 79:
		f.halt(f.nodes[i], time.Duration(f.rng.IntN(30_000))*time.Millisecond)
	case n < 83:
		f.cutOff(f.nodes[i], time.Duration(f.rng.IntN(40_000))*time.Millisecond)
	case n < 87:
		f.receivers[id].triedNow()
		_ = f.nodes[i].d.TryNow(id)
	case n < 92:
		f.store.act(id, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.Batch.MaxItems = 1 + f.rng.IntN(40) })
		f.reload(f.nodes[i], id)
	case n < 96:
		f.store.act(id, toggle)
		f.reload(f.nodes[i], id)
	default:
		f.moveBack(id, f.receivers[id].willMove)
		f.reload(f.nodes[i], id)
	}
}

// meanwhile lets the others go on for a while.
func (f *fleet) meanwhile(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		f.appendSome(f.any())
		time.Sleep(time.Duration(f.rng.IntN(5000)) * time.Millisecond)
	}
}

func (f *fleet) appendSome(n *simNode) {
	if n.life.Err() != nil {
		return
	}
	account, head := f.simulation.appendTo()
	if head == 0 {
		return
	}
	n.d.Appended(account, head)
	n.log.tell(tidings.Notice{Kind: tidings.NoticeAppended, Account: account, Head: head})
}

func (f *fleet) reload(n *simNode, id tidings.EndpointID) {
	if err := n.d.Reload(f.t.Context(), id); err != nil {
		f.t.Fatal(err)
	}
	// What a lost notice leaves undone is found by looking at everything.
	if f.rng.IntN(2) == 0 {
		for _, n := range f.nodes {
			n.d.Noticed(tidings.Notice{Kind: tidings.NoticeMissed})
		}
	}
}

// kill is SIGKILL.
func (f *fleet) kill(n *simNode) {
	n.log.kill()
	n.dies()
	f.store.mu.Lock()
	delete(f.store.shared.listen, n.id)
	f.store.mu.Unlock()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.d.Stop(now) // a killed process has nothing to say
}

// leave is SIGTERM.
func (f *fleet) leave(n *simNode) {
	grace, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := n.d.Stop(grace); err != nil && tidings.CodeOf(err) != tidings.CodeUnavailable {
		f.t.Errorf("a graceful stop did not finish in time: %v", err)
	}
	n.dies()
	f.store.mu.Lock()
	delete(f.store.shared.listen, n.id)
	f.store.mu.Unlock()
	f.unsettle()
}

// halt is SIGSTOP, and SIGCONT after a while.
func (f *fleet) halt(n *simNode, d time.Duration) {
	f.unsettle()
	run := make(chan struct{})
	n.log.mu.Lock()
	n.log.stopped = run
	n.log.mu.Unlock()
	for _, r := range f.receivers {
		r.stopped(n.life)
	}
	time.Sleep(d)
	n.log.mu.Lock()
	n.log.stopped = nil
	n.log.mu.Unlock()
	close(run)
	f.unsettle()
}

// cutOff cuts a node off from the store for a while.
func (f *fleet) cutOff(n *simNode, d time.Duration) {
	set := func(cut bool) {
		n.log.mu.Lock()
		defer n.log.mu.Unlock()
		n.log.cut = cut
	}
	f.unsettle()
	set(true)
	time.Sleep(d)
	set(false)
	f.unsettle()
	n.d.Noticed(tidings.Notice{Kind: tidings.NoticeMissed})
}

// unsettle: attempts may be called off, which leaves no wait behind.
func (f *fleet) unsettle() {
	for _, r := range f.receivers {
		r.triedNow()
	}
}

func (f *fleet) heal() {
	for _, n := range f.nodes {
		n.log.mu.Lock()
		n.log.fail, n.log.lose = 0, 0
		n.log.mu.Unlock()
	}
	for id, r := range f.receivers {
		r.setHealth(0)
		f.store.act(id, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.State = tidings.StateActive })
	}
	for _, n := range f.nodes {
		n.d.Noticed(tidings.Notice{Kind: tidings.NoticeMissed})
	}
}

// checkShares: every shard is held, and none holds more than its share.
func (f *fleet) checkShares() {
	nodes, err := f.nodes[0].log.Nodes(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	held := 0
	for _, n := range nodes {
		held += len(n.Leases)
		if share := (tidings.Shards + simNodes - 1) / simNodes; len(n.Leases) > share {
			f.t.Errorf("%s holds %d shards; its share is %d", n.ID, len(n.Leases), share)
		}
	}
	if held != tidings.Shards || len(nodes) != simNodes {
		f.t.Errorf("%d shards are held by %d nodes", held, len(nodes))
	}
}
