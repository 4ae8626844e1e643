package tidings

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzParseActivities holds the scanner against encoding/json: what it takes is
// JSON and says the same, what is not JSON it does not take; and a refusal can
// always be shown.
func FuzzParseActivities(f *testing.F) {
	seed := seedBody(f)
	f.Add(seed, false)
	f.Add(bytes.ReplaceAll(compactBody(3)[1:], []byte("},{"), []byte("}\n{")), true)
	for _, s := range []string{
		"[" + whole(`,"statusData":{"subscription":{"subscriptions":["A"]}},"email":"\u0061@\ud83d\ude00"`) + "]",
		`[ {"contactId":-0,"activityStatus":"SENT" , "mediaType":"mobilepush"},{"contactId":1,"activityStatus":"READ","mediaType":"sms","activityDateTime":"2020-01-01T00:00:00.5+01:00"}]`,
		`[{"contactId":1,"activityStatus":"CLICKED","mediaType":"viber","clickEventLink":"x","sms":"1","viber":"2","x":[1.5e-7,{"y":null}]}, null]`,
	} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, ndjson bool) {
		in := testIntake()
		in.NDJSON = ndjson
		all, err := ParseActivities(bytes.Clone(body), in)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		texts := bytes.Split(body, []byte("\n"))
		if !ndjson {
			var raw []json.RawMessage
			if err := json.Unmarshal(body, &raw); err != nil {
				t.Fatalf("%q was taken: %v", body, err)
			}
			texts = texts[:0]
			for _, r := range raw {
				texts = append(texts, r)
			}
		}
		for _, text := range texts {
			if len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			checkKept(t, all[0])
			checkSame(t, text, all[0].Wire)
			all = all[1:]
		}
		if len(all) != 0 {
			t.Fatalf("%q: %d activities too many", body, len(all))
		}
	})
}

// checkRefusal checks that an error can be shown and is not endless.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != CodeInvalid && e.Code != CodeTooLarge || !utf8.ValidString(e.Error()) {
		t.Fatalf("%v", err)
	}
	if len(e.Fields) > MaxReported*maxFaults+1 {
		t.Fatalf("%d faults", len(e.Fields))
	}
	for _, f := range e.Fields {
		if !utf8.ValidString(f.Field) || !utf8.ValidString(f.Reason) || len(f.Field)+len(f.Reason) > 400 {
			t.Fatalf("%q", f.String())
		}
	}
}

// checkSame compares an activity with its wire bytes, but for what ingest changes.
func checkSame(t *testing.T, text, wire []byte) {
	t.Helper()
	if !json.Valid(text) {
		t.Fatalf("%q was taken", text)
	}
	var was, is map[string]any
	for into, b := range map[*map[string]any][]byte{&was: text, &is: wire} {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
	}
	if was["iid"] == nil {
		was["iid"] = testID
	}
	at := arrival()
	if s, ok := was["activityDateTime"].(string); ok {
		var err error
		if at, err = ParseDateTime(s); err != nil {
			t.Fatal(err)
		}
	}
	was["activityDateTime"] = FormatDateTime(at)
	if !reflect.DeepEqual(was, is) {
		t.Fatalf("%q became %q", text, wire)
	}
}

// FuzzReadFacts checks that no bytes of a broken store do harm, and that only
// JSON is read.
func FuzzReadFacts(f *testing.F) {
	all, err := ParseActivities(seedBody(f), testIntake())
	if err != nil {
		f.Fatal(err)
	}
	for _, a := range all {
		f.Add(a.Wire)
	}
	f.Add([]byte(`{"contactId":1,"activityStatus":"R\u0045AD","mediaType":"sms","activityDateTime":"2020-01-01T00:00:00Z","email":"\ud800"}`))
	f.Fuzz(func(t *testing.T, wire []byte) {
		before := bytes.Clone(wire)
		facts, err := ReadFacts(wire)
		if !bytes.Equal(before, wire) {
			t.Fatalf("%q was changed", before)
		}
		if err == nil && (!json.Valid(wire) || facts.Kind.Status() == 0 || facts.Kind.MediaType() == 0 || facts.At < minDateTime || facts.At > maxDateTime) {
			t.Fatalf("%q was read: %+v", wire, facts)
		}
	})
}
