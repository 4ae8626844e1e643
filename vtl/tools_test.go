package vtl

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones must be there on every machine that runs the tests
)

// toolCase is a template and what it prints.
type toolCase struct{ template, want string }

const toolVars = `{"n":0,"price":1234.567,"pr":0.256,"ts":1767225600000,"iso":"2026-01-15T10:30:00",
"html":"<b>\"Tom\" & 'Jerry'</b>","nums":[3,1,2],"words":["pear","apple","fig"],"csv":"a, b,,c,",
"text":"The quick brown fox jumps over the lazy dog","withnull":["x",null,"y"],"m":{"k2":"v2","k1":"v1"},
"people":[{"n":"A","a":30,"addr":{"city":"Kyiv"}},{"n":"b","a":25,"addr":{"city":"Lviv"}},{"n":"C","a":35,"addr":{"city":"Dnipro"}}],
"products":[{"name":"Шапка","price":350.5,"qty":2},{"name":"Mug","price":99,"qty":1},{"name":"Bag","price":1200,"qty":1}]}`

// toolOptions are those of the cases: the clock stands at 15 January 2026, 10:30:05 UTC.
func toolOptions() *RenderOptions {
	return &RenderOptions{
		Tools:  StandardTools(),
		Now:    func() time.Time { return time.Date(2026, 1, 15, 10, 30, 5, 0, time.UTC) },
		Random: func() float64 { return 0.5 },
	}
}

func runToolCases(t *testing.T, opts *RenderOptions, cases []toolCase) {
	t.Helper()
	vars, err := ParseJSON([]byte(toolVars))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		tmpl, err := Parse("tool", c.template, Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := tmpl.Render(nil, vars.Map(), opts)
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if string(out) != c.want {
			t.Errorf("%s\n got  %s\n want %s", c.template, out, c.want)
		}
	}
}

func TestMathTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$math.toInteger('12abc') $math.toInteger('12.9') $math.toDouble('1e3') $math.toDouble('1E3')`, `12 12 1.0 1000.0`},
		{`$math.toInteger(3.99) $math.toInteger(-3.99) $math.toInteger('9999999999') $math.toInteger(1e10)`, `3 -3 1410065407 2147483647`},
		{`$math.toNumber('abc')|$!math.toInteger($nothing)|$math.toInteger(true)`, `$math.toNumber('abc')||$math.toInteger(true)`},
		{`$math.add('5','6') $math.add(1,2,3) $math.add() $math.add(2.0,3) $math.add('2.0',3)`, `11 6 0 5.0 5`},
		{`$math.sub(3,5.5) $math.sub(1) $math.mul('2.5',4) $math.mul(100000,100000)`, `-2.5 1 10.0 10000000000`},
		{`$math.div(7,2) $math.div(6,2) $math.div(6.0,2) $math.div(1,0) $math.div(8,2,2)`, `3.5 3 3.0 $math.div(1,0) 2`},
		{`$math.mod(-7,3) $math.mod(7.9,3) $math.idiv(-7,2) $math.idiv(7,0.5)`, `-1 1 -3 $math.idiv(7,0.5)`},
		{`$math.pow(2,10) $math.pow(1.08,12) $math.pow(2,-1) $math.pow(10,20)`, `1024 2.5181701168189803 0.5 9223372036854775807`},
		{`$math.min(3,1,2) $math.max(1.5,2) $math.max(-1,-2)`, `1 2.0 4.9E-324`},
		{`$math.round(2.5) $math.round(3.5) $math.round(-2.5) $math.ceil(-2.1) $math.floor(-2.1) $math.abs('-5.5')`, `2 4 -2 -2 -3 5.5`},
		{`$math.roundTo(2,3.14159) $math.roundTo(1,2.25) $math.roundTo(0,3.7) $math.roundTo('2','1.005')`, `3.14 2.3 3.7 1.0`},
		{`$math.getTotal($nums) $math.getTotal($products,'price') $math.getTotal([]) $math.getTotal(1,2,3)`, `6 1649.5 0 6`},
		{`$math.getAverage($nums) $math.getAverage($products,'qty') $math.getAverage([])`, `2 1.3333333333333333 NaN`},
		{`$math.getTotal($withnull)|$math.getTotal($people,'zz')|$math.getTotal('x')`, `$math.getTotal($withnull)|0|$math.getTotal('x')`},
		{`$math.random $math.random(1,3) $math.random(1.0,3)`, `0.5 2 2.0`},
		{`$math.bitwiseAnd(6,3) $math.bitwiseOr(6,3) $math.bitwiseXOr(6,3)`, `2 7 5`},
		{`$math.foo(1) $math.class`, `$math.foo(1) $math.class`},
	})
}

func TestNumberTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$number.format('integer',$price) $number.percent($pr) $number.currency(-5) $number.number(1234567.891)`, `1,235 26% -$5.00 1,234,567.891`},
		{`$number.format('0.0',0.25) $number.format('0',2.5) $number.format('0.0',0.35) $number.format('#0.00',-0.001)`, `0.2 2 0.3 -0.00`},
		{`$number.format("0.00 'UAH'",5) $number.format('¤#,##0.00',5) $number.format('0.00%',0.12345)`, `5.00 UAH $5.00 12.35%`},
		{`$number.format('0.00','12.345') $number.format('0.00','1,234.5') $number.format('0.00','abc')`, `12.35 1234.50 $number.format('0.00','abc')`},
		{`$number.toNumber('12abc') $number.toNumber('0%','15%') $number.toNumber('x')`, `12 0.15 $number.toNumber('x')`},
		{`$number.format($price) $number.format($nothing,5) $number.format('0',$nums)`, `1,234.567 $number.format($nothing,5) $number.format('0',$nums)`},
		{`$number.toBoolean('true') $number.toBoolean('yes') $number.toBoolean(true)`, `true false true`},
		{`$number.format('#,##0.00',$price,$number.toLocale('de_DE'))`, `1.234,57`},
	})
}

func TestDateTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$date $date.medium $date.short_date $date.iso $date.get('HH:mm') $date.get('short','medium')`, `Jan 15, 2026, 10:30:05 AM Jan 15, 2026, 10:30:05 AM 1/15/26 2026-01-15T10:30:05 10:30 1/15/26, 10:30:05 AM`},
		{`$date.date $date.systemTime $date.year $date.month $date.day $date.getValue('hour')`, `Thu Jan 15 10:30:05 UTC 2026 1768473005000 2026 0 15 10`},
		{`$date.format('EEE, d MMM yyyy',$ts) $date.format('full','short',$ts) $date.format('long',$ts)`, `Thu, 1 Jan 2026 Thursday, January 1, 2026, 12:00 AM January 1, 2026 at 12:00:00 AM GMT`},
		{`$date.format('iso_tz',$ts) $date.format('intl_tz',$ts) $date.format('iso_time',$ts) $date.format('foo_date',$ts)`, `2026-01-01T00:00:00Z 2026-01-01 00:00:00 GMT 00:00:00 Jan 1, 2026`},
		{`$date.format('yyyy',$nothing)|$date.format('yyyy',$iso)|$date.format('yyyy-MM-dd',$date)`, `$date.format('yyyy',$nothing)|$date.format('yyyy',$iso)|2026-01-15`},
		{`$date.toDate($iso)|$date.toDate('yyyy-MM-dd',$iso)|$date.toDate('xx','2026')|$date.toDate('yyyy','abc')`, `$date.toDate($iso)|Thu Jan 15 00:00:00 UTC 2026|$date.toDate('xx','2026')|$date.toDate('yyyy','abc')`},
		{`$date.toDate('dd.MM.yyyy','31.02.2026') $date.toDate('yy','26').year`, `Tue Mar 03 00:00:00 UTC 2026 126`},
		{`#set($d=$date.toDate('yyyy-MM-dd HH:mm','2026-01-15 10:30'))$d.time $d.year $d.month $d.date $d.day $d.hours $d.minutes`, `1768473000000 126 0 15 4 10 30`},
		{`#set($a=$date.toDate(0))#set($b=$date.toDate(5))$a.before($b) $a.after($b) $a.compareTo($b) $a.equals($date.toDate(0)) #if($a == $date.toDate(0))same#end`, `true false -1 true same`},
		{`$date.toCalendar($ts).get(1) $date.toCalendar($ts).time #set($c=$date.calendar)$c.add(2,1)$c.set(5,31)$c.time $c.timeInMillis`, `2026 Thu Jan 01 00:00:00 UTC 2026 Tue Mar 03 10:30:05 UTC 2026 1772533805000`},
		{`$date.getValue('YEAR',$ts) $date.getValue('day_of_week',$ts) $date.getValue(2,$ts) $date.getValue('x',$ts)`, `2026 5 0 $date.getValue('x',$ts)`},
		{`$date.format('d MMMM, MMMM',$ts,$date.toLocale('uk_UA')) $date.format('MMMM',$ts,$date.toLocale('uk'))`, `1 січня, січня січень`},
		{`$date.toDays(90061001) $date.toHours(90061001) $date.toWeeks(1)`, `1 25 0`},
	})
}

func TestDateToolComparesAsComparisonDateTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$date.whenIs($ts) $date.whenIs($ts).days $date.whenIs($date.date)`, `2 weeks ago -14 now`},
		{`$date.whenIs(1768559405000) $date.whenIs(1768386605000) $date.whenIs(1768480205000)`, `tomorrow yesterday 2 hours away`},
		{`$date.whenIs(0,86400000) $date.whenIs(86400000,0) $date.whenIs(0,0) $date.difference(0,0)`, `1 day later 1 day earlier same time 0 milliseconds`},
		{`$date.difference(0,90061001) $date.difference(90061001,0) $date.difference(0,90061001).full`, `1 day -1 day 1 day 1 hour 1 minute 1 second 1 millisecond`},
		{`$date.difference(0,97200000).full.abbr $date.difference(0,0).abbr $date.difference(0,180000).depth(2)`, `1 day 3 hrs 0 ms 3 minutes`},
		{`$date.difference(0,604800000).relative $date.whenIs(0,604800000).difference $date.difference(0,2592000000).months`, `1 week later 1 week 1`},
		{`$date.difference(0,'x') $date.whenIs($nothing)`, `$date.difference(0,'x') $date.whenIs($nothing)`},
	})
}

func TestDateToolHasThePlatformsMethods(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$date.currentDate() $date.currentDate('HH:mm','Europe/Kyiv') $date.currentDate('HH:mm','GMT+3') $date.currentDate('HH:mm','../etc')`, `15/01/2026 10:30 12:30 13:30 10:30`},
		{`$date.currentTimeStamp() $date.formatDate('yyyy-MM-dd',$ts) $date.formatInContactTimezone('HH:mm','2020-05-01T12:15')`, `1768473005000 2026-01-01 12:15`},
		{`$date.addYears('01/01/2020 12:00',2) $date.addMonths('01/01/2020 12:00',5) $date.addDays('01/01/2020 12:00',15)`, `01/01/2022 12:00 01/06/2020 12:00 16/01/2020 12:00`},
		{`$date.addHours('01/01/2020 12:00',7) $date.addMinutes('01/01/2020 12:00',15)`, `01/01/2020 19:00 01/01/2020 12:15`},
		{`$date.addYears('12:00 2020-30-04', 2, 'HH:mm yyyy-dd-MM')`, `12:00 2022-30-04`},
		{`$date.addDays('2020-05-01T00:00', 2, "yyyy-MM-dd'T'HH:mm", 'dd-MM-yyyy')`, `03-05-2020`},
		{`$date.addHours('2020-05-01T00:00', 7, "yyyy-MM-dd'T'HH:mm", 'dd/MM HH:mm') $date.addMinutes('2020-05-01T00:00', 2, "yyyy-MM-dd'T'HH:mm", 'HH:mm')`, `01/05 07:00 00:02`},
		{`$date.addMonths('31/01/2020',1) $date.addYears('29/02/2020','1') $date.addDays('2020-05-01',-1) $date.addDays('x',1)`, `29/02/2020 28/02/2021 2020-04-30 $date.addDays('x',1)`},
		{`$date.diff('01/01/2019','05/05/2020','YEARS') $date.diff('01/01/2019','05/05/2020','MONTHS') $date.diff('05/05/2020','01/01/2019','DAYS')`, `1 16 490`},
		{`$date.diff('01/01/2019','05/05/2020','HOURS') $date.diff('01/01/2019','05/05/2020','MINUTES')`, `11760 705600`},
		{`$date.diff('17:15 05/05/2020', '10:05 01/01/2019', 'HH:mm dd/MM/yyyy', 'MINUTES') $date.diff('x','y','DAYS')`, `706030 $date.diff('x','y','DAYS')`},
	})
}

func TestEscapeTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$esc.html($html) $esc.html('é — α №') $esc.html(5) $esc.html($nothing)`, `&lt;b&gt;&quot;Tom&quot; &amp; 'Jerry'&lt;/b&gt; &eacute; &mdash; &alpha; № 5 $esc.html($nothing)`},
		{`$esc.xml("<'é'>") $esc.javascript("</b>'") $esc.json("</b>'Я") $esc.java('Я')`, `&lt;&apos;é&apos;&gt; <\/b>\' </b>'\u042F \u042F`},
		{`$esc.url('a b/é~') $esc.unurl('a+b%2F%C3%A9') $esc.sql("O'Reilly") $esc.velocity('$a #b')`, `a+b%2F%C3%A9%7E a b/é O''Reilly ${esc.d}a ${esc.h}b`},
		{`$esc.d$esc.h$esc.q$esc.s$esc.b$esc.e$esc.dollar$esc.hash$esc.unicode('0041')`, `$#"'\!$#A`},
		{`$esc.html($esc.html('&'))`, `&amp;amp;`},
	})
}

func TestSortTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$sorter.sort($words) $sorter.sort($nums) $nums $sorter.sort(['10','9','1']) $sorter.sort($m) $sorter.sort([3..1])`, `[apple, fig, pear] [1, 2, 3] [3, 1, 2] [1, 10, 9] [v1, v2] [1, 2, 3]`},
		{`$sorter.sort([1, 2.5, 1, -3]) #foreach($p in $sorter.sort($products,'price'))$p.name #end`, `[-3, 1, 1, 2.5] Mug Шапка Bag `},
		{`#foreach($p in $sorter.sort($products,['qty','name:desc']))$p.name #end#foreach($p in $sorter.sort($people,'n'))$p.n#end`, `Mug Bag Шапка AbC`},
		{`#foreach($p in $sorter.sort($people,'a:desc'))$p.n#end #foreach($p in $sorter.sort($people,'addr.city:asc'))$p.n#end`, `CAb CAb`},
		{`$sorter.sort([1,'a'])|$sorter.sort('abc')|$sorter.sort($nothing)|$sorter.sort($withnull)|$sorter.sort($people)|$sorter.sort([])`, `$sorter.sort([1,'a'])|$sorter.sort('abc')|$sorter.sort($nothing)|$sorter.sort($withnull)|$sorter.sort($people)|[]`},
		{`$sorter.sort($words,'length')|$sorter.sort(['b',''],'empty')|$sorter.sort($json.parse('[{"a":2},{"a":1.5}]'),'a')`, `$sorter.sort($words,'length')|[b, ]|[{a=1.5}, {a=2}]`},
		{`$listTool.split($csv) $listTool.split('abc') $listTool.split($csv).size() $listTool.split(',').size() $listTool.split(5)`, `[a, b, , c] [abc] 4 0 $listTool.split(5)`},
	})
}

func TestDisplayTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`$display.list($words) $display.list($words,'; ') $display.list($words,', ',' or ') $display.list($people,', ',' & ','addr.city')`, `pear, apple and fig pear; apple; fig pear, apple or fig Kyiv, Lviv & Dnipro`},
		{`$display.list([])|$display.list('x')|$display.list($withnull)|$display.list($nothing)`, `|x|x, null and y|$display.list($nothing)`},
		{`$display.truncate($text) $display.truncate($text,20,'…') $display.truncate($text,20,'...',true) $display.truncate($text,2)`, `The quick brown fox jumps o... The quick brown fox… The quick brown... Th`},
		{`$display.truncate($text,0)|$display.truncate(123456,4)|$display.truncate('a😀b😀c',4,'.')`, `$display.truncate($text,0)|1...|a😀.`},
		{`$display.cell('abc',6)|$display.cell('abcdefgh',6)|$display.cell('abcdefgh',6,'…')|$display.space(3)|$display.space(-1)`, `abc   |abc...|abcde…|   |$display.space(-1)`},
		{`$display.capitalize('привіт') $display.uncapitalize('ABC') $display.capitalize('')|$display.capitalize(5)`, `Привіт aBC |5`},
		{`$display.alt($nothing,'none') $display.alt($nothing) $display.alt('x','y') $display.br("a
b")`, "none null x a<br />\nb"},
		{`$display.stripTags('<b>x</b> <i>y</i>') $display.stripTags('<b>x</b><I>y</I><br/>','i','br') $display.stripTags('1 < 2')`, `x y x<I>y</I><br/> 1 < 2`},
		{`$display.plural(1,'item') $display.plural(0,'box') $display.plural(2,'city') $display.plural(2,'day') $display.plural(2,'BUS') $display.plural(3,'box','boxen') $display.plural('2','x')`, `item boxes cities days BUSES boxen $display.plural('2','x')`},
		{`$display.printf('%s-%05d|%,.2f',['a',5,$price]) $display.printf('%s') $display.printf('%tF',$date.toDate($ts))`, `a-00005|1,234.57 %s 2026-01-01`},
		{`$display.message('{1} {0}','a','b') $display.message("it''s {0}",[1234.5]) $display.message('{0,date,yyyy}',$date.toDate($ts)) $display.message('{0,number,#.##}',3.14159)`, `b a it's 1,234.5 2026 3.14`},
		{`$display.measure("abc
de") $display.measure('abc').width`, `{ height: 2, width: 3 } 3`},
	})
}

func TestJSONTool(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`#set($j=$json.parse('{"b":1.50,"a":{"l":[1,{"c":"x"}]},"n":null,"e":1e3}'))$j $j.b $j.a.l[1].c $j.a.l.get(0) $j.get('e')`, `{b=1.50, a={l=[1, {c=x}]}, n=null, e=1E+3} 1.50 x 1 1E+3`},
		{`$j.n $j.size() $j.keySet() $j.isObject() $j.a.l.isArray() $j.zz`, `$j.n $j.size() $j.keySet() $j.isObject() $j.a.l.isArray() $j.zz`},
		{`#set($j=$json.parse('{"b":1,"a":[2]}'))$j.size() $j.keySet() $j.isObject() $j.a.isArray() $j.zz #foreach($k in $j)$k;#end#foreach($x in $j.a)$x;#end`, `2 [b, a] true true $j.zz b;a;2;`},
		{`$json.parse('bad')|$json.parse('5')|$json.parse('[1,2')|$json.parse($nothing)|#if($json.parse('{}'))t#{else}f#end`, `$json.parse('bad')|$json.parse('5')|$json.parse('[1,2')|$json.parse($nothing)|f`},
	})
}

