package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
	"tidings/store"
)

// idle: what a server costs that has nothing to do, empty and with very many endpoints.
func (r *run) idle(ctx context.Context) ([]Row, error) {
	empty, err := r.fresh()
	if err != nil {
		return nil, err
	}
	alone, _, _, err := r.weigh(ctx, empty)
	if err != nil {
		return nil, err
	}
	full, err := r.fresh()
	if err != nil {
		return nil, err
	}
	if err := seedEndpoints(ctx, full, r.cfg.Idle); err != nil {
		return nil, err
	}
	heavy, busy, start, err := r.weigh(ctx, full)
	if err != nil {
		return nil, err
	}
	n := float64(r.cfg.Idle)
	base := Row{
		Name: "idle", What: "memory of a server with nothing in it",
		Value: alone / (1 << 20), Unit: "MiB", Reach: "<= 40 MiB",
	}
	each := Row{
		Name: "idle-endpoints", What: fmt.Sprintf("memory of each of %s idle endpoints", thousands(fmt.Sprint(r.cfg.Idle))),
		Value: (heavy - alone) / n, Unit: "bytes", Reach: "<= 2048 bytes",
		Parts: []Part{{"start", start.Seconds(), "s"}},
	}
	cpu := Row{
		Name: "idle-cpu", What: "processor time of a second with them",
		Value: busy, Unit: "ms", Reach: "none (<= 1 ms)",
	}
	return []Row{base.atMost(40), each.atMost(2048), cpu.atMost(1)}, nil
}

// weigh starts a server and gives its memory at rest, its processor time in ms
// a second, and how long it took to be ready.
func (r *run) weigh(ctx context.Context, dir string) (bytes, busy float64, start time.Duration, err error) {
	begun := time.Now()
	server, err := r.startServer(ctx, dir)
	if err != nil {
		return 0, 0, 0, err
	}
	start = time.Since(begun)
	rest, watch := r.cfg.Time*3/4, r.cfg.Time*5/2
	if err := settle(ctx, rest); err != nil {
		return 0, 0, 0, err
	}
	before, err1 := server.cpu()
	if err := settle(ctx, watch); err != nil {
		return 0, 0, 0, err
	}
	after, err2 := server.cpu()
	bytes, err3 := server.memory()
	busy = float64((after - before).Microseconds()) / 1000 / watch.Seconds()
	return bytes, busy, start, errors.Join(err1, err2, err3, server.stop())
}

// seedEndpoints stores endpoints as the server would, 100 to an account.
func seedEndpoints(ctx context.Context, dir string, n int) (err error) {
	s, err := store.OpenSQLite(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	return errors.Join(seedEndpointsIn(ctx, s, n), s.Close())
}

func seedEndpointsIn(ctx context.Context, s *store.Store, n int) error {
	accounts := make([]tidings.AccountID, (n+99)/100)
	for i := range accounts {
		a, _, err := s.CreateAccount(ctx, fmt.Sprintf("bench %d", i), tidings.MakeKey("first", tidings.AllScopes()), "bench")
		if err != nil {
			return err
		}
		accounts[i] = a.ID
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failed.Load() == nil; i = next.Add(1) - 1 {
				_, err := s.CreateEndpoint(ctx, tidings.Endpoint{
					Account: accounts[i/100], Name: fmt.Sprintf("endpoint %d", i), State: tidings.StateActive,
					URL:     fmt.Sprintf("https://receiver.example/hooks/%d", i),
					Batch:   tidings.BatchLimits{MaxItems: tidings.DefaultBatchItems, MaxBytes: tidings.DefaultBatchBytes},
					Timeout: tidings.DefaultTimeout,
				}, tidings.Start{Now: true}, "bench")
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
