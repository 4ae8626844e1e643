package curl_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidings/curl"
)

// shown writes a request on one line: method, URL, headers, then what else there is.
func shown(r curl.Request) string {
	parts := []string{r.Method + " " + r.URL}
	for _, h := range r.Headers {
		parts = append(parts, h.Name+": "+h.Value)
	}
	if r.Basic != nil {
		parts = append(parts, "user "+r.Basic.Username+" password "+r.Basic.Password)
	}
	if r.Timeout != "" {
		parts = append(parts, "timeout "+r.Timeout)
	}
	if r.HasBody {
		parts = append(parts, "body <"+r.Body+">")
	}
	for _, note := range r.LeftOut {
		parts = append(parts, "without "+note)
	}
	return strings.Join(parts, " | ")
}

const form = " | Content-Type: application/x-www-form-urlencoded"

func TestCommandsAreReadAsPeoplePasteThem(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{`curl https://a.example/x`, `GET https://a.example/x`},
		{`$ curl https://a.example/x`, `GET https://a.example/x`},
		{`/usr/bin/curl.exe https://a.example/x`, `GET https://a.example/x`},
		{"  curl\t'https://a.example/?a=1&b=2'\n\n", `GET https://a.example/?a=1&b=2`},
		{`curl --url https://a.example/x`, `GET https://a.example/x`},
		{`curl -X POST https://a.example/x`, `POST https://a.example/x`},
		{`curl -XPOST https://a.example/x`, `POST https://a.example/x`},
		{`curl --request PUT https://a.example/x`, `PUT https://a.example/x`},
		{`curl -sSXPOST https://a.example/x`, `POST https://a.example/x`},
		{`curl -H 'X-A: 1' -H"X-B:2" -HX-C:3 https://a.example`, `GET https://a.example | X-A: 1 | X-B: 2 | X-C: 3`},
		{`curl -H 'X-Empty;' -H 'X-Colons: a:b: c ' https://a.example`, `GET https://a.example | X-Empty:  | X-Colons: a:b: c`},
		{`curl -d a=1 -d 'b=2 3' https://a.example`, `POST https://a.example` + form + ` | body <a=1&b=2 3>`},
		{`curl -d '' https://a.example`, `POST https://a.example` + form + ` | body <>`},
		{`curl -d '{"a":1}' -H 'content-type: application/json' https://a.example`, `POST https://a.example | content-type: application/json | body <{"a":1}>`},
		{`curl -d x -H 'Content-Type:' https://a.example`, `POST https://a.example | body <x>`},
		{`curl --data-raw @x https://a.example`, `POST https://a.example` + form + ` | body <@x>`},
		{`curl --json '{"a":' --json '1}' https://a.example`, `POST https://a.example | Content-Type: application/json | Accept: application/json | body <{"a":1}>`},
		{`curl --json '{}' -X PATCH -H 'Accept: text/plain' https://a.example`, `PATCH https://a.example | Accept: text/plain | Content-Type: application/json | body <{}>`},
		{`curl --data-urlencode 'q=a b&c' --data-urlencode =ü https://a.example`, `POST https://a.example` + form + ` | body <q=a+b%26c&%C3%BC>`},
		{`curl -G -d a=1 --data-urlencode 'e=${email} +' 'https://a.example/x?z=0#f'`, `GET https://a.example/x?z=0&a=1&e=${email}+%2B#f`},
		{`curl --url-query 'a=1 2' --url-query +b=%20 https://a.example`, `GET https://a.example?a=1+2&b=%20`},
		{`curl -u ann:s3:cret https://a.example`, `GET https://a.example | user ann password s3:cret`},
		{`curl -u ann https://a.example`, `GET https://a.example | user ann password `},
		{`curl --oauth2-bearer tok https://a.example`, `GET https://a.example | Authorization: Bearer tok`},
		{`curl -A me -e https://r.example -b 'a=1; b=2' https://a.example`, `GET https://a.example | User-Agent: me | Referer: https://r.example | Cookie: a=1; b=2`},
		{`curl -m 2.5 https://a.example`, `GET https://a.example | timeout 2.5`},
		{`curl -Lk --compressed https://a.example`, `GET https://a.example | without --location: redirects are not followed | without --insecure: certificates are always verified | without --compressed: replies are asked for uncompressed`},
		{`curl --no-buffer --no-keepalive -w '%{http_code}' -o /dev/null https://a.example`, `GET https://a.example`},
		{`curl -- https://a.example`, `GET https://a.example`},

		// Quotes and continuations.
		{"curl https://a.example \\\n  -H 'X-A: 1' \\\n  -d x", `POST https://a.example | X-A: 1` + form + ` | body <x>`},
		{"curl https://a.example \\\r\n  -H 'X-A: 1'", `GET https://a.example | X-A: 1`},
		{"curl https://a.example \\  \n  -H 'X-A: 1'", `GET https://a.example | X-A: 1`},
		{"curl https://a.example\n  -H 'X-A: 1'", `GET https://a.example | X-A: 1`},
		{"curl https://a.example \\", `GET https://a.example`},
		{"curl https://a.exa\\\nmple", `GET https://a.example`},
		{"curl https://a.example # the shop\n", `GET https://a.example`},
		{`curl https://a.example/x#part`, `GET https://a.example/x#part`},
		{`curl https://a.example -d 'it'\''s'`, `POST https://a.example` + form + ` | body <it's>`},
		{`curl https://a.example -d "say \"hi\" \\ \$5 \n"`, `POST https://a.example` + form + ` | body <say "hi" \ $5 \n>`},
		{"curl https://a.example -d \"a\\\nb\"", `POST https://a.example` + form + ` | body <ab>`},
		{`curl https://a.example -d $'a\nb\t\'\u00e9\ud83d\ude00\x41\101\q'`, `POST https://a.example` + form + " | body <a\nb\t'é😀AA\\q>"},
		{`curl https://a.example -d $"x"`, `POST https://a.example` + form + ` | body <x>`},
		{`curl https://a.example -d a\ b\'c`, `POST https://a.example` + form + ` | body <a b'c>`},
		{"curl https://a.example -d 'two\nlines'", `POST https://a.example` + form + " | body <two\nlines>"},

		// Variables stay: they are those of the webhook.
		{`curl "https://a.example/?email=${email}" -H "Authorization: Bearer $TOKEN"`, `GET https://a.example/?email=${email} | Authorization: Bearer $TOKEN`},
		{`curl https://a.example/$TOWN`, `GET https://a.example/$TOWN`},

		// As Chrome and Firefox copy it.
		{"curl 'https://a.example/api' \\\n  -H 'accept: */*' \\\n  -b 'sid=1' \\\n  --data-raw $'{\"q\":\"it\\'s\\u0021\"}' \\\n  --compressed", `POST https://a.example/api | accept: */* | Cookie: sid=1` + form + ` | body <{"q":"it's!"}> | without --compressed: replies are asked for uncompressed`},
	} {
		got, err := curl.Parse(c.command)
		if err != nil {
			t.Errorf("%s\n%v", c.command, err)
			continue
		}
		if shown(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.command, shown(got), c.want)
		}
	}
}

