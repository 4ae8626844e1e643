package call

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"tidings"
	"tidings/scope"
)

func TestARepliesFormatIsWhatItIs(t *testing.T) {
	const (
		empty  = tidings.ReplyEmpty
		json   = tidings.ReplyJSON
		xml    = tidings.ReplyXML
		text   = tidings.ReplyText
		binary = tidings.ReplyBinary
	)
	cyrillic, _ := charmap.Windows1251.NewEncoder().String(`{"a":"Київ"}`)
	cyrillicXML, _ := charmap.Windows1251.NewEncoder().String(`<?xml version="1.0" encoding="windows-1251"?><a><b>Київ</b></a>`)
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(`{"a":"Київ"}`)
	tests := []struct {
		contentType, body string
		format            tidings.ReplyFormat
		prints            string // by $data.WH
		says              string // part of the warning or error
	}{
		{"application/json", `{"b":1,"a":[true,null,1.5]}`, json, `{b=1, a=[true, null, 1.5]}`, ""},
		{"application/problem+json; charset=utf-8", `[9223372036854775808]`, json, `[9223372036854775808]`, ""},
		{"text/html; charset=utf-8", ` {"a":1}`, json, `{a=1}`, ""},
		{"text/plain", `[1]`, json, `[1]`, ""},
		{"", `{"a":1}`, json, `{a=1}`, ""},
		{"not a type;;", `{"a":1}`, json, `{a=1}`, ""},
		{"application/octet-stream", `{"a":1}`, json, `{a=1}`, ""},
		{"application/json", "\xef\xbb\xbf{\"a\":1}", json, `{a=1}`, ""},
		{"application/json", utf16, json, `{a=Київ}`, ""},
		{"application/json; charset=windows-1251", cyrillic, json, `{a=Київ}`, ""},
		{"application/json", `"text"`, json, `text`, ""},
		{"application/json", `17`, json, `17`, ""},
		{"application/xml", `<a><b>1</b></a>`, xml, `1`, ""},
		{"text/xml", cyrillicXML, xml, `Київ`, ""},
		{"application/soap+xml", `<a><b>1</b></a>`, xml, `1`, ""},
		{"", `<?xml version="1.0"?><a><b>1</b></a>`, xml, `1`, ""},
		{"application/json", `<a><b>1</b></a>`, xml, `1`, "says that it is application/json, and is taken as xml"},
		{"application/xml", `{"a":1}`, json, `{a=1}`, "says that it is application/xml, and is taken as json"},
		{"application/pdf", `{"a":1}`, json, `{a=1}`, "says that it is application/pdf, and is taken as json"},
		{"application/json", `OK`, text, `OK`, "says that it is application/json, and is taken as text"},
		{"text/html", `<html><body>1</body></html>`, text, `<html><body>1</body></html>`, ""},
		{"text/plain", `{hello}`, text, `{hello}`, ""},
		{"", `<br>`, text, `<br>`, ""},
		{"text/plain", ` OK `, text, ` OK `, ""},
		{"text/csv", "a;b\n1;2", text, "a;b\n1;2", ""},
		{"application/json", "", empty, ``, ""},
		{"text/plain", " \r\n", empty, ``, ""},
		{"image/png", "\x89PNG\x00\xff", binary, `$data.WH`, ""},
		{"", "\x00\x01", binary, `$data.WH`, ""},
		{"application/json", "{\"a\":\"\xff\"}", binary, `$data.WH`, "says that it is application/json and is not text"},
		{"application/json", "{\n\"a\": 1,}", json, `$data.WH`, "the reply is not valid JSON, line 2, column 8"},
		{"application/json", `{"a":1} {"b":2}`, json, `$data.WH`, "the reply is not valid JSON, line 1, column 9"},
		{"application/json", `{"a":`, json, `$data.WH`, "the reply is not valid JSON, line 1, column 5: unexpected EOF"},
		{"application/json", strings.Repeat("[", 600) + strings.Repeat("]", 600), json, `$data.WH`, "the reply is not valid JSON"},
		{"application/xml", "<a>\n<b></a>", xml, `$data.WH`, "the reply is not valid XML, line 2, column 8"},
		{"application/xml", `<a/><b/>`, xml, `$data.WH`, "the reply is not valid XML, line 1, column 9: a second element at the top"},
		{"application/xml", strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101), xml, `$data.WH`, "nest deeper than 100"},
		{"application/xml", "<r>" + strings.Repeat("<a/>", 50_000) + "</r>", xml, `$data.WH`, "more than 50000 elements"},
		{"application/json; charset=klingon", `{"a":1}`, binary, `$data.WH`, `in the charset "klingon"`},
	}
	for _, tt := range tests {
		r := readReply(tt.contentType, "", []byte(tt.body))
		says := r.warning
		if r.err != nil {
			says = r.err.Error()
		}
		if r.format != tt.format || (says == "") != (tt.says == "") || !strings.Contains(says, tt.says) {
			t.Errorf("%s %.60q: %s, says %q; want %s, %q", tt.contentType, tt.body, r.format, says, tt.format, tt.says)
		}
		if got := message(t, "$data.WH", "WH", r.value); got != tt.prints {
			t.Errorf("%s %.60q prints %.80q, want %q", tt.contentType, tt.body, got, tt.prints)
		}
		again, err := ReplyValue(&tidings.Reply{Format: r.format, Body: r.body})
		if r.err == nil && (err != nil || message(t, "$data.WH", "WH", again) != tt.prints) {
			t.Errorf("%s %.60q: the stored reply gives %v", tt.contentType, tt.body, err)
		}
	}
	if r := readReply("application/json", "br", []byte("{}")); r.err == nil || !strings.Contains(r.err.Error(), "compressed (br)") {
		t.Errorf("a compressed reply: %+v", r)
	}
}

