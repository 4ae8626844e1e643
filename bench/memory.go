package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"tidings/call"
	"tidings/store"
)

// memoryTime is when the measure of memory ends at the latest; its row says
// how many calls it had made by then.
const memoryTime = 10 * time.Minute

// memory makes very many calls, each stored, and looks at the live heap after
// each tenth of them: what calls leave behind would show.
func (r *run) memory(ctx context.Context) ([]Row, error) {
	shop, err := newShop()
	if err != nil {
		return nil, err
	}
	defer shop.close()
	caller, log, err := r.callerOf(ctx, shop)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	const parts = 10
	begun := time.Now()
	made := 0
	var heap []float64
	for len(heap) < parts && (len(heap) < 2 || time.Since(begun) < memoryTime) {
		n := max(1, r.cfg.Calls/parts)
		if err := makeCalls(ctx, caller, log, shop, n); err != nil {
			return nil, err
		}
		made += n
		heap = append(heap, heapMiB())
	}
	row := Row{
		Name: "call-memory", What: fmt.Sprintf("growth of the live heap from the first tenth to the last of %s calls, each stored", thousands(fmt.Sprint(made))),
		Value: max(0, heap[len(heap)-1]-heap[0]), Unit: "MiB", Reach: "<= 4 MiB",
		Parts: []Part{
			{"live heap after the first tenth", heap[0], "MiB"},
			{"after the last", heap[len(heap)-1], "MiB"},
			{"the most of all tenths", slices.Max(heap), "MiB"},
			{"calls, each stored", float64(made) / time.Since(begun).Seconds(), "calls/s"},
		},
	}
	return []Row{row.atMost(4)}, nil
}

// makeCalls makes n calls, callWorkers at once.
func makeCalls(ctx context.Context, caller *call.Caller, log *store.Store, shop *shop, n int) error {
	var begun atomic.Int64
	return together(func() error {
		for begun.Add(1) <= int64(n) {
			if err := oneCall(ctx, caller, log, shop.order()); err != nil {
				return err
			}
		}
		return nil
	})
}
