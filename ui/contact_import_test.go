package ui_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"tidings"
)

// upload sends a form with a file; fields are name, value, name, value, …
func (b *browser) upload(path, file, called, content string, fields ...string) *page {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	w, err := form.CreateFormFile(file, called)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		b.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Origin", b.base)
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, h := range b.headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		b.t.Fatal(err)
	}
	return newPage(b.t, path, res, text.String())
}

func TestAFileOfContactsIsImported(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	b.get("/contacts/import").want(200).has("form[data-import]", "input[type=file][name=file]")
	p := b.upload("/contacts/import", "file", "people.csv", "EMAIL,FIRSTNAME\nann@example.com,Ann\nno address,<script>\nbo@example.com,Bo\n", "matchBy", "email").want(200)
	p.says("3 rows: 2 created, 0 changed, 0 were so already, 1 refused.", "Refused rows")
	if got := p.text("#import-faults tbody tr"); !strings.HasPrefix(got, "3 email ") {
		t.Errorf("the refused row is said to be %q", got)
	}
	b.upload("/contacts/import", "file", "people.csv", "EMAIL,FIRSTNAME\nann@example.com,Anna\nbo@example.com,Bo\n").want(200).says("2 rows: 0 created, 1 changed, 1 were so already, 0 refused.")
	b.upload("/contacts/import", "file", "people.ndjson", `{"email":"zoe@example.com"}`+"\n").want(200).says("1 row: 1 created")
	b.upload("/contacts/import", "file", "people.csv", "EMAIL,SHOE\na@example.com,7\n").want(422).says("is no field of contacts")
	b.post("/contacts/import").want(422).says("Choose a file")
	b.get("/contacts?q=anna").says("ann@example.com")
}

func TestAFileIsImportedInPiecesThatAddUp(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor).htmx()
	first := b.upload("/contacts/import/piece", "piece", "p.csv", "EMAIL\na@example.com\nb@example.com\n", "sent", "30", "size", "60", "line", "0").want(200)
	first.has("progress[value=30][max=60]", "#import-state[data-created=2]")
	second := b.upload("/contacts/import/piece", "piece", "p.csv", "EMAIL\nc@example.com\nwrong\n", "sent", "60", "size", "60", "line", "2", "rows", "2", "created", "2").want(200)
	second.hasNot("progress").says("4 rows: 3 created, 0 changed, 0 were so already, 1 refused.")
	if !strings.Contains(second.body, `data-label="Line"><div class="cell">5<`) {
		t.Errorf("the refused row is not at line 5: %s", second.body)
	}
	stopped := b.upload("/contacts/import/piece", "piece", "p.csv", "SHOE\n7\n", "sent", "60", "size", "90", "line", "0", "rows", "4", "created", "3").want(200)
	stopped.has("#import-state[data-stopped]").says("is no field of contacts", "Done with before: 4 rows")
}

func TestTheColumnsOfAFileAreExplained(t *testing.T) {
	w := newWorld(t)
	w.people()
	b := w.as(tidings.RoleEditor).htmx()
	for called, content := range map[string]string{
		"a.csv":    "Email;town;personal.bonus;Shoe\nann@example.com;Lviv;120;<script>7\n",
		"a.ndjson": `{"Email":"ann@example.com","town":"Lviv","personal.bonus":120,"Shoe":"<script>7"}`,
	} {
		b.upload("/contacts/import/look", "file", called, content).want(200).
			says("standard field EMAIL", "standard field TOWN", "additional field of type number", "is no field of contacts", "ann@example.com", "120").saysNot("<script>7")
	}
	b.upload("/contacts/import/look", "file", "a.csv", "").want(200).says("does not name the columns")
	b.upload("/contacts/import/look", "file", "a.ndjson", "{broken").want(200).says("no JSON object")
	viewer := w.browserOf(w.user(w.account, "val@acme.example", tidings.RoleViewer))
	for _, path := range []string{"/contacts/import", "/contacts/import/look", "/contacts/import/piece"} {
		viewer.upload(path, "file", "a.csv", fmt.Sprintln("EMAIL")).want(403)
	}
	viewer.get("/contacts/import").want(403)
}
