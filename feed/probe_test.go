package feed

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"tidings"
	"tidings/egress"
	"tidings/feed/faulttest"
)

func TestTheProbeIsAGetThatGoesTheWayOfADelivery(t *testing.T) {
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer srv.Close()
	client := egress.New(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer client.Close()
	ep := &tidings.Endpoint{
		URL:     srv.URL + "/hook?a=b",
		Auth:    &tidings.BasicAuth{Username: "u", Password: "p"},
		Headers: []tidings.Header{{Name: "X-Own", Value: "mine"}},
		Secrets: []tidings.Secret{{Value: NewSecret()}},
	}
	r := (&Poster{Client: client, UserAgent: "Tidings/test"}).Probe(context.Background(), ep)
	if !r.OK || r.Status != 200 || r.Error != "" || r.Advice != "" || r.Outcome != tidings.OutcomeDelivered || r.Duration <= 0 {
		t.Errorf("%+v", r)
	}
	if got.Method != "GET" || got.RequestURI != "/hook?a=b" || got.ContentLength != 0 {
		t.Errorf("%s %s with length %d", got.Method, got.RequestURI, got.ContentLength)
	}
	if _, pass, _ := got.BasicAuth(); pass != "p" || got.UserAgent() != "Tidings/test" || got.Header.Get("X-Own") != "mine" {
		t.Errorf("headers %v", got.Header)
	}
	for _, name := range []string{"Content-Type", "Webhook-Id", "Webhook-Signature", "Tidings-Sequence", "Tidings-Attempt"} {
		if got.Header.Get(name) != "" {
			t.Errorf("the probe looks like a delivery: it has %s", name)
		}
	}
}

func TestAProbeThatFailsSaysWhatToDo(t *testing.T) {
	tests := []struct {
		fault, err, advice string
		outcome            tidings.Outcome
		status             int
	}{
		{"status 403", "answered 403: the receiver, or a firewall before it, blocks our request", "let our User-Agent", tidings.OutcomeStatus, 403},
		{"status 405", "answered 405", "the test is a GET", tidings.OutcomeStatus, 405},
		{"status 501", "answered 501", "the test is a GET", tidings.OutcomeStatus, 501},
		{"status 204", "answered 204: only 200 counts", "any 2xx", tidings.OutcomeStatus, 204},
		{"refused", "nothing listens at receiver.test:443", "start the receiver", tidings.OutcomeRefused, 0},
		{"private address", "receiver.test is not called", "--egress-allow", tidings.OutcomeBlocked, 0},
		{"never answers", "timed out after 15s", "answer 200 first", tidings.OutcomeTimeout, 0},
		{"certificate expired", "expired on", "renew it", tidings.OutcomeTLS, 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := faulttest.StartPipe(faulttest.ByName(tt.fault))
			defer s.Close()
			rig := newRig(s, egress.Options{Dial: s.Dial})
			defer rig.client.Close()
			r := rig.poster.Probe(context.Background(), rig.ep)
			if r.OK || r.Status != tt.status || r.Outcome != tt.outcome || !strings.Contains(r.Error, tt.err) || !strings.Contains(r.Advice, tt.advice) {
				t.Errorf("%s: %+v", tt.fault, r)
			}
		})
	}
}

func TestAny2xxPassesTheProbeOfAnEndpointThatTakesIt(t *testing.T) {
	for _, any2xx := range []bool{false, true} {
		p := &Poster{Client: egress.New(egress.Options{Transport: answerWith(204, "A: b", "")})}
		if r := p.Probe(context.Background(), &tidings.Endpoint{URL: "http://a.test/", Any2xx: any2xx}); r.OK != any2xx {
			t.Errorf("any 2xx %v: %+v", any2xx, r)
		}
	}
}

func TestCheckURLUsesTheEndpointsLimitsAndTheAllowedRanges(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for url, ok := range map[string]bool{
		"http://a.test/":    true,
		"http://10.0.0.1/":  true,
		"http://127.0.0.1/": false,
		"http://a.test/" + strings.Repeat("x", tidings.MaxURLLength): false,
	} {
		if got := CheckURL(url, allow); (got == "") != ok {
			t.Errorf("%.40s: %q", url, got)
		}
	}
}
