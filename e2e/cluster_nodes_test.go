package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"tidings"
)

// What becomes of the deliveries when nodes die, stand still, leave and come.

// TestNodesThatAreKilledAreTakenOverFrom kills nodes without a word. The others
// take over when the leases are over, and nothing is lost, doubled at the
// receivers, or out of order.
func TestNodesThatAreKilledAreTakenOverFrom(t *testing.T) {
	t.Parallel()
	c := newCluster(t, sharedDatabase(t), 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 8)
	l.flows()
	for until := time.Now().Add(*clusterLong); ; {
		i := rand.IntN(len(c.nodes))
		rest := append(append([]*node(nil), c.nodes[:i]...), c.nodes[i+1:]...)
		killed := time.Now()
		c.nodes[i].kill()
		c.takenOver(killed, takeover+2*time.Second, rest...)
		l.flows()
		c.nodes[i].begin()
		c.settles(c.nodes...)
		if time.Now().After(until) {
			break
		}
	}
	l.ends()
	c.sink.overlapped(0)
}

// TestANodeThatStoodStillDoesNotGoOnWhereOthersAre stops a process past the end
// of its leases and lets it go on: what was in flight may end, and nothing more
// of it reaches a receiver before it has leases again.
func TestANodeThatStoodStillDoesNotGoOnWhereOthersAre(t *testing.T) {
	t.Parallel()
	c := newCluster(t, sharedDatabase(t), 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 8)
	l.flows()
	c.sink.takes(50 * time.Millisecond) // so that some are in flight
	halted := time.Now()
	c.nodes[2].halt()
	c.takenOver(halted, takeover+2*time.Second, c.nodes[:2]...)
	l.flows()
	c.nodes[2].goOn()
	c.settles(c.nodes...)
	l.flows()
	c.sink.takes(0)
	l.ends()
	c.sink.overlapped(1)
}

// TestANodeThatLeavesHandsOverAtOnce ends nodes in order, one after the other, as a
// rolling upgrade does.
func TestANodeThatLeavesHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, sharedDatabase(t), 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 6)
	l.flows()
	for i, n := range c.nodes {
		rest := append(append([]*node(nil), c.nodes[:i]...), c.nodes[i+1:]...)
		n.terminate()
		c.takenOver(time.Now(), 2*time.Second, rest...)
		n.begin()
		c.settles(c.nodes...)
	}
	l.ends()
	c.sink.overlapped(0)
	for path, p := range c.sink.paths {
		if p.repeats > 0 {
			t.Errorf("%s: %d batches came again, though every node left in order", path, p.repeats)
		}
	}
}

// TestANodeThatIsCutOffPauses cuts a node off from the database, for longer than
// its leases hold: it delivers nothing that others deliver, and comes back by itself.
func TestANodeThatIsCutOffPauses(t *testing.T) {
	t.Parallel()
	c := newCluster(t, sharedDatabase(t), 3)
	c.settles(c.nodes...)
	l := c.newLoad(2, 8)
	l.flows()
	cut := time.Now()
	c.nodes[1].wire.setCut(true)
	c.nodes[1].leaves()
	c.takenOver(cut, takeover+2*time.Second, c.nodes[0], c.nodes[2])
	l.flows()
	after(t, *clusterLong)
	c.nodes[1].wire.setCut(false)
	c.settles(c.nodes...)
	l.ends()
	c.sink.overlapped(0)
}

