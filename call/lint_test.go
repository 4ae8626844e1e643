package call

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"tidings"
	"tidings/scope"
)

// FuzzBody: whatever the template and the value, a body that leaves is what
// its format says, and holds the value as it is.
func FuzzBody(f *testing.F) {
	for _, source := range []string{`{"a":"$v"}`, `[$v,$n]`, `<a b="$v">$v<![CDATA[$v]]><!--$v--></a>`, `"$v" $v`, `{"$v":"\$v"}`, `<$v/>`, `<?x $v?>`, "#set($x=$v)\"$x\""} {
		f.Add(source, `a"b\c<>&]]>--`)
		f.Add(source, "\r\n\t\x00😀")
		f.Add(source, `$v#if(1)`)
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		raw, err := json.Marshal(value)
		if err != nil {
			return
		}
		s := scope.Scope{Event: &tidings.Event{Params: []tidings.EventParam{{Name: "v", Value: raw}, {Name: "n", Value: json.RawMessage("7")}}}}
		if out, problem := rendering(t, "json", source, s); problem == nil && !json.Valid([]byte(out)) {
			t.Fatalf("%q with %q leaves as %q", source, value, out)
		} else if problem != nil && problem.Line > 0 && !utf8.ValidString(problem.Fragment) {
			t.Fatalf("%q shows %q", source, problem.Fragment)
		}
		if out, problem := rendering(t, "xml", source, s); problem == nil {
			if _, err := ReplyValue(&tidings.Reply{Format: tidings.ReplyXML, Body: []byte(out)}); err != nil && !strings.Contains(err.Error(), "deeper") && !strings.Contains(err.Error(), "more than") {
				t.Fatalf("%q with %q leaves as %q: %v", source, value, out, err)
			}
		}
	})
}

// FuzzURL: a value stays the one component that it stands for, and the host stays the author's.
func FuzzURL(f *testing.F) {
	for _, value := range []string{"a/b?c#d", "..", "%2e%2e", "a b&c=d", "@evil.example", "\\evil", "\r\n", "", "é"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		raw, err := json.Marshal(value)
		if err != nil || !utf8.ValidString(value) {
			return
		}
		s := scope.Scope{Event: &tidings.Event{Params: []tidings.EventParam{{Name: "v", Value: raw}}}}
		out, problem := rendering(t, "url", `https://example.com/a$v/b?x=$v&y=1`, s)
		if problem != nil {
			if len(value) < 1000 {
				t.Fatalf("%q: %v", value, problem)
			}
			return
		}
		u, err := url.Parse(out)
		if err != nil || u.Host != "example.com" || u.Path != "/a"+value+"/b" || u.Query().Get("x") != value || len(u.Query()) != 2 || u.Fragment != "" {
			t.Fatalf("%q leaves as %s", value, out)
		}
	})
}
