package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"runtime"

	"golang.org/x/crypto/argon2"
)

// What a new hash is made with (OWASP Password Storage Cheat Sheet, argon2id).
const (
	memory   = 19 * 1024 // KiB
	passes   = 2
	lanes    = 1
	saltSize = 16 // bytes
	hashSize = 32 // bytes
)

// Hasher hashes and verifies, a few at once. Its methods may be called from
// many goroutines. It is made by [New].
type Hasher struct {
	places chan struct{} // one is taken for as long as a hash is computed
}

// New makes a hasher that computes at most so many hashes at once, each in
// 19 MiB of memory. 0 = one for each processor.
func New(atOnce int) *Hasher {
	if atOnce <= 0 {
		atOnce = runtime.GOMAXPROCS(0)
	}
	return &Hasher{places: make(chan struct{}, atOnce)}
}

// Hash gives what is stored of a password: 97 characters, other ones each time.
// The error is ctx's, when it ends before a place is free.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails (crypto/rand)
	made := phc{memory: memory, passes: passes, lanes: lanes, salt: salt, hash: make([]byte, hashSize)}
	var err error
	if made.hash, err = h.compute(ctx, password, made); err != nil {
		return "", err
	}
	return made.String(), nil
}

// Verify says whether a stored hash is that of a password. Without a hash ("")
// it is false, after the work of a comparison: how long an answer takes does not
// tell whether there is such a user. It is an error when the hash is in no form
// that is known, and ctx's when it ends before a place is free.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (bool, error) {
	want := phc{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltSize), hash: make([]byte, hashSize)}
	if stored != "" {
		var err error
		if want, err = parsePHC(stored); err != nil {
			return false, fmt.Errorf("a stored password can't be read: %w", err)
		}
	}
	got, err := h.compute(ctx, password, want)
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(got, want.hash) == 1
	return same && stored != "", nil
}

// compute hashes a password as another hash was made.
func (h *Hasher) compute(ctx context.Context, password string, as phc) ([]byte, error) {
	if err := ctx.Err(); err != nil { // with a free place, too
		return nil, err
	}
	select {
	case h.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.places }()
	return argon2.IDKey([]byte(password), as.salt, as.passes, as.memory, as.lanes, uint32(len(as.hash))), nil
}
