package api

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tidings"
)

// jsonRows reads NDJSON: one contact a line, blank lines allowed.
type jsonRows struct {
	body   []byte
	line   int // of the next, from 0
	reader *contactReader
}

func (j *jsonRows) next() (importRow, bool, error) {
	for len(j.body) > 0 {
		line, rest, _ := bytes.Cut(j.body, []byte{'\n'})
		row := importRow{index: j.line}
		j.body, j.line = rest, j.line+1
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		row.change, row.faults = j.read(line)
		return row, true, nil
	}
	return importRow{}, false, nil
}

// maxImportLine bounds one row: a contact of the largest size, written in escapes.
const maxImportLine = 6 * tidings.MaxContactBytes

func (j *jsonRows) read(line []byte) (tidings.ContactChange, []tidings.FieldError) {
	if len(line) > maxImportLine {
		return tidings.ContactChange{}, []tidings.FieldError{{Reason: fmt.Sprintf("the line is over %d bytes", maxImportLine)}}
	}
	var in contactInputJSON
	if err := decodeStrict(line, &in); err != nil {
		e, ok := errors.AsType[*tidings.Error](err)
		if ok && len(e.Fields) > 0 {
			return tidings.ContactChange{}, e.Fields
		}
		return tidings.ContactChange{}, []tidings.FieldError{{Reason: strings.Replace(err.Error(), "the body", "the line", 1)}}
	}
	d := &decoder{}
	if in.MatchBy.set {
		d.fault("matchBy", "is a parameter of the whole import")
	}
	if in.Version.set {
		d.fault("version", "is for a patch")
	}
	return j.reader.read(d, &in), d.faults
}

// csvRows reads CSV with a line of column names.
type csvRows struct {
	csv     *csv.Reader
	columns []csvColumn
	reader  *contactReader
}

// csvColumn puts a cell where it belongs.
type csvColumn struct {
	name string
	put  func(d *decoder, in *contactInputJSON, cell string)
	// field, when put is nil, is the additional field that the column has.
	field tidings.Field
}

// newCSVRows reads the line of column names. Its error names those that are wrong.
func newCSVRows(body []byte, reader *contactReader) (*csvRows, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // as spreadsheets write it
	c := csv.NewReader(bytes.NewReader(body))
	c.Comma, c.ReuseRecord = CSVSeparator(body), true
	names, err := c.Read()
	if err == io.EOF {
		return nil, tidings.Errorf(tidings.CodeInvalid, "the file is empty: its first line must name the columns")
	}
	if err != nil {
		return nil, tidings.Errorf(tidings.CodeInvalid, "the line of column names can't be read: %s", csvReason(err))
	}
	rows := &csvRows{csv: c, reader: reader}
	var faults []tidings.FieldError
	seen := map[string]bool{}
	for i, name := range names {
		column, reason := reader.column(strings.TrimSpace(name))
		if reason == "" && seen[column.name] {
			reason = "is there twice"
		}
		if reason != "" {
			faults = append(faults, tidings.FieldError{Index: 0, Field: fmt.Sprintf("column %d", i+1), Reason: fmt.Sprintf("%.64q %s", name, reason)})
		}
		seen[column.name] = true
		rows.columns = append(rows.columns, column)
	}
	if len(faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the columns can't be taken: nothing was stored", Fields: faults}
	}
	return rows, nil
}

