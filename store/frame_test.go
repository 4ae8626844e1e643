package store

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidings"
)

func newTestCodec(tb testing.TB) *codec {
	c, err := newCodec()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

func blocksOf(t *rapid.T, c *codec) []*block {
	var blocks []*block
	for range rapid.IntRange(1, 4).Draw(t, "blocks") {
		b := newBlock(0, 0)
		for range rapid.IntRange(1, 40).Draw(t, "activities") {
			b.add(&tidings.Activity{
				Wire: rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "wire"),
				At:   rapid.Int64().Draw(t, "at"),
				Kind: tidings.Kind(rapid.Byte().Draw(t, "kind")),
			})
		}
		if rapid.Bool().Draw(t, "compressed") {
			b.compress(c.fast)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func TestFrameGivesBackWhatWasPutIn(t *testing.T) {
	c := newTestCodec(t)
	rapid.Check(t, func(t *rapid.T) {
		blocks := blocksOf(t, c)
		var wires [][]byte
		var kinds []tidings.Kind
		for _, b := range blocks {
			chunk := b.chunk(1)
			for i := range chunk.Len() {
				wires = append(wires, slices.Clone(chunk.Wire(i)))
			}
			kinds = append(kinds, b.kinds...)
		}
		n := len(wires)
		first := rapid.IntRange(1, n).Draw(t, "first run")
		arrivals := []arrival{{n: first, at: 1000}}
		if first < n {
			arrivals = append(arrivals, arrival{n: n - first, at: 1000 + rapid.Int64Range(0, 1<<40).Draw(t, "later")})
		}

		f, err := parseFrame(encodeFrame(blocks, arrivals))
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := c.chunk(f, 77)
		if err != nil {
			t.Fatal(err)
		}
		if chunk.First != 77 || chunk.Len() != n || !slices.Equal(chunk.Kinds, kinds) {
			t.Fatalf("chunk %d+%d, want 77+%d", chunk.First, chunk.Len(), n)
		}
		for i := range wires {
			if !bytes.Equal(chunk.Wire(i), wires[i]) {
				t.Fatalf("activity %d is %q, want %q", i, chunk.Wire(i), wires[i])
			}
		}
		if !bytes.Equal(chunk.Span(0, n), bytes.Join(wires, []byte{','})) {
			t.Fatal("the span is not the activities joined by commas")
		}
		if diff := cmp.Diff(arrivals, f.arrivedRuns(1000), cmp.AllowUnexported(arrival{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFrameNoticesEveryChangedByte(t *testing.T) {
	c := newTestCodec(t)
	b := newBlock(0, 0)
	for i := range 20 {
		a := sample(i)
		b.add(&a)
	}
	b.compress(c.fast)
	if b.stored == nil {
		t.Fatal("20 activities were not compressed")
	}
	body := encodeFrame([]*block{b}, []arrival{{n: 20, at: 1}})
	for i := range body {
		broken := slices.Clone(body)
		broken[i] ^= 0x10
		if _, err := parseFrame(broken); err == nil {
			t.Fatalf("byte %d of %d changed and nothing said so", i, len(body))
		}
	}
	for i := range body {
		if _, err := parseFrame(body[:i]); err == nil {
			t.Fatalf("cut at byte %d of %d and nothing said so", i, len(body))
		}
	}
}

func TestBlockStopsWhereAFrameMustEnd(t *testing.T) {
	for _, c := range []struct {
		name     string
		wire, n  int
		want     int // blocks
		atMostIn int // activities in each
	}{
		{"many small ones end by number", 10, 2*frameItems + 1, 3, frameItems},
		{"large ones end by bytes", 60 << 10, 8, 2, 4},
		{"one larger than a frame goes alone", frameBytes + 1, 3, 3, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			activities := make([]tidings.Activity, c.n)
			for i := range activities {
				activities[i] = tidings.Activity{Wire: bytes.Repeat([]byte{'x'}, c.wire)}
			}
			blocks := addBlocks(nil, activities)
			if len(blocks) != c.want {
				t.Errorf("%d blocks, want %d", len(blocks), c.want)
			}
			n := 0
			for _, b := range blocks {
				n += b.len()
				if b.len() > c.atMostIn {
					t.Errorf("a block has %d activities, want at most %d", b.len(), c.atMostIn)
				}
			}
			if n != c.n {
				t.Errorf("%d activities in all, want %d", n, c.n)
			}
		})
	}
}

func TestBloomKnowsItsKeysAndFewOthers(t *testing.T) {
	var keys []uint64
	for i := range uint64(2000) {
		keys = append(keys, tidings.SearchKey(tidings.KeyContact, string(rune('a'+i))))
	}
	bloom := makeBloom(keys)
	for _, key := range keys {
		if !mayHave(bloom, key) {
			t.Fatalf("key %x is not known", key)
		}
	}
	wrong := 0
	for i := range uint64(10_000) {
		if mayHave(bloom, tidings.SearchKey(tidings.KeyMessage, string(rune('a'+i)))) {
			wrong++
		}
	}
	if wrong > 300 {
		t.Errorf("%d of 10000 unknown keys are taken for known ones, want about 100", wrong)
	}
	if !mayHave(nil, 1) {
		t.Error("no bloom rules a key out")
	}
}

func FuzzParseFrame(f *testing.F) {
	c := newTestCodec(f)
	b := newBlock(0, 0)
	for i := range 3 {
		a := sample(i)
		b.add(&a)
	}
	f.Add(encodeFrame([]*block{b}, []arrival{{n: 3, at: 1}}), true)
	b.compress(c.fast)
	f.Add(encodeFrame([]*block{b}, []arrival{{n: 1, at: 1}, {n: 2, at: 9}}), true)
	f.Fuzz(func(t *testing.T, body []byte, sign bool) {
		if sign && len(body) >= frameHeader {
			signFrame(body) // reach what the checksum guards
		}
		frame, err := parseFrame(body)
		if err != nil {
			return
		}
		arrived := 0
		for _, run := range frame.arrivedRuns(0) {
			arrived += run.n
		}
		if arrived != frame.n {
			t.Fatalf("%d arrivals of %d activities", arrived, frame.n)
		}
		chunk, err := c.chunk(frame, 1)
		if err != nil {
			return
		}
		if chunk.Len() != frame.n || len(chunk.Kinds) != frame.n || len(chunk.Span(0, frame.n)) != len(chunk.Body) {
			t.Fatalf("chunk of %d activities, %d kinds, %d bytes from a frame of %d", chunk.Len(), len(chunk.Kinds), len(chunk.Body), frame.n)
		}
	})
}
