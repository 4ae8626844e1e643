package tidings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// arrival is the Intake.Now of all tests.
func arrival() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC) }

// seedBody is the seed's example, all but one of the statuses.
func seedBody(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/activities-seed.json")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// compactBody is an array of n activities of some 330 bytes each, as a
// producer of the platform sends them.
func compactBody(n int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"workflowId":245460,"sourceEventKey":"%[1]d","sourceEventTypeKey":"subscribeFromApi",`+
			`"iid":"0bb5e1dc-0d1b-4deb-948f-%012[1]x","contactId":%[1]d,"email":"contact.%[1]d@example.com",`+
			`"activityStatus":"READ","mediaType":"email","messageId":1235215,"messageInstanceId":1622691,`+
			`"messageTag":"1522397496","activityDateTime":"2018-05-15T04:05:53"}`, 1258810400+i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func BenchmarkParseActivities(b *testing.B) {
	const n = 100
	compact := compactBody(n)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, compact, "", "  "); err != nil {
		b.Fatal(err)
	}
	lines := []byte(strings.ReplaceAll(string(compact[1:len(compact)-1]), "},{", "}\n{"))
	bare := bytes.ReplaceAll(compact, []byte(`,"activityDateTime":"2018-05-15T04:05:53"`), nil)
	parse := func(ndjson bool) func([]byte) error {
		in := Intake{Now: arrival(), NDJSON: ndjson}
		return func(body []byte) error {
			_, err := ParseActivities(body, in)
			return err
		}
	}
	for _, bench := range []struct {
		name string
		body []byte
		run  func([]byte) error
	}{
		{"compact", compact, parse(false)},
		{"pretty", pretty.Bytes(), parse(false)},
		{"NDJSON", lines, parse(true)},
		{"without time", bare, parse(false)},
		{"seed", seedBody(b), parse(false)},
		{"json.Valid", compact, func(body []byte) error {
			if !json.Valid(body) {
				return fmt.Errorf("not valid")
			}
			return nil
		}},
		{"json.Unmarshal", compact, func(body []byte) error {
			var all []map[string]any
			return json.Unmarshal(body, &all)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			per := float64(n)
			if bench.name == "seed" {
				per = 8
			}
			body := make([]byte, len(bench.body))
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				copy(body, bench.body) // as parsing uses the body up
				if err := bench.run(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/per, "ns/activity")
		})
	}
}

func BenchmarkReadFacts(b *testing.B) {
	all, err := ParseActivities(compactBody(1), Intake{Now: arrival()})
	if err != nil {
		b.Fatal(err)
	}
	q := ActivityQuery{Email: "CONTACT.1258810400@example.com", MessageTag: "1522397496"}
	b.ReportAllocs()
	for b.Loop() {
		f, err := ReadFacts(all[0].Wire)
		if err != nil || !q.Matches(&f) {
			b.Fatal(f, err)
		}
	}
}

func BenchmarkSearchKey(b *testing.B) {
	for b.Loop() {
		SearchKey(KeyEmail, "contact.1258810400@example.com")
	}
}
