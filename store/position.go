package store

import "tidings"

// pendingDelivery is a delivery on its way into the store.
type pendingDelivery struct {
	tidings.Delivery
	err  error // what becomes of it; set by applyDeliveries, or by the committer when the commit fails
	done func(error)
}

// Deliver stores a position and the attempts that led to it; see feed.Log.
func (s *Store) Deliver(d tidings.Delivery, urgent bool, done func(error)) {
	s.committer.deliver(&pendingDelivery{Delivery: d, done: done}, urgent)
}

// applyDeliveries writes the deliveries of a group, several of one endpoint as
// one row. A refusal is that delivery's err; the error it returns ends the transaction.
func (s *Store) applyDeliveries(tx *writeTx, ds []*pendingDelivery) error {
	for _, d := range ds {
		d.err = tidings.Errorf(tidings.CodeNotFound, "there is no endpoint %d", d.Position.Endpoint)
	}
	return nil
}
