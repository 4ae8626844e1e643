package call

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tidings"
)

func TestCheckWebhookSaysWhatIsWrong(t *testing.T) {
	type hook = tidings.Webhook
	url := func(u string) func(*hook) { return func(w *hook) { w.URL = u } }
	row := func(name, value string) func(*hook) {
		return func(w *hook) { w.Headers = append(w.Headers, tidings.Header{Name: name, Value: value}) }
	}
	body := func(f tidings.BodyFormat, template string) func(*hook) {
		return func(w *hook) { w.Body = tidings.Body{Format: f, Template: template} }
	}
	tests := []struct {
		change func(*hook)
		want   string // "" = may be saved
	}{
		{func(*hook) {}, ""},
		{func(w *hook) { w.Name = "Промо №1: «ціна» / 100% $x" }, ""},
		{func(w *hook) { w.Name = " " }, "name: is required"},
		{func(w *hook) { w.Name = strings.Repeat("я", 201) }, "name: is longer than 200 characters"},
		{func(w *hook) { w.Description = strings.Repeat("я", 2001) }, "description: is longer than 2000"},
		{func(w *hook) { w.Method = "PUT" }, "method: must be GET or POST"},
		{func(w *hook) { w.Timeout = 999 * time.Millisecond }, "timeoutMs: must be between 1000 and 60000, or 0 for 10000"},
		{func(w *hook) { w.Timeout = time.Minute }, ""},

		{url(""), "url: is required"},
		{url("http://example.com/"), "url: must begin with https://"},
		{url("ftp://example.com/"), "url: must begin with https://"},
		{url("example.com/$x"), "url: must begin with https:// and a host"},
		{url("$base/x"), "url: must begin with https:// and a host"},
		{url("https://$host/x"), "url: has a variable, or a character that a host can't have, before its path"},
		{url("https://example.com%TOWN%/x"), "url: has a variable"},
		{url("https://example.com\\@evil.example/x"), "url: has a variable, or a character"},
		{url("https://user:pass@example.com/$x"), "url: has credentials before the @"},
		{url("https://example.com:99999/"), "url: has a port"},
		{url("https://127.0.0.1/$x"), "url: points to an address that is not of the public internet"},
		{url("https://example.com"), ""},
		{url("https://example.com?x=$x"), ""},
		{url("https://example.com/a/$x?y=%TOWN|Kyiv%&z=${z}"), ""},
		{url(" https://example.com/"), "url: has white space before or after it"},
		{url("https://example.com/${x"), "url: line 1, column 24: "},
		{url("https://example.com/" + strings.Repeat("a", 8192)), "url: is longer than 8192 bytes"},
		{url("https://example.com/\xff"), "url: is not UTF-8"},

		{row("X-Town", "$TOWN"), ""},
		{row("Content-Type", "text/xml; charset=utf-8"), ""},
		{row("User-Agent", "Shop/1"), ""},
		{row("", "x"), "headers[0].name: is required"},
		{row("X Y", "x"), "headers[0].name: has characters"},
		{row("Host", "x"), "headers[0].name: is set by the server or by HTTP itself"},
		{row("content-length", "1"), "headers[0].name: is set by the server"},
		{row("Transfer-Encoding", "chunked"), "headers[0].name: is set by the server"},
		{row("Connection", "close"), "headers[0].name: is set by the server"},
		{row("Idempotency-Key", "x"), "headers[0].name: is set by the server"},
		{row("Tidings-Call-Id", "x"), "headers[0].name: is set by the server"},
		{row("Authorization", "x"), "headers[0].name: is set by the connector"},
		{row("X-A", "a\nb"), "headers[0].value: has control characters"},
		{row("X-A", "#if($x)"), "headers[0].value: line 1, column "},
		{row("X-A", strings.Repeat("a", 4097)), "headers[0].value: is longer than 4096 bytes"},
		{func(w *hook) { row("X-A", "1")(w); row("x-a", "2")(w) }, "headers[1].name: is there twice"},
		{func(w *hook) {
			for i := range 21 {
				row(fmt.Sprint("X-", i), "1")(w)
			}
		}, "headers: has 21 rows: at most 20 are allowed"},

		{body(tidings.BodyJSON, `{"a":"$TOWN"}`), ""},
		{body(tidings.BodyText, ``), ""},
		{body(tidings.BodyJSON, " "), "body.template: is required"},
		{body(tidings.BodyNone, "x"), "body.format: is required with a body"},
		{body("yaml", "x"), "body.format: must be json, xml or text"},
		{body(tidings.BodyXML, "<a>\n#foreach($x)"), "body.template: line 2, column "},
		{body(tidings.BodyText, "x #evaluate($y)"), "body.template: line 1, column 3: #evaluate runs data"},
		{body(tidings.BodyText, "x #{evaluate}($y)"), "body.template: line 1, column 3: #evaluate"},
		{body(tidings.BodyText, strings.Repeat("a", 256<<10+1)), "body.template: is longer than 262144 bytes"},
		{func(w *hook) { w.Method = tidings.MethodGet; body(tidings.BodyJSON, "{}")(w) }, "body: is not sent with GET"},
	}
	for _, tt := range tests {
		w := &hook{Name: "WH5", Method: tidings.MethodPost, URL: "https://example.com/"}
		tt.change(w)
		wrong := CheckWebhook(w, &tidings.Auth{Kind: tidings.AuthBearer, Secret: "x"}, Rules{})
		var got string
		if len(wrong) > 0 {
			got = wrong[0].String()
		}
		if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%.100q says %q, want %q", fmt.Sprint(*w), got, tt.want)
		}
	}
}

