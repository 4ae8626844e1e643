package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
)

func TestTheFeedIsReadFromAnyPlace(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	if a := w.Request(key, "GET /v1/activities", "").Want(200); a.Body != "[]\n" {
		t.Errorf("an empty feed reads %q", a.Body)
	}
	for i := range 4 {
		w.Request(key, "POST /v1/activities", fmt.Sprintf("[%s,%s]", activity(fmt.Sprint(10*i+1)), activity(fmt.Sprint(10*i+2)))).Want(200)
	}
	read := func(query string, headers ...string) string {
		return w.Request(key, "GET /v1/activities"+query, "", headers...).Want(200).Body
	}
	found := func(seq int, n string) string { return fmt.Sprintf(`{"seq":%d,"activity":%s}`, seq, activity(n)) }
	for query, want := range map[string]string{
		"?after=6":           "[" + found(7, "31") + "," + found(8, "32") + "]\n",
		"?after=1&limit=2":   "[" + found(2, "2") + "," + found(3, "11") + "]\n",
		"?after=8":           "[]\n",
		"?after=100":         "[]\n",
		"?after=7&wait=60":   "[" + found(8, "32") + "]\n",
		"?after=&limit=1":    "[" + found(1, "1") + "]\n",
		"?limit=1&after=0&&": "[" + found(1, "1") + "]\n",
	} {
		if got := read(query); got != want {
			t.Errorf("%s reads %s, want %s", query, got, want)
		}
	}
	if got := read("?after=6", "Accept: application/x-ndjson"); got != found(7, "31")+"\n"+found(8, "32")+"\n" {
		t.Errorf("as lines: %s", got)
	}
	if got := read("?after=8", "Accept: application/x-ndjson"); got != "" {
		t.Errorf("no lines: %q", got)
	}
	w.Request(key, "GET /v1/activities", "", "Accept: text/html").Want(406).Has("code", "unsupported")
}

func TestAWaitingReadIsWokenByAnAppend(t *testing.T) {
	w := newWorld(t)
	key, other := w.Account("shop"), w.Account("other")
	answers := make(chan string, 1)
	go func() { answers <- w.Request(key, "GET /v1/activities?after=1&wait=60", "").Body }()
	w.Request(other, "POST /v1/activities", "["+activity("7")+"]").Want(200)
	w.Request(key, "POST /v1/activities", "["+activity("1")+"]").Want(200)
	w.Request(key, "POST /v1/activities", "["+activity("2")+"]").Want(200)
	if got := <-answers; got != `[{"seq":2,"activity":`+activity("2")+"}]\n" {
		t.Errorf("woken with %s", got)
	}
}

func TestAWaitingReadEndsEmptyWithItsTimeOrWithTheServer(t *testing.T) {
	entered := make(chan struct{}, 2)
	w := newWorld(t, func(c *api.Config) {
		wait := c.Wait
		c.Wait = func(ctx context.Context, a tidings.AccountID, after tidings.Seq) error {
			entered <- struct{}{}
			return wait(ctx, a, after)
		}
	})
	key := w.Account("shop")
	w.Request(key, "GET /v1/activities?wait=1", "").Want(200)
	<-entered
	answers := make(chan *apitest.Answer, 1)
	go func() { answers <- w.Request(key, "GET /v1/activities?wait=60", "") }()
	<-entered
	w.API.EndStreams()
	if a := <-answers; a.Status != 200 || a.Body != "[]\n" {
		t.Errorf("answered %d %s", a.Status, a.Body)
	}
	w.Request("", "GET /readyz", "").Want(503)
}

// dropped is a store whose retention has dropped the first activities.
type dropped struct{ api.Store }

func (dropped) Read(_ context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	return tidings.Page{Missing: 41, Through: q.After}, nil
}

func TestAReaderIsToldWhatRetentionHasDropped(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Store = dropped{c.Store} })
	key := w.Account("shop")
	if got := w.Request(key, "GET /v1/activities?after=40", "").Want(200).Header.Get("Tidings-Missing-Through"); got != "41" {
		t.Errorf("missing through %q", got)
	}
	if got := w.Request(key, "GET /v1/activities?after=41", "").Want(200).Header.Get("Tidings-Missing-Through"); got != "" {
		t.Errorf("missing through %q", got)
	}
}

func TestWrongParametersAreNamed(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	day := "from=2026-01-01&to=2026-01-31"
	for _, c := range []struct{ line, field string }{
		{"GET /v1/activities?after=-1", "after"},
		{"GET /v1/activities?after=x", "after"},
		{"GET /v1/activities?after=1&after=2", "after"},
		{"GET /v1/activities?limit=0", "limit"},
		{"GET /v1/activities?limit=10001", "limit"},
		{"GET /v1/activities?wait=61", "wait"},
		{"GET /v1/activities?colour=red", "colour"},
		{"GET /v1/activities?after=%zz", ""},
		{"GET /v1/activities/search", "from"},
		{"GET /v1/activities/search?from=soon", "from"},
		{"GET /v1/activities/search?from=2026-01-31&to=2026-01-01", "to"},
		{"GET /v1/activities/search?from=2026-01-01&to=2026-06-30", "to"},
		{"GET /v1/activities/search?from=2026-01-01", "to"}, // to now, which is more than three months
		{"GET /v1/activities/search?" + day + "&status=EATEN", "status"},
		{"GET /v1/activities/search?" + day + "&mediaType=fax", "mediaType"},
		{"GET /v1/activities/search?" + day + "&contactId=ann", "contactId"},
		{"GET /v1/activities/search?" + day + "&order=up", "order"},
		{"GET /v1/activities/search?" + day + "&limit=1001", "limit"},
		{"GET /v1/activities/search?" + day + "&email=%ff", "email"},
		{"GET /v1/activities/search?" + day + "&email=" + strings.Repeat("x", 1025), "email"},
		{"GET /v1/endpoints?limit=101", "limit"},
		{"GET /v1/endpoints?colour=red", "colour"},
		{"GET /v1/endpoints/x", "id"},
		{"GET /v1/endpoints/0", "id"},
		{"GET /v1/audit?before=x", "before"},
		{"DELETE /v1/accounts/me/keys/x", "key"},
	} {
		a := w.Request(key, c.line, "")
		if a.Status != 400 || a.Get("code") != "invalid" || firstFault(a) != c.field {
			t.Errorf("%.90s: answered %d %s", c.line, a.Status, a.Body)
		}
	}
}

