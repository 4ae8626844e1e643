package main

import "testing"

func TestCollectorsRoomIsBounded(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		alive   uint64
		percent int
	}{
		{0, 400},
		{5 * mib, 400},
		{32 * mib, 400},
		{64 * mib, 200},
		{128 * mib, 100},
		{1024 * mib, 100},
		{1 << 40, 100},
	}
	for _, tt := range tests {
		if got := collectorPercent(tt.alive); got != tt.percent {
			t.Errorf("%d MiB alive: %d %%, not %d", tt.alive/mib, got, tt.percent)
		}
	}
}
