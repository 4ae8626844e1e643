package ui

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"tidings"
	"tidings/ui/part"
)

// A file of contacts goes to the API in pieces of whole rows, which
// static/import.js cuts off it, so that a file of any size shows how far it
// is. Without script it goes in one, as far as forms are taken ([maxForm]).
// Nothing is kept between the pieces: each brings along what came of those before.

func (s *Server) registerImport() {
	s.edit("/contacts/import", func(v *visit) error { return v.importPage(nil) })
	s.act("/contacts/import", (*visit).importFile)
	s.act("/contacts/import/look", (*visit).lookAtFile)
	s.act("/contacts/import/piece", (*visit).importPiece)
}

// imported is what came of an import, or of a piece of one.
type imported struct {
	Rows      int64  `json:"rows"`
	Created   int64  `json:"created"`
	Updated   int64  `json:"updated"`
	Unchanged int64  `json:"unchanged"`
	Failed    int64  `json:"failed"`
	Errors    faults `json:"errors"`
}

// importView is how far an import has come.
type importView struct {
	imported
	Sent, Size int64 // bytes of the file
	Line       int64 // of the file, before the first of this piece
	Wrong      *refusal
}

// Ended says whether all of the file is done with, or it can't go on.
func (i *importView) Ended() bool { return i.Wrong != nil || i.Sent >= i.Size }

// line is the line of the file that a fault is at, from 1.
func (i *importView) line(f fault) string {
	if f.Line == 0 {
		return ""
	}
	return count(i.Line + f.Line)
}

// add takes in what came of the pieces before.
func (i *importView) add(f *form) {
	for name, sum := range map[string]*int64{"rows": &i.Rows, "created": &i.Created, "updated": &i.Updated, "unchanged": &i.Unchanged, "failed": &i.Failed} {
		if n := f.number(name); n != nil {
			*sum += *n
		}
	}
}

// summary says what came of it.
func (i *importView) summary() string {
	return fmt.Sprintf("%s: %s created, %s changed, %s were so already, %s refused.",
		plural(i.Rows, "row", "rows"), count(i.Created), count(i.Updated), count(i.Unchanged), count(i.Failed))
}

// matchOptions are what contacts can be found by.
func matchOptions() []part.Option {
	return []part.Option{
		{Label: "Whatever is known first", Note: "ID, external ID, email, phone"},
		{Value: "email", Label: "Email alone"},
		{Value: "sms", Label: "Phone alone"},
		{Value: "externalCustomerId", Label: "External customer ID alone"},
		{Value: "id", Label: "Contact ID alone"},
	}
}

func (v *visit) importPage(result *importView) error {
	p := view{
		Title: "Import contacts", Purpose: "Each row changes the contact that it is about, or creates it. Sending the same file again changes nothing.",
		Active: "/contacts", Crumbs: []part.Link{{Label: "Contacts", Href: "/contacts"}}, Scripts: []string{"import.js"},
	}
	return v.page(p, importPageOf(result))
}

// file reads a file that came with the form, and its name.
func (v *visit) file(name string) (body []byte, called string, err error) {
	file, head, err := v.r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, "", &refusal{Status: http.StatusUnprocessableEntity, Detail: "Choose a file: nothing was sent."}
	}
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	body, err = io.ReadAll(file)
	return body, head.Filename, err
}

// importType is the media type of a file of contacts, by its name and what it begins with.
func importType(called string, body []byte) string {
	switch {
	case strings.EqualFold(path.Ext(called), ".csv"):
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		return "application/x-ndjson"
	}
	return "text/csv"
}

// upload sends a file, or a piece of one, to the API.
func (v *visit) upload(body []byte, called, by string) (imported, error) {
	q := url.Values{}
	if by != "" {
		q.Set("matchBy", by)
	}
	c := v.api()
	r := c.request(http.MethodPost, "/v1/contacts/import", q, body)
	r.Header.Set("Content-Type", importType(called, body))
	answer := &memory{header: http.Header{}}
	c.serve(answer, r)
	if answer.code() >= 400 {
		return imported{}, readRefusal(answer)
	}
	var out imported
	err := json.Unmarshal(answer.body.Bytes(), &out)
	return out, err
}

