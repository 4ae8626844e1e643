package tidings

import (
	"errors"
	"time"
)

// Many nodes may run on one database. Every endpoint belongs to one of Shards
// shards, and every shard to the node that holds its lease: that node alone
// delivers to the endpoints of the shard, and alone may move their positions.

// NodeID identifies one run of a process: random, and new at every start, so
// that a node that was replaced never takes its successor's leases for its own.
type NodeID string

// Role is a part of the work that a node may take.
type Role string

// The roles.
const (
	RoleAPI      Role = "api"      // answers requests
	RoleDeliver  Role = "deliver"  // holds leases and delivers
	RoleWorkflow Role = "workflow" // runs workflows
)

// Node is a process on the database that others may share.
type Node struct {
	ID      NodeID
	Name    string // for people; the host's name by default
	Version string // of the program
	Addr    string // where its API listens; "" without the role
	Roles   []Role
	Started time.Time
	Load    NodeLoad // as the node last told

	// Set by the store.
	Seen   time.Time // last renewal, by the database's clock
	Leases []Lease   // what it holds, by shard
}

// NodeLoad is what a node tells of its deliveries.
type NodeLoad struct {
	Endpoints  int   // of its shards
	Blocked    int   // of them, active with a head batch that has failed
	InFlight   int   // POSTs under way
	Backlog    int64 // activities ahead of its active endpoints, summed
	MaxBacklog int64 // of one of them
}

// Delivers says whether the node takes part in delivering.
func (n *Node) Delivers() bool {
	for _, r := range n.Roles {
		if r == RoleDeliver {
			return true
		}
	}
	return false
}

// Lease is the right to deliver to the endpoints of one shard.
type Lease struct {
	Shard int // from 0 to Shards-1
	// Fence is raised whenever the lease goes to a node that did not hold it,
	// also to one that held it earlier: of two equal ones nobody was between.
	Fence int64
}

// ErrNotHeld is the store's answer to a write under a lease that is not held
// under that fence any more. It never reaches clients.
var ErrNotHeld = errors.New("the lease of the endpoint's shard went to another node")

// How shards are leased.
const (
	Shards = 256
	// LeaseTTL is how long a lease holds after its last renewal.
	LeaseTTL = 10 * time.Second
	// LeaseRenewal is how often a node renews its leases.
	LeaseRenewal = 3 * time.Second
)

// spread takes ids that follow each other to shards that lie far apart (256 by
// the golden ratio), so that nodes which hold neighbouring shards share few
// endpoints as fairly as many.
const spread = 157

// ShardOf gives the shard of an endpoint. Ids are given in turn, so shards are
// equally full. The store computes the same in SQL: id * 157 % 256.
func ShardOf(id EndpointID) int { return int(id * spread % Shards) }

// NoticeKind is the closed list of what nodes tell each other.
type NoticeKind string

// The notices. They make things soon and nothing right: one that is lost costs
// a delay, because what they tell is in the database, which is looked at now
// and then in any case.
const (
	NoticeAppended NoticeKind = "appended" // Account's feed now ends at Head
	NoticeEndpoint NoticeKind = "endpoint" // Endpoint was made, changed, moved or deleted: read it anew
	NoticeTryNow   NoticeKind = "try"      // Endpoint's waiting batch is to be attempted now
	NoticeKeys     NoticeKind = "keys"     // API keys of Account changed
	NoticeFields   NoticeKind = "fields"   // additional fields of Account changed
	NoticeLeases   NoticeKind = "leases"   // leases were given back and are free
	NoticeRuns     NoticeKind = "runs"     // a run is due
	NoticeMails    NoticeKind = "mails"    // a mail is due
	// NoticeBroadcasts: a broadcast was made or goes on; it may be due later.
	NoticeBroadcasts NoticeKind = "broadcasts"
	NoticeMissed     NoticeKind = "missed" // this node could not listen for a while: anything may have been told meanwhile
)

// Notice is one thing that a node tells all others. It is told after the
// commit of what it speaks of; a node does not hear its own.
type Notice struct {
	Kind     NoticeKind
	Account  AccountID  // 0 = none
	Endpoint EndpointID // 0 = none
	Head     Seq        // of NoticeAppended
}
