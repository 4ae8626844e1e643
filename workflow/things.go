package workflow

import (
	"context"
	"sync"
	"time"

	"tidings"
)

// Things is what an Engine asks of a store about what workflows name. A thing
// of another account is CodeNotFound. Webhooks and messages that were deleted are given too.
type Things interface {
	WorkflowVersion(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, n int64) (tidings.Definition, error)
	Webhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID) (tidings.Webhook, error)
	Connector(ctx context.Context, account tidings.AccountID, id tidings.ConnectorID) (tidings.Connector, error)
	Message(ctx context.Context, account tidings.AccountID, id tidings.MessageID) (tidings.Message, error)
	MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error)
	Fields(ctx context.Context, account tidings.AccountID) ([]tidings.Field, error)
}

// maxShelf is how many things of a kind are kept in memory.
const maxShelf = 1024

// thing names a thing of an account; for what an account has one of, ID is 0.
type thing struct {
	account tidings.AccountID
	id      int64
	version int64 // of a workflow
}

// shelf keeps what was read lately, so that a thousand runs of one workflow
// read its webhook once.
type shelf[V any] struct {
	read func(ctx context.Context, of thing) (V, error)
	now  func() time.Time
	keep time.Duration // how old what is given may be; 0 = it never changes

	mu   sync.Mutex
	have map[thing]shelved[V]
}

type shelved[V any] struct {
	value V
	at    time.Time
}

func newShelf[V any](now func() time.Time, keep time.Duration, read func(context.Context, thing) (V, error)) *shelf[V] {
	return &shelf[V]{read: read, now: now, keep: keep, have: map[thing]shelved[V]{}}
}

// get gives a thing as it was at most keep ago. What is given is shared: it must not be changed.
func (s *shelf[V]) get(ctx context.Context, of thing) (V, error) {
	now := s.now()
	s.mu.Lock()
	have, ok := s.have[of]
	s.mu.Unlock()
	if ok && (s.keep == 0 || now.Sub(have.at) < s.keep) {
		return have.value, nil
	}
	value, err := s.read(ctx, of)
	if err != nil {
		return value, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	makeRoom(s.have, maxShelf)
	s.have[of] = shelved[V]{value, now}
	return value, nil
}

// makeRoom lets something new into a cache of at most so many things.
func makeRoom[K comparable, V any](have map[K]V, most int) {
	if len(have) < most {
		return
	}
	for old := range have { // any will do: which are in use shows soon enough
		delete(have, old)
		return
	}
}
