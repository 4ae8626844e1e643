package message

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

func olena() *tidings.Contact {
	return &tidings.Contact{
		ID: 7, Account: 1, ExternalCustomerID: "C-7", FirstName: "Olena", Language: "uk-UA", TimeZone: "Europe/Kyiv",
		Channels:      []tidings.Channel{{Type: tidings.Email, Value: "olena@example.com"}},
		Subscriptions: []string{"news", "sale"}, Town: "Kyiv",
	}
}

func shopMail() tidings.MailSettings {
	return tidings.MailSettings{From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"}}
}

func reply(t testing.TB, name, body string) scope.NamedReply {
	t.Helper()
	v, err := vtl.ParseJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return scope.NamedReply{Name: name, Value: v}
}

// rendered renders a message of one html.
func rendered(t testing.TB, html string, s scope.Scope) (tidings.Mail, error) {
	t.Helper()
	m := &tidings.Message{ID: 3, Account: 1, Name: "Promo", Tag: "a,b", Content: tidings.Content{Subject: "Hello", HTML: html}}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	return c.Render(context.Background(), s)
}

func TestHTMLShowsValuesAndNeverRunsThem(t *testing.T) {
	s := scope.Scope{
		Contact: olena(),
		Event:   &tidings.Event{TypeKey: "order", Params: []tidings.EventParam{{Name: "evil", Value: json.RawMessage(`"<script>alert('1')</script>&\""`)}, {Name: "html", Value: json.RawMessage(`"mine"`)}}},
		Replies: []scope.NamedReply{
			reply(t, "WH5", `{"promocode": "SPRING<20>"}`), reply(t, "contacts_get_by_email", `[{"id": 12.0}]`),
			reply(t, "block", `{"html": "<b>bold</b>"}`),
		},
	}
	const evil = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&#34;"
	for template, want := range map[string]string{
		"$data.get('WH5').get('promocode')":                           "SPRING&lt;20&gt;",
		"$!mathTool.toInteger($data.contacts_get_by_email.get(0).id)": "12",
		"<b>$evil</b>":                                      "<b>" + evil + "</b>",
		"%evil%":                                            evil,
		"%FIRSTNAME|friend%":                                "Olena",
		"%LASTNAME|friend%":                                 "friend",
		`#set($x = "<i>$evil</i>")$x`:                       "&lt;i&gt;" + evil + "&lt;/i&gt;",
		"#define($d)<i>$evil</i>#end$d":                     "<i>" + evil + "</i>",
		"#macro(m $v)<i>$v</i>#end#m($evil)":                "<i>" + evil + "</i>",
		"$esc.html($evil)":                                  "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;",
		"$esc.url($evil)":                                   "%3Cscript%3Ealert%28%271%27%29%3C%2Fscript%3E%26%22",
		"$esc.sql($evil)":                                   "&lt;script&gt;alert(&#39;&#39;1&#39;&#39;)&lt;/script&gt;&amp;&#34;",
		"#foreach($i in [1..3])$velocityCount#end":          "123",
		`<a href="$unsubscribeLink">`:                       `<a href="` + markUnsubscribe + `">`,
		"<!--#if($contact.TOWN == 'Kyiv')-->yes<!--#end-->": "<!---->yes<!---->",
		"$html": "mine",
		"$date.format('HH:mm', $date.toDate('yyyy-MM-dd', '2026-01-01'))x ": "00:00x ",
	} {
		mail, err := rendered(t, template, s)
		if err != nil || mail.HTML != want {
			t.Errorf("%s\n gave %q, %v\n want %q", template, mail.HTML, err, want)
		}
	}
	s.Event.Params = s.Event.Params[:1]
	if mail, err := rendered(t, "$html.raw($data.block.html) and $html.raw($data.block.html)-$data.block.html", s); err != nil || mail.HTML != "<b>bold</b> and <b>bold</b>-&lt;b&gt;bold&lt;/b&gt;" {
		t.Errorf("raw html came out as %q, %v", mail.HTML, err)
	}
}

func TestAMailSaysWhatItIsOf(t *testing.T) {
	e := &tidings.Event{ID: 5, TypeKey: "order", KeyValue: "k1"}
	m := &tidings.Message{
		ID: 3, Account: 1, Name: "Promo", Tag: "a,b", ReplyTo: "help@example.com", Categories: []string{"sale"},
		From:    tidings.Mailbox{Name: "Shop of $TOWN", Address: "kyiv@example.com"},
		Content: tidings.Content{Subject: "Hi $FIRSTNAME", Text: "Dear $FIRSTNAME"},
		Variants: map[string]tidings.Content{
			"uk": {Subject: "Вітаємо, $FIRSTNAME", Text: "<$FIRSTNAME>"},
		},
	}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Render(context.Background(), scope.Scope{Contact: olena(), Event: e, Instance: "run-1"})
	if err != nil {
		t.Fatal(err)
	}
	want := tidings.Mail{
		Account: 1, Message: 3, Name: "Promo", Tag: "a,b", Language: "uk", Contact: 7, External: "C-7", To: "olena@example.com",
		Instance: "run-1", Event: 5, EventKey: "k1", EventType: "order", From: tidings.Mailbox{Name: "Shop of Kyiv", Address: "kyiv@example.com"},
		ReplyTo: "help@example.com", Subject: "Вітаємо, Olena", Text: "<Olena>", State: tidings.MailQueued,
	}
	categories := got.Categories
	got.Categories = nil
	if gotJSON, wantJSON := asJSON(got), asJSON(want); gotJSON != wantJSON {
		t.Errorf("got  %s\nwant %s", gotJSON, wantJSON)
	}
	if len(categories) != 1 || categories[0] != "sale" {
		t.Errorf("categories are %q", categories)
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestLanguagesFallBackToTheLanguageAtHome(t *testing.T) {
	m := &tidings.Message{
		Content:  tidings.Content{Subject: "none", Text: "x"},
		Variants: map[string]tidings.Content{"uk": {Subject: "uk"}, "pt-BR": {Subject: "pt-BR"}, "pt": {Subject: "pt"}},
	}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{
		"uk": "uk", "uk-UA": "uk", "UK_ua": "uk", "pt-br": "pt-BR", "pt-BR-x": "pt-BR", "pt-PT": "pt", "ukr": "", "": "", "en": "", "-": "",
	} {
		if got := c.content(language).language; got != want {
			t.Errorf("%q takes %q, want %q", language, got, want)
		}
	}
}

func TestHeadersNeverGetALineBreak(t *testing.T) {
	m := &tidings.Message{
		From:    tidings.Mailbox{Name: "$evil", Address: "shop@example.com"},
		Content: tidings.Content{Subject: "\n#if(true)\nHello $evil\n#end\n", Text: "x"},
	}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	for _, evil := range []string{`"a\r\nBcc: x@example.com"`, `"a\nBcc: x@example.com"`, `"a\rBcc: x@example.com"`, `"a\u2028Bcc: x@example.com"`, `"a\u0000\u0085 Bcc: x@example.com"`} {
		s := scope.Scope{Contact: olena(), Event: &tidings.Event{Params: []tidings.EventParam{{Name: "evil", Value: json.RawMessage(evil)}}}}
		mail, err := c.Render(context.Background(), s)
		if err != nil || mail.Subject != "Hello a Bcc: x@example.com" || mail.From.Name != "a Bcc: x@example.com" {
			t.Errorf("%s: subject %q, from %q, %v", evil, mail.Subject, mail.From.Name, err)
		}
	}
}

func TestAReferenceWithoutAValueStopsTheMailAndSaysWhere(t *testing.T) {
	_, err := rendered(t, "Hello\n  $promo!", scope.Scope{Contact: olena()})
	p, ok := err.(*Problem)
	if !ok || p.Part != "content.html" || p.Line != 2 || p.Col != 3 || !strings.Contains(p.Message, "$!") {
		t.Errorf("got %v", err)
	}
	if mail, err := rendered(t, "[$!promo][${promo|'none'}]", scope.Scope{Contact: olena()}); err != nil || mail.HTML != "[][none]" {
		t.Errorf("got %q, %v", mail.HTML, err)
	}
}

func TestWhoGetsNoMail(t *testing.T) {
	m := &tidings.Message{Categories: []string{"tea", "sale"}, Content: tidings.Content{Subject: "x", Text: "x"}}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	for reason, contact := range map[RefusalReason]*tidings.Contact{
		RefusedNoContact: nil, RefusedNoAddress: {ID: 1}, "": olena(),
		RefusedUnsubscribed: {ID: 1, Channels: olena().Channels, Subscriptions: []string{"news"}},
	} {
		_, err := c.Render(context.Background(), scope.Scope{Contact: contact})
		got := RefusalReason("")
		if r, ok := err.(*Refusal); ok {
			got = r.Reason
		} else if err != nil {
			t.Error(err)
		}
		if got != reason {
			t.Errorf("refused by %q, want %q", got, reason)
		}
	}
}

func TestATestGoesToAnyAddressAndHasNoName(t *testing.T) {
	m := &tidings.Message{ID: 3, Name: "Promo", Categories: []string{"tea"}, Content: tidings.Content{Subject: "Hi $!FIRSTNAME", Text: "x"}}
	c, err := Compile(m, shopMail())
	if err != nil {
		t.Fatal(err)
	}
	for _, contact := range []*tidings.Contact{nil, olena()} {
		mail, err := c.RenderTest(context.Background(), scope.Scope{Contact: contact}, "me@example.com")
		if err != nil || mail.To != "me@example.com" || !mail.Test || mail.Name != "" || mail.Message != 3 {
			t.Errorf("%+v, %v", mail, err)
		}
	}
}

// TestAHostileTemplateCantExhaustTheServer: each of these would run for ever,
// or fill the memory, if renders had no budget.
func TestAHostileTemplateCantExhaustTheServer(t *testing.T) {
	for name, template := range map[string]string{
		"loops":     "#foreach($a in [1..100000])#foreach($b in [1..100000])x#end#end",
		"output":    "#set($x='0123456789')#foreach($a in [1..90000])$x$x$x$x$x$x$x$x$x$x#end",
		"doubling":  "#set($x='0123456789')#foreach($a in [1..60])#set($x=$x+$x)#end",
		"recursion": "#macro(m)#m()#end#m()",
		"defines":   "#define($d)$d#end$d",
		"escapes":   "#set($x='<<<<<<<<<<')#foreach($a in [1..90000])$x$x$x#end",
		"maps":      "#set($m={})#foreach($a in [1..90000])#set($m[$a]=$m.toString())#end",
		"regex":     "#set($x='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')#foreach($a in [1..10])#set($x=$x+$x)#end$x.replaceAll('(a*)*b','')#foreach($a in [1..90000])#set($y=$x.replaceAll('(a|aa)+$','b'))#end",
	} {
		start := time.Now()
		_, err := rendered(t, template, scope.Scope{Contact: olena()})
		if _, ok := err.(*Problem); !ok {
			t.Errorf("%s was not stopped: %v", name, err)
		}
		t.Logf("%s: %v after %v", name, err, time.Since(start).Round(time.Millisecond))
	}
}

func TestPreviewShowsAllThatIsWrong(t *testing.T) {
	m := &tidings.Message{Content: tidings.Content{Subject: "$a", HTML: `<p>Hi $FIRSTNAME</p><a href="$viewLink">view</a>$!b $!b`, Text: "$c"}}
	c, err := Compile(m, tidings.MailSettings{})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Preview(context.Background(), scope.Scope{Contact: olena()})
	if p.HTML != `<p>Hi Olena</p><a href="#view">view</a> ` || p.To != "olena@example.com" {
		t.Errorf("html is %q, to %q", p.HTML, p.To)
	}
	var parts []string
	for _, problem := range p.Problems {
		parts = append(parts, problem.Part)
	}
	if got := strings.Join(parts, " "); got != "content.subject content.text from.address" {
		t.Errorf("problems are of %s", got)
	}
	if len(p.Warnings) != 1 || p.Warnings[0].Message != "$!b has no value and is left empty" {
		t.Errorf("warnings are %v", p.Warnings)
	}
}

func BenchmarkRender(b *testing.B) {
	m := &tidings.Message{Content: tidings.Content{Subject: "Hi $FIRSTNAME", HTML: strings.Repeat("<p>Dear %FIRSTNAME|friend%, your code is <b>$data.get('WH5').get('promocode')</b> for $TOWN</p>\n", 20)}}
	c, err := Compile(m, shopMail())
	if err != nil {
		b.Fatal(err)
	}
	s := scope.Scope{Contact: olena(), Replies: []scope.NamedReply{reply(b, "WH5", `{"promocode": "SPRING"}`)}}
	for b.Loop() {
		if _, err := c.Render(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}
