package call

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/egress"
	"tidings/feed/faulttest"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

const secret = "correct horse battery"

// TestFaultsOfTheOutsideSystem runs every fault over pipes on a clock of its
// own: what a call comes to, after how many tries and how long, is the line of the
// fault in testdata/faults.txt. A goroutine that outlives its call fails the bubble.
func TestFaultsOfTheOutsideSystem(t *testing.T) {
	var lines bytes.Buffer
	for _, f := range faulttest.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { lines.WriteString(meetFault(t, f)) })
		})
	}
	const golden = "testdata/faults.txt"
	if *rewrite {
		if err := os.WriteFile(golden, lines.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(string(want), "\n")
	for i, line := range strings.Split(lines.String(), "\n") {
		if i >= len(wanted) || line != wanted[i] {
			t.Errorf("got  %s", line)
			if i < len(wanted) {
				t.Errorf("want %s", wanted[i])
			}
		}
	}
}

// byChance lists faults that two goroutines of net/http race to notice, with the
// outcomes that there may be.
func byChance() map[string][]tidings.Outcome {
	reset := []tidings.Outcome{tidings.OutcomeReset}
	return map[string][]tidings.Outcome{
		"reset before the request": reset, "reset during the request": reset, "closed before the request": reset, "HTTP/2 closed at once": reset,
		"HTTP/2 never answers, nor pings": {tidings.OutcomeTimeout, tidings.OutcomeReset},
	}
}

// meetFault makes a call against a fault, then one against the healed server.
func meetFault(t *testing.T, f faulttest.Fault) string {
	s := faulttest.StartPipe(f)
	defer s.Close()
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	client := egress.New(egress.Options{Allow: allow, RootCAs: s.Roots, Lookup: s.Lookup, Dial: s.Dial, StaleAfter: 1})
	defer client.Close()
	c := New(Options{Client: client, Rules: Rules{AllowHTTP: true, Allow: allow}})
	body := strings.Repeat("x", 200<<10)
	o := Order{
		Webhook: &tidings.Webhook{Name: "WH", Method: tidings.MethodPost, URL: s.URL + "?q=1", Body: tidings.Body{Format: tidings.BodyText, Template: body}},
		Auth:    &tidings.Auth{Kind: tidings.AuthBasic, Username: "u", Secret: secret},
		Key:     "k",
	}
	start := time.Now()
	res := c.Do(context.Background(), o)
	took := time.Since(start)
	if got := fmt.Sprintf("%+v %s", res, res.Value.Str()); strings.Contains(got, secret) || strings.Contains(res.Call.Error, "user:pass") || strings.Contains(res.Call.Error, "token=") {
		t.Errorf("%s: gives a secret away: %s", f.Name, got)
	}
	if (res.Call.Error == "") != res.Call.OK() || (res.Reply != nil) != res.Call.OK() {
		t.Errorf("%s: %s with the error %q", f.Name, res.Call.Outcome, res.Call.Error)
	}
	if sent := s.Sent(); sent > int64(tidings.MaxTries*(tidings.MaxReply+1<<20)) {
		t.Errorf("%s: %d bytes were taken", f.Name, sent)
	}
	for _, r := range s.Requests() {
		if r.Header.Get(IDHeader) != "k" || len(r.Body) != len(body) {
			t.Errorf("%s: a request with the id %q and %d bytes", f.Name, r.Header.Get(IDHeader), len(r.Body))
		}
	}
	s.Heal()
	<-time.After(2 * time.Hour) // all rests are over
	if again := c.Do(context.Background(), o); !again.Call.OK() {
		t.Errorf("%s: the healed server is not reached: %s", f.Name, again.Call.Error)
	}
	words := strings.ReplaceAll(res.Call.Error, "\n", " ")
	for _, moving := range []string{" expired on ", " is not valid before "} { // dates
		if before, after, ok := strings.Cut(words, moving); ok {
			words = before + moving + "DATE" + after[len("2006-01-02"):]
		}
	}
	outcome := string(res.Call.Outcome)
	if outcomes := byChance()[f.Name]; slices.Contains(outcomes, res.Call.Outcome) {
		outcome, words = fmt.Sprint(outcomes), "by chance"
	}
	return fmt.Sprintf("%s | %s, %d tries, %v | %s\n", f.Name, outcome, len(res.Call.Tries), took.Round(100*time.Millisecond), words)
}
