package call

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

func TestExpressionsOfTheSeed(t *testing.T) {
	reply, _ := vtl.ParseJSON([]byte(`[{"id":687266822,"tags":["a"],"it's":{"x-y":null},"none":{}}]`))
	leaves, more := Expressions("contacts_get_by_email", reply)
	var got []string
	for _, l := range leaves {
		got = append(got, l.Path+" | "+string(l.Value)+" | "+l.Expression+" | "+l.Dotted)
	}
	want := []string{
		"[0].id | 687266822 | $data.get('contacts_get_by_email').get(0).get('id') | $data.contacts_get_by_email.get(0).id",
		"[0].tags[0] | \"a\" | $data.get('contacts_get_by_email').get(0).get('tags').get(0) | $data.contacts_get_by_email.get(0).tags.get(0)",
		`[0]["it's"]["x-y"] | null | $data.get('contacts_get_by_email').get(0).get('it''s').get('x-y') | `,
		"[0].none | {} | $data.get('contacts_get_by_email').get(0).get('none') | $data.contacts_get_by_email.get(0).none",
	}
	if more || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if leaves, _ := Expressions("Мій вебхук №1", vtl.String("x")); leaves[0].Expression != "$data.get('Мій вебхук №1')" || leaves[0].Dotted != "" || leaves[0].Path != "" {
		t.Errorf("got %+v", leaves)
	}
	if _, more := Expressions("WH", many(maxLeaves)); more {
		t.Error("as many leaves as there may be are too many")
	}
	if leaves, more := Expressions("WH", many(maxLeaves+1)); !more || len(leaves) != maxLeaves {
		t.Errorf("%d leaves, more %v", len(leaves), more)
	}
}

func many(n int) vtl.Value {
	items := make([]vtl.Value, n)
	return vtl.ListValue(vtl.NewList(items...))
}

// TestEveryExpressionReachesItsValue over any JSON and any name of a webhook.
func TestEveryExpressionReachesItsValue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Z_' $#.№"-]{1,8}`).Draw(rt, "name")
		raw, err := json.Marshal(anyJSON(3).Draw(rt, "reply"))
		if err != nil {
			rt.Fatal(err)
		}
		reply, err := vtl.ParseJSON(raw)
		if err != nil {
			rt.Fatal(err)
		}
		leaves, _ := Expressions(name, reply)
		for _, l := range leaves {
			if l.Expression == "" && !strings.Contains(l.Path, `\x1c`) && !strings.Contains(l.Path, "%") {
				rt.Fatalf("%s has no expression", l.Path)
			}
			for _, expression := range []string{l.Expression, l.Dotted} {
				if expression == "" {
					continue
				}
				body := "[$!" + strings.TrimPrefix(expression, "$") + "]"
				got, problem := rendering(t, string(tidings.BodyJSON), body, scope.Scope{Replies: []scope.NamedReply{{Name: name, Value: reply}}})
				if problem != nil || got != "["+string(l.Value)+"]" {
					rt.Fatalf("%s gives %s, %v; want %s", body, got, problem, l.Value)
				}
			}
		}
	})
}

// anyJSON draws a value as encoding/json makes it, at most so deep.
func anyJSON(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(), rapid.Int64().AsAny(),
		rapid.Float64Range(-1e300, 1e300).AsAny(),
		rapid.SampledFrom([]any{"", `"`, `\`, "\u2028\u0000\n", "$x ${y} #set($z=1) %TOWN%", json.Number("123456789012345678901234567890"), "😀"}),
	)
	if depth == 0 {
		return leaf
	}
	inner := anyJSON(depth - 1)
	return rapid.OneOf(leaf, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())
}

// TestAnyJSONThroughAJSONBodyIsItself: as an event's parameter, as a reply,
// and as text in a string.
func TestAnyJSONThroughAJSONBodyIsItself(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw, err := json.Marshal(anyJSON(4).Draw(rt, "value"))
		if err != nil {
			rt.Fatal(err)
		}
		text, _ := json.Marshal(string(raw))
		reply, err := vtl.ParseJSON(raw)
		if err != nil {
			rt.Fatal(err)
		}
		s := scope.Scope{
			Event:   &tidings.Event{Params: []tidings.EventParam{{Name: "v", Value: raw}, {Name: "t", Value: text}}},
			Replies: []scope.NamedReply{{Name: "WH 5", Value: reply}},
		}
		got, problem := rendering(t, string(tidings.BodyJSON), `{"a":$!v,"b":$!data.get('WH 5'),"c":"$t","d":[ $!event.params.v ]}`, s)
		if problem != nil {
			rt.Fatalf("%s: %v", raw, problem)
		}
		var out struct {
			A, B json.RawMessage
			C    string
			D    []json.RawMessage
		}
		if err := json.Unmarshal([]byte(got), &out); err != nil {
			rt.Fatalf("%s: %v", got, err)
		}
		if out.C != string(raw) {
			rt.Fatalf("%q is %q", raw, out.C)
		}
		for _, v := range []json.RawMessage{out.A, out.B, out.D[0]} {
			if same(v) != same(raw) {
				rt.Fatalf("%s is %s", raw, v)
			}
		}
	})
}

// same writes JSON in one form, numbers included.
func same(raw []byte) string {
	v, err := vtl.ParseJSON(raw)
	if err != nil {
		return err.Error()
	}
	b, err := scope.AppendJSON(nil, nil, v)
	if err != nil {
		return err.Error()
	}
	var out any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return err.Error()
	}
	b, _ = json.Marshal(out) // keys sorted
	return string(b)
}