func TestWhatCantBeTakenIsRefusedWithItsPlace(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{``, `line 1, column 1: this is not a curl command: it begins with the word curl`},
		{`wget https://a.example`, `line 1, column 1: this is not a curl command: it begins with the word curl`},
		{`curl`, `line 1, column 1: the command has no URL`},
		{`curl -s -H 'A: b'`, `line 1, column 1: the command has no URL`},
		{`curl ''`, `line 1, column 6: the URL is empty`},
		{`curl https://a.example b`, `line 1, column 24: a second URL stands here: quote values that have blanks in them, and give one request at a time`},
		{`curl https://a.example/?a=1&b=2`, `line 1, column 28: '&' stands outside of quotes, where a shell ends the command: put the URL or value in quotes, or leave out what follows`},
		{`curl https://a.example | jq .`, `line 1, column 24: '|' stands outside of quotes, where a shell ends the command: put the URL or value in quotes, or leave out what follows`},
		{"curl https://a.example\ncurl https://b.example", `line 2, column 1: a second command begins here: give one at a time, or end the line before with a backslash`},
		{`curl https://a.example -d 'x`, `line 1, column 27: this ' is never closed`},
		{`curl https://a.example -d "x`, `line 1, column 27: this " is never closed`},
		{`curl https://a.example -d $'x\`, `line 1, column 27: this $' is never closed`},
		{`curl https://a.example -d $'\ud83d'`, `line 1, column 29: this escape is half a character`},
		{`curl https://a.example -d $'a\0b'`, `line 1, column 30: a zero byte ends a shell's text here: leave it out`},
		{`curl https://a.example -d $'\xff'`, `line 1, column 27: the value of --data is not UTF-8: write the characters themselves`},
		{`curl https://a.example -d "$(cat key)"`, `line 1, column 28: $( runs a command in a shell, and nothing is run here: put what it would give in its place, or quote it by '`},
		{"curl https://a.example -d `id`", "line 1, column 27: a ` runs a command in a shell, and nothing is run here: put what it would give in its place"},
		{"curl ^\"https://a.example^\" ^\n  -d x", `line 1, column 6: this is the form of the Windows command prompt (^): copy the request as cURL for bash`},
		{`curl “https://a.example”`, `line 1, column 6: “ is a typographic quote, which a shell does not know: write " or '`},
		{`curl https://a.example -d @body.json`, `line 1, column 27: -d @ reads a file, and nothing is read from files here: put the file's content in its place; data that begins with @ is given by --data-raw`},
		{`curl https://a.example --data-binary @-`, `line 1, column 38: -d @ reads a file, and nothing is read from files here: put the file's content in its place; data that begins with @ is given by --data-raw`},
		{`curl https://a.example --data-urlencode n@f`, `line 1, column 41: @ reads a file here, and nothing is read from files: put the file's content in its place, after a =`},
		{`curl https://a.example -F a=b`, `line 1, column 27: --form can't be taken: a form with parts (multipart) can't be sent: a webhook's body is JSON, XML or text`},
		{`curl -I https://a.example`, `line 1, column 6: --head can't be taken: a webhook's method is GET or POST`},
		{`curl --digest -u a:b https://a.example`, `line 1, column 6: --digest can't be taken: only Basic, Bearer and API keys are supported`},
		{`curl https://a.example --next https://b.example`, `line 1, column 24: --next can't be taken: one request at a time: give each command alone`},
		{`curl --frobnicate https://a.example`, `line 1, column 6: the option --frobnicate is not known here: leave it out if the request does not need it`},
		{`curl -sZ https://a.example`, `line 1, column 6: the option -Z is not known here: leave it out if the request does not need it`},
		{`curl https://a.example -H`, `line 1, column 24: -H needs a value after it`},
		{`curl https://a.example --header`, `line 1, column 24: --header needs a value after it`},
		{`curl https://a.example -H nonsense`, `line 1, column 27: a header is written as 'Name: value'`},
		{`curl https://a.example -H ': x'`, `line 1, column 27: a header needs a name before the colon`},
		{`curl https://a.example -b cookies.txt`, `line 1, column 27: -b reads a file when its value has no =, and nothing is read from files here: give the cookies as name=value`},
		{`curl https://a.example -m soon`, `line 1, column 27: -m needs a number of seconds after it`},
		{"curl \xff", `line 1, column 1: the command is not UTF-8`},
		{"curl " + strings.Repeat("x", curl.MaxCommand), `line 1, column 1: the command is longer than 131072 bytes`},
	} {
		_, err := curl.Parse(c.command)
		if _, ok := errors.AsType[*curl.SyntaxError](err); !ok || err.Error() != c.want {
			t.Errorf("%.100s\n got %v\nwant %s", c.command, err, c.want)
		}
	}
}

