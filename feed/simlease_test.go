package feed_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tidings"
)

// simShared is what nodes share besides the feeds and positions: the one fake
// of feed.Leases. Its clock is the simulation's, as every node's is.
type simShared struct {
	nodes  map[tidings.NodeID]tidings.Node
	leases [tidings.Shards]simLease
	// taken hears of each shard that is claimed without having been given back.
	taken  func(shard int)
	listen map[tidings.NodeID]func(tidings.Notice)
}

type simLease struct {
	holder  tidings.NodeID
	fence   int64
	expires time.Time
}

func newSimShared() simShared {
	return simShared{nodes: map[tidings.NodeID]tidings.Node{}, taken: func(int) {}, listen: map[tidings.NodeID]func(tidings.Notice){}}
}

// holds says whether a delivery's lease has not gone to somebody else.
func (sh *simShared) holds(d tidings.Delivery) bool {
	return d.Lease == 0 || sh.leases[tidings.ShardOf(d.Position.Endpoint)].fence == d.Lease
}

func (sh *simShared) live(now time.Time) []tidings.Node {
	var live []tidings.Node
	for _, n := range sh.nodes {
		if now.Sub(n.Seen) < tidings.LeaseTTL {
			live = append(live, n)
		}
	}
	slices.SortFunc(live, func(a, b tidings.Node) int { return cmp.Compare(a.ID, b.ID) })
	return live
}

func (sh *simShared) renew(n tidings.Node, released []tidings.Lease, now time.Time) tidings.Grant {
	n.Seen = now
	sh.nodes[n.ID] = n
	for _, r := range released {
		if row := &sh.leases[r.Shard]; row.holder == n.ID && row.fence == r.Fence {
			row.holder = ""
		}
	}
	delivering := 0
	for _, other := range sh.live(now) {
		if other.Delivers() {
			delivering++
		}
	}
	grant := tidings.Grant{ValidFor: tidings.LeaseTTL}
	if n.Delivers() {
		grant.Share = (tidings.Shards + delivering - 1) / delivering
	}
	for shard := range sh.leases {
		if row := &sh.leases[shard]; row.holder == n.ID {
			row.expires = now.Add(tidings.LeaseTTL)
			grant.Held = append(grant.Held, tidings.Lease{Shard: shard, Fence: row.fence})
		}
	}
	for shard := range sh.leases {
		row := &sh.leases[shard]
		free := row.holder == "" || !now.Before(row.expires)
		switch {
		case row.holder == n.ID:
		case free && len(grant.Held) < grant.Share:
			if row.holder != "" {
				sh.taken(shard)
			}
			*row = simLease{n.ID, row.fence + 1, now.Add(tidings.LeaseTTL)}
			grant.Held = append(grant.Held, tidings.Lease{Shard: shard, Fence: row.fence})
		case !free:
			if left := row.expires.Sub(now); grant.Again == 0 || left < grant.Again {
				grant.Again = left
			}
		}
	}
	slices.SortFunc(grant.Held, func(a, b tidings.Lease) int { return cmp.Compare(a.Shard, b.Shard) })
	return grant
}

// reach is a process's way to the store: it waits while the process is stopped,
// and fails while the process is dead or cut off.
func (l *simLog) reach(ctx context.Context) error {
	l.resumed()
	l.mu.Lock()
	l.asked++
	killed, cut := l.killed, l.cut
	l.mu.Unlock()
	switch {
	case killed:
		return l.dead()
	case cut:
		sleep(ctx, 2*time.Second)
		return tidings.Errorf(tidings.CodeUnavailable, "cut off")
	}
	return ctx.Err()
}

// resumed waits until the process runs.
func (l *simLog) resumed() {
	l.mu.Lock()
	stopped := l.stopped
	l.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

func (l *simLog) RenewLeases(ctx context.Context, n tidings.Node, released []tidings.Lease) (tidings.Grant, error) {
	if err := l.reach(ctx); err != nil {
		return tidings.Grant{}, err
	}
	l.mu.Lock()
	refused := l.refuses()
	l.mu.Unlock()
	if refused {
		return tidings.Grant{}, tidings.Errorf(tidings.CodeUnavailable, "simulated refusal")
	}
	l.store.mu.Lock()
	grant := l.store.shared.renew(n, released, time.Now())
	l.store.mu.Unlock()
	if len(released) > 0 {
		l.tell(tidings.Notice{Kind: tidings.NoticeLeases})
	}
	l.resumed() // it may be stopped before it reads the answer
	return grant, nil
}

func (l *simLog) ReleaseLeases(ctx context.Context, id tidings.NodeID) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	l.store.mu.Lock()
	delete(l.store.shared.nodes, id)
	for shard := range l.store.shared.leases {
		if row := &l.store.shared.leases[shard]; row.holder == id {
			row.holder = ""
		}
	}
	l.store.mu.Unlock()
	l.tell(tidings.Notice{Kind: tidings.NoticeLeases})
	return nil
}

func (l *simLog) Nodes(ctx context.Context) ([]tidings.Node, error) {
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	nodes := l.store.shared.live(time.Now())
	for i := range nodes {
		for shard, row := range l.store.shared.leases {
			if row.holder == nodes[i].ID {
				nodes[i].Leases = append(nodes[i].Leases, tidings.Lease{Shard: shard, Fence: row.fence})
			}
		}
	}
	return nodes, nil
}

func (l *simLog) LanesOf(ctx context.Context, shards []int, each func(tidings.Endpoint, tidings.Position) error) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	return l.Lanes(ctx, func(ep tidings.Endpoint, pos tidings.Position) error {
		if !slices.Contains(shards, tidings.ShardOf(ep.ID)) {
			return nil
		}
		return each(ep, pos)
	})
}

func (l *simLog) Heads(ctx context.Context, accounts []tidings.AccountID) (map[tidings.AccountID]tidings.Seq, error) {
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	heads := map[tidings.AccountID]tidings.Seq{}
	for _, account := range accounts {
		heads[account], _ = l.Head(ctx, account)
	}
	return heads, nil
}

// tell carries a notice to all other nodes, soon or, with bad luck, never.
func (l *simLog) tell(n tidings.Notice) {
	l.mu.Lock()
	if l.killed || l.cut {
		l.mu.Unlock()
		return
	}
	soon := time.Duration(l.rng.IntN(3000)) * time.Microsecond
	lost := l.rng.Float64() < l.lose
	l.mu.Unlock()
	if lost {
		return
	}
	time.AfterFunc(soon, func() {
		l.store.mu.Lock()
		var hear []func(tidings.Notice)
		for id, f := range l.store.shared.listen {
			if id != l.node {
				hear = append(hear, f)
			}
		}
		l.store.mu.Unlock()
		for _, f := range hear {
			f(n)
		}
	})
}
