package bench

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// arrivals pairs the time at which an append was acknowledged with the time at
// which the receiver had it.
type arrivals struct {
	mu    sync.Mutex
	acked map[int64]time.Time
	got   map[int64]time.Time
	bad   error
}

func newArrivals() *arrivals {
	return &arrivals{acked: map[int64]time.Time{}, got: map[int64]time.Time{}}
}

func (a *arrivals) ack(answer []byte, at time.Time) {
	var stored struct{ LastSeq int64 }
	err := json.Unmarshal(answer, &stored)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.bad = err
		return
	}
	a.acked[stored.LastSeq] = at
}

func (a *arrivals) arrive(first, last int64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for seq := first; seq <= last; seq++ {
		a.got[seq] = at
	}
}

// waits are the times from acknowledged to received; one that was received
// before its acknowledgement was read counts as 0.
func (a *arrivals) waits() ([]time.Duration, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	waits := make([]time.Duration, 0, len(a.acked))
	for seq, acked := range a.acked {
		if got, ok := a.got[seq]; ok {
			waits = append(waits, max(0, got.Sub(acked)))
		}
	}
	return waits, a.bad
}

// latency: from the acknowledgement of an append until the receiver has it, at
// half of the load that the pipeline can carry.
func (r *run) latency(ctx context.Context) ([]Row, error) {
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer s.close()
	load := producers{bodies: arrays(4000, 1), size: 1, conns: 64, time: r.cfg.Time}
	full, err := r.round(ctx, s, load, "/full")
	if err != nil {
		return nil, err
	}
	server, key, err := r.serverWithAccount(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := server.endpoint(ctx, key, s.url+"/half", map[string]any{"start": "beginning"}); err != nil {
		return nil, err
	}
	load.keys, load.url, load.rate = []string{key}, server.url+"/v1/activities", full.perSecond/2
	waits, err := r.waits(ctx, s, load, "/half")
	if err != nil {
		return nil, err
	}
	row := Row{
		Name: "latency", What: "append acknowledged until the receiver has it, at half load, p99",
		Value: millis(quantile(waits, 0.99)), Unit: "ms", Reach: "<= 20 ms",
		Parts: []Part{
			{"p50", millis(quantile(waits, 0.5)), "ms"},
			{"p99.9", millis(quantile(waits, 0.999)), "ms"},
			{"load", load.rate, "activities/s"},
		},
	}
	return []Row{row.atMost(20)}, server.stop()
}

// waits sends a load and gives how long each activity took to arrive at a path.
func (r *run) waits(ctx context.Context, s *sink, load producers, path string) ([]time.Duration, error) {
	times := newArrivals()
	load.acked = times.ack
	s.watch(func(p string, first, last int64) {
		if p == path {
			times.arrive(first, last, time.Now())
		}
	})
	defer s.watch(nil)
	s.mu.Lock()
	before := s.last[path]
	s.mu.Unlock()
	accepted, _, err := load.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, path, before+accepted); err != nil {
		return nil, err
	}
	return times.waits()
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
