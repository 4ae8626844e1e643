package feed

import (
	"context"

	"tidings"
)

// Leases is what a dispatcher asks of a store that several nodes share. A
// store that is one process's alone needs none of it: there Config.Leases is
// nil and every endpoint is that process's.
type Leases interface {
	// RenewLeases says that the node lives, and asks what it holds. In one
	// transaction, by the database's clock:
	//
	//   - the leases of released are given back, as far as they are this node's
	//     under that fence: they are free at once, and others are told (NoticeLeases);
	//   - the others that are this node's are extended by LeaseTTL, expired ones
	//     too as long as nobody else took them: their fence stays;
	//   - a node that delivers and holds less than its share claims free or expired
	//     ones, up to the share, under a raised fence. The share is Shards over the
	//     delivering nodes seen within LeaseTTL, rounded up.
	//
	// It never takes a lease from a node because that holds more than its share:
	// the holder sees the share and gives back when nothing is under way any more.
	RenewLeases(ctx context.Context, n tidings.Node, released []tidings.Lease) (tidings.Grant, error)

	// ReleaseLeases is the clean end of a node: what it holds is free at once,
	// its row is gone and others are told.
	ReleaseLeases(ctx context.Context, id tidings.NodeID) error

	// Nodes gives the nodes seen within LeaseTTL, by name, with what they hold.
	Nodes(ctx context.Context) ([]tidings.Node, error)

	// LanesOf is Log.Lanes for the endpoints of some shards, by one query.
	LanesOf(ctx context.Context, shards []int, each func(tidings.Endpoint, tidings.Position) error) error

	// Heads gives the heads of accounts as Log.Head does, by one query and from
	// the database itself. Accounts that are gone are left out.
	Heads(ctx context.Context, accounts []tidings.AccountID) (map[tidings.AccountID]tidings.Seq, error)
}
