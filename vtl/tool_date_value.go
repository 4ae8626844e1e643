package vtl

import (
	"strconv"
	"strings"
	"time"

	"tidings/vtl/internal/java"
)

// dateValue is java.util.Date: an instant. It can't be changed.
type dateValue struct{ ms int64 }

func (*dateValue) Class() *Class { return dateValueClass }

// Text is Date.toString in the zone of the render.
func (d *dateValue) Text(c *Call) (string, error) {
	var room [40]byte
	return string(java.AppendDate(room[:0], d.ms, c.r.zone)), nil
}

// EqualObject reports whether the other is the same instant.
func (d *dateValue) EqualObject(other Object) bool {
	o, ok := other.(*dateValue)
	return ok && o.ms == d.ms
}

// CompareObject orders dates by time.
func (d *dateValue) CompareObject(other Object) (int, bool) {
	o, ok := other.(*dateValue)
	if !ok {
		return 0, false
	}
	return compareInts(d.ms, o.ms), true
}

// millisOfObject is the instant of a date or a calendar.
func millisOfObject(o Object) (int64, bool) {
	switch d := o.(type) {
	case *dateValue:
		return d.ms, true
	case *calendarValue:
		return d.ms, true
	}
	return 0, false
}

var dateValueClass = &Class{Name: "Date", Methods: Methods{
	"getTime":           onDate(func(d *dateValue, _ *Call) Value { return Int64(d.ms) }),
	"getYear":           onDate(func(d *dateValue, c *Call) Value { return Int32(int32(yearOf(d.fields(c)) - 1900)) }),
	"getMonth":          onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Month)) }),
	"getDate":           onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Day)) }),
	"getDay":            onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Weekday - 1)) }),
	"getHours":          onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Hour)) }),
	"getMinutes":        onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Minute)) }),
	"getSeconds":        onDate(func(d *dateValue, c *Call) Value { return Int32(int32(d.fields(c).Second)) }),
	"getTimezoneOffset": onDate(func(d *dateValue, c *Call) Value { return Int32(int32(-d.fields(c).Offset / msMinute)) }),
	"hashCode":          onDate(func(d *dateValue, _ *Call) Value { return Int32(java.LongHash(d.ms)) }),
	"toString": {{Arity: 0, Func: func(c *Call, self Object, _ []Value) (Value, error) {
		return c.textValue(ObjectValue(self))
	}}},
	"before":    againstDate(func(order int) Value { return Bool(order < 0) }),
	"after":     againstDate(func(order int) Value { return Bool(order > 0) }),
	"compareTo": againstDate(func(order int) Value { return Int32(int32(order)) }),
	"equals":    equalsObject(),
}}

func (d *dateValue) fields(c *Call) java.Fields { return java.FieldsOf(d.ms, c.r.zone) }

// yearOf counts years before Christ down from 0.
func yearOf(f java.Fields) int {
	if f.Era == 0 {
		return 1 - f.Year
	}
	return f.Year
}

func onDate(f func(d *dateValue, c *Call) Value) []Method {
	return []Method{{Arity: 0, Func: func(c *Call, self Object, _ []Value) (Value, error) {
		return f(self.(*dateValue), c), nil
	}}}
}

// againstDate makes a method that compares with another date.
func againstDate(result func(order int) Value) []Method {
	return []Method{{Arity: 1, Func: func(_ *Call, self Object, args []Value) (Value, error) {
		if args[0].IsNull() {
			return Null, nullPointer()
		}
		if args[0].kind != KindObject {
			return Null, nil
		}
		order, ok := self.(Comparer).CompareObject(args[0].object())
		if !ok {
			return Null, nil
		}
		return result(order), nil
	}}}
}

func equalsObject() []Method {
	return []Method{{Arity: 1, Func: func(_ *Call, self Object, args []Value) (Value, error) {
		return Bool(args[0].kind == KindObject && self.(Equaler).EqualObject(args[0].object())), nil
	}}}
}

// calendarField is a field of java.util.Calendar, by its number there.
type calendarField int

const (
	calEra calendarField = iota
	calYear
	calMonth
	calWeekOfYear
	calWeekOfMonth
	calDayOfMonth
	calDayOfYear
	calDayOfWeek
	calDayOfWeekInMonth
	calAmPm
	calHour
	calHourOfDay
	calMinute
	calSecond
	calMillisecond
	calZoneOffset
	calDstOffset
	calendarFields
)

// calendarFieldNamed finds a field by the name of its constant, in any case; -1 if
// there is none.
func calendarFieldNamed(name string) calendarField {
	for i, known := range [...]string{
		"ERA", "YEAR", "MONTH", "WEEK_OF_YEAR", "WEEK_OF_MONTH", "DAY_OF_MONTH", "DAY_OF_YEAR", "DAY_OF_WEEK",
		"DAY_OF_WEEK_IN_MONTH", "AM_PM", "HOUR", "HOUR_OF_DAY", "MINUTE", "SECOND", "MILLISECOND", "ZONE_OFFSET", "DST_OFFSET",
	} {
		if strings.EqualFold(name, known) {
			return calendarField(i)
		}
	}
	if strings.EqualFold(name, "DATE") {
		return calDayOfMonth
	}
	return -1
}

