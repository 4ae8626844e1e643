package message

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// counter is pages with a store and a clock.
type counter struct {
	*Pages
	store *fakeStore
	links *Links
	now   time.Time
}

func newCounter(t testing.TB) *counter {
	d := &counter{store: newFakeStore(), now: noon()}
	d.store.now = func() time.Time { return d.now }
	d.store.settings.Categories = []tidings.Category{{Key: "news", Name: "News & offers"}, {Key: "sale"}}
	d.links = testLinks(t, &d.now)
	d.Pages = NewPages(PagesOptions{Store: d.store, Links: d.links, Log: quiet(), Now: func() time.Time { return d.now }})
	d.store.queue("ann@example.com")
	return d
}

// ask makes a request of a browser; lines of headers may follow the body.
func (d *counter) ask(method, link, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, link, strings.NewReader(body))
	r.Header.Set("User-Agent", browser)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// link makes a link of a kind to mail 1, made a while ago.
func (d *counter) link(kind tokenKind, url string) string {
	return d.links.make(token{kind: kind, mail: 1, at: d.now.Add(-time.Minute), url: url})
}

func (d *counter) hits() string {
	var all []string
	for _, h := range d.store.hits {
		text := fmt.Sprintf("%s %d", h.Kind, h.Mail)
		if h.URL != "" {
			text += " " + h.URL
		}
		if h.Machine {
			text += " machine"
		}
		if h.Categories != nil {
			text += fmt.Sprintf(" %v", h.Categories)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestOpensAndClicksAreNoted(t *testing.T) {
	d := newCounter(t)
	w := d.ask("GET", d.link(tokenOpen, ""), "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/gif" || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") || http.DetectContentType(w.Body.Bytes()) != "image/gif" {
		t.Errorf("the pixel: %d %v", w.Code, w.Header())
	}
	if w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Error("the pages of mail programs in browsers are not let have the pixel")
	}
	w = d.ask("GET", d.link(tokenClick, "https://shop.example/ї?a=б в&c=d"), "")
	if w.Code != 302 || w.Header().Get("Location") != "https://shop.example/%D1%97?a=%D0%B1%20%D0%B2&c=d" || w.Body.Len() != 0 {
		t.Errorf("the click: %d %v", w.Code, w.Header())
	}
	w = d.ask("GET", d.link(tokenClick, "https://приклад.example:8443/x"), "")
	if w.Header().Get("Location") != "https://xn--80aikifvh.example:8443/x" {
		t.Errorf("the click: %v", w.Header())
	}
	if got := d.hits(); got != "open 1, click 1 https://shop.example/ї?a=б в&c=d, click 1 https://приклад.example:8443/x" {
		t.Error(got)
	}
}

// TestAClickLeadsWhereTheMessageLinksAndNowhereElse: there is no open redirect.
func TestAClickLeadsWhereTheMessageLinksAndNowhereElse(t *testing.T) {
	d := newCounter(t)
	good := d.link(tokenClick, "https://shop.example/")
	evil := sealToken(VERPKey{ID: 'k', Secret: []byte("guessed")}, token{kind: tokenClick, mail: 1, at: d.now, url: "https://evil.example/"})
	cut := good[:len(good)-4]
	for _, link := range []string{
		"https://m.example.com/c/" + evil, cut, good + "AAAA", strings.Replace(good, "/c/", "/o/", 1), "https://m.example.com/c/https://evil.example/", "https://m.example.com/c/?url=https://evil.example/", good + "/https://evil.example",
		"https://m.example.com/c/" + base64.RawURLEncoding.EncodeToString([]byte("k\x63https://evil.example/")), d.link(tokenUnsubscribe, ""), "https://m.example.com/",
	} {
		w := d.ask("GET", link, "")
		if strings.Contains(link, "/u/") {
			w = d.ask("GET", strings.Replace(link, "/u/", "/c/", 1), "")
		}
		if w.Code != 404 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d, to %q", link, w.Code, w.Header().Get("Location"))
		}
	}
	if got := d.hits(); got != "" {
		t.Error(got)
	}
	w := d.ask("GET", good+"?url=https://evil.example/", "", "Host: evil.example")
	if w.Header().Get("Location") != "https://shop.example/" {
		t.Errorf("it leads to %s", w.Header().Get("Location"))
	}
}

func TestGETNeverUnsubscribes(t *testing.T) {
	d := newCounter(t)
	link := d.links.Unsubscribe(1)
	for _, method := range []string{"GET", "HEAD"} {
		w := d.ask(method, link, "")
		if w.Code != 200 || method == "GET" && !strings.Contains(w.Body.String(), `<form method="post" action="`+strings.TrimPrefix(link, "https://m.example.com")+`">`) {
			t.Errorf("%s: %d\n%s", method, w.Code, w.Body)
		}
		if method == "GET" && (!strings.Contains(w.Body.String(), "a…@example.com") || strings.Contains(w.Body.String(), "ann@example.com")) {
			t.Errorf("the page shows the address:\n%s", w.Body)
		}
		d.ask(method, link+"?List-Unsubscribe=One-Click", "List-Unsubscribe=One-Click", "X-HTTP-Method-Override: POST")
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH"} {
		if w := d.ask(method, link, ""); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if got := d.hits(); got != "" {
		t.Fatal(got)
	}
	for _, body := range []string{"List-Unsubscribe=One-Click", ""} { // RFC 8058, and the button
		if w := d.ask("POST", link, body); w.Code != 200 || !strings.Contains(w.Body.String(), "You are unsubscribed") {
			t.Errorf("POST %q: %d", body, w.Code)
		}
	}
	if got := d.hits(); got != "unsubscribe 1, unsubscribe 1" {
		t.Error(got)
	}
}

func TestNobodyIsToldThatSheIsUnsubscribedBeforeItIsStored(t *testing.T) {
	d := newCounter(t)
	d.store.fault = tidings.Errorf(tidings.CodeUnavailable, "away")
	for _, link := range []string{d.links.Unsubscribe(1), d.links.Preferences(1)} {
		if w := d.ask("POST", link, ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "away") {
			t.Errorf("%d\n%s", w.Code, w.Body)
		}
	}
	// But trouble of ours keeps nobody from reading on.
	if w := d.ask("GET", d.link(tokenClick, "https://shop.example/"), ""); w.Code != 302 {
		t.Errorf("click: %d", w.Code)
	}
	if w := d.ask("GET", d.link(tokenOpen, ""), ""); w.Code != 200 {
		t.Errorf("open: %d", w.Code)
	}
}

func TestPagesSpeakTheLanguageOfTheReader(t *testing.T) {
	d := newCounter(t)
	for accept, want := range map[string]string{
		"": "Unsubscribe?", "uk-UA,uk;q=0.9,en;q=0.8": "Відписатися?", "en-GB,uk;q=0.5": "Unsubscribe?", "pl, UK": "Відписатися?", "fr": "Unsubscribe?", ";;,": "Unsubscribe?",
	} {
		if body := d.ask("GET", d.links.Unsubscribe(1), "", "Accept-Language: "+accept).Body.String(); !strings.Contains(body, "<h1>"+want+"</h1>") {
			t.Errorf("%q is answered by\n%s", accept, body)
		}
	}
	for _, say := range []phrases{english, ukrainian} {
		v := reflect.ValueOf(say)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s has no %s", say.tag, v.Type().Field(i).Name)
			}
		}
		if strings.Count(say.ask, "%s") != 2 || strings.Count(say.choice, "%s") != 2 {
			t.Errorf("%s leaves out the sender or the address", say.tag)
		}
	}
}

