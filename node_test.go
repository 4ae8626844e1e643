package tidings_test

import (
	"testing"

	"tidings"
)

func TestShardsAreEquallyFullAndNeighboursLieApart(t *testing.T) {
	var full [tidings.Shards]int
	for id := tidings.EndpointID(1); id <= 4*tidings.Shards; id++ {
		full[tidings.ShardOf(id)]++
	}
	for shard, n := range full {
		if n != 4 {
			t.Errorf("shard %d has %d of %d endpoints", shard, n, 4*tidings.Shards)
		}
	}
	for nodes := 2; nodes <= 4; nodes++ {
		held := make([]int, nodes)
		for id := tidings.EndpointID(1); id <= 12; id++ {
			held[tidings.ShardOf(id)*nodes/tidings.Shards]++
		}
		for i, n := range held {
			if n < 12/nodes-2 || n > 12/nodes+2 {
				t.Errorf("of 12 endpoints the node %d of %d has %d", i+1, nodes, n)
			}
		}
	}
}
