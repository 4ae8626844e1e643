package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of what is packed.
const (
	packFrom  = 1 << 10 // bytes; less is not worth the time
	maxPacked = 64 << 20
)

// pack puts a head before text that says its length and whether it is
// compressed, which it is when that is worth it.
func (s *Store) pack(text []byte) []byte {
	packed := binary.AppendUvarint(make([]byte, 0, len(text)+binary.MaxVarintLen64), uint64(len(text))<<1)
	if len(text) < packFrom {
		return append(packed, text...)
	}
	packed[0] |= 1
	return s.codec.fast.EncodeAll(text, packed)
}

// unpack undoes pack. What it gives may be a part of packed.
func (s *Store) unpack(packed []byte) ([]byte, error) {
	head, n := binary.Uvarint(packed)
	size := head >> 1
	if n <= 0 || size > maxPacked {
		return nil, errors.New("it is damaged")
	}
	text := packed[n:]
	if head&1 == 1 {
		var err error
		if text, err = s.codec.decoder.DecodeAll(text, make([]byte, 0, size)); err != nil {
			return nil, fmt.Errorf("it is damaged: %w", err)
		}
	}
	if uint64(len(text)) != size {
		return nil, errors.New("it is damaged: a part of it is missing")
	}
	return text, nil
}
