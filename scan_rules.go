package tidings

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// isUUID says whether text has the form of a UUID, in any case.
func isUUID(text []byte) bool {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	le := binary.LittleEndian
	return hex8(le.Uint64(text)) &&
		hex8(uint64(le.Uint32(text[9:]))|uint64(le.Uint32(text[14:]))<<32) &&
		hex8(uint64(le.Uint32(text[19:]))|uint64(le.Uint32(text[24:]))<<32) &&
		hex8(le.Uint64(text[28:]))
}

// hex8 says whether all eight bytes are hex digits.
func hex8(w uint64) bool {
	return w&highs == 0 && (between(w, '0', '9')|between(w|0x20*ones, 'a', 'f')) == highs
}

// between marks, in its high bit, each byte of w that lies between low and
// high. All bytes of w must be ASCII.
func between(w, low, high uint64) uint64 {
	return (w + (0x80-low)*ones) &^ (w + (0x7f-high)*ones) & highs
}

// emailFault says what is wrong with an email address, or "". It asks little,
// as what mail systems accept is wider than any rule: an @, and no white space.
func emailFault(text []byte) string {
	at, ascii := false, true
	for _, c := range text {
		switch {
		case c <= ' ' || c == 0x7f:
			return "must not have spaces or control characters"
		case c == '@':
			at = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !at {
		return "must be an email address: it has no @"
	}
	for !ascii && len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return "must not have spaces or control characters"
		}
		text = text[n:]
	}
	return ""
}

// phoneFault says what is wrong with a phone number, or "".
func phoneFault(text []byte) string {
	if len(text) == 0 || digits(text, 0) != len(text) {
		return "must be digits only, without + and spaces"
	}
	return ""
}
