package vtl

import (
	"strings"
	"time"

	"tidings/vtl/internal/java"
)

// dateTool is ComparisonDateTool, and with it DateTool, together with the methods
// of the platform's own dateTool (tool_date_platform.go).
type dateTool struct{ zones *zoneCache }

func (*dateTool) Class() *Class { return dateClass }

// Text is the time of the render in the default style.
func (*dateTool) Text(c *Call) (string, error) {
	v, err := c.formatDate("default", c.Now().UnixMilli(), c.r.javaLocale(), c.r.zone)
	return v.Str(), err
}

var dateClass = &Class{Name: "ComparisonDateTool", Methods: Methods{
	"getSystemTime":     {withArgs(0, func(c *Call, _ []Value) (Value, error) { return Int64(c.Now().UnixMilli()), nil })},
	"getSystemDate":     {withArgs(0, dateNow)},
	"getDate":           {withArgs(0, dateNow)},
	"getSystemCalendar": {withArgs(0, calendarNow)},
	"getCalendar":       {withArgs(0, calendarNow)},
	"getTimeZone":       {withArgs(0, func(c *Call, _ []Value) (Value, error) { return ObjectValue(&zoneValue{c.r.zone}), nil })},
	"getLocale":         {withArgs(0, localeOfRender)},
	"toLocale":          {withArgs(1, toLocale)},
	"getFormat":         constant("default"),

	"getYear":  dateField(calYear),
	"getMonth": dateField(calMonth),
	"getDay":   dateField(calDayOfMonth),
	"getValue": {withArgs(1, dateValueOf), withArgs(2, dateValueOf)},

	"get":    {withArgs(1, dateGet), withArgs(2, dateGetStyles)},
	"format": {withArgs(1, dateFormat1), withArgs(2, dateFormat), withArgs(3, dateFormat), withArgs(4, dateFormat), withArgs(5, dateFormat)},
	"toDate": {
		withArgs(1, func(c *Call, args []Value) (Value, error) {
			return c.toDate("default", args[0], c.r.javaLocale(), c.r.zone)
		}),
		withArgs(2, dateToDate), withArgs(3, dateToDate), withArgs(4, dateToDate),
	},
	"toCalendar": {withArgs(1, dateToCalendar), withArgs(2, dateToCalendar)},

	"whenIs":     {withArgs(1, whenIsNow), withArgs(2, whenIs)},
	"difference": {withArgs(2, dateDifference)},
	"toYears":    inUnits(msYear), "toMonths": inUnits(msMonth), "toWeeks": inUnits(msWeek), "toDays": inUnits(msDay),
	"toHours": inUnits(msHour), "toMinutes": inUnits(msMinute), "toSeconds": inUnits(msSecond),

	"currentDate":             {withArgs(0, platformNow), {Arity: 1, Func: platformNowIn}, {Arity: 2, Func: platformNowIn}},
	"currentTimeStamp":        {withArgs(0, func(c *Call, _ []Value) (Value, error) { return Int64(c.Now().UnixMilli()), nil })},
	"formatDate":              platformFormat(nil),
	"formatInContactTimezone": platformFormat(time.UTC),
	"addYears":                platformAdd(calYear), "addMonths": platformAdd(calMonth), "addDays": platformAdd(calDayOfMonth),
	"addHours": platformAdd(calHourOfDay), "addMinutes": platformAdd(calMinute),
	"diff": {withArgs(3, platformDiff), withArgs(4, platformDiff)},
}}

func dateNow(c *Call, _ []Value) (Value, error) {
	return ObjectValue(&dateValue{c.Now().UnixMilli()}), nil
}

func calendarNow(c *Call, _ []Value) (Value, error) {
	return ObjectValue(&calendarValue{c.Now().UnixMilli(), c.r.javaLocale()}), nil
}

// dateField makes a getter of a field of the clock or of a date.
func dateField(field calendarField) []Method {
	return []Method{
		withArgs(0, func(c *Call, _ []Value) (Value, error) {
			return fieldOf(field, c.Now().UnixMilli(), c.r.javaLocale(), c.r.zone), nil
		}),
		withArgs(1, func(c *Call, args []Value) (Value, error) { return c.dateFieldOf(field, args[0]) }),
	}
}

