package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// appends: the way in alone, against a bare server that checks the JSON
// syntax, appends and syncs.
func (r *run) appends(ctx context.Context) ([]Row, error) {
	var rows []Row
	for _, c := range []struct {
		name, what string
		load       producers
	}{
		{"append-1", "append one activity a request, 64 connections, against a bare append", producers{bodies: arrays(4000, 1), size: 1, conns: 64}},
		{"append-1000", "append arrays of 1,000 over 4 connections, against a bare append", producers{bodies: arrays(60, 1000), size: 1000, conns: 4}},
	} {
		c.load.time = r.cfg.Time
		var ours, bare []float64
		for range r.cfg.Rounds {
			rate, err := r.appendRound(ctx, c.load, r.bareAppend)
			if err != nil {
				return nil, err
			}
			bare = append(bare, rate)
			if rate, err = r.appendRound(ctx, c.load, r.serverWithAccount); err != nil {
				return nil, err
			}
			ours = append(ours, rate)
		}
		row := Row{
			Name: c.name, What: c.what, Value: median(ours) / median(bare), Unit: "x", Reach: ">= 0.5 x",
			Parts: []Part{{"acknowledged", median(ours), "activities/s"}, {"bare append", median(bare), "activities/s"}},
		}
		rows = append(rows, row.atLeast(0.5))
	}
	return rows, nil
}

// bareAppend is the bare pipeline without its way out.
func (r *run) bareAppend(ctx context.Context) (*process, string, error) {
	dir, err := r.fresh()
	if err != nil {
		return nil, "", err
	}
	p, err := r.startBare(ctx, dir, "")
	return p, "", err
}

func (r *run) appendRound(ctx context.Context, load producers, start func(context.Context) (*process, string, error)) (float64, error) {
	server, key, err := start(ctx)
	if err != nil {
		return 0, err
	}
	load.keys, load.url = []string{key}, server.url+"/v1/activities"
	accepted, took, err := load.run(ctx)
	if err != nil {
		return 0, err
	}
	return float64(accepted) / took.Seconds(), server.stop()
}

// manyAccounts: 10,000 accounts append single activities at once.
func (r *run) manyAccounts(ctx context.Context) ([]Row, error) {
	const accounts = 10_000
	dir, err := r.fresh()
	if err != nil {
		return nil, err
	}
	server, err := r.startServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	keys, err := server.accounts(ctx, accounts)
	if err != nil {
		return nil, err
	}
	load := producers{
		url: server.url + "/v1/activities", keys: keys, bodies: arrays(4000, 1), size: 1, conns: 64,
		time: r.cfg.Time * 2,
	}
	accepted, took, err := load.run(ctx)
	if err != nil {
		return nil, err
	}
	row := Row{
		Name: "accounts", What: "10,000 accounts append single activities, 64 connections",
		Value: float64(accepted) / took.Seconds(), Unit: "activities/s", Reach: ">= 20,000 activities/s",
	}
	return []Row{row.atLeast(20_000)}, server.stop()
}

// accounts makes many accounts and gives their keys.
func (p *process) accounts(ctx context.Context, n int) ([]string, error) {
	keys := make([]string, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failed.Load() == nil; i = next.Add(1) - 1 {
				key, err := p.account(ctx, fmt.Sprintf("bench %d", i))
				if err != nil {
					failed.Store(&err)
				}
				keys[i] = key
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return keys, nil
}
