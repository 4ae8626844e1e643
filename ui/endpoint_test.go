package ui_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidings"
)

// activities makes the JSON of activities, numbered by their contact.
func activities(n int) string {
	var list []string
	for i := range n {
		list = append(list, strings.ReplaceAll(`{"contactId":N,"activityStatus":"DELIVERED","mediaType":"email","email":"cN@example.com","activityDateTime":"2026-01-31T10:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}`, "N", string(rune('1'+i))))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// refusedTwo makes an endpoint whose receiver refuses the first two of three activities.
func (w *world) refusedTwo() string {
	w.T.Helper()
	id := w.at("orders-hook", `"batch":{"maxItems":2}`)
	w.Receiver.Answer(http.StatusServiceUnavailable)
	w.do("POST /v1/activities", activities(3))
	w.listed(id, `"attempt":1,`)
	return id
}

// listed waits until a text is in the list of an endpoint's attempts: they are
// stored a moment after they were made.
func (w *world) listed(id, text string) string {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if a := w.do("GET /v1/endpoints/"+id+"/attempts", ""); strings.Contains(a.Body, text) {
			return a.Body
		}
	}
	w.T.Fatalf("no attempt has %s", text)
	return ""
}

func TestAnEndpointPageShowsWhatBlocksIt(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	p := w.as(tidings.RoleEditor).get("/settings/laboratory/" + id).want(200)
	p.says("orders-hook", "blocked for", "delivered 0", "3 waiting", "arrived 3", "Attempt 1", "answered 503 Service Unavailable: the receiver is down", "Next try in", "1-2", "2 activities")
	p.has("#head[data-refresh] time[data-until]", "#head .lane svg", ".chart figcaption", "form[action=/settings/laboratory/1/try]", "a[href=/settings/laboratory/1/skip]", "a[hx-get^=/settings/laboratory/1/batches/b_]", "table caption")
	p.hasNot("[style]", "[onclick]")
}

func TestAnEndpointThatWasNeverSentToSaysWhatToDoFirst(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", "")
	w.as(tidings.RoleViewer).get("/settings/laboratory/"+id).want(200).says("active", "nothing waiting", "Nothing was sent yet", "No attempts yet").hasNot("main form")
}

func TestTheHeadLoadsItselfAgain(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleViewer)
	b.htmx().get("/settings/laboratory/"+id+"/head").want(200).says("blocked for").has("#head[hx-get=/settings/laboratory/1/head]").hasNot("nav", "h1")
	b.get("/settings/laboratory/"+id+"/head").want(200).has("h1", "#head")
}

func TestAttemptsAreFilteredAndPaged(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	b := w.as(tidings.RoleViewer)
	b.get("/settings/laboratory/" + id + "?failed=true").want(200).says("503").has("a[aria-current=true][href=/settings/laboratory/1?failed=true]")
	w.Receiver.Answer(http.StatusOK)
	w.do("POST /v1/endpoints/1/retry", "")
	w.listed(id, `"lastSeq":3`)
	if rows := b.get("/settings/laboratory/" + id).find(".table tbody tr"); len(rows) < 3 {
		t.Errorf("%d rows, want the failure and two deliveries", len(rows))
	}
	if text := b.get("/settings/laboratory/" + id + "?failed=true").text(".table tbody"); strings.Contains(text, "200") || !strings.Contains(text, "503") {
		t.Errorf("failed ones: %s", text)
	}
}

func TestAnAttemptsRequestIsShownByteForByteAndAsCurl(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", `"auth":{"type":"basic","username":"ann","password":"hush-hush"},"statuses":["READ"]`)
	w.do("POST /v1/activities", activities(1))
	w.do("POST /v1/activities", strings.NewReplacer("c1@example.com", "o'neil@example.com", "DELIVERED", "READ").Replace(activities(1)))
	_, batch, _ := strings.Cut(w.listed(id, `"delivered":true`), `"batchId":"`)
	batch, _, _ = strings.Cut(batch, `"`)
	at := "/settings/laboratory/" + id + "/batches/" + batch
	b := w.as(tidings.RoleViewer)
	p := b.get(at+"?attempt=1").want(200).says("Tidings-Sequence: 1-2", "webhook-id: "+batch, "Authorization: Basic ••••", "webhook-signature: v1,••••", `o'\''neil@example.com`, "openssl dgst", "byte for byte: 1 activity")
	p.has(".tree", "a[download][href="+at+"/body]").saysNot("hush")
	b.htmx().get(at).want(200).has("dialog#batch[data-auto]").hasNot("h1")
	body := b.get(at + "/body").want(200)
	if sent := string(w.Receiver.Posts()[0]); body.body != sent || body.header.Get("Content-Disposition") == "" {
		t.Errorf("the download is %q, sent was %q", body.body, sent)
	}
	b.get("/settings/laboratory/" + id + "/batches/b_none").want(404)
	w.do("PATCH /v1/endpoints/1", `{"statuses":["SPAM"]}`)
	b.get(at).want(200).says("The body can't be shown any more")
	b.get(at + "/body").want(404)
}

func TestTheLiveTabShowsAttemptsAsTheyAreMade(t *testing.T) {
	w := newWorld(t)
	id := w.at("orders-hook", "")
	b := w.as(tidings.RoleViewer)
	b.get("/settings/laboratory/" + id + "/live").want(200).has("tbody#live[data-stream=/settings/laboratory/1/tail]")
	rows := make(chan string, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/settings/laboratory/"+id+"/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "tidings", Value: b.cookies["tidings"]})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	go func() {
		buffer := make([]byte, 64<<10)
		text := ""
		for !strings.Contains(text, "</tr>") {
			n, err := res.Body.Read(buffer)
			text += string(buffer[:n])
			if err != nil {
				break
			}
		}
		rows <- text
	}()
	w.do("POST /v1/activities", activities(2))
	if row := <-rows; !strings.Contains(row, "data: <tr") || !strings.Contains(row, "1-2") || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the stream is %q", row)
	}
}

func TestPathsOfAnEndpointFindNothingOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	id := w.refusedTwo()
	w.Account("Other")
	b := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	for _, path := range []string{"", "/head", "/live", "/tail", "/settings", "/activate", "/seek", "/skip", "/rotate", "/delete", "/batches/b_1", "/batches/b_1/body"} {
		b.get("/settings/laboratory/" + id + path).want(404).saysNot("orders-hook")
	}
	for _, path := range []string{"/try", "/check", "/deactivate", "/activate", "/seek", "/skip", "/rotate", "/delete", "/settings"} {
		b.post("/settings/laboratory/"+id+path, "reason", "x", "to", "now", "sure", "1", "name", "x", "url", w.Receiver.URL).want(404)
	}
	b.post("/settings/laboratory", "id", id, "version", "1", "original", "x", "url", w.Receiver.URL).want(404)
}
