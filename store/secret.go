package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Keyring holds the keys that seal what must not be readable in the database:
// credentials of endpoints and connectors, header values, signing secrets. The
// keys are kept in a file of their own, never in the database. The newest key seals; all of
// them open. The zero value seals nothing and says so.
type Keyring struct {
	keys []sealKey // oldest first
}

// keyID names a key in envelopes, in the key file and in errors. It is a
// digest of the key, so a key can't be filed under a wrong name.
type keyID [4]byte

type sealKey struct {
	id   keyID
	aead cipher.AEAD
	root [32]byte // what other keys are derived from
}

// The sealed envelope: version, key id, then what GCM makes: nonce, text, tag.
const (
	sealVersion = 1
	sealHeader  = 1 + len(keyID{})
	keyBytes    = 32 // AES-256
	maxKeyFile  = 64 << 10
)

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// String lists the ids of the keys, and nothing of the keys.
func (k Keyring) String() string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id.String()
	}
	return "keyring[" + strings.Join(ids, " ") + "]"
}

// GoString is String, so that no verb of package fmt shows a key.
func (k Keyring) GoString() string { return k.String() }

// Has says whether the ring holds any key.
func (k Keyring) Has() bool { return len(k.keys) > 0 }

func newSealKey(secret []byte) (sealKey, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return sealKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealKey{}, err
	}
	sum := sha256.Sum256(append([]byte("tidings key id\x00"), secret...))
	root, err := hkdf.Extract(sha256.New, secret, []byte("tidings derived keys"))
	if err != nil {
		return sealKey{}, err
	}
	return sealKey{id: keyID(sum[:len(keyID{})]), aead: aead, root: [32]byte(root)}, nil
}

// seal encrypts text for one row of one table: it opens nowhere else.
func (k Keyring) seal(text []byte, table string, row int64) ([]byte, error) {
	if !k.Has() {
		return nil, errors.New("there is no key to seal secrets with: the store was opened without a key file")
	}
	key := k.keys[len(k.keys)-1]
	out := make([]byte, sealHeader, sealHeader+len(text)+key.aead.Overhead())
	out[0] = sealVersion
	copy(out[1:], key.id[:])
	return key.aead.Seal(out, nil, text, sealedPlace(table, row)), nil
}

// open decrypts what seal made for the same row of the same table.
func (k Keyring) open(sealed []byte, table string, row int64) ([]byte, error) {
	if len(sealed) < sealHeader || sealed[0] != sealVersion {
		return nil, fmt.Errorf("the secrets of %s %d are not in a form that this version reads", table, row)
	}
	id := keyID(sealed[1:sealHeader])
	key, err := k.find(id)
	if err != nil {
		return nil, fmt.Errorf("the secrets of %s %d: %w", table, row, err)
	}
	text, err := key.aead.Open(nil, nil, sealed[sealHeader:], sealedPlace(table, row))
	if err != nil {
		return nil, fmt.Errorf("the secrets of %s %d are damaged, or were moved there from elsewhere: key %s does not open them", table, row, id)
	}
	return text, nil
}

func (k Keyring) find(id keyID) (sealKey, error) {
	for _, key := range k.keys {
		if key.id == id {
			return key, nil
		}
	}
	if !k.Has() {
		return sealKey{}, fmt.Errorf("sealed with key %s, and the store was opened without a key file", id)
	}
	return sealKey{}, fmt.Errorf("sealed with key %s, which is not in the key file: put that key back", id)
}

// newest is the id of the key that seals, as it stands in envelopes; nil without any.
func (k Keyring) newest() []byte {
	if !k.Has() {
		return nil
	}
	return k.keys[len(k.keys)-1].id[:]
}

// sealedPlace is the additional data of the envelope: the table and the row.
func sealedPlace(table string, row int64) []byte {
	return strconv.AppendInt([]byte(table+"/"), row, 10)
}

const keyFileHead = `# The keys that seal the secrets in the database. Keep a copy apart from the
# backups of the database: without it all secrets in there are lost.
# One key a line, the newest last. A line may go once nothing is sealed by it.
`

// LoadOrCreateKeyring reads a key file, and makes it with one new key when there
// is none. The file must not be accessible to group or others. Errors name the
// file and what to do, never a key.
func LoadOrCreateKeyring(path string) (Keyring, error) {
	ring, err := loadKeyring(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	line, err := newKeyLine()
	if err != nil {
		return Keyring{}, err
	}
	// A link, unlike a rename, leaves a file alone that another process made first.
	if err := placeKeyFile(path, keyFileHead+line, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return Keyring{}, fmt.Errorf("make the key file: %w", err)
	}
	return loadKeyring(path)
}

// RotateKeyring adds a new key to an existing key file and gives the ring with
// it. What was sealed before stays readable; see Store.Reseal.
func RotateKeyring(path string) (Keyring, error) {
	if _, err := loadKeyring(path); err != nil {
		return Keyring{}, err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("read the key file: %w", err)
	}
	line, err := newKeyLine()
	if err != nil {
		return Keyring{}, err
	}
	text := strings.TrimRight(string(old), "\n") + "\n" + line
	if err := placeKeyFile(path, text, os.Rename); err != nil {
		return Keyring{}, fmt.Errorf("write the key file: %w", err)
	}
	return loadKeyring(path)
}

func newKeyLine() (string, error) {
	secret := make([]byte, keyBytes)
	rand.Read(secret) // never fails (crypto/rand)
	key, err := newSealKey(secret)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return key.id.String() + " " + base64.StdEncoding.EncodeToString(secret) + "\n", nil
}

// placeKeyFile writes the text to a file beside path and puts it in place
// when it is whole and durable: sealing with a key that a crash could lose would lose the secrets.
func placeKeyFile(path, text string, place func(from, to string) error) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := place(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func loadKeyring(path string) (Keyring, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Keyring{}, fmt.Errorf("read the key file: %w", err)
	case !info.Mode().IsRegular():
		return Keyring{}, fmt.Errorf("the key file %s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return Keyring{}, fmt.Errorf("the key file %s is open to others than its owner (mode %04o): chmod 600 it", path, info.Mode().Perm())
	case info.Size() > maxKeyFile:
		return Keyring{}, fmt.Errorf("the key file %s is larger than %d bytes: it is not a key file", path, maxKeyFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("read the key file: %w", err)
	}
	ring, err := parseKeyring(string(text))
	if err != nil {
		return Keyring{}, fmt.Errorf("the key file %s: %w", path, err)
	}
	return ring, nil
}

// parseKeyring reads the text of a key file: lines of a key's id and the
// base64 of its 32 bytes; empty lines and lines that begin with # say nothing.
func parseKeyring(text string) (Keyring, error) {
	var ring Keyring
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, encoded, _ := strings.Cut(line, " ")
		secret, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(secret) != keyBytes {
			return Keyring{}, fmt.Errorf("line %d is not a key: it takes an id and the base64 of %d bytes", n, keyBytes)
		}
		key, err := newSealKey(secret)
		if err != nil {
			return Keyring{}, fmt.Errorf("line %d: %w", n, err)
		}
		if key.id.String() != id {
			return Keyring{}, fmt.Errorf("line %d is damaged: the key does not match its id %.16q", n, id)
		}
		if _, err := ring.find(key.id); err == nil {
			return Keyring{}, fmt.Errorf("line %d repeats key %s", n, key.id)
		}
		ring.keys = append(ring.keys, key)
	}
	if !ring.Has() {
		return Keyring{}, errors.New("holds no key")
	}
	return ring, nil
}
