package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Bounds of how many rows one commit takes. The more, the fewer pages of the
// indexes are written for each; but whoever else writes waits behind it.
const (
	importBatch   = 1000  // while others write
	importMost    = 10000 // while nobody does
	importQuick   = 250 * time.Millisecond
	importTooLong = 500 * time.Millisecond
)

// nextBatch says how many rows come next, after so many that took so long.
func nextBatch(rows int, took time.Duration, others bool) int {
	switch {
	case others:
		return importBatch
	case took > importTooLong:
		return max(rows/2, importBatch)
	case took < importQuick:
		return min(2*rows, importMost)
	}
	return rows
}

// importedContactsJSON answers an import.
type importedContactsJSON struct {
	Rows      int         `json:"rows" doc:"How many rows were read, blank lines left out."`
	Created   int         `json:"created"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged" doc:"Rows that say what the contact is already."`
	Failed    int         `json:"failed" doc:"Rows of which nothing was stored; errors says why."`
	Errors    []faultJSON `json:"errors" doc:"What is wrong, by line, of up to 100 rows."`
}

// importRow is one row of an import.
type importRow struct {
	index  int // of the line, from 0
	change tidings.ContactChange
	faults []tidings.FieldError // the row is not stored when there are some
}

// importRows reads the rows of a body one by one.
type importRows interface {
	// next gives the next row; false at the end. The error ends the import.
	next() (importRow, bool, error)
}

// importContacts takes many contacts in. Rows that are right are stored though
// others are wrong: nobody can repair a file of a million rows at once, and
// sending it again changes nothing that is right already.
func (s *Server) importContacts(w http.ResponseWriter, r *http.Request, c caller) {
	defer takenWithin(w, longestOperation)()
	q := readQuery(r.URL.RawQuery)
	by := tidings.MatchBy(q.choice("matchBy", "", "id", "externalCustomerId", "email", "sms"))
	csv, err := importForm(r.Header.Get("Content-Type"))
	if err = errors.Join(q.err(), err); err != nil {
		s.fail(w, r, err)
		return
	}
	fields, err := s.store.Fields(r.Context(), c.account())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body, done, err := s.readActivities(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer done()
	var rows importRows = &jsonRows{body: body, reader: newContactReader(fields)}
	if csv {
		if rows, err = newCSVRows(body, newContactReader(fields)); err != nil {
			s.failAs(w, r, err, true)
			return
		}
	}
	run := contactImport{s: s, account: c.account(), by: by}
	if err := run.all(r.Context(), rows); err != nil {
		s.failAs(w, r, err, true)
		return
	}
	answer, err := json.Marshal(&run.result)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, append(answer, '\n'))
}

// importForm says whether a body is CSV; CodeUnsupported when it is neither that nor NDJSON.
func importForm(contentType string) (csv bool, err error) {
	t, params, err := mime.ParseMediaType(contentType)
	if charset := params["charset"]; err == nil && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false, tidings.Errorf(tidings.CodeUnsupported, "the charset must be utf-8")
	}
	switch {
	case err == nil && t == "text/csv":
		return true, nil
	case err == nil && (t == "application/x-ndjson" || t == "application/ndjson"):
		return false, nil
	}
	return false, tidings.Errorf(tidings.CodeUnsupported, "the Content-Type must be application/x-ndjson (one contact a line) or text/csv (with a line of column names)")
}

// contactImport is one import under way.
type contactImport struct {
	s       *Server
	account tidings.AccountID
	by      tidings.MatchBy
	result  importedContactsJSON
	named   int          // rows whose faults are in the result
	size    atomic.Int64 // rows of the next batch that is read
}

// all stores all rows, batch by batch, and reads the next batch meanwhile.
func (m *contactImport) all(ctx context.Context, rows importRows) error {
	m.result.Errors = []faultJSON{}
	m.size.Store(importBatch)
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan []importRow, 1)
	var broken error // of the reading; read after the channel is closed
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(batches)
		for broken == nil {
			var batch []importRow
			if batch, broken = readBatch(rows, int(m.size.Load())); len(batch) == 0 {
				return
			}
			select {
			case batches <- batch:
			case <-ctx.Done():
				return
			}
		}
	})
	defer reading.Wait()
	defer cancel()
	for batch := range batches {
		if err := m.batch(ctx, batch); err != nil {
			return m.stopped(err)
		}
	}
	if broken != nil {
		return m.stopped(broken)
	}
	return ctx.Err()
}

