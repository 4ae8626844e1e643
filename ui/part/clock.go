package part

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clock writes times and numbers as an account reads them.
type Clock struct {
	Zone     *time.Location // nil = UTC
	Language string         // a BCP 47 tag of tidings.Languages; others read as en-GB
	Now      time.Time      // when the page is made: what relative times count from
}

// style is how a language writes dates and numbers with figures.
type style struct {
	date, time string
	group      string // between thousands
	least      int    // digits from which thousands are grouped
}

// The separators of thousands that are spaces.
const (
	noBreak       = "\u00a0"
	narrowNoBreak = "\u202f"
)

func (c Clock) style() style {
	switch c.Language {
	case "en-US":
		return style{"01/02/2006", "3:04:05 PM", ",", 4}
	case "de":
		return style{"02.01.2006", "15:04:05", ".", 4}
	case "es":
		return style{"02/01/2006", "15:04:05", ".", 5}
	case "fr":
		return style{"02/01/2006", "15:04:05", narrowNoBreak, 4}
	case "it":
		return style{"02/01/2006", "15:04:05", ".", 4}
	case "pl", "uk":
		return style{"02.01.2006", "15:04:05", noBreak, 5}
	}
	return style{"02/01/2006", "15:04:05", ",", 4}
}

func (c Clock) in(t time.Time) time.Time {
	if c.Zone == nil {
		return t.UTC()
	}
	return t.In(c.Zone)
}

// Date writes the day: 24/11/2026. The zero time is "never".
func (c Clock) Date(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return c.in(t).Format(c.style().date)
}

// Time writes the time of day, to the second. The zero time is "never".
func (c Clock) Time(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return c.in(t).Format(c.style().time)
}

// Minute writes the time of day, to the minute.
func (c Clock) Minute(t time.Time) string {
	return c.in(t).Format(strings.Replace(c.style().time, ":05", "", 1))
}

// DateTime writes the day and the time. The zero time is "never".
func (c Clock) DateTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return c.in(t).Format(c.style().date + " " + c.style().time)
}

// full is DateTime with its zone: what a tip says.
func (c Clock) full(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return c.DateTime(t) + " " + c.in(t).Format("MST")
}

// Relative writes how far a time is from now: "14 min ago", "in 2 h"; beyond a
// week it is the date. The zero time is "never".
func (c Clock) Relative(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := c.Now.Sub(t)
	switch {
	case d > -time.Second && d < time.Second:
		return "now"
	case d >= 7*24*time.Hour || d <= -7*24*time.Hour:
		return c.Date(t)
	case d > 0:
		return coarse(d) + " ago"
	}
	return "in " + coarse(-d)
}

// coarse writes a duration in its largest unit; static/tidings.js does the same.
func coarse(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}

// Duration writes how long something took or lasts: "84 ms",
// "2.5 s", "14 min", "3 h 20 min", "2 d 4 h".
func (c Clock) Duration(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	case d < time.Hour:
		return coarse(d)
	case d < 24*time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
	return two(int(d/(24*time.Hour)), "d", int(d%(24*time.Hour)/time.Hour), "h")
}

func two(large int, unit string, small int, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %d %s", large, unit, small, smallUnit)
}

// Number writes a whole number with its thousands apart: 1,204,331.
func (c Clock) Number(n int64) string {
	s := c.style()
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	if len(digits) < s.least {
		return sign + digits
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(s.group)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// until writes what is left as a counter: 07:42, 1:07:42; "now" when nothing is.
func (c Clock) until(t time.Time) string {
	left := int((t.Sub(c.Now) + time.Second - 1) / time.Second)
	switch {
	case left <= 0:
		return "now"
	case left < 3600:
		return fmt.Sprintf("%02d:%02d", left/60, left%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", left/3600, left/60%60, left%60)
}
