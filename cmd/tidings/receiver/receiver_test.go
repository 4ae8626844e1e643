package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tidings/cmd/tidings/receiver"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// post is one POST as a server would make it: "ID RANGE PREVIOUS BODY", "-" for none.
type post struct {
	id, sequence, previous, body string
}

func parsePost(line string) post {
	f := strings.Fields(line)
	for i := range f {
		f[i] = strings.Trim(f[i], "-")
	}
	return post{f[0], f[1], f[2], f[3]}
}

func (p post) header() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{"webhook-id": p.id, "Tidings-Sequence": p.sequence, "Tidings-Previous": p.previous} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

func TestCheckerTellsEveryBreachOfOrder(t *testing.T) {
	cases := []struct {
		name  string
		posts string // "ID RANGE PREVIOUS BODY STATUS WANTED", one a semicolon
	}{
		{"in order", "a 1-2 - x 200 first; b 3-3 a y 200 next; c 4-9 b z 200 next"},
		{"a feed joined in the middle", "c 4-9 b z 200 first; d 10-10 c x 200 next"},
		{"refused, then accepted", "a 1-2 - x 503 first; a 1-2 - x 503 retry; a 1-2 - x 200 retry; b 3-3 a y 200 next"},
		{"repeated after a crash", "a 1-2 - x 200 first; a 1-2 - x 200 repeat; b 3-3 a y 200 next"},
		{"an old one repeated", "a 1-2 - x 200 first; b 3-3 a y 200 next; a 1-2 - x 200 repeat; c 4-4 b z 200 next"},
		{"one left out", "a 1-2 - x 200 first; c 5-5 b z 200 gap"},
		{"activities left out", "a 1-2 - x 200 first; c 5-5 a z 200 gap"},
		{"begins again too early", "a 1-5 - x 200 first; c 5-6 a z 200 back"},
		{"another one while one is refused", "a 1-2 - x 503 first; b 3-3 a y 200 overtaken"},
		{"begins again at another place", "a 1-5 - x 200 first; b 6-9 a y 200 next; d 8-9 c z 200 back"},
		{"same id, other bytes", "a 1-2 - x 503 first; a 1-2 - y 200 altered"},
		{"same id, other bytes, later", "a 1-2 - x 200 first; a 1-2 - y 200 altered"},
		{"moved back by an operator", "a 1-5 - x 200 first; b 2-3 - y 200 moved; c 4-5 b z 200 next"},
		{"skipped by an operator", "a 1-5 - x 503 first; b 6-7 - y 200 moved; c 8-8 b z 200 next"},
		{"no id", "- 1-5 - x 200 unnamed"},
		{"no range", "a - - x 200 unnamed"},
		{"a range that ends before it begins", "a 5-1 - x 200 unnamed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checker := receiver.NewChecker("", nil)
			for i, line := range strings.Split(c.posts, ";") {
				f := strings.Fields(line)
				p := parsePost(line)
				d := checker.Judge("/", p.header(), []byte(p.body))
				if string(d.Order) != f[5] {
					t.Fatalf("post %d (%s) is called %s (%s)", i+1, line, d.Order, d.Why)
				}
				if d.Order.Broken() != (d.Why != "") {
					t.Errorf("post %d: %s comes with the reason %q", i+1, d.Order, d.Why)
				}
				checker.Answered(d, f[4] == "200")
			}
		})
	}
}

func TestCheckerKeepsPathsApart(t *testing.T) {
	checker := receiver.NewChecker("", nil)
	for _, path := range []string{"/one", "/two"} {
		d := checker.Judge(path, parsePost("a 1-1 - x").header(), []byte("x"))
		if d.Order != receiver.First {
			t.Errorf("%s: %s", path, d.Order)
		}
		checker.Answered(d, true)
	}
}

