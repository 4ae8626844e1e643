package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tidings"
)

// chunkLog is a Log of chunks of any sizes; only Read is used by a cutter.
type chunkLog struct {
	Log
	kinds []tidings.Kind
	sizes func() int // of the next chunk
}

func (l chunkLog) Read(_ context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	page := tidings.Page{Through: q.After}
	for range 3 {
		if page.Through >= q.To {
			break
		}
		last := min(q.To, page.Through+tidings.Seq(l.sizes()))
		c := tidings.Chunk{First: page.Through + 1}
		for seq := c.First; seq <= last; seq++ {
			if seq > c.First {
				c.Body = append(c.Body, ',')
			}
			c.Body = fmt.Appendf(c.Body, `{"n":%d,"s":%q}`, seq, bytes.Repeat([]byte("x"), int(seq*7%90)))
			c.Ends = append(c.Ends, uint32(len(c.Body)))
			c.Kinds = append(c.Kinds, l.kinds[seq-1])
		}
		page.Chunks = append(page.Chunks, c)
		page.Through = last
	}
	return page, nil
}

// cutAll cuts a plan to its end, with chunks of the given sizes.
func cutAll(t *rapid.T, kinds []tidings.Kind, pos tidings.Position, sizes func() int) []*Batch {
	c := newCutter(chunkLog{kinds: kinds, sizes: sizes}, 1, pos)
	var all []*Batch
	for {
		b, err := c.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return all
		}
		all = append(all, b)
	}
}

func TestAPlanIsAlwaysCutInTheSameWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.Map(rapid.IntRange(1, 3), func(s int) tidings.Kind {
			return tidings.KindOf(tidings.Status(s), tidings.Email)
		}), 1, 200).Draw(t, "kinds")
		cut := tidings.Cut{MaxItems: rapid.IntRange(1, 30).Draw(t, "items"), MaxBytes: rapid.IntRange(60, 2000).Draw(t, "bytes")}
		if rapid.Bool().Draw(t, "filtered") {
			cut.Filter.Statuses = cut.Filter.Statuses.With(2)
		}
		pos := tidings.Position{Endpoint: 1, Plan: tidings.Plan{End: tidings.Seq(len(kinds)), Cut: cut}}
		pos.Cursor = tidings.Seq(rapid.IntRange(0, len(kinds)-1).Draw(t, "cursor"))
		pos.Scanned = pos.Cursor
		one := cutAll(t, kinds, pos, func() int { return 1 })
		size := rapid.IntRange(1, 50).Draw(t, "chunk")
		other := cutAll(t, kinds, pos, func() int { return size })
		if len(one) != len(other) {
			t.Fatalf("%d and %d batches", len(one), len(other))
		}
		for i := range one {
			a, b := one[i], other[i]
			if a.ID != b.ID || a.Digest != b.Digest || a.First != b.First || a.Last != b.Last || a.Bytes != b.Bytes {
				t.Fatalf("batch %d: %+v and %+v", i, a, b)
			}
		}
		checkCut(t, kinds, pos, one)
	})
}

// checkCut: the batches hold all that passes the filter, in order, within the
// limits, and no batch could have taken the next one's first.
func checkCut(t *rapid.T, kinds []tidings.Kind, pos tidings.Position, batches []*Batch) {
	want := pos.Cursor
	next := func() tidings.Seq {
		for want++; int(want) <= len(kinds) && !pos.Plan.Cut.Filter.Takes(kinds[want-1]); want++ {
		}
		return want
	}
	first := pos.Cursor + 1
	for _, b := range batches {
		body := bytes.Join(b.Body, nil)
		var list []struct{ N tidings.Seq }
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != b.Activities || len(body) != b.Bytes || b.First != first {
			t.Fatalf("batch says %+v, and has %d activities, %d bytes, and is due at %d", b, len(list), len(body), first)
		}
		for _, a := range list {
			if due := next(); a.N != due {
				t.Fatalf("%d where %d was due", a.N, due)
			}
		}
		if b.Activities > pos.Plan.Cut.MaxItems || b.Bytes > pos.Plan.Cut.MaxBytes && b.Activities > 1 {
			t.Fatalf("batch of %d activities, %d bytes is over %+v", b.Activities, b.Bytes, pos.Plan.Cut)
		}
		first = b.Last + 1
	}
	if due := next(); int(due) <= len(kinds) {
		t.Fatalf("%d was left out", due)
	}
}

// A store that was restored from a backup gives the seqs after it to other
// activities. Under an old id they would be taken for a repeat, and be lost.
func TestOtherActivitiesInTheSameRangeAreAnotherBatch(t *testing.T) {
	pos := tidings.Position{Endpoint: 1, Epoch: 1, Plan: tidings.Plan{End: 1, Cut: tidings.Cut{MaxItems: 10, MaxBytes: 1000}}}
	ids := map[tidings.BatchID]bool{}
	for _, wire := range []string{`{"n":1}`, `{"n":2}`, `{"n":1}`} {
		b, err := newCutter(wireLog{wire: wire}, 1, pos).next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids[b.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("two batches have %d ids", len(ids))
	}
}

// wireLog is a Log of one activity.
type wireLog struct {
	Log
	wire string
}

func (l wireLog) Read(context.Context, tidings.ReadQuery) (tidings.Page, error) {
	c := tidings.Chunk{First: 1, Body: []byte(l.wire), Ends: []uint32{uint32(len(l.wire))}, Kinds: []tidings.Kind{0}}
	return tidings.Page{Chunks: []tidings.Chunk{c}, Through: 1}, nil
}

func TestOneLargeActivityGoesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := []tidings.Kind{18, 18, 18}
		pos := tidings.Position{Plan: tidings.Plan{End: 3, Cut: tidings.Cut{MaxItems: 10, MaxBytes: 5}}}
		if got := len(cutAll(t, kinds, pos, func() int { return 3 })); got != 3 {
			t.Fatalf("%d batches of 3 activities that are each larger than a batch", got)
		}
	})
}