func (c *Call) dateFieldOf(field calendarField, v Value) (Value, error) {
	ms, ok, err := c.millis("default", v, c.r.javaLocale(), c.r.zone)
	if err != nil || !ok {
		return Null, err
	}
	return fieldOf(field, ms, c.r.javaLocale(), c.r.zone), nil
}

// dateValueOf reads a field by its number or by the name of Calendar's constant.
func dateValueOf(c *Call, args []Value) (Value, error) {
	field := calendarField(-1)
	switch {
	case args[0].kind == KindString:
		field = calendarFieldNamed(args[0].str())
	case args[0].kind == KindInt32 && len(args) == 2:
		field = calendarField(args[0].int())
	}
	if field < 0 || field >= calendarFields {
		return Null, nil
	}
	if len(args) == 1 {
		return fieldOf(field, c.Now().UnixMilli(), c.r.javaLocale(), c.r.zone), nil
	}
	return c.dateFieldOf(field, args[1])
}

// dateGet formats the clock: $date.medium, $date.get('yyyy').
func dateGet(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindString {
		return Null, nil
	}
	return c.formatDate(args[0].str(), c.Now().UnixMilli(), c.r.javaLocale(), c.r.zone)
}

func dateGetStyles(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindString || args[1].kind != KindString {
		return Null, nil
	}
	now := ObjectValue(&dateValue{c.Now().UnixMilli()})
	return dateFormat(c, []Value{args[0], args[1], now})
}

func dateFormat1(c *Call, args []Value) (Value, error) {
	return dateFormat(c, []Value{String("default"), args[0]})
}

// dateFormat takes (format, date) or (date style, time style, date), each with a
// locale and a zone behind.
func dateFormat(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindString {
		return Null, nil
	}
	styles := len(args) >= 3 && args[1].kind == KindString && !isLocale(args[2])
	first := 1
	if styles {
		first = 2
	}
	locale, ok := c.localeArg(args, first+1)
	zone, ok2 := c.zoneArg(args, first+2)
	if !ok || !ok2 || len(args) > first+3 {
		return Null, nil
	}
	ms, isDate, err := c.millis("default", args[first], c.r.javaLocale(), c.r.zone)
	if err != nil {
		return Null, err
	}
	if styles {
		if !isDate {
			return Null, nil
		}
		f := styledDate(styleNamed(args[0].str()), styleNamed(args[1].str()), locale)
		return c.appendedDate(f, ms, zone)
	}
	f, err := dateFormatOf(args[0].str(), locale)
	if err != nil {
		return Null, thrownBy(err) // a bad pattern throws even without a date
	}
	if !isDate {
		return Null, nil
	}
	return c.appendedDate(f, ms, zone)
}

func (c *Call) formatDate(format string, ms int64, locale *java.Locale, zone *time.Location) (Value, error) {
	f, err := dateFormatOf(format, locale)
	if err != nil {
		return Null, thrownBy(err)
	}
	return c.appendedDate(f, ms, zone)
}

func (c *Call) appendedDate(f java.DateFormat, ms int64, zone *time.Location) (Value, error) {
	if err := c.Step(1); err != nil {
		return Null, err
	}
	var room [64]byte
	return c.made(f.Append(room[:0], ms, zone))
}

// dateStyle is a style of dates or times; those from styleISO on have fixed patterns.
type dateStyle int

const (
	styleNone dateStyle = iota - 1
	styleFull
	styleLong
	styleMedium
	styleShort
	styleISO
	styleISOZone
	styleIntl
	styleIntlZone
)

func styleNamed(name string) dateStyle {
	const longest = len("default")
	if len(name) > longest {
		return styleNone
	}
	switch strings.ToLower(name) {
	case "full":
		return styleFull
	case "long":
		return styleLong
	case "medium", "default":
		return styleMedium
	case "short":
		return styleShort
	case "iso":
		return styleISO
	case "iso_tz":
		return styleISOZone
	case "intl":
		return styleIntl
	case "intl_tz":
		return styleIntlZone
	}
	return styleNone
}

