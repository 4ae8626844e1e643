package java

import "time"

// Append appends the instant in the zone as SimpleDateFormat.format does.
func (f *DateFormat) Append(dst []byte, ms int64, zone *time.Location) []byte {
	fields := FieldsOf(ms, zone)
	w := dateWriter{Fields: fields, solo: f.solo, l: f.locale, ms: ms, zone: zone}
	r := patternReader{src: f.pattern}
	for t, ok := r.next(); ok; t, ok = r.next() {
		if t.letter == 0 {
			dst = append(dst, t.text...)
		} else {
			dst = w.field(dst, t)
		}
	}
	if f.zoneID {
		dst = append(append(dst, ' '), zoneID(zone)...)
	}
	return dst
}

// zoneID is the name of the zone. The reference engine formats with a default
// zone that calls itself GMT, so UTC is that here; Etc/UTC is UTC.
func zoneID(zone *time.Location) string {
	if name := zone.String(); name != "UTC" {
		return name
	}
	return "GMT"
}

// dateWriter writes the fields of one instant.
type dateWriter struct {
	Fields
	solo bool
	l    *Locale
	ms   int64
	zone *time.Location
}

func (w *dateWriter) field(dst []byte, t token) []byte {
	switch t.letter {
	case 'G':
		if t.count >= 4 {
			return append(dst, w.l.longEras[w.Era]...)
		}
		return append(dst, w.l.eras[w.Era]...)
	case 'y', 'Y':
		return w.year(dst, t)
	case 'M', 'L':
		return w.month(dst, t)
	case 'E':
		if t.count >= 4 {
			return append(dst, w.l.days[w.Weekday-1]...)
		}
		return append(dst, w.l.shortDays[w.Weekday-1]...)
	case 'a':
		return append(dst, w.l.ampm[w.Hour/12]...)
	case 'z':
		return append(dst, w.zoneName(t.count >= 4)...)
	case 'Z':
		return appendOffset(dst, w.Offset/msPerSecond, false)
	case 'X':
		return w.isoZone(dst, t.count)
	}
	return appendPadded(dst, w.number(t.letter), t.count)
}

// number is the value of a field that is always written as a number.
func (w *dateWriter) number(letter byte) int {
	switch letter {
	case 'w':
		week, _ := w.WeekOfYear(w.l)
		return week
	case 'W':
		return w.WeekOfMonth(w.l)
	case 'D':
		return w.YearDay
	case 'd':
		return w.Day
	case 'F':
		return (w.Day-1)/7 + 1
	case 'H':
		return w.Hour
	case 'k':
		return from1(w.Hour, 24)
	case 'K':
		return w.Hour % 12
	case 'h':
		return from1(w.Hour%12, 12)
	case 'm':
		return w.Minute
	case 's':
		return w.Second
	case 'S':
		return w.Millisecond
	}
	return (w.Weekday+5)%7 + 1 // u: 1 is Monday
}

// from1 counts an hour from 1: midnight is the last.
func from1(hour, last int) int {
	if hour == 0 {
		return last
	}
	return hour
}

func (w *dateWriter) year(dst []byte, t token) []byte {
	year := w.Year
	if t.letter == 'Y' {
		_, year = w.WeekOfYear(w.l)
		if year < 0 {
			dst, year = append(dst, '-'), -year
		}
	}
	if t.count == 2 {
		return appendPadded(dst, year%100, 2)
	}
	return appendPadded(dst, year, t.count)
}

func (w *dateWriter) month(dst []byte, t token) []byte {
	long := t.count >= 4
	switch solo := w.solo || t.letter == 'L'; {
	case t.count < 3:
		return appendPadded(dst, w.Month+1, t.count)
	case long && solo:
		return append(dst, w.l.soloMonths[w.Month]...)
	case long:
		return append(dst, w.l.months[w.Month]...)
	case solo:
		return append(dst, w.l.soloShortMonths[w.Month]...)
	}
	return append(dst, w.l.shortMonths[w.Month]...)
}

func (w *dateWriter) zoneName(long bool) string {
	abbreviation, offset := time.UnixMilli(w.ms).In(w.zone).Zone()
	return w.l.zoneName(zoneID(w.zone), long, w.Summer != 0, abbreviation, offset)
}

func (w *dateWriter) isoZone(dst []byte, count int) []byte {
	seconds := w.Offset / msPerSecond
	if seconds == 0 {
		return append(dst, 'Z')
	}
	dst = appendOffset(dst, seconds, count == 3)
	if count == 1 {
		dst = dst[:len(dst)-2]
	}
	return dst
}
