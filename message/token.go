package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"tidings"
)

// tokenKind says what a link is for. A token of one kind does not do for another.
type tokenKind byte

// The kinds, as they stand in paths: /o/TOKEN and so on.
const (
	tokenOpen        tokenKind = 'o'
	tokenClick       tokenKind = 'c'
	tokenView        tokenKind = 'v'
	tokenUnsubscribe tokenKind = 'u'
	tokenPreferences tokenKind = 'p'
)

// token is what a link of a mail carries. Nothing of it is secret; the MAC
// says that we made it.
//
//	key id (1 byte) | kind (1) | time of making, Unix seconds (4) | mail (uvarint) | url | MAC (16)
type token struct {
	kind tokenKind
	mail tidings.MailID
	at   time.Time // when it was made, in whole seconds
	url  string    // of a click
}

const (
	tokenMAC  = 16 // bytes of HMAC-SHA-256
	tokenHead = 6  // bytes before the mail
	maxToken  = 4 << 10
)

// TokenTTL is how long links of mails hold.
const TokenTTL = 400 * 24 * time.Hour

var (
	errBadToken     = errors.New("the token is not one of ours")
	errExpiredToken = errors.New("the token is too old")
)

// sealToken makes the text of a token.
func sealToken(key VERPKey, t token) string {
	b := make([]byte, 0, tokenHead+binary.MaxVarintLen64+len(t.url)+tokenMAC)
	b = append(b, key.ID, byte(t.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(t.at.Unix()))
	b = binary.AppendUvarint(b, uint64(t.mail))
	b = append(b, t.url...)
	b = append(b, tokenSum(key, b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// openToken reads a token of a kind. It says errBadToken to all that is not
// ours and of this kind, and errExpiredToken to what is too old.
func openToken(keys []VERPKey, kind tokenKind, text string, now time.Time) (token, error) {
	if len(text) > maxToken {
		return token{}, errBadToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < tokenHead+1+tokenMAC {
		return token{}, errBadToken
	}
	body, sum := b[:len(b)-tokenMAC], b[len(b)-tokenMAC:]
	if !tokenIsOurs(keys, body, sum) || tokenKind(body[1]) != kind {
		return token{}, errBadToken
	}
	t := token{kind: kind, at: time.Unix(int64(binary.BigEndian.Uint32(body[2:tokenHead])), 0)}
	mail, n := binary.Uvarint(body[tokenHead:])
	if n <= 0 {
		return token{}, errBadToken
	}
	t.mail, t.url = tidings.MailID(mail), string(body[tokenHead+n:])
	if now.Sub(t.at) > TokenTTL {
		return token{}, errExpiredToken
	}
	return t, nil
}

func tokenIsOurs(keys []VERPKey, body, sum []byte) bool {
	for _, k := range keys {
		if k.ID == body[0] && hmac.Equal(sum, tokenSum(k, body)) {
			return true
		}
	}
	return false
}

func tokenSum(key VERPKey, body []byte) []byte {
	h := hmac.New(sha256.New, key.Secret)
	h.Write([]byte("link\x00")) // so that a MAC of an address is none of a link
	h.Write(body)
	return h.Sum(nil)[:tokenMAC]
}
