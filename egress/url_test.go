package egress

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestCheckURLSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ url, reason string }{
		{"https://example.com/hook?a=b", ""},
		{"http://example.com", ""},
		{"HTTPS://Example.COM:8443/", ""},
		{"https://example.com./", ""},
		{"https://my_host.example.com/", ""},
		{"https://xn--bcher-kva.example/", ""},
		{"https://bücher.example/ü?q=ü", ""},
		{"https://8.8.8.8:65535/", ""},
		{"https://[2a00:1450:4001:80b::200e]/", ""},
		{"https://1.example.com/", ""},
		{"https://127.0.0.1.nip.io/", ""}, // a name: judged at the dial
		{"", "is required"},
		{"https://example.com/" + strings.Repeat("a", 2048), "longer than 2048"},
		{"https://example.com/\xff", "not UTF-8"},
		{" https://example.com/", "white space"},
		{"https://example.com/\n", "white space"},
		{"https://exa mple.com/", "can't be read"},
		{"https://example.com/%zz", "can't be read"},
		{"https://example.com:port/", "can't be read"},
		{"example.com/hook", "must begin with"},
		{"//example.com/hook", "must begin with"},
		{"ftp://example.com/", "must begin with"},
		{"javascript:alert(1)", "must begin with"},
		{"https:example.com", "must have //"},
		{"https://", "no host"},
		{"https:///path", "no host"},
		{"https://:443/", "no host"},
		{"https://user:pass@example.com/", "credentials"},
		{"https://user@example.com/", "credentials"},
		{"https://@example.com/", "credentials"},
		{"https://example.com/#top", "fragment"},
		{"https://example.com/#", "fragment"},
		{"https://example.com:/", "colon without a port"},
		{"https://example.com:0/", "between 1 and 65535"},
		{"https://example.com:65536/", "between 1 and 65535"},
		{"https://example.com:99999999999999999999/", "between 1 and 65535"},
		{"https://-a.example/", "not a valid name"},
		{"https://a..example/", "not a valid name"},
		{"https://exa!mple.com/", "not a valid name"},
		{"https://" + strings.Repeat("a", 64) + ".example/", "not a valid name"},
		{"https://" + strings.Repeat("a.", 130) + "example/", "not a valid name"},
		{"https://bü\u200dcher.example/", "not a valid name"},
		{"https://[example.com]/", "can't be read"},
		{"https://[1.2.3.4]/", "can't be read"},

		{"http://127.0.0.1/", "127.0.0.1 is refused: loopback"},
		{"http://2130706433/", "127.0.0.1 is refused: loopback"},
		{"http://017700000001/", "127.0.0.1 is refused: loopback"},
		{"http://0x7f000001/", "127.0.0.1 is refused: loopback"},
		{"http://0X7F.1/", "127.0.0.1 is refused: loopback"},
		{"http://127.1/", "127.0.0.1 is refused: loopback"},
		{"http://127.0.1/", "127.0.0.1 is refused: loopback"},
		{"http://0177.0.0.01/", "127.0.0.1 is refused: loopback"},
		{"http://127.0.0.1./", "127.0.0.1 is refused: loopback"},
		{"http://１２７.0.0.1/", "127.0.0.1 is refused: loopback"},
		{"http://127。0。0。1/", "127.0.0.1 is refused: loopback"},
		{"http://0/", "0.0.0.0 is refused"},
		{"http://0x/", "0.0.0.0 is refused"},
		{"http://10.1/", "10.0.0.1 is refused"},
		{"http://169.254.169.254/latest/meta-data", "metadata"},
		{"http://[::1]/", "::1 is refused: loopback"},
		{"http://[::]/", "the host itself"},
		{"http://[0:0:0:0:0:0:0:1]/", "loopback"},
		{"http://[::ffff:127.0.0.1]/", "IPv4-mapped; loopback"},
		{"http://[::ffff:7f00:1]/", "IPv4-mapped; loopback"},
		{"http://[fe80::1%25eth0]/", "link-local"},
		{"http://[64:ff9b::7f00:1]/", "NAT64"},
		{"http://localhost:8080/", "127.0.0.1 is refused: loopback"},
		{"http://LOCALHOST./", "127.0.0.1 is refused: loopback"},
		{"http://api.localhost/", "127.0.0.1 is refused: loopback"},
		{"http://0x08080808/", "write 8.8.8.8"},
		{"http://8.8.2056/", "write 8.8.8.8"},
		{"http://8.8.8.8./", "write 8.8.8.8"},
		{"http://256.1.1.1/", "ends in a number"},
		{"http://1.2.3.4.5/", "ends in a number"},
		{"http://4294967296/", "ends in a number"},
		{"http://08.8.8.8/", "ends in a number"},
		{"http://1..1/", "ends in a number"},
		{"http://example.42/", "ends in a number"},
	}
	for _, tt := range tests {
		got := CheckURL(tt.url, URLRules{})
		if got == "" && tt.reason != "" || !strings.Contains(got, tt.reason) || tt.reason == "" && got != "" {
			t.Errorf("CheckURL(%q) = %q, want %q", tt.url, got, tt.reason)
		}
		if strings.Contains(got, "pass") {
			t.Errorf("CheckURL(%q) repeats the password: %q", tt.url, got)
		}
	}
}

func TestCheckURLFollowsItsRules(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	tests := []struct {
		url   string
		rules URLRules
		ok    bool
	}{
		{"http://example.com/", URLRules{HTTPSOnly: true}, false},
		{"https://example.com/", URLRules{HTTPSOnly: true}, true},
		{"https://example.com/", URLRules{MaxLength: 20}, true},
		{"https://example.com/1", URLRules{MaxLength: 20}, false},
		{"http://127.0.0.1:9/", URLRules{Allow: loopback}, true},
		{"http://localhost:9/", URLRules{Allow: loopback}, true},
		{"http://127.1:9/", URLRules{Allow: loopback}, false},
		{"http://10.0.0.1:9/", URLRules{Allow: loopback}, false},
	}
	for _, tt := range tests {
		if got := CheckURL(tt.url, tt.rules); (got == "") != tt.ok {
			t.Errorf("CheckURL(%q, %+v) = %q", tt.url, tt.rules, got)
		}
	}
}

// FuzzCheckURL: what passes can be sent, has no credentials, and names a host
// that is a name or an address that the guard lets through.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{
		"https://example.com/", "http://0x7f.1/", "http://[::1%25a]:80/", "https://bücher.example?#", "http://1.2.3.4:5/x",
		"http://user:p@h/", "http://%31%32%37.0.0.1/", "https://a.0x/", "http:\\\\127.0.0.1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if CheckURL(raw, URLRules{}) != "" {
			return
		}
		r, err := http.NewRequest("GET", raw, nil)
		if err != nil {
			t.Fatalf("%q passes and can't be sent: %v", raw, err)
		}
		if r.URL.User != nil || r.URL.Fragment != "" || r.URL.Hostname() == "" {
			t.Fatalf("%q passes", raw)
		}
		if addr, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
			if err := newGuard(nil).check(addr); err != nil {
				t.Fatalf("%q passes: %v", raw, err)
			}
		}
	})
}
