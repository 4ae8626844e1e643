package vtl

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"tidings/vtl/internal/java"
)

// oddArguments are values that a template may hand to any method.
func oddArguments() *Map {
	m := NewMap(0)
	pair := NewMap(0)
	pair.Set("a", Int32(1))
	big400 := new(big.Int).Lsh(big.NewInt(1), 400)
	for i, v := range []Value{
		Null, String(""), String("abc"), String("yyyy-MM-dd"), String("#,##0.00"), String("a\xed\xa0\xbd"), String("😀"),
		Int32(0), Int32(-1), Int32(math.MaxInt32), Int64(math.MinInt64), BigInt(big400), Float(math.NaN()), Float(1e300),
		Float(math.Inf(-1)), DecimalValue(Decimal{Unscaled: big400, Scale: 3}), Bool(true), Char(0xd83d),
		ListValue(NewList()), ListValue(NewList(Null, Int32(1), String("x"))), ListValue(NewArray(String("b"), String("a"))),
		ListValue(newRange(1, math.MaxInt32)), MapValue(pair), ObjectValue(&dateValue{math.MaxInt64}),
		ObjectValue(&calendarValue{math.MinInt64, java.LookupLocale("en")}), ObjectValue(&comparison{ms: math.MinInt64}), ObjectValue(mathTool{}),
	} {
		m.Set("v"+itoa(i), v)
	}
	return m
}

func TestEveryToolMethodTakesAnyArguments(t *testing.T) {
	receivers := NewMap(0)
	for name, tool := range StandardTools() {
		receivers.Set(name, tool)
	}
	args := oddArguments()
	for i := range args.Len() {
		name, v := args.At(i)
		receivers.Set(name.Str(), v)
	}
	receivers.Set("content", wrapJSON(ListValue(NewList(Int32(1)))))
	receivers.Set("date0", ObjectValue(&dateValue{0}))
	receivers.Set("locale", ObjectValue(&localeValue{"uk_UA", java.LookupLocale("uk_UA")}))
	objects := []string{"math", "number", "date", "esc", "sorter", "display", "json", "content", "date0", "v23", "v24", "v25"}
	for _, object := range objects {
		v, _ := receivers.Get(object)
		for name, overloads := range v.Object().Class().Methods {
			for _, m := range overloads {
				arities := []int{m.Arity}
				if m.Arity == Variadic {
					arities = []int{0, 1, 2}
				}
				for _, n := range arities {
					callWithAll(t, receivers, "$"+object+"."+name, args.Len(), n)
				}
			}
		}
	}
}

// callWithAll calls a method with every argument in every place; the other places
// go through the arguments at a different pace.
func callWithAll(t *testing.T, vars *Map, call string, values, arity int) {
	t.Helper()
	turns := 1
	if arity > 0 {
		turns = values * values
	}
	for turn := range turns {
		names := make([]string, arity)
		for i := range names {
			at := turn % values
			if i > 0 {
				at = (turn/values + 7*(i-1)*turn) % values
			}
			names[i] = "$v" + itoa(at)
		}
		source := call + "(" + strings.Join(names, ",") + ")"
		tmpl, err := Parse("t", source, Options{})
		if err != nil {
			t.Fatal(err)
		}
		opts := toolOptions()
		opts.Limits = Limits{Steps: 5000, String: 10_000, Memory: 100_000, Collection: 1000, Output: 10_000}
		out, err := tmpl.Render(nil, vars, opts)
		var e *Error
		switch {
		case err == nil && len(out) > opts.Limits.Output:
			t.Errorf("%s writes %d bytes", source, len(out))
		case err != nil && (!errors.As(err, &e) || e.Kind == KindInternal):
			t.Errorf("%s: %v", source, err)
		}
	}
}

func FuzzTools(f *testing.F) {
	f.Add("date", "format", "yyyy-MM-dd", "2026-01-01", 5)
	f.Add("number", "format", "#,##0.00", "12", -1)
	f.Add("display", "printf", "%5d|%s", "x", 3)
	f.Add("json", "parse", `{"a":[1.5e300,{"b":null}]}`, "", 0)
	f.Add("display", "stripTags", "<b>x</b>", "b", 0)
	f.Add("date", "addMonths", "31/01/2020", "", 1)
	names := []string{"math", "number", "date", "esc", "sorter", "display", "json"}
	f.Fuzz(func(t *testing.T, tool, method, a, b string, n int) {
		if !slices.Contains(names, tool) {
			tool = names[len(method)%len(names)]
		}
		class := StandardTools()[tool].Object().Class()
		if _, ok := class.Methods[method]; !ok {
			return
		}
		vars := NewMap(0)
		vars.Set("a", String(a))
		vars.Set("b", String(b))
		vars.Set("n", Int(int64(n)))
		for _, args := range []string{"", "$a", "$b,$a", "$a,$n", "$a,$n,$b", "[$a,$b,$n]", "$a,[$b,$n]", "$n,$b"} {
			tmpl, err := Parse("t", "$"+tool+"."+method+"("+args+")", Options{})
			if err != nil {
				t.Fatal(err)
			}
			opts := toolOptions()
			opts.Limits = Limits{Steps: 5000, String: 10_000, Memory: 100_000, Collection: 1000, Output: 10_000}
			_, err = tmpl.Render(nil, vars, opts)
			var e *Error
			if err != nil && (!errors.As(err, &e) || e.Kind == KindInternal) {
				t.Fatalf("%s.%s(%s): %v", tool, method, args, err)
			}
		}
	})
}
