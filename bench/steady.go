package bench

import (
	"context"
	"fmt"
	"time"
)

// pipeline is what one round of a steady load gave.
type pipeline struct {
	perSecond float64
	cpu       time.Duration // of the server, an activity
}

// steadyArrays: HTTP in by arrays of 100, durable, POST out.
func (r *run) steadyArrays(ctx context.Context) ([]Row, error) {
	ours, bare, cpu, err := r.steady(ctx, producers{bodies: arrays(400, 100), size: 100, conns: 32})
	if err != nil {
		return nil, err
	}
	ratio := Row{
		Name: "steady-100", What: "HTTP in (arrays of 100), durable, POST out, against a bare pipeline",
		Value: ours / bare, Unit: "x", Reach: ">= 0.5 x",
		Parts: []Part{{"in and out", ours, "activities/s"}, {"bare pipeline", bare, "activities/s"}},
	}
	cost := Row{
		Name: "cpu", What: "processor time an activity, arrays of 100 in, batches out",
		Value: cpu, Unit: "µs", Reach: "<= 10 µs",
	}
	return []Row{ratio.atLeast(0.5), cost.atMost(10)}, nil
}

// bestPeer is what the fastest open-source webhook server gave, in events a
// second, on a machine of this kind (DESIGN.md, section 8).
const bestPeer = 1508

// steadySingles: one activity a request over 64 connections.
func (r *run) steadySingles(ctx context.Context) ([]Row, error) {
	ours, bare, cpu, err := r.steady(ctx, producers{bodies: arrays(4000, 1), size: 1, conns: 64})
	if err != nil {
		return nil, err
	}
	ratio := Row{
		Name: "steady-1", What: "one activity a request, 64 connections, against a bare pipeline",
		Value: ours / bare, Unit: "x", Reach: ">= 0.5 x",
		Parts: []Part{{"in and out", ours, "activities/s"}, {"bare pipeline", bare, "activities/s"}, {"processor time", cpu, "µs an activity"}},
	}
	peer := Row{
		Name: "peer", What: fmt.Sprintf("the same against the best open-source peer's %d events/s", bestPeer),
		Value: ours / bestPeer, Unit: "x", Reach: ">= 15 x",
	}
	return []Row{ratio.atLeast(0.5), peer.atLeast(15)}, nil
}

// steady runs the server and the bare pipeline in turn under the same load and
// gives the medians: activities a second of both, µs of processor time of ours.
func (r *run) steady(ctx context.Context, load producers) (ours, bare, cpu float64, err error) {
	s, err := newSink()
	if err != nil {
		return 0, 0, 0, err
	}
	defer s.close()
	load.time = r.cfg.Time
	var all, allBare, allCPU []float64
	for round := range r.cfg.Rounds {
		b, err := r.bareRound(ctx, s, load, fmt.Sprintf("/bare%d", round))
		if err != nil {
			return 0, 0, 0, err
		}
		allBare = append(allBare, b.perSecond)
		o, err := r.round(ctx, s, load, fmt.Sprintf("/steady%d", round))
		if err != nil {
			return 0, 0, 0, err
		}
		all, allCPU = append(all, o.perSecond), append(allCPU, float64(o.cpu.Nanoseconds())/1000)
	}
	return median(all), median(allBare), median(allCPU), nil
}

func (r *run) round(ctx context.Context, s *sink, load producers, path string) (pipeline, error) {
	server, key, err := r.serverWithAccount(ctx)
	if err != nil {
		return pipeline{}, err
	}
	if _, err := server.endpoint(ctx, key, s.url+path, map[string]any{"start": "beginning"}); err != nil {
		return pipeline{}, err
	}
	load.keys, load.url = []string{key}, server.url+"/v1/activities"
	p, err := measureFlow(ctx, s, server, load, path)
	if err != nil {
		return p, err
	}
	return p, server.stop()
}

func (r *run) bareRound(ctx context.Context, s *sink, load producers, path string) (pipeline, error) {
	dir, err := r.fresh()
	if err != nil {
		return pipeline{}, err
	}
	server, err := r.startBare(ctx, dir, s.url+path)
	if err != nil {
		return pipeline{}, err
	}
	load.keys, load.url = []string{""}, server.url+"/"
	p, err := measureFlow(ctx, s, server, load, path)
	if err != nil {
		return p, err
	}
	return p, server.stop()
}

// measureFlow lets a load in and waits until all of it has come out.
func measureFlow(ctx context.Context, s *sink, server *process, load producers, path string) (pipeline, error) {
	before, err := server.cpu()
	if err != nil {
		return pipeline{}, err
	}
	begun := time.Now()
	accepted, _, err := load.run(ctx)
	if err != nil {
		return pipeline{}, err
	}
	if err := s.await(ctx, path, accepted); err != nil {
		return pipeline{}, err
	}
	took := time.Since(begun)
	after, err := server.cpu()
	return pipeline{
		perSecond: float64(accepted) / took.Seconds(),
		cpu:       (after - before) / time.Duration(accepted),
	}, err
}