func TestErrorsRepeatNoValues(t *testing.T) {
	for _, command := range []string{
		`curl https://a.example -u ann:hush -H hush`, `curl https://hush.example hush`, `curl -m hush https://a.example`,
		`curl -b hush https://a.example`, `curl -d @hush https://a.example`, `curl -H 'Authorization: Bearer hush' -F x=hush https://a.example`,
	} {
		if _, err := curl.Parse(command); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// TestWordsAreCutAsAShellCutsThem holds the reader against the shell itself.
func TestWordsAreCutAsAShellCutsThem(t *testing.T) {
	for _, arguments := range []string{
		`'a b' "c d" e\ f`, `'it'\''s'`, `"x\"y\\z\q\$5"`, `a'b'"c"d`, `'$x' "\${y}"`, `'' ""`, `a#b`, "'two\nlines'", "x\\\ny", `"back\` + "\n" + `slash"`, `ü'é'`, `a\\b`, `"'"'"'`,
	} {
		want, err := exec.Command("sh", "-c", "printf '%s\n' "+arguments).Output()
		if err != nil {
			t.Fatal(err)
		}
		words, err := curl.CutWords(arguments)
		if got := strings.Join(words, "\n") + "\n"; err != nil || got != string(want) {
			t.Errorf("%s\n got %q, %v\nwant %q", arguments, got, err, want)
		}
	}
}

func TestWhatIsWrittenIsReadBackTheSame(t *testing.T) {
	text := rapid.StringOf(rapid.RuneFrom([]rune("abc '\"\\$`\n\té😀{}[]%&#;:@!~^|<>()")))
	filled := text.Filter(func(s string) bool { return s != "" && s[0] != '-' })
	value := rapid.Map(text, func(s string) string { return strings.Trim(s, " \t") })
	rapid.Check(t, func(t *rapid.T) {
		r := curl.Request{Method: rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"), URL: filled.Draw(t, "url")}
		for i, n := 0, rapid.IntRange(0, 3).Draw(t, "headers"); i < n; i++ {
			r.Headers = append(r.Headers, curl.Header{Name: rapid.SampledFrom([]string{"X-A", "Content-Type", "Cookie"}).Draw(t, "name"), Value: value.Draw(t, "value")})
		}
		if rapid.Bool().Draw(t, "has a body") {
			r.HasBody, r.Body = true, text.Draw(t, "body")
		}
		if rapid.Bool().Draw(t, "has basic") {
			r.Basic = &curl.Basic{Username: strings.ReplaceAll(text.Draw(t, "user"), ":", ""), Password: text.Draw(t, "password")}
		}
		written := r.String()
		got, err := curl.Parse(written)
		if err != nil {
			t.Fatalf("%s\n%v", written, err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatalf("%s\n(-want +got):\n%s", written, diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`curl -X POST 'https://a.example/?e=${email}' -H 'A: b' -u a:b --json '{"a":1}' -m 3`, "curl https://a.example \\\n -d $'\\u0041\\x41'", `curl -G --data-urlencode 'a=b c' x#y`, `curl ^"x^"`, `curl "$(x)"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, command string) {
		r, err := curl.Parse(command)
		if err != nil {
			return
		}
		written := r.String()
		again, err := curl.Parse(written)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", command, written, err)
		}
		r.LeftOut = nil
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("%q was written as %q (-read +again):\n%s", command, written, diff)
		}
	})
}
