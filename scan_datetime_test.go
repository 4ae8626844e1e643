package tidings

import (
	"testing"
	"time"
)

func TestDateTimesBecomeUTC(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1970-01-01T00:00:00", "1970-01-01T00:00:00"},
		{"9999-12-31T23:59:59", "9999-12-31T23:59:59"},
		{"2000-02-29T12:00:00", "2000-02-29T12:00:00"},
		{"2019-09-26T14:45:18Z", "2019-09-26T14:45:18"},
		{"2019-09-26T14:45:18.9", "2019-09-26T14:45:18"},
		{"2019-09-26T14:45:18.999999999999Z", "2019-09-26T14:45:18"},
		{"2019-09-26T14:45:18+03:00", "2019-09-26T11:45:18"},
		{"2019-09-26T14:45:18.5-0330", "2019-09-26T18:15:18"},
		{"2019-12-31T23:00:00-01", "2020-01-01T00:00:00"},
		{"1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00"},
	} {
		got, err := ParseDateTime(c.in)
		if err != nil || FormatDateTime(got) != c.want || got.Nanosecond() != 0 || got.Location() != time.UTC {
			t.Errorf("%s: %v %v, want %s", c.in, got, err, c.want)
		}
	}
}

func TestWhatIsNoDateTimeIsRefused(t *testing.T) {
	const zone = wantDateTime + ", perhaps with a fraction and with Z or an offset like +03:00"
	const day = "names a day that the calendar does not have"
	const hour = "names a time that the day does not have: use 00:00:00 to 23:59:59"
	const years = "is outside the years 1970 to 9999 (UTC)"
	for _, c := range []struct{ in, why string }{
		{"", wantDateTime},
		{"2019-09-26", wantDateTime},
		{"2019-09-26T14:45", wantDateTime},
		{"2019-09-26 14:45:18", wantDateTime},
		{"2019-09-26t14:45:18", wantDateTime},
		{"2019/09/26T14:45:18", wantDateTime},
		{"2019-9-026T14:45:18", wantDateTime},
		{"+019-09-26T14:45:18", wantDateTime},
		{"2019-09-26T14:45: 8", wantDateTime},
		{"2019-09-26T14:4a:18", wantDateTime},
		{"2019-09-26T14:45:18z", zone},
		{"2019-09-26T14:45:18 ", zone},
		{"2019-09-26T14:45:18.", zone},
		{"2019-09-26T14:45:18.Z", zone},
		{"2019-09-26T14:45:18,5Z", zone},
		{"2019-09-26T14:45:18+3", zone},
		{"2019-09-26T14:45:18+3:00", zone},
		{"2019-09-26T14:45:18+24:00", zone},
		{"2019-09-26T14:45:18+00:60", zone},
		{"2019-09-26T14:45:18+03:00Z", zone},
		{"2019-09-26T14:45:18*03:00", zone},
		{"2019-00-26T14:45:18", day},
		{"2019-13-26T14:45:18", day},
		{"2019-09-00T14:45:18", day},
		{"2019-09-31T14:45:18", day},
		{"2019-02-29T14:45:18", day},
		{"2100-02-29T14:45:18", day},
		{"2019-09-26T24:00:00", hour},
		{"2019-09-26T23:60:00", hour},
		{"2016-12-31T23:59:60Z", hour},
		{"0000-01-01T00:00:00", years},
		{"1969-12-31T23:59:59", years},
		{"1970-01-01T00:00:00+00:01", years},
		{"9999-12-31T23:59:59-00:01", years},
	} {
		_, err := ParseDateTime(c.in)
		if want := `"` + c.in + `" ` + c.why; err == nil || err.Error() != want || CodeOf(err) != CodeInvalid {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// 400 years of the calendar have all that it can do.
func TestEveryDayOfTheCalendarIsKnown(t *testing.T) {
	for at := time.Unix(minDateTime, 0).UTC(); at.Year() <= 1970+400; at = at.AddDate(0, 0, 1) {
		seconds, why := parseDateTime([]byte(at.Format(DateTimeLayout)))
		if seconds != at.Unix() || why != "" {
			t.Fatal(at, seconds, why)
		}
	}
}

// FuzzParseDateTime holds the parser against package time, which knows
// fractions and offsets, but takes other forms besides.
func FuzzParseDateTime(f *testing.F) {
	for _, s := range []string{
		"2019-09-26T14:45:18", "2019-09-26T14:45:18.25Z", "2020-02-29T23:59:59+03:00", "2019-02-29T00:00:00-0330", "1970-01-01T00:00:00+01",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseDateTime(s)
		if err != nil {
			return
		}
		for _, layout := range []string{DateTimeLayout, DateTimeLayout + "Z07:00", DateTimeLayout + "Z0700", DateTimeLayout + "Z07"} {
			if want, err := time.Parse(layout, s); err == nil {
				if got.Unix() != want.Unix() {
					t.Errorf("%q: %v, want %v", s, got, want)
				}
				if again, err := ParseDateTime(FormatDateTime(got)); err != nil || !again.Equal(got) {
					t.Errorf("%q: written again it is %v, %v", s, again, err)
				}
				return
			}
		}
		t.Errorf("%q is a time for ParseDateTime only: %v", s, got)
	})
}
