package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// fanout: processor time a delivery with 1,000 endpoints of small traffic
// against 10 endpoints with the same traffic in all.
func (r *run) fanout(ctx context.Context) ([]Row, error) {
	var few, many []float64
	for range r.cfg.Rounds {
		cost, err := r.fanoutRound(ctx, 10)
		if err != nil {
			return nil, err
		}
		few = append(few, cost)
		if cost, err = r.fanoutRound(ctx, 1000); err != nil {
			return nil, err
		}
		many = append(many, cost)
	}
	row := Row{
		Name: "fanout", What: "processor time a delivery, 1,000 endpoints against 10, same traffic in all",
		Value: median(many) / median(few), Unit: "x", Reach: "<= 1.3 x",
		Parts: []Part{{"10 endpoints", median(few), "µs a delivery"}, {"1,000 endpoints", median(many), "µs a delivery"}},
		Note:  "a delivery is one activity in, durable, and one POST out",
	}
	return []Row{row.atMost(1.3)}, nil
}

func (r *run) fanoutRound(ctx context.Context, endpoints int) (float64, error) {
	s, err := newSink()
	if err != nil {
		return 0, err
	}
	defer s.close()
	dir, err := r.fresh()
	if err != nil {
		return 0, err
	}
	server, err := r.startServer(ctx, dir)
	if err != nil {
		return 0, err
	}
	keys, err := server.accounts(ctx, endpoints)
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		if _, err := server.endpoint(ctx, key, fmt.Sprintf("%s/%d", s.url, i), map[string]any{}); err != nil {
			return 0, err
		}
	}
	const rate = 1000
	load := producers{
		url: server.url + "/v1/activities", keys: keys, bodies: arrays(1000, 1), size: 1, conns: 8,
		rate: rate, total: int64(rate * (2 * r.cfg.Time).Seconds()),
		each: make([]atomic.Int64, len(keys)),
	}
	posts := s.posts.Load()
	before, err := server.cpu()
	if err != nil {
		return 0, err
	}
	if _, _, err := load.run(ctx); err != nil {
		return 0, err
	}
	for i := range keys {
		if err := s.await(ctx, fmt.Sprintf("/%d", i), load.each[i].Load()); err != nil {
			return 0, err
		}
	}
	after, err := server.cpu()
	if err != nil {
		return 0, err
	}
	cost := float64((after - before).Nanoseconds()) / 1000 / float64(s.posts.Load()-posts)
	return cost, server.stop()
}

// settle lets a process come to rest before it is weighed.
func settle(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
