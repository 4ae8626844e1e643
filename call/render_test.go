package call

import (
	"context"
	"strings"
	"testing"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// rendering is a template rendered as one part of a webhook.
func rendering(t *testing.T, as string, source string, s scope.Scope) (string, *Problem) {
	t.Helper()
	w := &tidings.Webhook{Method: tidings.MethodPost, URL: "https://example.com/"}
	switch as {
	case "url":
		w.URL = source
	case "header":
		w.Headers = []tidings.Header{{Name: "X-Test", Value: source}}
	case "form":
		w.Headers = []tidings.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}
		w.Body = tidings.Body{Format: tidings.BodyText, Template: source}
	default:
		w.Body = tidings.Body{Format: tidings.BodyFormat(as), Template: source}
	}
	p, problem := prepare(w, Rules{})
	if problem != nil {
		return "", problem
	}
	var r renderer
	r.begin(context.Background(), s, vtl.StandardTools(), p.zoned)
	out, problem := r.request(p)
	if problem != nil {
		return "", problem
	}
	switch as {
	case "url":
		return out.url, nil
	case "header":
		return out.header.Get("X-Test"), nil
	}
	return string(out.body), nil
}

const hostile = `{"s":"a\"b\\c\n\u0007</x>&%$TOWN'#if(1)\u2028é😀","inject":"\",\"admin\":true,\"x\":\"","set":"#set($x=1)$data",` +
	`"n":5,"f":1.50,"f0":5.0,"big":123456789012345678901234567890,"e":1e30,"b":true,"z":null,"l":[1,"x",null],"m":{"k":{"a":1}},"empty":"",` +
	`"cdata":"a]]>b&<c","crlf":"a\r\nX-Evil: 1","path":"../admin?x=1#y","dots":"..","slash":"a/b","q":"a=b&c=d+e f","tag":"item","dash":"a--b","lt":"<b a='1'>\t\n\r"}`

