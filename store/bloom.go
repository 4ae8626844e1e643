package store

// A bloom says which search keys a frame may have: about 10 bits a key and 6
// probes, so that about 1 frame in 100 is decoded in vain. Its first byte is the
// number of probes, the bits follow.
const (
	bloomBits   = 10
	bloomProbes = 6

	// bloomFrom is the number of activities from which a frame has a bloom:
	// decoding a smaller one is cheap.
	bloomFrom = 16
)

// makeBloom gives the bloom of keys.
func makeBloom(keys []uint64) []byte {
	bloom := make([]byte, 1+(len(keys)*bloomBits+7)/8)
	bloom[0] = bloomProbes
	bits := bloom[1:]
	for _, key := range keys {
		probe(key, bloomProbes, len(bits), func(at uint32) bool {
			bits[at>>3] |= 1 << (at & 7)
			return true
		})
	}
	return bloom
}

// mayHave says whether a frame may have the key; an empty bloom does not know.
func mayHave(bloom []byte, key uint64) bool {
	if len(bloom) < 2 {
		return true
	}
	bits := bloom[1:]
	return probe(key, int(bloom[0]), len(bits), func(at uint32) bool {
		return bits[at>>3]>>(at&7)&1 == 1
	})
}

// probe visits a key's places among the bits of so many bytes, until visit says no.
func probe(key uint64, probes, bytes int, visit func(at uint32) bool) bool {
	size := uint64(bytes) * 8
	h, step := uint32(key), uint32(key>>32)|1
	for range probes {
		if !visit(uint32(uint64(h) * size >> 32)) {
			return false
		}
		h += step
	}
	return true
}
