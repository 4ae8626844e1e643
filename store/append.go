package store

import "tidings"

// pendingAppend is one request's activities on their way into the feed.
type pendingAppend struct {
	request tidings.AppendRequest
	bytes   int
	result  tidings.AppendResult
}

// size is what the request adds to its group, in bytes.
func (a *pendingAppend) size() int { return a.bytes }

// applyAppends stores the appends of a group. Its error ends the transaction;
// what is wrong with one request is that request's error.
func (s *Store) applyAppends(*writeTx, []*request) error { return nil }
