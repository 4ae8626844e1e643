package workflow

import (
	"slices"
	"time"

	"tidings"
)

// timerEnd says until when a timer waits that a run comes to at a time: for
// its duration, then until the next time of day, on one of its weekdays. A zone tells the time of
// day and the weekday; contact is the zone of the run's contact.
//
// Weekdays without a time of day are their beginning; on such a day the timer
// does not wait. A time of day that the clocks skip is as much later as they
// skip; one that comes twice is the first. It is a pure function.
func timerEnd(t *tidings.Timer, from time.Time, contact *time.Location) time.Time {
	after := from.Add(time.Duration(t.Seconds) * time.Second)
	hour, minute, timed := t.Clock()
	if !timed && len(t.Weekdays) == 0 {
		return after
	}
	local := after.In(timerZone(t, contact))
	// A week and a day: today's time may be over, and the weekday be today's only.
	for days := range 9 {
		at := clockAt(local, days, hour, minute)
		if !onWeekday(t, local.AddDate(0, 0, days)) {
			continue
		}
		if !timed && days == 0 {
			return after // today is one of the days
		}
		if !at.Before(after) {
			return at
		}
	}
	return after // not reached: every weekday comes within nine days
}

func timerZone(t *tidings.Timer, contact *time.Location) *time.Location {
	switch t.Zone {
	case "":
		return time.UTC
	case tidings.ZoneContact:
		return contact
	}
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		return time.UTC // it was known when the workflow was saved
	}
	return zone
}

// clockAt gives a time of day some days after a day, in the day's zone.
func clockAt(day time.Time, days, hour, minute int) time.Time {
	zone := day.Location()
	offset := func(at time.Time) time.Duration {
		_, seconds := at.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	wall := time.Date(day.Year(), day.Month(), day.Day()+days, hour, minute, 0, 0, time.UTC)
	before := offset(wall.Add(-24 * time.Hour))
	at := wall.Add(-before)
	after := offset(at)
	if after == before {
		return at.In(zone) // also the first of two
	}
	if later := wall.Add(-after); offset(later) == after {
		return later.In(zone) // the clocks were changed earlier that day
	}
	return at.In(zone) // the clocks skip it
}

func onWeekday(t *tidings.Timer, day time.Time) bool {
	if len(t.Weekdays) == 0 {
		return true
	}
	weekday := int(day.Weekday())
	if weekday == 0 {
		weekday = 7 // Sunday
	}
	return slices.Contains(t.Weekdays, weekday)
}
