package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sort"

	"github.com/cespare/xxhash/v2"

	"tidings"
)

// Batch is what one POST carries: consecutive activities of one endpoint.
type Batch struct {
	ID tidings.BatchID
	// First and Last are the range of the feed that the batch settles: First
	// follows the Last of the batch before, whatever the filter left out.
	First, Last tidings.Seq
	Activities  int
	Bytes       int      // of the body
	Body        [][]byte // the body in pieces, shared with the log: read only
	Digest      string   // "xxh64:" and 16 hex digits, of the body
}

// batchID names a batch by whose it is, where its range lies in the feed, how
// it was cut, and its bytes: the same id always means the same bytes, also
// when a store that was restored from a backup gives a range a second time.
func batchID(p *tidings.Position, b *Batch) tidings.BatchID {
	var head [8 * 8]byte
	for i, v := range [...]uint64{
		uint64(p.Endpoint), uint64(p.Epoch), uint64(b.First), uint64(b.Last),
		uint64(p.Plan.Cut.Filter.Statuses), uint64(p.Plan.Cut.Filter.MediaTypes),
		uint64(p.Plan.Cut.MaxItems), uint64(p.Plan.Cut.MaxBytes),
	} {
		binary.BigEndian.PutUint64(head[8*i:], v)
	}
	sum := sha256.Sum256(append(head[:], b.Digest...))
	return tidings.BatchID("b_" + hex.EncodeToString(sum[:16]))
}

// readAhead is how many batches one read of the log is for, where their bytes
// are within the limit of one.
const readAhead = 4

// cutter reads the stretch of a plan and cuts it into batches. The cut is
// greedy and looks at nothing but the plan and the log, so every cutter of the
// same plan gives the same batches.
type cutter struct {
	log     reader
	account tidings.AccountID
	pos     tidings.Position // as of the next batch: its cursor is that batch's First-1
	pending []tidings.Chunk  // read and not yet cut
	through tidings.Seq      // read so far
	missing tidings.Seq      // what retention took away, when it reaches into the stretch
}

// reader is what cutting asks of a Log.
type reader interface {
	Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error)
}

func newCutter(log reader, account tidings.AccountID, pos tidings.Position) *cutter {
	return &cutter{log: log, account: account, pos: pos, through: max(pos.Cursor, pos.Scanned)}
}

// next gives the next batch of the plan, or nil when nothing is left in it.
func (c *cutter) next(ctx context.Context) (*Batch, error) {
	b := newBatchBuilder(c.pos.Plan.Cut)
	for !b.full {
		if len(c.pending) == 0 {
			more, err := c.read(ctx)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			continue
		}
		rest := b.take(c.pending[0])
		if rest.Len() > 0 {
			c.pending[0] = rest
		} else {
			c.pending = c.pending[1:]
		}
	}
	if b.items == 0 {
		return nil, nil
	}
	last := c.pos.Plan.End
	if b.full {
		last = b.last
	}
	batch := b.batch()
	batch.First, batch.Last = c.pos.Cursor+1, last
	batch.ID = batchID(&c.pos, batch)
	c.pos.Cursor, c.pos.Scanned = last, last
	return batch, nil
}

// read fetches more of the stretch; it says false when there is no more.
func (c *cutter) read(ctx context.Context) (bool, error) {
	if c.through >= c.pos.Plan.End {
		return false, nil
	}
	page, err := c.log.Read(ctx, tidings.ReadQuery{
		Account:  c.account,
		After:    c.through,
		To:       c.pos.Plan.End,
		Filter:   c.pos.Plan.Cut.Filter,
		MaxItems: readAhead * c.pos.Plan.Cut.MaxItems,
		MaxBytes: c.pos.Plan.Cut.MaxBytes,
	})
	if err != nil {
		return false, err
	}
	if page.Missing > c.through {
		c.missing = page.Missing
	}
	if page.Through <= c.through {
		// The head is durable and past the plan, so the log can't end here.
		return false, tidings.Errorf(tidings.CodeInternal, "the feed of account %d ends at %d, and %d was promised",
			c.account, page.Through, c.pos.Plan.End)
	}
	c.pending, c.through = page.Chunks, page.Through
	return true, nil
}

// batchBuilder collects the pieces of one batch.
type batchBuilder struct {
	cut   tidings.Cut
	marks []byte   // "[,]", what stands around and between the pieces
	body  [][]byte // "[" and the pieces so far
	items int
	bytes int         // with the commas between, without the brackets
	last  tidings.Seq // of the last activity taken
	full  bool        // nothing more fits, or one more was refused
}

func newBatchBuilder(cut tidings.Cut) *batchBuilder {
	marks := []byte("[,]")
	return &batchBuilder{cut: cut, marks: marks, body: [][]byte{marks[:1]}}
}

// take adds what it can of a chunk and gives back what it left.
func (b *batchBuilder) take(c tidings.Chunk) tidings.Chunk {
	i := 0
	for i < c.Len() && !b.full {
		if !b.cut.Filter.Takes(c.Kinds[i]) {
			i++
			continue
		}
		j := b.run(c, i)
		if j == i {
			b.full = true
			break
		}
		span := c.Span(i, j)
		if b.items > 0 {
			b.body = append(b.body, b.marks[1:2])
			b.bytes++
		}
		b.body = append(b.body, span)
		b.items += j - i
		b.bytes += len(span)
		b.last = c.First + tidings.Seq(j) - 1
		b.full = b.items == b.cut.MaxItems
		i = j
	}
	return c.From(c.First + tidings.Seq(i) - 1)
}

// run gives the end (excluded) of the run of wanted activities that starts at
// i and still fits; i itself when not even that one does.
func (b *batchBuilder) run(c tidings.Chunk, i int) int {
	most := min(c.Len(), i+b.cut.MaxItems-b.items)
	end := most
	if !b.cut.Filter.All() {
		for end = i + 1; end < most && b.cut.Filter.Takes(c.Kinds[end]); {
			end++
		}
	}
	room := b.cut.MaxBytes - len("[]") - b.bytes
	if b.items > 0 {
		room-- // the comma
	}
	fits := i + sort.Search(end-i, func(k int) bool { return len(c.Span(i, i+k+1)) > room })
	if fits == i && b.items == 0 {
		return i + 1 // one that is larger than a whole batch goes alone
	}
	return fits
}

func (b *batchBuilder) batch() *Batch {
	body := append(b.body, b.marks[2:])
	hash := xxhash.New() // SHA-256 would be a fifth of what draining a backlog costs
	for _, piece := range body {
		_, _ = hash.Write(piece) // never fails
	}
	return &Batch{
		Activities: b.items,
		Bytes:      b.bytes + len("[]"),
		Body:       body,
		Digest:     "xxh64:" + hex.EncodeToString(hash.Sum(nil)),
	}
}

// Outgoing is one attempt to be made.
type Outgoing struct {
	Batch    *Batch
	Previous tidings.BatchID // the batch delivered before; "" when there is none
	Number   int             // of the attempt, from 1
}
