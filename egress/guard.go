package egress

import (
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// AddressError says that an address is not one of the public internet, or that
// it is to be reached without encryption, and that the operator has not allowed it.
type AddressError struct {
	Addr netip.Addr
	Why  string // what the address is, e.g. "loopback"
	// Plain says that only http is refused there; see Options.HTTPToAllowed.
	Plain bool
}

func (e *AddressError) Error() string {
	return "address " + e.Addr.String() + " is refused: " + e.Why
}

// guard judges addresses. The verdict on special ranges is that of package
// ssrf, which follows the IANA registries; the guard adds what hides an IPv4
// address inside the global IPv6 range, and the words.
type guard struct {
	allow []netip.Prefix
	rules *ssrf.Guardian
	names []namedRange
}

type namedRange struct {
	prefix netip.Prefix
	name   string
}

// newGuard makes a guard that refuses everything but the public internet and
// the ranges in allow.
func newGuard(allow []netip.Prefix) *guard {
	return &guard{allow: allow, rules: ssrf.New(ssrf.WithAnyPort()), names: specialRanges()}
}

// control is the net.Dialer.Control that sees the address of each socket
// just before it connects.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.check(target.Addr())
}

// check gives an *AddressError when the address may not be dialled.
//
// An allowed range also allows the IPv4-mapped spelling of its addresses. A
// NAT64 address never passes by an allowed range alone: what lies behind the
// gateway, the IPv4 address in it, has to pass too.
func (g *guard) check(addr netip.Addr) error {
	plain := addr.Unmap().WithZone("")
	if g.allowed(plain) {
		if nat64().Contains(plain) {
			return g.check(lastFour(plain))
		}
		return nil
	}
	if isatap(plain) {
		return &AddressError{Addr: addr, Why: "ISATAP, a tunnel to an IPv4 address"}
	}
	// Judged with its zone and unmapped form: neither is an address of the internet.
	if g.rules.SafeAddr(addr) == nil {
		return nil
	}
	return &AddressError{Addr: addr, Why: g.name(addr)}
}

// checkHTTP is check for http under Options.HTTPToAllowed: being of the public
// internet is not enough. Behind NAT64 it is again the IPv4 address that counts.
func (g *guard) checkHTTP(addr netip.Addr) error {
	if err := g.check(addr); err != nil {
		return err
	}
	plain := addr.Unmap().WithZone("")
	switch {
	case !g.allowed(plain):
		return &AddressError{Addr: addr, Why: "http, without encryption, goes to addresses that the operator has allowed only", Plain: true}
	case nat64().Contains(plain):
		return g.checkHTTP(lastFour(plain))
	}
	return nil
}

func (g *guard) allowed(plain netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(plain) {
			return true
		}
	}
	return false
}

func (g *guard) name(addr netip.Addr) string {
	if addr.Is4In6() {
		return "IPv4-mapped; " + g.name(addr.Unmap())
	}
	for _, r := range g.names {
		if r.prefix.Contains(addr.WithZone("")) {
			return r.name
		}
	}
	return "not an address of the public internet"
}

// isatap recognises the interface identifiers ::0:5efe:a.b.c.d and
// ::200:5efe:a.b.c.d (RFC 5214, section 6.1), which may stand behind any prefix.
func isatap(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// nat64 is the well-known prefix of RFC 6052; its last four bytes are an IPv4 address.
func nat64() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{1: 0x64, 2: 0xff, 3: 0x9b}), 96)
}

func lastFour(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// specialRanges names the ranges for people; the first match counts.
func specialRanges() []namedRange {
	table := []struct{ prefix, name string }{
		{"0.0.0.0/8", "the host itself (0.0.0.0/8)"},
		{"10.0.0.0/8", "a private network"},
		{"100.64.0.0/10", "carrier-grade NAT"},
		{"127.0.0.0/8", "loopback"},
		{"169.254.0.0/16", "link-local, where cloud machines keep their metadata"},
		{"172.16.0.0/12", "a private network"},
		{"192.0.0.0/24", "reserved for protocols"},
		{"192.0.2.0/24", "reserved for documentation"},
		{"192.31.196.0/24", "reserved for AS112 name servers"},
		{"192.52.193.0/24", "reserved for multicast tunnels"},
		{"192.88.99.0/24", "a 6to4 relay"},
		{"192.168.0.0/16", "a private network"},
		{"192.175.48.0/24", "reserved for AS112 name servers"},
		{"198.18.0.0/15", "reserved for benchmarks"},
		{"198.51.100.0/24", "reserved for documentation"},
		{"203.0.113.0/24", "reserved for documentation"},
		{"224.0.0.0/4", "multicast"},
		{"255.255.255.255/32", "broadcast"},
		{"240.0.0.0/4", "reserved"},
		{"::/128", "the host itself (::)"},
		{"::1/128", "loopback"},
		{"::/96", "IPv4-compatible, a tunnel to an IPv4 address"},
		{"::ffff:0:0:0/96", "SIIT, a translation to an IPv4 address"},
		{"64:ff9b::/96", "NAT64, a translation to an IPv4 address"},
		{"64:ff9b:1::/48", "NAT64, a translation to an IPv4 address"},
		{"100::/64", "discarded by routers"},
		{"2001::/32", "Teredo, a tunnel to an IPv4 address"},
		{"2001::/23", "reserved for protocols"},
		{"2001:db8::/32", "reserved for documentation"},
		{"2002::/16", "6to4, a tunnel to an IPv4 address"},
		{"2620:4f:8000::/48", "reserved for AS112 name servers"},
		{"3fff::/20", "reserved for documentation"},
		{"fc00::/7", "a private network"},
		{"fe80::/10", "link-local"},
		{"fec0::/10", "a private network (site-local)"},
		{"ff00::/8", "multicast"},
	}
	ranges := make([]namedRange, len(table))
	for i, row := range table {
		ranges[i] = namedRange{netip.MustParsePrefix(row.prefix), row.name}
	}
	return ranges
}
