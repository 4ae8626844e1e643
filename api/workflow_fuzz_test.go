package api_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"tidings"
	"tidings/api"
)

// FuzzDefinition: what is accepted as a workflow's definition comes out as it
// went in, and passes the rules of what can be saved; what is refused is named.
func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{
		workflowOfSeed, workflowThatWaits, smallestWorkflow, `{}`, `null`, `{"start":"a","blocks":[{"id":"a","kind":"split","percent":101}]}`,
		`{"trigger":{"activity":{"activityStatus":"CLICKED"},"once":{"mode":"per","perSeconds":60}},"blocks":[{"id":"c","kind":"condition","condition":{"any":[{"field":"x","op":"matches","value":"("}]}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		def, err := api.DecodeDefinition(data)
		if err != nil {
			if api.StatusOf(err) != 422 && api.StatusOf(err) != 400 {
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		if faults := tidings.CheckDefinition(def); len(faults) > 0 {
			t.Fatalf("accepted although %v", faults)
		}
		text, err := json.Marshal(def)
		if err != nil {
			t.Fatal(err)
		}
		again, err := api.DecodeDefinition(text)
		if err != nil {
			t.Fatalf("what was accepted is refused as it is shown: %v\n%s", err, text)
		}
		second, err := json.Marshal(again)
		if err != nil || !reflect.DeepEqual(text, second) {
			t.Fatalf("it comes out as\n%s\nand then as\n%s", text, second)
		}
	})
}
