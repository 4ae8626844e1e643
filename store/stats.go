package store

import "sync/atomic"

// counters is what the store counts of its own work.
type counters struct {
	appended atomic.Int64
	walBytes atomic.Int64
}
