package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
)

// DefaultBouncePrefix begins the local part of return addresses.
const DefaultBouncePrefix = "bounce"

// macBytes is how much of the HMAC an address carries: 80 bits can't be
// guessed, and sixteen characters leave room in a local part of 64 (RFC 5321,
// 4.5.3.1.1).
const macBytes = 10

// macChars is the length of the key's id and of the MAC: ten bytes are sixteen
// characters of base32, without padding.
const macChars = 1 + macBytes*8/5

// VERP makes the addresses to which the mails of ours come back, one address a
// mail (variable envelope return paths), and the Message-IDs of these mails.
// Both carry the mail's number and a MAC: nobody can make those of a mail that
// they never saw.
//
//	bounce+1042.a7k3…@bounces.shop.example    the return path of mail 1042
//	1042.aq5x…@bounces.shop.example           its Message-ID
type VERP struct {
	Domain string    // whose mail exchanger the Inbound is
	Prefix string    // the local part before '+'; "" = DefaultBouncePrefix
	Keys   []VERPKey // the first signs, all of them verify; at least one
}

// VERPKey is a secret of VERP and its name.
type VERPKey struct {
	ID     byte   // a letter a to z, or a digit 2 to 7; no two keys have the same
	Secret []byte // 32 random bytes
}

// What a MAC is for: one does not do for the other.
const (
	macOfAddress   = "verp"
	macOfMessageID = "message-id"
)

// Address gives the return path (MAIL FROM) of a mail. Mails count from 1.
func (v VERP) Address(mail int64) string {
	return v.prefix() + "+" + v.token(macOfAddress, mail) + "@" + v.Domain
}

// Parse gives the mail that an address of Address stands for, whatever the
// case of its letters. It says false to all other addresses: of other domains,
// with an unknown key, forged.
func (v VERP) Parse(address string) (mail int64, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !sameDomain(address[at+1:], v.Domain) {
		return 0, false
	}
	prefix, token, found := strings.Cut(address[:at], "+")
	if !found || !strings.EqualFold(prefix, v.prefix()) {
		return 0, false
	}
	return v.verify(macOfAddress, token)
}

// MessageID gives the Message-ID of a mail, without angle brackets. It is the
// same whenever the mail is sent again.
func (v VERP) MessageID(mail int64) string {
	return v.token(macOfMessageID, mail) + "@" + v.Domain
}

// ParseMessageID gives the mail whose Message-ID this is, with or without
// angle brackets. The domain does not count, as the MAC says whose it is.
func (v VERP) ParseMessageID(id string) (mail int64, ok bool) {
	id = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(id), "<"), ">")
	token, _, found := strings.Cut(id, "@")
	if !found {
		return 0, false
	}
	return v.verify(macOfMessageID, token)
}

func (v VERP) prefix() string {
	if v.Prefix == "" {
		return DefaultBouncePrefix
	}
	return v.Prefix
}

// token gives id.kmmmm: the number, and the key's name before the MAC.
func (v VERP) token(purpose string, mail int64) string {
	number := strconv.FormatInt(mail, 10)
	return number + "." + v.Keys[0].sign(purpose, number)
}

func (v VERP) verify(purpose, token string) (mail int64, ok bool) {
	number, mac, found := strings.Cut(token, ".")
	if !found || len(mac) != macChars || len(number) > 19 {
		return 0, false
	}
	mail, err := strconv.ParseInt(number, 10, 64)
	if err != nil || mail < 1 {
		return 0, false
	}
	mac = strings.ToLower(mac)
	for _, k := range v.Keys {
		if k.ID == mac[0] && hmac.Equal([]byte(mac), []byte(k.sign(purpose, number))) {
			return mail, true
		}
	}
	return 0, false
}

func (k VERPKey) sign(purpose, number string) string {
	h := hmac.New(sha256.New, k.Secret)
	h.Write([]byte(purpose + "\x00" + string(rune(k.ID)) + number))
	// In lower case, as some servers fold the case of local parts: upper and lower case must mean the same.
	return strings.ToLower(string(rune(k.ID)) + base32.StdEncoding.EncodeToString(h.Sum(nil)[:macBytes]))
}

// sameDomain compares domains; the root's dot may be there or not.
func sameDomain(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
