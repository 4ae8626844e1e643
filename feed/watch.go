package feed

import (
	"sync"

	"tidings"
)

// watchers hands attempts to those who look on. A watcher who does not keep
// up misses some: nobody waits for him.
type watchers struct {
	mu   sync.Mutex
	byID map[tidings.EndpointID]map[chan tidings.Attempt]struct{}
}

const watchBuffer = 64

// Watch gives the attempts of an endpoint as they end. The channel is closed
// by the returned function, which must be called, and may be called twice.
func (d *Dispatcher) Watch(id tidings.EndpointID) (<-chan tidings.Attempt, func()) {
	w := &d.watchers
	ch := make(chan tidings.Attempt, watchBuffer)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[tidings.EndpointID]map[chan tidings.Attempt]struct{}{}
	}
	if w.byID[id] == nil {
		w.byID[id] = map[chan tidings.Attempt]struct{}{}
	}
	w.byID[id][ch] = struct{}{}
	return ch, sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byID[id], ch)
		if len(w.byID[id]) == 0 {
			delete(w.byID, id)
		}
		close(ch)
	})
}

func (w *watchers) tell(a tidings.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.byID[a.Endpoint] {
		select {
		case ch <- a:
		default:
		}
	}
}
