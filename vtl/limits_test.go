package vtl

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// hostile are templates that want more than they may have, each with the limit that
// stops it.
var hostile = []struct {
	name, template string
	limits         Limits
	want           ErrorKind
}{
	{"doubling strings", `#set($s="xxxxxxxx")#foreach($i in [1..40])#set($s="$s$s")#end`, Limits{}, KindLimitString},
	{"doubling by plus", `#set($s='xxxxxxxx')#foreach($i in [1..40])#set($s=$s+$s)#end`, Limits{}, KindLimitString},
	{"doubling by concat", `#set($s='xxxxxxxx')#foreach($i in [1..40])#set($s=$s.concat($s))#end`, Limits{}, KindLimitString},
	{"many strings", `#set($s='x')#set($s=$s.repeat(500000))#foreach($i in [1..1000])#set($t=$s+$i)#end`, Limits{}, KindLimitMemory},
	{"nested lists", `#set($l=[1])#foreach($i in [1..1000])#set($l=[$l])#end$l`, Limits{}, KindLimitDepth},
	{"doubling lists", `#set($l=[1])#foreach($i in [1..40])#set($l=[$l,$l])#end$l`, Limits{}, KindLimitSteps},
	{"growing list", `#set($l=[1])#foreach($i in [1..40])#set($ok=$l.addAll($l))#end`, Limits{}, KindLimitSize},
	{"growing map", `#set($m={})#foreach($i in [1..99999])#set($m[$i]=$i)#set($m["a$i"]=$i)#end`, Limits{Memory: 1 << 30}, KindLimitSize},
	{"list of one element each", `#set($l=[])#foreach($i in [1..2147483647])#set($ok=$l.add($i))#end`, Limits{}, KindLimitLoops},
	{"a range of all integers", `#foreach($i in [1..2147483647])x#end`, Limits{}, KindLimitLoops},
	{"a range printed", `#set($r=[1..2147483647])$r`, Limits{Steps: 1 << 30}, KindLimitOutput},
	{"a range copied", `#set($r=[1..2147483647])$r.toArray().size()`, Limits{}, KindLimitSize},
	{"a list searched", `#set($r=[1..50000])#set($l=$r.toArray())#foreach($i in $r)$l.contains('x')#end`, Limits{}, KindLimitSteps},
	{"nested loops", `#foreach($a in [1..1000])#foreach($b in [1..1000])x#end#end`, Limits{}, KindLimitLoops},
	{"steps", `#foreach($a in [1..90000])#set($x=$a+$a*$a-$a)#end`, Limits{Steps: 100_000}, KindLimitSteps},
	{"output", `#foreach($a in [1..90000])0123456789012345678901234567890123456789012345678901234567890123456789#end`, Limits{}, KindLimitOutput},
	{"output in a string", `#set($s="#foreach($a in [1..90000])01234567890123456789#end")`, Limits{}, KindLimitString},
	{"output in a define", `#define($d)#foreach($a in [1..9000])01234567890123456789#end#end$d`, Limits{Output: 64 << 10}, KindLimitOutput},
	{"output in a macro", `#macro(m)#foreach($a in [1..9000])01234567890123456789#end#end#m()`, Limits{Output: 64 << 10}, KindLimitOutput},
	{"recursive evaluate", `#set($s='#evaluate($s)')#evaluate($s)`, Limits{}, KindLimitDepth},
	{"a huge evaluate", `#set($s='#set($a=1)')#foreach($i in [1..16])#set($s=$s+$s)#end#evaluate($s)`, Limits{}, KindLimitMemory},
	{"recursive macro", `#macro(m)x#m()#end#m()`, Limits{}, KindMacroOverflow},
	{"macros that call each other", `#macro(a)#b()#end#macro(b)#a()#end#a()`, Limits{}, KindMacroOverflow},
	{"branching macros", `#macro(m $n)#if($n > 0)#foreach($x in [1..4])#set($k=$n - 1)#m($k)#end#end#end#m(15)`, Limits{}, KindLimitLoops},
	{"defines that write each other", `#define($a)$b$b#end#define($b)$a$a#end$a`, Limits{DefineDepth: 3}, KindLimitDepth},
	{"a circle of lists", `#set($a=[1])#set($b=[$a])#set($ok=$a.add($b))$a`, Limits{}, KindLimitDepth},
	{"a circle hashed", `#set($a=[1])#set($b=[$a])#set($ok=$a.add($b))$a.hashCode()`, Limits{}, KindLimitDepth},
	{"squared integers", `#set($x=2)#foreach($i in [1..40])#set($x=$x*$x)#end`, Limits{}, KindLimitInteger},
	{"repeat", `#set($s='x')$s.repeat(2147483647)`, Limits{}, KindLimitString},
	{"repeat of a long string", `#set($s='xxxxxxxxxxxxxxxxxxxx')$s.repeat(2147483647)`, Limits{}, KindLimitString},
	{"replace of nothing", `#set($s='x')#set($s=$s.repeat(1000))#set($t=$s.replace('',$s))$t.replace('x',$t)`, Limits{}, KindLimitString},
	{"replaceAll", `#set($s='x')#set($s=$s.repeat(2000))$s.replaceAll('x',$s)`, Limits{}, KindLimitString},
	{"split of a long string", `#set($s='x')#set($s=$s.repeat(500000))$s.split('').size()`, Limits{}, KindLimitSize},
	{"format width", `#set($s='')$s.format('%2000000d',1)`, Limits{}, KindLimitString},
	{"format precision", `#set($s='')$s.format('%.2000000f',1.5)`, Limits{}, KindLimitString},
	{"indent", `#set($s='a')$s.indent(2000000)`, Limits{}, KindLimitString},
	{"long regular expression", `#set($s='a')#set($p=$s.repeat(5000))$s.matches($p)`, Limits{}, KindLimitRegex},
	{"regular expression on a long text", `#set($s='a')#set($p=$s.repeat(5000))$p.matches('a*')`, Limits{RegexInput: 1000}, KindLimitRegex},
	{"catastrophic regular expression", `#set($s='a')#set($p=$s.repeat(900000))#foreach($i in [1..99])$p.matches('(a*)*(a*)*(a*)*b')#end`, Limits{}, KindLimitSteps},
	{"many regular expressions", `#set($s='a')#foreach($i in [1..90000])$s.matches("a{500}b$i")#end`, Limits{}, KindLimitMemory},
	{"a regular expression that repeats", `#set($s='a')$s.matches('(abcdefghijklmnop){1000}')`, Limits{}, KindLimitRegex},
	{"repetitions of repetitions", `#set($s='a')$s.matches('((a{30}){30}){30}')`, Limits{}, KindLimitRegex},
	{"long texts compared", `#set($s='x')#set($s=$s.repeat(1000000))#set($t=$s.substring(0))#set($t="$s")#foreach($i in [1..90000])#if($s == $t)#end#end`, Limits{}, KindLimitSteps},
	{"long texts measured", `#set($s='я')#set($s=$s.repeat(500000))#foreach($i in [1..90000])#if($s.length())#end#end`, Limits{}, KindLimitSteps},
	{"a map printed within itself", `#set($m={})#set($n={'m':$m})#set($m.n=$n)$m`, Limits{}, KindLimitDepth},
	{"equal circles", `#set($a=[1])#set($b=[1])#set($o=$a.add($b))#set($o=$b.add($a))#foreach($i in [1..99])#if($a == $b)x#end#end`, Limits{Steps: 2000}, KindLimitSteps},
	{"sublists of sublists", `#set($l=[1,2])#foreach($i in [1..1000])#set($l=$l.subList(0,2))#end`, Limits{}, KindLimitDepth},
	{"long texts compared without case", `#set($s='я')#set($s=$s.repeat(500000))#set($t="$s!")#foreach($i in [1..9000])#set($x=$s.equalsIgnoreCase($t))#end`, Limits{}, KindLimitSteps},
	{"ranges within each other", `#set($r=[1..2147483647])#set($q=[1..2147483647])$r.containsAll($q)`, Limits{}, KindLimitSteps},
	{"a range joined", `#set($r=[1..2147483647])#set($s='')$s.join(',',$r)`, Limits{}, KindLimitSize},
	{"insertion at the front", `#set($l=[])#foreach($i in [1..90000])#set($o=$l.add(0,$i))#end`, Limits{}, KindLimitSteps},
	{"removal from a map", `#set($m={})#foreach($i in [1..40000])#set($m[$i]=$i)#end#foreach($i in [1..40000])$!m.remove($i)#end`, Limits{}, KindLimitSteps},
	{"choices within choices", `#set($s='{0,choice,0#')#set($e='}')#set($s="${s.repeat(20000)}x${e.repeat(20000)}")$display.message($s,1)`, Limits{}, KindMethod},
	{"long patterns of dates", `#set($p='M')#set($p=$p.repeat(900000))#foreach($i in [1..9000])#set($x=$date.toDate($p,'x'))#end`, Limits{}, KindLimitSteps},
	{"long texts read as dates", `#set($t=' ')#set($t=$t.repeat(900000))#foreach($i in [1..9000])#set($x=$date.toDate('yyyy',$t))#end`, Limits{}, KindLimitSteps},
	{"long texts cut", `#set($t='я')#set($t=$t.repeat(400000))#foreach($i in [1..9000])#set($x=$display.truncate($t,5))#end`, Limits{}, KindLimitSteps},
	{"a sort by long texts", `#set($s='x')#set($s=$s.repeat(300000))#set($l=[])#foreach($i in [1..20])#set($o=$l.add({'k':"$s$i"}))#end#foreach($i in [1..9000])#set($x=$sorter.sort($l,'k'))#end`, Limits{}, KindLimitSteps},
	{"JSON of many elements", `#set($s='{},')#set($s=$s.repeat(90000))#set($s="[${s}1]")#foreach($i in [1..50])#set($x=$json.parse($s))#end`, Limits{}, KindLimitMemory},
	{"an entry that is its own value", `#set($m={'a':1})#foreach($e in $m.entrySet())#set($e.value=$e)#end$m`, Limits{}, KindLimitDepth},
	{"an entry within itself hashed", `#set($m={'a':1})#foreach($e in $m.entrySet())#set($e.value=$e)#end$m.hashCode()`, Limits{}, KindLimitDepth},
	{"JSON within itself", `#set($s='{"a":[{"b":1}]}')#set($j=$json.parse($s))#foreach($x in $j.a)#set($x.b=$j)#end$j`, Limits{}, KindLimitDepth},
	{"$foreach within itself", `#foreach($i in [1])#set($foreach.x=[$foreach])$foreach#end`, Limits{}, KindLimitDepth},
	{"a long text hashed often", `#set($s='x')#set($s=$s.repeat(1000000))#set($l=[])#foreach($i in [1..9000])#set($o=$l.add($s))#end$l.hashCode()`, Limits{}, KindLimitSteps},
	{"a sort by a long name", `#set($s='x')#set($s=$s.repeat(300000))#set($l=[])#foreach($i in [1..9000])#set($o=$l.add({'k':$i}))#end$sorter.sort($l,$s)`, Limits{}, KindLimitSteps},
	{"powers", `#foreach($i in [1..90000])#set($x=$math.pow(1.0000001,1e9))#end`, Limits{}, KindLimitMemory},
	{"tags that stay", `#set($s='<b ')#set($s=$s.repeat(250000))#foreach($i in [1..90000])#set($t=$display.stripTags("$s>",'b','i'))#end`, Limits{}, KindLimitSteps},
	{"removal from the front", `#set($l=[])#foreach($i in [1..40000])#set($ok=$l.add($i))#end#foreach($i in [1..40000])$!l.remove(0)#end`, Limits{}, KindLimitSteps},
}

