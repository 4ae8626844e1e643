package message

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateInbound = flag.Bool("update-inbound", false, "write the expected reports of testdata/inbound anew")

// corpusFinder knows the tokens in testdata/inbound.
func corpusFinder() Finder {
	return Finder{
		VERP: VERP{Domain: "bounces.shop.example", Keys: []VERPKey{{ID: 'k', Secret: []byte("0123456789abcdef0123456789abcdef")}}},
		Link: func(link string) (int64, bool) { return 1304, link == "https://shop.example/u/token-of-1304" },
	}
}

// arrivalOf reads the envelope of a mail of the corpus from the field that
// delivery adds.
func arrivalOf(data []byte) Arrival {
	h, _ := readHeader(data)
	to := h.get("Delivered-To")
	mail, _ := corpusFinder().VERP.Parse(to)
	return Arrival{Data: data, Mail: mail, Complaint: strings.HasPrefix(to, "complaints@")}
}

func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/inbound/*.eml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

// TestEveryFormOfReportIsUnderstood reads the mails of testdata/inbound and
// compares with what stands beside them; -update-inbound writes it anew.
func TestEveryFormOfReportIsUnderstood(t *testing.T) {
	for _, file := range corpus(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := corpusFinder().Read(arrivalOf(data))
			crlf := bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
			if diff := cmp.Diff(got, corpusFinder().Read(arrivalOf(crlf))); diff != "" {
				t.Errorf("with CRLF it reads differently:\n%s", diff)
			}
			text, err := marshalIndented(got)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *updateInbound {
				if err := os.WriteFile(golden, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func marshalIndented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