// CSVSeparator tells what stands between the cells of CSV by its first line,
// without a byte order mark: a comma, a semicolon or a tab, whichever is there
// most often. Spreadsheets write semicolons where commas are in numbers.
func CSVSeparator(body []byte) rune {
	line, _, _ := bytes.Cut(body, []byte{'\n'})
	best, most := ',', bytes.Count(line, []byte{','})
	for _, r := range []rune{';', '\t'} {
		if n := bytes.Count(line, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

// column finds what a column's name means.
func (r *contactReader) column(name string) (csvColumn, string) {
	text := func(of func(*contactInputJSON) *optional[string]) func(*decoder, *contactInputJSON, string) {
		return func(_ *decoder, in *contactInputJSON, cell string) {
			*of(in) = optional[string]{set: true, value: cell}
		}
	}
	standard := tidings.StandardField(name)
	c := csvColumn{name: standard}
	switch standard {
	case "":
		field, known := r.fields[tidings.FieldKey(strings.ToUpper(name))]
		if !known {
			return c, "is no field of contacts: see GET /v1/fields"
		}
		c.name, c.field = string(field.Key), field
	case "CONTACT_ID":
		c.put = putID
	case "EXTERNAL_CUSTOMER_ID":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.ExternalCustomerID })
	case "FIRSTNAME":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.FirstName })
	case "LASTNAME":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.LastName })
	case "EMAIL":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.Email })
	case "SMS":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.SMS })
	case "LANGUAGE":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.LanguageCode })
	case "TIMEZONE":
		c.put = text(func(in *contactInputJSON) *optional[string] { return &in.TimeZone })
	case "SUBSCRIPTIONS":
		c.put = putSubscriptions
	default: // REGION, TOWN, ADDRESS, POSTCODE
		c.put = putAddress(standard)
	}
	return c, ""
}

func putID(d *decoder, in *contactInputJSON, cell string) {
	id, err := strconv.Atoi(cell)
	if err != nil {
		d.fault("id", "must be a whole number")
	}
	in.ID = optional[int]{set: true, value: id}
}

func putSubscriptions(_ *decoder, in *contactInputJSON, cell string) {
	in.Subscriptions = optional[[]string]{set: true, value: splitList(cell)}
}

func putAddress(name string) func(*decoder, *contactInputJSON, string) {
	return func(_ *decoder, in *contactInputJSON, cell string) {
		in.Address.set = true
		a := &in.Address.value
		part := map[string]*optional[string]{"REGION": &a.Region, "TOWN": &a.Town, "ADDRESS": &a.Address, "POSTCODE": &a.Postcode}[name]
		*part = optional[string]{set: true, value: cell}
	}
}

// splitList gives the texts between semicolons.
func splitList(cell string) []string {
	texts := []string{}
	for text := range strings.SplitSeq(cell, ";") {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func (c *csvRows) next() (importRow, bool, error) {
	cells, err := c.csv.Read()
	if err == io.EOF {
		return importRow{}, false, nil
	}
	if e, ok := errors.AsType[*csv.ParseError](err); ok && errors.Is(err, csv.ErrFieldCount) {
		reason := fmt.Sprintf("has %d cells, the line of column names has %d", len(cells), len(c.columns))
		return importRow{index: e.StartLine - 1, faults: []tidings.FieldError{{Reason: reason}}}, true, nil
	}
	if err != nil {
		return importRow{}, false, tidings.Errorf(tidings.CodeInvalid, "the CSV can't be read further: %s", csvReason(err))
	}
	line, _ := c.csv.FieldPos(0)
	row := importRow{index: line - 1}
	d := &decoder{}
	var in contactInputJSON
	var values []tidings.ContactField
	for i, cell := range cells {
		column := &c.columns[i]
		switch {
		case cell == "":
		case column.put != nil:
			column.put(d, &in, strings.TrimSpace(cell))
		default:
			value, reason := tidings.ParseFieldValue(column.field.Type, cell)
			if reason != "" {
				d.fault("fields."+column.name, "%s", reason)
			}
			values = append(values, tidings.ContactField{Key: column.field.Key, Value: value})
		}
	}
	row.change = c.reader.read(d, &in)
	row.change.Fields = values
	row.faults = d.faults
	return row, true, nil
}

// csvReason puts an error of the CSV reader into words that begin with the line.
func csvReason(err error) string {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Sprintf("line %d, byte %d: %s", e.Line, e.Column, strings.TrimPrefix(e.Err.Error(), "csv: "))
	}
	return err.Error()
}
