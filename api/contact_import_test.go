package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings/api"
)

const (
	asCSV    = "Content-Type: text/csv"
	asNDJSON = "Content-Type: application/x-ndjson"
)

// imported is the answer to an import.
type imported struct {
	Rows, Created, Updated, Unchanged, Failed int
	Errors                                    []struct {
		Line          int
		Field, Reason string
	}
}

func (w *world) imports(key, query, body string, headers ...string) imported {
	w.T.Helper()
	a := w.Request(key, "POST /v1/contacts/import"+query, body, headers...).Want(200)
	var in imported
	if err := json.Unmarshal([]byte(a.Body), &in); err != nil {
		w.T.Fatal(err)
	}
	return in
}

// tally gives the numbers in short.
func (in imported) tally() string {
	return fmt.Sprintf("rows %d created %d updated %d unchanged %d failed %d", in.Rows, in.Created, in.Updated, in.Unchanged, in.Failed)
}

func TestAnImportStoresWhatIsRightAndNamesTheRestByLine(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.field(key, "SHOP.N", "number")
	body := strings.Join([]string{
		`{"email":"a@example.com","fields":{"SHOP.N":1}}`,
		`{"email":"nonsense"}`,
		``,
		`{"email":"b@example.com"`,
		`{"email":"A@example.com","firstName":"Ann"}`,
		`["email"]`,
		`{"externalCustomerId":"c","colour":"red"}`,
		`{"id":99,"firstName":"x"}`,
		`{"sms":"380671234567"}`,
	}, "\r\n")
	in := w.imports(key, "", body, asNDJSON)
	if got := in.tally(); got != "rows 8 created 2 updated 1 unchanged 0 failed 5" {
		t.Error(got)
	}
	var lines []string
	for _, e := range in.Errors {
		lines = append(lines, fmt.Sprintf("%d %s", e.Line, e.Field))
	}
	if got := strings.Join(lines, ","); got != "2 email,4 ,6 ,7 colour,8 " {
		t.Errorf("faults at %s: %+v", got, in.Errors)
	}
	again := w.imports(key, "", body, asNDJSON)
	if got := again.tally(); got != "rows 8 created 0 updated 2 unchanged 1 failed 5" { // the first line and the fifth write one email in two ways
		t.Error(got)
	}
}

func TestAnImportReadsCSVAsSpreadsheetsWriteIt(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	for name, kind := range map[string]string{"SHOP.N": "number", "SHOP.L": "list", "SHOP.B": "bool", "SHOP.D": "date"} {
		w.field(key, name, kind)
	}
	in := w.imports(key, "?matchBy=email", "\xef\xbb\xbfEmail;phone;first_name;City;shop.n;SHOP.L;SHOP.B;SHOP.D;Subscriptions\r\n"+
		"a@example.com;+38 067 123 45 67;\"Ann;\nLee\";Львів;12.50;tea;yes;2026-01-31 10:00:00;A; B\r\n"+ // one cell too many
		"a@example.com;+38 067 123 45 67;\"Ann;\nLee\";Львів;12.50;\"tea; coffee\";yes;2026-01-31 10:00:00;\"A; B\"\r\n"+
		"b@example.com;;;;x;;maybe;;\r\n", asCSV)
	if got := in.tally(); got != "rows 3 created 1 updated 0 unchanged 0 failed 2" {
		t.Errorf("%s: %+v", got, in.Errors)
	}
	if len(in.Errors) != 3 || in.Errors[0].Line != 2 || in.Errors[1].Line != 6 || in.Errors[1].Field != "fields.SHOP.N" || in.Errors[2].Field != "fields.SHOP.B" {
		t.Errorf("%+v", in.Errors)
	}
	a := w.Request(key, "GET /v1/contacts?email=a@example.com", "")
	for _, want := range []string{`"sms":"380671234567"`, `"firstName":"Ann;\nLee"`, `"town":"Львів"`, `"SHOP.N":12.50`, `"SHOP.L":["tea","coffee"]`, `"SHOP.B":true`, `"SHOP.D":"2026-01-31T10:00:00Z"`, `"subscriptions":["A","B"]`} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("%s is not in %s", want, a.Body)
		}
	}
	// An empty cell leaves what the contact has.
	if got := w.imports(key, "", "EMAIL,TOWN\na@example.com,\n", asCSV).tally(); got != "rows 1 created 0 updated 0 unchanged 1 failed 0" {
		t.Error(got)
	}
}