func TestXMLIsNavigable(t *testing.T) {
	const order = `<?xml version="1.0"?><!-- c --><s:order xmlns:s="urn:s" id="7" s:kind="big">
  <item sku="a&amp;1">first</item><item sku="b">second</item>
  <one>x</one><children>5</children><total currency="UAH">12.50</total><empty/><note>a <b>c</b> d</note><t><![CDATA[<raw>]]></t>
</s:order>`
	value, err := ReplyValue(&tidings.Reply{Format: tidings.ReplyXML, Body: []byte(order)})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ expression, want string }{
		{"$data.WH.item.get(1)", "second"},
		{"$data.WH.order.item.get(0).get('@sku')", "a&1"},
		{"$data.get('WH').get('order').get('one')", "x"},
		{"$data.WH.get('@id') $data.WH.get('@kind') $data.WH.get('#name')", "7 big order"},
		{"$data.WH.total $data.WH.total.get('@currency') $data.WH.total.get(0)", "12.50 UAH 12.50"},
		{"$mathTool.toInteger($data.WH.get('children'))", "5"},
		{"$data.WH.children", "5"},
		{"#foreach($i in $data.WH.item)$i;#end", "first;second;"},
		{"#foreach($i in $data.WH.list('one'))$i;#end", "x;"},
		{"#foreach($i in $data.WH.total)$i;#end", "12.50;"},
		{"#foreach($i in $data.WH.list('none'))$i;#end|$data.WH.none|$!data.WH.get('@none')$data.WH.total.get(1)", "|$data.WH.none|$data.WH.total.get(1)"},
		{"#if($data.WH.one == 'x')yes#end#if($data.WH.total == '12.50')yes#end", "yesyes"},
		{"[$data.WH.empty] $data.WH.note $data.WH.note.get('#text') $data.WH.t $data.WH.t.length()", "[] a  d c a  d <raw> 5"},
		{"$data.WH.note.children.size() $data.WH.item.size() $data.WH.item.get(0).get('#text')", "1 2 first"},
	}
	for _, tt := range tests {
		if got := message(t, tt.expression, "WH", value); got != tt.want {
			t.Errorf("%s gives %q, want %q", tt.expression, got, tt.want)
		}
	}
	got, err := scope.AppendJSON(nil, nil, value)
	want := `{"@id":"7","@kind":"big","item":[{"@sku":"a&1","#text":"first"},{"@sku":"b","#text":"second"}],"one":"x","children":"5",` +
		`"total":{"@currency":"UAH","#text":"12.50"},"empty":"","note":{"b":"c","#text":"a  d"},"t":"<raw>"}`
	if err != nil || string(got) != want {
		t.Errorf("as JSON it is %s, %v", got, err)
	}
}

// FuzzReply: whatever comes back is a value or an error, and what is kept gives the same again.
func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x",null]}`, `<a b="1"><c/>x</a>`, "OK", "\xff\xfe\x00", `<?xml version="1.0" encoding="windows-1251"?><a/>`, `{"a":1}}`, "<!DOCTYPE a><a>&lt;</a>"} {
		f.Add("application/json", s)
		f.Add("text/xml; charset=utf-8", s)
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := readReply(contentType, "", []byte(body))
		if r.err != nil {
			if !r.value.IsNull() {
				t.Fatal("a value beside an error")
			}
			return
		}
		again, err := ReplyValue(&tidings.Reply{Format: r.format, Body: r.body})
		if err != nil {
			t.Fatalf("the stored reply: %v", err)
		}
		one, err := scope.AppendJSON(nil, nil, r.value)
		two, err2 := scope.AppendJSON(nil, nil, again)
		if string(one) != string(two) || (err == nil) != (err2 == nil) {
			t.Fatalf("%s is stored as %s", one, two)
		}
		leaves, _ := Expressions("WH", r.value)
		if len(leaves) > maxLeaves {
			t.Fatalf("%d leaves", len(leaves))
		}
	})
}