func TestCheckerForgetsOldIDs(t *testing.T) {
	checker := receiver.NewChecker("", nil)
	previous := "-"
	for i := 1; i <= 5000; i++ {
		id := fmt.Sprintf("b%d", i)
		d := checker.Judge("/", parsePost(fmt.Sprintf("%s %d-%d %s x", id, i, i, previous)).header(), []byte("x"))
		if d.Order.Broken() {
			t.Fatalf("%s: %s (%s)", id, d.Order, d.Why)
		}
		checker.Answered(d, true)
		previous = id
	}
	old := checker.Judge("/", parsePost("b1 1-1 - x").header(), []byte("x"))
	if old.Order == receiver.Repeat {
		t.Error("an id of 5,000 deliveries ago is still known: the memory grows with the deliveries")
	}
}

func TestVerifyAcceptsTheStandardAndNothingElse(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	signer, err := webhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`[{"a":1}]`)
	signature, err := signer.Sign("b_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	stamp := fmt.Sprint(now.Unix())
	other := "whsec_" + strings.Repeat("A", 32)
	cases := []struct {
		name, secret, id, stamp, signature, body string
		after                                    time.Duration
		want                                     string
	}{
		{"right", secret, "b_1", stamp, signature, string(body), 0, ""},
		{"right at the edge of the tolerance", secret, "b_1", stamp, signature, string(body), receiver.Tolerance, ""},
		{"a clock that is behind", secret, "b_1", stamp, signature, string(body), -receiver.Tolerance, ""},
		{"the second of two, during a rotation", secret, "b_1", stamp, "v1,AAAA " + signature, string(body), 0, ""},
		{"beside an unknown version", secret, "b_1", stamp, "v9,AAAA " + signature, string(body), 0, ""},
		{"too old", secret, "b_1", stamp, signature, string(body), receiver.Tolerance + time.Second, "replay"},
		{"from the future", secret, "b_1", stamp, signature, string(body), -receiver.Tolerance - time.Second, "replay"},
		{"another secret", other, "b_1", stamp, signature, string(body), 0, "does not match"},
		{"another id", secret, "b_2", stamp, signature, string(body), 0, "does not match"},
		{"another body", secret, "b_1", stamp, signature, `[{"a":2}]`, 0, "does not match"},
		{"the version taken away", secret, "b_1", stamp, strings.TrimPrefix(signature, "v1,"), string(body), 0, "does not match"},
		{"another version", secret, "b_1", stamp, "v2," + strings.TrimPrefix(signature, "v1,"), string(body), 0, "does not match"},
		{"no signature", secret, "b_1", stamp, "", string(body), 0, "not signed"},
		{"no timestamp", secret, "b_1", "", signature, string(body), 0, "not signed"},
		{"a timestamp that is none", secret, "b_1", "yesterday", signature, string(body), 0, "not a number"},
		{"a secret that is none", "hunter2", "b_1", stamp, signature, string(body), 0, "whsec_"},
		{"a secret that is too short", "whsec_AAAA", "b_1", stamp, signature, string(body), 0, "24 to 64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("webhook-id", c.id)
			h.Set("webhook-timestamp", c.stamp)
			h.Set("webhook-signature", c.signature)
			err := receiver.Verify(c.secret, h, []byte(c.body), now.Add(c.after))
			if got := fmt.Sprint(err); (c.want == "") != (err == nil) || !strings.Contains(got, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestPlanFailsWhenToldTo(t *testing.T) {
	cases := []struct {
		name string
		plan receiver.Plan
		want string // status of the first posts
	}{
		{"never", receiver.Plan{}, "200 200 200 200 200 200"},
		{"at first", receiver.Plan{Fail: 2}, "503 503 200 200 200 200"},
		{"every third", receiver.Plan{FailEvery: 3}, "200 200 503 200 200 503"},
		{"at first, then every second", receiver.Plan{Fail: 1, FailEvery: 2}, "503 200 503 200 503 200"},
		{"with another status", receiver.Plan{Fail: 1, FailWith: 429}, "429 200 200 200 200 200"},
		{"always", receiver.Plan{Status: 500}, "500 500 500 500 500 500"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver.Receiver{
				Checker: receiver.NewChecker("", nil),
				Decide:  func(n int64, _ receiver.Delivery) receiver.Answer { return c.plan.Answer(n) },
			}
			var got []string
			for range 6 {
				got = append(got, fmt.Sprint(send(r, "a 1-1 - []").Code))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func send(r *receiver.Receiver, line string) *httptest.ResponseRecorder {
	p := parsePost(line)
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(p.body))
	req.Header = p.header()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func TestUnsignedDeliveryIsRefusedAndNotCounted(t *testing.T) {
	var seen []receiver.Delivery
	r := &receiver.Receiver{
		Checker: receiver.NewChecker(secret, nil),
		Seen:    func(d receiver.Delivery, _ receiver.Answer) { seen = append(seen, d) },
	}
	if code := send(r, "a 1-1 - []").Code; code != http.StatusUnauthorized {
		t.Errorf("answered %d", code)
	}
	if len(seen) != 1 || seen[0].Verified == nil {
		t.Errorf("seen %v", seen)
	}
}

func TestProbeIsAnsweredAndOtherMethodsAreNot(t *testing.T) {
	r := &receiver.Receiver{Checker: receiver.NewChecker("", nil)}
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPut: 405} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want {
			t.Errorf("%s answered %d, want %d", method, w.Code, want)
		}
	}
}

// A sender that gave up has not read the answer, so it will come again: the
// delivery must not count as accepted.
func TestDeliveryWhoseSenderHasGoneIsNotAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checker := receiver.NewChecker("", nil)
		r := &receiver.Receiver{
			Checker: checker,
			Decide:  func(int64, receiver.Delivery) receiver.Answer { return receiver.Answer{Delay: time.Hour} },
		}
		p := parsePost("a 1-1 - []")
		req := httptest.NewRequestWithContext(contextFor(t, time.Minute), http.MethodPost, "/", strings.NewReader(p.body))
		req.Header = p.header()
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("answered a sender that has gone")
				}
			}()
			r.ServeHTTP(httptest.NewRecorder(), req)
		}()
		if d := checker.Judge("/", p.header(), []byte(p.body)); d.Order != receiver.Retry {
			t.Errorf("the next attempt is called %s", d.Order)
		}
	})
}

