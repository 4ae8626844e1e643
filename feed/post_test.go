package feed

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"tidings"
	"tidings/egress"
	"tidings/feed/faulttest"
)

// aBatch is a small batch of two activities.
func aBatch() *Batch {
	body := [][]byte{[]byte("["), []byte(`{"a":1},{"a":2}`), []byte("]")}
	return &Batch{ID: "b_2", First: 11, Last: 14, Activities: 2, Bytes: 17, Body: body, Digest: "sha256:00"}
}

// receive runs one attempt against a handler.
func receive(t *testing.T, ep *tidings.Endpoint, out Outgoing, h http.HandlerFunc) (tidings.Attempt, time.Duration) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	client := egress.New(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer client.Close()
	ep.URL = srv.URL
	return (&Poster{Client: client, UserAgent: "Tidings/1.2.3"}).Post(context.Background(), ep, out)
}

func TestADeliveryCarriesExactlyTheseHeaders(t *testing.T) {
	secret := NewSecret()
	ep := &tidings.Endpoint{
		Auth:    &tidings.BasicAuth{Username: "user", Password: "pass word"},
		Headers: []tidings.Header{{Name: "x-own", Value: "mine"}, {Name: "User-Agent", Value: "mine"}, {Name: "Idempotency-Key", Value: "mine"}},
		Secrets: []tidings.Secret{{Value: secret}},
	}
	var got http.Header
	var body []byte
	before := time.Now().Unix()
	a, _ := receive(t, ep, Outgoing{Batch: aBatch(), Previous: "b_1", Number: 2}, func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
		if user, pass, ok := r.BasicAuth(); !ok || user != "user" || pass != "pass word" {
			t.Errorf("Basic auth %q %q %v", user, pass, ok)
		}
		if r.Method != "POST" || r.ContentLength != 17 {
			t.Errorf("%s with length %d", r.Method, r.ContentLength)
		}
	})
	if !a.Delivered || a.Status != 200 || string(body) != `[{"a":1},{"a":2}]` {
		t.Fatalf("%+v, body %s", a, body)
	}
	want := map[string]string{
		"Content-Type":     "application/json; charset=utf-8",
		"User-Agent":       "Tidings/1.2.3",
		"Tidings-Sequence": "11-14",
		"Tidings-Attempt":  "2",
		"Tidings-Previous": "b_1",
		"Webhook-Id":       "b_2",
		"X-Own":            "mine",
	}
	for name, value := range want {
		if v := got.Values(name); len(v) != 1 || v[0] != value {
			t.Errorf("%s: %q, want %q", name, v, value)
		}
	}
	names := slices.Sorted(maps.Keys(got))
	all := append(slices.Collect(maps.Keys(want)), "Authorization", "Connection", "Content-Length", "Webhook-Timestamp", "Webhook-Signature")
	slices.Sort(all)
	if !slices.Equal(names, all) {
		t.Errorf("headers sent: %v\nwant:         %v", names, all)
	}
	if !verifies(t, secret, got, body) {
		t.Error("the signature does not verify")
	}
	if stamp := got.Get("Webhook-Timestamp"); len(stamp) != len("1700000000") || a.At.Unix() < before {
		t.Errorf("timestamp %s, attempt at %v", stamp, a.At)
	}
}

func TestTheFirstBatchNamesNoPreviousAndWithoutASecretNothingIsSigned(t *testing.T) {
	receive(t, &tidings.Endpoint{}, Outgoing{Batch: aBatch(), Number: 1}, func(_ http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Tidings-Previous", "Webhook-Timestamp", "Webhook-Signature", "Authorization"} {
			if v, ok := r.Header[name]; ok {
				t.Errorf("%s: %q is sent", name, v)
			}
		}
	})
}

