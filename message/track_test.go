package message

import (
	"strings"
	"testing"
	"time"

	"tidings"
)

func linkKeys() []VERPKey {
	return []VERPKey{{ID: 'k', Secret: []byte("0123456789abcdef0123456789abcdef")}, {ID: 'j', Secret: []byte("another key, that was replaced")}}
}

// testLinks makes links whose clock can be moved.
func testLinks(t testing.TB, now *time.Time) *Links {
	t.Helper()
	l, err := NewLinks(LinkOptions{BaseURL: "https://m.example.com/", Keys: linkKeys(), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

func TestTokensComeBackAsTheyWere(t *testing.T) {
	for _, want := range []token{
		{kind: tokenOpen, mail: 1, at: noon()}, {kind: tokenClick, mail: 1 << 62, at: noon(), url: "https://example.com/?a=b&c=ї"}, {kind: tokenView, mail: 300, at: noon()},
	} {
		for _, key := range linkKeys() {
			got, err := openToken(linkKeys(), want.kind, sealToken(key, want), noon().Add(time.Hour))
			if err != nil || got.mail != want.mail || got.url != want.url || !got.at.Equal(want.at) || got.kind != want.kind {
				t.Errorf("%v came back as %v, %v", want, got, err)
			}
		}
	}
}

func TestTokensOfAnotherKindMailKeyOrTimeAreRefused(t *testing.T) {
	good := token{kind: tokenUnsubscribe, mail: 42, at: noon()}
	text := sealToken(linkKeys()[0], good)
	other := sealToken(linkKeys()[0], token{kind: tokenUnsubscribe, mail: 43, at: noon()})
	strange := sealToken(VERPKey{ID: 'k', Secret: []byte("of somebody else")}, good)
	retired := sealToken(VERPKey{ID: 'z', Secret: linkKeys()[0].Secret}, good)
	for name, c := range map[string]struct {
		kind  tokenKind
		text  string
		after time.Duration
		want  error
	}{
		"as it is":           {tokenUnsubscribe, text, 0, nil},
		"at its end":         {tokenUnsubscribe, text, TokenTTL, nil},
		"too old":            {tokenUnsubscribe, text, TokenTTL + time.Second, errExpiredToken},
		"another kind":       {tokenPreferences, text, 0, errBadToken},
		"another mail's MAC": {tokenUnsubscribe, text[:12] + other[12:], 0, errBadToken},
		"another key":        {tokenUnsubscribe, strange, 0, errBadToken},
		"a key not known":    {tokenUnsubscribe, retired, 0, errBadToken},
		"cut":                {tokenUnsubscribe, text[:len(text)-1], 0, errBadToken},
		"longer":             {tokenUnsubscribe, text + "AAAA", 0, errBadToken},
		"padded":             {tokenUnsubscribe, text + "=", 0, errBadToken},
		"empty":              {tokenUnsubscribe, "", 0, errBadToken},
		"endless":            {tokenUnsubscribe, strings.Repeat("A", 1<<20), 0, errBadToken},
	} {
		if _, err := openToken(linkKeys(), c.kind, c.text, noon().Add(c.after)); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for i := range text {
		b := []byte(text)
		b[i] ^= 1
		if got, err := openToken(linkKeys(), tokenUnsubscribe, string(b), noon()); err == nil {
			t.Errorf("with another character %d it is %v", i, got)
		}
	}
}

func TestTheViewLinkStaysTheSameForAMonth(t *testing.T) {
	now := noon().Truncate(steadyFor)
	l := testLinks(t, &now)
	first := l.View(9)
	now = now.Add(steadyFor - time.Second)
	if again := l.View(9); again != first {
		t.Errorf("%s became %s", first, again)
	}
	if l.View(10) == first || l.Unsubscribe(9) == first {
		t.Error("two links are the same")
	}
}

func TestOnlyLinksToTheWebAreTracked(t *testing.T) {
	now := noon()
	l := testLinks(t, &now)
	long := "https://example.com/" + strings.Repeat("x", maxTrackedURL)
	for href, want := range map[string]string{
		"https://example.com/?a=1&amp;b=2": "https://example.com/?a=1&b=2", " HTTP://example.com/\n": "HTTP://example.com/", "https://приклад.example/ї": "https://приклад.example/ї",
		"mailto:a@example.com": "", "tel:+380": "", "#top": "", "": "", "/path": "", "//example.com/": "", "javascript:alert(1)": "", "https:///x": "",
		markUnsubscribe: "", markView: "", long: "", "https://example.com/?back=" + markView: "", "ftp://example.com/": "",
	} {
		out := l.html(5, `<a href="`+href+`">x</a>`, false)
		_, rest, _ := strings.Cut(out, "https://m.example.com/c/")
		text, _, _ := strings.Cut(rest, `"`)
		got, err := openToken(linkKeys(), tokenClick, text, now)
		if got.url != want || (err == nil) != (want != "") || err == nil && got.mail != 5 {
			t.Errorf("%.60s is tracked as %q, %v; want %q", href, got.url, err, want)
		}
	}
}

func TestAMailOfNothingButLinksStaysSmall(t *testing.T) {
	now := noon()
	l := testLinks(t, &now)
	in := strings.Repeat("<a href=http://e.x>", tidings.MaxMailBytes/19)
	if out := l.html(5, in, true); len(out) > len(in)+1<<20 {
		t.Errorf("%d bytes became %d", len(in), len(out))
	}
}

func TestMarksBecomeLinksOfTheMail(t *testing.T) {
	now := noon()
	l := testLinks(t, &now)
	got := l.html(5, `<body><a href="`+markUnsubscribe+`">u</a><a href='`+markView+`'>v</a>`+markPreferences+`</body>`, true)
	_, pixel, _ := strings.Cut(got, `<img src="https://m.example.com/o/`)
	pixel, _, _ = strings.Cut(pixel, `"`)
	want := `<body><a href="` + l.Unsubscribe(5) + `">u</a><a href='` + l.View(5) + `'>v</a>` + l.Preferences(5) +
		`<img src="https://m.example.com/o/` + pixel + `" width="1" height="1" alt="" style="display:block;border:0"></body>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := openToken(linkKeys(), tokenOpen, pixel, now); err != nil {
		t.Error(err)
	}
}

func TestRewritingChangesNothingButLinks(t *testing.T) {
	for in, want := range map[string]string{
		`<A  HREF = "x" >`:                        `<A  HREF = "NEW" >`,
		`<a class=b href=x>t</a>`:                 `<a class=b href=NEW>t</a>`,
		`<a href=x/>`:                             `<a href=NEW>`,
		`<area shape="rect" href='x' alt=">">`:    `<area shape="rect" href='NEW' alt=">">`,
		`<a title="href=x" href="y" href="z">`:    `<a title="href=x" href="NEW" href="z">`,
		`<a/href="x"/>`:                           `<a/href="NEW"/>`,
		`<a data-href="x" xhref="y">`:             `<a data-href="x" xhref="y">`,
		`<a href>t</a><a href=>`:                  `<a href>t</a><a href=>`,
		`<abbr href="x"><link href="x">`:          `<abbr href="x"><link href="x">`,
		`<!-- <a href="x"> --><a href="x">`:       `<!-- <a href="x"> --><a href="NEW">`,
		`<style>a::before{content:'<a href="x">'`: `<style>a::before{content:'<a href="x">'`,
		"<p\r\n>&amp;&nbsp;\x00<a href=\"x\">":    "<p\r\n>&amp;&nbsp;\x00<a href=\"NEW\">",
		`a < b <a href="x`:                        `a < b <a href="x`,
		`<a ="x" href="y">`:                       `<a ="x" href="NEW">`,
	} {
		out, _ := rewriteLinks(nil, in, func(link string) string {
			if link == "" {
				return ""
			}
			return "NEW"
		})
		if string(out) != want {
			t.Errorf("%q\n became %q\n want   %q", in, out, want)
		}
	}
}

func TestThePixelStandsAtTheEndOfTheBody(t *testing.T) {
	for in, want := range map[string]string{
		"<body>a</body></html>": "<body>a^</body></html>", "a": "a^", "<body>a</BODY >": "<body>a^</BODY >", "a</html>": "a^</html>",
		"</body>a</body>": "</body>a^</body>", "<!--</body>-->": "<!--</body>-->^", "</bodyx>": "</bodyx>^", "a<b": "a^<b", "</body></html>x": "^</body></html>x",
	} {
		out, at := rewriteLinks(nil, in, func(string) string { return "" })
		if got := string(out[:at]) + "^" + string(out[at:]); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

func TestTextIsMadeOfHTMLAsOneReadsIt(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"<p>Hello\n  <b>you</b></p><p>B":    "Hello you\n\nB\n",
		"a<br>b<br><br>c":                   "a\nb\n\nc\n",
		"<ul><li>a<li>b</ul>c":              "- a\n- b\n\nc\n",
		"<ol><li>a<ul><li>x</ul><li>b</ol>": "1. a\n  - x\n2. b\n",
		`<a href="https://e.com/x">e.com/x</a> <a href="https://e.com">go</a>`: "e.com/x go (https://e.com)\n",
		`<a href="#x">x</a><a href="https://e.com/"><img src=a alt=Logo></a>`:  "xLogo (https://e.com/)\n",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>":                "a b\nc\n",
		"<style>x</style><title>t</title><script>s</script>a":                  "a\n",
		`<div style="display: none"><div>pre</div>header</div>a`:               "a\n",
		"a&nbsp;b &lt;c&gt; &amp;":                                             "a b <c> &\n",
		"<pre>a\n  b</pre>c":                                                   "a\n  b\n\nc\n",
		`<a href="mailto:a@e.com">w</a>`:                                       "w (mailto:a@e.com)\n",
		"<h1>T</h1><div>a</div><hr>b":                                          "T\n\na\n----\nb\n",
	} {
		if got := TextOf(in); got != want {
			t.Errorf("%q\n gave %q\n want %q", in, got, want)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(sealToken(linkKeys()[0], token{kind: tokenClick, mail: 7, at: noon(), url: "https://example.com/"}))
	f.Add("a2MAAAAABw")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := openToken(linkKeys(), tokenClick, text, noon())
		if err == nil && sealToken(linkKeys()[0], got) != text && sealToken(linkKeys()[1], got) != text {
			t.Errorf("%q was taken for %v, which is written otherwise", text, got)
		}
	})
}

func FuzzRewriteLinks(f *testing.F) {
	for _, seed := range []string{`<a href="x">y</a></body>`, "<a\nhref=x>", "<!--[if mso]><a href=x><![endif]-->", "<textarea><a href=x></textarea>", "<a href='&amp;'\x00>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		same, at := rewriteLinks(nil, in, func(string) string { return "" })
		if string(same) != in || at < 0 || at > len(same) {
			t.Errorf("%q became %q, the body ends at %d", in, same, at)
		}
		out, _ := rewriteLinks(nil, in, func(string) string { return "https://m.example.com/c/token" })
		again, _ := rewriteLinks(nil, string(out), func(string) string { return "https://m.example.com/c/token" })
		if string(again) != string(out) {
			t.Errorf("%q became %q and then %q", in, out, again)
		}
		TextOf(in)
		now := time.Unix(1_800_000_000, 0)
		l := &Links{base: "https://m.example.com", keys: linkKeys(), now: func() time.Time { return now }}
		l.html(tidings.MailID(1), in, true)
	})
}

func BenchmarkTrackedHTML(b *testing.B) {
	now := noon()
	l := testLinks(b, &now)
	page := "<html><body>" + strings.Repeat(`<table><tr><td style="padding:4px"><a href="https://example.com/item?id=1">Item</a> <b>12.50</b></td></tr></table>`+"\n", 40) + "</body></html>"
	for b.Loop() {
		l.html(1, page, true)
	}
}
