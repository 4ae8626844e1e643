package feed_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

// The promises of nodes that share a store, each alone and in simulated time.

// rack is some nodes over one simulated store, with a scripted receiver.
type rack struct {
	t     *testing.T
	store *simStore
	nodes []*rackNode

	mu     sync.Mutex
	posts  []rackPost
	answer func(ctx context.Context) bool
}

type rackNode struct {
	log *simLog
	d   *feed.Dispatcher
}

type rackPost struct {
	node      tidings.NodeID
	endpoint  tidings.EndpointID
	at        time.Time
	first     tidings.Seq
	cancelled time.Time // when the sender called it off
}

func newRack(t *testing.T, endpoints int, names ...tidings.NodeID) *rack {
	k := &rack{t: t, store: newSimStore(), answer: func(context.Context) bool { return true }}
	for i := range endpoints {
		id := tidings.EndpointID(i + 1)
		k.store.endpoints[id] = tidings.Endpoint{
			ID: id, Account: 1, State: tidings.StateActive, Version: 1,
			Batch: tidings.BatchLimits{MaxItems: 10, MaxBytes: 1 << 20}, Timeout: 30 * time.Second,
		}
		k.store.positions[id] = tidings.Position{Endpoint: id, Fence: 1}
	}
	for _, name := range names {
		k.join(name)
	}
	time.Sleep(2*tidings.LeaseRenewal + time.Second) // until the shares are fair
	return k
}

func (k *rack) join(name tidings.NodeID, roles ...tidings.Role) *rackNode {
	if roles == nil {
		roles = []tidings.Role{tidings.RoleDeliver}
	}
	n := &rackNode{log: &simLog{store: k.store, rng: rand.New(rand.NewPCG(1, 1)), node: name}}
	n.d = feed.New(feed.Config{
		Log: n.log, Leases: n.log, Tell: n.log.tell, Node: tidings.Node{ID: name, Roles: roles},
		Post: func(ctx context.Context, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
			return k.post(ctx, name, ep, out)
		},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	k.store.mu.Lock()
	k.store.shared.listen[name] = n.d.Noticed
	k.store.mu.Unlock()
	if err := n.d.Start(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	k.nodes = append(k.nodes, n)
	return n
}

func (k *rack) post(ctx context.Context, node tidings.NodeID, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
	k.mu.Lock()
	i, answer := len(k.posts), k.answer
	k.posts = append(k.posts, rackPost{node: node, endpoint: ep.ID, at: time.Now(), first: out.Batch.First})
	k.mu.Unlock()
	a := tidings.Attempt{Endpoint: ep.ID, Number: out.Number, Batch: out.Batch.ID, First: out.Batch.First, Last: out.Batch.Last, At: time.Now()}
	a.Delivered = answer(ctx)
	if ctx.Err() != nil {
		k.mu.Lock()
		k.posts[i].cancelled = time.Now()
		k.mu.Unlock()
	}
	return a, 0
}

func (k *rack) seen() []rackPost {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]rackPost(nil), k.posts...)
}

func (k *rack) answerWith(f func(context.Context) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = f
}

// append appends at one node, which tells the others.
func (k *rack) append(n *rackNode, count int) {
	kinds := make([]tidings.Kind, count)
	for i := range kinds {
		kinds[i] = tidings.KindOf(tidings.Delivered, tidings.Email)
	}
	head := k.store.append(1, kinds...)
	n.d.Appended(1, head)
	n.log.tell(tidings.Notice{Kind: tidings.NoticeAppended, Account: 1, Head: head})
}

func (k *rack) stop(nodes ...*rackNode) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, n := range nodes {
		if err := n.d.Stop(ctx); err != nil {
			k.t.Error("stop:", err)
		}
	}
}

func (n *rackNode) kill() {
	n.log.kill()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.d.Stop(ended) // says that it had no time, which is the point
}

// by counts the POSTs of each node, and wants that no endpoint had two senders.
func (k *rack) by(posts []rackPost) map[tidings.NodeID]int {
	k.t.Helper()
	count, sender := map[tidings.NodeID]int{}, map[tidings.EndpointID]tidings.NodeID{}
	for _, p := range posts {
		count[p.node]++
		if was, ok := sender[p.endpoint]; ok && was != p.node {
			k.t.Errorf("endpoint %d was sent to by %s and %s", p.endpoint, was, p.node)
		}
		sender[p.endpoint] = p.node
	}
	return count
}

func TestNodesShareTheEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 30, "a", "b", "c")
		k.append(k.nodes[0], 10)
		time.Sleep(time.Second)
		for node, n := range k.by(k.seen()) {
			if n < 8 || n > 12 {
				t.Errorf("%s has %d of 30 endpoints", node, n)
			}
		}
		k.stop(k.nodes...)
		if posts := k.seen(); len(posts) != 30 {
			t.Errorf("%d POSTs for 30 endpoints", len(posts))
		}
	})
}

func TestShardsOfANodeThatDiedAreTakenOverInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 30, "a", "b")
		k.nodes[0].kill()
		died := time.Now()
		k.append(k.nodes[1], 10)
		time.Sleep(time.Minute)
		posts := k.seen()
		if len(posts) != 30 {
			t.Fatalf("%d POSTs for 30 endpoints", len(posts))
		}
		if took := posts[29].at.Sub(died); took > tidings.LeaseTTL+tidings.LeaseRenewal || took < tidings.LeaseTTL-tidings.LeaseRenewal {
			t.Errorf("the last endpoint was taken over after %v", took)
		}
		k.stop(k.nodes[1])
	})
}

func TestANodeThatLeavesGivesItsShardsAtOnceAndFinishesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 20, "a", "b")
		k.answerWith(func(ctx context.Context) bool { return sleep(ctx, 2*time.Second) })
		k.append(k.nodes[0], 10)
		time.Sleep(time.Second)
		began := len(k.seen())
		k.append(k.nodes[0], 10) // waits behind what is in flight
		k.stop(k.nodes[0])
		left := time.Now()
		k.answerWith(func(context.Context) bool { return true })
		time.Sleep(time.Minute)
		posts := k.seen()
		if began != 20 || len(posts) != 40 {
			t.Fatalf("%d and %d POSTs for 20 endpoints, two each", began, len(posts)-began)
		}
		for _, p := range posts {
			if !p.cancelled.IsZero() {
				t.Errorf("endpoint %d: what was in flight was cut off", p.endpoint)
			}
		}
		for _, p := range posts[20:] {
			if p.node != "b" || p.first != 11 || p.at.Sub(left) > 100*time.Millisecond {
				t.Errorf("endpoint %d: %s went on at %d after %v", p.endpoint, p.node, p.first, p.at.Sub(left))
			}
		}
		k.stop(k.nodes[1])
	})
}

func TestAnAttemptEndsBeforeALeaseThatCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 20, "a", "b")
		k.answerWith(func(ctx context.Context) bool { return sleep(ctx, 25*time.Second) })
		k.append(k.nodes[0], 10)
		time.Sleep(time.Second)
		k.nodes[0].log.mu.Lock()
		k.nodes[0].log.cut = true
		k.nodes[0].log.mu.Unlock()
		cut := time.Now()
		time.Sleep(9 * time.Second)
		ended := map[tidings.EndpointID]time.Time{}
		for _, p := range k.seen() {
			if p.node == "a" {
				if p.cancelled.IsZero() {
					t.Errorf("endpoint %d: the attempt of a node that can't renew goes on", p.endpoint)
				}
				ended[p.endpoint] = p.cancelled
			}
		}
		time.Sleep(tidings.LeaseTTL)
		for _, p := range k.seen() {
			if was, ok := ended[p.endpoint]; ok && p.at.After(cut) {
				if p.node != "b" || p.at.Sub(was) < 500*time.Millisecond {
					t.Errorf("endpoint %d: %s came %v after the attempt that was cut off", p.endpoint, p.node, p.at.Sub(was))
				}
			}
		}
		if len(ended) == 0 {
			t.Error("the node that was cut off had no endpoint")
		}
		k.nodes[0].kill()
		k.stop(k.nodes[1])
	})
}

