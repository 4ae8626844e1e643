package ui

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"tidings"
)

// typed makes the form that a browser sends: "name=value", one a field.
func typed(fields ...string) *form {
	f := &form{values: url.Values{}}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		f.values.Add(name, value)
	}
	return f
}

func TestTheConditionEditorReadsWhatIsTyped(t *testing.T) {
	nested := []string{
		"c.join=all", "c.0.field=TOWN", "c.0.op=equals", "c.0.value= Lviv ",
		"c.1.join=any", "c.1.0.field=PERSONAL.BONUS", "c.1.0.op=greater", "c.1.0.value=100",
		"c.1.1.field=EMAIL", "c.1.1.op=oneOf", "c.1.1.value=a@x.example\r\n\r\nb@x.example",
	}
	for _, c := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"nothing typed", []string{"c.join=all", "c.0.field=", "c.0.op=equals", "c.0.value="}, `null`},
		{"nothing sent", nil, `null`},
		{"one row", []string{"c.join=any", "c.0.field=TOWN", "c.0.op=equals", "c.0.value=Lviv"}, `{"any":[{"field":"TOWN","op":"equals","value":"Lviv"}]}`},
		{"rows after the tenth", []string{"c.join=all", "c.10.field=B", "c.10.op=isSet", "c.9.field=A", "c.9.op=isSet"}, `{"all":[{"field":"A","op":"isSet"},{"field":"B","op":"isSet"}]}`},
		{"no value where none is taken", []string{"c.join=all", "c.0.field=TOWN", "c.0.op=isEmpty", "c.0.value=left over"}, `{"all":[{"field":"TOWN","op":"isEmpty"}]}`},
		{"nested", nested, `{"all":[{"field":"TOWN","op":"equals","value":"Lviv"},{"any":[{"field":"PERSONAL.BONUS","op":"greater","value":"100"},{"field":"EMAIL","op":"oneOf","value":["a@x.example","b@x.example"]}]}]}`},
		{"a row added", append(nested, "c.do=add c.1"), `{"all":[{"field":"TOWN","op":"equals","value":"Lviv"},{"any":[{"field":"PERSONAL.BONUS","op":"greater","value":"100"},{"field":"EMAIL","op":"oneOf","value":["a@x.example","b@x.example"]}]}]}`},
		{"a row removed", append(nested, "c.do=remove c.1.0"), `{"all":[{"field":"TOWN","op":"equals","value":"Lviv"},{"any":[{"field":"EMAIL","op":"oneOf","value":["a@x.example","b@x.example"]}]}]}`},
		{"a group removed", append(nested, "c.do=remove c.1"), `{"all":[{"field":"TOWN","op":"equals","value":"Lviv"}]}`},
		{"a step at no place", append(nested[:4:4], "c.do=remove c.7.x"), `{"all":[{"field":"TOWN","op":"equals","value":"Lviv"}]}`},
	} {
		got, _ := readCondition(typed(c.fields...), "c")
		text, err := json.Marshal(got.given())
		if err != nil || string(text) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, text, err, c.want)
		}
	}
}

func TestAStepOfTheConditionEditorShowsTheNextForm(t *testing.T) {
	form := typed("c.join=all", "c.0.field=TOWN", "c.0.op=equals", "c.0.value=Lviv", "c.do=group c")
	got, acted := readCondition(form, "c")
	if !acted || len(got.All) != 2 || got.All[1].Any == nil || len(got.All[1].Any) != 1 {
		t.Errorf("acted %t: %+v", acted, got)
	}
	var page strings.Builder
	view := conditionView{Prefix: "c", At: "blocks.b1.condition", Update: "/x", Root: got, Faults: faults{{Field: "blocks.b1.condition.all[1].any[0]", Reason: "must have one of all, any and field"}, {Field: "blocks.b1.condition.all[0].value", Reason: "is too long"}}}
	if err := conditionEditor(view).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name="c.1.0.field"`, `value="remove c.1"`, "is required: choose what is compared", "is too long", `value="Lviv"`, `hx-post="/x"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the editor has no %q: %s", want, page.String())
		}
	}
	if !strings.Contains(page.String(), `option value="TOWN" selected`) {
		t.Error("a field that is not there any more is not shown as chosen")
	}
}

func TestAConditionIsSaidInWords(t *testing.T) {
	c := condition{All: []tidings.Condition{
		{Field: "TOWN", Op: tidings.Equals, Values: []string{"Lviv"}},
		{Any: []tidings.Condition{{Field: "EMAIL", Op: tidings.IsSet}, {Field: "SMS", Op: tidings.OneOf, Values: []string{"1", "2"}}}},
	}}
	if got, want := c.words(), "TOWN is Lviv and (EMAIL has a value or SMS is one of 1, 2)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzReadCondition(f *testing.F) {
	f.Add("c.join=all&c.0.op=equals&c.0.field=A&c.0.value=1&c.do=add+c")
	f.Add("c.0.0.0.0.0.0.join=any&c.do=remove+c.0")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		c, _ := readCondition(&form{values: values}, "c")
		if !c.isGroup() {
			t.Fatal("the root is no group")
		}
		if err := conditionEditor(conditionView{Prefix: "c", Root: c}).Render(t.Context(), &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		if given := c.given(); given != nil {
			if _, err := json.Marshal(given); err != nil {
				t.Fatal(err)
			}
		}
	})
}
