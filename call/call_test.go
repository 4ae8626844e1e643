package call

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tidings"
)

func TestCredentialsArriveAndAreNeverShown(t *testing.T) {
	const key = `s3cr+t/"key" & more`
	tests := []struct {
		name    string
		auth    tidings.Auth
		query   string // what the URL has besides
		want    func(seenRequest) bool
		shown   string // in the record's headers or URL
		encoded string // another spelling, that the reply has
	}{
		{"basic", tidings.Auth{Kind: tidings.AuthBasic, Username: "ann", Secret: key}, "", func(s seenRequest) bool {
			r := http.Request{Header: s.header}
			user, password, ok := r.BasicAuth()
			return ok && user == "ann" && password == key
		}, "Authorization: Basic ***", "YW5uOnMzY3IrdC8ia2V5IiAmIG1vcmU="},
		{"bearer", tidings.Auth{Kind: tidings.AuthBearer, Secret: key}, "", func(s seenRequest) bool {
			return s.header.Get("Authorization") == "Bearer "+key
		}, "Authorization: Bearer ***", `s3cr+t\/\"key\" & more`},
		{"key in a header", tidings.Auth{Kind: tidings.AuthAPIKey, In: tidings.KeyInHeader, Name: "x-shop", Secret: key}, "", func(s seenRequest) bool {
			return s.header.Get("X-Shop") == key
		}, "X-Shop: ***", `s3cr+t/"key" &amp; more`},
		{"key in the query", tidings.Auth{Kind: tidings.AuthAPIKey, In: tidings.KeyInQuery, Name: "shop key", Secret: key}, "?a=1", func(s seenRequest) bool {
			return s.target == "/?a=1&shop+key=s3cr%2Bt%2F%22key%22+%26+more"
		}, "?a=1&shop+key=***", "s3cr%2Bt%2F%22key%22%20%26%20more"},
		{"a short key in a header", tidings.Auth{Kind: tidings.AuthAPIKey, In: tidings.KeyInHeader, Name: "X-Shop", Secret: "abc"}, "", func(s seenRequest) bool {
			return s.header.Get("X-Shop") == "abc" && s.header.Get("Accept-Encoding") == "identity"
		}, "X-Shop: ***", ""},
		{"the only parameter", tidings.Auth{Kind: tidings.AuthAPIKey, In: tidings.KeyInQuery, Name: "k", Secret: "abc"}, "", func(s seenRequest) bool {
			return s.target == "/?k=abc"
		}, "?k=***", ""},
	}
	for _, tt := range tests {
		g := newRig(t)
		echo := tt.encoded + " " + tt.auth.Secret
		g.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Echo", tt.encoded)
			w.Header().Set("Set-Cookie", "session=1")
			json.NewEncoder(w).Encode(map[string]string{"echo": echo, "url": r.RequestURI})
		}
		res := g.do(t, Order{Webhook: g.get("/" + tt.query), Auth: &tt.auth, Test: true})
		if got := g.last(t); !tt.want(got) {
			t.Errorf("%s: arrives as %s %v", tt.name, got.target, got.header)
		}
		shown := recordOf(res)
		if !strings.Contains(shown, tt.shown) {
			t.Errorf("%s: the record does not show %q: %s", tt.name, tt.shown, shown)
		}
		for _, spelling := range []string{key, tt.encoded, "s3cr", "session=1"} {
			if spelling != "" && strings.Contains(shown, spelling) {
				t.Errorf("%s: the record shows %q: %s", tt.name, spelling, shown)
			}
		}
		if !strings.Contains(string(res.Reply.Body), "echo") || message(t, "$data.WH5.echo", "WH5", res.Value) != echo {
			t.Errorf("%s: the run does not get the reply as it is", tt.name)
		}
	}
}

