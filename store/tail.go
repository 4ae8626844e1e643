package store

import (
	"slices"
	"sync"

	"tidings"
)

// tail keeps the newest chunks of all accounts, as they were appended, up to a
// number of bytes: endpoints that keep up are served without a query or a
// decompression. The oldest go first, so of each account it holds an unbroken
// run that ends at its head.
type tail struct {
	limit int

	mu    sync.RWMutex
	bytes int
	of    map[tidings.AccountID][]*tailChunk // of one account, in order
	fifo  []*tailChunk                       // of all, oldest first
}

type tailChunk struct {
	tidings.Chunk
	account tidings.AccountID
	smask   smask
}

// tailOverhead is what a chunk takes beside its bytes, about.
const tailOverhead = 200

func (c *tailChunk) size() int {
	return cap(c.Body) + 4*cap(c.Ends) + cap(c.Kinds) + tailOverhead
}

// add puts committed chunks at the end; per account they come in order.
func (t *tail) add(chunks []*tailChunk) {
	if t.limit <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range chunks {
		if c.size() > t.limit {
			t.drop(c.account)
			continue
		}
		if run := t.of[c.account]; len(run) > 0 && run[len(run)-1].Last()+1 != c.First {
			t.drop(c.account)
		}
		t.of[c.account] = append(t.of[c.account], c)
		t.fifo = append(t.fifo, c)
		t.bytes += c.size()
	}
	for t.bytes > t.limit {
		t.evict()
	}
}

// size is what the tail holds, in bytes.
func (t *tail) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.bytes
}

// drop forgets an account's run. What the queue still has of it is passed over by evict.
func (t *tail) drop(account tidings.AccountID) {
	for _, c := range t.of[account] {
		t.bytes -= c.size()
	}
	delete(t.of, account)
}

func (t *tail) evict() {
	c := t.fifo[0]
	t.fifo[0] = nil
	t.fifo = t.fifo[1:]
	run := t.of[c.account]
	if len(run) == 0 || run[0] != c {
		return // dropped before
	}
	t.bytes -= c.size()
	run[0] = nil
	if len(run) == 1 {
		delete(t.of, c.account)
		return
	}
	t.of[c.account] = run[1:]
}

// after gives the account's chunks from the one that has the activity after a
// seq; false when that one is not kept. Only so many activities' worth of chunks come.
func (t *tail) after(account tidings.AccountID, after tidings.Seq, items int) ([]*tailChunk, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	run := t.of[account]
	if len(run) == 0 || run[0].First > after+1 {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(run, after+1, func(c *tailChunk, seq tidings.Seq) int {
		return int(c.Last() - seq)
	})
	end := i
	for n := 0; end < len(run) && n <= items; end++ {
		n += run[end].Len()
	}
	return slices.Clone(run[i:end]), i < len(run)
}
