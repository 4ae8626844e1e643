package egress

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// TestGuardRefusesEverySpecialRange checks the first and last address of each
// range, and that the addresses around it pass.
func TestGuardRefusesEverySpecialRange(t *testing.T) {
	tests := []struct{ first, last, below, above, why string }{
		{"0.0.0.0", "0.255.255.255", "", "1.0.0.0", "the host itself"},
		{"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", "private"},
		{"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0", "carrier-grade NAT"},
		{"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0", "loopback"},
		{"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0", "metadata"},
		{"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0", "private"},
		{"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0", "protocols"},
		{"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0", "documentation"},
		{"192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0", "AS112"},
		{"192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0", "multicast"},
		{"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0", "6to4"},
		{"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0", "private"},
		{"192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0", "AS112"},
		{"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0", "benchmarks"},
		{"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0", "documentation"},
		{"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0", "documentation"},
		{"224.0.0.0", "239.255.255.255", "223.255.255.255", "", "multicast"},
		{"240.0.0.0", "255.255.255.254", "", "", "reserved"},
		{"255.255.255.255", "255.255.255.255", "", "", "broadcast"},
		{"::", "::", "", "", "the host itself"},
		{"::1", "::1", "", "", "loopback"},
		{"::2", "::ffff:ffff", "", "", "IPv4-compatible"},
		{"::8.8.8.8", "::127.0.0.1", "", "", "IPv4-compatible"},
		{"::ffff:8.8.8.8", "::ffff:127.0.0.1", "", "", "IPv4-mapped"},
		{"::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1", "", "", "SIIT"},
		{"64:ff9b::", "64:ff9b::255.255.255.255", "", "", "NAT64"},
		{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "", "", "NAT64"},
		{"100::", "100::ffff:ffff:ffff:ffff", "", "", "discarded"},
		{"200::", "1fff:ffff::", "", "2000::", "not an address"},
		{"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::", "", "Teredo"},
		{"2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "", "2001:200::", "protocols"},
		{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db9::", "documentation"},
		{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::", "2003::", "6to4"},
		{"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:7fff::", "2620:4f:8001::", "AS112"},
		{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff::", "3fff:1000::", "documentation"},
		{"4000::", "fbff:ffff::", "3fff:ffff::", "", "not an address"},
		{"5f00::", "5f00:ffff::", "", "", "not an address"},
		{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "private"},
		{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "link-local"},
		{"fe80::1%eth0", "febf::1%25", "", "", "link-local"},
		{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "site-local"},
		{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "multicast"},
		{"2a00:1450::5efe:8.8.8.8", "2a00:1450::200:5efe:127.0.0.1", "2a00:1450::5efd:ffff:ffff", "2a00:1450::5eff:0:0", "ISATAP"},
		{"2a00:1450::1%eth0", "2a00:1450::1%1", "2a00:1450::", "2a00:1450::1", "not an address"},
	}
	g := newGuard(nil)
	for _, tt := range tests {
		for _, a := range []string{tt.first, tt.last} {
			e, ok := errors.AsType[*AddressError](g.check(netip.MustParseAddr(a)))
			if !ok {
				t.Errorf("%s passes", a)
			} else if !strings.Contains(e.Why, tt.why) {
				t.Errorf("%s: refused as %q, want %q", a, e.Why, tt.why)
			}
		}
		for _, a := range []string{tt.below, tt.above} {
			if a == "" {
				continue
			}
			if err := g.check(netip.MustParseAddr(a)); err != nil {
				t.Errorf("neighbour %s: %v", a, err)
			}
		}
	}
}

func TestGuardAllowsOnlyWhatTheOperatorAllowed(t *testing.T) {
	tests := []struct {
		allow, addr string
		pass        bool
	}{
		{"127.0.0.0/8", "127.1.2.3", true},
		{"127.0.0.0/8", "::ffff:127.0.0.1", true},
		{"127.0.0.0/8", "::1", false},
		{"127.0.0.0/8", "::7f00:1", false},
		{"10.1.0.0/16", "10.1.255.255", true},
		{"10.1.0.0/16", "10.2.0.0", false},
		{"::1/128", "::1", true},
		{"::1/128", "127.0.0.1", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"fd00::/8", "fc00::1", false},
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", true},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", false},
		{"::/0", "64:ff9b::10.0.0.1", false},
		{"::/0", "fe80::1", true},
		{"0.0.0.0/0", "10.0.0.1", true},
		{"0.0.0.0/0", "::1", false},
	}
	for _, tt := range tests {
		g := newGuard([]netip.Prefix{netip.MustParsePrefix(tt.allow)})
		if err := g.check(netip.MustParseAddr(tt.addr)); (err == nil) != tt.pass {
			t.Errorf("allow %s, address %s: %v", tt.allow, tt.addr, err)
		}
	}
}

// TestGuardNamesEveryRangeItRefuses fails when package ssrf learns of a range
// that has no words here yet.
func TestGuardNamesEveryRangeItRefuses(t *testing.T) {
	g := newGuard(nil)
	for _, r := range g.names {
		if e, ok := errors.AsType[*AddressError](g.check(r.prefix.Addr())); !ok || strings.HasPrefix(e.Why, "not an address") {
			t.Errorf("%s (%s): %v", r.prefix, r.name, e)
		}
	}
}
