package store

import (
	"testing"

	"tidings"
)

func tailOf(limit int) *tail {
	return &tail{limit: limit, of: make(map[tidings.AccountID][]*tailChunk)}
}

func chunkOf(account tidings.AccountID, first tidings.Seq, n int) *tailChunk {
	b := newBlock(0, 0)
	for i := range n {
		a := sample(i)
		b.add(&a)
	}
	return &tailChunk{Chunk: b.chunk(first), account: account, smask: b.smask}
}

func TestTailHoldsAnUnbrokenRunUpToItsLimit(t *testing.T) {
	tail := tailOf(20 * chunkOf(1, 1, 3).size())
	next := map[tidings.AccountID]tidings.Seq{}
	for i := range 1000 {
		account := tidings.AccountID(1 + i%7*i%3)
		n := 1 + i%3
		tail.add([]*tailChunk{chunkOf(account, next[account]+1, n)})
		next[account] += tidings.Seq(n)
		if tail.size() > tail.limit {
			t.Fatalf("%d bytes, the limit is %d", tail.size(), tail.limit)
		}
		for account, run := range tail.of {
			for k := 1; k < len(run); k++ {
				if run[k].First != run[k-1].Last()+1 {
					t.Fatalf("account %d: a chunk begins at %d after %d", account, run[k].First, run[k-1].Last())
				}
			}
			if run[len(run)-1].Last() != next[account] {
				t.Fatalf("account %d: the run ends at %d, the head is %d", account, run[len(run)-1].Last(), next[account])
			}
		}
	}
	if len(tail.fifo) > 60 {
		t.Errorf("the queue has %d entries for %d bytes", len(tail.fifo), tail.size())
	}
}

func TestTailStartsAnewAfterWhatItCannotHold(t *testing.T) {
	tail := tailOf(2 * chunkOf(1, 1, 3).size())
	tail.add([]*tailChunk{chunkOf(1, 1, 1)})
	tail.add([]*tailChunk{chunkOf(1, 2, 500)}) // larger than all of it
	if chunks, ok := tail.after(1, 0, 1000); ok {
		t.Fatalf("%d chunks, the second of which can't be there", len(chunks))
	}
	tail.add([]*tailChunk{chunkOf(1, 502, 2)})
	if chunks, ok := tail.after(1, 501, 1000); !ok || len(chunks) != 1 || chunks[0].First != 502 {
		t.Fatalf("%d chunks, %v, want the newest", len(chunks), ok)
	}
	tail.add([]*tailChunk{chunkOf(1, 600, 1)}) // a gap: what was before is not its beginning
	if _, ok := tail.after(1, 501, 1000); ok {
		t.Fatal("the run goes on over a gap")
	}
}

func TestTailGivesFromTheWantedSeqOn(t *testing.T) {
	tail := tailOf(1 << 20)
	for i := range 10 {
		tail.add([]*tailChunk{chunkOf(1, tidings.Seq(i*3+5), 3)}) // 5-7, 8-10, … 32-34
	}
	for _, c := range []struct {
		after tidings.Seq
		items int
		first tidings.Seq // 0 = it can't say
		n     int
	}{
		{3, 100, 0, 0},
		{4, 100, 5, 10},
		{6, 100, 5, 10},
		{7, 100, 8, 9},
		{7, 0, 8, 1},
		{8, 3, 8, 2},
		{33, 100, 32, 1},
		{34, 100, 0, 0},
	} {
		chunks, ok := tail.after(1, c.after, c.items)
		if ok != (c.first != 0) || len(chunks) != c.n || ok && chunks[0].First != c.first {
			t.Errorf("after %d: %d chunks, %v, want %d from %d", c.after, len(chunks), ok, c.n, c.first)
		}
	}
	if _, ok := tail.after(2, 0, 1); ok {
		t.Error("it knows an account that it never saw")
	}
}