// stopped adds to an error how far the import has come.
func (m *contactImport) stopped(err error) error {
	e, ok := errors.AsType[*tidings.Error](err)
	if !ok || m.result.Rows == 0 {
		return err
	}
	told := *e
	told.Message += fmt.Sprintf(" (%d rows before it are done with: send the rest, or all of it again)", m.result.Rows)
	return &told
}

func readBatch(rows importRows, size int) ([]importRow, error) {
	batch := make([]importRow, 0, size)
	for len(batch) < size {
		row, ok, err := rows.next()
		if err != nil || !ok {
			return batch, err
		}
		batch = append(batch, row)
	}
	return batch, nil
}

// batch stores one batch.
func (m *contactImport) batch(ctx context.Context, rows []importRow) error {
	changes := make([]tidings.ContactChange, 0, len(rows))
	for _, row := range rows {
		if len(row.faults) == 0 {
			changes = append(changes, row.change)
		}
	}
	writes, begun := m.s.store.Writes(), m.s.cfg.Now()
	outcomes, err := m.s.store.ImportContacts(ctx, m.account, changes, m.by)
	if err != nil {
		return err
	}
	others := m.s.store.Writes()-writes > 1
	m.size.Store(int64(nextBatch(len(rows), m.s.cfg.Now().Sub(begun), others)))
	m.result.Rows += len(rows)
	for _, row := range rows {
		if len(row.faults) > 0 {
			m.failed(row.index, row.faults)
			continue
		}
		m.count(row.index, outcomes[0])
		outcomes = outcomes[1:]
	}
	return nil
}

func (m *contactImport) count(index int, o tidings.ContactOutcome) {
	switch e, ok := errors.AsType[*tidings.Error](o.Err); {
	case ok && len(e.Fields) > 0:
		m.failed(index, e.Fields)
	case o.Err != nil:
		m.failed(index, []tidings.FieldError{{Reason: o.Err.Error()}})
	case o.Created:
		m.result.Created++
	case o.Changed:
		m.result.Updated++
	default:
		m.result.Unchanged++
	}
}

func (m *contactImport) failed(index int, faults []tidings.FieldError) {
	m.result.Failed++
	if m.named == tidings.MaxReported {
		return
	}
	m.named++
	for i := range faults {
		faults[i].Index = index
	}
	m.result.Errors = append(m.result.Errors, faultsOf(faults)...)
}

// faultsOf shows faults by line.
func faultsOf(fields []tidings.FieldError) []faultJSON { return faults(fields, true) }

func (s *Server) describeImport() huma.Operation {
	return huma.Operation{
		OperationID: "import-contacts", Method: http.MethodPost, Path: "/v1/contacts/import", Tags: []string{"Contacts"},
		Summary: "Import many contacts",
		Description: fmt.Sprintf("NDJSON, one contact a line as in an upsert, or CSV with a line of column names: CONTACT_ID, EXTERNAL_CUSTOMER_ID, FIRSTNAME, LASTNAME, EMAIL, SMS, REGION, TOWN, ADDRESS, POSTCODE, "+
			"LANGUAGE, TIMEZONE, SUBSCRIPTIONS and the keys of additional fields, in any case; separated by commas, semicolons or tabs. An empty cell leaves what the contact has; lists are separated by semicolons.\n\n"+
			"Each row changes the contact that it is about, or creates it. Rows that are right are stored though others are wrong; sending the same again changes nothing. "+
			"At most %d bytes a request (inflated, when sent with Content-Encoding: gzip): tidings import contacts FILE sends files of any size.", s.cfg.MaxBody),
		Parameters: []*huma.Param{
			{Name: "matchBy", In: "query", Description: "By what alone contacts are found. Default: the first that is known of id, externalCustomerId, email, sms and the other channels.", Schema: &huma.Schema{Type: "string", Enum: []any{"id", "externalCustomerId", "email", "sms"}}},
			{Name: "Content-Encoding", In: "header", Schema: &huma.Schema{Type: "string", Enum: []any{"gzip", "identity"}}},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/x-ndjson": {Schema: s.schema(upsertContactJSON{})},
			"text/csv":             {Schema: &huma.Schema{Type: "string"}},
		}},
		Responses: map[string]*huma.Response{"200": {Description: "Done with all rows; those that failed are named.", Content: jsonOf(s, importedContactsJSON{})}},
		Errors:    []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST "$TIDINGS/v1/contacts/import?matchBy=email" -H "Authorization: Bearer $KEY" -H "Content-Type: text/csv" \
  --data-binary $'EMAIL,FIRSTNAME,PERSONAL.BONUS\nann@example.com,Ann,120\nbo@example.com,Bo,80\n'`),
	}
}