// fieldOf is Calendar.get.
func fieldOf(field calendarField, ms int64, locale *java.Locale, zone *time.Location) Value {
	f := java.FieldsOf(ms, zone)
	week, _ := f.WeekOfYear(locale)
	values := [calendarFields]int{
		f.Era, f.Year, f.Month, week, f.WeekOfMonth(locale), f.Day, f.YearDay, f.Weekday,
		(f.Day-1)/7 + 1, f.Hour / 12, f.Hour % 12, f.Hour, f.Minute, f.Second, f.Millisecond,
		f.Offset - f.Summer, f.Summer,
	}
	return Int32(int32(values[field]))
}

// calendarValue is a GregorianCalendar. Unlike a date it can be changed, by the
// render that made it.
type calendarValue struct {
	ms     int64
	locale *java.Locale
}

func (*calendarValue) Class() *Class { return calendarClass }

// Text is the instant; Java lists every field here.
func (v *calendarValue) Text(*Call) (string, error) {
	return "java.util.GregorianCalendar[time=" + strconv.FormatInt(v.ms, 10) + "]", nil
}

// EqualObject reports whether the other is a calendar at the same instant.
func (v *calendarValue) EqualObject(other Object) bool {
	o, ok := other.(*calendarValue)
	return ok && o.ms == v.ms
}

// CompareObject orders calendars by time.
func (v *calendarValue) CompareObject(other Object) (int, bool) {
	o, ok := other.(*calendarValue)
	if !ok {
		return 0, false
	}
	return compareInts(v.ms, o.ms), true
}

var calendarClass = &Class{Name: "GregorianCalendar", Methods: Methods{
	"get":             {onCalendar(1, (*calendarValue).get)},
	"add":             {onCalendar(2, (*calendarValue).add)},
	"set":             {onCalendar(2, (*calendarValue).set)},
	"getTime":         {onCalendar(0, func(v *calendarValue, _ *Call, _ []Value) (Value, error) { return ObjectValue(&dateValue{v.ms}), nil })},
	"getTimeInMillis": {onCalendar(0, func(v *calendarValue, _ *Call, _ []Value) (Value, error) { return Int64(v.ms), nil })},
	"getTimeZone": {onCalendar(0, func(_ *calendarValue, c *Call, _ []Value) (Value, error) {
		return ObjectValue(&zoneValue{c.r.zone}), nil
	})},
	"before":    againstDate(func(order int) Value { return Bool(order < 0) }),
	"after":     againstDate(func(order int) Value { return Bool(order > 0) }),
	"compareTo": againstDate(func(order int) Value { return Int32(int32(order)) }),
	"equals":    equalsObject(),
	"toString":  {onCalendar(0, func(v *calendarValue, c *Call, _ []Value) (Value, error) { return c.textValue(ObjectValue(v)) })},
}}

func onCalendar(n int, f func(v *calendarValue, c *Call, args []Value) (Value, error)) Method {
	return Method{Arity: n, Func: func(c *Call, self Object, args []Value) (Value, error) {
		return f(self.(*calendarValue), c, args)
	}}
}

// calendarFieldArg reads a field number; ok is false for other kinds.
func calendarFieldArg(v Value) (field calendarField, ok bool, err error) {
	if v.kind != KindInt32 {
		return 0, false, nil
	}
	if v.int() < 0 || v.int() >= int64(calendarFields) {
		return 0, false, Throw("java.lang.ArrayIndexOutOfBoundsException",
			"Index "+plainText(v)+" out of bounds for length "+itoa(int(calendarFields)))
	}
	return calendarField(v.int()), true, nil
}

func (v *calendarValue) get(c *Call, args []Value) (Value, error) {
	field, ok, err := calendarFieldArg(args[0])
	if err != nil || !ok {
		return Null, err
	}
	return fieldOf(field, v.ms, v.locale, c.r.zone), nil
}

func (v *calendarValue) add(c *Call, args []Value) (Value, error) {
	field, ok, err := calendarFieldArg(args[0])
	if err != nil || !ok || args[1].kind != KindInt32 {
		return Null, err
	}
	ms, ok := addToDate(v.ms, field, args[1].int(), c.r.zone)
	if !ok {
		return Null, Throw("java.lang.IllegalArgumentException", "")
	}
	v.ms = ms
	return void, nil
}

