package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"tidings"
)

// A frame is consecutive activities of one account in one row of a month's
// table. Its body is:
//
//	version   1 byte, frameVersion
//	checksum  4 bytes, CRC-32C of all that follows, little-endian
//	n         uvarint, 1 to frameMaxItems
//	kinds     n bytes
//	arrivals  uvarint runs; per run uvarint activities, uvarint milliseconds
//	          after the run before (the first: after the row's arrived)
//	lengths   n uvarints, of the wire objects
//	blocks    to the end: uvarint stored length * 2 + compressed, then that many bytes;
//	          joined (and decompressed) they are the objects, each with a comma after it
//
// A block is what was compressed at a time: large requests are compressed by
// their own goroutines, small ones of one commit together.
const (
	frameVersion = 1
	frameHeader  = 1 + crc32.Size

	// frameItems and frameBytes are where a frame ends and the next begins: what
	// a reader must decode to get at one activity is bounded by it.
	frameItems = 512
	frameBytes = 256 << 10

	// frameMaxItems and frameMaxBytes are what a frame can't exceed unless it is broken.
	frameMaxItems = 1 << 16
	frameMaxBytes = 16 << 20

	// decodeSlack is the room behind a block with which the decoder copies in
	// whole words, and without which it copies byte by byte.
	decodeSlack = 16

	// compressFrom is the size from which a block is compressed.
	compressFrom = 512
)

// block is a run of activities on its way into a frame: all that the frame's
// row says of them, and their bytes.
type block struct {
	raw      []byte // the objects, each with a comma after it
	ends     []uint32
	kinds    []tidings.Kind
	at0, at1 int64
	smask    smask
	keys     []uint64 // not 0; one that repeats its like of the activity before is left out
	last     [5]uint64
	stored   []byte // raw compressed; nil = to be stored as it is, or not compressed yet
}

// newBlock makes room for n activities of so many wire bytes.
func newBlock(n, bytes int) *block {
	return &block{
		raw:   make([]byte, 0, bytes+n),
		ends:  make([]uint32, 0, n),
		kinds: make([]tidings.Kind, 0, n),
	}
}

// add puts an activity at the block's end.
func (b *block) add(a *tidings.Activity) {
	if len(b.ends) == 0 {
		b.at0, b.at1 = a.At, a.At
	}
	b.raw = append(b.raw, a.Wire...)
	b.ends = append(b.ends, uint32(len(b.raw)))
	b.raw = append(b.raw, ',')
	b.kinds = append(b.kinds, a.Kind)
	b.at0, b.at1 = min(b.at0, a.At), max(b.at1, a.At)
	b.smask |= smaskOf(a.Kind)
	for i, key := range a.Keys {
		if key != 0 && key != b.last[i] {
			b.keys = append(b.keys, key)
		}
	}
	b.last = a.Keys
}

func (b *block) len() int { return len(b.ends) }

// fits says whether the block can take n more activities of so many bytes and
// still make one frame. An empty one takes anything.
func (b *block) fits(n, bytes int) bool {
	return b.len() == 0 || b.len()+n <= frameItems && len(b.raw)+bytes <= frameBytes
}

// chunk is the block as readers get it.
func (b *block) chunk(first tidings.Seq) tidings.Chunk {
	return tidings.Chunk{First: first, Body: b.raw[:len(b.raw)-1], Ends: b.ends, Kinds: b.kinds}
}

// smask is the statuses (low 16 bits) and media types (the next 16) present in a frame.
type smask int64

func smaskOf(k tidings.Kind) smask {
	return 1<<k.Status() | 1<<(16+k.MediaType())
}

// wanted gives the masks of which a frame must have a bit each to be able to
// match a filter; all bits where the filter takes everything.
func wanted(f tidings.Filter) (statuses, mediaTypes smask) {
	statuses, mediaTypes = 0xffff, 0xffff<<16
	if f.Statuses != 0 {
		statuses = smask(f.Statuses)
	}
	if f.MediaTypes != 0 {
		mediaTypes = smask(f.MediaTypes) << 16
	}
	return statuses, mediaTypes
}