func TestNodesThatComeBackBeforeOthersTookOverGoOnFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 5, "a")
		k.append(k.nodes[0], 30)
		time.Sleep(time.Second)
		set := func(cut bool) {
			k.nodes[0].log.mu.Lock()
			defer k.nodes[0].log.mu.Unlock()
			k.nodes[0].log.cut = cut
		}
		k.answerWith(func(ctx context.Context) bool { return sleep(ctx, 2*time.Second) })
		k.append(k.nodes[0], 5)
		time.Sleep(time.Second)
		set(true) // what is in flight is delivered under the lease, and can't be written down
		time.Sleep(time.Minute)
		during := len(k.seen())
		set(false)
		k.append(k.nodes[0], 5)
		time.Sleep(time.Minute)
		next := map[tidings.EndpointID]tidings.Seq{}
		for _, p := range k.seen() {
			if p.first < next[p.endpoint] {
				t.Errorf("endpoint %d: %d came again", p.endpoint, p.first)
			}
			next[p.endpoint] = p.first + 1
		}
		if all := len(k.seen()); all <= during {
			t.Errorf("%d POSTs before the store was back, %d in all", during, all)
		}
		k.stop(k.nodes...)
		for id, p := range k.store.positions {
			if p.Cursor != 40 {
				t.Errorf("endpoint %d stands at %d", id, p.Cursor)
			}
		}
	})
}

func TestNodesKeepWhatTheyHadWhenTheStoreWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 30, "a", "b", "c")
		k.answerWith(func(ctx context.Context) bool { return sleep(ctx, 2*time.Second) })
		k.append(k.nodes[0], 5)
		time.Sleep(time.Second)
		set := func(n *rackNode, cut bool) {
			n.log.mu.Lock()
			defer n.log.mu.Unlock()
			n.log.cut = cut
		}
		for _, n := range k.nodes {
			set(n, true) // what is in flight can't be written down
		}
		time.Sleep(time.Minute)
		for _, n := range k.nodes { // one finds the store before the others do
			set(n, false)
			time.Sleep(time.Second)
		}
		k.append(k.nodes[0], 5)
		time.Sleep(time.Minute)
		k.by(k.seen())
		if posts := len(k.seen()); posts != 60 {
			t.Errorf("%d POSTs for two batches to each of 30 endpoints", posts)
		}
		k.stop(k.nodes...)
	})
}

func TestAnyNodePassesOnWhatOperatorsWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 10, "a")
		door := k.join("door", tidings.RoleAPI)
		k.answerWith(func(context.Context) bool { return false })
		k.append(door, 10)
		time.Sleep(time.Second)
		before := len(k.seen())
		k.answerWith(func(context.Context) bool { return true })
		if _, here := door.d.Lane(1); here {
			t.Error("a node that delivers nothing shows a lane of its own")
		}
		batch, pos, err := door.d.HeadBatch(t.Context(), 1)
		if err != nil || batch.First != 1 || batch.Last != 10 || pos.Attempts != 1 {
			t.Errorf("the waiting batch on another node: %+v at %+v, %v", batch, pos, err)
		}
		if err := door.d.TryNow(1); err != nil {
			t.Error(err)
		}
		time.Sleep(100 * time.Millisecond)
		if posts := k.seen(); len(posts) != before+1 || posts[before].endpoint != 1 || posts[before].node != "a" {
			t.Errorf("a try that another node was asked for: %+v", posts[before:])
		}
		k.store.act(2, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.State = tidings.StateDeactivated })
		if err := door.d.Reload(t.Context(), 2); err != nil {
			t.Error(err)
		}
		k.store.act(3, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.State = tidings.StateDeactivated })
		k.nodes[0].d.Noticed(tidings.Notice{Kind: tidings.NoticeMissed}) // nobody told of endpoint 3
		time.Sleep(2 * time.Minute)
		for _, p := range k.seen()[before+1:] {
			if p.endpoint == 2 || p.endpoint == 3 {
				t.Errorf("endpoint %d is delivered to though it was deactivated on another node", p.endpoint)
			}
		}
		k.stop(k.nodes...)
	})
}

func TestAnIdleNodeAsksLittleOfItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack(t, 500, "a", "b")
		log := k.nodes[0].log
		asked := func() int {
			log.mu.Lock()
			defer log.mu.Unlock()
			return log.asked
		}
		before := asked()
		const minutes = 10
		time.Sleep(minutes * time.Minute)
		if n := asked() - before; n > minutes*40 {
			t.Errorf("%d questions in %d minutes", n, minutes)
		}
		k.stop(k.nodes...)
	})
}
