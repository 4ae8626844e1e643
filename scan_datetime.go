package tidings

import (
	"time"
)

// DateTimeLayout is activityDateTime on the wire, for package time: UTC, to
// the second, without a zone.
const DateTimeLayout = "2006-01-02T15:04:05"

// The instants that activityDateTime can name, in seconds since 1970 UTC.
const (
	minDateTime = 0            // 1970-01-01T00:00:00
	maxDateTime = 253402300799 // 9999-12-31T23:59:59
)

// FormatDateTime gives the wire form of t: UTC, cut to the second. The wire
// form exists for the years 1970 to 9999.
func FormatDateTime(t time.Time) string {
	return t.UTC().Format(DateTimeLayout)
}

func formatSeconds(seconds int64) string {
	return FormatDateTime(time.Unix(seconds, 0))
}

// ParseDateTime reads a date and time as the ingest takes it, and gives it in
// UTC, cut to the second: YYYY-MM-DDTHH:mm:ss, perhaps with a fraction, perhaps
// with Z or an offset (+03:00, +0300, +03); without one it is UTC. It must name
// a day of the calendar in the years 1970 to 9999 UTC. The error is CodeInvalid.
func ParseDateTime(s string) (time.Time, error) {
	seconds, why := parseDateTime([]byte(s))
	if why != "" {
		return time.Time{}, Errorf(CodeInvalid, "%q %s", clip(s), why)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

const wantDateTime = "must be a date and time like 2026-01-31T23:59:59"

// parseDateTime gives the seconds since 1970 UTC, or why it can't. The text is
// in the wire form already when it is as long as DateTimeLayout.
func parseDateTime(b []byte) (seconds int64, why string) {
	if len(b) < len(DateTimeLayout) ||
		b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, wantDateTime
	}
	year := two(b, 0)*100 + two(b, 2)
	month, day := two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	switch {
	case year|month|day|hour|minute|second < 0:
		return 0, wantDateTime
	case month < 1 || month > 12 || day < 1 || day > daysIn(year, month):
		return 0, "names a day that the calendar does not have"
	case hour > 23 || minute > 59 || second > 59:
		return 0, "names a time that the day does not have: use 00:00:00 to 23:59:59"
	}
	seconds = days(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	if len(b) > len(DateTimeLayout) {
		offset, ok := parseZone(b[len(DateTimeLayout):])
		if !ok {
			return 0, wantDateTime + ", perhaps with a fraction and with Z or an offset like +03:00"
		}
		seconds -= offset
	}
	if seconds < minDateTime || seconds > maxDateTime {
		return 0, "is outside the years 1970 to 9999 (UTC)"
	}
	return seconds, ""
}

// two reads the two digits at i: negative when they are not digits, also
// after sums with others.
func two(b []byte, i int) int {
	tens, units := b[i]-'0', b[i+1]-'0'
	if tens > 9 || units > 9 {
		return -1 << 20
	}
	return int(tens)*10 + int(units)
}

// parseZone reads what may follow the seconds, [.digits][Z|±HH[[:]MM]], and
// gives the offset in seconds east of UTC.
func parseZone(b []byte) (offset int64, ok bool) {
	if b[0] == '.' {
		end := digits(b, 1)
		if end == 1 {
			return 0, false
		}
		b = b[end:]
	}
	switch {
	case len(b) == 0, len(b) == 1 && b[0] == 'Z':
		return 0, true
	case len(b) < 3 || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	hours, minutes := two(b, 1), 0
	switch {
	case len(b) == 6 && b[3] == ':':
		minutes = two(b, 4)
	case len(b) == 5:
		minutes = two(b, 3)
	case len(b) != 3:
		return 0, false
	}
	if hours < 0 || minutes < 0 || hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// days counts the days from 1970-01-01 to a day of the proleptic Gregorian
// calendar. The year is counted from March, so that the leap day ends it.
func days(year, month, day int) int64 {
	if month < 3 {
		year, month = year-1, month+12
	}
	ofYear := (153*(month-3)+2)/5 + day - 1
	return int64(365*year + year/4 - year/100 + year/400 + ofYear - 719468)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
