package api

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestAKeyThatIsLookedUpAgainPushesNoOtherOut(t *testing.T) {
	a := &authenticator{known: map[[32]byte]knownKey{}}
	digest := func(i int) (d [32]byte) {
		binary.BigEndian.PutUint64(d[:], uint64(i))
		return d
	}
	for i := range keyCacheSize {
		a.remember(digest(i), knownKey{}, 0)
	}
	later := time.Unix(1, 0)
	for i := range keyCacheSize {
		a.remember(digest(i), knownKey{expires: later}, 0)
	}
	for i := range keyCacheSize {
		if !a.known[digest(i)].expires.Equal(later) {
			t.Fatalf("key %d was forgotten", i)
		}
	}
	a.remember(digest(keyCacheSize), knownKey{expires: later}, 0)
	if len(a.known) != keyCacheSize {
		t.Errorf("%d keys are kept", len(a.known))
	}
}
