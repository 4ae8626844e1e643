package java

import (
	"strings"
	"time"
)

const (
	msPerSecond = 1000
	msPerMinute = 60 * msPerSecond
	msPerHour   = 60 * msPerMinute
	msPerDay    = 24 * msPerHour
)

// Fields are the parts of an instant in a time zone, as GregorianCalendar has
// them: the Gregorian calendar from 15 October 1582, the Julian one before.
type Fields struct {
	Era         int // 0 BC, 1 AD
	Year        int // of the era
	Month       int // 0 is January
	Day         int // of the month
	Weekday     int // 1 is Sunday
	YearDay     int // 1 is the first of January
	Hour        int // of the day
	Minute      int
	Second      int
	Millisecond int
	Offset      int // milliseconds east of UTC, summer time included
	Summer      int // milliseconds of it that are summer time
}

// cutoverDay is 15 October 1582 in days since 1970.
const cutoverDay = -141427

// Range of instants that the calendar is worked out for: the years 1 to 9999 and
// enough around them. Values outside are moved to its ends, so that no
// arithmetic on days overflows.
const (
	minInstant = -1 << 53
	maxInstant = 1 << 53
)

// FieldsOf takes an instant apart. Instants more than some 285,000 years away
// are taken as that far.
func FieldsOf(ms int64, zone *time.Location) Fields {
	ms = min(max(ms, minInstant), maxInstant)
	f := Fields{Offset: int(offsetAt(ms, zone))}
	if t := time.UnixMilli(ms).In(zone); ms >= firstRule && t.IsDST() {
		f.Summer = summerShift(t, f.Offset/msPerSecond) * msPerSecond
	}
	local := ms + int64(f.Offset)
	day := floorDiv(local, msPerDay)
	rest := int(local - day*msPerDay)
	f.Hour, rest = rest/msPerHour, rest%msPerHour
	f.Minute, rest = rest/msPerMinute, rest%msPerMinute
	f.Second, f.Millisecond = rest/msPerSecond, rest%msPerSecond
	f.Weekday = weekdayOf(day)
	var year int
	year, f.Month, f.Day = civil(day)
	f.YearDay = int(day-dayOf(year, 0, 1)) + 1
	f.Era, f.Year = 1, year
	if year <= 0 {
		f.Era, f.Year = 0, 1-year
	}
	return f
}

