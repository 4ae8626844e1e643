package store

import "sync/atomic"

// counters is what the store counts of its own work.
type counters struct {
	walBytes atomic.Int64
}
