package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

type nodesJSON struct {
	Nodes  []nodeJSON `json:"nodes"`
	Unheld int        `json:"shardsUnheld" doc:"Shards that nobody delivers for now; of more than a few seconds it says that no node has the role deliver, or that the nodes can't reach the database."`
}

type nodeJSON struct {
	ID         tidings.NodeID `json:"id" doc:"Of one run of the process."`
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	Addr       string         `json:"addr" doc:"Where its API listens."`
	Roles      []tidings.Role `json:"roles"`
	StartedAt  *time.Time     `json:"startedAt"`
	SeenAt     *time.Time     `json:"seenAt" doc:"Its last sign of life, by the database's clock."`
	Shards     [][2]int       `json:"shards" doc:"The shards that it holds, as ranges [first, last]. An endpoint is in the shard id × 157 modulo 256."`
	ShardCount int            `json:"shardCount"`
	Endpoints  int            `json:"endpoints" doc:"In its shards, as the node last told; so are the figures that follow."`
	Blocked    int            `json:"blocked" doc:"Active endpoints whose waiting batch has failed."`
	InFlight   int            `json:"inFlight" doc:"POSTs under way."`
	Backlog    int64          `json:"backlog" doc:"Activities ahead of its active endpoints, summed."`
	MaxBacklog int64          `json:"maxBacklog" doc:"Activities ahead of the endpoint that is furthest behind."`
}

func (s *Server) registerNodes() {
	operate(s, huma.Operation{
		OperationID: "list-nodes", Method: http.MethodGet, Path: "/v1/nodes", Tags: []string{"Operation"}, Summary: "Who delivers for whom",
		Description: "The nodes on this database that are alive, the shards of endpoints that each holds, and how far behind they are. A server on a data directory is one node that holds all.", Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/v1/nodes -H "Authorization: Bearer $TIDINGS_ADMIN_TOKEN"`),
	}, access{admin: true, operator: true}, s.listNodes)
}

func (s *Server) listNodes(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body nodesJSON }, error) {
	nodes, err := s.cfg.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := nodesJSON{Nodes: make([]nodeJSON, len(nodes)), Unheld: tidings.Shards}
	for i := range nodes {
		out.Nodes[i] = nodeView(&nodes[i])
		out.Unheld -= len(nodes[i].Leases)
	}
	return &struct{ Body nodesJSON }{out}, nil
}

func nodeView(n *tidings.Node) nodeJSON {
	return nodeJSON{
		ID: n.ID, Name: n.Name, Version: n.Version, Addr: n.Addr, Roles: append([]tidings.Role{}, n.Roles...),
		StartedAt: instant(n.Started), SeenAt: instant(n.Seen), Shards: ranges(n.Leases), ShardCount: len(n.Leases),
		Endpoints: n.Load.Endpoints, Blocked: n.Load.Blocked, InFlight: n.Load.InFlight, Backlog: n.Load.Backlog, MaxBacklog: n.Load.MaxBacklog,
	}
}

// ranges gives the shards of leases, which are in their order, as ranges.
func ranges(leases []tidings.Lease) [][2]int {
	list := [][2]int{}
	for _, l := range leases {
		if n := len(list); n > 0 && list[n-1][1] == l.Shard-1 {
			list[n-1][1] = l.Shard
			continue
		}
		list = append(list, [2]int{l.Shard, l.Shard})
	}
	return list
}

const (
	// lookForAttempts is how often the store is asked for attempts that another node makes.
	lookForAttempts = time.Second
	// watchedAtOnce is how many a watcher gets at most by one look: what the store keeps.
	watchedAtOnce = 200
)

// watch gives the attempts of an endpoint as they end: from the dispatcher
// where it alone delivers, else from the store, whichever node makes them. The
// returned function ends it and must be called.
func (s *Server) watch(ctx context.Context, account tidings.AccountID, id tidings.EndpointID) (<-chan tidings.Attempt, func()) {
	if !s.cfg.Shared {
		return s.cfg.Dispatcher.Watch(id)
	}
	ctx, cancel := context.WithCancel(ctx)
	attempts := make(chan tidings.Attempt, watchedAtOnce)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.follow(ctx, account, id, attempts)
	}()
	return attempts, func() { cancel(); <-ended }
}

// follow looks for new attempts until ctx ends.
func (s *Server) follow(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, to chan<- tidings.Attempt) {
	ticker := time.NewTicker(lookForAttempts)
	defer ticker.Stop()
	last, _, failed := s.store.Attempts(ctx, account, id, 0, 1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		kept, _, err := s.store.Attempts(ctx, account, id, 0, watchedAtOnce)
		switch {
		case err != nil:
			continue // it is asked again in a second; what ends a tail is checked apart from this
		case failed != nil:
			last, failed = kept[:min(1, len(kept))], nil
			continue
		}
		for _, a := range slices.Backward(newer(kept, last)) {
			select {
			case to <- a:
			default: // who does not keep up misses some
			}
		}
		last = kept[:min(1, len(kept))]
	}
}

// newer gives the attempts of kept, newest first, that were made after the last one known, if any.
func newer(kept, last []tidings.Attempt) []tidings.Attempt {
	if len(last) == 0 {
		return kept
	}
	known := slices.IndexFunc(kept, func(a tidings.Attempt) bool {
		return a.Batch == last[0].Batch && a.Number == last[0].Number && a.At.Equal(last[0].At)
	})
	if known < 0 {
		return kept
	}
	return kept[:known]
}

// Missed says that news of feeds may have been missed: all who wait look again.
func (a *Arrivals) Missed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for account, at := range a.byFeed {
		close(at.grown)
		delete(a.byFeed, account)
	}
}

// KeysChanged says that keys may have been revoked by another node: every key
// is looked up anew with its next use.
func (s *Server) KeysChanged() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	s.auth.dropped++
	clear(s.auth.known)
}
