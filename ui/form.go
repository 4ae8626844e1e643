package ui

import (
	"net/url"
	"strconv"
	"strings"
)

// form is what a browser sent with a form, field by field. Fields are named by
// their path in the API's request ("batch.maxItems"), so that what the API says
// of one is shown at it. Reading notes what can't be read at all.
type form struct {
	values url.Values
	faults faults
}

// form reads the body of the request.
func (v *visit) form() (*form, error) {
	if err := v.r.ParseMultipartForm(maxForm); err != nil && v.r.PostForm == nil {
		return nil, err
	}
	return &form{values: v.r.PostForm}, nil
}

// has says whether a field was sent, an empty one included.
func (f *form) has(name string) bool { return f.values.Has(name) }

// raw gives a field as it is.
func (f *form) raw(name string) string { return f.values.Get(name) }

// text gives a field without the space around it. Line ends are those of a
// browser's form (CRLF); they become line feeds.
func (f *form) text(name string) string {
	return strings.TrimSpace(f.area(name))
}

// area gives the field of a text area with its space, and line feeds as line ends.
func (f *form) area(name string) string {
	return strings.ReplaceAll(f.values.Get(name), "\r\n", "\n")
}

// flag says whether a checkbox is on.
func (f *form) flag(name string) bool {
	switch f.values.Get(name) {
	case "", "false", "off", "0":
		return false
	}
	return true
}

// number gives a whole number, nil for an empty field.
func (f *form) number(name string) *int64 {
	text := f.text(name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.faults.add(name, "must be a whole number")
		return nil
	}
	return &n
}

// list gives all values of a field that may be sent more than once, empty ones left out.
func (f *form) list(name string) []string {
	out := []string{} // an empty list of the API, not none
	for _, value := range f.values[name] {
		if value = strings.TrimSpace(value); value != "" {
			out = append(out, value)
		}
	}
	return out
}

// rows gives the values of fields that are sent once a row, by row; the names
// are those of the columns. Rows that are empty are left out.
func (f *form) rows(names ...string) [][]string {
	var rows [][]string
	for i := range f.values[names[0]] {
		row, filled := make([]string, len(names)), false
		for c, name := range names {
			if i < len(f.values[name]) {
				row[c] = strings.TrimSpace(f.values[name][i])
			}
			filled = filled || row[c] != ""
		}
		if filled {
			rows = append(rows, row)
		}
	}
	return rows
}

// orNull gives nil for "", so that a JSON merge patch sets the default.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