func (v *calendarValue) set(c *Call, args []Value) (Value, error) {
	field, ok, err := calendarFieldArg(args[0])
	if err != nil || !ok || args[1].kind != KindInt32 {
		return Null, err
	}
	f := java.FieldsOf(v.ms, c.r.zone)
	n := int(args[1].int())
	switch field {
	case calYear:
		f.Year = n
	case calMonth:
		f.Month = n
	case calDayOfMonth:
		f.Day = n
	case calDayOfYear:
		f.Month, f.Day = 0, n
	case calDayOfWeek:
		f.Day += n - f.Weekday
	case calHourOfDay:
		f.Hour = n
	case calHour:
		f.Hour = f.Hour/12*12 + n
	case calAmPm:
		f.Hour = f.Hour%12 + 12*n
	case calMinute:
		f.Minute = n
	case calSecond:
		f.Second = n
	case calMillisecond:
		f.Millisecond = n
	default:
		return Null, nil
	}
	v.ms = f.Millis(c.r.zone)
	return void, nil
}

// addToDate is Calendar.add: days and more by the calendar, of a month that is too
// short the last day; hours and less by the clock that ticks.
func addToDate(ms int64, field calendarField, n int64, zone *time.Location) (int64, bool) {
	f := java.FieldsOf(ms, zone)
	n = min(max(n, -1<<31), 1<<31)
	switch field {
	case calYear, calMonth:
		months := int64(f.Month) + n
		if field == calYear {
			months = int64(f.Month) + 12*n
		}
		f.Month = int(months)
		first := f
		first.Day = 1
		last := first
		last.Month++
		last.Day = 0
		length := java.FieldsOf(last.Millis(zone), zone).Day
		f.Day = min(f.Day, length)
		return f.Millis(zone), true
	case calWeekOfYear, calWeekOfMonth, calDayOfWeekInMonth:
		f.Day += int(7 * n)
		return f.Millis(zone), true
	case calDayOfMonth, calDayOfYear, calDayOfWeek:
		f.Day += int(n)
		return f.Millis(zone), true
	case calAmPm:
		return ms + 12*n*msHour, true
	case calHour, calHourOfDay:
		return ms + n*msHour, true
	case calMinute:
		return ms + n*msMinute, true
	case calSecond:
		return ms + n*msSecond, true
	case calMillisecond:
		return ms + n, true
	}
	return 0, false
}

// localeValue is a java.util.Locale, from toLocale.
type localeValue struct {
	tag    string
	locale *java.Locale
}

func (*localeValue) Class() *Class                { return localeClass }
func (l *localeValue) Text(*Call) (string, error) { return l.tag, nil }

// EqualObject compares the tags.
func (l *localeValue) EqualObject(other Object) bool {
	o, ok := other.(*localeValue)
	return ok && o.tag == l.tag
}

var localeClass = &Class{Name: "Locale", Methods: Methods{
	"toString": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		return String(self.(*localeValue).tag), nil
	}}},
	"equals": equalsObject(),
}}

func localeOfRender(c *Call, _ []Value) (Value, error) {
	return ObjectValue(&localeValue{c.r.locale, c.r.javaLocale()}), nil
}

// maxLocaleTag is past every tag of language, country and variant.
const maxLocaleTag = 64

func toLocale(c *Call, args []Value) (Value, error) {
	if args[0].IsNull() || isLocale(args[0]) {
		return args[0], nil
	}
	tag, err := c.Text(args[0])
	if err != nil || len(tag) > maxLocaleTag {
		return Null, err
	}
	return ObjectValue(&localeValue{tag, java.LookupLocale(tag)}), nil
}

func isLocale(v Value) bool {
	if v.kind != KindObject {
		return false
	}
	_, ok := v.object().(*localeValue)
	return ok
}

// localeArg is argument i as a Locale, that of the render if there is none; false
// for other kinds.
func (c *Call) localeArg(args []Value, i int) (*java.Locale, bool) {
	if i >= len(args) {
		return c.r.javaLocale(), true
	}
	if !isLocale(args[i]) {
		return nil, false
	}
	return args[i].object().(*localeValue).locale, true
}

// zoneValue is a java.util.TimeZone.
type zoneValue struct{ zone *time.Location }

func (*zoneValue) Class() *Class                { return zoneClass }
func (z *zoneValue) Text(*Call) (string, error) { return z.zone.String(), nil }

var zoneClass = &Class{Name: "TimeZone", Methods: Methods{
	"getID": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		return String(self.(*zoneValue).zone.String()), nil
	}}},
}}

// zoneArg is argument i as a TimeZone; see localeArg.
func (c *Call) zoneArg(args []Value, i int) (*time.Location, bool) {
	if i >= len(args) {
		return c.r.zone, true
	}
	if args[i].kind != KindObject {
		return nil, false
	}
	z, ok := args[i].object().(*zoneValue)
	if !ok {
		return nil, false
	}
	return z.zone, true
}
