package store

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newTestRing(t testing.TB) Keyring {
	t.Helper()
	ring, err := LoadOrCreateKeyring(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealedOpensOnlyInItsPlace(t *testing.T) {
	ring := newTestRing(t)
	text := []byte("whsec_attack at dawn")
	sealed, err := ring.seal(text, "endpoint", 7)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("attack")) {
		t.Error("the envelope shows its text")
	}
	if got, err := ring.open(sealed, "endpoint", 7); err != nil || !bytes.Equal(got, text) {
		t.Errorf("open = %q, %v; want %q", got, err, text)
	}
	if _, err := ring.open(sealed, "endpoint", 8); err == nil {
		t.Error("opened for another row")
	}
	if _, err := ring.open(sealed, "connector", 7); err == nil {
		t.Error("opened for another table")
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := ring.open(damaged, "endpoint", 7); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
	}
}

func TestSameTextIsSealedDifferentlyEachTime(t *testing.T) {
	ring := newTestRing(t)
	a, _ := ring.seal([]byte("same"), "endpoint", 1)
	b, _ := ring.seal([]byte("same"), "endpoint", 1)
	if bytes.Equal(a, b) {
		t.Error("two envelopes of one text are equal: the nonce repeats")
	}
}

func TestWrongKeyErrorNamesTheKey(t *testing.T) {
	ring, other := newTestRing(t), newTestRing(t)
	sealed, err := ring.seal([]byte("x"), "endpoint", 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, without := range []Keyring{other, {}} {
		_, err := without.open(sealed, "endpoint", 7)
		if err == nil || !strings.Contains(err.Error(), ring.keys[0].id.String()) {
			t.Errorf("%v: error %v does not name %v", without, err, ring.keys[0].id)
		}
	}
	if _, err := (Keyring{}).seal([]byte("x"), "endpoint", 7); err == nil {
		t.Error("an empty ring sealed")
	}
}

func TestRotatedRingSealsWithTheNewKeyAndOpensOldEnvelopes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	old, err := LoadOrCreateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := old.seal([]byte("x"), "endpoint", 7)
	ring, err := RotateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.open(sealed, "endpoint", 7); err != nil || string(got) != "x" {
		t.Errorf("the old envelope = %q, %v", got, err)
	}
	again, _ := ring.seal([]byte("x"), "endpoint", 7)
	if !bytes.Equal(again[1:sealHeader], ring.newest()) {
		t.Error("the new envelope was not sealed by the newest key")
	}
	if _, err := old.open(again, "endpoint", 7); err == nil {
		t.Error("the old ring opened what the new key sealed")
	}
	if _, err := RotateKeyring(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("rotated a file that is not there")
	}
}

func TestKeyFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	rings := make([]Keyring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			ring, err := LoadOrCreateKeyring(path)
			if err != nil {
				t.Error(err)
			}
			rings[i] = ring
		})
	}
	wg.Wait()
	for _, ring := range rings {
		if ring.String() != rings[0].String() || !ring.Has() {
			t.Fatalf("makers at once disagree: %v and %v", ring, rings[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := LoadOrCreateKeyring(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateKeyring(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: error %v", mode, err)
		}
	}
}

func TestRingShowsNoKey(t *testing.T) {
	line, err := newKeyLine()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := parseKeyring(line)
	if err != nil {
		t.Fatal(err)
	}
	want := "keyring[" + line[:8] + "]"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, ring); got != want {
			t.Errorf("%s shows %s", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ Keys Keyring }{ring}); !strings.Contains(got, want) || len(got) > 100 {
			t.Errorf("%s of a struct shows %s", verb, got)
		}
	}
}

func TestKeyFileLines(t *testing.T) {
	line, err := newKeyLine()
	if err != nil {
		t.Fatal(err)
	}
	id, key := line[:8], strings.TrimSpace(line[9:])
	other := base64.StdEncoding.EncodeToString(make([]byte, keyBytes))
	for _, c := range []struct{ name, text, wrong string }{
		{"one key", line, ""},
		{"no newline at the end", id + " " + key, ""},
		{"comments and empty lines", "# a\n\n  \n" + line + "# b\r\n", ""},
		{"spaces around", "  " + id + "   " + key + "  \n", ""},
		{"empty", "", "holds no key"},
		{"only comments", "# a\n", "holds no key"},
		{"id only", id + "\n", "line 1 is not a key"},
		{"key only", key + "\n", "line 1 is not a key"},
		{"short key", line + id + " AAAA\n", "line 2 is not a key"},
		{"not base64", id + " " + strings.Repeat("!", 44), "line 1 is not a key"},
		{"another's id", id + " " + other, "line 1 is damaged"},
		{"twice", line + "\n" + line, "line 3 repeats key " + id},
	} {
		_, err := parseKeyring(c.text)
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.wrong)
		case err != nil && strings.Contains(err.Error(), key):
			t.Errorf("%s: the error shows the key", c.name)
		}
	}
}

func FuzzParseKeyring(f *testing.F) {
	line, err := newKeyLine()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add("# a\n\n" + line + line)
	f.Add("00000000 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := parseKeyring(text)
		if (err == nil) != ring.Has() {
			t.Fatalf("%d keys with error %v", len(ring.keys), err)
		}
		for _, key := range ring.keys {
			if !strings.Contains(text, key.id.String()) {
				t.Fatalf("key %s is not in the text", key.id)
			}
		}
	})
}

func FuzzOpenSealed(f *testing.F) {
	line, err := newKeyLine()
	if err != nil {
		f.Fatal(err)
	}
	ring, err := parseKeyring(line)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := ring.seal([]byte("text"), "endpoint", 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:sealHeader])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, envelope []byte) {
		if _, err := ring.open(envelope, "endpoint", 1); err == nil && !bytes.Equal(envelope, sealed) {
			t.Fatalf("opened %x", envelope)
		}
	})
}
