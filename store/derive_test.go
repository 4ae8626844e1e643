package store_test

import (
	"path/filepath"
	"testing"

	"tidings/store"
)

func TestDerivedKeysAreOfTheirPurposeAndStayAsTheRingDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	ring, err := store.LoadOrCreateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.LoadOrCreateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	first, other := ring.Derive("links")[0], ring.Derive("return paths")[0]
	if first != again.Derive("links")[0] {
		t.Error("a key is another after the ring was read again")
	}
	if first.Secret == other.Secret || first.ID != other.ID {
		t.Errorf("keys of two purposes: %v and %v", first, other)
	}
	rotated, err := store.RotateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	if keys := rotated.Derive("links"); len(keys) != 2 || keys[0] == first || keys[1] != first {
		t.Error("after a rotation, the new key must come first and the old one stay")
	}
	if len(store.Keyring{}.Derive("links")) != 0 {
		t.Error("a ring without keys gives some")
	}
}
