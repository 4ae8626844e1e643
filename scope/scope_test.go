package scope

import (
	"testing"

	"tidings"
	"tidings/vtl"
)

func TestNamesOfContactsAreKnownInAnyCase(t *testing.T) {
	additional := []tidings.FieldKey{"PERSONAL.BONUS", "A.B.C"}
	tests := []struct {
		name         string
		field, group bool
	}{
		{"town", true, false},
		{"Phone", true, false},
		{"personal.bonus", true, false},
		{"PERSONAL", false, true},
		{"person", false, false},
		{"a.b", false, true},
		{"A.B.C", true, false},
		{"BONUS", false, false},
		{"", false, false},
	}
	for _, tt := range tests {
		if field, group := IsField(tt.name, additional), IsGroup(tt.name, additional); field != tt.field || group != tt.group {
			t.Errorf("%q: field %v, group %v", tt.name, field, group)
		}
	}
}

func TestTheNearestMeaningOfANameWins(t *testing.T) {
	s := Scope{
		Contact:  &tidings.Contact{ID: 7, Town: "Lviv"},
		Event:    &tidings.Event{Params: []tidings.EventParam{{Name: "TOWN", Value: []byte(`"Kyiv"`)}, {Name: "WH", Value: []byte(`1`)}}},
		Replies:  []NamedReply{{Name: "WH", Value: vtl.String("of the webhook")}},
		Instance: "i-1",
	}
	for name, want := range map[string]string{"TOWN": "Kyiv", "town": "Lviv", "contact_id": "7", "workflowInstanceId": "i-1"} {
		v, ok := s.Lookup(name)
		got, err := AppendJSON(nil, nil, v)
		if text := `"` + want + `"`; !ok || err != nil || string(got) != text && string(got) != want {
			t.Errorf("%s is %s, %v, %v; not %s", name, got, ok, err, want)
		}
	}
	data, _ := s.Lookup("data")
	if got, err := AppendJSON(nil, nil, data); err != nil || string(got) != `{"TOWN":"Kyiv","WH":"of the webhook"}` {
		t.Errorf("$data is %s, %v", got, err)
	}
	if _, ok := s.Lookup("nothing"); ok {
		t.Error("a name that nobody has is found")
	}
}
