package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// contactServer is a server with an account, its key, and a field SHOP.N.
func contactServer(t *testing.T, retainEvents time.Duration) (*server, string) {
	t.Helper()
	flags := testFlags(t)
	flags.RetainEvents = retainEvents
	s := startServer(t, flags)
	var made account
	if err := newClient(s.URL(), flags.AdminToken).call(t.Context(), http.MethodPost, "/v1/accounts", map[string]string{"name": "shop"}, &made); err != nil {
		t.Fatal(err)
	}
	if err := newClient(s.URL(), made.APIKey).call(t.Context(), http.MethodPost, "/v1/fields", map[string]string{"key": "SHOP.N", "type": "number"}, nil); err != nil {
		t.Fatal(err)
	}
	return s, made.APIKey
}

// importFile runs `tidings import contacts` on a file of this name and text.
func importFile(t *testing.T, url, key, name, text string, more ...string) (code int, out, errs string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := append([]string{"import", "contacts", path, "--server", url, "--key", key}, more...)
	code = run(t.Context(), args, terminal{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestImportNamesWrongRowsByTheLinesOfTheFile(t *testing.T) {
	s, key := contactServer(t, 0)
	const file = "\xef\xbb\xbfEMAIL;SHOP.N;FIRSTNAME\r\nann@example.com;1;\"Ann\nLee\"\r\nnonsense;2;\r\n\r\nbo@example.com;x;Bo\r\nbo@example.com;3;Bo"
	code, out, errs := importFile(t, s.URL(), key, "people.csv", file)
	if want := "line 4: email must be an email address such as ann@example.com\nline 6: fields.SHOP.N must be a number such as 12, -3.5 or 1e6\ntidings: 2 rows failed\n"; errs != want {
		t.Errorf("errors %q\nwant   %q", errs, want)
	}
	if code != exitFailed || !strings.HasPrefix(out, "4 rows in ") || !strings.HasSuffix(out, ": 2 created, 0 updated, 0 unchanged, 2 failed\n") {
		t.Errorf("code %d, %q", code, out)
	}
	code, out, _ = importFile(t, s.URL(), key, "people.ndjson", `{"email":"ann@example.com","firstName":"Ann\nLee"}`+"\n\n"+`{"email":"bo@example.com","fields":{"SHOP.N":4}}`, "--json", "--match-by", "email")
	if want := `{"rows":2,"created":0,"updated":1,"unchanged":1,"failed":0}` + "\n"; code != exitOK || out != want {
		t.Errorf("code %d, %q, want %q", code, out, want)
	}
}

func TestImportOfALargeFileGoesInPieces(t *testing.T) {
	s, key := contactServer(t, 0)
	const rows = 60_000
	for form, line := range map[string]string{
		"people.csv":    "c%[1]d@example.com,%[1]d,\"a\"\"b, c\nd %[2]s\"\n",
		"people.ndjson": `{"email":"c%[1]d@example.com","fields":{"SHOP.N":%[1]d},"firstName":"a\"b, c\nd %[2]s"}` + "\n",
	} {
		var file strings.Builder
		if form == "people.csv" {
			file.WriteString("EMAIL,SHOP.N,TOWN\n")
		}
		bad := 0
		for i := range rows {
			if i == rows-10 {
				bad = strings.Count(file.String(), "\n") + 1
				fmt.Fprint(&file, strings.Replace(fmt.Sprintf(line, i, ""), "@", "", 1))
				continue
			}
			fmt.Fprintf(&file, line, i, strings.Repeat("x", 40))
		}
		if file.Len() < pieceBytes {
			t.Fatalf("the file has %d bytes only", file.Len())
		}
		code, out, errs := importFile(t, s.URL(), key, form, file.String(), "--json")
		var got imported
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed || got.Rows != rows || got.Failed != 1 || got.Created+got.Updated != rows-1 {
			t.Errorf("%s: code %d, %s %v", form, code, out, err)
		}
		if !strings.HasPrefix(errs, fmt.Sprintf("line %d: email ", bad)) {
			t.Errorf("%s: %q, want line %d", form, errs, bad)
		}
	}
}

func TestImportSaysWhatItCanNotDo(t *testing.T) {
	s, key := contactServer(t, 0)
	for _, c := range []struct{ name, text, key, want string }{
		{"a.csv", "", key, "the file is empty"},
		{"a.csv", "EMAIL,NO.SUCH\na@example.com,1\n", key, `"NO.SUCH" is no field of contacts`},
		{"a.csv", "EMAIL\n\"a\"b\n", key, "line 2, byte 3: this is no CSV"},
		{"a.csv", "NO.SUCH\n", key, `"NO.SUCH" is no field of contacts`},
		{"a.ndjson", "{}\n", "wrong key", "the key is not known here"},
	} {
		code, out, errs := importFile(t, s.URL(), c.key, c.name, c.text)
		if code != exitFailed || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s %q: code %d, %q, %q; want %q", c.name, c.text, code, out, errs, c.want)
		}
	}
	if code, _, errs := importFile(t, s.URL(), key, "a.ndjson", "\n \n"); code != exitOK {
		t.Errorf("a file of blank lines: code %d, %s", code, errs)
	}
}

func TestHousekeepingForgetsEventsInTime(t *testing.T) {
	s, key := contactServer(t, time.Hour)
	api := newClient(s.URL(), key)
	if err := api.call(t.Context(), http.MethodPost, "/v1/events", map[string]string{"eventTypeKey": "order", "keyValue": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   time.Duration
		left int
	}{{30 * time.Minute, 1}, {2 * time.Hour, 0}} {
		s.tidy(context.WithoutCancel(t.Context()), time.Now().Add(c.in))
		var page struct{ Events []any }
		if err := api.call(t.Context(), http.MethodGet, "/v1/events", nil, &page); err != nil || len(page.Events) != c.left {
			t.Errorf("after %v there are %d events, %v", c.in, len(page.Events), err)
		}
	}
}
