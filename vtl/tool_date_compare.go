package vtl

import (
	"strconv"
	"strings"
)

// Lengths of the units of a comparison in milliseconds: a month is 30 days, a year 365.
const (
	msSecond = 1000
	msMinute = 60 * msSecond
	msHour   = 60 * msMinute
	msDay    = 24 * msHour
	msWeek   = 7 * msDay
	msMonth  = 30 * msDay
	msYear   = 365 * msDay
)

// comparisonKind says how a comparison is told.
type comparisonKind int

const (
	toNow      comparisonKind = iota // 2 days ago
	relative                         // 2 days earlier
	difference                       // 2 days
)

// comparison is the time between two dates, and how to tell it.
type comparison struct {
	ms    int64
	kind  comparisonKind
	depth int // units to tell
	abbr  bool
}

func (*comparison) Class() *Class { return comparisonClass }

// comparisonUnits are the units from the smallest: length, name and short forms.
var comparisonUnits = [...]struct {
	ms                   int64
	name, abbr, abbrMany string
}{
	{1, "millisecond", "ms", "ms"},
	{msSecond, "second", "s", "s"},
	{msMinute, "minute", "min", "min"},
	{msHour, "hour", "hr", "hrs"},
	{msDay, "day", "day", "days"},
	{msWeek, "week", "wk", "wks"},
	{msMonth, "month", "mo", "mos"},
	{msYear, "year", "yr", "yrs"},
}

// Text tells the time in English, as the tool does without a translation.
func (v *comparison) Text(*Call) (string, error) {
	if v.ms == 0 {
		return v.same(), nil
	}
	ms := v.ms
	if ms < 0 {
		ms = -ms
	}
	text := v.units(ms)
	before := v.ms < 0
	switch {
	case v.kind == difference && before:
		return "-" + text, nil
	case v.kind == difference:
		return text, nil
	case v.kind == toNow && text == "1 day" && before:
		return "yesterday", nil
	case v.kind == toNow && text == "1 day":
		return "tomorrow", nil
	case v.kind == toNow && before:
		return text + " ago", nil
	case v.kind == toNow:
		return text + " away", nil
	case before:
		return text + " earlier", nil
	}
	return text + " later", nil
}

func (v *comparison) same() string {
	switch {
	case v.kind == toNow:
		return "now"
	case v.kind == relative && v.abbr:
		return "same"
	case v.kind == relative:
		return "same time"
	case v.abbr:
		return "0 ms"
	}
	return "0 milliseconds"
}

// units tells the largest units, at most depth of them.
func (v *comparison) units(ms int64) string {
	var parts []string
	for i := len(comparisonUnits) - 1; i >= 0 && len(parts) < max(v.depth, 1); i-- {
		u := &comparisonUnits[i]
		n := ms / u.ms
		if n == 0 {
			continue
		}
		ms -= n * u.ms
		name := u.name
		switch {
		case v.abbr && n == 1:
			name = u.abbr
		case v.abbr:
			name = u.abbrMany
		case n != 1:
			name += "s"
		}
		parts = append(parts, strconv.FormatInt(n, 10)+" "+name)
	}
	return strings.Join(parts, " ")
}

var comparisonClass = &Class{Name: "Comparison", Methods: Methods{
	"getYears":        inComparison(msYear),
	"getMonths":       inComparison(msMonth),
	"getWeeks":        inComparison(msWeek),
	"getDays":         inComparison(msDay),
	"getHours":        inComparison(msHour),
	"getMinutes":      inComparison(msMinute),
	"getSeconds":      inComparison(msSecond),
	"getMilliseconds": inComparison(1),

	"getFull":       told(func(v *comparison) { v.depth = len(comparisonUnits) }),
	"getDifference": told(func(v *comparison) { v.kind = difference }),
	"getRelative":   told(func(v *comparison) { v.kind = relative }),
	"getAbbr":       told(func(v *comparison) { v.abbr = true }),
	"abbr":          {{Arity: 1, Func: comparisonAbbr}},
	"depth":         {{Arity: 1, Func: comparisonDepth}},
	"locale": {{Arity: 1, Func: func(_ *Call, self Object, args []Value) (Value, error) {
		if !isLocale(args[0]) && !args[0].IsNull() {
			return Null, nil
		}
		return ObjectValue(self), nil
	}}},
	"toString": {{Arity: 0, Func: func(c *Call, self Object, _ []Value) (Value, error) {
		return c.textValue(ObjectValue(self))
	}}},
}}

func inComparison(unit int64) []Method {
	return []Method{{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		return Int64(self.(*comparison).ms / unit), nil
	}}}
}

// told makes a getter of the same comparison, told in another way.
func told(change func(v *comparison)) []Method {
	return []Method{{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		other := *self.(*comparison)
		change(&other)
		return ObjectValue(&other), nil
	}}}
}

func comparisonAbbr(_ *Call, self Object, args []Value) (Value, error) {
	if args[0].kind != KindBool {
		return Null, nil
	}
	other := *self.(*comparison)
	other.abbr = args[0].Bool()
	return ObjectValue(&other), nil
}

func comparisonDepth(_ *Call, self Object, args []Value) (Value, error) {
	if args[0].kind != KindInt32 {
		return Null, nil
	}
	other := *self.(*comparison)
	other.depth = int(args[0].int())
	return ObjectValue(&other), nil
}

func whenIsNow(c *Call, args []Value) (Value, error) {
	return c.compareDates(Int64(c.Now().UnixMilli()), args[0], toNow)
}

func whenIs(c *Call, args []Value) (Value, error) {
	return c.compareDates(args[0], args[1], relative)
}

func dateDifference(c *Call, args []Value) (Value, error) {
	return c.compareDates(args[0], args[1], difference)
}

func (c *Call) compareDates(now, then Value, kind comparisonKind) (Value, error) {
	from, ok, err := c.millis("default", now, c.r.javaLocale(), c.r.zone)
	if err != nil || !ok {
		return Null, err
	}
	to, ok, err := c.millis("default", then, c.r.javaLocale(), c.r.zone)
	if err != nil || !ok {
		return Null, err
	}
	return ObjectValue(&comparison{ms: to - from, kind: kind, depth: 1}), nil
}

// inUnits makes the static methods toYears … toSeconds.
func inUnits(unit int64) []Method {
	return []Method{withArgs(1, func(_ *Call, args []Value) (Value, error) {
		if args[0].kind != KindInt32 && args[0].kind != KindInt64 {
			return Null, nil
		}
		return Int64(args[0].int() / unit), nil
	})}
}
