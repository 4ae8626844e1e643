package call

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/egress"
)

// outsideFunc is an outside system without a network, on the clock of the bubble.
type outsideFunc func(*http.Request) (status int, header http.Header, body string)

func (f outsideFunc) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header, body := f(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

func bubbleCaller(f outsideFunc, change ...func(*Options)) *Caller {
	o := Options{Client: egress.New(egress.Options{Transport: f})}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

func hookOf(account tidings.AccountID, url string) *tidings.Webhook {
	return &tidings.Webhook{Account: account, Name: "WH", Method: tidings.MethodGet, URL: url}
}

func TestAFailedTryIsRepeatedAfterHalfASecondAndTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		var ids []string
		start := time.Now()
		c := bubbleCaller(func(r *http.Request) (int, http.Header, string) {
			at = append(at, time.Since(start))
			ids = append(ids, r.Header.Get(IDHeader))
			if len(at) < 3 {
				return 502, nil, ""
			}
			return 200, http.Header{"Content-Type": {"application/json"}}, `{"a":1}`
		})
		res := c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")})
		if fmt.Sprint(at) != "[0s 500ms 2.5s]" || ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] || ids[0] != res.Call.Key {
			t.Errorf("tried at %v with the ids %v", at, ids)
		}
		tries := res.Call.Tries
		if !res.Call.OK() || len(tries) != 3 || tries[0].Wait != 500*time.Millisecond || tries[1].Wait != 2*time.Second || tries[2].Wait != 0 || res.Call.Duration != 2500*time.Millisecond {
			t.Errorf("recorded %+v", res.Call)
		}
		if tries[0].Outcome != tidings.OutcomeStatus || tries[0].Status != 502 || tries[2].Outcome != tidings.OutcomeOK || tries[2].Error != "" {
			t.Errorf("recorded %+v", tries)
		}
	})
}

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	for _, tt := range []struct {
		retryAfter string
		tries      int
		took       time.Duration
	}{
		{"", 3, 2500 * time.Millisecond},
		{"0", 3, 2500 * time.Millisecond},
		{"1", 3, 3 * time.Second},
		{"30", 3, time.Minute},
		{"31", 1, 0},
		{"Sat, 01 Jan 2000 00:00:20 GMT", 3, 22 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := bubbleCaller(func(*http.Request) (int, http.Header, string) {
				return 429, http.Header{"Retry-After": {tt.retryAfter}}, ""
			})
			res := c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")})
			if len(res.Call.Tries) != tt.tries || time.Since(start) != tt.took {
				t.Errorf("Retry-After %q: %d tries in %v, want %d in %v", tt.retryAfter, len(res.Call.Tries), time.Since(start), tt.tries, tt.took)
			}
		})
	}
}

func TestAHostThatAsksForARestIsLeftAloneByAllCallsOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := true
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) {
			if busy {
				return 429, http.Header{"Retry-After": {"120"}}, ""
			}
			return 200, nil, ""
		})
		ctx := context.Background()
		c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/a")})
		busy = false
		res := c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/b")})
		if res.Call.Outcome != tidings.OutcomePaused || !strings.Contains(res.Call.Error, "held back until 00:02:00 UTC: it has asked for a rest") {
			t.Errorf("%s: %s", res.Call.Outcome, res.Call.Error)
		}
		if s := c.Hosts(1); len(s) != 1 || s[0].Host != "example.com:443" || time.Until(s[0].RestUntil) != 2*time.Minute {
			t.Errorf("the state is %+v", s)
		}
		for _, other := range []*tidings.Webhook{hookOf(2, "https://example.com/"), hookOf(1, "https://example.org/")} {
			if res := c.Do(ctx, Order{Webhook: other}); !res.Call.OK() {
				t.Errorf("another account or host waits too: %s", res.Call.Error)
			}
		}
		time.Sleep(100 * time.Second)
		start := time.Now()
		if res := c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/b")}); !res.Call.OK() || time.Since(start) != 20*time.Second {
			t.Errorf("went after %v: %s", time.Since(start), res.Call.Error)
		}
		if s := c.Hosts(1); len(s) != 0 {
			t.Errorf("what is over is remembered: %+v", s)
		}
	})
}

func TestTheBreakerOpensTriesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status, sent := 500, 0
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) { sent++; return status, nil, "" })
		ctx := context.Background()
		do := func(test bool) tidings.Call {
			return c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/"), Test: test}).Call
		}
		for range 3 {
			do(false)
		}
		if got := do(false); got.Outcome != tidings.OutcomePaused || len(got.Tries) != 1 || sent != 10 ||
			!strings.HasPrefix(got.Error, "not tried again: calls to example.com:443 are held back until ") ||
			!strings.HasSuffix(got.Error, ": 10 tries in a row have failed, the latest with: answered 500: the outside system failed") {
			t.Errorf("%d sent; %+v", sent, got)
		}
		if s := c.Hosts(1)[0]; s.Breaker != BreakerOpen || s.Failures != 10 || s.InFlight != 0 {
			t.Errorf("the state is %+v", s)
		}
		if got := do(false); len(got.Tries) != 0 || sent != 10 || !strings.HasPrefix(got.Error, "not sent: ") {
			t.Errorf("%d sent; %+v", sent, got)
		}
		time.Sleep(30 * time.Second)
		do(false) // the trial fails: a pause twice as long
		if s := c.Hosts(1)[0]; sent != 11 || s.Breaker != BreakerOpen || time.Until(s.Until) > time.Minute || time.Until(s.Until) < 59*time.Second {
			t.Errorf("%d sent; the state is %+v", sent, s)
		}
		status = 200
		if got := do(true); !got.OK() || sent != 12 {
			t.Errorf("a test does not go: %+v", got)
		}
		if got := do(false); !got.OK() || len(c.Hosts(1)) != 0 {
			t.Errorf("the breaker has not closed: %+v, %+v", got, c.Hosts(1))
		}
	})
}

func TestRefusalsAreNoFailuresOfTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) { return 404, nil, "" })
		for range 20 {
			if got := c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")}).Call; got.Outcome != tidings.OutcomeStatus {
				t.Fatalf("%+v", got)
			}
		}
	})
}

func TestAnAddressThatIsRefusedIsNoFailureOfTheHost(t *testing.T) {
	private := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}
	c := New(Options{Client: egress.New(egress.Options{Lookup: private})})
	for range 12 {
		if got := c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")}).Call; got.Outcome != tidings.OutcomeBlocked || len(got.Tries) != 1 {
			t.Fatalf("%+v", got)
		}
	}
}

func TestNoMoreThanThePaceAllowsAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return 200, nil, ""
		}, func(o *Options) { o.Pace.Concurrent = 3 })
		start := time.Now()
		var calls sync.WaitGroup
		canceled, cancel := context.WithCancel(context.Background())
		defer cancel()
		for i := range 10 {
			ctx := context.Background()
			if i == 9 {
				ctx = canceled
			}
			calls.Go(func() {
				res := c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/")})
				if canceled := i == 9; res.Call.OK() == canceled || canceled && res.Call.Outcome != tidings.OutcomeCanceled {
					t.Errorf("call %d: %s %s", i, res.Call.Outcome, res.Call.Error)
				}
			})
			synctest.Wait()
		}
		cancel() // while the last one waits for its turn
		synctest.Wait()
		if s := c.Hosts(1)[0]; s.InFlight != 3 || s.Waiting != 6 {
			t.Errorf("the state is %+v", s)
		}
		calls.Wait()
		if most.Load() != 3 || time.Since(start) != 3*time.Second {
			t.Errorf("%d at once, done after %v", most.Load(), time.Since(start))
		}
		if s := c.Hosts(1); len(s) != 0 {
			t.Errorf("what is over is remembered: %+v", s)
		}
	})
}

func TestThePaceSpacesTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) { return 200, nil, "" }, func(o *Options) { o.Pace.PerSecond = 4 })
		start := time.Now()
		for range 9 {
			c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")})
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("9 calls took %v", took)
		}
	})
}