func TestSearchFindsByEveryCondition(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "POST /v1/activities", `[
		{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email","email":"Ann@Example.com","messageId":70,"messageTag":"spring, sale","activityDateTime":"2026-01-10T23:59:59"},
		{"contactId":2,"activityStatus":"READ","mediaType":"sms","sms":"380671234567","activityDateTime":"2026-01-11T00:00:00"},
		{"contactId":3,"activityStatus":"CLICKED","mediaType":"webpush","webpush":"w-token","activityDateTime":"2026-01-12T12:00:00"},
		{"contactId":1,"activityStatus":"SENT","mediaType":"mobilepush","mobilepush":"m-token","activityDateTime":"2026-01-31T08:00:00"}]`).Want(200)
	for query, want := range map[string]string{
		"":                            "1 2 3 4",
		"&order=desc":                 "4 3 2 1",
		"&email=ann%40example.com":    "1",
		"&sms=%2B38+067+123-45-67":    "2",
		"&status=READ,CLICKED":        "2 3",
		"&status=READ&status=SENT":    "2 4",
		"&mediaType=email":            "1",
		"&contactId=1":                "1 4",
		"&messageId=70":               "1",
		"&messageTag=sale":            "1",
		"&webpush=w-token":            "3",
		"&mobilepush=m-token":         "4",
		"&contactId=1&status=CLICKED": "",
	} {
		if got := seqs(w.Request(key, "GET /v1/activities/search?from=2026-01-01&to=2026-01-31"+query, "").Want(200)); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	for interval, want := range map[string]string{
		"from=2026-01-10&to=2026-01-10":                                   "1",
		"from=2026-01-11T00:00:00&to=2026-01-12T12:00:00":                 "2",
		"from=2026-01-11T00:00&to=2026-01-12T12:00:01":                    "2 3",
		"from=2026-01-11T02:00:00%2B02:00&to=2026-01-11T02:00:01%2B02:00": "2",
		"from=2026-01-11T02:00:00+02:00&to=2026-01-11T02:00:01+02:00":     "2", // a + that was not escaped
	} {
		if got := seqs(w.Request(key, "GET /v1/activities/search?"+interval, "").Want(200)); got != want {
			t.Errorf("%s finds %q, want %q", interval, got, want)
		}
	}
}

func TestASearchIsReadPageByPage(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for i := range 5 {
		w.Request(key, "POST /v1/activities", "["+activity(fmt.Sprint(i+1))+"]").Want(200)
	}
	for order, want := range map[string]string{"asc": "1 2 3 4 5", "desc": "5 4 3 2 1"} {
		var all []string
		after := ""
		for {
			a := w.Request(key, "GET /v1/activities/search?from=2026-01-01&to=2026-01-31&limit=2&order="+order+after, "").Want(200)
			if found := seqs(a); found != "" {
				all = append(all, found)
			}
			next, ok := a.Get("next").(float64)
			if !ok {
				break
			}
			after = fmt.Sprintf("&after=%.0f", next)
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%s: %s", order, got)
		}
	}
}

// seqs gives the seqs of a search's answer.
func seqs(a *apitest.Answer) string {
	a.T.Helper()
	var out []string
	for _, f := range a.Get("activities").([]any) {
		m := f.(map[string]any)
		if m["activity"].(map[string]any)["contactId"] == nil {
			a.T.Errorf("no activity in %v", m)
		}
		out = append(out, fmt.Sprint(m["seq"]))
	}
	return strings.Join(out, " ")
}

func TestArrivalsWakeTheRightWaitersAndForgetThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heads := map[tidings.AccountID]tidings.Seq{1: 5, 2: 5}
		a := api.NewArrivals(func(_ context.Context, id tidings.AccountID) (tidings.Seq, error) { return heads[id], nil })
		if err := a.Wait(t.Context(), 1, 4); err != nil {
			t.Errorf("what is there already: %v", err)
		}
		woken := make(chan tidings.AccountID, 3)
		wait := func(id tidings.AccountID, after tidings.Seq) {
			if err := a.Wait(t.Context(), id, after); err != nil {
				t.Error(err)
			}
			woken <- id
		}
		go wait(1, 5)
		go wait(1, 6)
		go wait(2, 5)
		synctest.Wait()
		heads[1] = 6
		a.Appended(1, 6)
		synctest.Wait()
		if got := <-woken; got != 1 || len(woken) != 0 {
			t.Errorf("woken: %d and %d more", got, len(woken))
		}
		heads[1], heads[2] = 7, 6
		a.Appended(1, 7)
		a.Appended(2, 6)
		synctest.Wait()
		if len(woken) != 2 {
			t.Errorf("%d were woken, want 2", len(woken))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := a.Wait(ctx, 1, 7); err != context.DeadlineExceeded {
			t.Errorf("after its time: %v", err)
		}
		if n := a.Waiting(); n != 0 {
			t.Errorf("%d feeds are still waited for", n)
		}
	})
}