func TestPreferencesKeepWhatIsNotOffered(t *testing.T) {
	d := newCounter(t)
	d.store.contacts[1].Subscriptions = []string{"internal", "news"}
	link := d.links.Preferences(1)
	w := d.ask("GET", link, "")
	for _, want := range []string{`value="news" checked> News &amp; offers`, `value="sale"> sale`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("there is no %s in\n%s", want, w.Body)
		}
	}
	if strings.Contains(w.Body.String(), "internal") {
		t.Error("the page shows what is not offered")
	}
	d.ask("POST", link, "category=sale&category=sale&category=admin")
	d.ask("POST", link, "")
	d.ask("POST", link, "category="+strings.Repeat("x", maxChoice))
	if got := d.hits(); got != "preferences 1 [internal sale], preferences 1 [internal]" {
		t.Error(got)
	}
}

func TestOldAndBrokenLinksGetAFriendlyPage(t *testing.T) {
	d := newCounter(t)
	old := map[tokenKind]string{}
	for _, kind := range []tokenKind{tokenOpen, tokenClick, tokenView, tokenUnsubscribe, tokenPreferences} {
		old[kind] = d.link(kind, "https://shop.example/")
	}
	unknown := d.links.View(99)
	if w := d.ask("GET", unknown, ""); w.Code != 410 {
		t.Errorf("a mail that is gone: %d", w.Code)
	}
	d.now = d.now.Add(TokenTTL + time.Minute)
	for kind, link := range old {
		for _, method := range []string{"GET", "POST"} {
			w := d.ask(method, link, "")
			if method == "POST" && kind != tokenUnsubscribe && kind != tokenPreferences {
				continue
			}
			if w.Code != 410 || !strings.Contains(w.Body.String(), "no longer kept") {
				t.Errorf("%s %c: %d", method, kind, w.Code)
			}
		}
	}
	if w := d.ask("GET", "https://m.example.com/u/nonsense", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "does not work") {
		t.Errorf("nonsense: %d", w.Code)
	}
	if got := d.hits(); got != "" {
		t.Error(got)
	}
}