// codec compresses and decompresses blocks. It is safe for concurrent use and
// has no goroutines of its own.
type codec struct {
	fast, tight *zstd.Encoder // of the append, of the sealer
	decoder     *zstd.Decoder
}

func newCodec() (*codec, error) {
	encoder := func(level zstd.EncoderLevel, concurrency int) (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(concurrency),
			zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	}
	fast, err := encoder(zstd.SpeedFastest, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	tight, err := encoder(zstd.SpeedDefault, 1)
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(max(2, runtime.GOMAXPROCS(0))),
		zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(frameMaxBytes))
	if err != nil {
		return nil, err
	}
	return &codec{fast: fast, tight: tight, decoder: decoder}, nil
}

func (c *codec) close() error {
	c.decoder.Close()
	return errors.Join(c.fast.Close(), c.tight.Close())
}

// compress fills in what is stored of the block, when that is smaller.
func (b *block) compress(encoder *zstd.Encoder) {
	if len(b.raw) < compressFrom {
		return
	}
	stored := encoder.EncodeAll(b.raw, make([]byte, 0, len(b.raw)/3))
	if len(stored) < len(b.raw) {
		b.stored = stored
	}
}

// form is the block's bytes as they are stored.
func (b *block) form() []byte {
	if b.stored != nil {
		return b.stored
	}
	return b.raw
}

// arrival is a run of activities that were committed together.
type arrival struct {
	n  int
	at int64 // milliseconds
}

// encodeFrame makes a frame's body of blocks. The arrivals' first is the row's arrived.
func encodeFrame(blocks []*block, arrivals []arrival) []byte {
	n, stored := 0, 0
	for _, b := range blocks {
		n += b.len()
		stored += len(b.form()) + binary.MaxVarintLen32
	}
	body := make([]byte, frameHeader, frameHeader+stored+n*4+len(arrivals)*8+16)
	body[0] = frameVersion
	body = binary.AppendUvarint(body, uint64(n))
	for _, b := range blocks {
		for _, k := range b.kinds {
			body = append(body, byte(k))
		}
	}
	body = binary.AppendUvarint(body, uint64(len(arrivals)))
	before := arrivals[0].at
	for _, a := range arrivals {
		body = binary.AppendUvarint(body, uint64(a.n))
		body = binary.AppendUvarint(body, uint64(max(0, a.at-before)))
		before = a.at
	}
	for _, b := range blocks {
		start := uint32(0)
		for _, end := range b.ends {
			body = binary.AppendUvarint(body, uint64(end-start))
			start = end + 1
		}
	}
	for _, b := range blocks {
		head := uint64(len(b.form())) << 1
		if b.stored != nil {
			head |= 1
		}
		body = binary.AppendUvarint(body, head)
		body = append(body, b.form()...)
	}
	signFrame(body)
	return body
}

// signFrame writes the checksum into a body.
func signFrame(body []byte) {
	binary.LittleEndian.PutUint32(body[1:], crc32.Checksum(body[frameHeader:], castagnoli()))
}

// castagnoli gives the table of CRC-32C, which crc32 makes once and keeps.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// frame is a body whose parts have been found and checked; they alias it.
type frame struct {
	n        int
	kinds    []byte
	arrivals []byte // runs, checked
	runs     int
	lengths  []byte // n of them, checked
	bytes    int    // of all objects with their commas
	blocks   []byte // not yet checked
}

// errFrame says that a body is not one that encodeFrame made.
func errFrame(why string) error { return fmt.Errorf("broken frame: %s", why) }

