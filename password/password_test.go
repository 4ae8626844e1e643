package password

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestAPasswordIsVerifiedByItsHashAndNoOtherIs(t *testing.T) {
	h := New(0)
	const secret = "correct horse battery staple"
	stored, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") || len(stored) != 97 {
		t.Errorf("stored as %s", stored)
	}
	again, err := h.Hash(t.Context(), secret)
	if err != nil || again == stored {
		t.Errorf("two hashes of one password are the same: %v", err)
	}
	for password, want := range map[string]bool{secret: true, "": false, secret + " ": false, strings.ToUpper(secret): false} {
		if ok, err := h.Verify(t.Context(), stored, password); err != nil || ok != want {
			t.Errorf("%q: %t, %v", password, ok, err)
		}
	}
}

// The vector is that of the reference implementation (phc-winner-argon2, test.c:
// hashtest of argon2id, version 0x13).
func TestAHashOfTheReferenceImplementationIsVerified(t *testing.T) {
	hash, err := base64.RawStdEncoding.DecodeString("CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	stored := phc{memory: 65536, passes: 2, lanes: 1, salt: []byte("somesalt"), hash: hash}.String()
	if stored != "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc" {
		t.Fatal(stored)
	}
	if ok, err := New(1).Verify(t.Context(), stored, "password"); err != nil || !ok {
		t.Errorf("%t, %v", ok, err)
	}
}

func TestWithoutAHashNoPasswordIsRight(t *testing.T) {
	h := New(1)
	for _, password := range []string{"", "x", "correct horse battery staple"} {
		if ok, err := h.Verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("%q: %t, %v", password, ok, err)
		}
	}
}

func TestAHashInAnotherFormIsAnErrorNotAWrongPassword(t *testing.T) {
	const salt, hash = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, stored := range map[string]string{
		"bcrypt":          "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":         "$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + hash,
		"no version":      "$argon2id$m=65536,t=2,p=1$" + salt + "$" + hash,
		"old version":     "$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + hash,
		"too much memory": "$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + hash,
		"too many passes": "$argon2id$v=19$m=65536,t=200,p=1$" + salt + "$" + hash,
		"no pass":         "$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + hash,
		"no lane":         "$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + hash,
		"no salt":         "$argon2id$v=19$m=65536,t=2,p=1$$" + hash,
		"short hash":      "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$CTFhFdXP",
		"padding":         "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "=$" + hash,
		"another order":   "$argon2id$v=19$t=2,m=65536,p=1$" + salt + "$" + hash,
		"leading zero":    "$argon2id$v=19$m=065536,t=2,p=1$" + salt + "$" + hash,
		"more behind":     "$argon2id$v=19$m=65536,t=2,p=1,x=1$" + salt + "$" + hash,
		"plain text":      "password",
	} {
		if ok, err := New(1).Verify(t.Context(), stored, "password"); ok || err == nil {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
}

// All places are taken: who waits for one goes when its context ends.
func TestHashingWaitsForAPlaceAsLongAsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(1)
		h.places <- struct{}{}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := h.Verify(ctx, "", "password")
			failed <- err
		}()
		synctest.Wait()
		select {
		case err := <-failed:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		<-h.places
		if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.Canceled) {
			t.Errorf("with a free place it ended with %v", err)
		}
		if _, err := h.Hash(t.Context(), "password"); err != nil {
			t.Errorf("the place is not given back: %v", err)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Add("$argon2id$v=19$m=,t=,p=$c29tZXNhbHQ$x")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePHC(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Errorf("%q was read and is written as %q", text, p.String())
		}
		if p.memory > maxMemory || p.passes > maxPasses || len(p.hash) < minHash {
			t.Errorf("%q asks for too much", text)
		}
	})
}