// recordOf is all of a result that is kept or shown.
func recordOf(res Result) string {
	var b strings.Builder
	c := res.Call
	fmt.Fprintf(&b, "%s %s\n", c.Request.Method, c.Request.URL)
	for _, h := range append(c.Request.Headers, c.Reply.Headers...) {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	fmt.Fprintf(&b, "%s\n%s\n%+v %s", c.Request.Body, c.Reply.Body, c.Tries, c.Error)
	for _, l := range res.Leaves {
		fmt.Fprintf(&b, "\n%s %s %s %s", l.Path, l.Value, l.Expression, l.Dotted)
	}
	return b.String()
}

func TestHeadersAndParametersThatSoundSecretAreMasked(t *testing.T) {
	g := newRig(t)
	w := g.get("/?access_token=literal-1&q=2")
	w.Headers = []tidings.Header{{Name: "X-Api-Key", Value: "literal-3"}, {Name: "Authorization", Value: "Bearer literal-4"}, {Name: "X-Town", Value: "$TOWN"}}
	g.answers("text/plain", "literal-4")
	res := g.do(t, Order{Webhook: w, Contact: contactOf("Київ", "")})
	shown := recordOf(res)
	for _, want := range []string{"access_token=***&q=2", "X-Api-Key: ***", "Authorization: Bearer ***", "X-Town: Київ"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the record does not show %q", want)
		}
	}
	if strings.Contains(shown, "literal-") {
		t.Errorf("the record shows a secret: %s", shown)
	}
	if got := g.last(t); got.header.Get("X-Api-Key") != "literal-3" || !strings.Contains(got.target, "literal-1") {
		t.Errorf("sent %+v", got)
	}
}

// TestHostileValuesArriveIntact sends every hostile value in every place of
// every format, and reads them back as the outside system would.
func TestHostileValuesArriveIntact(t *testing.T) {
	values := []string{
		`"quotes" 'and' \back\`, "two\nlines\r\nand\ttabs", `<b>&amp;</b>]]>`, `100 % %41 %TOWN% a+b`, "Київ é 😀 \u2028", `#set($x=1)$data ${x} $!y`,
		`","admin":true,"x":"`, `</town><admin/>`, `a=b&c=d#e?f`, ``, ` blanks `, `-->`, `null`, `5`,
	}
	for _, value := range values {
		g := newRig(t)
		raw, _ := json.Marshal(value)
		o := Order{Contact: contactOf(value, "a@b.c"), Event: &tidings.Event{TypeKey: "t", Params: []tidings.EventParam{{Name: "v", Value: raw}}}}

		o.Webhook = g.post("/$!v/x?a=$!v&b=$!TOWN", tidings.BodyJSON, `{"a":"$!v","b":$!v,"c":["$!TOWN"],"$!v":1}`)
		g.do(t, o)
		seen := g.last(t)
		r, err := http.NewRequest("GET", "https://x"+seen.target, nil)
		if err != nil || r.URL.Query().Get("a") != value || r.URL.Query().Get("b") != value || r.URL.Path != "/"+value+"/x" || len(r.URL.Query()) != 2 {
			t.Errorf("%q in the URL arrives as %s", value, seen.target)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(seen.body), &got); err != nil || got["a"] != value && value != "a" || got["b"] != value || got["c"].([]any)[0] != value {
			t.Errorf("%q in JSON arrives as %s: %v", value, seen.body, err)
		}

		o.Webhook = g.post("/", tidings.BodyXML, `<r a="$!v" b='$!v'><c>$!v</c><d><![CDATA[$!v]]></d></r>`)
		g.do(t, o)
		x, err := ReplyValue(&tidings.Reply{Format: tidings.ReplyXML, Body: []byte(g.last(t).body)})
		top, _ := x.Object().(*xmlNode)
		if err != nil || top == nil || len(top.children) != 2 {
			t.Errorf("%q in XML arrives as %s: %v", value, g.last(t).body, err)
			continue
		}
		for _, name := range []string{"@a", "@b", "c", "d"} {
			got, _ := top.Fields().Get(name)
			if got.Str() != value {
				t.Errorf("%q in %s of the XML arrives as %q: %s", value, name, got.Str(), g.last(t).body)
			}
		}

		o.Webhook = g.post("/", tidings.BodyText, `$!v`)
		g.do(t, o)
		if g.last(t).body != value {
			t.Errorf("%q in text arrives as %q", value, g.last(t).body)
		}
		o.Webhook = g.get("/")
		o.Webhook.Headers = []tidings.Header{{Name: "X-Value", Value: "<$!v>"}}
		res := g.Do(context.Background(), o)
		switch {
		case strings.ContainsAny(value, "\r\n"):
			if res.Problem == nil || res.Call.Outcome != tidings.OutcomeTemplate || len(res.Call.Tries) != 0 {
				t.Errorf("%q goes into a header", value)
			}
		case g.last(t).header.Get("X-Value") != "<"+value+">":
			t.Errorf("%q in a header arrives as %q", value, g.last(t).header.Get("X-Value"))
		}
	}
}

