package vtl

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustParse(t testing.TB, source string, opts Options) *Template {
	t.Helper()
	tmpl, err := Parse("test", source, opts)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func mustVars(t testing.TB, source string) *Map {
	t.Helper()
	v, err := ParseJSON([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return v.Map()
}

func TestOneTemplateRendersInManyGoroutines(t *testing.T) {
	tmpl := mustParse(t, `#macro(m $x)<$x>#end#foreach($i in $l)#set($m.k = $i)$m.k#m("a$i")#end $s.replaceAll('x+', '$0!')`, Options{})
	vars := mustVars(t, `{"l":[1,2,3],"m":{"k":0},"s":"axxb"}`)
	const want = "1<a1>2<a2>3<a3> axx!b"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if out, err := tmpl.Render(nil, vars, nil); err != nil || string(out) != want {
					t.Errorf("got %q, %v", out, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestRenderAppendsAndKeepsWhatWasThere(t *testing.T) {
	tmpl := mustParse(t, "b$x", Options{})
	out, err := tmpl.Render([]byte("a"), mustVars(t, `{"x":1}`), nil)
	if err != nil || string(out) != "ab1" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestOutputLimitDoesNotCountWhatWasThere(t *testing.T) {
	tmpl := mustParse(t, "12345", Options{})
	opts := &RenderOptions{Limits: Limits{Output: 5}}
	if _, err := tmpl.Render(make([]byte, 100), nil, opts); err != nil {
		t.Error(err)
	}
	opts.Limits.Output = 4
	if _, err := tmpl.Render(nil, nil, opts); err == nil {
		t.Error("wrote 5 bytes of 4")
	}
}

func TestRenderToWritesNothingAfterAnError(t *testing.T) {
	var w bytes.Buffer
	tmpl := mustParse(t, "text $l.get(9)", Options{})
	if err := tmpl.RenderTo(&w, mustVars(t, `{"l":[]}`), nil); err == nil || w.Len() > 0 {
		t.Errorf("wrote %q, error %v", w.String(), err)
	}
	if err := tmpl.RenderTo(&w, nil, nil); err != nil || w.String() != "text $l.get(9)" {
		t.Errorf("wrote %q, error %v", w.String(), err)
	}
}

func TestVariablesAreAskedForOnceAndOnlyIfUsed(t *testing.T) {
	asked := map[string]int{}
	vars := VarsFunc(func(name string) (Value, bool) {
		asked[name]++
		return String("v"), strings.EqualFold(name, "firstname")
	})
	tmpl := mustParse(t, "$FirstName $FirstName $other $other #if(false)$never#end", Options{})
	out, err := tmpl.Render(nil, vars, nil)
	if err != nil || string(out) != "v v $other $other " {
		t.Errorf("got %q, %v", out, err)
	}
	if len(asked) != 2 || asked["FirstName"] != 1 || asked["other"] != 1 {
		t.Errorf("asked for %v", asked)
	}
}

func TestInsertSeesReferencesAsTheyAreWritten(t *testing.T) {
	source := `$a $!b ${c.d} \$a #set($s = "in $a")$s #define($x)[$a]#end$x #macro(m $p)$p#end#m("q") #evaluate('$a') %a% $u $!u $a.length()`
	tmpl := mustParse(t, source, Options{MergeTags: true})
	var seen []string
	opts := &RenderOptions{Insert: func(in *Insertion) (string, error) {
		seen = append(seen, fmt.Sprintf("%s=%s/%v%v", in.Source, in.Text, in.Quiet, in.Defined))
		return "<" + in.Text + ">", nil
	}}
	out, err := tmpl.Render(nil, mustVars(t, `{"a":"A","b":2,"c":{"d":[1]}}`), opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := `<A> <2> <[1]> $a <in A> [<A>] <q> <A> <A> <$u> <> <1>`; string(out) != want {
		t.Errorf("wrote %s, want %s", out, want)
	}
	want := []string{
		"$a=A/falsetrue", "$!b=2/truetrue", "${c.d}=[1]/falsetrue", "$s=in A/falsetrue", "$a=A/falsetrue", "$p=q/falsetrue",
		"$a=A/falsetrue", "%a%=A/truetrue", "$u=$u/falsefalse", "$!u=/truefalse", "$a.length()=1/falsetrue",
	}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("saw\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

func TestInsertSeesADefineThatBecomesAStringOnce(t *testing.T) {
	tmpl := mustParse(t, `#define($d)[$a]#end$esc.html($d) #set($l = [$d])$l $d`, Options{})
	opts := &RenderOptions{Tools: StandardTools(), Insert: func(in *Insertion) (string, error) { return "<" + in.Text + ">", nil }}
	out, err := tmpl.Render(nil, mustVars(t, `{"a":"A&B"}`), opts)
	if want := "<[A&amp;B]> <[[A&B]]> [<A&B>]"; err != nil || string(out) != want {
		t.Errorf("wrote %s, %v, want %s", out, err, want)
	}
}

func TestInsertReadsWhatTheTemplateHasChanged(t *testing.T) {
	tmpl := mustParse(t, `#set($m.new = 2)$m`, Options{})
	opts := &RenderOptions{Insert: func(in *Insertion) (string, error) {
		m, _ := in.Call.Map(in.Value)
		return fmt.Sprint(in.Value.Map().Len(), m.Len()), nil
	}}
	if out, err := tmpl.Render(nil, mustVars(t, `{"m":{"old":1}}`), opts); err != nil || string(out) != "1 2" {
		t.Errorf("wrote %s, %v", out, err)
	}
}

func TestInsertMayRefuse(t *testing.T) {
	refused := errors.New("no value for this one")
	opts := &RenderOptions{Insert: func(in *Insertion) (string, error) {
		if in.Value.IsNull() && !in.Quiet {
			return "", refused
		}
		return in.Text, nil
	}}
	tmpl := mustParse(t, "$!quiet\n  $plain", Options{})
	_, err := tmpl.Render(nil, nil, opts)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindStrict || e.Line != 2 || e.Col != 3 || !errors.Is(err, refused) {
		t.Errorf("got %+v", err)
	}
	if e.Error() != "test:2:3: no value for this one" || e.Fragment != "  $plain" {
		t.Errorf("got %q, fragment %q", e.Error(), e.Fragment)
	}
}

func TestExcerptPointsAtTheError(t *testing.T) {
	_, err := Parse("t", "line\n\tab #set($x = )\n", Options{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if want := "          ab #set($x = )\n                       ^"; e.Excerpt() != want {
		t.Errorf("got\n%s\nwant\n%s\n%v", e.Excerpt(), want, e)
	}
	if e := (&Error{Message: "no place"}); e.Excerpt() != "" {
		t.Errorf("got %q", e.Excerpt())
	}
}

func TestStrictHoldsWithInsertToo(t *testing.T) {
	opts := &RenderOptions{Strict: true, Insert: func(in *Insertion) (string, error) { return in.Text, nil }}
	if _, err := mustParse(t, "$plain", Options{}).Render(nil, nil, opts); err == nil {
		t.Error("no error")
	}
}

func TestReferencesListsUses(t *testing.T) {
	tmpl := mustParse(t, "$name ${data.WH6.code|'x'}\n#set($x = $data.get('WH7').get(0).id)$!x[0]\n"+
		"#foreach($i in $list)$i.n $foreach.count#end\"$q\" #set($s = \"in ${inner.y}\") %TAG|d%", Options{MergeTags: true})
	var got []string
	for _, u := range tmpl.References() {
		got = append(got, fmt.Sprintf("%d:%d %s %s local=%v default=%v", u.Line, u.Col, u.Source, strings.Join(u.Path, "."), u.Local, u.Default))
	}
	want := []string{
		"1:1 $name name local=false default=false",
		"1:7 ${data.WH6.code|'x'} data.WH6.code local=false default=true",
		"2:6 $x x local=true default=false",
		"2:11 $data.get('WH7').get(0).id data.WH7.id local=false default=false",
		"2:38 $!x[0] x local=true default=false",
		"3:10 $i i local=true default=false",
		"3:16 $list list local=false default=false",
		"3:22 $i.n i.n local=true default=false",
		"3:27 $foreach.count foreach.count local=true default=false",
		"3:46 $q q local=false default=false",
		"3:55 $s s local=true default=false",
		"3:77 %TAG|d% TAG local=false default=true",
		"3:64 ${inner.y} inner.y local=false default=false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestJSONComesInWithoutLoss(t *testing.T) {
	m := mustVars(t, `{"z":1,"a":2147483648,"b":18446744073709551616,"f":1.50,"e":1e2,"n":null,"s":"é\ud83d\ude00","l":[1,"x"],"z":2}`)
	kinds := ""
	for i := range m.Len() {
		key, val := m.At(i)
		kinds += key.Str() + ":" + val.Kind().String() + " "
	}
	if want := "z:Integer a:Long b:BigInteger f:Double e:Double n:null s:String l:List "; kinds != want {
		t.Errorf("got %s, want %s", kinds, want)
	}
	b, _ := m.Get("b")
	if want, _ := new(big.Int).SetString("18446744073709551616", 10); b.BigInt().Cmp(want) != 0 {
		t.Errorf("b is %s", b.BigInt())
	}
	if z, ok := m.Get("z"); !ok || z.Int64() != 2 {
		t.Errorf("z is %v", z)
	}
}

func TestBadJSONIsAnError(t *testing.T) {
	for _, source := range []string{``, `{`, `[1,]`, `{"a"}`, `1 2`, strings.Repeat("[", 600), strings.Repeat("9", 2000)} {
		if _, err := ParseJSON([]byte(source)); err == nil {
			t.Errorf("%.20q is no error", source)
		}
	}
}

func TestBadJSONIsPlaced(t *testing.T) {
	_, err := ParseJSON([]byte("{\n  \"a\": x}"))
	if err == nil || !strings.HasPrefix(err.Error(), "JSON, line 2, column 8: ") {
		t.Errorf("got %v", err)
	}
}

func TestNoVariablesAreNoPanic(t *testing.T) {
	v, err := ParseJSON([]byte(`[1]`))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := mustParse(t, "$a", Options{}).Render(nil, v.Map(), nil); err != nil || string(out) != "$a" {
		t.Errorf("got %q, %v", out, err)
	}
}

// stub is an object for the tests of the contract.
type stub struct{ name string }

var stubClass = Class{Name: "Stub", Methods: Methods{
	"getName": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) { return String(self.(stub).name), nil }}},
	"isOld":   {{Arity: 0, Func: func(*Call, Object, []Value) (Value, error) { return Bool(true), nil }}},
	"plain":   {{Arity: 0, Func: func(*Call, Object, []Value) (Value, error) { return Int(7), nil }}},
	"get":     {{Arity: 1, Func: func(_ *Call, _ Object, args []Value) (Value, error) { return String("got " + args[0].Str()), nil }}},
	"count":   {{Arity: Variadic, Func: func(_ *Call, _ Object, args []Value) (Value, error) { return Int(int64(len(args))), nil }}},
	"fail":    {{Arity: 0, Func: func(*Call, Object, []Value) (Value, error) { return Null, Throw("java.lang.Oops", "no") }}},
	"panic":   {{Arity: 0, Func: func(*Call, Object, []Value) (Value, error) { panic("a defect") }}},
	"greedy":  {{Arity: 0, Func: func(c *Call, _ Object, _ []Value) (Value, error) { return Null, c.Charge(1 << 30) }}},
	"where": {{Arity: 0, Func: func(c *Call, _ Object, _ []Value) (Value, error) {
		return String(c.Locale() + " " + c.Zone().String() + " " + c.Now().Format(time.RFC3339)), nil
	}}},
	"sum": {{Arity: 1, Func: func(c *Call, _ Object, args []Value) (Value, error) {
		l, ok := c.List(args[0])
		if !ok {
			return Null, nil
		}
		total := int64(0)
		for i := range l.Len() {
			total += l.At(i).Int64()
		}
		return Int(total), nil
	}}},
}}

func (stub) Class() *Class                   { return &stubClass }
func (s stub) Text(*Call) (string, error)    { return "stub " + s.name, nil }
func (s stub) EqualObject(o Object) bool     { return s == o }
func (s stub) Elements(*Call) (*List, error) { return NewList(String(s.name), Int(1)), nil }
func (s stub) Truth() bool                   { return s.name != "" }
func (s stub) renderOptions() *RenderOptions {
	return &RenderOptions{Tools: Tools{"t": ObjectValue(s)}}
}

func TestToolsAreReachedByTheirTablesOnly(t *testing.T) {
	for source, want := range map[string]string{
		`$t`: "stub n", `$t.name $t.getName()`: "n n", `$t.old`: "true", `$t.plain $t.plain()`: "7 7", `$t.other`: "got other",
		`$t.count(1, 2, 3) $t.count()`: "3 0", `$t.nothing() $t.getName(1)`: "$t.nothing() $t.getName(1)",
		`#foreach($x in $t)$x#end`: "n1", `#if($t)yes#end`: "yes", `#if($t == $t)same#end`: "same",
		`#set($l = [1, 2])$t.sum($l)`: "3", `$l.add(3)$t.sum($l)`: "true8",
	} {
		opts := stub{"n"}.renderOptions()
		out, err := mustParse(t, source, Options{}).Render(nil, mustVars(t, `{"l":[5]}`), opts)
		if err != nil || string(out) != want {
			t.Errorf("%s: got %q, %v, want %q", source, out, err, want)
		}
	}
}

func TestErrorsOfToolsCarryTheirPlace(t *testing.T) {
	for source, want := range map[string]string{
		"a\n$t.fail()":       "2:4 method: fail threw java.lang.Oops: no",
		"$t.greedy()":        "1:4 limit_string: a string of the template has more than 1048576 bytes",
		"#set($x=$t.fail())": "1:12 method: fail threw java.lang.Oops: no",
		"$t.panic()":         "0:0 internal: internal error: a defect",
	} {
		tmpl := mustParse(t, source, Options{})
		_, err := tmpl.Render(nil, nil, stub{"n"}.renderOptions())
		if got := describeError(err); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
		if out, err := mustParse(t, "fine", Options{}).Render(nil, nil, nil); err != nil || string(out) != "fine" {
			t.Errorf("after that: %q, %v", out, err)
		}
	}
}

func TestAVariableHidesATool(t *testing.T) {
	out, err := mustParse(t, "$t", Options{}).Render(nil, mustVars(t, `{"t":"mine"}`), stub{"n"}.renderOptions())
	if err != nil || string(out) != "mine" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestARenderAsksTheClockOnce(t *testing.T) {
	opts := stub{"n"}.renderOptions()
	now, asked := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 0
	opts.Now = func() time.Time { asked++; return now }
	opts.Locale, opts.Zone = "uk_UA", time.FixedZone("Z", 3600)
	out, err := mustParse(t, "$t.where()|$t.where()", Options{}).Render(nil, nil, opts)
	want := "uk_UA Z 2026-01-02T03:04:05Z"
	if err != nil || string(out) != want+"|"+want || asked != 1 {
		t.Errorf("got %q, %v, asked %d times", out, err, asked)
	}
}

func TestParsedAndIncludedTexts(t *testing.T) {
	texts := map[string]string{
		"lib": "#macro(hi $n)Hi $n!#set($set = 1)#end", "part": "[$x $y]#set($y = 'from part')", "bad": "line\n  #if(",
		"deep": "d#parse('deep')", "error": "\n\n $x.get(5)", "stop": "s#stop t", "break": "b#break t",
	}
	opts := &RenderOptions{
		Load: func(name string) (*Template, error) {
			if source, ok := texts[name]; ok {
				return Parse(name, source, Options{})
			}
			return nil, nil
		},
		Include: func(name string) (string, bool) { text, ok := texts[name]; return text, ok },
	}
	for source, want := range map[string]string{
		"#parse('lib')#hi($x)$set":           "Hi [1]!1",
		"#hi(1)#parse('lib')#hi(2)":          "#hi(1)Hi 2!",
		"#set($y=1)#parse('part')$y":         "[[1] 1]from part",
		"#include('lib')":                    texts["lib"],
		"#parse($nothing)#include($nothing)": "",
		"#parse('deep')":                     "ddddddddd",
		"#parse('stop')after":                "s",
		"#parse('break')after":               "bafter",
		"#parse('gone')":                     "! 0:0 resource: there is no template or text named gone",
		"x#parse('bad')":                     "x! 2:7 parse: unexpected end of the template, want a value",
		"x#parse('error')":                   "x\n\n ! 3:5 method: get threw java.lang.IndexOutOfBoundsException: Index 5 out of bounds for length 1",
	} {
		out, err := mustParse(t, source, Options{}).Render(nil, mustVars(t, `{"x":[1]}`), opts)
		got := string(out)
		if err != nil {
			got += "! " + describeError(err)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func TestRenderingAllocatesLittle(t *testing.T) {
	for name, most := range map[string]float64{"a": 10, "b": 50, "c": 400} {
		c := readBench(t, name)
		var buf []byte
		allocs := testing.AllocsPerRun(50, func() {
			var err error
			if buf, err = c.tmpl.Render(buf[:0], c.vars, nil); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > most {
			t.Errorf("%s: %v allocations, want at most %v", name, allocs, most)
		}
	}
}

func TestHalvesOfSurrogatePairsMeetAgainOrBecomeAQuestionMark(t *testing.T) {
	vars := mustVars(t, `{"s":"a😀b"}`)
	for source, want := range map[string]string{
		`$s.charAt(1)$s.charAt(2)`:                           "😀",
		`$s.substring(0,2)|$s.substring(2)`:                  "a?|?b",
		`#set($x = $s.substring(0,2) + $s.substring(2))$x`:   "a😀b",
		`#set($x = "$s.charAt(1)$s.charAt(2)")$x.length()$x`: "2😀",
		`#set($x = "\ud83d\ude00")$x`:                        "😀",
	} {
		out, err := mustParse(t, source, Options{}).Render(nil, vars, nil)
		if err != nil || string(out) != want {
			t.Errorf("%s: got %q, %v, want %q", source, out, err, want)
		}
	}
}
