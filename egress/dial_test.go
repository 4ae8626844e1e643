package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func get(c *Client, url string) (Response, error) {
	return c.Do(context.Background(), Request{Method: "GET", URL: url, Keep: 100})
}

func TestNoSpellingReachesAPrivateAddress(t *testing.T) {
	var reached atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	// A resolver as lenient as a C library's.
	c := New(Options{Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		if a, ok := parseIPv4(strings.ToLower(strings.TrimSuffix(host, "."))); ok {
			return []netip.Addr{a}, nil
		}
		return addrs("127.0.0.1"), nil
	}})
	defer c.Close()
	hosts := []string{
		"127.0.0.1", "127.0.0.1.", "localhost", "2130706433", "017700000001", "0x7f000001", "127.1", "0177.0.1", "0.0.0.0", "0",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]", "１２７.0.0.1", "private.example",
	}
	for _, host := range hosts {
		_, err := get(c, "http://"+host+":"+port+"/")
		if _, ok := errors.AsType[*AddressError](err); !ok {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the private server", n)
	}
	open := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer open.Close()
	if r, err := get(open, srv.URL); err != nil || r.Status != 200 {
		t.Errorf("allowed, and still: %v %v", r.Status, err)
	}
}

func TestHTTPReachesAllowedAddressesOnlyWhenToldSo(t *testing.T) {
	l := &dialLog{}
	names := map[string][]netip.Addr{
		"public.example": addrs("93.184.216.34"), "both.example": addrs("10.0.0.1", "93.184.216.34"), "allowed.example": addrs("10.0.0.1"),
		"nat64.example": addrs("64:ff9b::5db8:d822"), "lan.example": addrs("192.168.0.1"),
	}
	lookup := func(_ context.Context, host string) ([]netip.Addr, error) { return names[host], nil }
	c := New(Options{
		HTTPToAllowed: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("64:ff9b::/96")},
		Lookup: lookup, Dial: l.dial,
	})
	defer c.Close()
	for _, tt := range []struct{ url, dialled, refused, advice string }{
		{"http://public.example/", "", "address 93.184.216.34 is refused: http, without encryption", "begin the URL with https://"},
		{"http://93.184.216.34/", "", "address 93.184.216.34 is refused: http, without encryption", "begin the URL with https://"},
		{"http://both.example/", "", "address 93.184.216.34 is refused: http, without encryption", "begin the URL with https://"},
		{"http://nat64.example/", "", "address 93.184.216.34 is refused: http, without encryption", "begin the URL with https://"},
		{"http://lan.example/", "", "address 192.168.0.1 is refused: a private network", "use a public address"},
		{"http://allowed.example/", "10.0.0.1:80", "", ""},
		{"https://public.example/", "93.184.216.34:443", "", ""},
		{"https://nat64.example/", "[64:ff9b::5db8:d822]:443", "", ""},
		{"https://lan.example/", "", "address 192.168.0.1 is refused: a private network", "use a public address"},
	} {
		l.dialled = nil
		r, err := get(c, tt.url)
		if got := strings.Join(l.dialled, " "); got != tt.dialled {
			t.Errorf("%s dials %q, want %q", tt.url, got, tt.dialled)
		}
		if tt.refused == "" {
			continue
		}
		trouble := Explain(Party{Name: "the outside system", HTTPSOnly: true}, tt.url, &r, err)
		if trouble.Kind != TroubleAddress || !strings.Contains(trouble.What, tt.refused) || !strings.Contains(trouble.Advice, tt.advice) {
			t.Errorf("%s: %+v, want %q and %q", tt.url, trouble, tt.refused, tt.advice)
		}
	}
}

func TestTheSocketItselfIsGuarded(t *testing.T) {
	d := newDialer(Options{})
	_, err := d.dial(context.Background(), "tcp", "127.0.0.1:9")
	if _, ok := errors.AsType[*AddressError](err); !ok {
		t.Errorf("a dial beside the lookup gives %v", err)
	}
}

// dialLog is a Dial hook that notes what is dialled and gives a dead connection.
type dialLog struct{ dialled []string }

func (l *dialLog) dial(_ context.Context, _, address string) (net.Conn, error) {
	l.dialled = append(l.dialled, address)
	return nil, syscall.ECONNREFUSED
}

func TestANameWithOnePrivateAddressIsRefusedWhole(t *testing.T) {
	for _, answer := range [][]netip.Addr{addrs("8.8.8.8", "10.0.0.1"), addrs("10.0.0.1", "8.8.8.8"), addrs("2a00:1450::1", "::1")} {
		var log dialLog
		c := New(Options{Dial: log.dial, Lookup: func(context.Context, string) ([]netip.Addr, error) { return answer, nil }})
		_, err := get(c, "http://mixed.example/")
		if _, ok := errors.AsType[*AddressError](err); !ok || len(log.dialled) > 0 {
			t.Errorf("%v: %v, dialled %v", answer, err, log.dialled)
		}
	}
}