func TestEqualGetsShareAReplyOnlyWhenSwitchedOn(t *testing.T) {
	for _, share := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var sent atomic.Int64
			c := bubbleCaller(func(*http.Request) (int, http.Header, string) {
				sent.Add(1)
				time.Sleep(time.Second)
				return 200, http.Header{"Content-Type": {"application/json"}}, `{"a":1}`
			}, func(o *Options) { o.ShareGets = share })
			var calls sync.WaitGroup
			for i := range 4 {
				calls.Go(func() {
					url := "https://example.com/"
					if i == 3 {
						url += "other"
					}
					res := c.Do(context.Background(), Order{Webhook: hookOf(1, url)})
					if !res.Call.OK() || res.Value.Map().Len() != 1 || res.Reply == nil || (res.Call.Shared == "") != (len(res.Call.Tries) == 1) {
						t.Errorf("got %+v", res)
					}
				})
			}
			calls.Wait()
			if want := map[bool]int64{false: 4, true: 2}[share]; sent.Load() != want {
				t.Errorf("shared %v: %d were sent, want %d", share, sent.Load(), want)
			}
		})
	}
}

func TestACallGoesOnWhenTheOneThatItWaitedForIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubbleCaller(func(r *http.Request) (int, http.Header, string) {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
			return 200, nil, "OK"
		}, func(o *Options) { o.ShareGets = true })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var first, second Result
		var calls sync.WaitGroup
		calls.Go(func() { first = c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/")}) })
		synctest.Wait()
		calls.Go(func() { second = c.Do(context.Background(), Order{Webhook: hookOf(1, "https://example.com/")}) })
		calls.Wait()
		if first.Call.Outcome != tidings.OutcomeCanceled || !second.Call.OK() || len(second.Call.Tries) != 1 {
			t.Errorf("the first: %s; the second: %+v", first.Call.Outcome, second.Call)
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 10*time.Second + 200*time.Millisecond} { // in a try; between two
		synctest.Test(t, func(t *testing.T) {
			c := bubbleCaller(func(r *http.Request) (int, http.Header, string) { <-r.Context().Done(); return 0, nil, "" })
			ctx, cancel := context.WithTimeout(context.Background(), after)
			defer cancel()
			start := time.Now()
			res := c.Do(ctx, Order{Webhook: hookOf(1, "https://example.com/")})
			if res.Call.Outcome != tidings.OutcomeCanceled || time.Since(start) != after || !strings.Contains(res.Call.Error, "stopped by this server") {
				t.Errorf("after %v: %s %s", time.Since(start), res.Call.Outcome, res.Call.Error)
			}
			if s := c.Hosts(1); len(s) > 0 && s[0].InFlight != 0 {
				t.Errorf("a slot is lost: %+v", s)
			}
		})
	}
}

// TestNothingIsRememberedForEver: of calls to ever new hosts there is left
// what the limits say, and nothing of those that answered.
func TestNothingIsRememberedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 200
		c := bubbleCaller(func(*http.Request) (int, http.Header, string) { return status, nil, "" }, func(o *Options) { o.ShareGets = true })
		call := func(i int) {
			w := hookOf(tidings.AccountID(i), fmt.Sprintf("https://h%d.example/", i))
			w.ID, w.Version = tidings.WebhookID(i+1), 1
			c.Do(context.Background(), Order{Webhook: w})
		}
		for i := range 3000 {
			call(i)
		}
		if len(c.hosts.byKey) != 0 || len(c.flights.byKey) != 0 || len(c.prepared) > maxPrepared {
			t.Errorf("%d hosts, %d flights, %d webhooks are left", len(c.hosts.byKey), len(c.flights.byKey), len(c.prepared))
		}
		status = 500
		for i := range maxHosts + 500 {
			call(i)
		}
		if n := len(c.hosts.byKey); n > maxHosts || n < maxHosts/2 {
			t.Errorf("%d failing hosts are left", n)
		}
	})
}
