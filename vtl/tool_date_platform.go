package vtl

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/vtl/internal/java"
)

// The methods of the platform's dateTool. Its formats are those of SimpleDateFormat;
// a text without one is in the first of these that it fits.
var platformFormats = [...]string{"dd/MM/yyyy HH:mm", "dd/MM/yyyy", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd"}

func platformNow(c *Call, _ []Value) (Value, error) {
	return c.formatDate(platformFormats[0], c.Now().UnixMilli(), c.r.javaLocale(), c.r.zone)
}

// platformNowIn is the time in a format, and in a zone by name.
func platformNowIn(c *Call, self Object, args []Value) (Value, error) {
	if args[0].kind != KindString {
		return Null, nil
	}
	zone := c.r.zone
	if len(args) == 2 {
		if args[1].kind != KindString {
			return Null, nil
		}
		zone = self.(*dateTool).zones.named(args[1].str())
	}
	return c.formatDate(args[0].str(), c.Now().UnixMilli(), c.r.javaLocale(), zone)
}

// platformFormat makes formatDate and formatInContactTimezone: both write in the
// zone of the render; from is the zone of texts, nil for that of the render.
func platformFormat(from *time.Location) []Method {
	return []Method{withArgs(2, func(c *Call, args []Value) (Value, error) {
		if args[0].kind != KindString {
			return Null, nil
		}
		zone := c.r.zone
		if from != nil {
			zone = from
		}
		ms, _, ok, err := c.platformDate(args[1], "", zone)
		if err != nil || !ok {
			return Null, err
		}
		return c.formatDate(args[0].str(), ms, c.r.javaLocale(), c.r.zone)
	})}
}

// platformDate takes a value as an instant. format is that of texts, "" for any of
// platformFormats; found is the one that fitted.
func (c *Call) platformDate(v Value, format string, zone *time.Location) (ms int64, found string, ok bool, err error) {
	if v.kind != KindString {
		ms, ok, err = c.millis(platformFormats[0], v, c.r.javaLocale(), zone)
		return ms, platformFormats[0], ok, err
	}
	if format != "" {
		ms, ok, err = c.millis(format, v, c.r.javaLocale(), zone)
		return ms, format, ok, err
	}
	if n, ok := java.ParseLong(v.str(), 10); ok {
		return n, platformFormats[0], true, nil
	}
	for _, f := range platformFormats {
		if ms, ok, err = c.millis(f, v, c.r.javaLocale(), zone); ok || err != nil {
			return ms, f, ok, err
		}
	}
	return 0, "", false, nil
}

// platformAdd makes addYears and its like: date, number, format of the date, format
// of the result.
func platformAdd(field calendarField) []Method {
	add := func(c *Call, args []Value) (Value, error) {
		for _, format := range args[2:] {
			if format.kind != KindString {
				return Null, nil
			}
		}
		format := ""
		if len(args) > 2 {
			format = args[2].str()
		}
		ms, format, ok, err := c.platformDate(args[0], format, c.r.zone)
		if err != nil || !ok {
			return Null, err
		}
		n, ok, err := c.mathNumber(args[1])
		if err != nil || !ok {
			return Null, err
		}
		if ms, ok = addToDate(ms, field, longOf(n), c.r.zone); !ok {
			return Null, nil
		}
		if len(args) == 4 {
			format = args[3].str()
		}
		return c.formatDate(format, ms, c.r.javaLocale(), c.r.zone)
	}
	return []Method{withArgs(2, add), withArgs(3, add), withArgs(4, add)}
}

// platformDiff is the whole units between two dates, never negative: a, b, the
// format if they are texts, the unit.
func platformDiff(c *Call, args []Value) (Value, error) {
	unit := args[len(args)-1]
	if unit.kind != KindString || len(args) == 4 && args[2].kind != KindString {
		return Null, nil
	}
	format := ""
	if len(args) == 4 {
		format = args[2].str()
	}
	// Both are taken as UTC, so that no change of the clocks lies between them.
	a, _, ok, err := c.platformDate(args[0], format, time.UTC)
	if err != nil || !ok {
		return Null, err
	}
	b, _, ok, err := c.platformDate(args[1], format, time.UTC)
	if err != nil || !ok {
		return Null, err
	}
	a, b = min(a, b), max(a, b)
	switch strings.ToUpper(unit.str()) {
	case "YEARS":
		return Int(int64(monthsBetween(a, b) / 12)), nil
	case "MONTHS":
		return Int(int64(monthsBetween(a, b))), nil
	case "DAYS":
		return Int((b - a) / msDay), nil
	case "HOURS":
		return Int((b - a) / msHour), nil
	case "MINUTES":
		return Int((b - a) / msMinute), nil
	}
	return Null, nil
}

// monthsBetween is the whole months from a to b, which is not before it.
func monthsBetween(a, b int64) int {
	from, to := java.FieldsOf(a, time.UTC), java.FieldsOf(b, time.UTC)
	months := (yearOf(to)-yearOf(from))*12 + to.Month - from.Month
	from.Year, from.Month, from.Era = to.Year, to.Month, to.Era
	if from.Millis(time.UTC) > b && months > 0 {
		months--
	}
	return months
}

// zoneCache keeps the time zones that templates named. It is safe for concurrent
// use. Only names of the database are looked up, so it is bounded by them, and so is
// the reading of the database, which happens once for each zone.
type zoneCache struct {
	mu    sync.Mutex
	known map[string]*time.Location
}

func newZoneCache() *zoneCache { return &zoneCache{known: make(map[string]*time.Location)} }

// named finds a zone by its name or as GMT+3, UTC-05:30, +02:00; UTC if there is
// no such zone, as in Java.
func (z *zoneCache) named(name string) *time.Location {
	if offset, ok := offsetZone(name); ok {
		return offset
	}
	if !java.KnownZone(name) {
		return time.UTC
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if zone, ok := z.known[name]; ok {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = time.UTC // the machine has no database
	}
	z.known[strings.Clone(name)] = zone
	return zone
}

// offsetZone reads a zone that is written as its distance from UTC.
func offsetZone(name string) (*time.Location, bool) {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, "GMT"), "UTC")
	if rest == "" || rest[0] != '+' && rest[0] != '-' {
		return nil, false
	}
	hours, minutes, _ := strings.Cut(rest[1:], ":")
	if minutes == "" && len(hours) == 4 {
		hours, minutes = hours[:2], hours[2:]
	}
	h, err := strconv.ParseUint(hours, 10, 8)
	m := uint64(0)
	if err == nil && minutes != "" {
		m, err = strconv.ParseUint(minutes, 10, 8)
	}
	if err != nil || h > 18 || m > 59 {
		return nil, false
	}
	seconds := int(h*3600 + m*60)
	if rest[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone(name, seconds), true
}
