package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// exportPage is how many activities of an export are in memory at once, and
// maxExportWrite how long a client may take for them before it is let go.
const (
	exportPage     = 500
	maxExportWrite = time.Minute
)

// errNotTaken ends an export whose client has gone, or is too slow: nobody needs to know.
var errNotTaken = errors.New("the client does not take the answer")

// exportForm writes pages of an export in one of its formats. The bytes that it
// gives are good until it is called again.
type exportForm func([]tidings.Found) ([]byte, error)

// export answers with all that a search finds, page by page. Once the answer
// has begun, only breaking the connection tells that it is not whole.
func (s *Server) export(w http.ResponseWriter, r *http.Request, c caller) {
	q := readQuery(r.URL.RawQuery)
	find := q.conditions(s.cfg.Now())
	csv := q.choice("format", "ndjson", "csv") == "csv"
	if err := q.err(); err != nil {
		s.fail(w, r, err)
		return
	}
	find.Account, find.Limit = c.account(), exportPage
	leave, ok := s.stream()
	if !ok {
		s.fail(w, r, s.tooManyStreams())
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	first, last, err := s.exportRange(ctx, find)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Tidings-First", strconv.FormatInt(int64(first), 10))
	header.Set("Tidings-Last", strconv.FormatInt(int64(last), 10))
	form, kind := exportNDJSON(), "ndjson"
	header.Set("Content-Type", "application/x-ndjson")
	if csv {
		form, kind = exportCSV(), "csv"
		header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	}
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="activities_%s_%s.%s"`,
		find.From.UTC().Format("20060102T150405"), find.To.UTC().Format("20060102T150405"), kind))
	if err := s.exportPages(ctx, w, find, last, form); err != nil {
		if ctx.Err() == nil && !errors.Is(err, errNotTaken) {
			s.internal(ctx, fmt.Errorf("an export was broken off: %w", err), &problemJSON{})
		}
		panic(http.ErrAbortHandler)
	}
}

// exportRange gives the seqs of the first and the last activity in the
// interval of a search, so that it is known of a seq how far it is; 0 when there is none.
func (s *Server) exportRange(ctx context.Context, find tidings.ActivityQuery) (first, last tidings.Seq, err error) {
	end := func(descending bool) (tidings.Seq, error) {
		q := tidings.ActivityQuery{Account: find.Account, From: find.From, To: find.To, Limit: 1, Descending: descending}
		for {
			page, err := s.store.Search(ctx, q)
			switch {
			case err != nil:
				return 0, err
			case len(page.Found) > 0:
				return page.Found[0].Seq, nil
			case page.Next == 0:
				return 0, nil
			}
			q.After = page.Next
		}
	}
	if last, err = end(true); err != nil || last == 0 {
		return 0, 0, err
	}
	first, err = end(false)
	return first, last, err
}

// exportPages writes what is found up to a seq: what arrives meanwhile is left out.
func (s *Server) exportPages(ctx context.Context, w http.ResponseWriter, find tidings.ActivityQuery, last tidings.Seq, form exportForm) error {
	control := http.NewResponseController(w)
	// A connection without deadlines (a test's) is written to without one.
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	for {
		var page tidings.SearchPage
		if find.After < last {
			var err error
			if page, err = s.store.Search(ctx, find); err != nil {
				return err
			}
		}
		for n := len(page.Found); n > 0 && page.Found[n-1].Seq > last; n-- {
			page.Found, page.Next = page.Found[:n-1], 0
		}
		text, err := form(page.Found)
		if err != nil {
			return err
		}
		_ = control.SetWriteDeadline(time.Now().Add(maxExportWrite))
		if _, err := w.Write(text); err != nil {
			return errNotTaken
		}
		if page.Next == 0 || page.Next >= last {
			return ctx.Err()
		}
		if control.Flush() != nil {
			return errNotTaken
		}
		find.After = page.Next
	}
}

// exportNDJSON writes an object a line, as the feed is read.
func exportNDJSON() exportForm {
	out := newFoundWriter(true)
	return func(page []tidings.Found) ([]byte, error) {
		out.buf = out.buf[:0]
		for _, f := range page {
			out.add(f.Seq, f.Wire)
		}
		return out.buf, nil
	}
}

// exportCSV writes a row an activity, after one with the names of the columns.
func exportCSV() exportForm {
	var buf bytes.Buffer
	out := csv.NewWriter(&buf)
	out.UseCRLF = true
	names := append([]string{"seq"}, tidings.ActivityFields()...)
	begun := false
	return func(page []tidings.Found) ([]byte, error) {
		buf.Reset()
		if !begun {
			begun = true
			if err := out.Write(names); err != nil {
				return nil, err
			}
		}
		row := make([]string, len(names))
		for _, f := range page {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(f.Wire, &fields); err != nil {
				return nil, fmt.Errorf("activity %d: %w", f.Seq, err)
			}
			row[0] = strconv.FormatInt(int64(f.Seq), 10)
			for i, name := range names[1:] {
				cell, err := csvCell(fields[name])
				if err != nil {
					return nil, fmt.Errorf("activity %d, %s: %w", f.Seq, name, err)
				}
				row[i+1] = cell
			}
			if err := out.Write(row); err != nil {
				return nil, err
			}
		}
		out.Flush()
		return buf.Bytes(), out.Error()
	}
}

// csvCell gives a value as text: of a string its characters, of all else the
// JSON. A text that a spreadsheet could take for a formula gets an apostrophe
// before it (https://owasp.org/www-community/attacks/CSV_Injection).
func csvCell(value json.RawMessage) (string, error) {
	if len(value) == 0 || value[0] != '"' {
		return string(value), nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return "", err
	}
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		text = "'" + text
	}
	return text, nil
}

func (s *Server) describeExport() huma.Operation {
	whole := func(name, doc string) *huma.Param {
		return &huma.Param{Name: name, Description: doc, Schema: &huma.Schema{Type: "integer", Format: "int64"}}
	}
	return huma.Operation{
		OperationID: "export-activities", Method: http.MethodGet, Path: "/v1/activities/export", Tags: []string{"Activities"},
		Summary: "Take all activities that a search finds, as a file",
		Description: "The conditions are those of search-activities. Everything that was there when the export began comes, by seq, however much it is; what arrives meanwhile does not. " +
			"An export that can't be brought to its end breaks the connection. In csv the columns are seq and the fields of an activity; statusData is JSON, and a text that begins as a formula would has an apostrophe before it.",
		Parameters: append(
			conditionParams(),
			&huma.Param{Name: "format", In: "query", Description: "ndjson: lines of {seq, activity}.", Schema: &huma.Schema{Type: "string", Enum: []any{"ndjson", "csv"}, Default: "ndjson"}},
		),
		Responses: map[string]*huma.Response{"200": {
			Description: "The activities.",
			Headers: map[string]*huma.Param{
				"Tidings-First": whole("Tidings-First", "The first seq of the interval: how far a seq is from here to Tidings-Last says how far the export is. 0 = there is none."),
				"Tidings-Last":  whole("Tidings-Last", "The last seq of the interval."),
			},
			Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: foundSchema()}, "text/csv": {Schema: &huma.Schema{Type: "string"}}},
		}},
		Errors:     []int{400, 429, 503},
		Extensions: curl(`curl --fail-with-body -o clicks.csv "$TIDINGS/v1/activities/export?from=2026-01-01&to=2026-01-31&status=CLICKED&format=csv" -H "Authorization: Bearer $KEY"`),
	}
}