func TestANameThatChangesItsAnswerIsJudgedAgain(t *testing.T) {
	const url = "http://rebinding.example/"
	if reason := CheckURL(url, URLRules{}); reason != "" {
		t.Fatal(reason)
	}
	var log dialLog
	lookups := 0
	c := New(Options{Dial: log.dial, Lookup: func(context.Context, string) ([]netip.Addr, error) {
		lookups++
		if lookups == 1 {
			return addrs("8.8.8.8"), nil
		}
		return addrs("127.0.0.1"), nil
	}})
	if _, err := get(c, url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("first: %v", err)
	}
	_, err := get(c, url)
	if _, ok := errors.AsType[*AddressError](err); !ok {
		t.Errorf("second: %v", err)
	}
	if want := []string{"8.8.8.8:80"}; !slices.Equal(log.dialled, want) || lookups != 2 {
		t.Errorf("dialled %v after %d lookups, want %v after 2", log.dialled, lookups, want)
	}
}

func TestTargetsAlternateFamiliesInTheResolversOrder(t *testing.T) {
	got := targets(addrs("2a00::1", "2a00::2", "2a00::3", "8.8.8.8", "8.8.4.4"), "443")
	want := []string{"[2a00::1]:443", "8.8.8.8:443", "[2a00::2]:443", "8.8.4.4:443", "[2a00::3]:443"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if n := len(targets(make([]netip.Addr, 500), "443")); n != maxAddresses {
		t.Errorf("%d addresses of 500 are tried", n)
	}
}

// TestABrokenFamilyCostsAHeadStart: IPv6 swallows everything, IPv4 answers.
func TestABrokenFamilyCostsAHeadStart(t *testing.T) {
	tests := []struct {
		name  string
		v6    func(ctx context.Context) error
		after time.Duration
	}{
		{"swallows", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, headStart},
		{"is unreachable", func(context.Context) error { return syscall.ENETUNREACH }, 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			d := newDialer(Options{
				DialTimeout: 10 * time.Second,
				Lookup:      func(context.Context, string) ([]netip.Addr, error) { return addrs("2a00:1450::1", "8.8.8.8"), nil },
				Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
					if strings.HasPrefix(address, "[") {
						return nil, tt.v6(ctx)
					}
					return near, nil
				},
			})
			start := time.Now()
			conn, err := d.dialPlain(context.Background(), "tcp", "dual.example:443")
			if err != nil || time.Since(start) != tt.after {
				t.Errorf("IPv6 %s: %v after %v, want a connection after %v", tt.name, err, time.Since(start), tt.after)
				return
			}
			conn.Close()
		})
	}
}

func TestTheSlowerConnectionOfARaceIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, peer := net.Pipe()
		fast, other := net.Pipe()
		defer other.Close()
		d := newDialer(Options{
			DialTimeout: 10 * time.Second,
			Lookup:      func(context.Context, string) ([]netip.Addr, error) { return addrs("2a00:1450::1", "8.8.8.8"), nil },
			Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "[") {
					<-ctx.Done() // connected at the very moment at which the other won
					return slow, nil
				}
				return fast, nil
			},
		})
		conn, err := d.dialPlain(context.Background(), "tcp", "dual.example:443")
		if err != nil || conn != fast {
			t.Fatalf("got %v, %v", conn, err)
		}
		conn.Close()
		if _, err := peer.Read(make([]byte, 1)); err == nil {
			t.Error("the slower connection is still open")
		}
	})
}

func TestAllFailuresOfARaceAreReported(t *testing.T) {
	d := newDialer(Options{
		DialTimeout: 10 * time.Second,
		Lookup:      func(context.Context, string) ([]netip.Addr, error) { return addrs("2a00:1450::1", "8.8.8.8"), nil },
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "[") {
				return nil, syscall.ENETUNREACH
			}
			return nil, syscall.ECONNREFUSED
		},
	})
	_, err := d.dialPlain(context.Background(), "tcp", "dual.example:443")
	if !errors.Is(err, syscall.ENETUNREACH) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

func TestTheDialTimeoutCoversLookupAndConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{
			DialTimeout: 3 * time.Second,
			Lookup: func(ctx context.Context, _ string) ([]netip.Addr, error) {
				<-time.After(2 * time.Second)
				return addrs("8.8.8.8"), ctx.Err()
			},
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		start := time.Now()
		r, err := get(c, "http://hole.example/")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if r.Phase != PhaseConnect || r.Timing[PhaseLookup] != 2*time.Second || r.Timing[PhaseConnect] != time.Second {
			t.Errorf("phase %v, timing %v", r.Phase, r.Timing)
		}
	})
}

func TestTheRequestsDeadlineEndsTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		c := New(Options{
			Lookup: func(context.Context, string) ([]netip.Addr, error) { return addrs("8.8.8.8"), nil },
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				ended.Store(true)
				return nil, ctx.Err()
			},
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Do(ctx, Request{Method: "GET", URL: "http://hole.example/"})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if !ended.Load() {
			t.Error("the dial goes on without anybody who wants it")
		}
	})
}