func TestStatusesCountsAndRefusesWhatIsNoBatch(t *testing.T) {
	counts, total, err := receiver.Statuses([]byte(`[{"activityStatus":"READ"},{"activityStatus":"READ"},{"activityStatus":"SENT"}]`))
	if err != nil || total != 3 || counts["READ"] != 2 || counts["SENT"] != 1 {
		t.Errorf("%v %d %v", counts, total, err)
	}
	for _, body := range []string{``, `{}`, `[1]`, `[{}]`, `[{"activityStatus":"READ"}`} {
		if _, _, err := receiver.Statuses([]byte(body)); err == nil {
			t.Errorf("%s is taken for a batch", body)
		}
	}
}

func contextFor(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// FuzzJudge: whatever the headers say, judging ends without a panic, and what
// was accepted is a repeat when it comes again.
func FuzzJudge(f *testing.F) {
	f.Add("a", "1-2", "", "x")
	f.Add("", "9223372036854775807-1", "-", "")
	f.Fuzz(func(t *testing.T, id, sequence, previous, body string) {
		checker := receiver.NewChecker("", nil)
		h := http.Header{"Webhook-Id": {id}, "Tidings-Sequence": {sequence}, "Tidings-Previous": {previous}}
		d := checker.Judge("/", h, []byte(body))
		checker.Answered(d, true)
		if again := checker.Judge("/", h, []byte(body)); d.Order != receiver.Unnamed && again.Order != receiver.Repeat {
			t.Errorf("%s, then %s", d.Order, again.Order)
		}
	})
}