func TestNothingIsSentWhenTheRequestCannotBeMade(t *testing.T) {
	g := newRig(t)
	w := g.post("/", tidings.BodyJSON, "{\n  \"a\": $nick}")
	res := g.Do(context.Background(), Order{Webhook: w, Event: eventOf(t, `{"x":1}`)})
	if len(g.seen) != 0 || res.Call.Outcome != tidings.OutcomeTemplate || len(res.Call.Tries) != 0 || res.Call.Reply != nil {
		t.Errorf("%d sent: %+v", len(g.seen), res.Call)
	}
	p := res.Problem
	if p == nil || p.Part != PartBody || p.Line != 2 || p.Col != 8 || p.Fragment != `  "a": $nick}` || p.Rendered {
		t.Errorf("the problem is %+v", p)
	}
	if !strings.HasPrefix(res.Call.Error, "nothing was sent: in the body, line 2, column 8: the event has no parameter nick") {
		t.Errorf("says %q", res.Call.Error)
	}
}

func TestPlacesOutsideOfThePublicInternetAreNotCalled(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Rules = Rules{} })
	for _, target := range []string{
		g.url, "https://127.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://localhost/", "https://10.0.0.1/",
		"https://0x7f.1/", "https://[::ffff:127.0.0.1]/", "https://user:pass@example.com/", "http://example.com/",
	} {
		w := hookOf(1, target)
		if wrong := CheckWebhook(w, nil, Rules{}); len(wrong) != 1 || wrong[0].Field != "url" {
			t.Errorf("%s is saved: %v", target, wrong)
		}
		if res := g.Do(context.Background(), Order{Webhook: w}); res.Problem == nil || len(res.Call.Tries) > 0 {
			t.Errorf("%s is called: %+v", target, res.Call)
		}
	}
	if len(g.seen) > 0 {
		t.Errorf("sent %v", g.seen)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	g := newRig(t)
	g.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, "/elsewhere?token=1", http.StatusFound)
	}
	res := g.Do(context.Background(), Order{Webhook: g.get("/")})
	if len(g.seen) != 1 || res.Call.Outcome != tidings.OutcomeRedirect || !strings.Contains(res.Call.Error, "/elsewhere: redirects are not followed") || !res.Value.IsNull() {
		t.Errorf("%d sent: %+v", len(g.seen), res.Call)
	}
}

func TestWarningsNameWhatIsEmptyAndWhatLies(t *testing.T) {
	g := newRig(t)
	g.answers("application/json", "OK")
	w := g.post("/?a=$!nothing&b=$!empty", tidings.BodyText, "$!{name|'x'} ${TOWN}")
	res := g.do(t, Order{Webhook: w, Event: eventOf(t, `{"empty":""}`), Contact: contactOf("Київ", "")})
	want := "[{url $!nothing has no value and is sent empty} {url $!empty is empty} {reply  says that it is application/json, and is taken as text}]"
	if got := fmt.Sprint(res.Warnings); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAFailureShowsItsReply(t *testing.T) {
	g := newRig(t)
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(422)
		io.WriteString(w, `{"error":"no such town"}`)
	}
	res := g.Do(context.Background(), Order{Webhook: g.get("/"), Test: true})
	r := res.Call.Reply
	if res.Call.Outcome != tidings.OutcomeStatus || r == nil || r.Status != 422 || r.Format != tidings.ReplyJSON || string(r.Body) != `{"error":"no such town"}` {
		t.Errorf("got %+v", res.Call)
	}
	if !res.Value.IsNull() || res.Reply != nil || res.Leaves != nil {
		t.Errorf("a failure has a value: %+v", res)
	}
}

func TestAChangedWebhookIsRenderedAnew(t *testing.T) {
	g := newRig(t)
	w := g.get("/?v=1")
	w.ID, w.Version = 5, 1
	g.do(t, Order{Webhook: w})
	w.URL, w.Version = g.url+"/?v=2", 2
	g.do(t, Order{Webhook: w})
	if got := g.last(t).target; got != "/?v=2" {
		t.Errorf("sent %s", got)
	}
	for i := range 2 * maxPrepared {
		if _, problem := g.prepare(&tidings.Webhook{ID: tidings.WebhookID(i + 10), URL: "https://example.com/"}); problem != nil {
			t.Fatal(problem)
		}
	}
	if n := len(g.prepared); n > maxPrepared {
		t.Errorf("%d webhooks are kept", n)
	}
}
