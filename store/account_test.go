package store

import (
	"testing"

	"tidings"
)

func TestKeyLookedUpBeforeARevocationIsNotKept(t *testing.T) {
	var cache keyCache
	digest := tidings.KeyDigest("token")
	_, round, _ := cache.get(digest)
	cache.forget() // a revocation, between the look-up and the keeping
	cache.put(digest, tidings.Key{ID: 1}, round)
	if key, _, ok := cache.get(digest); ok {
		t.Errorf("kept %+v", key)
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	var cache keyCache
	for i := range maxCachedKeys + 10 {
		cache.put([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, tidings.Key{}, 0)
	}
	if n := len(cache.byKey); n > maxCachedKeys {
		t.Errorf("holds %d keys", n)
	}
}
