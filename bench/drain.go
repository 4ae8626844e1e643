package bench

import (
	"context"
	"fmt"
	"time"
)

// drain: a stored backlog goes to one endpoint in batches of 500, against a
// bare client that posts the same bodies over one connection.
func (r *run) drain(ctx context.Context) ([]Row, error) {
	const size, stored = 500, 2_000_000
	bodies := arrays(200, size)
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer s.close()
	server, key, err := r.serverWithAccount(ctx)
	if err != nil {
		return nil, err
	}
	fill := producers{url: server.url + "/v1/activities", keys: []string{key}, bodies: bodies, size: size, conns: 2, total: stored}
	if _, _, err := fill.run(ctx); err != nil {
		return nil, err
	}
	var ours, bare, cost []float64
	for round := range r.cfg.Rounds {
		rate, err := bareDrain(ctx, fmt.Sprintf("%s/bare%d", s.url, round), bodies, stored)
		if err != nil {
			return nil, err
		}
		bare = append(bare, rate)
		path := fmt.Sprintf("/drain%d", round)
		before, err := server.cpu()
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		if _, err := server.endpoint(ctx, key, s.url+path, map[string]any{"start": "beginning"}); err != nil {
			return nil, err
		}
		if err := s.await(ctx, path, stored); err != nil {
			return nil, err
		}
		ours = append(ours, stored/time.Since(begun).Seconds())
		after, err := server.cpu()
		if err != nil {
			return nil, err
		}
		cost = append(cost, float64((after-before).Microseconds())/(stored/size))
	}
	row := Row{
		Name: "drain", What: "stored backlog to one endpoint, batches of 500, against a bare client",
		Value: median(ours) / median(bare), Unit: "x", Reach: ">= 0.5 x",
		Parts: []Part{
			{"delivered out of the store", median(ours), "activities/s"},
			{"bare client, same bodies, one connection", median(bare), "activities/s"},
			{"processor time", median(cost), "µs a batch"},
		},
	}
	return []Row{row.atLeast(0.5)}, server.stop()
}

func bareDrain(ctx context.Context, url string, bodies [][]byte, total int) (float64, error) {
	client := connection()
	defer client.CloseIdleConnections()
	size := countObjects(bodies[0])
	begun := time.Now()
	for seq, i := 1, 0; seq <= total; seq, i = seq+size, i+1 {
		if err := barePost(ctx, client, url, bodies[i%len(bodies)], int64(seq), int64(seq+size-1)); err != nil {
			return 0, err
		}
	}
	return float64(total) / time.Since(begun).Seconds(), nil
}

// serverWithAccount starts a server on an empty directory and makes one account.
func (r *run) serverWithAccount(ctx context.Context) (*process, string, error) {
	dir, err := r.fresh()
	if err != nil {
		return nil, "", err
	}
	server, err := r.startServer(ctx, dir)
	if err != nil {
		return nil, "", err
	}
	key, err := server.account(ctx, "bench")
	return server, key, err
}