func TestHTTPIsForDevelopmentOnly(t *testing.T) {
	const local, public = "http://127.0.0.1:8080/$x", "http://93.184.216.34/$x"
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, tt := range []struct {
		rules Rules
		url   string
		want  string
	}{
		{Rules{}, local, "must begin with https://"},
		{Rules{Allow: loopback}, local, "must begin with https://"},
		{Rules{AllowHTTP: true}, local, "points to an address that is not of the public internet"},
		{Rules{AllowHTTP: true, Allow: loopback}, local, ""},
		{Rules{AllowHTTP: true, Allow: loopback}, public, "must begin with https://: the address 93.184.216.34 is not one that the operator has allowed"},
		{Rules{AllowHTTP: true, Allow: loopback}, "http://[2a00:1450::1]/", "must begin with https://: the address 2a00:1450::1 is not"},
		{Rules{AllowHTTP: true, Allow: loopback}, "https://93.184.216.34/$x", ""},
		{Rules{AllowHTTP: true, Allow: loopback}, "http://shop.example/$x", ""}, // judged when it is dialled
	} {
		wrong := CheckWebhook(hookOf(1, tt.url), nil, tt.rules)
		if (len(wrong) == 0) != (tt.want == "") || len(wrong) > 0 && !strings.Contains(wrong[0].Reason, tt.want) {
			t.Errorf("%+v, %s: %v, want %q", tt.rules, tt.url, wrong, tt.want)
		}
	}
}

func TestCheckAuthSaysWhatIsWrong(t *testing.T) {
	const basic, bearer, key = tidings.AuthBasic, tidings.AuthBearer, tidings.AuthAPIKey
	tests := []struct {
		auth tidings.Auth
		want string
	}{
		{tidings.Auth{Kind: basic, Username: "ann", Secret: "pass: word é"}, ""},
		{tidings.Auth{Kind: basic, Username: "sk_live"}, ""}, // a key as user name, no password
		{tidings.Auth{Kind: basic, Username: "a:b"}, "username: has a colon"},
		{tidings.Auth{Kind: basic, Username: "a\n"}, "username: has control characters"},
		{tidings.Auth{Kind: basic, Secret: "a\n"}, "secret: has control characters"},
		{tidings.Auth{Kind: basic, Secret: strings.Repeat("a", 8193)}, "secret: is longer than 8192 bytes"},
		{tidings.Auth{Kind: basic, Name: "x"}, "name: is not used by basic"},
		{tidings.Auth{Kind: bearer, Secret: "abc.def-1"}, ""},
		{tidings.Auth{Kind: bearer}, "secret: is required"},
		{tidings.Auth{Kind: bearer, Secret: " a"}, "secret: has white space"},
		{tidings.Auth{Kind: bearer, Secret: "a\r\nX: y"}, "secret: has control characters"},
		{tidings.Auth{Kind: bearer, Secret: "a", Username: "x"}, "username: is not used by bearer"},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInHeader, Name: "X-Api-Key"}, ""},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInHeader, Name: "Host"}, "name: is set by the server"},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInHeader, Name: "X Y"}, "name: has characters"},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInQuery, Name: "api key"}, ""},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInQuery}, "name: is required"},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInQuery, Name: strings.Repeat("a", 129)}, "name: is longer than 128 bytes"},
		{tidings.Auth{Kind: key, Secret: "a", In: tidings.KeyInQuery, Name: "a\x00"}, "name: has control characters"},
		{tidings.Auth{Kind: key, Secret: "a", Name: "x"}, "in: must be header or query"},
		{tidings.Auth{Kind: "digest"}, "kind: must be basic, bearer or apiKey"},
	}
	for _, tt := range tests {
		var got string
		if wrong := CheckAuth(&tt.auth); len(wrong) > 0 {
			got = wrong[0].String()
		}
		if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%.100q says %q, want %q", fmt.Sprint(tt.auth), got, tt.want)
		}
	}
}