func TestAnImportThatCanNotBeReadIsRefused(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxBody = 1 << 20 })
	key := w.Account("shop")
	for _, c := range []struct {
		line, body, form string
		status           int
		field            string
	}{
		{"", "", asCSV, 422, "-"},
		{"", "EMAIL,WHAT\n", asCSV, 422, "line 1 column 2"},
		{"", "EMAIL,email\n", asCSV, 422, "line 1 column 2"},
		{"", "\"EMAIL\n", asCSV, 422, "-"},
		{"", "EMAIL\n\"a\"b\n", asCSV, 422, "-"},
		{"", "[]", "Content-Type: application/json", 415, "-"},
		{"", "", "Content-Type: text/csv; charset=windows-1251", 415, "-"},
		{"?matchBy=name", "{}", asNDJSON, 400, "matchBy"},
		{"?what=x", "{}", asNDJSON, 400, "what"},
		{"", strings.Repeat("x", 1<<20+1), asNDJSON, 413, "-"},
	} {
		a := w.Request(key, "POST /v1/contacts/import"+c.line, c.body, c.form)
		if a.Status != c.status || c.field != "-" && firstFault(a) != c.field {
			t.Errorf("%.30q: answered %d: %s", c.body, a.Status, a.Body)
		}
	}
	w.Request(w.key(key, `"read"`), "POST /v1/contacts/import", "{}", asNDJSON).Want(403)
}

func TestAnImportOfManyRowsGoesByBatches(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	var body bytes.Buffer
	zipped := gzip.NewWriter(&body)
	const n = 2500
	for i := range n {
		if i == 1999 {
			fmt.Fprintln(zipped, `{"email":"wrong"}`)
			continue
		}
		fmt.Fprintf(zipped, `{"externalCustomerId":"c-%d","email":"c%d@example.com"}`+"\n", i, i%(n-1)) // the last has the first's address
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	in := w.imports(key, "?matchBy=externalCustomerId", body.String(), asNDJSON, "Content-Encoding: gzip")
	if got := in.tally(); got != "rows 2500 created 2498 updated 0 unchanged 0 failed 2" || in.Errors[0].Line != 2000 || in.Errors[1].Line != 2500 || in.Errors[1].Field != "email" {
		t.Errorf("%s: %+v", got, in.Errors)
	}
}

func TestImportsGiveWayToOtherWriters(t *testing.T) {
	for _, tt := range []struct {
		rows   int
		took   time.Duration
		others bool
		want   int
	}{
		{1000, 50 * time.Millisecond, false, 2000},
		{8000, 200 * time.Millisecond, false, 10_000},
		{4000, 300 * time.Millisecond, false, 4000}, // others would wait long
		{4000, time.Second, false, 2000},
		{1500, time.Second, false, 1000},
		{10_000, 200 * time.Millisecond, true, 1000},
	} {
		if got := api.NextBatch(tt.rows, tt.took, tt.others); got != tt.want {
			t.Errorf("after %d rows in %v, others %v: %d, want %d", tt.rows, tt.took, tt.others, got, tt.want)
		}
	}
}

func TestALongImportKeepsItsRowsInOrder(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	var body strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&body, `{"externalCustomerId":"c-%d","firstName":"%d"}`+"\n", i%8000, i)
	}
	if got := w.imports(key, "", body.String(), asNDJSON).tally(); got != "rows 9000 created 8000 updated 1000 unchanged 0 failed 0" {
		t.Error(got)
	}
	if a := w.Request(key, "GET /v1/contacts?externalCustomerId=c-999", ""); !strings.Contains(a.Body, `"firstName":"8999"`) {
		t.Errorf("a contact of two rows is not as the later one says: %s", a.Body)
	}
}