func TestNothingIsSentUnsignedWhenTheSecretIsBroken(t *testing.T) {
	ep := &tidings.Endpoint{Secrets: []tidings.Secret{{Value: "whsec_broken"}}}
	a, _ := receive(t, ep, Outgoing{Batch: aBatch(), Number: 1}, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	if a.Delivered || a.Outcome != tidings.OutcomeOther || !strings.Contains(a.Error, "not sent: the signing secret") {
		t.Errorf("%+v", a)
	}
	if strings.Contains(a.Error, "broken") {
		t.Errorf("%q gives the secret away", a.Error)
	}
}

func TestOnly200IsSuccessUnlessTheEndpointTakesAny2xx(t *testing.T) {
	for _, status := range []int{200, 201, 204, 226, 299, 302, 404, 500} {
		for _, any2xx := range []bool{false, true} {
			a, _ := receive(t, &tidings.Endpoint{Any2xx: any2xx}, Outgoing{Batch: aBatch(), Number: 1}, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
			})
			want := status == 200 || any2xx && status < 300
			if a.Delivered != want || a.Status != status || (a.Error == "") != want || (a.Outcome == tidings.OutcomeDelivered) != want {
				t.Errorf("%d, any 2xx %v: %+v", status, any2xx, a)
			}
		}
	}
}

func TestAnAttemptIsDescribedWhole(t *testing.T) {
	tick := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	client := egress.New(egress.Options{Transport: answerWith(503, "Retry-After: 5", "busy")})
	p := &Poster{Client: client, UserAgent: "Tidings/test", Now: func() time.Time { tick = tick.Add(time.Second); return tick }}
	a, after := p.Post(context.Background(), &tidings.Endpoint{ID: 9, URL: "http://a.test/"}, Outgoing{Batch: aBatch(), Number: 4})
	want := tidings.Attempt{
		Endpoint: 9, Number: 4, Batch: "b_2", First: 11, Last: 14, Activities: 2, Bytes: 17, Digest: "sha256:00",
		At: tick.Add(-time.Second), Duration: time.Second, Status: 503, Outcome: tidings.OutcomeStatus,
		Error:  "answered 503: the receiver is down or overloaded behind its proxy; look into the receiver's log",
		Answer: "busy",
	}
	if a != want || after != 5*time.Second {
		t.Errorf("got  %+v, %v\nwant %+v", a, after, want)
	}
}

type answering func(*http.Request) *http.Response

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// answerWith is a transport that answers by a status, one header line and a body.
func answerWith(status int, header, body string) http.RoundTripper {
	name, value, _ := strings.Cut(header, ": ")
	return answering(func(*http.Request) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{name: {value}}, Body: io.NopCloser(strings.NewReader(body))}
	})
}

func TestASuccessAsksForNoWait(t *testing.T) {
	p := &Poster{Client: egress.New(egress.Options{Transport: answerWith(200, "Retry-After: 5", "")})}
	if a, after := p.Post(context.Background(), &tidings.Endpoint{URL: "http://a.test/"}, Outgoing{Batch: aBatch(), Number: 1}); !a.Delivered || after != 0 {
		t.Errorf("%+v, %v", a, after)
	}
}

// TestAnAttemptCalledOffIsNotTheReceiversFault: by a cancel, and by a deadline
// of the caller that comes before the endpoint's own.
func TestAnAttemptCalledOffIsNotTheReceiversFault(t *testing.T) {
	for _, how := range []string{"cancel", "deadline"} {
		synctest.Test(t, func(t *testing.T) {
			s := faulttest.StartPipe(faulttest.ByName("never answers"))
			defer s.Close()
			rig := newRig(s, egress.Options{Dial: s.Dial})
			defer rig.client.Close()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if how == "deadline" {
				ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
			} else {
				time.AfterFunc(5*time.Second, cancel)
			}
			a, _ := rig.poster.Post(ctx, rig.ep, rig.out)
			if a.Outcome != tidings.OutcomeCanceled || a.Duration != 5*time.Second || !strings.HasPrefix(a.Error, "stopped by this server") {
				t.Errorf("%s: %+v", how, a)
			}
		})
	}
}

func TestEveryEndpointHasItsOwnDeadline(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: tidings.DefaultTimeout, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := faulttest.StartPipe(faulttest.ByName("never answers"))
			defer s.Close()
			rig := newRig(s, egress.Options{Dial: s.Dial})
			defer rig.client.Close()
			rig.ep.Timeout = timeout
			a, _ := rig.poster.Post(context.Background(), rig.ep, rig.out)
			if a.Outcome != tidings.OutcomeTimeout || a.Duration != want {
				t.Errorf("timeout %v: %s after %v", timeout, a.Outcome, a.Duration)
			}
		})
	}
}

