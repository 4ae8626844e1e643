package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// dead: a full store, and an endpoint behind which all of it waits.
func (r *run) dead(ctx context.Context) ([]Row, error) {
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer s.close()
	dir, err := r.fresh()
	if err != nil {
		return nil, err
	}
	server, err := r.startServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	key, err := server.account(ctx, "bench")
	if err != nil {
		return nil, err
	}
	fill := producers{
		url: server.url + "/v1/activities", keys: []string{key}, bodies: arrays(400, 500), size: 500, conns: 2,
		total: int64(r.cfg.Backlog),
	}
	stored, _, err := fill.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := server.stop(); err != nil {
		return nil, err
	}
	disk, err := size(dir)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if server, err = r.startServer(ctx, dir); err != nil {
		return nil, err
	}
	start := time.Since(begun)
	rows, err := r.besideTheDead(ctx, s, server, key)
	if err != nil {
		return nil, err
	}
	many := thousands(fmt.Sprint(stored))
	restart := Row{
		Name: "start", What: "start with " + many + " stored activities, until ready",
		Value: start.Seconds(), Unit: "s", Reach: "<= 2 s",
	}
	bytes := Row{
		Name: "disk", What: "disk an activity, " + many + " stored",
		Value: disk / float64(stored), Unit: "bytes", Reach: "<= 100 bytes",
	}
	return append(rows, restart.atMost(2), bytes.atMost(100)), server.stop()
}

// besideTheDead measures a healthy endpoint before and after a dead one with
// the whole feed behind it has joined the account.
func (r *run) besideTheDead(ctx context.Context, s *sink, server *process, key string) ([]Row, error) {
	if _, err := server.endpoint(ctx, key, s.url+"/healthy", map[string]any{"start": "now"}); err != nil {
		return nil, err
	}
	load := producers{
		url: server.url + "/v1/activities", keys: []string{key}, bodies: arrays(4000, 1), size: 1, conns: 16,
		time: r.cfg.Time, rate: 2000,
	}
	var without, with []float64
	var light, heavy float64
	for range r.cfg.Rounds {
		waits, err := r.healthy(ctx, s, load)
		if err != nil {
			return nil, err
		}
		without = append(without, millis(quantile(waits, 0.99)))
		if light, err = server.memory(); err != nil {
			return nil, err
		}
		id, err := server.endpoint(ctx, key, s.url+"/dead", map[string]any{"start": "beginning"})
		if err != nil {
			return nil, err
		}
		if waits, err = r.healthy(ctx, s, load); err != nil {
			return nil, err
		}
		with = append(with, millis(quantile(waits, 0.99)))
		if heavy, err = server.memory(); err != nil {
			return nil, err
		}
		if err := server.remove(ctx, key, id); err != nil {
			return nil, err
		}
	}
	latency := Row{
		Name: "dead", What: "p99 latency of an endpoint beside a dead one with the whole feed behind it, against alone",
		Value: median(with) / median(without), Unit: "x", Reach: "<= 1.2 x",
		Parts: []Part{{"beside the dead one", median(with), "ms"}, {"alone", median(without), "ms"}},
	}
	memory := Row{
		Name: "dead-memory", What: "memory that the dead endpoint adds",
		Value: (heavy - light) / (1 << 20), Unit: "MiB", Reach: "flat (<= 16 MiB)",
		Note: "the cache of the newest activities grows meanwhile, by what arrives, up to 32 MiB",
	}
	return []Row{latency.atMost(1.2), memory.atMost(16)}, nil
}

// healthy gives how long activities take to the healthy endpoint. Its last
// seq is the feed's head, as it keeps up.
func (r *run) healthy(ctx context.Context, s *sink, load producers) ([]time.Duration, error) {
	s.mu.Lock()
	if s.last["/healthy"] == 0 {
		s.last["/healthy"] = int64(r.cfg.Backlog)
	}
	s.mu.Unlock()
	return r.waits(ctx, s, load, "/healthy")
}

// remove deletes an endpoint.
func (p *process) remove(ctx context.Context, key string, id int64) error {
	return p.ask(ctx, "DELETE", fmt.Sprintf("/v1/endpoints/%d", id), key, nil, nil)
}

// size is what the database takes on disk.
func size(dir string) (float64, error) {
	var sum float64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.Base(path), ".db") {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file of the moment
		}
		if err == nil {
			sum += float64(info.Size())
		}
		return err
	})
	if err == nil && sum == 0 {
		err = fmt.Errorf("no database files in %s", dir)
	}
	return sum, err
}
