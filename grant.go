package tidings

import (
	"time"
)

// Grant is what a node may do until it renews its leases again.
type Grant struct {
	Held []Lease // all that the node holds now, by shard
	// Share is how many it ought to hold. Of more it gives back the rest.
	Share int
	// ValidFor is how long the leases hold. It is counted from before the
	// renewal was sent, by two clocks (feed/span.go).
	ValidFor time.Duration
	// Again is when another renewal may claim more: the time until the first
	// lease of another node expires. 0 = no sooner than usual.
	Again time.Duration
}