// TestAnyNodeDoesWhatOperatorsWant: an endpoint is one node's to deliver to, and
// every node's to change and to look at.
func TestAnyNodeDoesWhatOperatorsWant(t *testing.T) {
	t.Parallel()
	c := newCluster(t, sharedDatabase(t), 2)
	c.settles(c.nodes...)
	account := c.nodes[0].newAccount(t, "shop")
	at := func(i int) *api { return c.nodes[i].as(account.token) }
	c.sink.faulty(false)
	var made []endpoint
	for k := range 6 {
		e := at(k%2).newEndpoint(t, map[string]any{"url": fmt.Sprintf("%s/%d", c.sink.URL, k), "activate": "anyway"})
		made = append(made, e)
	}
	at(1).send(t, activities(1, 1, 10))
	for k := range made {
		eventually(t, "every endpoint gets what came in by the other node", func() bool { return len(c.sink.got(fmt.Sprint("/", k))) == 10 })
	}
	for k, e := range made { // on the node that does not deliver, half of the times
		path := fmt.Sprintf("/v1/endpoints/%d", e.ID)
		at(k%2).must(t, http.MethodPost, path+"/deactivate", nil, nil)
		at(1-k%2).send(t, activities(1, int64(100*(k+1)), 5))
		for i := range c.nodes {
			eventually(t, "it is shown as deactivated with 5 waiting", func() bool {
				shown := at(i).endpoint(t, e.ID)
				return shown.State == "deactivated" && shown.Backlog == 5
			})
		}
		at(k%2).must(t, http.MethodPost, path+"/activate", map[string]any{"force": true}, nil)
		at(k%2).must(t, http.MethodPost, path+"/seek", map[string]any{"to": "beginning"}, nil)
		eventually(t, "it is caught up again", func() bool { return at(0).endpoint(t, e.ID).Backlog == 0 && at(1).endpoint(t, e.ID).Backlog == 0 })
	}
	var me struct {
		ID int64 `json:"id"`
	}
	at(0).must(t, http.MethodGet, "/v1/accounts/me", nil, &me)
	var key struct {
		Key struct {
			ID int64 `json:"id"`
		} `json:"key"`
		APIKey string `json:"apiKey"`
	}
	keys := fmt.Sprintf("/v1/accounts/%d/keys", me.ID)
	c.nodes[0].as(adminToken).must(t, http.MethodPost, keys, map[string]any{"name": "short-lived", "scopes": []string{"read"}}, &key)
	for _, n := range c.nodes {
		n.as(key.APIKey).must(t, http.MethodGet, "/v1/accounts/me", nil, nil)
	}
	revoked := time.Now()
	c.nodes[0].as(adminToken).must(t, http.MethodDelete, fmt.Sprintf("%s/%d", keys, key.Key.ID), nil, nil)
	eventually(t, "the key is dead on all nodes", func() bool {
		for _, n := range c.nodes {
			if n.as(key.APIKey).do(t.Context(), http.MethodGet, "/v1/accounts/me", nil, nil, nil) == nil {
				return false
			}
		}
		return true
	})
	if took := time.Since(revoked); took > 3*time.Second {
		t.Errorf("a revoked key was dead everywhere after %s", took)
	}
}

// TestRolesSplitTheWork: a node that only answers holds nothing, and one that
// only delivers answers nothing but for its health.
func TestRolesSplitTheWork(t *testing.T) {
	t.Parallel()
	dsn := sharedDatabase(t)
	c := newCluster(t, dsn, 0)
	door, engine := c.newNode("door", dsn, "--roles", "api,workflow"), c.newNode("engine", dsn, "--roles", "deliver")
	door.begin()
	engine.begin()
	eventually(t, "the engine holds all shards", func() bool { h := door.shards(); return h["engine"] == tidings.Shards && h["door"] == 0 })
	account := door.newAccount(t, "shop")
	c.sink.faulty(false)
	account.newEndpoint(t, map[string]any{"url": c.sink.URL + "/one", "activate": "anyway"})
	account.send(t, activities(1, 1, 100))
	eventually(t, "the endpoint gets all", func() bool { return len(c.sink.got("/one")) == 100 })
	engine.as(adminToken).refused(t, http.StatusNotFound, http.MethodGet, "/v1/nodes", nil)
	if err := engine.as("").do(t.Context(), http.MethodGet, "/readyz", nil, nil, nil); err != nil {
		t.Error("the engine does not tell of its health:", err)
	}
}
