package api

import (
	"time"

	"tidings"
)

// Waiting is how many feeds somebody waits for.
func (a *Arrivals) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.byFeed)
}

// ReadSearch is readSearch, for its fuzz target.
func ReadSearch(raw string, now time.Time) (tidings.ActivityQuery, error) {
	return readSearch(raw, now)
}

// DecodeEndpoint reads the body of a create, for its fuzz target.
func DecodeEndpoint(data []byte) error { return decodeStrict(data, &newEndpointJSON{}) }

// StatusOf is statusOf.
func StatusOf(err error) int { return statusOf(err) }
