package api_test

import (
	"bytes"
	"fmt"
	"testing"

	"tidings"
	"tidings/api"
)

// FuzzContactRows: whatever the file, it comes to an end, rows stand on lines
// that the file has, and what is accepted of a row is what the store may be given.
func FuzzContactRows(f *testing.F) {
	for _, seed := range []string{
		"EMAIL,SHOP.N\na@example.com,1\n", "EMAIL;SHOP.L\n\"a\n\"\"b\";x;y\n", "\xef\xbb\xbfSMS\tSHOP.D\r\n+38 067 123 45 67\t2026-01-31\r\n", "EMAIL\n\"", "CONTACT_ID,SHOP.B\n1,yes\n,\n",
		`{"email":"a@example.com","fields":{"SHOP.N":1e5,"SHOP.L":["x"]}}` + "\n\n{}", `{"channels":[{"type":"sms","value":"1234567"}],"address":null,"fields":null}`, `[`, "\x00\n\xff",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	var fields []tidings.Field
	for i, t := range tidings.FieldTypes() {
		fields = append(fields, tidings.Field{ID: tidings.FieldID(i + 1), Key: tidings.FieldKey(fmt.Sprintf("SHOP.%c", "TNDBL"[i])), Type: t})
	}
	f.Fuzz(func(t *testing.T, body []byte, csv bool) {
		lines := bytes.Count(body, []byte{'\n'}) + bytes.Count(body, []byte{'\r'}) + 1
		api.EachContactRow(body, csv, fields, func(line int, change tidings.ContactChange, faults []tidings.FieldError) {
			if line < 1 || line > lines {
				t.Errorf("a row on line %d of %d", line, lines)
			}
			if len(faults) > 0 {
				return
			}
			var c tidings.Contact
			change.Apply(&c)
			for _, field := range c.Fields {
				if again, reason := tidings.ParseFieldValue(field.Value.Type, field.Value.Text); field.Value.Type != tidings.FieldList && (reason != "" || !again.Equal(field.Value)) {
					t.Errorf("%s has the value %q: %s", field.Key, field.Value.Text, reason)
				}
			}
			for _, ch := range c.Channels {
				if again, reason := tidings.CheckChannel(ch.Type, ch.Value); reason != "" || again != ch.Value {
					t.Errorf("an address %q: %s", ch.Value, reason)
				}
			}
			if change.Apply(&c) {
				t.Error("the same change changes the contact again")
			}
		})
	})
}

// FuzzCondition: what is accepted can be asked, and what is not is named.
func FuzzCondition(f *testing.F) {
	for _, seed := range []string{`{"field":"TOWN","op":"equals","value":"x"}`, `{"all":[{"field":"A","op":"oneOf","value":[1,true,"x"]}]}`, `{"any":[]}`, `{"field":"D","op":"greater","value":"2026-01-31"}`, `{"field":"N","op":"less","value":1e400}`} {
		f.Add([]byte(seed))
	}
	contact := tidings.Contact{ID: 1, Town: "x", Fields: []tidings.ContactField{
		{Key: "D", Value: tidings.FieldValue{Type: tidings.FieldDate, Text: "2026-01-31"}}, {Key: "N", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "1e999"}},
	}}
	f.Fuzz(func(t *testing.T, body []byte) {
		condition, err := api.DecodeCondition(body)
		if err != nil {
			if code := tidings.CodeOf(err); code != tidings.CodeInvalid {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		condition.Matcher()(contact.Value)
	})
}
