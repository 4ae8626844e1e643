package main

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"tidings/api"
)

// FuzzCSVPieces: the pieces of a file are the file, row for row, each row on its line.
func FuzzCSVPieces(f *testing.F) {
	for _, seed := range []string{"A,B\n1,2\n3,4\n", "A;B\r\n\"x\n;\"\"y\";2\r\n", "\xef\xbb\xbfA\n\n\nx\n", "A\n\"", "", "\n", "A", "A\tB\n1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		var got []byte
		err := eachCSVPiece(strings.NewReader(file), func(p filePiece) error {
			if got = slices.Concat(got, p.header, p.rows); p.line != 1+bytes.Count(p.header, []byte{'\n'}) {
				t.Errorf("the rows after %q are on line %d", p.header, p.line)
			}
			return nil
		})
		file = strings.TrimPrefix(file, "\xef\xbb\xbf")
		want, wantErr := readCSV(file)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err != nil {
			return
		}
		have, err := readCSV(string(got))
		if err != nil || !slices.EqualFunc(have, want, slices.Equal) {
			t.Errorf("%q is cut into %q: %q, want %q (%v)", file, got, have, want, err)
		}
	})
}

func readCSV(file string) ([][]string, error) {
	rows := csv.NewReader(strings.NewReader(file))
	rows.Comma, rows.FieldsPerRecord = api.CSVSeparator([]byte(file)), -1
	return rows.ReadAll()
}