// summerShift is how many seconds summer time adds at t: the difference to the
// standard time half a year away.
func summerShift(t time.Time, seconds int) int {
	for _, months := range [...]int{6, -6, 3, -3} {
		other := t.AddDate(0, months, 0)
		if _, standard := other.Zone(); !other.IsDST() && standard < seconds {
			return seconds - standard
		}
	}
	return 3600
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// weekdayOf is the day of the week, 1 is Sunday, of a day since 1970.
func weekdayOf(day int64) int { return int((day+4)%7+7)%7 + 1 }

// civil gives the proleptic year (0 is 1 BC), month from 0 and day of the month.
func civil(day int64) (year, month, dayOfMonth int) {
	if day < cutoverDay {
		return civilJulian(day)
	}
	z := day + 719468 // days since 1 March of the year 0
	century := floorDiv(z, 146097)
	doe := z - century*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	return fromMarch(int(yoe+century*400), int(doy))
}

func civilJulian(day int64) (year, month, dayOfMonth int) {
	z := day + 719470 // days since 1 March of the Julian year 0
	cycle := floorDiv(z, 1461)
	doc := z - cycle*1461
	yoc := min(doc/365, 3)
	return fromMarch(int(yoc+cycle*4), int(doc-yoc*365))
}

// fromMarch turns a year that begins in March and a day in it into a date.
func fromMarch(year, doy int) (y, month, day int) {
	m := (5*doy + 2) / 153
	day = doy - (153*m+2)/5 + 1
	month = m + 2
	if month > 11 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

// dayOf is the day since 1970 of a date. Month and day may be out of range.
func dayOf(year, month, day int) int64 {
	carry := floorDiv(int64(month), 12)
	y := int64(year) + carry
	m := int64(month) - carry*12
	if m < 2 {
		y--
	}
	doy := (153*((m+10)%12) + 2) / 5
	if d := gregorianDays(y) + doy + int64(day) - 1; d >= cutoverDay {
		return d
	}
	return julianDays(y) + doy + int64(day) - 1
}

func gregorianDays(y int64) int64 {
	return 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) - 719468
}

func julianDays(y int64) int64 { return 365*y + floorDiv(y, 4) - 719470 }

// Millis puts the fields Era to Millisecond together; values out of range run
// over into the next larger field, as a lenient calendar does.
func (f Fields) Millis(zone *time.Location) int64 {
	year := f.Year
	if f.Era == 0 {
		year = 1 - year
	}
	year = min(max(year, -maxYear), maxYear)
	day := dayOf(year, f.Month, 1) + int64(f.Day) - 1
	return localToInstant(day, f.timeOfDay(), zone)
}

// maxYear bounds years that a text may name.
const maxYear = 250_000

func (f Fields) timeOfDay() int64 {
	return ((int64(f.Hour)*60+int64(f.Minute))*60+int64(f.Second))*msPerSecond + int64(f.Millisecond)
}

// localToInstant turns local time into an instant. An hour that summer time
// skips is taken by standard time; of an hour that comes twice, the second.
func localToInstant(day, timeOfDay int64, zone *time.Location) int64 {
	local := day*msPerDay + timeOfDay
	local = min(max(local, minInstant), maxInstant)
	before, after := offsetAt(local-msPerDay, zone), offsetAt(local+msPerDay, zone)
	if before == after {
		if middle := offsetAt(local-before, zone); middle == before {
			return local - before
		}
	}
	low, high := min(before, after), max(before, after)
	if offsetAt(local-low, zone) == low {
		return local - low
	}
	if offsetAt(local-high, zone) == high {
		return local - high
	}
	return local - before
}

// firstRule is the year 1900: before it Java knows no changes of a zone and
// takes its standard time of today.
const firstRule = -2208988800000

func offsetAt(ms int64, zone *time.Location) int64 {
	t := time.UnixMilli(ms).In(zone)
	if ms < firstRule {
		t = time.UnixMilli(today).In(zone)
		if t.IsDST() {
			t = t.AddDate(0, 6, 0)
		}
	}
	_, seconds := t.Zone()
	return int64(seconds) * msPerSecond
}

// today is an instant, January 2026, that stands for the rules of today.
const today = 1767225600000

// WeekOfYear gives the week and the year that it belongs to, by the rules of
// the locale.
func (f Fields) WeekOfYear(l *Locale) (week, year int) {
	proleptic := f.Year
	if f.Era == 0 {
		proleptic = 1 - f.Year
	}
	day := dayOf(proleptic, 0, 1) + int64(f.YearDay) - 1
	for y := proleptic + 1; ; y-- {
		start := weekStart(dayOf(y, 0, 1), l)
		if day >= start {
			return int((day-start)/7) + 1, y
		}
	}
}

// WeekOfMonth is the week of the month; days before its first week are in week 0.
func (f Fields) WeekOfMonth(l *Locale) int {
	proleptic := f.Year
	if f.Era == 0 {
		proleptic = 1 - f.Year
	}
	first := dayOf(proleptic, f.Month, 1)
	return int(floorDiv(first+int64(f.Day)-1-weekStart(first, l), 7)) + 1
}

// weekStart is the first day of the first week of a year or month that begins
// on day first.
func weekStart(first int64, l *Locale) int64 {
	start := onOrBefore(first+6, l.firstDay)
	if start-first >= int64(l.minDays) {
		start -= 7
	}
	return start
}

// onOrBefore is the last given weekday not after day.
func onOrBefore(day int64, weekday int) int64 {
	ahead := int64(weekdayOf(day) - weekday)
	return day - (ahead - floorDiv(ahead, 7)*7)
}

// AppendDate appends Date.toString: "Tue Mar 03 00:00:00 UTC 2026".
func AppendDate(dst []byte, ms int64, zone *time.Location) []byte {
	f := FieldsOf(ms, zone)
	us := &localeENUS
	dst = append(dst, us.shortDays[f.Weekday-1]...)
	dst = append(append(dst, ' '), us.shortMonths[f.Month]...)
	dst = appendPadded(append(dst, ' '), f.Day, 2)
	dst = appendPadded(append(dst, ' '), f.Hour, 2)
	dst = appendPadded(append(dst, ':'), f.Minute, 2)
	dst = appendPadded(append(dst, ':'), f.Second, 2)
	dst = append(append(dst, ' '), ZoneAbbreviation(ms, zone)...)
	return appendPadded(append(dst, ' '), f.Year, 1)
}

// ZoneAbbreviation is the short name of the zone at an instant, as
// Date.toString writes it.
func ZoneAbbreviation(ms int64, zone *time.Location) string {
	name := zone.String()
	if name == "UTC" {
		return "UTC"
	}
	t := time.UnixMilli(ms).In(zone)
	abbreviation, offset := t.Zone()
	if strings.HasPrefix(abbreviation, "+") || strings.HasPrefix(abbreviation, "-") {
		abbreviation = ""
	}
	return localeENUS.zoneName(name, false, t.IsDST(), abbreviation, offset)
}
