package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector of garbage runs less often while the heap is small: a server
// that takes in thousands of small requests a second spends a tenth of its time
// in it otherwise, and has little alive. What that may cost in memory is bounded.
const (
	roomiest = 400       // percent of what is alive that may be garbage, at most
	tightest = 100       // and at least: the runtime's own default
	headroom = 128 << 20 // bytes of garbage, between the two

	collectorLook = 2 * time.Second // between two looks at what is alive
)

// collectorPercent gives GOGC for a heap of so many bytes alive.
func collectorPercent(alive uint64) int {
	if alive == 0 {
		return roomiest
	}
	return int(max(tightest, min(roomiest, headroom*100/alive)))
}

// tuneCollector keeps GOGC fitting until ctx ends, and gives back what starting
// took. A GOGC in the environment is the operator's word: then nothing is done.
func tuneCollector(ctx context.Context, every time.Duration) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.FreeOSMemory()
	was := debug.SetGCPercent(roomiest)
	defer debug.SetGCPercent(was)
	now := roomiest
	alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(alive)
		if fits := collectorPercent(alive[0].Value.Uint64()); fits != now {
			debug.SetGCPercent(fits)
			now = fits
		}
	}
}