func TestValuesAreEscapedForWhereTheyStand(t *testing.T) {
	tests := []struct{ as, source, want string }{
		{"json", `{"v":"$s"}`, `{"v":"a\"b\\c\n\u0007</x>&%$TOWN'#if(1)\u2028é😀"}`},
		{"json", `{"v":"$inject"}`, `{"v":"\",\"admin\":true,\"x\":\""}`},
		{"json", `{"v":$inject}`, `{"v":"\",\"admin\":true,\"x\":\""}`},
		{"json", `{"v":"$set"}`, `{"v":"#set($x=1)$data"}`},
		{"json", `[$n,$f,$f0,$big,$b,$l,$m]`, `[5,1.5,5.0,123456789012345678901234567890,true,[1,"x",null],{"k":{"a":1}}]`},
		{"json", `["$n","$f","$b","$l"]`, `["5","1.5","true","[1, x, null]"]`},
		{"json", `[$e]`, `[1e+30]`},
		{"json", `{"v":$!z,"w":"$!z","x":$!nothing}`, `{"v":null,"w":"","x":null}`},
		{"json", `{"v":"\"$tag\" $inject"}`, `{"v":"\"item\" \",\"admin\":true,\"x\":\""}`},
		{"json", `{"v":"\\\\","w":"$inject"}`, `{"v":"\\\\","w":"\",\"admin\":true,\"x\":\""}`},
		{"json", `{"$tag":1}`, `{"item":1}`},
		{"json", `{"v":-$n,"w":$n.0}`, `{"v":-5,"w":5.0}`},
		{"json", `{"v":"$esc.json($s)"}`, `{"v":"a\"b\\c\n\u0007</x>&%$TOWN'#if(1)\u2028\u00E9\uD83D\uDE00"}`},
		{"json", `{"v":"$esc.html($lt)"}`, `{"v":"&lt;b a='1'&gt;\t\n\r"}`},
		{"json", `#foreach($i in $l)#if($foreach.first)[#else,#end$!i#end]`, `[1,"x",null]`},
		{"json", `#set($q = "in ""$s"" $n")["$q",$q]`, `["in \"a\"b\\c\n\u0007</x>&%$TOWN'#if(1)\u2028é😀\" 5","in \"a\"b\\c\n\u0007</x>&%$TOWN'#if(1)\u2028é😀\" 5"]`},
		{"json", `#define($d)"$inject"#end{"v":$d}`, `{"v":"\",\"admin\":true,\"x\":\""}`},
		{"json", `#define($d)$tag#end["$esc.json($d)"]`, `["item"]`},
		{"json", `#set($m.new = $n)#set($l[0] = $m)$l`, `[{"k":{"a":1},"new":5},"x",null]`},
		{"json", `#macro(m $p)"$p"#end{"v":#m($inject)}`, `{"v":"\",\"admin\":true,\"x\":\""}`},
		{"json", `{"v":"%inject%","d":"%missing|a "b" %","n":%n%}`, `{"v":"\",\"admin\":true,\"x\":\"","d":"a \"b\" ","n":"5"}`},
		{"json", `{"e":$event,"p":$event.params.m,"k":"$event.keyValue","t":"$event.eventTypeKey","i":$event.id,"x":"$event.tag"}`, ""},
		{"json", `{"c":$contact,"t":"$contact.town","T":"$TOWN","b":$PERSONAL.BONUS,"B":$contact.personal.bonus,"g":$personal,"d":"$contact.get('PERSONAL.BONUS')","id":$contact.id,"m":"%PERSONAL.BONUS|0%"}`, ""},

		{"xml", `<a b="$lt" c='$lt'>$lt</a>`, "<a b=\"&lt;b a=&apos;1&apos;&gt;&#9;&#10;&#13;\" c='&lt;b a=&apos;1&apos;&gt;&#9;&#10;&#13;'>&lt;b a=&apos;1&apos;&gt;\t\n&#13;</a>"},
		{"xml", `<a><![CDATA[$cdata]]></a>`, `<a><![CDATA[]]>a]]&gt;b&amp;&lt;c<![CDATA[]]></a>`},
		{"xml", `<a><![CDATA[x]$slash]]></a>`, `<a><![CDATA[x]a/b]]></a>`},
		{"xml", `<$tag>$n</$tag>`, `<item>5</item>`},
		{"xml", `<a>$esc.xml($lt)$esc.xml($q)</a>`, `<a>&lt;b a=&apos;1&apos;&gt;&#9;&#10;&#13;a=b&amp;c=d+e f</a>`},
		{"xml", `<?xml version="1.0" encoding="UTF-8"?><!-- $slash --><a>$!z</a>`, `<?xml version="1.0" encoding="UTF-8"?><!-- a/b --><a></a>`},

		{"text", `$crlf|$inject|$set|$l`, "a\r\nX-Evil: 1|\",\"admin\":true,\"x\":\"|#set($x=1)$data|[1, x, null]"},
		{"form", `a=$q&b=$slash&c=$esc.url($q)`, `a=a%3Db%26c%3Dd%2Be%20f&b=a%2Fb&c=a%3Db%26c%3Dd%2Be+f`},

		{"url", `https://example.com/$slash/x?q=$q&e=$!empty&n=$n#if(1)&y=ж#end`, `https://example.com/a%2Fb/x?q=a%3Db%26c%3Dd%2Be%20f&e=&n=5&y=%D0%B6`},
		{"url", `https://example.com/?x=$path`, `https://example.com/?x=..%2Fadmin%3Fx%3D1%23y`},
		{"url", `https://example.com/a$path`, `https://example.com/a..%2Fadmin%3Fx%3D1%23y`},
		{"url", `https://example.com/?x=$esc.url($q)`, `https://example.com/?x=a%3Db%26c%3Dd%2Be+f`},
		{"url", `https://example.com/$esc.url($q)`, `https://example.com/a%3Db%26c%3Dd%2Be%20f`},
		{"url", `https://example.com/?x=%D0%B6&t=%tag%&d=%none|a b%`, `https://example.com/?x=%D0%B6&t=item&d=a%20b`},
		{"url", "https://example.com/a b?\n  x={$n}\n  &y=1", `https://example.com/a%20b?%20%20x=%7B5%7D%20%20&y=1`},
		{"url", `https://example.com?x=$data.get('n')`, `https://example.com?x=5`},

		{"header", `Token $s.length() $slash é`, `Token 29 a/b é`},
		{"header", "#set($x = 1)\n$x", `1`},
	}
	contact := contactOf("Київ", "ann@example.com",
		tidings.ContactField{Key: "PERSONAL.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "12.50"}},
		tidings.ContactField{Key: "PERSONAL.TAGS", Value: tidings.FieldValue{Type: tidings.FieldList, List: []string{"a", "b"}}})
	whole := map[string]string{
		`{"e":$event`: `"keyValue":"k-1"`, `{"c":$contact`: `"t":"Київ","T":"Київ","b":12.50,"B":12.50,"g":{"BONUS":12.50,"TAGS":["a","b"]},"d":"12.50","id":687266822,"m":"12.50"}`,
	}
	for _, tt := range tests {
		got, problem := rendering(t, tt.as, tt.source, scope.Scope{Event: eventOf(t, hostile), Contact: contact})
		if problem != nil {
			t.Errorf("%s %s: %v", tt.as, tt.source, problem)
			continue
		}
		if tt.want != "" && got != tt.want {
			t.Errorf("%s %s\n gives %s\n want  %s", tt.as, tt.source, got, tt.want)
		}
		for begins, part := range whole {
			if strings.HasPrefix(tt.source, begins) && !strings.Contains(got, part) {
				t.Errorf("%s %s\n gives %s\n without %s", tt.as, tt.source, got, part)
			}
		}
	}
}

func TestWhatCannotBeSentIsSaidWithItsPlace(t *testing.T) {
	tests := []struct{ as, source, want string }{
		{"json", "{\n  \"v\": \"$nick\"}", `in the body, line 2, column 9: the event has no parameter nick, and the contact no such field; write $!… to send it empty`},
		{"json", `{"v": $REGION}`, `in the body, line 1, column 7: the contact has no REGION; write $!`},
		{"json", `{"v": "$data.get('WH6').get('code')"}`, `in the body, line 1, column 14: $data.get('WH6').get('code') has no value; write $!`},
		{"json", `{"v": $z}`, `in the body, line 1, column 7: `},
		{"json", `#set($x = "a $nick")["$x"]`, `in the body, line 1, column 14: `},
		{"json", `["\\$n"]`, `in the body, line 1, column 3: $n follows a backslash`},
		{"json", `#evaluate($set)`, `in the body, line 1, column 1: #evaluate runs data`},
		{"json", "{\n\"v\": }", `in the rendered body, line 2, column 6: '}' can't stand here: a value is expected`},
		{"json", `{"v": Kyiv}`, `in the rendered body, line 1, column 7: 'K' can't stand here: a value is expected: texts need "quotes"`},
		{"json", `{"v": 1,}`, `in the rendered body, line 1, column 9: '}' can't stand here: a key in "quotes" is expected`},
		{"json", `{"v": 1 "w": 2}`, `in the rendered body, line 1, column 9: '"' can't stand here: a comma or } is expected`},
		{"json", `{"v": [1 2]}`, `column 10: '2' can't stand here: a comma or ] is expected`},
		{"json", `{"v": "a`, `column 9: the JSON ends before it is complete`},
		{"json", "{\"v\": \"a\nb\"}", `column 9: '\n' can't stand here: a line break`},
		{"json", `{"v": 1} x`, `column 10: 'x' can't stand here: the JSON is complete`},
		{"json", `{"v": tru}`, `column 10: '}' can't stand here: only true, false and null`},
		{"json", `#if(false)1#end`, `the body is empty`},
		{"json", `{"v": $s$n}`, `'5' can't stand here: a comma or } is expected`},
		{"json", `$nope(`, `in the body, line 1, column 1: the event has no parameter nope`},
		{"json", `#if(`, `in the body, line 1, column `},
		{"json", `{"d": $date.toDate('yyyy','2026')}`, `in the body, line 1, column 7: $date.toDate('yyyy','2026') is neither text, number, boolean, list nor map: write it in quotes`},
		{"xml", "<a>\n  <b>$n</a>", `in the rendered body, line 2, column `},
		{"xml", `<a>$data.get('s')</a>`, `in the body, line 1, column 4: $data.get('s') has the character U+0007, which XML can't carry`},
		{"xml", `<a $q>1</a>`, `in the body, line 1, column 4: $q stands where XML has a name`},
		{"xml", `<!-- $dash --><a/>`, `$dash has a hyphen and stands in a comment`},
		{"xml", `<?x $n?><a/>`, `$n stands in a declaration`},
		{"xml", `<a/><b/>`, `in the rendered body, line 1, column 5: a second element at the top`},
		{"xml", `text`, `text outside of the element`},
		{"xml", `<a>AT&T</a>`, `write &amp; for the sign &`},
		{"xml", `<a b="1" b="2"/>`, `the attribute b is there twice`},
		{"xml", `<?xml version="1.0" encoding="windows-1251"?><a/>`, `declares the encoding windows-1251`},
		{"url", `https://example.com/$dots/x`, `in the rendered URL, line 1, column 21: a segment of dots`},
		{"url", `https://example.com/a/%2E%2e`, `a segment of dots`},
		{"url", `https://${tag}.example.com/`, `in the URL: it has a variable, or a character`},
		{"url", `https://example.com/?a=5%`, `column 25: a % without two hex digits`},
		{"url", `https://example.com/?a=1#x`, `column 25: a fragment`},
		{"url", `http://example.com/`, `must begin with https://`},
		{"url", `https://127.0.0.1/`, `127.0.0.1 is refused: loopback`},
		{"header", `$crlf`, `in the header row 1, line 1, column 1: $crlf has a line break, which a header can't carry`},
		{"header", `$s`, `$s has a line break`},
		{"header", "a\nb", `in the rendered header row 1, line 1, column 2: a line break`},
	}
	for _, tt := range tests {
		got, problem := rendering(t, tt.as, tt.source, scope.Scope{Event: eventOf(t, hostile), Contact: contactOf("Київ", "a@b.c")})
		switch {
		case problem == nil:
			t.Errorf("%s %s: gives %s, want the error %q", tt.as, tt.source, got, tt.want)
		case problem != nil && !strings.Contains(problem.Error(), tt.want):
			t.Errorf("%s %s\n says %v\n want %s", tt.as, tt.source, problem, tt.want)
		}
	}
}
