package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// URLRules says what CheckURL lets pass.
type URLRules struct {
	HTTPSOnly     bool           // http is refused
	HTTPToAllowed bool           // as Options.HTTPToAllowed
	MaxLength     int            // in bytes; default 2048
	Allow         []netip.Prefix // as Options.Allow
}

// CheckURL says what is wrong with a URL that somebody wants to save, or "".
// It looks nothing up: what a name points to is judged at every dial.
//
// A URL passes when it is absolute, http or https, with a host that is a name
// or an address in its usual spelling, without credentials and without a
// fragment. An address, or a name for the local host, is refused when the dial would refuse
// it; the other spellings of IPv4 (octal, hexadecimal, short) are refused always.
func CheckURL(raw string, rules URLRules) string {
	limit := rules.MaxLength
	if limit == 0 {
		limit = 2048
	}
	switch {
	case raw == "":
		return "is required"
	case len(raw) > limit:
		return fmt.Sprintf("is longer than %d bytes", limit)
	case !utf8.ValidString(raw):
		return "is not UTF-8"
	case strings.TrimSpace(raw) != raw:
		return "has white space before or after it"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "can't be read as a URL: look for white space, a % without two hex digits after it, or a port that is not a number"
	}
	if reason := checkScheme(u, rules.HTTPSOnly); reason != "" {
		return reason
	}
	switch {
	case u.User != nil:
		return "has credentials before the @: leave them out and set them as authentication"
	case strings.Contains(raw, "#"):
		return "has a fragment (#…), which is never sent: leave it out"
	case u.Hostname() == "":
		return "has no host"
	}
	if reason := checkPort(u); reason != "" {
		return reason
	}
	g := newGuard(rules.Allow)
	judge := g.check
	if u.Scheme == "http" && rules.HTTPToAllowed {
		judge = g.checkHTTP
	}
	return checkHost(u.Hostname(), strings.HasPrefix(u.Host, "["), judge)
}

func checkScheme(u *url.URL, httpsOnly bool) string {
	switch {
	case u.Scheme != "https" && httpsOnly:
		return "must begin with https://"
	case u.Scheme != "https" && u.Scheme != "http":
		return "must begin with https:// or http://"
	case u.Opaque != "":
		return "must have // after " + u.Scheme + ":"
	}
	return ""
}

func checkPort(u *url.URL) string {
	if strings.HasSuffix(u.Host, ":") {
		return "has a colon without a port"
	}
	if u.Port() == "" {
		return ""
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
		return "has a port that is not between 1 and 65535"
	}
	return ""
}

func checkHost(host string, bracketed bool, judge func(netip.Addr) error) string {
	if bracketed {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() {
			return "has [brackets] with something else than an IPv6 address in them"
		}
		return refusal(judge, addr)
	}
	ascii := host
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		var err error
		if ascii, err = idna.Lookup.ToASCII(host); err != nil {
			return "has a host that is not a valid name"
		}
	}
	name := strings.TrimSuffix(strings.ToLower(ascii), ".")
	if endsInNumber(name) {
		return checkIPv4(name, host, judge)
	}
	if !validName(name) {
		return "has a host that is not a valid name"
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		v4 := refusal(judge, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if v4 != "" && refusal(judge, netip.IPv6Loopback()) != "" {
			return v4
		}
	}
	return ""
}

// checkIPv4 judges a host that can only be an IPv4 address; written is how it stands in the URL.
func checkIPv4(name, written string, judge func(netip.Addr) error) string {
	addr, ok := parseIPv4(name)
	if !ok {
		return "has a host that ends in a number and is not an IPv4 address"
	}
	if reason := refusal(judge, addr); reason != "" {
		return reason
	}
	if addr.String() != written {
		return "has an unusual spelling of an address: write " + addr.String()
	}
	return ""
}

func refusal(judge func(netip.Addr) error, addr netip.Addr) string {
	err := judge(addr)
	if refused, ok := errors.AsType[*AddressError](err); ok && refused.Plain {
		return "must begin with https://: the address " + addr.String() + " is not one that the operator has allowed (--egress-allow), and only those are reached by http"
	}
	if err != nil {
		return fmt.Sprintf("points to an address that is not of the public internet, and the operator has not allowed it: %v", err)
	}
	return ""
}

// endsInNumber says whether a host can only be an IPv4 address, by the rule of
// the WHATWG URL standard: its last label is a number.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" {
		return false
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// parseIPv4 reads every spelling of an IPv4 address that a C library takes: one
// to four parts, each decimal, octal (0…) or hexadecimal (0x…), the last of
// which fills the bytes that are left. name is lower case.
func parseIPv4(name string) (netip.Addr, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, part := range parts {
		n, ok := parseIPv4Part(part)
		left := uint(4-i) * 8 // bits that this part and those after it have
		if i < len(parts)-1 {
			if !ok || n > 255 {
				return netip.Addr{}, false
			}
			v |= n << (left - 8)
			continue
		}
		if !ok || n >= 1<<left {
			return netip.Addr{}, false
		}
		v |= n
	}
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), true
}

func parseIPv4Part(part string) (uint64, bool) {
	base := 10
	switch {
	case part == "0x":
		return 0, true
	case strings.HasPrefix(part, "0x"):
		part, base = part[2:], 16
	case len(part) > 1 && part[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(part, base, 33)
	return n, err == nil
}

// validName says whether a lower-case ASCII host can be a name of the DNS. The
// underscore is not of RFC 1123, but is in use.
func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
