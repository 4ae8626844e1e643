package workflow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tidings"
)

// FuzzDefinition holds that nothing that reads a definition breaks off, and
// that what passes the check runs to an end.
func FuzzDefinition(f *testing.F) {
	f.Add(circle)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sections(string(text))["workflow"])
	}
	store := shop()
	store.messages[9] = store.messages[3]
	engine := testEngine(store, nil)
	f.Fuzz(func(t *testing.T, text string) {
		var d tidings.Definition
		if json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		problems := Check(&d, store.known())
		UsesOf(&d)
		r, err := engine.Test(t.Context(), 1, &d, DryInput{ContactID: 7, Event: &tidings.Event{TypeKey: "promo", KeyValue: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		fine := !slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
		if fine && r.State != tidings.RunEnded {
			t.Errorf("passes the check, and is %s: %s", r.State, r.Error)
		}
	})
}

// FuzzDryInput holds that an input that can be read is the same after it was written and read again.
func FuzzDryInput(f *testing.F) {
	f.Add(`{"contact":{"id":5,"firstName":"Ann","channels":[{"type":"email","value":"a@b.cd"}],"fields":{"A.B":1.50,"A.C":["x"],"A.D":"2026-01-31"}},"event":{"eventTypeKey":"a","keyValue":"b","params":[{"name":"x","value":{"y":1}}]}}`)
	f.Add(`{"replies":{"WH5":{"a":1}},"otherReplies":{"W":{"format":"xml","body":"<a/>"}},"failures":{"X":"no","Y":{"error":"answered 500","status":500}},"exits":{"s":"b"},"at":"2026-03-01T10:00:00Z","live":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in DryInput
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		once, err := json.Marshal(in)
		if err != nil {
			return // a time beyond what JSON has words for
		}
		var back DryInput
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := json.Marshal(back)
		if err != nil || string(once) != string(twice) {
			t.Errorf("%s\n%s\n%v", once, twice, err)
		}
	})
}