func TestTheWebVersionCanDoNothing(t *testing.T) {
	d := newCounter(t)
	d.store.mails[1].HTML = `<body><script>alert(1)</script><a href="https://shop.example/">x</a><a href="` + markView + `">v</a></body>`
	w := d.ask("GET", d.links.View(1), "")
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "script") {
		t.Errorf("%d %s", w.Code, policy)
	}
	if body := w.Body.String(); !strings.Contains(body, "https://m.example.com/c/") || strings.Contains(body, "/o/") || strings.Contains(body, markPrefix) {
		t.Errorf("the page is\n%s", body)
	}
	d.store.mails[1].HTML, d.store.mails[1].Text = "", "Hi <b>\n"+markUnsubscribe
	if body := d.ask("GET", d.links.View(1), "").Body.String(); !strings.Contains(body, "<pre>Hi &lt;b&gt;\nhttps://m.example.com/u/") {
		t.Errorf("the page is\n%s", body)
	}
	if d.hits() != "" {
		t.Error(d.hits())
	}
}

func TestThePagesStyleIsTheOneThatIsAllowed(t *testing.T) {
	d := newCounter(t)
	w := d.ask("GET", "https://m.example.com/x", "")
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	css, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(css))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
}

func TestMachinesAreToldFromPeople(t *testing.T) {
	for agent, want := range map[string]bool{
		browser: false, "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": false, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15": false,
		"Microsoft Office/16.0 (Microsoft Outlook 16.0.17328; Pro)": false, "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html": false,
		"Mozilla/5.0 (Linux; Android 11; CUBOT X30 Build/R)": false, "": true, "Mozilla/5.0": true, "curl/8.5": true, "Mozilla/5.0 (compatible; bingbot/2.0)": true, "python-requests/2.31": true, "Barracuda Sentinel (EE)": true, "Go-http-client/2.0": true, "TelegramBot (like TwitterBot)": true, "Mozilla/5.0 HeadlessChrome/120": true,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("User-Agent", agent)
		if got := isMachine(r); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
	d := newCounter(t)
	d.ask("HEAD", d.link(tokenOpen, ""), "")
	d.ask("GET", d.link(tokenOpen, ""), "", "Sec-Purpose: prefetch;prerender")
	d.ask("GET", d.link(tokenOpen, ""), "")
	if got := d.hits(); got != "open 1 machine, open 1 machine, open 1" {
		t.Error(got)
	}
}

func TestManyLinksAtOnceAreAMachinesClicks(t *testing.T) {
	b := newBursts()
	sent := noon()
	click := func(mail tidings.MailID, link string, after time.Duration) bool {
		return b.click(mail, link, sent, sent.Add(after))
	}
	var got []bool
	for _, c := range []struct {
		link  string
		after time.Duration
	}{
		{"a", time.Second}, {"b", time.Second}, {"c", 2 * time.Second}, // a scanner, just after the mail was sent
		{"a", time.Hour}, {"a", time.Hour}, {"a", time.Hour}, {"b", time.Hour}, {"c", time.Hour}, // an impatient reader, and a scanner
		{"a", 2 * time.Hour}, {"b", 2*time.Hour + 3*time.Second}, {"c", 2*time.Hour + 6*time.Second}, // a reader
	} {
		got = append(got, click(1, c.link, c.after))
	}
	if want := []bool{false, true, true, false, false, false, false, true, false, false, false}; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for mail := range tidings.MailID(10_000) {
		if click(mail, "a", time.Second) {
			t.Fatal("one click is a burst")
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	d := newCounter(b)
	link := d.link(tokenOpen, "")
	for b.Loop() {
		d.store.hits = d.store.hits[:0]
		d.ask("GET", link, "")
	}
}

// leisurely is a connection that remembers its deadlines.
type leisurely struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (l *leisurely) SetWriteDeadline(at time.Time) error {
	l.deadlines = append(l.deadlines, at)
	return nil
}

func TestNobodyKeepsTheWebVersionByTakingItSlowly(t *testing.T) {
	d := newCounter(t)
	w := &leisurely{ResponseRecorder: httptest.NewRecorder()}
	d.ServeHTTP(w, httptest.NewRequest("GET", d.link(tokenView, ""), nil))
	if len(w.deadlines) != 2 || w.deadlines[0].IsZero() || !w.deadlines[1].IsZero() {
		t.Errorf("the deadlines are %v", w.deadlines)
	}
}
