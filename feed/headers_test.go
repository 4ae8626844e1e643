package feed

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"

	"tidings"
	"tidings/egress"
)

func TestCheckHeadersSaysWhatIsWrong(t *testing.T) {
	basic := &tidings.BasicAuth{Username: "u"}
	row := func(name, value string) []tidings.Header { return []tidings.Header{{Name: name, Value: value}} }
	tests := []struct {
		headers []tidings.Header
		auth    *tidings.BasicAuth
		want    string // field and part of the reason
	}{
		{nil, nil, ""},
		{row("X-Key", "value"), basic, ""},
		{row("x-empty", ""), nil, ""},
		{row("X-Text", "grüße"), nil, ""},
		{row("Authorization", "Bearer x"), nil, ""},
		{row("authorization", "Bearer x"), basic, "headers[0].name: is set by Basic auth"},
		{row("", "x"), nil, "headers[0].name: is required"},
		{row("A b", "x"), nil, "headers[0].name: has characters"},
		{row("A:", "x"), nil, "headers[0].name: has characters"},
		{row("Ä", "x"), nil, "headers[0].name: has characters"},
		{row("A\r\nB", "x"), nil, "headers[0].name: has characters"},
		{row(strings.Repeat("a", 129), "x"), nil, "headers[0].name: is longer than 128"},
		{row("X-Key", "a\r\nB: c"), nil, "headers[0].value: has control characters"},
		{row("X-Key", "a\x00"), nil, "headers[0].value: has control characters"},
		{row("X-Key", " a"), nil, "headers[0].value: has white space"},
		{row("X-Key", strings.Repeat("a", 4097)), nil, "headers[0].value: is longer than 4096"},
		{append(row("A", "1"), row("a", "2")...), nil, "headers[1].name: is there twice"},
		{make([]tidings.Header, 6), nil, "headers: has 6 rows: at most 5"},
	}
	for _, tt := range tests {
		var got string
		if wrong := CheckHeaders(tt.headers, tt.auth); len(wrong) > 0 {
			got = wrong[0].String()
		}
		if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.headers, got, tt.want)
		}
	}
}

func TestReservedHeadersCanNeitherBeSavedNorSent(t *testing.T) {
	names := []string{
		"content-type", "Content-Length", "CONTENT-ENCODING", "user-agent", "tidings-attempt", "Tidings-Anything", "webhook-id",
		"Webhook-Signature", "idempotency-key", "X-Idempotency-Key", "host", "connection", "keep-alive", "proxy-connection",
		"Proxy-Authorization", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "expect",
	}
	p := &Poster{UserAgent: "Tidings/test"}
	for _, name := range names {
		rows := []tidings.Header{{Name: name, Value: "mine"}}
		if wrong := CheckHeaders(rows, nil); len(wrong) != 1 || !strings.Contains(wrong[0].Reason, "can't be chosen") {
			t.Errorf("%s is saved: %v", name, wrong)
		}
		for sent, values := range p.ownHeaders(&tidings.Endpoint{Headers: rows}) {
			if values[0] == "mine" {
				t.Errorf("%s is sent as %s", name, sent)
			}
		}
	}
}

// FuzzCheckHeaders: rows that pass can be sent as they are and change nothing of ours.
func FuzzCheckHeaders(f *testing.F) {
	f.Add("X-Key", "value", "Authorization", "Bearer x", true)
	f.Add("content-Type", "x", "A\r\nB", "\x7f", false)
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string, auth bool) {
		ep := &tidings.Endpoint{Headers: []tidings.Header{{Name: name1, Value: value1}, {Name: name2, Value: value2}}}
		if auth {
			ep.Auth = &tidings.BasicAuth{Username: "u", Password: "p"}
		}
		if len(CheckHeaders(ep.Headers, ep.Auth)) > 0 {
			return
		}
		h := (&Poster{UserAgent: "Tidings/test"}).ownHeaders(ep)
		want := 3
		if auth {
			want++
		}
		if len(h) != want || h.Get(name1) != value1 || h.Get(name2) != value2 || h.Get("User-Agent") != "Tidings/test" {
			t.Fatalf("%q becomes %q", ep.Headers, h)
		}
		for name, values := range h {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(values[0]) {
				t.Fatalf("%q: %q can't be sent", name, values)
			}
		}
	})
}

// FuzzRetryAfter: whatever a receiver says is a wait of 0 or more, and the
// schedule keeps it within its bounds.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"120", "-1", "Fri, 02 Jan 2026 03:05:05 GMT", "99999999999999999999", "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d := egress.RetryAfter(value, time.Unix(0, 0))
		if d < 0 {
			t.Fatalf("%q gives %v", value, d)
		}
		if wait := (Schedule{Base: time.Minute, Cap: time.Hour}).Wait(1, d); wait < time.Minute || wait > time.Hour {
			t.Fatalf("%q makes a wait of %v", value, wait)
		}
		if seconds, err := time.ParseDuration(value + "s"); err == nil && http.CanonicalHeaderKey(value) == value &&
			strings.Trim(value, "0123456789") == "" && seconds != d {
			t.Fatalf("%q gives %v, want %v", value, d, seconds)
		}
	})
}