func TestATricklingAnswerHoldsTheLaneForASecond(t *testing.T) {
	for _, name := range []string{"body of one byte per 10 s", "body never comes", "HTTP/2 200 and a body that never comes"} {
		synctest.Test(t, func(t *testing.T) {
			s := faulttest.StartPipe(faulttest.ByName(name))
			defer s.Close()
			rig := newRig(s, egress.Options{Dial: s.Dial})
			defer rig.client.Close()
			if a, _ := rig.poster.Post(context.Background(), rig.ep, rig.out); !a.Delivered || a.Duration != time.Second {
				t.Errorf("%s: delivered %v after %v", name, a.Delivered, a.Duration)
			}
		})
	}
}

func TestAStaleConnectionCostsNoAttempt(t *testing.T) {
	s := faulttest.StartTCP(t, faulttest.ByName("stale keep-alive"))
	rig := newRig(s, egress.Options{})
	defer rig.client.Close()
	for i := range 4 {
		if a, _ := rig.poster.Post(context.Background(), rig.ep, rig.out); !a.Delivered {
			t.Fatalf("attempt %d: %s", i, a.Error)
		}
	}
	for _, r := range s.Requests() {
		if r.Header.Get("Webhook-Id") != "b_1" || r.Header.Get("Tidings-Attempt") != "1" {
			t.Errorf("a request of its own: %v", r.Header)
		}
	}
}

func TestAnEchoGivesNoSecretAway(t *testing.T) {
	ep := &tidings.Endpoint{
		Auth:    &tidings.BasicAuth{Username: "user", Password: "hunter2"},
		Headers: []tidings.Header{{Name: "X-Api-Key", Value: "0123456789"}, {Name: "X-Mode", Value: "test"}},
	}
	a, _ := receive(t, ep, Outgoing{Batch: aBatch(), Number: 1}, func(w http.ResponseWriter, r *http.Request) {
		_, pass, _ := r.BasicAuth()
		w.WriteHeader(500)
		r.Header.Write(w)
		io.WriteString(w, pass)
	})
	for _, secret := range []string{"hunter2", basicToken(ep.Auth), "0123456789"} {
		if strings.Contains(a.Answer, secret) {
			t.Errorf("%q is kept in %q", secret, a.Answer)
		}
	}
	if !strings.Contains(a.Answer, "X-Mode: test") || !strings.Contains(a.Answer, "X-Api-Key: ***") {
		t.Errorf("the rest is lost: %q", a.Answer)
	}
}

func TestAnAnswerIsKeptAsShortValidText(t *testing.T) {
	tests := []struct{ body, want string }{
		{"", ""},
		{"plain\r\n\ttext", "plain\r\n\ttext"},
		{"a\x00b\x1b[31m", "a\uFFFDb\uFFFD[31m"},
		{"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		{strings.Repeat("x", 1022) + "é", strings.Repeat("x", 1022) + "é"},
		{strings.Repeat("x", 1023) + "\xc3", strings.Repeat("x", 1023)},
		{strings.Repeat("\xff", 1024), strings.Repeat("\uFFFD", 341)},
	}
	for _, tt := range tests {
		got := answerText([]byte(tt.body), nil)
		if got != tt.want || len(got) > tidings.MaxAnswer || !utf8.ValidString(got) {
			t.Errorf("%.20q: %.40q of %d bytes, want %.40q", tt.body, got, len(got), tt.want)
		}
	}
}

func TestABodyIsSentAlikeInWhateverPieces(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789"), 30_000)
	b := aBatch()
	for _, size := range []int{1000, 4096, 70_000, len(whole)} {
		b.Body = slices.Collect(slices.Chunk(whole, size))
		receive(t, &tidings.Endpoint{}, Outgoing{Batch: b, Number: 1}, func(_ http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); !bytes.Equal(body, whole) || err != nil {
				t.Errorf("pieces of %d: %d bytes, %v", size, len(body), err)
			}
		})
	}
}