func TestToolsFollowLocaleAndZone(t *testing.T) {
	opts := toolOptions()
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	opts.Locale, opts.Zone = "uk_UA", kyiv
	runToolCases(t, opts, []toolCase{
		{`$number.format('#,##0.00',$price) $number.currency($price) $number.format('0.00','12.5') $number.format('0.0','1,5')`, "1\u00a0234,57 1\u00a0234,57\u00a0₴ 12,50 1,5"},
		{`$date.format('d MMMM yyyy HH:mm z',$ts) $date.format('MMMM',$ts) $date.format('EEEE',$ts)`, `1 січня 2026 02:00 EET січень четвер`},
		{`$date.full`, `четвер, 15 січня 2026 р. о 12:30:05 за східноєвропейським стандартним часом`},
		{`$date.formatInContactTimezone('HH:mm','2020-05-01T12:15') $date.formatDate('HH:mm',0) $date.addHours('29/03/2026 02:30',1)`, `15:15 03:00 29/03/2026 04:30`},
		{`$math.add('1.5',1) $display.printf('%.1f',1.5) $date.toDate('yyyy-MM-dd HH:mm','2026-07-01 00:00')`, `2.5 1,5 Wed Jul 01 00:00:00 EEST 2026`},
	})
}

func TestToolsThatThrowEndTheRenderAtTheMethod(t *testing.T) {
	for _, c := range []struct {
		template string
		col      int
		says     string
	}{
		{`$number.format('#.##.#',5)`, 9, "IllegalArgumentException"},
		{`$date.format('bad pattern',5)`, 7, "IllegalArgumentException"},
		{`$display.printf('%d','x')`, 10, "IllegalFormatConversionException"},
		{`$display.message('{x}',1)`, 10, "IllegalArgumentException"},
		{`$esc.unurl('%zz')`, 6, "IllegalArgumentException"},
		{`$json.parse('[1]').get(5)`, 20, "IndexOutOfBoundsException"},
		{`$display.list([1],',',',','x')`, 10, "IllegalArgumentException"},
	} {
		tmpl, err := Parse("t", c.template, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tmpl.Render(nil, nil, toolOptions())
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindMethod || e.Col != c.col || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v", c.template, err)
		}
	}
}

func TestToolsStayWithinTheirLimits(t *testing.T) {
	for _, template := range []string{
		`$display.space(2000000000)`,
		`$display.cell('x',2000000000)`,
		`$display.printf('%2000000000s','x')`,
		`$display.printf('%.2000000000f',1.5)`,
		`$display.message('{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}',$display.space(900))`,
		`#set($s=$display.space(999))$display.list([$s,$s,$s,$s,$s,$s,$s,$s,$s,$s])`,
		`#set($s=$display.printf('%900s','&'))$esc.html($s.replace(' ','&'))`,
		`#set($s=$display.printf('%900s','x'))$esc.url($s.replace(' ','é'))`,
		`#set($s='[1')#foreach($i in [1..400])#set($s="$s,1")#end#set($x=$json.parse("$s]"))`,
		`$sorter.sort([1..100000])`,
		`$math.getTotal([1..100000])`,
		`#set($s=$display.printf('%500s','x'))$listTool.split($s.replace(' ',','))`,
		`#foreach($i in [1..200])#set($x=$display.capitalize($display.printf('%900s','x').trim().replace('x',$display.printf('%100s','y').trim())))#set($y=$display.truncate($display.printf('%900s','x'),800))#end`,
	} {
		tmpl, err := Parse("t", template, Options{})
		if err != nil {
			t.Fatal(err)
		}
		opts := toolOptions()
		opts.Limits = Limits{String: 1000, Memory: 20_000, Collection: 300, Output: 100_000}
		_, err = tmpl.Render(nil, nil, opts)
		var e *Error
		if !errors.As(err, &e) || !e.Kind.IsLimit() || e.Line != 1 {
			t.Errorf("%s: %v", template, err)
		}
	}
}

func TestToolsDoNotChangeWhatTheyAreGiven(t *testing.T) {
	runToolCases(t, toolOptions(), []toolCase{
		{`#set($s=$sorter.sort($products,'price'))#set($x=$s.remove(0))$products.size() $s.size()`, `3 2`},
		{`#set($x=$words.add('zz'))$sorter.sort($words) $words`, `[apple, fig, pear, zz] [pear, apple, fig, zz]`},
		{`#set($p = $people[0])#set($p.a = 1)#foreach($q in $sorter.sort($people,'a'))$q.n#end $math.getTotal($people,'a')`, `AbC 61`},
	})
}
