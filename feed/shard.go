package feed

import (
	"context"
	"errors"
	"sync"

	"tidings"
)

// shard is a part of the endpoints that this process delivers to, under one
// lease: all lanes of one tidings.ShardOf. Where nobody shares the store, all
// shards are the process's from start to end, under fence 0.
type shard struct {
	d     *Dispatcher
	lease tidings.Lease

	mu      sync.RWMutex
	state   shardState
	ctx     context.Context // of what its lanes do; a new one after every pause
	cancel  context.CancelFunc
	lanes   map[tidings.EndpointID]*lane
	deleted map[tidings.EndpointID]struct{} // heard of while the lanes are read; nil when they are known
	before  *shard                          // held earlier under the same number; its lanes must have ended first

	running sync.WaitGroup // lanes that run
}

type shardState int

const (
	shardTaken shardState = iota // nothing runs before begin
	shardOpen
	shardPaused   // the lease may be over: nothing runs until it is renewed
	shardDraining // to be given back: nothing new begins
	shardOver     // not this process's any more
)

// newShard makes a shard that was just taken.
func (d *Dispatcher) newShard(lease tidings.Lease) *shard {
	s := &shard{
		d: d, lease: lease,
		lanes:   map[tidings.EndpointID]*lane{},
		deleted: map[tidings.EndpointID]struct{}{},
	}
	s.ctx, s.cancel = context.WithCancel(d.ctx)
	return s
}

// admit counts a lane in that is about to run, unless the shard is not open.
func (s *shard) admit() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.state != shardOpen {
		return false
	}
	s.running.Add(1)
	return true
}

func (s *shard) open() bool { return s.is(shardOpen) }

func (s *shard) is(state shardState) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state == state
}

// context ends when what the shard's lanes do must end.
func (s *shard) context() context.Context {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ctx
}

func (s *shard) lane(id tidings.EndpointID) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lanes[id]
}

// all gives the shard's lanes.
func (s *shard) all() []*lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*lane, 0, len(s.lanes))
	for _, l := range s.lanes {
		list = append(list, l)
	}
	return list
}

// begin opens the shard, when the lanes that ran under an earlier lease of it have ended.
func (s *shard) begin() {
	for before := s.earlier(); before != nil; before = before.earlier() {
		before.running.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = nil
	if s.state == shardTaken {
		s.state = shardOpen
		s.cancel()
		s.ctx, s.cancel = context.WithCancel(s.d.ctx)
	}
}

func (s *shard) earlier() *shard {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.before
}

// loaded says that all lanes are known.
func (s *shard) loaded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = nil
}

// pause cuts off what is under way, because the lease may be over.
func (s *shard) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == shardOpen {
		s.state = shardPaused
	}
	s.cancel()
}

// resume goes on after a pause: the lease was renewed, and nobody was between.
func (s *shard) resume() {
	s.mu.Lock()
	paused := s.state == shardPaused
	if paused {
		s.state = shardOpen
		s.ctx, s.cancel = context.WithCancel(s.d.ctx)
	}
	s.mu.Unlock()
	if paused {
		s.wake()
	}
}

// wake sets every lane going that has something to do.
func (s *shard) wake() {
	for _, l := range s.all() {
		l.wake()
	}
}

// lose cuts off what is under way for good: the shard is not this process's any more.
func (s *shard) lose() {
	s.mu.Lock()
	s.state = shardOver
	s.cancel()
	s.mu.Unlock()
}

// close lets nothing new begin.
func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != shardOver {
		s.state = shardDraining
	}
}

// drain ends a shard in order: nothing new begins, what is in flight may finish
// until ctx ends, and every position is made durable. Its error says that
// there was no time for one or the other. It waits for the shard's lanes.
func (s *shard) drain(ctx context.Context) error {
	s.close()
	lanes := s.all()
	for _, l := range lanes {
		l.releaseWaiting()
	}
	ended := make(chan struct{})
	go func() { s.running.Wait(); close(ended) }()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.mu.Lock()
		s.cancel()
		s.mu.Unlock()
		<-ended
	}
	for _, l := range lanes {
		err = errors.Join(err, l.flush(ctx))
	}
	return err
}

// releaseWaiting stops a lane's timer, and its wait for a slot or a store.
func (l *lane) releaseWaiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.cancel != nil && !l.posting {
		l.cancel()
	}
}
