package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// DerivedKey is a key that is made of one of a ring's for one purpose. What is
// done with it says nothing of the ring's key.
type DerivedKey struct {
	ID     [4]byte // that of the ring's key
	Secret [32]byte
}

// Derive gives a key for a purpose from each key of the ring, the newest first. They are
// the same as long as the ring's keys are, so that what was signed before a restart,
// or on another node with the same key file, can be verified.
func (k Keyring) Derive(purpose string) []DerivedKey {
	derived := make([]DerivedKey, 0, len(k.keys))
	for i := len(k.keys) - 1; i >= 0; i-- {
		secret, err := hkdf.Key(sha256.New, k.keys[i].root[:], nil, "tidings "+purpose, len(DerivedKey{}.Secret))
		if err != nil {
			panic(fmt.Sprintf("store: deriving a key: %v", err)) // it is no longer than HKDF allows
		}
		derived = append(derived, DerivedKey{k.keys[i].id, [32]byte(secret)})
	}
	return derived
}

// Derive is that of the keys that the store was opened with.
func (s *Store) Derive(purpose string) []DerivedKey { return s.opts.Keys.Derive(purpose) }
