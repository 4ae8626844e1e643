package workflow

import (
	"testing"
	"time"

	"tidings"
)

func TestATimerWaitsUntilTheClockOfItsZoneSaysSo(t *testing.T) {
	days := func(d ...int) []int { return d }
	for _, c := range []struct {
		what  string
		timer tidings.Timer
		from  string // UTC
		zone  string // of the contact
		until string // UTC
	}{
		{"a duration", tidings.Timer{Seconds: 90}, "2026-03-01T10:00:00Z", "UTC", "2026-03-01T10:01:30Z"},
		{"a duration over a change of clocks is as long as any", tidings.Timer{Seconds: 86400}, "2026-03-28T20:00:00Z", "Europe/Kyiv", "2026-03-29T20:00:00Z"},
		{"a time later today", tidings.Timer{At: "12:00"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-01T12:00:00Z"},
		{"a time that is now", tidings.Timer{At: "10:00"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-01T10:00:00Z"},
		{"a time that is over", tidings.Timer{At: "09:59"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-02T09:59:00Z"},
		{"a duration, then a time", tidings.Timer{Seconds: 7200, At: "11:00"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-02T11:00:00Z"},
		{"the contact's zone", tidings.Timer{At: "09:00", Zone: "contact"}, "2026-01-10T06:30:00Z", "Europe/Kyiv", "2026-01-10T07:00:00Z"},
		{"the contact's day is another", tidings.Timer{At: "00:30", Zone: "contact"}, "2026-01-10T23:00:00Z", "Asia/Tokyo", "2026-01-11T15:30:00Z"},
		{"a zone of its own", tidings.Timer{At: "09:00", Zone: "America/New_York"}, "2026-01-10T06:30:00Z", "Europe/Kyiv", "2026-01-10T14:00:00Z"},
		{"UTC when none is said", tidings.Timer{At: "09:00"}, "2026-01-10T06:30:00Z", "Asia/Tokyo", "2026-01-10T09:00:00Z"},

		{"a weekday later this week (2026-03-01 is a Sunday)", tidings.Timer{Weekdays: days(3)}, "2026-03-01T10:00:00Z", "UTC", "2026-03-04T00:00:00Z"},
		{"a weekday that is today", tidings.Timer{Weekdays: days(1, 7)}, "2026-03-01T10:00:00Z", "UTC", "2026-03-01T10:00:00Z"},
		{"a weekday with a time that is over waits a week", tidings.Timer{Weekdays: days(7), At: "09:00"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-08T09:00:00Z"},
		{"a weekday with a time to come", tidings.Timer{Weekdays: days(7), At: "19:00"}, "2026-03-01T10:00:00Z", "UTC", "2026-03-01T19:00:00Z"},
		{"the nearest of several", tidings.Timer{Weekdays: days(5, 2), At: "09:00"}, "2026-03-03T10:00:00Z", "UTC", "2026-03-06T09:00:00Z"},
		{"the weekday is told in the zone", tidings.Timer{Weekdays: days(1), Zone: "contact"}, "2026-03-01T22:30:00Z", "Europe/Kyiv", "2026-03-01T22:30:00Z"},

		{"the clocks go forward: 02:30 is skipped and comes as 03:30", tidings.Timer{At: "02:30", Zone: "contact"}, "2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T01:30:00Z"},
		{"and the day after it is there again", tidings.Timer{At: "02:30", Zone: "contact"}, "2026-03-29T02:00:00Z", "Europe/Berlin", "2026-03-30T00:30:00Z"},
		{"before the clocks go forward", tidings.Timer{At: "01:30", Zone: "contact"}, "2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T00:30:00Z"},
		{"after they went forward", tidings.Timer{At: "09:00", Zone: "contact"}, "2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T07:00:00Z"},
		{"the clocks go back: 02:30 comes twice, the first is it", tidings.Timer{At: "02:30", Zone: "contact"}, "2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25T00:30:00Z"},
		{"the first is over: tomorrow", tidings.Timer{At: "02:30", Zone: "contact"}, "2026-10-25T00:31:00Z", "Europe/Berlin", "2026-10-26T01:30:00Z"},
		{"after they went back", tidings.Timer{At: "09:00", Zone: "contact"}, "2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25T08:00:00Z"},
		{"west of Greenwich, forward", tidings.Timer{At: "02:15", Zone: "contact"}, "2026-03-08T05:00:00Z", "America/New_York", "2026-03-08T07:15:00Z"},
		{"west of Greenwich, back", tidings.Timer{At: "01:15", Zone: "contact"}, "2026-11-01T04:00:00Z", "America/New_York", "2026-11-01T05:15:00Z"},
		{"half an hour, back (Lord Howe)", tidings.Timer{At: "01:45", Zone: "contact"}, "2026-04-04T10:00:00Z", "Australia/Lord_Howe", "2026-04-04T14:45:00Z"},
		{"half an hour, forward (Lord Howe)", tidings.Timer{At: "02:15", Zone: "contact"}, "2026-10-03T12:00:00Z", "Australia/Lord_Howe", "2026-10-03T15:45:00Z"},
		{"midnight is skipped (Beirut)", tidings.Timer{Weekdays: days(7), Zone: "contact"}, "2026-03-28T10:00:00Z", "Asia/Beirut", "2026-03-28T22:00:00Z"},
		{"a day that does not exist (Samoa, 2011-12-30)", tidings.Timer{At: "09:00", Zone: "contact"}, "2011-12-30T05:00:00Z", "Pacific/Apia", "2011-12-30T19:00:00Z"},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := timerEnd(&c.timer, from, zone).UTC().Format(time.RFC3339); got != c.until {
			t.Errorf("%s: until %s, want %s", c.what, got, c.until)
		}
	}
}