// importFile takes a whole file: without script.
func (v *visit) importFile() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	i := &importView{}
	body, called, err := v.file("file")
	if err == nil {
		i.Sent, i.Size = int64(len(body)), int64(len(body))
		i.imported, err = v.upload(body, called, f.raw("matchBy"))
	}
	if r, refused := wrong(err); refused {
		i.Wrong = r
		v.wrongForm()
	} else if err != nil {
		return err
	}
	return v.importPage(i)
}

// importPiece takes one piece and answers how far the file is.
func (v *visit) importPiece() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	i := &importView{}
	for name, to := range map[string]*int64{"sent": &i.Sent, "size": &i.Size, "line": &i.Line} {
		if n := f.number(name); n != nil {
			*to = *n
		}
	}
	body, called, err := v.file("piece")
	if err == nil {
		i.imported, err = v.upload(body, called, f.raw("matchBy"))
	}
	if r, refused := wrong(err); refused {
		i.Wrong = r
	} else if err != nil {
		return err
	}
	i.add(f)
	return v.part(importPieceOf(i))
}

// column is a column of a file of contacts.
type column struct {
	Name, Means string
	Known       bool
	Example     string // from the first row
}

// lookAtFile says what the columns of a file mean, by its beginning.
func (v *visit) lookAtFile() error {
	body, called, err := v.file("file")
	if r, refused := wrong(err); refused {
		return v.part(importColumns(nil, r.Detail))
	}
	if err != nil {
		return err
	}
	list, err := v.fields()
	if err != nil {
		return err
	}
	columns, wrong := columnsOf(body, called, list.Fields)
	if v.wantsPart() {
		return v.part(importColumns(columns, wrong))
	}
	return v.page(view{Title: "Columns of the file", Active: "/contacts", Crumbs: []part.Link{{Label: "Import contacts", Href: "/contacts/import"}}}, importColumns(columns, wrong))
}

// columnsOf reads the first two rows of a file; wrong says why it can't be read.
func columnsOf(body []byte, called string, fields []fieldJSON) (columns []column, wrong string) {
	names, values, err := firstRows(body, called)
	if err != nil {
		return nil, "The file can't be read: " + err.Error() + "."
	}
	for i, name := range names {
		c := column{Name: name}
		if i < len(values) {
			c.Example = tidings.CutText(values[i], 80)
		}
		c.Means, c.Known = meaningOf(name, fields)
		columns = append(columns, c)
	}
	return columns, ""
}

// firstRows gives the names of the columns, and the values of the first row.
func firstRows(body []byte, called string) (names, values []string, err error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if importType(called, body) != "text/csv" {
		line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
		var row map[string]json.RawMessage
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, nil, fmt.Errorf("its first line is no JSON object: %w", err)
		}
		for _, name := range sortedKeys(row) {
			names, values = append(names, name), append(values, string(row[name]))
		}
		return names, values, nil
	}
	r := csv.NewReader(bytes.NewReader(body))
	r.Comma = separator(body)
	if names, err = r.Read(); err != nil {
		return nil, nil, fmt.Errorf("its first line does not name the columns: %w", err)
	}
	values, err = r.Read()
	if err != nil { // there are no rows, or the first is cut off: the import says so
		return names, nil, nil
	}
	return names, values, nil
}

// separator is what stands between the cells most often, as the API takes it.
func separator(body []byte) rune {
	line, _, _ := bytes.Cut(body, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, each := range []rune{';', '\t'} {
		if n := bytes.Count(line, []byte(string(each))); n > most {
			best, most = each, n
		}
	}
	return best
}

// meaningOf says what a column's name means for contacts.
func meaningOf(name string, fields []fieldJSON) (means string, known bool) {
	name = strings.TrimSpace(name)
	if standard := tidings.StandardField(name); standard != "" {
		return "standard field " + standard, true
	}
	for _, f := range fields {
		if strings.EqualFold(f.Key, name) {
			return "additional field of type " + f.Type, true
		}
	}
	switch name {
	case "channels", "address", "fields", "languageCode":
		return "part of a contact", true // of NDJSON
	}
	return "is no field of contacts: add it under Settings, Fields, or take the column out", false
}

// importMeaning is how an import that ended is coloured.
func importMeaning(i *importView) part.Meaning {
	if i.Failed > 0 {
		return part.Waiting
	}
	return part.Good
}

// sortedKeys gives the keys of an object in order.
func sortedKeys(of map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(of)) }
