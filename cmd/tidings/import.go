package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// importCmd groups what is brought in from files.
type importCmd struct {
	Contacts importContactsCmd `cmd:"" help:"Import contacts from a CSV or NDJSON file. Run it again after it was broken off: what is there already does not change."`
}

// importContactsCmd sends a file of contacts to a server, piece by piece.
type importContactsCmd struct {
	File    string `arg:"" help:"The file; - = standard input."`
	Server  string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server."`
	Key     string `required:"" placeholder:"KEY" help:"A key of the account, with the scope ingest or manage (better given in the environment)."`
	Format  string `default:"auto" placeholder:"FORM" enum:"auto,csv,ndjson" help:"Form of the file: csv, ndjson, or auto: as the name's ending says."`
	MatchBy string `default:"any" placeholder:"NAME" enum:"any,id,externalCustomerId,email,sms" help:"By what contacts are found: id, externalCustomerId, email, sms, or any: the first of these that is known."`
	JSON    bool   `name:"json" help:"Print the outcome as JSON."`
}

// imported is the outcome of an import, or of a piece of it.
type imported struct {
	Rows      int64 `json:"rows"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Failed    int64 `json:"failed"`
	Errors    []struct {
		Line   int    `json:"line"`
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"errors,omitempty"`
}

// Limits of the pieces, and of how much is printed.
const (
	pieceBytes = 4 << 20 // of one request's body, without the line of column names
	maxPrinted = 1000    // wrong rows printed; the rest are counted
	maxSends   = 6       // of one piece, while the server can't take it
)

// Run imports.
func (c *importContactsCmd) Run(ctx context.Context, term terminal) error {
	in, size, err := c.open(term)
	if err != nil {
		return err
	}
	defer in.Close()
	csv := c.Format == "csv" || c.Format == "auto" && slices.Contains([]string{".csv", ".tsv", ".txt"}, strings.ToLower(filepath.Ext(c.File)))
	bar := progress(term, size)
	run := contactsImport{c: c, term: term, client: newClient(c.Server, c.Key), contentType: "application/x-ndjson", bar: bar}
	run.client.http.Timeout = 10 * time.Minute
	begun := time.Now()
	if csv {
		run.contentType = "text/csv"
		err = eachCSVPiece(in, run.piece(ctx))
	} else {
		err = eachLinePiece(in, run.piece(ctx))
	}
	if bar != nil {
		_ = bar.Clear() // only for the eye
	}
	if err != nil && run.total.Rows > 0 {
		err = fmt.Errorf("%w\n%s are imported: run the same again to go on", err, countOf(int(run.total.Rows), "row", "rows"))
	}
	if err != nil {
		return err
	}
	return run.sum(time.Since(begun))
}

func (c *importContactsCmd) open(term terminal) (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(term.in), -1, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if info.IsDir() {
		return nil, 0, errors.Join(usageError{fmt.Errorf("%s is a directory", c.File)}, f.Close())
	}
	if !info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, info.Size(), nil
}

// progress makes a bar where somebody sees it; nil where nobody does.
func progress(term terminal, size int64) *progressbar.ProgressBar {
	if f, ok := term.err.(*os.File); !ok || !isTerminal(f) {
		return nil
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(term.err), progressbar.OptionSetDescription("contacts"),
		progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth())
}

// contactsImport is one import under way.
type contactsImport struct {
	c           *importContactsCmd
	term        terminal
	client      *client
	contentType string
	bar         *progressbar.ProgressBar // nil = nobody sees it
	total       imported
	printed     int
}

// filePiece is a part of the file: whole rows, and where they stand.
type filePiece struct {
	header []byte // the line of column names; nil = there is none
	rows   []byte
	line   int // of the first row, from 1
	bytes  int64
}

// piece gives what sends one piece.
func (r *contactsImport) piece(ctx context.Context) func(filePiece) error {
	return func(p filePiece) error {
		var out imported
		if err := r.send(ctx, slices.Concat(p.header, p.rows), &out); err != nil {
			return err
		}
		shift := p.line - 1 - bytes.Count(p.header, []byte{'\n'})
		for _, e := range out.Errors {
			if r.printed++; r.printed > maxPrinted {
				break
			}
			if r.bar != nil {
				_ = r.bar.Clear()
			}
			fmt.Fprintf(r.term.err, "line %d: %s\n", e.Line+shift, strings.TrimSpace(e.Field+" "+e.Reason))
		}
		r.total.Rows += out.Rows
		r.total.Created += out.Created
		r.total.Updated += out.Updated
		r.total.Unchanged += out.Unchanged
		r.total.Failed += out.Failed
		if r.bar != nil {
			_ = r.bar.Add64(p.bytes)
		}
		return nil
	}
}

// send sends a piece until the server has taken it. A piece that may have been
// taken already is sent again all the same: it changes nothing then.
func (r *contactsImport) send(ctx context.Context, body []byte, out *imported) error {
	wait := time.Second
	for try := 1; ; try++ {
		after, err := r.sendOnce(ctx, body, out)
		if err == nil || after < 0 || try == maxSends || ctx.Err() != nil {
			return err
		}
		again := time.NewTimer(max(after, wait))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return err
		}
		wait *= 2
	}
}

// sendOnce gives, with an error, how long the server wants to be left alone;
// below 0 = sending again is of no use.
func (r *contactsImport) sendOnce(ctx context.Context, body []byte, out *imported) (time.Duration, error) {
	path := r.client.base + "/v1/contacts/import"
	if r.c.MatchBy != "any" {
		path += "?" + url.Values{"matchBy": {r.c.MatchBy}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", r.contentType)
	req.Header.Set("Authorization", "Bearer "+r.client.token)
	res, err := r.client.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("no answer from %s: %w", r.client.base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the answer of %s: %w", r.client.base, err)
	case res.StatusCode == http.StatusOK:
		if err := json.Unmarshal(answer, out); err != nil {
			return -1, fmt.Errorf("%s answered what this program does not understand; is it a Tidings server? (%w)", r.client.base, err)
		}
		return 0, nil
	case res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 60)) * time.Second, problem(res.StatusCode, answer)
	}
	return -1, problem(res.StatusCode, answer)
}

// sum prints the outcome. Its error says that rows failed.
func (r *contactsImport) sum(took time.Duration) error {
	t := r.total
	if r.printed > maxPrinted {
		fmt.Fprintln(r.term.err, "and more")
	}
	if r.c.JSON {
		if err := json.NewEncoder(r.term.out).Encode(t); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(r.term.out, "%s in %s: %s created, %s updated, %s unchanged, %s failed\n", countOf(int(t.Rows), "row", "rows"), took.Round(time.Millisecond),
			thousands(t.Created), thousands(t.Updated), thousands(t.Unchanged), thousands(t.Failed))
	}
	if t.Failed > 0 {
		return fmt.Errorf("%s failed", countOf(int(t.Failed), "row", "rows"))
	}
	return nil
}
