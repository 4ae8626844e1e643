package feed

import (
	"context"

	"tidings"
)

// Log is what the dispatcher asks of a store.
//
// The order promised: an activity's seq is given at commit; per account it is
// dense and its order is the commit order, so a reader that has seen seq n
// sees all up to n, now and always (until retention drops whole months). The
// head is the last committed seq. An append is durable before it is
// acknowledged and before anybody is told of it.
type Log interface {
	// Head gives the seq of the account's last activity, 0 before the first.
	Head(ctx context.Context, account tidings.AccountID) (tidings.Seq, error)

	// Read gives a run of the feed; see tidings.Page. It never waits for more to arrive.
	Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error)

	// Lanes gives every endpoint of every account with its position, in no
	// order, and stops at the first error of each.
	Lanes(ctx context.Context, each func(tidings.Endpoint, tidings.Position) error) error

	// Lane gives one endpoint with its position; CodeNotFound when it was deleted.
	Lane(ctx context.Context, id tidings.EndpointID) (tidings.Endpoint, tidings.Position, error)

	// Deliver stores a position and the attempts that led to it. It returns at
	// once; done is called exactly once, when all is durable or refused, and must
	// not block. Deliveries of one endpoint are applied in the order given. An
	// urgent one asks for a commit now; the others ride along with the next
	// commit or a flush some milliseconds later.
	//
	// A position whose Fence is not the stored one is refused with CodeFenced (with
	// CodeNotFound when the endpoint is gone), and one whose Lease is over with
	// tidings.ErrNotHeld; the attempts are kept all the same.
	Deliver(d tidings.Delivery, urgent bool, done func(error))
}
