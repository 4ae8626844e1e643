package tidings

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// The buckets of Took are four to each doubling: what is read from them is
// within a fifth of what was counted. The last one has what took longer than all others.
const (
	tookFirst      = 50 * time.Microsecond // upper bound of the first bucket
	tookPerDouble  = 4
	tookBuckets    = 21*tookPerDouble + 2 // up to 105 s, and longer
	maxTookEncoded = tookBuckets * 2 * binary.MaxVarintLen64
)

// Took says how long things took: how many of them came into each of a fixed
// row of buckets. The zero value is of none.
type Took struct{ buckets []int64 } // nil or tookBuckets long

// Add counts one that took a time.
func (t *Took) Add(d time.Duration) {
	if t.buckets == nil {
		t.buckets = make([]int64, tookBuckets)
	}
	t.buckets[tookBucket(d)]++
}

func tookBucket(d time.Duration) int {
	if d <= tookFirst {
		return 0
	}
	n := math.Ceil(tookPerDouble * math.Log2(float64(d)/float64(tookFirst)))
	return min(int(n), tookBuckets-1)
}

// Merge counts all that another counts. The other stays as it is.
func (t *Took) Merge(other *Took) {
	if other.buckets == nil {
		return
	}
	if t.buckets == nil {
		t.buckets = slices.Clone(other.buckets)
		return
	}
	for i, n := range other.buckets {
		t.buckets[i] += n
	}
}

// Clone gives a copy that can be changed by itself.
func (t *Took) Clone() Took { return Took{slices.Clone(t.buckets)} }

// Count is how many it knows of.
func (t *Took) Count() int64 {
	n := int64(0)
	for _, in := range t.buckets {
		n += in
	}
	return n
}

// Quantile gives the time within which a part (over 0, up to 1) of them were,
// to within a fifth; 0 when there are none. Those that took longest of all
// count as 105 s.
func (t *Took) Quantile(part float64) time.Duration {
	rank := part * float64(t.Count())
	below := 0.0
	for i, n := range t.buckets {
		if n > 0 && below+float64(n) >= rank {
			return tookWithin(i, (rank-below)/float64(n))
		}
		below += float64(n)
	}
	return 0
}

// tookWithin is the time at a part of the way through a bucket.
func tookWithin(bucket int, part float64) time.Duration {
	switch bucket {
	case 0:
		return time.Duration(part * float64(tookFirst))
	case tookBuckets - 1:
		part = 0
	}
	return time.Duration(float64(tookFirst) * math.Exp2((float64(bucket-1)+part)/tookPerDouble))
}

// Encode gives it as it is stored: for each bucket that is not empty how many
// empty ones come before it and how many are in it, as uvarints. Nothing for none.
func (t *Took) Encode() []byte {
	var b []byte
	gap := uint64(0)
	for _, n := range t.buckets {
		if n == 0 {
			gap++
			continue
		}
		b = binary.AppendUvarint(b, gap)
		b = binary.AppendUvarint(b, uint64(n))
		gap = 0
	}
	return b
}

var errTook = errors.New("these are not the times of a tally")

// DecodeTook undoes Encode.
func DecodeTook(b []byte) (Took, error) {
	var t Took
	if err := t.AddEncoded(b, 1); err != nil {
		return Took{}, err
	}
	return t, nil
}

// AddEncoded counts times times what is encoded; with -1 it takes out what was
// counted before. After an error it counts anything.
func (t *Took) AddEncoded(b []byte, times int64) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) > maxTookEncoded {
		return errTook
	}
	if t.buckets == nil {
		t.buckets = make([]int64, tookBuckets)
	}
	for i := 0; len(b) > 0; i++ {
		gap, size := binary.Uvarint(b)
		if size <= 0 || gap >= tookBuckets {
			return errTook
		}
		n, more := binary.Uvarint(b[size:])
		if i += int(gap); more <= 0 || i >= tookBuckets || n == 0 || n > math.MaxInt64/tookBuckets {
			return errTook
		}
		t.buckets[i] += times * int64(n)
		b = b[size+more:]
	}
	return nil
}
