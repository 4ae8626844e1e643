package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"tidings/api"
)

// eachLinePiece cuts NDJSON into pieces of whole lines.
func eachLinePiece(r io.Reader, send func(filePiece) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	p := filePiece{line: 1}
	count := 0
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		p.rows = append(p.rows, line...)
		p.bytes += int64(len(line))
		count++
		if len(p.rows) >= pieceBytes || err == io.EOF {
			if len(bytes.TrimSpace(p.rows)) > 0 {
				if err := send(p); err != nil {
					return err
				}
			}
			p = filePiece{line: p.line + count, rows: p.rows[:0]}
			count = 0
		}
		if err == io.EOF {
			return nil
		}
	}
}

// eachCSVPiece cuts CSV into pieces of whole rows, each with the file's line of
// column names before it. Rows are cut out of the file as they stand there.
func eachCSVPiece(r io.Reader, send func(filePiece) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	first, err := in.Peek(in.Size())
	if err != nil && err != io.EOF {
		return err
	}
	first = bytes.TrimPrefix(first, []byte("\xef\xbb\xbf"))
	raw := &bytes.Buffer{} // what the reader has taken and was not cut out yet
	rows := csv.NewReader(io.TeeReader(in, raw))
	rows.Comma, rows.FieldsPerRecord, rows.ReuseRecord = api.CSVSeparator(first), -1, true
	p := filePiece{line: 1}
	taken, sent := int64(0), false
	for {
		_, err := rows.Read()
		end := err == io.EOF
		if err != nil && !end {
			return csvError(err)
		}
		row := raw.Next(int(rows.InputOffset() - taken))
		taken = rows.InputOffset()
		p.bytes += int64(len(row))
		if p.header == nil && !end {
			p.header = bytes.Clone(bytes.TrimPrefix(row, []byte("\xef\xbb\xbf")))
			if !bytes.HasSuffix(p.header, []byte{'\n'}) {
				p.header = append(p.header, '\n') // the file ends here
			}
			p.line = 1 + bytes.Count(p.header, []byte{'\n'})
		} else {
			p.rows = append(p.rows, row...)
		}
		// Column names without rows go, too: the server says what is wrong with them.
		if len(p.rows) >= pieceBytes || end && (len(p.rows) > 0 || !sent) {
			if err := send(p); err != nil {
				return err
			}
			sent = true
			p = filePiece{header: p.header, line: p.line + bytes.Count(p.rows, []byte{'\n'}), rows: p.rows[:0]}
		}
		if end {
			return nil
		}
	}
}

func csvError(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("line %d, byte %d: this is no CSV: %w", e.Line, e.Column, e.Err)
	}
	return err
}