func TestEveryLimitIsReached(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := Parse("hostile", c.template, Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tmpl.Render(nil, nil, &RenderOptions{Limits: c.limits, Tools: StandardTools()})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got no error, want %s", c.want)
			}
			if e.Kind != c.want {
				t.Errorf("got %s (%v), want %s", e.Kind, e, c.want)
			}
			if e.Line != 1 || e.Col == 0 || e.Template != "hostile" || e.Fragment == "" {
				t.Errorf("no place: %+v", e)
			}
			_, again := tmpl.Render(nil, nil, &RenderOptions{Limits: c.limits, Tools: StandardTools()})
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the second render ends otherwise: %v, first %v", again, err)
			}
		})
	}
}

// TestMemoryStaysWithinTheBudget measures what a hostile render allocates, all in all,
// against its budget: output, values, and room for the engine itself.
func TestMemoryStaysWithinTheBudget(t *testing.T) {
	limits := Limits{Memory: 8 << 20, Output: 1 << 20}
	const slack = 4 // slices grow by doubling, and the output is copied when it does
	for _, c := range hostile {
		if c.limits.Memory != 0 {
			continue
		}
		tmpl, err := Parse("hostile", c.template, Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := c.limits
		l.Memory = limits.Memory
		if l.Output == 0 {
			l.Output = limits.Output
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := tmpl.Render(nil, nil, &RenderOptions{Limits: l, Tools: StandardTools()}); err == nil {
			t.Errorf("%s: no error", c.name)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(slack*(limits.Memory+limits.Output)) {
			t.Errorf("%s: allocated %d bytes, budget %d", c.name, used, limits.Memory)
		}
	}
}

func TestParseLimits(t *testing.T) {
	deep := func(open, inner, shut string) string {
		return strings.Repeat(open, 300) + inner + strings.Repeat(shut, 300)
	}
	for name, source := range map[string]string{
		"blocks":         deep("#if(true)", "x", "#end"),
		"parentheses":    "#set($x=" + deep("(", "1", ")") + ")",
		"lists":          "#set($x=" + deep("[", "1", "]") + ")",
		"maps":           "#set($x=" + deep("{1:", "1", "}") + ")",
		"negations":      "#if(" + strings.Repeat("!", 5000) + "true)x#end",
		"method calls":   deep("$a.b(", "1", ")"),
		"indexes":        deep("$a[", "1", "]"),
		"alternates":     deep("${a|", "1", "}"),
		"nodes":          strings.Repeat("$a", 250_000),
		"source":         strings.Repeat("x", 1<<20+1),
		"many operators": "#set($x=1" + strings.Repeat("+1", 250_000) + ")",
	} {
		_, err := Parse("deep", source, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindLimitSource {
			t.Errorf("%s: got %v, want %s", name, err, KindLimitSource)
		}
	}
}

// TestLongSourcesAreReadInOnePass reads what would take minutes if any part of the
// source were looked through again and again.
func TestLongSourcesAreReadInOnePass(t *testing.T) {
	const n = 1 << 20
	for name, part := range map[string]string{
		"backslashes": `\`, "dollars": "$", "hashes": "#", "dollars and hashes": "$#", "blanks": " ", "dollar blanks": "$ ",
		"lines": "\n", "percents": "%a|", "braces": "{", "closing braces": "$}", "escapes": `\#x`, "set": "#set ", "comment": "#*",
		"line comments": "##\n", "raw": "#[[]]#", "words": "#a ", "indented": "\n  #a", "quotes": `"`, "deep": "$a.b(", "tabs": "\t#\\",
	} {
		for _, source := range []string{
			strings.Repeat(part, n/len(part)),
			"#set($x = '" + strings.Repeat(part, n/len(part)-20) + "')",
			"#if(" + strings.Repeat(part, n/len(part)-20),
			"$a[" + strings.Repeat(part, n/len(part)-20),
			"$" + strings.Repeat(part, n/len(part)-20) + "!",
		} {
			tmpl, err := Parse("long", source, Options{MergeTags: true})
			if err == nil && tmpl.String() != source {
				t.Errorf("%s: prints itself otherwise", name)
			}
		}
	}
}

// TestLongNumbersOfJSONAreNone: reading one would take quadratic time.
func TestLongNumbersOfJSONAreNone(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`#set($s='9')#set($s=$s.repeat(900000))#if($json.parse("[$s]"))read#{else}null#end`, `null`},
		{`#set($s='9')#set($s=$s.repeat(4096))#if($json.parse("[$s]"))read#{else}null#end`, `read`},
	})
}

func TestAContextEndsTheRender(t *testing.T) {
	tmpl, err := Parse("slow", "#foreach($i in [1..50000])$i#end", Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tmpl.Render(nil, nil, &RenderOptions{Context: ctx})
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindLimitTime || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %s", err, KindLimitTime)
	}
}

func TestWebhookLimitsAreTighter(t *testing.T) {
	mail, hook := DefaultLimits(), WebhookLimits()
	if hook.Steps >= mail.Steps || hook.Output >= mail.Output {
		t.Errorf("webhook %+v, mail %+v", hook, mail)
	}
}
