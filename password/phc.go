package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// phc is a hash of argon2id with all that it was made with.
type phc struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
	salt   []byte
	hash   []byte
}

// What a stored hash may ask for, so that a row that somebody has tampered
// with takes the server neither its memory nor its time.
const (
	maxMemory = 256 * 1024 // KiB
	maxPasses = 16
	maxLanes  = 16
	minSalt   = 8 // bytes (RFC 9106, section 3.1)
	minHash   = 16
	maxBytes  = 64 // of salt and of hash
)

// String gives the PHC string form (the specification's B64: no padding).
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes, b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

// parsePHC reads what String writes, and nothing else: there is one way to write a hash.
func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return phc{}, errors.New("it is no argon2id hash in PHC form")
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return phc{}, fmt.Errorf("it is of another version of argon2 than %d", argon2.Version)
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return phc{}, errors.New("its parameters can't be read")
	}
	b64 := base64.RawStdEncoding.Strict()
	var errs [2]error
	p.salt, errs[0] = b64.DecodeString(parts[4])
	p.hash, errs[1] = b64.DecodeString(parts[5])
	switch {
	case errors.Join(errs[:]...) != nil:
		return phc{}, errors.New("its salt or hash is not base64")
	case len(p.salt) < minSalt || len(p.salt) > maxBytes || len(p.hash) < minHash || len(p.hash) > maxBytes:
		return phc{}, errors.New("its salt or hash has a length that no hash here has")
	case p.memory < 8*uint32(p.lanes) || p.memory > maxMemory || p.passes < 1 || p.passes > maxPasses || p.lanes < 1 || p.lanes > maxLanes:
		return phc{}, errors.New("its parameters are out of bounds")
	case p.String() != text:
		return phc{}, errors.New("it is not written as a hash is written here")
	}
	return p, nil
}
