package store

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidings"
)

// knownFields makes a set of fields of every type.
func knownFields() *fieldSet {
	set := &fieldSet{byID: map[string]tidings.Field{}, byKey: map[tidings.FieldKey]tidings.Field{}}
	for i, t := range tidings.FieldTypes() {
		for k := range 2 {
			f := tidings.Field{ID: tidings.FieldID(10*i + k + 1), Key: tidings.FieldKey(fmt.Sprintf("K.%s%d", t, k)), Type: t}
			set.byID[strconv.FormatInt(int64(f.ID), 10)], set.byKey[f.Key] = f, f
		}
	}
	return set
}

func TestFieldsComeBackWhateverTheirTexts(t *testing.T) {
	set := knownFields()
	rapid.Check(t, func(t *rapid.T) {
		var c tidings.Contact
		for key, f := range set.byKey {
			v := tidings.FieldValue{Type: f.Type}
			switch f.Type {
			case tidings.FieldText:
				v.Text = rapid.String().Draw(t, "text")
			case tidings.FieldNumber:
				v.Text = rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
			case tidings.FieldDate:
				v.Text = rapid.StringMatching(`20[0-9]{2}-0[1-9]-[12][0-9](T[01][0-9]:[0-5][0-9]:[0-5][0-9]Z)?`).Draw(t, "date")
			case tidings.FieldBool:
				v.Text = strconv.FormatBool(rapid.Bool().Draw(t, "bool"))
			case tidings.FieldList:
				v.List = rapid.SliceOfDistinct(rapid.String(), rapid.ID).Draw(t, "list")
			}
			change := tidings.ContactChange{Fields: []tidings.ContactField{{Key: key, Value: v}}}
			change.Apply(&c)
		}
		got, err := set.decode(set.encode(c.Fields))
		if diff := cmp.Diff(c.Fields, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s\nof %s", err, diff, set.encode(c.Fields))
		}
	})
}

func FuzzFieldsColumn(f *testing.F) {
	for _, column := range []string{`{"1":"a","11":-1.5e3,"21":"2026-01-31","31":true,"41":["a]","b\""]}`, `{"1":"\\"}`, `{`, `{"1`, `{"1":`, `{"1":}`, `{"1":"`, `{"1":[`, `null`} {
		f.Add(column)
	}
	set := knownFields()
	f.Fuzz(func(t *testing.T, column string) {
		fields, err := set.decode(column)
		if err != nil {
			return
		}
		for _, field := range fields {
			if set.byKey[field.Key].Type != field.Value.Type {
				t.Errorf("%q: field %s has a value of type %s", column, field.Key, field.Value.Type)
			}
		}
	})
}

func TestFieldsReadBeforeAChangeAreNotKept(t *testing.T) {
	var cache fieldCache
	_, round := cache.get(1)
	cache.forget() // a field is made, between the look-up and the keeping
	cache.put(1, knownFields(), round)
	if set, _ := cache.get(1); set != nil {
		t.Error("the older fields are kept")
	}
	_, round = cache.get(1)
	for account := range tidings.AccountID(maxCachedFields + 10) {
		cache.put(account, knownFields(), round)
	}
	if n := len(cache.of); n > maxCachedFields {
		t.Errorf("holds the fields of %d accounts", n)
	}
}
