package feed

import (
	"context"
)

// slots bounds the POSTs in flight. First attempts and repeats have slots of
// their own, so that endpoints in trouble, which hold a slot for a whole
// timeout, never take those of endpoints that answer.
type slots struct {
	first  chan struct{}
	repeat chan struct{}
}

func newSlots(first, repeat int) slots {
	return slots{first: make(chan struct{}, first), repeat: make(chan struct{}, repeat)}
}

// acquire waits for a slot; the release must be called once. busy is called
// when there is something to wait for.
func (s slots) acquire(ctx context.Context, repeat bool, busy func()) (release func(), err error) {
	slot := s.first
	if repeat {
		slot = s.repeat
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release = func() { <-slot }
	select {
	case slot <- struct{}{}:
		return release, nil
	default:
		busy()
	}
	select {
	case slot <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