// dateFormatOf is a style, a style with _date or _time, or a pattern.
func dateFormatOf(format string, locale *java.Locale) (java.DateFormat, error) {
	if name, ok := strings.CutSuffix(format, "_date"); ok {
		return styledDate(styleNamed(name), styleNone, locale), nil
	}
	if name, ok := strings.CutSuffix(format, "_time"); ok {
		return styledDate(styleNone, styleNamed(name), locale), nil
	}
	if style := styleNamed(format); style != styleNone {
		return styledDate(style, style, locale), nil
	}
	return java.ParseDateFormat(format, locale)
}

// styledDate is the format of two styles; of a name that is no style it is the
// medium date.
func styledDate(date, clock dateStyle, locale *java.Locale) java.DateFormat {
	switch {
	case date == styleNone && clock == styleNone:
		return locale.DateStyle(java.Medium, java.NoStyle)
	case date < styleISO && clock < styleISO:
		return locale.DateStyle(java.Style(date), java.Style(clock))
	}
	pattern, style := "", date
	switch {
	case clock == styleNone:
		return fixedDate("yyyy-MM-dd", locale)
	case date == styleNone:
		pattern, style = "HH:mm:ss", clock
	case date == styleISO, date == styleISOZone:
		pattern = "yyyy-MM-dd'T'HH:mm:ss"
	case date == styleIntl, date == styleIntlZone:
		pattern = "yyyy-MM-dd HH:mm:ss"
	default: // the style of the time says nothing beside that of the date
		return locale.DateStyle(java.Style(date), java.Medium)
	}
	switch style {
	case styleISOZone:
		return fixedDate(pattern+"XXX", locale)
	case styleIntlZone:
		return fixedDate(pattern, locale).WithZoneID()
	}
	return fixedDate(pattern, locale)
}

func fixedDate(pattern string, locale *java.Locale) java.DateFormat {
	f, err := java.ParseDateFormat(pattern, locale)
	if err != nil {
		panic("vtl: " + err.Error())
	}
	return f
}

// millis takes a value as an instant: dates and calendars, numbers as milliseconds
// since 1970, and texts in the format. A format that is none is no date.
func (c *Call) millis(format string, v Value, locale *java.Locale, zone *time.Location) (int64, bool, error) {
	switch {
	case v.kind == KindObject:
		if _, isTool := v.object().(*dateTool); isTool {
			return c.Now().Truncate(time.Second).UnixMilli(), true, nil // its text has seconds
		}
		ms, ok := millisOfObject(v.object())
		return ms, ok, nil
	case v.IsNumber():
		return longOf(v), true, nil
	case v.kind == KindNull || v.kind == KindList || v.kind == KindMap:
		return 0, false, nil
	}
	text, err := c.Text(v)
	if err != nil {
		return 0, false, err
	}
	if err := c.Step(4); err != nil {
		return 0, false, err
	}
	f, err := dateFormatOf(format, locale)
	if err != nil {
		return 0, false, nil
	}
	ms, ok := f.Parse(text, zone, c.Now().UnixMilli())
	return ms, ok, nil
}

// dateToDate takes (format, date), with a locale and a zone behind.
func dateToDate(c *Call, args []Value) (Value, error) {
	locale, ok := c.localeArg(args, 2)
	zone, ok2 := c.zoneArg(args, 3)
	if !ok || !ok2 || args[0].kind != KindString && !args[0].IsNull() {
		return Null, nil
	}
	return c.toDate(args[0].Str(), args[1], locale, zone)
}

func (c *Call) toDate(format string, v Value, locale *java.Locale, zone *time.Location) (Value, error) {
	ms, ok, err := c.millis(format, v, locale, zone)
	if err != nil || !ok {
		return Null, err
	}
	return ObjectValue(&dateValue{ms}), nil
}

func dateToCalendar(c *Call, args []Value) (Value, error) {
	locale, ok := c.localeArg(args, 1)
	if !ok {
		return Null, nil
	}
	if args[0].kind == KindObject {
		if _, isCalendar := args[0].object().(*calendarValue); isCalendar {
			return args[0], nil
		}
	}
	ms, ok, err := c.millis("default", args[0], c.r.javaLocale(), c.r.zone)
	if err != nil || !ok {
		return Null, err
	}
	return ObjectValue(&calendarValue{ms, locale}), nil
}