// parseFrame finds and checks the parts of a body; the blocks are checked by chunk.
func parseFrame(body []byte) (frame, error) {
	if len(body) < frameHeader || body[0] != frameVersion {
		return frame{}, errFrame("unknown version")
	}
	if crc32.Checksum(body[frameHeader:], castagnoli()) != binary.LittleEndian.Uint32(body[1:]) {
		return frame{}, errFrame("wrong checksum")
	}
	in := uvarints{rest: body[frameHeader:]}
	f := frame{n: in.next(frameMaxItems)}
	if in.bad || f.n == 0 || f.n > len(in.rest) {
		return frame{}, errFrame("wrong number of activities")
	}
	f.kinds, in.rest = in.rest[:f.n], in.rest[f.n:]

	f.runs = in.next(f.n)
	f.arrivals = in.rest
	arrived := 0
	for range f.runs {
		arrived += in.next(f.n)
		in.next(1<<62 - 1)
	}
	if in.bad || arrived != f.n {
		return frame{}, errFrame("wrong arrivals")
	}
	f.lengths = in.rest
	for range f.n {
		f.bytes += in.next(frameMaxBytes) + 1
		if in.bad || f.bytes > frameMaxBytes {
			return frame{}, errFrame("wrong lengths")
		}
	}
	f.blocks = in.rest
	return f, nil
}

// chunk decompresses the frame.
func (c *codec) chunk(f frame, first tidings.Seq) (tidings.Chunk, error) {
	buf := make([]byte, 0, f.bytes+decodeSlack)
	in := uvarints{rest: f.blocks}
	for len(in.rest) > 0 {
		head := in.next(2*frameMaxBytes + 1)
		size := head >> 1
		if in.bad || size > len(in.rest) {
			return tidings.Chunk{}, errFrame("a block is cut off")
		}
		stored := in.rest[:size]
		in.rest = in.rest[size:]
		switch {
		case head&1 == 1:
			part, err := c.decoder.DecodeAll(stored, buf[len(buf):])
			if err != nil {
				return tidings.Chunk{}, fmt.Errorf("broken frame: %w", err)
			}
			if len(buf)+len(part) > f.bytes {
				return tidings.Chunk{}, errFrame("its blocks are longer than its activities")
			}
			buf = buf[:len(buf)+len(part)]
		case len(buf)+size > f.bytes:
			return tidings.Chunk{}, errFrame("its blocks are longer than its activities")
		default:
			buf = append(buf, stored...)
		}
	}
	if len(buf) != f.bytes {
		return tidings.Chunk{}, errFrame("its blocks are not as long as its activities")
	}
	chunk := tidings.Chunk{First: first, Body: buf[:f.bytes-1], Ends: make([]uint32, f.n), Kinds: make([]tidings.Kind, f.n)}
	for i, k := range f.kinds {
		chunk.Kinds[i] = tidings.Kind(k)
	}
	lengths := uvarints{rest: f.lengths}
	at := 0
	for i := range chunk.Ends {
		at += lengths.next(frameMaxBytes)
		chunk.Ends[i] = uint32(at)
		if buf[at] != ',' {
			return tidings.Chunk{}, errFrame("its activities are not where they should be")
		}
		at++
	}
	return chunk, nil
}

// arrivedRuns gives when the frame's activities were committed, in order. arrived is the row's.
func (f frame) arrivedRuns(arrived int64) []arrival {
	in := uvarints{rest: f.arrivals}
	runs := make([]arrival, f.runs)
	for i := range runs {
		runs[i].n = in.next(f.n)
		arrived += int64(in.next(1<<62 - 1))
		runs[i].at = arrived
	}
	return runs
}

// uvarints reads numbers from the front of rest; bad says that one was missing or too large.
type uvarints struct {
	rest []byte
	bad  bool
}

func (u *uvarints) next(limit int) int {
	v, size := binary.Uvarint(u.rest)
	if size <= 0 || v > uint64(limit) {
		u.bad = true
		return 0
	}
	u.rest = u.rest[size:]
	return int(v)
}
